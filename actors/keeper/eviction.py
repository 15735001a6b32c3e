"""Which entries to evict: three orderings of one query, a limit, a low-water mark, and pins. Decisions only.

Why there is a low-water mark: evicting down to the limit itself would evict after every single build. Why the build
that just ended is treated differently: going below its own needs would make the next build compile what this one had,
and evict again (thrashing). So entries that it used are evicted last, and never for the low-water mark, only for the
limit itself: a build one twentieth larger than the limit loses one twentieth, not a fifth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

ORDERINGS = {
    "lru": "used, created, key",
    "lfu": "uses, used, created, key",
    "fifo": "created, key",
}
"""`ORDER BY` of the query; what is evicted first comes first. `used` is the number of the last build that used an
entry, `uses` counts builds, `created` counts entries."""

LOW_WATER = 0.8
"""The part of the limit that an eviction goes down to."""


HEADROOM = 50
"""The limit that we say would fit is a fiftieth larger than the entries, because the number of digits of durations in
metadata varies."""


class Candidate(NamedTuple):
    """A row of the query. `size` is that of the object, `overhead` that of its metadata, in bytes."""

    key: bytes
    digest: bytes
    size: int
    overhead: int


class EvictionChoice(NamedTuple):
    """`victims` are keys, `freed` counts bytes. `needed` is 0, or the limit that would fit if the build's own entries
    exceed this one."""

    victims: list[bytes]
    freed: int
    needed: int


def total(rows: Sequence[Candidate]) -> int:
    """Bytes on disk. An object that several entries share counts once."""
    return sum({row.digest: row.size for row in rows}.values()) + sum(row.overhead for row in rows)


def choose(
    rows: Sequence[Candidate],
    *,
    limit: int,
    other: int = 0,
    own: Collection[bytes] = (),
    pinned: Collection[bytes] = (),
    low_water: float = LOW_WATER,
) -> EvictionChoice:
    """Chooses what to evict of `rows`, which are in the order of eviction.

    `other` counts further bytes on disk (quarantine). `own` are keys and digests that the build which just ended used.
    `pinned` are those that builds of other processes are using now: they stay even above the limit, because they are
    about to be read. Nothing is evicted while the total is within the limit."""
    size = total(rows) + other
    mine = [row for row in rows if row.key in own or row.digest in own]
    own_size = total(mine)
    needed = own_size + other if own_size + other > limit else 0
    needed += needed // HEADROOM
    if size <= limit:
        return EvictionChoice([], 0, needed)
    # Evicts down to the low water mark, so that not every build must evict again. What the last build used goes last,
    # and only as far as the limit itself asks for. An object is gone only when the last entry that names it is, so its
    # bytes count as freed then.
    references = Counter(row.digest for row in rows)
    victims: list[bytes] = []
    excess = size - max(int(limit * low_water), min(own_size + other, limit))
    freed = 0
    held = {row.key for row in mine}
    for row in (*(row for row in rows if row.key not in held), *mine):
        if freed >= excess:
            break
        if row.key in pinned or row.digest in pinned:
            continue
        victims.append(row.key)
        references[row.digest] -= 1
        freed += row.overhead + (0 if references[row.digest] else row.size)
    return EvictionChoice(victims, freed, needed)
