"""PCT, all schedules, what shortens them, and what is shown: the table, and who waits on whom."""

from __future__ import annotations

from itertools import groupby
from math import comb

import anyio
import pytest

from orchestrator.testing.schedules import (
    Deadlock,
    Exhaustive,
    Pct,
    Random,
    Written,
    explore,
    policy_of,
    replay,
    run,
    table,
)
from orchestrator.testing.schedules.director import PATIENCE, Director
from orchestrator.testing.schedules.policy import ByPriority, Policy, Segments
from orchestrator.testing.schedules.strategy import Once
from orchestrator.testing.schedules.trace import parsed, written
from tests.orchestrator.testing.races import (
    checkpoint,
    counted,
    crossed_locks,
    guarded,
    held_up,
    lost_update,
    two_windows,
)


async def steps_of(*counts: int) -> None:
    """Tasks of so many steps each, which have nothing to do with one another."""

    async def steps(count: int) -> None:
        for _ in range(count - 1):
            await checkpoint()

    async with anyio.create_task_group() as group:
        for number, count in enumerate(counts):
            group.start_soon(steps, count, name=f"t{number}")


@pytest.mark.parametrize("counts", [(1, 1), (2, 2), (3, 2), (1, 1, 1), (4, 3), (2, 2, 2)])
def test_all_schedules_are_run_once_each(counts: tuple[int, ...]) -> None:
    """As many as there are ways to merge the tasks' steps: the multinomial number."""
    expected, placed = 1, 0
    for count in counts:
        placed += count
        expected *= comb(placed, count)
    found = explore(lambda: steps_of(*counts), "exhaustive", 10_000)
    assert (found.schedules, found.distinct, found.complete) == (expected, expected, True)


def test_a_budget_of_just_as_many_is_enough_to_be_complete() -> None:
    assert explore(guarded, "exhaustive", 10_000).complete
    assert explore(lambda: steps_of(2, 2), "exhaustive", 6).complete
    assert not explore(lambda: steps_of(2, 2), "exhaustive", 5).complete


def test_an_exploration_says_whether_it_is_complete_and_how_far_it_came() -> None:
    every = explore(lambda: steps_of(2, 2), "exhaustive")
    assert (every.complete, every.explored) == (True, 1.0)
    assert str(every) == "exhaustive: complete: 6 schedules, and there are no others"
    bound = explore(lambda: steps_of(2, 2), "exhaustive:1")
    assert str(bound) == "exhaustive:1: complete: 4 schedules, and there are no others of at most 1 preemption"
    shares = [explore(lambda: steps_of(2, 2), "exhaustive", count).explored for count in range(1, 7)]
    assert shares == [1 / 4, 3 / 8, 1 / 2, 3 / 4, 7 / 8, 1.0]
    assert str(explore(lambda: steps_of(2, 2), "exhaustive", 3)) == (
        "exhaustive: not complete: 3 schedules, about 50 % of what there is"
    )
    assert "about 99 %" not in str(explore(lambda: steps_of(9, 9), "exhaustive", 3))
    assert "not complete: 3 schedules, less than 1 % of what" in str(explore(lambda: steps_of(9, 9), "exhaustive", 3))
    assert str(explore(guarded, "random", 1)) == "random: 1 schedule, 1 of them different"
    assert str(explore(lost_update, "exhaustive")).endswith("schedules, and the last one failed")


@pytest.mark.slow
@pytest.mark.parametrize("bound", [0, 1, 3])
def test_a_bound_of_preemptions_leaves_out_the_others_and_no_more(bound: int) -> None:
    def labels(strategy: Exhaustive) -> dict[tuple[str, ...], int]:
        found, last = {}, None
        while (policy := strategy.next(last)) is not None:
            last = run(lambda: steps_of(3, 2, 2), policy).trace
            assert tuple(last.labels) not in found
            found[tuple(last.labels)] = last.preemptions
        return found

    every = labels(Exhaustive())
    within = labels(Exhaustive(bound))
    assert within == {key: count for key, count in every.items() if count <= bound}


def test_what_no_schedule_breaks_is_proved() -> None:
    found = explore(guarded, "exhaustive", 10_000)
    assert found.failure is None and found.complete
    found.check()


@pytest.mark.slow
def test_pct_finds_at_once_what_random_hardly_does() -> None:
    """One task must do 12 steps while the other, which could run, does none."""

    async def far() -> None:
        await held_up(12)

    random = explore(far, "random", 300, shorten=False)
    pct = explore(far, "pct:2", 300, shorten=False)
    assert random.failure is None
    assert pct.failure is not None and pct.failure.after <= 20


@pytest.mark.slow
def test_pct_is_as_good_as_its_guarantee() -> None:
    """Depth 2, tasks t0 and t1 of 6 steps: at least 1 / (tasks * length) of all runs hold t1 up at any given place."""
    runs, length, hits = 300, 10, 0
    for seed in range(runs):
        trace = run(lambda: steps_of(6, 6), ByPriority(2, length, seed)).trace
        order = [(label, len(list(steps))) for label, steps in groupby(trace.labels) if label.startswith("t")]
        hits += order == [("t0", 3), ("t1", 6), ("t0", 3)]
    assert hits >= runs / (2 * length) * 0.7


