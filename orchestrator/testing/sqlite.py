"""SQLite on a disk in memory: the index of a cache that never touches the machine's own files.

`DiskConnection` is a real SQLite, whose database is a file of a `MemoryDisk`: what is in the file is loaded before it
is used, and written back with each transaction. So a flipped bit in the file is found by SQLite itself, a copy of an
older file is an older database, and a `CrashingDisk` can lose the last transactions. Several connections to one file
see one another's transactions, and wait for one another to write::

    disk = MemoryDisk()
    disk.make_folders("/p")
    database = Database(DiskConnection(disk, "/p/index.db"))
    await database.transact(index.create, [])
    assert disk.read("/p/index.db")[:15] == b"SQLite format 3"

It is a `Connection` (`actors/keeper/database.py`), runs in the loop's own thread, and every call is a checkpoint.
`-wal` and `-shm` files do not exist.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

import anyio
import anyio.lowlevel

from actors.keeper.database import Hop, SqlRow, SqlValues
from orchestrator.testing.crash import CrashingDisk
from orchestrator.testing.disk import FileNode, MemoryDisk
from orchestrator.testing.faults import Crashed

P = ParamSpec("P")
R = TypeVar("R")

POLL_SECONDS = 0.001

_READS = ("SELECT", "PRAGMA")


def failure(number: int, message: str) -> sqlite3.OperationalError:
    """An error as SQLite raises it: `number` is one of `sqlite3.SQLITE_BUSY` and so on."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = number
    return error


def failure_of(error: OSError) -> sqlite3.OperationalError:
    """The error that SQLite raises when the system raised this one."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return failure(sqlite3.SQLITE_FULL, "database or disk is full")
    if error.errno == errno.EROFS:
        return failure(sqlite3.SQLITE_READONLY, "attempt to write a readonly database")
    if error.errno in (errno.ENOENT, errno.EACCES, errno.EMFILE, errno.ENOTDIR, errno.EISDIR):
        return failure(sqlite3.SQLITE_CANTOPEN, "unable to open database file")
    return failure(sqlite3.SQLITE_IOERR, "disk I/O error")


class DiskConnection:
    """See the module. `path` is opened by the first statement, and made where it does not exist."""

    def __init__(self, disk: MemoryDisk, path: str, hop: Hop | None = None) -> None:
        self._hop = hop
        self._disk = disk
        self._path = path
        self._node: FileNode | None = None
        self._loaded: bytes | None = None
        self._inner = _fresh()
        self._busy_ms = 0
        self._closed = False
        self._killed = False

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    async def execute(self, sql: str, parameters: SqlValues = ()) -> object:
        await anyio.lowlevel.checkpoint()
        if sql == "BEGIN IMMEDIATE":
            await self._begin()
        elif sql == "COMMIT":
            await self.commit()
        else:
            self._note(sql)
            return self._run(sql, parameters)
        return None

    async def executemany(self, sql: str, parameters: Iterable[SqlValues]) -> sqlite3.Cursor:
        await anyio.lowlevel.checkpoint()
        self._look()
        cursor = self._inner.executemany(sql, parameters)
        self._keep(sql)
        return cursor

    async def execute_fetchall(self, sql: str, parameters: SqlValues = ()) -> list[SqlRow]:
        await anyio.lowlevel.checkpoint()
        if sql.startswith("PRAGMA journal_mode"):
            self._look()
            return [("wal",)]
        return self._run(sql, parameters).fetchall()

    async def commit(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._alive()
        if self._inner.in_transaction:
            self._inner.execute("COMMIT")
            self._write()
            self._let_go()

    async def rollback(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.abandon()

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.abandon()
        self._closed = True
        self._inner.close()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self._hop(function, *args) if self._hop else function(*args, **kwargs)
        return result

    def abandon(self) -> None:
        """Undoes the transaction, if there is one, and lets others write."""
        if not self._closed and not self._killed:
            self._inner.rollback()
            self._let_go()

    def kill(self) -> None:
        """The process that has this open has ended: its uncommitted changes are dropped."""
        self.abandon()
        self._killed = True

    # ---- inside

    async def _begin(self) -> None:
        """Waits until nobody else writes, loads what they wrote, and begins."""
        node = self._look()
        deadline = anyio.current_time() + self._busy_ms / 1000
        while self._disk.writers.setdefault(node.inode, self) is not self:
            if anyio.current_time() >= deadline:
                raise failure(sqlite3.SQLITE_BUSY, "database is locked")
            await anyio.sleep(POLL_SECONDS)
            self._alive()
        try:
            self._look()
            self._inner.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._let_go()
            raise

    def _note(self, sql: str) -> None:
        name, _, value = sql.partition(" = ")
        if name == "PRAGMA busy_timeout":
            self._busy_ms = int(value)

    def _run(self, sql: str, parameters: SqlValues) -> sqlite3.Cursor:
        self._look()
        cursor = self._inner.execute(sql, parameters)
        self._keep(sql)
        return cursor

    def _keep(self, sql: str) -> None:
        if not self._inner.in_transaction and not sql.startswith(_READS):
            self._write()

    def _write(self) -> None:
        node = self._node
        assert node is not None
        self._loaded = self._inner.serialize()
        if isinstance(self._disk, CrashingDisk):
            self._disk.image(node, self._loaded)
        else:
            self._disk.put(node, self._loaded)

    def _look(self) -> FileNode:
        """Loads what is in the file now, unless a transaction is open."""
        self._alive()
        if self._node is None:
            self._node = self._open()
        data = self._node.data or b""
        if not self._inner.in_transaction and data is not self._loaded:
            if data:
                self._inner.deserialize(data)
            elif self._loaded:
                self._inner.close()
                self._inner = _fresh()
            self._loaded = data
        return self._node

    def _open(self) -> FileNode:
        try:
            if self._path not in self._disk.nodes:
                self._disk.create(self._path, b"")
            node = self._disk.node(self._path)
            if node.data is None:
                raise IsADirectoryError(errno.EISDIR, "Is a directory", self._path)
        except OSError as error:
            raise failure_of(error) from error
        return node

    def _let_go(self) -> None:
        if self._node is not None and self._disk.writers.get(self._node.inode) is self:
            del self._disk.writers[self._node.inode]

    def _alive(self) -> None:
        if self._killed:
            raise Crashed("the process has crashed")
        if self._closed:
            raise ValueError("no active connection")


class _InMemory(sqlite3.Connection):
    """It holds nothing that others see, and need not be closed: from Python 3.13 on that would be warned of."""

    def __del__(self) -> None:
        self.close()


def _fresh() -> sqlite3.Connection:
    # The garbage collector may end it in another thread than the one that made it.
    return sqlite3.connect(":memory:", isolation_level=None, factory=_InMemory, check_same_thread=False)
