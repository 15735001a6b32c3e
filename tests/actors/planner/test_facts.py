"""Facts after any edits equal those of a fresh start, in one process and from a plan; and little is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, event, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from actors.digests import NO_STAMP, digest
from actors.messages import BuildSettings, Destination, KnownSource, SnapshotSettings
from actors.planner import layers
from actors.planner.facts import Facts
from actors.planner.phases.ending import planned_module
from actors.planner.reports import reason as reason_of
from actors.planner.table import PLAN_VERSION, READERS, Layer, Need, Plan, PlannedModule, Reach, Row, settings_digest
from tests.actors.planner.plain_projects import learn, sources, summary, supply

DOCUMENT = Path(__file__).parents[3] / "docs/facts.md"
SETTINGS = BuildSettings()
IDENTITY = digest(b"toolchain")
PRECISE, TRANSITIVE = BuildSettings(invalidation="precise"), BuildSettings()
Texts = dict[str, str]
BASE = {"a": "use b::g\npub f = g", "b": "use c::h\npub g = h", "c": "pub h = 1", "d": "pub k = 1"}


def whole(texts: Texts, settings: BuildSettings, identity: str = IDENTITY) -> Facts:
    """All of it, from nothing."""
    facts = Facts(identity)
    learn(facts, texts, settings)
    return facts


def all_keys(facts: Facts) -> dict[str, str]:
    return {module: row.key for module, row in facts.rows.items() if row.key}


def keys(texts: dict[str, str], settings: BuildSettings = SETTINGS, identity: str = IDENTITY) -> dict[str, str]:
    return all_keys(whole(texts, settings, identity))


def with_other_keys(texts: dict[str, str]) -> set[str]:
    before, after = keys(BASE), keys(texts)
    return {module for module in before.keys() | after.keys() if before.get(module) != after.get(module)}


def test_an_edit_changes_the_keys_of_the_module_and_of_all_above() -> None:
    assert with_other_keys({**BASE, "c": "pub h = 2"}) == {"a", "b", "c"}
    assert with_other_keys({**BASE, "b": BASE["b"] + " h"}) == {"a", "b"}
    assert with_other_keys({**BASE, "d": "pub k = 2"}) == {"d"}
    assert with_other_keys(BASE) == set()


def test_a_new_module_that_could_have_been_meant_changes_the_key() -> None:
    texts = {"x/y": "pub z = 1", "main": "use x::y\nrun y"}
    assert keys(texts)["main"] != keys({**texts, "x": "pub other = 1"})["main"]


def test_a_new_item_behind_a_glob_changes_the_key_only_where_its_name_occurs() -> None:
    before = {"a": "pub f = 1", "main": "use a::*\nrun f println"}
    with_println = {**before, "a": "pub f = 1\npub println = 2"}
    plain, shadowed = manifest(before, "main"), manifest(with_println, "main")
    assert plain["resolution"] != shadowed["resolution"]
    assert manifest({**before, "a": "pub f = 1\npub other = 2"}, "main")["resolution"] == plain["resolution"]


def manifest(texts: dict[str, str], module: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(whole(texts, SETTINGS).key_origins[module].manifest)
    return found


def test_members_of_a_cycle_share_a_component_and_have_keys_of_their_own() -> None:
    cycle = {"a": "use b::g\npub f = g", "b": "use a::f\npub g = f", "c": "use a::f\nrun f"}
    first, second = keys(cycle), keys({**cycle, "b": cycle["b"] + " g"})
    assert len(set(first.values())) == 3
    assert all(first[module] != second[module] for module in cycle)
    assert manifest(cycle, "a")["component"] == manifest(cycle, "b")["component"] != ""
    assert manifest(cycle, "a")["imports"] == {}
    assert manifest(cycle, "c")["component"] == ""


@pytest.mark.parametrize(
    "settings",
    [
        BuildSettings(target="wasm64"),
        BuildSettings(options={"profile": "release"}),
        BuildSettings(invalidation="precise"),
    ],
)
def test_what_changes_code_changes_every_key(settings: BuildSettings) -> None:
    assert keys(BASE, settings).keys() == keys(BASE).keys()
    assert not set(keys(BASE, settings).values()) & set(keys(BASE).values())


def test_another_toolchain_changes_every_key() -> None:
    assert not set(keys(BASE, identity=digest(b"other")).values()) & set(keys(BASE).values())


@pytest.mark.parametrize(
    "settings",
    [
        BuildSettings(
            jobs=8,
            destination=Destination(path="/elsewhere"),
            keep_going=False,
            snapshot=SnapshotSettings(name="x"),
            profile="p",
        )
    ],
)
def test_what_does_not_change_code_changes_no_key(settings: BuildSettings) -> None:
    assert keys(BASE, settings) == keys(BASE)


def test_a_module_above_one_without_summary_has_no_key() -> None:
    assert set(keys({**BASE, "c": "syntax"})) == {"d"}


def test_a_manifest_holds_no_path_of_this_machine_and_no_time() -> None:
    found = manifest(BASE, "a")
    assert set(found) == {
        "schema", "kind", "module", "path", "toolchain", "target", "options", "source", "resolution", "invalidation",
        "component", "imports",
    }  # fmt: skip
    assert found["path"] == "a.plain"


# ---- any edits

edits = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "x", "x/y"]),
        st.sampled_from(
            [
                None,
                "pub f = 1",
                "use b::g\npub f = g",
                "use x::y\nrun y y::z",
                "use a::*\nuse c::*\npub g = f h",
                "use c::h\npub g = h",
                "pub h = 1\npub z = h",
                "h = 1",
                "syntax",
                "use a\npub use_it = a::f",
            ]
        ),
    ),
    max_size=12,
)


@example([("x", "pub f = 1"), ("x/y", "use x::y\nrun y y::z"), ("x", "syntax")])
@example([("x", "pub f = 1"), ("a", "use x::gone::*"), ("x", "syntax")])
@example([("x", "pub f = y\npub y = 1"), ("a", "use x::*\npub g = f"), ("x", "pub f = y\npub y = 2")])
@given(edits)
def test_any_sequence_of_edits_equals_a_fresh_start(steps: list[tuple[str, str | None]]) -> None:
    for invalidation in ("transitive", "precise"):
        edits_equal_a_fresh_start(steps, BuildSettings(invalidation=invalidation))


def edits_equal_a_fresh_start(steps: list[tuple[str, str | None]], settings: BuildSettings) -> None:
    texts = dict(BASE)
    kept = Facts(IDENTITY)
    learn(kept, texts, settings)
    for module, text in steps:
        if text is None:
            texts.pop(module, None)
        else:
            texts[module] = text
        learn(kept, texts, settings)
        same(kept, whole(texts, settings))
        kept.forget()


def same(kept: Facts, fresh: Facts) -> None:
    """Every row and value that both have at hand, and all of those that are wanted."""
    for row in fresh.rows:
        for facts in (kept, fresh):
            facts.resolution_digest(row)
            if facts.key(row) and (facts.is_whole or row in facts.touched):
                facts.parts(row)
    assert {one: as_row(kept, one) for one in kept.rows} == {one: as_row(fresh, one) for one in fresh.rows}
    clean = [one for one in fresh.rows if fresh.key(one) and one not in kept.dirty[Layer.PARTS]]
    assert {one: kept.rows[one].parts for one in clean} == {one: fresh.rows[one].parts for one in clean}
    assert kept.graph.imports == fresh.graph.imports
    assert (kept.broken, kept.troubled) == (fresh.broken, fresh.troubled)
    assert {one: kept.resolved[one] for one in kept.resolved} == {one: fresh.resolved[one] for one in kept.resolved}
    for module in kept.touched:
        assert kept.key_origins[module].manifest == fresh.key_origins[module].manifest
        if kept.can_compile(module):
            assert kept.fingerprints(module) == fresh.fingerprints(module)
            assert kept.job(module) == fresh.job(module)


def as_row(facts: Facts, module: str) -> tuple[object, ...]:
    """A module's row, but for parts, which are made where they are wanted."""
    return tuple(getattr(facts.rows[module], field) for field in Row.__struct_fields__ if field != "parts")


