"""What a text means to a C compiler: the text without its comments.

An object is stored with a *note*: the digest of the meaning of each file that it was made of. While all of these are
the same, a compile would make the same object, so an edited comment costs no compile, and no preprocessor. Where the
object holds numbers of lines (debug information, warnings, `__LINE__`), lines are part of the meaning.

It is never wrong to call two equal meanings different. So a text with something that is hard to read (raw strings,
digit separators, trigraphs) means itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from actors.digests import Digest, digest
from actors.untrusted import UNREADABLE
from orchestrator.toolchains.objects import custom_sections
from orchestrator.wasm.leb import uleb

SECTION = "wasmill.meaning"
ARCHIVES = "wasmill.archives"
"""A section with the digests of the archives that the project names: so a changed one changes each object, and with it
the program's key."""

_PIECE = re.compile(
    rb'(?P<text>"(?:\\.|[^"\\\n])*"'
    rb"|'(?:\\.|[^'\\\n])*')"
    rb"|(?:[ \t]+|/\*.*?\*/|//(?:\\\n|[^\n])*)+",
    re.DOTALL,
)
_HARD = re.compile(
    rb"""R"|[0-9a-fA-F]'[0-9a-fA-F]|\?\?|[/*]\\\r?\n|\\[ \t]+\r?\n|[\v\f]|\r(?!\n)"""
    rb"""|include[ \t]*\(?[ \t]*<[^>\n]*/[/*]|/\*(?![\s\S]*?\*/)"""
)
_COUNTS = re.compile(rb"__LINE__|\bassert\b|source_location|__builtin_(?:LINE|COLUMN|source_location)")
_OTHERS = re.compile(rb"\bembed\b|__TIMESTAMP__|\bincbin\b")
"""What reads more than texts."""

_NO_REUSE = ("-g", "-fsanitize", "-fprofile", "-fcoverage", "--coverage", "-finstrument", "-Xclang", "-fplugin")
"""Options by which objects hold more of a text than its tokens and lines."""


class MeaningNote(msgspec.Struct, frozen=True):
    """What an object was made of: by which compiler with which settings (`maker`), the meaning of each file by path
    ("" for the module itself), and whether lines count."""

    maker: Digest
    lines: bool
    files: dict[str, Digest]


def meaning(data: bytes, *, lines: bool) -> Digest:
    """The digest of what a text means. With `lines`, it also says on which line each token is."""
    if _HARD.search(data):
        return digest(data)
    text = _PIECE.sub(_plain, data.replace(b"\r\n", b"\n"))
    if not lines:
        # The lines of a comment are no lines of the text: after it, the line goes on.
        text = re.sub(rb"(?<!\\)\n(?: *\n)+", b"\n", text.replace(b"\v", b""))
    return digest(b"meaning\0" + re.sub(rb" *\n *", b"\n", text).strip(b" " if lines else b" \n"))


def _plain(match: re.Match[bytes]) -> bytes:
    """A blank for blanks and comments, with a mark for each of their lines. A literal stands for itself."""
    text = match["text"]
    if text is None:
        return b" " + b"\v" * match[0].count(b"\n")
    return digest(text).encode() + b"\v" * text.count(b"\n") if b"\n" in text else text


def counts_lines(texts: Iterable[bytes]) -> bool:
    """Whether one of the texts asks for the number of a line."""
    return any(_COUNTS.search(text) for text in texts)


def reads_others(text: bytes) -> bool:
    """Whether what a text means may depend on something that is no text."""
    return _OTHERS.search(text) is not None


def may_reuse(flags: Iterable[str]) -> bool:
    """Whether objects of these options depend on nothing but tokens and lines."""
    return not any(flag.startswith(_NO_REUSE) and flag != "-g0" for flag in flags)


def with_note(data: bytes, note: MeaningNote) -> bytes:
    """The object with the note, in a custom section at its end."""
    return _with_section(data, SECTION, note)


def with_archives(data: bytes, digests: dict[str, Digest]) -> bytes:
    """The object with the digests of archives, in a custom section at its end."""
    return _with_section(data, ARCHIVES, digests) if digests else data


def _with_section(data: bytes, section: str, value: object) -> bytes:
    name = section.encode()
    content = uleb(len(name)) + name + msgspec.json.encode(value, order="deterministic")
    return data + b"\0" + uleb(len(content)) + content


def note_of(data: bytes) -> MeaningNote | None:
    """The note of an object, if it has one that can be read."""
    for name, begin, end, _ in custom_sections(data):
        if name == SECTION:
            try:
                return msgspec.json.decode(data[begin:end], type=MeaningNote)
            except UNREADABLE:
                return None
    return None


def without_note(data: bytes) -> bytes:
    """The object as the compiler left it."""
    own = [start for name, _, _, start in custom_sections(data) if name in (SECTION, ARCHIVES)]
    return data[: min(own)] if own else data
