"""At the end of a check: the final type of every node, and what the structs and enums that occur are made of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import can_be_key, name_of
from orchestrator.toolchains.ruchy.check.data.variants import item_variants
from orchestrator.toolchains.ruchy.check.inference.annotations import enum_of, field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import Var, settle, shown
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.scope import EnumItem, StructItem
from orchestrator.toolchains.ruchy.check.types import (
    EnumType,
    MapType,
    Named,
    NamedKind,
    SetType,
    StructType,
    Type,
    key_of,
    named_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.toolchains.ruchy.check.passes import Pass

Made = TypeVar("Made", hir.StructLayout, hir.EnumLayout)

MOST = 200
"""How many types a module may make of one generic one: those of one that holds itself of a larger type never end."""


class TouchedTypes(NamedTuple):
    """What the types are made of that a module touches."""

    structs: dict[StructType, hir.StructLayout]
    enums: dict[EnumType, hir.EnumLayout]


def settle_types(body: hir.Expr, settled_types: dict[Type, Type]) -> None:
    """Gives each node of a tree its final type, whose parts may have been open when the node was made. `found` has the
    final types of those that had to be looked at."""
    waiting: list[Node] = [body]
    while waiting:
        node = waiting.pop()
        for name in ("type", "subject"):
            kind = getattr(node, name, None)
            if kind is None or (kind.__class__ is not Var and not kind.parts):
                continue
            final = settled_types.get(kind)
            if final is None:
                final = settled_types[kind] = settle(kind)
            setattr(node, name, final)
        waiting.extend(PARTS[node.__class__](node))


def settle_bodies(p: Pass) -> list[Type]:
    """Gives all nodes, slots and signatures their final types. Returns those that may consist of others."""
    kinds: list[Type] = []
    for function in p.made.bodies.values():
        final: dict[Type, Type] = {}
        function.parameters = [settle(kind) for kind in function.parameters]
        function.result = settle(function.result)
        function.locals = [settle(kind) for kind in function.locals]
        if p.composed:
            settle_types(function.body, final)
            kinds += [*function.parameters, function.result, *function.locals, *final.values()]
    if p.composed:
        kinds += [settle(kind) for types, result in p.made.signatures.values() for kind in (*types, result)]
    return [kind for kind in dict.fromkeys(kinds) if kind.parts]


def layouts_of(p: Pass, kinds: Iterable[Type]) -> TouchedTypes:
    """The structs and enums that the module touches and that these types name, and what they are made of, by name."""
    structs: dict[StructType, hir.StructLayout] = {}
    enums: dict[EnumType, hir.EnumLayout] = {}
    waiting: list[Named] = [*p.module.layouts, *(named for kind in kinds for named in named_in(kind))]
    instances: Counter[str] = Counter()
    while waiting:
        kind = waiting.pop()
        item = struct_of(p, kind) or enum_of(p, kind)
        if item is None or kind in structs or kind in enums or len(kind.parts) != len(item.node.generics):
            continue
        instances[key_of(kind)] += bool(kind.parts)
        if instances[key_of(kind)] > MOST:
            message = f"`{item.name}` holds itself of ever other types: {shown(kind)[:60]}"
            p.error_even_if_silent("E0803", item.node.at if item.own else 0, message, "let its types not grow")
            break
        if isinstance(item, StructItem):
            types = field_types(p, item, kind)
            assert isinstance(kind, StructType)
            structs[kind] = hir.StructLayout(kind, item.names, types)
        else:
            shapes = item_variants(p, item, kind)
            assert isinstance(kind, EnumType)
            variants = [hir.VariantLayout(shape.name, [*shape.fields], [*shape.types]) for shape in shapes]
            enums[kind] = hir.EnumLayout(kind, variants)
            types = [part for variant in variants for part in variant.types]
        if kind.parts:
            _check_keys(p, item, kind, types)
        waiting += [named for inner in types for named in named_in(inner)]
    return TouchedTypes(_by_name(structs), _by_name(enums))


def _check_keys(p: Pass, item: StructItem | EnumItem, kind: Named, types: Iterable[Type]) -> None:
    """E0290 for a map in a generic type that got something as keys that stands in no order."""
    waiting = list(types)
    while waiting:
        part = waiting.pop()
        if isinstance(part, MapType | SetType) and not can_be_key(part.parts[0]):
            message = f"{shown(part.parts[0])} cannot be a key, and {shown(kind)} has it as one"
            hint = "keys are integers, texts, bools, and tuples, arrays and enums of these"
            p.error_even_if_silent("E0290", item.node.at if item.own else 0, message, hint)
        waiting += part.parts


def _by_name(layouts: dict[NamedKind, Made]) -> dict[NamedKind, Made]:
    return dict(sorted(layouts.items(), key=lambda entry: (entry[0].module, entry[0].item, name_of(entry[0]))))
