"""Splits WebAssembly text into words, and finds the place of a word for an error.

One regular expression splits the whole file, and no positions are kept: the rare error splits again to find its place.
This makes the assembler several times faster than one that carries positions.
"""

from __future__ import annotations

import re
import struct

_TOKEN = re.compile(r';;[^\n]*|[()]|"(?:[^"\\\n]|\\.)*"|[^\s()";]+|\S')
_OUTSIDE = re.compile(r'\(;|;;[^\n]*|"(?:[^"\\\n]|\\.)*"')
_INSIDE = re.compile(r"\(;|;\)")
_ESCAPE = re.compile(rb'\\(u\{[0-9a-fA-F_]+\}|[0-9a-fA-F]{2}|[tnr"\'\\]|.)', re.DOTALL)
_TABLE = re.compile(rb"(?:\\[0-9a-fA-F]{2})+\Z")
_SIMPLE = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}
_INTEGER = re.compile(r"[+-]?(0x[0-9a-fA-F]+(_[0-9a-fA-F]+)*|[0-9]+(_[0-9]+)*)\Z")
_FLOAT = re.compile(
    r"[+-]?(inf|nan|nan:0x[0-9a-fA-F_]+|0x[0-9a-fA-F_]+(\.[0-9a-fA-F_]*)?([pP][+-]?[0-9_]+)?"
    r"|[0-9][0-9_]*(\.[0-9_]*)?([eE][+-]?[0-9_]+)?)\Z"
)


class TextError(Exception):
    """The text cannot be assembled. `line` and `column` count from 1, `name` is the file's name."""

    def __init__(self, message: str, line: int, column: int, name: str = "") -> None:
        super().__init__(f"{name}:{line}:{column}: {message}" if name else f"{line}:{column}: {message}")
        self.message, self.line, self.column, self.name = message, line, column, name


def tokens(text: str) -> list[str]:
    """All words of the text, without comments."""
    return [token for token in _TOKEN.findall(blank_comments(text)) if token[:2] != ";;"]


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of the word with that index; those of the end of the text if there are fewer words."""
    blanked = blank_comments(text)
    words = (match.start() for match in _TOKEN.finditer(blanked) if not match.group().startswith(";;"))
    start = next((start for number, start in enumerate(words) if number == index), len(blanked))
    line = text.count("\n", 0, start)
    return line + 1, start - (text.rfind("\n", 0, start) + 1) + 1


def blank_comments(text: str) -> str:
    """The text with block comments, which may nest, replaced by blanks. Length and lines stay the same. An unclosed
    comment reaches to the end of the text."""
    if "(;" not in text:
        return text
    pieces, kept, at = [], 0, 0
    while match := _OUTSIDE.search(text, at):
        at = match.end()
        if match.group() != "(;":
            continue
        depth = 1
        while depth and (inner := _INSIDE.search(text, at)):
            at = inner.end()
            depth += 1 if inner.group() == "(;" else -1
        at = len(text) if depth else at
        pieces += [text[kept : match.start()], _blank(text[match.start() : at])]
        kept = at
    return "".join((*pieces, text[kept:]))


def _blank(comment: str) -> str:
    return re.sub(r"[^\n]", " ", comment)


def string(token: str) -> bytes | None:
    """The bytes of a quoted word; None where the word is no string or has an unknown escape."""
    if len(token) < 2 or token[0] != '"' or token[-1] != '"':
        return None
    raw = token[1:-1].encode()
    if b"\\" not in raw:
        return raw
    if _TABLE.match(raw):  # This is the fast way for long tables of bytes.
        return bytes.fromhex(raw.replace(b"\\", b"").decode())
    try:
        return _ESCAPE.sub(_unescape, raw)
    except (ValueError, OverflowError):
        return None


def _unescape(match: re.Match[bytes]) -> bytes:
    body = match.group(1)
    if body[:2] == b"u{":
        return chr(int(body[2:-1].replace(b"_", b""), 16)).encode()
    return _SIMPLE[body] if body in _SIMPLE else bytes((int(body, 16),))


def integer(token: str, bits: int) -> int | None:
    """An integer literal as a signed number of `bits` bits; None where the word is none or does not fit."""
    if not _INTEGER.match(token):
        return None
    value = int(token.replace("_", ""), 0) if "x" in token else int(token.replace("_", ""))
    if not -(1 << bits - 1) <= value < 1 << bits:
        return None
    return value - (1 << bits) if value >= 1 << bits - 1 else value


def float_bytes(token: str, wide: bool) -> bytes | None:
    """The little-endian bytes of a float literal, f64 if `wide`, else f32; None where the word is none or does not fit.

    Decimal f32 literals are rounded to f64 first.
    """
    if not _FLOAT.match(token):
        return None
    text = token.replace("_", "")
    negative, text = text[0] == "-", text.lstrip("+-")
    if text.startswith("nan"):
        fraction = int(text[4:], 16) if ":" in text else 1 << (51 if wide else 22)
        bits = (0x7FF << 52 if wide else 0xFF << 23) | fraction
        return (bits | negative << (63 if wide else 31)).to_bytes(8 if wide else 4, "little")
    value = float.fromhex(text) if text.startswith("0x") else float(text)
    try:
        return struct.pack("<d" if wide else "<f", -value if negative else value)
    except OverflowError:
        return None
