"""A server that speaks plain HTTP, in the way of Bazel's simple cache: GET and PUT of `/ac/<hash>` and `/cas/<hash>`.

h11 reads and writes the protocol, AnyIO moves the bytes, and the pool of connections is a list. A connection goes back
only after a whole exchange; one that was cancelled or failed is closed at once, so nothing of an abandoned answer can
become part of another one. Redirects are not followed: they would send the headers to somebody else.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import ByteStream

from actors.remote.actions import ActionDigest
from actors.remote.servers import LARGEST_OBJECT, LARGEST_RESULT, RemoteFault, RemoteSettings

_CHUNK = 1 << 16
_REFUSED = (401, 403, 407)


class _Connection:
    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.state = h11.Connection(h11.CLIENT)
        self.used = False


class _Gone(Exception):
    """The server has closed a connection that was idle, which it may."""


class HttpServer:
    def __init__(self, settings: RemoteSettings) -> None:
        parts = urlsplit(settings.url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._path = parts.path.rstrip("/")
        self._headers = [("Host", parts.netloc), ("User-Agent", "wasmill"), *settings.headers]
        self._roots = settings.roots
        self._timeout = settings.timeout
        self._context: ssl.SSLContext | None = None
        self._idle: list[_Connection] = []

    async def fetch_result(self, action: ActionDigest) -> bytes | None:
        return await self._call("GET", f"/ac/{action.hash}", limit=LARGEST_RESULT)

    async def fetch_object(self, digest: str, size: int) -> bytes | None:
        return await self._call("GET", f"/cas/{digest}", limit=LARGEST_OBJECT if size < 0 else size)

    async def put_result(self, action: ActionDigest, result: bytes) -> None:
        await self._call("PUT", f"/ac/{action.hash}", result)

    async def put_object(self, digest: str, data: bytes) -> None:
        await self._call("PUT", f"/cas/{digest}", data)

    async def close(self) -> None:
        while self._idle:
            await anyio.aclose_forcefully(self._idle.pop().stream)

    async def _call(self, method: str, path: str, body: bytes = b"", *, limit: int = 0) -> bytes | None:
        """Returns the body of the answer; None where there is nothing. Raises RemoteFault."""
        try:
            with anyio.fail_after(self._timeout):
                while True:
                    connection = self._idle.pop() if self._idle else await self._connect()
                    try:
                        return await self._exchange(connection, method, path, body, limit)
                    except _Gone:
                        continue
        except TimeoutError:
            raise RemoteFault(f"no answer within {self._timeout:g} s") from None
        except ssl.SSLError as error:
            raise RemoteFault(f"TLS: {error.reason or 'failed'}", final=True) from None
        except OSError as error:
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
            raise RemoteFault(cause.strerror or "the connection failed") from None
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            raise RemoteFault("the connection was cut") from None
        except h11.ProtocolError:
            raise RemoteFault("its answer is not HTTP") from None

    async def _connect(self) -> _Connection:
        if not self._tls:
            return _Connection(await anyio.connect_tcp(self._host, self._port))
        context = self._context = self._context or ssl.create_default_context(cafile=self._roots or None)
        stream = await anyio.connect_tcp(
            self._host, self._port, ssl_context=context, tls_hostname=self._host, tls_standard_compatible=False
        )
        return _Connection(stream)

    async def _exchange(self, connection: _Connection, method: str, path: str, body: bytes, limit: int) -> bytes | None:
        stream, state = connection.stream, connection.state
        reused, connection.used = connection.used, True
        whole = False
        try:
            headers = [*self._headers, ("Content-Length", str(len(body)))] if method == "PUT" else self._headers
            request = state.send(h11.Request(method=method, target=self._path + path, headers=headers)) or b""
            data = state.send(h11.Data(data=body)) or b"" if body else b""
            state.send(h11.EndOfMessage())
            try:
                await stream.send(request + data)
                event = await self._next(connection)
            except (anyio.BrokenResourceError, anyio.EndOfStream, OSError):
                if reused:
                    raise _Gone from None
                raise
            while isinstance(event, h11.InformationalResponse):
                event = await self._next(connection)
            if not isinstance(event, h11.Response):
                raise RemoteFault("its answer is not HTTP")
            status, parts, size = event.status_code, [], 0
            while isinstance(event := await self._next(connection), h11.Data):
                size += len(event.data)
                if size > (limit if method == "GET" and status == 200 else _CHUNK):
                    raise RemoteFault("its answer is larger than what was asked for")
                parts.append(bytes(event.data))
            if state.our_state is h11.DONE and state.their_state is h11.DONE:
                state.start_next_cycle()
                whole = True
        finally:
            if whole:
                self._idle.append(connection)
            else:
                await anyio.aclose_forcefully(stream)
        if status == 404:
            return None
        if not 200 <= status < 300:
            raise RemoteFault(f"HTTP {status}", final=status in _REFUSED)
        return b"".join(parts)

    async def _next(self, connection: _Connection) -> Any:
        """Returns the next event of the answer. Raises EndOfStream where nothing at all came."""
        while (event := connection.state.next_event()) is h11.NEED_DATA:
            try:
                data = await connection.stream.receive(_CHUNK)
            except anyio.EndOfStream:
                if connection.state.their_state is h11.SEND_RESPONSE and not connection.state.trailing_data[0]:
                    raise
                data = b""
            connection.state.receive_data(data)
        return event
