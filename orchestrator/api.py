"""The embedded API: open a Project, build it, run it, inspect it.

A Project starts five actors in the caller's event loop (asyncio or Trio) and stops them when it is closed. It has no
global state: any number of Projects can be open at once, also on one cache.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Unpack

import anyio
import msgspec

from actors.compiler.crew import Crew
from actors.compiler.toolchains import Toolchains
from actors.digests import Digest
from actors.events import Event, Events, Subscription
from actors.forks import OwnProcess
from actors.messages import (
    A,
    BuildDone,
    CacheStatistics,
    Clear,
    Collect,
    Collected,
    ExportCache,
    Exported,
    ImportCache,
    Imported,
    KeeperRequest,
    ResetStatistics,
    Statistics,
    ToKeeper,
    Verified,
    Verify,
)
from actors.offload import Offload
from actors.system import Address, Broken, Closed, MailboxStatistics, System, Tap
from orchestrator.builds import Builds, Memory
from orchestrator.config import Config, absolute
from orchestrator.dependencies import DependencyGraph
from orchestrator.errors import BuildCancelled, BuildFailed, FileError, ProjectError
from orchestrator.exporting import plans_of, used_by
from orchestrator.keywords import Limits, OnFull
from orchestrator.keywords import Settings as KeywordSettings
from orchestrator.looked import Watched
from orchestrator.opening import Opening, actors_of, translated
from orchestrator.reach import ReachedFiles, reached_files
from orchestrator.requests import scan_rules
from orchestrator.result import BuildResult, RunResult, build_result
from orchestrator.sources import Sources
from orchestrator.toolchains.locate import Asked

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
    """Returns a Project, for use with `async with`.

    `source` is the project's folder, a single source file (the project is then everything that file reaches, and cache
    and output are temporary), or `Sources`: modules in memory only. `sources` are modules in memory on top of the
    folder. `settings` are those of wasmill.toml by their leaf names (`jobs=2`, `invalidation="transitive"`); they
    override the file. `toolchain` is a toolchain, the name of an installed one, "module:attribute", or several of
    these. Without it the project has all toolchains that are installed and that wasmill.toml does not disable.
    `offload` and `tap` are for `orchestrator.testing`.

    Raises ConfigError, ProjectError.
    """
    if isinstance(source, Sources):
        if sources is not None:
            raise ProjectError("modules in memory were given twice", hint="leave out `sources`")
        return Project(None, source, toolchain, offload, tap, settings)
    return Project(os.fspath(source), sources if sources is not None else Sources(), toolchain, offload, tap, settings)


class CachedObject(msgspec.Struct, frozen=True):
    """An object in the cache: the module's key for its current sources, and the bytes with their digest."""

    module: str
    key: Digest
    digest: Digest
    data: bytes


