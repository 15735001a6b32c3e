"""Opens the index in any state: missing, broken, of another program, or behind the files.

The truth is `metadata/`. What cannot be opened, or is not of our schema, is moved aside to `quarantine/` with its
`-wal` and `-shm` (a database is three files), and a new index is filled from the files. All under `index.lock`, so that
two processes do not repair the same file. Nobody reads or copies `index.db` itself: closing any handle of it would drop
SQLite's POSIX locks on it in the whole process.

Other schemas may be in the same folder: an older and a newer Wasmill that share a cache (law 7). They are called
neighbours. Each schema has an index of its own, and nobody touches another's; `metadata/`, `modules/`, the pins and the
locks belong to all of them. So everybody sees what is there, but a neighbour stores and evicts without a row in our
index. Beside neighbours, `BuildCache.sync_with_neighbours` therefore makes our index agree with the files before it
looks something up, measures, evicts, collects or verifies. Otherwise it would return rows without files, overlook half
of what the limit is for, or take for an orphan what another process needs.

That costs a listing and a look at all keys, so it is done only beside an index that was written lately: after an
upgrade the older one stays for ever. A wrong clock costs late misses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TypeAlias

from actors.digests import Stamp
from actors.disk import Lock
from actors.keeper import index, locks
from actors.keeper.database import MEMORY, Damaged, Database, Unusable
from actors.keeper.fragments import fragments_of
from actors.keeper.metadata import corrected, row_of
from actors.keeper.store import METADATA, MODULES, FileStore, WrittenEntry, metadata_file, object_file
from actors.offload import Offload

OPEN_SECONDS = 30.0
"""How long another process may take to open or rebuild the index before we go on without it."""

POLL_SECONDS = 0.005
"""How often to check whether it has finished: nobody is woken when a lock becomes free."""

LATELY_NS = 30 * 24 * 3600 * 10**9
"""An index that was not written for thirty days belongs to a version that nobody uses any more."""

_INDEX = re.compile(r"(index(?:-[0-9]+)?\.db)(?:-wal)?")

Rows: TypeAlias = Sequence[tuple[bytes, index.EntryRow]]
"""Keys and their rows."""

Report: TypeAlias = Callable[[str, str], None]
"""Called with a file's name (relative to the cache folder) and the reason for its quarantine."""


# ------------------------------------------------------------------------------------------------ rows from files


def rows_of_files(store: FileStore, known: Collection[bytes]) -> tuple[Rows, dict[bytes, str]]:
    """Rows for all entries on disk but the `known` ones, oldest first; and what is wrong with damaged metadata, which
    is in quarantine then. Metadata whose object is gone yields no row."""
    rows, damaged = read_rows(store, known)
    for key in damaged:
        store.quarantine_metadata(key)
    return rows, damaged


def read_rows(store: FileStore, known: Collection[bytes]) -> tuple[Rows, dict[bytes, str]]:
    """The same, but damaged metadata stays where it is."""
    known_files, damaged, _ = store.read_known([key for key in store.committed() if key not in known])
    objects = set(store.names(MODULES))
    ordered = sorted(known_files.items(), key=lambda item: (item[1][0].when, item[0]))
    rows = [(key, row_of(metadata, overhead)) for key, (metadata, overhead) in ordered]
    return [(key, row) for key, row in rows if object_file(row.digest) in objects], damaged


def functions_of(store: FileStore, rows: Iterable[tuple[bytes, index.EntryRow]]) -> dict[bytes, list[bytes]]:
    """The fingerprints of the fragments in the objects of these rows, by key. Each object is read and checked; one that
    is not good has none, and neither has one with inputs."""
    fingerprints: dict[bytes, list[bytes]] = {}
    for key, row in rows:
        if row.kind == "object" and not row.inputs:
            data = store.fetch([(row.digest, row.checksum)]).data.get(row.digest, b"")
            fingerprints[key] = list(fragments_of(data))
    return fingerprints


def correct_metadata(store: FileStore, stored: Iterable[WrittenEntry], rows: dict[bytes, index.EntryRow]) -> None:
    """Another process was faster, and its row stays: make the metadata, which we wrote over its own, agree again."""
    for key, metadata, _ in stored:
        row = rows.get(key)
        if row is not None:
            with suppress(OSError):  # Then `verify` will find out.
                store.write_metadata(key, corrected(metadata, row))


def has_neighbours(store: FileStore) -> bool:
    """Whether another schema's index is here, and was written lately. Blocks."""
    try:
        names = [entry.name for entry in store.disk.entries(store.folder)]
    except OSError:
        return False
    now = store.disk.now_ns()
    for name in names:
        match = _INDEX.fullmatch(name)
        if match is None or match[1] == index.FILE:
            continue
        try:
            if now - store.disk.stamp(store.path(name)).mtime_ns < LATELY_NS:
                return True
        except OSError:
            continue  # Gone in between: a log that was merged into its database.
    return False


# ------------------------------------------------------------------------------------------------ opening


