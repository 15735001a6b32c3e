"""Bugs that public libraries had: how many schedules the default strategy needs to find each.

    pip install --no-deps --target old anyio==4.13.0
    PYTHONPATH=old python -m tests.concurrency.real_bugs anyio-1145 [SCHEDULES [SEEDS]]

The table is in `docs/testing-concurrency.md`. Each scenario has a law at its end, and none cancels by itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import anyio
from anyio.lowlevel import checkpoint

from orchestrator.testing.schedules import explore


async def lock() -> None:
    """Three tasks use a lock. At the end it is free."""
    shared = anyio.Lock()

    async def use() -> None:
        async with shared:
            await checkpoint()

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(use)
    shared.acquire_nowait()


async def limiter() -> None:
    """Three tasks use a limiter of one. Nobody is inside beside another, and at the end all is given back."""
    shared, inside = anyio.CapacityLimiter(1), 0

    async def use() -> None:
        nonlocal inside
        async with shared:
            inside += 1
            try:
                assert inside == 1, "too many inside"
                await checkpoint()
            finally:
                inside -= 1

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(use)
    assert shared.borrowed_tokens == 0
    with anyio.fail_after(1):
        async with shared:
            pass


async def condition() -> None:
    """Two wait, and one is notified. Even if one is cancelled, the other one wakes up."""
    shared, woken = anyio.Condition(), 0

    async def wait() -> None:
        nonlocal woken
        async with shared:
            await shared.wait()
            woken += 1

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
        while not shared.statistics().tasks_waiting:  # noqa: ASYNC110
            await anyio.sleep(1)
        async with shared:
            both = shared.statistics().tasks_waiting == 2
            shared.notify()
        await anyio.sleep(1)
        assert woken or not both, "a notification is lost"
        while shared.statistics().tasks_waiting:
            async with shared:
                shared.notify_all()
            await anyio.sleep(1)


async def readers_and_writers() -> None:
    """Nobody writes beside another, and at the end both locks can be had."""
    import aiorwlock  # type: ignore[import-not-found]  # Installed by who runs this.

    shared, writers, readers = aiorwlock.RWLock(), 0, 0

    async def write() -> None:
        nonlocal writers
        async with shared.writer_lock:
            writers += 1
            try:
                assert writers == 1 and not readers, "somebody writes beside another"
                await asyncio.sleep(0)
            finally:
                writers -= 1

    async def read() -> None:
        nonlocal readers
        async with shared.reader_lock:
            readers += 1
            try:
                assert not writers, "somebody reads beside a writer"
                await asyncio.sleep(0)
            finally:
                readers -= 1

    async with asyncio.TaskGroup() as group:
        for work in (write, read, write, read, write):
            group.create_task(work())
    async with asyncio.timeout(1):
        async with shared.writer_lock:
            pass
        async with shared.reader_lock:
            pass


class RealBug(NamedTuple):
    scenario: Callable[[], Awaitable[Any]]
    backend: str = "asyncio"
    cancel: bool = True


BUGS = {
    "anyio-1145": RealBug(lock),
    "anyio-1170": RealBug(limiter),
    "anyio-947": RealBug(limiter),
    "anyio-1075": RealBug(condition),
    "anyio-1075-trio": RealBug(condition, "trio"),
    "aiorwlock-235": RealBug(readers_and_writers, cancel=False),
    "aiorwlock-514": RealBug(readers_and_writers),
}


def main() -> None:
    name = sys.argv[1]
    schedules, seeds = (*sys.argv[2:], *("200", "10")[len(sys.argv) - 2 :])
    bug = BUGS[name]
    for seed in range(int(seeds)):
        found = explore(bug.scenario, schedules=int(schedules), seed=seed, backend=bug.backend, cancel=bug.cancel)  # type: ignore[arg-type]
        print(seed, found)
        if found.failure is not None and seed == 0:
            print(found.failure)


if __name__ == "__main__":
    main()