# ---- from a plan


def plan_of(facts: Facts, settings: BuildSettings, *, broken: bool = False) -> Plan:
    """What a build leaves. Where something is `broken`, what is condemned has no object, and nothing above it."""
    bad = {module for module in facts.rows if not facts.key(module)} | facts.graph.transitive_dependents(facts.troubled)
    assert broken or not bad
    modules = {
        module: planned_module(
            facts,
            module,
            None,
            object_digest="" if module in bad else digest(b"object " + module.encode()),
            duration_ms=1.0,
            functions=1,
            warnings=(),
        )
        for module in facts.sources
    }
    return Plan(PLAN_VERSION, IDENTITY, settings_digest(settings), modules, succeeded=not bad)


class NewProcess:
    """A new process: it has the plan and the sources, and looks up summaries as it is asked to."""

    def __init__(self, before: Texts, after: Texts, settings: BuildSettings) -> None:
        self.old = whole(before, settings)
        self.plan = plan_of(self.old, settings, broken=True)
        self.facts = Facts(IDENTITY)
        self.facts.adopt(self.plan.modules, settings)
        self.facts.take((), sources(after), ())
        self.asked = supply(self.facts, after, settings, self.plan.modules)
        """The modules whose summaries were looked up."""


NAMES = ["a", "b", "c", "d", "e", "f/x"]
ITEMS = ["f", "g", "h"]
USED = [f"{module.replace('/', '::')}::{item}" for module in NAMES for item in [*ITEMS, "*"]]
words = st.lists(st.sampled_from([*ITEMS, "p", "q", "a::f", "f::x::g", "println"]), max_size=3).map(" ".join)


