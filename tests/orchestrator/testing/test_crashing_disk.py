"""A disk that loses power: what was synced stays, the rest is kept, lost or torn, and a database is never torn."""

from __future__ import annotations

from random import Random

import pytest

from actors.keeper import index
from actors.keeper.database import Damaged, Database, Unusable
from orchestrator.testing.crash import CrashingDisk
from orchestrator.testing.disk import MemoryDisk
from orchestrator.testing.sqlite import DiskConnection

OLD, NEW = b"the bytes of before", b"the bytes of afterwards, longer"


def replaced() -> CrashingDisk:
    """A file that was synced, and is then written anew under another name and renamed."""
    disk = CrashingDisk()
    disk.write("/p/file", OLD)
    disk.sync()
    disk.create("/p/new", NEW)
    disk.rename("/p/new", "/p/file")
    return disk


def test_what_was_synced_survives_and_the_rest_is_lost() -> None:
    disk = replaced()
    disk.write("/q/other", b"x")
    assert disk.unsynced == 7
    disk.power_cut()
    assert disk.files() == {"/p/file": OLD}
    assert not disk.is_folder("/q")
    assert len(disk.lost) == 7 and disk.lost[0] == "lost: new /p/new"
    disk.power_cut()
    assert disk.files() == {"/p/file": OLD} and disk.lost == []
    assert disk.power_cuts == 2


def test_after_a_sync_nothing_is_lost() -> None:
    disk = replaced()
    disk.append("/p/file", b"!")
    disk.sync()
    disk.power_cut(Random(1))
    assert disk.files() == {"/p/file": NEW + b"!"}


def test_without_order_everything_may_happen() -> None:
    """The name without the bytes, half of them, zeroes in their place: what a real file system is allowed to."""
    seen = set()
    for seed in range(400):
        disk = replaced()
        disk.power_cut(Random(seed))
        seen.add(tuple(sorted(disk.files().items())))
    contents = {dict(state).get("/p/file") for state in seen}
    assert {OLD, NEW, b"", None} >= {one for one in contents if one in (OLD, NEW, b"", None)}
    assert OLD in contents and NEW in contents and b"" in contents
    assert any(one and one != NEW and NEW.startswith(one) for one in contents)
    assert any(one and len(one) == len(NEW) and one.endswith(b"\0") for one in contents)
    assert (("/p/file", OLD), ("/p/new", NEW)) in seen


def test_in_order_a_name_never_comes_before_its_bytes() -> None:
    seen = set()
    for seed in range(200):
        disk = replaced()
        disk.power_cut(Random(seed), in_order=True)
        seen.add(tuple(sorted(disk.files().items())))
    assert {dict(state)["/p/file"] for state in seen} == {OLD, NEW}
    assert (("/p/file", OLD),) in seen and (("/p/file", NEW),) in seen
    assert any(NEW.startswith(dict(state).get("/p/new", NEW + b"!")) for state in seen)


def test_the_same_chance_loses_the_same() -> None:
    outcomes = []
    for _ in range(2):
        disk = replaced()
        disk.power_cut(Random(11))
        outcomes.append((disk.files(), disk.lost))
    assert outcomes[0] == outcomes[1]


def test_appended_bytes_that_stand_behind_lost_ones_leave_a_hole() -> None:
    contents = set()
    for seed in range(200):
        disk = CrashingDisk()
        disk.write("/log", b"")
        disk.sync()
        disk.append("/log", b"one")
        disk.append("/log", b"two")
        disk.power_cut(Random(seed))
        contents.add(disk.read("/log"))
    assert {b"", b"one", b"onetwo", b"\0\0\0two"} <= contents


def test_removed_and_moved_folders_come_back() -> None:
    disk = CrashingDisk()
    disk.write("/p/a/file", OLD)
    disk.write("/p/gone", OLD)
    disk.sync()
    disk.remove("/p/gone")
    disk.rename("/p/a", "/p/b")
    assert disk.files() == {"/p/b/file": OLD}
    disk.power_cut()
    assert disk.files() == {"/p/a/file": OLD, "/p/gone": OLD}


