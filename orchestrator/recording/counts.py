"""The statistics of a replayed keeper, held against those of a recorded one.

What the counters of a cache were when a recording began is in no message. So the first answer can only show that less
was counted than should have been; each later one is compared by what was added since the one before, and after a reset
all is known. What others counted in between cannot be told apart: where a recording shows that a disk failed or that
other processes were at work (`doubt`), only too little is a difference.
"""

from __future__ import annotations

import msgspec

from actors.messages import CacheStatistics

COUNTERS = ("compilations", "hits", "misses", "evictions", "corruptions", "degradations", "compiled_twice", "saved_ms")
"""What is compared. Bytes are not: they depend on what was in memory, and on metadata that holds times; entries and
sizes are not: they depend on what else the cache held."""

NEARLY = 1e-3
"""Sums of milliseconds may differ by so much: they were added in another order."""


class Counts:
    """Compares answers in the order of the recording."""

    def __init__(self) -> None:
        self.doubt = False
        self._offset: dict[str, float] | None = None
        """What the recorded counters had more than the replayed ones at the last answer."""

    def reset(self) -> None:
        """Both count from nothing."""
        self._offset = dict.fromkeys(COUNTERS, 0.0)

    def compare(self, then: CacheStatistics, now: CacheStatistics) -> tuple[CacheStatistics, CacheStatistics] | None:
        """The two, without what is no difference, where they differ. The replayed one is given as if its cache had
        counted the same before."""
        more = {name: getattr(then, name) - getattr(now, name) for name in COUNTERS}
        known = self._offset
        exact = known is not None and not self.doubt
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