@st.composite
def right(draw: st.DrawFn, module: str) -> str:
    """A module that has all items, and imports others' under names of its own."""
    own = module.replace("/", "::")
    used = st.sampled_from([path for path in USED if not path.startswith(f"{own}::") and not path.endswith("*")])
    lines = [f"use {draw(used)} as {alias}" for alias in ("p", "q") if draw(st.booleans())]
    known = {"p", "q"} & {line[-1] for line in lines} | {*ITEMS, "println"}
    lines += [
        f"pub {item} = " + " ".join(word for word in draw(words).split() if word in known or "::" in word)
        for item in ITEMS
    ]
    return "\n".join(lines + ["run " + draw(words)] * draw(st.booleans()))


projects = st.fixed_dictionaries({module: right(module) for module in NAMES})
anything = st.lists(
    st.one_of(
        st.sampled_from(USED).map(lambda path: f"use {path}"),
        st.tuples(st.sampled_from(["pub f = ", "pub g = ", "pub h = ", "h = ", "run "]), words).map("".join),
    ),
    max_size=5,
).map("\n".join)
inside = words.map("run {}".format)
"""Such a line alone is one more line of the module, which nobody else can see."""
changes = st.sampled_from(NAMES).flatmap(
    lambda module: st.one_of(right(module), inside, inside, anything).map(lambda text: {module: text})
)


def differing(one: Facts, other: Facts) -> list[str]:
    return sorted(module for module in one.sources if one.key(module) and one.key(module) != other.key(module))


@given(projects, changes, st.sampled_from([PRECISE, TRANSITIVE]))
@example(
    {"a": "use b::g\npub f = g", "b": "use c::h\npub g = h", "c": "pub h = 1", "d": "", "e": "", "f/x": ""},
    {"c": "pub h = 2"},
    PRECISE,
)
def test_a_new_process_equals_the_whole(before: Texts, change: Texts, settings: BuildSettings) -> None:
    (module, text), *_ = change.items()
    after = before | {module: f"{before[module]}\n{text}" if text.startswith("run ") and "\n" not in text else text}
    assume(before != after)
    process, new = NewProcess(before, after, settings), whole(after, settings)
    facts, planned = process.facts, process.plan.modules
    event("right" if process.plan.succeeded else "wrong before")
    event("broken" if new.broken else "troubled" if new.troubled else "well")
    again = {one for one in planned if not planned[one].object} | facts.troubled
    assert facts.touched == sorted({*differing(new, process.old), *[one for one in again if new.key(one)]})
    same(facts, new)
    for module in facts.touched:
        assert facts.parts(module) == new.parts(module)
        if module in facts.as_before:
            event("an object to be had again")
            assert facts.parts(module) == process.old.parts(module)
        else:
            assert facts.can_compile(module)
    if process.plan.succeeded and not new.broken and not new.troubled:
        made = plan_of(new, settings).modules
        assert made == planned | {
            one: planned_module(
                facts, one, planned[one], object_digest=made[one].object, duration_ms=1.0, functions=1, warnings=()
            )
            for one in facts.remade
        }


