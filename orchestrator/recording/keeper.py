"""The keeper's half of a replay: see `orchestrator.recording.replay`."""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import structs

from actors.compiler.toolchain import FUNCTIONS_SECTION
from actors.digests import Digest, checksum, digest
from actors.events import Events
from actors.keeper import index
from actors.keeper.fragments import fragments_of
from actors.keeper.keeper import Keeper
from actors.keeper.store import MODULES, Incoming
from actors.messages import (
    CacheEntry,
    CacheStatistics,
    End,
    Find,
    FindFragments,
    FindSummaries,
    Found,
    FragmentsFound,
    Loaded,
    Message,
    NewEntry,
    PlanRecalled,
    Publish,
    RecallPlan,
    ResetStatistics,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesFound,
    ToKeeper,
)
from actors.offload import InlineOffload
from actors.system import System
from orchestrator.recording.counts import Counts
from orchestrator.recording.differing import ReplayDifference, comparable, compared, in_words
from orchestrator.recording.record import Header, MessageFrame, described
from orchestrator.wasm.leb import custom, leb5


class Before:
    """What the cache must have held when the recording began: what it found without having stored it since."""

    def __init__(self) -> None:
        self.entries: dict[Digest, CacheEntry] = {}
        self.data: dict[Digest, bytes] = {}
        self.objects: set[Digest] = set()
        """Objects that were read and not stored since. Nobody asked for the rows of some, because a plan named them."""
        self.summaries: dict[tuple[Digest, Digest], bytes] = {}
        self.plans: dict[str, bytes] = {}
        self.fragments: dict[Digest, bytes] = {}
        """Fragments that were found and not stored since."""
        self.others = False
        """Something was found that had been missing before and was not stored since: other processes stored it."""
        self._missed: set[Digest] = set()
        self._kept_fragments: set[Digest] = set()
        self._stored: set[Digest] = set()
        self._made: set[Digest] = set()
        self._summarised: set[tuple[Digest, Digest]] = set()
        self._snapshots: set[str] = set()

    def see(self, request: Message, answer: Message) -> None:
        """Takes note of a request and its answer. Called in the order of the answers."""
        # What an answer has and no request stored before must have been there when the recording began, so the replayed
        # cache gets it. What was stored meanwhile is left out: the replayed keeper stores it itself. Something that was
        # looked up in vain, and then is there without having been stored, comes from another process.
        if isinstance(answer, Found):
            for key, entry in answer.entries.items():
                if key not in self._stored:
                    self.entries.setdefault(key, entry)
                    self.others |= key in self._missed
            if isinstance(request, Find):
                self._missed.update(set(request.keys) - set(answer.entries))
            self.others |= bool(answer.taken)
        elif isinstance(request, FindFragments) and isinstance(answer, FragmentsFound):
            for name, data in answer.fragments.items():
                if name not in self._kept_fragments:
                    self.fragments.setdefault(name, data)
            for key, (entry, data) in answer.objects.items():
                if key not in self._stored:
                    self.entries.setdefault(key, entry)
                    self.data.setdefault(entry.digest, data)
        elif isinstance(answer, Loaded):
            self.data.update(answer.data)
            self.objects.update(set(answer.data) - self._made)
        elif isinstance(request, StoreEntries) and isinstance(answer, Stored):
            for new in request.entries:
                kept = answer.kept.get(new.key)
                self.data[kept or ""] = new.data
                self._kept_fragments.update(name.hex() for name in fragments_of(new.data))
                self._made.add(kept or "")
                if new.key in answer.refused and new.key not in self._stored and kept:
                    row = CacheEntry(key=new.key, digest=kept, size=0, module=new.module, kind=new.kind)
                    self.entries.setdefault(new.key, row)
            self._stored.update(answer.kept)
        elif isinstance(request, FindSummaries) and isinstance(answer, SummariesFound):
            for source, data in answer.summaries.items():
                if (request.identity, source) not in self._summarised:
                    self.summaries.setdefault((request.identity, source), data)
        elif isinstance(request, StoreSummaries):
            self._summarised.update((request.identity, source) for source in request.summaries)
        elif isinstance(request, RecallPlan) and isinstance(answer, PlanRecalled):
            if answer.plan and request.snapshot not in self._snapshots:
                self.plans.setdefault(request.snapshot, answer.plan)
        elif isinstance(request, End):
            self._snapshots.add(request.snapshot)

    def may_have_had(self, fragment: Digest) -> bool:
        """Whether the fragment is in an object that was there before. That need not be the object that its row named
        then, because the row belongs to the entry that was stored last."""
        if self._inside is None:
            self._inside = {name.hex() for entry in self.entries.values() for name in self._fragments_of(entry)}
        return fragment in self._inside

    _inside: set[Digest] | None = None

    def _fragments_of(self, entry: CacheEntry) -> Iterable[bytes]:
        return fragments_of(self.data.get(entry.digest, b""))

    @property
    def count(self) -> int:
        """How many entries and objects there were."""
        return len(self.entries) + len(self.objects - {entry.digest for entry in self.entries.values()})

    async def restore(self, keeper: Keeper) -> None:
        """Stores everything in the cache of a keeper that has just started."""
        cache = keeper.cache
        rows = []
        for key, entry in self.entries.items():
            data = self.data.get(entry.digest)
            if data is None:  # Nobody read the object, so only its row matters.
                name = bytes.fromhex(entry.digest)
                rows.append(
                    (
                        bytes.fromhex(key),
                        index.EntryRow(name, bytes(16), entry.size, 0, entry.kind, entry.module, inputs=entry.inputs),
                    )
                )
                continue
            await cache.keep([_again(entry, data)], False)
        if rows:
            await cache.write(index.insert, rows)
        for (identity, source), summary in self.summaries.items():
            await cache.store_summaries(identity, {source: summary})
        for wanted in self.objects - {entry.digest for entry in self.entries.values()}:
            cache.store.write(MODULES, f"{wanted}.wasm", self.data[wanted])
        if self.fragments:
            await cache.keep([_holding(self.fragments)], False)
            cache.hot.clear()
        for snapshot, plan in self.plans.items():
            cache.store.write_snapshot(snapshot, b"", plan)
        await cache.unpin()
        cache.take_counts()


