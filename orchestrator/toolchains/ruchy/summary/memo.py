"""The memo of an item in a summary. The next summary recognises the item by it, and assembly finds lines in it.

raw (16)     digest of the text that the item was read from (see `raw_of`); zeros: the item cannot be recognised
seal (8)     checksum of all that was read from that text, so that a damaged summary is not believed
lead (4)     lines between the first token of the item and its name
parts (4)    how many items were read from that text, this one first: those of an inline module are read from its text
uses (1)     whether there are imports in the rest
the rest     msgpack: see `Rest`
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate

import msgspec
from xxhash import xxh3_64_digest

from actors.compiler.toolchain import Item
from actors.untrusted import UNREADABLE

NO_RAW = bytes(16)
_HEAD = 33
LONG = 255
"""The step in a line table that adds tokens without ending a line."""


class Import(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An import in an item: in an inline module, or a glob in a body. `at` counts characters from the item's first."""

    path: tuple[str, ...]
    alias: str
    glob: bool
    scope: str
    public: bool
    at: int
    length: int


class Rest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`name`: ordinal of the item's name among its tokens. `lines`: see `encode_lines`. `places`: where the item's
    names first occur, in characters from its first. `uses`: the imports in it."""

    name: int
    lines: bytes
    places: tuple[int, ...] = ()
    uses: tuple[Import, ...] = ()


NOTHING = Rest(0, b"")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Rest)


def raw_of(module: str, text: str) -> bytes:
    """The digest by which a text is recognised: half a SHA-256. It covers the module, because a relative path means
    something else in another module."""
    return sha256(f"{module}\0{text}".encode()).digest()[:16]


def encode(rest: Rest, lead: int) -> bytes:
    """A memo whose item cannot be recognised until `mark` has been called."""
    return b"".join((bytes(24), lead.to_bytes(4, "big"), bytes(4), bytes((bool(rest.uses),)), _encoder.encode(rest)))


def mark(memo: bytes, raw: bytes, seal: bytes, parts: int) -> bytes:
    return b"".join((raw, seal, memo[24:28], parts.to_bytes(4, "big"), memo[32:]))


def decode(memo: bytes) -> Rest:
    """The rest of a memo; `NOTHING` if there is no memo or it cannot be read."""
    try:
        return _decoder.decode(memo[_HEAD:])
    except UNREADABLE:
        return NOTHING


def raw(memo: bytes) -> bytes:
    return memo[:16]


def sealed(memo: bytes) -> bytes:
    return memo[16:24]


def lead(memo: bytes) -> int:
    return int.from_bytes(memo[24:28], "big")


def parts(memo: bytes) -> int:
    return int.from_bytes(memo[28:32], "big")


def has_uses(memo: bytes) -> bool:
    return memo[32:33] == b"\1"


def seal_of(items: Sequence[Item]) -> bytes:
    """Checksum of the items that were read from one text. It does not depend on where that text stands."""
    first = items[0]
    said = [
        (
            item.name,
            item.kind,
            item.public,
            item.digest,
            item.interface,
            item.interface_names,
            item.names,
            item.line - first.line,
            item.code,
            item.inferred,
            item.members,
            item.start - first.start,
            item.stop - first.start,
            item.memo if item is not first else (item.memo[24:28], item.memo[32:]),
        )
        for item in items
    ]
    return xxh3_64_digest(_encoder.encode(said))


def is_whole(items: Sequence[Item]) -> bool:
    """Whether these are all items that were read from the text of the first one, undamaged."""
    head = items[0].memo
    return parts(head) == len(items) and sealed(head) == seal_of(items)


# ------------------------------------------------------------------------------------------------ lines


def encode_lines(ordinals: Sequence[int], start: int) -> bytes:
    """The line table of an item: where new lines begin among its tokens. `ordinals` has, for each newline, the first
    token after it; `start` is the item's first token. One byte per line: how many tokens after the line before. A byte
    `LONG` adds that many tokens and ends no line."""
    out = bytearray()
    for ordinal in ordinals:
        further, start = ordinal - start, ordinal
        while further >= LONG:
            out.append(LONG)
            further -= LONG
        out.append(further)
    return bytes(out)


def line_starts(lines: bytes) -> list[int]:
    """The first token after each newline, counted from the item's first token."""
    return [at for step, at in zip(lines, accumulate(lines), strict=True) if step < LONG]


def lines_before(lines: bytes, ordinal: int) -> int:
    """How many lines the token `ordinal` stands below the item's first token."""
    return sum(step < LONG and at <= ordinal for step, at in zip(lines, accumulate(lines), strict=True))


def line_of(item: Item, ordinal: int) -> int:
    """The line, from 1, of a token that is counted from the item's first one; 0 if the item has no memo. It needs only
    `memo` and `line`, no text. The tokens of the statements are those of all their runs in order (`syntax/top.py`)."""
    if not item.memo:
        return 0
    return item.line - lead(item.memo) + lines_before(decode(item.memo).lines, ordinal)
