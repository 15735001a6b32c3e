"""Arrays of values of several types: tuples that are written and printed as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, openness, resolve, shown
from orchestrator.toolchains.ruchy.check.inference.widths import is_number, part_of
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, MixedType, Type
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words


def are_mixed(values: Sequence[hir.Expr]) -> bool:
    """Whether values are surely of several types. (What is open goes with its neighbours.)"""
    kinds = [resolve(value.type) for value in values]
    first = next((kind for kind in kinds if kind is not NEVER), NEVER)
    return ERROR not in kinds and any(_apart(first, kind) for kind in kinds)


def _apart(kind: Type, other: Type) -> bool:
    """Whether two types can never be one."""
    kind, other = resolve(kind), resolve(other)
    if NEVER in (kind, other) or ANY in (openness(kind), openness(other)):
        return False
    if is_number(kind) or is_number(other):
        return not (is_number(kind) and is_number(other))
    if kind.__class__ is not other.__class__ or len(kind.parts) != len(other.parts):
        return True
    if not kind.parts:
        return kind != other
    return kind.with_parts(other.parts) != other or any(
        _apart(left, right) for left, right in zip(kind.parts, other.parts, strict=True)
    )


def mixed(c: Fn, node: tree.Array, values: list[hir.Expr]) -> hir.Expr:
    """An array of values of several types: a tuple that is printed as an array."""
    values = [part_of(c.p, value) for value in values]
    types = tuple([UNIT if (kind := resolve(one.type)) is NEVER else kind for one in values])
    kind = c.p.composed_type(node.at, MixedType(types))
    return bad(node.at) if kind is ERROR else hir.NewStruct(kind, node.at, values, list(range(len(values))))


def differ(c: Fn, node: tree.Expr, kind: Type, other: Type) -> Type:
    message = f"the elements of an array are of one type, and these are {shown(kind)} and {shown(other)}"
    c.p.error("E0250", node.at, message, 'values of several types make a tuple: `(1, "a")`')
    return ERROR


_PRINT = words("println print eprintln eprint format panic str type_of len")


def must_be_taken_apart(c: Fn, name: str, node: tree.Array, typed: hir.Expr, body: tree.Block) -> None:
    """E0250 for an array of several types in a variable that nothing does anything with but printing it: then it looks
    like one that got a wrong element."""
    waiting: list[Any] = [body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, tree.Path):
            if part.segments == (name,):
                return
        elif isinstance(part, msgspec.Struct):
            printed = _name_of(part) in _PRINT or isinstance(part, tree.HolePart)
            waiting += [one for one in _parts(part) if not (printed and getattr(one, "segments", None) == (name,))]
    kinds = [resolve(one) for one in resolve(typed.type).parts]
    other = next(index for index, kind in enumerate(kinds) if _apart(kinds[0], kind))
    differ(c, node.elements[other], kinds[0], kinds[other])


def _name_of(node: msgspec.Struct) -> str:
    if isinstance(node, tree.MacroCall):
        return node.name
    callee = node.callee if isinstance(node, tree.Call) else None
    return callee.segments[-1] if isinstance(callee, tree.Path) else ""


def _parts(node: msgspec.Struct) -> list[Any]:
    parts: list[Any] = []
    for name in node.__struct_fields__:
        part = getattr(node, name)
        parts += part if isinstance(part, list | tuple) else [part]
    return parts
