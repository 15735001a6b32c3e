"""What the cache says of itself: counts, events, and that a part of it does not work."""

from __future__ import annotations

from collections.abc import Callable

from actors.events import CacheDegraded, Event, Events


class Telling:
    """`degraded` is why the running `build` goes on without a part of the cache; None: all of it works."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.build = 0
        self.degraded: str | None = None
        self.counts: dict[str, float] = {}

    def count(self, **counts: float) -> None:
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count

    def take_counts(self) -> dict[str, float]:
        counts, self.counts = self.counts, {}
        return counts

    def emit(self, kind: Callable[..., Event], **fields: object) -> None:
        if self.events.wanted:
            self.events.emit(kind(build=self.build, **fields))

    def degrade(self, reason: str) -> None:
        """A part of the cache does not work. Said once a build, counted once a build."""
        if self.degraded is None:
            self.degraded = reason
            self.count(degradations=1)
            self.emit(CacheDegraded, reason=reason)
