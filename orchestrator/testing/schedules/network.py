"""A network in memory, on asyncio and on AnyIO over it: connections whose data arrive when the schedule says so.

    async with network(lose=True):
        server = await asyncio.start_server(serve, "127.0.0.1", 8080)
        ...

What arrives (a connection, a piece of data, an end) is a choice beside the tasks that can run: see `wires.py`. Names of
hosts are refused, because no schedule could say what a resolver answers.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from orchestrator.testing.schedules.cancelling import current_run
from orchestrator.testing.schedules.director import Director, LeftBehind
from orchestrator.testing.schedules.frames import place_of_caller
from orchestrator.testing.schedules.wires import Arrival, MemoryConnection, Ways, WireTransport

FIRST_PORT = 49152
"""A server that asks for any port gets this one, then the next."""

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""

Serve = Callable[[], asyncio.BaseProtocol]


class Network:
    """Who listens, and which connections are open."""

    def __init__(self, loop: Any, director: Director[Any], ways: Ways, *, lose: bool) -> None:
        self.connections: list[MemoryConnection] = []
        self._loop = loop
        self._director = director
        self._serving = False
        self._handlers: list[asyncio.Task[Any]] = []
        self._ways = ways
        self._lose = lose
        self._listeners: dict[Address, Serve] = {}
        self._made = 0
        self._port = FIRST_PORT
        if lose:
            director.trace.scopes += 1

    def listen(self, address: Address, serve: Serve) -> Address:
        """Accept connections to this address from now on. Raises OSError where another one does already."""
        if isinstance(address, tuple) and address[1] == 0:
            while (address[0], self._port) in self._listeners:
                self._port += 1
            address = address[0], self._port
        if address in self._listeners:
            raise OSError(errno.EADDRINUSE, f"error while attempting to bind on address {address}: in use")
        self._listeners[address] = serve
        return address

    def stop_listening(self, address: Address) -> None:
        self._listeners.pop(address, None)

    def connect(self, address: Address, client: Serve) -> asyncio.Future[tuple[WireTransport, asyncio.BaseProtocol]]:
        """A future of a connection: it is made, or refused, when the request arrives."""
        connected: asyncio.Future[tuple[WireTransport, asyncio.BaseProtocol]] = self._loop.create_future()
        self._made += 1
        connection = MemoryConnection(f"connection {self._made}", self._loop, self._ways)
        connection.place = place_of_caller()

        def arrives() -> None:
            if connected.cancelled():
                return
            serve = self._listener(address)
            if serve is None:
                connected.set_exception(ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address}"))
                return
            self._open(connection, address)
            self._serving = True
            connection.server.attach(serve())
            self._serving = False
            protocol = client()
            connection.client.attach(protocol)
            connected.set_result((connection.client, protocol))

        Arrival(f"{connection.name} opens", self._loop, arrives).expect(self._ways.delay)
        return connected

    def _open(self, connection: MemoryConnection, address: Address) -> None:
        ours = ("127.0.0.1", FIRST_PORT + 10_000 + self._made) if isinstance(address, tuple) else ""
        connection.open(client_address=ours, server_address=address, closed=lambda: self._closed(connection))
        self.connections.append(connection)
        if self._lose:
            self._director.offer(connection, connection.lose)

    def _closed(self, connection: MemoryConnection) -> None:
        self.connections.remove(connection)
        if self._lose:
            self._director.withdraw(connection, connection.lose)

    def started(self, task: asyncio.Task[Any]) -> None:
        """Notes a task that a server starts for a connection."""
        if self._serving:
            self._handlers.append(task)

    def _listener(self, address: Address) -> Serve | None:
        if isinstance(address, str) or address in self._listeners:
            return self._listeners.get(address)
        port = address[1]
        return self._listeners.get(("0.0.0.0", port)) or self._listeners.get(("::", port))

    def drop(self) -> list[str]:
        """Ends all connections. Returns a line for each whose client has not closed it."""
        lines = [
            f"{connection.name}, opened at {connection.place}, was not closed by its client"
            for connection in self.connections
            if not connection.client.is_closing()
        ]
        for connection in list(self.connections):
            connection.drop()
        return lines

    async def handled(self) -> None:
        """Returns when the tasks have ended that servers started for connections."""
        waiting = [task for task in self._handlers if not task.done()]
        if waiting:
            await asyncio.wait(waiting)


@asynccontextmanager
async def network(*, delay: float = 0.0, pieces: bool = False, lose: bool = False) -> AsyncIterator[None]:
    """Connections that are opened while this is open stay in memory: TCP and Unix sockets of asyncio, and of AnyIO on
    asyncio. What arrives is chosen by the schedule, `delay` virtual seconds after it was sent at the earliest.

    `pieces`: what is sent at once arrives in up to three pieces. `lose`: each schedule loses one connection at most, at
    any moment; both ends then see ConnectionResetError. A connection that its client has not closed at the end fails
    the schedule with LeftBehind; servers lose theirs, and the tasks that they started for them are awaited. Outside of
    schedules this does nothing. Raises RuntimeError on Trio.
    """
    run = current_run()
    if run is None:
        yield
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError('network() serves asyncio, and AnyIO on it: use backend="asyncio"') from None
    if not isinstance(loop, Networked):
        raise RuntimeError("network() is called in a loop that no schedule controls")
    before, loop.network = loop.network, Network(loop, run.director, Ways(delay, pieces), lose=lose)
    try:
        yield
        left = loop.network.drop()
        if left and not run.director.over:
            raise LeftBehind("; ".join(left))
        await loop.network.handled()
    finally:
        loop.network.drop()
        loop.network = before


class MemoryServer(asyncio.AbstractServer):
    """What `create_server` gives."""

    def __init__(self, network: Network, addresses: list[Address], serve: Serve) -> None:
        self._network = network
        self._serve = serve
        self._asked = addresses
        self._addresses: list[Address] = []
        self._closed = False
        self._end: asyncio.Future[None] | None = None

    @property
    def sockets(self) -> tuple[Any, ...]:
        return tuple([_BoundSocket(address) for address in self._addresses])

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def is_serving(self) -> bool:
        return bool(self._addresses)

    def listen(self) -> None:
        if not self._addresses and not self._closed:
            self._addresses = [self._network.listen(asked, self._serve) for asked in self._asked]

    async def start_serving(self) -> None:
        self.listen()

    async def serve_forever(self) -> None:
        self.listen()
        self._end = asyncio.get_running_loop().create_future()
        try:
            await self._end
        finally:
            self.close()

    def close(self) -> None:
        self._closed = True
        while self._addresses:
            self._network.stop_listening(self._addresses.pop())
        if self._end is not None:
            self._end.cancel()
            self._end = None

    async def wait_closed(self) -> None:
        await asyncio.sleep(0)
        if sys.version_info >= (3, 12):  # Earlier ones do not wait.
            await self._network.handled()


class _BoundSocket:
    """The part of a socket that a server in memory has."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM

    def __init__(self, address: Address) -> None:
        self._address = address

    def getsockname(self) -> Address:
        return self._address


