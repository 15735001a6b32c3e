"""The helpers of enums, of `Option` and of `Result` (see `glue.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, I32, NEVER, STRING, UNIT, EnumType
from orchestrator.toolchains.ruchy.lower.draft import Draft, compared, inside, unless_zero

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.lower.layout import Layout


def _each_variant(draft: Draft, type_: EnumType, do: Callable[[int, Layout], hir.Expr | None]) -> list[hir.Stmt]:
    """`if tag == 0 { return .. }`, `if tag == 1 { return .. }` and so on; nothing where `do` gives None."""
    slot = draft.slot(I32)
    tag = hir.Local(I32, 0, slot)
    steps: list[hir.Stmt] = [hir.Let(slot, hir.GetTag(I32, 0, hir.Local(type_, 0, 0)))]
    for number, layout in enumerate(draft.layouts.variants(type_)):
        value = do(number, layout)
        if value is not None:
            is_it = hir.Compare(BOOL, 0, "==", tag, hir.Int(I32, 0, number))
            steps.append(hir.Do(hir.If(UNIT, 0, is_it, hir.Return(NEVER, 0, value), hir.Unit(UNIT, 0))))
    return steps


def _pairs(type_: EnumType, number: int, layout: Layout) -> list[tuple[hir.Expr, hir.Expr]]:
    pairs: list[tuple[hir.Expr, hir.Expr]] = []
    for index, field in enumerate(layout.fields):
        left, right = (hir.GetPayload(field.type, 0, hir.Local(type_, 0, slot), number, index) for slot in (0, 1))
        pairs.append((left, right))
    return pairs


def equal_enums(draft: Draft, type_: EnumType) -> hir.Expr:
    def same(number: int, layout: Layout) -> hir.Expr | None:
        value: hir.Expr | None = None
        for left, right in _pairs(type_, number, layout):
            typed = hir.Compare(BOOL, 0, "==", left, right)
            value = typed if value is None else hir.And(BOOL, 0, value, typed)
        return value

    tags = [hir.GetTag(I32, 0, hir.Local(type_, 0, slot)) for slot in (0, 1)]
    differ = hir.Compare(BOOL, 0, "!=", *tags)
    first = hir.If(UNIT, 0, differ, hir.Return(NEVER, 0, hir.Int(BOOL, 0, 0)), hir.Unit(UNIT, 0))
    return hir.Block(BOOL, 0, [hir.Do(first), *_each_variant(draft, type_, same)], hir.Int(BOOL, 0, 1))


def compare_enums(draft: Draft, type_: EnumType) -> hir.Expr:
    """By the variants, then by the first parts of the payload that differ."""

    def order(number: int, layout: Layout) -> hir.Expr | None:
        steps: list[hir.Stmt] = []
        for pair in _pairs(type_, number, layout):
            steps += unless_zero(draft, compared(*pair))
        return hir.Block(I32, 0, steps, hir.Int(I32, 0, 0)) if steps else None

    tags = [hir.GetTag(I32, 0, hir.Local(type_, 0, slot)) for slot in (0, 1)]
    steps = [*unless_zero(draft, compared(*tags)), *_each_variant(draft, type_, order)]
    return hir.Block(I32, 0, steps, hir.Int(I32, 0, 0))


def show_enum(draft: Draft, type_: EnumType) -> hir.Expr:
    """`V`, `V(1, "x")`, `V {x: 1}`."""
    names = draft.layouts.names(type_)

    def text(number: int, layout: Layout) -> hir.Expr | None:
        def part(index: int) -> list[hir.Expr]:
            kind = layout.fields[index].type
            return inside(draft, hir.GetPayload(kind, 0, hir.Local(type_, 0, 0), number, index), bare=False)

        return shown_fields(names[number], layout, part)

    steps = _each_variant(draft, type_, text)
    return hir.Block(STRING, 0, steps, hir.Str(STRING, 0, ""))


def shown_fields(name: str, layout: Layout, part: Callable[[int], list[hir.Expr]]) -> hir.Expr:
    """`V`, `V(1, "x")` or `V {x: 1}`, the fields in alphabetical order; `part` shows one by its index."""
    if not layout.names:
        return hir.Str(STRING, 0, name)
    by_number = layout.names[0].isdigit()
    opening, closing = ("(", ")") if by_number else (" {", "}")
    order = list(range(len(layout.names)))
    if not by_number:
        order.sort(key=lambda index: layout.names[index])
    parts: list[hir.Expr] = []
    before = name + opening
    for index in order:
        parts.append(hir.Str(STRING, 0, before if by_number else f"{before}{layout.names[index]}: "))
        parts += part(index)
        before = ", "
    return hir.Concat(STRING, 0, [*parts, hir.Str(STRING, 0, closing)])
