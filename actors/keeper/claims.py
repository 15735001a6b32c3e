"""Claims: what a build is about to compile, for the other processes that share the cache to see, so that two of them
seldom compile one module at the same time.

A claim is a lock on a byte of the file `claims`, at a place that the key gives. Nothing is ever written into that
file. The kernel gives each byte to one holder, and takes it back when that one ends, however it does: no claim is ever
stale, and nobody has to believe a process id or a clock. The locks belong to the open file and not to the process
(`F_OFD_SETLK`), so two Projects in one process see each other's claims as well.

A claim is a courtesy: who cannot have one compiles all the same, and nobody waits for a claim for longer than twice
what compiling takes (`actors.planner.work`). Where there are no such locks (not Linux, a read-only cache) everybody has
every claim.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.disk import REAL, Disk

FILE = "claims"
PLACES = 4
"""Of a key, side by side: one for who came first, the others for those who gave up waiting for the ones before."""


class Claims:
    """What one build has claimed. All of it is given back by `release`, or when this process ends."""

    def __init__(self, folder: str, disk: Disk = REAL) -> None:
        """`folder` is the cache's. Raises OSError."""
        self._bytes = disk.lock_bytes(f"{folder}/{FILE}")
        self._mine: dict[bytes, list[int]] = {}

    def take(self, keys: Iterable[bytes], beside: int = 0) -> set[bytes]:
        """Claim these. Gives those that somebody else has claimed; where `beside` is 1, 2 or 3, those that, besides so
        many who had claimed them before, somebody else has claimed in this way. Beside more than that, anybody may."""
        if beside >= PLACES:
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
        """Whichever way they were claimed, if they were."""
        for key in keys:
            for place in self._mine.pop(key, ()):
                self._bytes.give_back(place)

    def release(self) -> None:
        self._bytes.release()


def _place(key: bytes) -> int:
    """Two keys that share a place cost a moment's patience, and nothing else."""
    return int.from_bytes(key[:8], "big") >> 4 << 2  # A place in a file has 63 bits.
