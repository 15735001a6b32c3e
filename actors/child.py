"""A process of our own, spoken to in frames: four bytes of length, then so many bytes.

The same code on asyncio and Trio: plain pipes, and waiting until they can be read or written. Of no use outside of
`actors.offload`, the seam that it belongs to.

No child is left behind: it has a process group of its own, which `kill` ends as a whole; and it inherits the reading
end of a pipe into which nobody writes, the *lifeline*: when this process ends, however it does, that pipe is closed,
and that is the child's sign to end too (`actors.compiler.process`).
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
    """The child has ended, or was killed."""


class Child:
    """A running process: its standard input takes frames, its standard output gives them.

    `arguments` are those of the process, the program first; the number of the lifeline's descriptor is added to them as
    the last one. Raises OSError where it cannot be started. Starting blocks for about a millisecond: a start that is
    awaited could be cancelled half way, and would leave a child that nobody knows.
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
        """Whether it may still be spoken to. For a child that owes no answer."""
        if self._process.returncode is not None or self._killed:
            return False
        try:
            self._received += os.read(self._replies, _READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # It has ended, or says what nobody asked for.

    async def send(self, payload: bytes) -> None:
        """Write one frame. Raises Gone. Cancelled, it may leave half a frame: the child is of no use then."""
        view = memoryview(len(payload).to_bytes(LENGTH_BYTES, "little") + payload)
        while view:
            try:
                view = view[os.write(self._requests, view) :]
            except BlockingIOError:
                await _ready(anyio.wait_writable, self._requests)
            except OSError as error:
                raise Gone from error

    async def receive(self) -> bytes:
        """The next frame. Raises Gone. Cancelled, it loses nothing."""
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
        """End the process, and all those that it started in its group, at once."""
        self._killed = True
        if self._process.returncode is None:  # Not reaped yet, so the number is still its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Kill it, and wait until it is gone: a blocking call of a few milliseconds. Its exit code, or minus the number
        of the signal that ended it."""
        self.kill()
        return self._process.wait()

    def let_go(self) -> None:
        """This is a fork of the process that started the child: the child is not its own. The event loop is not told,
        for what it waits with is the parent's too."""
        self._process.returncode = 0  # never waited for, and never killed
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._requests = self._replies = -1

    def close(self) -> None:
        """Close the pipes. Who waits at one of them gets Gone."""
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
