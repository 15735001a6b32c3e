"""Real worker processes under control: a compile reports "started", and waits to be told how to end.

A worker is killed over a job, a job is cancelled half way, two end in the other order: with real processes this is a
matter of luck, unless they wait for orders::

    async with controlled_compiles() as controller, orchestrator.open(
        folder, toolchain="orchestrator.testing.controlled:ControlledToolchain", jobs=2, entry="main.plain"
    ) as project, anyio.create_task_group() as group:
        # a.plain contains: controller.line
        group.start_soon(project.build)
        running = await controller.started()  # now a real process compiles it
        assert running.module == "a"
        await running.kill()                  # or finish(), fail("no good"), crash("a bug"), exit(3)

`ControlledToolchain` speaks the plain language of `orchestrator.testing.toolchain`, and one line more:
`controlled PATH` names the socket that its compile reports to. `controller.line` is that line. It is so long that its
module is compiled in a worker process, and that two are started where two are allowed; one that is killed is not
replaced while another one is left. For a toolchain of your own call `obey(job.module, path)` from its `compile`. POSIX
only, as worker processes are.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.abc
import msgspec

from actors.compiler.toolchain import Compiled, CompileJob
from actors.diagnostics import Finding, SourceError
from orchestrator.testing.toolchain import PlainToolchain

_LINE = re.compile(r"^controlled (\S+)", re.MULTILINE)
_MOST = 1 << 16

LINE_BYTES = 512 << 10
"""What is worth two workers (`actors.compiler.crew.EACH_MS`), and more than is ever compiled inline."""


class _Report(msgspec.Struct, frozen=True):
    """What a compile says when it begins."""

    module: str
    pid: int


class _Order(msgspec.Struct, frozen=True):
    """How it is to end."""

    end: str
    message: str = ""
    number: int = 0


def obey(module: str, path: str) -> None:
    """Reports at the socket `path` that the compile of `module` has started, waits for an order, and carries it out:
    returns ("finish", or nobody is there any more), raises SourceError ("fail") or RuntimeError ("crash"), ends the
    process ("exit") or has a signal end it ("kill")."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            line.connect(path)
            line.sendall(msgspec.json.encode(_Report(module, os.getpid())))
            told = line.recv(_MOST)
        except OSError:
            told = b""
    order = msgspec.json.decode(told, type=_Order) if told else _Order("finish")
    if order.end == "fail":
        raise SourceError(Finding("E0201", order.message, at=1))
    if order.end == "crash":
        raise RuntimeError(order.message)
    if order.end == "exit":
        os._exit(order.number)
    if order.end == "kill":
        os.kill(os.getpid(), order.number)


class ControlledToolchain(PlainToolchain):
    """The plain language, and `controlled PATH`. See the module. A toolchain by name:
    `orchestrator.testing.controlled:ControlledToolchain`."""

    name = "controlled"

    def compile(self, job: CompileJob) -> Compiled:
        match = _LINE.search(job.source.decode())
        if match:
            try:
                obey(job.module, match[1])
            except SourceError as error:
                return Compiled(diagnostics=error.diagnostics(job.source, module=job.module, file=job.path))
        return super().compile(job)


class RunningCompile:
    """A compile that has started, in the process `pid`, and waits for an order. It takes one order."""

    def __init__(self, report: _Report, stream: anyio.abc.SocketStream) -> None:
        self.module = report.module
        self.pid = report.pid
        self._stream = stream

    async def finish(self) -> None:
        """Lets it compile as usual."""
        await self._order(_Order("finish"))

    async def fail(self, message: str) -> None:
        """An error in the source (E0201)."""
        await self._order(_Order("fail", message))

    async def crash(self, message: str) -> None:
        """The toolchain raises RuntimeError: a bug in it."""
        await self._order(_Order("crash", message))

    async def exit(self, code: int) -> None:
        """The process ends without an answer."""
        await self._order(_Order("exit", number=code))

    async def kill(self, number: int = signal.SIGKILL) -> None:
        """The process is ended by a signal. Returns when it is gone."""
        await self._order(_Order("kill", number=number))
        await self.gone()

    async def gone(self) -> None:
        """Waits until it no longer listens: its process has ended (something else killed it), or it has received its
        order."""
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._stream.receive()

    async def _order(self, order: _Order) -> None:
        with suppress(anyio.BrokenResourceError):
            await self._stream.send(msgspec.json.encode(order))


class Controller:
    """Compiles report to it. Made by `controlled_compiles`."""

    def __init__(self, path: str) -> None:
        self.line = f"controlled {path} {'#' * LINE_BYTES}\n"
        """The line to put into a module whose compile is to report here."""
        self._waiting: list[RunningCompile] = []
        self._streams: list[anyio.abc.SocketStream] = []
        self._changed = anyio.Event()

    async def started(self, module: str = "") -> RunningCompile:
        """Returns the next compile that starts, or one that has started and was not returned yet; with `module`, the
        next one of that module."""
        while True:
            for running in self._waiting:
                if module in ("", running.module):
                    self._waiting.remove(running)
                    return running
            await self._changed.wait()

    async def _serve(self, stream: anyio.abc.SocketStream) -> None:
        self._streams.append(stream)
        try:
            said = await stream.receive(_MOST)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return  # Killed before it could say anything.
        self._waiting.append(RunningCompile(msgspec.json.decode(said, type=_Report), stream))
        self._changed.set()
        self._changed = anyio.Event()

    async def _close(self) -> None:
        for stream in self._streams:
            await stream.aclose()


@asynccontextmanager
async def controlled_compiles() -> AsyncIterator[Controller]:
    """A controller, for as long as the body runs. Compiles that still wait for an order at its end finish."""
    with tempfile.TemporaryDirectory(prefix="wm-") as folder:
        path = os.path.join(folder, "controller")
        controller = Controller(path)
        async with await anyio.create_unix_listener(path) as listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, controller._serve)
            try:
                yield controller
            finally:
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await controller._close()
