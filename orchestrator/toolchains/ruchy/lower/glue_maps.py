"""Helpers of maps and sets: finding a key, showing, pairs, and what two sets share."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I32,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    MapType,
    SetType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.lower.draft import Draft, compared, inside, is_bare, unless


def _local(kind: Type, slot: int) -> hir.Expr:
    return hir.Local(kind, 0, slot)


def _keys(kind: MapType | SetType, slot: int) -> hir.Expr:
    return hir.GetField(ArrayType(kind.parts[0]), 0, _local(kind, slot), 0)


def _length(made: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, 0, "length", [made])


def _number(value: int) -> hir.Expr:
    return hir.Int(I64, 0, value)


def _block(*steps: hir.Stmt) -> hir.Expr:
    return hir.Block(UNIT, 0, list(steps), hir.Unit(UNIT, 0))


def find_key(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """The index of a key; where there is none, the bits of where it belongs turned over."""
    low, high, middle, order = (draft.slot(one) for one in (I64, I64, I64, I32))
    a, b, at = _local(I64, low), _local(I64, high), _local(I64, middle)
    found = hir.GetElement(kind.parts[0], 0, _keys(kind, 0), at, checked=False)
    zero = hir.Int(I32, 0, 0)
    differs = hir.Compare(BOOL, 0, "!=", _local(I32, order), zero)
    below = hir.Compare(BOOL, 0, "<", _local(I32, order), zero)
    narrow = hir.If(UNIT, 0, below, _block(hir.Store(low, [], at, 0)), _block(hir.Store(high, [], at, 0)))
    body = _block(  # the key is behind `low` and before `high`; -1 and the length to begin with
        hir.Let(middle, hir.Runtime(I64, 0, "map_middle", [a, b])),
        hir.Do(unless(hir.Compare(BOOL, 0, "!=", at, a), hir.Return(NEVER, 0, hir.BitNot(I64, 0, b)))),
        hir.Let(order, compared(found, _local(kind.parts[0], 1))),
        hir.Do(unless(differs, hir.Return(NEVER, 0, at))),
        hir.Do(narrow),
    )
    steps: list[hir.Stmt] = [hir.Let(low, _number(-1)), hir.Let(high, _length(_keys(kind, 0)))]
    return hir.Block(NEVER, 0, steps, hir.Loop(NEVER, 0, low, body))


def _each(draft: Draft, kind: MapType | SetType, counter: int, *steps: hir.Stmt) -> hir.Stmt:
    """A loop over the indices of the first parameter's keys."""
    length = _length(_keys(kind, 0))
    return hir.Do(hir.ForRange(UNIT, 0, counter, counter, _number(0), length, inclusive=False, body=_block(*steps)))


def _show(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    text, counter = draft.slot(STRING), draft.slot(I64)
    index = _local(I64, counter)

    def append(*parts: hir.Expr) -> hir.Stmt:
        return hir.Store(text, [], hir.Concat(STRING, 0, [_local(STRING, text), *parts]), 0)

    key = hir.GetElement(kind.parts[0], 0, _keys(kind, 0), index, checked=False)
    first = hir.Compare(BOOL, 0, "==", index, _number(0))
    steps: list[hir.Stmt] = [hir.Do(unless(first, _block(append(hir.Str(STRING, 0, ", ")))))]
    if isinstance(kind, MapType):  # keys that are texts have no quotes, as in an object
        values = hir.GetField(ArrayType(kind.value), 0, _local(kind, 0), 1)
        value = hir.GetElement(kind.value, 0, values, index, checked=False)
        shown = inside(draft, key, bare=is_bare(draft) or kind.key is STRING)
        steps.append(append(*shown, hir.Str(STRING, 0, ": "), *inside(draft, value, bare=is_bare(draft))))
    else:
        steps.append(append(*inside(draft, key, bare=is_bare(draft))))
    out = [hir.Let(text, hir.Str(STRING, 0, "{")), _each(draft, kind, counter, *steps), append(hir.Str(STRING, 0, "}"))]
    return hir.Block(STRING, 0, out, _local(STRING, text))


def show_map(draft: Draft, kind: MapType) -> hir.Expr:
    """`{key: value, ...}`, in the order of the keys."""
    return _show(draft, kind)


def show_set(draft: Draft, kind: SetType) -> hir.Expr:
    """`{item, ...}`, in order."""
    return _show(draft, kind)


def items(draft: Draft, kind: MapType) -> hir.Expr:
    """The pairs as an array."""
    pair = TupleType(kind.parts)
    made, counter = draft.slot(ArrayType(pair)), draft.slot(I64)
    parts: list[hir.Expr] = []
    for field, part in enumerate(kind.parts):
        array = hir.GetField(ArrayType(part), 0, _local(kind, 0), field)
        parts.append(hir.GetElement(part, 0, array, _local(I64, counter), checked=False))
    push = hir.Change(made, [], "push", [hir.NewStruct(pair, 0, parts, [0, 1])], 0)
    steps = [hir.Let(made, hir.NewArray(ArrayType(pair), 0, [])), _each(draft, kind, counter, push)]
    return hir.Block(ArrayType(pair), 0, steps, _local(ArrayType(pair), made))


def _chosen(draft: Draft, kind: SetType, op: str) -> hir.Expr:
    """The items of the first set whose index in the second one is so to 0: still in order."""
    array = ArrayType(kind.element)
    made, counter = draft.slot(array), draft.slot(I64)
    item = hir.GetElement(kind.element, 0, _keys(kind, 0), _local(I64, counter), checked=False)
    found = hir.Helper(I64, 0, "find", kind, [_local(kind, 1), item])
    push = _block(hir.Change(made, [], "push", [item], 0))
    choose = hir.If(UNIT, 0, hir.Compare(BOOL, 0, op, found, _number(0)), push, hir.Unit(UNIT, 0))
    steps = [hir.Let(made, hir.NewArray(array, 0, [])), _each(draft, kind, counter, hir.Do(choose))]
    return hir.Block(kind, 0, steps, hir.NewStruct(kind, 0, [_local(array, made)], [0]))


def shared(draft: Draft, kind: SetType) -> hir.Expr:
    """The items that two sets share."""
    return _chosen(draft, kind, ">=")


def others(draft: Draft, kind: SetType) -> hir.Expr:
    """The items of a set that another one lacks."""
    return _chosen(draft, kind, "<")
