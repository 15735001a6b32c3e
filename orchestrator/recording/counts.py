"""Compares the statistics of a replayed keeper with those of the recorded one.

No message says what the counters of a cache were when a recording began. So the first answer can only show that too
little was counted. Each later one is compared by what was added since the one before, and after a reset everything is
known. What other processes counted in between cannot be told apart. So if a recording shows that a disk failed or that
other processes were at work (`inexact`), only too little is a difference.
"""

from __future__ import annotations

import msgspec

from actors.messages import CacheStatistics

COUNTERS = ("compilations", "hits", "misses", "evictions", "corruptions", "degradations", "compiled_twice", "saved_ms")
"""What is compared. Bytes are not, because they depend on what was in memory, and on metadata that holds times. Entries
and sizes are not, because they depend on what else the cache held."""

NEARLY = 1e-3
"""How much sums of milliseconds may differ, because they were added in another order."""


class Counts:
    """Compares answers in the order of the recording."""

    def __init__(self) -> None:
        self.inexact = False
        self._offset: dict[str, float] | None = None
        """By how much the recorded counters exceeded the replayed ones at the last answer."""

    def reset(self) -> None:
        """Both count from zero."""
        self._offset = dict.fromkeys(COUNTERS, 0.0)

    def compare(self, then: CacheStatistics, now: CacheStatistics) -> tuple[CacheStatistics, CacheStatistics] | None:
        """Returns the counters that differ, of both; None if none does. The replayed ones are returned as if their
        cache had counted the same before."""
        more = {name: getattr(then, name) - getattr(now, name) for name in COUNTERS}
        known = self._offset
        exact = known is not None and not self.inexact
        offset = known or dict.fromkeys(COUNTERS, 0.0)
        wrong = [
            name
            for name in COUNTERS
            if more[name] - offset[name] < -NEARLY or (exact and more[name] - offset[name] > NEARLY)
        ]
        self._offset = more
        if not wrong:
            return None
        shown = {name: type(getattr(now, name))(getattr(now, name) + offset[name]) for name in wrong}
        return (
            CacheStatistics(**{name: getattr(then, name) for name in wrong}),
            msgspec.structs.replace(CacheStatistics(), **shown),
        )