class Networked(asyncio.SelectorEventLoop):
    """An event loop whose connections go through `network`, where one is open."""

    network: Network | None = None

    async def getaddrinfo(self, host: Any, port: Any, **how: Any) -> Any:
        """Addresses are returned as they are. Raises `socket.gaierror` for names."""
        text = host.decode() if isinstance(host, bytes) else host
        known = text in (None, "", "localhost") or _is_address(text)
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, f"schedules resolve no names: {text!r}; use 127.0.0.1")
        return socket.getaddrinfo(text, port, **how)

    async def create_connection(self, protocol_factory: Serve, host: Any = None, port: Any = None, **how: Any) -> Any:
        if self.network is None or how.get("sock") is not None:
            return await super().create_connection(protocol_factory, host, port, **how)
        _refuse_tls(how)
        (_, _, _, _, address), *_ = await self.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return await self.network.connect((address[0], address[1]), protocol_factory)

    async def create_server(self, protocol_factory: Serve, host: Any = None, port: Any = None, **how: Any) -> Any:
        if self.network is None or how.get("sock") is not None:
            return await super().create_server(protocol_factory, host, port, **how)
        _refuse_tls(how)
        hosts = [host] if host is None or isinstance(host, str) else list(host)
        addresses: list[Address] = [("0.0.0.0" if not host else _plain(host), port or 0) for host in hosts]
        return self._serving(addresses, protocol_factory, how)

    async def create_unix_connection(self, protocol_factory: Serve, path: Any = None, **how: Any) -> Any:
        if self.network is None or how.get("sock") is not None:
            return await super().create_unix_connection(protocol_factory, path, **how)
        _refuse_tls(how)
        return await self.network.connect(os.fsdecode(path), protocol_factory)

    async def create_unix_server(self, protocol_factory: Serve, path: Any = None, **how: Any) -> Any:
        if self.network is None or how.get("sock") is not None:
            return await super().create_unix_server(protocol_factory, path, **how)
        _refuse_tls(how)
        return self._serving([os.fsdecode(path)], protocol_factory, how)

    def _serving(self, addresses: list[Address], serve: Serve, how: dict[str, Any]) -> MemoryServer:
        assert self.network is not None
        server = MemoryServer(self.network, addresses, serve)
        if how.get("start_serving", True):
            server.listen()
        return server


def _refuse_tls(how: dict[str, Any]) -> None:
    if how.get("ssl"):
        raise NotImplementedError("the network of schedules has no TLS: connect without ssl")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plain(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    if not _is_address(host):
        raise socket.gaierror(socket.EAI_NONAME, f"schedules resolve no names: {host!r}; use 127.0.0.1")
    return host
