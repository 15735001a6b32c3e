"""Turns what clang prints into diagnostics."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import msgspec

from actors.diagnostics import Diagnostic, Finding, in_text

_LINE = re.compile(
    r"(?P<file>[^\n]+?):(?P<line>\d+):(?P<column>\d+):(?P<ranges>(?:\{[\d:-]+\})*:)? "
    r"(?P<kind>fatal error|error|warning|note|remark): (?P<text>.*)"
)
_RANGE = re.compile(r"\{(\d+):(\d+)-(\d+):(\d+)\}")
_INCLUDED = re.compile(r"(?:In file included from|In module|\s+from) .*:\d+:")
_ABOUT_ALL = re.compile(r"(?:[\w.+-]+: )?(?P<kind>fatal error|error|warning): (?P<text>.*)")
_COUNTS = re.compile(r"\d+ (?:warnings?|errors?)(?: and \d+ errors?)? generated\.")

ERROR, WARNING = "E1001", "W1001"


class CompilerTold(msgspec.Struct, frozen=True):
    """What a compiler said: diagnostics, and the lines that are none."""

    diagnostics: tuple[Diagnostic, ...]
    others: tuple[str, ...]


def told(output: bytes, module: str, path: str, text_of: Callable[[str], bytes]) -> CompilerTold:
    """Reads the output of a compiler. `text_of` gives the text of a file, b"" where there is none. A note goes to the
    hint of what it explains."""
    diagnostics: list[Diagnostic] = []
    others: list[str] = []
    for line in output.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            plain = _ABOUT_ALL.fullmatch(line)
            if plain is not None and not _COUNTS.fullmatch(line):
                diagnostics.append(_placed(plain["kind"], plain["text"], module, path, b"", Finding("", "")))
            elif line.strip() and not _INCLUDED.match(line) and not _COUNTS.fullmatch(line):
                others.append(line)
            continue
        if match["kind"] in ("note", "remark"):
            if diagnostics:
                diagnostics[-1] = _with_note(diagnostics[-1], match, path)
            continue
        file = os.path.normpath(match["file"])
        place = Finding("", "", at=int(match["line"]), offset=int(match["column"]) - 1, length=_length(match))
        diagnostics.append(_placed(match["kind"], match["text"], module, file, text_of(file), place))
    return CompilerTold(tuple(diagnostics), tuple(others))


def _placed(kind: str, text: str, module: str, file: str, source: bytes, place: Finding) -> Diagnostic:
    code = WARNING if kind == "warning" else ERROR
    lines = source.split(b"\n", place.at)
    line = lines[place.at - 1] if 0 < place.at <= len(lines) else b""
    # clang counts columns in bytes, diagnostics in characters.
    offset = len(line[: place.offset].decode("utf-8", "replace"))
    length = len(line[place.offset : place.offset + place.length].decode("utf-8", "replace")) or 1
    finding = msgspec.structs.replace(place, code=code, message=text, offset=offset, length=length)
    return in_text(finding, source, module=module, file=file)


def _length(match: re.Match[str]) -> int:
    """How many bytes to underline: a range that begins at the place, else the word there."""
    for first, begin, last, end in _RANGE.findall(match["ranges"] or ""):
        if first == last == match["line"] and begin == match["column"]:
            return max(1, int(end) - int(begin))
    return 1


def _with_note(diagnostic: Diagnostic, match: re.Match[str], path: str) -> Diagnostic:
    file = os.path.normpath(match["file"])
    where = f"line {match['line']}" if file == diagnostic.file else f"{file}:{match['line']}"
    note = f"{match['text']} ({where})"
    return msgspec.structs.replace(diagnostic, hint=f"{diagnostic.hint}; {note}" if diagnostic.hint else note)
