"""Fault plans: what falls where, by plan, by text and by seed; and what each fault does at each kind of hop."""

from __future__ import annotations

import sqlite3

import anyio
import pytest

from orchestrator.testing.disk import FakeDisk, MemoryDisk
from orchestrator.testing.faults import (
    KINDS,
    Crashed,
    Fault,
    Faults,
    Rule,
    crash,
    damaged,
    delay,
    fail,
    flip,
    lose,
    reorder,
    tear,
)
from orchestrator.testing.faulty import FaultyConnection, FaultyOffload
from orchestrator.testing.sqlite import DiskConnection
from tests.helpers.plain_builds import in_virtual_time


def passed(faults: Faults, hop: str, times: int, path: str = "") -> list[str]:
    return [str(faults.at(hop, path) or "") for _ in range(times)]


# ------------------------------------------------------------------------------------------------ plans


def test_the_third_store_fails() -> None:
    faults = Faults().on("disk.create", fail("ENOSPC"), at=3)
    assert passed(faults, "disk.read", 2) == ["", ""]
    assert passed(faults, "disk.create", 4) == ["", "", "fail ENOSPC", ""]
    assert [str(one) for one in faults.injected] == ["disk.create@3 fail ENOSPC"]
    assert faults.counts == {"disk.read": 2, "disk.create": 4}


def test_only_on_a_path_some_times_or_for_ever() -> None:
    faults = Faults(Rule("disk.*", fail(), at=2, path="/modules/", times=2)).on("index.insert", delay(0.5), times=0)
    assert passed(faults, "disk.read", 2, "/c/metadata/x") == ["", ""]
    assert passed(faults, "disk.read", 1, "/c/modules/x") == [""]
    assert passed(faults, "disk.create", 3, "/c/modules/x") == ["fail EIO", "fail EIO", ""]
    assert passed(faults, "index.insert", 3) == ["delay 0.5"] * 3


def test_rules_count_whether_or_not_another_one_was_first() -> None:
    faults = Faults().on("disk.read", fail(), at=1).on("disk.*", delay(1), at=1, times=2)
    assert passed(faults, "disk.read", 3) == ["fail EIO", "delay 1", ""]


@pytest.mark.parametrize(
    "text",
    [
        "disk.create@3 fail ENOSPC",
        "disk.*@1 in /metadata/ fail EROFS for ever",
        "worker.compile_module@2 kill 3 times",
        "offload.keep@1 delay 0.25; index.commit@2 crash after; disk.read@1 flip 17; disk.append@1 tear 4",
        "offload.find@9 reorder; disk.rename@1 lose EACCES",
    ],
)
def test_a_plan_is_a_text(text: str) -> None:
    assert "; ".join(map(str, Faults.parse(text).rules)) == text


@pytest.mark.parametrize("text", ["disk.read@1 explode", "disk.read@x fail", "disk.read@1 crash sideways"])
def test_a_wrong_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Faults.parse(text)


def test_a_seed_gives_the_same_faults_and_a_plan_that_gives_them_again() -> None:
    hops = [hop for _ in range(60) for hop in ("disk.read", "disk.create", "index.select", "offload.keep", "worker.x")]
    kinds = tuple(kind for kind in KINDS if kind != "crash")
    seeded = [Faults.seeded(7, rate=0.3, kinds=kinds) for _ in range(2)]
    first, second = ([str(faults.at(hop) or "") for hop in hops] for faults in seeded)
    assert first == second
    assert {one.split()[0] for one in first if one} == set(kinds)
    replayed = Faults.parse(seeded[0].plan())
    assert [str(replayed.at(hop) or "") for hop in hops] == first
    assert [str(Faults.seeded(8, rate=0.2).at(hop) or "") for hop in hops[:1]] != [None]


def test_by_seed_nothing_happens_that_could_not() -> None:
    faults = Faults.seeded(1, rate=1.0, kinds=("tear", "kill"), hops="[!i]*")
    assert passed(faults, "index.select", 5) == [""] * 5
    assert set(passed(faults, "worker.start", 5)) == {"kill"}
    assert all(one.startswith("tear") for one in passed(faults, "disk.read", 5))


def test_a_crash_is_for_good() -> None:
    ended: list[str] = []
    faults = Faults().on("disk.rename", crash(), at=2)
    faults.when_crashed.append(lambda: ended.append("now"))
    faults.at("disk.rename")
    assert ended == []
    with pytest.raises(Crashed):
        faults.at("disk.rename")
    with pytest.raises(Crashed):
        faults.at("disk.read")
    assert ended == ["now"] and [one.hop for one in faults.injected] == ["disk.rename"]


