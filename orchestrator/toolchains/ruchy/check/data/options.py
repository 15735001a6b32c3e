"""`Option` and `Result` in use: `??`, `?`, `?.`, and methods that take no function."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.enums import none, some
from orchestrator.toolchains.ruchy.check.data.variants import ERR, OK, SOME
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, expr, fit, handles, open_type
from orchestrator.toolchains.ruchy.check.inference.asked import wanted_by_question
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, fresh, openness, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
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
    result_of,
)
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


def either(c: Fn, typed: hir.Expr) -> EnumType | None:
    """The type of a value that is an `Option` or a `Result`; an unknown type becomes an `Option`. None for another."""
    kind = resolve(typed.type)
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
        typed = chosen(c, at, kind, is_variant(local, good_variant(kind)), local, right)
        return open_type(c, hir.Block(typed.type, at, out, typed))
    return _value_in(c, at, out, local, kind, fit(c, right, inner, _OTHERWISE, node))


def chosen(c: Fn, at: int, kind: Type, condition: hir.Expr, good: hir.Expr, other: hir.Expr) -> hir.Expr:
    """`good` where the condition holds, else the other one; of this type."""
    return open_type(c, hir.If(resolve(kind), at, condition, good, other))


def _value_in(c: Fn, at: int, out: list[hir.Stmt], local: hir.Expr, kind: EnumType, other: hir.Expr) -> hir.Expr:
    """What `Some` or `Ok` holds, or else the other value."""
    inner, good = kind.arguments[0], good_variant(kind)
    typed = chosen(c, at, inner, is_variant(local, good), payload(c, local, good, 0, inner), other)
    return open_type(c, hir.Block(typed.type, at, out, typed))


# ---------------------------------------------------------------- what leaves the function


@handles(tree.Try)
def try_(c: Fn, node: tree.Try, want: Want, why: Why) -> hir.Expr:
    """`operand?`: the value in it, or else the function returns `None`, or the error."""
    typed = expr(c, node.operand, wanted_by_question(c, node.operand, want))
    if typed.type is NEVER or typed.type is ERROR:
        return typed
    if openness(resolve(typed.type)) == ANY and is_result(resolve(c.result)):
        unify(typed.type, result_of(fresh(), fresh()))
    kind = either(c, typed)
    if kind is None:
        message = f"`?` needs an `Option` or a `Result` before it, and this is {shown(typed.type)}"
        c.p.error("E0281", node.at, message, "every value is there: leave out the `?`")
        return bad(node.at)
    left = _left_with(c, node, kind)
    if left is None:
        return bad(node.at)
    at = node.at
    out: list[hir.Stmt] = []
    local = in_slot(c, typed, out)
    value: hir.Expr = none(resolve(left.arguments[0]), at)
    if is_result(kind):
        value = hir.NewVariant(left, at, ERR, [payload(c, local, ERR, 0, kind.arguments[1])], [0])
    c.returned = c.p.composed = True
    return _value_in(c, at, out, local, kind, hir.Return(NEVER, at, value))


def _left_with(c: Fn, node: tree.Try, kind: EnumType) -> EnumType | None:
    """The type that the function returns, for a `?` behind a value of this type; None after an error."""
    result = resolve(c.result)
    if c.item is not None and c.nests and openness(result) == ANY:
        c.p.composed = True
        unify(result, option_of(fresh()) if is_option(kind) else result_of(fresh(), kind.arguments[1]))
        result = resolve(result)
    if c.item is None or not c.nests or not isinstance(result, EnumType) or result.item != kind.item or result.module:
        _no_way_out(c, node, kind, result)
        return None
    if is_result(kind) and not unify(result.arguments[1], kind.arguments[1]):
        ours, theirs = shown(result.arguments[1]), shown(kind.arguments[1])
        message = f"`{c.item.name}` returns errors of type {ours}, and that of {_what(node.operand)} is {theirs}"
        c.p.error("E0280", node.at, message, "take the error by `match`, and return one of your own")
        return None
    return result


def _no_way_out(c: Fn, node: tree.Try, kind: EnumType, result: Type) -> None:
    what = _what(node.operand)
    gives = "`None`" if is_option(kind) else "the error"
    hint = "take the value by `match`, `??` or `.unwrap()`"
    if result is ERROR:
        c.p.failed = True
        return
    if c.item is None:
        message = f"`?` would return {gives} of {what}, and this is not in a function"
    else:
        message = f"`?` would return {gives} of {what}, and `{c.item.name}` returns {shown(result)}"
        type_ = "Option<...>" if is_option(kind) else f"Result<..., {shown(kind.arguments[1])}>"
        hint = f"let it return `{type_}`, or {hint}"
    c.p.error("E0280", node.at, message, hint)


def _what(node: tree.Expr) -> str:
    """An operand, as a message names it."""
    if isinstance(node, tree.Call) and isinstance(node.callee, tree.Path):
        return f"`{'::'.join(node.callee.segments)}`"
    if isinstance(node, tree.MethodCall):
        return f"`{node.name}`"
    return f"`{'::'.join(node.segments)}`" if isinstance(node, tree.Path) else "this value"


@handles(tree.SafeMember)
def safe_member(c: Fn, node: tree.SafeMember, want: Want, why: Why) -> hir.Expr:
    """`value?.name`: of what is in an `Option`, and `None` where nothing is. Never an `Option` of an `Option`."""
    typed = expr(c, node.value)
    if typed.type is NEVER or typed.type is ERROR:
        return typed
    kind = either(c, typed)
    if kind is None or not is_option(kind):
        message = f"`?.` needs an `Option` before it, and this is {shown(typed.type)}"
        c.p.error("E0281", node.at, message, "every value is there: write `.`" if kind is None else "write `.ok()?.`")
        return bad(node.at)
    at = node.at
    c.p.composed = True
    out: list[hir.Stmt] = []
    local = in_slot(c, typed, out)
    inner = resolve(kind.arguments[0])
    mark = len(c.undo)
    variable = c.declare(tree.PRESENT, inner, at)
    member = expr(c, node.member)
    c.leave(mark)
    if member.type is ERROR:
        return member
    taken = payload(c, local, SOME, 0, inner)
    first: hir.Stmt = hir.Do(taken) if variable.slot < 0 else hir.Let(variable.slot, taken)
    member_type = resolve(member.type)
    value = member if is_option(member_type) or member_type is NEVER else some(member)
    result = value.type if member_type is not NEVER else option_of(fresh())
    assert isinstance(result, EnumType)
    present = hir.Block(value.type, at, [first], value)
    other = chosen(c, at, result, is_variant(local, SOME), present, none(result.arguments[0], at))
    return open_type(c, hir.Block(other.type, at, out, other))
