"""What belongs to a number type: `i32::MAX`, `f64::EPSILON`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FLOATS, INTEGERS

_F32 = 3.4028234663852886e38
_F64 = 1.7976931348623157e308
_COMMON = {"INFINITY": float("inf"), "NEG_INFINITY": float("-inf"), "NAN": float("nan")}
_FLOATS: dict[str, dict[str, float]] = {
    "f32": {"MAX": _F32, "MIN": -_F32, "EPSILON": 2.0**-23, "MIN_POSITIVE": 2.0**-126, **_COMMON},
    "f64": {"MAX": _F64, "MIN": -_F64, "EPSILON": 2.0**-52, "MIN_POSITIVE": 2.0**-1022, **_COMMON},
}


def limit(segments: tuple[str, ...], at: int) -> hir.Expr | None:
    """The constant of a number type that a path means; None where it means none."""
    if len(segments) != 2:
        return None
    kind, name = segments
    integer = INTEGERS.get(kind)
    if integer is not None and name in ("MAX", "MIN"):
        bits = integer.bits - integer.signed
        lowest = -(1 << bits) if integer.signed else 0
        return hir.Int(integer, at, (1 << bits) - 1 if name == "MAX" else lowest)
    value = _FLOATS.get(kind, {}).get(name)
    return None if value is None else hir.Float(FLOATS[kind], at, value)
