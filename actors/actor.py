"""An actor: one task that owns its state and handles one message at a time. See `actors.system` for how they speak."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import anyio
import anyio.lowlevel

from actors.events import Events, RunningJob
from actors.mailbox import Address, Cell, Mailbox
from actors.messages import Message, Nudged
from actors.offload import Offload

if TYPE_CHECKING:
    from actors.system import System

M = TypeVar("M", bound=Message)

STEPS_PER_CHECKPOINT = 16
"""An actor that always has work lets the others run after so many messages."""


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
