"""The seam to SQLite: whole functions against one connection, on every event loop.

Code that uses SQL is written once, as coroutine functions `async def f(connection, *args)` against `Connection`. How
such a function runs depends on who drives it:

- a build: the *whole* function runs in a thread, in one hop. There every call of `Connection` is done when it returns,
  so the coroutine never waits, and is driven by a single `send`;
- the harness (`inline`), and a database in memory: in the loop's own thread. In the harness every call is a checkpoint.

So a transaction costs one hop, however many statements it has, and looks at files on the way (`Connection.run`) without
another one. aiosqlite, whose interface this is, has a hop for each statement, and knows asyncio alone.

`transact` begins before the function, commits after it, and rolls back if it fails. It is shielded from cancellation: a
transaction that is cancelled half way would leave the connection inside of it, and every later use would fail.

`sqlite3` is imported when the first database is opened: most builds never need one.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    import sqlite3

P = ParamSpec("P")
R = TypeVar("R")

MEMORY = ":memory:"

SqlValues = Sequence["str | bytes | int | float | None"]
"""What a statement is given."""

SqlRow = tuple[Any, ...]
"""What a statement gives back. Its types are those of the schema, which no type checker knows."""


class Hop(Protocol):
    """Runs a function outside of the loop, as `Offload.run`."""

    def __call__(self, function: Callable[..., R], /, *args: object) -> Awaitable[R]: ...


# Primary result codes of SQLite that say "not now, not here" and nothing about the file's contents:
# BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, NOLFS, PERM, AUTH.
_UNUSABLE = frozenset({5, 6, 7, 8, 9, 10, 13, 14, 15, 22, 3, 23})
_SHORT_READ = 522
"""SQLITE_IOERR_SHORT_READ: the file ends before the database does. That is damage, unlike the other IOERRs."""


class DatabaseError(Exception):
    """Base of a database's failures; the message is SQLite's."""


class Damaged(DatabaseError):
    """The file is not a database, or is damaged, or is not of our schema."""


class Unusable(DatabaseError):
    """Locked, read-only, full, or cannot be opened: nothing is wrong with the contents. `full`: there was no space."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


class Connection(Protocol):
    """The part of `aiosqlite.Connection` that we use, and `run`, for a look at files in the middle of a transaction."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: SqlValues = ()) -> Awaitable[object]: ...

    def executemany(self, sql: str, parameters: Iterable[SqlValues]) -> Awaitable[sqlite3.Cursor]: ...

    def execute_fetchall(self, sql: str, parameters: SqlValues = ()) -> Awaitable[list[SqlRow]]: ...

    def commit(self) -> Awaitable[None]: ...

    def rollback(self) -> Awaitable[None]: ...

    def close(self) -> Awaitable[None]: ...

    def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]: ...


Work = Callable[Concatenate[Connection, P], Coroutine[object, object, R]]
"""A function on a connection, written once for every event loop."""


class PlainConnection:
    """A `sqlite3` connection with that interface. Nothing waits: each call is done when its coroutine is driven."""

    def __init__(self, path: str) -> None:
        import sqlite3

        # isolation_level None: transactions begin and end where we say so, not where sqlite3 guesses. Each hop may be
        # another thread; `ThreadDatabase` lets one at a time use the connection.
        self._connection: sqlite3.Connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def execute(self, sql: str, parameters: SqlValues = ()) -> object:
        await self._pause()
        return self._connection.execute(sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[SqlValues]) -> sqlite3.Cursor:
        await self._pause()
        return self._connection.executemany(sql, parameters)

    async def execute_fetchall(self, sql: str, parameters: SqlValues = ()) -> list[SqlRow]:
        await self._pause()
        return self._connection.execute(sql, parameters).fetchall()

    async def commit(self) -> None:
        await self._pause()
        self._connection.commit()

    async def rollback(self) -> None:
        await self._pause()
        self._connection.rollback()

    async def close(self) -> None:
        await self._pause()
        self._connection.close()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    async def _pause(self) -> None:
        """Between two statements."""


class InlineConnection(PlainConnection):
    """The same in the loop's own thread: every call is a checkpoint. `hop` runs functions on files, as in `Offload`."""

    def __init__(self, path: str, hop: Hop | None = None) -> None:
        super().__init__(path)
        self._hop = hop

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._hop(function, *args) if self._hop else function(*args, **kwargs)

    async def _pause(self) -> None:
        from anyio.lowlevel import checkpoint

        await checkpoint()


