"""Mailboxes, in which messages wait for their actor, and cells, which take answers.

Told messages are bounded in number and in bytes; a sender waits while there is no room. Requests are not bounded here,
because each sender has a fixed number that it may have outstanding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from actors.messages import Message
from actors.offload import Wakeup, wakeup

M = TypeVar("M", bound=Message)

CAPACITY = 8
"""Messages in a mailbox: more than two tasks need to hand over without waiting, few enough to push back at once."""

CAPACITY_BYTES = 32 << 20
"""Bytes of payload in a mailbox. A larger message is admitted when the mailbox has no other told message."""


class Closed(Exception):
    """The system has stopped, or is stopping."""


class Cell:
    """Takes one answer. A second answer is dropped, and so is one for a caller that no longer waits."""

    __slots__ = ("_deliver",)

    def __init__(self, deliver: Callable[[Message], None] | None) -> None:
        self._deliver = deliver

    def set(self, answer: Message) -> None:
        if self._deliver is not None:
            deliver, self._deliver = self._deliver, None
            deliver(answer)


NOBODY = Cell(None)
"""The cell of a told message, which has no answer."""


class _Item(NamedTuple, Generic[M]):
    message: M
    cell: Cell
    told: bool
    weight: int
    number: int
    """Its number for the tap; 0 where there is no tap."""


class Mailbox(Generic[M]):
    """A queue that is bounded in messages and bytes. Waiting senders are admitted in the order in which they came.

    The code that frees room reserves it for a waiting sender (`_admit`), before the sender's task runs again. Otherwise
    a sender that comes later could take the room, and the first one might wait for ever.
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
        self.event: Callable[[], Wakeup] = wakeup
        """Makes what a sender waits for. The system sets it to that of its loop."""
        self._waiting: deque[tuple[Wakeup, int]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def put(self, message: M, weight: int, number: int = 0) -> None:
        """Adds a message, and waits while there is no room. Where the sender is cancelled while it waits, nothing was
        added. Raises Closed."""
        if self.closed:
            raise Closed
        if self._waiting or not self._fits(weight):
            await self._wait_for_room(weight)
        else:
            self._reserve(weight)
        self._add(_Item(message, NOBODY, True, weight, number))

    def push(self, message: M, cell: Cell, number: int = 0) -> None:
        """Adds a request, which its sender has counted. Raises Closed."""
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
        """Admits no more messages, and refuses the senders that wait. Messages in the mailbox are still delivered."""
        self.closed = True
        while self._waiting:
            self._waiting.popleft()[0].set()
        self.wake()

    async def _wait_for_room(self, weight: int) -> None:
        """Waits for room. On return it is reserved. A cancelled sender gives back what was reserved for it, or leaves
        the queue."""
        turn = (self.event(), weight)
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
    """The wake-up call of a mailbox whose actor does not run yet."""


class Address(Generic[M]):
    """Where an actor can be reached. Actors on its left get it when they are made."""

    def __init__(self, name: str, mailbox: Mailbox[M]) -> None:
        self.name = name
        self.mailbox = mailbox


AnyAddress: TypeAlias = Address[Any]
"""An actor's address, whichever messages it takes. `tell` compares the message with the address all the same."""
