"""The seam to SQLite: one connection of aiosqlite's interface, wherever the loop comes from.

Code that talks SQL is written once, as coroutine functions `async def f(connection, *args)` against `Connection`, the
part of aiosqlite's interface that is used. How such a function runs depends on the loop:

- asyncio: on aiosqlite itself;
- Trio: aiosqlite knows only asyncio, so the *whole* function crosses to an asyncio portal in a thread, in one hop;
- the harness (`inline`): on a plain `sqlite3` connection in the loop's own thread, where every call is a checkpoint.

`transact` begins before and commits after the function, rolls back when it fails, and is shielded: a transaction that
is cancelled half way would leave the connection inside of it, and every later use would fail.

`sqlite3` and `aiosqlite` are imported when the first database is opened: most builds never need one.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

if TYPE_CHECKING:
    import sqlite3

    from actors.loopthread import LoopThread

P = ParamSpec("P")
R = TypeVar("R")

MEMORY = ":memory:"

# Primary result codes of SQLite that say "not now, not here" and nothing about the file's contents:
# BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS, PERM, AUTH.
_UNUSABLE = frozenset({5, 6, 7, 8, 9, 10, 13, 14, 15, 22, 3, 23})
_SHORT_READ = 522
"""SQLITE_IOERR_SHORT_READ: the file ends before the database does. That is damage, unlike the other IOERRs."""


class DatabaseError(Exception):
    """Base of what goes wrong with a database; the message is SQLite's."""


class Damaged(DatabaseError):
    """The file is no database, or damaged, or not of our schema."""


class Unusable(DatabaseError):
    """Locked, read-only, full, not to be opened: nothing is wrong with the contents. `full`: for want of space."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class Connection(Protocol):
    """What is used of `aiosqlite.Connection`."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: Any = None) -> Awaitable[Any]: ...

    def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]]) -> Awaitable[Any]: ...

    def execute_fetchall(self, sql: str, parameters: Any = None) -> Awaitable[Iterable[Any]]: ...

    def commit(self) -> Awaitable[None]: ...

    def rollback(self) -> Awaitable[None]: ...

    def close(self) -> Awaitable[None]: ...


