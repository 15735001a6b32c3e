"""Numbers of several types side by side, and numbers on their way into a place of another type.

Two integers meet in the narrowest type that holds all values of both; a usize and a signed one in i64, because lengths
are i64; an integer beside a float becomes a float. A
place (a parameter, a field, a result, a variable) takes every integer: what may not fit is checked when it gets there.
Floats never become integers without a cast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    ELEMENT,
    FLOATING,
    INTEGER,
    NUMBER,
    WHOLE,
    TypeVariable,
    Var,
    become_float,
    fresh,
    notify,
    openness,
    resolve,
    type_variable,
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


def is_number(kind: Type) -> bool:
    """Whether a resolved type is a number's, open or not."""
    return isinstance(kind, IntType | FloatType) or openness(kind) >= NUMBER


def meet(p: Pass, left: hir.Expr, right: hir.Expr) -> tuple[hir.Expr, hir.Expr] | None:
    """Two numbers as numbers of one type; None where no type holds both, or one is no number."""
    a = resolve(left.type)
    b = resolve(right.type)
    if a is b:
        return left, right
    if not is_number(a) or not is_number(b):
        return None
    widen(left, b)
    widen(right, a)
    kind = common(resolve(a), resolve(b))
    if kind is None:  # a constant is as good as the literal that it stands for
        kind = b if _fits(left, b) else a if _fits(right, a) else None
    if kind is None:
        return None
    return convert(p, left, kind), convert(p, right, kind)


def may_be_float(kind: Type) -> bool:
    """Whether a number may turn out to be an integer or a float: a local to which floats may be assigned later on."""
    return openness(kind) in (NUMBER, WHOLE, ELEMENT)


def open_pair(p: Pass, base: hir.Expr, exponent: hir.Expr) -> tuple[hir.Expr, hir.Expr] | None:
    """Base and exponent as numbers of one type, where the base is open and either may turn out to be a float."""
    a = resolve(base.type)
    either = may_be_float(a) or may_be_float(resolve(exponent.type))
    return meet(p, base, exponent) if a.__class__ is Var and either else None


def _fits(typed: hir.Expr, kind: Type) -> bool:
    return isinstance(typed, hir.Int) and isinstance(kind, IntType) and holds(kind, typed.value)


def widen(typed: hir.Expr, other: Type) -> None:
    """A literal that its narrow neighbour, of the type `other`, cannot hold widens the operation."""
    narrow = isinstance(typed, hir.Int) and isinstance(other, IntType) and other.bits < 64
    if narrow and resolve(typed.type).__class__ is Var and not _fits(typed, other):
        unify(typed.type, I64)


def widen_beside(literals: list[hir.Expr], typed: hir.Expr, kind: Type | None) -> None:
    """The same where a value is one of several: of branches, or of what breaks give. `kind` is the common type of those
    before it, `literals` are those of them that may still be widened."""
    if kind is not None:
        widen(typed, resolve(kind))
    if isinstance(typed, hir.Int):
        literals.append(typed)
    elif literals and isinstance(resolve(typed.type), IntType):
        for literal in literals:
            widen(literal, resolve(typed.type))
        literals.clear()  # each is looked at once, so a long chain of branches takes no longer


def common(a: Type, b: Type) -> Type | None:
    """The type in which numbers of two resolved types meet; None where there is none."""
    if a is b or a == b:
        return a
    first, second = type_variable(a), type_variable(b)
    if first is not None and second is not None:
        return _common_open(a, first, b, second)
    if first is not None:
        return _common_with_open(first, a, b)
    if second is not None:
        return _common_with_open(second, b, a)
    return _wider(a, b) if isinstance(a, IntType | FloatType) and isinstance(b, IntType | FloatType) else None


def _common_with_open(variable: TypeVariable, own: Type, kind: Type) -> Type | None:
    """Of an open type, which is `own`, and a known one."""
    if variable.kind in (WHOLE, ELEMENT):
        if isinstance(kind, IntType) and kind.bits == 64 and not kind.signed and kind.name != "usize":
            variable.link = kind  # nothing holds both, and only this one was written
            return kind
        return own if isinstance(kind, IntType) else kind
    if variable.kind == INTEGER and isinstance(kind, FloatType):
        return kind
    if variable.kind == FLOATING and isinstance(kind, IntType):
        return own
    return kind if unify(own, kind) else None


def _common_open(a: Type, first: TypeVariable, b: Type, second: TypeVariable) -> Type | None:
    kinds = (first.kind, second.kind)
    if FLOATING in kinds and (INTEGER in kinds or WHOLE in kinds or ELEMENT in kinds):
        return a if first.kind == FLOATING else b
    if ELEMENT in kinds:
        if INTEGER in kinds:
            return a if first.kind == ELEMENT else b
        if ANY not in kinds and NUMBER not in kinds:
            return fresh(WHOLE)
    if WHOLE in kinds and first.kind in _OPEN_INTEGERS and second.kind in _OPEN_INTEGERS:
        first.kind = second.kind = WHOLE
        return fresh(WHOLE)
    return b if unify(a, b) else None


