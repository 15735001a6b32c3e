"""How checked types are represented: value types, and the layout of structs (runtime/README.md, "Values")."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestrator.toolchains.ruchy.check.abilities import ABILITIES, HELPER, NO_VALUE, REFERENCE, named, storage_of
from orchestrator.toolchains.ruchy.check.data.variants import builtin_variants
from orchestrator.toolchains.ruchy.check.types import (
    ArrayType,
    EnumType,
    IntType,
    MapType,
    ObjectType,
    SetType,
    StructType,
    TupleType,
    Type,
    fields_of_table,
)
from orchestrator.toolchains.ruchy.lower.valtypes import F32, F64, I32, I64, functype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.toolchains.ruchy.check.hir import EnumLayout, StructLayout

HEADER = 8
"""Bytes before the first field of a struct, and before the bytes of a string."""


class FieldLayout(msgspec.Struct, frozen=True, gc=False):
    """One field: its place, and the opcodes with alignment that read and write it. `load` is empty for unit."""

    type: Type
    offset: int
    load: bytes
    store: bytes
    counted: bool


class Layout(msgspec.Struct, frozen=True, gc=False):
    """A struct in memory: `size` counts the header; `counted` says whether any field is reference counted."""

    names: tuple[str, ...]
    fields: tuple[FieldLayout, ...]
    size: int
    counted: bool


class Storage(NamedTuple):
    """How a value is kept: its WebAssembly value type (0: it has no value), its bytes in memory, and the opcodes with
    alignment that read and write it there."""

    valtype: int
    size: int
    load: bytes
    store: bytes


_NO_VALUE = Storage(0, 0, b"", b"")
STORAGE: dict[str | None, Storage] = {
    None: _NO_VALUE,
    NO_VALUE: _NO_VALUE,
    "i8": Storage(I32, 1, b"\x2c\x00", b"\x3a\x00"),
    "u8": Storage(I32, 1, b"\x2d\x00", b"\x3a\x00"),
    "i16": Storage(I32, 2, b"\x2e\x01", b"\x3b\x01"),
    "u16": Storage(I32, 2, b"\x2f\x01", b"\x3b\x01"),
    "i32": Storage(I32, 4, b"\x28\x02", b"\x36\x02"),
    "i64": Storage(I64, 8, b"\x29\x03", b"\x37\x03"),
    "f32": Storage(F32, 4, b"\x2a\x02", b"\x38\x02"),
    "f64": Storage(F64, 8, b"\x2b\x03", b"\x39\x03"),
    REFERENCE: Storage(I32, 4, b"\x28\x02", b"\x36\x02"),
}
"""By what `check/abilities.py` calls them."""


def valtype(type_: Type) -> int:
    """The WebAssembly value type, or 0 for what has no value (unit, never)."""
    return STORAGE[storage_of(type_)].valtype


def integer(type_: Type) -> IntType:
    """A type that the checker found to be of an integer."""
    assert isinstance(type_, IntType)
    return type_


Record = StructType | TupleType | ObjectType | MapType | SetType


def record(type_: Type) -> Record:
    """A type that the checker found to have fields."""
    assert isinstance(type_, StructType | TupleType | ObjectType | MapType | SetType)
    return type_


def element_of(type_: Type) -> Type:
    """The type of the elements of what the checker found to be an array."""
    assert isinstance(type_, ArrayType)
    return type_.element


def how_of(type_: Type) -> int:
    """What the runtime is told of the elements of an array: their size, and 256 more where they are counted."""
    element = element_of(type_)
    return storage(element).size | (256 if is_counted(element) else 0)


def storage(type_: Type) -> Storage:
    """How a value of a type is kept."""
    return STORAGE[storage_of(type_)]


def is_counted(type_: Type) -> bool:
    """Is a value of this type a reference that is counted?"""
    return ABILITIES[type_.__class__].storage == REFERENCE


def is_native(type_: Type) -> bool:
    """Can a host pass and take it as it is: a number, bool or char?"""
    return valtype(type_) != 0 and not is_counted(type_)


def signature(parameters: Sequence[Type], result: Type, changes: Sequence[int] = ()) -> bytes:
    """The encoded function type of a Ruchy function; what has no value leaves no trace in it. `changes` are parameters
    whose values are given back."""
    taken = bytes(code for code in map(valtype, parameters) if code)
    given = [result, *(parameters[index] for index in changes)]
    return functype(taken, bytes(code for code in map(valtype, given) if code))


class Layouts:
    """The layouts of the records and enums of one module, worked out on first use."""

    def __init__(self, structs: Mapping[StructType, StructLayout], enums: Mapping[EnumType, EnumLayout]) -> None:
        self._structs = structs
        self._enums = enums
        self._variants: dict[EnumType, list[Layout]] = {}
        self._known: dict[Type, Layout] = {}
        self._recursive: dict[Type, bool] = {}

    def of(self, type_: Type) -> Layout:
        """The layout of a tuple, or of a struct that the checker listed."""
        known = self._known.get(type_)
        if known is None:
            kind = record(type_)
            if isinstance(kind, TupleType):
                known = _lay_out([str(index) for index in range(len(kind.elements))], kind.elements)
            elif isinstance(kind, MapType | SetType):
                known = _lay_out([*["keys", "values"][: len(kind.parts)], "first", "second"], fields_of_table(kind))
            elif isinstance(kind, ObjectType):
                known = _lay_out(kind.names, kind.types)
            else:
                known = _lay_out(self._structs[kind].names, self._structs[kind].types)
            self._known[type_] = known
        return known

    def variants(self, type_: EnumType) -> list[Layout]:
        """The layouts of the payloads of an enum's variants."""
        layouts = self._variants.get(type_)
        if layouts is None:
            if type_.module:
                layouts = [_lay_out(one.fields, one.types) for one in self._enums[type_].variants]
            else:
                layouts = [_lay_out(variant.fields, variant.types) for variant in builtin_variants(type_)]
            self._variants[type_] = layouts
        return layouts

    def names(self, type_: EnumType) -> list[str]:
        """The names of an enum's variants."""
        if type_.module:
            return [one.name for one in self._enums[type_].variants]
        return [variant.name for variant in builtin_variants(type_)]

    def inside(self, type_: Type) -> list[Type]:
        """The types of the counted values that a value of a type holds."""
        if not is_counted(type_) or ABILITIES[type_.__class__].drop != HELPER:
            return []
        if isinstance(type_, ArrayType):
            return [type_.element] if is_counted(type_.element) else []
        forms = self.variants(type_) if isinstance(type_, EnumType) else [self.of(type_)]
        return [field.type for form in forms for field in form.fields if field.counted]

    def is_recursive(self, type_: Type) -> bool:
        """Whether a value of a type that a program declares may hold another one of it. Each way from a type back to
        itself leads through one that is declared."""
        recursive = self._recursive.get(type_)
        if recursive is None:
            queue = self.inside(type_) if named(type_) else []
            seen = set(queue)
            for part in queue:
                if type_ in seen:
                    break
                fresh = [one for one in self.inside(part) if one not in seen]
                seen.update(fresh)
                queue += fresh
            recursive = self._recursive[type_] = type_ in seen
        return recursive

    def drop_of(self, type_: Type) -> str:
        """The function of the runtime that releases a value of this type; HELPER where it takes one of its own, which
        releases what is inside."""
        way = ABILITIES[type_.__class__].drop
        if way != HELPER:
            return way
        if isinstance(type_, EnumType):
            return HELPER if any(one.counted for one in self.variants(type_)) else "rt::release"
        if not isinstance(type_, ArrayType):
            return HELPER if self.of(type_).counted else "rt::release"
        if not is_counted(type_.element):
            return "rt::release"
        return "rt::arr_drop" if self.drop_of(type_.element) == "rt::release" else HELPER


def _lay_out(names: Sequence[str], types: Sequence[Type]) -> Layout:
    fields: list[FieldLayout] = []
    end = HEADER
    for type_ in types:
        kept = STORAGE[storage_of(type_)]
        end = end + kept.size - 1 & -kept.size if kept.size else end
        fields.append(FieldLayout(type_, end, kept.load, kept.store, is_counted(type_)))
        end += kept.size
    return Layout(tuple(names), tuple(fields), end, any(field.counted for field in fields))