class InlineConnection:
    """A `sqlite3` connection with that interface, in the loop's own thread: every call is a checkpoint."""

    def __init__(self, path: str) -> None:
        import sqlite3

        self._connection: sqlite3.Connection = sqlite3.connect(path, isolation_level=None)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def execute(self, sql: str, parameters: Any = None) -> Any:
        await anyio.lowlevel.checkpoint()
        return self._connection.execute(sql, parameters or ())

    async def executemany(self, sql: str, parameters: Iterable[tuple[Any, ...]]) -> Any:
        await anyio.lowlevel.checkpoint()
        return self._connection.executemany(sql, parameters)

    async def execute_fetchall(self, sql: str, parameters: Any = None) -> Iterable[Any]:
        await anyio.lowlevel.checkpoint()
        return self._connection.execute(sql, parameters or ()).fetchall()

    async def commit(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._connection.commit()

    async def rollback(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._connection.rollback()

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self._connection.close()


class Database:
    """An open database, used by one task at a time. All errors of SQLite come out as `Damaged` or `Unusable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def transact(
        self, function: Callable[Concatenate[Connection, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `function(connection, *args)` as one transaction that may write."""
        return await self._run(_transaction, function, *args, **kwargs)

    async def read(
        self, function: Callable[Concatenate[Connection, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `function(connection, *args)` with no transaction around it: for single look-ups and settings."""
        return await self._run(_plain, function, *args, **kwargs)

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._call(_close, self._connection)

    async def _run(self, wrapper: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        return await _shielded(self._call(wrapper, self._connection, *args, **kwargs))

    async def _call(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        return await function(*args, **kwargs)


class PortalDatabase(Database):
    """The same through an asyncio portal, for loops that aiosqlite does not know: one hop a call."""

    def __init__(self, connection: Connection, loop: LoopThread) -> None:
        super().__init__(connection)
        self._loop = loop

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            try:
                await super().close()
            finally:
                await anyio.to_thread.run_sync(self._loop.stop)

    async def _call(self, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
        async def call() -> R:
            return await function(*args, **kwargs)

        return await anyio.to_thread.run_sync(self._loop.portal.call, call)


async def open_database(path: str, *, inline: bool = False) -> Database:
    """Open (or create) the database file `path`, or one in memory (`MEMORY`), which is always inline: it never waits.

    Raises `Damaged` or `Unusable`. No setting is made and nothing is read: SQLite opens lazily.
    """
    if inline or path == MEMORY:
        try:
            return Database(InlineConnection(path))
        except Exception as error:
            raise _translated(error) from error
    return await _shielded(_open_here(path) if _backend() == "asyncio" else _open_through_portal(path))


async def _shielded(work: Awaitable[R]) -> R:
    with anyio.CancelScope(shield=True):
        return await work
    raise AssertionError("a shield swallows no exception")


async def _open_here(path: str) -> Database:
    return Database(await _connect(path))


async def _open_through_portal(path: str) -> Database:
    from actors.loopthread import LoopThread

    loop = await anyio.to_thread.run_sync(LoopThread, "asyncio", "wasmill sqlite")
    try:
        connection = await anyio.to_thread.run_sync(loop.portal.call, _connect, path)
    except BaseException:
        await anyio.to_thread.run_sync(loop.stop)
        raise
    return PortalDatabase(connection, loop)


async def _connect(path: str) -> Connection:
    import sqlite3

    import aiosqlite

    failures: list[sqlite3.Error] = []

    def connect() -> sqlite3.Connection:
        # One that fails leaves aiosqlite's thread to end by itself, maybe after the loop, and then it complains.
        # One that succeeds can be closed and waited for.
        try:
            # isolation_level None: transactions begin and end where we say, not where sqlite3 guesses.
            return sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            failures.append(error)
            return sqlite3.connect(MEMORY)

    connection = await aiosqlite.Connection(connect, iter_chunk_size=64)
    if failures:
        await connection.close()
        raise _translated(failures[0]) from failures[0]
    return connection


def _backend() -> str:
    """Which loop this task runs on. Trio is optional, and there is only one other that AnyIO knows."""
    trio = sys.modules.get("trio")
    return "trio" if trio is not None and trio.lowlevel.in_trio_task() else "asyncio"


async def _transaction(connection: Connection, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
    try:
        # IMMEDIATE: a transaction that begins by reading and then wants to write cannot wait for others.
        await connection.execute("BEGIN IMMEDIATE")
        result = await function(connection, *args, **kwargs)
        await connection.execute("COMMIT")
    except BaseException as error:
        await _roll_back(connection)
        raise _translated(error) from error
    return result


async def _plain(connection: Connection, function: Callable[..., Awaitable[R]], *args: Any, **kwargs: Any) -> R:
    try:
        return await function(connection, *args, **kwargs)
    except Exception as error:
        raise _translated(error) from error


async def _close(connection: Connection) -> None:
    try:
        await connection.close()
    except Exception as error:
        raise _translated(error) from error


async def _roll_back(connection: Connection) -> None:
    import sqlite3

    # Not asked first whether it is needed: after a cancellation the statement may not have run yet, and the
    # connection's thread will run this one after it. What led here is raised, not that the file is gone or full.
    with suppress(sqlite3.Error, ValueError):
        await connection.rollback()


def _translated(error: BaseException) -> BaseException:
    """SQLite's errors as ours, everything else as it is."""
    import sqlite3

    if isinstance(error, UnicodeDecodeError):  # A damaged file may hold any bytes where a text should be.
        return Damaged("a text in it is no UTF-8")
    if not isinstance(error, sqlite3.Error):
        return error
    code = int(getattr(error, "sqlite_errorcode", 0))
    if code != _SHORT_READ and code & 0xFF in _UNUSABLE:
        return Unusable(str(error), full=code & 0xFF == 13)
    return Damaged(str(error))
