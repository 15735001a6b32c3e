"""Laws in one line, invariants after each step, schedules that Hypothesis draws, and pages of schedules."""

from __future__ import annotations

from functools import partial

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.testing.schedules import bounded, cancellation_safe, explore, fair, invariant
from orchestrator.testing.schedules.drawn import drawn
from orchestrator.testing.schedules.page import nearest_passing, page
from tests.orchestrator.testing.races import checkpoint, held_up, lost_update

BACKENDS = ["trio", "asyncio"]


class LendingPool:
    """Two things to be lent. `careful`: they come back when who has one is cancelled."""

    def __init__(self, careful: bool = True, greedy: bool = False) -> None:
        self.careful = careful
        self.free = anyio.Semaphore(2)
        self.lent = 0
        self.greedy = greedy

    async def use(self) -> None:
        if not self.greedy:
            await self.free.acquire()
        self.lent += 1
        if self.careful:
            try:
                await checkpoint()
            finally:
                self.give_back()
        else:
            await checkpoint()
            self.give_back()

    def give_back(self) -> None:
        self.lent -= 1
        if not self.greedy:
            self.free.release()


def all_are_free(pool: LendingPool) -> bool:
    return pool.lent == 0


def test_a_pool_that_gives_back_is_safe_to_cancel() -> None:
    found = cancellation_safe(LendingPool, LendingPool.use, all_are_free, schedules=150)
    assert [one.schedules for one in found] == [150, 150]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pool_that_does_not_give_back_is_not(backend) -> None:
    with pytest.raises(AssertionError, match="the law does not hold") as raised:
        cancellation_safe(partial(LendingPool, careful=False), LendingPool.use, all_are_free, backends=[backend])
    assert "was cancelled at test_schedules_checks.py" in raised.value.__notes__[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_bound_is_asserted_after_each_step(backend) -> None:
    bounded(LendingPool, LendingPool.use, lambda pool: pool.lent, 2, schedules=60, backends=[backend])
    with pytest.raises(AssertionError, match="3, and the bound is 2"):
        bounded(
            partial(LendingPool, greedy=True),
            LendingPool.use,
            lambda pool: pool.lent,
            2,
            schedules=60,
            backends=[backend],
        )


def test_a_lock_is_fair_and_one_that_lets_the_last_go_first_is_not() -> None:
    class Unfair:
        def __init__(self) -> None:
            self.held = False
            self.waiting: list[anyio.Event] = []

        async def use(self) -> None:
            while self.held:
                event = anyio.Event()
                self.waiting.append(event)
                await event.wait()
            self.held = True
            await checkpoint()
            self.held = False
            if self.waiting:
                self.waiting.pop().set()

    async def use(lock: anyio.Lock) -> None:
        async with lock:
            await checkpoint()

    fair(anyio.Lock, use)
    with pytest.raises(AssertionError, match="turns taken"):
        fair(Unfair, Unfair.use, users=4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_invariant_is_broken_between_two_steps_of_another_task(backend) -> None:
    async def scenario() -> None:
        balance = {"a": 1, "b": 1}

        async def move() -> None:
            balance["a"] -= 1
            await checkpoint()
            balance["b"] += 1

        with invariant(lambda: sum(balance.values()) == 2):
            async with anyio.create_task_group() as group:
                group.start_soon(move)

    async def kept() -> None:
        with invariant(lambda: True):
            await checkpoint()

    failure = explore(scenario, schedules=10, backend=backend).failure
    assert failure is not None and "an invariant does not hold" in str(failure.error)
    assert explore(kept, schedules=10, backend=backend).failure is None
    with invariant(lambda: False):
        pass


def test_operations_and_schedules_are_drawn_together() -> None:
    seen: list[tuple[list[int], str]] = []

    async def scenario(numbers: list[int]) -> None:
        total = 0

        async def add(number: int) -> None:
            nonlocal total
            before = total
            await checkpoint()
            total = before + number

        async with anyio.create_task_group() as group:
            for number in numbers:
                group.start_soon(add, number)
        assert total == sum(numbers)

    @settings(database=None, max_examples=200, deadline=None)
    @given(numbers=st.lists(st.integers(1, 9), max_size=4), data=st.data())
    def test(numbers: list[int], data) -> None:
        try:
            drawn(partial(scenario, numbers), data)
        except AssertionError as error:
            seen.append((numbers, error.__notes__[-1]))
            raise

    with pytest.raises(AssertionError):
        test()
    numbers, note = seen[-1]
    assert numbers == [1, 1], "the fewest and smallest operations that fail"
    assert note.startswith("schedule: ") and note.count(":") == 2, "and one choice"


@pytest.mark.parametrize("scenario", [lost_update, held_up], ids=lambda one: one.__name__)
def test_a_page_shows_the_failure_beside_the_nearest_schedule_that_passes(scenario) -> None:
    failure = explore(scenario, "random", 300).failure
    assert failure is not None
    passing = nearest_passing(scenario, failure)
    assert passing is not None and passing.labels != failure.trace.labels
    html = page(scenario, failure)
    assert html.count("<table>") == 2 and html.count("class='first'") >= 1
    assert f"fails: {failure.schedule}" in html and f"passes: {passing.schedule}" in html
    assert "await checkpoint()" in html, "the source is there"
    assert "<script" not in html


def test_a_page_escapes_what_it_shows() -> None:
    async def scenario() -> None:
        raise ValueError("<b>&")

    failure = explore(scenario).failure
    assert failure is not None
    html = page(scenario, failure)
    assert "<b>&" not in html and "&lt;b&gt;&amp;" in html
    assert "No schedule that passes was found" in html
