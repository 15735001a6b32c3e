"""Executes one command in place of a client: a fork of the server that takes over the client's streams, folder and
environment, and then is the command line. Only builds are made elsewhere: a `ServedProject` asks the builder for them.
"""

from __future__ import annotations

import _thread
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import TextIOWrapper
from marshal import loads
from typing import TYPE_CHECKING, NoReturn, cast

import msgspec

import orchestrator
from actors.events import BuildStalled, Event, Events, Subscription
from orchestrator.cli import Terminated, app, session
from orchestrator.config import Config
from orchestrator.keywords import OnFull, Settings
from orchestrator.result import BuildResult, build_result
from orchestrator.server import CHILD, COMMAND, ENDED, GO, MAGIC, RUNS, wire
from orchestrator.server.wire import EVENT, RESULT, UNREADABLE, BuildAsked, Link, LinkGoneError, receive_with, resolved
from orchestrator.wasm.threads import unused_before_fork

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from orchestrator.api import Project

DESCRIPTORS = 6
"""The client's connection, its folder and its three streams; the connection to the builder."""

UNWRITTEN = 120
"""The exit code of an interpreter that cannot write what is left in its streams."""


class ServedProject:
    """What the command line uses of a Project, with builds made by the builder. If that fails in any way, a Project is
    opened here and builds instead."""

    def __init__(self, builder: socket.socket, place: str, said: Settings, config: Config) -> None:
        self._builder, self._said, self._config = builder, said, config
        self._place = os.path.abspath(place)
        self._events = Events()

    async def __aenter__(self) -> ServedProject:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._builder.close()

    def listen(self, listener: Callable[[Event], object], *, rare: bool = False) -> Callable[[], None]:
        return self._events.listen(listener, rare=rare)

    @asynccontextmanager
    async def events(self, *, size: int = 1024, on_full: OnFull = "drop") -> AsyncIterator[Subscription]:
        subscription = self._events.subscribe(size, lossless=on_full == "wait")
        try:
            yield subscription
        finally:
            self._events.unsubscribe(subscription)

    async def build(self, *, force: bool = False, verify: float = 0.0, verify_seed: int | None = None) -> BuildResult:
        if not verify:
            try:
                return await self._built_elsewhere(force)
            except (LinkGoneError, *UNREADABLE):
                pass
        # Closed before this returns, because it is opened inside of the caller's task groups.
        async with orchestrator.open(self._place, **self._said) as project:
            if self._events.wanted:
                project.listen(lambda event: None if isinstance(event, BuildStalled) else self._events.emit(event))
            project.listen(self._events.warn, rare=True)
            return await project.build(force=force, verify=verify, verify_seed=verify_seed)

    async def _built_elsewhere(self, force: bool) -> BuildResult:
        link = Link(self._builder)
        request = BuildAsked(self._place, {**self._said}, resolved(self._config), force, self._events.wanted)
        await link.send(wire.encode(request))
        while True:
            message = await link.receive()
            if message[:1] == RESULT:
                return build_result(wire.result.decode(message[1:]))
            if message[:1] != EVENT:
                raise LinkGoneError
            event = msgspec.structs.replace(wire.event.decode(message[1:]), build=1)
            if isinstance(event, BuildStalled):
                self._events.warn(event)
            else:
                self._events.emit(event)
            await self._events.room()


def wait(server: socket.socket) -> NoReturn:
    """Waits for a command, executes it, and ends the process."""
    code = 70
    try:
        data, descriptors = receive_with(server, DESCRIPTORS)
        server.close()
        if not data or len(descriptors) != DESCRIPTORS:
            os._exit(0)
        code = _execute(data, descriptors)
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def _execute(data: bytes, descriptors: list[int]) -> int:
    client, folder, *streams, builder = descriptors
    _, arguments, _, _, environment = loads(data[len(MAGIC + COMMAND) :])
    link = socket.socket(fileno=client)
    link.settimeout(None)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.fchdir(folder)
    os.close(folder)
    _take_over(arguments, environment)
    if link.recv(1) != GO:  # the client did not wait, and does it all by itself
        return 0
    link.send(CHILD + os.getpid().to_bytes(4, "little"), socket.MSG_NOSIGNAL)
    # A thread, because the main one is in the event loop or in the program. `os.kill` then interrupts it as a signal
    # from the terminal would.
    _thread.start_new_thread(_obey, (link,))
    # The commands that a child executes call only what a `ServedProject` has.
    session.opener = lambda place, said, config: cast(
        "AbstractAsyncContextManager[Project]", ServedProject(socket.socket(fileno=builder), place, said, config)
    )
    session.program_starts = lambda: _tell(link, RUNS)
    code = app.main(arguments)
    # All output is written before ENDED, because the client ends as soon as it hears that.
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.unraisablehook = lambda _: None
        print(f"Exception ignored in: {sys.stdout!r}\n{sys.exc_info()[1]!r}", file=sys.stderr)
        code = UNWRITTEN
    _tell(link, ENDED + code.to_bytes(4, "little"))
    return code


def _take_over(arguments: list[str], environment: dict[bytes, bytes]) -> None:
    """Makes this process what the client is, as far as Python code can see."""
    unused_before_fork()
    os.environb.clear()
    os.environb.update(environment)
    sys.argv[1:] = arguments
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    sys.stdin = _stream(0, "r", cast("TextIOWrapper", sys.stdin))
    sys.stdout = _stream(1, "w", cast("TextIOWrapper", sys.stdout))
    sys.stderr = _stream(2, "w", cast("TextIOWrapper", sys.stderr))
    sys.stderr.reconfigure(line_buffering=True)


def _stream(number: int, mode: str, like: TextIOWrapper) -> TextIOWrapper:
    """Returns the stream that an interpreter makes of a file descriptor, where it made `like` of another one."""
    unbuffered = like.write_through and mode == "w"
    file = open(  # noqa: SIM115  (until the process ends)
        number, f"{mode}b", buffering=0 if unbuffered else -1, closefd=False
    )
    newline = "\n" if mode == "w" else None
    return TextIOWrapper(
        file,
        encoding=like.encoding,
        errors=like.errors,
        newline=newline,
        line_buffering=file.isatty(),
        write_through=like.write_through,
    )


def _terminate(number: int, frame: object) -> None:
    raise Terminated


def _obey(link: socket.socket) -> None:
    """Does to this process what the client passes on: each byte is a signal. A client that is gone takes it along."""
    while True:
        try:
            number = link.recv(1)
        except OSError:
            number = b""
        os.kill(os.getpid(), number[0] if number else signal.SIGKILL)


def _tell(link: socket.socket, data: bytes) -> None:
    try:
        link.send(data, socket.MSG_NOSIGNAL)
    except OSError:  # the client is gone; `_obey` sees that
        return
