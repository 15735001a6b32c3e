"""An older and a newer Wasmill on one cache: each has an index of its own, `metadata/` and `modules/` are shared.

"Newer" is this one with its schemas raised: another index file, other keys, a field in its metadata that the older one
does not know. The objects are the same, byte for byte, and so are their files: what one removes, the other may need.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.disk import RealDisk
from actors.keeper import recovery
from actors.keeper.index import file_of
from actors.keeper.store import FileStore
from tests.faults.fork_server import ForkServer, fork_server
from tests.faults.newer import NEW, OLD, schema
from tests.faults.scenarios import CACHE, EDITED, PROJECT, drop_program, leftovers, right, served
from tests.faults.test_sharing import EDITS, check, still_good, version, wanted
from tests.helpers.plain_builds import Bench, opened, texts_in, write
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3600 if LONG else 120)]


@asynccontextmanager
async def of(number: int, folder: Path, **settings: Any) -> AsyncIterator[Bench]:
    with schema(number):
        async with opened(folder, **settings) as bench:
            yield bench


def size(folder: Path) -> int:
    return sum(
        path.stat().st_size
        for part in ("modules", "metadata", "quarantine")
        for path in (folder / CACHE / part).glob("*")
    )


async def build(number: int, folder: Path, tally: Tally, **settings: Any) -> Any:
    """One build from objects, in a process of its own: right, and nothing failed."""
    drop_program(folder)
    objects, program = await right(texts_in(folder))
    async with of(number, folder, **settings) as bench:
        result = await bench.build()
        assert (result.success, result.cache_degraded) == (True, None)
        assert result.program is not None
        tally.compare({"program": result.program.read_bytes()}, {"program": program}, number)
        tally.compare(await served(bench), objects, number)
        statistics = await bench.project.cache.statistics()
        assert (statistics.corruptions, statistics.degradations) == (0, 0)
    return result


async def verified(number: int, folder: Path) -> tuple[Any, ...]:
    async with of(number, folder) as bench:
        return tuple((await bench.project.cache.verify()).damage)


async def test_builds_in_turn(tmp_path: Path, tally: Tally) -> None:
    """Each compiles everything once, and finds its own ever after; nobody's index is touched by the other."""
    write(tmp_path, PROJECT)
    counts = [(await build(number, tmp_path, tally)).compiled_modules for number in (OLD, NEW, OLD, NEW)]
    assert counts == [4, 4, 0, 0]
    write(tmp_path, EDITED)
    counts = [(await build(number, tmp_path, tally)).compiled_modules for number in (NEW, OLD, NEW, OLD)]
    assert counts[2:] == [0, 0]
    assert counts[0] == counts[1] > 0
    assert await verified(OLD, tmp_path) == await verified(NEW, tmp_path) == ()
    there = {path.name for path in (tmp_path / CACHE).glob("index*.db*")}
    assert there == {"index.db", "index-2.db"}
    assert not list((tmp_path / CACHE).glob("quarantine/*"))
    leftovers(tmp_path, "in turn")
    tally.survive(8)


@pytest.mark.parametrize("first", [OLD, NEW])
async def test_a_plan_of_another_schema_is_none(tmp_path: Path, tally: Tally, first: int) -> None:
    """What keys mean has changed: nothing of the other's answers, not even where nothing else has."""
    write(tmp_path, PROJECT)
    await build(first, tmp_path, tally)
    async with of(OLD + NEW - first, tmp_path) as bench:
        assert (await bench.build()).compiled_modules == len(PROJECT)


@pytest.mark.parametrize("eviction", ["lru", "lfu", "fifo"])
@pytest.mark.slow
async def test_the_limit_holds_for_both_together(tmp_path: Path, tally: Tally, eviction: str) -> None:
    """Whoever built last has brought the whole folder below the limit, the other's entries included."""
    limit = 9_000
    settings = {"max_size": limit, "eviction": eviction}
    for turn in range(12):
        number = NEW if turn % 2 else OLD
        write(tmp_path, {**PROJECT, "b": f"pub g = edit {turn}\n", "c": f"pub h = edit {turn}\n"})
        await build(number, tmp_path, tally, **settings)
        assert size(tmp_path) <= limit, turn
        if turn > 8:
            assert await verified(OLD, tmp_path) == await verified(NEW, tmp_path) == (), turn
    async with of(NEW, tmp_path, **settings) as bench:
        assert (await bench.project.cache.statistics()).evictions > 0
    tally.survive(12)


