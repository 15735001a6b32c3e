"""Locks between processes that share a cache: `flock`, which the kernel drops when its holder dies.

- `lock`: one garbage collection or eviction at a time. Never waited for: who finds it taken skips.
- `index.lock`: one process at a time opens, repairs or rebuilds the index.
- `running/<random>`: a running build. The file holds the keys and digests that the build uses, and is locked for as
  long as the build runs, so nobody has to believe a process id or a heartbeat: a file that can be locked is a dead
  build's. Its name is never used again, so removing it is safe.

The first two are never deleted: whoever had one open would hold a lock on a file that the next one does not find.

`flock` belongs to the open file and not to the process, so two Projects in one process keep out of each other's way as
well. Where there is no `flock` (Windows) nothing is locked, and sharing a cache costs late misses, never wrong bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from actors.disk import REAL, Disk, Lock

COLLECTING = "lock"
OPENING = "index.lock"
RUNNING = "running"

NAME_BYTES = 32
_TRIES = 5
_NAME = 12  # bytes of the name of a build's file
_MOST_BYTES = 64 << 20
"""Of one build's pins that are looked at: a million modules."""


class Pins:
    """What one build uses, for all to see."""

    def __init__(self, folder: str, disk: Disk = REAL) -> None:
        """`folder` is the cache's. Raises OSError."""
        disk.make_folders(f"{folder}/{RUNNING}")
        if disk.is_link(f"{folder}/{RUNNING}"):
            raise NotADirectoryError("a folder of the cache is a link")
        self._disk = disk
        for _ in range(_TRIES):
            self.path = f"{folder}/{RUNNING}/{os.urandom(_NAME).hex()}"
            lock = self._locked()
            if lock is not None:
                self._lock: Lock = lock
                return
        raise BlockingIOError("somebody removes the files of running builds")

    def _locked(self) -> Lock | None:
        """Make the file, and lock it. In the moment between, others may take it for a dead build's: who removes one has
        it locked, so a file that is there after it was locked stays."""
        lock = self._disk.lock(self.path)
        if lock is None:
            return None
        try:
            self._disk.stamp(self.path)
        except BaseException as error:
            lock.release()
            if isinstance(error, FileNotFoundError):
                return None
            raise
        return lock

    def add(self, names: Iterable[bytes]) -> None:
        """Pin more keys or digests. Raises OSError."""
        self._disk.append(self.path, b"".join(names))

    def release(self) -> None:
        # Removed before it is unlocked, so that nobody takes it for a dead build's and reads it in vain.
        try:
            with suppress(OSError):
                self._disk.remove(self.path)
        finally:
            self._lock.release()


def others(folder: str, own: Pins | None, disk: Disk = REAL) -> set[bytes]:
    """What running builds of others use; files that dead builds left behind are removed. Never raises OSError."""
    pinned: set[bytes] = set()
    for path in _alive(folder, own, disk):
        try:
            data = disk.read(path, _MOST_BYTES)
        except OSError:
            continue  # Ended in between.
        pinned.update(data[at : at + NAME_BYTES] for at in range(0, len(data), NAME_BYTES))
    return pinned


def bury(folder: str, own: Pins | None, disk: Disk = REAL) -> None:
    """Remove the files that dead builds left behind. Never raises OSError."""
    for _ in _alive(folder, own, disk):
        pass


def _alive(folder: str, own: Pins | None, disk: Disk) -> Iterator[str]:
    """The files of running builds of others. Those of dead ones are removed on the way."""
    try:
        if disk.is_link(f"{folder}/{RUNNING}"):
            return  # what is in there is somebody else's
        names = [entry.name for entry in disk.entries(f"{folder}/{RUNNING}")]
    except OSError:
        return
    for name in names:
        path = f"{folder}/{RUNNING}/{name}"
        if len(name) != 2 * _NAME or not name.isalnum():
            continue
        if own is not None and path == own.path:
            continue
        try:
            dead = disk.lock(path, create=False)
            if dead is None:
                yield path
                continue
            try:
                disk.remove(path)
            finally:
                dead.release()
        except OSError:
            continue  # Ended in between.
