"""Mathematics on numbers, as functions and as methods, made of arithmetic and single instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad, later, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import (
    FLOATING,
    INTEGER,
    KNOWN,
    NUMBER,
    narrow,
    openness,
    resolve,
    settle,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import may_be_float, meet, open_pair
from orchestrator.toolchains.ruchy.check.types import BOOL, F64, I64, NEVER, STRING, FloatType, IntType, Type

if TYPE_CHECKING:
    from collections.abc import Callable


def _number(c: Fn, at: int, name: str, typed: hir.Expr) -> bool:
    if resolve(typed.type) is not NEVER and narrow(typed.type, NUMBER):
        return True
    c.p.error("E0204", at, f"`{name}` takes a number, and this is {shown(typed.type)}")
    return False


def _float(typed: hir.Expr) -> hir.Expr:
    """A number as a float: integers become f64."""
    return typed if narrow(typed.type, FLOATING) else hir.Cast(F64, typed.at, typed)


def once(c: Fn, typed: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """A value that is looked at more than once: in a slot, unless it is a local or a literal."""
    if typed.__class__ in (hir.Local, hir.Int, hir.Float):
        return typed
    slot = c.slot(typed.type)
    out.append(hir.Let(slot, typed))
    return open_type(c, hir.Local(typed.type, typed.at, slot))


def _block(c: Fn, at: int, out: list[hir.Stmt], typed: hir.Expr) -> hir.Expr:
    return open_type(c, hir.Block(typed.type, at, out, typed)) if out else typed


def _zero(c: Fn, kind: Type, at: int, value: int = 0) -> hir.Expr:
    """A constant of a number's type, which may be open."""
    resolved = resolve(kind)
    if isinstance(resolved, FloatType) or openness(resolved) == FLOATING:
        return open_type(c, hir.Float(kind, at, float(value)))
    return open_type(c, hir.Int(kind, at, value))


def absolute(c: Fn, at: int, name: str, typed: hir.Expr) -> hir.Expr:
    """Of an integer it may overflow; of an unsigned one it is itself."""
    if not _number(c, at, name, typed):
        return bad(at)
    kind = resolve(typed.type)
    if isinstance(kind, FloatType) or openness(kind) == FLOATING:
        return open_type(c, hir.Runtime(kind, at, "fabs", [typed]))
    if isinstance(kind, IntType) and not kind.signed:
        return typed
    if may_be_float(kind):
        return _later(c, at, typed, kind, lambda: absolute(c, at, name, typed))
    narrow(kind, INTEGER)
    out: list[hir.Stmt] = []
    value = once(c, typed, out)
    test = hir.Compare(BOOL, at, "<", value, _zero(c, kind, at))
    negative = open_type(c, hir.Negate(kind, at, value))
    return _block(c, at, out, open_type(c, hir.If(kind, at, test, negative, value)))


def _later(c: Fn, at: int, typed: hir.Expr, kind: Type, make: Callable[[], hir.Expr]) -> hir.Expr:
    """What depends on whether a number is an integer or a float, made once that is known."""

    def decide(last: bool) -> hir.Expr | None:
        decided = settle(typed.type) if last else resolve(typed.type)
        return None if may_be_float(decided) else make()

    return later(c, at, kind, (typed.type,), decide)