steps = st.lists(st.tuples(st.one_of(changes, st.sampled_from([*NAMES, "syntax"])), st.booleans()), max_size=5)


@pytest.mark.slow
@hypothesis_settings(
    max_examples=30 if hypothesis_settings().max_examples == 100 else hypothesis_settings().max_examples
)
@given(projects, steps, st.sampled_from([PRECISE, TRANSITIVE]))
def test_any_sequence_of_edits_and_processes_equals_the_whole(
    texts: Texts, steps: list[tuple[Texts | str, bool]], settings: BuildSettings
) -> None:
    """Each process goes on from what the last one left, right or wrong, and has what it learned at hand."""
    facts = whole(texts, settings)
    planned = plan_of(facts, settings, broken=True).modules
    facts.forget()
    for change, restart in steps:
        if change == "syntax":
            texts = texts | {min(texts, default="a"): "syntax"}
        elif isinstance(change, str):
            texts = {module: text for module, text in texts.items() if module != change}
        else:
            texts = texts | change
        if restart:
            facts = Facts(IDENTITY)
            facts.adopt(planned, settings)
        facts.take((), sources(texts), ())
        supply(facts, texts, settings, planned)
        same(facts, whole(texts, settings))
        planned = plan_of_all(facts, planned)
        facts.forget()


def plan_of_all(facts: Facts, before: dict[str, PlannedModule]) -> dict[str, PlannedModule]:
    """As a build leaves it that went on from another one's."""
    bad = {module for module in facts.rows if not facts.key(module)} | facts.graph.transitive_dependents(facts.troubled)
    return {
        module: planned_module(
            facts,
            module,
            before.get(module),
            object_digest="" if module in bad else digest(facts.key(module).encode()),
            duration_ms=1.0,
            functions=1,
            warnings=(),
        )
        for module in facts.sources
    }


CHAIN = {f"m{number}": f"use m{number + 1}::f\npub f = f" for number in range(299)} | {"m299": "pub f = 1"}
"""Each sees only that the next one has an `f`; what that is, is seen by nobody in an interface of scalars."""
WIDE = {f"w{number}": "x = 1" for number in range(300)}


def test_no_edit_asks_for_nothing() -> None:
    for settings in (PRECISE, TRANSITIVE):
        process = NewProcess(WIDE, WIDE, settings)
        assert (process.asked, process.facts.touched, process.facts.remade) == (set(), [], set())


def test_a_private_change_asks_for_the_module_and_its_imports() -> None:
    before = WIDE | {"a": "use b::f\nuse c::g\nx = f g", "b": "use d::h\npub f = 1", "c": "pub g = 2", "d": "pub h = 3"}
    after = before | {"a": "use b::f\nuse c::g\nx = f g g"}
    for settings in (PRECISE, TRANSITIVE):
        process = NewProcess(before, after, settings)
        assert process.facts.touched == ["a"]
        assert process.asked == {"a", "b", "c"}


def test_what_is_built_upon_it_is_asked_for_under_transitive_alone() -> None:
    before = WIDE | {"top": "use a::f\nx = f", "a": "use b::g\npub f = 1\nx = g", "b": "pub g = 1", "other": "use b::g"}
    after = before | {"a": "use b::g\npub f = 1\nx = g g"}
    process = NewProcess(before, after, TRANSITIVE)
    assert process.facts.touched == ["a", "top"]
    assert process.facts.as_before == {"top"}
    assert process.asked == {"a", "b", "top"}
    process = NewProcess(before, after, PRECISE)
    assert process.facts.touched == ["a"]
    assert process.asked == {"a", "b"}


def test_a_changed_interface_reaches_as_far_as_it_goes() -> None:
    before = WIDE | {"a": "use b::f\npub e = f", "b": "use c::g\npub f = g", "c": "pub g = 1", "d": "use a::e\nx = e"}
    process = NewProcess(before, before | {"c": "pub g = 2"}, PRECISE)
    assert process.facts.touched == ["a", "b", "c", "d"]
    assert process.asked == {"a", "b", "c", "d"}


def test_what_an_interface_drags_in_is_asked_for_where_it_leads() -> None:
    before = WIDE | {"a": "use b::f\nx = f", "b": "use c::g\npub f = g", "c": "use d::h\npub g = h", "d": "pub h = 1"}
    process = NewProcess(before, before | {"a": "use b::f\nx = f f"}, PRECISE)
    assert process.facts.touched == ["a"]
    assert process.asked == {"a", "b", "c", "d"}


