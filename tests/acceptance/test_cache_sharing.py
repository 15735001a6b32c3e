"""Acceptance, cache-6 (statistics) and cache-8 (parallel access), on both backends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from actors.digests import digest
from actors.events import CacheDegraded, EntryQuarantined
from actors.messages import CacheStatistics
from tests.acceptance.acceptance_tools import RuchyBench, independent, opened, write_ruchy
from tests.acceptance.cache_users import look_all_up

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


# ---------------------------------------------------------------------------------------------- statistics


async def test_cache_6_statistics(tmp_path: Path) -> None:
    write_ruchy(tmp_path, **independent(5))
    async with opened(tmp_path) as bench:
        cache = bench.project.cache
        assert (await bench.build()).compiled_modules == 5
        built = await cache.statistics()
        assert (built.compilations, built.hits, built.misses) == (5, 0, 5)
        found = await cache.lookup_all([*independent(5), "nowhere"])
        assert [module for module, one in found.items() if one is None] == ["nowhere"]
        now = await cache.statistics()
        hits, misses = now.hits - built.hits, now.misses - built.misses
        assert (hits, misses, now.compilations) == (5, 1, 5)
        assert hits / (hits + misses) > 0.8
        assert now.hit_rate == now.hits / (now.hits + now.misses)
        on_disk = sum(file.stat().st_size for part in ("modules", "metadata") for file in folder(tmp_path, part))
        assert (now.entries, now.size_bytes) == (5, on_disk)
        assert now.bytes_written >= on_disk
        reset = await cache.reset_statistics()
        assert (
            reset
            == await cache.statistics()
            == CacheStatistics(entries=5, size_bytes=on_disk, limit_bytes=now.limit_bytes)
        )


def folder(project: Path, part: str) -> list[Path]:
    return sorted((project / ".ruchy-cache" / part).iterdir())


async def test_cache_6_what_is_counted(tmp_path: Path) -> None:
    """Hits are those of the results, but where nothing changed and the snapshot answers for all: then nothing is looked
    up. What they saved is the time that compiling took."""
    write_ruchy(tmp_path, **independent(10))
    async with opened(tmp_path) as bench:
        await bench.build()
        await bench.project.cache.reset_statistics()
        await bench.build()
        bench.write(module3="pub fun three() -> i64 { 33 }\n")
        result = await bench.build()
        assert (result.compiled_modules, result.cache_hits) == (1, 9)
        said = await bench.project.cache.statistics()
        assert (said.hits, said.misses, said.compilations) == (9, 1, 1)
        assert said.saved_ms > 0.0
    shutil.rmtree(tmp_path / ".ruchy-cache" / "snapshots")
    async with opened(tmp_path) as bench:
        before = await bench.project.cache.reset_statistics()
        assert (await bench.build()).cache_hits == 10
        await bench.project.cache.lookup("module3")
    async with opened(tmp_path) as bench:
        said = await bench.project.cache.statistics()
        assert (said.hits, said.misses, said.compilations) == (10 + 1, 0, 0), "statistics outlive the Project"
        assert said.bytes_read == len(
            (tmp_path / ".ruchy-cache/modules").joinpath(name_of(tmp_path, "module3")).read_bytes()
        )
        assert (said.entries, before.hits) == (11, 0)


def name_of(project: Path, module: str) -> str:
    """The file of the newest object of a module."""
    entries = [json.loads(file.read_bytes()) for file in folder(project, "metadata")]
    newest = max(
        (one for one in entries if one["module"] == module), key=lambda one: bool(one["functions"] == ["three"])
    )
    return f"{newest['digest']}.wasm"


async def test_cache_6_a_module_looked_up_twice_in_one_go_counts_once(tmp_path: Path) -> None:
    write_ruchy(tmp_path, **independent(1))
    async with opened(tmp_path) as bench:
        await bench.build()
        await bench.project.cache.reset_statistics()
        await bench.project.cache.lookup_all(["module1", "module1", "x", "x"])
        said = await bench.project.cache.statistics()
        assert (said.hits, said.misses) == (1, 1)


# ---------------------------------------------------------------------------------------------- parallel access


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("modules", "projects", "anyio_backend"), [(10, 4, "asyncio"), (10, 4, "trio"), (1000, 3, "asyncio")]
)
async def test_cache_8_projects_in_one_process(tmp_path: Path, modules: int, projects: int) -> None:
    cache, names = tmp_path / "cache", sorted(independent(modules))
    for number in range(projects):
        write_ruchy(tmp_path / str(number), **independent(modules))
    async with AsyncExitStack() as stack:
        benches = [
            await stack.enter_async_context(opened(tmp_path / str(number), folder=cache, jobs=1))
            for number in range(projects)
        ]
        compiled = 0

        async def work(bench: RuchyBench) -> None:
            nonlocal compiled
            result = await bench.build()
            assert result.success and result.compiled_modules + result.cache_hits == modules
            compiled += result.compiled_modules
            found = await look_all_up(bench.project, names, tasks=10)
            assert sorted(found) == names
            assert all(one is not None and digest(one.data) == one.digest for one in found.values())
            assert bench.happened(CacheDegraded) == bench.happened(EntryQuarantined) == []

        async with anyio.create_task_group() as group:
            for bench in benches:
                group.start_soon(work, bench)
        said = await benches[0].project.cache.statistics()
        assert modules <= compiled <= modules * projects
        assert (said.compilations, said.misses) == (compiled, compiled)
        assert said.hits == modules * projects * 2 - compiled
        assert (said.entries, said.corruptions, said.degradations) == (modules, 0, 0)
        assert (await benches[0].project.cache.verify()).damage == ()
        again = await benches[-1].project.cache.gc(force=True)
        assert (again.removed_files, again.evicted) == (0, 0)


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("modules", "anyio_backend"), [(10, "asyncio"), (10, "trio"), (1000, "asyncio")])
async def test_cache_8_processes(tmp_path: Path, anyio_backend: str, modules: int) -> None:
    processes, cache = 4, tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = []
    for number in range(processes):
        write_ruchy(tmp_path / str(number), **independent(modules))
        command = [sys.executable, "-m", "tests.acceptance.cache_process"]
        command += [str(tmp_path / str(number)), str(cache), anyio_backend]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))  # noqa: ASYNC220
    said = [json.loads(process.communicate(timeout=200)[0]) for process in running]
    assert [(one["success"], one["strange"]) for one in said] == [(True, [])] * processes
    assert all(one["looked_up"] == said[0]["looked_up"] for one in said)
    assert sorted(said[0]["looked_up"]) == sorted(independent(modules))
    assert None not in said[0]["looked_up"].values()
    compiled = sum(one["compiled"] for one in said)
    async with opened(tmp_path / "0", folder=cache) as bench:
        total = await bench.project.cache.statistics()
        assert (total.compilations, total.misses) == (compiled, compiled)
        assert total.hits == processes * modules * 2 - compiled
        assert (total.entries, total.corruptions, total.degradations) == (modules, 0, 0)
        assert (await bench.project.cache.verify()).damage == ()
        shutil.rmtree(cache / "snapshots")
        assert (await bench.build()).recompiled == []
