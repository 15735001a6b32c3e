"""Other schemas in the same folder: an older and a newer Wasmill that share a cache (law 7).

Each schema has an index of its own, and nobody touches another's. `metadata/` and `modules/`, the pins and the locks
belong to all of them. So what is there can be seen by everybody, but who stores or evicts does so without a row in the
others' indexes. Whoever has neighbours therefore makes its own index say what the files say: before it looks
something up, and before it measures, evicts, collects or verifies. Else it would serve rows without files, overlook
half of what the limit is for, or take for an orphan what somebody else needs.

That costs a listing and a look at all keys, so it is done only beside an index that was written lately: after an
upgrade the older one lies there for ever. A clock that is wrong about that costs late misses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actors.keeper import commits, index, recovery
from actors.keeper.store import METADATA, Store

if TYPE_CHECKING:
    from actors.keeper.cache import Cache

LATELY_NS = 30 * 24 * 3600 * 10**9
"""An index that nobody has written for thirty days is one of a version that nobody uses any more."""

_INDEX = re.compile(r"(index(?:-[0-9]+)?\.db)(?:-wal)?")


def has_neighbours(store: Store) -> bool:
    """Whether another schema's index is here, and was written lately. Blocks."""
    try:
        names = [entry.name for entry in store.disk.entries(store.folder)]
    except OSError:
        return False
    now = store.disk.now_ns()
    for name in names:
        found = _INDEX.fullmatch(name)
        if found is None or found[1] == index.FILE:
            continue
        try:
            if now - store.disk.stamp(store.path(name)).mtime_ns < LATELY_NS:
                return True
        except OSError:
            continue  # Gone in between: a log that was folded into its database.
    return False


async def agree(cache: Cache) -> bool:
    """Beside neighbours: rows for what they stored, and none for what they removed. Gives whether there are any."""
    store = cache.store
    if cache.memory or not await cache.offload.run(has_neighbours, store):
        return False
    known = await cache.read(index.all_keys)
    names = None if known is None else await cache.files(None, store.committed)
    if known is None or names is None:
        return True
    ours, there = {key.hex() for key in known}, set(names)
    if ours - there:
        await cache.write(commits.drop_gone, cache.offload, store)
    if there - ours:
        rows, damaged = await cache.files(([], {}), recovery.rows_of_files, store, set(known))
        for key, reason in damaged.items():
            cache.quarantined(f"{METADATA}/{key}.json", reason)
        await cache.write(commits.adopt, cache.offload, store, rows)
    return True
