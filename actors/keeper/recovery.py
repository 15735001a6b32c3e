"""Opening the index, whatever state it is in: missing, broken, somebody else's, or behind the files.

The truth is `metadata/`. What cannot be opened, or is not of our schema, is moved aside to `quarantine/` with its
`-wal` and `-shm` (a database is three files), and a new index is filled from the files. All under `index.lock`, so that
two processes do not repair the same file. Nobody reads or copies `index.db` itself: closing any handle of it would drop
SQLite's POSIX locks on it in the whole process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

import anyio
import msgspec

from actors.digests import Digest
from actors.disk import Lock
from actors.keeper import index, locks
from actors.keeper.database import MEMORY, Broken, Database, Unusable, open_database
from actors.keeper.functions import fragments_of
from actors.keeper.metadata import Metadata, lengthened
from actors.keeper.store import METADATA, MODULES, Store, Written
from actors.messages import Entry
from actors.offload import Offload

OPEN_SECONDS = 30.0
"""How long another process may take to open or rebuild the index before we go on without."""

POLL_SECONDS = 0.005
"""How often to look whether it has: nobody is woken when a lock becomes free."""

Report = Callable[[str, str], None]
"""Called with a file's name (relative to the cache folder) and the reason for its quarantine."""


def row_of(metadata: Metadata, overhead: int) -> index.Row:
    return index.Row(
        bytes.fromhex(metadata.digest),
        bytes.fromhex(metadata.checksum),
        metadata.size,
        overhead,
        metadata.kind,
        metadata.module,
        "\0".join(metadata.functions),
        metadata.warnings,
        metadata.duration_ms,
    )


def restated(metadata: Metadata, row: index.Row) -> Metadata:
    """`metadata`, for the object that `row` names."""
    return msgspec.structs.replace(
        metadata,
        digest=row.digest.hex(),
        checksum=row.checksum.hex(),
        size=row.size,
        functions=tuple(row.functions.split("\0")) if row.functions else (),
        warnings=row.warnings,
        duration_ms=row.duration_ms,
    )


def restate(store: Store, stored: Iterable[Written], rows: dict[bytes, index.Row]) -> None:
    """Another process was faster, and its row stays: make the metadata that was written over its own say so again."""
    for key, metadata, _ in stored:
        row = rows.get(bytes.fromhex(key))
        if row is not None:
            with suppress(OSError):  # Then `verify` will find out.
                store.restate(key, restated(metadata, row))


def entry_of(key: bytes, row: index.Row) -> Entry:
    return Entry(
        key=key.hex(),
        digest=row.digest.hex(),
        size=row.size,
        module=row.module,
        kind=row.kind,
        functions=lengthened(row.module, row.functions),
        warnings=row.warnings,
        duration_ms=row.duration_ms,
    )


def rows_of_files(store: Store, known: Collection[bytes]) -> tuple[list[tuple[bytes, index.Row]], dict[Digest, str]]:
    """Rows for all entries on disk but the `known` ones, oldest first; and what is wrong with damaged metadata, which
    is in quarantine then. Metadata whose object is gone gives no row."""
    rows, damaged = read_rows(store, known)
    for key in damaged:
        store.quarantine_metadata(key)
    return rows, damaged


def read_rows(store: Store, known: Collection[bytes]) -> tuple[list[tuple[bytes, index.Row]], dict[Digest, str]]:
    """The same, and damaged metadata stays where it is."""
    keys = [key for key in store.committed() if bytes.fromhex(key) not in known]
    found, damaged, _ = store.read_known(keys)
    objects = set(store.names(MODULES))
    ordered = sorted(found.items(), key=lambda item: (item[1][0].when, item[0]))
    rows = [
        (bytes.fromhex(key), row_of(metadata, overhead))
        for key, (metadata, overhead) in ordered
        if metadata.digest + ".wasm" in objects
    ]
    return rows, damaged


def functions_of(store: Store, rows: Iterable[tuple[bytes, index.Row]]) -> dict[bytes, list[bytes]]:
    """The fingerprints of the fragments that the objects of these rows have, by key; each object is read and checked,
    and one that is not good has none."""
    found: dict[bytes, list[bytes]] = {}
    for key, row in rows:
        if row.kind == "object":
            name = row.digest.hex()
            data = store.fetch([(name, row.checksum.hex())]).data.get(name, b"")
            found[key] = list(fragments_of(data))
    return found


