"""AnyIO's sockets on asyncio in memory. What it connects by transports of the loop needs nothing; the rest is here."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.abc
from anyio._backends import _asyncio as anyio_backend

from orchestrator.testing.schedules.network import Address, Network, Networked

_LISTENERS = ("create_tcp_listener", "create_unix_listener")

Stream = Any
"""AnyIO's stream over a transport: private, and of one type on TCP and on Unix sockets here."""


class MemoryListener(anyio.abc.SocketListener):
    """Accepts connections in memory. The socket that AnyIO has bound keeps its address, and is not listened to."""

    def __init__(self, network: Network, address: Address, bound: socket.socket) -> None:
        self._network = network
        self._socket = bound
        self._waiting: deque[tuple[Any, Any]] = deque()
        self._accepting: asyncio.Future[None] | None = None
        self._is_closed = False
        self._address = network.listen(address, self._protocol)

    @property
    def _raw_socket(self) -> socket.socket:
        return self._socket

    def _protocol(self) -> asyncio.Protocol:
        return _Accepted(self._accepted)

    def _accepted(self, transport: Any, protocol: Any) -> None:
        transport.pause_reading()
        self._waiting.append((transport, protocol))
        if self._accepting is not None and not self._accepting.done():
            self._accepting.set_result(None)

    async def accept(self) -> Stream:
        if self._accepting is not None:
            raise anyio.BusyResourceError("accepting connections from")
        await anyio.lowlevel.checkpoint()
        while not self._waiting and not self._is_closed:
            self._accepting = asyncio.get_running_loop().create_future()
            try:
                await self._accepting
            finally:
                self._accepting = None
        if self._is_closed:
            raise anyio.ClosedResourceError
        return anyio_backend.SocketStream(*self._waiting.popleft())

    async def aclose(self) -> None:
        self._is_closed = True
        self._network.stop_listening(self._address)
        self._socket.close()
        for transport, _ in self._waiting:
            transport.abort()
        if self._accepting is not None and not self._accepting.done():
            self._accepting.set_result(None)
        await anyio.lowlevel.checkpoint()


class _Accepted(anyio_backend.StreamProtocol):
    """The protocol of AnyIO's streams, which tells the listener of each connection."""

    def __init__(self, accepted: Callable[[Any, Any], None]) -> None:
        self._tell = accepted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tell(transport, self)


@contextmanager
def sockets_in_memory() -> Iterator[None]:
    """AnyIO's backend opens sockets in memory, where a network is open."""
    backend: Any = anyio_backend.AsyncIOBackend
    originals = {name: backend.__dict__[name] for name in ("connect_unix", *_LISTENERS)}
    backend.connect_unix = classmethod(_connect_unix(originals["connect_unix"]))
    for name in _LISTENERS:
        setattr(backend, name, classmethod(_create_listener(originals[name])))
    try:
        yield
    finally:
        for name, method in originals.items():
            setattr(backend, name, method)


def _connect_unix(original: Any) -> Callable[..., Any]:
    async def connect_unix(cls: Any, path: Any, *kind: Any) -> Any:
        if _network() is None:
            return await original.__func__(cls, path, *kind)
        await anyio.lowlevel.checkpoint()
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_unix_connection(anyio_backend.StreamProtocol, os.fsdecode(path))
        transport.pause_reading()
        return anyio_backend.SocketStream(transport, protocol)

    return connect_unix


def _create_listener(original: Any) -> Callable[..., Any]:
    def create(cls: Any, bound: socket.socket) -> Any:
        network = _network()
        if network is None:
            return original.__func__(cls, bound)
        asked = bound.getsockname()
        return MemoryListener(network, asked if isinstance(asked, str) else (asked[0], asked[1]), bound)

    return create


def _network() -> Network | None:
    loop = asyncio.get_running_loop()
    return loop.network if isinstance(loop, Networked) else None
