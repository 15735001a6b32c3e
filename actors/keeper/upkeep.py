"""Keeping the cache in bounds: full disks, eviction after a build, garbage collection, clearing.

Code that removes entries holds `lock` (see `locks.py`), and removes row, then metadata, then object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from actors.events import CacheTooSmall, EntriesEvicted
from actors.keeper import commits, index, locks, recovery, sweep
from actors.keeper.cache import BuildCache, said
from actors.keeper.database import Unusable
from actors.keeper.eviction import ORDERINGS, EvictionChoice
from actors.keeper.store import METADATA, MODULES, QUARANTINE, FileStore, Incoming, is_snapshot_name
from actors.keeper.sweep import Swept
from actors.messages import CacheStatistics, Collected, RemoteCounts

_REMOTE_COUNTS = RemoteCounts.__struct_fields__

QUARANTINE_PART = 10
"""When space is short, quarantine may keep a tenth of the limit."""


class Evicted(NamedTuple):
    """How many `entries` and bytes are gone. `needed`: see `eviction.Choice`."""

    entries: int = 0
    freed: int = 0
    needed: int = 0


class Upkeep:
    """`limit` in bytes, 0 for none; `eviction` is one of `eviction.ORDERINGS`."""

    def __init__(self, cache: BuildCache, limit: int, eviction: str) -> None:
        if eviction not in ORDERINGS:
            raise ValueError(f"eviction is one of {', '.join(ORDERINGS)}, not {eviction!r}")
        self.cache = cache
        self.limit = limit
        self.eviction = eviction

    # ---- in a build

    async def store(self, entries: Sequence[Incoming], force: bool) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Stores entries. On a full disk it makes room and retries once, then goes on without. Returns the digest that
        each key has now, and the keys whose new bytes were refused."""
        cache = self.cache
        if not cache.now.writable:
            cache.unstored.update(incoming.key for incoming in entries)
            return {}, []
        kept = await cache.keep(entries, force)
        digests, refused = kept.digests, kept.refused
        if kept.rest:
            await self.make_room()
            again = await cache.keep(kept.rest, force)
            digests, refused = digests | again.digests, refused + again.refused
            if again.rest:
                cache.now.writable = False
                cache.degrade("storing: the disk is full")
        return digests, sorted(refused)

    async def make_room(self) -> Evicted:
        """The disk is full: remove a fifth, but nothing that a running build uses."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Evicted()
            _, freed = await cache.files((0, 0), sweep.sweep_quarantine, cache.store, 0)
            await cache.sync_with_neighbours()
            size = await cache.read(index.size)
            if not size:
                return Evicted(freed=freed)
            return await self._evict(size - 1, 0, freed, (), cache.in_use.keys | cache.in_use.digests)

    async def remove_unpinned(self) -> None:
        """The disk is so full that the program does not fit: remove everything that no other process uses. The rows
        stay for now (`drop_dangling`), because deleting them would need space, too."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return
            cache.degrade("the disk is full: the cache was given up for the program")
            await cache.forget_builds()
            removed = await cache.files(None, sweep.empty_unpinned, cache.store, await self.pinned_by_others())
            if removed is not None:
                cache.mark_lost(removed)
            cache.hot.clear()
            await cache.close()

    async def remove_index(self) -> None:
        """The program still does not fit, and SQLite, which needs space to shorten its log, holds what is left: remove
        the index, and the statistics with it."""
        cache = self.cache
        await cache.close()
        with suppress(Unusable):
            await recovery.discard_index(cache.offload, cache.store)

    async def drop_dangling(self) -> None:
        """Removes rows without files, if the index can be used (again)."""
        self.cache.retry_index()
        await self.cache.write(commits.drop_dangling, self.cache.store)

    # ---- after a build

    async def remember(self, snapshot: str, data: bytes, plan: bytes) -> None:
        """Writes the snapshot of the build and its plan. If entries were lost that this build did not have
        to make again, or could not be stored, it writes nothing: then the next process looks at everything."""
        cache = self.cache
        if not is_snapshot_name(snapshot) or cache.lost or cache.unstored:
            return
        try:
            size = len(data) + (len(plan) or len(data))  # Without a plan, the one that is there is read and written.
            written = await cache.offload.files(4, size, cache.store.write_snapshot, snapshot, data, plan)
        except FileNotFoundError:
            pass  # Another process lost entries and is forgetting all builds at this moment, this one included.
        except OSError as error:
            cache.degrade(f"writing the snapshot: {said(error)}")
        else:
            cache.count(bytes_written=written)

    async def finish(self, used: Iterable[bytes]) -> Evicted:
        """Stamps what the build used, writes the statistics, evicts down to the limit. `used` are keys that it did not
        look up."""
        cache = self.cache
        in_use = cache.in_use
        counts = cache.take_counts()
        if self.limit > 0:
            await cache.sync_with_neighbours()
        size = await cache.write(index.end_build, in_use.found, in_use.read, counts)
        if size is None:
            cache.count(**counts)
            return Evicted()
        if self.limit <= 0:
            return Evicted()
        if size <= self.limit and size + await cache.files(0, cache.store.size, QUARANTINE) <= self.limit:
            return Evicted()
        # Only now, when something has to go, does it matter that these were used.
        own = set(used)
        await cache.write(index.touch, own)
        async with self._locked() as free:
            return await self._shrink(own | in_use.keys | in_use.digests) if free else Evicted()

    async def _shrink(self, own: Collection[bytes]) -> Evicted:
        """Down to the limit: first what nobody needs, then entries. `own` go last."""
        cache = self.cache
        freed = (await self._sweep(sweep.ORPHAN_NS)).freed
        allowed = self.limit // QUARANTINE_PART
        other, more = await cache.files((0, 0), sweep.sweep_quarantine, cache.store, allowed)
        return await self._evict(self.limit, other, freed + more, own, ())

    async def _evict(
        self, limit: int, other: int, freed: int, own: Collection[bytes], pinned: Collection[bytes]
    ) -> Evicted:
        cache = self.cache
        pinned = {*pinned, *await self.pinned_by_others()}
        chosen = await cache.write(index.evict, self.eviction, limit, other, frozenset(own), pinned)
        if chosen is None:
            return Evicted(freed=freed)
        return await self._carry_out(*chosen, freed)

    async def _carry_out(self, choice: EvictionChoice, victims: dict[bytes, bytes], freed: int) -> Evicted:
        """Removes the files of what was chosen."""
        cache = self.cache
        keys: list[bytes] = []
        gone = 0
        if victims:
            # The rows are deleted; now read the pins once more. Builds pin keys before they look them up, so a build
            # that saw a row which is gone now has pinned it by now, and `commits.remove` restores it.
            beside = not cache.memory and await cache.offload.run(recovery.has_neighbours, cache.store)
            pinned = await self.pinned_by_others()
            removed = await cache.write(commits.remove, cache.store, victims, pinned, beside)
            keys, gone = removed or ([], 0)
        for key in keys:
            cache.hot.drop(victims[key])
        if keys:
            cache.emit(EntriesEvicted, count=len(keys), freed_bytes=gone)
        if choice.needed:
            cache.emit(CacheTooSmall, limit_bytes=self.limit, needed_bytes=choice.needed)
        return Evicted(len(keys), freed + gone, choice.needed)

    async def pinned_by_others(self) -> set[bytes]:
        """The keys and digests that builds of other processes are using now."""
        cache = self.cache
        if cache.memory:
            return set()
        return await cache.offload.run(locks.pinned_by_others, cache.store.folder, cache.in_use.pins, cache.store.disk)

    # ---- garbage collection and clearing

    async def collect(self, force: bool) -> Collected:
        """Temporary files, orphans (of any age with `force`), then eviction."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Collected(busy=True)
            cache.retry()
            await cache.sync_with_neighbours()
            swept = await self._sweep(0 if force else sweep.ORPHAN_NS)
            size = await cache.read(index.size) or 0
            size += await cache.files(0, cache.store.size, QUARANTINE)
            evicted = Evicted()
            if 0 < self.limit < size:
                evicted = await self._shrink(cache.in_use.keys | cache.in_use.digests)
        return self._collected(swept, evicted)

    def _collected(self, swept: Swept, evicted: Evicted) -> Collected:
        if swept.why:
            self.cache.degrade(swept.why)
        return Collected(
            removed_files=swept.files,
            freed_bytes=swept.freed + evicted.freed,
            evicted=evicted.entries,
            left_files=swept.left,
            degraded=swept.why or self.cache.degraded,
        )

    async def _sweep(self, older_than_ns: int) -> Swept:
        """Metadata is the commit point: an entry that lacks only its row gets one. Everything else that no row names
        and that is old enough is removed."""
        cache = self.cache
        known = await cache.read(index.all_keys)
        if known is None or not await cache.adopt_files(set(known)):
            return Swept()
        in_use = frozenset(cache.in_use.digests)
        swept = await cache.write(commits.sweep_orphans, cache.store, in_use, older_than_ns)
        return swept or Swept()

    async def clear(self) -> Collected:
        """Removes everything but the statistics."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Collected(busy=True)
            cache.retry()
            # First the plans, which promise that the rest is there: if one of them stays, so does the rest.
            swept = await cache.forget_builds()
            if swept.left:
                return self._collected(swept, Evicted())
            cache.mark_lost(await cache.files([], cache.store.committed))
            await cache.write(index.clear)
            cache.hot.clear()
            rest = await cache.files(Swept(), sweep.empty, cache.store)
            swept = Swept(swept.files + rest.files, swept.freed + rest.freed, rest.left, rest.why)
            await self.drop_dangling()
        return self._collected(swept, Evicted())

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[bool]:
        """Holds the lock; False if another process holds it. Where there can be no lock (in memory, no folder,
        read-only) there is nothing to protect."""
        cache = self.cache
        lock = None
        free = True
        if not cache.memory:
            try:
                with cache.offload.shield():
                    lock = await cache.offload.run(cache.store.disk.lock, cache.store.path(locks.COLLECTING))
                free = lock is not None
            except OSError:
                pass
        try:
            yield free
        finally:
            if lock is not None:
                lock.release()

    # ---- statistics

    async def statistics(self) -> CacheStatistics:
        """Counts of all processes since the last reset, and what is on disk now."""
        cache = self.cache
        counts = cache.take_counts()
        total = await cache.write(index.counters, counts)
        if total is None:
            cache.count(**counts)
            total = counts
        hits, misses = int(total.get("hits", 0)), int(total.get("misses", 0))
        entries, size = await cache.files((0, 0), _measure, cache.store)
        return CacheStatistics(
            compilations=int(total.get("compilations", 0)),
            hits=hits,
            misses=misses,
            hit_rate=hits / (hits + misses) if hits + misses else 0.0,
            evictions=int(total.get("evictions", 0)),
            corruptions=int(total.get("corruptions", 0)),
            degradations=int(total.get("degradations", 0)),
            compiled_twice=int(total.get("compiled_twice", 0)),
            bytes_read=int(total.get("bytes_read", 0)),
            bytes_written=int(total.get("bytes_written", 0)),
            saved_ms=float(total.get("saved_ms", 0.0)),
            remote=RemoteCounts(**{name: int(total.get(f"remote_{name}", 0)) for name in _REMOTE_COUNTS}),
            entries=entries,
            size_bytes=size,
            limit_bytes=self.limit,
        )


def _measure(store: FileStore) -> tuple[int, int]:
    return len(store.committed()), store.size(MODULES, METADATA, QUARANTINE)
