"""Numbers of several types side by side, and numbers on their way into a place of another type.

Two integers meet in the narrowest type that holds all values of both; an integer beside a float becomes a float. A
place (a parameter, a field, a result, a variable) takes every integer: what may not fit is checked when it gets there.
Floats never become integers without a cast. Sections 12 and 13 of the language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.infer import (
    ANY,
    FLOATING,
    INTEGER,
    NUMBER,
    WHOLE,
    Var,
    become_float,
    fresh,
    known,
    resolve,
    unify,
)
from orchestrator.toolchains.ruchy.check.types import I64, INTEGERS, FloatType, IntType, Type

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

_OPEN_INTEGERS = (INTEGER, WHOLE)


def holds(kind: IntType, value: int) -> bool:
    """Whether an integer type has this value."""
    if kind.signed:
        return -(1 << kind.bits - 1) <= value < 1 << kind.bits - 1
    return 0 <= value < 1 << kind.bits


def is_number(kind: Any) -> bool:
    """Whether a resolved type is a number's, open or not."""
    return isinstance(kind, IntType | FloatType) or (kind.__class__ is Var and kind.kind >= NUMBER)


def meet(p: Pass, left: hir.Expr, right: hir.Expr) -> tuple[hir.Expr, hir.Expr] | None:
    """Two numbers as numbers of one type; None where no type holds both, or one is no number."""
    a: Any = resolve(left.type)
    b: Any = resolve(right.type)
    if a is b:
        return left, right
    if not is_number(a) or not is_number(b):
        return None
    _widen(left, a, b)
    _widen(right, b, a)
    kind = common(resolve(a), resolve(b))
    if kind is None:  # a constant is as good as the literal that it stands for
        kind = b if _fits(left, b) else a if _fits(right, a) else None
    if kind is None:
        return None
    return convert(p, left, kind), convert(p, right, kind)


def may_be_float(kind: Any) -> bool:
    """Whether a number may turn out to be an integer or a float: a local to which floats may be assigned later on."""
    return kind.__class__ is Var and kind.kind in (NUMBER, WHOLE)


def open_pair(p: Pass, base: hir.Expr, exponent: hir.Expr) -> tuple[hir.Expr, hir.Expr] | None:
    """Base and exponent as numbers of one type, where the base is open and either may turn out to be a float."""
    a: Any = resolve(base.type)
    either = may_be_float(a) or may_be_float(resolve(exponent.type))
    return meet(p, base, exponent) if a.__class__ is Var and either else None


def _fits(made: hir.Expr, kind: Any) -> bool:
    return isinstance(made, hir.Int) and isinstance(kind, IntType) and holds(kind, made.value)


def _widen(made: hir.Expr, kind: Any, other: Any) -> None:
    """A literal that its narrow neighbour cannot hold widens the operation."""
    narrow = isinstance(other, IntType) and other.bits < 64
    if narrow and isinstance(made, hir.Int) and kind.__class__ is Var and not holds(other, made.value):
        unify(kind, I64)


def common(a: Any, b: Any) -> Type | None:
    """The type in which numbers of two resolved types meet; None where there is none."""
    if a is b or a == b:
        return cast("Type", a)
    if a.__class__ is not Var and b.__class__ is not Var:
        return _wider(a, b)
    if a.__class__ is Var and b.__class__ is Var:
        return _common_open(a, b)
    variable, kind = (a, b) if a.__class__ is Var else (b, a)
    if variable.kind == WHOLE:
        if isinstance(kind, IntType) and kind.bits == 64 and not kind.signed:
            variable.link = kind  # nothing holds both, and only this one was written
            return cast("Type", kind)
        return cast("Type", variable if isinstance(kind, IntType) else kind)
    if variable.kind == INTEGER and isinstance(kind, FloatType):
        return kind
    if variable.kind == FLOATING and isinstance(kind, IntType):
        return cast("Type", variable)
    return cast("Type", kind) if unify(variable, kind) else None


def _common_open(a: Any, b: Any) -> Type | None:
    kinds = (a.kind, b.kind)
    if FLOATING in kinds and (INTEGER in kinds or WHOLE in kinds):
        return cast("Type", a if a.kind == FLOATING else b)
    if WHOLE in kinds and a.kind in _OPEN_INTEGERS and b.kind in _OPEN_INTEGERS:
        a.kind = b.kind = WHOLE
        return fresh(WHOLE)
    return cast("Type", b) if unify(a, b) else None


