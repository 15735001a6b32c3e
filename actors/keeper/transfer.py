"""A cache in one file: `wasmill cache export` writes it, `wasmill cache import` takes it over."""

from __future__ import annotations

from collections.abc import Collection

from actors.disk import Disk
from actors.keeper import index, publish
from actors.keeper.cache import BuildCache, said
from actors.keeper.foreign import LARGEST_EXPORT, ForeignEntry, pack, unpack
from actors.keeper.metadata import Odd, encode
from actors.keeper.store import FileStore, Incoming
from actors.keeper.upkeep import Upkeep
from actors.messages import BATCH, Exported, Imported


async def export_file(cache: BuildCache, path: str, keys: Collection[bytes], digests: Collection[bytes]) -> Exported:
    """Writes the entries with these keys, and those whose objects have these digests. What is missing or damaged is
    left out."""
    cache.retry()
    known = await cache.read(index.all_digests) or []
    chosen = sorted([(key, digest) for key, digest in known if key in keys or digest in digests])
    size = 0
    entries: list[ForeignEntry] = []
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        await cache.find([key for key, _ in batch])  # Also pins them.
        data = await cache.load([digest for _, digest in batch])
        metadata = await cache.offload.run(_texts, cache.store, [key for key, digest in batch if digest in data])
        entries += [ForeignEntry(key, metadata[key], data[digest]) for key, digest in batch if key in metadata]
    await cache.unpin()
    try:
        size = await cache.offload.run(_write, cache.store.disk, path, entries)
    except OSError as error:
        return Exported(error=said(error), degraded=cache.degraded)
    return Exported(entries=len(entries), size_bytes=size, missing=len(chosen) - len(entries), degraded=cache.degraded)


async def import_file(upkeep: Upkeep, path: str) -> Imported:
    """Stores all entries of a file, or none if anything in the file is wrong. Entries that the cache has stay."""
    cache = upkeep.cache
    cache.retry()
    try:
        entries = await cache.offload.run(_read, cache.store.disk, path)
    except OSError as error:
        return Imported(error=said(error))
    except Odd as odd:
        return Imported(error=str(odd))
    stored = refused = 0
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        known = await cache.find([incoming.key for incoming in batch])
        new = [incoming for incoming in batch if incoming.key not in known[0]]
        refused += sum(known[0][key].digest != digest for key, digest, _ in batch if key in known[0])
        kept, _ = await upkeep.store(new, force=False)
        stored += len(kept)
    await cache.unpin()
    return Imported(entries=len(entries), stored=stored, refused=refused, degraded=cache.degraded)


def _texts(store: FileStore, keys: list[bytes]) -> dict[bytes, bytes]:
    return {key: encode(metadata, key) for key, (metadata, _) in store.read_known(keys).found.items()}


def _write(disk: Disk, path: str, entries: list[ForeignEntry]) -> int:
    data = pack(entries)
    publish.write(disk, path, data)
    return len(data)


def _read(disk: Disk, path: str) -> list[Incoming]:
    return unpack(disk.read(path, LARGEST_EXPORT))
