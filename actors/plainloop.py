"""Actors without an event loop: a plain loop runs them in turn, in the caller's own thread.

Importing AnyIO and asyncio takes longer than a small build. So a build for which nobody needs them (no worker
processes, no reader of events that may be slow) is driven from here: the actors are the same, and so are their
messages. Files and SQLite are used at once, where an event loop would hand them to a thread.

Nothing is cancelled from outside while the loop runs. `look` is called between two steps of tasks, and may set the
token of a build (`Wired.cancel`): then the build ends in an orderly way, as it would in an event loop.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from actors.actor import AnyActor, Wired
from actors.disk import Disk
from actors.events import Events
from actors.mailbox import AnyAddress, Cell
from actors.messages import A, Message, Request
from actors.offload import Offload, Wakeup

if TYPE_CHECKING:
    from actors.compiler.crew import Worker
    from actors.keeper.database import Database

R = TypeVar("R")

ENOUGH_MS = 500.0
"""So much work ahead is worth worker processes: two times `crew.EACH_MS`."""

GLANCE_SECONDS = 0.05
"""The longest time between two looks while all tasks wait for time to pass."""


PlainTask: TypeAlias = "Coroutine[PlainWakeup | None, None, None]"
"""A task yields what it waits for; None gives its turn to the others."""


class _TurnGiven:
    """Awaiting it hands the turn to the loop, until `event` is set; without one, until all others had their turn."""

    def __init__(self, event: PlainWakeup | None = None) -> None:
        self._event = event

    def __await__(self) -> Generator[PlainWakeup | None, None, None]:
        yield self._event


class PlainWakeup:
    """What a task waits for and another one sets, once."""

    def __init__(self, ready: deque[PlainTask]) -> None:
        self._ready = ready
        self._set = False
        self.waiting: list[PlainTask] = []

    def set(self) -> None:
        self._set = True
        self._ready.extend(self.waiting)
        self.waiting.clear()

    def is_set(self) -> bool:
        return self._set

    async def wait(self) -> None:
        if not self._set:
            await _TurnGiven(self)


class PlainLoop(Offload):
    """Runs tasks in turn, and everything else at once."""

    def __init__(self, disk: Disk | None = None) -> None:
        super().__init__(disk)
        self._ready: deque[PlainTask] = deque()
        self._timers: list[tuple[float, PlainWakeup]] = []
        self._tasks: set[PlainTask] = set()

    def start(self, task: PlainTask) -> None:
        self._tasks.add(task)
        self._ready.append(task)

    def drive(self, done: Callable[[], bool], look: Callable[[], object]) -> None:
        """Runs tasks until `done`. What one of them raises is raised here. Raises RuntimeError where all wait for each
        other."""
        while not done():
            if self._ready:
                self._step(self._ready.popleft())
            elif self._timers:
                self._pass_time()
            else:
                raise RuntimeError("every actor waits, and nothing will happen")
            look()

    def _step(self, task: PlainTask) -> None:
        try:
            awaited: PlainWakeup | None = task.send(None)
        except StopIteration:
            self._tasks.discard(task)
            return
        if awaited is None:
            self._ready.append(task)
        else:
            awaited.waiting.append(task)

    def _pass_time(self) -> None:
        first = min(self._timers, key=lambda timer: timer[0])
        left = first[0] - self.now()
        if left > 0:
            time.sleep(min(left, GLANCE_SECONDS))
        else:
            self._timers.remove(first)
            first[1].set()

    def close(self) -> None:
        """Ends all tasks where they are."""
        for task in self._tasks:
            task.close()
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()

    # ---- what actors use

    async def run(self, function: Callable[..., R], *args: object) -> R:
        return function(*args)

    async def files(self, count: int, size: int, function: Callable[..., R], *args: object) -> R:
        return function(*args)

    def event(self) -> Wakeup:
        return PlainWakeup(self._ready)

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        over = PlainWakeup(self._ready)
        self._timers.append((self.now() + seconds, over))
        await over.wait()

    async def checkpoint(self) -> None:
        await _TurnGiven()

    def shield(self) -> AbstractContextManager[object]:
        return nullcontext()

    def spawn(self, arguments: Sequence[str]) -> None:
        return None

    async def connect(self, path: str) -> Database:
        from actors.keeper.database import open_plain

        return open_plain(path)


class NoWorkers:
    """In the place of a crew: worker processes need an event loop, and so do threads that wait for other programs.
    Calls `too_much` where they would be worth it. `workers`: whether there could be any."""

    def __init__(self, too_much: Callable[[], object], *, workers: bool = True) -> None:
        self._too_much = too_much
        self._workers = workers

    def bind(self, offload: Offload, start: object) -> None:
        """Nothing is started."""

    def want(self, ahead_ms: float) -> None:
        if self._workers and ahead_ms >= ENOUGH_MS:
            self._too_much()

    def want_threads(self) -> None:
        self._too_much()

    async def take(self, *, must: bool, stop: Callable[[], bool]) -> Worker | None:
        if must and self._workers:
            self._too_much()
        return None

    def wake(self) -> None:
        """Nobody waits for a worker."""

    async def close(self) -> None:
        """There is none to close."""


class PlainSystem(Wired):
    """Runs actors in a plain loop. `look` is called between two steps of theirs."""

    def __init__(
        self,
        actors: Sequence[AnyActor],
        loop: PlainLoop,
        *,
        events: Events | None = None,
        look: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(actors, offload=loop, events=events)
        self._loop = loop
        self._look = look
        self._going_on: set[int] = set()
        """The numbers of the builds that have begun and not ended."""
        for actor in self.actors:
            actor.ready, actor.ended = loop.event(), loop.event()
            loop.start(self._live(actor))

    async def _live(self, actor: AnyActor) -> None:
        await actor.run()
        actor.ended.set()

    def start(self, function: Callable[..., Awaitable[None]], *args: object, name: str = "") -> None:
        async def task() -> None:
            await function(*args)

        self._loop.start(task())

    def build_begins(self, build: int) -> None:
        super().build_begins(build)
        self._going_on.add(build)

    def build_ends(self, build: int) -> None:
        self._going_on.discard(build)

    def ask(self, to: AnyAddress, request: Request[A], *told: tuple[AnyAddress, Message]) -> A:
        """Sends a request, then tells other actors what belongs to it. Returns the answer when it has come and every
        build has ended."""
        answers: list[Message] = []
        to.mailbox.push(request, Cell(answers.append))
        for address, message in told:
            self.start(address.mailbox.put, message, 0)
        self._loop.drive(lambda: bool(answers) and not self._going_on, self._look)
        return cast("A", answers[0])

    def stop(self, *, broken: bool = False) -> None:
        """Stops the actors from left to right, as `System` does; where one of them is `broken`, wherever they are."""
        try:
            for actor in () if broken else self.actors:
                actor.mailbox.close()
                self._loop.drive(actor.ended.is_set, self._look)
        finally:
            self._loop.close()
            for actor in self.actors:
                self._finish(actor)

    def _finish(self, actor: AnyActor) -> None:
        over: list[None] = []

        async def finish() -> None:
            await actor.stopped()
            over.append(None)

        self._loop.start(finish())
        self._loop.drive(lambda: bool(over), lambda: None)
