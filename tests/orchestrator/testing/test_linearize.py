"""Linearizability: registers by hand, keepers that share a cache, and keepers that are broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import anyio
import pytest

from actors.digests import Digest, digest
from actors.events import Events
from actors.keeper import locks
from actors.keeper.keeper import Keeper
from actors.keeper.store import FileStore, Incoming, digest_of
from actors.keeper.upkeep import Upkeep
from actors.messages import (
    Begin,
    CacheEntry,
    Collect,
    Collected,
    Damage,
    End,
    Ended,
    Find,
    Found,
    Load,
    Loaded,
    NewEntry,
    Stored,
    StoreEntries,
    Verified,
    Verify,
)
from actors.system import System
from orchestrator.testing.cachemodel import CacheModel
from orchestrator.testing.linear import PENDING, ClientCall, History, NotLinearizable, linearize
from orchestrator.testing.world import World

# ------------------------------------------------------------------------------------------------ a register


class Register:
    initial = 0

    def step(self, state: int, call: ClientCall) -> Iterable[int]:
        if call.operation == "write":
            return [call.argument] if call.answer is not PENDING else [state, call.argument]
        return [state] if call.answer in (state, PENDING) else []


def history(*lines: str) -> History:
    """Calls in lines like `a: write 1 | read=1`: those of a line overlap, lines follow one another."""
    made = History()
    for line in lines:
        calls = []
        for part in line.split("|"):
            client, _, said = part.strip().partition(": ")
            words = said.split()
            operation, _, answer = words[0].partition("=")
            call = made.begin(client, operation, int(words[1]) if len(words) > 1 else None)
            calls.append((call, answer))
        for call, answer in calls:
            if answer != "?":
                made.end(call, int(answer) if answer else None)
    return made


def test_calls_that_overlap_may_come_in_either_order() -> None:
    for seen in (0, 1):
        order = linearize(history(f"a: write 1 | b: read={seen}", "b: read=1"), Register())
        assert [call.operation for call in order] == (["read", "write"] if seen == 0 else ["write", "read"]) + ["read"]


def test_a_stale_read_is_found() -> None:
    with pytest.raises(NotLinearizable) as found:
        linearize(history("a: write 1", "b: write 2 | c: read=1", "c: read=1"), Register())
    assert [call.argument for call in found.value.longest] == [1, None, 2]
    assert [call.client for call in found.value.stuck] == ["c"]
    assert "none of these can come next:\n    [7-8] c: read(None) = 1" in str(found.value)


def test_two_readers_that_saw_two_orders_are_found() -> None:
    lines = ("a: write 1 | b: write 2", "c: read=1 | d: read=2")
    with pytest.raises(NotLinearizable):
        linearize(history(*lines), Register())
    with pytest.raises(NotLinearizable):
        linearize(history("a: write 1 | b: write 2 | c: read=2", "c: read=1", "d: read=2"), Register())


def test_a_call_that_never_came_back_may_have_happened_or_not() -> None:
    model = Register()
    pending = history("a: write 1", "b: write 2")
    pending.calls[1].ended, pending.calls[1].answer = None, PENDING
    for seen in (1, 2):
        longer = History()
        longer.calls, longer._clock = list(pending.calls), pending._clock
        longer.end(longer.begin("c", "read"), seen)
        linearize(longer, model)
    longer.end(longer.begin("c", "read"), 1)
    with pytest.raises(NotLinearizable):
        linearize(longer, model)


def test_many_calls_at_once_are_searched_quickly() -> None:
    made = History()
    calls = [made.begin(f"c{number}", "write", number % 3) for number in range(11)]
    for call in calls:
        made.end(call, None)
    made.end(made.begin("x", "read"), 7)
    with pytest.raises(NotLinearizable):
        linearize(made, Register())


# ------------------------------------------------------------------------------------------------ the cache, by hand


def entry(module: str, data: bytes = b"one") -> NewEntry:
    return NewEntry(
        key=digest(module.encode()),
        digest=digest(data),
        kind="object",
        module=module,
        manifest=b"null",
        data=data,
        identity="0" * 64,
    )


A, B = entry("a"), entry("b", b"two")
OTHER = entry("a", b"another")


def row(one: NewEntry) -> CacheEntry:
    return CacheEntry(key=one.key, digest=digest(one.data), size=1, module=one.module, kind="object")


def find(*wanted: NewEntry, found: Iterable[NewEntry] = (), degraded: str | None = None) -> tuple[Any, Any]:
    answer = Found(entries={one.key: row(one) for one in found}, degraded=degraded)
    return Find(build=1, keys=tuple(one.key for one in wanted)), answer


def store(one: NewEntry, kept: NewEntry | None, *, force: bool = False, degraded: str | None = None) -> tuple[Any, Any]:
    names = {kept.key: digest(kept.data)} if kept else {}
    return StoreEntries(build=1, entries=(one,), force=force), Stored(kept=names, degraded=degraded)


def load(one: NewEntry, data: bytes | None) -> tuple[Any, Any]:
    name = digest(one.data)
    return Load(build=1, digests=(name,)), Loaded(data={} if data is None else {name: data})


RECORD = (End(build=1), Ended())
EVICTS = (End(build=1), Ended(evicted=1))
COLLECTS = (Collect(), Collected(evicted=2))
FINDS_DAMAGE = (Verify(), Verified(checked=1, damage=(Damage(file="x", problem="y", action="z", key=A.key),)))

ALLOWED = {
    "found where stored": [store(A, A), find(A, B, found=[A]), load(A, b"one")],
    "the first stays": [store(A, A), store(OTHER, A), find(A, found=[A])],
    "unless it is forced": [store(A, A), store(OTHER, OTHER, force=True), find(A, found=[OTHER])],
    "what was evicted is missed": [store(A, A), EVICTS, find(A), store(OTHER, OTHER)],
    "or found after all": [store(A, A), EVICTS, find(A, found=[A])],
    "a degraded cache finds less": [store(A, A), find(A, degraded="locked"), find(A, found=[A])],
    "and keeps less": [store(A, None, degraded="full"), find(A), find(A)],
    "a late miss after an eviction": [store(A, A), COLLECTS, load(A, None), find(A)],
}
FORBIDDEN = {
    "found what nobody stored": [find(A, found=[A])],
    "not found what was stored": [store(A, A), RECORD, find(A)],
    "found another": [store(A, A), find(A, found=[OTHER])],
    "the second replaces the first": [store(A, A), store(OTHER, OTHER)],
    "other bytes": [store(A, A), load(A, b"two")],
    "a late miss for no reason": [store(A, A), load(A, None)],
    "found again after it was missed": [store(A, A), EVICTS, find(A), find(A, found=[A])],
    "not kept for no reason": [store(A, None)],
    "damage for no reason": [store(A, A), FINDS_DAMAGE],
    "a degraded cache invents": [find(A, found=[A], degraded="locked")],
}


def one_after_the_other(calls: list[tuple[Any, Any]], client: str = "c", made: History | None = None) -> History:
    made = made or History()
    for request, answer in calls:
        made.end(made.begin(client, type(request).__name__, request), answer)
    return made


@pytest.mark.parametrize("name", ALLOWED)
def test_the_cache_may(name: str) -> None:
    linearize(one_after_the_other(ALLOWED[name]), CacheModel())


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_cache_must_not(name: str) -> None:
    with pytest.raises(NotLinearizable):
        linearize(one_after_the_other(FORBIDDEN[name]), CacheModel())


def test_what_was_there_before_and_a_disk_that_lies() -> None:
    linearize(one_after_the_other([find(A, found=[A])]), CacheModel({A.key: digest(A.data)}))
    lies = [store(A, A), load(A, None), find(A), store(A, A), FINDS_DAMAGE, find(A)]
    linearize(one_after_the_other(lies), CacheModel(faults=True))
    with pytest.raises(NotLinearizable):
        linearize(one_after_the_other([store(A, A), load(A, b"two")]), CacheModel(faults=True))


def test_what_one_build_uses_another_one_does_not_evict() -> None:
    made = one_after_the_other([store(A, A), RECORD, (Begin(build=2), None), find(A, found=[A])], "mine")
    made.calls[2].answer = PENDING
    made.calls[2].ended = made.calls[2].began
    one_after_the_other([EVICTS], "theirs", made)
    with pytest.raises(NotLinearizable):
        linearize(one_after_the_other([load(A, None)], "mine", made), CacheModel())


# ------------------------------------------------------------------------------------------------ keepers


class Client:
    """Somebody who builds with a keeper of its own on a shared cache."""

    def __init__(self, world: World, made: History, name: str, max_size: int) -> None:
        self.keeper = Keeper("/cache", max_size=max_size, eviction="fifo", hot_memory=0)
        self.system = System(
            [self.keeper], offload=world.process().offload, events=Events(), tap=made.tap(name, actor="keeper")
        )
        self.build = 0

    async def ask(self, message: Any) -> Any:
        return await self.system.ask(self.keeper.address, message)

    async def builds(self, entries: list[NewEntry], times: int = 2) -> None:
        """Find all, read what is there, store what is not."""
        for _ in range(times):
            self.build += 1
            await self.ask(Begin(build=self.build))
            found = (await self.ask(Find(build=self.build, keys=tuple(one.key for one in entries)))).entries
            names: set[Digest] = {one.digest for one in found.values()}
            await anyio.lowlevel.checkpoint()
            loaded = (await self.ask(Load(build=self.build, digests=tuple(sorted(names))))).data
            missed = [one for one in entries if one.key not in found or found[one.key].digest not in loaded]
            if missed:
                await self.ask(StoreEntries(build=self.build, entries=tuple(missed)))
            await self.ask(End(build=self.build))


ENTRIES = [entry(f"m{number}", bytes([number]) * 3000) for number in range(8)]


async def shared(max_size: int) -> History:
    """Three clients that build overlapping projects at once on one cache."""
    world, made = World(), History()
    clients = [Client(world, made, name, max_size) for name in ("x", "y", "z")]
    async with clients[0].system.running(), clients[1].system.running(), clients[2].system.running():
        async with anyio.create_task_group() as group:
            for number, client in enumerate(clients):
                group.start_soon(client.builds, ENTRIES[number * 2 : number * 2 + 4])
        await clients[0].ask(Verify())
    return made


@pytest.mark.anyio
@pytest.mark.parametrize("max_size", [0, 12_000], ids=["room", "eviction"])
async def test_keepers_that_share_a_cache(max_size: int) -> None:
    made = await shared(max_size)
    order = linearize(made, CacheModel())
    assert len(order) == len(made.calls) > 25
    evicted = sum(call.answer.evicted for call in made.calls if call.operation == "End")
    assert bool(evicted) == bool(max_size)


@pytest.mark.anyio
async def test_an_eviction_between_lookup_and_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keepers that do not look what others have pinned."""
    monkeypatch.setattr(locks, "pinned_by_others", lambda folder, own, disk: set())
    world, made = World(), History()
    mine, theirs = (Client(world, made, name, 12_000) for name in ("mine", "theirs"))
    async with mine.system.running(), theirs.system.running():
        await mine.builds(ENTRIES[:2], times=1)
        await mine.ask(Begin(build=2))
        found = await mine.ask(Find(build=2, keys=(ENTRIES[0].key,)))
        await theirs.builds(ENTRIES[2:], times=1)
        loaded = await mine.ask(Load(build=2, digests=(found.entries[ENTRIES[0].key].digest,)))
    assert loaded.data == {}
    with pytest.raises(NotLinearizable) as stuck:
        linearize(made, CacheModel())
    assert [call.operation for call in stuck.value.stuck] == ["Load"]


