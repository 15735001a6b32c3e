"""The ready heap, batches, estimates; and the states of modules."""

from __future__ import annotations

import pytest

from actors.digests import digest
from actors.planner.graph import Graph
from actors.planner.run import State, States
from actors.planner.schedule import FIXED_MS, JOB_MS, MS_PER_BYTE, REUSED_MS, Estimates, ReadyHeap, Schedule
from actors.planner.table import PLAN_VERSION, Plan, PlannedModule, decode_plan, encode_plan


def heap(priorities: dict[str, float]) -> ReadyHeap:
    ready = ReadyHeap()
    for module, priority in priorities.items():
        ready.add(module, priority)
    return ready


def test_the_longest_remaining_path_goes_first_and_names_decide_a_tie() -> None:
    ready = heap({"b": 1.0, "a": 1.0, "c": 9.0})
    assert [ready.take(1, dict.fromkeys("abc", JOB_MS)) for _ in range(4)] == [["c"], ["a"], ["b"], []]


def test_small_modules_travel_together_but_a_large_one_alone() -> None:
    ready = heap({f"m{number:02}": 1.0 for number in range(40)})
    costs = {f"m{number:02}": JOB_MS / 5 for number in range(40)} | {"m01": 2 * JOB_MS}
    assert ready.take(1, costs) == ["m00"]
    assert ready.take(1, costs) == ["m01"]
    assert ready.take(1, costs) == ["m02", "m03", "m04", "m05", "m06"]


def test_no_idle_slot_goes_without_work() -> None:
    ready = heap(dict.fromkeys("abcd", 1.0))
    assert ready.take(4, dict.fromkeys("abcd", 0.01)) == ["a"]


def test_what_was_discarded_is_not_taken_and_can_come_back() -> None:
    ready = heap({"a": 2.0, "b": 1.0})
    ready.discard(["a"])
    assert len(ready) == 1
    assert ready.take(1, {}) == ["b"]
    ready.add("a", 1.0)
    assert ready.take(1, {}) == ["a"]
    assert ready.take(1, {}) == []


def test_estimates_learn_from_what_was_measured() -> None:
    estimates = Estimates({"known": 7.0}.get)
    assert estimates.of("known", 10) == 7.0
    unknown = estimates.of("new", 10_000)
    estimates.learn("other", 1_000, 100.0)
    assert estimates.of("new", 10_000) > unknown
    assert estimates.of("other", 1_000) == 100.0


def test_a_schedule_has_costs_and_priorities_of_what_is_to_be_made_alone() -> None:
    graph = Graph({"top": ("middle",), "middle": ("low",), "low": (), "there": ("low",)})
    schedule = Schedule()
    schedule.ahead_ms = 9.0
    known, sizes = {"middle": 5.0, "there": 99.0}, {"top": 100, "middle": 100, "low": 100}
    schedule.estimate(["low", "middle", "top"], sizes.__getitem__, graph, known=known.get, reused=["low"])
    top = FIXED_MS + 100 * MS_PER_BYTE
    assert schedule.costs == {"top": top, "middle": 5.0, "low": REUSED_MS}
    assert schedule.priorities == {"top": top, "middle": top + 5.0, "low": top + 5.0 + REUSED_MS}
    assert schedule.priority("there") == 0.0
    assert schedule.ahead_ms == 0.0


def test_the_work_ahead_is_what_is_queued_and_not_taken() -> None:
    schedule = Schedule()
    schedule.costs = {"a": 2.0, "b": 3.0}
    for module in ("a", "b", "unknown"):
        schedule.queued(module)
    assert schedule.ahead_ms == 5.0
    schedule.taken("a")
    assert schedule.ahead_ms == schedule.to_share_ms() == 3.0


def test_one_module_alone_cannot_be_shared_however_long_it_takes() -> None:
    """Otherwise an edit of one module, which a busy machine compiled slowly before, would start worker processes."""
    schedule = Schedule()
    schedule.costs = {"a": 2_000.0, "b": 2_000.0}
    shares = []
    for step in (schedule.queued, schedule.taken):
        for module in ("a", "b"):
            step(module)
            shares.append(schedule.to_share_ms())
    assert shares == [0.0, 4_000.0, 0.0, 0.0]


def test_states_are_counted_and_senseless_steps_are_bugs() -> None:
    states = States()
    states.add("a")
    states.add("b")
    assert not states.ended
    states.set("a", State.HIT)
    states.set("b", State.READY)
    states.set("b", State.RUNNING)
    assert states.counts[State.HIT] == states.counts[State.RUNNING] == 1
    assert states.members(State.HIT, State.RUNNING) == ["a", "b"]
    states.set("b", State.FAILED)
    assert states.ended
    with pytest.raises(RuntimeError, match="b cannot go from FAILED to COMPILED"):
        states.set("b", State.COMPILED)
    with pytest.raises(RuntimeError, match="a cannot go from HIT to FAILED"):
        states.set("a", State.FAILED)


def test_a_plan_survives_being_written_and_odd_bytes_are_none() -> None:
    planned = PlannedModule(
        path="a.x", source="s", resolution="r", key=digest(b"k"), marks=b"m", traces=b"t", object=digest(b"o"),
        duration_ms=1.5, functions=3,
    )  # fmt: skip
    plan = Plan(version=PLAN_VERSION, toolchain="t", settings="s", modules={"a": planned}, succeeded=True)
    assert decode_plan(encode_plan(plan)) == plan
    assert decode_plan(b"") is None
    assert decode_plan(b"\x93abc") is None
    assert decode_plan(encode_plan(Plan(version=PLAN_VERSION + 1, toolchain="", settings="", modules={}))) is None
