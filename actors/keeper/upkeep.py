"""Keeping the cache in order: eviction after a build, garbage collection, verification, clearing.

Whatever removes files of entries holds `lock` (see `locks.py`), and removes row, then metadata, then object.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from actors.digests import Digest
from actors.events import CacheTooSmall, EntriesEvicted
from actors.keeper import index, locks, plans, recovery
from actors.keeper.cache import Cache
from actors.keeper.eviction import ORDERINGS, Choice
from actors.keeper.metadata import Odd
from actors.keeper.store import (
    METADATA,
    MODULES,
    QUARANTINE,
    SNAPSHOTS,
    TEMPORARY,
    Store,
    is_digest,
)
from actors.messages import CacheStatistics, Collected, Damage, NewEntry

ORPHAN_NS = 3600 * 10**9
"""How old an orphan has to be: a younger one may belong to a build that is just storing it."""

VERIFY_BATCH = 64


class Evicted(NamedTuple):
    entries: int = 0
    freed: int = 0
    needed: int = 0


class Upkeep:
    """`limit` in bytes, 0 for none; `eviction` is "lru", "lfu" or "fifo"."""

    def __init__(self, cache: Cache, limit: int, eviction: str) -> None:
        if eviction not in ORDERINGS:
            raise ValueError(f"eviction is one of {', '.join(ORDERINGS)}, not {eviction!r}")
        self.cache = cache
        self.limit = limit
        self.eviction = eviction

    # ---- storing, and after a build

    async def store(
        self, entries: tuple[NewEntry, ...], force: bool
    ) -> tuple[dict[Digest, Digest], tuple[Digest, ...]]:
        """Store entries; on a full disk make room and try once more, then go on without. Gives the digest that each key
        has now, and the keys whose new bytes were refused."""
        cache = self.cache
        if not cache.writable:
            return {}, ()
        kept = await cache.keep(entries, force)
        digests, refused = kept.digests, kept.refused
        if kept.rest:
            await self.make_room()
            again = await cache.keep(tuple(kept.rest), force)
            digests, refused = digests | again.digests, refused + again.refused
            if again.rest:
                cache.writable = False
                cache.degrade("storing: the disk is full")
        return digests, tuple(sorted(refused))

    async def remember(self, snapshot: str, data: bytes, plan: bytes) -> None:
        """Write the snapshot of the build and the planner's memory."""
        cache = self.cache
        if not plans.is_name(snapshot):
            return
        try:
            written = await cache.offload.run(plans.write, cache.store, snapshot, data, plan)
        except OSError as error:
            cache.degrade(f"writing the snapshot: {error.strerror or error}")
        else:
            cache.count(bytes_written=written)

    async def statistics(self) -> CacheStatistics:
        """Counts of all processes since the last reset, and what is on disk now."""
        cache = self.cache
        counts = cache.take_counts()
        total = await cache.write(index.counters, counts)
        if total is None:
            cache.count(**counts)
            total = counts
        hits, misses = int(total.get("hits", 0)), int(total.get("misses", 0))
        keys, size = await cache.offload.run(_measure, cache.store)
        return CacheStatistics(
            compilations=int(total.get("compilations", 0)),
            hits=hits,
            misses=misses,
            hit_rate=hits / (hits + misses) if hits + misses else 0.0,
            evictions=int(total.get("evictions", 0)),
            corruptions=int(total.get("corruptions", 0)),
            degradations=int(total.get("degradations", 0)),
            bytes_read=int(total.get("bytes_read", 0)),
            bytes_written=int(total.get("bytes_written", 0)),
            saved_ms=float(total.get("saved_ms", 0.0)),
            entries=keys,
            size_bytes=size,
            limit_bytes=self.limit,
        )

    async def finish(self) -> Evicted:
        """Stamp what the build used, write the statistics, evict down to the limit."""
        cache = self.cache
        held = cache.held
        counts = cache.take_counts()
        size = await cache.write(index.record, held.found, held.names, counts)
        if size is None:
            cache.count(**counts)
            return Evicted()
        if self.limit <= 0 or (size <= self.limit and size + await self._quarantine_size() <= self.limit):
            return Evicted()
        return await self.evict(held.keys | held.names)

    async def make_room(self) -> Evicted:
        """The disk is full: let go of a fifth, but of nothing that a running build uses."""
        cache = self.cache
        size = await cache.write(index.record, (), (), {})
        pinned = cache.held.keys | cache.held.names
        return await self.evict((), limit=int((size or 0) * 0.8), pinned=pinned)

    async def evict(self, own: Iterable[bytes], *, limit: int | None = None, pinned: Iterable[bytes] = ()) -> Evicted:
        """Evict down to the limit, unless another process is doing so. `own` goes last, `pinned` not at all."""
        cache = self.cache
        lock = await self._lock()
        if lock is False:
            return Evicted()
        try:
            other, freed_files = await cache.offload.run(_sweep_quarantine, cache.store, self.limit)
            held = {*pinned, *await self._pinned_by_others()}
            chosen = await cache.write(
                index.evict,
                self.eviction,
                self.limit if limit is None else limit,
                other,
                frozenset(own),
                held,
            )
            if chosen is None:
                return Evicted(freed=freed_files)
            choice, names = chosen
            return await self._carry_out(choice, names, freed_files)
        finally:
            await self._unlock(lock)

    async def _carry_out(self, choice: Choice, names: Iterable[bytes], freed_files: int) -> Evicted:
        cache = self.cache
        keys = [key.hex() for key in choice.victims]
        gone = [name.hex() for name in names]
        _, freed = await cache.offload.run(cache.store.forget, keys, gone)
        for name in gone:
            cache.hot.drop(name)
        if keys:
            cache.emit(EntriesEvicted, count=len(keys), freed_bytes=freed)
        if choice.needed:
            cache.emit(CacheTooSmall, limit_bytes=self.limit, needed_bytes=choice.needed)
        return Evicted(len(keys), freed + freed_files, choice.needed)

    async def _quarantine_size(self) -> int:
        return await self.cache.offload.run(self.cache.store.size, QUARANTINE)

    async def _pinned_by_others(self) -> set[bytes]:
        cache = self.cache
        if cache.memory:
            return set()
        return await cache.offload.run(locks.others, cache.store.folder, cache.held.pins)

    # ---- garbage collection and clearing

    async def collect(self, force: bool) -> Collected:
        """Temporary files, orphans (of any age with `force`), then eviction."""
        cache = self.cache
        lock = await self._lock()
        if lock is False:
            return Collected(busy=True)
        try:
            await self._adopt()
            known = await cache.read(index.all_keys)
            if known is None:
                return Collected()
            mine = {name.hex() for name in cache.held.keys | cache.held.names}
            files, freed = await cache.offload.run(
                sweep, cache.store, {key.hex() for key in known}, mine, 0 if force else ORPHAN_NS
            )
        finally:
            await self._unlock(lock)
        evicted = await self.evict(cache.held.keys | cache.held.names) if self.limit > 0 else Evicted()
        return Collected(removed_files=files, freed_bytes=freed + evicted.freed, evicted=evicted.entries)

    async def _adopt(self) -> None:
        """Metadata is the commit point: an entry that lacks only its row gets one."""
        cache = self.cache
        known = await cache.read(index.all_keys)
        if known is None:
            return
        rows, damaged = await cache.offload.run(recovery.rows_of_files, cache.store, set(known))
        for key, reason in damaged.items():
            cache.quarantined(f"{METADATA}/{key}.json", reason)
        if rows:
            await cache.write(index.insert, rows)

    async def clear(self) -> Collected:
        """Remove everything but the statistics."""
        cache = self.cache
        lock = await self._lock()
        if lock is False:
            return Collected(busy=True)
        try:
            await cache.write(index.clear)
            cache.hot.clear()
            files, freed = await cache.offload.run(_empty, cache.store)
        finally:
            await self._unlock(lock)
        return Collected(removed_files=files, freed_bytes=freed)

    async def _lock(self) -> locks.Lock | bool | None:
        """The lock; False where somebody else has it, None where none is needed or none can be had."""
        cache = self.cache
        if cache.memory:
            return None
        try:
            return await cache.offload.run(locks.take, cache.store.path(locks.COLLECTING)) or False
        except OSError:
            return None  # There is no folder, or it is read-only: nothing can be removed either.

    async def _unlock(self, lock: locks.Lock | bool | None) -> None:
        if isinstance(lock, locks.Lock):
            await self.cache.offload.run(lock.release)

    # ---- verification

    async def verify(self, keys: tuple[Digest, ...]) -> tuple[int, list[Damage]]:
        """Read entries from disk and compare everything. Gives how many were looked at, and what was wrong."""
        cache = self.cache
        damage: list[Damage] = []
        broken = None if keys else await cache.read(index.check)
        if broken:
            await cache.repair(broken)
            damage.append(Damage(file=index.FILE, problem=broken, action="quarantined, built anew from metadata"))
        known = await cache.read(index.all_keys)
        on_disk = await cache.offload.run(cache.store.committed)
        wanted = list(keys) or sorted({*on_disk, *(key.hex() for key in known or ())})
        for start in range(0, len(wanted), VERIFY_BATCH):
            batch = wanted[start : start + VERIFY_BATCH]
            rows = await cache.read(index.find, [bytes.fromhex(key) for key in batch])
            named = {key.hex(): row for key, row in rows.items()} if rows is not None else None
            found, read = await cache.offload.run(_verify, cache.store, batch, named)
            cache.count(bytes_read=read)
            damage += found
            bad = [bytes.fromhex(item.key) for item in found]
            if bad:
                await cache.write(index.drop, bad)
            for item in found:
                if item.action == "quarantined":
                    cache.quarantined(item.file, item.problem)
        if not keys:
            await self._adopt()
        return len(wanted), damage


