"""Mailboxes: where messages wait for their actor, and where replies go.

A mailbox is bounded in messages and in bytes for those who tell; requests are bounded by what their senders may have
outstanding, so there is always room for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import anyio

from actors.messages import Message

M = TypeVar("M", bound=Message)

CAPACITY = 8
"""Messages in a mailbox: more than the hand-over of two tasks needs, few enough to push back at once."""

CAPACITY_BYTES = 32 << 20
"""Bytes of payload in a mailbox. A message above it is admitted when the mailbox is empty."""


class Closed(Exception):
    """The system has stopped, or is about to."""


class Cell:
    """A one-shot place for a reply. Answering twice, or someone who has gone, does nothing."""

    __slots__ = ("_deliver",)

    def __init__(self, deliver: Callable[[Message], None] | None) -> None:
        self._deliver = deliver

    def set(self, answer: Message) -> None:
        if self._deliver is not None:
            deliver, self._deliver = self._deliver, None
            deliver(answer)


NOBODY = Cell(None)
"""Where the answer to a told message would go."""


class _Item(NamedTuple, Generic[M]):
    message: M
    cell: Cell
    told: bool
    weight: int
    number: int
    """What the tap calls it; 0 where nobody looks."""


class Mailbox(Generic[M]):
    """A queue bounded in messages and in bytes. Senders that wait are admitted in the order they came.

    Requests (`push`) are not bounded here: their number is bounded by what their senders may have outstanding.
    """

    def __init__(self, capacity: int = CAPACITY, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self.capacity = capacity
        self.capacity_bytes = capacity_bytes
        self.items: deque[_Item[M]] = deque()
        self.told = 0
        self.bytes = 0
        self.most = 0
        self.delivered = 0
        self.closed = False
        self.wake: Callable[[], None] = _nothing
        self._waiting: deque[tuple[anyio.Event, int]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def put(self, message: M, weight: int, number: int = 0) -> None:
        """Add a message, waiting while there is no room. Cancelled while it waits, nothing was added."""
        if self.closed:
            raise Closed
        if self._waiting or not self._fits(weight):
            await self._wait_for_room(weight)
        else:
            self._reserve(weight)
        self._add(_Item(message, NOBODY, True, weight, number))

    def push(self, message: M, cell: Cell, number: int = 0) -> None:
        """Add a request; its sender has counted it."""
        if self.closed:
            raise Closed
        self._add(_Item(message, cell, False, 0, number))

    def take(self) -> _Item[M]:
        item = self.items.popleft()
        self.delivered += 1
        if item.told:
            self._release(item.weight)
        return item

    def close(self) -> None:
        """Admit nothing more; senders that wait are refused. What is in the mailbox is still delivered."""
        self.closed = True
        while self._waiting:
            self._waiting.popleft()[0].set()
        self.wake()

    async def _wait_for_room(self, weight: int) -> None:
        """Wait for a place; on return it is reserved, so that nobody can overtake."""
        turn = (anyio.Event(), weight)
        self._waiting.append(turn)
        try:
            await turn[0].wait()
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
                self._admit()  # The next one may need less room.
            elif not self.closed:
                self._release(weight)
            raise
        if self.closed:
            raise Closed

    def _fits(self, weight: int) -> bool:
        return not self.told or (self.told < self.capacity and self.bytes + weight <= self.capacity_bytes)

    def _reserve(self, weight: int) -> None:
        self.told += 1
        self.bytes += weight

    def _release(self, weight: int) -> None:
        self.told -= 1
        self.bytes -= weight
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][1]):
            event, weight = self._waiting.popleft()
            self._reserve(weight)
            event.set()

    def _add(self, item: _Item[M]) -> None:
        self.items.append(item)
        self.most = max(self.most, len(self.items))
        self.wake()


def _nothing() -> None:
    """Before the system runs, nobody waits for mail."""


class Address(Generic[M]):
    """Where an actor can be reached. Handed to those on its left when they are made."""

    def __init__(self, name: str, mailbox: Mailbox[M]) -> None:
        self.name = name
        self.mailbox = mailbox
