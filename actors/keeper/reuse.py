"""Fragments of stored objects, and whole objects, handed out for reuse."""

from __future__ import annotations

from actors.digests import Digest
from actors.keeper import index
from actors.keeper.cache import Cache
from actors.keeper.functions import fragments_of
from actors.messages import Entry


async def find_fragments(cache: Cache, fingerprints: tuple[Digest, ...]) -> dict[Digest, bytes]:
    """Those that are there: the objects that should have them are read, once each, and checked as ever. Whatever is odd
    is a miss."""
    homes = await cache.read(index.find_fragments, [bytes.fromhex(name) for name in fingerprints]) or []
    cache.expect(row for row, _ in homes)
    objects = await cache.load(tuple(row.digest.hex() for row, _ in homes), False)
    found: dict[Digest, bytes] = {}
    for row, names in homes:
        data = objects.get(row.digest.hex(), b"")
        places = fragments_of(data)
        for name in names:
            if name in places:
                offset, length = places[name]
                found[name.hex()] = data[offset : offset + length]
    return found


async def find_objects(cache: Cache, keys: tuple[Digest, ...]) -> dict[Digest, tuple[Entry, bytes]]:
    """The entries of these keys that are there, with their bytes, checked as ever."""
    if not keys:
        return {}
    entries, _ = await cache.find(keys)
    data = await cache.load(tuple(entry.digest for entry in entries.values()), False)
    return {key: (entry, data[entry.digest]) for key, entry in entries.items() if entry.digest in data}
