"""What a cache may do, one request at a time: the sequential model that histories of keepers are held against.

The model knows every key that was stored, whether its entry certainly exists or may have been evicted since, and what
running builds have pinned. It allows everything that `docs/cache.md` allows, and nothing else:

- a look-up finds what was stored, with the digest it was stored with, unless it may be gone;
- what was found or stored by a running build is not evicted by another one;
- the bytes of a digest are those bytes;
- if one key is stored twice, the first entry stays, unless the second store forces it or the first may be gone;
- what was evicted, cleared or found damaged is not found again until it is stored again;
- an answer that says `degraded` may find less than there is, and keep less than it was given; it never invents
anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from actors.digests import Digest, digest
from actors.messages import (
    Begin,
    Collected,
    Ended,
    Find,
    Found,
    Load,
    Loaded,
    Stored,
    StoreEntries,
    Verified,
    Verify,
)
from orchestrator.testing.linear import PENDING, ClientCall


class Held(NamedTuple):
    """An entry. Not `sure`: it may have gone since it was seen last."""

    key: Digest
    digest: Digest
    sure: bool


class CacheState(NamedTuple):
    """`entries` by key; `pins` are (client, key) of running builds."""

    entries: frozenset[Held] = frozenset()
    pins: frozenset[tuple[str, Digest]] = frozenset()

    def by_key(self) -> dict[Digest, Held]:
        return {held.key: held for held in self.entries}

    def pinned(self, *, by_others_than: str) -> set[Digest]:
        return {key for client, key in self.pins if client != by_others_than}


class CacheModel:
    """The model. `entries` (key to digest) were in the cache before. `faults`: the disk may lie, so an entry may be
    gone or damaged at any time. Then nothing is certain, and only the laws about bytes and digests remain.

    Requests that are about nothing but snapshots, summaries, programs and statistics change nothing.
    """

    def __init__(self, entries: Mapping[Digest, Digest] | None = None, *, faults: bool = False) -> None:
        self.faults = faults
        self.initial = CacheState(frozenset(Held(key, name, True) for key, name in (entries or {}).items()))
        self._steps: dict[str, Callable[[CacheState, ClientCall], Iterable[CacheState]]] = {
            "Begin": self._begin,
            "Find": self._find,
            "Load": self._load,
            "StoreEntries": self._store,
            "End": self._end,
            "Collect": self._collect,
            "Clear": self._clear,
            "Verify": self._verify,
        }

    def step(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        act = self._steps.get(call.operation)
        if act is None:
            return (state,)
        reached = act(state, call)
        if not self.faults:
            return reached
        return [
            after._replace(entries=frozenset(entry._replace(sure=False) for entry in after.entries))
            for after in reached
        ]

    # ---- requests

    def _begin(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        assert isinstance(call.argument, Begin)
        yield _without_pins(state, call.client)

    def _find(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        request, answer = call.argument, call.answer
        assert isinstance(request, Find)
        pinned = state._replace(pins=state.pins | {(call.client, key) for key in request.keys})
        if answer is PENDING:
            yield state
            yield pinned
            return
        assert isinstance(answer, Found)
        entries = state.by_key()
        for key in request.keys:
            held, answered = entries.get(key), answer.entries.get(key)
            if answered is not None:
                if held is None or held.digest != answered.digest:
                    return
                entries[key] = held._replace(sure=True)
            elif held is not None and answer.degraded is None:
                if held.sure:
                    return
                del entries[key]
        yield pinned._replace(entries=frozenset(entries.values()))

    def _load(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        request, answer = call.argument, call.answer
        assert isinstance(request, Load)
        if answer is PENDING:
            yield state
            return
        assert isinstance(answer, Loaded)
        if any(digest(data) != name for name, data in answer.data.items()):
            return
        gone = set(request.digests) - set(answer.data)
        if answer.degraded is None and any(held.sure and held.digest in gone for held in state.entries):
            return
        left = state.entries if answer.degraded else {held for held in state.entries if held.digest not in gone}
        yield state._replace(entries=frozenset(left))

    def _store(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        request, answer = call.argument, call.answer
        assert isinstance(request, StoreEntries)
        entries = state.by_key()
        pins = state.pins | {(call.client, entry.key) for entry in request.entries}
        if answer is PENDING:
            yield state
        for entry in request.entries:
            name, held = digest(entry.data), entries.get(entry.key)
            allowed = {name} if held is None or request.force else {held.digest} if held.sure else {held.digest, name}
            if answer is PENDING:
                kept: Digest | None = name if held is None or request.force else held.digest
            else:
                assert isinstance(answer, Stored)
                kept = answer.kept.get(entry.key)
            if kept is not None:
                if kept not in allowed:
                    return
                entries[entry.key] = Held(entry.key, kept, True)
            elif answer.degraded is None:
                return
            elif held is None or held.digest == name:
                entries[entry.key] = Held(entry.key, name, False)
            else:
                entries[entry.key] = held._replace(sure=False)
        yield CacheState(frozenset(entries.values()), pins)

    def _end(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        answer = call.answer
        evicted = not isinstance(answer, Ended) or answer.evicted > 0
        yield _without_pins(self._evicted(state, call.client) if evicted else state, call.client)

    def _collect(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        answer = call.answer
        evicted = not isinstance(answer, Collected) or answer.evicted > 0
        yield self._evicted(state, call.client) if evicted else state

    def _clear(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        answer = call.answer
        if not isinstance(answer, Collected):
            yield _doubtful(state)
        elif answer.busy:
            yield state
        else:
            yield _doubtful(state) if answer.left_files else state._replace(entries=frozenset())

    def _verify(self, state: CacheState, call: ClientCall) -> Iterable[CacheState]:
        assert isinstance(call.argument, Verify)
        answer = call.answer
        if answer is PENDING:
            yield state
            return
        assert isinstance(answer, Verified)
        damaged = {damage.key for damage in answer.damage}
        if any(held.sure and held.key in damaged for held in state.entries):
            return
        yield state._replace(entries=frozenset(held for held in state.entries if held.key not in damaged))

    @staticmethod
    def _evicted(state: CacheState, client: str) -> CacheState:
        """Any entry that other running builds have not pinned may be gone."""
        safe = state.pinned(by_others_than=client)
        entries = frozenset(held if held.key in safe else held._replace(sure=False) for held in state.entries)
        return state._replace(entries=entries)


def _doubtful(state: CacheState) -> CacheState:
    return state._replace(entries=frozenset(held._replace(sure=False) for held in state.entries))


def _without_pins(state: CacheState, client: str) -> CacheState:
    return state._replace(pins=frozenset(pin for pin in state.pins if pin[0] != client))
