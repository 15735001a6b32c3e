"""Include and exclude patterns: shell globs over paths relative to the source root.

`*`, `?` and `[...]` stay inside one part of a path; `**` is any number of folders. A pattern that matches a folder
means everything below it. Patterns are anchored at the root: `*.ruchy` means files in the root itself, `**/*.ruchy`
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
    parts = _trim(pattern).split("/")
    while len(parts) > 1 and parts[-1] == "**":
        parts.pop()  # everything below a folder: what the folder itself means
    pieces: list[str] = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part == "**":
            if place == 0 or parts[place - 1] != "**":
                pieces.append(".+" if last else "(?:[^/]+/)*")
        else:
            pieces.append(_translate_part(part) + ("" if last else "/"))
    return "".join(pieces)


def _translate_part(part: str) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(part):
        letter = part[at]
        at += 1
        if letter == "*":
            if pieces[-1:] != ["[^/]*"]:  # `**` inside a part is one `*`, and costs no more
                pieces.append("[^/]*")
        elif letter == "?":
            pieces.append("[^/]")
        elif letter == "[" and (end := part.find("]", at + 1 + part.startswith(("!", "^"), at))) > 0:
            pieces.append(_translate_set(part[at:end]))
            at = end + 1
        else:
            pieces.append(re.escape(letter))
    return "".join(pieces)


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
