"""Small scenarios with a race in each, and some without: what the harness is tested on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel

checkpoint = anyio.lowlevel.checkpoint


async def lost_update() -> None:
    """Six schedules; in three of them both read before either writes."""
    total = 0

    async def add() -> None:
        nonlocal total
        before = total
        await checkpoint()
        total = before + 1

    async with anyio.create_task_group() as group:
        group.start_soon(add)
        group.start_soon(add)
    assert total == 2, f"{total} of 2"


async def crossed_locks() -> None:
    """Each has what the other wants, where one is held up between its two locks."""
    left, right = anyio.Lock(), anyio.Lock()

    async def both(first: anyio.Lock, second: anyio.Lock, later: int) -> None:
        for _ in range(later):
            await checkpoint()
        async with first, second:
            pass

    async with anyio.create_task_group() as group:
        group.start_soon(both, left, right, 0, name="left first")
        group.start_soon(both, right, left, 5, name="right first")


async def held_up(steps: int = 4) -> None:
    """Fails only where one task does `steps` steps while the other, which could run, does none."""
    done = 0

    async def slow() -> None:
        await checkpoint()
        assert done < steps, "somebody was held up"

    async def busy() -> None:
        nonlocal done
        for _ in range(steps):
            await checkpoint()
            done += 1

    async with anyio.create_task_group() as group:
        group.start_soon(slow)
        group.start_soon(busy)


async def two_windows() -> None:
    """Needs a switch at one place of each of two tasks: a bug of depth 3."""
    flags = {"a": False, "b": False}
    seen = {"a": False, "b": False}

    async def watch(mine: str, other: str) -> None:
        for _ in range(5):
            await checkpoint()
        flags[mine] = True
        await checkpoint()
        seen[mine] = flags[other]
        await checkpoint()
        flags[mine] = False

    async with anyio.create_task_group() as group:
        group.start_soon(watch, "a", "b")
        group.start_soon(watch, "b", "a")
    assert not (seen["a"] and seen["b"]), "both saw each other"


async def guarded() -> None:
    """The same as `lost_update`, with a lock: no schedule fails."""
    total = 0
    lock = anyio.Lock()

    async def add() -> None:
        nonlocal total
        async with lock:
            before = total
            await checkpoint()
            total = before + 1

    async with anyio.create_task_group() as group:
        group.start_soon(add)
        group.start_soon(add)
    assert total == 2


def counted(scenario: Callable[[], Awaitable[None]]) -> tuple[Callable[[], Awaitable[None]], list[int]]:
    """A scenario that counts how often it is run."""
    runs: list[int] = []

    async def counting() -> None:
        runs.append(len(runs))
        await scenario()

    return counting, runs
