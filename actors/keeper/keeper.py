"""The cache keeper: the only one that writes the cache, and, except for snapshots, the only one that reads it.

Every access goes through its mailbox, so it is serialised without a lock. Nothing is decided here: `cache.py` says what
a hit is and what to do when something fails, `upkeep.py` what has to go.

Digests are hexadecimal in messages and raw bytes in the rest of this package: this is where they are converted, each
way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from actors.actor import Actor
from actors.digests import Digest, Stamp, printable
from actors.disk import DictDisk, Disk
from actors.keeper import index, publish, tier, transfer, verification
from actors.keeper.cache import BuildCache, said
from actors.keeper.index import EntryRow
from actors.keeper.metadata import lengthened
from actors.keeper.store import NO_SPACE, FileStore, Incoming, is_snapshot_name
from actors.keeper.upkeep import Upkeep
from actors.mailbox import Address, Cell
from actors.messages import (
    ANSWERS,
    A,
    Begin,
    Begun,
    CacheEntry,
    CacheStatistics,
    Clear,
    Collect,
    Collected,
    End,
    Ended,
    EndRemote,
    ExportCache,
    Exported,
    FetchedRemote,
    Find,
    FindFragments,
    FindRemote,
    FindSummaries,
    Found,
    FoundRemote,
    FragmentsFound,
    ImportCache,
    Imported,
    KeeperRequest,
    Load,
    Loaded,
    Message,
    PlanRecalled,
    Publish,
    Published,
    RecallPlan,
    RemoteAnswer,
    RemoteEnded,
    RemoteRequest,
    ResetStatistics,
    Statistics,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesFound,
    SummariesStored,
    ToKeeper,
    ToRemote,
    Uploaded,
    Verified,
    Verify,
    kinds,
)

POSTS = 64
"""Requests to a cache elsewhere that somebody waits for: at most one for each request of the planner."""

_MEMORY_FOLDER = "/memory"

R = TypeVar("R")
M = TypeVar("M", bound=Message)

_HANDLERS: dict[type[Message], Callable[[Keeper, Any], Awaitable[Message]]] = {}
"""What answers a request, by its class."""


def _handles(
    kind: type[KeeperRequest[A]],
) -> Callable[[Callable[[Keeper, M], Awaitable[A]]], Callable[[Keeper, M], Awaitable[A]]]:
    """The method answers these requests. Type checkers compare what it returns with what the request asks for."""

    def register(handler: Callable[[Keeper, M], Awaitable[A]]) -> Callable[[Keeper, M], Awaitable[A]]:
        _HANDLERS[kind] = handler
        return handler

    return register


class Keeper(Actor[ToKeeper]):
    """`folder` is the cache's, absolute; None keeps everything in memory. `max_size` and `hot_memory` in bytes (a
    `max_size` of 0 is no limit); `eviction` is one of `eviction.ORDERINGS`. Not `enabled`: nothing is found, nothing
    is stored, and nothing is reported; programs are published all the same."""

    name = "keeper"

    def __init__(
        self,
        folder: str | None,
        *,
        max_size: int,
        eviction: str,
        hot_memory: int,
        enabled: bool = True,
        remote: Address[ToRemote] | None = None,
        upload: bool = False,
    ) -> None:
        super().__init__(*((remote,) if remote is not None else ()), outstanding=tier.UPLOADS + POSTS)
        self._remote = remote if enabled else None
        self._upload = upload
        self._then: dict[int, Callable[[Any], Awaitable[None]]] = {}
        """What is done with the answer to a post, by the identity of the request."""
        self._folder = folder
        self._settings = (max_size, eviction)
        self._hot_memory = hot_memory
        self._enabled = enabled
        self._after: Callable[[], Awaitable[object]] | None = None
        """The rest of the last request's work, done before the next one or at the end: the answer goes first."""

    async def started(self) -> None:
        memory = self._folder is None
        disk: Disk = DictDisk() if memory else self.offload.disk
        store = FileStore(disk, self._folder or _MEMORY_FOLDER)
        self.cache = BuildCache(store, self.offload, self.events, hot_memory=self._hot_memory, memory=memory)
        self.upkeep = Upkeep(self.cache, *self._settings)
        self.tier = tier.Tier(self.cache, self.upkeep, self._upload)

    async def receive(self, message: ToKeeper, reply: Cell) -> None:
        await self._do_rest()
        needed = await self.tier.needed(message) if self._remote is not None else None
        if needed is not None:

            async def then(answer: FetchedRemote) -> None:
                await self.tier.take(answer)
                await self._answer(message, reply)

            self._ask_remote(needed, then)
        else:
            await self._answer(message, reply)

    async def _answer(self, message: ToKeeper, reply: Cell) -> None:
        if self._enabled or isinstance(message, Publish):
            answer = await _HANDLERS[type(message)](self, message)
            if self._remote is not None:
                self._tell_remote(message)
            # Before the answer: the asking build may be killed at any time from then on, and the next process must not
            # find a plan that relies on entries which are gone.
            if self.cache.outdated:
                await self.cache.forget_builds()
            if isinstance(message, Find) and isinstance(answer, Found):
                self._find_more(message, answer, reply)
            else:
                reply.set(answer)
        else:
            reply.set(_NOTHING[type(message)])

    # ---- a cache elsewhere

    def _ask_remote(self, request: RemoteRequest[A], then: Callable[[A], Awaitable[None]]) -> None:
        assert self._remote is not None
        self._then[id(request)] = then
        self.post(self._remote, request)

    def _find_more(self, message: Find, here: Found, reply: Cell) -> None:
        """Answers with what is here, and with what is elsewhere."""
        missing = tuple([key for key in message.keys if key not in here.entries])
        if self._remote is None or not missing:
            reply.set(here)
            return

        async def then(elsewhere: FoundRemote) -> None:
            reply.set(self.tier.merged(here, elsewhere))

        self._ask_remote(FindRemote(build=message.build, keys=missing), then)

    def _tell_remote(self, message: Message) -> None:
        """Sends on what concerns a cache elsewhere, and nobody waits for."""
        if isinstance(message, StoreEntries) and (upload := self.tier.upload(message)) is not None:

            async def then(_: Uploaded) -> None:
                self.tier.uploaded(upload)

            self._ask_remote(upload, then)
        elif isinstance(message, End):

            async def ended(_: RemoteEnded) -> None:
                pass

            self._ask_remote(EndRemote(build=message.build), ended)

    async def replied(self, request: Message, answer: Message) -> None:
        assert isinstance(answer, RemoteAnswer)
        await self._do_rest()
        self.tier.note(answer)
        await self._then.pop(id(request))(answer)

    async def _do_rest(self) -> None:
        if self._after is not None:
            after, self._after = self._after, None
            await after()

    async def stopped(self) -> None:
        await self._do_rest()
        if not self._enabled or not hasattr(self, "cache"):
            return
        try:
            await self.cache.unpin()
            if counts := self.cache.take_counts():
                await self.cache.write(index.add, counts)
        finally:  # Even after a bug: SQLite has a thread of its own.
            await self.cache.close()

    # ---- a build

    @_handles(Begin)
    async def _begin(self, message: Begin) -> Begun:
        forget = await self.cache.begin(message.build)
        return Begun(degraded=self.cache.degraded, forget=forget)

    @_handles(Find)
    async def _find(self, message: Find) -> Found:
        rows, taken = await self.cache.find(_raw(message.keys), message.claim, message.beside)
        entries = {key.hex(): _entry(key, row) for key, row in rows.items()}
        return Found(entries=entries, taken=tuple(key.hex() for key in taken), degraded=self.cache.degraded)

    @_handles(FindFragments)
    async def _find_fragments(self, message: FindFragments) -> FragmentsFound:
        fragments = await self.cache.find_fragments(_raw(message.fingerprints))
        objects = await self.cache.find_objects(_raw(message.objects))
        return FragmentsFound(
            fragments={name.hex(): data for name, data in fragments.items()},
            objects={key.hex(): (_entry(key, row), data) for key, (row, data) in objects.items()},
            degraded=self.cache.degraded,
        )

    @_handles(Load)
    async def _load(self, message: Load) -> Loaded:
        data = await self.cache.load(_raw(message.digests))
        return Loaded(data={name.hex(): content for name, content in data.items()}, degraded=self.cache.degraded)

    @_handles(StoreEntries)
    async def _store(self, message: StoreEntries) -> Stored:
        entries = [Incoming(bytes.fromhex(entry.key), bytes.fromhex(entry.digest), entry) for entry in message.entries]
        kept, refused = await self.upkeep.store(entries, message.force)
        return Stored(
            kept={key.hex(): name.hex() for key, name in kept.items()},
            refused=tuple(key.hex() for key in refused),
            degraded=self.cache.degraded,
        )

    @_handles(FindSummaries)
    async def _find_summaries(self, message: FindSummaries) -> SummariesFound:
        summaries = await self.cache.find_summaries(message.identity, message.sources)
        return SummariesFound(summaries=summaries, degraded=self.cache.degraded)

    @_handles(StoreSummaries)
    async def _store_summaries(self, message: StoreSummaries) -> SummariesStored:
        await self.cache.store_summaries(message.identity, message.summaries)
        return SummariesStored(degraded=self.cache.degraded)

    @_handles(Publish)
    async def _publish(self, message: Publish) -> Published:
        done = Published()
        if message.path:
            try:
                done = await self._published(message)
            except OSError as error:
                return Published(error=_why(error, message.path), outside=isinstance(error, publish.Outside))
        if message.listing and not done.missing:
            written = publish.WrittenProgram(digest=message.digest, owner=message.owner)
            disk, listing = self.offload.disk, message.listing
            data = await self._listed(publish.next_list, disk, listing, done.file, written)
            if data is not None:  # The program is in its place, and what it replaces is gone: the list can wait.
                self._after = partial(self._listed, publish.write, disk, listing, data)
        return done

    async def _listed(self, function: Callable[..., R], *args: object) -> R | None:
        """Handles the list of outputs. It is the cache's affair: a build does not fail because of it."""
        try:
            return await self.offload.files(2, 0, function, *args)
        except (OSError, UnicodeEncodeError) as error:
            self.cache.degrade(f"writing the list of outputs: {said(error)}")
            return None

    async def _published(self, message: Publish) -> Published:
        """Writes the program, unless it is in its place. Raises OSError."""
        disk, path = self.offload.disk, message.path
        size = len(message.data) or publish.UNKNOWN_BYTES
        file, stamp, link = await self.offload.files(2, size, publish.look, disk, path, message.within, message.digest)
        written = stamp is None
        if stamp is None:
            data = message.data or await self._program(message.digest)
            if data is None:
                return Published(missing=True)
            stamp = await self._write_program(file, data)
        return Published(written=written, file=file, stamp=stamp, link=link)

    async def _write_program(self, path: str, data: bytes) -> Stamp:
        """Writes the program. Raises OSError."""
        # A program matters more than the cache: on a full disk make room in three steps, each of which costs more than
        # the one before, and try again after each. Rows cannot be deleted while the disk is full (SQLite needs space
        # for that), so those that lost their files are dropped after the program is written.
        upkeep = self.upkeep
        shrunk = False
        for make_room in (upkeep.make_room, upkeep.remove_unpinned, upkeep.remove_index) if self._enabled else ():
            try:
                stamp = await self.offload.files(4, len(data), publish.write, self.offload.disk, path, data)
                break
            except OSError as error:
                if error.errno not in NO_SPACE:
                    raise
                await make_room()
                shrunk = True
        else:
            stamp = await self.offload.run(publish.write, self.offload.disk, path, data)
        if shrunk:
            await upkeep.drop_dangling()
        return stamp

    async def _program(self, name: Digest) -> bytes | None:
        if not self._enabled:
            return None
        digest = bytes.fromhex(name)
        return (await self.cache.load((digest,))).get(digest)

    @_handles(End)
    async def _end(self, message: End) -> Ended:
        self.cache.count(
            compilations=message.compilations,
            hits=message.hits,
            misses=message.misses,
            saved_ms=message.saved_ms,
        )
        done = Ended()
        if message.finished:
            # In this order, because opening the index may show that plans of earlier builds cannot be trusted: then
            # `remember` writes none.
            evicted = await self.upkeep.finish(_raw(message.used))
            await self.upkeep.remember(message.snapshot, message.snapshot_data, message.plan)
            done = Ended(
                evicted=evicted.entries,
                freed_bytes=evicted.freed,
                needed_bytes=evicted.needed,
                degraded=self.cache.degraded,
            )
        await self.cache.unpin()
        return done

    @_handles(RecallPlan)
    async def _recall_plan(self, message: RecallPlan) -> PlanRecalled:
        if not is_snapshot_name(message.snapshot):
            return PlanRecalled()
        return PlanRecalled(plan=await self.offload.run(self.cache.store.read_plan, message.snapshot))

    # ---- the whole cache

    @_handles(Statistics)
    async def _statistics(self, _: Statistics) -> CacheStatistics:
        return await self.upkeep.statistics()

    @_handles(ResetStatistics)
    async def _reset_statistics(self, _: ResetStatistics) -> CacheStatistics:
        self.cache.take_counts()
        await self.cache.write(index.reset)
        return await self.upkeep.statistics()

    @_handles(Verify)
    async def _verify(self, _: Verify) -> Verified:
        checked, damage = await verification.verify(self.cache)
        return Verified(checked=checked, damage=tuple(damage), degraded=self.cache.degraded)

    @_handles(Collect)
    async def _collect(self, message: Collect) -> Collected:
        return await self.upkeep.collect(message.force)

    @_handles(Clear)
    async def _clear(self, _: Clear) -> Collected:
        return await self.upkeep.clear()

    @_handles(ExportCache)
    async def _export(self, message: ExportCache) -> Exported:
        return await transfer.export_file(self.cache, message.path, set(_raw(message.keys)), set(_raw(message.digests)))

    @_handles(ImportCache)
    async def _import(self, message: ImportCache) -> Imported:
        return await transfer.import_file(self.upkeep, message.path)


def _raw(digests: Iterable[Digest]) -> list[bytes]:
    return [bytes.fromhex(name) for name in digests]


def _entry(key: bytes, row: EntryRow) -> CacheEntry:
    return CacheEntry(
        key=key.hex(),
        digest=row.digest.hex(),
        size=row.size,
        module=row.module,
        kind=row.kind,
        functions=lengthened(row.module, row.functions),
        warnings=row.warnings,
        duration_ms=row.duration_ms,
        inputs=row.inputs,
    )


def _why(error: OSError, path: str) -> str:
    """Why a program could not be written; names the place if it is a folder on the way."""
    name = error.filename if isinstance(error.filename, str) else ""
    on_the_way = bool(name) and path.startswith(name.rstrip("/") + "/")
    return f"{error.strerror or error}" + (f" ({printable(name)})" if on_the_way else "")


# What is missing in a table fails here, when the file is imported.
if missing := set(kinds(KeeperRequest)) - set(_HANDLERS):
    raise TypeError(f"the keeper has no handler for {missing.pop().__name__}")
_NOTHING: dict[type[Message], Message] = {kind: ANSWERS[kind]() for kind in _HANDLERS}
"""What a cache that is turned off answers: every answer can be made without arguments."""
