"""What a keeper does beside another schema: see `actors/keeper/recovery.py`, and `tests/faults/test_schemas.py` for
whole builds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.digests import digest
from actors.keeper import index
from actors.keeper.index import file_of
from actors.messages import Collect, Statistics, Verify
from tests.actors.keeper.keeping import Open, entry, files, size

pytestmark = pytest.mark.anyio

BYTES = b"the same bytes " * 50
OURS, THEIRS = entry("a", BYTES, version=1), entry("a", BYTES, version=2)
"""One object under two keys, as two schemas have it."""
MORE = entry("more", b"more" * 300)


@contextmanager
def another_schema() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "SCHEMA", 2)
        patch.setattr(index, "FILE", file_of(2))
        yield


async def theirs(open_keeper: Open, *stored: Any, **settings: Any) -> None:
    """A build of another schema, from beginning to end."""
    with another_schema():
        async with open_keeper(**settings) as talk:
            assert await talk.build(*stored) == [one.module for one in stored]


async def clean(open_keeper: Open) -> None:
    async with open_keeper() as talk:
        assert (await talk.ask(Verify())).damage == ()
        assert (await talk.ask(Collect(force=True))).removed_files == 0
        assert (await talk.ask(Statistics())).corruptions == 0


async def both_clean(open_keeper: Open) -> None:
    await clean(open_keeper)
    with another_schema():
        await clean(open_keeper)


async def test_what_they_stored_counts_and_goes_like_our_own(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.build(OURS)
    await theirs(open_keeper, entry("b", b"b" * 3000), entry("c", b"c" * 3000))
    async with open_keeper(max_size=6000) as talk:
        assert await talk.build(OURS) == []
        assert talk.ended.evicted > 0
    assert size(tmp_path / "cache") <= 6000
    await both_clean(open_keeper)


async def test_what_they_evicted_is_a_plain_miss(open_keeper: Open, tmp_path: Path) -> None:
    """Not a hit on a row that leads nowhere, no damage, and no reason to look at everything again."""
    async with open_keeper() as talk:
        await talk.build(MORE)
    await theirs(open_keeper, entry("d", b"d" * 2000), max_size=3000)
    assert not list((tmp_path / "cache/metadata").glob(f"{MORE.key}*"))
    async with open_keeper() as talk:
        await talk.begin()
        assert (await talk.find(MORE)).entries == {}
        assert await talk.build(MORE) == ["more"]
        assert "EntryQuarantined" not in talk.names()
    await both_clean(open_keeper)


async def test_an_object_that_both_name_stays_when_one_entry_goes(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.build(OURS, entry("second", b"2" * 1500))
    await theirs(open_keeper, THEIRS)
    async with open_keeper(max_size=size(tmp_path / "cache") + 1500, eviction="fifo") as talk:
        await talk.build(MORE)
    there = files(tmp_path / "cache")
    assert f"metadata/{OURS.key}.json" not in there
    assert {f"metadata/{THEIRS.key}.json", f"modules/{digest(BYTES)}.wasm"} <= set(there)
    await both_clean(open_keeper)
    with another_schema():
        async with open_keeper() as talk:
            assert await talk.build(THEIRS) == []


async def test_they_store_while_we_evict_the_same_bytes(open_keeper: Open, tmp_path: Path) -> None:
    """A whole build of theirs, between our choice and our removing."""
    await theirs(open_keeper, entry("other"))
    async with open_keeper(max_size=2600, eviction="fifo") as talk:
        await talk.build(OURS)
        looks = 0

        async def pinned_by_others() -> set[bytes]:
            nonlocal looks
            looks += 1
            if looks == 2:
                await theirs(open_keeper, THEIRS)
            return set()

        talk.keeper.upkeep.pinned_by_others = pinned_by_others
        await talk.build(MORE)
        assert looks == 2
    there = files(tmp_path / "cache")
    assert f"metadata/{OURS.key}.json" not in there
    assert {f"metadata/{THEIRS.key}.json", f"modules/{digest(BYTES)}.wasm"} <= set(there)
    await both_clean(open_keeper)
