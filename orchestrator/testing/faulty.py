"""The seams of a build with faults in them: a disk, an SQLite connection, and the way out of the event loop.

Each takes a `Faults` and passes its hops; see `orchestrator.testing.faults` for what that means. `world` puts them
together; use them alone where only one seam is of interest::

    faults = Faults().on("disk.read", flip(12), path="/modules/")
    disk = FaultyDisk(RealDisk(), faults)
    async with orchestrator.open(folder, offload=FaultyOffload(disk, faults)) as project:
        assert (await project.build()).success
    print(*faults.injected, sep="\\n")
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from actors.child import Child
from actors.compiler.toolchain import Toolchain
from actors.digests import Stamp
from actors.disk import REAL, Disk, FolderEntry, Lock, RangeLock, Row
from actors.keeper.database import Connection, Database, InlineConnection
from actors.offload import InlineOffload
from orchestrator.testing.disk import MemoryDisk
from orchestrator.testing.faults import Fault, Faults, damaged
from orchestrator.testing.sqlite import DiskConnection, failure_of
from orchestrator.testing.workers import SimulatedWorker, timed

R = TypeVar("R")

OVERTAKEN_SECONDS = 1.0
"""So long at most a reply is held back for another one to overtake it."""

_ALWAYS = ("rollback", "close")
"""What SQLite does whatever the disk says: it throws away what only memory holds."""

Duration = Callable[[Callable[..., Any], tuple[Any, ...]], float]


class FaultyDisk:
    """A disk whose operations are hops, on top of `base`: the disk as one process sees it, which may crash."""

    def __init__(self, base: Disk, faults: Faults) -> None:
        self.base = base
        self.faults = faults
        self.owed = 0.0
        """Seconds of delays that the hop out of the loop has still to wait: an operation of the disk cannot."""
        self._locks: list[Lock] = []
        faults.when_crashed.append(self._let_go)

    def _let_go(self) -> None:
        for lock in self._locks:
            lock.release()

    def _do(self, operation: str, path: str, function: Callable[[Fault | None], R]) -> R:
        fault = self.faults.at(f"disk.{operation}", path)
        if fault is None:
            return function(None)
        if fault.kind == "fail" and fault.error is not None:
            raise fault.error
        result = function(fault)
        if fault.kind == "lose" and fault.error is not None:
            raise fault.error
        if fault.kind == "delay":
            self.owed += fault.number
        elif fault.kind == "crash":
            self.faults.crash()
        return result

    def _write(self, operation: str, write: Callable[[str, bytes], None], path: str, data: bytes) -> None:
        def act(fault: Fault | None) -> None:
            half = fault is not None and fault.kind == "crash" and fault.argument == "half"
            write(path, data[: len(data) // 2] if half else damaged(fault, data))

        self._do(operation, path, act)

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return self._do("stamp", path, lambda _: self.base.stamp(path, follow=follow))

    def rows(self, paths: Sequence[str]) -> list[Row]:
        return self._do("rows", paths[0] if paths else "", lambda _: self.base.rows(paths))

    def is_shared(self, path: str) -> bool:
        return self._asked("is_shared", path, self.base.is_shared)

    def resolve(self, path: str) -> str:
        return self.base.resolve(path)

    def is_regular(self, path: str) -> bool:
        return self._asked("is_regular", path, self.base.is_regular)

    def is_link(self, path: str) -> bool:
        return self._asked("is_link", path, self.base.is_link)

    def is_folder(self, path: str) -> bool:
        return self._asked("is_folder", path, self.base.is_folder)

    def _asked(self, operation: str, path: str, ask: Callable[[str], bool]) -> bool:
        """A question that an error answers with no."""
        try:
            return self._do(operation, path, lambda _: ask(path))
        except OSError:
            return False

    def entries(self, path: str) -> list[FolderEntry]:
        return self._do("entries", path, lambda _: self.base.entries(path))

    def read(self, path: str, limit: int = -1) -> bytes:
        return self._do("read", path, lambda fault: damaged(fault, self.base.read(path, limit)))

    def create(self, path: str, data: bytes) -> None:
        self._write("create", self.base.create, path, data)

    def append(self, path: str, data: bytes) -> None:
        self._write("append", self.base.append, path, data)

    def rename(self, source: str, target: str) -> None:
        self._do("rename", target, lambda _: self.base.rename(source, target))

    def remove(self, path: str) -> None:
        self._do("remove", path, lambda _: self.base.remove(path))

    def make_folders(self, path: str) -> None:
        self._do("make_folders", path, lambda _: self.base.make_folders(path))

    def now_ns(self) -> int:
        return self.base.now_ns()

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        taken: list[Lock] = []

        def take(_: Fault | None) -> Lock | None:
            lock = self.base.lock(path, create=create)
            if lock is not None:
                taken.append(lock)
                self._locks.append(lock)
            return lock

        try:
            return self._do("lock", path, take)
        except OSError:  # A reply that was lost: whoever gets an error has no lock.
            for lock in taken:
                lock.release()
            raise

    def lock_bytes(self, path: str) -> RangeLock:
        taken: list[RangeLock] = []

        def take(_: Fault | None) -> RangeLock:
            taken.append(self.base.lock_bytes(path))
            self._locks += taken
            return taken[0]

        try:
            return self._do("lock", path, take)
        except OSError:
            for lock in taken:
                lock.release()
            raise


class FaultyConnection:
    """An SQLite connection whose statements are hops, named by their first words."""

    def __init__(self, base: Connection, path: str, faults: Faults) -> None:
        self._base = base
        self._path = path
        self._faults = faults
        if isinstance(base, DiskConnection):
            faults.when_crashed.append(base.kill)

    @property
    def in_transaction(self) -> bool:
        return self._base.in_transaction

    async def execute(self, sql: str, parameters: Any = None) -> Any:
        return await self._do(sql, lambda: self._base.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]]) -> Any:
        return await self._do(sql, lambda: self._base.executemany(sql, parameters))

    async def execute_fetchall(self, sql: str, parameters: Any = None) -> Iterable[Any]:
        return await self._do(sql, lambda: self._base.execute_fetchall(sql, parameters))

    async def commit(self) -> None:
        await self._do("commit", self._base.commit)

    async def rollback(self) -> None:
        await self._do("rollback", self._base.rollback)

    async def close(self) -> None:
        await self._do("close", self._base.close)

    async def _do(self, sql: str, call: Callable[[], Awaitable[R]]) -> R:
        word = sql.split(None, 1)[0].lower()
        fault = self._faults.at(f"index.{word}", self._path)
        error = fault.error if fault is not None else None
        if isinstance(error, OSError):
            error = failure_of(error)
        if error is not None and fault is not None and fault.kind == "fail" and word not in _ALWAYS:
            raise error
        result = await call()
        if fault is not None and fault.kind == "delay":
            await anyio.sleep(fault.number)
        elif fault is not None and fault.kind == "crash":
            self._faults.crash()
        self._faults.check()
        if error is not None:
            raise error
        return result


class FaultyOffload(InlineOffload):
    """Everything in the loop, in virtual time where the loop keeps it, and every hop may go wrong.

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
        self.faults = faults or Faults()
        self.machine: Disk = disk.base if isinstance(disk, FaultyDisk) else disk or REAL
        self.seen = disk if isinstance(disk, FaultyDisk) else FaultyDisk(self.machine, self.faults)
        super().__init__(self.seen, duration)
        self.children: list[SimulatedWorker] = []
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

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        if self._toolchain is None:
            return None
        self.faults.at("worker.spawn")
        child = SimulatedWorker(self._toolchain, self.seen, self.faults, self._duration, len(self.children) + 1)
        self.children.append(child)
        return child

    async def connect(self, path: str) -> Database:
        here = DiskConnection(self.machine, path) if isinstance(self.machine, MemoryDisk) else InlineConnection(path)
        return Database(FaultyConnection(here, path, self.faults))

    def _kill_children(self) -> None:
        for child in self.children:
            child.kill()


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__)).strip("_<>")


def _subject(args: tuple[Any, ...]) -> str:
    """What a hop is about: the module of a job, or a path."""
    for one in args:
        module = one if isinstance(one, str) else getattr(one, "module", None)
        if isinstance(module, str):
            return module
    return ""