@pytest.mark.parametrize(
    ("fault", "left"), [(tear(2), b"ab"), (flip(1), b"cbc"), (flip(25), b"cbc"), (fail(), b"abc"), (None, b"abc")]
)
def test_damage(fault: Fault | None, left: bytes) -> None:
    assert damaged(fault, b"abc") == left
    assert damaged(fault, b"") == b""


# ------------------------------------------------------------------------------------------------ at the disk


def disk_with(*rules: str) -> tuple[MemoryDisk, FakeDisk]:
    machine = MemoryDisk()
    machine.write("/p/file", b"abc")
    return machine, FakeDisk(machine, Faults.parse("; ".join(rules)))


def test_what_fails_has_not_happened_and_what_is_lost_has() -> None:
    machine, disk = disk_with("disk.create@1 fail ENOSPC", "disk.rename@1 lose EIO", "disk.remove@1 fail")
    with pytest.raises(OSError, match="No space"):
        disk.create("/p/new", b"x")
    with pytest.raises(OSError, match="Input/output"):
        disk.rename("/p/file", "/p/other")
    with pytest.raises(OSError):
        disk.remove("/p/other")
    assert machine.files() == {"/p/other": b"abc"}
    disk.remove("/p/other")
    assert machine.files() == {}


def test_torn_and_flipped_on_the_way_in_and_out() -> None:
    machine, disk = disk_with(
        "disk.create@1 tear 2", "disk.append@1 flip 0", "disk.read@1 flip 8", "disk.read@2 tear 1"
    )
    disk.create("/p/new", b"xyz")
    disk.append("/p/file", b"d")
    assert machine.files() == {"/p/file": b"abce", "/p/new": b"xy"}
    assert [disk.read("/p/file") for _ in range(3)] == [b"acce", b"a", b"abce"]


@pytest.mark.parametrize(
    ("when", "left"), [("before", {}), ("half", {"/p/new": b"12"}), ("after", {"/p/new": b"1234"})]
)
def test_a_process_that_crashes_writing(when: str, left: dict[str, bytes]) -> None:
    machine, disk = disk_with(f"disk.create@1 crash {when}")
    machine.remove("/p/file")
    lock = disk.lock("/p/lock")
    assert lock is not None and machine.lock("/p/lock") is None
    with pytest.raises(Crashed):
        disk.create("/p/new", b"1234")
    assert {path: data for path, data in machine.files().items() if path != "/p/lock"} == left
    assert machine.lock("/p/lock") is not None, "the kernel drops the locks of the dead"
    with pytest.raises(Crashed):
        disk.read("/p/new")


def test_a_short_write_leaves_half_of_it_and_a_full_disk_does_nothing() -> None:
    machine, disk = disk_with("disk.*@1 short for ever")
    for change in (
        lambda: disk.create("/p/new", b"1234"),
        lambda: disk.append("/p/file", b"56"),
        lambda: disk.rename("/p/file", "/p/other"),
        lambda: disk.remove("/p/file"),
        lambda: disk.make_folders("/q"),
    ):
        with pytest.raises(OSError, match="No space"):
            change()
    assert machine.files() == {"/p/file": b"abc5", "/p/new": b"12"} and not machine.is_folder("/q")
    disk.faults.heal()
    disk.remove("/p/new")
    assert machine.files() == {"/p/file": b"abc5"}


def test_either_of_two_patterns_has_one_count() -> None:
    _, disk = disk_with("disk.stamp|disk.re*@3 in /p/file fail EACCES")
    disk.stamp("/p/file")
    disk.stamp("/p")
    disk.read("/p/file")
    with pytest.raises(PermissionError):
        disk.stamp("/p/file")
    assert disk.faults.passed == [
        ("disk.stamp", "/p/file"),
        ("disk.stamp", "/p"),
        ("disk.read", "/p/file"),
        ("disk.stamp", "/p/file"),
    ]


def test_a_question_is_answered_with_no() -> None:
    _, disk = disk_with("disk.is_*@1 fail EACCES 2 times")
    assert [disk.is_regular("/p/file"), disk.is_folder("/p")] == [False, False]
    assert [disk.is_regular("/p/file"), disk.is_folder("/p")] == [True, True]