def extreme(c: Fn, at: int, name: str, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    """`min` and `max` of two numbers."""
    if not _number(c, at, name, left) or not _number(c, at, name, right):
        return bad(at)
    met = meet(c.p, left, right)
    if met is not None:
        left, right = met
    elif not unify(left.type, right.type):
        message = f"`{name}` takes two numbers of one type, and these are {shown(left.type)} and {shown(right.type)}"
        c.p.error("E0204", at, message)
        return bad(at)
    out: list[hir.Stmt] = []
    # a local could change while the right side is computed, so both get slots of their own
    slots = [c.slot(left.type), c.slot(right.type)]
    out += [hir.Let(slots[0], left), hir.Let(slots[1], right)]
    a, b = (open_type(c, hir.Local(left.type, at, slot)) for slot in slots)
    return _block(c, at, out, open_type(c, hir.If(a.type, at, hir.Compare(BOOL, at, op, a, b), a, b)))


def square_root(c: Fn, at: int, name: str, typed: hir.Expr) -> hir.Expr:
    """Of an integer too: the result is a float."""
    if not _number(c, at, name, typed):
        return bad(at)
    typed = _float(typed)
    return open_type(c, hir.Runtime(typed.type, at, "sqrt", [typed]))


def power(c: Fn, at: int, name: str, base: hir.Expr, exponent: hir.Expr) -> hir.Expr:
    """`pow(a, b)`, `a.pow(b)`: as `**`."""
    if not _number(c, at, name, base) or not _number(c, at, name, exponent):
        return bad(at)
    a = resolve(base.type)
    b = resolve(exponent.type)
    if any(isinstance(kind, FloatType) or openness(kind) == FLOATING for kind in (a, b)):
        base, exponent = meet(c.p, base, exponent) or (base, exponent)
    elif (met := open_pair(c.p, base, exponent)) is not None:
        base, exponent = met
    else:
        narrow(a, INTEGER)
        narrow(b, INTEGER)
    return open_type(c, hir.Arithmetic(base.type, at, "**", base, exponent))


def rounded(c: Fn, at: int, name: str, typed: hir.Expr, mode: str, whole: bool) -> hir.Expr:
    """`floor`, `ceil`, `round` (halves away from zero), `trunc`. `whole`: as an i64."""
    if not _number(c, at, name, typed):
        return bad(at)
    kind = resolve(typed.type)
    if may_be_float(kind):
        return _later(c, at, typed, I64 if whole else kind, lambda: rounded(c, at, name, typed, mode, whole))
    if isinstance(kind, IntType) or openness(kind) not in (KNOWN, FLOATING):
        narrow(kind, INTEGER)
        return typed
    result = _half_away(c, at, typed) if mode == "round" else open_type(c, hir.Runtime(kind, at, mode, [typed]))
    return hir.Cast(I64, at, result) if whole else result


def _half_away(c: Fn, at: int, typed: hir.Expr) -> hir.Expr:
    """x cut to its whole part, and one more, away from zero, where half or more was cut off. (Adding 0.5 and cutting
    is wrong for the float just below 0.5.)"""
    out: list[hir.Stmt] = []
    kind = typed.type
    value = once(c, typed, out)
    slot = c.slot(kind)
    out.append(hir.Let(slot, open_type(c, hir.Runtime(kind, at, "trunc", [value]))))
    cut = open_type(c, hir.Local(kind, at, slot))
    rest = open_type(c, hir.Arithmetic(kind, at, "-", value, cut))
    far = hir.Compare(BOOL, at, ">=", open_type(c, hir.Runtime(kind, at, "fabs", [rest])), _half(c, kind, at))
    below = hir.Compare(BOOL, at, "<", value, _zero(c, kind, at))
    step = open_type(c, hir.If(kind, at, below, _zero(c, kind, at, -1), _zero(c, kind, at, 1)))
    more = open_type(c, hir.Arithmetic(kind, at, "+", cut, step))
    return _block(c, at, out, open_type(c, hir.If(kind, at, far, more, cut)))


def _half(c: Fn, kind: Type, at: int) -> hir.Expr:
    return open_type(c, hir.Float(kind, at, 0.5))


def to_integer(c: Fn, at: int, name: str, typed: hir.Expr) -> hir.Expr:
    """`int(x)`, `x.to_int()`: floats are cut, strings read."""
    kind = resolve(typed.type)
    if kind is STRING:
        return hir.Runtime(I64, at, "str_to_i64", [typed], traps=True)
    if kind is BOOL or narrow(kind, NUMBER):
        return typed if kind is I64 else hir.Cast(I64, at, typed)
    c.p.error("E0204", at, f"`{name}` takes a number, a bool or a String, and this is {shown(kind)}")
    return bad(at)


def to_float(c: Fn, at: int, name: str, typed: hir.Expr) -> hir.Expr:
    """`float(x)`, `x.to_float()`: numbers are converted, strings read."""
    kind = resolve(typed.type)
    if kind is STRING:
        return hir.Runtime(F64, at, "str_to_f64", [typed], traps=True)
    if narrow(kind, NUMBER):
        return typed if kind is F64 else hir.Cast(F64, at, typed)
    c.p.error("E0204", at, f"`{name}` takes a number or a String, and this is {shown(kind)}")
    return bad(at)
