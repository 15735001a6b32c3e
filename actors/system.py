"""Actors in an event loop: one task group of AnyIO runs them, and stops them from left to right. `actor.py` says how
they send messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic

import anyio
import anyio.abc

from actors.actor import Actor, AnyActor, Broken, MailboxStatistics, Tap, TapRecord, Wired, WiringError
from actors.events import Events
from actors.mailbox import Address, AnyAddress, Cell, Closed
from actors.messages import A, M, Message, Request, answer_to
from actors.offload import Offload, Wakeup

STOP_SECONDS = 10.0
"""Time that an orderly stop may take before the remaining tasks are cancelled."""


class Pending(Generic[A]):
    """A request from outside the system whose answer is still to come."""

    def __init__(self, system: System, asked: str, number: int, kind: type[A]) -> None:
        self._system = system
        self._asked = asked
        self._number = number
        self._kind = kind
        self._answer: Message | None = None
        self._arrived = anyio.Event()

    def deliver(self, answer: Message) -> None:
        self._system.record("reply", self._asked, "", answer, self._number)
        self._answer = answer
        self._arrived.set()

    async def wait(self) -> A:
        """Waits for the answer. Raises `Broken` when an actor has failed, `Closed` after the stop."""
        if self._answer is None:
            await self._system.wait(self._arrived)
        if not isinstance(self._answer, self._kind):
            raise TypeError(f"{self._asked} answered a {type(self._answer).__name__}, not a {self._kind.__name__}")
        return self._answer


class System(Wired):
    """Runs actors in one task group of AnyIO."""

    def __init__(
        self,
        actors: Sequence[AnyActor],
        *,
        offload: Offload | None = None,
        events: Events | None = None,
        tap: Tap | None = None,
    ) -> None:
        super().__init__(actors, offload=offload, events=events, tap=tap)
        self._ends: dict[int, Wakeup] = {}
        """By number of a build that has begun: set when it has ended, which may be after its answer."""
        self.failure: Exception | None = None
        self.closing = False
        self.stop_was_late = False
        """Whether the orderly stop took longer than `STOP_SECONDS`, so that tasks were cancelled."""
        self._asking: set[Wakeup] = set()
        self._released: set[Wakeup] = set()
        self._scopes: set[anyio.CancelScope] = set()
        self._group: anyio.abc.TaskGroup | None = None

    # ---- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[System]:
        """Starts the actors, and at the end stops them from left to right. An exception of the body is raised as
        itself, in no exception group."""
        error: BaseException | None = None
        async with anyio.create_task_group() as group:
            self._group = group
            for actor in self.actors:
                actor.ready, actor.ended = anyio.Event(), anyio.Event()
                group.start_soon(self._live, actor, name=f"wasmill {actor.name}")
            try:
                yield self
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as raised:
                error = raised
            finally:
                await self._stop_uncancelled(group)
                group.cancel_scope.cancel()
        if error is not None:
            raise error

    async def _stop_uncancelled(self, group: anyio.abc.TaskGroup) -> None:
        """Waits for the orderly stop, also where this task is cancelled meanwhile.

        AnyIO's shield does not hold off a native asyncio cancellation of the task that closes the Project. So the stop
        runs in its own task. This one catches each cancellation, goes on waiting, and raises it when all is done: a
        caller that cancels still finds no task, process or lock left behind."""
        done = anyio.Event()

        async def stop() -> None:
            try:
                with anyio.CancelScope(shield=True):
                    await self._stop()
            finally:
                done.set()

        group.start_soon(stop)
        interrupted: BaseException | None = None
        with anyio.CancelScope(shield=True):
            while not done.is_set():
                try:
                    await done.wait()
                except anyio.get_cancelled_exc_class() as raised:
                    interrupted = raised
        if interrupted is not None:
            raise interrupted

    async def _stop(self) -> None:
        """Stops the actors, in this order for these reasons.

        Readers of events are released first, because an actor may be waiting for one. Running builds are cancelled, so
        that there is little left to do. Then the mailboxes are closed from left to right, each only when the actor
        before it has ended: only actors on its left can send it new work, so none is lost. Last, `stopped` of all
        actors is called, and the callers that still wait for an answer are released."""
        self.closing = True
        self.events.hurry()
        for build in tuple(self.builds_running):
            self.cancel(build)
        with anyio.move_on_after(STOP_SECONDS) as scope:
            for actor in self.actors:
                actor.mailbox.close()
                await actor.ended.wait()
        self.stop_was_late = scope.cancelled_caught
        self._end_tasks()
        for actor in self.actors:
            try:
                await actor.stopped()
            except Exception as error:
                self._break(error)
        self._release_askers()
        self.events.close()

    async def _live(self, actor: AnyActor) -> None:
        try:
            await self._guard(actor.run)
        finally:
            actor.ended.set()

    def start(self, function: Callable[..., Awaitable[None]], *args: object, name: str = "") -> None:
        """Runs a task of an actor in the system's task group."""
        if self._group is None:
            raise RuntimeError("the system is not running")
        self._group.start_soon(self._guard, function, *args, name=f"wasmill {name}")

    async def _guard(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        try:
            with scope:
                await function(*args)
        except Exception as error:
            self._break(error)
        finally:
            self._scopes.discard(scope)

    def _break(self, error: Exception) -> None:
        """Ends all tasks after an actor has failed, and releases the callers that wait, who get the reason."""
        self.failure = self.failure or error
        self._end_tasks()
        self._release_askers()

    def _end_tasks(self) -> None:
        for scope in tuple(self._scopes):
            scope.cancel()

    def _release_askers(self) -> None:
        for event in self._asking:
            if not event.is_set():
                self._released.add(event)
                event.set()

    # ---- from outside

    def request(self, to: AnyAddress, request: Request[A]) -> Pending[A]:
        """Sends a request at once. `Pending.wait` waits for its answer."""
        self.check()
        number = self.record("ask", "", to.name, request)
        pending = Pending(self, to.name, number, answer_to(request))
        to.mailbox.push(request, Cell(pending.deliver), number)
        return pending

    async def ask(self, to: AnyAddress, request: Request[A]) -> A:
        """Sends a request and waits for its answer. Raises `Broken` when an actor has failed, `Closed` after the stop.
        Where the caller is cancelled, the answer is dropped."""
        return await self.request(to, request).wait()

    async def wait(self, event: Wakeup) -> None:
        """Waits for an event that an actor's task will set. Raises `Broken` or `Closed` where it never will."""
        self._asking.add(event)
        try:
            if not event.is_set():
                self.check()
                await event.wait()
        finally:
            self._asking.discard(event)
        if event in self._released:
            self.check()
            raise Closed("the project was closed before the answer came")

    async def tell(self, to: Address[M], message: M, weight: int = 0) -> None:
        """As `Actor.tell`, from outside the system."""
        self.check()
        number = self.record("tell", "", to.name, message)
        await to.mailbox.put(message, weight, number)

    def build_begins(self, build: int) -> None:
        super().build_begins(build)
        self._ends[build] = anyio.Event()

    def build_ends(self, build: int) -> None:
        """All that a build leaves is written."""
        self._ends.pop(build).set()

    async def end_of(self, build: int) -> None:
        """Waits until a build that was answered has ended. Raises `Broken` or `Closed`."""
        if build in self._ends:
            await self.wait(self._ends[build])

    def check(self) -> None:
        """Raises `Broken` or `Closed` where no request can be answered any more."""
        if self.failure is not None:
            raise Broken(f"{type(self.failure).__name__}: {self.failure}") from self.failure
        if self.closing:
            raise Closed("the project is closed")


__all__ = [
    "Actor",
    "Address",
    "Broken",
    "Cell",
    "Closed",
    "MailboxStatistics",
    "Pending",
    "System",
    "Tap",
    "TapRecord",
    "WiringError",
]
