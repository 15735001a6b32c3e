"""What is wrong with somebody's sources: a code, a place, the line itself and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from actors.untrusted import Position

Severity = Literal["error", "warning", "note"]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One finding in the sources.

    `file` is relative to the source root, with `/`. `line` and `column` count from 1, columns in characters of the
    line; 0 means that the finding has no place (a missing entry, say). `length` is the number of characters to
    underline. `text` is the source line itself, without its newline; "" where it is very long. `hint` says what to do.
    """

    code: str
    message: str
    severity: Severity = "error"
    module: str = ""
    file: str = ""
    line: Position = 0
    column: Position = 0
    length: Position = 1
    text: str = ""
    hint: str = ""


MOST = 100
"""Errors that are told of one module, and as many warnings. What follows is counted, not told."""

LONGEST_LINE = 1_000
"""Characters of a source line up to which it is shown."""

_LONGEST = 2_000
"""Characters of a message or a hint: names may be long."""


def bounded(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is told of one module. A stranger's source of 16 MiB can be wrong in a million places, all on one line, and
    each would take a copy of that line along, to another process and into the cache."""
    kept: list[Diagnostic] = []
    counts = {True: 0, False: 0}
    last: dict[bool, int] = {}
    for one in found:
        error = one.severity == "error"
        counts[error] += 1
        if counts[error] <= MOST:
            last[error] = len(kept)
            kept.append(_short(one))
    for error, at in last.items():
        if counts[error] > MOST:
            more = f"{counts[error] - MOST} more {'errors' if error else 'warnings'} in this module"
            hint = f"{kept[at].hint}; {more}" if kept[at].hint else more
            kept[at] = msgspec.structs.replace(kept[at], hint=hint)
    return tuple(kept)


def _short(one: Diagnostic) -> Diagnostic:
    if len(one.text) <= LONGEST_LINE and len(one.message) <= _LONGEST and len(one.hint) <= _LONGEST:
        return one
    text = one.text if len(one.text) <= LONGEST_LINE else ""
    return msgspec.structs.replace(one, text=text, message=_cut(one.message), hint=_cut(one.hint))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


class SourceError(Exception):
    """A toolchain's function may raise this where returning diagnostics is awkward; it means the same."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(found.message for found in diagnostics))
        self.diagnostics = diagnostics
