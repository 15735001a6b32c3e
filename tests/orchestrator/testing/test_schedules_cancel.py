"""Schedules that cancel, the FIFO order of asyncio, what a scenario leaves behind, and no schedule twice."""

from __future__ import annotations

import asyncio
from collections import deque

import anyio
import pytest

from orchestrator.testing.schedules import Deadlock, LeftBehind, cancellable, explore, replay, run
from orchestrator.testing.schedules.policy import policy_of
from tests.orchestrator.testing.races import checkpoint, guarded, lost_update

BACKENDS = ["trio", "asyncio"]


class LeakyQueue:
    """Hands an item to a waiter that may have been cancelled: the item is lost then."""

    def __init__(self, careful: bool) -> None:
        self.items: deque[int] = deque()
        self._careful = careful
        self._waiting: deque[tuple[anyio.Event, list[int]]] = deque()

    def put(self, item: int) -> None:
        if self._waiting:
            event, slot = self._waiting.popleft()
            slot.append(item)
            event.set()
        else:
            self.items.append(item)

    async def get(self) -> int:
        if self.items:
            return self.items.popleft()
        waiting = anyio.Event(), list[int]()
        self._waiting.append(waiting)
        try:
            await waiting[0].wait()
        except BaseException:
            if self._careful and waiting in self._waiting:
                self._waiting.remove(waiting)
            elif self._careful:
                self.put(waiting[1].pop())
            raise
        return waiting[1].pop()


async def takes(careful: bool) -> None:
    """Two take, and two are put: nothing may be lost, whoever is cancelled."""
    queue, got = LeakyQueue(careful), list[int]()

    async def take() -> None:
        got.append(await queue.get())

    async with anyio.create_task_group() as group:
        group.start_soon(take)
        group.start_soon(take)
        await checkpoint()
        queue.put(1)
        await checkpoint()
        queue.put(2)
    assert sorted(got + list(queue.items)) == [1, 2]


async def takes_carelessly() -> None:
    await takes(careful=False)


async def takes_carefully() -> None:
    await takes(careful=True)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_task_is_cancelled_at_the_await_that_loses_an_item(backend) -> None:
    assert explore(takes_carelessly, schedules=50, backend=backend).failure is None, "nothing is cancelled unasked"
    failure = explore(takes_carelessly, schedules=400, backend=backend, cancel=True).failure
    assert failure is not None
    assert failure.schedule.removeprefix("fifo/").startswith("cancel=1/")
    assert failure.trace.cancels == 1
    assert "CANCELLED at test_schedules_cancel.py" in str(failure), str(failure)
    again = replay(takes_carelessly, failure.schedule, backend=backend)
    assert str(again.error) == str(failure.error)
    assert again.trace.labels == failure.trace.labels


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_all_cancellations_are_tried_and_careful_code_passes(backend) -> None:
    found = explore(takes_carefully, "exhaustive:1", 5000, backend=backend, cancel=True)
    assert found.failure is None
    assert found.complete
    without = explore(takes_carefully, "exhaustive:1", 5000, backend=backend)
    assert found.schedules > 3 * without.schedules


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_schedule_cancels_only_the_scope_that_a_scenario_offers(backend) -> None:
    ended: set[str] = set()

    async def scenario() -> None:
        async def task(name: str) -> None:
            await checkpoint()
            await checkpoint()
            ended.add(name)

        with cancellable() as scope:
            await checkpoint()
        async with anyio.create_task_group() as group:
            group.start_soon(task, "a")
            group.start_soon(task, "b")
        ended.add(f"cancelled {scope.cancelled_caught}")
        assert {"a", "b"} <= ended
        ended.difference_update("ab")

    explore(scenario, schedules=60, backend=backend, twice=True).check()
    assert ended == {"cancelled True", "cancelled False"}


def test_outside_of_schedules_a_cancellable_scope_is_a_plain_one() -> None:
    async def scenario() -> bool:
        with cancellable() as scope:
            scope.cancel()
            await anyio.sleep_forever()
        return scope.cancelled_caught

    assert anyio.run(scenario)


def test_native_tasks_are_cancelled_as_they_are() -> None:
    seen: set[str] = set()

    async def scenario() -> None:
        async def task() -> None:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                seen.add("in the await")
                raise

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(task()) for _ in range(2)]
        assert sum(one.cancelled() for one in tasks) <= 1
        seen.update("ended" for one in tasks if not one.cancelled())

    explore(scenario, schedules=60, backend="asyncio", cancel=True).check()
    assert seen == {"in the await", "ended"}


def test_a_cancellation_that_ends_the_scenario_is_no_failure() -> None:
    async def scenario() -> None:
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))

    assert explore(scenario, schedules=60, backend="asyncio", cancel=True).failure is None

    async def cancels_itself() -> None:
        raise asyncio.CancelledError

    assert explore(cancels_itself, schedules=1, backend="asyncio", cancel=True).failure is not None


# ------------------------------------------------------------------------------------------------ FIFO order


async def overtaken() -> None:
    """Fails only where a task that was woken later runs first: a FIFO loop cannot do it."""
    order: list[str] = []

    async def note(name: str) -> None:
        await asyncio.sleep(0)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(note("first"), name="first")
        group.create_task(note("second"), name="second")
    assert order == ["first", "second"]


def test_a_failure_says_whether_fifo_order_can_produce_it() -> None:
    failure = explore(overtaken, backend="asyncio").failure
    assert failure is not None and failure.fifo is False
    assert "that a plain asyncio loop, which is FIFO, does not take: no schedule in FIFO order fails" in str(failure)
    marked = [line for line in str(failure).splitlines() if line[3:5].strip().endswith("*")]
    assert 1 <= len(marked) <= len(failure.trace.overtaking)
    possible = explore(lost_update, backend="asyncio").failure
    assert possible is not None and possible.fifo
    assert possible.schedule == "fifo/0" and not possible.trace.overtaking
    assert "can do this" in str(possible)
    on_trio = explore(lost_update, backend="trio").failure
    assert on_trio is not None and on_trio.fifo is None


