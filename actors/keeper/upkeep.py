"""Keeping the cache in bounds: full disks, eviction after a build, garbage collection, clearing.

Whatever removes entries holds `lock` (see `locks.py`), and removes row, then metadata, then object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import anyio

from actors.digests import Digest
from actors.events import CacheTooSmall, EntriesEvicted
from actors.keeper import commits, index, locks, neighbours, plans, recovery, sweep
from actors.keeper.cache import Cache, said
from actors.keeper.database import Unusable
from actors.keeper.eviction import ORDERINGS, Choice
from actors.keeper.store import METADATA, MODULES, QUARANTINE, Store
from actors.keeper.sweep import Swept
from actors.messages import CacheStatistics, Collected, NewEntry

QUARANTINE_PART = 10
"""When space is short, quarantine may keep a tenth of the limit."""


class Evicted(NamedTuple):
    """`needed`: see `eviction.Choice`."""

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

    # ---- in a build

    async def store(
        self, entries: tuple[NewEntry, ...], force: bool
    ) -> tuple[dict[Digest, Digest], tuple[Digest, ...]]:
        """Store entries; on a full disk make room and try once more, then go on without. Gives the digest that each key
        has now, and the keys whose new bytes were refused."""
        cache = self.cache
        if not cache.writable:
            cache.unstored.update(entry.key for entry in entries)
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

    async def make_room(self) -> Evicted:
        """The disk is full: let go of a fifth, but of nothing that a running build uses."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Evicted()
            _, freed = await cache.files((0, 0), sweep.sweep_quarantine, cache.store, 0)
            await neighbours.agree(cache)
            size = await cache.read(index.size)
            if not size:
                return Evicted(freed=freed)
            return await self._evict(size - 1, 0, freed, (), cache.held.keys | cache.held.names)

    async def give_all(self) -> None:
        """The disk is so full that the program does not fit: let go of everything that no other process uses. The rows
        stay for now (`drop_dangling`), for taking them away would need space, too."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return
            cache.degrade("the disk is full: the cache was given up for the program")
            await cache.forget_builds()
            held = await self._pinned_by_others()
            swept = await cache.files(None, sweep.empty_unpinned, cache.store, {name.hex() for name in held})
            if swept is not None:
                cache.lose(swept)
            cache.hot.clear()
            await cache.close()

    async def give_index(self) -> None:
        """It still does not fit, and SQLite, which wants space to make its log shorter, holds what is left: let go of
        the index, and of the statistics with it."""
        cache = self.cache
        await cache.close()
        with suppress(Unusable):
            await recovery.discard_index(cache.offload, cache.store)

    async def drop_dangling(self) -> None:
        """Remove rows that lead nowhere, if the index can be used (again)."""
        self.cache.try_index_again()
        await self.cache.write(commits.drop_dangling, self.cache.offload, self.cache.store)

    # ---- after a build

    async def remember(self, snapshot: str, data: bytes, plan: bytes) -> None:
        """Write the snapshot of the build and the planner's memory, unless entries were lost meanwhile that this build
        did not have to make again, or could not be stored: then the next process looks at everything."""
        cache = self.cache
        if not plans.is_name(snapshot) or cache.lost or cache.unstored:
            return
        try:
            written = await cache.offload.run(plans.write, cache.store, snapshot, data, plan)
        except FileNotFoundError:
            pass  # Another process lost entries, and forgets all builds just now: this one too.
        except OSError as error:
            cache.degrade(f"writing the snapshot: {said(error)}")
        else:
            cache.count(bytes_written=written)

    async def finish(self, used: Iterable[Digest]) -> Evicted:
        """Stamp what the build used, write the statistics, evict down to the limit. `used` are keys that it did not
        look up; they are stamped only when something has to go, for that is when it matters."""
        cache = self.cache
        held = cache.held
        counts = cache.take_counts()
        if self.limit > 0:
            await neighbours.agree(cache)
        size = await cache.write(index.record, held.found, held.read, counts)
        if size is None:
            cache.count(**counts)
            return Evicted()
        if self.limit <= 0:
            return Evicted()
        if size <= self.limit and size + await cache.files(0, cache.store.size, QUARANTINE) <= self.limit:
            return Evicted()
        own = {bytes.fromhex(key) for key in used}
        await cache.write(index.touch, own)
        async with self._locked() as free:
            return await self._shrink(own | held.keys | held.names) if free else Evicted()

    async def _shrink(self, own: Iterable[bytes]) -> Evicted:
        """Down to the limit: first what nobody needs, then entries. `own` go last."""
        cache = self.cache
        freed = (await self._sweep(sweep.ORPHAN_NS)).freed
        allowed = self.limit // QUARANTINE_PART
        other, more = await cache.files((0, 0), sweep.sweep_quarantine, cache.store, allowed)
        return await self._evict(self.limit, other, freed + more, own, ())

    async def _evict(
        self, limit: int, other: int, freed: int, own: Iterable[bytes], pinned: Iterable[bytes]
    ) -> Evicted:
        cache = self.cache
        held = {*pinned, *await self._pinned_by_others()}
        chosen = await cache.write(index.evict, self.eviction, limit, other, frozenset(own), held)
        if chosen is None:
            return Evicted(freed=freed)
        return await self._carry_out(*chosen, freed)

    async def _carry_out(self, choice: Choice, victims: dict[bytes, bytes], freed: int) -> Evicted:
        """Remove the files of what was chosen. Builds pin keys before they look them up: whoever saw a row that is gone
        now has pinned it by now, and gets it back."""
        cache = self.cache
        keys: list[Digest] = []
        gone = 0
        if victims:
            beside = not cache.memory and await cache.offload.run(neighbours.has_neighbours, cache.store)
            held = await self._pinned_by_others()
            removed = await cache.write(commits.remove, cache.offload, cache.store, victims, held, beside)
            keys, gone = removed or ([], 0)
        for key in keys:
            cache.hot.drop(victims[bytes.fromhex(key)].hex())
        if keys:
            cache.emit(EntriesEvicted, count=len(keys), freed_bytes=gone)
        if choice.needed:
            cache.emit(CacheTooSmall, limit_bytes=self.limit, needed_bytes=choice.needed)
        return Evicted(len(keys), freed + gone, choice.needed)

    async def _pinned_by_others(self) -> set[bytes]:
        cache = self.cache
        if cache.memory:
            return set()
        return await cache.offload.run(locks.others, cache.store.folder, cache.held.pins, cache.store.disk)

    # ---- garbage collection and clearing

    async def collect(self, force: bool) -> Collected:
        """Temporary files, orphans (of any age with `force`), then eviction."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Collected(busy=True)
            cache.afresh()
            await neighbours.agree(cache)
            swept = await self._sweep(0 if force else sweep.ORPHAN_NS)
            size = await cache.read(index.size) or 0
            size += await cache.files(0, cache.store.size, QUARANTINE)
            evicted = Evicted()
            if 0 < self.limit < size:
                evicted = await self._shrink(cache.held.keys | cache.held.names)
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
        and that is old enough goes."""
        cache = self.cache
        known = await cache.read(index.all_keys)
        if known is None:
            return Swept()
        found = await cache.files(None, recovery.rows_of_files, cache.store, set(known))
        if found is None:
            return Swept()
        rows, damaged = found
        for key, reason in damaged.items():
            cache.quarantined(f"{METADATA}/{key}.json", reason)
        if rows:
            await cache.write(commits.adopt, cache.offload, cache.store, rows)
        held = frozenset(cache.held.names)
        swept = await cache.write(commits.sweep_orphans, cache.offload, cache.store, held, older_than_ns)
        return swept or Swept()

    async def clear(self) -> Collected:
        """Remove everything but the statistics."""
        cache = self.cache
        async with self._locked() as free:
            if not free:
                return Collected(busy=True)
            cache.afresh()
            # First what promises that the rest is there: if that stays, so does the rest.
            swept = await cache.forget_builds()
            if swept.left:
                return self._collected(swept, Evicted())
            cache.lose(await cache.files([], cache.store.committed))
            await cache.write(index.clear)
            cache.hot.clear()
            rest = await cache.files(Swept(), sweep.empty, cache.store)
            swept = Swept(swept.files + rest.files, swept.freed + rest.freed, rest.left, rest.why)
            await self.drop_dangling()
        return self._collected(swept, Evicted())

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[bool]:
        """Hold the lock; False where somebody else has it. Where there can be no lock (in memory, no folder,
        read-only) there is nothing to keep others from."""
        cache = self.cache
        lock = None
        free = True
        if not cache.memory:
            try:
                with anyio.CancelScope(shield=True):
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
            entries=entries,
            size_bytes=size,
            limit_bytes=self.limit,
        )


def _measure(store: Store) -> tuple[int, int]:
    return len(store.committed()), store.size(MODULES, METADATA, QUARANTINE)