def test_pct_learns_how_long_a_run_is() -> None:
    strategy = Pct(3, 0)
    first = strategy.next(None)
    assert first is not None and first.key == "pct:3:1:0"
    trace = run(lambda: steps_of(9, 9), first).trace
    second = strategy.next(trace)
    assert second is not None and second.key == f"pct:3:{len(trace.choices)}:1"
    assert len(trace.choices) >= 9
    with pytest.raises(ValueError, match="depth"):
        Pct(0)


@pytest.mark.parametrize(
    ("name", "kind"), [("random", Random), ("pct", Pct), ("pct:2", Pct), ("exhaustive", Exhaustive)]
)
def test_strategies_have_names(name: str, kind: type) -> None:
    found = explore(guarded, name, 3)
    assert found.strategy == kind.name


@pytest.mark.parametrize("name", ["", "randm", "random:3", "pct:x", "exhaustive:-1"])
def test_a_strategy_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a strategy is"):
        explore(guarded, name)


def test_time_is_a_budget_too() -> None:
    assert explore(guarded, "random", 1000, seconds=0.0).schedules == 0


# ------------------------------------------------------------------------------------------------ shorter


@pytest.mark.slow
def test_shortened_to_the_one_switch_that_matters() -> None:
    """Among eight other tasks, of which none is preempted any more."""

    async def crowd() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(steps_of, 3)
            group.start_soon(lost_update)

    found = explore(crowd, "random", 50)
    failure = found.failure
    assert failure is not None
    assert failure.first.switches > 10
    # Only the task that has read before the other has written.
    assert failure.trace.preemptions == 1
    assert failure.trace.switches < failure.first.switches
    assert len(parsed(failure.schedule)) <= 3
    assert replay(crowd, failure.schedule).failed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "preemptions"), [(lost_update, 1), (crossed_locks, 1), (held_up, 0), (two_windows, 2)]
)
def test_the_fewest_preemptions_are_found(scenario, preemptions: int) -> None:
    """As an exhaustive search with a smaller bound confirms."""
    found = explore(scenario, "random", 2000)
    assert found.failure is not None
    assert found.failure.trace.preemptions == preemptions
    if preemptions:
        less = explore(scenario, Exhaustive(preemptions - 1), 5000, shorten=False)
        assert less.failure is None and less.complete


@pytest.mark.slow
def test_a_failure_of_another_kind_is_not_taken_for_the_same() -> None:
    async def scenario() -> None:
        turns: list[str] = []

        async def one(name: str) -> None:
            for _ in range(3):
                await checkpoint()
                turns.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(one, "a")
            group.start_soon(one, "b")
        if turns == ["a", "a", "a", "b", "b", "b"]:
            raise KeyError("the dullest one fails differently")
        assert turns != ["a", "b", "a", "b", "a", "b"]

    found = explore(scenario, "random", 500)
    while found.failure is not None and not isinstance(found.failure.error, AssertionError):
        found = explore(scenario, "random", 500, seed=int(found.failure.found.partition(":")[2]) + 1)
    assert found.failure is not None
    assert found.failure.trace.preemptions <= 4


def test_another_bug_with_an_error_of_the_same_kind_is_not_taken_for_the_same() -> None:
    """The dullest schedule fails too, in another line: the one that was found is what is shown."""

    async def scenario() -> None:
        turns: list[str] = []

        async def one(name: str) -> None:
            for _ in range(2):
                await checkpoint()
                turns.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(one, "a")
            group.start_soon(one, "b")
        assert turns != ["a", "a", "b", "b"], "in turn"
        assert turns != ["a", "b", "a", "b"] and turns != ["b", "a", "b", "a"], "mixed"

    seed = next(seed for seed in range(50) if "mixed" in str(run(scenario, policy_of(f"random:{seed}")).error))
    failure = explore(scenario, "random", 1, seed=seed).failure
    assert failure is not None and str(failure.error).startswith("mixed")
    assert f"AssertionError at test_schedules_search.py:{scenario.__code__.co_firstlineno + 12} in scenario" in str(
        failure
    )


def test_the_traceback_of_a_failure_begins_in_the_scenario() -> None:
    for backend in ("trio", "asyncio"):
        error = run(lambda: held_up(1), policy_of("random:0"), backend=backend).error
        found = explore(lambda: held_up(1), "random", 100, backend=backend).failure
        assert error is None or error.__traceback__ is not None
        assert found is not None and found.error.__traceback__.tb_frame.f_code.co_name == "slow"


def test_shortening_can_be_left_out() -> None:
    scenario, runs = counted(lost_update)
    found = explore(scenario, "random", 500, shorten=False)
    assert len(runs) == found.schedules + 1  # One more, for the table.
    assert found.failure is not None and found.failure.trace.labels == found.failure.first.labels


# ------------------------------------------------------------------------------------------------ what is shown


