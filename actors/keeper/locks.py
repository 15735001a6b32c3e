"""What processes that share a cache tell each other: locks, the pins of running builds, and claims.

- `lock`: one garbage collection or eviction at a time. Nobody waits for it: a process that finds it taken skips.
- `index.lock`: one process at a time opens, repairs or rebuilds the index.
- `running/<random>`: a running build. The file holds the keys and digests that the build uses, and stays locked while
  the build runs. Nobody has to believe a process id or a heartbeat: a file that can be locked belongs to a dead build.
  Its name is never used again, so it can be removed safely.
- `claims`: what builds are about to compile. A claim is a lock on one byte, at a place that the key decides; nothing is
  ever written into this file.

All of them are `flock` or `F_OFD_SETLK` locks. The kernel drops them when their holder ends, however it ends, so none
is ever stale. `lock` and `index.lock` are never deleted: a process that had one open would hold a lock on a file that
the next process does not find.

These locks belong to the open file and not to the process, so two Projects in one process exclude each other as well.
Where there is no `flock` (Windows) nothing is locked; sharing a cache then costs late misses, never wrong bytes. Where
there are no byte locks (not Linux, a read-only cache) everybody gets every claim.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from actors.disk import REAL, Disk, Lock

COLLECTING = "lock"
OPENING = "index.lock"
RUNNING = "running"
CLAIMS = "claims"

NAME_BYTES = 32
_TRIES = 5
_NAME = 12  # bytes of the name of a build's file
_MOST_BYTES = 64 << 20
"""How much of one build's pins is read: a million modules."""

CLAIM_PLACES = 4
"""Places of a key in `claims`, side by side: one for the first to come, the others for those who gave up waiting for
the ones before."""


class Pins:
    """What one build uses, for all other processes to see."""

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
        raise BlockingIOError("another process removes the files of running builds")

    def _locked(self) -> Lock | None:
        """Creates the file and locks it; None if another process removed it in between."""
        # Between creating and locking, another process may take the file for a dead build's and remove it. It holds
        # the lock while it removes. So a file that still exists after we locked it will stay.
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
        """Pins more keys or digests. Raises OSError."""
        self._disk.append(self.path, b"".join(names))

    def release(self) -> None:
        # Removed before it is unlocked, so that nobody takes it for a dead build's and reads it in vain.
        try:
            with suppress(OSError):
                self._disk.remove(self.path)
        finally:
            self._lock.release()


def pinned_by_others(folder: str, own: Pins | None, disk: Disk = REAL) -> set[bytes]:
    """Returns what running builds of others use, and removes the files of dead builds. Never raises OSError."""
    pinned: set[bytes] = set()
    for path in _running(folder, own, disk):
        try:
            data = disk.read(path, _MOST_BYTES)
        except OSError:
            continue  # That build ended in between.
        pinned.update(data[at : at + NAME_BYTES] for at in range(0, len(data), NAME_BYTES))
    return pinned


def remove_dead_pins(folder: str, own: Pins | None, disk: Disk = REAL) -> None:
    """Removes the files of dead builds. Never raises OSError."""
    for _ in _running(folder, own, disk):
        pass


def _running(folder: str, own: Pins | None, disk: Disk) -> Iterator[str]:
    """The files of running builds of others. Files of dead builds are removed on the way."""
    try:
        if disk.is_link(f"{folder}/{RUNNING}"):
            return  # What is in it belongs to someone else.
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
            continue  # That build ended in between.


class Claims:
    """What one build has claimed. `release` gives all of it back, and so does the end of this process.

    A claim is a hint that keeps two processes from compiling one module at the same time. A build that cannot have
    one compiles all the same, and none waits for longer than twice what compiling takes (`actors.planner.schedule`)."""

    def __init__(self, folder: str, disk: Disk = REAL) -> None:
        """`folder` is the cache's. Raises OSError."""
        self._bytes = disk.lock_bytes(f"{folder}/{CLAIMS}")
        self._mine: dict[bytes, list[int]] = {}

    def take(self, keys: Iterable[bytes], beside: int = 0) -> set[bytes]:
        """Claims these keys. Returns those that another build holds. `beside` is how many builds had claimed them
        before this one gave up waiting: such a claim is taken at a place of its own, next to theirs. From
        `CLAIM_PLACES` on everybody gets every claim."""
        if beside >= CLAIM_PLACES:
            return set()
        others: set[bytes] = set()
        for key in keys:
            place = _place(key) + beside
            if self._bytes.take(place):
                self._mine.setdefault(key, []).append(place)
            else:
                others.add(key)
        return others

    def give_back(self, keys: Iterable[bytes]) -> None:
        """Gives back all claims on these keys; keys that were not claimed are ignored."""
        for key in keys:
            for place in self._mine.pop(key, ()):
                self._bytes.give_back(place)

    def release(self) -> None:
        self._bytes.release()


def _place(key: bytes) -> int:
    """If two keys share a place, one build waits a moment for nothing; that is the only cost."""
    return int.from_bytes(key[:8], "big") >> 4 << 2  # A place in a file has 63 bits.


class InUse:
    """What the running build uses: `keys` that it looked up or stored, `digests` of objects. Of the keys, `found` were
    there, `missed` were not. `read` are objects that were read without being found. `unpinned` is what is not in the
    file of our pins yet. `checksums` are those of objects, by digest, as rows say them or as they were once read. The
    claims on `stored` can be given back."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self.digests: set[bytes] = set()
        self.found: set[bytes] = set()
        self.missed: set[bytes] = set()
        self.read: set[bytes] = set()
        self.unpinned: set[bytes] = set()
        self.checksums: dict[bytes, bytes] = {}
        self.pins: Pins | None = None
        self.stored: set[bytes] = set()
        self._claims: Claims | None = None

    def add(self, keys: Iterable[bytes], digests: Iterable[bytes] = ()) -> bool:
        """Uses these until the build ends. Returns whether there is something to pin."""
        for new, known in ((keys, self.keys), (digests, self.digests)):
            fresh = set(new) - known
            known |= fresh
            self.unpinned |= fresh
        return bool(self.unpinned)

    def pin(self, folder: str | None, disk: Disk) -> None:
        """Tells other processes that share the cache `folder`; a cache of None is shared with nobody. Blocks."""
        if self.unpinned and folder is not None:
            try:
                if self.pins is None:
                    self.pins = Pins(folder, disk)
                    remove_dead_pins(folder, self.pins, disk)
                self.pins.add(self.unpinned)
            except OSError:
                pass  # A read-only cache. Others may evict what we use, which costs late misses and nothing else.
        self.unpinned = set()
        if self._claims is not None:
            self._claims.give_back(self.stored)
        self.stored = set()

    def claim(self, folder: str | None, disk: Disk, keys: Sequence[bytes], beside: int) -> set[bytes]:
        """Pins, and claims these keys. Returns those that others have claimed (see `Claims.take`). Blocks."""
        self.pin(folder, disk)
        if folder is None or not keys:
            return set()
        try:
            self._claims = self._claims or Claims(folder, disk)
        except OSError:
            return set()  # A read-only cache: nobody can store what is compiled twice.
        return self._claims.take(keys, beside)

    def release(self) -> None:
        """The build has ended. Blocks."""
        if self.pins is not None:
            self.pins.release()
        if self._claims is not None:
            self._claims.release()

    @property
    def visible(self) -> bool:
        """Whether other processes see anything of this build."""
        return self.pins is not None or self._claims is not None
