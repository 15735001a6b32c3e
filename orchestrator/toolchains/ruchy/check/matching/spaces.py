"""What values a type has, in the terms of `cover.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.data.variants import variants_of
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve, shown
from orchestrator.toolchains.ruchy.check.matching.cover import BOOLS, UNLISTED, Cases, Integers, Lists, Space
from orchestrator.toolchains.ruchy.check.types import (
    ArrayType,
    BoolType,
    EnumType,
    IntType,
    ObjectType,
    StructType,
    TupleType,
    Type,
    UnitType,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass
    from orchestrator.toolchains.ruchy.check.scope import StructItem

ONE = ""
"""The name of the only case of what has one."""


def space_of(p: Pass, kind: Type) -> Space:
    """The values of a type. An integer whose type is open may be a float yet: nothing but `_` covers that."""
    kind = resolve(kind)
    if isinstance(kind, BoolType):
        return BOOLS
    if isinstance(kind, IntType):
        return Integers(-(1 << kind.bits - 1) if kind.signed else 0, (1 << kind.bits - kind.signed) - 1)
    if isinstance(kind, UnitType):
        return Cases((ONE,), lambda name: (), lambda name, parts: "()")
    if isinstance(kind, TupleType):
        return Cases((ONE,), lambda name: tuple([space_of(p, part) for part in kind.parts]), _tuple)
    if isinstance(kind, ObjectType):
        names, parts = kind.names, kind.types
        return Cases(
            (ONE,),
            lambda name: tuple([space_of(p, part) for part in parts]),
            lambda name, texts: with_fields("", names, texts),
        )
    if isinstance(kind, ArrayType):
        return Lists(space_of(p, kind.element))
    if isinstance(kind, StructType) and (item := struct_of(p, kind)) is not None:
        return _record(p, item, kind)
    if isinstance(kind, EnumType):
        return _enum(p, kind)
    return UNLISTED


def _enum(p: Pass, kind: EnumType) -> Space:
    variants = {variant.name: variant for variant in variants_of(p, kind)}
    owner = f"{shown(kind)}::" if kind.module else ""

    def written(name: str, parts: Sequence[str]) -> str:
        one = variants[name]
        if one.form == "struct":
            return with_fields(f"{owner}{name}", one.fields, parts)
        return f"{owner}{name}({', '.join(parts)})" if parts else f"{owner}{name}"

    return Cases(tuple(variants), lambda name: tuple([space_of(p, part) for part in variants[name].types]), written)


def _tuple(name: str, parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _record(p: Pass, item: StructItem, kind: Type) -> Space:
    return Cases(
        (ONE,),
        lambda name: tuple([space_of(p, part) for part in field_types(p, item, kind)]),
        lambda name, parts: with_fields(item.name, item.names, parts),
    )


def with_fields(name: str, fields: Sequence[str], parts: Sequence[str]) -> str:
    """`P { x: 1, .. }`: only fields that are told apart."""
    told = [f"{field}: {part}" for field, part in zip(fields, parts, strict=True) if part != "_"]
    rest = [".."] if len(told) < len(parts) else []
    return f"{name} {{ {', '.join([*told, *rest])} }}".lstrip()
