"""Actors, their mailboxes, and how they speak: tell, post and ask.

An actor is one task that owns its state and handles one message at a time. Three ways to speak:

- `tell` puts a message into a bounded mailbox and waits while that is full: the backpressure.
- `post` sends a request whose reply comes back into the sender's *reply lane*. How many requests an actor may have
  outstanding is fixed when it is made, so the room for them is known: neither posting nor answering ever blocks.
- `ask` is post and wait, for those who are no actors (the API).

Why this cannot deadlock: an actor may tell and post only to actors on its right (`System` refuses any other wiring), so
whoever waits in `tell` waits for somebody on its right, and the rightmost never waits. A reply never waits, whichever
way it goes. An actor serves its reply lane before its mailbox, so answers are not stuck behind new work.

Failures that are expected are values in replies. An exception in an actor is a bug: it breaks the system, everyone who
waits gets `Broken` with the original as its cause, so does every later call, and no task is left behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio.abc
import anyio.lowlevel

from actors.actor import Actor, MailboxStatistics, WiringError
from actors.events import Events, call_guest
from actors.mailbox import Address, Cell, Closed
from actors.messages import CancelBuild, Message
from actors.offload import Offload

M = TypeVar("M", bound=Message)

STOP_SECONDS = 10.0
"""How long an orderly stop may take before what is left is cancelled."""


class Broken(Exception):
    """An actor failed, which is always a bug; the original exception is the cause."""


class TapRecord(NamedTuple):
    """What the tap sees. `kind` is one of:

    - "tell", "post", "ask": a message was sent. `sender` is "" for the API. `number` counts what is sent, from 1.
    - "reply": an answer was sent; `number` is that of the request.
    - "take": an actor begins to handle what was sent under `number`: a message, or the answer to its own post. Its
      `sender` is "" always. What it sends until its next "take" it sends because of this one.
    - "nudge": an actor looks whether something changed that is in no message (`Nudged`): a token, the time.
    - "cancel": the token of a build was set (`CancelBuild`), which every actor sees from now on.

    The last two have no number.
    """

    kind: str
    sender: str
    receiver: str
    message: Message
    number: int = 0


_SENT = ("tell", "post", "ask")

Tap = Callable[[TapRecord], None]


class Pending:
    """The answer to a request from outside, to come."""

    def __init__(self, system: System, asked: str, number: int) -> None:
        self._system = system
        self._asked = asked
        self._number = number
        self._answer: Message | None = None
        self._arrived = anyio.Event()

    def deliver(self, answer: Message) -> None:
        self._system.record("reply", self._asked, "", answer, self._number)
        self._answer = answer
        self._arrived.set()

    async def wait(self) -> Message:
        """Wait for it. Raises `Broken` when an actor has failed, `Closed` after the stop."""
        if self._answer is None:
            await self._system.wait(self._arrived)
        assert self._answer is not None
        return self._answer


class System:
    """Runs actors, given from left to right, in one task group.

    Raises `WiringError` at once if one of them is to speak to its left, to itself or to somebody outside.
    """

    def __init__(
        self,
        actors: Sequence[Actor[Any]],
        *,
        offload: Offload | None = None,
        events: Events | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.actors = tuple(actors)
        self.offload = offload or Offload()
        self.events = events or Events()
        self.tap = tap
        self.builds_running: set[int] = set()
        self.cancelled_builds: set[int] = set()
        self.failure: Exception | None = None
        self.closing = False
        self.stop_was_late = False
        """What was left after `STOP_SECONDS` was cancelled."""
        self._sent = 0
        self._asking: set[anyio.Event] = set()
        self._released: set[anyio.Event] = set()
        self._scopes: set[anyio.CancelScope] = set()
        self._group: anyio.abc.TaskGroup | None = None
        self._refuse_circles()
        for actor in self.actors:
            actor._system = self

    def _refuse_circles(self) -> None:
        ranks = {actor.address: rank for rank, actor in enumerate(self.actors)}
        if len(ranks) != len(self.actors):
            raise WiringError("an actor occurs twice")
        for actor in self.actors:
            for target in actor.targets:
                if target not in ranks:
                    raise WiringError(f"{actor.name} is to speak to {target.name}, which is not in this system")
                if ranks[target] <= ranks[actor.address]:
                    raise WiringError(
                        f"{actor.name} is to speak to {target.name}, which is not on its right: they could wait for "
                        "one another for ever"
                    )

    # ---- life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[System]:
        """Start the actors; at the end stop them from left to right. An exception of the body leaves as itself."""
        error: BaseException | None = None
        async with anyio.create_task_group() as group:
            self._group = group
            for actor in self.actors:
                actor.ended = anyio.Event()
                group.start_soon(self._live, actor, name=f"wasmill {actor.name}")
            try:
                yield self
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as raised:
                error = raised
            finally:
                await self._stop_whatever_happens(group)
                group.cancel_scope.cancel()
        if error is not None:
            raise error

    async def _stop_whatever_happens(self, group: anyio.abc.TaskGroup) -> None:
        """Wait for the orderly stop. It runs in a task of its own, for AnyIO's shield does not hold off a native
        asyncio cancellation of the task that closes the Project: that one is let through only when all is done."""
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

    async def _live(self, actor: Actor[Any]) -> None:
        try:
            await self._guard(actor.run)
        finally:
            actor.ended.set()

    def start(self, function: Callable[..., Awaitable[None]], *args: Any, name: str = "") -> None:
        """Run a task of an actor in the system's group."""
        if self._group is None:
            raise RuntimeError("the system is not running")
        self._group.start_soon(self._guard, function, *args, name=f"wasmill {name}")

    async def _guard(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
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
        """An actor failed: nothing goes on, and everyone is told why."""
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

    def request(self, to: Address[Any], request: Message) -> Pending:
        """Send a request, now; wait for its answer with `Pending.wait`."""
        self.check()
        number = self.record("ask", "", to.name, request)
        pending = Pending(self, to.name, number)
        to.mailbox.push(request, Cell(pending.deliver), number)
        return pending

    async def ask(self, to: Address[Any], request: Message) -> Message:
        """Send a request and wait for its answer. Raises `Broken` when an actor has failed, `Closed` after the stop.
        Cancelled, the asker has gone: the answer is dropped."""
        return await self.request(to, request).wait()

    async def wait(self, event: anyio.Event) -> None:
        """Wait for an event that an actor's task will set. Raises `Broken` or `Closed` when it never will."""
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

    async def tell(self, to: Address[Any], message: Message, weight: int = 0) -> None:
        """Tell from outside, as `Actor.tell`."""
        self.check()
        number = self.record("tell", "", to.name, message)
        await to.mailbox.put(message, weight, number)

    def cancel(self, build: int) -> None:
        """Set the build's token: every actor sees it at its next look, and is woken to look now."""
        self.cancelled_builds.add(build)
        self.record("cancel", "", "", CancelBuild(build=build))
        for actor in self.actors:
            actor.nudge()

    def forget_build(self, build: int) -> None:
        """The build has ended: its token is no longer looked at."""
        self.builds_running.discard(build)
        self.cancelled_builds.discard(build)

    def record(self, kind: str, sender: str, receiver: str, message: Message, number: int = 0) -> int:
        """Show the tap what is sent; `number` where it has one already. Gives its number, 0 where nobody looks."""
        if self.tap is None:
            return 0
        if not number and kind in _SENT:
            self._sent += 1
            number = self._sent
        call_guest(self.tap, TapRecord(kind, sender, receiver, message, number))
        return number

    @property
    def moves(self) -> int:
        """A number that grows whenever anything gets further."""
        return sum(actor.moves for actor in self.actors)

    def statistics(self) -> dict[str, MailboxStatistics]:
        """Every actor's mailbox, by the actor's name."""
        return {actor.name: actor.statistics() for actor in self.actors}

    def check(self) -> None:
        """Raise `Broken` or `Closed` where there is no use in asking any more."""
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