def _wider(a: IntType | FloatType, b: IntType | FloatType) -> Type | None:
    if isinstance(a, FloatType) or isinstance(b, FloatType):
        floats = [one for one in (a, b) if isinstance(one, FloatType)]
        return max(floats, key=lambda one: one.bits)
    if a.signed == b.signed:
        return a if a.bits > b.bits or (a.bits == b.bits and "size" in b.name) else b
    signed, unsigned = (a, b) if a.signed else (b, a)
    if signed.bits > unsigned.bits:
        return signed
    return INTEGERS.get(f"i{2 * unsigned.bits}")


def _is_open(kind: Any, *kinds: int) -> bool:
    """Whether a resolved type is a type variable of one of these kinds."""
    return kind.__class__ is Var and kind.kind in kinds


def convert(p: Pass, made: hir.Expr, kind: Type) -> hir.Expr:
    """A number as one of another type, which `common` or `placed` found; traps where it does not fit."""
    source: Any = resolve(made.type)
    target: Any = resolve(kind)
    if source is target:
        return made
    if isinstance(made, hir.Int):
        if isinstance(target, FloatType) or (target.__class__ is Var and target.kind == FLOATING):
            return _noted(p, hir.Float(target, made.at, float(made.value)))
        if isinstance(target, IntType) and holds(target, made.value):
            return hir.Int(target, made.at, made.value)
        if target.__class__ is Var and _is_open(source, INTEGER) and unify(source, target):
            return made
    if _is_open(source, *_OPEN_INTEGERS):
        source.kind = WHOLE
        if _is_open(target, WHOLE):
            source.followers.append(target)
            p.flows.append((made.at, source, target))
        elif isinstance(target, IntType):
            source.link = I64
            if target is I64:
                return made
    return _noted(p, hir.Cast(target, made.at, made))


def _noted(p: Pass, made: hir.Expr) -> hir.Expr:
    if made.type.__class__ is Var:
        p.pending.append(made)
    return made


def started(p: Pass, made: hir.Expr) -> hir.Expr:
    """The value of a `let` without a type: from an integer that nothing else decides starts an i64, unless floats are
    assigned to the variable."""
    kind: Any = resolve(made.type)
    if kind.__class__ is not Var or kind.kind not in _OPEN_INTEGERS:
        return made
    if isinstance(made, hir.Int) and kind.kind == INTEGER:
        kind.kind = WHOLE
        return made
    kind.kind = WHOLE
    return convert(p, made, fresh(WHOLE))


def placed(p: Pass, made: hir.Expr, want: Type) -> hir.Expr | None:
    """A number as it goes into a place of type `want`; None where it cannot (and for all that is no number)."""
    to: Any = resolve(want)
    source: Any = resolve(made.type)
    is_integer = isinstance(source, IntType) or _is_open(source, *_OPEN_INTEGERS)
    if to.__class__ is Var:
        return _placed_open(p, made, to, source, is_integer)
    if isinstance(to, IntType):
        if _is_open(source, INTEGER):  # no variable's: it may still become that very type
            return None
        return convert(p, made, to) if is_integer else None
    if isinstance(to, FloatType):
        wider = isinstance(source, FloatType) and source.bits <= to.bits
        return convert(p, made, to) if is_integer or wider else None
    return None


def _placed_open(p: Pass, made: hir.Expr, to: Any, source: Any, is_integer: bool) -> hir.Expr | None:
    if to.kind == WHOLE:
        if isinstance(source, FloatType) or (source.__class__ is Var and source.kind == FLOATING):
            become_float(to, cast("Type", source))
            return made
        return convert(p, made, to) if is_integer else None
    if to.kind == FLOATING:
        return convert(p, made, to) if is_integer else None
    if source.__class__ is Var and source.kind == WHOLE and to.kind in (ANY, INTEGER):
        if to.kind == INTEGER:
            to.kind = WHOLE
        else:
            to.link = fresh(WHOLE)
            known(to)
        return convert(p, made, to)
    return None
