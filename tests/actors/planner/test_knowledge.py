"""What the planner knows after any sequence of edits equals what it would know afresh; it does no more than asked."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.digests import digest
from actors.messages import Known, Settings
from actors.planner.knowledge import Knowledge
from actors.planner.state import Plan
from tests.actors.planner.plain_projects import learn, sources

SETTINGS = Settings()
IDENTITY = digest(b"toolchain")
BASE = {"a": "use b::g\npub f = g", "b": "use c::h\npub g = h", "c": "pub h = 1", "d": "pub k = 1"}


def keys(texts: dict[str, str], settings: Settings = SETTINGS, identity: str = IDENTITY) -> dict[str, str]:
    knowledge = Knowledge(identity)
    learn(knowledge, texts)
    knowledge.make_keys(settings)
    return knowledge.keys


def changed(texts: dict[str, str]) -> set[str]:
    before, after = keys(BASE), keys(texts)
    return {module for module in before.keys() | after.keys() if before.get(module) != after.get(module)}


def test_an_edit_changes_the_keys_of_the_module_and_of_all_above() -> None:
    assert changed({**BASE, "c": "pub h = 2"}) == {"a", "b", "c"}
    assert changed({**BASE, "b": BASE["b"] + " h"}) == {"a", "b"}
    assert changed({**BASE, "d": "pub k = 2"}) == {"d"}
    assert changed(BASE) == set()


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
    knowledge = Knowledge(IDENTITY)
    learn(knowledge, texts)
    knowledge.make_keys(SETTINGS)
    found: dict[str, object] = json.loads(knowledge.manifests[module])
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
    [Settings(target="wasm64"), Settings(options={"profile": "release"}), Settings(invalidation="precise")],
)
def test_what_changes_code_changes_every_key(settings: Settings) -> None:
    assert keys(BASE, settings).keys() == keys(BASE).keys()
    assert not set(keys(BASE, settings).values()) & set(keys(BASE).values())


def test_another_toolchain_changes_every_key() -> None:
    assert not set(keys(BASE, identity=digest(b"other")).values()) & set(keys(BASE).values())


@pytest.mark.parametrize(
    "settings", [Settings(jobs=8, output="/elsewhere", keep_going=False, snapshot="x", profile="p")]
)
def test_what_does_not_change_code_changes_no_key(settings: Settings) -> None:
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
        edits_equal_a_fresh_start(steps, Settings(invalidation=invalidation))


def edits_equal_a_fresh_start(steps: list[tuple[str, str | None]], settings: Settings) -> None:
    texts = dict(BASE)
    kept = Knowledge(IDENTITY)
    learn(kept, texts)
    for module, text in steps:
        if text is None:
            texts.pop(module, None)
        else:
            texts[module] = text
        learn(kept, texts)
        kept.uninferred(settings)
        kept.make_keys(settings)
        kept.forget()
        fresh = Knowledge(IDENTITY)
        learn(fresh, texts)
        fresh.make_keys(settings)
        assert kept.resolved == fresh.resolved
        assert kept.graph.imports == fresh.graph.imports
        assert (kept.manifests, kept.keys) == (fresh.manifests, fresh.keys)
        for name in fresh.keys:
            assert kept.fingerprints(name) == fresh.fingerprints(name)


def test_a_change_that_others_cannot_see_resolves_only_the_module_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.planner import knowledge as module_under_test

    knowledge = Knowledge(IDENTITY)
    learn(knowledge, BASE)
    seen: list[str] = []
    real = module_under_test.resolve
    monkeypatch.setattr(module_under_test, "resolve", lambda known, name: (seen.append(name), real(known, name))[1])
    learn(knowledge, {**BASE, "c": "pub h = 2"})
    assert seen == ["c"]
    seen.clear()
    learn(knowledge, {**BASE, "c": "pub h = 2\npub new = 3"})
    assert seen == ["b", "c"]  # b looked at c's items; a did not.
    seen.clear()
    learn(knowledge, {**BASE, "c": "pub h = 2\npub new = 3"})
    assert seen == []


def test_what_is_wrong_names_the_line_that_is_meant_now() -> None:
    knowledge = Knowledge(IDENTITY)
    learn(knowledge, {"a": "use b::secret", "b": "secret = 1"})
    assert "line 1" in knowledge.resolved["a"].findings[0].hint
    learn(knowledge, {"a": "use b::secret", "b": "other = 1\nsecret = 1".replace("other = 1", "# moved")})
    assert "line 2" in knowledge.resolved["a"].findings[0].hint


def test_taking_over_the_same_sources_changes_nothing() -> None:
    knowledge = Knowledge(IDENTITY)
    assert knowledge.take((), sources(BASE), ()) is True
    assert knowledge.take((), sources(BASE), ()) is False
    assert knowledge.take((), sources({**BASE, "a": "pub f = 2"}), ()) is True
    assert knowledge.take((), sources({"a": "pub f = 2"}), ()) is True
    assert list(knowledge.sources) == ["a"]
    assert knowledge.take((), sources({"a": "pub f = 2"}), ("a",)) is True
    assert knowledge.sources == {}


def test_sources_above_the_buffer_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from actors.planner import knowledge as module_under_test

    monkeypatch.setattr(module_under_test, "SOURCE_BUFFER_BYTES", len(BASE["a"]) + len(BASE["b"]))
    knowledge = Knowledge(IDENTITY)
    learn(knowledge, BASE)
    assert [knowledge.job(module, SETTINGS).source for module in "abcd"] == [
        BASE["a"].encode(),
        BASE["b"].encode(),
        b"",
        b"",
    ]


def reason(texts: dict[str, str], module: str, **settings: object) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    before = Knowledge(IDENTITY)
    learn(before, BASE)
    before.make_keys(SETTINGS)
    planned = {name: before.planned(name, None, "object", 1.0, 1, ()) for name in BASE}
    plan = Plan(version=1, toolchain=IDENTITY, settings="s", modules=planned, succeeded=True)
    after = Knowledge(str(settings.pop("identity", IDENTITY)))
    learn(after, texts)
    after.make_keys(SETTINGS)
    digest_now = str(settings.pop("digest", "s"))
    found = after.reason(module, plan, Settings(**settings), digest_now)  # type: ignore[arg-type]
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
    knowledge = Knowledge(IDENTITY)
    learn(knowledge, BASE)
    unchanged = [
        Known(
            module=name,
            path=f"{name}.plain",
            digest=digest(text.encode()),
            size=len(text),
            stamp=knowledge.sources[name].stamp,
        )
        for name, text in BASE.items()
    ]
    assert knowledge.take(unchanged, (), ()) is False
    assert knowledge.unsummarised() == {}
    assert all(file.data is None for file in knowledge.sources.values())
