"""A build in a process of its own that needs no event loop: a few changed modules, and nobody who reads its events."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from actors.actor import Broken
from actors.events import Events
from actors.messages import Build, MemorySource, Scan
from actors.plainloop import NoWorkers, PlainLoop, PlainSystem
from actors.stillness import Watchdog
from orchestrator.opening import Opening, actors_of, translated
from orchestrator.requests import scan_rules
from orchestrator.result import BuildResult, build_result

BUILD = 1
"""The number of the only build."""


class DirectBuild:
    """One build of a project in a folder. `stop` says whether it is to be cancelled; it is asked between two steps."""

    def __init__(self, opening: Opening, loop: PlainLoop, events: Events, stop: Callable[[], bool]) -> None:
        self._opening = opening
        self._loop = loop
        self._stop = stop
        self._cancelled = False
        config = opening.config
        crew = NoWorkers(self._cancel, workers=config.build.jobs > 1 and bool(opening.toolchains.place))
        self._cast = actors_of(opening, crew)
        self._system = PlainSystem(self._cast.actors, loop, events=events, look=self._look)
        self._watchdog = Watchdog(self._system, BUILD)
        self._next_look = loop.now() + self._watchdog.pause

    def build(self, output: str, *, force: bool = False) -> BuildResult | None:
        """Builds, with `output` as the program's place. Returns None where the build was cancelled: by `stop`, or
        because worker processes would make it faster. What it has compiled until then is in the cache. Raises
        ProjectBroken, and ProjectError where a single file cannot be read."""
        config, cast = self._opening.config, self._cast
        memory: tuple[MemorySource, ...] = ()
        if config.single:
            from orchestrator.reach import reached_files

            memory = reached_files(config.root, config.entry, self._opening.toolchains, self._loop.disk)
        settings = self._opening.request(output, force=force)
        rules = scan_rules(config)
        scan = Scan(build=BUILD, rules=rules, memory=memory, walk=bool(rules.root), opened=settings.snapshot.extras)
        try:
            # The planner owns the answer and the end of the build, so it is asked first.
            request = Build(build=BUILD, settings=settings)
            done = self._system.ask(cast.planner.address, request, (cast.scanner.address, scan))
            self._system.stop()
        except BaseException as error:
            with suppress(Exception):
                self._system.stop(broken=True)
            if isinstance(error, Exception):
                raise translated(Broken(f"{type(error).__name__}: {error}")) from error
            raise
        return None if done.cancelled else build_result(done.result)

    def _look(self) -> None:
        if self._stop():
            self._cancel()
        if self._loop.now() >= self._next_look:
            self._watchdog.look()
            self._next_look = self._loop.now() + self._watchdog.pause

    def _cancel(self) -> None:
        if not self._cancelled and BUILD in self._system.builds_running:
            self._cancelled = True
            self._system.cancel(BUILD)
