"""The same on asyncio: a loop that lets only those run whom the harness picks."""

from __future__ import annotations

import asyncio
import socket

import anyio
import anyio.to_thread
import pytest

from orchestrator.testing.schedules import Deadlock, Endless, Uncontrolled, explore, policy_of, replay, run
from orchestrator.testing.schedules.director import Abandoned
from tests.orchestrator.testing.races import checkpoint, crossed_locks, guarded, held_up, lost_update


@pytest.mark.parametrize("scenario", [lost_update, crossed_locks, held_up], ids=lambda one: one.__name__)
@pytest.mark.parametrize("strategy", ["random", "pct", "exhaustive:1"])
def test_races_are_found_and_replayed(scenario, strategy: str) -> None:
    found = explore(scenario, strategy, 500, backend="asyncio", twice=True)
    assert found.failure is not None
    again = replay(scenario, found.failure.schedule, backend="asyncio")
    assert type(again.error) is type(found.failure.error)
    assert again.trace.labels == found.failure.trace.labels


def test_a_schedule_means_the_same_on_both_loops() -> None:
    for seed in range(20):
        one = run(held_up, policy_of(f"random:{seed}"), backend="trio")
        two = run(held_up, policy_of(one.trace.schedule), backend="asyncio")
        assert type(one.error) is type(two.error)
        assert one.trace.labels[:5] == two.trace.labels[:5]


def test_plain_asyncio_shows_one_schedule_and_the_shuffled_loop_many() -> None:
    assert explore(guarded, "exhaustive", 1000, backend="asyncio").complete
    assert explore(held_up, "random", 60, backend="asyncio", shorten=False).distinct >= 2


def test_asyncios_own_tasks_queues_and_timers() -> None:
    """No AnyIO: a queue, gather, wait_for, call_later."""
    orders: set[str] = set()

    async def scenario() -> None:
        queue: asyncio.Queue[str] = asyncio.Queue(1)
        order: list[str] = []

        async def put(name: str) -> None:
            for _ in range(2):
                await queue.put(name)

        async def get() -> None:
            for _ in range(4):
                order.append(await queue.get())

        asyncio.get_running_loop().call_later(30, order.append, "late")
        await asyncio.gather(put("a"), put("b"), get())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 60)
        assert order.pop() == "late"
        assert sorted(order) == ["a", "a", "b", "b"]
        assert asyncio.get_running_loop().time() == 60
        orders.add("".join(order))

    found = explore(scenario, "random", 60, backend="asyncio", twice=True)
    found.check()
    assert {"aabb", "abab"} <= orders


def test_callbacks_keep_their_order() -> None:
    async def scenario() -> None:
        order: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(5):
            loop.call_soon(order.append, number)
        await checkpoint()
        await checkpoint()
        assert order == [0, 1, 2, 3, 4]

    explore(scenario, "random", 20, backend="asyncio").check()


def test_threads_run_in_the_loop() -> None:
    async def scenario() -> None:
        total = 0

        def work(number: int) -> int:
            return number + 1

        async def add() -> None:
            nonlocal total
            total = await anyio.to_thread.run_sync(work, total)

        async with anyio.create_task_group() as group:
            group.start_soon(add)
            group.start_soon(add)
        assert await asyncio.to_thread(work, 1) == 2
        with pytest.raises(ZeroDivisionError):
            await asyncio.get_running_loop().run_in_executor(None, lambda: 1 // 0)
        assert total == 2

    found = explore(scenario, "random", 50, backend="asyncio", twice=True)
    assert isinstance(found.failure.error, AssertionError)


def test_a_deadlock_says_who_waits_on_whom() -> None:
    found = explore(crossed_locks, "pct", 500, backend="asyncio")
    assert isinstance(found.failure.error, Deadlock)
    lines = str(found.failure.error).splitlines()
    assert lines[-1] == "  a circle: left first -> right first -> left first"
    assert lines[1].endswith("for the end of left first, right first")


def test_a_deadlock_in_a_cancelled_scope_and_a_shield_ends_too() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        async def stuck() -> None:
            try:
                with anyio.CancelScope(shield=True):
                    await anyio.Event().wait()
            finally:
                ended.append("stuck")

        async with anyio.create_task_group() as group:
            group.start_soon(stuck)
            await checkpoint()
            group.cancel_scope.cancel()

    outcome = run(scenario, policy_of("0"), backend="asyncio")
    assert isinstance(outcome.error, Deadlock)
    assert ended == ["stuck"]


def test_time_jumps_while_a_cancelled_scope_waits_for_a_shield() -> None:
    async def scenario() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(90)
        assert asyncio.get_running_loop().time() == 90

    assert run(scenario, policy_of("0"), backend="asyncio").error is None


def test_a_socket_is_not_under_control() -> None:
    async def scenario() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            await asyncio.get_running_loop().sock_recv(left, 1)

    assert isinstance(run(scenario, policy_of("0"), backend="asyncio").error, Uncontrolled)


def test_a_socket_that_has_something_at_once_is_not_under_control_either() -> None:
    async def scenario() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            right.send(b"x")
            loop, got = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(left, got.set)
            try:
                await got.wait()
            finally:
                loop.remove_reader(left)

    assert isinstance(run(scenario, policy_of("0"), backend="asyncio").error, Uncontrolled)


def test_a_schedule_without_an_end_is_ended() -> None:
    async def scenario() -> None:
        while True:
            await checkpoint()

    outcome = run(scenario, policy_of("random:1"), steps=300, backend="asyncio")
    assert isinstance(outcome.error, Endless)


def test_a_partial_has_the_name_of_its_function() -> None:
    import functools

    assert run(functools.partial(held_up, 1), policy_of("0"), backend="asyncio").trace.labels[0] == "held_up"


def test_afterwards_asyncio_is_as_it_was() -> None:
    from anyio._backends._asyncio import AsyncIOBackend

    before = AsyncIOBackend.__dict__["run_sync_in_worker_thread"]
    explore(lost_update, "random", 5, backend="asyncio")
    assert AsyncIOBackend.__dict__["run_sync_in_worker_thread"] is before
    assert not issubclass(Abandoned, Exception)

    async def plain() -> int:
        return await anyio.to_thread.run_sync(lambda: 3)

    assert anyio.run(plain) == 3
