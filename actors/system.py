"""Actors, and the three ways in which they send messages: tell, post and ask.

An actor is one task that owns its state and handles one message at a time.

- `tell` puts a message into a bounded mailbox, and waits while that is full. This is the backpressure.
- `post` sends a request. Its answer comes back into the sender's *reply lane*. The number of requests that an actor may
  have outstanding is fixed when the actor is made, so the lane has room: neither posting nor answering ever waits.
- `ask` is post and wait, for callers that are no actors (the API).

Why this cannot deadlock: an actor may tell and post only to actors on its right (`System` refuses any other wiring). So
an actor that waits in `tell` waits for one further to the right, and the rightmost waits for none. Answers go to the
left and never wait. An actor serves its reply lane before its mailbox, so an answer is never behind new work.

Expected failures are values in answers. An exception in an actor is a bug: it breaks the system. Then every call that
waits, and every later one, raises `Broken` with the original exception as its cause, and no task is left.
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
from actors.messages import A, CancelBuild, Message, Nudged, Request, answer_to
from actors.offload import Offload

M = TypeVar("M", bound=Message)

STEPS_PER_CHECKPOINT = 16
"""Number of messages after which an actor that always has work lets other tasks run."""

STOP_SECONDS = 10.0
"""Time that an orderly stop may take before the remaining tasks are cancelled."""


class Broken(Exception):
    """An actor failed, which is always a bug. The original exception is the cause."""


class WiringError(Exception):
    """An actor was wired to send to an actor on its left, to itself, or to one that is not in the system."""


class MailboxStatistics(NamedTuple):
    """A mailbox at one moment: `messages` and `bytes` in it, and `waiting` senders; since the start, `most` messages at
    once and `delivered` messages. `outstanding` are the actor's own unanswered requests. `current` is the type of the
    message being handled, "" while the actor waits."""

    messages: int
    bytes: int
    waiting: int
    most: int
    delivered: int
    outstanding: int
    current: str


class Actor(Generic[M]):
    """One task, one state, one message at a time.

    A subclass implements `receive`, and `replied` if it posts. `targets` are the addresses that it will send to, and
    `outstanding` is the number of its posts that may be unanswered at once.
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
        """Number of messages handled, and of other steps forward. `actors.stillness` compares it."""
        self.may_post = outstanding
        self._lane: deque[tuple[Message, Message, int]] = deque()
        self._wake: anyio.Event | None = None
        self._nudged = False
        self._system: System | None = None
        self.ready = anyio.Event()
        """Set when `started` has run."""
        self.ended = anyio.Event()
        self.mailbox.wake = self._awake

    # ---- what a subclass implements

    async def started(self) -> None:
        """Called before the first message."""

    async def receive(self, message: M, reply: Cell) -> None:
        """Handles one message. A request must be answered through `reply`, now or later; a told message has no
        answer."""
        raise NotImplementedError

    async def replied(self, request: Message, answer: Message) -> None:
        """Handles the answer to one of this actor's own posts."""
        raise NotImplementedError

    async def nudged(self) -> None:
        """Called when a build was cancelled, or after `nudge`: checks whether that changes anything."""

    async def stopped(self) -> None:
        """Called after the last message, shielded from cancellation."""

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
        """Whether the build is cancelled. This is a token that all actors read, because a message would queue behind
        the very work that it should stop."""
        return build in self.system.cancelled_builds

    async def tell(self, to: Address[Any], message: Message, weight: int = 0) -> None:
        """Puts a message of `weight` bytes into a mailbox on the right, and waits while that is full."""
        self._check(to)
        number = self.system.record("tell", self.name, to.name, message)
        await to.mailbox.put(message, weight, number)

    def post(self, to: Address[Any], request: Request[Message]) -> None:
        """Sends a request to an actor on the right. Its answer arrives in `replied`. Raises RuntimeError where too many
        requests are outstanding, which is a bug."""
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
        """Has `nudged` called before the next message."""
        self._nudged = True
        self._awake()

    def start(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Runs a task of this actor. An exception in it breaks the system, as one in the actor would."""
        self.system.start(function, *args, name=self.name)

    # ---- the loop

    async def run(self) -> None:
        """Handles messages until an orderly stop.

        The order is: nudges, so that a cancellation takes effect at once; answers, because work already begun waits for
        them; then new messages. The actor ends only when its mailbox is closed and empty, none of its requests is
        outstanding, and it has no work of its own: so no answer is ever sent to an actor that has ended."""
        await self.started()
        self.ready.set()
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
        """Whether this actor has no work of its own in progress, so that an orderly stop may end it."""
        return True

    def doing(self) -> str:
        """What this actor is doing, for people to read; "" while it waits for messages."""
        return self.current

    def jobs(self) -> Sequence[RunningJob]:
        """The jobs in progress outside of its own task."""
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
    """One thing that a tap is shown. `kind` is one of:

    - "tell", "post", "ask": a message was sent. `sender` is "" for the API. `number` counts the messages sent, from 1.
    - "reply": an answer was sent. `number` is that of the request.
    - "take": an actor begins to handle the message or the answer with this `number`. `sender` is "". Everything that
      the actor sends until its next "take" is a consequence of this one.
    - "nudge": an actor checks for a change that is in no message (`Nudged`): a token, the time.
    - "cancel": the token of a build was set (`CancelBuild`). All actors see it from now on.

    The last two have no number.
    """

    kind: str
    sender: str
    receiver: str
    message: Message
    number: int = 0


_SENT = ("tell", "post", "ask")

Tap = Callable[[TapRecord], None]


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


class System:
    """Runs actors, given from left to right, in one task group.

    Raises `WiringError` if one of them is wired to send to its left, to itself or out of the system.
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
        self._ends: dict[int, anyio.Event] = {}
        """By number of a build that has begun: set when it has come to its end, which may be after its answer."""
        self.failure: Exception | None = None
        self.closing = False
        self.stop_was_late = False
        """Whether the orderly stop took longer than `STOP_SECONDS`, so that tasks were cancelled."""
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

    async def _live(self, actor: Actor[Any]) -> None:
        try:
            await self._guard(actor.run)
        finally:
            actor.ended.set()

    def start(self, function: Callable[..., Awaitable[None]], *args: Any, name: str = "") -> None:
        """Runs a task of an actor in the system's task group."""
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

    def request(self, to: Address[Any], request: Request[A]) -> Pending[A]:
        """Sends a request at once. `Pending.wait` waits for its answer."""
        self.check()
        number = self.record("ask", "", to.name, request)
        pending = Pending(self, to.name, number, answer_to(request))
        to.mailbox.push(request, Cell(pending.deliver), number)
        return pending

    async def ask(self, to: Address[Any], request: Request[A]) -> A:
        """Sends a request and waits for its answer. Raises `Broken` when an actor has failed, `Closed` after the stop.
        Where the caller is cancelled, the answer is dropped."""
        return await self.request(to, request).wait()

    async def wait(self, event: anyio.Event) -> None:
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

    async def tell(self, to: Address[Any], message: Message, weight: int = 0) -> None:
        """As `Actor.tell`, from outside the system."""
        self.check()
        number = self.record("tell", "", to.name, message)
        await to.mailbox.put(message, weight, number)

    def cancel(self, build: int) -> None:
        """Sets the token of a build, and wakes all actors so that they check it now."""
        self.cancelled_builds.add(build)
        self.record("cancel", "", "", CancelBuild(build=build))
        for actor in self.actors:
            actor.nudge()

    def build_begins(self, build: int) -> None:
        """A build may be cancelled from now on."""
        self.builds_running.add(build)
        self._ends[build] = anyio.Event()

    def forget_build(self, build: int) -> None:
        """Drops the token of a build that is answered: nothing cancels it any more."""
        self.builds_running.discard(build)
        self.cancelled_builds.discard(build)

    def build_ends(self, build: int) -> None:
        """All that a build leaves is written."""
        self._ends.pop(build).set()

    async def end_of(self, build: int) -> None:
        """Waits until a build that was answered has come to its end. Raises `Broken` or `Closed`."""
        if build in self._ends:
            await self.wait(self._ends[build])

    def record(self, kind: str, sender: str, receiver: str, message: Message, number: int = 0) -> int:
        """Shows the tap what is sent, with its `number` if it has one. Returns its number; 0 where there is no tap."""
        if self.tap is None:
            return 0
        if not number and kind in _SENT:
            self._sent += 1
            number = self._sent
        call_guest(self.tap, TapRecord(kind, sender, receiver, message, number))
        return number

    @property
    def moves(self) -> int:
        """A number that grows whenever an actor or a worker makes progress."""
        return sum(actor.moves for actor in self.actors)

    def statistics(self) -> dict[str, MailboxStatistics]:
        """The mailboxes of all actors, by the actor's name."""
        return {actor.name: actor.statistics() for actor in self.actors}

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