def test_a_change_below_almost_everything_asks_for_all_of_it_at_once() -> None:
    process = NewProcess(CHAIN, CHAIN, TRANSITIVE)
    facts = process.facts
    facts.take((), sources(CHAIN | {"m299": "pub f = 2"}), ())
    needs: list[Need] = []
    while (need := facts.update(TRANSITIVE, process.plan.modules)) is not None:
        needs.append(need)
        for module in need.summaries:
            found = summary(module, "pub f = 2" if module == "m299" else CHAIN[module])
            assert found is not None
            facts.learn(module, found)
    assert [len(one.summaries) for one in needs] == [1, 299]
    assert len(facts.touched) == 300


def test_an_error_and_its_mending_ask_for_what_they_reach() -> None:
    right = WIDE | {"a": "use b::f\nx = f", "b": "pub f = 1"}
    wrong = right | {"b": "pub g = 1"}
    process = NewProcess(right, wrong, TRANSITIVE)
    assert (process.facts.troubled, process.facts.touched, process.asked) == ({"a"}, ["a", "b"], {"a", "b"})
    mended = NewProcess(wrong, right, TRANSITIVE)
    assert (mended.facts.troubled, mended.facts.touched, mended.asked) == (set(), ["a", "b"], {"a", "b"})
    broken = NewProcess(right, right | {"b": "syntax"}, TRANSITIVE)
    assert (broken.facts.broken, broken.facts.touched, broken.asked) == ({"b"}, [], {"a", "b"})
    mended = NewProcess(right | {"b": "syntax"}, right, TRANSITIVE)
    assert (mended.facts.broken, mended.facts.touched, mended.asked) == (set(), ["a", "b"], {"a", "b"})


def test_rows_of_a_plan_are_never_written_to() -> None:
    old = whole(BASE, TRANSITIVE)
    plan, again = plan_of(old, TRANSITIVE), plan_of(old, TRANSITIVE)
    facts = Facts(IDENTITY)
    facts.adopt(plan.modules, TRANSITIVE)
    learn(facts, {**BASE, "c": "pub h = 2", "d": "use a::f"})
    assert plan == again


def test_a_source_that_changes_while_summaries_are_looked_up() -> None:
    """Rows that the first text made dirty stay dirty, and are made of the second."""
    facts = whole(BASE, TRANSITIVE)
    facts.take((), sources({**BASE, "c": "pub x = 1"}), ())
    need = facts.update(TRANSITIVE)
    assert need is not None and set(need.summaries) == {"c"}
    found = summary("c", "pub x = 1")
    assert found is not None
    facts.learn("c", found)
    assert facts.update(TRANSITIVE, last=Layer.SURFACE) is None
    second = {**BASE, "c": "pub h = 7"}
    facts.replace(sources(second)[2])
    supply(facts, second, TRANSITIVE, {})
    same(facts, whole(second, TRANSITIVE))


def test_a_plan_says_what_a_module_imports_now_though_its_key_is_the_old_one() -> None:
    """Under `precise` an item may be had by another way, which no key knows."""
    facts = whole({"a": "use b::f\nx = f", "b": "pub f = 1"}, PRECISE)
    now = plan_of(facts, PRECISE).modules["a"]
    came = {"object_digest": now.object, "duration_ms": 1.0, "functions": 1, "warnings": ()}
    before = planned_module(facts, "a", now, **came)
    before.imports = before.looked_at = ("b", "passed/through")
    assert planned_module(facts, "a", before, **came) == now


# ---- the rule


def test_the_document_has_the_rule() -> None:
    table = DOCUMENT.read_text().partition("## What a change reaches")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\|$", table, re.MULTILINE)
    written = {what: re.findall(r"`(\w+)` (\w+)", readers) for what, readers in rows}
    assert written == {
        layer.name: [(reader.name, reach.name.lower()) for reader, reach in readers]
        for layer, readers in READERS.items()
    }


def test_only_layers_that_come_later_read_a_layer() -> None:
    for layer, readers in READERS.items():
        assert all(reader > layer or (reader, layer) == (Layer.KEY, Layer.KEY) for reader, _ in readers)
    assert list(READERS) == list(Layer)
    assert {reach for readers in READERS.values() for _, reach in readers} == set(Reach)