class Database:
    """An open database, used by one task at a time. All errors of SQLite are raised as `Damaged` or `Unusable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def transact(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `function(connection, *args)` as one transaction that may write."""
        return await self._run(_transaction, function, *args, **kwargs)

    async def read(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `function(connection, *args)` without a transaction, for single look-ups and settings."""
        return await self._run(_plain, function, *args, **kwargs)

    async def glance(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `read`, for what is over sooner than a hop would be."""
        return await self.read(function, *args, **kwargs)

    async def close(self) -> None:
        await self._shielded(self._call(_close, self._connection))

    async def _run(self, wrapper: Callable[..., Coroutine[object, object, R]], *args: object, **kwargs: object) -> R:
        return await self._shielded(self._call(wrapper, self._connection, *args, **kwargs))

    async def _call(self, function: Callable[..., Coroutine[object, object, R]], *args: object, **kwargs: object) -> R:
        return await function(*args, **kwargs)

    async def _shielded(self, work: Awaitable[R]) -> R:
        return await _shielded(work)


class PlainDatabase(Database):
    """The same where there is no event loop, and nothing that could cancel."""

    async def _shielded(self, work: Awaitable[R]) -> R:
        return await work


class ThreadDatabase(Database):
    """The same in threads: one hop for a whole function. `hop` runs a function in a thread."""

    def __init__(self, connection: Connection, hop: Hop) -> None:
        super().__init__(connection)
        self._hop = hop
        self._alone = threading.Lock()

    async def _call(self, function: Callable[..., Coroutine[object, object, R]], *args: object, **kwargs: object) -> R:
        # A caller that asyncio itself cancels does not wait for its thread: no shield holds that off. The next one must
        # not use the connection before that thread has committed, so the lock is taken in the thread.
        def call() -> R:
            with self._alone:
                return _driven(function(*args, **kwargs))

        return await self._hop(call)

    async def glance(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        # The loop waits for nobody: if a thread still uses the connection, or another process has locked the file
        # (a reader hardly ever meets that), the same is done in a hop, which may wait.
        if self._alone.acquire(blocking=False):
            try:
                return _driven(_at_once(self._connection, function, *args, **kwargs))
            except _Busy:
                pass
            finally:
                self._alone.release()
        return await self.read(function, *args, **kwargs)


def _driven(work: Coroutine[object, object, R]) -> R:
    """Runs a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: R = stop.value
        return result
    work.close()
    raise RuntimeError("a function on the database waited for something else")


async def open_database(path: str, *, inline: bool = False, hop: Hop | None = None) -> Database:
    """Opens (or creates) the database file `path`, or one in memory (`MEMORY`), which is always inline: it never waits.
    `hop` runs a function outside of the loop.

    Raises `Damaged` or `Unusable`. No setting is made and nothing is read: SQLite opens lazily.
    """
    try:
        if inline or path == MEMORY:
            return Database(InlineConnection(path, hop if inline else None))
        in_thread = hop or _in_thread()
        return ThreadDatabase(await _shielded(in_thread(PlainConnection, path)), in_thread)
    except Exception as error:
        raise _translated(error) from error


def _in_thread() -> Callable[..., Awaitable[Any]]:
    from anyio.to_thread import run_sync

    return run_sync


def open_plain(path: str) -> Database:
    """As `open_database`, where there is no event loop."""
    try:
        return PlainDatabase(PlainConnection(path))
    except Exception as error:
        raise _translated(error) from error


async def _shielded(work: Awaitable[R]) -> R:
    from anyio import CancelScope

    with CancelScope(shield=True):
        return await work
    raise AssertionError("a shield swallows no exception")


async def _transaction(
    connection: Connection, function: Callable[..., Awaitable[R]], *args: object, **kwargs: object
) -> R:
    try:
        # IMMEDIATE takes the write lock at once. A transaction that reads first and writes later cannot wait for
        # another writer: what it has read would be outdated, so SQLite fails instead.
        await connection.execute("BEGIN IMMEDIATE")
        result = await function(connection, *args, **kwargs)
        await connection.execute("COMMIT")
    except BaseException as error:
        await _roll_back(connection)
        raise _translated(error) from error
    return result


async def _plain(connection: Connection, function: Callable[..., Awaitable[R]], *args: object, **kwargs: object) -> R:
    try:
        return await function(connection, *args, **kwargs)
    except Exception as error:
        raise _translated(error) from error


class _Busy(Exception):
    """Another process has locked the file."""


async def _at_once(connection: Connection, function: Callable[..., Awaitable[R]], *args: object, **kwargs: object) -> R:
    """As `_plain`, but it waits for no other process."""
    import sqlite3

    ((patience,),) = await connection.execute_fetchall("PRAGMA busy_timeout")
    await connection.execute("PRAGMA busy_timeout = 0")
    try:
        return await function(connection, *args, **kwargs)
    except Exception as error:
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise _Busy from error
        raise _translated(error) from error
    finally:
        await connection.execute(f"PRAGMA busy_timeout = {patience:d}")


async def _close(connection: Connection) -> None:
    try:
        await connection.close()
    except Exception as error:
        raise _translated(error) from error


async def _roll_back(connection: Connection) -> None:
    import sqlite3

    # Without asking first whether it is needed. The caller raises what led here, so a failure of the rollback itself
    # (the file is gone, or full) is suppressed.
    with suppress(sqlite3.Error, ValueError):
        await connection.rollback()


def _translated(error: BaseException) -> BaseException:
    """SQLite's errors as ours, everything else unchanged."""
    import sqlite3

    if isinstance(error, UnicodeDecodeError):  # A damaged file may hold any bytes in place of a text.
        return Damaged("a text in it is no UTF-8")
    if not isinstance(error, sqlite3.Error):
        return error
    code = int(getattr(error, "sqlite_errorcode", 0))
    if code != _SHORT_READ and code & 0xFF in _UNUSABLE:
        return Unusable(str(error), full=code & 0xFF == 13)
    return Damaged(str(error))
