"""Disks that fail, are full or read-only, and an index that is locked: the build goes on, and says so once.
`tests/faults/test_disk_errors.py` has every single operation fail; here are those that want a closer look."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actors.digests import digest
from actors.disk import RealDisk
from actors.keeper import database
from actors.messages import Clear, Collect, Publish, Statistics, Verify
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults, fail
from tests.actors.keeper.keeping import Open, entry, files

pytestmark = pytest.mark.anyio

MODULES = [entry(f"m{number}", bytes([number]) * 500) for number in range(6)]


def failing(operations: str, error: str, path: str = "") -> FakeDisk:
    """The real disk, on which these operations fail for ever."""
    return FakeDisk(RealDisk(), Faults().on(operations, fail(error), path=path, times=0))


async def test_a_disk_that_is_full_for_ever(open_keeper: Open, tmp_path: Path) -> None:
    disk = failing("disk.create", "ENOSPC")
    injected = disk.faults.injected
    async with open_keeper(disk=disk) as talk:
        await talk.begin()
        stored = await talk.store(*MODULES[:3])
        assert (stored.kept, stored.degraded) == ({}, "storing: the disk is full")
        tried = len(injected)
        assert tried == 3  # and the index's own file, which SQLite makes where we cannot
        assert (await talk.store(*MODULES[3:])).kept == {}
        assert len(injected) == tried, "it is not tried again in this build"
        assert (await talk.end()).degraded == "storing: the disk is full"
        assert talk.names() == ["CacheDegraded"]
        await talk.begin()
        await talk.store(*MODULES[3:])
        assert len(injected) == tried + 2
        assert (await talk.ask(Statistics())).degradations == 2


async def test_a_full_disk_makes_room_once(open_keeper: Open, tmp_path: Path) -> None:
    disk = FakeDisk(RealDisk())

    def make_room(operation: str, path: str) -> None:
        if operation == "remove" and "/modules/" in path:
            disk.faults.heal()

    disk.before = make_room
    async with open_keeper(disk=disk) as talk:
        await talk.build(*MODULES[:5])
        disk.faults.on("disk.create", fail("ENOSPC"), path="/modules/", times=0)
        await talk.begin()
        await talk.find(*MODULES[:4])
        stored = await talk.store(MODULES[5])
        assert (stored.kept, stored.degraded) == ({MODULES[5].key: digest(MODULES[5].data)}, None)
        for it in (*MODULES[:4], MODULES[5]):
            assert await talk.read(it) == it.data
        assert await talk.read(MODULES[4]) is None, "the only one that the build does not use"


async def test_a_read_only_cache_is_still_read(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.build(*MODULES)
    changes = "disk.create|disk.rename|disk.remove|disk.make_folders"
    disk = failing(changes, "EROFS", str(tmp_path / "cache"))
    before = files(tmp_path / "cache")
    async with open_keeper(disk=disk) as talk:
        await talk.begin()
        for it in MODULES:
            assert await talk.read(it) == it.data
        assert (await talk.store(entry("new"))).kept == {}
        ended = await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"s")
        assert "Read-only" in ended.degraded
        assert talk.names() == ["CacheDegraded"]
        out = tmp_path / "out.wasm"
        program = Publish(build=1, path=str(out), digest=digest(MODULES[0].data))
        assert (await talk.ask(program)).written
    assert files(tmp_path / "cache") == before


async def test_a_folder_that_cannot_be(open_keeper: Open, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    async with open_keeper() as talk:
        assert await talk.build(*MODULES) == [it.module for it in MODULES]
        assert await talk.build(*MODULES) == [it.module for it in MODULES]
        assert talk.ended.degraded
        assert talk.names() == ["CacheDegraded", "CacheDegraded"]


@pytest.mark.slow
async def test_a_locked_index(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.build(*MODULES[:3])
        talk.keeper.cache.busy_ms = 20
        await talk.keeper.cache.close()
        holder = sqlite3.connect(tmp_path / "cache/index.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert await talk.build(*MODULES) == ["m3", "m4", "m5"], "reading does not wait"
        assert "locked" in talk.ended.degraded
        assert talk.names().count("CacheDegraded") == 1
        holder.execute("ROLLBACK")
        holder.close()
        assert await talk.build(*MODULES) == [], "what was stored without a row is found all the same"
        assert talk.ended.degraded is None


async def test_no_write_ahead_log(open_keeper: Open, tmp_path: Path, monkeypatch: Any) -> None:
    """A file system that cannot have one: without an index, from metadata alone."""
    from actors.keeper import index

    async def prepare(*_: Any) -> str:
        return "no wal"

    monkeypatch.setattr(index, "prepare", prepare)
    async with open_keeper() as talk:
        assert await talk.build(*MODULES) == [it.module for it in MODULES]
        assert await talk.build(*MODULES) == []
        assert "write-ahead" in talk.ended.degraded
        again = entry("m0", b"different")
        assert (await talk.store(again)).refused == (MODULES[0].key,)
        assert (await talk.ask(Verify())).damage == ()
        monkeypatch.undo()
        assert await talk.build(*MODULES) == []
        assert talk.ended.degraded is None


async def test_an_exception_that_is_no_failure_of_the_disk_is_a_bug(open_keeper: Open) -> None:
    from actors.system import Broken

    with pytest.raises(Broken):
        async with open_keeper() as talk:
            await talk.begin()
            talk.keeper.cache.store = None
            await talk.store(*MODULES)


def test_what_is_full_is_not_broken(tmp_path: Path) -> None:
    """A full disk shows as SQLITE_FULL, or as "disk I/O error" under a limit of the process: neither means damage."""
    for code, expected in ((13, True), (778, False)):
        error = sqlite3.OperationalError("disk")
        error.sqlite_errorcode = code
        translated = database._translated(error)
        assert isinstance(translated, database.Unusable)
        assert translated.full is expected


async def test_what_cannot_be_removed_is_counted_and_tried_again(open_keeper: Open, tmp_path: Path) -> None:
    disk = failing("disk.remove", "EROFS", ".wasm")
    async with open_keeper(disk=disk) as talk:
        await talk.build(*MODULES)
        objects = len(list((tmp_path / "cache" / "modules").iterdir()))
        cleared = await talk.ask(Clear())
        assert cleared.left_files == objects > 0
        assert cleared.removed_files > 0
        assert cleared.degraded is not None
        assert cleared.degraded.startswith("removing modules/")
        assert cleared.degraded.endswith(f".wasm: {os.strerror(errno.EROFS)}")
        disk.faults.heal()
        again = await talk.ask(Collect(force=True))
        assert (again.removed_files, again.left_files, again.degraded) == (objects, 0, None)
