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
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

if sys.platform != "win32":
    import fcntl

COLLECTING = "lock"
OPENING = "index.lock"
RUNNING = "running"

NAME_BYTES = 32
_POLL_SECONDS = 0.005


class Lock:
    """A lock that is held until `release`."""

    def __init__(self, file: int) -> None:
        self._file = file

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def take(path: str, wait_seconds: float = 0.0) -> Lock | None:
    """Take the lock of that file, waiting so long at most; None where somebody else has it. Raises OSError where there
    can be no such file (a read-only folder)."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _try(file):
            if time.monotonic() >= deadline:
                os.close(file)
                return None
            time.sleep(_POLL_SECONDS)
    except BaseException:
        os.close(file)
        raise
    return Lock(file)


def _try(file: int) -> bool:
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class Pins:
    """What one build uses, for all to see."""

    def __init__(self, folder: str) -> None:
        """`folder` is the cache's. Raises OSError."""
        os.makedirs(f"{folder}/{RUNNING}", exist_ok=True)
        self._path = f"{folder}/{RUNNING}/{os.urandom(12).hex()}"
        lock = take(self._path)
        assert lock is not None, "nobody else can know this name yet"
        self._lock = lock

    def add(self, names: Iterable[bytes]) -> None:
        """Pin more keys or digests. Raises OSError."""
        with open(self._path, "ab") as file:
            file.write(b"".join(names))

    def release(self) -> None:
        # Removed before it is unlocked, so that nobody takes it for a dead build's and reads it in vain.
        with suppress(OSError):
            os.unlink(self._path)
        self._lock.release()


def others(folder: str, own: Pins | None) -> set[bytes]:
    """What running builds of others use; files that dead builds left behind are removed. Never raises OSError."""
    pinned: set[bytes] = set()
    try:
        names = os.listdir(f"{folder}/{RUNNING}")
    except OSError:
        return pinned
    for name in names:
        path = f"{folder}/{RUNNING}/{name}"
        if own is not None and path == own._path:
            continue
        try:
            dead = _lock_existing(path)
            if dead is not None:
                os.unlink(path)
                dead.release()
                continue
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue  # Ended in between.
        pinned.update(data[at : at + NAME_BYTES] for at in range(0, len(data), NAME_BYTES))
    return pinned


def _lock_existing(path: str) -> Lock | None:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    if _try(file):
        return Lock(file)
    os.close(file)
    return None