@pytest.mark.anyio
async def test_an_entry_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Upkeep.store

    async def forgets(self: Upkeep, entries: Sequence[Incoming], force: bool) -> Any:
        kept, *more = await store(self, entries[1:], force)
        return {**kept, entries[0].key: digest_of(entries[0].entry.data)}, *more

    monkeypatch.setattr(Upkeep, "store", forgets)
    with pytest.raises(NotLinearizable):
        linearize(await shared(0), CacheModel())


@pytest.mark.anyio
async def test_bytes_that_are_not_checked_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    read = FileStore._read_checked
    monkeypatch.setattr(FileStore, "_read_checked", lambda self, *args: read(self, *args)[:-1] + b"!")
    with pytest.raises(NotLinearizable, match="Load"):
        linearize(await shared(0), CacheModel())


@pytest.mark.anyio
async def test_projects_that_share_a_cache() -> None:
    world, made = World(), History()
    world.write({"main": "run a::f\n", "a": "pub f =\n"})
    world.write({"main": "run a::f\n", "a": "pub f =\n", "more": "pub g =\n"}, "/other")
    async with (
        world.open(tap=made.tap("one")) as one,
        world.open("/other", folder="/project/.ruchy-cache", tap=made.tap("two")) as two,
        anyio.create_task_group() as group,
    ):
        group.start_soon(one.build)
        group.start_soon(two.build)
    order = linearize(made, CacheModel())
    assert {call.client for call in order} == {"one", "two"}


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_stays_pending() -> None:
    made = History()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await made.record("a", "write", 1, anyio.sleep(1))
    assert [(call.operation, call.answer, call.ended) for call in made.calls] == [("write", PENDING, None)]
    assert await made.record("a", "read", None, _value(5)) == 5
    assert repr(made.calls[1]) == "[2-3] a: read(None) = 5"


async def _value(value: int) -> int:
    return value
