"""What belongs to a number type: `i32::MAX`, `f64::EPSILON`; and `PI` and its like."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FLOATS, INTEGERS
from orchestrator.toolchains.ruchy.syntax import tree

_F32 = 3.4028234663852886e38
_F64 = 1.7976931348623157e308
_COMMON = {"INFINITY": float("inf"), "NEG_INFINITY": float("-inf"), "NAN": float("nan")}
_FLOATS: dict[str, dict[str, float]] = {
    "f32": {"MAX": _F32, "MIN": -_F32, "EPSILON": 2.0**-23, "MIN_POSITIVE": 2.0**-126, **_COMMON},
    "f64": {"MAX": _F64, "MIN": -_F64, "EPSILON": 2.0**-52, "MIN_POSITIVE": 2.0**-1022, **_COMMON},
}


_NUMBERS = {
    "PI": 3.141592653589793,
    "TAU": 6.283185307179586,
    "E": 2.718281828459045,
    "SQRT_2": 1.4142135623730951,
    "LN_2": 0.6931471805599453,
    "LN_10": 2.302585092994046,
    "FRAC_PI_2": 1.5707963267948966,
    "FRAC_PI_4": 0.7853981633974483,
}
"""The constants of mathematics."""
_HOMES = frozenset((("math",), ("f64", "consts"), ("f32", "consts"), ("consts",), ("f64",)))


def number_of_mathematics(segments: tuple[str, ...], at: int) -> hir.Expr | None:
    """`PI`, `math::E`, `f64::consts::TAU`."""
    *home, name = segments
    value = _NUMBERS.get(name)
    is_one = tuple(home) in _HOMES or (not home and name in ("PI", "TAU"))
    kind = FLOATS["f32" if home[:1] == ["f32"] else "f64"]
    return hir.Float(kind, at, value) if value is not None and is_one else None


_ORDERINGS = {"Less": -1, "Equal": 0, "Greater": 1}


def ordering_pattern(node: tree.PathPattern) -> tree.Pattern | None:
    """`Ordering::Less` where a pattern stands: what `cmp` gives is a number below, at or above 0."""
    at, number = node.at, _ORDERINGS.get(node.path[-1])
    if number is None or node.path[:-1] != ("Ordering",):
        return None
    if number == 0:
        return tree.LiteralPattern(at, tree.IntLiteral(at, 0))
    one = tree.IntLiteral(at, 1)
    if number > 0:
        return tree.RangePattern(at, one, None, True)
    return tree.RangePattern(at, None, tree.Unary(at, "-", one), True)


def limit(segments: tuple[str, ...], at: int) -> hir.Expr | None:
    """The constant of a number type that a path means; None where it means none."""
    number = number_of_mathematics(segments, at)
    if number is not None or len(segments) != 2:
        return number
    kind, name = segments
    if kind == "Ordering" and name in _ORDERINGS:
        return hir.Int(INTEGERS["i64"], at, _ORDERINGS[name])
    integer = INTEGERS.get(kind)
    if integer is not None and name in ("MAX", "MIN"):
        bits = integer.bits - integer.signed
        lowest = -(1 << bits) if integer.signed else 0
        return hir.Int(integer, at, (1 << bits) - 1 if name == "MAX" else lowest)
    value = _FLOATS.get(kind, {}).get(name)
    return None if value is None else hir.Float(FLOATS[kind], at, value)


def number_in(value: tree.Expr) -> int | float | None:
    """The value of a number that is written, or named by its type; None for what is computed."""
    if isinstance(value, tree.Unary):
        inner = number_in(value.operand)
        return None if inner is None else -inner
    if isinstance(value, tree.Path):
        constant = limit(value.segments, value.at)
        return constant.value if isinstance(constant, hir.Int | hir.Float) else None
    return value.value if isinstance(value, tree.IntLiteral | tree.FloatLiteral) else None
