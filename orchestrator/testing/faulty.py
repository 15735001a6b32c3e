"""Faults in an SQLite connection, and in everything that leaves the event loop.

Each class takes a `Faults` and passes its hops; see `orchestrator.testing.faults` for what that means. Together with
`orchestrator.testing.disk.FakeDisk` they are all that a build asks of its machine. `world` puts them together; use them
alone where only one of them is of interest::

    disk = FakeDisk(RealDisk())
    disk.faults.on("disk.read", flip(12), path="/modules/")
    async with orchestrator.open(folder, offload=FaultyOffload(disk)) as project:
        assert (await project.build()).success
    print(*disk.faults.injected, sep="\\n")
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.lowlevel

from actors.child import Child
from actors.compiler.toolchain import Toolchain
from actors.disk import REAL, Disk
from actors.keeper.database import Connection, Database, InlineConnection, SqlRow, SqlValues
from actors.offload import InlineOffload
from actors.remote.servers import RemoteSettings, Server
from orchestrator.testing.disk import FakeDisk, MemoryDisk
from orchestrator.testing.faults import Crashed, Fault, Faults
from orchestrator.testing.remote import SimulatedServer
from orchestrator.testing.sqlite import DiskConnection, failure, failure_of
from orchestrator.testing.workers import SimulatedWorker, timed

P = ParamSpec("P")
R = TypeVar("R")

OVERTAKEN_SECONDS = 1.0
"""The longest time for which a reply is held back so that another one may overtake it."""

_SHORT_READ = 522
"""SQLITE_IOERR_SHORT_READ, which Python has no name for."""

_ALWAYS = ("rollback", "close")
"""SQLite can always do these: they only discard what is in memory."""

Duration = Callable[[Callable[..., object], tuple[object, ...]], float]


class FaultyConnection:
    """An SQLite connection whose statements are hops, named by their first words; `index.open` comes with the first of
    them, because that is when SQLite opens the file."""

    def __init__(self, base: Connection, path: str, faults: Faults) -> None:
        self._base = base
        self._path = path
        self._faults = faults
        self._opened = False
        if isinstance(base, DiskConnection):
            faults.when_crashed.append(base.kill)

    @property
    def in_transaction(self) -> bool:
        return self._base.in_transaction

    async def execute(self, sql: str, parameters: SqlValues = ()) -> object:
        return await self._do(sql, lambda: self._base.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[SqlValues]) -> sqlite3.Cursor:
        return await self._do(sql, lambda: self._base.executemany(sql, parameters))

    async def execute_fetchall(self, sql: str, parameters: SqlValues = ()) -> list[SqlRow]:
        return await self._do(sql, lambda: self._base.execute_fetchall(sql, parameters))

    async def commit(self) -> None:
        await self._do("commit", self._base.commit)

    async def rollback(self) -> None:
        await self._do("rollback", self._base.rollback)

    async def close(self) -> None:
        try:
            await self._do("close", self._base.close)
        except Crashed:
            if not isinstance(self._base, DiskConnection):
                await self._base.close()  # The test goes on in this process, which must not keep the file open.
            raise

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        return self._base.run(function, *args, **kwargs)

    async def _do(self, sql: str, call: Callable[[], Awaitable[R]]) -> R:
        word = sql.split(None, 1)[0].lower()
        if not self._opened and word not in _ALWAYS:
            fault, error = self._at("open")
            if error is not None:
                raise error
            self._opened = True
            await self._after(fault)
        fault, error = self._at(word)
        if error is not None and fault is not None and fault.kind != "lose" and word not in _ALWAYS:
            raise error
        result = await call()
        await self._after(fault)
        self._faults.check()
        if error is not None:
            raise error
        return result

    def _at(self, word: str) -> tuple[Fault | None, Exception | None]:
        """Returns the fault at this hop, and the error that SQLite raises for it."""
        fault = self._faults.at(f"index.{word}", self._path)
        error = fault.error if fault is not None else None
        if fault is not None and fault.kind == "short":
            error = failure(_SHORT_READ, "disk I/O error")
        elif isinstance(error, OSError):
            error = failure_of(error)
        return fault, error

    async def _after(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "delay":
            await anyio.sleep(fault.number)
        elif fault is not None and fault.kind == "crash":
            self._faults.crash()


class FaultyOffload(InlineOffload):
    """Everything in the loop, in virtual time where the loop keeps it, and every hop may go wrong: by `faults`, or by
    the plan of the disk where that is a `FakeDisk`.

    `duration(function, args)` gives the seconds that a hop takes, as in `InlineOffload`. With a `toolchain`, `spawn`
    gives simulated worker processes that compute with it; without, there are none. `children` are those started so far.
    """

    def __init__(
        self,
        disk: Disk | None = None,
        faults: Faults | None = None,
        *,
        duration: Duration | None = None,
        toolchain: Toolchain | None = None,
    ) -> None:
        self.seen = disk if isinstance(disk, FakeDisk) else FakeDisk(disk or REAL, faults)
        self.machine: Disk = self.seen.base
        self.faults = faults or self.seen.faults
        super().__init__(self.seen, duration)
        self.children: list[SimulatedWorker] = []
        self.served: dict[str, bytes] = {}
        """What the remote cache has."""
        self._toolchain = toolchain
        self._overtaken: list[anyio.Event] = []
        self.faults.when_crashed.append(self._kill_children)

    async def run(self, function: Callable[..., R], *args: Any) -> R:
        fault = self.faults.at(f"offload.{_name(function)}", _subject(args))
        await anyio.lowlevel.checkpoint()
        self.faults.check()
        if fault is not None and fault.kind == "fail" and fault.error is not None:
            raise fault.error
        result = function(*args)
        if fault is not None and fault.kind == "crash":
            self.faults.crash()
        seconds = self._duration(function, args) if self._duration else 0.0
        result = timed(result, seconds)
        seconds, self.seen.owed = seconds + self.seen.owed, 0.0
        if fault is not None and fault.kind == "delay":
            seconds += fault.number
        await (anyio.sleep(seconds) if seconds > 0 else anyio.lowlevel.checkpoint())
        if fault is not None and fault.kind == "reorder":
            await self._be_overtaken()
        for event in self._overtaken:
            event.set()
        self.faults.check()
        if fault is not None and fault.kind == "lose" and fault.error is not None:
            raise fault.error
        return result

    async def _be_overtaken(self) -> None:
        event = anyio.Event()
        self._overtaken.append(event)
        try:
            with anyio.move_on_after(OVERTAKEN_SECONDS):
                await event.wait()
        finally:
            self._overtaken.remove(event)

    def server(self, settings: RemoteSettings) -> Server:
        return SimulatedServer(self.served, self.faults)

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        if self._toolchain is None:
            return None
        self.faults.at("worker.spawn")
        child = SimulatedWorker(self._toolchain, self.seen, self.faults, self._duration, len(self.children) + 1)
        self.children.append(child)
        return child

    async def connect(self, path: str) -> Database:
        if isinstance(self.machine, MemoryDisk):
            here: Connection = DiskConnection(self.machine, path, self.run)
        else:
            here = InlineConnection(path, self.run)
        return Database(FaultyConnection(here, path, self.faults))

    def _kill_children(self) -> None:
        for child in self.children:
            child.kill()


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__)).strip("_<>")


def _subject(args: tuple[Any, ...]) -> str:
    """Returns what a hop is about: the module of a job, or a path."""
    for argument in args:
        module = argument if isinstance(argument, str) else getattr(argument, "module", None)
        if isinstance(module, str):
            return module
    return ""
