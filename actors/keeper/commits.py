"""Where rows and files have to agree although several processes store and remove: transactions that look at files.

Only one process at a time writes the index, so what a transaction finds on the disk about an entry stays true until it
ends, as long as everybody who adds rows, and everybody who takes files away, does it in one:

- Who stores writes the files first, as quick as the disk is. In the transaction that adds the rows it looks whether
  they are still there, and writes them again where somebody removed them meanwhile.
- Who removes takes rows away in one transaction, and files in the next, and of those only what no row names (again).

So no order of these steps leaves a row without files. Where the index cannot be used, nothing is removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from actors.digests import Digest
from actors.keeper import index, recovery, sweep
from actors.keeper.database import Connection, Database
from actors.keeper.functions import fragments_of
from actors.keeper.store import METADATA, Store, Written
from actors.keeper.sweep import Swept
from actors.messages import NewEntry
from actors.offload import Offload

Rows = Sequence[tuple[bytes, index.Row]]


async def insert(
    connection: Connection,
    offload: Offload,
    store: Store,
    stored: Sequence[Written],
    entries: Sequence[NewEntry],
    replace: Collection[bytes],
) -> dict[bytes, index.Row]:
    """Add the rows of what was `stored` (of `entries`): see `index.insert`. An entry whose files are gone and cannot be
    written again gets no row."""
    whole = await offload.run(store.complete, stored, entries)
    rows = [(bytes.fromhex(one.key), recovery.row_of(one.metadata, one.overhead)) for one in stored if one.key in whole]
    functions = {bytes.fromhex(one.key): fragments_of(one.data) for one in entries if one.kind == "object"}
    return await index.insert(connection, rows, replace, {key: functions[key] for key, _ in rows if key in functions})


async def catch_up(offload: Offload, store: Store, database: Database, report: recovery.Report) -> None:
    """Add rows for entries that were stored while the index could not be used."""
    known = set(await database.read(index.all_keys))
    rows, damaged = await offload.run(recovery.rows_of_files, store, known)
    for key, reason in damaged.items():
        report(f"{METADATA}/{key}.json", reason)
    if rows:
        await database.transact(adopt, offload, store, rows)


async def adopt(connection: Connection, offload: Offload, store: Store, rows: Rows) -> dict[bytes, index.Row]:
    """Add rows for entries that were found on the disk, where they are still there. Gives those."""
    there = await offload.run(store.whole, [(key.hex(), row.digest.hex()) for key, row in rows])
    added = {key: row for key, row in rows if key.hex() in there}
    functions = await offload.run(recovery.functions_of, store, added.items())
    return {**added, **await index.insert(connection, list(added.items()), functions=functions)}


async def remove(
    connection: Connection,
    offload: Offload,
    store: Store,
    victims: dict[bytes, bytes],
    held: Collection[bytes],
    neighbours: bool,
) -> tuple[list[Digest], int]:
    """Remove the files of `victims` (digests by key), whose rows are gone: but of those that are `held` (keys or
    digests) or that have a row again. A victim whose key is held gets its row back. `neighbours` may have stored
    meanwhile, under keys of theirs, what has the bytes of a victim. Gives the keys and bytes that are gone."""
    rescued = [key.hex() for key in victims if key in held]
    if rescued:
        read = await offload.run(store.read_known, rescued)
        rows = [(bytes.fromhex(key), recovery.row_of(*found)) for key, found in read.found.items()]
        await adopt(connection, offload, store, rows)
    if neighbours:
        known = {*victims, *await index.all_keys(connection)}
        rows, _ = await offload.run(recovery.read_rows, store, known)
        await adopt(connection, offload, store, rows)
    there = await index.find_names(connection, victims)
    gone = {key: name for key, name in victims.items() if key not in held and key not in there}
    named = {*await index.named(connection, set(gone.values())), *held}
    pairs = [(key.hex(), "" if name in named else name.hex()) for key, name in gone.items()]
    _, freed = await offload.run(store.forget, pairs)
    return [key for key, _ in pairs], freed


async def lose(connection: Connection, offload: Offload, store: Store, names: Iterable[Digest]) -> list[Digest]:
    """Remove the rows and metadata of objects that were found damaged or gone, and still are. Gives the keys."""
    fetched = await offload.run(store.fetch, [(name, "") for name in names])
    lost = [bytes.fromhex(name) for name in (*fetched.damaged, *fetched.vanished)]
    keys = [key.hex() for key in await index.drop_digests(connection, lost)]
    await offload.run(store.forget, [(key, "") for key in keys])
    return keys


async def drop_dangling(connection: Connection, offload: Offload, store: Store) -> None:
    """Remove rows that lead nowhere: everything was removed while somebody stored."""
    names = {key.hex(): name.hex() for key, name in await index.all_names(connection)}
    whole = await offload.run(store.whole, list(names.items()))
    await index.drop(connection, [bytes.fromhex(key) for key in names if key not in whole])


async def drop_gone(connection: Connection, offload: Offload, store: Store) -> None:
    """Remove rows whose metadata is gone: another schema has evicted the entry."""
    there = set(await offload.run(store.committed))
    await index.drop(connection, [key for key in await index.all_keys(connection) if key.hex() not in there])


async def sweep_orphans(
    connection: Connection, offload: Offload, store: Store, held: Iterable[bytes], older_than_ns: int
) -> Swept:
    """Remove files that no row names, and that are not `held` (digests)."""
    named = await index.all_names(connection)
    keys = {key.hex() for key, _ in named}
    names = {name.hex() for _, name in named} | {name.hex() for name in held}
    try:
        return await offload.run(sweep.sweep_orphans, store, keys, names, older_than_ns)
    except OSError as error:
        return Swept(why=f"files: {error.strerror or error}")
