"""A child process that exchanges frames with this one: four bytes of length, then that many bytes.

The code is the same on asyncio and Trio: it uses plain pipes, and waits until they can be read or written. Only
`actors.offload` starts children.

No child outlives this process. Each has its own process group, which `kill` ends as a whole. And each inherits the
reading end of a pipe into which nothing is written, the *lifeline*. However this process ends, the kernel closes the
other end, and the child ends when it sees that (`actors.compiler.process`).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import anyio

from actors.forks import close_in_child

LENGTH_BYTES = 4

_READ_BYTES = 1 << 18


class Gone(Exception):
    """The child has ended or was killed."""


class Child:
    """A running process, which reads frames from its standard input and writes frames to its standard output.

    `arguments` are the program and its arguments; the number of the lifeline's descriptor is added as the last one.
    Raises OSError where the process cannot be started. Starting blocks for about a millisecond, because a start that is
    awaited could be cancelled half way, and would leave a child that no code knows of.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*arguments, str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pass_fds=(lifeline,),
                process_group=0,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(lifeline)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._replies = self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._replies, False)
        self._received = bytearray()
        self._killed = False
        close_in_child(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child still runs and its pipes are in order. Only for a child that has answered everything."""
        if self._process.returncode is not None or self._killed:
            return False
        try:
            self._received += os.read(self._replies, _READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # It has ended, or has sent what no request asked for.

    async def send(self, payload: bytes) -> None:
        """Writes one frame. Raises Gone. A cancellation may leave half a frame; the child cannot be used then."""
        view = memoryview(len(payload).to_bytes(LENGTH_BYTES, "little") + payload)
        while view:
            try:
                view = view[os.write(self._requests, view) :]
            except BlockingIOError:
                await _ready(anyio.wait_writable, self._requests)
            except OSError as error:
                raise Gone from error

    async def receive(self) -> bytes:
        """Reads the next frame. Raises Gone. A cancellation loses no bytes."""
        while True:
            received = self._received
            if len(received) >= LENGTH_BYTES:
                end = LENGTH_BYTES + int.from_bytes(received[:LENGTH_BYTES], "little")
                if len(received) >= end:
                    frame = bytes(received[LENGTH_BYTES:end])
                    del received[:end]
                    return frame
            try:
                part = os.read(self._replies, _READ_BYTES)
            except BlockingIOError:
                await _ready(anyio.wait_readable, self._replies)
                continue
            except OSError as error:
                raise Gone from error
            if not part:
                raise Gone
            received += part

    def kill(self) -> None:
        """Ends the process, and all processes that it started in its group, at once."""
        self._killed = True
        if self._process.returncode is None:  # It was not reaped yet, so no other process can have its number.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Kills the child and waits until it has ended, which blocks for a few milliseconds. Returns its exit code, or
        minus the number of the signal that ended it."""
        self.kill()
        return self._process.wait()

    def let_go(self) -> None:
        """Closes the copies of the pipes in a fork of the process that started the child. The event loop is not told,
        because it shares its selector with the parent's loop."""
        self._process.returncode = 0  # So that this process neither waits for the child nor kills it.
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._requests = self._replies = -1

    def close(self) -> None:
        """Closes the pipes. A task that waits for one of them gets Gone."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            anyio.notify_closing(pipe.fileno())
            pipe.close()
        self._requests = self._replies = -1


async def _ready(wait: Callable[[int], Awaitable[None]], pipe: int) -> None:
    try:
        await wait(pipe)
    except (anyio.ClosedResourceError, ValueError, OSError) as error:
        raise Gone from error
