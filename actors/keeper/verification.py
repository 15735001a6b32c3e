"""Everything read from disk and compared: metadata with itself, objects with their digests, rows with metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from actors.keeper import fragments, index
from actors.keeper.cache import BuildCache, said
from actors.keeper.fragments import fragments_of
from actors.keeper.index import EntryRow
from actors.keeper.metadata import Odd, row_of
from actors.keeper.store import (
    METADATA,
    MODULES,
    Fetched,
    FileStore,
    digest_in,
    metadata_file,
    object_file,
)
from actors.messages import Damage

BATCH = 64
"""Entries that are read in one hop: objects of a batch are in memory at once."""

ROW_REMOVED = "row removed"


class EntryProblem(NamedTuple):
    """Something that is wrong with the entry `key`, and what was done about it."""

    key: bytes
    file: str
    problem: str
    action: str
    module: str = ""


class CheckedBatch(NamedTuple):
    """The result of checking a batch: what is wrong, the bytes read, and the fragment rows that the good objects may
    have (see `fragments.py`)."""

    problems: Sequence[EntryProblem]
    read: int
    fragments: Sequence[tuple[int, int]]


async def verify(cache: BuildCache) -> tuple[int, list[Damage]]:
    """Checks all entries. Damaged files are quarantined, entries and rows without files are removed, a damaged index is
    quarantined and rebuilt. Returns how many entries were checked, and what was wrong."""
    damage = await _verify_index(cache)
    beside = await cache.sync_with_neighbours()
    known = await cache.read(index.all_keys) or []
    keys = sorted({*await cache.files([], cache.store.committed), *known})
    astray = dict(await cache.read(fragments.every) or {})
    for start in range(0, len(keys), BATCH):
        damage += await _verify_batch(cache, keys[start : start + BATCH], beside, astray)
    removed = await cache.write(fragments.remove, astray) if astray else 0
    if removed:
        damage.append(Damage(file=index.FILE, problem=f"{removed} of its fragments are nowhere", action="rows removed"))
    return len(keys), damage


async def _verify_index(cache: BuildCache) -> list[Damage]:
    """Checks the index as a whole. Opening it may be what finds it broken, and rebuilding it what finds metadata
    broken."""
    cache.now.quarantined = []
    problem = await cache.read(index.check)
    if problem:
        await cache.repair(problem)
        await cache.read(index.check)
    quarantined, cache.now.quarantined = cache.now.quarantined, []
    return [_quarantined(file, reason) for file, reason in quarantined]


def _quarantined(file: str, reason: str) -> Damage:
    if file == index.FILE:
        return Damage(file=file, problem=reason, action="quarantined, rebuilt from metadata")
    key = digest_in(file.removeprefix(METADATA + "/"), ".json")
    return Damage(file=file, problem=reason, action="quarantined", key=key.hex())


async def _verify_batch(cache: BuildCache, keys: Sequence[bytes], beside: bool, astray: dict[int, int]) -> list[Damage]:
    """Checks these entries. The fragment rows that their objects account for are taken out of `astray`."""
    rows = await cache.read(index.find, keys) or {}
    checked = await cache.files(CheckedBatch((), 0, ()), _check_entries, cache.store, keys, rows)
    for name, entry in checked.fragments:
        if astray.get(name) == entry:
            del astray[name]
    cache.count(bytes_read=checked.read)
    problems = checked.problems
    if beside:
        # A neighbour may have removed or replaced an entry since we synced with it. A row that disagrees is then no
        # damage.
        await cache.write(index.drop, [problem.key for problem in problems if problem.action == ROW_REMOVED])
        problems = [problem for problem in problems if problem.action != ROW_REMOVED]
    if problems:
        cache.mark_lost(problem.key for problem in problems)
        await cache.write(index.drop, [problem.key for problem in problems])
    for problem in problems:
        if problem.action == "quarantined":
            cache.quarantined(problem.file, problem.problem)
    return [
        Damage(
            file=problem.file,
            problem=problem.problem,
            action=problem.action,
            module=problem.module,
            key=problem.key.hex(),
        )
        for problem in problems
    ]


def _check_entries(store: FileStore, keys: Sequence[bytes], rows: Mapping[bytes, EntryRow]) -> CheckedBatch:
    problems: list[EntryProblem] = []
    rows_of_fragments: list[tuple[int, int]] = []
    read = 0
    for key in keys:
        problem, data, size = _check_entry(store, key, rows.get(key))
        if problem:
            problems.append(problem)
        read += size
        entry = fragments.entry_of(key)
        rows_of_fragments += [(fragments.fingerprint_of(name), entry) for name in fragments_of(data)]
    return CheckedBatch(problems, read, rows_of_fragments)


def _check_entry(store: FileStore, key: bytes, row: EntryRow | None) -> tuple[EntryProblem | None, bytes, int]:
    """What is wrong, the object if nothing is, and the bytes read."""
    file = f"{METADATA}/{metadata_file(key)}"
    try:
        metadata, size = store.read_metadata(key)
    except FileNotFoundError:
        return EntryProblem(key, file, "it is missing", ROW_REMOVED, row.module) if row else None, b"", 0
    except (Odd, OSError) as error:
        action = _action(store.quarantine_metadata(key))
        return EntryProblem(key, file, said(error), action, row.module if row else ""), b"", 0
    expected = row_of(metadata, row.overhead if row else 0)
    fetched = store.fetch([(expected.digest, b"")])
    if not fetched.data:
        return _check_missing(store, key, expected, fetched), b"", size
    data = fetched.data[expected.digest]
    if row is None or _agrees(row, expected):
        return None, data, size + len(data)
    problem = EntryProblem(key, file, "its row in the index says something else", ROW_REMOVED, metadata.module)
    return problem, b"", size + len(data)


def _agrees(row: EntryRow, expected: EntryRow) -> bool:
    """Whether a row is what the metadata says."""
    # But for how long the compile took: of two processes that made one object, one may have written the metadata and
    # the other one the row.
    return row == msgspec.structs.replace(expected, duration_ms=row.duration_ms)


def _check_missing(store: FileStore, key: bytes, expected: EntryRow, fetched: Fetched) -> EntryProblem | None:
    """The object of an entry is damaged or missing: remove the entry."""
    file = f"{MODULES}/{object_file(expected.digest)}"
    if not fetched.vanished:
        problem = next(iter(fetched.damaged.values()), "") or said(next(iter(fetched.failed.values())))
        action = _action(store.quarantine_object(expected.digest))
    elif store.has(METADATA, metadata_file(key)):
        problem, action = "it is missing", "entry removed"
    else:
        return None  # Another process evicted it while we looked.
    store.forget([(key, b"")])
    return EntryProblem(key, file, problem, action, expected.module)


def _action(moved: bool) -> str:
    return "quarantined" if moved else "left where it is"
