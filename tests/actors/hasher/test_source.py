"""Reading sources: bytes and a stamp that surely belong together, or an error."""

from __future__ import annotations

import os

import pytest

from actors.diagnostics import Finding, SourceError
from actors.digests import NO_STAMP, Stamp, digest
from actors.disk import RealDisk
from actors.hasher.source import ATTEMPTS, MAX_BYTES, read_sources
from actors.messages import FoundSource
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import fail


def disk_with(**texts: bytes) -> FakeDisk:
    disk = FakeDisk(aged=True)
    disk.memory.make_folders("/p")
    for name, text in texts.items():
        disk.write(f"/p/{name}.ruchy", text)
    return disk


def found(disk, module="a", **fields):
    path = f"{module}.ruchy"
    stamp = disk.memory.stamp(f"/p/{path}") if f"/p/{path}" in disk.memory.nodes else None
    return FoundSource(**{"module": module, "path": path, "stamp": stamp, **fields})


def read(disk, *wanted, normalise=bytes):
    return read_sources(wanted or (found(disk),), "/p", lambda path, raw: normalise(raw), disk)


def error_of(result):
    (source,) = result.sources
    assert (source.digest, source.data, source.stamp) == ("", b"", NO_STAMP)
    assert (source.error.module, source.error.file) == ("a", "a.ruchy")
    return source.error


def test_read():
    disk = disk_with(a=b"text")
    (source,) = read(disk).sources
    assert (source.module, source.path, source.data) == ("a", "a.ruchy", b"text")
    assert source.digest == digest(b"text")
    assert source.stamp == disk.memory.stamp("/p/a.ruchy")
    assert source.error is None
    assert (disk.counts["stamp"], disk.counts["read"], disk.counts["is_regular"]) == (2, 1, 0)


def test_the_digest_is_of_normalised_bytes():
    (source,) = read(disk_with(a=b"\r\n"), normalise=lambda raw: raw.replace(b"\r", b"")).sources
    assert (source.data, source.digest) == (b"\n", digest(b"\n"))


def test_racy_sources_have_no_stamp():
    disk = disk_with(a=b"text")
    disk.aged = False
    (source,) = read(disk).sources
    assert (source.data, source.stamp) == (b"text", NO_STAMP)


def test_modules_in_memory():
    disk = FakeDisk()
    (source,) = read(disk, FoundSource(module="a", path="a.ruchy", data=b"")).sources
    assert (source.data, source.digest, source.stamp) == (b"", digest(b""), NO_STAMP)
    assert disk.counts.total() == 0


def test_one_that_was_edited_since_the_scan_is_read_as_it_is():
    disk = disk_with(a=b"old")
    wanted = found(disk)
    disk.write("/p/a.ruchy", b"new")
    (source,) = read(disk, wanted).sources
    assert source.data == b"new"
    assert source.stamp == disk.memory.stamp("/p/a.ruchy")


@pytest.mark.parametrize("edits", range(1, ATTEMPTS))
def test_one_that_changes_while_it_is_read_is_read_again(edits):
    disk = disk_with(a=b"0")
    left = list(range(1, edits + 1))

    def edit(operation, path):
        if operation == "read" and left:
            disk.memory.write(path, b"%d" % left.pop(0))

    disk.before = edit
    (source,) = read(disk).sources
    assert source.data == b"%d" % edits
    assert len(disk.reads) == edits + 1


def test_one_that_keeps_changing():
    disk = disk_with(a=b"0")
    disk.before = lambda operation, path: disk.memory.touch(path) if operation == "read" else None
    error = error_of(read(disk))
    assert (error.code, error.message) == ("E0809", "the file kept changing: it was read 3 times")
    assert len(disk.reads) == ATTEMPTS


def test_too_large_is_not_read():
    disk = disk_with(a=b"text")
    disk.lies["/p/a.ruchy"] = Stamp(1, 2, MAX_BYTES + 1, 4, 5)
    error = error_of(read(disk))
    assert error.code == "E0802"
    assert str(MAX_BYTES + 1) in error.message
    assert disk.reads == []


