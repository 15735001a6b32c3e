"""The embedded API for code with no event loop of its own.

    with orchestrator.sync.open("docs/examples/invoice") as project:
        result = project.build()

The Project lives in an event loop in a thread of its own, for as long as it is open. Every call may be made from any
thread; an exception in the caller (Ctrl-C, say) cancels what it waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from actors.events import Event
from actors.messages import CacheStatistics, Collected, Verified
from orchestrator import api
from orchestrator.api import CachedObject
from orchestrator.config import Config
from orchestrator.errors import ProjectError
from orchestrator.result import BuildResult, DependencyGraph, RunResult
from orchestrator.sources import Sources

R = TypeVar("R")


def open(source: api.Source, *, backend: str = "asyncio", **settings: Any) -> Project:  # noqa: A001
    """A Project, to be entered with `with`. All else as in `orchestrator.open`; `backend` is the event loop's."""
    return Project(api.open(source, **settings), backend)


class Cache:
    """As `orchestrator.Cache`."""

    def __init__(self, project: Project, cache: api.Cache) -> None:
        self._project = project
        self._cache = cache

    def lookup(self, module: str) -> CachedObject | None:
        return self._project.call(partial(self._cache.lookup, module))

    def lookup_all(self, modules: list[str]) -> dict[str, CachedObject | None]:
        return self._project.call(partial(self._cache.lookup_all, modules))

    def verify(self) -> Verified:
        return self._project.call(self._cache.verify)

    def statistics(self) -> CacheStatistics:
        return self._project.call(self._cache.statistics)

    def reset_statistics(self) -> CacheStatistics:
        return self._project.call(self._cache.reset_statistics)

    def gc(self, *, force: bool = False) -> Collected:
        return self._project.call(partial(self._cache.gc, force=force))

    def clear(self) -> Collected:
        return self._project.call(self._cache.clear)


class Project:
    """As `orchestrator.Project`, with plain methods."""

    def __init__(self, project: api.Project, backend: str) -> None:
        self._project = project
        self._backend = backend
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self.cache = Cache(self, project.cache)

    @property
    def sources(self) -> Sources:
        """Modules in memory; editable between builds."""
        return self._project.sources

    @property
    def config(self) -> Config:
        """All settings, resolved."""
        return self._project.config

    def __enter__(self) -> Project:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal(self._backend))
            stack.enter_context(portal.wrap_async_context_manager(self._project))
            self._stack, self._portal = stack.pop_all(), portal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._portal = None
        return self._stack.__exit__(kind, error, traceback)

    def build(
        self, *, profile: str | None = None, force: bool = False, verify: float = 0.0, verify_seed: int | None = None
    ) -> BuildResult:
        """Bring the program up to date."""
        return self.call(
            partial(self._project.build, profile=profile, force=force, verify=verify, verify_seed=verify_seed)
        )

    def run(self, *args: str, stdin: bytes = b"", limits: Mapping[str, int] | None = None) -> RunResult:
        """Build, then run the program."""
        return self.call(partial(self._project.run, *args, stdin=stdin, limits=limits))

    def graph(self) -> DependencyGraph:
        """Who depends on whom."""
        return self.call(self._project.graph)

    @contextmanager
    def listening(self, listener: Callable[[Event], None]) -> Iterator[None]:
        """Call `listener` with every event while the block lasts, in the Project's own thread: it must be quick."""
        stop = self._project.listen(listener)
        try:
            yield
        finally:
            stop()

    def call(self, function: Callable[[], Awaitable[R]]) -> R:
        """Have a coroutine function done in the Project's loop, and wait for it."""
        if self._portal is None:
            raise ProjectError("the project is not open", hint="write `with orchestrator.sync.open(...) as project:`")
        future: Future[R] = self._portal.start_task_soon(function)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise
