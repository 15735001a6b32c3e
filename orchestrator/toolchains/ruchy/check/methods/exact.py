"""Methods of numbers that say what happens where a result does not fit, that count bits, and a few of floats.

Most are written in Ruchy, as those in `written_rows.py` are: `__xs` is the number, `__b` the argument, `__MIN` and
`__MAX` the ends of its type, `__ZERO` and `__ONE` numbers of it, and `{over}` the test whether the operation leaves it.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check, expr, open_type
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import (
    FLOATING,
    INTEGER,
    narrow,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import may_be_float
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, F64, I64, NEVER, FloatType, IntType
from orchestrator.toolchains.ruchy.syntax import tree

_ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")

_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "rem": "%"}
_SIGNED = {
    "add": "if __b >= 0 { __xs > __MAX - __b } else { __xs < __MIN - __b }",
    "sub": "if __b >= 0 { __xs < __MIN + __b } else { __xs > __MAX + __b }",
    "mul": "if __b > 0 { __xs > __MAX / __b || __xs < __MIN / __b } else if __b < -1 { __xs > __MIN / __b || "
    "__xs < __MAX / __b } else { __b == -1 && __xs == __MIN }",
    "div": "__b == 0 || (__b == -1 && __xs == __MIN)",
    "rem": "__b == 0 || (__b == -1 && __xs == __MIN)",
    "neg": "__xs == __MIN",
    "abs": "__xs == __MIN",
}
_UNSIGNED = {
    "add": "__xs > __MAX - __b",
    "sub": "__xs < __b",
    "mul": "__b > 0 && __xs > __MAX / __b",
    "div": "__b == 0",
    "rem": "__b == 0",
    "neg": "__xs != 0",
}
_BOUNDS = {
    "add": "if __b >= 0 { __MAX } else { __MIN }",
    "sub": "if __b >= 0 { __MIN } else { __MAX }",
    "mul": "if (__xs < 0) == (__b < 0) { __MAX } else { __MIN }",
}
_POWERS = {
    "checked_pow": "{ let mut __r = Some(__ONE); for __i in 0..__b { "
    "__r = match __r { Some(__v) => __v.checked_mul(__xs), None => None } } __r }",
    "wrapping_pow": "{ let mut __r = __ONE; for __i in 0..__b { __r = __r.wrapping_mul(__xs) } __r }",
    "saturating_pow": "{ let mut __r = __ONE; for __i in 0..__b { __r = __r.saturating_mul(__xs) } __r }",
}
_SHIFTS = {
    "wrapping_shl": "__xs << (__b & __LAST)",
    "wrapping_shr": "__xs >> (__b & __LAST)",
    "checked_shl": "if __b >= 0 && __b <= __LAST { Some(__xs << __b) } else { None }",
    "checked_shr": "if __b >= 0 && __b <= __LAST { Some(__xs >> __b) } else { None }",
}
_BITS = ("count_ones", "count_zeros", "leading_zeros", "trailing_zeros")
_OF_FLOATS = {
    "sinh": "if __xs.abs() < 1.0 { let mut __t = __xs; let mut __r = __xs; for __i in 1..12 { "
    "__t = __t * __xs * __xs / ((2 * __i) * (2 * __i + 1)); __r = __r + __t } __r } "
    "else { (__xs.exp() - (-__xs).exp()) / 2.0 }",
    "cosh": "(__xs.exp() + (-__xs).exp()) / 2.0",
    "tanh": "if __xs.abs() < 0.5 { __xs.sinh() / __xs.cosh() } else if __xs > 0.0 "
    "{ 1.0 - 2.0 / ((2.0 * __xs).exp() + 1.0) } else { 2.0 / ((-2.0 * __xs).exp() + 1.0) - 1.0 }",
    "exp2": "2.0 ** __xs",
    "sin_cos": "(__xs.sin(), __xs.cos())",
    "copysign": "if __b.signum() == __xs.signum() { __xs } else { -__xs }",
    "is_sign_negative": "__xs.signum() < 0.0",
    "is_sign_positive": "__xs.signum() > 0.0",
}
_OF_TWO_FLOATS = frozenset(("copysign",))

_CUTTING = tuple(f"wrapping_{op}" for op in ("add", "sub", "mul"))


def _of_integers() -> dict[str, int]:
    """The names of the methods, and how many arguments they take."""
    methods = {
        f"{how}_{op}": 1
        for how, ops in (
            ("checked", _OPERATORS),
            ("wrapping", _OPERATORS),
            ("overflowing", _BOUNDS),
            ("saturating", _BOUNDS),
        )
        for op in ops
    }
    methods.update({f"{how}_{op}": 0 for how in ("checked", "wrapping") for op in ("neg", "abs")})
    methods.update(dict.fromkeys((*_POWERS, *_SHIFTS), 1))
    methods.update(dict.fromkeys((*_BITS, "is_power_of_two"), 0))
    return methods


INTEGERS = _of_integers()
FLOATS = {name: int(name in _OF_TWO_FLOATS) for name in _OF_FLOATS}
EXACT = {**INTEGERS, **FLOATS}
"""How many arguments each takes."""


def exact_method(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr) -> hir.Expr | None:
    """The call of a method of a number that is made here; None for any other."""
    count = EXACT.get(name)
    if count is None:
        return None
    if len(node.arguments) != count:
        arguments_of(c, node, name, count, count)
        return bad(node.at)
    return _of_float(c, node, name, receiver) if name in FLOATS else _of_integer(c, node, name, receiver)


def _of_float(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr) -> hir.Expr:
    values = {"xs": receiver if narrow(receiver.type, FLOATING) else hir.Cast(F64, node.at, receiver)}
    if node.arguments:
        values["b"] = check(c, node.arguments[0], values["xs"].type, (*_ARGUMENT, name))
    return in_ruchy(c, node.at, _OF_FLOATS[name], values)


def _of_integer(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr) -> hir.Expr:
    at = node.at
    kind = resolve(receiver.type)
    if openness(kind) == FLOATING or isinstance(kind, FloatType) or not narrow(kind, INTEGER):
        c.p.error("E0107", at, f"{shown(kind)} has no method `{name}`: integers have")
        for argument in node.arguments:
            expr(c, argument)
        return bad(at)
    if not isinstance(kind, IntType):
        unify(kind, I64)
        kind = resolve(kind)
    assert isinstance(kind, IntType) and not may_be_float(kind)
    how, _, op = name.partition("_")
    values = {"xs": receiver}
    if node.arguments:
        as_count = name in _POWERS or name in _SHIFTS
        values["b"] = check(c, node.arguments[0], I64 if as_count else kind, (*_ARGUMENT, name))
        if values["b"].type is NEVER or resolve(values["b"].type) is ERROR:
            return bad(at)
    if name in _BITS or name == "is_power_of_two":
        return _counted(c, at, name, receiver, kind)
    if name in _CUTTING:
        return _cut(c, at, op, kind, [receiver, values["b"]])
    ends = {"MIN": -(1 << kind.bits - 1) if kind.signed else 0, "MAX": (1 << kind.bits - kind.signed) - 1}
    constants = {**ends, "ZERO": 0, "ONE": 1}
    values.update({one: hir.Int(kind, at, value) for one, value in constants.items()})
    values["LAST"] = hir.Int(I64, at, kind.bits - 1)
    return in_ruchy(c, at, _text(name, how, op, kind), values)


def _text(name: str, how: str, op: str, kind: IntType) -> str:
    """What a method is in Ruchy."""
    if name in _POWERS or name in _SHIFTS:
        return _POWERS.get(name) or _SHIFTS[name]
    over = (_SIGNED if kind.signed else {**_UNSIGNED, "abs": "false"})[op]
    plain = f"__xs {_OPERATORS[op]} __b" if op in _OPERATORS else "__ZERO - __xs"
    if op == "abs":
        plain = "__xs.abs()"
    if how == "checked":
        return f"if {over} {{ None }} else {{ Some({plain}) }}"
    if how == "overflowing":
        return f"(__xs.wrapping_{op}(__b), {over})"
    if how == "saturating":
        bound = _BOUNDS[op] if kind.signed else _BOUNDS[op].replace("(__xs < 0) == (__b < 0)", "true")
        return f"if {over} {{ {bound} }} else {{ {plain} }}"
    if op == "neg":
        return "__ZERO.wrapping_sub(__xs)"
    if op not in _OPERATORS:
        return f"if {over} {{ __xs }} else {{ {plain} }}"
    cut = "__ZERO" if op == "rem" else "__MIN"
    return f"if __b != 0 && ({over}) {{ {cut} }} else {{ {plain} }}"


def _cut(c: Fn, at: int, op: str, kind: IntType, values: list[hir.Expr]) -> hir.Expr:
    """An operation of which what is too large is cut: in 64 bits, and from there in those of the type."""
    out: list[hir.Stmt] = []
    values = [in_slot(c, one, out) for one in values]
    if kind.bits == 64:
        return hir.Block(kind, at, out, hir.Runtime(kind, at, op, values))
    wide: hir.Expr = hir.Runtime(I64, at, op, [hir.Cast(I64, at, value) for value in values])
    if kind.signed:
        by = hir.Int(I64, at, 64 - kind.bits)
        wide = hir.Arithmetic(I64, at, ">>", hir.Arithmetic(I64, at, "<<", wide, by), by)
    else:
        wide = hir.Arithmetic(I64, at, "&", wide, hir.Int(I64, at, (1 << kind.bits) - 1))
    return hir.Block(kind, at, out, hir.Cast(kind, at, wide))


def _counted(c: Fn, at: int, name: str, receiver: hir.Expr, kind: IntType) -> hir.Expr:
    """What depends on the bits of a number, in those of its own type."""

    def int_(value: int) -> hir.Expr:
        return hir.Int(I64, at, value)

    out: list[hir.Stmt] = []
    value = in_slot(c, receiver, out)
    if kind.bits == 64:
        value = hir.Runtime(I64, at, "add", [value, int_(0)])  # the same bits, as an i64
    else:
        value = hir.Arithmetic(I64, at, "&", hir.Cast(I64, at, value), int_((1 << kind.bits) - 1))
    value = in_slot(c, value, out)
    ones = hir.Runtime(I64, at, "popcnt", [value])
    if name == "is_power_of_two":
        return in_ruchy(c, at, "__n == 1", {"n": hir.Block(I64, at, out, ones)})
    if name == "count_ones":
        count: hir.Expr = ones
    elif name == "count_zeros":
        count = hir.Arithmetic(I64, at, "-", int_(kind.bits), ones)
    elif name == "leading_zeros":
        count = hir.Arithmetic(I64, at, "-", hir.Runtime(I64, at, "clz", [value]), int_(64 - kind.bits))
    else:
        count = in_slot(c, hir.Runtime(I64, at, "ctz", [value]), out)
        test = hir.Compare(BOOL, at, "<", count, int_(kind.bits))
        count = hir.If(I64, at, test, count, int_(kind.bits))
    return open_type(c, hir.Block(I64, at, out, count))
