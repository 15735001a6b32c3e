"""Everything that a build asks of the machine's own disk and of SQLite, through one gate that counts and fails: files
and locks (`actors.disk`), statements (`actors.keeper.database`).

`orchestrator.testing.faulty` injects faults by rule, mostly into a machine in memory. A gate fails the n-th operation
on real files and on SQLite itself, so that a sweep meets each operation once."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orchestrator.errors
from actors.disk import Lock, RangeLock, RealDisk
from actors.keeper.database import Connection, Database, open_database
from actors.offload import InlineOffload
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Crashed

SHORT = "short write"
"""A fault that is no errno: half of the bytes are written, then the disk is full, and what is there cannot be
removed."""

# What SQLite says when its own files fail so, by errno: FULL, IOERR (of a write), READONLY, CANTOPEN, IOERR_SHORT_READ.
_SQLITE = {errno.ENOSPC: 13, errno.EIO: 778, errno.EACCES: 8, errno.EROFS: 8, errno.EMFILE: 14, errno.ENFILE: 14}


class Gate:
    """Counts operations, and fails the `at`-th of them (`for_ever`: all from then on) with `fault`, an errno or
    `SHORT`. Only operations on paths that begin with `below` are counted. `log` has every (operation, path)."""

    def __init__(
        self, below: Path, *, at: int = 0, for_ever: bool = False, fault: int | str = errno.EIO, sql: bool = True
    ) -> None:
        self.below = str(below)
        self.at = at
        self.for_ever = for_ever
        self.fault = fault
        self.sql = sql
        self.log: list[tuple[str, str]] = []
        self.injected = 0
        self.crash_at = 0
        self.locked: list[Lock | RangeLock] = []
        self.replaced: dict[str, list[bytes | None]] = {}
        """What files held before something was renamed over them; None: there was no such file."""
        self._index: dict[Path, bytes] | None = None

    def fails(self, operation: str, path: str) -> bool:
        if not path.startswith(self.below):
            return False
        if self.crashed:
            raise Crashed
        self.log.append((operation, path))
        if len(self.log) == self.crash_at:
            self._index = {file: file.read_bytes() for file in Path(self.below).glob("index.db*")}
            raise Crashed
        count = len(self.log)
        failing = bool(self.at) and (count >= self.at if self.for_ever else count == self.at)
        self.injected += failing
        return failing

    def error(self, path: str) -> OSError:
        number = errno.ENOSPC if self.fault == SHORT else int(self.fault)
        return OSError(number, os.strerror(number), path)

    def enter(self, operation: str, path: str) -> None:
        """Let an operation through, or raise."""
        if self.fails(operation, path):
            raise self.error(path)

    @property
    def crashed(self) -> bool:
        return self._index is not None

    @contextmanager
    def dying(self, at: int) -> Iterator[None]:
        """Whoever runs in here dies ahead of the `at`-th operation: it does nothing any more to the disk, from then on.
        What it leaves is as a killed process leaves it: SQLite's files as they were, locks let go, pins not removed."""
        self.crash_at = at
        with suppress(Crashed, orchestrator.errors.ProjectBroken):
            yield
        for lock in self.locked:
            lock.release()
        if self._index is not None:
            for path in Path(self.below).glob("index.db*"):
                path.unlink()
            for path, data in self._index.items():
                path.write_bytes(data)


class GatedDisk(FakeDisk):
    """The machine's own disk behind a gate."""

    def __init__(self, gate: Gate, *, aged: bool = True) -> None:
        super().__init__(RealDisk(), aged=aged)
        self.gate = gate
        self.before = gate.enter

    def create(self, path: str, data: bytes) -> None:
        was = self.gate.injected, self.gate.crashed
        try:
            super().create(path, data)
        except (OSError, Crashed):
            short = self.gate.fault == SHORT and self.gate.injected > was[0]
            torn = self.gate.crashed and not was[1] and self.gate.crash_at % 2
            if (short or torn) and os.path.isdir(os.path.dirname(path)):
                self.base.create(path, data[: len(data) // 2])
            raise

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        lock = super().lock(path, create=create)
        if lock is not None:
            self.gate.locked.append(lock)
        return lock

    def lock_bytes(self, path: str) -> RangeLock:
        locks = super().lock_bytes(path)
        self.gate.locked.append(locks)
        return locks

    def rename(self, source: str, target: str) -> None:
        earlier = Path(target).read_bytes() if os.path.exists(target) else None
        super().rename(source, target)
        self.gate.replaced.setdefault(target, []).append(earlier)


class GatedConnection:
    """A connection behind the gate. What fails has not been done; of a COMMIT every second one that fails has."""

    def __init__(self, inner: Connection, gate: Gate, path: str) -> None:
        self.inner = inner
        self.gate = gate
        self.path = path

    @property
    def in_transaction(self) -> bool:
        return self.inner.in_transaction

    def _enter(self, sql: str) -> None:
        if self.gate.sql and self.gate.fails(f"sql {sql.split(None, 1)[0]}", self.path):
            raise self._error()

    def _error(self) -> sqlite3.Error:
        error = sqlite3.OperationalError(f"injected: {self.gate.fault}")
        error.sqlite_errorcode = 522 if self.gate.fault == SHORT else _SQLITE.get(int(self.gate.fault), 10)
        return error

    async def execute(self, sql: str, parameters: Any = None) -> Any:
        if sql == "COMMIT" and self.gate.sql and self.gate.fails("sql COMMIT", self.path):
            if self.gate.at % 2:
                await self.inner.execute(sql)
            raise self._error()
        if sql != "COMMIT":
            self._enter(sql)
        return await self.inner.execute(sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]]) -> Any:
        self._enter(sql)
        return await self.inner.executemany(sql, parameters)

    async def execute_fetchall(self, sql: str, parameters: Any = None) -> Iterable[Any]:
        self._enter(sql)
        return await self.inner.execute_fetchall(sql, parameters)

    async def commit(self) -> None:
        raise AssertionError("transactions end with a statement")

    async def rollback(self) -> None:
        await self.inner.rollback()
        self._enter("rollback")

    async def close(self) -> None:
        try:
            self._enter("close")
        finally:
            await self.inner.close()


class GatedOffload(InlineOffload):
    """Everything in the loop, and everything through the gate."""

    def __init__(self, gate: Gate, *, aged: bool = True) -> None:
        super().__init__(GatedDisk(gate, aged=aged))
        self.gate = gate

    async def connect(self, path: str) -> Database:
        if self.gate.sql and self.gate.fails("sql open", path):
            return Database(_Closed(path))
        database = await open_database(path, inline=True)
        database._connection = GatedConnection(database._connection, self.gate, path)
        return database


class _Closed(GatedConnection):
    """A file that SQLite cannot open, which it finds out at the first statement."""

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def in_transaction(self) -> bool:
        return False

    async def execute(self, sql: str, parameters: Any = None) -> Any:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = 14
        raise error

    execute_fetchall = executemany = execute

    async def rollback(self) -> None:
        pass

    async def close(self) -> None:
        pass
