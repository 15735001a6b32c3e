"""Cancelling at every checkpoint: `build()` alone, or the whole life of a Project; by a cancel scope, by a native
cancellation of asyncio's, and by `asyncio.wait_for`. The Project can be used again, and nothing is left over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

import orchestrator
from actors.disk import RealDisk
from actors.keeper.database import Database
from actors.offload import InlineOffload
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.toolchain import PlainToolchain
from tests.faults.scenarios import CACHE, EDITED, PROJECT, Around, all_is_well, check_build
from tests.helpers.plain_builds import opened, write
from tests.helpers.tallies import LONG, Tally, in_parts, share

R = TypeVar("R")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.sweep,
    pytest.mark.timeout(3600 if LONG else 120),
]


class Checkpoints(InlineOffload):
    """Everything in the loop; `then` is called before the `at`-th hop, and once more before the next one."""

    def __init__(self, at: int, then: Callable[[], None]) -> None:
        super().__init__(FakeDisk(RealDisk(), aged=True))
        self.at = at
        self.then = then
        self.count = 0

    def hop(self) -> None:
        self.count += 1
        if self.count == self.at:
            self.then()

    async def run(self, function: Callable[..., R], *args: Any) -> R:
        self.hop()
        return await super().run(function, *args)

    async def connect(self, path: str) -> Database:
        self.hop()
        database = await super().connect(path)
        run = database._run

        async def hopping(*args: Any, **kwargs: Any) -> Any:
            self.hop()
            return await run(*args, **kwargs)

        database._run = hopping  # type: ignore[method-assign]
        return database


async def scoped(at: int, body: Callable[[Checkpoints], Awaitable[None]]) -> tuple[bool, int]:
    """Run `body`, cancelled by a scope at that hop. Gives whether it was cancelled, and how many hops there were."""
    with anyio.CancelScope() as scope:
        hops = Checkpoints(at, scope.cancel)
        await body(hops)
    return scope.cancelled_caught, hops.count


async def native(at: int, body: Callable[[Checkpoints], Awaitable[None]]) -> tuple[bool, int]:
    """The same by `Task.cancel`."""
    hops = Checkpoints(at, lambda: task.cancel() and None)  # type: ignore[func-returns-value]
    task = asyncio.ensure_future(body(hops))
    try:
        await task
    except asyncio.CancelledError:
        return True, hops.count
    return False, hops.count


async def waited(at: int, body: Callable[[Checkpoints], Awaitable[None]]) -> tuple[bool, int]:
    """The same by `asyncio.wait_for`, whose time is up at that hop."""
    up = asyncio.Event()
    hops = Checkpoints(at, up.set)
    loop = asyncio.get_running_loop()
    hops.then = lambda: loop.call_soon(timeout.reschedule, 0.0) and None  # type: ignore[func-returns-value]
    try:
        async with asyncio.timeout(None) as timeout:
            await body(hops)
    except TimeoutError:
        return True, hops.count
    return False, hops.count


WAYS = {"asyncio": [scoped, native, waited], "trio": [scoped]}


async def build_alone(folder: Path, way: Any, at: int, tally: Tally, what: object) -> tuple[bool, int]:
    """Cancel the second build of a Project that stays open; then build again in it. Gives what `way` does."""
    hops = Checkpoints(0, lambda: None)
    async with opened(folder, offload=hops) as bench:
        await bench.build()
        write(folder, EDITED)

        async def body(asked: Checkpoints) -> None:
            hops.count, hops.at, hops.then = 0, asked.at, asked.then
            await bench.project.build()

        cancelled, _ = await way(at, body)
        count, hops.at = hops.count, 0
        await check_build(bench, folder, tally, what, await bench.build())
        assert {one.current for one in bench.project.statistics().values()} == {""}
    return cancelled, count


async def whole_life(folder: Path, way: Any, at: int, tally: Tally, what: object) -> tuple[bool, int]:
    """Cancel `open`, a build, a look-up or closing, whatever it is doing then."""

    async def body(hops: Checkpoints) -> None:
        async with orchestrator.open(
            folder, toolchain=PlainToolchain(), offload=hops, entry="main.plain", jobs=2
        ) as project:
            await project.build()
            await project.cache.lookup("a")

    found: tuple[bool, int] = await way(at, body)
    return found


LIVES = {"build": build_alone, "life": whole_life}


@in_parts
async def test_cancelled_at_every_checkpoint(tmp_path: Path, tally: Tally, part: int, anyio_backend: str) -> None:
    around = Around()
    counts = {}
    for name, life in LIVES.items():
        write(tmp_path / name, PROJECT)
        cancelled, counts[name] = await life(tmp_path / name, scoped, 0, tally, "counting")
        assert not cancelled
    assert min(counts.values()) >= 15
    cases = [(name, way, at) for name in LIVES for way in WAYS[anyio_backend] for at in range(1, counts[name] + 1)]
    for name, way, at in share(cases, part, few=8, kinds=lambda case: (case[:2],)):
        what = f"{name}-{way.__name__}-{at}"
        folder = tmp_path / what
        write(folder, PROJECT)
        cancelled, _ = await LIVES[name](folder, way, at, tally, what)
        assert cancelled or at > counts[name] * 0.8, (what, "in vain, although it was not about to end")
        tally.count(builds_and_projects_cancelled=cancelled)
        await all_is_well(folder, tally, what)
        around.check(what)
        tally.survive()
        shutil.rmtree(folder)


async def test_cancelled_while_the_index_is_being_opened(tmp_path: Path, tally: Tally) -> None:
    """Nobody would get the lock of those who open it any more."""
    around = Around()
    write(tmp_path, PROJECT)
    for at in range(3, 16):
        await whole_life(tmp_path, scoped, at, tally, at)
        around.check(at)
        shutil.rmtree(tmp_path / CACHE, ignore_errors=True)
        tally.survive()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_wait_for_around_open_and_build(tmp_path: Path, tally: Tally, anyio_backend: str) -> None:
    """With real threads and a real clock, and time-outs of every length."""
    around = Around()
    write(tmp_path, PROJECT)
    for number in range(200 if LONG else 12):
        write(tmp_path, {"b": f"pub g = {number}\n"})

        async def body(seconds: float) -> None:
            async with orchestrator.open(tmp_path, toolchain=PlainToolchain(), entry="main.plain", jobs=2) as project:
                await asyncio.wait_for(project.build(), timeout=seconds)

        try:
            await asyncio.wait_for(body(0.001 * (number % 40)), timeout=0.0015 * (number % 37))
        except TimeoutError:
            tally.survive()
    await all_is_well(tmp_path, tally, "time-outs")
    around.check("time-outs")
