"""The only way out of the event loop: threads, files, SQLite and the work of toolchains all go through here.

A Project uses `Offload`. `InlineOffload` is the deterministic counterpart for tests: nothing leaves the loop, every hop
is a checkpoint, and a hook says how long each hop takes in the loop's own time. Under a clock that jumps, a whole build
runs in virtual time, and all its interleavings can be explored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from actors.disk import REAL, Disk, RealDisk
from actors.forks import OwnProcess

if TYPE_CHECKING:
    from actors.child import Child
    from actors.keeper.database import Database
    from actors.remote.servers import RemoteSettings, Server

R = TypeVar("R")

SMALL_FILES = 32
SMALL_BYTES = 256 << 10
"""What is handled in the loop: so few files, of so many bytes together, are read or written in less than a
millisecond, and most in less than a hop takes."""
STAMPS_A_FILE = 16
"""So many `lstat` take as long as reading a file."""


class Wakeup(Protocol):
    """What one task waits for and another one sets, once."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    async def wait(self) -> None: ...


def wakeup() -> Wakeup:
    """Returns what a task of an event loop can wait for."""
    from anyio import Event

    return Event()


_FORKED = "this process is a fork of the one that this belongs to"


class Offload:
    """Runs files and SQLite in threads, and computing inline or in processes.

    It is also all that actors know of their event loop. AnyIO is imported where it is used, because `plain.py` drives
    actors without one.

    A hop of `run` costs 65 to 160 microseconds, so callers batch. It cannot be interrupted: a cancelled caller waits
    for the thread, so that no work continues after the caller has ended.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk: Disk = disk or REAL
        self._process = OwnProcess()

    async def run(self, function: Callable[..., R], *args: object) -> R:
        """Runs a blocking function outside of the loop. Raises RuntimeError in a fork."""
        if self._process.is_fork:  # A fork that cleans up would remove files that the parent still uses.
            raise RuntimeError(_FORKED)
        from anyio.to_thread import run_sync

        return await run_sync(function, *args)

    async def files(self, count: int, size: int, function: Callable[..., R], *args: object) -> R:
        """Runs a function that reads or writes `count` files, of `size` bytes together: in the loop where that is over
        sooner than a hop would be, otherwise as `run` does."""
        if count > SMALL_FILES or size > SMALL_BYTES:
            return await self.run(function, *args)
        if self._process.is_fork:
            raise RuntimeError(_FORKED)
        # As before a hop: a caller that is cancelled does not begin, and what was begun is never lost.
        await self.checkpoint()
        return function(*args)

    async def compute(self, function: Callable[..., R], *args: object) -> R:
        """Runs a toolchain's job, which is pure computing, in the loop itself: a thread would only compete with the
        loop for the interpreter's lock. Jobs are small, and a checkpoint follows each, so cancellation stays prompt."""
        result = function(*args)
        await self.checkpoint()
        return result

    def event(self) -> Wakeup:
        """Returns what a task can wait for."""
        return wakeup()

    def now(self) -> float:
        """Returns the time of the loop in seconds."""
        from anyio import current_time

        return current_time()

    async def sleep(self, seconds: float) -> None:
        from anyio import sleep

        await sleep(seconds)

    async def checkpoint(self) -> None:
        """Lets other tasks run."""
        from anyio.lowlevel import checkpoint

        await checkpoint()

    def shield(self) -> AbstractContextManager[object]:
        """Returns a context that no cancellation interrupts."""
        from anyio import CancelScope

        return CancelScope(shield=True)

    def server(self, settings: RemoteSettings) -> Server:
        """Returns the server of a remote cache. Raises RemoteFault."""
        from actors.remote.connect import connect

        return connect(settings)

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        """Starts a process for computing. Returns None on a system without process groups, and where files are read
        through another disk than the machine's own, which another process would not see."""
        if os.name != "posix" or type(self.disk) is not RealDisk:
            return None
        from actors.child import Child

        return Child(arguments)

    async def connect(self, path: str) -> Database:
        """Opens an SQLite database for the keeper: each use of it is one hop."""
        from actors.keeper.database import open_database

        return await open_database(path, hop=self.run)


class InlineOffload(Offload):
    """Runs everything in the loop, at once or in virtual time.

    `duration(function, args)` returns the seconds that a hop takes. It is called after the function ran, and the caller
    gets the result when that time has passed. Without it a hop is two checkpoints, one before and one after.
    """

    def __init__(
        self,
        disk: Disk | None = None,
        duration: Callable[[Callable[..., object], tuple[object, ...]], float] | None = None,
    ) -> None:
        super().__init__(disk)
        self._duration = duration

    async def run(self, function: Callable[..., R], *args: object) -> R:
        await self.checkpoint()
        result = function(*args)
        seconds = self._duration(function, args) if self._duration else 0.0
        await (self.sleep(seconds) if seconds > 0 else self.checkpoint())
        return result

    async def files(self, count: int, size: int, function: Callable[..., R], *args: object) -> R:
        return await self.run(function, *args)

    async def compute(self, function: Callable[..., R], *args: object) -> R:
        return await self.run(function, *args)

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        return None

    async def connect(self, path: str) -> Database:
        from actors.keeper.database import open_database

        return await open_database(path, inline=True, hop=self.run)
