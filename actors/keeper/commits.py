"""How rows and files agree although several processes store and remove: transactions that look at files.

Only one process at a time writes the index. So what a transaction finds on the disk about an entry stays true until the
transaction ends, provided that everybody who adds rows, and everybody who removes files, does so in one:

- Storing writes the files first, outside of any transaction, as fast as the disk allows. The transaction that adds the
  rows checks whether the files still exist, and writes them again if another process removed them meanwhile.
- Removing deletes rows in one transaction and files in the next one, and only the files that no row names by then.

So no interleaving of these steps leaves a row without files. If the index cannot be used, nothing is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from actors.keeper import index, recovery, sweep
from actors.keeper.database import Connection
from actors.keeper.fragments import fragments_of
from actors.keeper.metadata import row_of
from actors.keeper.store import FileStore, Incoming, WrittenEntry
from actors.keeper.sweep import Swept


async def insert(
    connection: Connection,
    store: FileStore,
    stored: Sequence[WrittenEntry],
    entries: Sequence[Incoming],
    replace: Collection[bytes],
) -> dict[bytes, index.EntryRow]:
    """Adds the rows of what was `stored` (of `entries`): see `index.insert`. An entry whose files are gone and cannot
    be written again gets no row."""
    whole = await connection.run(store.complete, stored, entries)
    rows = [(written.key, written.row) for written in stored if written.key in whole]
    # A fingerprint does not cover what else a compile read. So fragments of objects with inputs get no rows.
    reusable = [(key, entry) for key, _, entry in entries if entry.kind == "object" and not entry.inputs]
    functions = {key: fragments_of(entry.data) for key, entry in reusable}
    return await index.insert(connection, rows, replace, {key: functions[key] for key, _ in rows if key in functions})


async def adopt(connection: Connection, store: FileStore, rows: recovery.Rows) -> dict[bytes, index.EntryRow]:
    """Adds rows for entries that were found on the disk, if they are still there. Returns those."""
    present = await connection.run(store.whole, [(key, row.digest) for key, row in rows])
    added = {key: row for key, row in rows if key in present}
    functions = await connection.run(recovery.functions_of, store, added.items())
    return {**added, **await index.insert(connection, list(added.items()), functions=functions)}


async def remove(
    connection: Connection,
    store: FileStore,
    victims: dict[bytes, bytes],
    pinned: Collection[bytes],
    neighbours: bool,
) -> tuple[list[bytes], int]:
    """Removes the files of `victims` (digests by key), whose rows are gone, but not of those that are `pinned` (keys or
    digests) or that have a row again. A victim whose key is pinned gets its row back. If there are `neighbours`, they
    may have stored the bytes of a victim under keys of theirs. Returns the keys and the bytes that are gone."""
    # First restore the rows of entries that are in use, then look at what rows name now, then remove the rest. In any
    # other order an object could go that a restored row names.
    rescued = [key for key in victims if key in pinned]
    if rescued:
        known = await connection.run(store.read_known, rescued)
        await adopt(connection, store, [(key, row_of(*metadata)) for key, metadata in known.found.items()])
    if neighbours:
        known_keys = {*victims, *await index.all_keys(connection)}
        rows, _ = await connection.run(recovery.read_rows, store, known_keys)
        await adopt(connection, store, rows)
    restored = await index.find_digests(connection, victims)
    gone = {key: digest for key, digest in victims.items() if key not in pinned and key not in restored}
    named = {*await index.named(connection, set(gone.values())), *pinned}
    pairs = [(key, b"" if digest in named else digest) for key, digest in gone.items()]
    freed = await connection.run(store.forget, pairs)
    return list(gone), freed


async def drop_damaged(connection: Connection, store: FileStore, digests: Iterable[bytes]) -> list[bytes]:
    """Removes the rows and metadata of objects that were found damaged or gone, if they still are. Returns the keys."""
    fetched = await connection.run(store.fetch, [(digest, b"") for digest in digests])
    keys = await index.drop_digests(connection, [*fetched.damaged, *fetched.vanished])
    await connection.run(store.forget, [(key, b"") for key in keys])
    return keys


async def drop_dangling(connection: Connection, store: FileStore) -> None:
    """Removes rows without files. They appear where everything was removed while another process stored."""
    entries = await index.all_digests(connection)
    whole = await connection.run(store.whole, entries)
    await index.drop(connection, [key for key, _ in entries if key not in whole])


async def drop_gone(connection: Connection, store: FileStore) -> None:
    """Removes rows whose metadata is gone: another schema has evicted the entry."""
    committed = set(await connection.run(store.committed))
    await index.drop(connection, [key for key in await index.all_keys(connection) if key not in committed])


async def sweep_orphans(connection: Connection, store: FileStore, in_use: Iterable[bytes], older_than_ns: int) -> Swept:
    """Removes files that no row names and that are not `in_use` (digests)."""
    entries = await index.all_digests(connection)
    keys = {key for key, _ in entries}
    digests = {digest for _, digest in entries}.union(in_use)
    try:
        return await connection.run(sweep.sweep_orphans, store, keys, digests, older_than_ns)
    except OSError as error:
        return Swept(why=f"files: {error.strerror or error}")
