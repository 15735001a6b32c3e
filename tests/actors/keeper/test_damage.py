"""Damage of every kind, to every file of the cache: never a wrong object, never an error, and the next build heals."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from actors.diagnostics import Diagnostic
from actors.digests import digest
from actors.messages import Clear, RecallPlan, Statistics, Verify
from tests.actors.keeper.keeping import Open, Talk, entry, files

pytestmark = pytest.mark.anyio

WARNING = Diagnostic(
    code="W0001", message="unused variable", severity="warning", file="one.ruchy", line=3, column=1, text="let x = 1"
)
ONE = entry("one", warnings=(WARNING,))
TWO = entry("two", functions=("two::first", "two::second"))
BOTH = (ONE, TWO)

Change = Callable[[bytes], bytes]


def changes(size: int, offsets: int) -> Iterator[tuple[str, Change]]:
    yield "empty", lambda data: b""
    yield "half", lambda data: data[: len(data) // 2]
    yield "one byte short", lambda data: data[:-1]
    yield "one byte more", lambda data: data + b"\0"
    yield "zeros", lambda data: bytes(len(data))
    for number in range(offsets):
        at, bit = number * size // offsets, number % 8
        yield f"bit {bit} at {at}", lambda data, at=at, bit=bit: flipped(data, at, bit)


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def drop_index(folder: Path) -> None:
    for path in folder.glob("index.db*"):
        path.unlink()


async def expect_healing(open_keeper: Open, *, missed: set[str] | None = None) -> list[str]:
    """Two builds: the first gives the right objects or misses, the second hits everything. Gives event names."""
    async with open_keeper() as talk:
        again = await talk.build(*BOTH)
        if missed is not None:
            assert set(again) == missed
        assert await talk.build(*BOTH) == []
        found = (await talk.find(*BOTH)).entries
        assert [found[it.key].functions for it in BOTH] == [it.functions for it in BOTH]
        assert [found[it.key].warnings for it in BOTH] == [(WARNING,), ()]
        assert (await talk.ask(Verify())).damage == ()
        names = talk.names()
    assert "CacheDegraded" not in names
    return names


@pytest.fixture
async def filled(open_keeper: Open, tmp_path: Path, anyio_backend: str) -> Path:
    """A cache of two entries, closed."""
    async with open_keeper() as talk:
        assert await talk.build(*BOTH) == ["one", "two"]
    return tmp_path / "cache"


@pytest.mark.slow
async def test_objects(open_keeper: Open, filled: Path) -> None:
    path = filled / "modules" / f"{digest(ONE.data)}.wasm"
    good = path.read_bytes()
    for count, (what, change) in enumerate(changes(len(good), 12), 1):
        path.write_bytes(change(good))
        names = await expect_healing(open_keeper, missed={"one"})
        assert names.count("EntryQuarantined") == 1, what
        assert path.read_bytes() == good, what
        assert len(files(filled, of=("quarantine",))) == count
    async with open_keeper() as talk:
        assert (await talk.ask(Statistics())).corruptions == count


async def test_objects_swapped(open_keeper: Open, filled: Path) -> None:
    one, two = (filled / "modules" / f"{digest(it.data)}.wasm" for it in BOTH)
    one.rename(filled / "aside")
    two.rename(one)
    (filled / "aside").rename(two)
    names = await expect_healing(open_keeper, missed={"one", "two"})
    assert names.count("EntryQuarantined") == 2


async def test_objects_removed(open_keeper: Open, filled: Path) -> None:
    (filled / "modules" / f"{digest(ONE.data)}.wasm").unlink()
    assert "EntryQuarantined" not in await expect_healing(open_keeper, missed={"one"})
    shutil.rmtree(filled / "modules")
    assert "EntryQuarantined" not in await expect_healing(open_keeper, missed={"one", "two"})


@pytest.mark.slow
async def test_metadata_when_the_index_is_gone(open_keeper: Open, filled: Path) -> None:
    path = filled / "metadata" / f"{ONE.key}.json"
    good = path.read_bytes()
    for what, change in changes(len(good), 16):
        path.write_bytes(change(good))
        drop_index(filled)
        names = await expect_healing(open_keeper, missed={"one"})
        assert names.count("EntryQuarantined") == 1, what
    path.unlink()
    drop_index(filled)
    await expect_healing(open_keeper, missed={"one"})
    other = filled / "metadata" / f"{TWO.key}.json"
    swapped = path.read_bytes(), other.read_bytes()
    other.write_bytes(swapped[0])
    path.write_bytes(swapped[1])
    drop_index(filled)
    await expect_healing(open_keeper, missed={"one", "two"})


async def test_the_index_is_rebuilt_from_metadata(open_keeper: Open, filled: Path) -> None:
    drop_index(filled)
    assert "EntryQuarantined" not in await expect_healing(open_keeper, missed=set())


@pytest.mark.slow
@pytest.mark.slow
async def test_the_index(open_keeper: Open, filled: Path) -> None:
    """Whatever happens to the file: at worst a rebuild from metadata, which knows both entries."""
    good = (filled / "index.db").read_bytes()
    assert not (filled / "index.db-wal").exists()
    for what, change in changes(len(good), 150):
        drop_index(filled)
        (filled / "index.db").write_bytes(change(good))
        shutil.rmtree(filled / "quarantine", ignore_errors=True)
        async with open_keeper() as talk:
            again = await talk.build(*BOTH)
            assert len(again) <= 2, what
            assert await talk.build(*BOTH) == [], what
            found = (await talk.find(*BOTH)).entries
            assert [found[it.key].functions for it in BOTH] == [it.functions for it in BOTH], what
            assert [found[it.key].warnings for it in BOTH] == [(WARNING,), ()], what
            assert "CacheDegraded" not in talk.names(), what


@pytest.mark.parametrize(
    "inside", [b"unused variable", b"first", bytes.fromhex(digest(ONE.data))], ids=["warning", "function", "digest"]
)
async def test_a_bit_in_a_row_of_the_index(open_keeper: Open, filled: Path, inside: bytes) -> None:
    """SQLite does not notice; the row's own checksum does, before a wrong warning is shown or a wrong object taken."""
    good = (filled / "index.db").read_bytes()
    at = good.index(inside)
    (filled / "index.db").write_bytes(flipped(good, at, 0))
    names = await expect_healing(open_keeper, missed=set())
    assert names == ["EntryQuarantined"]


