"""The types of checked Ruchy. Values: equal types compare equal, and hash.

A type may consist of others, its `parts`. Inference, layouts and names go by these, and know no
single class. What a type can do stands in `abilities.py`: a new class needs a row there.
"""

from __future__ import annotations

from typing import TypeVar, Union, cast

import msgspec


class _Type(msgspec.Struct, frozen=True, gc=False):
    @property
    def parts(self) -> tuple[Type, ...]:
        """The types that this one consists of. (Fields of a struct are not among them: it goes by its name.)"""
        return ()

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        """The same type of other parts."""
        return self  # type: ignore[return-value]


class IntType(_Type, frozen=True, tag="int"):
    """i8..i64, u8..u64; `isize` and `usize` are 64 bits wide on every target, so that a program means one thing."""

    name: str
    bits: int
    signed: bool


class FloatType(_Type, frozen=True, tag="float"):
    name: str
    bits: int


class BoolType(_Type, frozen=True, tag="bool"):
    pass


class StringType(_Type, frozen=True, tag="string"):
    """Text. A char is a String of one character: there is no type of its own for it."""


class UnitType(_Type, frozen=True, tag="unit"):
    pass


class NeverType(_Type, frozen=True, tag="never"):
    """What `return`, `break`, `panic` have: fits everywhere."""


class ErrorType(_Type, frozen=True, tag="error"):
    """An error about it has been reported: fits everywhere and says nothing more."""


class StructType(_Type, frozen=True, tag="struct"):
    """Nominal: where it is defined and its name there (`metric::Point` inside an inline module). `Stack<i64>` has
    arguments."""

    module: str
    item: str
    arguments: tuple[Type, ...] = ()

    @property
    def parts(self) -> tuple[Type, ...]:
        return self.arguments

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return StructType(self.module, self.item, parts)


class ArrayType(_Type, frozen=True, tag="array"):
    element: Type

    @property
    def parts(self) -> tuple[Type, ...]:
        return (self.element,)

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return ArrayType(*parts)


class TupleType(_Type, frozen=True, tag="tuple"):
    elements: tuple[Type, ...]

    @property
    def parts(self) -> tuple[Type, ...]:
        return self.elements

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return self.__class__(parts)


class MixedType(TupleType, frozen=True, tag="mixed"):
    """`[1, "a"]`: a tuple that is written and printed as an array."""


class EnumType(_Type, frozen=True, tag="enum"):
    """Nominal, as a struct, and some variant has a payload. `Option<T>` and `Result<T, E>` are of no module, and have
    arguments."""

    module: str
    item: str
    arguments: tuple[Type, ...] = ()

    @property
    def parts(self) -> tuple[Type, ...]:
        return self.arguments

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return self.__class__(self.module, self.item, parts)


class PlainEnumType(EnumType, frozen=True, tag="plain"):
    """An enum whose variants have no payload: its values are the numbers of the variants."""


class ObjectType(_Type, frozen=True, tag="object"):
    """`{a: T, b: U}`: `names` stand in the order of their bytes."""

    names: tuple[str, ...]
    types: tuple[Type, ...]

    @property
    def parts(self) -> tuple[Type, ...]:
        return self.types

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return ObjectType(self.names, parts)

    def field(self, name: str) -> Type | None:
        """The type of a field; None where there is none of that name."""
        return self.types[self.names.index(name)] if name in self.names else None


class MapType(_Type, frozen=True, tag="map"):
    key: Type
    value: Type

    @property
    def parts(self) -> tuple[Type, ...]:
        return (self.key, self.value)

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return MapType(*parts)


class SetType(_Type, frozen=True, tag="set"):
    element: Type

    @property
    def parts(self) -> tuple[Type, ...]:
        return (self.element,)

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return SetType(*parts)


def fields_of_table(kind: MapType | SetType) -> list[Type]:
    """What a map or a set consists of: the array of its keys, that of their values, and two indices. They divide the
    keys into three stretches, each in order; the second one is much shorter than the first one, and the third than the
    second. A new key goes into the third. A stretch that has become too long is merged into the one before it. So
    putting in a key rarely moves many others."""
    return [*(ArrayType(part) for part in kind.parts), I64, I64]


class FunctionType(_Type, frozen=True, tag="function"):
    """`fn(A, B) -> C`: a function as a value."""

    parameters: tuple[Type, ...]
    result: Type

    @property
    def parts(self) -> tuple[Type, ...]:
        return (*self.parameters, self.result)

    def with_parts(self, parts: tuple[Type, ...]) -> Type:
        return FunctionType(parts[:-1], parts[-1])


Type = Union[
    IntType, FloatType, BoolType, StringType, UnitType, NeverType, ErrorType, StructType, ArrayType,
    TupleType, MixedType, EnumType, PlainEnumType, ObjectType, MapType, SetType, FunctionType,
]  # fmt: skip

INTEGERS = {
    name: IntType(name, bits, name[0] == "i")
    for name, bits in {
        "i8": 8, "i16": 16, "i32": 32, "i64": 64, "isize": 64,
        "u8": 8, "u16": 16, "u32": 32, "u64": 64, "usize": 64,
    }.items()
}  # fmt: skip
FLOATS = {"f32": FloatType("f32", 32), "f64": FloatType("f64", 64)}
I32, I64, U8, F64 = INTEGERS["i32"], INTEGERS["i64"], INTEGERS["u8"], FLOATS["f64"]
BOOL, STRING, UNIT, NEVER, ERROR = BoolType(), StringType(), UnitType(), NeverType(), ErrorType()


Named = Union[StructType, EnumType]
"""Types that go by the name of an item."""


NamedKind = TypeVar("NamedKind", bound=Named)


def option_of(kind: Type) -> EnumType:
    """`Option<kind>`. Who makes one sets `Pass.composed`."""
    return EnumType("", "Option", (kind,))


def result_of(kind: Type, error: Type) -> EnumType:
    """`Result<kind, error>`."""
    return EnumType("", "Result", (kind, error))


def is_option(kind: Type) -> bool:
    return isinstance(kind, EnumType) and not kind.module and kind.item == "Option"


def is_result(kind: Type) -> bool:
    return isinstance(kind, EnumType) and not kind.module and kind.item == "Result"


def named_in(kind: Type) -> list[Named]:
    """The structs and enums that a type names, itself or in its parts."""
    inner = [named for part in kind.parts for named in named_in(part)]
    if isinstance(kind, StructType) or (isinstance(kind, EnumType) and kind.module):
        return [kind, *inner]
    return inner


def bare(kind: NamedKind) -> NamedKind:
    """A struct or an enum without its arguments, which stands for its definition."""
    return cast("NamedKind", kind.with_parts(())) if kind.parts else kind


def key_of(kind: Named) -> str:
    """The item of a struct or an enum: "module::item"."""
    return f"{kind.module}::{kind.item}"
