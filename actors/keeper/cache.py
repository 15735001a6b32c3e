"""The cache: memory before files, rows before bytes, and what to do when any of it fails.

The laws of the cache; `docs/cache.md` says why they hold:

1. An object depends on nothing but its manifest. Different bytes for a key that exists are a
   `NondeterministicToolchain`, and the first ones stay.
2. A hit is decided on rows. Bytes are checked when they are used: by checksum on every read, by digest on `verify` and
   where no checksum is known. Anything odd is a miss: read once more, then quarantine, count, compile. Never an error
   for the user, never a wrong byte.
3. Object, then metadata, then row; each by temporary file and rename, or by one transaction. A crash at any point
   leaves at worst an orphan.
4. Only what is stored is stored: finished, validated results with their warnings. Errors never.
5. With a full or failing disk, or a locked or broken index, the build goes on without (that part of) the cache, and
   says so once.
6. The index can always be rebuilt from `metadata/`; statistics are best effort after that.
7. Each schema has its own index file. Nobody migrates or deletes another's; readers of metadata ignore unknown fields.
8. Local file systems only. Where write-ahead logging fails, run without an index: from `metadata/` alone.

`BuildCache` is used by one task at a time (the keeper's) and knows no mailbox. Keys and digests are raw bytes
everywhere in the keeper. They are hexadecimal in messages (`keeper.py` converts), in metadata files (`metadata.py`), in
the names of files (`store.py`) and in events (`BuildCache.emit`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from xxhash import xxh3_128_digest

from actors.digests import Digest, Stamp
from actors.events import (
    CacheDegraded,
    CompiledTwice,
    EntryQuarantined,
    Event,
    Events,
    NondeterministicToolchain,
    ObjectStored,
)
from actors.keeper import commits, index, recovery, sweep
from actors.keeper.database import Connection, Damaged, Database, Unusable, Work
from actors.keeper.fragments import fragments_of
from actors.keeper.index import EntryRow
from actors.keeper.locks import InUse
from actors.keeper.metadata import row_of
from actors.keeper.store import (
    METADATA,
    MODULES,
    NO_SPACE,
    SNAPSHOTS,
    Fetched,
    FileStore,
    Incoming,
    WriteResult,
    WrittenEntry,
    digest_in,
    metadata_file,
    object_file,
)
from actors.keeper.sweep import Swept
from actors.offload import STAMPS_A_FILE, Offload

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Collection[object])

FEW_ROWS = 64
"""The most rows that are looked up in the loop."""

BUSY_MS = 10_000
"""How long a statement waits for another process's transaction, in milliseconds. Theirs take a fraction of a second."""

_THE_INDEX = b""
"""Stands for the whole index in `BuildCache.lost`."""


class StoreResult(NamedTuple):
    """`digests` is what each key has now, `refused` are keys that had other bytes, which stay, `rest` is what did not
    fit on the disk."""

    digests: dict[bytes, bytes]
    refused: list[bytes]
    rest: Sequence[Incoming]