async def test_an_index_of_another_schema_or_program(open_keeper: Open, filled: Path) -> None:
    import sqlite3

    for statement in ("PRAGMA user_version = 99", "PRAGMA application_id = 7", "DROP TABLE entries"):
        connection = sqlite3.connect(filled / "index.db")
        connection.execute(statement)
        connection.commit()
        connection.close()
        names = await expect_healing(open_keeper, missed=set())
        assert "EntryQuarantined" in names
    (filled / "index-2.db").write_bytes(b"of a newer version")
    await expect_healing(open_keeper, missed=set())
    assert (filled / "index-2.db").read_bytes() == b"of a newer version"


async def test_an_index_that_is_a_folder(open_keeper: Open, filled: Path) -> None:
    drop_index(filled)
    (filled / "index.db").mkdir()
    async with open_keeper() as talk:
        assert await talk.build(*BOTH) == []


async def test_an_index_that_is_replaced_between_builds(open_keeper: Open, filled: Path) -> None:
    async with open_keeper() as talk:
        assert await talk.build(*BOTH) == []
        drop_index(filled)
        assert await talk.build(*BOTH) == []
        assert (filled / "index.db").exists()
        shutil.rmtree(filled)
        assert await talk.build(*BOTH) == ["one", "two"]
        assert await talk.build(*BOTH) == []
        assert "CacheDegraded" not in talk.names()


async def test_the_plan(open_keeper: Open, filled: Path) -> None:
    async with open_keeper() as talk:
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"the plan")
        path = filled / "snapshots" / "p-0123456789abcdef.plan"
        good = path.read_bytes()
        for what, change in changes(len(good), 20):
            path.write_bytes(change(good))
            assert (await talk.ask(RecallPlan(build=1, snapshot="p-0123456789abcdef"))).plan == b"", what


async def test_memory_is_not_believed_either(open_keeper: Open, filled: Path) -> None:
    async with open_keeper() as talk:
        assert await talk.build(*BOTH) == []
        await talk.find(ONE)
        name = digest(ONE.data)
        talk.keeper.cache.hot.put(bytes.fromhex(name), b"wrong")
        assert await talk.load(name) == {name: ONE.data}
        assert talk.names() == []


async def test_verify_reads_the_disk_whatever_memory_holds(open_keeper: Open, filled: Path) -> None:
    path = filled / "modules" / f"{digest(ONE.data)}.wasm"
    async with open_keeper() as talk:
        assert await talk.build(*BOTH) == []
        assert (await talk.ask(Verify())).damage == ()
        path.write_bytes(flipped(path.read_bytes(), 9, 1))
        assert await talk.load(digest(ONE.data), disk=True) == {}
    await expect_healing(open_keeper, missed={"one"})
    async with open_keeper() as talk:
        await talk.build(*BOTH)
        path.write_bytes(flipped(path.read_bytes(), 9, 1))
        (filled / "metadata" / f"{TWO.key}.json").write_bytes(b"{}")
        verified = await talk.ask(Verify())
        assert verified.checked == 2
        said = {it.file: (it.module, it.action) for it in verified.damage}
        assert said == {
            f"modules/{digest(ONE.data)}.wasm": ("one", "quarantined"),
            f"metadata/{TWO.key}.json": ("two", "quarantined"),
        }
        assert (await talk.ask(Verify())).damage == ()
        assert (await talk.ask(Statistics())).corruptions >= 2
    await expect_healing(open_keeper, missed={"one", "two"})


async def test_verify_says_which_object_is_missing(open_keeper: Open, filled: Path) -> None:
    async with open_keeper() as talk:
        (filled / "modules" / f"{digest(ONE.data)}.wasm").unlink()
        verified = await talk.ask(Verify())
        assert [(it.module, it.problem, it.action) for it in verified.damage] == [
            ("one", "it is missing", "entry removed")
        ]


