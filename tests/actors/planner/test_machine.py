"""The machine as a whole: what it asks for, and in which order."""

from __future__ import annotations

import pytest

from actors.messages import (
    Begin,
    Begun,
    Build,
    End,
    FindSummaries,
    LinkDone,
    Load,
    StoreEntries,
)
from actors.planner.machine import Steps
from actors.planner.run import _NEXT, Phase, Run
from tests.actors.planner.others import SETTINGS, TEXTS, Others


def test_a_build_from_nothing_asks_for_one_thing_after_the_other() -> None:
    others = Others()
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits) == (True, ["a", "b", "main"], 0)
    assert list(dict.fromkeys(others.kinds())) == [
        "Begin", "RecallPlan", "FindSummaries", "RunSummarise", "StoreSummaries", "Find", "RunCompile", "StoreEntries",
        "RunLink", "Publish", "End",
    ]  # fmt: skip
    assert others.program


def test_nothing_changed_asks_for_the_program_alone_in_a_new_process_too() -> None:
    others = Others()
    others.build(TEXTS)
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits, others.kinds()) == (
        True,
        [],
        3,
        ["Begin", "Publish", "End"],
    )
    others.new_process()
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits) == (True, [], 3)
    assert others.kinds() == ["Begin", "RecallPlan", "Publish", "End"]


def test_an_edit_in_a_new_process_looks_up_what_it_reaches() -> None:
    others = Others()
    others.build(TEXTS)
    others.new_process()
    done = others.build({**TEXTS, "a": "use b::g\npub f = g g"})
    assert (done.success, done.recompiled, done.cache_hits) == (True, ["a", "main"], 1)
    asked = [name.partition(" ")[2] for one in others.asked if isinstance(one, FindSummaries) for name in one.sources]
    assert sorted(set(asked)) == ["a.plain", "b.plain", "main.plain"]


def test_an_error_is_said_and_nothing_is_linked() -> None:
    others = Others()
    done = others.build({**TEXTS, "b": "fail always\npub g = 1"})
    assert (done.success, done.failed, done.blocked) == (False, ["b"], ["a", "main"])
    assert "RunLink" not in others.kinds() and "Publish" not in others.kinds()


@pytest.mark.parametrize("answers", range(12))
def test_a_build_that_is_cancelled_waits_for_what_is_under_way(answers: int) -> None:
    others = Others()
    others.begin(TEXTS)
    for _ in range(answers):
        if others.waiting:
            others.step()
    others.cancelled.add(1)
    others.machine.advance()
    before = set(map(id, others.asked))
    while others.waiting:
        others.step()
    after = [one for one in others.asked if id(one) not in before]
    assert all(isinstance(one, (StoreEntries, End)) for one in after), after
    assert others.answers[-1].cancelled or others.program
    assert (done := others.build(TEXTS)).success and done.program == "/out/main.wasm"


def test_builds_wait_for_one_another_and_their_sources_are_kept() -> None:
    others = Others()
    others.begin(TEXTS)
    others.begin({**TEXTS, "b": "pub g = 2"})
    while others.waiting:
        others.step()
    assert [(one.build, one.result.success) for one in others.answers] == [(1, True), (2, True)]
    assert others.answers[1].result.recompiled == ["a", "b", "main"]


def test_an_answer_that_nobody_waits_for_is_a_bug() -> None:
    others = Others()
    with pytest.raises(RuntimeError, match="an answer to Begin came after its build had ended"):
        others.machine.answered(Begin(build=1), Begun())
    others.begin(TEXTS)
    with pytest.raises(RuntimeError, match="nobody asked for a LinkDone in SCANNING"):
        others.machine.answered(Load(build=1, digests=()), LinkDone(build=1))


def test_a_build_goes_from_phase_to_phase_as_the_table_says() -> None:
    run = Run(Build(build=1, settings=SETTINGS), 0.0)
    with pytest.raises(RuntimeError, match="a build cannot go from SCANNING to LINKING"):
        run.go(Phase.LINKING)
    assert set(_NEXT) == set(Phase)
    reached, new = {Phase.SCANNING}, {Phase.SCANNING}
    while new := {after for phase in new for after in _NEXT[phase]} - reached:
        reached |= new
    assert reached == set(Phase)
    assert Steps(Others().machine.session, run, lambda done: None, lambda: None).later.of.keys() == set(Phase) - {
        Phase.SCANNING,
        Phase.ANSWERED,
    }
