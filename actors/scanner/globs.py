"""Include and exclude patterns: shell globs over paths relative to the source root.

Matching takes time that grows with path and pattern, never more: a pattern is somebody's text, and `*a*a*a*b` must
not keep a build busy for a lifetime.

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
    """A function that says whether a path, or a folder above it, matches one of `patterns` (a tuple); None for no
    patterns, so that whoever has none pays nothing."""
    parts = [_translate(pattern) for pattern in patterns if _trim(pattern)]
    return re.compile(f"(?:{'|'.join(parts)})(?:/.*)?", re.DOTALL).fullmatch if parts else None


def _trim(pattern: str) -> str:
    return pattern.removeprefix("./").strip("/")


def _translate(pattern: str) -> str:
    """A regular expression that never goes back on what it has matched. Between two `**` stands a row of parts, and
    between two `*` a row of letters: the first place where such a row fits is as good as any later one, so each is
    looked for once, in an atomic group."""
    parts = _trim(pattern).split("/")
    while len(parts) > 1 and parts[-1] == "**":
        parts.pop()  # everything below a folder: what the folder itself means
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
    """One part of a path, as a whole: whoever goes on looks for the `/` behind it."""
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
    found = "".join(f"(?>[^/]*?{row})" for row in between if row)
    return f"(?>{first}{found}[^/]*{last}(?=/|\\Z))"


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