def _wider(a: IntType | FloatType, b: IntType | FloatType) -> Type | None:
    if isinstance(a, FloatType) or isinstance(b, FloatType):
        floats = [one for one in (a, b) if isinstance(one, FloatType)]
        return max(floats, key=lambda one: one.bits)
    if a.signed == b.signed:
        return a if a.bits > b.bits or (a.bits == b.bits and "size" in b.name) else b
    signed, unsigned = (a, b) if a.signed else (b, a)
    if unsigned.name == "usize":  # counts and lengths are i64, and people write usize for them
        return I64
    if signed.bits > unsigned.bits:
        return signed
    return INTEGERS.get(f"i{2 * unsigned.bits}")


def _is_open(kind: Type, *kinds: int) -> bool:
    """Whether a resolved type is a type variable of one of these kinds."""
    return openness(kind) in kinds


def convert(p: Pass, typed: hir.Expr, kind: Type) -> hir.Expr:
    """A number as one of another type, which `common` or `placed` found; traps where it does not fit."""
    source = resolve(typed.type)
    target = resolve(kind)
    if source is target:
        return typed
    if isinstance(typed, hir.Int):
        if isinstance(target, FloatType) or openness(target) == FLOATING:
            return _noted(p, hir.Float(target, typed.at, float(typed.value)))
        if isinstance(target, IntType) and holds(target, typed.value):
            return hir.Int(target, typed.at, typed.value)
        if _is_open(target, ELEMENT):
            return _element(p, typed, target)
        if target.__class__ is Var and _is_open(source, INTEGER) and unify(source, target):
            return typed
    variable, follower = type_variable(source), type_variable(target)
    if variable is not None and variable.kind == ELEMENT:
        if follower is not None and follower.kind in (WHOLE, ELEMENT):
            variable.followers.append(follower)
        elif isinstance(target, IntType):
            p.open.flows.append((typed.at, source, target))
    if variable is not None and variable.kind in _OPEN_INTEGERS:
        variable.kind = WHOLE
        if follower is not None and follower.kind in (WHOLE, ELEMENT):
            variable.followers.append(follower)
            p.open.flows.append((typed.at, source, target))
        elif isinstance(target, IntType):
            variable.link = I64
            if target is I64:
                return typed
    return _noted(p, hir.Cast(target, typed.at, typed))


def _element(p: Pass, number: hir.Int, target: Type) -> hir.Expr:
    """A literal as part of an array or a tuple: it has whatever type that turns out to have."""
    typed = hir.Int(target, number.at, number.value)
    p.open.pending.append(typed)
    p.open.literals.append((typed, number.value))
    return typed


def part_of(p: Pass, typed: hir.Expr) -> hir.Expr:
    """A value as a part of an array or a tuple that says no type."""
    kind = resolve(typed.type)
    return convert(p, typed, fresh(ELEMENT)) if _is_open(kind, *_OPEN_INTEGERS) else typed


def part_type(kind: Type) -> Type:
    """The type of the parts of an array whose values meet in this type of numbers."""
    return fresh(ELEMENT) if _is_open(kind, *_OPEN_INTEGERS, ELEMENT) else kind


def _noted(p: Pass, typed: hir.Expr) -> hir.Expr:
    if typed.type.__class__ is Var:
        p.open.pending.append(typed)
    return typed


def started(p: Pass, typed: hir.Expr) -> hir.Expr:
    """The value of a `let` without a type: from an integer that nothing else decides starts an i64, unless floats are
    assigned to the variable."""
    variable = type_variable(typed.type)
    if variable is not None and variable.kind == ELEMENT:
        return convert(p, typed, fresh(WHOLE))
    if variable is None or variable.kind not in _OPEN_INTEGERS:
        return typed
    stays = isinstance(typed, hir.Int) and variable.kind == INTEGER
    variable.kind = WHOLE
    return typed if stays else convert(p, typed, fresh(WHOLE))


def placed(p: Pass, typed: hir.Expr, want: Type) -> hir.Expr | None:
    """A number as it goes into a place of type `want`; None where it cannot (and for all that is no number)."""
    to = resolve(want)
    source = resolve(typed.type)
    is_integer = isinstance(source, IntType) or _is_open(source, *_OPEN_INTEGERS, ELEMENT)
    variable = type_variable(to)
    if variable is not None:
        return _placed_open(p, typed, variable, source, is_integer)
    if isinstance(to, IntType):
        if _is_open(source, INTEGER):  # no variable's: it may still become that very type
            return None
        return convert(p, typed, to) if is_integer else None
    if isinstance(to, FloatType):
        wider = isinstance(source, FloatType) and source.bits <= to.bits
        return convert(p, typed, to) if is_integer or wider else None
    return None


def _placed_open(p: Pass, typed: hir.Expr, to: TypeVariable, source: Type, is_integer: bool) -> hir.Expr | None:
    place = cast("Type", to)
    if to.kind == WHOLE:
        if isinstance(source, FloatType) or openness(source) == FLOATING:
            become_float(to, source)
            return typed
        return convert(p, typed, place) if is_integer else None
    if to.kind == FLOATING:
        return convert(p, typed, place) if is_integer else None
    if to.kind == ELEMENT:
        if isinstance(source, FloatType) or openness(source) == FLOATING:
            return typed if unify(place, source) else None
        return convert(p, typed, place) if is_integer else None
    if openness(source) == WHOLE and to.kind in (ANY, INTEGER):
        if to.kind == INTEGER:
            to.kind = WHOLE
        else:
            to.link = fresh(WHOLE)
            notify(to)
        return convert(p, typed, place)
    return None
