"""Schedules on Trio: chosen, replayed, proved, in virtual time."""

from __future__ import annotations

import itertools
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import trio

from orchestrator.testing.schedules import Deadlock, Endless, Uncontrolled, explore, policy_of, prove, replay, run
from orchestrator.testing.schedules.on_trio import check_trio
from tests.orchestrator.testing.races import checkpoint, counted, crossed_locks, guarded, held_up, lost_update


def test_a_plain_run_does_not_see_the_races() -> None:
    for scenario in (crossed_locks, held_up, guarded):
        for _ in range(20):
            anyio.run(scenario, backend="asyncio")
    for _ in range(20):
        anyio.run(held_up, backend="trio")


def test_trio_can_be_controlled() -> None:
    """The canary: this fails loudly where a new Trio has other internals. Several schedules, and equal replays."""
    check_trio()
    seen = set()
    for seed in range(40):
        outcome = run(held_up, policy_of(f"random:{seed}"))
        seen.add(tuple(outcome.trace.labels))
        for _ in range(3):
            again = run(held_up, policy_of(outcome.trace.schedule))
            assert again.trace.labels == outcome.trace.labels
            assert type(again.error) is type(outcome.error)
            assert again.trace.choices == outcome.trace.choices
    assert len(seen) >= 10


def test_a_trio_without_the_private_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("trio._core._run._r")
    with pytest.raises(RuntimeError, match="has no _r any more"):
        check_trio()
    with pytest.raises(RuntimeError, match="has no _r any more"):
        explore(guarded, "random", 1)


def test_without_trio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import orchestrator.testing.schedules as package

    monkeypatch.delattr(package, "on_trio")
    monkeypatch.delitem(sys.modules, "orchestrator.testing.schedules.on_trio")
    monkeypatch.setitem(sys.modules, "trio", None)
    with pytest.raises(RuntimeError, match=r'pip install trio, or backend="asyncio"'):
        explore(guarded, "random", 1)
    explore(guarded, "random", 1, backend="asyncio").check()


def test_afterwards_trio_is_as_it_was() -> None:
    import trio._core._run as module
    import trio._threads as threads

    def state() -> tuple[object, ...]:
        return module._r, module._ALLOW_DETERMINISTIC_SCHEDULING, threads.start_thread_soon, random.getstate()

    before = state()
    explore(lost_update, "random", 50)
    explore(crossed_locks, "random", 50)
    assert state() == before


@pytest.mark.parametrize("scenario", [lost_update, crossed_locks, held_up], ids=lambda one: one.__name__)
def test_random_finds_it_and_the_printed_schedule_replays_it(scenario) -> None:
    found = explore(scenario, "random", 500)
    assert found.failure is not None
    failure = found.failure
    assert found.schedules == failure.after
    for schedule in (failure.schedule, failure.found):
        again = replay(scenario, schedule)
        assert type(again.error) is type(failure.error)
        assert str(again.error) == str(failure.error)


def test_the_error_is_raised_as_itself_with_the_replay_line() -> None:
    found = explore(lost_update, "random", 500)
    with pytest.raises(AssertionError, match="1 of 2") as caught:
        found.check()
    (note,) = caught.value.__notes__
    assert f"replay: {found.failure.schedule}" in note
    explore(guarded, "random", 20).check()


@pytest.mark.slow
def test_a_schedule_is_the_same_in_another_process_and_under_another_hash_seed() -> None:
    root = Path(__file__).parents[3]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r})\n"
        "from tests.orchestrator.testing.races import held_up\n"
        "from orchestrator.testing.schedules import policy_of, run\n"
        "print([run(held_up, policy_of(f'random:{seed}')).trace.schedule for seed in range(5)])"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert str([run(held_up, policy_of(f"random:{seed}")).trace.schedule for seed in range(5)]) in found.pop().decode()


def test_the_clock_stands_while_anybody_can_run_and_then_jumps() -> None:
    order: list[tuple[str, float]] = []

    async def scenario() -> None:
        async def sleeper(seconds: float) -> None:
            await anyio.sleep(seconds)
            order.append((f"slept {seconds}", anyio.current_time()))

        async with anyio.create_task_group() as group:
            group.start_soon(sleeper, 3600)
            group.start_soon(sleeper, 60)
            for _ in range(20):
                await checkpoint()
            order.append(("worked", anyio.current_time()))
            with anyio.move_on_after(10):
                await anyio.sleep_forever()

    for seed in range(10):
        order.clear()
        outcome = run(scenario, policy_of(f"random:{seed}"))
        assert outcome.error is None
        assert order == [("worked", 0), ("slept 60", 60), ("slept 3600", 3600)]
        assert outcome.trace.seconds == 3600


