"""What the child that executes a command and the builder say to one another, and how file descriptors are passed."""

from __future__ import annotations

import array
import socket
from typing import Any

import anyio
import msgspec

from actors.events import Event
from actors.result import Result
from actors.untrusted import UNREADABLE
from orchestrator.config import Config
from orchestrator.server import PACKET

LARGEST = 1 << 30
"""The most bytes of a message."""


class BuildAsked(msgspec.Struct, frozen=True):
    """A build of the project at `place` under the settings `said`, which came out as `config` in the child. `events`:
    all events are wanted, not only the rare ones."""

    place: str
    said: dict[str, Any]
    config: bytes
    force: bool
    events: bool


ResultText = Result[str]
_encoder = msgspec.msgpack.Encoder()
asked = msgspec.msgpack.Decoder(BuildAsked)
event = msgspec.msgpack.Decoder(Event)
result = msgspec.msgpack.Decoder(ResultText)
EVENT, RESULT = b"e", b"r"
encode = _encoder.encode


class LinkGoneError(Exception):
    """The other process has ended, or closed the connection."""


class Link:
    """A connection that carries messages, with a length before each. One task reads, one writes."""

    def __init__(self, link: socket.socket) -> None:
        link.setblocking(False)
        self._link = link
        self._data = b""

    async def send(self, data: bytes) -> None:
        """Raises LinkGoneError."""
        rest = memoryview(len(data).to_bytes(4, "little") + data)
        while rest:
            try:
                rest = rest[self._link.send(rest, socket.MSG_NOSIGNAL) :]
            except BlockingIOError:
                await anyio.wait_writable(self._link)
            except OSError as wrong:
                raise LinkGoneError from wrong

    async def receive(self) -> bytes:
        """Returns the next message. Raises LinkGoneError."""
        length = int.from_bytes(await self._bytes(4), "little")
        if length > LARGEST:
            raise LinkGoneError
        return await self._bytes(length)

    async def _bytes(self, count: int) -> bytes:
        while len(self._data) < count:
            try:
                more = self._link.recv(PACKET)
            except BlockingIOError:
                await anyio.wait_readable(self._link)
                continue
            except OSError as wrong:
                raise LinkGoneError from wrong
            if not more:
                raise LinkGoneError
            self._data += more
        data, self._data = self._data[:count], self._data[count:]
        return data

    def close(self) -> None:
        self._link.close()


def resolved(config: Config) -> bytes:
    """Returns all settings as bytes: two processes with the same ones see the same configuration."""
    layers = config.layers
    values = [getattr(config, name) for name in Config.__struct_fields__ if name != "layers"]
    return _encoder.encode([*values, layers.base, layers.profiles, layers.overrides, layers.toolchains.place])


def send_with(link: socket.socket, data: bytes, descriptors: list[int]) -> None:
    """Sends a packet with file descriptors. Raises OSError."""
    passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    link.sendmsg([data], passed, socket.MSG_NOSIGNAL)


def receive_with(link: socket.socket, most: int) -> tuple[bytes, list[int]]:
    """Returns a packet and the file descriptors in it, at most so many; b"" at the end. Raises OSError."""
    numbers = array.array("i")
    data, passed, flags, _ = link.recvmsg(PACKET, socket.CMSG_SPACE(most * numbers.itemsize), socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in passed:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        close_all(list(numbers))
        raise OSError("a packet is too long")
    return data, list(numbers)


def close_all(descriptors: list[int]) -> None:
    import os

    for descriptor in descriptors:
        os.close(descriptor)


__all__ = [
    "EVENT",
    "RESULT",
    "UNREADABLE",
    "BuildAsked",
    "Link",
    "LinkGoneError",
    "asked",
    "close_all",
    "encode",
    "event",
    "receive_with",
    "resolved",
    "result",
    "send_with",
]
