"""The embedded API: `open` a Project; build, run and look at it.

A Project starts five actors in the caller's event loop, asyncio or Trio, and ends them when it is closed. It has no
global state: any number of Projects live side by side, on one cache too.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Unpack

import anyio
import msgspec

from actors.compiler.crew import Crew
from actors.compiler.pool import Pool
from actors.compiler.toolchains import Toolchains
from actors.digests import Digest
from actors.events import Event, Events, Subscription
from actors.forks import OwnProcess
from actors.hasher.hasher import Hasher
from actors.keeper.keeper import Keeper
from actors.messages import (
    A,
    BuildDone,
    CacheStatistics,
    Clear,
    Collect,
    Collected,
    KeeperRequest,
    ResetStatistics,
    Statistics,
    ToKeeper,
    Verified,
    Verify,
)
from actors.offload import Offload
from actors.planner.planner import Planner
from actors.scanner.scanner import Scanner
from actors.system import Address, Broken, Closed, MailboxStatistics, System, Tap
from orchestrator.builds import Builds, Memory, translated
from orchestrator.config import Config, load
from orchestrator.dependencies import DependencyGraph
from orchestrator.errors import BuildCancelled, BuildFailed, ProjectError
from orchestrator.keywords import Limits, OnFull
from orchestrator.keywords import Settings as KeywordSettings
from orchestrator.looked import looked, own_files
from orchestrator.reach import Reached, reached_files
from orchestrator.requests import DECIDES, build_settings, scan_rules
from orchestrator.result import BuildResult, RunResult, build_result
from orchestrator.sources import Sources
from orchestrator.toolchains.locate import Asked, package_folders

Source = str | os.PathLike[str] | Sources


def open(  # noqa: A001  (orchestrator.open is how it reads)
    source: Source,
    *,
    sources: Sources | None = None,
    toolchain: Asked = None,
    offload: Offload | None = None,
    tap: Tap | None = None,
    **settings: Unpack[KeywordSettings],
) -> Project:
    """A Project, to be entered with `async with`.

    `source` is the project's folder, one source file (then the project is what that file reaches, and cache and output
    are temporary), or `Sources`: modules in memory alone. `sources` are modules in memory over the folder. `settings`
    are those of wasmill.toml by their leaf names (`jobs=2`, `invalidation="transitive"`); they win over the file.
    `toolchain` is a toolchain, the name of an installed one, or "module:attribute"; or several of these. Without it the
    project has all that are installed, but for those that wasmill.toml does not want. `offload` and `tap` are for
    `orchestrator.testing`.

    Raises ConfigError, ProjectError.
    """
    if isinstance(source, Sources):
        if sources is not None:
            raise ProjectError("modules in memory were given twice", hint="leave out `sources`")
        return Project(None, source, toolchain, offload, tap, settings)
    return Project(os.fspath(source), sources if sources is not None else Sources(), toolchain, offload, tap, settings)


class CachedObject(msgspec.Struct, frozen=True):
    """An object of the cache: the module's key as its sources are now, and the bytes with their digest."""

    module: str
    key: Digest
    digest: Digest
    data: bytes