async def test_metadata_without_a_row_is_adopted(open_keeper: Open, filled: Path) -> None:
    """A process was killed between metadata and row."""
    import sqlite3

    from actors.messages import Collect

    connection = sqlite3.connect(filled / "index.db")
    connection.execute("DELETE FROM entries")
    connection.execute("DELETE FROM uses")
    connection.commit()
    connection.close()
    async with open_keeper() as talk:
        assert list((await talk.find(ONE)).entries) == [ONE.key], "whoever looks for it finds it"
        assert (await talk.ask(Collect(force=True))).removed_files == 0
        assert sorted((await talk.find(*BOTH)).entries) == sorted([ONE.key, TWO.key])


async def test_collecting_orphans(open_keeper: Open, filled: Path) -> None:
    import os

    from actors.messages import Collect

    orphan = filled / "modules" / f"{'ab' * 32}.wasm"
    left = filled / "metadata" / ".tmp-0123-1"
    foreign = filled / "modules" / "README"
    for path in (orphan, left, foreign):
        path.write_bytes(b"12345")
    async with open_keeper() as talk:
        young = await talk.ask(Collect())
        assert (young.removed_files, young.freed_bytes, young.busy) == (0, 0, False)
        os.utime(orphan, ns=(0, 0))
        old = await talk.ask(Collect())
        assert (old.removed_files, old.freed_bytes) == (1, 5)
        forced = await talk.ask(Collect(force=True))
        assert (forced.removed_files, forced.freed_bytes) == (1, 5)
        assert foreign.exists()
        assert await talk.build(*BOTH) == []


async def test_who_finds_the_lock_taken_skips(open_keeper: Open, filled: Path) -> None:
    from actors.disk import RealDisk
    from actors.keeper import locks
    from actors.messages import Clear, Collect

    lock = RealDisk().lock(str(filled / locks.COLLECTING))
    assert lock is not None
    async with open_keeper(max_size=100) as talk:
        assert (await talk.ask(Collect(force=True))).busy
        assert (await talk.ask(Clear())).busy
        assert await talk.build(*BOTH) == []
        assert talk.ended.evicted == 0
        lock.release()
        assert not (await talk.ask(Collect())).busy
        assert await talk.build(*BOTH) == ["one", "two"]


async def damage_both(talk: Talk, folder: Path) -> None:
    for it in BOTH:
        (folder / "modules" / f"{digest(it.data)}.wasm").write_bytes(b"damaged")


async def test_a_damaged_first_one_gives_way(open_keeper: Open, filled: Path) -> None:
    """The first bytes of a key stay; but not when they are damaged."""
    other = entry("one", b"other bytes")
    async with open_keeper() as talk:
        await damage_both(talk, filled)
        assert (await talk.store(other)).refused == ()
        assert await talk.read(other) == b"other bytes"


async def expect_doubt(
    open_keeper: Open, filled: Path, lose: Callable[[Talk], Awaitable[object]], *, forget: bool
) -> None:
    """After `lose` no snapshot says any more that all is well, and a build that is open is told."""
    async with open_keeper() as talk:
        await talk.begin()
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"the plan")
        assert not (await talk.begin()).forget
        await lose(talk)
        there = (
            (filled / "snapshots" / "p-0123456789abcdef").exists(),
            (filled / "snapshots" / "p-0123456789abcdef.plan").exists(),
        )
        assert there == (not forget, not forget)
        assert (await talk.begin()).forget == forget
        assert not (await talk.begin()).forget


async def test_who_loses_entries_says_so(open_keeper: Open, filled: Path) -> None:
    path = filled / "modules" / f"{digest(ONE.data)}.wasm"

    async def verify(talk: Talk) -> None:
        path.write_bytes(b"damaged")
        assert len((await talk.ask(Verify())).damage) == 1
        await talk.store(TWO)

    async def load(talk: Talk) -> None:
        path.unlink()
        assert await talk.load(digest(ONE.data), disk=True) == {}

    async def load_and_store(talk: Talk) -> None:
        await load(talk)
        await talk.store(ONE)
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"the plan")

    async def clear(talk: Talk) -> None:
        await talk.ask(Clear())

    await expect_doubt(open_keeper, filled, verify, forget=True)
    await expect_healing(open_keeper, missed={"one"})
    await expect_doubt(open_keeper, filled, load, forget=True)
    await expect_healing(open_keeper, missed={"one"})
    await expect_doubt(open_keeper, filled, load_and_store, forget=False)
    await expect_doubt(open_keeper, filled, clear, forget=True)


async def test_a_build_that_lost_what_it_did_not_need_leaves_nothing(open_keeper: Open, filled: Path) -> None:
    (filled / "metadata" / f"{ONE.key}.json").write_bytes(b"damaged")
    drop_index(filled)
    async with open_keeper() as talk:
        await talk.begin()
        await talk.find(TWO)
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"stamps", plan=b"the plan")
        assert not (filled / "snapshots" / "p-0123456789abcdef").exists()
        assert (await talk.begin()).forget