@pytest.mark.parametrize("clears", [OLD, NEW])
async def test_one_clears(tmp_path: Path, tally: Tally, clears: int) -> None:
    """The other finds nothing, as if it had cleared itself: no damage, no late miss, and it heals."""
    other = OLD + NEW - clears
    write(tmp_path, PROJECT)
    await build(OLD, tmp_path, tally)
    await build(NEW, tmp_path, tally)
    async with of(clears, tmp_path) as bench:
        assert (await bench.project.cache.clear()).left_files == 0
    assert size(tmp_path) == 0
    assert await verified(other, tmp_path) == ()
    assert (await build(other, tmp_path, tally)).compiled_modules == len(PROJECT)
    assert (await build(clears, tmp_path, tally)).compiled_modules == len(PROJECT)
    assert (await build(other, tmp_path, tally)).compiled_modules == 0


@pytest.mark.parametrize("collects", [OLD, NEW])
async def test_collecting_takes_nothing_of_the_other(tmp_path: Path, tally: Tally, collects: int) -> None:
    write(tmp_path, PROJECT)
    await build(OLD, tmp_path, tally)
    await build(NEW, tmp_path, tally)
    before = size(tmp_path)
    async with of(collects, tmp_path) as bench:
        collected = await bench.project.cache.gc(force=True)
        assert (collected.removed_files, collected.evicted) == (0, 0)
    assert size(tmp_path) == before
    for number in (OLD, NEW):
        assert (await build(number, tmp_path, tally)).compiled_modules == 0


@pytest.mark.parametrize("loses", [OLD, NEW])
async def test_one_loses_its_index(tmp_path: Path, tally: Tally, loses: int) -> None:
    """It is made anew of everybody's metadata; the other's is what it was."""
    write(tmp_path, PROJECT)
    await build(OLD, tmp_path, tally)
    await build(NEW, tmp_path, tally)
    (tmp_path / CACHE / file_of(loses)).write_bytes(b"no database" * 1000)
    kept = (tmp_path / CACHE / file_of(OLD + NEW - loses)).stat()
    async with of(loses, tmp_path) as bench:
        result = await bench.build()
        assert (result.success, result.compiled_modules) == (True, 0)
    now = (tmp_path / CACHE / file_of(OLD + NEW - loses)).stat()
    assert (now.st_ino, now.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    assert (await build(OLD + NEW - loses, tmp_path, tally)).compiled_modules == 0


async def test_an_index_that_nobody_has_written_for_long_is_no_neighbour(tmp_path: Path, tally: Tally) -> None:
    """An upgrade leaves one behind for ever: it shall cost nothing."""
    write(tmp_path, PROJECT)
    store = FileStore(RealDisk(), str(tmp_path / CACHE))
    await build(OLD, tmp_path, tally)
    assert not recovery.has_neighbours(store)
    await build(NEW, tmp_path, tally)
    assert recovery.has_neighbours(store)
    os.utime(tmp_path / CACHE / file_of(NEW), (0, 0))
    assert not recovery.has_neighbours(store)
    os.utime(tmp_path / CACHE / file_of(NEW), (1 << 33, 1 << 33))  # of the future: it may be somebody's
    assert recovery.has_neighbours(store)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as made:
        yield made


CROWDS = [
    (processes, limit, seed) for processes in (2, 4, 8) for limit in (9_000, 25_000, 1 << 30) for seed in range(4)
]


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@in_parts
async def test_both_at_once(tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str) -> None:
    """Processes of both build on one cache, most of the time one that is too small. Then each of them, alone."""
    texts = [version(number) for number in range(EDITS)]
    good = await wanted(texts)
    cases = CROWDS if LONG else [crowd for crowd in CROWDS if crowd[0] <= 4]
    for processes, limit, seed in share(cases, part, few=2, backend=anyio_backend, kinds=lambda case: case[:2]):
        what = f"{processes}-{limit}-{seed}"
        folder = tmp_path / what
        crowd = [
            server.start(
                "crowd",
                folder=str(folder / f"p{number}"),
                cache=str(folder / CACHE),
                backend=anyio_backend,
                seed=seed * 100 + number,
                texts=texts,
                limit=limit,
                newer=number % 2 == 1,
            )
            for number in range(processes)
        ]
        for one in crowd:
            status, said = one.end()
            assert status == 0, (what, said)
            assert said["strange"] == [], what
            check(said, good, tally, what)
        for number in (OLD, NEW):
            with schema(number):
                statistics = await still_good(folder, texts, good, tally, what)
                assert statistics.corruptions == 0, what
        tally.survive()