def _measure(store: Store) -> tuple[int, int]:
    return len(store.committed()), store.size(MODULES, METADATA, QUARANTINE)


def _verify(store: Store, keys: list[Digest], rows: dict[Digest, index.Row] | None) -> tuple[list[Damage], int]:
    """Compare metadata, object and row of each key; move what is wrong aside. Gives the damage, and bytes read."""
    damage: list[Damage] = []
    read = 0
    for key in keys:
        found, size = _verify_entry(store, key, rows.get(key) if rows is not None else None)
        damage += found
        read += size
    return damage, read


def _verify_entry(store: Store, key: Digest, row: index.Row | None) -> tuple[list[Damage], int]:
    file = f"{METADATA}/{key}.json"
    module = row.module if row else ""
    try:
        metadata, size = store.read_metadata(key)
    except FileNotFoundError:
        if row is None:
            return [], 0
        return [Damage(file=file, problem="it is missing", action="row removed", module=module, key=key)], 0
    except (Odd, OSError) as error:
        problem = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        done = "quarantined" if store.quarantine(METADATA, key + ".json") else "left where it is"
        return [Damage(file=file, problem=problem, action=done, module=module, key=key)], 0
    module = metadata.module
    name = metadata.digest + ".wasm"
    fetched = store.fetch([(metadata.digest, "")])
    read = size + sum(map(len, fetched.data.values()))
    if fetched.data:
        if row is not None and row != recovery.row_of(metadata, row.overhead):
            return [Damage(file=file, problem="its row says something else", action="row removed",
                           module=module, key=key)], read  # fmt: skip
        return [], read
    if fetched.vanished:
        if not _still_there(store, key):
            return [], read  # Another process evicted it just now.
        store.forget([key])
        return [Damage(file=f"{MODULES}/{name}", problem="it is missing", action="entry removed",
                       module=module, key=key)], read  # fmt: skip
    problem = next(iter(fetched.damaged.values()), "") or str(next(iter(fetched.failed.values())))
    done = "quarantined" if store.quarantine(MODULES, name) else "left where it is"
    store.forget([key])
    return [Damage(file=f"{MODULES}/{name}", problem=problem, action=done, module=module, key=key)], read