class Cache:
    """The cache of a Project. See `actors.messages` for what its answers hold."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def lookup(self, module: str) -> CachedObject | None:
        """The object that the cache has for a module as its sources are now; None for a miss. Counts as a look-up."""
        return (await self.lookup_all([module]))[module]

    async def lookup_all(self, modules: list[str]) -> dict[str, CachedObject | None]:
        """The same for several modules, in one go."""
        done = await self._project._build(goal="lookup", lookup=tuple(modules))
        return {
            one.module: CachedObject(one.module, one.key, one.digest, one.data) if one.data is not None else None
            for one in done.lookups
        }

    async def verify(self) -> Verified:
        """Read everything from disk and compare it with its digest. What is wrong is put into quarantine, and compiled
        again by the next build that needs it."""
        return await self._project._ask_keeper(Verify())

    async def statistics(self) -> CacheStatistics:
        """Counts since the last reset, over all processes that use this cache."""
        return await self._project._ask_keeper(Statistics())

    async def reset_statistics(self) -> CacheStatistics:
        """Start counting from zero."""
        return await self._project._ask_keeper(ResetStatistics())

    async def gc(self, *, force: bool = False) -> Collected:
        """Remove leftovers older than an hour (`force`: all of them), and what exceeds the size limit."""
        return await self._project._ask_keeper(Collect(force=force))

    async def clear(self) -> Collected:
        """Remove every entry."""
        return await self._project._ask_keeper(Clear())


class Project:
    """A project that is open: an asynchronous context manager. Made by `orchestrator.open`."""

    def __init__(
        self,
        place: str | None,
        sources: Sources,
        toolchain: Asked,
        offload: Offload | None,
        tap: Tap | None,
        settings: Mapping[str, object],
    ) -> None:
        self.sources = sources
        """Modules in memory, by file name; editable between builds."""
        self.cache = Cache(self)
        self._offload = offload or Offload()
        # Stamped before they are read, so that a change in between is seen by the next build. The toolchains' own files
        # are stamped before anybody asks for an identity, which is made of them.
        disk, seen = looked(self._offload.disk)
        seen.watched(own_files() if toolchain is not None else [*own_files(), *package_folders()])
        self.config: Config = load(place, settings, disk, toolchain)
        """All settings, resolved."""
        self._toolchains = self.config.toolchains
        self._watched = seen.watched(self._toolchains.files())
        self._plain = toolchain is None and all(value is None for value in settings.values())
        self._owned = DECIDES.isdisjoint(key for key, value in settings.items() if value is not None)
        self._tap = tap
        self._events = Events()
        self._system: System | None = None
        self._builds: Builds | None = None
        self._keeper: Address[ToKeeper] | None = None
        self._temporary = ""
        self._stack = AsyncExitStack()
        self._process = OwnProcess()
        self._runs: set[anyio.CancelScope] = set()

    async def __aenter__(self) -> Project:
        if self._system is not None:
            raise ProjectError("this project was opened before", hint="call `orchestrator.open` again")
        self._process = OwnProcess()
        config = self.config
        # Without a folder for it the cache is in memory.
        keeper = Keeper(
            config.folder or None,
            max_size=config.max_size,
            eviction=config.eviction,
            hot_memory=config.hot_memory,
            enabled=config.enabled,
        )
        pool = Pool(self._toolchains, config.jobs, partial(validate), self._crew())
        try:
            self._toolchains.identity()
        except Exception as error:
            raise translated(Broken(f"the toolchain has no identity: {type(error).__name__}: {error}")) from error
        planner = Planner(pool.address, keeper.address, self._toolchains, config.jobs, remembers=config.enabled)
        hasher = Hasher(planner.address, self._toolchains.normalise)
        scanner = Scanner(hasher.address)
        self._system = System(
            [scanner, hasher, planner, pool, keeper], offload=self._offload, events=self._events, tap=self._tap
        )
        self._keeper = keeper.address
        self._builds = Builds(self._system, scanner.address, planner.address)
        if not config.output:
            import shutil
            import tempfile

            self._temporary = tempfile.mkdtemp(prefix="wasmill-")
            self._stack.callback(shutil.rmtree, self._temporary, ignore_errors=True)
        try:
            await self._stack.enter_async_context(self._system.running())
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if self._process.is_fork:  # a fork: all that would be closed here is the parent's
            return None
        for scope in self._runs:
            scope.cancel()
        return await self._stack.__aexit__(kind, error, traceback)

    async def build(
        self, *, profile: str | None = None, force: bool = False, verify: float = 0.0, verify_seed: int | None = None
    ) -> BuildResult:
        """Bring the program up to date.

        `force` compiles every module, and reuses no function. `verify` is the share (0 to 1) of the objects that are
        compiled again with nothing reused, whether they came from the cache or were assembled from fragments, and
        compared byte for byte; the program is linked anew and compared too. A difference fails the build, and is in
        the result. `verify_seed` chooses which modules a share takes; else a random one does, which is in the result.

        A module that fails is in the result, with its diagnostics; that is no exception. Raises ConfigError for a
        profile that there is not, ProjectBroken, ProjectError where the Project is closed. Cancelling the call cancels
        the build, unless somebody else waits for the same one.
        """
        if not 0.0 <= verify <= 1.0:
            raise ProjectError(f"`verify` is a share from 0 to 1, not {verify!r}")
        if verify and verify_seed is None:
            verify_seed = int.from_bytes(os.urandom(4), "big")
        chosen = (verify, verify_seed or 0) if verify else (0.0, 0)
        done = await self._build(profile=profile, force=force, verify=chosen)
        return build_result(done.result)

    async def run(self, *args: str, stdin: bytes = b"", limits: Limits | None = None) -> RunResult:
        """Build, then run the program with `args`, and give back what it wrote. `limits` may hold `memory` (bytes),
        `fuel`, `seconds` and `output` (bytes to keep of each stream), over the settings; the result says which one was
        reached. Raises BuildFailed, with the result, where the sources are wrong; ProjectError where nothing is the
        entry, or a limit is wrong. Cancelled, it stops the program at once."""
        from orchestrator.running import checked_limits, run_captured

        checked = checked_limits(limits or {}, self.config)
        result = await self.build()
        if not result.success:
            raise BuildFailed(result)
        if result.program is None:
            hint = f"`{self.config.entry}` was looked for as the entry"
            raise ProjectError("there is no program to run", where=self.config.entry, hint=hint)
        self._running()
        with anyio.CancelScope() as scope:
            self._runs.add(scope)
            try:
                return await run_captured(self.config, str(result.program), args, stdin, checked)
            finally:
                self._runs.discard(scope)
        raise ProjectError("the project was closed while its program ran", hint="open it again")

    async def graph(self) -> DependencyGraph:
        """Who depends on whom, in the sources as they are now. What is wrong with that (an import of nothing, no
        module at all) is in `diagnostics`."""
        done = await self._build(goal="graph")
        edges = tuple((edge.module, edge.imported) for edge in done.edges)
        return DependencyGraph(modules=done.modules, edges=edges, diagnostics=tuple(done.result.diagnostics))

    @asynccontextmanager
    async def events(self, *, size: int = 1024, on_full: OnFull = "drop") -> AsyncIterator[Subscription]:
        """What happens from now on, as an asynchronous iterator.

        A reader that falls `size` events behind loses the oldest ones and gets one `EventsLost` for them; with
        `on_full="wait"` it loses none, and the build waits for it: it is then as slow as its reader, and stands still
        while nobody reads.
        """
        if on_full not in ("drop", "wait"):
            raise ProjectError(f'`on_full` is "drop" or "wait", not {on_full!r}')
        if not isinstance(size, int) or size < 1:
            raise ProjectError(f"`size` is a number of events, 1 or more, not {size!r}")
        subscription = self._events.subscribe(size, lossless=on_full == "wait")
        try:
            yield subscription
        finally:
            self._events.unsubscribe(subscription)

    def listen(self, listener: Callable[[Event], object], *, rare: bool = False) -> Callable[[], None]:
        """Call `listener(event)` at once for every event, in the build's own task: it must be quick. With `rare`, for
        those only that hardly ever happen (`BuildStalled`). Returns a function that ends it; calling that twice does no
        harm. For tests and recorders; everybody else wants `events`.

        What a listener raises goes to `sys.unraisablehook`, because it has no caller who could be told; the build, the
        listener and all others go on."""
        return self._events.listen(listener, rare=rare)

    def statistics(self) -> dict[str, MailboxStatistics]:
        """Each actor's mailbox at this moment."""
        return self._running().statistics()

    @property
    def toolchains(self) -> Toolchains:
        """What it compiles with."""
        return self._toolchains

    @property
    def system(self) -> System:
        """The actors of an open Project. For `orchestrator.testing`."""
        return self._running()

    # ---- inside

    def _running(self) -> System:
        if self._system is None:
            raise ProjectError("the project is not open", hint="write `async with orchestrator.open(...) as project:`")
        if self._process.is_fork:
            raise forked()
        return self._system

    def _crew(self) -> Crew | None:
        """Worker processes: for toolchains that can be found by name from another process, and more than one job."""
        config = self.config
        if config.jobs < 2 or not self._toolchains.place:
            return None
        return Crew(
            self._toolchains,
            config.jobs,
            timeout=config.timeout,
            memory=config.worker_memory,
        )

    async def _ask_keeper(self, request: KeeperRequest[A]) -> A:
        system = self._running()
        assert self._keeper is not None
        try:
            return await system.ask(self._keeper, request)
        except (Broken, Closed) as error:
            raise translated(error) from error.__cause__

    async def _build(
        self,
        *,
        goal: str = "build",
        profile: str | None = None,
        force: bool = False,
        verify: tuple[float, int] = (0.0, 0),
        lookup: tuple[str, ...] = (),
    ) -> BuildDone:
        self._running()
        assert self._builds is not None
        config = self.config.with_profile(profile) if profile else self.config
        rules = scan_rules(config)
        memory: Memory = self.sources
        if config.single:
            disk = self._offload.disk
            reached = await self._offload.run(reached_files, config.root, config.entry, self._toolchains, disk)
            memory = Reached(reached, self.sources)
        settings = build_settings(
            config,
            self._watched,
            self._offload.disk,
            output=config.output or os.path.join(self._temporary, "program.wasm"),
            plain=self._plain and profile is None,
            owned=self._owned and not len(self.sources),
        )
        settings = msgspec.structs.replace(
            settings, goal=goal, force=force, lookup=lookup, verify=verify[0], verify_seed=verify[1]
        )
        done = await self._builds.build(settings, rules, memory)
        if done.cancelled:
            raise BuildCancelled("the build was cancelled", hint="the project was closed while it ran")
        return done


def forked() -> ProjectError:
    """A Project does not survive `os.fork`: its threads and its loop are the parent's."""
    return ProjectError(
        "this project was opened before the process forked, and belongs to the parent",
        hint="call `orchestrator.open` in the child",
    )


def validate(program: bytes) -> str | None:
    """What is wrong with a program, or None (see `orchestrator.wasm.validate`, imported on first use)."""
    from orchestrator.wasm.validate import validate as wasm_validate

    return wasm_validate(program)


__all__ = ["Cache", "CachedObject", "Event", "Project", "open"]
