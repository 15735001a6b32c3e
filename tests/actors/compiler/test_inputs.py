"""Files that compiles discovered, read again."""

from __future__ import annotations

import pytest

from actors.compiler.inputs import place_of, portable, read_inputs
from actors.digests import NO_STAMP, digest
from actors.messages import InputFile
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import fail


@pytest.fixture
def disk() -> FakeDisk:
    made = FakeDisk(aged=True)
    made.write("/p/src/table", b"one")
    return made


def read(disk: FakeDisk, *files: InputFile) -> list[InputFile]:
    return list(read_inputs(files, "/p/src", disk))


def test_a_file_is_read_once_for_each_stamp(disk: FakeDisk) -> None:
    [first] = read(disk, InputFile(path="table"))
    assert first == InputFile(path="table", digest=digest(b"one"), stamp=disk.stamp("/p/src/table"))
    disk.reads.clear()
    assert read(disk, first) == [first]
    assert disk.reads == []
    disk.write("/p/src/table", b"two")
    [second] = read(disk, first)
    assert (second.digest, second.stamp) == (digest(b"two"), disk.stamp("/p/src/table"))
    assert disk.reads == ["/p/src/table"]


def test_an_absent_file_has_an_empty_digest(disk: FakeDisk) -> None:
    wanted = [InputFile(path="gone", digest=digest(b"it was there")), InputFile(path="table/below")]
    assert read(disk, *wanted) == [InputFile(path="gone"), InputFile(path="table/below")]


def test_what_cannot_be_read_has_no_digest(disk: FakeDisk) -> None:
    """So it is equal to nothing that a compile reported."""
    disk.write("/p/src/folder/file", b"")
    [folder, odd] = read(disk, InputFile(path="folder"), InputFile(path="a\0b", digest=digest(b"")))
    assert folder == InputFile(path="folder", digest=None)
    assert odd.digest in (None, "")
    disk.faults.on("disk.read", fail("EIO"))
    assert read(disk, InputFile(path="table")) == [InputFile(path="table", digest=None)]


def test_stamps_that_must_not_be_trusted(disk: FakeDisk) -> None:
    disk.aged = False
    assert read(disk, InputFile(path="table")) == [InputFile(path="table", digest=digest(b"one"))]
    disk.aged = True
    disk.memory.link("/p/src/alias", "/p/src/table")
    assert read(disk, InputFile(path="alias")) == [InputFile(path="alias", digest=digest(b"one"), stamp=NO_STAMP)]

    def change(operation: str, path: str) -> None:
        if operation == "read":
            disk.before = None
            disk.write("/p/src/table", b"two, meanwhile")

    disk.before = change
    [found] = read(disk, InputFile(path="table"))
    assert found.stamp == NO_STAMP


def test_a_path_is_relative_where_another_checkout_may_have_the_file() -> None:
    for written, stored in (
        ("/p/src/a/table", "a/table"),
        ("a/./table", "a/table"),
        ("/p/assets/table", "../assets/table"),
        ("/elsewhere/table", "/elsewhere/table"),
        ("/p/source/table", "../source/table"),
        ("/pp/table", "/pp/table"),
    ):
        assert portable(written, "/p/src", "/p") == stored
        assert place_of(stored, "/p/src") == place_of(written, "/p/src")
    assert portable("/p/src/table", "/p/src", "") == "table"
    assert portable("/p/table", "", "/p") == "/p/table"