def test_a_change_that_others_cannot_see_resolves_only_the_module_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = whole(BASE, SETTINGS)
    seen: list[str] = []
    real = layers.resolve
    monkeypatch.setattr(layers, "resolve", lambda known, name: (seen.append(name), real(known, name))[1])
    learn(facts, {**BASE, "c": "pub h = 2"})
    assert seen == ["c"]
    seen.clear()
    learn(facts, {**BASE, "c": "pub h = 2\npub new = 3"})
    assert seen == ["b", "c"]  # b looked at c's items; a did not.
    seen.clear()
    learn(facts, {**BASE, "c": "pub h = 2\npub new = 3"})
    assert seen == []


def test_what_is_wrong_names_the_line_that_is_meant_now() -> None:
    facts = Facts(IDENTITY)
    learn(facts, {"a": "use b::secret", "b": "secret = 1"})
    assert "line 1" in facts.resolved["a"].findings[0].hint
    facts.forget()
    learn(facts, {"a": "use b::secret", "b": "other = 1\nsecret = 1".replace("other = 1", "# moved")})
    assert "line 2" in facts.resolved["a"].findings[0].hint


# ---- what comes in


def test_taking_over_the_same_sources_makes_nothing_dirty() -> None:
    facts = Facts(IDENTITY)

    def dirty(texts: Texts, vanished: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
        facts.take((), sources(texts), vanished)
        found = set(facts.dirty[Layer.SURFACE]), set(facts.dirty[Layer.RESOLUTION])
        supply(facts, texts, SETTINGS, {})
        return found

    assert dirty(BASE) == ({*BASE}, {*BASE})
    assert dirty(BASE) == (set(), set())
    assert dirty({**BASE, "a": "pub f = 2"}) == ({"a"}, {"a"})
    assert dirty({"a": "pub f = 2"}) == (set(), {"a"})
    assert list(facts.sources) == list(facts.rows) == ["a"]
    assert dirty({"a": "pub f = 2"}, ("a",)) == (set(), set())
    assert not facts.sources and not facts.rows and not facts.resolved


def test_sources_above_the_buffer_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.planner import table as room

    monkeypatch.setattr(room, "SOURCE_BUFFER_BYTES", len(BASE["a"]) + len(BASE["b"]))
    facts = whole(BASE, SETTINGS)
    assert [facts.job(module).source for module in "abcd"] == [BASE["a"].encode(), BASE["b"].encode(), b"", b""]


def reason(texts: dict[str, str], module: str, **settings: object) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    before = whole(BASE, SETTINGS)
    plan = Plan(version=1, toolchain=IDENTITY, settings="s", modules=plan_of(before, SETTINGS).modules, succeeded=True)
    after = Facts(str(settings.pop("identity", IDENTITY)))
    digest_now = str(settings.pop("digest", "s"))
    learn(after, texts, BuildSettings(**settings))  # type: ignore[arg-type]
    found = reason_of(after, module, plan, digest_now)
    return found.kind, found.fields, found.via


def test_reasons_say_what_changed() -> None:
    edited = {**BASE, "c": "pub h = 2"}
    assert reason(edited, "c") == ("source", ("source",), ())
    assert reason(edited, "b") == ("import", ("imports",), ("c",))
    assert reason(edited, "a") == ("import", ("imports",), ("b",))
    assert reason({**BASE, "e": "pub x = 1"}, "e")[0] == "new"
    assert reason(BASE, "a") == ("missing", (), ())
    assert reason(BASE, "a", force=True)[0] == "forced"
    assert reason(BASE, "a", digest="other")[0] == "options"
    assert reason(BASE, "a", identity=digest(b"new"))[0] == "toolchain"


def test_unchanged_sources_keep_what_is_known_of_them() -> None:
    facts = whole(BASE, SETTINGS)
    facts.forget()
    unchanged = [
        KnownSource(module=name, path=f"{name}.plain", digest=digest(text.encode()), size=len(text), stamp=NO_STAMP)
        for name, text in BASE.items()
    ]
    facts.take(unchanged, (), ())
    assert not facts.dirty[Layer.SURFACE] and not facts.dirty[Layer.RESOLUTION]
    assert facts.update(SETTINGS) is None
    assert all(file.data is None for file in facts.sources.values())
