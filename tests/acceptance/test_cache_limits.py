"""Acceptance, cache-5: size limits, under each order of eviction, on both backends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.events import CacheHit, CacheMiss, CacheTooSmall, CompileStarted, EntriesEvicted
from orchestrator.report.progress import summary
from tests.acceptance.acceptance_tools import RuchyBench, opened, write_ruchy

pytestmark = pytest.mark.anyio

all_orders = pytest.mark.parametrize("eviction", ["lru", "lfu", "fifo"])


def batch(name: str, count: int = 20) -> dict[str, str]:
    return {f"{name}{number:02}": f'pub fun {name}() -> String {{ "{name} {number:02}" }}\n' for number in range(count)}


def sources(folder: Path, modules: dict[str, str]) -> None:
    """Make these the only sources."""
    for file in folder.glob("*.ruchy"):
        file.unlink()
    write_ruchy(folder, **modules)


def on_disk(cache: Path) -> int:
    return sum(
        file.stat().st_size for part in ("modules", "metadata", "quarantine") for file in (cache / part).glob("*")
    )


def there(cache: Path) -> list[str]:
    """The modules that the cache has an entry and an object for."""
    found = [json.loads(file.read_bytes()) for file in (cache / "metadata").iterdir()]
    assert all((cache / "modules" / f"{one['digest']}.wasm").exists() for one in found)
    assert len(list((cache / "modules").iterdir())) == len({one["digest"] for one in found}), "no orphans"
    return sorted(one["module"] for one in found)


async def size_of(modules: dict[str, str], folder: Path) -> int:
    """What these take in a cache of their own."""
    write_ruchy(folder, **modules)
    async with opened(folder) as bench:
        assert (await bench.build()).compiled_modules == len(modules)
        return (await bench.project.cache.statistics()).size_bytes


@pytest.fixture
async def unit(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> int:
    """Bytes that a batch of 20 takes."""
    return await size_of(batch("a"), tmp_path_factory.mktemp("unit"))


@pytest.mark.slow
@all_orders
async def test_cache_5_never_above_the_limit(tmp_path: Path, unit: int, eviction: str) -> None:
    """100 modules in 5 builds, and room for 52 of them. Without anything used twice, all three orders drop the
    oldest."""
    limit, cache = unit * 52 // 20, tmp_path / ".ruchy-cache"
    names = "abcde"
    async with opened(tmp_path, max_size=limit, eviction=eviction) as bench:
        for name in names:
            sources(tmp_path, batch(name))
            result = await bench.build()
            await bench.ended()
            assert (result.compiled_modules, result.cache_needed_bytes) == (20, 0)
            assert on_disk(cache) <= limit
            assert set(there(cache)) >= set(batch(name)), "what the build made is there"
            statistics = await bench.project.cache.statistics()
            assert (statistics.size_bytes, statistics.limit_bytes) == (on_disk(cache), limit)
        kept = [sum(module in batch(name) for module in there(cache)) for name in names]
        assert kept[:2] == [0, 0] and kept[3:] == [20, 20] and 0 <= kept[2] <= 2, kept
        assert statistics.evictions == 100 - sum(kept)
        assert statistics.entries == sum(kept)
        sources(tmp_path, batch("e"))
        assert (await bench.build()).recompiled == []
        sources(tmp_path, batch("d"))
        assert (await bench.build()).recompiled == [], "the newest are kept"
        sources(tmp_path, batch("a"))
        assert (await bench.build()).compiled_modules == 20, "the oldest are gone"
        await bench.ended()
        assert on_disk(cache) <= limit


# What is built one after the other, and of which batch most has to go when C is added.
ORDERS = [
    ("lru", "abac", "b"),
    ("lfu", "abac", "b"),
    ("fifo", "abac", "a"),
    ("lru", "axabc", "a"),
    ("lfu", "axabc", "b"),
    ("fifo", "axabc", "a"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("eviction", "builds", "dropped"), ORDERS)
async def test_cache_5_each_order(tmp_path: Path, unit: int, eviction: str, builds: str, dropped: str) -> None:
    cache = tmp_path / ".ruchy-cache"
    async with opened(tmp_path, max_size=unit * 52 // 20, eviction=eviction) as bench:
        for name in builds:
            sources(tmp_path, batch(name, 1 if name == "x" else 20))
            before = there(cache) if cache.exists() else []
            await bench.build()
            await bench.ended()
        gone = set(before) - set(there(cache))
    expected = set(batch(dropped))
    assert gone <= expected | {"x00"}
    assert len(gone & expected) >= 17


@pytest.mark.slow
@all_orders
async def test_cache_5_too_small_for_one_build(tmp_path: Path, unit: int, eviction: str) -> None:
    cache = tmp_path / ".ruchy-cache"
    sources(tmp_path, batch("a"))
    async with opened(tmp_path, max_size=unit // 2, eviction=eviction) as bench:
        result = await bench.build()
        assert result.success and result.compiled_modules == 20
        assert on_disk(cache) <= unit // 2
        ((said,), (evicted,)) = bench.happened(CacheTooSmall), bench.happened(EntriesEvicted)
        assert said.limit_bytes == unit // 2
        assert unit < said.needed_bytes < unit * 1.05
        assert evicted.count == 20 - len(there(cache))
        assert result.cache_needed_bytes == said.needed_bytes
        assert "the cache is too small for this build: make its `max_size` " in summary(result)
    shutil.rmtree(cache / "snapshots")
    async with opened(tmp_path, max_size=result.cache_needed_bytes, eviction=eviction) as bench:
        again = await bench.build()
        assert (again.compiled_modules, again.cache_hits) == (evicted.count, 20 - evicted.count)
        assert again.cache_needed_bytes == 0 and "too small" not in summary(again)
        assert bench.happened(CacheTooSmall) == bench.happened(EntriesEvicted) == []
        assert there(cache) == sorted(batch("a")), "the limit that was named fits"


@pytest.mark.slow
@all_orders
async def test_cache_5_no_thrashing_a_little_above_the_limit(tmp_path: Path, unit: int, eviction: str) -> None:
    """Whether the last build answers for most modules or (as after a fresh checkout) nothing is known."""
    cache = tmp_path / ".ruchy-cache"
    sources(tmp_path, batch("a"))
    for attempt in range(8):
        async with opened(tmp_path, max_size=unit * 19 // 20, eviction=eviction) as bench:
            if attempt % 2:
                bench.write(a07=f"pub fun changed() -> i64 {{ {attempt} }}\n")
            result = await bench.build()
            assert on_disk(cache) <= unit * 19 // 20
            assert result.compiled_modules == 20 if attempt == 0 else result.compiled_modules <= 4
        if attempt % 3:
            shutil.rmtree(cache / "snapshots")


@pytest.mark.slow
@all_orders
async def test_cache_5_a_lower_limit_takes_what_nobody_needs_first(tmp_path: Path, unit: int, eviction: str) -> None:
    """What the last build alone answers for is in use too, though nobody looked it up: others go before it."""
    cache = tmp_path / ".ruchy-cache"
    async with opened(tmp_path, eviction=eviction) as bench:
        for name in "ab":
            sources(tmp_path, batch(name))
            await bench.build()
        sources(tmp_path, batch("a"))
        await bench.build()
    async with opened(tmp_path, eviction=eviction, max_size=unit * 3 // 2) as bench:
        assert (await bench.build()).recompiled == []
        assert bench.happened(CacheHit) == bench.happened(CacheMiss) == [], "nothing was looked up"
        assert set(there(cache)) >= set(batch("a"))
        assert len(there(cache)) <= 30


async def pause_after_hits(bench: RuchyBench, events: Any, count: int) -> None:
    """Read a build's events up to so many hits; then it stands still, for nobody reads on."""
    async for event in events:
        count -= isinstance(event, CacheHit)
        if not count:
            return


