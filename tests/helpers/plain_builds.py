"""Whole builds of projects in the plain language, through the public API: what tests of the API, of failures, of
sources that change, and the properties share."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import sniffio
import trio
import trio.testing

import orchestrator
from actors.disk import RealDisk
from actors.events import Event
from actors.offload import InlineOffload, Offload
from orchestrator import BuildResult, Project, Sources
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.toolchain import PlainToolchain

R = TypeVar("R")

_ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)


def named(texts: Mapping[str, str]) -> dict[str, str]:
    """File names for modules: `a/b` is a/b.plain."""
    return {f"{module}.plain": text for module, text in texts.items()}


def stamp_anew(path: Path) -> None:
    """Give a file, and the folder it is in, times that they never had: real clocks tick too seldom for quick tests."""
    for one in (path, path.parent):
        if one.exists():
            os.utime(one, ns=(next(_ticks), next(_ticks)))


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write modules as files."""
    for name, text in named(texts).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        stamp_anew(file)


def remove(folder: Path, module: str) -> None:
    file = folder / f"{module}.plain"
    file.unlink()
    stamp_anew(file)


class Bench:
    """An open project, what happened in it, the toolchain and the disk that it works on."""

    def __init__(self, project: Project, toolchain: PlainToolchain, disk: FakeDisk) -> None:
        self.project = project
        self.toolchain = toolchain
        self.disk = disk
        self.events: list[Event] = []
        project.listen(self.events.append)

    async def build(self, **more: Any) -> BuildResult:
        self.events.clear()
        self.disk.reset()
        self.toolchain.calls.clear()
        return await self.project.build(**more)

    def happened(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def codes(self, result: BuildResult) -> list[tuple[str, str]]:
        """What the build complained of, as (code, file)."""
        return [(found.code, found.file) for found in result.diagnostics]


@asynccontextmanager
async def opened(
    source: Path | Sources,
    *,
    toolchain: PlainToolchain | None = None,
    aged: bool = True,
    offload: Offload | None = None,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """Open a project in the plain language; `aged`: stamps are old enough to be trusted."""
    toolchain = toolchain or PlainToolchain()
    disk = FakeDisk(RealDisk(), aged=aged)
    settings = {"entry": "main.plain", "jobs": 2, **settings}
    made = offload or InlineOffload(disk)
    async with orchestrator.open(source, toolchain=toolchain, offload=made, **settings) as project:
        yield Bench(project, toolchain, disk)


async def everything(bench: Bench) -> tuple[dict[str, bytes | None], bytes | None]:
    """All objects that the cache has for the sources as they are, and the program: what two builds are compared by.
    Whether a blocked module was compiled before its import failed is a matter of luck, so those are left out."""
    result = await bench.build()
    modules = sorted(set((await bench.project.graph()).modules) - {*result.failed, *result.blocked})
    found = await bench.project.cache.lookup_all(modules)
    objects = {module: one.data if one else None for module, one in found.items()}
    return objects, result.program.read_bytes() if result.program else None


async def from_nothing(texts: Mapping[str, str], **settings: Any) -> tuple[dict[str, bytes | None], bytes | None]:
    """The same of a build of these modules from an empty cache."""
    async with opened(Sources(named(texts)), **settings) as bench:
        return await everything(bench)


def texts_in(folder: Path) -> dict[str, str]:
    """The modules in a folder."""
    return {
        str(file.relative_to(folder))[: -len(".plain")]: file.read_text() for file in sorted(folder.rglob("*.plain"))
    }


def tasks_running() -> int:
    """How many tasks the event loop has."""
    if sniffio.current_async_library() == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living


def in_virtual_time(function: Callable[[], Awaitable[R]]) -> R:
    """Run a test on Trio under a clock that jumps as soon as everybody waits."""

    async def whole() -> R:
        return await function()

    return trio.run(whole, clock=trio.testing.MockClock(autojump_threshold=0))


class Durations:
    """The `duration` hook of `InlineOffload`: so many virtual seconds for each compile, nothing for all else. Records
    when each compile began and ended."""

    def __init__(self, seconds: Callable[[str], float]) -> None:
        self._seconds = seconds
        self.spans: dict[str, tuple[float, float]] = {}

    def __call__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> float:
        if getattr(function, "__name__", "") != "compile_module":
            return 0.0
        module: str = args[1].module
        began = anyio.current_time()
        seconds = self._seconds(module)
        assert module not in self.spans, f"{module} was compiled twice"
        self.spans[module] = (began, began + seconds)
        return seconds
