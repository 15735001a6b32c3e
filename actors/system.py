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

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
import anyio.abc
import anyio.lowlevel

from actors.events import Events, RunningJob, call_guest
from actors.mailbox import Address, Cell, Closed, Mailbox
from actors.messages import CancelBuild, Message, Nudged
from actors.offload import Offload

M = TypeVar("M", bound=Message)

STEPS_PER_CHECKPOINT = 16
"""An actor that always has work lets the others run after so many messages."""

STOP_SECONDS = 10.0
"""How long an orderly stop may take before what is left is cancelled."""


class Broken(Exception):
    """An actor failed, which is always a bug; the original exception is the cause."""


class WiringError(Exception):
    """An actor was to speak to its left, to itself, or to somebody outside of the system."""


class MailboxStatistics(NamedTuple):
    """A mailbox at one moment: messages and bytes in it, senders that wait, and since the start the most messages ever
    in it and the number delivered. `current` is the message being handled, "" when the actor waits."""

    messages: int
    bytes: int
    waiting: int
    most: int
    delivered: int
    outstanding: int
    current: str


class Actor(Generic[M]):
    """One task, one state, one message at a time.

    A subclass implements `receive`, and `replied` if it posts. `targets` are the addresses it will speak to, and
    `outstanding` is how many of its posts may be unanswered at once.
    """

    name: str = ""

    def __init__(self, *targets: Address[Any], outstanding: int = 0, mailbox: Mailbox[M] | None = None) -> None:
        self.name = self.name or type(self).__name__.lower()
        self.mailbox: Mailbox[M] = mailbox or Mailbox()
        self.address: Address[M] = Address(self.name, self.mailbox)
        self.targets = targets
        self.unanswered = 0
        self.current = ""
        self.moves = 0
        """How often this actor has got further: what `actors.stillness` looks at."""
        self.may_post = outstanding
        self._lane: deque[tuple[Message, Message, int]] = deque()
        self._wake: anyio.Event | None = None
        self._nudged = False
        self._system: System | None = None
        self.ended = anyio.Event()
        self.mailbox.wake = self._awake

    # ---- what a subclass fills in

    async def started(self) -> None:
        """Before the first message."""

    async def receive(self, message: M, reply: Cell) -> None:
        """Handle one message. A request must be answered through `reply`, now or later; what was told needs none."""
        raise NotImplementedError

    async def replied(self, request: Message, answer: Message) -> None:
        """One of this actor's own posts was answered."""
        raise NotImplementedError

    async def nudged(self) -> None:
        """A build was cancelled, or `nudge` was called: look whether that changes anything."""

    async def stopped(self) -> None:
        """After the last message of an orderly stop, shielded from cancellation."""

    # ---- what a subclass uses

    @property
    def system(self) -> System:
        if self._system is None:
            raise RuntimeError(f"{self.name} is in no system")
        return self._system

    @property
    def offload(self) -> Offload:
        return self.system.offload

    @property
    def events(self) -> Events:
        return self.system.events

    def cancelled(self, build: int) -> bool:
        """Whether the build is cancelled: a token that everyone reads, not a message queued behind others."""
        return build in self.system.cancelled_builds

    async def tell(self, to: Address[Any], message: Message, weight: int = 0) -> None:
        """Put a message of `weight` bytes into a mailbox on the right, waiting while it is full."""
        self._check(to)
        number = self.system.record("tell", self.name, to.name, message)
        await to.mailbox.put(message, weight, number)

    def post(self, to: Address[Any], request: Message) -> None:
        """Send a request to the right; its answer arrives in `replied`."""
        self._check(to)
        if self.unanswered >= self.may_post:
            raise RuntimeError(f"{self.name} has {self.unanswered} requests outstanding already")
        self.unanswered += 1
        number = self.system.record("post", self.name, to.name, request)

        def deliver(answer: Message) -> None:
            self.system.record("reply", to.name, self.name, answer, number)
            self._lane.append((request, answer, number))
            self._awake()

        to.mailbox.push(request, Cell(deliver), number)

    def nudge(self) -> None:
        """Call `nudged` at the next turn."""
        self._nudged = True
        self._awake()

    def start(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Run a task of this actor's own. An exception in it is the actor's."""
        self.system.start(function, *args, name=self.name)

    # ---- the loop

    async def run(self) -> None:
        await self.started()
        steps = 0
        while True:
            if self._nudged:
                self._nudged = False
                if self.system.tap is not None:
                    self.system.record("nudge", "", self.name, Nudged())
                await self.nudged()
            elif self._lane:
                request, answer, number = self._lane.popleft()
                self.unanswered -= 1
                self.current = type(answer).__name__
                if number:
                    self.system.record("take", "", self.name, answer, number)
                await self.replied(request, answer)
            elif self.mailbox.items:
                item = self.mailbox.take()
                self.current = type(item.message).__name__
                if item.number:
                    self.system.record("take", "", self.name, item.message, item.number)
                await self.receive(item.message, item.cell)
            elif self.mailbox.closed and not self.unanswered and self.idle():
                return
            else:
                self.current = ""
                steps = 0
                self._wake = anyio.Event()
                await self._wake.wait()
                continue
            self.moves += 1
            await self.events.room()
            steps += 1
            if steps % STEPS_PER_CHECKPOINT == 0:
                await anyio.lowlevel.checkpoint()

    def idle(self) -> bool:
        """Whether an orderly stop may end this actor now: it has no work of its own under way."""
        return True

    def doing(self) -> str:
        """What this actor is doing, for people to read; "" where it waits for mail."""
        return self.current

    def jobs(self) -> Sequence[RunningJob]:
        """What is under way outside of its own task."""
        return ()

    def statistics(self) -> MailboxStatistics:
        box = self.mailbox
        return MailboxStatistics(
            len(box.items), box.bytes, box.waiting, box.most, box.delivered, self.unanswered, self.current
        )

    def _awake(self) -> None:
        if self._wake is not None:
            self._wake.set()
            self._wake = None

    def _check(self, to: Address[Any]) -> None:
        if to not in self.targets:
            raise WiringError(f"{self.name} was not wired to speak to {to.name}")


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
