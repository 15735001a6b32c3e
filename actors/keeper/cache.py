"""The cache: memory before files, rows before bytes, and what to do when any of it fails.

The laws of the cache (design, section 5); why they hold is in `docs/cache.md`:

1. An object depends on nothing but its manifest. Different bytes for a key that exists are a
   `NondeterministicToolchain`, and the first ones stay.
2. A hit is decided on rows; bytes are checked when they are used, checksum on every read, digest on `verify` and on
   everything whose checksum is not at hand. Anything odd is a miss: read once more, then quarantine, count, compile.
   Never an error for the user, never a wrong byte.
3. Object, then metadata, then row; each by temporary file and rename, or by one transaction. A crash at any point
   leaves at worst an orphan.
4. Only what is stored is stored: finished, validated results with their warnings. Errors never.
5. A full or failing disk, a locked or broken index: the build goes on without (that part of) the cache, and says so
   once.
6. The index can always be rebuilt from `metadata/`; statistics are best effort after that.
7. Each schema has its own index file. Nobody migrates or deletes another's; readers of metadata ignore unknown fields.
8. Local file systems only. Where write-ahead logging fails, run without an index: from `metadata/` alone.

`Cache` is used by one task at a time (the keeper's). It knows no mailbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

import anyio

from actors.digests import Digest, Stamp, checksum, digest
from actors.disk import Disk
from actors.events import CompiledTwice, EntryQuarantined, Events, NondeterministicToolchain, ObjectStored
from actors.keeper import commits, index, neighbours, recovery, sweep
from actors.keeper.database import Broken, Connection, Database, Unusable
from actors.keeper.held import Held
from actors.keeper.memory import HotObjects
from actors.keeper.store import METADATA, MODULES, NO_SPACE, SNAPSHOTS, Fetched, Kept, Store, Written
from actors.keeper.sweep import Swept
from actors.keeper.telling import Telling
from actors.messages import Entry, NewEntry
from actors.offload import Offload

P = ParamSpec("P")
R = TypeVar("R")

BUSY_MS = 10_000
"""How long a statement waits for another process's transaction, in milliseconds. Theirs take a fraction of a second."""


class Outcome(NamedTuple):
    """What came of storing. `digests` is what each key has now, `refused` are keys that had other bytes, which stay,
    `rest` is what did not fit on the disk."""

    digests: dict[Digest, Digest]
    refused: list[Digest]
    rest: Sequence[NewEntry]


