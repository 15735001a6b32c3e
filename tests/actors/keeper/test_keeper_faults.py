"""Disks that fail, are full or read-only, and an index that is locked: the build goes on, and says so once.
`tests/faults/test_disk_errors.py` has every single operation fail; here are those that want a closer look."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.digests import digest
from actors.disk import RealDisk
from actors.keeper import database
from actors.messages import Clear, Collect, Publish, Statistics, Verify
from tests.actors.keeper.keeping import Open, entry, files

pytestmark = pytest.mark.anyio

MODULES = [entry(f"m{number}", bytes([number]) * 500) for number in range(6)]


class Failing(RealDisk):
    """Fails where `when(operation, path, count)` says so, with `number`."""

    def __init__(self, when: Callable[[str, str, int], bool], number: int = errno.EIO) -> None:
        self.when = when
        self.number = number
        self.count = 0
        self.failed = 0

    def _touch(self, operation: str, path: str) -> None:
        self.count += 1
        if self.when(operation, path, self.count):
            self.failed += 1
            raise OSError(self.number, os.strerror(self.number), path)

    def read(self, path: str, limit: int = -1) -> bytes:
        self._touch("read", path)
        return super().read(path, limit)

    def create(self, path: str, data: bytes) -> None:
        self._touch("create", path)
        super().create(path, data)

    def append(self, path: str, data: bytes) -> None:
        self._touch("append", path)
        super().append(path, data)

    def lock(self, path: str, *, create: bool = True) -> Any:
        self._touch("lock", path)
        return super().lock(path, create=create)

    def lock_bytes(self, path: str) -> Any:
        self._touch("lock", path)
        return super().lock_bytes(path)

    def rename(self, source: str, target: str) -> None:
        self._touch("rename", target)
        super().rename(source, target)

    def remove(self, path: str) -> None:
        self._touch("remove", path)
        super().remove(path)

    def make_folders(self, path: str) -> None:
        self._touch("make_folders", path)
        super().make_folders(path)

    def stamp(self, path: str, *, follow: bool = True) -> Any:
        self._touch("stamp", path)
        return super().stamp(path, follow=follow)

    def entries(self, path: str) -> Any:
        self._touch("entries", path)
        return super().entries(path)


async def test_a_disk_that_is_full_for_ever(open_keeper: Open, tmp_path: Path) -> None:
    disk = Failing(lambda operation, path, _: operation == "create", errno.ENOSPC)
    async with open_keeper(disk=disk) as talk:
        await talk.begin()
        stored = await talk.store(*MODULES[:3])
        assert (stored.kept, stored.degraded) == ({}, "storing: the disk is full")
        tried = disk.failed
        assert tried == 3  # and the index's own file, which SQLite makes where we cannot
        assert (await talk.store(*MODULES[3:])).kept == {}
        assert disk.failed == tried, "it is not tried again in this build"
        assert (await talk.record()).degraded == "storing: the disk is full"
        assert talk.names() == ["CacheDegraded"]
        await talk.begin()
        await talk.store(*MODULES[3:])
        assert disk.failed == tried + 2
        assert (await talk.ask(Statistics())).degradations == 2


async def test_a_full_disk_makes_room_once(open_keeper: Open, tmp_path: Path) -> None:
    room = {"full": False}
    folder = tmp_path / "cache"
    disk = Failing(
        lambda operation, path, _: (
            operation == "create" and room["full"] and "/modules/" in path and len(files(folder, of=("modules",))) > 4
        ),
        errno.ENOSPC,
    )
    async with open_keeper(disk=disk) as talk:
        await talk.build(*MODULES[:5])
        room["full"] = True
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
    folder = str(tmp_path / "cache")
    writing = {"create", "rename", "remove", "make_folders"}
    disk = Failing(lambda operation, path, _: operation in writing and path.startswith(folder), errno.EROFS)
    before = files(tmp_path / "cache")
    async with open_keeper(disk=disk) as talk:
        await talk.begin()
        for it in MODULES:
            assert await talk.read(it) == it.data
        assert (await talk.store(entry("new"))).kept == {}
        recorded = await talk.record(snapshot="p-0123456789abcdef", snapshot_data=b"s")
        assert "Read-only" in recorded.degraded
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
        assert talk.recorded.degraded
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
        assert "locked" in talk.recorded.degraded
        assert talk.names().count("CacheDegraded") == 1
        holder.execute("ROLLBACK")
        holder.close()
        assert await talk.build(*MODULES) == [], "what was stored without a row is found all the same"
        assert talk.recorded.degraded is None


async def test_no_write_ahead_log(open_keeper: Open, tmp_path: Path, monkeypatch: Any) -> None:
    """A file system that cannot have one: without an index, from metadata alone."""
    from actors.keeper import index

    async def prepare(*_: Any) -> str:
        return "no wal"

    monkeypatch.setattr(index, "prepare", prepare)
    async with open_keeper() as talk:
        assert await talk.build(*MODULES) == [it.module for it in MODULES]
        assert await talk.build(*MODULES) == []
        assert "write-ahead" in talk.recorded.degraded
        again = entry("m0", b"different")
        assert (await talk.store(again)).refused == (MODULES[0].key,)
        assert (await talk.ask(Verify())).damage == ()
        monkeypatch.undo()
        assert await talk.build(*MODULES) == []
        assert talk.recorded.degraded is None


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
    disk = Failing(lambda operation, path, _: operation == "remove" and path.endswith(".wasm"), errno.EROFS)
    async with open_keeper(disk=disk) as talk:
        await talk.build(*MODULES)
        objects = len(list((tmp_path / "cache" / "modules").iterdir()))
        cleared = await talk.ask(Clear())
        assert cleared.left_files == objects > 0
        assert cleared.removed_files > 0
        assert cleared.degraded is not None
        assert cleared.degraded.startswith("removing modules/")
        assert cleared.degraded.endswith(f".wasm: {os.strerror(errno.EROFS)}")
        disk.when = lambda *_: False
        again = await talk.ask(Collect(force=True))
        assert (again.removed_files, again.left_files, again.degraded) == (objects, 0, None)