@pytest.mark.slow
@all_orders
async def test_cache_5_what_a_running_build_uses_stays(tmp_path: Path, unit: int, eviction: str) -> None:
    """A build stands still between looking its objects up and linking them; another Project evicts all it can."""
    first, second, cache = tmp_path / "first", tmp_path / "second", tmp_path / "cache"
    used = batch("a") | {"main": "fun main() { println(a00::a(), a19::a()); }\n"}
    sources(first, used)
    async with opened(first, folder=cache, eviction=eviction) as bench:
        await bench.build()
        bench.write(main="fun main() { println(1); }\n")
        await bench.build()
    shutil.rmtree(cache / "snapshots")
    write_ruchy(first, main=used["main"])
    (first / "build" / "main.wasm").unlink()
    results = []

    async def build() -> None:
        results.append(await bench.build())

    async with (
        opened(first, folder=cache, eviction=eviction) as bench,
        anyio.create_task_group() as group,
        bench.project.events(size=1, on_full="wait") as events,
    ):
        group.start_soon(build)
        await pause_after_hits(bench, events, 5)
        sources(second, batch("b"))
        async with opened(second, folder=cache, eviction=eviction, max_size=unit // 2) as other:
            assert (await other.build()).compiled_modules == 20
            assert other.happened(CacheTooSmall) != []
        kept = there(cache)
        assert set(used) <= set(kept)
        assert kept.count("main") == 2, "the program, and the object of `main` that is in use; not the other one"
        assert not set(batch("b")) & set(kept)
    (result,) = results
    assert (result.success, result.recompiled) == (True, [])
    assert bench.happened(CompileStarted) == [] and not any(event.late for event in bench.happened(CacheMiss))


def test_the_batches_differ() -> None:
    assert len({*_texts("abcdex")}) == 6 * 20


def _texts(names: str) -> Iterable[str]:
    for name in names:
        yield from batch(name).values()