def _holding(fragments: dict[Digest, bytes]) -> Incoming:
    """An object that has just these fragments. No message says what else was in the objects that had them."""
    offset, rows, held = 8 + 1 + 5 + 2, [], b"".join(fragments.values())
    for name, data in fragments.items():
        rows.append((bytes.fromhex(name), offset, len(data)))
        offset += len(data)
    listed = custom(FUNCTIONS_SECTION, msgspec.msgpack.encode(rows))
    whole = b"\0asm\1\0\0\0\0" + leb5(2 + len(held)) + b"\1f" + held + listed
    key = digest(b"fragments" + whole)
    row = CacheEntry(key=key, digest=digest(whole), size=len(whole), module="", kind="object")
    return _again(row, whole)


def _again(entry: CacheEntry, data: bytes) -> Incoming:
    new = NewEntry(
        key=entry.key,
        digest=entry.digest,
        kind=entry.kind,
        module=entry.module,
        manifest=msgspec.json.encode({"of": checksum(data)}),
        data=data,
        identity="0" * 64,
        functions=entry.functions,
        warnings=entry.warnings,
        duration_ms=entry.duration_ms,
        inputs=entry.inputs,
    )
    return Incoming(bytes.fromhex(entry.key), bytes.fromhex(entry.digest), new)


async def replay_keeper(
    header: Header, records: list[tuple[int, MessageFrame]]
) -> tuple[list[ReplayDifference], int, int, int]:
    """Returns where the keeper's answers differ, how many requests it was given, how many answers were not compared,
    and how many entries the cache must have held before."""
    with TemporaryDirectory(prefix="wasmill-replay-") as folder:
        return await _replay(header, records, None if header.memory else folder)


async def _replay(
    header: Header, records: list[tuple[int, MessageFrame]], folder: str | None
) -> tuple[list[ReplayDifference], int, int, int]:
    requests, answers, taken = _gathered(records)
    before = Before()
    for number, answer in answers.items():
        before.see(requests[number][1], answer)
    keeper = Keeper(
        folder,
        max_size=header.max_size,
        eviction=header.eviction,
        hot_memory=header.hot_memory,
        enabled=header.enabled,
    )
    system = System([keeper], offload=InlineOffload(), events=Events())
    differences: list[ReplayDifference] = []
    skipped, counts = 0, Counts()
    counts.inexact = before.others
    if header.memory:
        counts.reset()  # Nobody counted before.
    async with system.running():
        await system.wait(keeper.ready)  # `restore` needs the cache that the keeper makes when it starts.
        for number in taken:
            place, request = requests[number]
            if number == taken[0] and header.enabled:
                await before.restore(keeper)
            # The path is that of the recorded program, so publishing again would replace a file of the user.
            if isinstance(request, Publish):
                skipped += 1
                continue
            expected, answer = answers.get(number), await system.ask(keeper.address, request)
            if expected is None or not compared(expected):
                skipped += 1
                counts.inexact |= getattr(expected, "degraded", None) is not None
                continue
            if isinstance(request, ResetStatistics):
                counts.reset()
            differ = _differ(expected, answer, before, counts)
            if differ is not None:
                then, now = in_words(*differ), in_words(*reversed(differ))
                differences.append(ReplayDifference("keeper", place, described(request), (then,), (now,)))
    return differences, len(taken), skipped, before.count


def _differ(then: Message, now: Message, before: Before, counts: Counts) -> tuple[Message, Message] | None:
    """The two answers, as far as they can be compared; None if they agree."""
    if isinstance(then, CacheStatistics) and isinstance(now, CacheStatistics):
        return counts.compare(then, now)
    if isinstance(then, FragmentsFound) and isinstance(now, FragmentsFound):
        differing = {
            name: data
            for name, data in now.fragments.items()
            if name in then.fragments or not before.may_have_had(name)
        }
        now = structs.replace(now, fragments=differing)
    return None if comparable(then) == comparable(now) else (then, now)


def _gathered(
    records: list[tuple[int, MessageFrame]],
) -> tuple[dict[int, tuple[int, ToKeeper]], dict[int, Message], list[int]]:
    """The requests to the keeper by number, with their places; its answers by number; and the numbers in the order in
    which it took them."""
    requests: dict[int, tuple[int, ToKeeper]] = {}
    answers: dict[int, Message] = {}
    taken: list[int] = []
    for place, record in records:
        message: Any = record.message
        if record.kind in ("post", "ask") and record.receiver == "keeper":
            requests[record.number] = place, message
        elif record.kind == "reply" and record.sender == "keeper":
            answers[record.number] = message
        elif record.kind == "take" and record.receiver == "keeper" and record.number in requests:
            taken.append(record.number)
    return requests, answers, taken
