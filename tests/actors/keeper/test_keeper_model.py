"""Store and index against a plain dictionary: any sequence of operations, restarts, lost files and lost indexes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.digests import digest
from actors.events import Events
from actors.keeper.keeper import Keeper
from actors.messages import Clear, Collect, FindFragments, FindSummaries, StoreSummaries, Verify
from actors.offload import InlineOffload
from actors.system import System
from tests.actors.keeper.fragmented import fingerprint, object_of
from tests.actors.keeper.keeping import IDENTITY, Talk, entry

NAMES = [f"m{number}" for number in range(5)]
KEYS = st.sampled_from(NAMES)
OPERATIONS = st.one_of(
    # Few different contents, so that objects are shared.
    st.tuples(st.just("store"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("force"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("lose"), KEYS, st.just(0)),
    st.tuples(st.just("damage"), KEYS, st.just(0)),
    st.tuples(st.just("summary"), KEYS, st.integers(0, 3)),
    st.tuples(st.sampled_from(["restart", "reindex", "collect", "verify", "clear"]), st.just(""), st.just(0)),
)


def content(number: int) -> bytes:
    return object_of({f"own {number}": bytes([number + 1]) * 9, "common": bytes([number + 1])})


def drop_index(folder: Path) -> None:
    for path in folder.glob("index.db*"):
        path.unlink()


class KeeperModel:
    """What should be there. Objects that were damaged or lost take all their entries with them, but not before somebody
    looks: `shaky` are those contents."""

    def __init__(self) -> None:
        self.entries: dict[str, int] = {}
        self.summaries: dict[str, int] = {}

    def lose(self, number: int) -> None:
        self.entries = {name: it for name, it in self.entries.items() if it != number}


async def apply(talk: Talk, model: KeeperModel, folder: Path, operation: str, name: str, number: int) -> None:
    if operation in ("store", "force"):
        await talk.store(entry(name, content(number)), force=operation == "force")
        if operation == "force" or name not in model.entries:
            model.entries[name] = number
    elif operation in ("lose", "damage") and name in model.entries:
        lost = model.entries[name]
        path = folder / "modules" / f"{digest(content(lost))}.wasm"
        if operation == "lose":
            path.unlink()
        else:
            path.write_bytes(b"damaged")
        talk.keeper.cache.hot.clear()
        model.lose(lost)
        assert await talk.read(entry(name)) is None
    elif operation == "summary":
        await talk.ask(StoreSummaries(build=1, identity=IDENTITY, summaries={digest(name.encode()): bytes([number])}))
        model.summaries[name] = number
    elif operation == "reindex":
        await talk.keeper.cache.close()
        drop_index(folder)
        model.summaries.clear()
    elif operation == "collect":
        await talk.end()
        await talk.begin()
        await talk.ask(Collect(force=True))
    elif operation == "verify":
        assert (await talk.ask(Verify())).damage == ()
    elif operation == "clear":
        await talk.ask(Clear())
        model.entries.clear()
        model.summaries.clear()


async def compare(talk: Talk, model: KeeperModel) -> None:
    everything = [entry(name) for name in NAMES]
    found = (await talk.find(*everything)).entries
    assert {it.module: it.digest for it in found.values()} == {
        name: digest(content(number)) for name, number in model.entries.items()
    }
    data = await talk.load(*{it.digest for it in found.values()})
    assert data == {digest(content(number)): content(number) for number in model.entries.values()}
    sources = {digest(name.encode()): name for name in NAMES}
    summaries = (await talk.ask(FindSummaries(build=1, identity=IDENTITY, sources=tuple(sources)))).summaries
    assert {sources[it]: text[0] for it, text in summaries.items()} == model.summaries
    await compare_fragments(talk, set(model.entries.values()))


async def compare_fragments(talk: Talk, stored: set[int]) -> None:
    """What comes is of an object that is there. (Of two entries with one object the later one has the rows, so they may
    go while the other stays.)"""
    names = {fingerprint(f"own {number}").hex(): number for number in range(4)}
    common = fingerprint("common").hex()
    found = (await talk.ask(FindFragments(build=1, fingerprints=(*names, common)))).fragments
    assert found.pop(common, b"") in {b"", *(bytes([number + 1]) for number in stored)}
    assert found == {name: bytes([names[name] + 1]) * 9 for name in found}
    assert {names[name] for name in found} <= stored


async def play(folder: Path, operations: list[tuple[str, str, int]]) -> None:
    model = KeeperModel()
    rest = list(operations)
    while rest or operations is not None:
        keeper = Keeper(str(folder), max_size=0, eviction="lru", hot_memory=300)
        system = System([keeper], offload=InlineOffload(), events=Events())
        async with system.running():
            talk = Talk(system, keeper, [])
            await talk.begin()
            await compare(talk, model)
            while rest:
                step: Any = rest.pop(0)
                if step[0] == "restart":
                    break
                await apply(talk, model, folder, *step)
                await compare(talk, model)
            else:
                return
            await talk.end()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OPERATIONS, max_size=12))
def test_the_cache_is_a_dictionary(operations: list[tuple[str, str, int]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        anyio.run(play, folder / "cache", operations)
    finally:
        shutil.rmtree(folder)
