"""A real HTTP server that keeps what it is sent, on a port of its own, and can be as wrong as a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Wrong = Callable[[str, str, bytes | None], "bytes | int | str | None"]
"""Takes method, path and what would be answered. Returns other bytes, a status, None for nothing there, or a word
of `_misbehave`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error here."""


class CacheServer:
    """`held` are its files by path, `asked` the calls so far as (method, path), `headers` those of the last call.
    `requires` is a header that each call must have."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.requires: tuple[str, str] | None = None
        self.wrong: Wrong = lambda method, path, data: data
        self.ending = threading.Event()
        handler = type("Handler", (_Handler,), {"cache": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/team"

    def calls(self, method: str, part: str = "") -> int:
        return sum(1 for asked, path in self.asked if asked == method and part in path)

    def __enter__(self) -> CacheServer:
        # The thread looks for the end of the server once in so many seconds.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cache: CacheServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET", self.cache.held.get(self.path))

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self._serve("PUT", b""):
            self.cache.held[self.path] = data

    def _serve(self, method: str, data: bytes | None) -> bool:
        cache = self.cache
        cache.asked.append((method, self.path))
        cache.headers = dict(self.headers)
        answer = cache.wrong(method, self.path, data)
        if cache.requires is not None and self.headers.get(cache.requires[0]) != cache.requires[1]:
            answer = 401
        if answer is None:
            answer = 404
        if isinstance(answer, str):
            self._misbehave(answer, data or b"")
            return False
        body = answer if isinstance(answer, bytes) else b"no"
        status = answer if isinstance(answer, int) else 200
        self.wfile.write(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        return isinstance(answer, bytes)

    def _misbehave(self, how: str, data: bytes) -> None:
        self.close_connection = True
        if how == "hang":
            self.cache.ending.wait(30)
        elif how == "cut":
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(data) + 10) + data[: len(data) // 2]
            )
        elif how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif how == "noise":
            self.wfile.write(b"\x16\x03\x01 what is this\r\n\r\n")
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self.cache.ending.is_set():
                self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
