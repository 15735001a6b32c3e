"""Arrays of numbers on their way into a place whose arrays are of another type of numbers: a new array, each element as
`widths.py` converts a single number. Only known types are converted; an open one takes the type of the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.inference.infer import ELEMENT, Var, openness, resolve
from orchestrator.toolchains.ruchy.check.inference.widths import convert
from orchestrator.toolchains.ruchy.check.types import I64, UNIT, ArrayType, FloatType, IntType, Type

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


class SlotMaker(Protocol):
    """What it needs of the function that is being checked."""

    p: Pass
    counter: int

    def slot(self, kind: Type) -> int: ...


def converted_array(c: SlotMaker, typed: hir.Expr, want: Type) -> hir.Expr | None:
    """The array as one of the type `want`; None where that is not a matter of numbers."""
    source, target = resolve(typed.type), resolve(want)
    if not isinstance(source, ArrayType) or not isinstance(target, ArrayType) or not _fits(source, target):
        return None
    at = typed.at
    array, new, counter = c.slot(source), c.slot(target), c.slot(I64)
    element = hir.GetElement(
        resolve(source.element), at, hir.Local(source, at, array), hir.Local(I64, at, counter), checked=False
    )
    if element.type.__class__ is Var:
        c.p.open.pending.append(element)
    inner = converted_array(c, element, target.element) or convert(c.p, element, target.element)
    body = hir.Block(UNIT, at, [hir.Change(new, [], "push", [inner], at)], hir.Unit(UNIT, at))
    c.counter += 1
    length = hir.Runtime(I64, at, "length", [hir.Local(source, at, array)])
    loop = hir.ForRange(UNIT, at, c.counter - 1, counter, hir.Int(I64, at, 0), length, inclusive=False, body=body)
    steps: list[hir.Stmt] = [hir.Let(array, typed), hir.Let(new, hir.NewArray(target, at, [])), hir.Do(loop)]
    return hir.Block(target, at, steps, hir.Local(target, at, new))


def is_of_integers(source: Type, target: Type) -> bool:
    """Whether a variable holds an array of integers that nothing has decided, where floats are needed: the variable
    goes on to hold integers, unless floats are put into it."""
    source, target = resolve(source), resolve(target)
    while isinstance(source, ArrayType) and isinstance(target, ArrayType):
        source, target = resolve(source.element), resolve(target.element)
    return isinstance(target, FloatType) and openness(source) == ELEMENT


def _fits(source: Type, target: Type) -> bool:
    source, target = resolve(source), resolve(target)
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        return _fits(source.element, target.element)
    if isinstance(target, FloatType):
        if openness(source) == ELEMENT:
            return True
        return isinstance(source, IntType) or (isinstance(source, FloatType) and source.bits < target.bits)
    return isinstance(target, IntType) and isinstance(source, IntType)
