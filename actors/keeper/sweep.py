"""Files that nobody needs: temporary ones, orphans, and quarantine that grew. All of this blocks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from actors.digests import Digest
from actors.keeper.store import METADATA, MODULES, QUARANTINE, SNAPSHOTS, TEMPORARY, Store, stem

ORPHAN_NS = 3600 * 10**9
"""How old an orphan has to be: a younger one may belong to a build that is just storing it."""


class Swept(NamedTuple):
    """Files and bytes that are gone; how many files would not go, and why the first of them would not."""

    files: int = 0
    freed: int = 0
    left: int = 0
    why: str = ""


def sweep_orphans(
    store: Store, keys: Collection[Digest], names: Collection[Digest], older_than_ns: int = ORPHAN_NS
) -> Swept:
    """Remove temporary files, metadata of other `keys` and objects of other `names` than these."""
    orphans: list[tuple[str, str]] = []
    for folder in (METADATA, MODULES, SNAPSHOTS):
        orphans += [(folder, name) for name in store.names(folder) if name.startswith(TEMPORARY)]
    orphans += [(METADATA, key + ".json") for key in store.committed() if key not in keys]
    orphans += [
        (MODULES, name) for name in store.names(MODULES) if (digest := stem(name, ".wasm")) and digest not in names
    ]
    now = store.disk.now_ns()
    return _remove(store, [orphan for orphan in orphans if _age(store, orphan, now) >= older_than_ns])


def sweep_quarantine(store: Store, allowed: int) -> tuple[int, int]:
    """What is in quarantine is kept for a look, not for ever: when space is short it goes first, the oldest first,
    until it takes `allowed` bytes at most. Gives the bytes that stay, and the bytes that went."""
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
    """Whether a file in a folder of the cache is named as we name files there. Nothing else is ever removed: the cache
    may be a folder that had files before it was one."""
    return name.startswith(TEMPORARY) or _OURS[folder](name) is not None


_OURS = {
    MODULES: re.compile(r"[0-9a-f]{64}\.wasm").fullmatch,
    METADATA: re.compile(r"[0-9a-f]{64}\.json").fullmatch,
    QUARANTINE: re.compile(r"[0-9a-f]{12}-[0-9]+-.+", re.DOTALL).fullmatch,
    SNAPSHOTS: re.compile(r"[\w-]+-[0-9a-f]{16}(\.plan)?", re.ASCII).fullmatch,
}


def _all_of_ours(store: Store, *folders: str) -> list[tuple[str, str]]:
    return [(folder, name) for folder in folders for name in store.names(folder) if is_ours(folder, name)]


def forget_builds(store: Store) -> Swept:
    """Remove all snapshots and plans."""
    return _remove(store, _all_of_ours(store, SNAPSHOTS))


def empty_unpinned(store: Store, held: Collection[str]) -> list[Digest]:
    """Remove all entries, leftovers and quarantine, but for what is `held` (keys and digests). Gives the keys."""
    kept = store.read_known([key for key in store.committed() if key in held]).found
    names = {metadata.digest for metadata, _ in kept.values()}.union(held)
    keys = [key for key in store.committed() if key not in kept]
    files = [(METADATA, key + ".json") for key in keys]
    files += [file for file in _all_of_ours(store, MODULES) if file[1].removesuffix(".wasm") not in names]
    files += [(METADATA, name) for name in store.names(METADATA) if name.startswith(TEMPORARY)]
    _remove(store, [*files, *_all_of_ours(store, QUARANTINE)])
    return keys


def empty(store: Store) -> Swept:
    """Remove everything that is ours but the index and the locks."""
    return _remove(store, _all_of_ours(store, SNAPSHOTS, METADATA, MODULES, QUARANTINE))


def _age(store: Store, file: tuple[str, str], now: int) -> int:
    try:
        return now - store.disk.stamp(store.path(*file)).mtime_ns
    except OSError:
        return -1  # Gone in between.


def _remove(store: Store, files: Iterable[tuple[str, str]]) -> Swept:
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
