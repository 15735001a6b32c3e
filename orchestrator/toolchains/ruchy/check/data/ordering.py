"""`a.cmp(b)`: how two values stand in the order that `sort` goes by, as an i64 below, at or above 0."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import has_order
from orchestrator.toolchains.ruchy.check.data.enums import some
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.methods.arrays_more import type_for_now
from orchestrator.toolchains.ruchy.check.operators import compare
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, I32, I64, NEVER, PlainEnumType
from orchestrator.toolchains.ruchy.syntax import tree

ORDERING = frozenset(("cmp", "partial_cmp", "total_cmp"))
_OTHER: Why = ("E0204", "`cmp` compares two of one type: this is {got}, and {want} is needed")


def compared(c: Fn, node: tree.MethodCall, receiver: hir.Expr, name: str) -> hir.Expr:
    """`partial_cmp` gives an `Option`, which is always `Some`."""
    given = arguments_of(c, node, name, 1, 1)
    if given is None or any(resolve(one.type) in (ERROR, NEVER) for one in (receiver, given[0])):
        return bad(node.at)
    at = node.at
    out: list[hir.Stmt] = []
    left, right = in_slot(c, receiver, out), in_slot(c, given[0], out)
    kind = resolve(left.type)
    if not has_order(type_for_now(kind)):
        c.p.error("E0255", at, f"`{name}` needs values that stand in an order, and this is {shown(kind)}")
        return bad(at)
    if kind.__class__ is not Var and (kind.parts or isinstance(kind, PlainEnumType)):
        right = fit(c, right, kind, _OTHER, node.arguments[0])
        tags = isinstance(kind, PlainEnumType)
        both = [hir.GetTag(I32, at, one) if tags else one for one in (left, right)]
        number: hir.Expr = hir.Helper(I32, at, "compare", kind, both)
        if tags:
            number = hir.Arithmetic(I32, at, "-", *both)
        number = in_slot(c, hir.Cast(I64, at, number), out)
        is_below = hir.Compare(BOOL, at, "<", number, hir.Int(I64, at, 0))
        is_above = hir.Compare(BOOL, at, ">", number, hir.Int(I64, at, 0))
        rest = hir.If(I64, at, is_above, hir.Int(I64, at, 1), hir.Int(I64, at, 0))
        typed: hir.Expr = hir.If(I64, at, is_below, hir.Int(I64, at, -1), rest)
    else:
        above = hir.If(I64, at, compare(c, at, ">", left, right), hir.Int(I64, at, 1), hir.Int(I64, at, 0))
        below = compare(c, at, "<", _again(c, left), _again(c, right))
        typed = hir.If(I64, at, below, hir.Int(I64, at, -1), above)
    if name == "partial_cmp":
        c.p.composed = True
        typed = some(typed)
    return open_type(c, hir.Block(typed.type, at, out, typed))


def _again(c: Fn, typed: hir.Expr) -> hir.Expr:
    """Another look at a value in a slot."""
    return open_type(c, hir.Local(typed.type, typed.at, typed.slot)) if isinstance(typed, hir.Local) else typed