async def open_index(offload: Offload, store: Store, report: Report, busy_ms: int) -> tuple[Database, bool]:
    """Open the index of this cache, repaired or rebuilt where needed; and whether it is a new one. Raises
    `Unusable`."""
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
            except Broken as error:
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
            lock.release()  # At once: whoever is being cancelled cannot wait for a thread any more.


async def open_memory(store: Store) -> Database:
    """An index in memory, for a cache in memory."""
    database = await open_database(MEMORY)
    await database.read(index.prepare, 0, False)
    await database.transact(index.create, [])
    return database


async def discard_index(offload: Offload, store: Store) -> None:
    """Remove the index; whoever needs it next builds a new one from the files. Raises `Unusable`."""
    lock = await _lock(offload, store)
    try:
        for suffix in ("-wal", "-shm", ""):
            await offload.run(store.remove, "", index.FILE + suffix)
    finally:
        if lock is not None:
            await offload.run(lock.release)


def _is_odd(store: Store) -> bool:
    """Whether a folder or a link is in the place of one of SQLite's files: it would fail at the one, and follow the
    other."""
    paths = [store.path(index.FILE + suffix) for suffix in ("", "-wal", "-shm")]
    return any(store.disk.is_link(path) or store.disk.is_folder(path) for path in paths)


def _make_ours(store: Store) -> None:
    """See to it that SQLite finds a file that is ours alone, with the rights that the umask gives.

    SQLite writes in place. What has several names (a cache that was copied as hard links) is another cache's index as
    well: its name here goes, and a new one is filled from the files. And SQLite keeps new files from the group whatever
    the umask says, and gives `-wal` and `-shm` the rights of the database: so we make that."""
    paths = [store.path(index.FILE + suffix) for suffix in ("-wal", "-shm", "")]
    if any(store.disk.is_shared(path) for path in paths):
        for suffix in ("-wal", "-shm", ""):
            store.remove("", index.FILE + suffix)
    with suppress(OSError):  # it is there; or cannot be made, which SQLite will say
        store.disk.create(store.path(index.FILE), b"")


def move_aside(store: Store) -> bool:
    """Quarantine `index.db` with its `-wal` and `-shm`. The log first: a new database must not find an old one's."""
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


async def _lock(offload: Offload, store: Store) -> Lock | None:
    """The lock of those who open the index; None where somebody else has it for too long, and we go on without."""
    deadline = anyio.current_time() + OPEN_SECONDS
    try:
        await offload.run(store.disk.make_folders, store.folder)
        lock: Lock | None = None
        while True:
            with anyio.CancelScope(shield=True):  # A lock that was taken is not lost on its way here.
                lock = await offload.run(store.disk.lock, store.path(locks.OPENING))
            if lock is not None or anyio.current_time() >= deadline:
                return lock
            await anyio.sleep(POLL_SECONDS)
    except OSError as error:
        raise Unusable(f"the index cannot be opened: {error.strerror or error}") from error


async def _try_open(offload: Offload, store: Store, busy_ms: int) -> tuple[Database, str]:
    database = await offload.connect(store.path(index.FILE))
    try:
        return database, await database.read(index.prepare, busy_ms, True)
    except Broken as error:
        return database, str(error) or "broken"
    except BaseException:
        await _close_quietly(database)
        raise


async def _fill(offload: Offload, store: Store, database: Database, report: Report) -> Database:
    try:
        rows, damaged = await offload.run(rows_of_files, store, ())
        for key, reason in damaged.items():
            report(f"{METADATA}/{key}.json", reason)
        await database.transact(index.create, rows, await offload.run(functions_of, store, rows))
    except Broken:
        raise
    except BaseException as error:
        await _close_quietly(database)
        if isinstance(error, (OSError, Unusable)):
            raise Unusable(str(error)) from error
        raise
    return database


async def _close_quietly(database: Database) -> None:
    with suppress(Broken, Unusable):  # It is being given up because of something worse.
        await database.close()