class HotObjects:
    """The objects that were used last, in memory: bytes by digest. Above `limit` bytes the one used longest ago goes.
    The bytes are not checked: callers compare checksums, as with bytes from anywhere else."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._objects: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, digest: bytes) -> bytes | None:
        data = self._objects.get(digest)
        if data is not None:
            self._objects.move_to_end(digest)
        return data

    def put(self, digest: bytes, data: bytes) -> None:
        """An object above the limit is not kept at all: it would only evict everything else."""
        self.drop(digest)
        if len(data) > self.limit:
            return
        self._objects[digest] = data
        self.size += len(data)
        while self.size > self.limit:
            self.size -= len(self._objects.popitem(last=False)[1])

    def drop(self, digest: bytes) -> None:
        data = self._objects.pop(digest, None)
        if data is not None:
            self.size -= len(data)

    def clear(self) -> None:
        self._objects.clear()
        self.size = 0


class BuildStatus:
    """What has happened to the cache in one build. The next build starts with a new one, so it tries everything again.

    `degraded` is why the build goes on without a part of the cache; None: all of it works. `writable` is False once
    storing has failed, `index_off` is True once the index cannot be used. `synced`: neighbours were asked.
    `forgot_builds`: plans of earlier builds were removed. `quarantined` are files, and why.
    """

    def __init__(self, build: int) -> None:
        self.build = build
        self.degraded: str | None = None
        self.writable = True
        self.index_off = self.synced = self.forgot_builds = False
        self.quarantined: list[tuple[str, str]] = []


class BuildCache:
    """`memory`: the store is in memory; then the index is in memory as well, and nobody else can use it.

    `now` is the status of the running build. `lost` are entries that are gone although plans of earlier builds name
    them; `outdated`: these plans still have to be removed (`forget_builds`). `unstored` are keys that could not be
    stored."""

    def __init__(
        self,
        store: FileStore,
        offload: Offload,
        events: Events,
        *,
        hot_memory: int,
        memory: bool = False,
        busy_ms: int = BUSY_MS,
    ) -> None:
        self.store = store
        self.offload = offload
        self.events = events
        self.now = BuildStatus(0)
        self.counts: dict[str, float] = {}
        self.hot = HotObjects(hot_memory)
        self.memory = memory
        self.busy_ms = busy_ms
        self.in_use = InUse()
        self.lost: set[bytes] = set()
        self.unstored: set[bytes] = set()
        self.outdated = False
        self._database: Database | None = None
        self._opened: Stamp | None = None
        self._behind = False

    @property
    def degraded(self) -> str | None:
        return self.now.degraded

    @property
    def _shared(self) -> str | None:
        """The folder that other processes may use at the same time; None if the cache is in memory."""
        return None if self.memory else self.store.folder

    # ---- counts and events

    def count(self, **counts: float) -> None:
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def take_counts(self) -> dict[str, float]:
        counts, self.counts = self.counts, {}
        return counts

    def emit(self, kind: Callable[..., Event], **fields: object) -> None:
        """Emits an event of this build, if anything listens. Digests become hexadecimal."""
        if self.events.wanted:
            said = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
            self.events.emit(kind(build=self.now.build, **said))

    def degrade(self, reason: str) -> None:
        """A part of the cache does not work. Emitted once a build, counted once a build."""
        if self.now.degraded is None:
            self.now.degraded = reason
            self.count(degradations=1)
            self.emit(CacheDegraded, reason=reason)

    # ---- a build begins and ends

    async def begin(self, build: int) -> bool:
        """Retries everything that failed before, and checks that the index file is still the one that is open. Returns
        whether entries were lost that earlier builds rely on."""
        await self.unpin()
        forget, self.lost = bool(self.lost), set()
        self.now = BuildStatus(build)
        on_disk = self._database is not None and not self.memory
        if on_disk and await self.offload.files(1, 0, recovery.identity, self.store) != self._opened:
            await self.close()
        return forget

    def retry(self) -> None:
        """Maintenance of the whole cache begins: retry what failed before, and report it again if it still fails."""
        self.now.degraded = None
        self.retry_index()

    def retry_index(self) -> None:
        self.now.index_off = False

    async def unpin(self) -> None:
        in_use, self.in_use = self.in_use, InUse()
        if in_use.visible:
            with self.offload.shield():  # Nobody else can release it any more.
                await self.offload.files(1, 0, in_use.release)

    async def close(self) -> None:
        """Closes the index; the next one who needs it opens it again."""
        database, self._database = self._database, None
        if database is not None:
            try:
                await database.close()
            except (Damaged, Unusable) as error:
                self.degrade(f"closing the index: {error}")

    # ---- looking up and reading

    async def find(
        self, keys: Sequence[bytes], claim: int = 0, beside: int = 0
    ) -> tuple[dict[bytes, EntryRow], set[bytes]]:
        """Returns the rows that exist, and the keys among the first `claim` ones that others have claimed
        (`Claims.take`)."""
        taken: set[bytes] = set()
        # Pin before looking up: an eviction reads the pins once more after it has deleted rows (`Upkeep._carry_out`),
        # so either it sees our pin and restores the row, or we see no row. Claim before looking up, too: a build
        # gives a claim back only after it has added the row.
        if self.in_use.add(keys) or claim:
            count = len(keys) // STAMPS_A_FILE
            taken = await self.offload.files(
                count, 0, self.in_use.claim, self._shared, self.store.disk, keys[:claim], beside
            )
        if not self.now.synced:
            self.now.synced = True
            await self.sync_with_neighbours()
        rows = await self.look_up(index.find, keys)
        if rows is None:
            rows = await self._find_in_files(keys)
        elif len(rows) < len(keys) and not self.memory:
            # Files without a row: a process died between them, or the index lost its last transactions with the power.
            files = await self._find_in_files([key for key in keys if key not in rows])
            if files:
                rows.update(await self.write(commits.adopt, self.store, list(files.items())) or {})
        self.expect(rows.values())
        self.in_use.found.update(rows)
        self.in_use.missed.update(keys)
        self.in_use.missed.difference_update(rows)
        return rows, taken

    def expect(self, rows: Iterable[EntryRow]) -> None:
        """Checks objects against the checksums in these rows from now on."""
        for row in rows:
            self.in_use.checksums[row.digest] = row.checksum

    async def _find_in_files(self, keys: Sequence[bytes]) -> dict[bytes, EntryRow]:
        """Without an index: the metadata says it all, but it takes longer."""
        known = await self.offload.files(len(keys), 0, self.store.read_known, keys)
        for key in known.damaged:
            await self.offload.run(self.store.quarantine_metadata, key)
        self.quarantined_metadata(known.damaged)
        for error in known.failed.values():
            self.degrade(f"reading {METADATA}: {said(error)}")
        return {key: row_of(*metadata) for key, metadata in known.found.items()}

    async def load(self, digests: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the objects that exist and are undamaged."""
        data: dict[bytes, bytes] = {}
        wanted: list[tuple[bytes, bytes]] = []
        for digest in dict.fromkeys(digests):
            expected = self.in_use.checksums.get(digest, b"")
            cached = self.hot.get(digest) if expected else None
            if cached is not None and xxh3_128_digest(cached) == expected:
                data[digest] = cached
            else:
                self.hot.drop(digest)
                wanted.append((digest, expected))
        if wanted:
            unknown = [digest for digest, expected in wanted if not expected]
            self.in_use.add((), unknown)
            self.in_use.read.update(unknown)
            fetched = await self.offload.files(2 * len(wanted), 0, self._fetch, wanted)
            self.count(bytes_read=sum(map(len, fetched.data.values())))
            await self._handle_failures(fetched)
            for digest, cached in fetched.data.items():
                if digest not in self.in_use.checksums:
                    self.in_use.checksums[digest] = xxh3_128_digest(cached)
                self.hot.put(digest, cached)
            data.update(fetched.data)
        return data

    def _fetch(self, wanted: list[tuple[bytes, bytes]]) -> Fetched:
        self.in_use.pin(self._shared, self.store.disk)
        return self.store.fetch(wanted)

    async def _handle_failures(self, fetched: Fetched) -> None:
        """Late misses: quarantine what is damaged, drop rows and metadata of what is gone."""
        for digest, reason in fetched.damaged.items():
            await self.offload.run(self.store.quarantine_object, digest)
            self.quarantined(f"{MODULES}/{object_file(digest)}", reason)
        for digest, error in fetched.failed.items():
            self.degrade(f"reading {MODULES}/{object_file(digest)}: {said(error)}")
        lost = [*fetched.damaged, *fetched.vanished]
        # First the plans of earlier builds, which promise that the entries are there. If one of them stays, so does the
        # row: the next build that relies on it comes here again.
        if lost and not (await self.forget_builds()).left:
            keys = await self.write(commits.drop_damaged, self.store, lost)
            self.mark_lost(lost if keys is None else keys)  # Without an index the keys of these objects are unknown.

    async def find_fragments(self, fingerprints: Collection[bytes]) -> dict[bytes, bytes]:
        """The fragments that are there: each object that should have some is read once and checked. Anything odd is a
        miss."""
        homes = await self.look_up(index.find_fragments, fingerprints) or []
        self.expect(row for row, _ in homes)
        objects = await self.load([row.digest for row, _ in homes])
        fragments: dict[bytes, bytes] = {}
        for row, names in homes:
            data = objects.get(row.digest, b"")
            places = fragments_of(data)
            for name in names:
                if name in places:
                    offset, length = places[name]
                    fragments[name] = data[offset : offset + length]
        return fragments

    async def find_objects(self, keys: Sequence[bytes]) -> dict[bytes, tuple[EntryRow, bytes]]:
        """The rows of these keys that are there, with their objects' bytes, checked."""
        if not keys:
            return {}
        rows, _ = await self.find(keys)
        data = await self.load([row.digest for row in rows.values()])
        return {key: (row, data[row.digest]) for key, row in rows.items() if row.digest in data}

    # ---- storing

    async def keep(self, entries: Sequence[Incoming], force: bool) -> StoreResult:
        """Stores entries. If the disk is full, what could not be stored comes back in `rest`."""
        known = await self._known(entries, force)
        size = sum(len(incoming.entry.data) for incoming in entries)
        kept = await self.offload.files(4 * len(entries), size, self._keep, entries, known, force)
        self.count(bytes_written=kept.written)
        refused = {**kept.refused, **await self._add_rows(kept.stored, entries, known, force)}
        digests = {written.key: written.row.digest for written in kept.stored} | refused
        self.lost.difference_update(digests)
        self.unstored.update(incoming.key for incoming in kept.rest)
        self.unstored.difference_update(digests)
        self._report_stored(entries, kept.stored, refused)
        rest: Sequence[Incoming] = ()
        if kept.failure is not None and kept.failure.errno in NO_SPACE:
            rest = kept.rest
        elif kept.failure is not None:
            self.now.writable = False
            self.degrade(f"storing: {said(kept.failure)}")
        return StoreResult(digests, list(refused), rest)

    async def _known(self, entries: Iterable[Incoming], force: bool) -> dict[bytes, EntryRow]:
        """The rows that these keys have already."""
        # A key that this build looked up in vain is not looked up again. If another process was faster in the meantime,
        # adding the row tells.
        keys = [incoming.key for incoming in entries if force or incoming.key not in self.in_use.missed]
        if not keys:
            return {}
        known = await self.look_up(index.find, keys)
        return known if known is not None else await self._find_in_files(keys)

    def _keep(self, entries: Sequence[Incoming], known: dict[bytes, EntryRow], force: bool) -> WriteResult:
        self.in_use.add([incoming.key for incoming in entries], [incoming.digest for incoming in entries])
        self.in_use.pin(self._shared, self.store.disk)
        return self.store.keep(entries, known, self.store.disk.now_ns() // 10**9, force)

    async def _add_rows(
        self, stored: list[WrittenEntry], entries: Sequence[Incoming], known: dict[bytes, EntryRow], force: bool
    ) -> dict[bytes, bytes]:
        """Adds the rows of what was stored. Returns the keys for which another process was first, with other bytes, and
        the digests of those."""
        if not stored:
            return {}
        ours = {written.key: written.row.digest for written in stored}
        replace = [key for key, digest in ours.items() if key in known and (force or known[key].digest != digest)]
        rows = await self.write(commits.insert, self.store, stored, entries, replace)
        if rows is None:
            self._behind = True
            rows = {}
        self._count_twice(stored, rows)
        self.in_use.missed.difference_update(ours)
        self.in_use.stored.update(ours)
        others = {key: row for key, row in rows.items() if row.digest != ours[key]}
        if others:
            await self.offload.run(recovery.correct_metadata, self.store, stored, others)
        return {key: row.digest for key, row in others.items()}

    def _count_twice(self, stored: Iterable[WrittenEntry], rows: dict[bytes, EntryRow]) -> None:
        """Counts modules that were compiled twice: missed here, but stored first by another process."""
        for written in stored:
            row = rows.get(written.key)
            # When the index was rebuilt, another process may have made the row of our own metadata. Then it has our
            # duration.
            own = row is None or row.duration_ms == written.row.duration_ms
            if written.row.kind == "object" and not own and written.key in self.in_use.missed:
                self.count(compiled_twice=1)
                self.emit(CompiledTwice, module=written.row.module, key=written.key)

    def _report_stored(
        self, entries: Iterable[Incoming], stored: list[WrittenEntry], refused: Mapping[bytes, bytes]
    ) -> None:
        """Keeps what was stored in memory, and emits the fate of each entry."""
        rows = {written.key: written.row for written in stored}
        for key, digest, entry in entries:
            row = rows.get(key)
            if key in refused:
                self.emit(NondeterministicToolchain, module=entry.module, key=key, kept=refused[key], refused=digest)
            elif row is not None:
                self.in_use.checksums[row.digest] = row.checksum
                self.hot.put(row.digest, entry.data)
                self.emit(ObjectStored, module=entry.module, key=key, digest=row.digest, size=row.size)

    # ---- summaries

    async def find_summaries(self, identity: Digest, sources: Iterable[str]) -> dict[str, bytes]:
        names = {index.summary_name(identity, source): source for source in sources}
        summaries = await self.look_up(index.find_summaries, names)
        return {names[name]: data for name, data in (summaries or {}).items()}

    async def store_summaries(self, identity: Digest, summaries: Mapping[str, bytes]) -> None:
        named = [(index.summary_name(identity, source), data) for source, data in summaries.items()]
        if named and self.now.writable:
            await self.write(index.store_summaries, named)

    # ---- files and the index

    async def files(self, default: R, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a function on files. Returns `default` if the disk fails."""
        try:
            return await self.offload.run(function, *args, **kwargs)
        except OSError as error:
            self.degrade(f"files: {said(error)}")
            return default

    async def read(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Looks something up in the index; None if no index can be used."""
        return await self._use(lambda database: database.read(function, *args, **kwargs))

    async def look_up(self, function: Callable[[Connection, C], Coroutine[object, object, R]], values: C) -> R | None:
        """The same for the rows of `values`: a few are there sooner than a hop would be."""
        few = len(values) <= FEW_ROWS
        return await self._use(lambda database: (database.glance if few else database.read)(function, values))

    async def write(self, function: Work[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Changes the index in one transaction; None if no index can be used."""
        return await self._use(lambda database: database.transact(function, *args, **kwargs))

    async def _use(self, use: Callable[[Database], Awaitable[R]]) -> R | None:
        # Two attempts: a damaged index is moved aside after the first, and the second builds a new one from the files.
        for _ in range(2):
            try:
                database = await self._open()
                if database is None:
                    return None
                return await use(database)
            except Damaged as error:
                await self.repair(str(error))
            except Unusable as error:
                await self._without_index(str(error))
                return None
            except OSError as error:  # Of the files that it is rebuilt from.
                await self._without_index(said(error))
                return None
        await self._without_index("it is damaged again and again")
        return None

    async def _open(self) -> Database | None:
        if self._database is None and not self.now.index_off:
            if self.memory:
                self._database = await recovery.open_memory(self.offload)
                return self._database
            opened = await recovery.open_index(self.offload, self.store, self.quarantined, self.busy_ms)
            self._database, new = opened
            # A new index beside plans of earlier builds: someone removed the old one, and maybe entries, too.
            # The plans may have gone a moment ago, because something else was missing: that counts as well.
            earlier = await self.offload.run(self.store.names, SNAPSHOTS) if new else []
            if earlier or (new and self.now.forgot_builds):
                self.mark_lost([_THE_INDEX])
            self._opened = await self.offload.run(recovery.identity, self.store)
            if self._behind:
                await self._catch_up(self._database)
                self._behind = False
        return self._database

    async def _catch_up(self, database: Database) -> None:
        """Adds rows for entries that were stored while the index could not be used."""
        known = set(await database.read(index.all_keys))
        rows, damaged = await self.offload.run(recovery.rows_of_files, self.store, known)
        self.quarantined_metadata(damaged)
        if rows:
            await database.transact(commits.adopt, self.store, rows)

    async def adopt_files(self, known: Collection[bytes]) -> bool:
        """Adds rows for entries on disk that are not `known`. Returns False if the disk fails."""
        unknown = await self.files(None, recovery.rows_of_files, self.store, known)
        if unknown is None:
            return False
        rows, damaged = unknown
        self.quarantined_metadata(damaged)
        if rows:
            await self.write(commits.adopt, self.store, rows)
        return True

    async def sync_with_neighbours(self) -> bool:
        """Beside neighbours (see `recovery.py`): add rows for what they stored, and drop rows of what they removed.
        Returns whether there are any."""
        if self.memory or not await self.offload.files(1, 0, recovery.has_neighbours, self.store):
            return False
        known = await self.read(index.all_keys)
        committed = None if known is None else await self.files(None, self.store.committed)
        if known is None or committed is None:
            return True
        rows, files = set(known), set(committed)
        if rows - files:
            await self.write(commits.drop_gone, self.store)
        if files - rows:
            await self.adopt_files(rows)
        return True

    async def repair(self, reason: str) -> None:
        """The index is damaged: move it aside; the next one who needs it builds a new one from the files."""
        await self.close()
        if await self.offload.run(recovery.move_aside, self.store):
            self.quarantined(index.FILE, reason)
        else:
            await self._without_index(reason)

    async def _without_index(self, reason: str) -> None:
        self.now.index_off = True
        self.degrade(f"index: {reason}")
        await self.close()

    # ---- what is lost

    def mark_lost(self, keys: Iterable[bytes]) -> None:
        """These entries (or the index) are gone, though plans of earlier builds say that they are there. Those plans
        have to go (`forget_builds`), or the next build would not make the entries again."""
        before = len(self.lost)
        self.lost.update(keys)
        self.outdated = self.outdated or len(self.lost) > before

    async def forget_builds(self) -> Swept:
        """Removes the snapshots and plans of earlier builds, which say that all entries are there."""
        swept = await self.files(Swept(left=1), sweep.forget_builds, self.store)
        self.now.forgot_builds = self.now.forgot_builds or swept.files > 0
        self.outdated = swept.left > 0  # Then the keeper retries after the next message.
        if swept.why:
            self.degrade(swept.why)
        return swept

    def quarantined(self, file: str, reason: str) -> None:
        """Counts and reports a file that was quarantined."""
        if file.startswith(METADATA):
            self.mark_lost([digest_in(file.removeprefix(METADATA + "/"), ".json")])
        self.now.quarantined.append((file, reason))
        self.count(corruptions=1)
        self.emit(EntryQuarantined, file=file, reason=reason)

    def quarantined_metadata(self, damaged: Mapping[bytes, str]) -> None:
        for key, reason in damaged.items():
            self.quarantined(f"{METADATA}/{metadata_file(key)}", reason)


def said(error: Exception) -> str:
    """What an error says, without paths and numbers if it is the system's."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