def test_in_fifo_order_there_is_what_asyncio_does_and_nothing_else() -> None:
    orders: set[tuple[str, ...]] = set()

    async def scenario() -> None:
        order: list[str] = []

        async def steps(name: str, count: int) -> None:
            for _ in range(count):
                await asyncio.sleep(0)
                order.append(name)

        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            group.create_task(steps("a", 3))
            loop.call_soon(order.append, "called")
            group.create_task(steps("b", 2))
        orders.add(tuple(order))

    asyncio.run(scenario())
    plain = set(orders)
    found = explore(scenario, "exhaustive", backend="asyncio", order="fifo")
    assert found.complete and found.schedules == 1
    assert orders == plain
    explore(scenario, backend="asyncio", order="fifo", schedules=30).check()
    assert orders == plain
    explore(scenario, backend="asyncio", schedules=30).check()
    assert orders > plain


def test_in_fifo_order_cancellations_are_explored() -> None:
    found = explore(takes_carelessly, "exhaustive", backend="asyncio", order="fifo", cancel=True)
    assert found.failure is not None and found.failure.fifo
    assert found.failure.schedule.startswith("fifo/cancel=1/")


def test_an_order_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match='an order is "any" or "fifo"'):
        explore(guarded, order="lifo")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a strategy is"):
        explore(guarded, "best", order="fifo")
    with pytest.raises(ValueError, match="before a schedule stands"):
        policy_of("lifo/1:1")
    keys = ("fifo/cancel=2/1:1", "cancel=1/random:7:30", "scope=1/pct:3:40:7", "cancel=1/0", "random:7")
    assert tuple(policy_of(key).key for key in keys) == keys


# ------------------------------------------------------------------------------------------------ what is left


def test_what_a_scenario_leaves_behind_on_asyncio_fails() -> None:
    async def runs_on() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(100), name="sleeper"))
        await asyncio.sleep(0)

    async def in_a_callback() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    async def unseen() -> None:
        async def fails() -> None:
            raise ValueError("nobody sees it")

        kept.append(asyncio.create_task(fails(), name="failing"))
        await asyncio.sleep(1)

    kept: list[asyncio.Task[None]] = []
    texts = []
    for scenario in (runs_on, in_a_callback, unseen):
        outcome = run(scenario, policy_of("0"), backend="asyncio")
        assert isinstance(outcome.error, LeftBehind), outcome.error
        texts.append(str(outcome.error))
    assert "sleeper still runs" in texts[0] and "await it, or cancel it" in texts[0]
    assert "ZeroDivisionError" in texts[1]
    assert "failing raised ValueError('nobody sees it'), and nobody awaits it" in texts[2]


def test_what_is_awaited_and_seen_is_not_left_behind() -> None:
    async def scenario() -> None:
        async def fails() -> None:
            raise ValueError

        task = asyncio.create_task(fails())
        other = asyncio.create_task(asyncio.sleep(100))
        await asyncio.sleep(0)
        other.cancel()
        results = await asyncio.gather(task, other, return_exceptions=True)
        assert [type(one) for one in results] == [ValueError, asyncio.CancelledError]

    explore(scenario, schedules=30, backend="asyncio").check()


# ------------------------------------------------------------------------------------------------ the portfolio


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_portfolio_runs_no_schedule_twice_and_knows_the_end(backend) -> None:
    every = explore(guarded, "exhaustive", backend=backend)
    found = explore(guarded, backend=backend)
    assert found.complete and every.complete
    assert found.distinct == every.distinct == every.schedules
    if backend == "trio":  # On asyncio some are tried in FIFO order too.
        assert found.schedules == found.distinct
    assert str(found).startswith("portfolio: complete")


def test_a_schedule_of_the_portfolio_can_be_had_again_by_its_key() -> None:
    found = explore(takes_carelessly, cancel=True, shorten=False)
    assert found.failure is not None
    again = replay(takes_carelessly, found.failure.found)
    assert again.trace.labels == found.failure.first.labels
    assert not isinstance(again.error, Deadlock)


async def one_sleeps() -> None:
    """A task that waits for nothing but a timer: no other step stands beside its await."""
    cancelled: list[str] = []

    async def sleep() -> None:
        await checkpoint()
        try:
            await anyio.sleep(1)
        except anyio.get_cancelled_exc_class():
            cancelled.append("asleep")
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(sleep)
    assert cancelled == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("strategy", ["random", "pct", "deviations", "exhaustive", "portfolio"])
def test_a_task_is_cancelled_while_only_time_passes(strategy, backend):
    found = explore(one_sleeps, strategy, 50, backend=backend, cancel=True)
    assert found.failure is not None
    again = replay(one_sleeps, found.failure.schedule, backend=backend)
    assert isinstance(again.error, AssertionError)
    assert explore(one_sleeps, strategy, 20, backend=backend).failure is None


async def scope_around_a_timer() -> None:
    with cancellable() as scope:
        await anyio.sleep(1)
    assert not scope.cancelled_caught


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("strategy", ["random", "deviations", "exhaustive", "portfolio"])
def test_a_scope_is_found_by_the_first_run_and_cancelled_by_the_next_ones(strategy, backend):
    """The first run alone says that there is a scope: a strategy that was through with it begins anew."""
    assert explore(scope_around_a_timer, strategy, 50, backend=backend).failure is not None
