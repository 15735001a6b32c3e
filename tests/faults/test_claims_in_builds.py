"""Builds that share a cache compile each module once, as far as that can be had for nothing; in virtual time."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.disk import RealDisk
from actors.events import CacheHit, CompiledTwice
from actors.keeper.database import Database
from actors.keeper.locks import Claims
from actors.offload import InlineOffload
from orchestrator import BuildResult
from orchestrator.testing.disk import FakeDisk
from tests.helpers.plain_builds import Bench, Durations, everything, from_nothing, in_virtual_time, opened, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="claims need locks that belong to an open file")

MODULES = {f"m{number:02}": f"pub f = {number}\n" for number in range(40)}
PROJECT = {**MODULES, "main": "".join(f"use {module}::f as {module}f\n" for module in MODULES) + "run m00f\n"}


class Counted(Durations):
    """As `Durations`, and a module may be compiled twice."""

    def __call__(self, function, args):
        if getattr(function, "__name__", "") == "compile_module":
            self.spans.pop(args[1].module, None)
        return super().__call__(function, args)


class Polite(InlineOffload):
    """Everything in the loop, SQLite too. There two connections must not wait for one another: `turn` is for one."""

    def __init__(self, seconds: Callable[[str], float], turn: anyio.Lock) -> None:
        super().__init__(FakeDisk(RealDisk(), aged=True), Counted(seconds))
        self._alone = turn

    async def connect(self, path: str) -> Database:
        database = await super().connect(path)
        run = database._run

        async def alone(*args: Any, **kwargs: Any) -> Any:
            with anyio.CancelScope(shield=True):
                async with self._alone:
                    return await run(*args, **kwargs)

        database._run = alone  # type: ignore[method-assign]
        return database


@asynccontextmanager
async def sharing(
    folder: Path, texts: dict[str, str], builds: int, seconds: float = 0.002
) -> AsyncIterator[list[Bench]]:
    """So many Projects of their own, with the same modules, on one cache."""
    turn = anyio.Lock()
    async with AsyncExitStack() as stack:
        benches = []
        for number in range(builds):
            write(folder / str(number), texts)
            offload = Polite(lambda _: seconds, turn)
            opening = opened(folder / str(number), offload=offload, folder=str(folder / "cache"))
            benches.append(await stack.enter_async_context(opening))
            # One after the other: opening the index for the first time is alone too.
            await benches[-1].project.cache.statistics()
        yield benches


def inline(seconds: float) -> InlineOffload:
    return InlineOffload(FakeDisk(RealDisk(), aged=True), Counted(lambda _: seconds))


def keys_in(cache: Path) -> list[bytes]:
    return sorted(bytes.fromhex(file.stem) for file in (cache / "metadata").iterdir())


async def build_all(benches: list[Bench], apart: float = 0.0) -> list[BuildResult]:
    results: dict[int, BuildResult] = {}

    async def build(number: int) -> None:
        await anyio.sleep(number * apart)
        results[number] = await benches[number].build()

    async with anyio.create_task_group() as group:
        for number in range(len(benches)):
            group.start_soon(build, number)
    return [results[number] for number in sorted(results)]


@pytest.mark.parametrize(("builds", "apart"), [(2, 0.0), (2, 0.01), (3, 0.0), (4, 0.003)])
def test_each_module_is_compiled_once(tmp_path: Path, builds: int, apart: float) -> None:
    async def whole() -> None:
        async with sharing(tmp_path, PROJECT, builds) as benches:
            results = await build_all(benches, apart)
            compiled = Counter(itertools.chain.from_iterable(result.recompiled for result in results))
            assert compiled == dict.fromkeys(PROJECT, 1)
            assert sum(bool(result.recompiled) for result in results) >= (1 if apart else 2), "they share the work"
            assert {result.compiled_modules + result.cache_hits for result in results} == {len(PROJECT)}
            said = await benches[0].project.cache.statistics()
            assert (said.compilations, said.misses, said.compiled_twice) == (len(PROJECT), len(PROJECT), 0)
            assert said.hits == (builds - 1) * len(PROJECT)
            assert not any(bench.happened(CompiledTwice) for bench in benches)
            programs = {result.program.read_bytes() for result in results if result.program}
            assert len(programs) == 1
            assert (await benches[0].project.cache.verify()).damage == ()

    in_virtual_time(whole)


def test_one_module_for_two(tmp_path: Path) -> None:
    """The usual edit: the second build waits for the first, and takes its object."""

    async def whole() -> None:
        async with sharing(tmp_path, {"main": "run 1\n"}, 2, seconds=0.05) as [first, second]:
            one, two = await build_all([first, second], apart=0.01)
            assert (one.recompiled, two.recompiled, two.cache_hits) == (["main"], [], 1)
            assert [event.module for event in second.happened(CacheHit) if event.kind == "object"] == ["main"]
            assert second.toolchain.compiled_modules() == []

    in_virtual_time(whole)


def test_who_hangs_is_not_waited_for(tmp_path: Path) -> None:
    """A process that was stopped holds its claims: that costs patience, and the module is compiled all the same."""

    async def whole() -> float:
        write(tmp_path, PROJECT)
        async with opened(tmp_path, offload=inline(0.0)) as bench:
            await bench.build()
            keys = keys_in(tmp_path / ".ruchy-cache")
            await bench.project.cache.clear()
            held = Claims(str(tmp_path / ".ruchy-cache"))
            assert held.take(keys) == set()
            began = anyio.current_time()
            result = await bench.build()
            assert sorted(result.recompiled) == sorted(PROJECT)
            assert not bench.happened(CompiledTwice)
            held.release()
            return anyio.current_time() - began

    assert 1.0 < in_virtual_time(whole) < 2.0


def test_who_dies_is_not_waited_for_at_all(tmp_path: Path) -> None:
    async def whole() -> None:
        write(tmp_path, {"main": "run 1\n"})
        async with opened(tmp_path, offload=inline(0.002)) as bench:
            await bench.build()
            keys = keys_in(tmp_path / ".ruchy-cache")
            await bench.project.cache.clear()
            held = Claims(str(tmp_path / ".ruchy-cache"))
            held.take(keys)

            async def die() -> None:
                await anyio.sleep(0.02)
                held.release()

            began = anyio.current_time()
            async with anyio.create_task_group() as group:
                group.start_soon(die)
                assert (await bench.build()).recompiled == ["main"]
            assert 0.02 < anyio.current_time() - began < 0.06

    in_virtual_time(whole)


def test_a_module_that_fails_elsewhere_fails_here_too(tmp_path: Path) -> None:
    async def whole() -> None:
        texts = {"main": "use a::f\nrun f\n", "a": "pub f =\nfail because\n", "b": "pub g =\n"}
        async with sharing(tmp_path, texts, 2) as benches:
            for result in await build_all(benches):
                assert (result.success, result.failed, result.blocked) == (False, ["a"], ["main"])

    in_virtual_time(whole)


def test_forced_builds_claim_nothing(tmp_path: Path) -> None:
    async def whole() -> None:
        write(tmp_path, PROJECT)
        async with opened(tmp_path, offload=inline(0.0)) as bench:
            await bench.build()
            keys = keys_in(tmp_path / ".ruchy-cache")
            held = Claims(str(tmp_path / ".ruchy-cache"))
            held.take(keys)
            began = anyio.current_time()
            assert (await bench.build(force=True)).compiled_modules == len(PROJECT)
            assert anyio.current_time() == began
            held.release()

    in_virtual_time(whole)


def test_a_cancelled_wait_gives_everything_back(tmp_path: Path) -> None:
    async def whole() -> None:
        write(tmp_path, PROJECT)
        async with opened(tmp_path, offload=inline(0.0)) as bench:
            await bench.build()
            keys = keys_in(tmp_path / ".ruchy-cache")
            await bench.project.cache.clear()
            held = Claims(str(tmp_path / ".ruchy-cache"))
            held.take(keys[:20])
            with anyio.move_on_after(0.05) as scope:
                await bench.build()
            assert scope.cancelled_caught
            held.release()
            assert (await bench.build()).success
            after = Claims(str(tmp_path / ".ruchy-cache"))
            assert after.take(keys) == set()
            after.release()
            assert await everything(bench) == await from_nothing(PROJECT)

    in_virtual_time(whole)
