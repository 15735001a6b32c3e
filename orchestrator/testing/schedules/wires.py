"""Connections in memory: two transports, and between them a wire in each direction.

A piece of data lies in its wire until it *arrives*, which is a choice of the schedule beside the tasks that can run: so
it comes before or after anything else that happens meanwhile, and in its order. As with sockets, what was sent before a
side closed its end still arrives, and who sends to a closed end gets ConnectionResetError some time later.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from orchestrator.testing.schedules.trace import CodePlace

WINDOW = 65_536
"""Bytes that are under way before a sender has to wait: what the buffers of a kernel take."""

_END = object()
_RESET = object()


class Ways(NamedTuple):
    """How data travels: `delay` in virtual seconds, and whether what is sent at once arrives in pieces."""

    delay: float = 0.0
    pieces: bool = False


class Arrival:
    """Something from outside that happens once, when the schedule picks it."""

    is_outside = True

    def __init__(self, name: str, loop: Any, arrives: Callable[[], None]) -> None:
        self.name = name
        self._loop = loop
        self._arrives = arrives

    def expect(self, delay: float) -> None:
        """Lets it happen at any time after so many virtual seconds."""
        if delay > 0:
            self._loop.call_later(delay, self._loop.call_soon, self.arrive)
        else:
            self._loop.call_soon(self.arrive)

    def arrive(self) -> None:
        self._arrives()


class Wire(Arrival):
    """What one end has sent and the other has not seen yet, in its order."""

    def __init__(self, name: str, loop: Any, receiver: WireTransport, ways: Ways) -> None:
        super().__init__(name, loop, self._next)
        self.items: deque[Any] = deque()
        self.size = 0
        """Bytes under way."""
        self._receiver = receiver
        self._ways = ways
        self._expected = False

    def put(self, item: Any) -> None:
        self.items.append(item)
        self.size += len(item) if isinstance(item, bytes) else 0
        self.wake()

    def send(self, data: bytes) -> None:
        middle = (len(data) + 1) // 2
        ends = (1, middle, len(data)) if self._ways.pieces else (len(data),)
        begin = 0
        for end in ends:
            if end > begin:
                self.put(data[begin:end])
                begin = end

    def clear(self) -> None:
        self.items.clear()
        self.size = 0

    def wake(self) -> None:
        """Expect the next item, unless the receiver has paused; that it is reset reaches it all the same."""
        if self.items and not self._expected and (self._receiver.is_reading() or _RESET in self.items):
            self._expected = True
            self.expect(self._ways.delay)

    def _next(self) -> None:
        self._expected = False
        if not self.items:
            return
        if not self._receiver.is_reading():
            if _RESET not in self.items:
                return  # It has paused since: `wake` is called when it goes on.
            self.clear()
            self.items.append(_RESET)
        item = self.items.popleft()
        self.size -= len(item) if isinstance(item, bytes) else 0
        self._receiver.receive(item)
        self.wake()


class WireTransport(asyncio.Transport):
    """One end of a connection in memory."""

    def __init__(self, loop: Any, connection: MemoryConnection, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self.out: Wire
        self.peer: WireTransport
        self.is_lost = False
        self._loop = loop
        self._connection = connection
        self._protocol: Any = None
        self._is_closing = False
        self._has_ended = False
        self._is_paused = False
        self._holds_back = False
        self._low, self._high = WINDOW // 4, WINDOW

    def attach(self, protocol: asyncio.BaseProtocol) -> None:
        """Gives the end to the protocol that uses it."""
        self._protocol = protocol
        protocol.connection_made(self)

    # What a protocol does.

    def write(self, data: Any) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data argument must be a bytes-like object, not {type(data).__name__!r}")
        if self._has_ended and not self._is_closing:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._is_closing or not data:
            return
        self.out.send(bytes(data))
        if not self._holds_back and self.get_write_buffer_size() > self._high:
            self._holds_back = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._has_ended and not self._is_closing:
            self._has_ended = True
            self.out.put(_END)

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        """What was written still arrives, and the end after it; what arrives here from now on is refused."""
        if self._is_closing:
            return
        self._is_closing = True
        unread = self.peer.out.size > 0
        if unread or not self._has_ended:
            self.out.put(_RESET if unread else _END)
        self._loop.call_soon(self.lost, None)

    def abort(self) -> None:
        """As `close`, because what was written is with the kernel by now: see `WINDOW`."""
        self.close()

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self.peer.out.wake()

    def is_reading(self) -> bool:
        return not self._is_paused

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high if high is not None else (4 * low if low is not None else WINDOW)
        self._low = low if low is not None else self._high // 4

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return max(0, self.out.size - WINDOW)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol  # type: ignore[no-any-return]

    # What arrives.

    def receive(self, item: Any) -> None:
        if self._is_closing:
            if isinstance(item, bytes) and not self.peer.is_lost:
                self.out.put(_RESET)
            return
        if item is _RESET:
            self.lost(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        elif item is _END:
            if not self._protocol.eof_received():
                self.close()
        else:
            self._protocol_takes(item)
        self.peer.may_go_on()

    def _protocol_takes(self, data: bytes) -> None:
        if not isinstance(self._protocol, asyncio.BufferedProtocol):
            self._protocol.data_received(data)
            return
        while data:
            buffer: Any = self._protocol.get_buffer(len(data))
            count = min(len(buffer), len(data))
            buffer[:count] = data[:count]
            self._protocol.buffer_updated(count)
            data = data[count:]

    def may_go_on(self) -> None:
        """Lets the protocol write again once little enough is under way."""
        if self._holds_back and not self.is_lost and self.get_write_buffer_size() <= self._low:
            self._holds_back = False
            self._protocol.resume_writing()

    def lost(self, error: Exception | None) -> None:
        """The connection is over for this end."""
        if self.is_lost:
            return
        self.is_lost = self._is_closing = True
        self._protocol.connection_lost(error)
        self._connection.end_was_lost()


class MemoryConnection:
    """Both ends, and what can befall them together."""

    is_outside = True

    def __init__(self, name: str, loop: Any, ways: Ways) -> None:
        self.name = name
        self.place: CodePlace | None = None
        self.client: WireTransport
        self.server: WireTransport
        self._loop = loop
        self._ways = ways
        self._closed: Callable[[], None] = lambda: None

    def open(self, *, client_address: Any, server_address: Any, closed: Callable[[], None]) -> None:
        """Makes both ends. `closed` is called once, when both are lost."""
        ours = {"sockname": client_address, "peername": server_address}
        theirs = {"sockname": server_address, "peername": client_address}
        self.client = WireTransport(self._loop, self, ours)
        self.server = WireTransport(self._loop, self, theirs)
        self.client.peer, self.server.peer = self.server, self.client
        self.client.out = Wire(f"{self.name} to server", self._loop, self.server, self._ways)
        self.server.out = Wire(f"{self.name} to client", self._loop, self.client, self._ways)
        self._closed = closed

    def lose(self) -> None:
        """The network loses the connection: what is under way is lost, and each end finds out in its own time."""
        for end in (self.client, self.server):
            end.out.clear()
        for end in (self.client, self.server):
            end.out.put(_RESET)

    def drop(self) -> None:
        """Ends it at once, with nobody told but the protocols."""
        for end in (self.client, self.server):
            end.out.clear()
            end.lost(None)

    def end_was_lost(self) -> None:
        if self.client.is_lost and self.server.is_lost:
            closed, self._closed = self._closed, lambda: None
            closed()
