"""Everything read from disk and compared: metadata with itself, objects with their digests, rows with metadata."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.digests import Digest
from actors.keeper import fragments, index, neighbours, recovery
from actors.keeper.cache import Cache, said
from actors.keeper.functions import fragments_of
from actors.keeper.metadata import Metadata, Odd
from actors.keeper.store import METADATA, MODULES, Store
from actors.messages import Damage

BATCH = 64
"""Entries that are read in one hop: objects of a batch are in memory at once."""

ROW_REMOVED = "row removed"


async def verify(cache: Cache, keys: tuple[Digest, ...]) -> tuple[int, list[Damage]]:
    """Look at all entries, or only at those of `keys`. What is wrong goes: files to quarantine, entries and rows that
    lead nowhere away, the index to quarantine and anew. Gives how many entries were looked at, and what was wrong."""
    damage: list[Damage] = []
    if not keys:
        damage += await _verify_index(cache)
    beside = await neighbours.agree(cache)
    known = await cache.read(index.all_keys) or []
    on_disk = await cache.files([], cache.store.committed)
    wanted = list(keys) or sorted({*on_disk, *(key.hex() for key in known)})
    fragment_rows = {} if keys else await cache.read(fragments.every) or {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        rows = await cache.read(index.find, [bytes.fromhex(key) for key in batch]) or {}
        found, read, functions = await cache.files(([], 0, ()), _verify_entries, cache.store, batch, rows)
        for name, entry in functions:
            if fragment_rows.get(name) == entry:
                del fragment_rows[name]
        cache.count(bytes_read=read)
        if beside:  # Another schema may have removed or replaced what is its own since we agreed: that is no damage.
            stale = [bytes.fromhex(item.key) for item in found if item.action == ROW_REMOVED]
            found = [item for item in found if item.action != ROW_REMOVED]
            await cache.write(index.drop, stale)
        damage += found
        if found:
            cache.lose(item.key for item in found)
            await cache.write(index.drop, [bytes.fromhex(item.key) for item in found])
        for item in found:
            if item.action == "quarantined":
                cache.quarantined(item.file, item.problem)
    astray = await cache.write(fragments.remove, fragment_rows) if fragment_rows else 0
    if astray:
        damage.append(Damage(file=index.FILE, problem=f"{astray} of its fragments are nowhere", action="rows removed"))
    return len(wanted), damage


async def _verify_index(cache: Cache) -> list[Damage]:
    """Look at the index as a whole. Opening it may be what finds it broken, and rebuilding it what finds metadata
    broken."""
    cache.put_aside = []
    problem = await cache.read(index.check)
    if problem:
        await cache.repair(problem)
        await cache.read(index.check)
    found, cache.put_aside = cache.put_aside, []
    return [_put_aside(file, reason) for file, reason in found]


def _put_aside(file: str, reason: str) -> Damage:
    if file == index.FILE:
        return Damage(file=file, problem=reason, action="quarantined, rebuilt from metadata")
    return Damage(file=file, problem=reason, action="quarantined", key=file[len(METADATA) + 1 : -len(".json")])


def _verify_entries(
    store: Store, keys: list[Digest], rows: dict[bytes, index.Row]
) -> tuple[list[Damage], int, Sequence[tuple[int, int]]]:
    """The damage found among these keys, the bytes read, and what rows the fragments of the good ones may have."""
    damage: list[Damage] = []
    functions: list[tuple[int, int]] = []
    read = 0
    for key in keys:
        found, data, size = _verify_entry(store, key, rows.get(bytes.fromhex(key)))
        damage += found
        read += size
        entry = fragments.entry_of(bytes.fromhex(key))
        functions += [(fragments.fingerprint_of(name), entry) for name in fragments_of(data)]
    return damage, read, functions


def _expected(metadata: Metadata, row: index.Row) -> index.Row:
    """What the row should say, going by the metadata. How long the compile took is no part of the truth: of two
    processes that made one object, one may have written the metadata and the other the row."""
    return msgspec.structs.replace(recovery.row_of(metadata, row.overhead), duration_ms=row.duration_ms)


def _verify_entry(store: Store, key: Digest, row: index.Row | None) -> tuple[list[Damage], bytes, int]:
    """The damage, the object where there is none, and the bytes read."""
    file = f"{METADATA}/{key}.json"
    try:
        metadata, size = store.read_metadata(key)
    except FileNotFoundError:
        if row is None:
            return [], b"", 0
        return [Damage(file=file, problem="it is missing", action=ROW_REMOVED, module=row.module, key=key)], b"", 0
    except (Odd, OSError) as error:
        module = row.module if row else ""
        action = _said(store.quarantine_metadata(key))
        return [Damage(file=file, problem=said(error), action=action, module=module, key=key)], b"", 0
    fetched = store.fetch([(metadata.digest, "")])
    read = size + sum(map(len, fetched.data.values()))
    name = metadata.digest + ".wasm"
    if fetched.data:
        if row is None or row == _expected(metadata, row):
            return [], fetched.data[metadata.digest], read
        problem, action = "its row in the index says something else", ROW_REMOVED
    elif not fetched.vanished:
        file = f"{MODULES}/{name}"
        problem = next(iter(fetched.damaged.values()), "") or said(next(iter(fetched.failed.values())))
        action = _said(store.quarantine_object(metadata.digest))
        store.forget([(key, "")])
    elif not store.has(METADATA, key + ".json"):
        return [], b"", read  # Another process evicted it while we looked.
    else:
        file = f"{MODULES}/{name}"
        problem, action = "it is missing", "entry removed"
        store.forget([(key, "")])
    return [Damage(file=file, problem=problem, action=action, module=metadata.module, key=key)], b"", read


def _said(moved: bool) -> str:
    return "quarantined" if moved else "left where it is"
