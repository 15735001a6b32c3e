"""Removing files that nobody needs: temporary ones, orphans, and quarantine that grew. All of this blocks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from actors.keeper.store import (
    METADATA,
    MODULES,
    QUARANTINE,
    SNAPSHOTS,
    TEMPORARY,
    FileStore,
    digest_in,
    metadata_file,
)

ORPHAN_NS = 3600 * 10**9
"""How old an orphan has to be: a younger one may belong to a build that is just storing it."""


class Swept(NamedTuple):
    """Files and bytes that are gone; how many files could not be removed, and why the first of them could not."""

    files: int = 0
    freed: int = 0
    left: int = 0
    why: str = ""


def sweep_orphans(
    store: FileStore, keys: Collection[bytes], digests: Collection[bytes], older_than_ns: int = ORPHAN_NS
) -> Swept:
    """Removes temporary files, metadata of other keys and objects of other digests than these."""
    orphans: list[tuple[str, str]] = []
    for folder in (METADATA, MODULES, SNAPSHOTS):
        orphans += [(folder, name) for name in store.names(folder) if name.startswith(TEMPORARY)]
    orphans += [(METADATA, metadata_file(key)) for key in store.committed() if key not in keys]
    orphans += [
        (MODULES, name)
        for name in store.names(MODULES)
        if (digest := digest_in(name, ".wasm")) and digest not in digests
    ]
    now = store.disk.now_ns()
    return _remove(store, [orphan for orphan in orphans if _age(store, orphan, now) >= older_than_ns])


def sweep_quarantine(store: FileStore, allowed: int) -> tuple[int, int]:
    """Removes the oldest files in quarantine until it takes `allowed` bytes at most: they are kept for inspection, not
    for ever. Returns the bytes that stay, and the bytes that are gone."""
    files = []
    for _, name in _all_of_ours(store, QUARANTINE):
        try:
            stamp = store.disk.stamp(store.path(QUARANTINE, name))
        except OSError:
            continue
        files.append((stamp.ctime_ns, name, stamp.size))
    size = sum(file[2] for file in files)
    freed = 0
    for _, name, length in sorted(files):
        if size - freed <= allowed:
            break
        if store.remove(QUARANTINE, name) is not None:
            freed += length
    return size - freed, freed


def is_ours(folder: str, name: str) -> bool:
    """Whether a file in a folder of the cache has a name that we give to files there. Nothing else is ever removed: the
    folder may have had files before it became a cache."""
    return name.startswith(TEMPORARY) or _OURS[folder](name) is not None


_OURS = {
    MODULES: re.compile(r"[0-9a-f]{64}\.wasm").fullmatch,
    METADATA: re.compile(r"[0-9a-f]{64}\.json").fullmatch,
    QUARANTINE: re.compile(r"[0-9a-f]{12}-[0-9]+-.+", re.DOTALL).fullmatch,
    SNAPSHOTS: re.compile(r"[\w-]+-[0-9a-f]{16}(\.plan)?", re.ASCII).fullmatch,
}


def _all_of_ours(store: FileStore, *folders: str) -> list[tuple[str, str]]:
    return [(folder, name) for folder in folders for name in store.names(folder) if is_ours(folder, name)]


def forget_builds(store: FileStore) -> Swept:
    """Removes all snapshots and plans."""
    return _remove(store, _all_of_ours(store, SNAPSHOTS))


def empty_unpinned(store: FileStore, pinned: Collection[bytes]) -> list[bytes]:
    """Removes all entries, leftovers and the quarantine, except for what is `pinned` (keys and digests). Returns the
    keys of the entries that are gone."""
    kept = store.read_known([key for key in store.committed() if key in pinned]).found
    digests = {bytes.fromhex(metadata.digest) for metadata, _ in kept.values()}.union(pinned)
    keys = [key for key in store.committed() if key not in kept]
    files = [(METADATA, metadata_file(key)) for key in keys]
    files += [file for file in _all_of_ours(store, MODULES) if digest_in(file[1], ".wasm") not in digests]
    files += [(METADATA, name) for name in store.names(METADATA) if name.startswith(TEMPORARY)]
    _remove(store, [*files, *_all_of_ours(store, QUARANTINE)])
    return keys


def empty(store: FileStore) -> Swept:
    """Removes everything that is ours but the index and the locks."""
    return _remove(store, _all_of_ours(store, SNAPSHOTS, METADATA, MODULES, QUARANTINE))


def _age(store: FileStore, file: tuple[str, str], now: int) -> int:
    try:
        return now - store.disk.stamp(store.path(*file)).mtime_ns
    except OSError:
        return -1  # Gone in between.


def _remove(store: FileStore, files: Iterable[tuple[str, str]]) -> Swept:
    count = size = left = 0
    why = ""
    for folder, name in files:
        try:
            gone = store.discard(folder, name)
        except OSError as error:
            left += 1
            why = why or f"removing {folder}/{name}: {error.strerror or error}"
            continue
        count += gone is not None
        size += gone or 0
    return Swept(count, size, left, why)