class Cache:
    """The cache of a Project. `actors.messages` documents the answers."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def lookup(self, module: str) -> CachedObject | None:
        """Returns the cached object of a module for its current sources; None for a miss. Counts as a lookup."""
        return (await self.lookup_all([module]))[module]

    async def lookup_all(self, modules: list[str]) -> dict[str, CachedObject | None]:
        """Does the same for several modules at once."""
        done = await self._project._build(goal="lookup", lookup=tuple(modules))
        return {
            lookup.module: CachedObject(lookup.module, lookup.key, lookup.digest, lookup.data)
            if lookup.data is not None
            else None
            for lookup in done.lookups
        }

    async def verify(self) -> Verified:
        """Reads every entry from disk and compares it with its digest. Damaged entries move to quarantine; the next
        build that needs them compiles them again."""
        return await self._project._ask_keeper(Verify())

    async def statistics(self) -> CacheStatistics:
        """Returns the counts since the last reset, over all processes that use this cache."""
        return await self._project._ask_keeper(Statistics())

    async def reset_statistics(self) -> CacheStatistics:
        """Resets the counts to zero."""
        return await self._project._ask_keeper(ResetStatistics())

    async def gc(self, *, force: bool = False) -> Collected:
        """Removes leftovers older than an hour (`force`: all of them), and evicts what exceeds the size limit."""
        return await self._project._ask_keeper(Collect(force=force))

    async def clear(self) -> Collected:
        """Removes every entry."""
        return await self._project._ask_keeper(Clear())

    async def export_to(self, path: str | os.PathLike[str]) -> Exported:
        """Writes what the last build of each profile (and of each other project that shares the cache) uses into one
        file, which `import_from` of another machine reads. Raises FileError if it cannot be written."""
        project = self._project
        await project.builds_ended()
        folder = project.config.cache.folder
        plans = await project._offload.run(plans_of, folder, project._offload.disk) if folder else []
        if not plans:
            raise FileError("there is nothing to export", hint="build the project first: `wasmill build`")
        keys, digests = used_by(plans)
        done = await project._ask_keeper(ExportCache(path=absolute(path), keys=keys, digests=digests))
        if done.error:
            raise FileError(f"the cache cannot be exported to `{os.fspath(path)}`: {done.error}")
        return done

    async def import_from(self, path: str | os.PathLike[str]) -> Imported:
        """Stores the entries of a file that `export_to` has written. Each is checked: its key against its manifest, its
        bytes against their SHA-256. Raises FileError if anything in the file is wrong; then nothing of it is stored."""
        done = await self._project._ask_keeper(ImportCache(path=absolute(path)))
        if done.error:
            raise FileError(f"`{os.fspath(path)}` was not imported: {done.error}")
        return done


class Project:
    """An open project: an asynchronous context manager. Use `orchestrator.open` to make one."""

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
        self._opening = Opening(place, toolchain, self._offload.disk, settings)
        self.config: Config = self._opening.config
        """All settings, resolved."""
        self._toolchains = self._opening.toolchains
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
        """Starts the actors. The folder for a program without a place is made before, and removed after they stopped,
        because a build may still write into it."""
        if self._system is not None:
            raise ProjectError("this project was opened before", hint="call `orchestrator.open` again")
        self._process = OwnProcess()
        config = self.config
        cast = actors_of(self._opening, self._crew())
        self._system = System(cast.actors, offload=self._offload, events=self._events, tap=self._tap)
        self._keeper = cast.keeper.address
        self._builds = Builds(self._system, cast.scanner.address, cast.planner.address)
        if not config.build.output:
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
        if self._process.is_fork:  # everything that would be closed here belongs to the parent
            return None
        for scope in self._runs:
            scope.cancel()
        return await self._stack.__aexit__(kind, error, traceback)

    async def build(
        self, *, profile: str | None = None, force: bool = False, verify: float = 0.0, verify_seed: int | None = None
    ) -> BuildResult:
        """Brings the program up to date.

        `force` compiles every module and reuses no function. `verify` is the share (0 to 1) of the objects that are
        compiled again without reuse and compared byte for byte, whether they came from the cache or were assembled from
        fragments; the program is linked again and compared too. A difference fails the build, and is in the result.
        `verify_seed` decides which modules a share selects; without it the seed is random. The result has the seed.

        A module that fails raises nothing: the result has its diagnostics. Raises ConfigError if the profile does not
        exist, ProjectBroken, and ProjectError if the Project is closed. Cancelling the call cancels the build, unless
        another caller waits for the same one.
        """
        if not 0.0 <= verify <= 1.0:
            raise ProjectError(f"`verify` is a share from 0 to 1, not {verify!r}")
        if verify and verify_seed is None:
            verify_seed = int.from_bytes(os.urandom(4), "big")
        chosen = (verify, verify_seed or 0) if verify else (0.0, 0)
        done = await self._build(profile=profile, force=force, verify=chosen)
        return build_result(done.result)

    async def run(
        self,
        *args: str,
        stdin: bytes = b"",
        limits: Limits | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> RunResult:
        """Builds, runs the program with `args`, and returns what it wrote. `limits` may hold `memory` (bytes), `fuel`,
        `seconds` and `output` (bytes to keep of each stream); they override the settings, and the result names the one
        that was reached. `variables` are the environment that the program sees. Raises BuildFailed, with the result, if
        the sources are wrong; ProjectError if there is no entry, or a limit is wrong. Cancelling the call stops the
        program at once."""
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
                return await run_captured(self.config, str(result.program), args, stdin, checked, variables=variables)
            finally:
                self._runs.discard(scope)
        raise ProjectError("the project was closed while its program ran", hint="open it again")

    async def graph(self) -> DependencyGraph:
        """Returns which module depends on which in the current sources. Errors in the graph (an import of a module that
        does not exist, no module at all) are in `diagnostics`."""
        done = await self._build(goal="graph")
        edges = tuple((edge.module, edge.imported) for edge in done.edges)
        return DependencyGraph(modules=done.modules, edges=edges, diagnostics=tuple(done.result.diagnostics))

    @asynccontextmanager
    async def events(self, *, size: int = 1024, on_full: OnFull = "drop") -> AsyncIterator[Subscription]:
        """An asynchronous iterator over the events from now on.

        A reader that falls `size` events behind misses the oldest ones and gets one `EventsLost` in their place. With
        `on_full="wait"` it misses none, because the build waits for it: the build is then as slow as its reader, and
        stops while nobody reads.
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
        """Calls `listener(event)` immediately for every event, in the build's own task, so it must be quick. With
        `rare`, it gets only the events that hardly ever happen (`BuildStalled`). Returns a function that removes the
        listener; calling it twice is harmless. For tests and recorders; everyone else uses `events`.

        An exception in a listener goes to `sys.unraisablehook`, because no caller could receive it; the build and the
        other listeners go on.
        """
        return self._events.listen(listener, rare=rare)

    def statistics(self) -> dict[str, MailboxStatistics]:
        """Returns the current state of each actor's mailbox."""
        return self._running().statistics()

    async def builds_ended(self) -> None:
        """Waits until everything that answered builds made is stored, and the snapshot written. An answer may come
        before that; closing the Project, the next build and questions about the cache wait by themselves. Raises
        ProjectBroken, and ProjectError if the Project is closed."""
        self._running()
        assert self._builds is not None
        try:
            await self._builds.ended()
        except (Broken, Closed) as error:
            raise translated(error) from error.__cause__

    async def recorded(self) -> None:
        """The older name of `builds_ended`."""
        await self.builds_ended()

    @property
    def toolchains(self) -> Toolchains:
        """The toolchains of the project."""
        return self._toolchains

    @property
    def watched(self) -> Watched:
        """Stamps of the files that the settings and the toolchains come from. For `orchestrator.server`."""
        return self._opening.watched

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
        """Returns the worker processes, or None. They need more than one job, and toolchains that another process can
        find by name."""
        config = self.config
        if config.build.jobs < 2 or not self._toolchains.place:
            return None
        return Crew(
            self._toolchains,
            config.build.jobs,
            timeout=config.build.timeout,
            memory=config.build.worker_memory,
        )

    async def _ask_keeper(self, request: KeeperRequest[A]) -> A:
        system = self._running()
        assert self._keeper is not None
        await self.builds_ended()
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
        begun: Callable[[int], object] | None = None,
    ) -> BuildDone:
        """Builds, or joins an equal build, with the texts in memory as they are when that begins."""
        self._running()
        assert self._builds is not None
        config = self.config.with_profile(profile) if profile else self.config
        rules = scan_rules(config)
        memory: Memory = self.sources
        if config.single:
            disk = self._offload.disk
            reached = await self._offload.run(reached_files, config.root, config.entry, self._toolchains, disk)
            memory = ReachedFiles(reached, self.sources)
        settings = self._opening.request(
            config.build.output or os.path.join(self._temporary, "program.wasm"),
            config=config,
            plain=profile is None,
            owned=not len(self.sources),
            force=force,
        )
        settings = msgspec.structs.replace(settings, goal=goal, lookup=lookup, verify=verify[0], verify_seed=verify[1])
        done = await self._builds.build(settings, rules, memory, begun)
        if done.cancelled:
            raise BuildCancelled("the build was cancelled", hint="the project was closed while it ran")
        return done


def forked() -> ProjectError:
    """Returns the error for a Project that was opened before `os.fork`: its threads and its loop belong to the
    parent."""
    return ProjectError(
        "this project was opened before the process forked, and belongs to the parent",
        hint="call `orchestrator.open` in the child",
    )


__all__ = ["Cache", "CachedObject", "Event", "Project", "open"]
