"""Values of enums, of `Option` and of `Result`, of tuple structs and of unit structs: how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.variants import (
    ERR,
    NONE,
    OK,
    SOME,
    item_variants,
    read_numbers,
    variants_of,
)
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.inference.annotations import enum_of, field_types, named_type
from orchestrator.toolchains.ruchy.check.inference.infer import fresh, resolve
from orchestrator.toolchains.ruchy.check.lending.places import part_value
from orchestrator.toolchains.ruchy.check.scope import StructItem, VariantItem, VariantShape
from orchestrator.toolchains.ruchy.check.types import (
    I32,
    I64,
    ArrayType,
    EnumType,
    PlainEnumType,
    Type,
    is_option,
    is_result,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAYLOAD: Why = ("E0204", "`{0}` holds {want}, and this is {got}")
_FIELD: Why = ("E0201", "the field `{0}` of `{1}` is {want}, and this is {got}")

WORDS = {"None": ("Option", NONE), "Some": ("Option", SOME), "Ok": ("Result", OK), "Err": ("Result", ERR)}
"""The variants that go by their own name."""


# ---------------------------------------------------------------- Option and Result


def some(typed: hir.Expr) -> hir.Expr:
    """`Some(made)`. (The caller has set `Pass.composed`.)"""
    return hir.NewVariant(option_of(typed.type), typed.at, SOME, [typed], [0])


def none(kind: Type, at: int) -> hir.Expr:
    """`None` of an `Option<kind>`."""
    return hir.NewVariant(option_of(kind), at, NONE, [], [])


def word_type(c: Fn, name: str, want: Want) -> EnumType:
    """The type of `Some(..)`, `None`, `Ok(..)` or `Err(..)`: what is wanted, or one that is open still."""
    c.p.composed = True
    is_it = is_option if WORDS[name][0] == "Option" else is_result
    known = resolve(want) if want is not None else None
    if isinstance(known, EnumType) and is_it(known):
        return known
    return option_of(fresh()) if is_it is is_option else result_of(fresh(), fresh())


def word_value(c: Fn, node: tree.Path, want: Want) -> hir.Expr | None:
    """`None` as a value; None where a path is not one of these words."""
    name = node.segments[-1]
    if name not in WORDS or node.segments[:-1] not in ((), (WORDS[name][0],)):
        return None
    if name != "None":
        message = f"`{name}` holds a value: it is called"
        c.p.error("E0302", node.at, message, f"write `{name}(...)`")
        return bad(node.at)
    return hir.NewVariant(word_type(c, name, want), node.at, NONE, [], [])


def word_call(c: Fn, node: tree.Call, segments: tuple[str, ...], want: Want) -> hir.Expr | None:
    """`Some(x)`, `Ok(x)`, `Err(x)`; None where a path is not one of these words."""
    name = segments[-1]
    if name not in WORDS or segments[:-1] not in ((), (WORDS[name][0],)):
        return None
    kind = word_type(c, name, want)
    index = WORDS[name][1]
    return _payload(c, node, variants_of(c.p, kind)[index], kind, index)


# ---------------------------------------------------------------- variants


def variant_value(c: Fn, node: tree.Path, item: VariantItem) -> hir.Expr:
    """`E::V` as a value."""
    kind = named_type(c.p, item.enum)
    variant = item_variants(c.p, item.enum, kind)[item.index]
    if variant.form != "unit" and variant.types:
        name = f"{item.enum.name}::{item.name}"
        what = f"{name}({_types_shown(variant)})" if variant.form == "tuple" else f"{name} {{ {_fields(variant)} }}"
        c.p.error("E0302", node.at, f"`{name}` has a payload", f"write `{what}`")
        return bad(node.at)
    return hir.NewVariant(kind, node.at, item.index, [], [])


def variant_call(c: Fn, node: tree.Call, item: VariantItem) -> hir.Expr:
    """`E::V(a, b)`."""
    kind = named_type(c.p, item.enum)
    variant = item_variants(c.p, item.enum, kind)[item.index]
    if variant.form == "struct":
        for argument in node.arguments:
            expr(c, argument)
        name = f"{item.enum.name}::{item.name}"
        c.p.error("E0260", node.at, f"the payload of `{name}` has names", f"write `{name} {{ {_fields(variant)} }}`")
        return bad(node.at)
    assert isinstance(kind, EnumType)
    return _payload(c, node, variant, kind, item.index, f"{item.enum.name}::{item.name}")


def _payload(c: Fn, node: tree.Call, variant: VariantShape, kind: EnumType, index: int, name: str = "") -> hir.Expr:
    name = name or variant.name
    values = tuple_of(c, node, name, variant.types)
    if values is None:
        return bad(node.at)
    return hir.NewVariant(kind, node.at, index, values, list(range(len(values))))


def tuple_of(c: Fn, node: tree.Call, name: str, types: Sequence[Type]) -> list[hir.Expr] | None:
    """The values of a payload without names; None after an error about their number."""
    given = len(node.arguments)
    if given != len(types):
        for argument in node.arguments:
            expr(c, argument)
        holds = f"{len(types)} value{'s' * (len(types) != 1)}" if types else "no value"
        hint = f"write `{name}({', '.join('...' for _ in types)})`" if types else f"write `{name}`"
        c.p.error("E0302", node.at, f"`{name}` holds {holds}, and was given {given}", hint)
        return None
    why = (*_PAYLOAD, name)
    return [part_value(c, one, kind, why) for one, kind in zip(node.arguments, types, strict=True)]


def variant_literal(c: Fn, node: tree.StructLiteral, item: VariantItem) -> hir.Expr:
    """`E::V { x: 1 }`."""
    p = c.p
    kind = named_type(p, item.enum)
    name = f"{item.enum.name}::{item.name}"
    variant = item_variants(p, item.enum, kind)[item.index]
    if variant.form != "struct" or node.base is not None:
        for given in node.fields:
            expr(c, given.value)
        if node.base is not None:
            p.error("E0260", node.at, f"`..` takes the other fields from a struct, and `{name}` is a variant")
        else:
            hint = f"write `{name}({_types_shown(variant)})`" if variant.types else f"write `{name}`"
            p.error("E0260", node.at, f"the payload of `{name}` has no names", hint)
        return bad(node.at)
    values: dict[int, hir.Expr] = {}
    wrong = False
    for given in node.fields:
        if given.name not in variant.fields:
            wrong = True
            p.error(
                "E0104", given.at, f"`{name}` has no field `{given.name}`", did_you_mean(given.name, variant.fields)
            )
            expr(c, given.value)
            continue
        index = variant.fields.index(given.name)
        if index in values:
            p.error("E0604", given.at, f"the field `{given.name}` is given twice")
        values[index] = check(c, given.value, variant.types[index], (*_FIELD, given.name, name))
    missing = [f"`{field}`" for index, field in enumerate(variant.fields) if index not in values]
    if missing and not wrong:
        p.error("E0214", node.at, f"`{name}` needs its field{'s' * (len(missing) > 1)} {', '.join(missing)}")
    if missing:
        return bad(node.at)
    return hir.NewVariant(kind, node.at, item.index, [values[i] for i in range(len(values))], list(values))


def _fields(variant: VariantShape) -> str:
    return ", ".join(f"{name}: ..." for name in variant.fields)


def _types_shown(variant: VariantShape) -> str:
    return ", ".join("..." for _ in variant.types)


# ---------------------------------------------------------------- structs without names


def struct_call(c: Fn, node: tree.Call, item: StructItem) -> hir.Expr | None:
    """`P(1, 2)` of a tuple struct; None for another struct."""
    if not item.node.tuple_like:
        return None
    kind = named_type(c.p, item)
    values = tuple_of(c, node, item.name, field_types(c.p, item, kind))
    return bad(node.at) if values is None else hir.NewStruct(kind, node.at, values, list(range(len(values))))


def struct_value(c: Fn, node: tree.Path, item: StructItem) -> hir.Expr | None:
    """`S` of a struct without fields; None for another struct."""
    if item.names:
        return None
    return hir.NewStruct(named_type(c.p, item), node.at, [], [])


# ---------------------------------------------------------------- casts


def discriminant(c: Fn, typed: hir.Expr, kind: Type, target: Type, at: int) -> hir.Expr | None:
    """`value as i64` of an enum without payloads; None for any other type."""
    item = enum_of(c.p, kind)
    if not isinstance(kind, PlainEnumType) or item is None:
        return None
    numbers = read_numbers(c.p, item)
    if numbers == list(range(len(numbers))):
        return hir.Cast(target, at, hir.GetTag(I32, at, typed))
    c.p.composed = True
    table = hir.NewArray(ArrayType(I64), at, [hir.Int(I64, at, number) for number in numbers])
    tag = hir.Cast(I64, at, hir.GetTag(I32, at, typed))
    number = hir.GetElement(I64, at, table, tag, checked=False)
    return number if target is I64 else hir.Cast(target, at, number)
