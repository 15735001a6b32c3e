"""The process that keeps projects open and builds. It prints nothing, and knows no terminal and no client: the children
that execute commands ask it for builds.

Whatever goes wrong here closes the connection: then the child builds by itself, and reports what it meets.
"""

from __future__ import annotations

import os
import signal
import socket
from collections import deque
from contextlib import suppress

import anyio
import anyio.abc
import anyio.lowlevel

import orchestrator
from actors.digests import NO_STAMP
from actors.disk import REAL
from actors.events import BuildStalled, Event
from actors.messages import FolderStamp
from actors.scanner.snapshot import stamp_extras
from orchestrator.api import Project
from orchestrator.requests import snapshot_name
from orchestrator.server.watched import WatchingOffload
from orchestrator.server.wire import (
    EVENT,
    RESULT,
    UNREADABLE,
    BuildAsked,
    Link,
    LinkGoneError,
    asked,
    encode,
    receive_with,
    resolved,
)
from orchestrator.wasm.threads import unused_before_fork

OPEN = 2
"""The most projects that stay open. The same folder under other flags is another one."""

UNREAD = 64 << 20
"""Bytes of unread events at which a child is given up, because the build waits for no one."""


def unchanged(extras: tuple[FolderStamp, ...], absent: tuple[str, ...]) -> bool:
    """Whether files that a Project depends on have the stamps that they had, and the absent ones are still absent."""
    # Every request waits for this, and most are the source files of Wasmill itself, so their stamps are taken together.
    # An equal stamp is that of the same file, which was no link and not racy. The few others are looked at closely.
    plain = [extra for extra in extras if extra.stamp != NO_STAMP]
    try:
        if REAL.rows([extra.path for extra in plain]) != [extra.stamp.row for extra in plain]:
            return False
    except OSError:
        return False
    odd = [extra.path for extra in extras if extra.stamp == NO_STAMP]
    present, missing = stamp_extras([*odd, *absent], REAL)
    return missing == absent and all(extra.stamp == NO_STAMP for extra in present)


class OpenProject:
    """A Project that stays open, in a task of its own, and what it was opened with."""

    def __init__(self) -> None:
        self.project: Project | None = None
        self.config = b""
        self.users = 0
        self.failed = False
        self.ready, self._stop, self._ended = anyio.Event(), anyio.Event(), anyio.Event()
        self._cache: object = None
        self._offload = WatchingOffload()

    async def hold(self, request: BuildAsked) -> None:
        """The life of the Project, from open to close."""
        # One task opens and closes it, because a task group must be left by the task that entered it. The others set
        # `_stop`, and wait.
        watched = self._offload.watched
        try:
            async with orchestrator.open(request.place, offload=self._offload, **request.said) as project:
                self.project, self.config = project, resolved(project.config)
                watched.watch(project.config.root)
                self.note_cache()
                self.ready.set()
                await self._stop.wait()
        except Exception:
            self.failed = True
        finally:
            watched.close()
            self.ready.set()
            self._ended.set()

    async def learn(self) -> None:
        """Watches what the last build had to stamp, so that the next one need not. Nobody waits for it."""
        with suppress(Exception):
            await self._offload.run(self._offload.watched.learn)

    async def close(self) -> None:
        self._stop.set()
        await self._ended.wait()

    def note_cache(self) -> None:
        """Remembers what is in the cache after a build of this Project."""
        self._cache = self._cache_stamps()

    async def build_ended(self) -> None:
        """Waits until a build that was answered has ended, and remembers what it left in the cache. Until then it
        counts as used, because the stamps in the cache change."""
        self.users += 1
        try:
            assert self.project is not None
            await self.project.builds_ended()
            self.note_cache()
        except orchestrator.WasmillError:
            self.failed = True
        finally:
            self.users -= 1

    def answers(self, request: BuildAsked) -> bool:
        """Whether this Project is what a fresh process would open now: the same settings, from files with the same
        stamps, on a cache that nobody else has written or cleared since."""
        project = self.project
        if project is None or self.failed or self._ended.is_set() or request.config != self.config:
            return False
        if not self.users and self._cache != self._cache_stamps():
            return False
        return unchanged(*project.watched)

    def _cache_stamps(self) -> object:
        assert self.project is not None
        config = self.project.config
        # Every build of this Project writes the snapshot, so its time counts. The index is another file when the cache
        # was cleared; its time also changes when another project that shares the cache is built.
        stamps = []
        for name in (os.path.join("snapshots", snapshot_name(config)), "index.db"):
            try:
                seen = os.stat(os.path.join(config.cache.folder, name))
            except OSError:
                stamps.append((0, 0, 0))
                continue
            stamps.append((seen.st_dev, seen.st_ino, seen.st_mtime_ns if name != "index.db" else 0))
        return stamps


