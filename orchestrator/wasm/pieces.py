"""Functions and data made ready for joining, so that `join.py` need not look into them again.

A piece is a function or a data item, encoded as far as the bytes are the same in every object, with its holes and what
each of them takes. A *use* is what a hole takes: kind, addend and target. It is kept as bytes, so that equal uses are
one dictionary key: an object decodes each use once, however many holes and functions have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from orchestrator.wasm.fragment import (
    EXPORTED,
    MEMORY_ADDR_I32,
    NO_STRIP,
    TABLE_INDEX_I32,
    TYPE_INDEX_LEB,
    Data,
    FunctionCode,
    Reference,
    Relocation,
)
from orchestrator.wasm.leb import string, uleb

SECTIONS = (".rodata", ".data", ".bss")
_HOLE = b"\0\0\0\0\0"
_WORDS = (TABLE_INDEX_I32, MEMORY_ADDR_I32)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, Reference | bytes]).decode


class CodePiece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A function. `name` is a length and UTF-8, as in objects. `entry` is the size and the body, with zeros in its
    holes. `holes` are ascending offsets in `entry`; hole i takes `uses[hole_uses[i]]`. `uses` are distinct, in order of
    first use."""

    name: bytes
    type: bytes
    flags: int
    entry: bytes
    uses: list[bytes]
    holes: list[int]
    hole_uses: list[int]


class DataPiece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A data item. Its holes are words of four bytes. `section` is one of `SECTIONS`; `align` is log2 of bytes."""

    name: bytes
    section: str
    align: int
    flags: int
    content: bytes
    uses: list[bytes]
    holes: list[int]
    hole_uses: list[int]


def use(kind: int, target: Reference | bytes, addend: int = 0) -> bytes:
    """The bytes of a use. Equal uses have equal bytes."""
    return _encode((kind, addend, target))


def read_use(data: bytes) -> tuple[int, int, Reference | bytes]:
    """Kind, addend and target of a use. Raises `msgspec.DecodeError`, a ValueError, for other bytes."""
    return _decode(data)


def code_piece(unit: FunctionCode) -> CodePiece:
    """Raises ValueError for a function with an export of its own, for holes of four bytes, and for holes that are not
    zero or not in order."""
    if unit.export or unit.flags & (EXPORTED | NO_STRIP):
        raise ValueError(f"{unit.name}: an export of its own")
    size = uleb(len(unit.body))
    uses, holes, hole_uses = _uses(unit.name, unit.body, unit.relocations, len(size), 5)
    return CodePiece(string(unit.name), unit.type, unit.flags, size + unit.body, uses, holes, hole_uses)


def data_piece(item: Data) -> DataPiece:
    """Raises ValueError for an unknown section, for .bss that is not zero, and for holes that are not words of four
    zero bytes, in order."""
    if item.section not in SECTIONS:
        raise ValueError(f"{item.name}: data section {item.section!r} is not one of {', '.join(SECTIONS)}")
    if item.section == ".bss" and (item.relocations or item.data.count(0) != len(item.data)):
        raise ValueError(f"{item.name}: data in .bss must be zero, because linkers do not write it")
    uses, holes, hole_uses = _uses(item.name, item.data, item.relocations, 0, 4)
    return DataPiece(string(item.name), item.section, item.align, item.flags, item.data, uses, holes, hole_uses)


def _uses(
    name: str, content: bytes, relocations: Sequence[Relocation], base: int, width: int
) -> tuple[list[bytes], list[int], list[int]]:
    uses: dict[bytes, int] = {}
    holes: list[int] = []
    hole_uses: list[int] = []
    end = 0
    for relocation in relocations:
        kind, offset, target = relocation.kind, relocation.offset, relocation.target
        if offset < end or not content.startswith(_HOLE[:width], offset) or (kind in _WORDS) != (width == 4):
            raise ValueError(f"{name}: no hole of {width} zero bytes at offset {offset} (or out of order)")
        if isinstance(target, bytes) != (kind == TYPE_INDEX_LEB):
            raise ValueError(f"{name}: relocation of kind {kind} with another kind of target")
        end = offset + width
        holes.append(base + offset)
        hole_uses.append(uses.setdefault(use(kind, target, relocation.addend), len(uses)))
    return list(uses), holes, hole_uses
