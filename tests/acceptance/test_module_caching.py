"""Acceptance, "Module caching": cache-1 to cache-3 and cache-7, under each order of eviction (cache-4 and 9 stand in
test_cache_damage.py, cache-5 in test_cache_limits.py, cache-6 and 8 in test_cache_sharing.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors.digests import digest
from tests.acceptance.acceptance_tools import opened, write

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("eviction", ["lru", "lfu", "fifo"])]


async def test_cache_1_basic(tmp_path: Path, eviction: str) -> None:
    write(tmp_path, basic='fun main() { println("Hello"); }\n')
    async with opened(tmp_path, entry="basic.ruchy", eviction=eviction) as bench:
        assert (await bench.build()).recompiled == ["basic"]
        found = await bench.project.cache.lookup("basic")
    assert found is not None
    assert digest(found.data) == found.digest
    assert (tmp_path / ".ruchy-cache" / "modules" / f"{found.digest}.wasm").read_bytes() == found.data
    assert found.data[:8] == b"\0asm\1\0\0\0"


async def test_cache_2_source_change(tmp_path: Path, eviction: str) -> None:
    first, second = 'fun main() { println("V1"); }\n', 'fun main() { println("V2"); }\n'
    write(tmp_path, changeable=first)
    async with opened(tmp_path, entry="changeable.ruchy", eviction=eviction) as bench:
        cache = bench.project.cache
        await bench.build()
        v1 = await cache.lookup("changeable")
        bench.write(changeable=second)
        assert await cache.lookup("changeable") is None
        await bench.build()
        v2 = await cache.lookup("changeable")
        assert v1 is not None and v2 is not None
        assert v1.key != v2.key and v1.data != v2.data
        bench.write(changeable=first)
        assert await cache.lookup("changeable") == v1
        result = await bench.build()
        assert (result.compiled_modules, result.cache_hits) == (0, 1)


async def test_cache_3_dependency_change(tmp_path: Path, eviction: str) -> None:
    write(
        tmp_path,
        moduleB="pub fun helper() -> i32 { return 42; }\n",
        moduleA="use moduleB::helper;\nfun main() { let x = helper(); }\n",
    )
    async with opened(tmp_path, entry="moduleA.ruchy", eviction=eviction) as bench:
        await bench.build()
        assert await bench.project.cache.lookup("moduleA") is not None
        bench.write(moduleB="pub fun helper() -> i32 { return 99; }\n")
        assert await bench.project.cache.lookup("moduleA") is None
        assert (await bench.build()).recompiled == ["moduleA", "moduleB"]


ANOTHER_PROCESS = """
import sys, anyio, orchestrator
async def main():
    async with orchestrator.open(sys.argv[1], entry="basic.ruchy", eviction=sys.argv[3]) as project:
        result = await project.build()
        found = await project.cache.lookup("basic")
        statistics = await project.cache.statistics()
        print(result.compiled_modules, result.cache_hits, found.digest, statistics.compilations, statistics.hits)
anyio.run(main, backend=sys.argv[2])
"""


@pytest.mark.slow
async def test_cache_7_persistence(tmp_path: Path, anyio_backend: str, eviction: str) -> None:
    write(tmp_path, basic='fun main() { println("Hello"); }\n')
    async with opened(tmp_path, entry="basic.ruchy", eviction=eviction) as bench:
        await bench.build()
        found = await bench.project.cache.lookup("basic")
        statistics = await bench.project.cache.statistics()
    assert found is not None
    assert (statistics.compilations, statistics.hits) == (1, 1)
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path), anyio_backend, eviction]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()  # noqa: ASYNC221
    assert said == ["0", "1", found.digest, "1", "2"]  # a look-up here, one there; the build there had none
