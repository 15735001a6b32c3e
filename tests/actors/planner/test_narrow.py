"""What a small edit asks for, found with little at hand, equals what the whole says; and little is asked for."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from msgspec import structs

from actors.digests import digest
from actors.messages import Settings
from actors.planner.knowledge import Knowledge
from actors.planner.narrow import MOST_EDITED, Narrow, NotAtHandError, TooFarError, edited
from actors.planner.outcome import settings_digest
from actors.planner.state import PLAN_VERSION, Plan
from tests.actors.planner.plain_projects import learn, sources, summary

IDENTITY = digest(b"toolchain")
PRECISE, TRANSITIVE = Settings(invalidation="precise"), Settings()
Texts = dict[str, str]


def whole(texts: Texts, settings: Settings) -> Knowledge:
    knowledge = Knowledge(IDENTITY)
    learn(knowledge, texts)
    knowledge.uninferred(settings)
    knowledge.make_keys(settings)
    return knowledge


def plan_of(knowledge: Knowledge, settings: Settings) -> Plan:
    """What a build leaves that succeeded."""
    modules = {
        module: knowledge.planned(module, None, digest(b"object " + module.encode()), 1.0, 1, ())
        for module in knowledge.sources
    }
    return Plan(PLAN_VERSION, IDENTITY, settings_digest(settings), modules, succeeded=True)


class Finder:
    """A new process: it has the plan and the sources, and looks up summaries as it is asked to."""

    def __init__(self, before: Texts, after: Texts, settings: Settings) -> None:
        self.settings = settings
        self.plan = plan_of(whole(before, settings), settings)
        self.empty = Knowledge(IDENTITY)
        self.empty.take((), sources(after), ())
        self.texts = (before, after)
        self.asked: set[str] = set()
        """The modules whose summaries were looked up."""

    def find(self) -> Narrow:
        changed = edited(self.empty.sources, self.plan)
        assert changed is not None
        narrow = Narrow(self.empty, self.plan, changed, self.settings, None)
        while True:
            self._summarise(narrow)
            try:
                narrow.resolve()
                narrow.uninferred(self.settings)
                narrow.make_keys(self.settings)
                return narrow
            except NotAtHandError as missing:
                narrow.look_at(missing)

    def _summarise(self, narrow: Narrow) -> None:
        unknown = narrow.unsummarised()
        self.asked |= unknown.keys()
        for module, file in unknown.items():
            for name, texts in zip((narrow.earlier_summary(module, None), file.summary), self.texts, strict=True):
                found = summary(module, texts[module])
                if found is not None:
                    narrow.summaries[name] = found
        assert not narrow.unsummarised() or any(summary(m, self.texts[1][m]) is None for m in unknown)


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


@given(projects, changes, st.sampled_from([PRECISE, TRANSITIVE]))
@example(
    {"a": "use b::g\npub f = g", "b": "use c::h\npub g = h", "c": "pub h = 1", "d": "", "e": "", "f/x": ""},
    {"c": "pub h = 2"},
    PRECISE,
)
def test_it_equals_the_whole(before: Texts, change: Texts, settings: Settings) -> None:
    (module, text), *_ = change.items()
    after = before | {module: f"{before[module]}\n{text}" if text.startswith("run ") and "\n" not in text else text}
    assume(before != after)
    old = whole(before, settings)
    assume(len(old.keys) == len(before) and not any(one.findings for one in old.resolved.values()))
    finder = Finder(before, after, settings)
    new = whole(after, settings)
    try:
        narrow = finder.find()
    except TooFarError:
        wrong = any(one.findings for one in new.resolved.values()) or len(new.keys) < len(after)
        event("too far, and wrong" if wrong else "too far")
        assert wrong, "so small a project is never too large"
        return
    event("found")
    assert narrow.keys == new.keys
    assert list(narrow.touched) == sorted(module for module in new.keys if new.keys[module] != old.keys[module])
    assert narrow.graph.imports == new.graph.imports
    for module in narrow.touched:
        assert narrow.manifests[module] == new.manifests[module]
        assert narrow.parts(module) == new.parts(module)
        if module in narrow.as_before:
            event("an object to be had again")
            assert narrow.parts(module) == old.parts(module)
        else:
            assert narrow.can_compile(module)
            assert narrow.fingerprints(module) == new.fingerprints(module)
            assert narrow.job(module, settings) == new.job(module, settings)
    made = plan_of(new, settings).modules
    kept = finder.plan.modules | {
        module: narrow.planned(module, finder.plan.modules[module], made[module].object, 1.0, 1, ())
        for module in narrow.looked
    }
    assert kept == made


CHAIN = {f"m{number}": f"use m{number + 1}::f\npub f = f" for number in range(299)} | {"m299": "pub f = 1"}
"""Each sees only that the next one has an `f`; what that is, is seen by nobody in an interface of scalars."""
WIDE = {f"w{number}": "x = 1" for number in range(300)}


def test_a_private_change_asks_for_the_module_and_its_imports() -> None:
    before = WIDE | {"a": "use b::f\nuse c::g\nx = f g", "b": "use d::h\npub f = 1", "c": "pub g = 2", "d": "pub h = 3"}
    after = before | {"a": "use b::f\nuse c::g\nx = f g g"}
    for settings in (PRECISE, TRANSITIVE):
        finder = Finder(before, after, settings)
        assert list(finder.find().touched) == ["a"]
        assert finder.asked == {"a", "b", "c"}


def test_what_is_built_upon_it_is_asked_for_under_transitive_alone() -> None:
    before = WIDE | {"top": "use a::f\nx = f", "a": "use b::g\npub f = 1\nx = g", "b": "pub g = 1", "other": "use b::g"}
    after = before | {"a": "use b::g\npub f = 1\nx = g g"}
    finder = Finder(before, after, TRANSITIVE)
    assert list(finder.find().touched) == ["a", "top"]
    assert finder.asked == {"a", "b", "top"}
    finder = Finder(before, after, PRECISE)
    assert list(finder.find().touched) == ["a"]
    assert finder.asked == {"a", "b"}


def test_a_changed_interface_reaches_as_far_as_it_goes() -> None:
    before = WIDE | {"a": "use b::f\npub e = f", "b": "use c::g\npub f = g", "c": "pub g = 1", "d": "use a::e\nx = e"}
    finder = Finder(before, before | {"c": "pub g = 2"}, PRECISE)
    assert list(finder.find().touched) == ["a", "b", "c", "d"]
    assert finder.asked == {"a", "b", "c", "d"}


def test_what_an_interface_drags_in_is_asked_for_where_it_leads() -> None:
    before = WIDE | {"a": "use b::f\nx = f", "b": "use c::g\npub f = g", "c": "use d::h\npub g = h", "d": "pub h = 1"}
    finder = Finder(before, before | {"a": "use b::f\nx = f f"}, PRECISE)
    assert list(finder.find().touched) == ["a"]
    assert finder.asked == {"a", "b", "c", "d"}


def test_a_change_below_almost_everything_is_too_far() -> None:
    with pytest.raises(TooFarError):
        Finder(CHAIN, CHAIN | {"m299": "pub f = 2"}, TRANSITIVE).find()


def test_no_edit_that_the_plan_cannot_answer_for() -> None:
    plan = plan_of(whole(WIDE, PRECISE), PRECISE)

    def changed(texts: Texts) -> frozenset[str] | None:
        knowledge = Knowledge(IDENTITY)
        knowledge.take((), sources(texts), ())
        return edited(knowledge.sources, plan)

    assert changed(WIDE) is None
    assert changed(WIDE | {"w7": "x = 2"}) == {"w7"}
    assert changed(WIDE | {"new": "x = 2"}) is None
    assert changed({name: text for name, text in WIDE.items() if name != "w7"} | {"w77x": "x = 1"}) is None
    assert changed(WIDE | {f"w{number}": "x = 2" for number in range(MOST_EDITED)}) is not None
    assert changed(WIDE | {f"w{number}": "x = 2" for number in range(MOST_EDITED + 1)}) is None


def test_a_plan_says_what_a_module_imports_now_though_its_key_is_the_old_one() -> None:
    """Under `precise` an item may be had by another way, which no key knows."""
    knowledge = whole({"a": "use b::f\nx = f", "b": "pub f = 1"}, PRECISE)
    now = plan_of(knowledge, PRECISE).modules["a"]
    before = structs.replace(now, imports=("b", "passed/through"), looked_at=("b", "passed/through"))
    assert knowledge.planned("a", before, now.object, 1.0, 1, ()) == now
    assert knowledge.planned("a", now, now.object, 1.0, 1, ()) is now
