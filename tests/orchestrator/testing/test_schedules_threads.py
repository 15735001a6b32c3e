"""Threads, clocks and hangs beside a schedule: what comes from outside arrives, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import os
import queue
import random
import threading
import time
import uuid

import anyio
import anyio.to_thread
import pytest

from orchestrator.testing.schedules import Deadlock, Uncontrolled, explore, policy_of, run, threads
from orchestrator.testing.schedules.steady import EPOCH
from tests.orchestrator.testing.races import checkpoint

BACKENDS = ["trio", "asyncio"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_clocks_show_the_virtual_time(backend) -> None:
    async def scenario() -> None:
        began, wall = time.monotonic(), time.time()
        assert wall == EPOCH + began
        await anyio.sleep(3600)
        assert (time.monotonic() - began, time.time() - wall) == (3600, 3600)
        assert time.monotonic_ns() - round(began * 1e9) == 3600 * 10**9
        time.sleep(10)  # noqa: ASYNC251
        assert time.monotonic() - began == 3610
        with anyio.move_on_after(5) as scope:
            time.sleep(6)  # noqa: ASYNC251
            await checkpoint()
        assert scope.cancelled_caught

    real = time.monotonic()
    explore(scenario, "random", 3, backend=backend, twice=True).check()
    assert time.monotonic() > real + 0.0, "the clock is the real one again"
    assert time.sleep is not None and abs(time.time() - EPOCH) > 3600


@pytest.mark.parametrize("backend", BACKENDS)
def test_random_numbers_of_every_kind_are_the_same_in_each_run(backend) -> None:
    seen = set()

    async def scenario() -> None:
        seen.add((random.random(), os.urandom(8), uuid.uuid4(), random.SystemRandom().random()))

    explore(scenario, "random", 3, backend=backend)
    assert len(seen) == 1
    assert os.urandom(8) != os.urandom(8)


class OwnThread:
    """A library with a thread of its own, as aiosqlite has: it works on a queue, and calls into the loop."""

    def __init__(self) -> None:
        self.work: queue.SimpleQueue[asyncio.Future[int] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name="own", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        for number in range(1_000):
            future = self.work.get()
            if future is None:
                return
            future.get_loop().call_soon_threadsafe(future.set_result, number)

    async def ask(self) -> int:
        future = asyncio.get_running_loop().create_future()
        self.work.put(future)
        return await future


def test_a_library_with_a_thread_of_its_own_is_no_deadlock() -> None:
    orders: set[tuple[int, ...]] = set()

    async def scenario() -> None:
        own, got = OwnThread(), list[int]()

        async def ask() -> None:
            await checkpoint()
            got.append(await own.ask())

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)
        own.work.put(None)
        own.thread.join()
        orders.add(tuple(got))

    explore(scenario, "random", 20, backend="asyncio").check()
    assert {(0, 1), (1, 0)} >= orders >= {(0, 1)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_deadlock_beside_a_thread_names_the_thread(backend, monkeypatch) -> None:
    monkeypatch.setattr(f"orchestrator.testing.schedules.on_{backend}.AT_REST", 0.02)
    ends = threading.Event()

    def idle() -> None:
        ends.wait()

    async def scenario() -> None:
        threading.Thread(target=idle, name="idler").start()
        await anyio.Event().wait()

    try:
        outcome = run(scenario, policy_of("0"), backend=backend)
    finally:
        ends.set()
    assert isinstance(outcome.error, Deadlock)
    assert "the thread idler is at test_schedules_threads.py" in str(outcome.error)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_thread_that_waits_for_the_loop_does_not_hang(backend, monkeypatch) -> None:
    monkeypatch.setattr(threads, "HANG", 0.2)
    other: queue.Queue[int] = queue.Queue()

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, other.get)
            await anyio.sleep(1)
            other.put(1)

    outcome = run(scenario, policy_of("0"), backend=backend)
    assert isinstance(outcome.error, Uncontrolled), outcome.error
    text = str(outcome.error)
    assert "no step was made for 0.2 seconds of real time" in text
    assert "other.get" in text or "queue.py" in text, "the stacks are there"
    assert "must not wait for the loop" in text
    assert run(checkpoint, policy_of("0"), backend=backend).error is None, "the next run is not disturbed"