def test_the_table_says_who_ran_when() -> None:
    found = explore(lost_update, Exhaustive(1), 100)
    assert found.failure is not None
    began = lost_update.__code__.co_firstlineno
    waits, joins = began + 7, began + 10
    rows = [line.split("  ") for line in table(found.failure.trace).splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["lost_update", "add", "add#2"],
        ["1", f"begins, to races.py:{joins}"],
        ["2", f"begins, to races.py:{waits}"],
        ["3", "begins, ends"],
        ["4", f"races.py:{waits}, ends"],
        ["5", f"races.py:{joins}, ends"],
        [f"races.py:{waits}", "await checkpoint()"],
        [f"races.py:{joins}", "async with anyio.create_task_group() as group:"],
    ]


def test_many_tasks_are_drawn_one_below_the_other_and_long_schedules_at_their_end() -> None:
    many = table(replay(lambda: steps_of(*[2] * 8), "random:1").trace).splitlines()
    assert many[0].split()[:2] == ["1", "<lambda>"]  # No columns.
    long = table(replay(lambda: steps_of(60, 60), "random:1").trace).splitlines()
    assert "turns before" in long[0]
    assert len(long) == 63 and "await checkpoint()" in long[-2] + long[-1]


def test_a_table_is_at_most_100_columns_wide() -> None:
    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(
                    checkpoint, name=f"a task with a name that is rather long and says it all, number {number}"
                )

    drawn = table(replay(scenario, "random:1").trace).splitlines()
    assert max(map(len, drawn)) <= 100
    assert any("number 4" not in line and "..." in line for line in drawn)


def test_a_deadlock_says_who_waits_on_whom() -> None:
    found = explore(crossed_locks, "pct", 500)
    failure = found.failure
    assert failure is not None and isinstance(failure.error, Deadlock)
    line = crossed_locks.__code__.co_firstlineno + 7
    end = line + 3
    assert str(failure.error).splitlines() == [
        "all tasks wait, and nothing will wake them:",
        f"  crossed_locks waits at races.py:{end} in crossed_locks for the end of left first, right first",
        f"  left first waits at races.py:{line} in both for a lock of right first",
        f"  right first waits at races.py:{line} in both for a lock of left first",
        "  a circle: left first -> right first -> left first",
    ]


def test_a_deadlock_says_who_has_the_thing_that_somebody_waits_for() -> None:
    class Desk:
        def __init__(self) -> None:
            self.bell = anyio.Event()

    async def scenario() -> None:
        desk = Desk()
        sends, gets = anyio.create_memory_object_stream[int](0)

        async def customer() -> None:
            await desk.bell.wait()

        async def clerk(mine: Desk) -> None:
            await sends.send(1)
            mine.bell.set()

        async def stranger() -> None:
            await anyio.Event().wait()

        async with sends, gets, anyio.create_task_group() as group:
            group.start_soon(customer)
            group.start_soon(clerk, desk)
            group.start_soon(stranger)

    text = str(run(scenario, policy_of("0")).error)
    assert "customer waits" in text and "for an Event, which is known to scenario, clerk" in text
    assert "clerk waits" in text and "for a MemoryObjectSendStream, which is known to scenario" in text
    assert "stranger waits" in text and "for an Event, which no other task knows of" in text
    assert "a circle" not in text


def test_tasks_that_wait_in_a_task_group_of_trio_wait_for_its_end() -> None:
    import trio

    async def scenario() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)

    text = str(run(scenario, policy_of("0")).error)
    assert "scenario waits" in text and "for the end of sleep_forever" in text


# ------------------------------------------------------------------------------------------------ small parts


def test_schedules_are_written_and_read() -> None:
    assert written([0, 0, 3, 0, 1, 0]) == "2:3,4:1"
    assert written([0, 0]) == "0"
    assert parsed("2:3,4:1") == {2: 3, 4: 1}
    assert parsed("0") == {}
    assert policy_of("2:3, 4:1").key == "2:3,4:1"
    assert [policy_of(key).key for key in ("random:5", "pct:3:40:7", "0")] == ["random:5", "pct:3:40:7", "0"]


def test_nobody_is_passed_over_for_ever() -> None:
    class Unfair(Policy):
        key = "unfair"

        def choose(self, labels, stays: bool, cancels=()) -> int:
            return labels.index("a")

    director = Director(Unfair(), str)
    picked = [director.pick(["a", "b"]).task for _ in range(3 * PATIENCE)]
    assert picked.count("b") == 2
    assert picked.index("b") == PATIENCE + 1


def test_segments_run_as_far_as_they_can() -> None:
    trace = run(lambda: steps_of(4, 3), Segments([("t1", 2), ("nobody", 4), ("t0", 1), ("t1", 1)])).trace
    assert [label for label in trace.labels if label != "lambda"][1:] != []
    tasks = [label for label in trace.labels if label.startswith("t")]
    assert tasks == ["t1", "t1", "t0", "t1", "t0", "t0", "t0"]


def test_once_is_once() -> None:
    strategy = Once(Written({}))
    assert strategy.next(None) is not None
    assert strategy.next(None) is None
