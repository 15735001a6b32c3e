"""Several processes share one cache at once: real processes, real locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.disk import FileLock, RealDisk
from actors.keeper import locks
from actors.messages import Collect, Statistics, Verify
from tests.actors.keeper.keeping import Open, entry, files, size

ROOT = Path(__file__).parents[3]
EVERYTHING = [entry(f"m{it}", b"%d " % it * 50) for it in range(300)]


def start(folder: Path, number: int, processes: int, limit: int, backend: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.actors.keeper.several", str(folder), str(number), str(processes)]
    return subprocess.Popen(
        [*command, str(len(EVERYTHING)), str(limit), backend],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run(folder: Path, processes: int, limit: int, backend: str) -> list[dict[str, Any]]:
    running = [start(folder, number, processes, limit, backend) for number in range(processes)]
    said = [json.loads(it.communicate(timeout=50)[0]) for it in running]
    assert [it.returncode for it in running] == [0] * processes
    return said


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("processes", [2, 4])
async def test_nothing_is_lost(open_keeper: Open, tmp_path: Path, processes: int, anyio_backend: str) -> None:
    said = run(tmp_path / "cache", processes, 1 << 30, anyio_backend)
    assert [(it["degraded"], it["wrong"], it["late"], it["events"]) for it in said] == [([], 0, 0, [])] * processes
    async with open_keeper() as talk:
        assert await talk.build(*EVERYTHING) == []
        builds = sum(it["builds"] for it in said)
        statistics = await talk.ask(Statistics())
        assert statistics.compilations == builds
        assert statistics.hits + statistics.misses == builds * 15 + 3 * len(EVERYTHING)
        assert (await talk.ask(Verify())).damage == ()
        assert (await talk.ask(Collect(force=True))).removed_files == 0
    assert list((tmp_path / "cache/running").iterdir()) == []


@pytest.mark.slow
@pytest.mark.anyio
async def test_evicting_beside_others(open_keeper: Open, tmp_path: Path, anyio_backend: str) -> None:
    """Far too little room: everybody evicts all the time. Nobody gets a wrong object, nobody fails, and every row has
    its files. (A miss is possible: a row goes in the same millisecond in which another process pins it, and comes
    back.)"""
    said = run(tmp_path / "cache", 3, 30_000, anyio_backend)
    assert [(it["degraded"], it["wrong"]) for it in said] == [([], 0)] * 3
    assert sum(it["late"] for it in said) <= 5
    async with open_keeper(max_size=30_000) as talk:
        assert (await talk.ask(Verify())).damage == ()
        await talk.ask(Collect(force=True))
        assert size(tmp_path / "cache") <= 30_000


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_killed_at_any_time(open_keeper: Open, tmp_path: Path, anyio_backend: str) -> None:
    """kill -9 leaves orphans, temporary files and a pin at worst; all of them go."""
    folder = tmp_path / "cache"
    for number in range(8):
        process = start(folder, number % 2, 2, 1 << 30, anyio_backend)
        while process.poll() is None and len(list((folder / "modules").glob("*"))) < 25 * (number + 1):
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
    async with open_keeper() as talk:
        assert (await talk.ask(Verify())).damage == ()
        await talk.build(*EVERYTHING)
        assert await talk.build(*EVERYTHING) == []
        await talk.ask(Collect(force=True))
        assert len(files(folder)) == 2 * len(EVERYTHING)
        assert "CacheDegraded" not in talk.names()
        assert locks.pinned_by_others(str(folder), None) == set()
        assert list((folder / locks.RUNNING).iterdir()) == []


def test_what_a_dead_build_pinned_is_let_go(tmp_path: Path) -> None:
    alive = locks.Pins(str(tmp_path))
    alive.add([b"a" * 32, b"b" * 32])
    alive.add([b"c" * 32])
    dead = tmp_path / locks.RUNNING / ("0123" * 6)
    dead.write_bytes(b"d" * 32)
    assert locks.pinned_by_others(str(tmp_path), None) == {b"a" * 32, b"b" * 32, b"c" * 32}
    assert not dead.exists()
    assert locks.pinned_by_others(str(tmp_path), alive) == set()
    alive.release()
    assert list((tmp_path / locks.RUNNING).iterdir()) == []


class Hasty(RealDisk):
    """Another process that takes a running build's file for a dead one's, in the moment before it is locked."""

    def __init__(self, times: int) -> None:
        self.times = times

    def lock(self, path: str, *, create: bool = True) -> FileLock | None:
        if self.times:
            self.times -= 1
            Path(path).touch()
            if self.times % 2:
                return None  # It has it locked just now.
            lock = super().lock(path, create=create)
            Path(path).unlink()
            return lock
        return super().lock(path, create=create)


def test_a_build_that_is_just_beginning_is_not_reaped(tmp_path: Path) -> None:
    pins = locks.Pins(str(tmp_path), Hasty(3))
    pins.add([b"a" * 32])
    assert locks.pinned_by_others(str(tmp_path), None) == {b"a" * 32}
    pins.release()
    with pytest.raises(BlockingIOError):
        locks.Pins(str(tmp_path), Hasty(99))


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = RealDisk().lock(path)
    assert first is not None
    assert RealDisk().lock(path) is None
    first.release()
    first.release()
    second = RealDisk().lock(path)
    assert second is not None
    second.release()
    assert (tmp_path / "lock").exists()
    with pytest.raises(FileNotFoundError):
        RealDisk().lock(str(tmp_path / "gone"), create=False)


@pytest.mark.anyio
async def test_what_was_found_while_it_was_being_evicted_comes_back(open_keeper: Open, tmp_path: Path) -> None:
    """Another build pins and finds an entry between the choice and the removal of the files."""
    old, new = entry("old", b"o" * 1000), entry("new", b"n" * 1000)
    async with open_keeper(max_size=2000) as first, open_keeper() as second:
        await first.build(old)
        await second.begin()
        await first.begin()
        await first.store(new)
        looks = iter([set(), {bytes.fromhex(old.key)}])

        async def pinned_by_others() -> set[bytes]:
            assert await second.read(old) in (b"o" * 1000, None)
            return next(looks)

        first.keeper.upkeep.pinned_by_others = pinned_by_others
        await first.end()
        assert next(looks, None) is None
        assert await second.read(old) == b"o" * 1000
        assert (await second.ask(Verify())).damage == ()


@pytest.mark.anyio
async def test_two_processes_find_different_bytes_at_once(open_keeper: Open, tmp_path: Path) -> None:
    """Both looked the key up in vain; the first row stays, and so does the metadata that goes with it."""
    mine, theirs = entry("one", b"mine"), entry("one", b"theirs")
    async with open_keeper() as first, open_keeper() as second:
        for talk, it in ((first, mine), (second, theirs)):
            await talk.begin()
            assert (await talk.find(it)).entries == {}
        await first.store(mine)
        stored = await second.store(theirs)
        assert stored.refused == (mine.key,)
        assert "NondeterministicToolchain" in second.names()
        assert await second.read(mine) == b"mine"
        assert (await first.ask(Verify())).damage == ()
    for path in (tmp_path / "cache").glob("index.db*"):
        path.unlink()
    async with open_keeper() as talk:
        assert await talk.read(mine) == b"mine"
