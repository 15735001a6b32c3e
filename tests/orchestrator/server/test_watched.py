"""What a server remembers of files: each way in which a report can be missing. `tests/properties/test_watched.py` has
what nobody thought of.
"""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.disk import REAL
from orchestrator.server import inotify, watched
from orchestrator.server.inotify import Inotify
from orchestrator.server.watched import WatchedDisk, WatchingOffload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="servers need Linux")


@pytest.fixture(autouse=True)
def _sigio() -> Iterator[None]:
    """As in the builder."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


class Remembered:
    """A folder `up/p` with two files, that is remembered, and what else is needed to change it."""

    def __init__(self, place: Path) -> None:
        self.place, self.root, self.beside = place, place / "up/p", place / "beside"
        (self.root / "sub").mkdir(parents=True)
        self.beside.mkdir()
        self.one, self.two = self.root / "one", self.root / "sub/two"
        for file in (self.one, self.two):
            file.write_text("12345")
        self.paths = [f"{self.root}/", f"{self.root}/sub", str(self.one), str(self.two)]
        self.disk = WatchedDisk()

    def learn(self) -> None:
        self.disk.watch(str(self.root))
        self.disk.rows(self.paths)
        self.disk.learn()

    def agrees(self) -> bool:
        return self.disk.rows(self.paths) == REAL.rows(self.paths)


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Remembered]:
    made = Remembered(tmp_path)
    yield made
    made.disk.close()


def mapped(file: Path) -> mmap.mmap:
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), 0)


def through_a_mapping(it: Remembered) -> None:
    """Writes while the file is mapped are not reported, only that it was opened."""
    memory = mapped(it.one)
    for text in (b"abcde", b"fghij"):
        it.disk.rows(it.paths)
        it.disk.learn()
        memory[:] = text
        memory.flush()
        assert it.agrees()


def through_a_hard_link(it: Remembered) -> None:
    os.link(it.two, it.beside / "other")
    it.disk.rows(it.paths)
    it.disk.learn()
    (it.beside / "other").write_text("abcde")


def keeping_size_and_time(it: Remembered) -> None:
    seen = it.two.stat()
    it.two.write_text("abcde")
    os.utime(it.two, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def renamed_over(it: Remembered) -> None:
    (it.beside / "new").write_text("abcde")
    os.replace(it.beside / "new", it.one)


def a_folder_in_the_place_of_another(it: Remembered) -> None:
    (it.beside / "sub").mkdir()
    (it.beside / "sub/two").write_text("abcde")
    os.rename(it.root / "sub", it.beside / "old")
    os.rename(it.beside / "sub", it.root / "sub")


def a_folder_above_in_the_place_of_another(it: Remembered) -> None:
    os.rename(it.place / "up", it.place / "old")
    Remembered(it.place / "new")
    os.rename(it.place / "new/up", it.place / "up")


def a_link_in_the_place_of_the_folder_above(it: Remembered) -> None:
    a_folder_above_in_the_place_of_another(it)
    os.rename(it.place / "up", it.place / "third")
    (it.place / "up").symlink_to("third")
    assert it.agrees()
    it.disk.learn()
    (it.place / "up").unlink()
    (it.place / "up").symlink_to("old")


def more_than_the_queue_holds(it: Remembered) -> None:
    for mode in (0o600, 0o644) * 9000:
        it.one.chmod(mode)
    it.two.write_text("abcde")


def mode(it: Remembered) -> None:
    it.one.chmod(0o600)


def nothing(it: Remembered) -> None:
    """Changes nothing."""


CHANGES: list[Callable[[Remembered], None]] = [
    through_a_mapping,
    through_a_hard_link,
    keeping_size_and_time,
    renamed_over,
    a_folder_in_the_place_of_another,
    a_folder_above_in_the_place_of_another,
    a_link_in_the_place_of_the_folder_above,
    more_than_the_queue_holds,
    mode,
    nothing,
]


@pytest.mark.parametrize("change", CHANGES, ids=[one.__name__ for one in CHANGES])
def test_a_change_is_seen(it: Remembered, change: Callable[[Remembered], None]) -> None:
    it.learn()
    assert it.disk.remembered == 3
    change(it)
    assert it.agrees()
    it.disk.learn()
    assert it.agrees()
    assert it.disk.remembered in (2, 3)


def test_what_is_open_for_writing_is_not_remembered(it: Remembered) -> None:
    memory = mapped(it.one)
    it.learn()
    assert it.disk.remembered == 2
    memory[:] = b"abcde"
    memory.flush()
    assert it.agrees()
    memory.close()
    it.disk.learn()
    it.disk.rows(it.paths)
    assert it.disk.remembered == 3


def test_what_is_remembered_is_not_stamped(it: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    it.learn()
    stamped: list[str] = []
    real = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path: stamped.append(path) or real(path))
    it.disk.rows(it.paths)
    assert stamped == [f"{it.root}/"]
    it.one.write_text("abcde")
    stamped.clear()
    it.disk.rows(it.paths)
    assert stamped == [f"{it.root}/", str(it.one)]


def test_a_mount_is_seen(it: Remembered) -> None:
    it.learn()
    (it.beside / "two").write_text("abcde")
    command = ["mount", "--bind", str(it.beside), str(it.root / "sub")]
    try:
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("this user may not mount")
    except FileNotFoundError:
        pytest.skip("there is no `mount`")
    try:
        assert it.agrees()
        it.disk.learn()
        (it.beside / "two").write_text("fghij")
        assert it.agrees()
    finally:
        it.disk.close()
        subprocess.run(["umount", str(it.root / "sub")], check=True)


def refused(*_: object) -> Inotify:
    raise OSError(24, "too many open files")


@pytest.mark.parametrize("why", ["no queue", "no room for watches", "a file system that does not tell", "a signal"])
def test_without_proof_every_stamp_is_taken(it: Remembered, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why == "no queue":
        it.disk = WatchedDisk(refused)
    elif why == "no room for watches":
        it.disk = WatchedDisk(most=2)
    elif why == "a signal":
        signal.signal(signal.SIGIO, signal.SIG_DFL)
    else:
        monkeypatch.setattr(inotify, "TOLD", frozenset())
    it.learn()
    it.one.write_text("abcde")
    assert it.agrees()
    assert it.disk.remembered == 0


def test_it_gives_up_after_many_losses(it: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MOST_LOST", 0)
    it.learn()
    os.rename(it.root / "sub", it.root / "was")
    os.rename(it.root / "was", it.root / "sub")
    assert it.agrees()
    it.disk.learn()
    assert it.disk.remembered == 0


@pytest.mark.parametrize("path", ["/etc/passwd", "{root}/.hidden/x", "{root}/link/two", "{root}/away"])
def test_what_is_never_remembered(it: Remembered, path: str) -> None:
    """What is elsewhere, hidden as the cache is, or behind links."""
    (it.root / ".hidden").mkdir()
    (it.root / ".hidden/x").touch()
    (it.root / "link").symlink_to("sub")
    (it.root / "away").symlink_to("one")
    it.paths = [path.format(root=it.root)]
    it.learn()
    assert it.disk.remembered == 0
    assert it.agrees()


def test_a_missing_file_is_an_error(it: Remembered) -> None:
    it.learn()
    it.two.unlink()
    with pytest.raises(FileNotFoundError):
        it.disk.rows(it.paths)


def test_workers_are_started_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "Child", tuple)
    assert WatchingOffload().spawn(["program"]) == ("program",)