class Cache(Telling):
    """`memory`: the store is a `MemoryDisk`; then the index is in memory as well, and nobody else can use it."""

    def __init__(
        self,
        store: Store,
        offload: Offload,
        events: Events,
        *,
        hot_memory: int,
        memory: bool = False,
        busy_ms: int = BUSY_MS,
    ) -> None:
        super().__init__(events)
        self.store = store
        self.offload = offload
        self.hot = HotObjects(hot_memory)
        self.memory = memory
        self._shared = None if memory else store.folder
        self.busy_ms = busy_ms
        self.held = Held()
        self.lost: set[Digest] = set()
        self.unstored: set[Digest] = set()
        self.outdated = False
        self.writable = True
        self._checksums: dict[Digest, str] = {}
        self._database: Database | None = None
        self._opened: Stamp | None = None
        self._index_off = False
        self._behind = False
        self._looked_around = self._forgot_builds = False
        self.put_aside: list[tuple[str, str]] = []

    # ---- a build begins and ends

    async def begin(self, build: int) -> bool:
        """Everything is tried afresh, and the index checked for being the file that is open. Gives whether entries were
        lost that earlier builds rely on."""
        await self.unpin()
        forget, self.lost = bool(self.lost), set()
        self.build = build
        self.degraded = None
        self.put_aside = []
        self.writable = True
        self._index_off = False
        self._looked_around = self._forgot_builds = False
        if self._database is not None and not self.memory:
            there = await self.offload.run(_identity, self.store.disk, self.store.path(index.FILE))
            if there != self._opened:
                await self.close()
        return forget

    def afresh(self) -> None:
        """Look after the whole cache: what failed before is tried again, and is not said again if it works."""
        self.degraded = None
        self.try_index_again()

    def try_index_again(self) -> None:
        self._index_off = False

    async def unpin(self) -> None:
        held, self.held = self.held, Held()
        self._checksums = {}
        if held.shown:
            with anyio.CancelScope(shield=True):  # Nobody else knows of it any more.
                await self.offload.run(held.release)

    async def close(self) -> None:
        """Close the index; the next one who needs it opens it again."""
        database, self._database = self._database, None
        if database is not None:
            try:
                await database.close()
            except (Broken, Unusable) as error:
                self.degrade(f"closing the index: {error}")

    # ---- looking up and reading

    async def find(
        self, keys: tuple[Digest, ...], claim: int = 0, beside: int = 0
    ) -> tuple[dict[Digest, Entry], set[bytes]]:
        """The entries that are there, and those of the first `claim` keys that others have claimed (`Claims.take`)."""
        names = [bytes.fromhex(key) for key in keys]
        taken: set[bytes] = set()
        # Pinned first: who evicts looks at pins once more after taking rows away (`Upkeep._carry_out`). Claimed first
        # too: whoever gives up a claim has added the row before.
        if self.held.hold(names) or claim:
            taken = await self.offload.run(self.held.claim, self._shared, self.store.disk, names[:claim], beside)
        if not self._looked_around:  # once a build
            self._looked_around = True
            await neighbours.agree(self)
        rows = await self.read(index.find, names)
        if rows is None:
            rows = await self._find_in_files(keys)
        elif len(rows) < len(names) and not self.memory:
            # Files without a row: a process died between them, or the index lost its last transactions with the power.
            files = await self._find_in_files([name.hex() for name in names if name not in rows])
            if files:
                rows.update(await self.write(commits.adopt, self.offload, self.store, list(files.items())) or {})
        self.expect(rows.values())
        self.held.found.update(rows)
        self.held.missed.update(names)
        self.held.missed.difference_update(rows)
        return {key.hex(): recovery.entry_of(key, row) for key, row in rows.items()}, taken

    def expect(self, rows: Iterable[index.Row]) -> None:
        """What objects are read against from now on."""
        for row in rows:
            self._checksums[row.digest.hex()] = row.checksum.hex()

    async def _find_in_files(self, keys: Iterable[Digest]) -> dict[bytes, index.Row]:
        """Without an index: the metadata says it all, it only takes longer."""
        known = await self.offload.run(self.store.read_known, keys)
        for key, reason in known.damaged.items():
            await self.offload.run(self.store.quarantine_metadata, key)
            self.quarantined(f"{METADATA}/{key}.json", reason)
        for error in known.failed.values():
            self.degrade(f"reading {METADATA}: {said(error)}")
        return {bytes.fromhex(key): recovery.row_of(*found) for key, found in known.found.items()}

    async def load(self, digests: tuple[Digest, ...], disk: bool) -> dict[Digest, bytes]:
        """The objects that are there and good. With `disk` memory is not believed, and digests are compared."""
        data: dict[Digest, bytes] = {}
        wanted: list[tuple[Digest, str]] = []
        for name in dict.fromkeys(digests):
            expected = "" if disk else self._checksums.get(name, "")
            there = self.hot.get(name) if expected else None
            if there is not None and checksum(there) == expected:
                data[name] = there
            else:
                self.hot.drop(name)
                wanted.append((name, expected))
        if wanted:
            unknown = [bytes.fromhex(name) for name, expected in wanted if not expected]
            self.held.hold((), unknown)
            self.held.read.update(unknown)
            fetched = await self.offload.run(self._fetch, wanted)
            self.count(bytes_read=sum(map(len, fetched.data.values())))
            await self._deal_with(fetched)
            for name, there in fetched.data.items():
                if name not in self._checksums:
                    self._checksums[name] = checksum(there)
                self.hot.put(name, there)
            data.update(fetched.data)
        return data

    def _fetch(self, wanted: list[tuple[Digest, str]]) -> Fetched:
        self.held.pin(self._shared, self.store.disk)
        return self.store.fetch(wanted)

    async def _deal_with(self, fetched: Fetched) -> None:
        """Late misses: quarantine what is damaged, forget rows and metadata of what is not there (any more)."""
        for name, reason in fetched.damaged.items():
            file = f"{MODULES}/{name}.wasm"
            await self.offload.run(self.store.quarantine_object, name)
            self.quarantined(file, reason)
        for name, error in fetched.failed.items():
            self.degrade(f"reading {MODULES}/{name}.wasm: {said(error)}")
        lost = [*fetched.damaged, *fetched.vanished]
        # While an earlier build promises that the entry is there its row stays, for whoever stumbles over it next.
        if lost and not (await self.forget_builds()).left:
            keys = await self.write(commits.lose, self.offload, self.store, lost)
            self.lose(lost if keys is None else keys)  # Without an index nobody knows which entries they are of.

    # ---- storing

    async def keep(self, entries: tuple[NewEntry, ...], force: bool) -> Outcome:
        """Store entries. When the disk is full, what could not be stored comes back in `rest`."""
        known = await self._known(entries, force)
        first = {key.hex(): (row.digest.hex(), row.checksum.hex()) for key, row in known.items()}
        kept = await self.offload.run(self._keep, entries, first, force)
        self.count(bytes_written=kept.written)
        refused = {**kept.refused, **await self._add_rows(kept.stored, entries, known, force)}
        digests = {key: metadata.digest for key, metadata, _ in kept.stored} | refused
        self.lost.difference_update(digests)
        self.unstored.update(entry.key for entry in kept.rest)
        self.unstored.difference_update(digests)
        self._tell(entries, kept.stored, refused)
        rest: Sequence[NewEntry] = ()
        if kept.failure is not None and kept.failure.errno in NO_SPACE:
            rest = kept.rest
        elif kept.failure is not None:
            self.writable = False
            self.degrade(f"storing: {said(kept.failure)}")
        return Outcome(digests, list(refused), rest)

    async def _known(self, entries: Iterable[NewEntry], force: bool) -> dict[bytes, index.Row]:
        """What these keys have already. Those that this build looked up in vain are not looked up again: should another
        process have been faster, adding the row tells."""
        keys = [bytes.fromhex(entry.key) for entry in entries]
        keys = [key for key in keys if force or key not in self.held.missed]
        if not keys:
            return {}
        known = await self.read(index.find, keys)
        return known if known is not None else await self._find_in_files([key.hex() for key in keys])

    def _keep(self, entries: Sequence[NewEntry], first: dict[Digest, tuple[Digest, str]], force: bool) -> Kept:
        names = [digest(entry.data) for entry in entries]
        self.held.hold([bytes.fromhex(entry.key) for entry in entries], map(bytes.fromhex, names))
        self.held.pin(self._shared, self.store.disk)
        return self.store.keep(entries, names, first, self.store.disk.now_ns() // 10**9, force)

    async def _add_rows(
        self, stored: list[Written], entries: Sequence[NewEntry], known: dict[bytes, index.Row], force: bool
    ) -> dict[Digest, Digest]:
        """Add the rows of what was stored. Gives the keys for which another process was first, with other bytes."""
        if not stored:
            return {}
        made = {bytes.fromhex(one.key): bytes.fromhex(one.metadata.digest) for one in stored}
        replace = [key for key, name in made.items() if key in known and (force or known[key].digest != name)]
        there = await self.write(commits.insert, self.offload, self.store, stored, entries, replace)
        if there is None:
            self._behind = True
            there = {}
        self._count_twice(stored, there)
        self.held.missed.difference_update(made)
        self.held.stored.update(made)
        others = {key: row for key, row in there.items() if row.digest != made[key]}
        if others:
            await self.offload.run(recovery.restate, self.store, stored, others)
        return {key.hex(): row.digest.hex() for key, row in others.items()}

    def _count_twice(self, stored: Iterable[Written], there: dict[bytes, index.Row]) -> None:
        """Modules that this build looked up in vain, and that another process had stored before it."""
        for one in stored:
            name = bytes.fromhex(one.key)
            row = there.get(name)
            # A row that somebody else made of our own metadata, when the index was rebuilt, has our very duration.
            own = row is None or row.duration_ms == one.metadata.duration_ms
            if one.metadata.kind == "object" and not own and name in self.held.missed:
                self.count(compiled_twice=1)
                self.emit(CompiledTwice, module=one.metadata.module, key=one.key)

    def _tell(
        self,
        entries: Iterable[NewEntry],
        stored: list[Written],
        refused: dict[Digest, Digest],
    ) -> None:
        """Keep what was stored in memory, and say what happened to each entry."""
        named = {key: metadata for key, metadata, _ in stored}
        for entry in entries:
            metadata = named.get(entry.key)
            if entry.key in refused:
                self.emit(
                    NondeterministicToolchain,
                    module=entry.module,
                    key=entry.key,
                    kept=refused[entry.key],
                    refused=metadata.digest if metadata else digest(entry.data),
                )
            elif metadata is not None:
                self._checksums[metadata.digest] = metadata.checksum
                self.hot.put(metadata.digest, entry.data)
                self.emit(
                    ObjectStored,
                    module=entry.module,
                    key=entry.key,
                    digest=metadata.digest,
                    size=metadata.size,
                )

    # ---- summaries

    async def find_summaries(self, identity: Digest, sources: tuple[str, ...]) -> dict[str, bytes]:
        names = {index.summary_name(identity, source): source for source in sources}
        found = await self.read(index.find_summaries, names)
        return {names[name]: data for name, data in (found or {}).items()}

    async def store_summaries(self, identity: Digest, summaries: dict[str, bytes]) -> None:
        named = [(index.summary_name(identity, source), data) for source, data in summaries.items()]
        if named and self.writable:
            await self.write(index.store_summaries, named)

    # ---- files and the index

    async def files(self, default: R, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function on files; what the disk fails at gives `default`."""
        try:
            return await self.offload.run(function, *args, **kwargs)
        except OSError as error:
            self.degrade(f"files: {said(error)}")
            return default

    async def read(
        self, function: Callable[Concatenate[Connection, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Look something up in the index; None where there is none to be used."""
        return await self._use(False, function, *args, **kwargs)

    async def write(
        self, function: Callable[Concatenate[Connection, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Change the index in one transaction; None where there is none to be used."""
        return await self._use(True, function, *args, **kwargs)

    async def _use(
        self,
        writes: bool,
        function: Callable[Concatenate[Connection, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R | None:
        for _ in range(2):
            try:
                database = await self._open()
                if database is None:
                    return None
                if writes:
                    return await database.transact(function, *args, **kwargs)
                return await database.read(function, *args, **kwargs)
            except Broken as error:
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
        if self._database is None and not self._index_off:
            if self.memory:
                self._database = await recovery.open_memory(self.store)
                return self._database
            found = await recovery.open_index(self.offload, self.store, self.quarantined, self.busy_ms)
            self._database, new = found
            earlier = await self.offload.run(self.store.names, SNAPSHOTS) if new else []
            if earlier or (new and self._forgot_builds):  # They may have gone a moment ago, for what else is missing.
                self.lose([index.FILE])  # Who knows what else was removed by hand.
            self._opened = await self.offload.run(_identity, self.store.disk, self.store.path(index.FILE))
            if self._behind:
                await commits.catch_up(self.offload, self.store, self._database, self.quarantined)
                self._behind = False
        return self._database

    async def repair(self, reason: str) -> None:
        """The index is damaged: move it aside; whoever needs it next builds a new one from the files."""
        await self.close()
        if await self.offload.run(recovery.move_aside, self.store):
            self.quarantined(index.FILE, reason)
        else:
            await self._without_index(reason)

    async def _without_index(self, reason: str) -> None:
        self._index_off = True
        self.degrade(f"index: {reason}")
        await self.close()

    # ---- what is lost

    def lose(self, keys: Iterable[Digest]) -> None:
        """These entries (or the index) are gone, though the plans of earlier builds say that they are there: those
        plans have to go (`forget_builds`), or the next build would not make the entries again."""
        before = len(self.lost)
        self.lost.update(keys)
        self.outdated = self.outdated or len(self.lost) > before

    async def forget_builds(self) -> Swept:
        """Remove the snapshots and plans of earlier builds, which say that all entries are there."""
        swept = await self.files(Swept(left=1), sweep.forget_builds, self.store)
        self._forgot_builds = self._forgot_builds or swept.files > 0
        self.outdated = swept.left > 0  # Then it is tried again after the next message.
        if swept.why:
            self.degrade(swept.why)
        return swept

    def quarantined(self, file: str, reason: str) -> None:
        if file.startswith(METADATA):
            self.lose([file.removeprefix(METADATA + "/").removesuffix(".json")])
        self.put_aside.append((file, reason))
        self.count(corruptions=1)
        self.emit(EntryQuarantined, file=file, reason=reason)


def _identity(disk: Disk, path: str) -> Stamp | None:
    """Which file this is, whatever is in it; None where there is none, or where it is another cache's too."""
    try:
        stamp = disk.stamp(path)
    except OSError:
        return None
    if disk.is_shared(path):
        return None
    return Stamp(stamp.device, stamp.inode, 0, 0, 0)


def said(error: Exception) -> str:
    """What an error says, without paths and numbers where it is the system's."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
