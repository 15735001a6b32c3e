"""Ranges as values: a struct of two i64 that no text can name. A `for` over one that stands in it needs no value."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr, handles
from orchestrator.toolchains.ruchy.check.operators import compare
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.check.scope import INCLUSIVE, RANGE, RANGES, range_item
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, I64, NEVER, STRING, UNIT, ArrayType, StructType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_END: Why = ("E0212", "the ends of a range are integers, and this is {got}")
_STEP: Why = ("E0204", "`{0}` takes {want}, and this is {got}")
METHODS = ("len", "count", "sum", "contains", "is_empty", "rev", "step_by", "to_string", "clone")


@handles(tree.RangeExpr)
def range_value(c: Fn, node: tree.RangeExpr, want: Want, why: Why) -> hir.Expr:
    """`a..b`, `a..=b` where a value stands."""
    if node.start is None or node.end is None:
        c.p.error("E0244", node.at, "a range without both ends is no value", "write both ends: `0..n`")
        return bad(node.at)
    ends = [check(c, node.start, I64, _END), check(c, node.end, I64, _END)]
    if any(end.type is ERROR for end in ends):
        return bad(node.at)
    return hir.NewStruct(touched(c.p, INCLUSIVE if node.inclusive else RANGE), node.at, ends, [0, 1])


def touched(p: Pass, kind: StructType) -> Type:
    p.module.layouts.setdefault(kind, range_item(kind))
    return kind


def ends_of(c: Fn, typed: hir.Expr, out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    """Both ends of a range, which is put into a slot first."""
    if not isinstance(typed, hir.Local):
        slot = c.slot(typed.type)
        out.append(hir.Let(slot, typed))
        typed = hir.Local(typed.type, typed.at, slot)
    return hir.GetField(I64, typed.at, typed, 0), hir.GetField(I64, typed.at, typed, 1)


def _block(at: int, out: list[hir.Stmt], typed: hir.Expr) -> hir.Expr:
    return hir.Block(typed.type, at, out, typed) if out else typed


def _plus(at: int, op: str, left: hir.Expr, right: hir.Expr | int) -> hir.Expr:
    return hir.Arithmetic(I64, at, op, left, hir.Int(I64, at, right) if isinstance(right, int) else right)


def _empty(at: int, kind: Type, start: hir.Expr, end: hir.Expr) -> hir.Expr:
    return hir.Compare(BOOL, at, ">" if kind == INCLUSIVE else ">=", start, end)


def _length(at: int, kind: Type, start: hir.Expr, end: hir.Expr) -> hir.Expr:
    steps = _plus(at, "-", end, start)
    steps = _plus(at, "+", steps, 1) if kind == INCLUSIVE else steps
    return hir.If(I64, at, _empty(at, kind, start, end), hir.Int(I64, at, 0), steps)


OWN = frozenset(("len", "count", "sum", "is_empty", "contains"))
"""Methods that need no array."""


def elements(c: Fn, typed: hir.Expr) -> hir.Expr:
    """A range as an array."""
    at, kind = typed.at, typed.type
    out: list[hir.Stmt] = []
    start, end = ends_of(c, typed, out)
    c.p.composed = True
    array, counter = c.slot(ArrayType(I64)), c.slot(I64)
    c.counter += 1
    pushed = hir.Change(array, [], "push", [hir.Local(I64, at, counter)], at)
    body = hir.Block(UNIT, at, [pushed], hir.Unit(UNIT, at))
    loop = hir.ForRange(UNIT, at, c.counter - 1, counter, start, end, kind == INCLUSIVE, body)
    steps = [*out, hir.Let(array, hir.NewArray(ArrayType(I64), at, [])), hir.Do(loop)]
    return hir.Block(ArrayType(I64), at, steps, hir.Local(ArrayType(I64), at, array))


def range_method(c: Fn, node: tree.MethodCall, typed: hir.Expr) -> hir.Expr:
    """A method of a range that gives no array."""
    at, name, kind = node.at, node.name, typed.type
    wanted = 1 if name == "contains" else 0
    if name in OWN and len(node.arguments) == wanted:
        out: list[hir.Stmt] = []
        start, end = ends_of(c, typed, out)
        if name == "is_empty":
            return _block(at, out, _empty(at, kind, start, end))
        if name == "contains":
            return _block(at, out, _contains(c, node, kind, start, end, out))
        if name == "sum":
            return _sum(c, at, kind, start, end, out)
        return _block(at, out, _length(at, kind, start, end))
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    hint = f"ranges have {', '.join(METHODS[:7])}, and what arrays have"
    c.p.error("E0244", at, f"`{name}` of a range is not supported here", hint)
    return bad(at)


def _contains(
    c: Fn, node: tree.MethodCall, kind: Type, start: hir.Expr, end: hir.Expr, out: list[hir.Stmt]
) -> hir.Expr:
    value = expr(c, node.arguments[0])
    if value.type is ERROR:
        return value
    slot = c.slot(value.type)
    out.append(hir.Let(slot, value))
    local = hir.Local(value.type, node.at, slot)
    c.p.open.pending.append(local)
    above = compare(c, node.at, "<=", start, local)
    last = hir.Local(value.type, node.at, slot)
    c.p.open.pending.append(last)
    return hir.And(BOOL, node.at, above, compare(c, node.at, "<=" if kind == INCLUSIVE else "<", last, end))


def _sum(c: Fn, at: int, kind: Type, start: hir.Expr, end: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
    total, counter = c.slot(I64), c.slot(I64)
    c.counter += 1
    added = _plus(at, "+", hir.Local(I64, at, total), hir.Local(I64, at, counter))
    body = hir.Block(UNIT, at, [hir.Store(total, [], added, at)], hir.Unit(UNIT, at))
    loop = hir.ForRange(UNIT, at, c.counter - 1, counter, start, end, kind == INCLUSIVE, body)
    steps = [*out, hir.Let(total, hir.Int(I64, at, 0)), hir.Do(loop)]
    return hir.Block(I64, at, steps, hir.Local(I64, at, total))


class Walk:
    """How a `for` goes over a range that is a value: its counter from `start` to `end`, and what the variable is of the
    counter (None: the same)."""

    __slots__ = ("end", "inclusive", "out", "start", "value")

    def __init__(self, start: hir.Expr, end: hir.Expr, inclusive: bool, out: list[hir.Stmt]) -> None:
        self.start = start
        self.end = end
        self.inclusive = inclusive
        self.out = out
        self.value: Callable[[hir.Expr], hir.Expr] | None = None


def walk(c: Fn, node: tree.Expr) -> Walk | hir.Expr:
    """The source of a `for`: a walk over a range, else the value that it is. `.rev()` and `.step_by(n)` are understood
    here alone."""
    name = node.name if isinstance(node, tree.MethodCall) else ""
    taken = name in ("rev", "step_by")
    if not taken or not isinstance(node, tree.MethodCall) or len(node.arguments) != (name == "step_by"):
        typed = expr(c, node)
        return plain_walk(c, typed) if typed.type in RANGES else typed
    typed = expr(c, node.receiver)
    if typed.type not in RANGES:
        return expr(c, node)
    plain = plain_walk(c, typed)
    at, start, end = node.at, plain.start, plain.end
    if name == "rev":
        last = end if plain.inclusive else _plus(at, "-", end, 1)
        plain.value = lambda counter: _plus(at, "-", last, _plus(at, "-", counter, start))
        return plain
    step, steps = c.slot(I64), c.slot(I64)
    by = hir.Local(I64, at, step)
    text = hir.Str(STRING, at, "`step_by` takes a step of 1 or more")
    plain.out += [
        hir.Let(step, check(c, node.arguments[0], I64, (*_STEP, name))),
        hir.Do(
            hir.If(
                UNIT,
                at,
                hir.Compare(BOOL, at, "<", by, hir.Int(I64, at, 1)),
                hir.Block(UNIT, at, [], hir.Panic(NEVER, at, text)),
                hir.Unit(UNIT, at),
            )
        ),
        hir.Let(steps, _steps(at, typed.type, start, end, by)),
    ]
    plain.start, plain.end, plain.inclusive = hir.Int(I64, at, 0), hir.Local(I64, at, steps), False
    plain.value = lambda counter: _plus(at, "+", start, _plus(at, "*", counter, by))
    return plain


def _steps(at: int, kind: Type, start: hir.Expr, end: hir.Expr, by: hir.Expr) -> hir.Expr:
    """How many there are: the whole steps to the last value, and the first one."""
    way = _plus(at, "-", end, start)
    last = way if kind == INCLUSIVE else _plus(at, "-", way, 1)
    count = _plus(at, "+", _plus(at, "/", last, by), 1)
    return hir.If(I64, at, _empty(at, kind, start, end), hir.Int(I64, at, 0), count)


def plain_walk(c: Fn, typed: hir.Expr) -> Walk:
    out: list[hir.Stmt] = []
    slot = c.slot(typed.type)  # a variable may be assigned to in the loop
    out.append(hir.Let(slot, typed))
    start, end = ends_of(c, hir.Local(typed.type, typed.at, slot), out)
    return Walk(start, end, typed.type == INCLUSIVE, out)
