"""The embedded API for code without an event loop.

    with orchestrator.sync.open("docs/examples/invoice") as project:
        result = project.build()

The Project lives in an event loop in its own thread, from the start of `with` (or `__enter__`) until its end (or
`close`). A Project that is never closed is closed when it is garbage collected or when the interpreter ends. Every
method may be called from any thread; an exception in the caller (Ctrl-C, for example) cancels what it waited for.
"""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Literal, TypeVar, Unpack

from actors.events import Event
from actors.loopthread import LoopThread
from actors.messages import CacheStatistics, Collected, Exported, Imported, Verified
from actors.offload import Offload
from actors.system import Tap
from orchestrator import api
from orchestrator.api import CachedObject
from orchestrator.config import Config
from orchestrator.dependencies import DependencyGraph
from orchestrator.errors import ProjectError
from orchestrator.keywords import Limits, Settings
from orchestrator.result import BuildResult, RunResult
from orchestrator.sources import Sources
from orchestrator.toolchains.locate import Asked

R = TypeVar("R")

Backend = Literal["asyncio", "trio"]


def open(  # noqa: A001
    source: api.Source,
    *,
    sources: Sources | None = None,
    toolchain: Asked = None,
    offload: Offload | None = None,
    tap: Tap | None = None,
    backend: Backend = "asyncio",
    **settings: Unpack[Settings],
) -> Project:
    """Returns a Project, for use with `with`. Otherwise like `orchestrator.open`; `backend` selects the event loop."""
    if backend not in ("asyncio", "trio"):
        raise ProjectError(f'`backend` is "asyncio" or "trio", not {backend!r}')
    project = api.open(source, sources=sources, toolchain=toolchain, offload=offload, tap=tap, **settings)
    return Project(project, backend)


class _Home:
    """A Project with its loop: what calls need, without a reference that would keep `Project` itself alive."""

    def __init__(self, project: api.Project, backend: Backend) -> None:
        self.project = project
        self.backend = backend
        self.loop: LoopThread | None = None
        self.closed = False
        self.lock = threading.Lock()

    def open(self) -> None:
        with self.lock:
            if self.loop is not None or self.closed:
                raise ProjectError("this project was opened before", hint="call `orchestrator.sync.open` again")
            try:
                self.loop = LoopThread(self.backend, "wasmill project", self.project)
            except LookupError as error:  # from AnyIO: there is no such backend
                what = f"there is no event loop `{self.backend}` here"
                raise ProjectError(what, hint="`pip install trio`") from error

    def close(self) -> None:
        loop = self.loop
        if loop is not None and loop.current:
            raise ProjectError(
                "a project cannot be closed from its own thread, that of its listeners", hint="close it in another one"
            )
        with self.lock:  # another thread may be opening it
            self.closed = True
            loop = self.loop
        if loop is not None:
            loop.stop()

    def call(self, function: Callable[[], Awaitable[R]]) -> R:
        loop = self.loop
        if loop is None:
            hint = "write `with orchestrator.sync.open(...) as project:`"
            raise ProjectError("the project is not open", hint=hint)
        if loop.foreign:
            raise api.forked()
        if self.closed:
            raise ProjectError("the project is not open any more", hint="call `orchestrator.sync.open` again")
        if loop.current:
            raise ProjectError(
                "a listener cannot call the project that it listens to", hint="have another thread make the call"
            )
        try:
            future: Future[R] = loop.portal.start_task_soon(function)
        except RuntimeError as error:  # from AnyIO: the loop has stopped in the meantime
            raise _closed() from error
        try:
            return future.result()
        except CancelledError as error:  # nobody cancelled it: the loop has ended
            raise _closed() from error
        except BaseException:
            future.cancel()
            raise


def _closed() -> ProjectError:
    return ProjectError("the project was closed before the answer came", hint="call `orchestrator.sync.open` again")


def _forgotten(home: _Home) -> None:
    """Closes a Project that is garbage. The garbage collector may run in any thread, also in the loop's own, so another
    thread closes it."""
    if home.loop is None or home.closed or home.loop.foreign:
        return
    warnings.warn(
        "a Project of orchestrator.sync was never closed: use it with `with`, or call `close`",
        ResourceWarning,
        stacklevel=2,
    )
    threading.Thread(target=home.close, name="wasmill close", daemon=True).start()


class Cache:
    """Like `orchestrator.Cache`."""

    def __init__(self, home: _Home) -> None:
        self._home = home
        self._cache = home.project.cache

    def lookup(self, module: str) -> CachedObject | None:
        return self._home.call(partial(self._cache.lookup, module))

    def lookup_all(self, modules: list[str]) -> dict[str, CachedObject | None]:
        return self._home.call(partial(self._cache.lookup_all, modules))

    def verify(self) -> Verified:
        return self._home.call(self._cache.verify)

    def statistics(self) -> CacheStatistics:
        return self._home.call(self._cache.statistics)

    def reset_statistics(self) -> CacheStatistics:
        return self._home.call(self._cache.reset_statistics)

    def gc(self, *, force: bool = False) -> Collected:
        return self._home.call(partial(self._cache.gc, force=force))

    def export_to(self, path: str | os.PathLike[str]) -> Exported:
        return self._home.call(partial(self._cache.export_to, path))

    def import_from(self, path: str | os.PathLike[str]) -> Imported:
        return self._home.call(partial(self._cache.import_from, path))

    def clear(self) -> Collected:
        return self._home.call(self._cache.clear)


class Project:
    """Like `orchestrator.Project`, with plain methods."""

    def __init__(self, project: api.Project, backend: Backend) -> None:
        self._home = _Home(project, backend)
        self.cache = Cache(self._home)
        finalizer = weakref.finalize(self, _forgotten, self._home)
        finalizer.atexit = False  # `LoopThread` closes it at exit

    @property
    def sources(self) -> Sources:
        """Modules in memory; they can be edited between builds."""
        return self._home.project.sources

    @property
    def config(self) -> Config:
        """All settings, resolved."""
        return self._home.project.config

    def __enter__(self) -> Project:
        self._home.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the Project. A running build is cancelled, and its waiting callers get a ProjectError. May be called
        any number of times."""
        self._home.close()

    def build(
        self, *, profile: str | None = None, force: bool = False, verify: float = 0.0, verify_seed: int | None = None
    ) -> BuildResult:
        """Brings the program up to date."""
        build = self._home.project.build
        return self.call(partial(build, profile=profile, force=force, verify=verify, verify_seed=verify_seed))

    def run(
        self,
        *args: str,
        stdin: bytes = b"",
        limits: Limits | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> RunResult:
        """Builds, then runs the program."""
        return self.call(partial(self._home.project.run, *args, stdin=stdin, limits=limits, variables=variables))

    def graph(self) -> DependencyGraph:
        """Returns which module depends on which."""
        return self.call(self._home.project.graph)

    @contextmanager
    def listening(self, listener: Callable[[Event], object]) -> Iterator[None]:
        """Calls `listener` with every event while the block lasts, in the Project's own thread: it must be quick, and
        cannot call the Project."""
        stop = self._home.project.listen(listener)
        try:
            yield
        finally:
            stop()

    def call(self, function: Callable[[], Awaitable[R]]) -> R:
        """Runs a coroutine function in the Project's loop, and waits for it."""
        return self._home.call(function)