class Builder:
    """The open Projects, and the children that are served. `server` is told of each build, for its `status`."""

    def __init__(self, group: anyio.abc.TaskGroup, server: socket.socket) -> None:
        self._group, self._server = group, server
        self._open: dict[tuple[object, ...], OpenProject] = {}
        self._turn = anyio.Lock()

    async def serve(self, child: socket.socket) -> None:
        """Answers one child, until it has its result or goes away."""
        link = Link(child)
        try:
            request = asked.decode(await link.receive())
            opened = await self._opened(request)
            if opened is not None:
                try:
                    await self._build(request, opened, link)
                finally:
                    opened.users -= 1
                    self._open_last(request)
                self._group.start_soon(opened.learn)
        except (LinkGoneError, Exception):  # the child sees the end of the connection
            pass
        finally:
            link.close()

    async def _opened(self, request: BuildAsked) -> OpenProject | None:
        """Returns the open Project for a request, counted as used; None where the child has to build by itself."""
        # One request at a time: opening takes several awaits, and two children that ask for the same folder must get
        # the same Project. One that no longer answers is not closed under a child that uses it; the other child need
        # not wait for that, because it can always build by itself.
        key = _key(request)
        async with self._turn:
            opened = self._open.get(key)
            if opened is not None and not opened.answers(request):
                if opened.users:
                    return None
                del self._open[key]
                await opened.close()
                opened = None
            if opened is None:
                await self._make_room()
                opened = OpenProject()
                self._group.start_soon(opened.hold, request)
                await opened.ready.wait()
                if opened.failed or not opened.answers(request):
                    await opened.close()
                    return None
                self._open[key] = opened
            opened.users += 1
            return opened

    async def _make_room(self) -> None:
        for key, opened in list(self._open.items()):
            if len(self._open) >= OPEN and not opened.users:
                del self._open[key]
                await opened.close()

    def _open_last(self, request: BuildAsked) -> None:
        """Makes the Project of a request the last one to be closed."""
        opened = self._open.pop(_key(request), None)
        if opened is not None:
            self._open[_key(request)] = opened

    async def _build(self, request: BuildAsked, opened: OpenProject, link: Link) -> None:
        project = opened.project
        assert project is not None
        sender = _Sender(link, request.events)
        stop = project.listen(sender.see, rare=not request.events)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_watch, link, group.cancel_scope)
                group.start_soon(sender.run, group.cancel_scope)
                done = await project._build(force=request.force, begun=sender.begin)
                # Before the result is sent: it counts the Project as used until the snapshot is written. Else the next
                # request could take what this build writes for another process's.
                self._group.start_soon(opened.build_ended)
                with suppress(OSError):
                    self._server.send(b"b")  # for its `status`
                sender.put(RESULT + encode(done.result))
                await sender.sent()
                group.cancel_scope.cancel()
        finally:
            stop()


class _Sender:
    """Sends the events of one build to a child, with the number that they would have in a process of their own."""

    def __init__(self, link: Link, everything: bool) -> None:
        self._link = link
        self._everything = everything
        self._build = 0
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = anyio.Event()
        self._empty = anyio.Event()

    def begin(self, build: int) -> None:
        self._build = build

    def see(self, event: Event) -> None:
        if event.build == self._build and (self._everything or isinstance(event, BuildStalled)):
            self.put(EVENT + encode(event))

    def put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._bytes += len(data)
        self._empty = anyio.Event()
        self._changed.set()

    async def sent(self) -> None:
        await self._empty.wait()

    async def run(self, scope: anyio.CancelScope) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed = anyio.Event()
                while self._waiting:
                    if self._bytes > UNREAD:
                        raise LinkGoneError
                    data = self._waiting.popleft()
                    self._bytes -= len(data)
                    await self._link.send(data)
                self._empty.set()
        except LinkGoneError:
            scope.cancel()


async def _watch(link: Link, scope: anyio.CancelScope) -> None:
    """Cancels the build when its child is gone."""
    with suppress(LinkGoneError):
        await link.receive()
    scope.cancel()


def _key(request: BuildAsked) -> tuple[object, ...]:
    return (request.place, *sorted((name, repr(value)) for name, value in request.said.items()))


async def _serve(control: socket.socket) -> None:
    """Takes children from the server until it is gone."""
    control.setblocking(False)
    async with anyio.create_task_group() as group:
        builder = Builder(group, control)
        while True:
            await anyio.wait_readable(control)
            try:
                data, descriptors = receive_with(control, 1)
            except BlockingIOError:
                continue
            except OSError:
                break
            if not data:
                break
            for descriptor in descriptors:
                group.start_soon(builder.serve, socket.socket(fileno=descriptor))
        group.cancel_scope.cancel()


def main(control: socket.socket) -> None:
    """The life of the builder, in a fork of the server that has used no thread and no event loop."""
    unused_before_fork()
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # comes where another process opens a file that `_unwritten` looks at
    anyio.run(_serve, control)


__all__ = ["UNREADABLE", "Builder", "main"]
