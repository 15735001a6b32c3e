"""`Option` and `Result` in use: `??`, `?`, `?.`, and methods that take no function."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.infer import ANY, fresh, openness, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.places import in_slot
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I32,
    NEVER,
    EnumType,
    Type,
    is_option,
    is_result,
    option_of,
)
from orchestrator.toolchains.ruchy.check.variants import OK, SOME
from orchestrator.toolchains.ruchy.syntax import tree

_OTHERWISE: Why = ("E0201", "the value on the left of `??` is {want}, and this is {got}")


def is_variant(value: hir.Expr, variant: int) -> hir.Expr:
    """Whether a value is the `variant`th of its type."""
    at = value.at
    return hir.Compare(BOOL, at, "==", hir.GetTag(I32, at, value), hir.Int(I32, at, variant))


def good_variant(kind: Type) -> int:
    """`Some` or `Ok`."""
    return SOME if is_option(kind) else OK


def payload(c: Fn, value: hir.Expr, variant: int, index: int, kind: Type) -> hir.Expr:
    """A part of a value, in a slot, that surely is this variant."""
    return open_type(c, hir.GetPayload(kind, value.at, value, variant, index))


def either(c: Fn, made: hir.Expr) -> EnumType | None:
    """The type of a value that is an `Option` or a `Result`; an unknown type becomes an `Option`. None for another."""
    kind = resolve(made.type)
    if openness(kind) == ANY:
        c.p.composed = True
        unify(kind, option_of(fresh()))
        kind = resolve(kind)
    return kind if isinstance(kind, EnumType) and (is_option(kind) or is_result(kind)) else None


def or_else(c: Fn, at: int, left: hir.Expr, node: tree.Expr) -> hir.Expr:
    """`left ?? right`: the value in `left`, or else the right side, which is only then computed."""
    if left.type is NEVER:
        return left
    kind = either(c, left)
    if kind is None:
        expr(c, node)
        if resolve(left.type) is not ERROR:
            message = f"`??` needs an `Option` or a `Result` on its left, and this is {shown(left.type)}"
            c.p.error("E0281", at, message, "every value is there: leave out the `??`")
        return bad(at)
    out: list[hir.Stmt] = []
    local = in_slot(c, left, out)
    inner = kind.arguments[0]
    right = expr(c, node, inner)
    given = resolve(right.type)
    if isinstance(given, EnumType) and given.item == kind.item and not isinstance(resolve(inner), EnumType):
        right = fit(c, right, kind, _OTHERWISE, node)
        return _chosen(c, at, out, kind, local, local, right)
    right = fit(c, right, inner, _OTHERWISE, node)
    return _chosen(c, at, out, inner, local, payload(c, local, good_variant(kind), 0, inner), right)


def _chosen(
    c: Fn, at: int, out: list[hir.Stmt], result: Type, local: hir.Expr, good: hir.Expr, other: hir.Expr
) -> hir.Expr:
    """`good` where a value is `Some` or `Ok`, else the other one."""
    condition = is_variant(local, good_variant(resolve(local.type)))
    made = open_type(c, hir.If(resolve(result), at, condition, good, other))
    return open_type(c, hir.Block(made.type, at, out, made))
