"""The variants of enums, of `Option` and of `Result`, and the check of an enum's definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.inference.annotations import (
    enum_of,
    field_types,
    named_type,
    struct_of,
    type_of,
    with_arguments,
)
from orchestrator.toolchains.ruchy.check.scope import EnumItem, Env, VariantShape
from orchestrator.toolchains.ruchy.check.types import EnumType, StructType, TupleType, Type, is_option, is_result
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.paths import paths_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass

NONE, SOME = 0, 1
OK, ERR = 0, 1
"""The variants of `Option` and of `Result`, in the order in which they are sorted."""


def variants_of(p: Pass, kind: EnumType) -> Sequence[VariantShape]:
    """The variants of an enum type, resolved or not in its parts; none after an error about it."""
    built_in = builtin_variants(kind)
    if built_in:
        return built_in
    item = enum_of(p, kind)
    return [] if item is None else item_variants(p, item, kind)


def builtin_variants(kind: EnumType) -> list[VariantShape]:
    """Those of `Option` and `Result`."""
    if is_option(kind):
        return [VariantShape("None", (), (), "unit"), VariantShape("Some", ("0",), kind.arguments, "tuple")]
    if is_result(kind):
        names = zip(("Ok", "Err"), kind.arguments, strict=True)
        return [VariantShape(name, ("0",), (part,), "tuple") for name, part in names]
    return []


def item_variants(p: Pass, item: EnumItem, kind: Type) -> list[VariantShape]:
    """The variants of an enum, in the order declared; `kind` says what its type parameters are. Their types are read
    the first time."""
    if item.node.generics:
        shapes = item.instances.get(kind)
        if shapes is None:
            env = with_arguments(item.env, item.node.generics, kind.parts)
            shapes = item.instances[kind] = []
            with p.silenced():
                shapes += [_variant(p, env, node) for node in item.node.variants]
        return shapes
    if item.variants is None:
        item.variants = []
        with p.silenced(not item.own):
            item.variants = [_variant(p, item.env, node) for node in item.node.variants]
    return item.variants


def _variant(p: Pass, env: Env, node: tree.Variant) -> VariantShape:
    if node.fields is not None:
        types = tuple([type_of(p, env, field.type) for field in node.fields])
        return VariantShape(node.name, tuple([field.name for field in node.fields]), types, "struct")
    if node.elements is None:
        return VariantShape(node.name, (), (), "unit")
    types = tuple([type_of(p, env, element) for element in node.elements])
    return VariantShape(node.name, tuple([str(index) for index in range(len(types))]), types, "tuple")


# ---------------------------------------------------------------- the definition


def check_enum(p: Pass, item: EnumItem) -> None:
    """Variants and fields, each of its own name; discriminants, each of its own value; and that a value can be made."""
    seen: set[str] = set()
    for node in item.node.variants:
        if node.name in seen:
            p.error("E0606", node.at, f"the variant `{node.name}` of `{item.name}` is declared twice")
        seen.add(node.name)
        names: set[str] = set()
        for field in node.fields or ():
            if field.name in names:
                p.error("E0602", field.at, f"the field `{field.name}` is declared twice")
            names.add(field.name)
            if field.default is not None:
                p.error("E0260", field.at, "a field of a variant has no default", "give its value where it is made")
    kind = named_type(p, item)
    item_variants(p, item, kind)
    if item.node.generics:
        fields = [field.type for node in item.node.variants for field in node.fields or ()]
        elements = [one for node in item.node.variants for one in node.elements or ()]
        check_generic(p, item.node, item.env, kind, [*fields, *elements])
    read_numbers(p, item)
    if item.node.variants and not _can_be_made(p, kind, set()):
        message = f"every variant of `{item.name}` holds a `{item.name}`: no value of it can be made"
        p.error("E0263", item.node.at, message, "add a variant that holds none: `End`")


def check_generic(p: Pass, node: tree.Struct | tree.Enum, env: Env, kind: Type, types: Sequence[tree.Type]) -> None:
    """A generic definition: each of its types means something, and each of its type parameters is in one of them."""
    inner = with_arguments(env, node.generics, kind.parts)
    for type_ in types:
        type_of(p, inner, type_)
    used = {path[0] for path in paths_in([*types])}
    for name in node.generics:
        if name not in used:
            message = f"nothing in `{node.name}` is of the type parameter `{name}`"
            p.error("E0265", node.at, message, f"leave out the `{name}`, or add a field of that type")


def read_numbers(p: Pass, item: EnumItem) -> list[int]:
    """The discriminants: as written, and one more than the one before it, from 0."""
    if item.numbers is not None:
        return item.numbers
    item.numbers = []
    following = 0
    for node in item.node.variants:
        if node.discriminant is not None:
            written = _number_of(node.discriminant)
            if written is None:
                message = f"the discriminant of `{node.name}` is no integer literal"
                p.error("E0260", node.at, message, f"write a number: `{node.name} = 1`")
            following = following if written is None else written
        if following in item.numbers and node.discriminant is not None:
            p.error("E0606", node.at, f"two variants of `{item.name}` have the discriminant {following}")
        item.numbers.append(following)
        following += 1
    return item.numbers


def _number_of(node: tree.Expr) -> int | None:
    if isinstance(node, tree.Unary) and node.op == "-":
        inner = _number_of(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, tree.IntLiteral) else None


def _can_be_made(p: Pass, kind: Type, around: set[Type]) -> bool:
    """Whether there is a value of a type that does not hold one of those `around` it."""
    if isinstance(kind, TupleType):
        return all(_can_be_made(p, part, around) for part in kind.elements)
    if isinstance(kind, StructType):
        if kind in around or len(around) > 60:
            return kind not in around
        item = struct_of(p, kind)
        inner = {*around, kind}
        return item is None or all(_can_be_made(p, part, inner) for part in field_types(p, item, kind))
    if not isinstance(kind, EnumType):
        return True
    if kind in around or len(around) > 60:
        return kind not in around
    inner = {*around, kind}
    variants = variants_of(p, kind)
    return not variants or any(all(_can_be_made(p, part, inner) for part in variant.types) for variant in variants)
