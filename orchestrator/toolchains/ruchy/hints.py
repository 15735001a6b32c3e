"""Near misses: the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str:
    """The candidate that is the fewest typing mistakes away, "" where none is near. Ties go to the longer
    one, because a letter is forgotten more often than put in, then to the first by name."""
    limit = 1 if len(name) < 5 else 2 if len(name) < 9 else 3
    best, closest = limit + 1, ""
    folded = name.lower()
    letters = set(folded)
    near = {one for one in candidates if abs(len(one) - len(name)) <= limit and one[:1] != "#"}  # no name of a text
    for candidate in sorted(near, key=lambda one: (-len(one), one)):
        if candidate == name or abs(len(candidate) - len(name)) >= best:
            continue
        if len(letters ^ set(candidate.lower())) > 2 * best - 2:  # a mistake changes two letters at most
            continue
        apart = 1 if candidate.lower() == folded else distance(name, candidate, best)
        if apart < best and apart < max(len(name), len(candidate)):
            best, closest = apart, candidate
    return closest


def distance(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; at least `limit` where it
    takes that many (optimal string alignment, a row at a time)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        above, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return row[-1]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """The hint that names the nearest candidate, "" where none is near."""
    closest = nearest(name, candidates)
    return f"did you mean `{closest}`?" if closest else ""
