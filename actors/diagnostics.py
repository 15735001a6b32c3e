"""What is wrong with somebody's sources: a code, a place, the line itself and what to do about it."""

from __future__ import annotations

from typing import Literal

import msgspec

from actors.untrusted import Position

Severity = Literal["error", "warning", "note"]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding in the sources.

    `file` is relative to the source root, with `/`. `line` and `column` count from 1, columns in characters of the
    line; 0 means that the finding has no place (a missing entry, say). `length` is the number of characters to
    underline. `text` is the source line itself, without its newline. `hint` says what to do.
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


class SourceError(Exception):
    """A toolchain's function may raise this where returning diagnostics is awkward; it means the same."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(found.message for found in diagnostics))
        self.diagnostics = diagnostics
