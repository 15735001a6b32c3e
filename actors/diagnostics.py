"""Diagnostics: what is wrong with sources, as a code, a place, the line itself and a hint.

The code that notices a problem makes a `Finding`, whose place counts tokens or lines. Code that has the text turns it
into a `Diagnostic` in one step. So a `Diagnostic` always has a file, a line, a column and the text of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

from actors.untrusted import Position

Severity = Literal["error", "warning", "note"]

LONGEST_LINE = 1_000
"""Characters of a source line up to which it is shown whole."""

AROUND = 200
"""Characters of a longer line that are shown before the place."""


class Finding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A diagnostic without its file and text.

    `at` is the number of a token where the text was lexed, else of a line, from 1. `offset` is the number of characters
    from there, `length` the number of characters to underline (0: the rest of the token or line). `item` names what the
    finding is about where the place is not known.
    """

    code: str
    message: str
    offset: int = 0
    length: int = 0
    hint: str = ""
    at: int = 0
    item: str = ""
    note: bool = False

    @property
    def severity(self) -> Severity:
        """ "note" for a note, else "warning" for a code such as W0001, else "error"."""
        return "note" if self.note else "warning" if self.code.startswith("W") else "error"


class SourcePlace(msgspec.Struct, frozen=True, gc=False):
    """`line` and `column` count from 1, columns in characters. `text` is the line without its newline; of a long line,
    a part around the place that begins after `cut` characters. `length` does not reach beyond the line."""

    line: int
    column: int
    length: int
    text: str
    cut: int = 0


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A finding with its place. Raises ValueError where the place is impossible.

    `file` is relative to the source root, with `/`. `line` and `column` count from 1, columns in characters of the
    line. `length` is the number of characters to underline. `text` is the source line without its newline; of a very
    long line, a part that begins after `cut` characters. `hint` says what to do.

    `place` says what the diagnostic is about: "source", this place in a text; "file", a whole file or folder (it cannot
    be read, its name is wrong); "project", no file (there is no entry). The last two have line 1, column 1 and no text.
    """

    code: str
    message: str
    severity: Severity = "error"
    module: str = ""
    file: str
    line: Position
    column: Position
    length: Position = 1
    text: str
    cut: Position = 0
    hint: str = ""
    place: Literal["source", "file", "project"] = "source"

    def __post_init__(self) -> None:
        if not (self.file and self.line > 0 and self.column > self.cut):
            raise ValueError(f"{self.code} has no place: {self.file!r}, line {self.line}, column {self.column}")
        if self.column > self.cut + len(self.text) + 1:
            raise ValueError(
                f"{self.code} stands at column {self.column} of a line that has not so many: {self.text!r}"
            )


def placed(finding: Finding, place: SourcePlace, *, module: str, file: str) -> Diagnostic:
    """Returns the diagnostic of a finding at a place."""
    return Diagnostic(
        code=finding.code,
        message=finding.message,
        severity=finding.severity,
        module=module,
        file=file,
        line=place.line,
        column=place.column,
        length=place.length,
        text=place.text,
        cut=place.cut,
        hint=finding.hint,
    )


def about_file(
    code: str, message: str, *, file: str, module: str = "", hint: str = "", severity: Severity = "error"
) -> Diagnostic:
    """Returns a diagnostic about a whole file or folder."""
    return Diagnostic(
        code=code,
        message=message,
        severity=severity,
        module=module,
        file=file,
        line=1,
        column=1,
        text="",
        hint=hint,
        place="file",
    )


def about_project(code: str, message: str, *, hint: str = "") -> Diagnostic:
    """Returns a diagnostic about the project; its `file` is the project's folder."""
    return Diagnostic(code=code, message=message, file=".", line=1, column=1, text="", hint=hint, place="project")


def in_text(finding: Finding, source: bytes, *, module: str, file: str) -> Diagnostic:
    """Returns the diagnostic of a finding that counts lines in `source`. Line 0 means the whole file."""
    if finding.at < 1:
        return about_file(
            finding.code, finding.message, file=file, module=module, hint=finding.hint, severity=finding.severity
        )
    lines = source.split(b"\n", finding.at)
    text = lines[finding.at - 1].decode("utf-8", "replace") if finding.at <= len(lines) else ""
    offset, length = min(finding.offset, len(text)), finding.length
    if not length:
        offset = max(offset, len(text) - len(text.lstrip()))
        length = len(text.rstrip()) - offset
    return placed(finding, on_line(text, finding.at, offset, length), module=module, file=file)


def on_line(text: str, line: int, offset: int, length: int) -> SourcePlace:
    """Returns the place of `length` characters from `offset` (from 0) in a line, with the part of the line to show."""
    length = max(1, min(length, len(text) - offset))
    if len(text) <= LONGEST_LINE:
        return SourcePlace(line, offset + 1, length, text)
    cut = max(0, offset - AROUND) // AROUND * AROUND
    return SourcePlace(line, offset + 1, min(length, LONGEST_LINE), text[cut : cut + LONGEST_LINE], cut)


MOST = 100
"""Errors that are reported of one module, and as many warnings. Further ones are only counted."""

_LONGEST = 2_000
"""Characters of a message or a hint, which may hold long names."""

F = TypeVar("F", Finding, Diagnostic)


def bounded(findings: Iterable[F]) -> tuple[F, ...]:
    """Bounds what is reported of one module. A source of 16 MiB can have a million errors, all on one line, and each
    would carry a copy of that line to another process and into the cache."""
    kept: list[F] = []
    counts = {True: 0, False: 0}
    last: dict[bool, int] = {}
    for finding in findings:
        error = finding.severity == "error"
        counts[error] += 1
        if counts[error] <= MOST:
            last[error] = len(kept)
            kept.append(_short(finding))
    for error, at in last.items():
        if counts[error] > MOST:
            more = f"{counts[error] - MOST} more {'errors' if error else 'warnings'} in this module"
            hint = f"{kept[at].hint}; {more}" if kept[at].hint else more
            kept[at] = msgspec.structs.replace(kept[at], hint=hint)
    return tuple(kept)


def _short(finding: F) -> F:
    if len(finding.message) > _LONGEST or len(finding.hint) > _LONGEST:
        finding = msgspec.structs.replace(finding, message=_cut(finding.message), hint=_cut(finding.hint))
    if isinstance(finding, Diagnostic) and len(finding.text) > LONGEST_LINE:  # The toolchain did not cut it.
        place = on_line(finding.text, finding.line, finding.column - finding.cut - 1, finding.length)
        return msgspec.structs.replace(finding, text=place.text, cut=finding.cut + place.cut, length=place.length)
    return finding


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


class SourceError(Exception):
    """A toolchain's function may raise this where returning diagnostics is awkward; it means the same. Its findings
    count lines; the caller knows the file and the text."""

    def __init__(self, *found: Diagnostic | Finding) -> None:
        super().__init__("; ".join(error.message for error in found))
        self.found = found

    def diagnostics(self, source: bytes, *, module: str, file: str) -> tuple[Diagnostic, ...]:
        """Returns all of it as diagnostics, in the text that the toolchain was given."""
        return tuple(
            error if isinstance(error, Diagnostic) else in_text(error, source, module=module, file=file)
            for error in self.found
        )