def test_locks_go_with_the_power() -> None:
    disk = CrashingDisk()
    disk.make_folders("/p")
    lock = disk.lock("/p/lock")
    assert lock is not None and disk.lock("/p/lock") is None
    disk.sync()
    disk.power_cut()
    again = disk.lock("/p/lock", create=False)
    assert again is not None
    lock.release()  # the dead process's: it is not the one that is held now
    assert disk.lock("/p/lock") is None
    again.release()
    assert disk.lock("/p/lock") is not None
    with pytest.raises(FileNotFoundError):
        disk.lock("/p/none", create=False)


# ------------------------------------------------------------------------------------------------ SQLite on it


async def opened(disk: MemoryDisk, busy_ms: int = 0) -> Database:
    database = Database(DiskConnection(disk, "/p/index.db"))
    assert await database.read(index.prepare, busy_ms, True) in ("empty", "ready")
    return database


def on(disk: MemoryDisk) -> MemoryDisk:
    disk.make_folders("/p")
    return disk


@pytest.mark.anyio
async def test_a_database_is_a_file_of_the_disk() -> None:
    disk = on(MemoryDisk())
    first = await opened(disk)
    assert disk.read("/p/index.db") == b""
    await first.transact(index.create, [])
    assert disk.read("/p/index.db").startswith(b"SQLite format 3")
    inode = disk.stamp("/p/index.db").inode
    second = await opened(disk)
    await second.transact(index.add, {"hits": 2})
    await first.transact(index.add, {"hits": 3})
    assert await second.transact(index.counters, {}) == {"hits": 5}
    assert disk.stamp("/p/index.db").inode == inode
    await first.close()
    await second.close()
    with pytest.raises(ValueError, match="no active connection"):
        await first.read(index.all_keys)


@pytest.mark.anyio
async def test_a_transaction_that_fails_leaves_nothing_and_lets_others_write() -> None:
    disk = on(MemoryDisk())
    first, second = await opened(disk), await opened(disk)
    await first.transact(index.create, [])

    async def fails(connection: DiskConnection) -> None:
        await index.add(connection, {"hits": 1})
        with pytest.raises(Unusable, match="locked"):
            await second.transact(index.add, {"hits": 10})
        raise KeyError("no")

    with pytest.raises(KeyError):
        await first.transact(fails)
    assert disk.writers == {}
    assert await second.transact(index.counters, {}) == {}


@pytest.mark.anyio
@pytest.mark.parametrize("damage", ["garbage", "short", "flipped"])
async def test_sqlite_itself_finds_damage(damage: str) -> None:
    disk = on(MemoryDisk())
    database = await opened(disk)
    await database.transact(index.create, [])
    data = disk.read("/p/index.db")
    disk.write("/p/index.db", {"garbage": b"garbage", "short": data[:700], "flipped": b"x" + data[1:]}[damage])
    again = Database(DiskConnection(disk, "/p/index.db"))
    with pytest.raises(Damaged):
        await again.transact(index.add, {"hits": 1})


@pytest.mark.anyio
async def test_where_no_file_can_be_there_is_no_database() -> None:
    with pytest.raises(Unusable, match="unable to open"):
        await Database(DiskConnection(MemoryDisk(), "/none/index.db")).read(index.prepare, 0, True)


@pytest.mark.anyio
@pytest.mark.slow
async def test_a_power_cut_loses_transactions_from_the_end_and_never_the_file() -> None:
    seen = set()
    for seed in range(25):
        disk = CrashingDisk()
        disk.make_folders("/p")
        database = await opened(disk)
        await database.transact(index.create, [])
        disk.sync()
        for _ in range(3):
            await database.transact(index.add, {"hits": 1})
        disk.power_cut(Random(seed))
        again = await opened(disk)
        seen.add((await again.transact(index.counters, {})).get("hits", 0))
        assert await again.read(index.check) == ""
        await database.transact(index.add, {"hits": 100})  # The dead process cannot reach the file any more.
        assert "hits" not in (left := await again.transact(index.counters, {})) or left["hits"] < 4
    assert seen == {0, 1, 2, 3}
