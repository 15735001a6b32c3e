"""Sharing builds: equal requests share one, and a build without any waiting caller is cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

import anyio

from actors.messages import Build, BuildDone, BuildSettings, MemorySource, Rules, Scan, ToPlanner
from actors.stillness import Watchdog
from actors.system import Address, Broken, Closed, System
from orchestrator.opening import translated

R = TypeVar("R")


class Memory(Protocol):
    """The modules that a build takes from memory: `orchestrator.Sources`, or the files that a single file reaches."""

    @property
    def revision(self) -> int:
        """A number that changes whenever a text changes."""
        ...

    def frozen(self) -> tuple[MemorySource, ...]:
        """Returns the current texts."""
        ...


class _Shared:
    """One build, and how many callers wait for it."""

    def __init__(self, settings: BuildSettings, rules: Rules, memory: Memory) -> None:
        self.settings = settings
        self.rules = rules
        self.memory = memory
        self.number = 0
        self.waiting = 0
        self.ended = anyio.Event()
        self.done: BuildDone | None = None
        self.begun: list[Callable[[int], object]] = []

    def answers(self, settings: BuildSettings, rules: Rules, memory: Memory) -> bool:
        """Whether this build, which has not begun, answers the request. It will see what `memory` holds when it
        begins."""
        same_texts = self.memory is memory or self.memory.revision == memory.revision
        return same_texts and self.settings == settings and self.rules == rules


class Builds:
    """Runs the builds of one Project one after another.

    A caller joins a build only if the request is equal and the build has not begun to scan, so every caller's edits
    before the call are seen. Later callers share the next build.
    """

    def __init__(self, system: System, scanner: Address[Scan], planner: Address[ToPlanner]) -> None:
        self._system = system
        self._scanner = scanner
        self._planner = planner
        self._turn = anyio.Lock()
        self._next: list[_Shared] = []
        self._count = 0
        self._answered = 0
        """The number of the last build that was answered."""

    async def build(
        self,
        settings: BuildSettings,
        rules: Rules,
        memory: Memory,
        begun: Callable[[int], object] | None = None,
    ) -> BuildDone:
        """Builds, or joins an equal build. Calls `begun` with the build's number before its first event.

        A cancelled caller stops waiting; the build goes on while another caller waits for it. Raises ProjectBroken, or
        ProjectError if the Project is closed in the meantime.
        """
        shared = next((waiting for waiting in self._next if waiting.answers(settings, rules, memory)), None)
        if shared is None:
            self._alive()
            shared = _Shared(settings, rules, memory)
            self._next.append(shared)
            self._system.start(self._drive, shared, name="build")
        shared.waiting += 1
        if begun is not None:
            shared.begun.append(begun)
        try:
            await self._system.wait(shared.ended)
        except (Broken, Closed) as error:
            raise translated(error) from error.__cause__
        finally:
            shared.waiting -= 1
            if not shared.waiting and shared.done is None:
                if shared in self._next:
                    self._next.remove(shared)
                elif shared.number:
                    self._system.cancel(shared.number)
        assert shared.done is not None
        return shared.done

    async def ended(self) -> None:
        """Waits until the builds that were answered have ended: everything is stored, and the snapshot written. Raises
        `Broken`, `Closed`."""
        await self._system.end_of(self._answered)

    async def _drive(self, shared: _Shared) -> None:
        """Runs one build once the builds before it have ended."""
        try:
            await self._have_done(shared)
        except (Broken, Closed):
            return  # The system tells everyone who waits.

    async def _have_done(self, shared: _Shared) -> None:
        async with self._turn:
            if shared not in self._next:
                return  # Every caller left before it began.
            self._next.remove(shared)
            self._count += 1
            shared.number = self._count
            for begun in shared.begun:
                begun(shared.number)
            frozen = shared.memory.frozen()
            # The planner owns the answer and the end of the build, so it is told first.
            answer = self._system.request(self._planner, Build(build=shared.number, settings=shared.settings))
            await self._system.tell(
                self._scanner,
                Scan(
                    build=shared.number,
                    rules=shared.rules,
                    memory=frozen,
                    walk=bool(shared.rules.root),
                    opened=shared.settings.snapshot.extras,
                ),
                sum(len(source.data) for source in frozen),
            )
            shared.done = await self._watched(shared.number, answer.wait)
            self._answered = shared.number
            shared.ended.set()
            # What the build leaves may still be on its way to the disk. The next build's scan compares with that.
            await self._watched(shared.number, partial(self._system.end_of, shared.number))

    async def _watched(self, build: int, wait: Callable[[], Awaitable[R]]) -> R:
        watchdog = Watchdog(self._system, build)
        while True:
            with anyio.move_on_after(watchdog.pause):
                return await wait()
            watchdog.look()

    def _alive(self) -> None:
        try:
            self._system.check()
        except (Broken, Closed) as error:
            raise translated(error) from error.__cause__