def _still_there(store: Store, key: Digest) -> bool:
    try:
        store.disk.stamp(store.path(METADATA, key + ".json"))
    except OSError:
        return False
    return True


def sweep(store: Store, keys: set[Digest], mine: set[Digest], older_than_ns: int) -> tuple[int, int]:
    """Remove temporary files and orphans: metadata that has no row, objects that no metadata names. Gives the number of
    files, and bytes."""
    used = set(mine)
    orphans: list[tuple[str, str]] = []
    for folder in (METADATA, MODULES, SNAPSHOTS):
        orphans += [(folder, name) for name in store.names(folder) if name.startswith(TEMPORARY)]
    for key in store.committed():
        if key not in keys and key not in mine:
            orphans.append((METADATA, key + ".json"))
            continue
        try:
            used.add(store.read_metadata(key)[0].digest)
        except (OSError, Odd):
            continue
    orphans += [
        (MODULES, name)
        for name in store.names(MODULES)
        if name.endswith(".wasm") and is_digest(name[:-5]) and name[:-5] not in used
    ]
    return _remove_old(store, orphans, older_than_ns)


def _remove_old(store: Store, files: Iterable[tuple[str, str]], older_than_ns: int) -> tuple[int, int]:
    count = size = 0
    now = store.disk.now_ns()
    for folder, name in files:
        try:
            if now - store.disk.stamp(store.path(folder, name)).mtime_ns < older_than_ns:
                continue
        except OSError:
            continue
        gone = store.remove(folder, name)
        count += gone is not None
        size += gone or 0
    return count, size


def _sweep_quarantine(store: Store, limit: int) -> tuple[int, int]:
    """What is in quarantine is kept for a look, not for ever: it goes first when space is short, oldest first, until it
    takes a tenth of the limit at most. Gives the bytes that stay, and the bytes that went."""
    files = []
    for name in store.names(QUARANTINE):
        try:
            stamp = store.disk.stamp(store.path(QUARANTINE, name))
        except OSError:
            continue
        files.append((stamp.ctime_ns, name, stamp.size))
    size = sum(file[2] for file in files)
    freed = 0
    for _, name, length in sorted(files):
        if size - freed <= limit // 10:
            break
        if store.remove(QUARANTINE, name) is not None:
            freed += length
    return size - freed, freed


def _empty(store: Store) -> tuple[int, int]:
    count = size = 0
    for folder in (SNAPSHOTS, METADATA, MODULES, QUARANTINE):
        for name in store.names(folder):
            gone = store.remove(folder, name)
            count += gone is not None
            size += gone or 0
    return count, size