def test_what_is_not_under_control_is_found_by_running_twice() -> None:
    secret = itertools.count()

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(checkpoint, name="a")
            group.start_soon(checkpoint, name="b")
            if next(secret) % 2:
                group.start_soon(checkpoint, name="c")

    with pytest.raises(Uncontrolled, match="the same choices were made again, and"):
        explore(scenario, "random", 10, twice=True)
    explore(lost_update, "exhaustive", 2, twice=True, shorten=False)
    prove(guarded, run(guarded, policy_of("random:3")))


def test_random_numbers_are_the_same_in_every_run() -> None:
    async def scenario() -> None:
        for _ in range(random.randrange(1, 9)):
            await checkpoint()

    assert explore(scenario, "random", 20, twice=True).distinct == 1


def test_a_thread_runs_in_the_loop() -> None:
    import threading

    async def scenario() -> None:
        total = 0

        def work(number: int) -> int:
            assert threading.current_thread() is threading.main_thread()
            return number + 1

        async def add() -> None:
            nonlocal total
            total = await anyio.to_thread.run_sync(work, total)

        async with anyio.create_task_group() as group:
            group.start_soon(add)
            group.start_soon(add)
        assert total == 2, total

    found = explore(scenario, "random", 50, twice=True)
    assert found.failure is not None
    assert replay(scenario, found.failure.schedule).failed

    async def failing() -> None:
        def work() -> None:
            raise OSError("no")

        with pytest.raises(OSError, match="no"):
            await anyio.to_thread.run_sync(work)
        await anyio.sleep(5)

    explore(failing, "random", 5, twice=True).check()


def test_a_socket_is_not_under_control() -> None:
    async def scenario() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            with anyio.move_on_after(5):
                await trio.lowlevel.wait_readable(left)

    outcome = run(scenario, policy_of("0"))
    assert isinstance(outcome.error, Uncontrolled)
    assert "scenario waits at test_schedules_core.py" in str(outcome.error)


def test_what_is_not_under_control_need_not_be_so_again() -> None:
    """A process may be faster the next time: what was found is what is said."""
    runs = itertools.count()

    async def scenario() -> None:
        left, right = socket.socketpair()
        with left, right:
            if next(runs) == 0:
                await trio.lowlevel.wait_readable(left)

    with pytest.raises(Uncontrolled, match="a task waits for a socket"):
        explore(scenario, "random", 5)


def test_a_failure_that_does_not_come_again_is_said_to_be_uncontrolled() -> None:
    runs = itertools.count()

    async def scenario() -> None:
        assert next(runs), "the first time alone"

    with pytest.raises(Uncontrolled, match="and then, run again, it did not: what is kept between runs decides"):
        explore(scenario, "random", 5)


def test_a_schedule_without_an_end_is_ended() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        try:
            while True:
                await checkpoint()
        finally:
            ended.append("yes")

    outcome = run(scenario, policy_of("random:1"), steps=500)
    assert isinstance(outcome.error, Endless)
    assert "no end after 500 steps; the last were of scenario" in str(outcome.error)
    assert ended == ["yes"]


@pytest.mark.parametrize("key", ["0", "random:1", "pct:3:500:1"])
def test_who_polls_does_not_keep_the_others_out(key: str) -> None:
    async def scenario() -> None:
        done = anyio.Event()

        async def poll() -> None:
            while not done.is_set():
                await checkpoint()

        async with anyio.create_task_group() as group:
            group.start_soon(poll)
            group.start_soon(poll)
            await checkpoint()
            done.set()

    assert run(scenario, policy_of(key), steps=10_000).error is None


def test_ctrl_c_is_no_failure_of_the_scenario() -> None:
    async def scenario() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explore(scenario, "random", 3)


def test_a_written_schedule_that_no_longer_fits_says_so() -> None:
    policy = policy_of("0:7")
    assert run(lost_update, policy).error is None
    assert not policy.fitted  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["", "random", "random:x", "pct:3", "12", "1:1,", "1:x"])
def test_a_schedule_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="a schedule is written like"):
        policy_of(key)


def test_the_scenario_runs_as_often_as_is_said() -> None:
    scenario, runs = counted(guarded)
    found = explore(scenario, "random", 25)
    assert (found.schedules, len(runs), found.failure) == (25, 25, None)
    runs.clear()
    explore(scenario, "random", 25, twice=True)
    assert len(runs) == 50


def test_a_deadlock_in_a_shield_ends_too() -> None:
    async def scenario() -> None:
        with anyio.CancelScope(shield=True):
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.Event().wait()

    outcome = run(scenario, policy_of("0"))
    assert isinstance(outcome.error, Deadlock)
    assert "for sleep_forever()" in str(outcome.error)
