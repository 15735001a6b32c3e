"""Include and exclude patterns: shell globs over paths relative to the source root.

Matching takes time in proportion to the lengths of path and pattern, because a pattern comes from a configuration
file: `*a*a*a*b` must not keep a build busy for ever.

`*`, `?` and `[...]` stay inside one part of a path; `**` is any number of folders. A pattern that matches a folder
means everything below it. Patterns are anchored at the root: `*.ext` means files in the root itself, `**/*.ext`
all files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from re import Match

Matcher = Callable[[str], Match[str] | None]


@lru_cache(maxsize=64)
def matcher(patterns: Sequence[str]) -> Matcher | None:
    """Returns a function that says whether a path, or a folder above it, matches one of `patterns` (a tuple). Returns
    None for no patterns, so that the caller can skip the call."""
    parts = [_translate(pattern) for pattern in patterns if _trim(pattern)]
    return re.compile(f"(?:{'|'.join(parts)})(?:/.*)?", re.DOTALL).fullmatch if parts else None


def _trim(pattern: str) -> str:
    return pattern.removeprefix("./").strip("/")


def _translate(pattern: str) -> str:
    """Returns a regular expression that never backtracks into what it has matched.

    A pattern is rows of parts between `**`, and a part is rows of letters between `*`. If a match exists at all, there
    is one that takes the first place where each row fits. So each row is searched once, in an atomic group."""
    parts = _trim(pattern).split("/")
    while len(parts) > 1 and parts[-1] == "**":
        parts.pop()  # A folder's own pattern means everything below it already.
    if parts == ["**"]:
        return ".+"
    pieces: list[str] = []
    row: list[str] = []
    deep = False
    for part in [*parts, "**"]:
        if part != "**":
            row.append(_translate_part(part))
            continue
        if row:
            before = "(?:[^/]++/)*?" if deep else ""
            pieces.append(f"(?>{before}{'/'.join(row)}(?=/|\\Z))")
        deep, row = True, []
    return "/".join(pieces)


def _translate_part(part: str) -> str:
    """The expression for one whole part of a path; it ends before the `/`."""
    rows: list[str] = []
    at = 0
    letters: list[str] = []
    while at < len(part):
        letter = part[at]
        at += 1
        if letter == "*":
            rows.append("".join(letters))
            letters = []
        elif letter == "?":
            letters.append("[^/]")
        elif letter == "[" and (end := part.find("]", at + 1 + part.startswith(("!", "^"), at))) > 0:
            letters.append(_translate_set(part[at:end]))
            at = end + 1
        else:
            letters.append(re.escape(letter))
    last = "".join(letters)
    if not rows:
        return last
    first, *between = rows
    pattern = "".join(f"(?>[^/]*?{row})" for row in between if row)
    return f"(?>{first}{pattern}[^/]*{last}(?=/|\\Z))"


def _translate_set(letters: str) -> str:
    negated = letters.startswith(("!", "^"))
    chosen: list[str] = []
    letters = letters[negated:]
    at = 0
    while at < len(letters):
        if letters[at + 1 : at + 2] == "-" and at + 2 < len(letters):
            first, last = letters[at], letters[at + 2]
            if first <= last:
                chosen.append(f"{re.escape(first)}-{re.escape(last)}")
            at += 3
        else:
            chosen.append(re.escape(letters[at]))
            at += 1
    if negated:
        return f"(?!/)[^{''.join(chosen)}]" if chosen else "[^/]"
    return f"(?!/)[{''.join(chosen)}]" if chosen else "(?!)"
