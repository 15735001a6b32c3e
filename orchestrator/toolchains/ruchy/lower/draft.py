"""What helpers that are typed trees are made of (see `glue.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER, abilities
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I32,
    NEVER,
    STRING,
    UNIT,
    FloatType,
    IntType,
    PlainEnumType,
    StringType,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.lower.layout import Layouts


class Draft:
    """What a helper is made of. `option` is what stands behind the dot of its kind: "bare.2" of `show.bare.2`."""

    __slots__ = ("layouts", "locals", "option")

    def __init__(self, layouts: Layouts, parameters: Sequence[Type], option: str) -> None:
        self.layouts = layouts
        self.locals = list(parameters)
        self.option = option

    def slot(self, kind: Type) -> int:
        """A new local."""
        self.locals.append(kind)
        return len(self.locals) - 1


def is_bare(draft: Draft) -> bool:
    return draft.option.startswith("bare")


def inside(draft: Draft, typed: hir.Expr, bare: bool) -> list[hir.Expr]:
    """The text of a value inside of another: strings have quotes there."""
    digits = draft.option.removeprefix("bare").removeprefix(".")
    has_digits = isinstance(typed.type, IntType | FloatType) or abilities(typed.type).show == HELPER
    text = hir.ToText(STRING, 0, typed, int(digits) if digits and has_digits else None, bare=bare)
    quote = hir.Str(STRING, 0, '"' if typed.type is STRING and not bare else "")
    return [quote, text, quote]


def unless(condition: hir.Expr, otherwise: hir.Expr) -> hir.Expr:
    return hir.If(UNIT, 0, condition, hir.Unit(UNIT, 0), otherwise)


def compared(left: hir.Expr, right: hir.Expr) -> hir.Expr:
    """How two values stand in the order that `sort` and the keys of maps go by: an i32 below, at or above 0. Both are
    looked at more than once."""
    kind = left.type
    if isinstance(kind, StringType):
        return hir.Runtime(I32, 0, "str_compare", [left, right])
    if isinstance(kind, PlainEnumType):
        return compared(hir.GetTag(I32, 0, left), hir.GetTag(I32, 0, right))
    if kind.parts:
        return hir.Helper(I32, 0, "compare", kind, [left, right])
    above = hir.If(I32, 0, hir.Compare(BOOL, 0, ">", left, right), hir.Int(I32, 0, 1), hir.Int(I32, 0, 0))
    return hir.If(I32, 0, hir.Compare(BOOL, 0, "<", left, right), hir.Int(I32, 0, -1), above)


def unless_zero(draft: Draft, typed: hir.Expr) -> list[hir.Stmt]:
    """Returns an i32 from the helper, unless it is 0."""
    slot = draft.slot(I32)
    local = hir.Local(I32, 0, slot)
    same = hir.Compare(BOOL, 0, "==", local, hir.Int(I32, 0, 0))
    return [hir.Let(slot, typed), hir.Do(unless(same, hir.Return(NEVER, 0, local)))]
