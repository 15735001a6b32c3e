"""How checked types are represented: value types, and the layout of structs (runtime/README.md, "Values")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.toolchains.ruchy.check.types import (
    BoolType,
    CharType,
    FloatType,
    IntType,
    StringType,
    StructType,
    Type,
)
from orchestrator.toolchains.ruchy.lower.valtypes import F32, F64, I32, I64, functype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.toolchains.ruchy.check.hir import StructLayout

HEADER = 8
"""Bytes before the first field of a struct, and before the bytes of a string."""


class Field(msgspec.Struct, frozen=True, gc=False):
    """One field: its place, and the opcodes with alignment that read and write it. `load` is empty for unit."""

    type: Type
    offset: int
    load: bytes
    store: bytes
    counted: bool


class Layout(msgspec.Struct, frozen=True, gc=False):
    """A struct in memory: `size` counts the header; `counted` says whether any field is reference counted."""

    names: tuple[str, ...]
    fields: tuple[Field, ...]
    size: int
    counted: bool


def valtype(type_: Type) -> int:
    """The WebAssembly value type, or 0 for what has no value (unit, never)."""
    if isinstance(type_, IntType):
        return I64 if type_.bits == 64 else I32
    if isinstance(type_, FloatType):
        return F64 if type_.bits == 64 else F32
    if isinstance(type_, BoolType | CharType | StringType | StructType):
        return I32
    return 0


def integer(type_: Type) -> IntType:
    """A type that the checker found to be of an integer."""
    assert isinstance(type_, IntType)
    return type_


def struct(type_: Type) -> StructType:
    """A type that the checker found to be a struct."""
    assert isinstance(type_, StructType)
    return type_


def is_counted(type_: Type) -> bool:
    """Is a value of this type a reference that is counted?"""
    kind = type_.__class__
    return kind is StringType or kind is StructType


def is_native(type_: Type) -> bool:
    """Can a host pass and take it as it is: a number, bool or char?"""
    return valtype(type_) != 0 and not is_counted(type_)


def signature(parameters: Sequence[Type], result: Type) -> bytes:
    """The encoded function type of a Ruchy function; what has no value leaves no trace in it."""
    taken = bytes(found for found in map(valtype, parameters) if found)
    given = valtype(result)
    return functype(taken, bytes((given,)) if given else b"")


class Layouts:
    """The layouts of the structs of one module, worked out on first use."""

    def __init__(self, structs: Mapping[StructType, StructLayout]) -> None:
        self._structs = structs
        self._known: dict[StructType, Layout] = {}

    def of(self, type_: StructType) -> Layout:
        """The layout of a struct that the checker listed."""
        found = self._known.get(type_)
        if found is None:
            found = self._known[type_] = _lay_out(self._structs[type_])
        return found


def _lay_out(struct: StructLayout) -> Layout:
    fields: list[Field] = []
    end = HEADER
    for type_ in struct.types:
        size, load, store = _access(type_)
        end = end + size - 1 & -size if size else end
        fields.append(Field(type_, end, load, store, is_counted(type_)))
        end += size
    return Layout(tuple(struct.names), tuple(fields), end, any(field.counted for field in fields))


def _access(type_: Type) -> tuple[int, bytes, bytes]:
    """Size in bytes, load and store opcode each with its alignment. Small integers are kept small in memory."""
    if isinstance(type_, IntType) and type_.bits < 32:
        load, store, align = _SMALL[type_.bits, type_.signed]
        return 1 << align, bytes((load, align)), bytes((store, align))
    if isinstance(type_, BoolType):
        return 1, b"\x2d\x00", b"\x3a\x00"
    return _WIDE[valtype(type_)]


_SMALL = {
    (8, True): (0x2C, 0x3A, 0),
    (8, False): (0x2D, 0x3A, 0),
    (16, True): (0x2E, 0x3B, 1),
    (16, False): (0x2F, 0x3B, 1),
}
_WIDE = {
    0: (0, b"", b""),
    I32: (4, b"\x28\x02", b"\x36\x02"),
    I64: (8, b"\x29\x03", b"\x37\x03"),
    F32: (4, b"\x2a\x02", b"\x38\x02"),
    F64: (8, b"\x2b\x03", b"\x39\x03"),
}
