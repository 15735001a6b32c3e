"""Methods of numbers beside the usual ones of `mathematics.py`: logarithms, angles, signs, remainders."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad, later, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import (
    FLOATING,
    INTEGER,
    NUMBER,
    fresh,
    narrow,
    openness,
    resolve,
    settle,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import may_be_float
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.methods.mathematics import extreme
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, F64, FloatType, IntType, Type

Make = Callable[[Fn, int, list[hir.Expr]], hir.Expr]
"""Makes a call of its place, and of the receiver and the arguments, which are numbers of one type in slots."""

FLOAT_METHODS: dict[str, tuple[int, Make]] = {}
"""Methods of floats, and of integers, which become floats: how many arguments they take, and what makes them."""
INTEGER_METHODS: dict[str, tuple[int, Make]] = {}


def number_method(c: Fn, at: int, name: str, values: list[hir.Expr]) -> hir.Expr:
    """`made[0].name(made[1], ...)`, where the name is in one of the tables. Integers and floats meet in floats."""
    if any(resolve(one.type) is ERROR for one in values):
        return bad(at)
    for one in values:
        if not narrow(one.type, NUMBER):
            c.p.error("E0204", at, f"`{name}` takes numbers, and this is {shown(one.type)}")
            return bad(at)
    if name in FLOAT_METHODS and name not in INTEGER_METHODS:
        return _called(c, at, FLOAT_METHODS[name][1], [_float(value) for value in values])
    kind = resolve(values[0].type)
    if may_be_float(kind):
        return later(c, at, fresh(), (kind,), lambda last: _when_known(c, at, name, values, last))
    if isinstance(kind, FloatType) or openness(kind) == FLOATING:
        if name in FLOAT_METHODS:
            return _called(c, at, FLOAT_METHODS[name][1], [_float(one) for one in values])
        c.p.error("E0107", at, f"{shown(kind)} has no method `{name}`: integers have")
        return bad(at)
    for one in values:
        if not unify(kind, one.type) or not narrow(one.type, INTEGER):
            message = f"`{name}` takes {shown(kind)}, and this is {shown(one.type)}"
            c.p.error("E0204", at, message, f"convert it with `as {shown(kind)}`")
            return bad(at)
    return _called(c, at, INTEGER_METHODS[name][1], values)


def _when_known(c: Fn, at: int, name: str, values: list[hir.Expr], last: bool) -> hir.Expr | None:
    kind = settle(values[0].type) if last else resolve(values[0].type)
    return None if may_be_float(kind) else number_method(c, at, name, values)


def _float(typed: hir.Expr) -> hir.Expr:
    return typed if narrow(typed.type, FLOATING) else hir.Cast(F64, typed.at, typed)


def _called(c: Fn, at: int, make: Make, values: list[hir.Expr]) -> hir.Expr:
    out: list[hir.Stmt] = []
    value = make(c, at, [in_slot(c, one, out) for one in values])
    return open_type(c, hir.Block(value.type, at, out, value))


def _row(table: dict[str, tuple[int, Make]], names: str, count: int = 0) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        table.update(dict.fromkeys(names.split(), (count, make)))
        return make

    return register


def _sum(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    return open_type(c, hir.Arithmetic(left.type, at, op, left, right))


def _if(c: Fn, at: int, condition: hir.Expr, then: hir.Expr, otherwise: hir.Expr) -> hir.Expr:
    return open_type(c, hir.If(then.type, at, condition, then, otherwise))


def _is(at: int, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    return hir.Compare(BOOL, at, op, left, right)


def _whole(c: Fn, kind: Type, at: int, value: int) -> hir.Expr:
    return open_type(c, hir.Int(kind, at, value))


def _point(c: Fn, kind: Type, at: int, value: float) -> hir.Expr:
    return open_type(c, hir.Float(kind, at, value))


# ---------------------------------------------------------------- floats


def _elementary(c: Fn, at: int, name: str, values: list[hir.Expr]) -> hir.Expr:
    """A function of the runtime, which has them for f64."""
    kind = resolve(values[0].type)
    if not isinstance(kind, FloatType):
        unify(kind, F64)
    wide = [value if resolve(value.type) == F64 else hir.Cast(F64, at, value) for value in values]
    result = hir.Runtime(F64, at, f"f64_{name}", wide)
    given = resolve(values[0].type)
    return result if given == F64 else hir.Cast(given, at, result)


def _of_runtime(name: str, count: int = 0) -> Make:
    return lambda c, at, made: _elementary(c, at, name, made)


for _name in ("ln", "log10", "log2", "exp", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan"):
    _row(FLOAT_METHODS, _name)(_of_runtime(_name))
_row(FLOAT_METHODS, "atan2", 1)(_of_runtime("atan2"))


@_row(FLOAT_METHODS, "log", 1)
def _log(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    """Of any base."""
    value, base = (_elementary(c, at, "ln", [one]) for one in values)
    return _sum(c, at, "/", value, base)


@_row(FLOAT_METHODS, "hypot", 1)
def _hypot(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    squares = [_sum(c, at, "*", value, value) for value in values]
    total = _sum(c, at, "+", *squares)
    return open_type(c, hir.Runtime(total.type, at, "sqrt", [total]))


@_row(FLOAT_METHODS, "fract")
def _fract(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    whole = open_type(c, hir.Runtime(values[0].type, at, "trunc", [values[0]]))
    return _sum(c, at, "-", values[0], whole)


@_row(FLOAT_METHODS, "recip")
def _recip(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _sum(c, at, "/", _point(c, values[0].type, at, 1.0), values[0])


@_row(FLOAT_METHODS, "to_radians")
def _to_radians(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _sum(c, at, "*", values[0], _point(c, values[0].type, at, 0.017453292519943295))


@_row(FLOAT_METHODS, "to_degrees")
def _to_degrees(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _sum(c, at, "*", values[0], _point(c, values[0].type, at, 57.29577951308232))


@_row(FLOAT_METHODS, "is_nan")
def _is_nan(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _is(at, "!=", values[0], values[0])


@_row(FLOAT_METHODS, "is_finite")
def _is_finite(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _is(at, "==", _sum(c, at, "-", values[0], values[0]), _point(c, values[0].type, at, 0.0))


@_row(FLOAT_METHODS, "is_infinite")
def _is_infinite(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    size = open_type(c, hir.Runtime(values[0].type, at, "fabs", [values[0]]))
    return _is(at, "==", size, _point(c, values[0].type, at, float("inf")))


@_row(FLOAT_METHODS, "signum")
def _float_signum(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    """1 or -1, also for both zeros; no number stays none."""
    value, kind = values[0], values[0].type
    above = _is(at, ">", value, _point(c, kind, at, 0.0))
    zero = _is(at, "==", value, _point(c, kind, at, 0.0))
    turned = _is(at, ">", _sum(c, at, "/", _point(c, kind, at, 1.0), value), _point(c, kind, at, 0.0))
    positive = hir.Or(BOOL, at, above, hir.And(BOOL, at, zero, turned))
    rest = _if(c, at, _is(at, "==", value, value), _point(c, kind, at, -1.0), value)
    return _if(c, at, positive, _point(c, kind, at, 1.0), rest)


# ---------------------------------------------------------------- both


@_row(INTEGER_METHODS, "clamp", 2)
@_row(FLOAT_METHODS, "clamp", 2)
def _clamp(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    value, low, high = values
    return extreme(c, at, "clamp", ">=", low, extreme(c, at, "clamp", "<=", high, value))


# ---------------------------------------------------------------- integers


@_row(INTEGER_METHODS, "signum")
def _signum(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    kind = values[0].type
    zero = _whole(c, kind, at, 0)
    if isinstance(resolve(kind), IntType) and not resolve(kind).signed:  # type: ignore[union-attr]
        return _if(c, at, _is(at, "==", values[0], zero), zero, _whole(c, kind, at, 1))
    below = _if(c, at, _is(at, "<", values[0], zero), _whole(c, kind, at, -1), zero)
    return _if(c, at, _is(at, ">", values[0], zero), _whole(c, kind, at, 1), below)


@_row(INTEGER_METHODS, "is_positive")
def _is_positive(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _is(at, ">", values[0], _whole(c, values[0].type, at, 0))


@_row(INTEGER_METHODS, "is_negative")
def _is_negative(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    return _is(at, "<", values[0], _whole(c, values[0].type, at, 0))


@_row(INTEGER_METHODS, "abs_diff", 1)
def _abs_diff(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    a, b = values
    return _if(c, at, _is(at, "<", a, b), _sum(c, at, "-", b, a), _sum(c, at, "-", a, b))


@_row(INTEGER_METHODS, "rem_euclid", 1)
def _rem_euclid(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    """The remainder that is never negative."""
    out: list[hir.Stmt] = []
    value, by = values
    zero = _whole(c, value.type, at, 0)
    rest = in_slot(c, _sum(c, at, "%", value, by), out)
    up = _if(c, at, _is(at, "<", by, zero), _sum(c, at, "-", rest, by), _sum(c, at, "+", rest, by))
    chosen = _if(c, at, _is(at, "<", rest, zero), up, rest)
    return open_type(c, hir.Block(chosen.type, at, out, chosen))


@_row(INTEGER_METHODS, "div_euclid", 1)
def _div_euclid(c: Fn, at: int, values: list[hir.Expr]) -> hir.Expr:
    """The quotient that leaves that remainder."""
    out: list[hir.Stmt] = []
    value, by = values
    zero, one = (_whole(c, value.type, at, number) for number in (0, 1))
    rest = in_slot(c, _sum(c, at, "%", value, by), out)
    cut = in_slot(c, _sum(c, at, "/", value, by), out)
    down = _if(c, at, _is(at, "<", by, zero), _sum(c, at, "+", cut, one), _sum(c, at, "-", cut, one))
    chosen = _if(c, at, _is(at, "<", rest, zero), down, cut)
    return open_type(c, hir.Block(chosen.type, at, out, chosen))
