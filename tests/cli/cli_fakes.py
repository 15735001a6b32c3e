"""A Project that does nothing but what a test says, to see what the command line makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio

from actors.events import BuildFinished, BuildStarted, Event
from actors.messages import CacheStatistics, Collected, Verified
from orchestrator.dependencies import DependencyGraph
from orchestrator.result import BuildResult

Wasmill = Callable[..., tuple[int, str, str]]
"""What the fixture `wasmill` gives: exit code, standard output, standard error of one command."""


def result(**fields: Any) -> BuildResult:
    return BuildResult(**{"success": True, "compiled_modules": 0, "cache_hits": 0, "duration_ms": 12.0, **fields})


class FakeCache:
    def __init__(self, project: FakeProject) -> None:
        self._project = project

    async def statistics(self) -> CacheStatistics:
        return self._project.statistics

    async def verify(self) -> Verified:
        return self._project.verified

    async def gc(self, *, force: bool = False) -> Collected:
        self._project.calls.append(("gc", force))
        return self._project.collected

    async def clear(self) -> Collected:
        self._project.calls.append(("clear",))
        return self._project.collected


class FakeProject:
    """Install as `orchestrator.open`: calling it notes the arguments and gives the Project itself."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.result = result(compiled_modules=1)
        self.error: Exception | None = None
        self.during: Callable[[], Any] | None = None
        self.dependencies = DependencyGraph(modules=("a", "main"), edges=(("main", "a"),))
        self.statistics = CacheStatistics(hits=3, misses=1, hit_rate=0.75, entries=2, size_bytes=12_345)
        self.verified = Verified(checked=2)
        self.collected = Collected(removed_files=4, freed_bytes=1_500, evicted=1)
        self.events_sent: list[Event] = [
            BuildStarted(build=1, root="/p", profile="dev", invalidation="transitive", jobs=2),
            BuildFinished(build=1, success=True, compiled_modules=1, cache_hits=0, duration_ms=12.0),
        ]
        self.cache = FakeCache(self)
        self.closed = False
        self.listeners: list[Callable[[Event], None]] = []

    def __call__(self, source: str, **settings: Any) -> FakeProject:
        self.calls.append(("open", source, settings))
        return self

    async def __aenter__(self) -> FakeProject:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True

    async def build(self, *, force: bool = False, verify: float = 0.0, verify_seed: int | None = None) -> BuildResult:
        self.calls.append(("build", force))
        if verify:
            self.calls.append(("verify", verify, verify_seed))
        await anyio.lowlevel.checkpoint()
        if self.during is not None:
            await self.during()
        if self.error is not None:
            raise self.error
        return self.result

    def listen(self, listener: Callable[[Event], None], *, rare: bool = False) -> Callable[[], None]:
        assert rare, "the command line follows events as everybody else does"
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def graph(self) -> DependencyGraph:
        return self.dependencies

    @asynccontextmanager
    async def events(self, *, size: int = 1024, on_full: str = "drop") -> AsyncIterator[AsyncIterator[Event]]:
        self.calls.append(("events", on_full))

        async def stream() -> AsyncIterator[Event]:
            for event in self.events_sent:
                await anyio.lowlevel.checkpoint()
                yield event

        yield stream()
