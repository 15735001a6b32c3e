"""Which modules get no object: the result does not depend on which failure comes first."""

from __future__ import annotations

import itertools

from actors.diagnostics import Diagnostic, about_file
from actors.planner.graph import Graph
from actors.planner.run import Failures, State, States

DIAMOND = Graph({"top": ("left", "right"), "left": ("low",), "right": ("low",), "low": (), "apart": ()})
CIRCLE = Graph({"top": ("a",), "a": ("b",), "b": ("a",)})


def error(module: str) -> Diagnostic:
    return about_file("E0201", f"wrong in {module}", module=module, file=f"{module}.plain")


def running(graph: Graph) -> tuple[States, Failures]:
    """All modules are being compiled."""
    states = States()
    for module in graph.imports:
        states.add(module)
        states.set(module, State.READY)
        states.set(module, State.RUNNING)
    return states, Failures(states)


def end(failures: Failures, states: States, graph: Graph, module: str, *, fails: bool) -> None:
    """An outcome arrives, as `Compiling` takes it over."""
    if by := failures.blocker(module, graph):
        failures.block(module, by)
    elif fails:
        failures.fail(module, [error(module)], graph)
    else:
        states.set(module, State.COMPILED)


def test_a_failed_module_blocks_what_depends_on_it() -> None:
    states, failures = running(DIAMOND)
    for module in ("left", "top"):
        states.set(module, State.COMPILED)
    assert failures.fail("low", [error("low")], DIAMOND) == ["left", "top"]
    assert states.members(State.BLOCKED) == ["left", "top"]
    assert states["right"] is State.RUNNING and failures.blocker("right", DIAMOND) == "low"
    assert (states["apart"], failures.blocker("apart", DIAMOND)) == (State.RUNNING, "")
    assert failures.reported() == [error("low")]


def test_the_order_of_two_failures_does_not_show() -> None:
    seen = set()
    for order in itertools.permutations(DIAMOND.imports):
        states, failures = running(DIAMOND)
        for module in order:
            end(failures, states, DIAMOND, module, fails=module in ("low", "left", "top"))
        assert states.ended and failures.errors.keys() == {"low"}
        seen.add((tuple(states.members(State.FAILED)), tuple(states.members(State.BLOCKED)), *failures.reported()))
    assert seen == {(("low",), ("left", "right", "top"), error("low"))}


def test_members_of_a_circle_do_not_block_one_another() -> None:
    states, failures = running(CIRCLE)
    failures.fail("a", [error("a")], CIRCLE)
    assert failures.blocker("b", CIRCLE) == ""
    failures.fail("b", [error("b")], CIRCLE)
    assert (states.members(State.FAILED), failures.blocker("top", CIRCLE)) == (["a", "b"], "a")


def test_an_unexplained_module_is_blamed_on_the_failed_one_below_or_beside_it() -> None:
    states, failures = running(CIRCLE)
    failures.unexplained["b"] = [error("b")]
    assert not failures.only_unexplained_left(), "two others are running"
    failures.fail("a", [error("a")], CIRCLE)
    end(failures, states, CIRCLE, "top", fails=False)
    assert failures.only_unexplained_left()
    assert failures.explanations(CIRCLE) == [("b", "a")]


def test_an_unexplained_module_without_a_failed_one_explains_itself() -> None:
    states, failures = running(DIAMOND)
    failures.unexplained["low"] = [error("low")]
    for module in ("left", "right", "top", "apart"):
        states.set(module, State.COMPILED)
    assert failures.only_unexplained_left()
    assert failures.explanations(DIAMOND) == [("low", "")]


def test_what_waits_for_an_unexplained_module_keeps_nobody_waiting() -> None:
    states = States()
    for module in ("a", "top"):
        states.add(module)
    failures = Failures(states)
    assert not failures.only_unexplained_left(), "there is none"
    states.set("top", State.WAITING)
    states.set("a", State.READY)
    states.set("a", State.RUNNING)
    failures.unexplained["a"] = []
    assert failures.only_unexplained_left()


def test_marks_add_up() -> None:
    failures = Failures(States())
    failures.mark_failed("a", [error("a")])
    failures.mark_failed("a", [error("b")])
    assert failures.marked == {"a": [error("a"), error("b")]}
    assert failures.reported() == [], "only its compile makes it fail"
