"""The server's first process: it accepts clients, compares them with itself, and gives each to a child. It never builds
and runs no thread, so it answers at once, and its forks are clean.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from marshal import loads
from typing import NoReturn

from orchestrator.cli import uptodate
from orchestrator.cli.uptodate import NUMBERS
from orchestrator.server import (
    ACCEPTED,
    COMMAND,
    COMPARED,
    DIED,
    MAGIC,
    REFUSED,
    STATUS,
    STOP,
    builder,
    child,
    decisive,
    state,
    variables,
)
from orchestrator.server.client import user
from orchestrator.server.place import ServerFolder
from orchestrator.server.wire import close_all, receive_with, send_with

PAUSE_MS = 2000
"""Milliseconds between two checks whether the server is still wanted."""

CALM_MS = 30
"""Milliseconds without a request after which a spare child is made."""

MOST_MEMORY = 1 << 30
"""Bytes of memory above which an idle builder ends the server."""

MOST_CLIENTS = 32


class Stopped(Exception):
    """The server has to end; the text says why."""


class Front:
    """One server. `watched` are files and folders whose change makes it another version."""

    def __init__(self, place: ServerFolder, listener: socket.socket, idle: float, watched: list[str]) -> None:
        self._place = place
        self._listener = listener
        self._idle = idle
        self._state = _texts(state(uptodate.__file__))
        self._environment = decisive(variables())
        self._paths = watched
        self._stamps = self._version()
        self._began = self._last = time.monotonic()
        self._waiting: dict[int, socket.socket] = {}
        self._children: dict[int, socket.socket] = {}
        self._spare: tuple[int, socket.socket] | None = None
        self._served = self._refused = self._built = 0
        self._why = ""
        self._wake = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The builder is forked first, while no client's connection is open here. It alone starts threads, so every
        # later fork comes from a process that has none: a lock that a thread holds would stay locked in the fork for
        # ever.
        self._builder = os.fork()
        if not self._builder:
            self._become(builder.main, control)
        control.close()

    def serve(self) -> str:
        """Serves until there is a reason to end, and returns it."""
        for end in self._wake:
            end.setblocking(False)
        before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        # A handler that does nothing: only signals that have one wake `poll`, and a client whose child has died must
        # not wait for the next pause.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        wake = signal.set_wakeup_fd(self._wake[1].fileno(), warn_on_full_buffer=False)
        try:
            while True:
                self._step()
        except Stopped as why:
            return str(why)
        finally:
            signal.set_wakeup_fd(wake)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._place.leave()
            self._control.close()
            if self._spare is not None:
                self._spare[1].close()

    def _step(self) -> None:
        poll = select.poll()
        for source in (self._listener, self._control, self._wake[0], *self._waiting.values()):
            poll.register(source, select.POLLIN)
        # A fork takes milliseconds, so the next spare is made when no request has come for a moment, and not between
        # two commands of one script.
        ready = poll.poll(CALM_MS if self._spare is None else PAUSE_MS)
        for number, _ in ready:
            if number == self._control.fileno():
                if not self._control.recv(1):
                    raise Stopped("its builder is gone")
                self._built += 1
            if number == self._wake[0].fileno():
                with suppress(BlockingIOError):
                    self._wake[0].recv(4096)
            elif number == self._listener.fileno():
                link, _ = self._listener.accept()
                self._waiting[link.fileno()] = link
            elif number in self._waiting:
                self._answer(self._waiting.pop(number))
        self._reap()
        if not ready:
            self._use_the_pause()

    def _use_the_pause(self) -> None:
        """Ends the server where there is a reason, and keeps one spare child ready. Called when no request came."""
        if not self._place.stands():
            raise Stopped("its folder changed")
        if self._children:
            self._last = time.monotonic()
        elif time.monotonic() - self._last > self._idle:
            raise Stopped("nobody came")
        elif memory(self._builder) > MOST_MEMORY:
            raise Stopped("it used too much memory")
        if self._spare is None:
            self._make_spare()

    def _answer(self, link: socket.socket) -> None:
        """Answers the one request of a client."""
        self._last = time.monotonic()
        descriptors: list[int] = []
        try:
            if user(link) != os.geteuid():
                raise ValueError("another user")
            data, descriptors = receive_with(link, 4)
            if not data.startswith(MAGIC):
                raise ValueError("another version")
            kind = data[len(MAGIC) : len(MAGIC) + 1]
            if kind == COMMAND:
                self._check(data[len(MAGIC) + 1 :], len(descriptors))
                self._give(link, data, descriptors)
                return
            if kind == STATUS:
                link.send(json.dumps(self.status()).encode())
            elif kind == STOP:
                link.send(ACCEPTED)
                raise Stopped("it was stopped")
        except (ValueError, EOFError, TypeError) as wrong:
            self._refused += 1
            self._why = str(wrong)
            with suppress(OSError):
                link.send(REFUSED)
        except OSError:  # the client is gone
            pass
        finally:
            close_all(descriptors)
            if link not in self._children.values():  # one that was accepted stays open: `_reap` may have to say DIED
                link.close()

    def _check(self, body: bytes, descriptors: int) -> None:
        """Raises ValueError for a client that this server is not for, and Stopped if it is for none any more."""
        # First what makes the client another one's (it is refused, and the server stays), then what makes the server
        # nobody's. The version comes last, because it takes the stamp of every source file.
        theirs, _, project, file, environment = loads(body)
        if descriptors != 4:
            raise ValueError("no streams")
        if not self._place.same_project(project) or not self._place.same_file(file):
            raise ValueError("another folder")
        for what, their_text, own_text in zip(COMPARED, _texts(theirs), self._state, strict=True):
            if their_text != own_text:
                raise ValueError(f"another {what}")
        ours, other = self._environment, decisive(environment)
        if ours != other:
            names = sorted(name for name in ours.keys() | other.keys() if ours.get(name) != other.get(name))
            raise ValueError(f"another environment: {b', '.join(names).decode(errors='replace')}")
        if len(self._children) >= MOST_CLIENTS:
            raise ValueError("too many clients")
        if not self._place.stands():
            raise Stopped("its folder changed")
        if self._version() != self._stamps:
            raise Stopped("its version changed")

    def _give(self, link: socket.socket, data: bytes, descriptors: list[int]) -> None:
        """Accepts a client and gives it to the spare child, with a connection to the builder."""
        if self._spare is None:
            self._make_spare()
        assert self._spare is not None
        process, spare = self._spare
        self._spare = None
        # ACCEPTED goes last. After it the client only waits, so by then its child and the builder must have their ends.
        # If a step before fails, the client hears nothing and does everything by itself.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs, spare:
            send_with(spare, data, [link.fileno(), *descriptors, ours.fileno()])
            send_with(self._control, b"b", [theirs.fileno()])
        link.send(ACCEPTED)
        self._children[process] = link
        self._served += 1

    def _make_spare(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = os.fork()
        if not process:
            ours.close()
            self._become(child.wait, theirs)
        theirs.close()
        self._spare = (process, ours)

    def _become(self, life: Callable[[socket.socket], object], link: socket.socket) -> NoReturn:
        """Turns a fork into the builder or a child. Never returns."""
        # A fork inherits the server's signal handlers, wake-up descriptor and connections. All are reset or closed
        # first: a client sees the end of its connection only when nobody else holds a copy of it.
        try:
            os.setsid()  # a Ctrl-C at the server's terminal is not for it
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            spare = [self._spare[1]] if self._spare else []
            for inherited in (self._listener, self._control, *self._wake, *spare):
                inherited.close()
            for client in (*self._waiting.values(), *self._children.values()):
                client.close()
            life(link)
        finally:
            os._exit(0)

    def _reap(self) -> None:
        """Tells the client of each child that ended, in case the child could not."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            if process == self._builder:
                raise Stopped("its builder is gone")
            if self._spare is not None and process == self._spare[0]:
                self._spare[1].close()
                self._spare = None
            link = self._children.pop(process, None)
            if link is not None:
                self._last = time.monotonic()
                with suppress(OSError), link:
                    link.send(DIED + status.to_bytes(4, "little"), socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)

    def _version(self) -> list[tuple[int, ...]]:
        # Every request waits for this, so the stamps are taken by `map`. Links are followed, because an installer may
        # link files into its environment: then the file behind the link is what changes.
        try:
            return list(map(NUMBERS, map(os.stat, self._paths)))
        except OSError:  # a part of it is gone
            return [_stamp(path) for path in self._paths]

    def status(self) -> dict[str, object]:
        """Returns what `wasmill server status` prints."""
        processes = [os.getpid(), self._builder, *self._children, *([self._spare[0]] if self._spare else [])]
        return {
            "process": os.getpid(),
            "builder": self._builder,
            "children": list(self._children),
            "seconds": round(time.monotonic() - self._began),
            "commands": self._served,
            "builds": self._built,
            "refused": self._refused,
            "refused_last": self._why,
            "memory_bytes": sum(map(memory, processes)),
            "idle_seconds": self._idle,
        }


def memory(process: int) -> int:
    """Returns how many bytes a process has for itself; 0 for one that is gone."""
    try:
        with open(f"/proc/{process}/statm") as file:
            _, resident, shared, *_ = map(int, file.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _texts(values: list[object]) -> list[str]:
    return [json.dumps(value, default=list) for value in values]


def _stamp(path: str) -> tuple[int, ...]:
    try:
        return NUMBERS(os.stat(path))
    except OSError:
        return ()


def _stop(number: int, frame: object) -> None:
    raise Stopped("it was told to by a signal")
