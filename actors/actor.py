"""Actors, and the three ways in which they send messages: tell, post and ask.

An actor is one task that owns its state and handles one message at a time.

- `tell` puts a message into a bounded mailbox, and waits while that is full. This is the backpressure.
- `post` sends a request. Its answer comes back into the sender's *reply lane*. The number of requests that an actor may
  have outstanding is fixed when the actor is made, so the lane has room: neither posting nor answering ever waits.
- `ask` is post and wait, for callers that are no actors (the API).

Why this cannot deadlock: an actor may tell and post only to actors on its right (`Wired` refuses any other wiring). So
an actor that waits in `tell` waits for one further to the right, and the rightmost waits for none. Answers go to the
left and never wait. An actor serves its reply lane before its mailbox, so an answer is never behind new work.

Expected failures are values in answers. An exception in an actor is a bug: it breaks the system. Then every call that
waits, and every later one, raises `Broken` with the original exception as its cause, and no task is left.

Nothing here imports an event loop. `system.py` runs actors in one, `plain.py` without.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from actors.events import Events, RunningJob, call_guest
from actors.mailbox import Address, AnyAddress, Cell, Mailbox
from actors.messages import CancelBuild, Message, Nudged, Request
from actors.offload import Offload, Wakeup

M = TypeVar("M", bound=Message)
T = TypeVar("T", bound=Message)

STEPS_PER_CHECKPOINT = 16
"""Number of messages after which an actor that always has work lets other tasks run."""


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

    def __init__(self, *targets: AnyAddress, outstanding: int = 0, mailbox: Mailbox[M] | None = None) -> None:
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
        self._wake: Wakeup | None = None
        self._nudged = False
        self._system: Wired | None = None
        self.ready: Wakeup
        """Set when `started` has run."""
        self.ended: Wakeup
        """Set when `run` has returned. The system makes both when it starts this actor."""
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
    def system(self) -> Wired:
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

    async def tell(self, to: Address[T], message: T, weight: int = 0) -> None:
        """Puts a message of `weight` bytes into a mailbox on the right, and waits while that is full."""
        self._check(to)
        number = self.system.record("tell", self.name, to.name, message)
        await to.mailbox.put(message, weight, number)

    def post(self, to: AnyAddress, request: Request[Message]) -> None:
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

    def start(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
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
                self._wake = self.offload.event()
                await self._wake.wait()
                continue
            self.moves += 1
            await self.events.room()
            steps += 1
            if steps % STEPS_PER_CHECKPOINT == 0:
                await self.offload.checkpoint()

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

    def _check(self, to: AnyAddress) -> None:
        if to not in self.targets:
            raise WiringError(f"{self.name} was not wired to speak to {to.name}")


AnyActor: TypeAlias = Actor[Any]
"""An actor, whichever messages it takes."""


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


class Wired:
    """Actors that are wired to each other, given from left to right, and what they share. How they run is in
    subclasses.

    Raises `WiringError` if one of them is wired to send to its left, to itself or out of the system.
    """

    def __init__(
        self,
        actors: Sequence[AnyActor],
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
        self._sent = 0
        self._refuse_circles()
        for actor in self.actors:
            actor._system = self
            actor.mailbox.event = self.offload.event

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

    @abstractmethod
    def start(self, function: Callable[..., Awaitable[None]], *args: object, name: str = "") -> None:
        """Runs a task of an actor."""

    def cancel(self, build: int) -> None:
        """Sets the token of a build, and wakes all actors so that they check it now."""
        self.cancelled_builds.add(build)
        self.record("cancel", "", "", CancelBuild(build=build))
        for actor in self.actors:
            actor.nudge()

    def build_begins(self, build: int) -> None:
        """A build may be cancelled from now on."""
        self.builds_running.add(build)

    def forget_build(self, build: int) -> None:
        """Drops the token of a build that is answered: nothing cancels it any more."""
        self.builds_running.discard(build)
        self.cancelled_builds.discard(build)

    @abstractmethod
    def build_ends(self, build: int) -> None:
        """All that a build leaves is recorded."""

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