async def open_index(offload: Offload, store: FileStore, report: Report, busy_ms: int) -> tuple[Database, bool]:
    """Opens the index of this cache, repaired or rebuilt if necessary. Returns it, and whether it is a new one. Raises
    `Unusable`."""
    # Two attempts: a damaged or foreign index is moved aside, and the second attempt fills a new one. If that is
    # damaged at once the disk is at fault, and a third would change nothing.
    lock = await _lock(offload, store)
    try:
        for _ in range(2):
            if await offload.run(_is_odd, store) and await offload.run(move_aside, store):
                report(index.FILE, "it is no regular file")
            await offload.run(_make_ours, store)
            database, state = await _try_open(offload, store, busy_ms)
            if state == "ready":
                return database, False
            try:
                if state == "empty":
                    return await _fill(offload, store, database, report), True
            except Damaged as error:
                state = str(error)
            await _close_quietly(database)
            if state == "no wal":
                raise Unusable("this file system cannot hold the index (no write-ahead log)")
            if not await offload.run(move_aside, store):
                raise Unusable("the index is damaged, and cannot be moved aside")
            report(index.FILE, state if state != "foreign" else "it is not an index of this schema")
        raise Unusable("a new index is damaged at once")
    finally:
        if lock is not None:
            lock.release()  # In this thread: a task that is being cancelled cannot wait for another one any more.


async def open_memory(offload: Offload) -> Database:
    """An index in memory, for a cache in memory."""
    database = await offload.connect(MEMORY)
    await database.read(index.prepare, 0, False)
    await database.transact(index.create, [])
    return database


async def discard_index(offload: Offload, store: FileStore) -> None:
    """Removes the index; the next one who needs it builds a new one from the files. Raises `Unusable`."""
    lock = await _lock(offload, store)
    try:
        for suffix in ("-wal", "-shm", ""):
            await offload.run(store.remove, "", index.FILE + suffix)
    finally:
        if lock is not None:
            await offload.run(lock.release)


def _is_odd(store: FileStore) -> bool:
    """Whether a folder or a link is in the place of one of SQLite's files: SQLite would fail at a folder, and follow a
    link."""
    paths = [store.path(index.FILE + suffix) for suffix in ("", "-wal", "-shm")]
    return any(store.disk.is_link(path) or store.disk.is_folder(path) for path in paths)


def _make_ours(store: FileStore) -> None:
    """Makes sure that SQLite finds a file that is ours alone, with the permissions of the umask.

    SQLite writes in place. A file with several names (a cache that was copied as hard links) is another cache's index
    as well: its name here goes, and a new one is filled from the files. SQLite also hides new files from the group,
    even if the umask does not, and gives `-wal` and `-shm` the permissions of the database: so we create the
    database."""
    paths = [store.path(index.FILE + suffix) for suffix in ("-wal", "-shm", "")]
    if any(store.disk.is_shared(path) for path in paths):
        for suffix in ("-wal", "-shm", ""):
            store.remove("", index.FILE + suffix)
    with suppress(OSError):  # It exists; or it cannot be created, which SQLite will report.
        store.disk.create(store.path(index.FILE), b"")


def move_aside(store: FileStore) -> bool:
    """Quarantines `index.db` with its `-wal` and `-shm`. Returns whether it is gone."""
    # The log first: a new database must not find the log of an old one.
    for suffix in ("-wal", "-shm"):
        store.quarantine("", index.FILE + suffix)
    if store.quarantine("", index.FILE):
        return True
    try:
        store.disk.stamp(store.path(index.FILE))
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def identity(store: FileStore) -> Stamp | None:
    """Returns the identity of the index file, without looking into it; None if it does not exist, or is another cache's
    as well. Blocks."""
    path = store.path(index.FILE)
    try:
        stamp = store.disk.stamp(path)
    except OSError:
        return None
    if store.disk.is_shared(path):
        return None
    return Stamp(stamp.device, stamp.inode, 0, 0, 0)


async def _lock(offload: Offload, store: FileStore) -> Lock | None:
    """The lock for opening the index; None if another process holds it for too long, and we go on without it."""
    deadline = offload.now() + OPEN_SECONDS
    try:
        await offload.run(store.disk.make_folders, store.folder)
        lock: Lock | None = None
        while True:
            with offload.shield():  # Otherwise a cancellation here would drop a lock that was taken.
                lock = await offload.run(store.disk.lock, store.path(locks.OPENING))
            if lock is not None or offload.now() >= deadline:
                return lock
            await offload.sleep(POLL_SECONDS)
    except OSError as error:
        raise Unusable(f"the index cannot be opened: {error.strerror or error}") from error


async def _try_open(offload: Offload, store: FileStore, busy_ms: int) -> tuple[Database, str]:
    """The database, and what `index.prepare` says of it, or why it is damaged."""
    database = await offload.connect(store.path(index.FILE))
    try:
        return database, await database.read(index.prepare, busy_ms, True)
    except Damaged as error:
        return database, str(error) or "broken"
    except BaseException:
        await _close_quietly(database)
        raise


async def _fill(offload: Offload, store: FileStore, database: Database, report: Report) -> Database:
    try:
        rows, damaged = await offload.run(rows_of_files, store, ())
        for key, reason in damaged.items():
            report(f"{METADATA}/{metadata_file(key)}", reason)
        await database.transact(index.create, rows, await offload.run(functions_of, store, rows))
    except Damaged:
        raise
    except BaseException as error:
        await _close_quietly(database)
        if isinstance(error, (OSError, Unusable)):
            raise Unusable(str(error)) from error
        raise
    return database


async def _close_quietly(database: Database) -> None:
    with suppress(Damaged, Unusable):  # It is given up because of a worse error.
        await database.close()
