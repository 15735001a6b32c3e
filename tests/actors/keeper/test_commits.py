"""Rows and files agree, in whatever order one process stores what another one removes."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from actors.digests import digest
from actors.disk import RealDisk
from actors.keeper import sweep
from actors.keeper.store import FileStore
from actors.messages import Clear, Collect, Statistics, Verify
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults, fail
from tests.actors.keeper.keeping import Open, entry, files

pytestmark = pytest.mark.anyio

OLD, NEW = entry("old", b"o" * 1000), entry("new", b"n" * 1000)


def paths(folder: Path, it: Any) -> tuple[Path, Path]:
    return folder / "metadata" / f"{it.key}.json", folder / "modules" / f"{digest(it.data)}.wasm"


@pytest.mark.parametrize("finds", [False, True])
async def test_stored_again_between_the_row_and_its_files(open_keeper: Open, tmp_path: Path, finds: bool) -> None:
    """One evicts, and has taken the row away; another stores that entry, or finds its files and gives them a row; then
    the first one comes for the files."""
    async with open_keeper(max_size=2000) as first, open_keeper() as second:
        await first.build(OLD)
        await second.begin()
        await first.begin()
        await first.store(NEW)
        looks = 0

        async def pinned_by_others() -> set[bytes]:
            nonlocal looks
            looks += 1
            if looks == 2:
                if finds:
                    assert list((await second.find(OLD)).entries) == [OLD.key]
                else:
                    await second.store(OLD)
            return set()  # pins are not what saves it

        first.keeper.upkeep.pinned_by_others = pinned_by_others
        await first.end()
        assert looks == 2
        assert all(path.exists() for path in paths(tmp_path / "cache", OLD))
        assert await second.read(OLD) == OLD.data
        assert (await second.ask(Verify())).damage == ()


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 1)])
async def test_removed_between_the_files_and_their_row(
    open_keeper: Open, tmp_path: Path, gone: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = FileStore.keep

    def keep_and_lose(self: FileStore, *args: Any) -> Any:
        kept = keep(self, *args)
        for place in gone:
            paths(tmp_path / "cache", OLD)[place].unlink()
        return kept

    monkeypatch.setattr(FileStore, "keep", keep_and_lose)
    async with open_keeper() as talk:
        await talk.begin()
        assert (await talk.store(OLD, NEW)).kept == {it.key: digest(it.data) for it in (OLD, NEW)}
        assert await talk.read(OLD) == OLD.data
        assert (await talk.ask(Verify())).damage == ()


async def test_what_cannot_be_written_again_gets_no_row(
    open_keeper: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = FileStore.keep

    def keep_and_lose(self: FileStore, *args: Any) -> Any:
        kept = keep(self, *args)
        paths(tmp_path / "cache", OLD)[1].unlink()
        monkeypatch.setattr(RealDisk, "create", full)
        return kept

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FileStore, "keep", keep_and_lose)
    async with open_keeper() as talk:
        await talk.begin()
        await talk.store(OLD, NEW)
        assert sorted((await talk.find(OLD, NEW)).entries) == [NEW.key]


async def test_stored_while_all_is_cleared(open_keeper: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is there before the files go: then it goes, too."""
    async with open_keeper() as first, open_keeper() as second:
        await first.build(OLD)
        empty = sweep.empty

        async def store_first(default: Any, function: Any, *args: Any) -> Any:
            if function is empty:
                await second.build(NEW)
            return await type(first.keeper.cache).files(first.keeper.cache, default, function, *args)

        first.keeper.cache.files = store_first
        await first.ask(Clear())
        assert (await second.find(OLD, NEW)).entries == {}
        assert files(tmp_path / "cache") == {}
        assert (await second.ask(Verify())).damage == ()


async def test_what_was_made_whole_meanwhile_is_put_back(open_keeper: Open, tmp_path: Path) -> None:
    """Found damaged; before it is moved to quarantine another process has written it again."""
    metadata, made = paths(tmp_path / "cache", OLD)
    async with open_keeper() as talk:
        await talk.build(OLD)
        store = talk.keeper.cache.store
        assert not store.quarantine_object(bytes.fromhex(digest(OLD.data)))
        assert not store.quarantine_metadata(bytes.fromhex(OLD.key))
        assert made.exists() and metadata.exists() and files(tmp_path / "cache", of=("quarantine",)) == {}
        for path in (made, metadata):
            path.write_bytes(path.read_bytes()[:-1])
        assert store.quarantine_object(bytes.fromhex(digest(OLD.data)))
        assert store.quarantine_metadata(bytes.fromhex(OLD.key))
        assert not made.exists() and not metadata.exists()
        assert len(files(tmp_path / "cache", of=("quarantine",))) == 2


async def test_metadata_that_stays_keeps_its_object(open_keeper: Open, tmp_path: Path) -> None:
    """An eviction that cannot remove metadata leaves a whole entry, which gets its row back when somebody collects."""
    disk = FakeDisk(RealDisk(), Faults().on("disk.remove", fail("EACCES"), path=f"{OLD.key}.json", times=0))
    async with open_keeper(max_size=2000, disk=disk) as talk:
        await talk.build(OLD)
        await talk.build(NEW)
        assert talk.ended.evicted == 1
        assert all(path.exists() for path in paths(tmp_path / "cache", OLD))
    async with open_keeper() as talk:
        await talk.ask(Collect())
        (tmp_path / "cache" / "metadata").chmod(0)  # rows answer
        assert await talk.read(OLD) == OLD.data
        (tmp_path / "cache" / "metadata").chmod(0o755)


async def test_what_could_not_be_stored_is_not_promised_to_the_next_build(open_keeper: Open, tmp_path: Path) -> None:
    disk = FakeDisk(RealDisk())
    snapshot = tmp_path / "cache" / "snapshots" / "p-0123456789abcdef"
    async with open_keeper(disk=disk) as talk:
        disk.faults.on("disk.create", fail("ENOSPC"), path="/metadata/", times=0)
        await talk.build(OLD)
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"plan")
        assert not snapshot.exists()
        await talk.begin()
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"plan")
        assert not snapshot.exists(), "this process does not ask for the entry again"
        disk.faults.heal()
        await talk.build(OLD)
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"plan")
        assert snapshot.exists()
        assert (await talk.ask(Statistics())).degradations == 1
