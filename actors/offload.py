"""The one way out of the event loop: threads, files, SQLite and the work of toolchains go through here, nowhere else.

`Offload` is what a Project uses. `InlineOffload` is its deterministic twin: nothing leaves the loop, every hop is a
checkpoint, and a hook says how long each hop takes, in whatever time the loop keeps. Under a clock that jumps, a whole
build then runs in virtual time, and every interleaving of it can be explored.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from actors.disk import REAL, Disk, RealDisk
from actors.forks import OwnProcess

if TYPE_CHECKING:
    from actors.child import Child
    from actors.keeper.database import Database

R = TypeVar("R")


class Offload:
    """Files and SQLite in threads; computing inline, or in processes.

    `run` costs 65 to 160 microseconds a hop, so callers batch. It cannot be interrupted half way: a cancelled caller
    waits for the thread, so nothing goes on behind its back.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk: Disk = disk or REAL
        self._process = OwnProcess()

    async def run(self, function: Callable[..., R], *args: Any) -> R:
        """Run a blocking function (files) outside of the loop."""
        if self._process.is_fork:  # what is cleared up in a fork must not be what the parent still uses
            raise RuntimeError("this process is a fork of the one that this belongs to")
        return await anyio.to_thread.run_sync(function, *args)

    async def compute(self, function: Callable[..., R], *args: Any) -> R:
        """Run a job of a toolchain: pure computing. In the loop itself, for a thread would only fight it for the
        interpreter's lock; jobs are small, and a checkpoint follows each, so that cancellation stays prompt."""
        result = function(*args)
        await anyio.lowlevel.checkpoint()
        return result

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        """Start a process to compute in; None where it cannot be: on a system that knows no process groups, and where
        files are read through another disk than the machine's own, which another process would not see."""
        if os.name != "posix" or type(self.disk) is not RealDisk:
            return None
        from actors.child import Child

        return Child(arguments)

    async def connect(self, path: str) -> Database:
        """Open an SQLite database for the keeper: aiosqlite on asyncio, through an asyncio portal on Trio."""
        from actors.keeper.database import open_database

        return await open_database(path)


class InlineOffload(Offload):
    """Everything in the loop, at once or in virtual time.

    `duration(function, args)` gives the seconds that a hop takes; it is asked after the function ran, and the caller
    gets the result when they have passed. Without it a hop is two checkpoints, one before and one after.
    """

    def __init__(
        self,
        disk: Disk | None = None,
        duration: Callable[[Callable[..., Any], tuple[Any, ...]], float] | None = None,
    ) -> None:
        super().__init__(disk)
        self._duration = duration

    async def run(self, function: Callable[..., R], *args: Any) -> R:
        await anyio.lowlevel.checkpoint()
        result = function(*args)
        seconds = self._duration(function, args) if self._duration else 0.0
        await (anyio.sleep(seconds) if seconds > 0 else anyio.lowlevel.checkpoint())
        return result

    async def compute(self, function: Callable[..., R], *args: Any) -> R:
        return await self.run(function, *args)

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        return None

    async def connect(self, path: str) -> Database:
        from actors.keeper.database import open_database

        return await open_database(path, inline=True)