def test_one_that_grows_is_not_read_to_its_end(monkeypatch):
    disk = disk_with(a=b"text")
    limits = []

    def endless(path, limit=-1):
        limits.append(limit)
        return bytes(limit + 1)

    monkeypatch.setattr(disk.memory, "read", endless)
    assert error_of(read(disk)).code == "E0802"
    assert limits == [MAX_BYTES]


def test_the_largest_that_is_allowed():
    disk = disk_with(a=b"x" * MAX_BYTES)
    (source,) = read(disk).sources
    assert source.error is None


def test_too_large_in_memory():
    assert error_of(read(FakeDisk(), FoundSource(module="a", path="a.ruchy", data=b"x" * (MAX_BYTES + 1)))).code == (
        "E0802"
    )


@pytest.mark.parametrize("operation", ["stamp", "read"])
def test_unreadable(operation):
    disk = disk_with(a=b"text")
    disk.faults.on(f"disk.{operation}", fail("EACCES"))
    error = error_of(read(disk))
    assert (error.code, error.message) == ("E0807", "the file cannot be read: Permission denied")
    assert error.hint


def test_what_a_toolchain_refuses():
    def refuse(raw):
        raise SourceError(Finding("E0801", "not UTF-8", 6, 1, at=3))

    error = error_of(read(disk_with(a=b"\r\r\n123456\xff"), normalise=refuse))
    assert (error.line, error.column, error.text) == (3, 7, "123456\ufffd")


def test_a_bug_of_a_toolchain_is_no_error_of_the_source():
    with pytest.raises(ZeroDivisionError):
        read(disk_with(a=b"1"), normalise=lambda raw: bytes(1 // 0))


@pytest.mark.parametrize("instead", ["nothing", "folder", "pipe"])
def test_vanished(instead):
    disk = disk_with(a=b"1", b=b"2")
    wanted = (found(disk), found(disk, "b"))
    disk.memory.remove("/p/a.ruchy")
    if instead == "folder":
        disk.memory.make_folders("/p/a.ruchy")
    if instead == "pipe":
        disk.memory.pipe("/p/a.ruchy")
    result = read(disk, *wanted)
    assert [source.module for source in result.sources] == ["b"]
    assert result.vanished == ("a",)
    assert disk.reads == ["/p/b.ruchy"]


def test_one_error_does_not_stop_the_others():
    disk = disk_with(a=b"1", b=b"2", c=b"3")
    disk.faults.on("disk.read", fail("ENOSPC"), at=2)
    result = read(disk, *(found(disk, name) for name in "abc"))
    assert [(source.module, source.error is None) for source in result.sources] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]


def test_links_are_stamped_at_both_ends():
    disk = disk_with(b=b"text")
    disk.memory.link("/p/a.ruchy", "/p/b.ruchy")
    wanted = FoundSource(module="a", path="a.ruchy", stamp=None)
    (first,) = read(disk, wanted).sources
    (again,) = read(disk, wanted).sources
    assert first == again
    assert first.data == b"text"
    assert first.stamp not in (disk.memory.stamp("/p/b.ruchy"), NO_STAMP)
    disk.memory.touch("/p/b.ruchy")
    assert read(disk, wanted).sources[0].stamp != first.stamp


def test_a_link_that_is_turned_while_its_target_is_read():
    disk = disk_with(b=b"old", c=b"new")
    disk.memory.link("/p/a.ruchy", "/p/b.ruchy")

    def turn(operation, path):
        if operation == "read" and not disk.reads:
            disk.memory.remove("/p/a.ruchy")
            disk.memory.link("/p/a.ruchy", "/p/c.ruchy")

    disk.before = turn
    (source,) = read(disk, FoundSource(module="a", path="a.ruchy")).sources
    assert source.data == b"new"
    assert len(disk.reads) == 2


def test_real_files(tmp_path):
    (tmp_path / "a.ruchy").write_bytes(b"text")
    os.mkfifo(tmp_path / "p.ruchy")
    wanted = [FoundSource(module=name, path=f"{name}.ruchy") for name in ("a", "p", "gone")]
    result = read_sources(wanted, str(tmp_path), lambda path, raw: bytes(raw), RealDisk())
    assert [(source.module, source.data) for source in result.sources] == [("a", b"text")]
    assert result.vanished == ("p", "gone")