# ------------------------------------------------------------------------------------------------ at SQLite


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "code"),
    [("ENOSPC", sqlite3.SQLITE_FULL), ("EIO", sqlite3.SQLITE_IOERR), ("EROFS", sqlite3.SQLITE_READONLY)],
)
async def test_sqlite_says_what_it_says_of_such_a_disk(error: str, code: int) -> None:
    faults = Faults().on("index.select", fail(error))
    connection = FaultyConnection(DiskConnection(MemoryDisk(), "/db"), "/db", faults)
    with pytest.raises(sqlite3.OperationalError) as raised:
        await connection.execute_fetchall("SELECT 1")
    assert raised.value.sqlite_errorcode == code
    assert list(await connection.execute_fetchall("SELECT 1")) == [(1,)]


@pytest.mark.anyio
async def test_sqlite_opens_the_file_with_the_first_statement() -> None:
    faults = Faults.parse("index.open@1 fail EACCES; index.select@2 short")
    connection = FaultyConnection(DiskConnection(MemoryDisk(), "/db"), "/db", faults)
    await connection.rollback()
    with pytest.raises(sqlite3.OperationalError) as raised:
        await connection.execute_fetchall("SELECT 1")
    assert raised.value.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN
    assert list(await connection.execute_fetchall("SELECT 1")) == [(1,)]
    with pytest.raises(sqlite3.OperationalError) as raised:
        await connection.execute_fetchall("SELECT 1")
    assert raised.value.sqlite_errorcode == 522, "the file ends too early"
    assert [hop for hop, _ in faults.passed] == [
        "index.rollback",
        "index.open",
        "index.open",
        "index.select",
        "index.select",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
async def test_a_crash_about_a_commit(when: str, rows: int) -> None:
    machine = MemoryDisk()
    faults = Faults().on("index.commit", crash(when), at=2)
    connection = FaultyConnection(DiskConnection(machine, "/db"), "/db", faults)
    for statement in ("BEGIN IMMEDIATE", "CREATE TABLE t (x)", "COMMIT", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"):
        await connection.execute(statement)
    with pytest.raises(Crashed):
        await connection.execute("COMMIT")
    survivor = DiskConnection(machine, "/db")
    assert len(list(await survivor.execute_fetchall("SELECT * FROM t"))) == rows
    await survivor.execute("BEGIN IMMEDIATE")
    await survivor.rollback()


# ------------------------------------------------------------------------------------------------ out of the loop


def test_delays_pass_in_virtual_time_those_of_the_disk_too() -> None:
    async def main() -> tuple[float, str]:
        faults = Faults().on("offload.keep", delay(2)).on("disk.read", delay(30), times=2)
        disk = FakeDisk(MemoryDisk(), faults)
        disk.base.create("/file", b"text")

        def _keep() -> str:
            return (disk.read("/file") + disk.read("/file")).decode()

        offload = FaultyOffload(disk, faults, duration=lambda function, args: 0.5)
        began = anyio.current_time()
        read = await offload.run(_keep)
        return anyio.current_time() - began, read

    assert in_virtual_time(main) == (pytest.approx(62.5), "texttext")


def test_a_reply_is_overtaken() -> None:
    async def main() -> tuple[list[str], float]:
        offload = FaultyOffload(MemoryDisk(), Faults().on("offload.first", reorder(), times=2))
        order: list[str] = []

        def first() -> None: ...
        def second() -> None: ...

        async def go(function: object) -> None:
            await offload.run(function)  # type: ignore[arg-type]
            order.append(function.__name__)  # type: ignore[attr-defined]

        async with anyio.create_task_group() as group:
            group.start_soon(go, first)
            await anyio.sleep(0.1)
            group.start_soon(go, second)
        alone = anyio.current_time()
        await go(first)  # Nobody is there to overtake it.
        return order, anyio.current_time() - alone

    assert in_virtual_time(main) == (["second", "first", "first"], pytest.approx(1.0))


@pytest.mark.anyio
async def test_a_hop_that_fails_and_one_whose_reply_is_lost() -> None:
    done: list[int] = []
    offload = FaultyOffload(
        MemoryDisk(), Faults().on("offload.append", fail(KeyError("mine"))).on("offload.append", lose("EIO"), at=2)
    )
    with pytest.raises(KeyError, match="mine"):
        await offload.run(done.append, 1)
    with pytest.raises(OSError, match="Input/output"):
        await offload.run(done.append, 2)
    assert done == [2]
    await offload.compute(done.append, 3)
    assert done == [2, 3]


def test_who_gets_an_error_has_no_lock() -> None:
    machine, disk = disk_with("disk.lock@1 lose ENOSPC")
    with pytest.raises(OSError, match="No space"):
        disk.lock("/p/file")
    lock = disk.lock("/p/file")
    assert lock is not None and machine.lock("/p/file") is None
