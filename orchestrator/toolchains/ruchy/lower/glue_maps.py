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


def _length(typed: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, 0, "length", [typed])


def _number(value: int) -> hir.Expr:
    return hir.Int(I64, 0, value)


def _block(*steps: hir.Stmt) -> hir.Expr:
    return hir.Block(UNIT, 0, list(steps), hir.Unit(UNIT, 0))


def _end(kind: MapType | SetType, stretch: int) -> hir.Expr:
    """Where the first (0), second or third stretch of keys of the first parameter ends (see `fields_of_table`)."""
    if stretch == 2:
        return _length(_keys(kind, 0))
    return hir.GetField(I64, 0, _local(kind, 0), len(kind.parts) + stretch)


def _key(kind: MapType | SetType, at: hir.Expr) -> hir.Expr:
    return hir.GetElement(kind.parts[0], 0, _keys(kind, 0), at, checked=False)


def _further(index: hir.Expr, by: int) -> hir.Expr:
    return hir.Runtime(I64, 0, "map_further", [index, _number(by)])


def _returns(condition: hir.Expr, value: hir.Expr) -> hir.Stmt:
    return hir.Do(hir.If(UNIT, 0, condition, hir.Return(NEVER, 0, value), hir.Unit(UNIT, 0)))


def search_keys(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """The index of a key between two; where there is none, the bits of where it belongs turned over. The key is behind
    the first index and before the second one."""
    low, high, middle, order = 2, 3, draft.slot(I64), draft.slot(I32)
    a, b, at = _local(I64, low), _local(I64, high), _local(I64, middle)
    zero = hir.Int(I32, 0, 0)
    differs = hir.Compare(BOOL, 0, "!=", _local(I32, order), zero)
    below = hir.Compare(BOOL, 0, "<", _local(I32, order), zero)
    narrow = hir.If(UNIT, 0, below, _block(hir.Store(low, [], at, 0)), _block(hir.Store(high, [], at, 0)))
    body = _block(
        hir.Let(middle, hir.Runtime(I64, 0, "map_middle", [a, b])),
        hir.Do(unless(hir.Compare(BOOL, 0, "!=", at, a), hir.Return(NEVER, 0, hir.BitNot(I64, 0, b)))),
        hir.Let(order, compared(_key(kind, at), _local(kind.parts[0], 1))),
        hir.Do(unless(differs, hir.Return(NEVER, 0, at))),
        hir.Do(narrow),
    )
    return hir.Loop(NEVER, 0, middle, body)


def find_key(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """The index of a key; where there is none, the bits of where it belongs in the third stretch turned over."""
    place = draft.slot(I64)
    steps: list[hir.Stmt] = []
    begin = _number(0)
    for stretch in range(3):
        parts = [_local(kind, 0), _local(kind.parts[0], 1), _further(begin, -1), _end(kind, stretch)]
        steps.append(hir.Let(place, hir.Helper(I64, 0, "search", kind, parts)))
        present = hir.Compare(BOOL, 0, ">=", _local(I64, place), _number(0))
        steps.append(_returns(present, _local(I64, place)))
        begin = _end(kind, stretch)
    return hir.Block(I64, 0, steps, _local(I64, place))


def is_full(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """Whether the third stretch is so long that it is to be merged into the second one."""
    return hir.Runtime(BOOL, 0, "map_is_full", [_end(kind, stretch) for stretch in (2, 1, 0)])


def is_wide(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """Whether the second stretch is so long that it is to be merged into the first one."""
    return hir.Runtime(BOOL, 0, "map_is_wide", [_end(kind, stretch) for stretch in (2, 0)])


def goes_last(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """Whether a key that is not there belongs behind all, and nothing is new: then all stay in order."""
    length, count = _end(kind, 2), _end(kind, 0)
    last = _key(kind, _further(count, -1))
    above = hir.Compare(BOOL, 0, "<", compared(last, _local(kind.parts[0], 1)), hir.Int(I32, 0, 0))
    first = hir.Compare(BOOL, 0, "==", count, _number(0))
    nothing_new = hir.Compare(BOOL, 0, "==", length, count)
    return hir.And(BOOL, 0, nothing_new, hir.Or(BOOL, 0, first, above))


def new_places(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """For each key from the second index on, in order, the index of the key that it belongs before among those from the
    first index on."""
    places, counter, before = draft.slot(ArrayType(I64)), draft.slot(I64), draft.slot(I64)
    first, begin = _local(I64, 1), _local(I64, 2)
    key, low = _key(kind, _local(I64, counter)), _further(_local(I64, before), -1)
    typed = hir.Helper(I64, 0, "search", kind, [_local(kind, 0), key, low, begin])
    turn = _block(
        hir.Store(before, [], hir.BitNot(I64, 0, typed), 0),
        hir.Change(places, [], "push", [_local(I64, before)], 0),
    )
    steps: list[hir.Stmt] = [
        hir.Let(places, hir.NewArray(ArrayType(I64), 0, [])),
        hir.Let(before, first),
        hir.Do(hir.ForRange(UNIT, 0, counter, counter, begin, _end(kind, 2), inclusive=False, body=turn)),
    ]
    return hir.Block(ArrayType(I64), 0, steps, _local(ArrayType(I64), places))


def merged(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    """The same with all keys in order."""
    first, second, length = (_end(kind, stretch) for stretch in range(3))
    steps = [_returns(hir.Compare(BOOL, 0, "==", length, first), _local(kind, 0))]
    two = _woven(draft, kind, 0, (first, second), first, steps)
    return hir.Block(kind, 0, steps, _local(kind, _woven(draft, kind, two, (_number(0), first), length, steps)))


def _woven(
    draft: Draft,
    kind: MapType | SetType,
    whole: int,
    ends: tuple[hir.Expr, hir.Expr],
    first: hir.Expr,
    out: list[hir.Stmt],
) -> int:
    """A slot with what is in another one, all keys behind the second end merged into those between both."""
    places = draft.slot(ArrayType(I64))
    out.append(hir.Let(places, hir.Helper(ArrayType(I64), 0, "new_places", kind, [_local(kind, whole), *ends])))
    fields: list[hir.Expr] = []
    for field, part in enumerate(kind.parts):
        slot = draft.slot(ArrayType(part))
        out.append(hir.Let(slot, hir.GetField(ArrayType(part), 0, _local(kind, whole), field)))
        out.append(hir.Change(slot, [], "arr_weave", [_local(ArrayType(I64), places)], 0))
        fields.append(_local(ArrayType(part), slot))
    woven = draft.slot(kind)
    fields += [first, _end(kind, 2)]
    out.append(hir.Let(woven, hir.NewStruct(kind, 0, fields, list(range(len(fields))))))
    return woven


def _in_order(draft: Draft, kind: MapType | SetType, slot: int = 0) -> tuple[int, hir.Stmt]:
    """A parameter with all keys in order, in a slot."""
    whole = draft.slot(kind)
    return whole, hir.Let(whole, hir.Helper(kind, 0, "merged", kind, [_local(kind, slot)]))


def equal_tables(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    first, second = _in_order(draft, kind), _in_order(draft, kind, 1)
    value: hir.Expr = hir.Int(BOOL, 0, 1)
    for field, part in reversed(list(enumerate(kind.parts))):
        sides = [hir.GetField(ArrayType(part), 0, _local(kind, one), field) for one in (first[0], second[0])]
        value = hir.And(BOOL, 0, hir.Compare(BOOL, 0, "==", *sides), value)
    return hir.Block(BOOL, 0, [first[1], second[1]], value)


def _each(kind: MapType | SetType, whole: int, counter: int, *steps: hir.Stmt) -> hir.Stmt:
    """A loop over the indices of the keys of what is in a slot."""
    length = _length(_keys(kind, whole))
    return hir.Do(hir.ForRange(UNIT, 0, counter, counter, _number(0), length, inclusive=False, body=_block(*steps)))


def _show(draft: Draft, kind: MapType | SetType) -> hir.Expr:
    text, counter = draft.slot(STRING), draft.slot(I64)
    whole, begin = _in_order(draft, kind)
    index = _local(I64, counter)

    def append(*parts: hir.Expr) -> hir.Stmt:
        return hir.Store(text, [], hir.Concat(STRING, 0, [_local(STRING, text), *parts]), 0)

    key = hir.GetElement(kind.parts[0], 0, _keys(kind, whole), index, checked=False)
    first = hir.Compare(BOOL, 0, "==", index, _number(0))
    steps: list[hir.Stmt] = [hir.Do(unless(first, _block(append(hir.Str(STRING, 0, ", ")))))]
    if isinstance(kind, MapType):  # keys that are texts have no quotes, as in an object
        values = hir.GetField(ArrayType(kind.value), 0, _local(kind, whole), 1)
        value = hir.GetElement(kind.value, 0, values, index, checked=False)
        shown = inside(draft, key, bare=is_bare(draft) or kind.key is STRING)
        steps.append(append(*shown, hir.Str(STRING, 0, ": "), *inside(draft, value, bare=is_bare(draft))))
    else:
        steps.append(append(*inside(draft, key, bare=is_bare(draft))))
    loop = _each(kind, whole, counter, *steps)
    out = [begin, hir.Let(text, hir.Str(STRING, 0, "{")), loop, append(hir.Str(STRING, 0, "}"))]
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
    pairs, counter = draft.slot(ArrayType(pair)), draft.slot(I64)
    whole, begin = _in_order(draft, kind)
    parts: list[hir.Expr] = []
    for field, part in enumerate(kind.parts):
        array = hir.GetField(ArrayType(part), 0, _local(kind, whole), field)
        parts.append(hir.GetElement(part, 0, array, _local(I64, counter), checked=False))
    push = hir.Change(pairs, [], "push", [hir.NewStruct(pair, 0, parts, [0, 1])], 0)
    steps = [begin, hir.Let(pairs, hir.NewArray(ArrayType(pair), 0, [])), _each(kind, whole, counter, push)]
    return hir.Block(ArrayType(pair), 0, steps, _local(ArrayType(pair), pairs))


def _chosen(draft: Draft, kind: SetType, op: str) -> hir.Expr:
    """The items of the first set whose index in the second one is so to 0: still in order."""
    array = ArrayType(kind.element)
    result, counter = draft.slot(array), draft.slot(I64)
    whole, begin = _in_order(draft, kind)
    item = hir.GetElement(kind.element, 0, _keys(kind, whole), _local(I64, counter), checked=False)
    typed = hir.Helper(I64, 0, "find", kind, [_local(kind, 1), item])
    push = _block(hir.Change(result, [], "push", [item], 0))
    choose = hir.If(UNIT, 0, hir.Compare(BOOL, 0, op, typed, _number(0)), push, hir.Unit(UNIT, 0))
    steps = [begin, hir.Let(result, hir.NewArray(array, 0, [])), _each(kind, whole, counter, hir.Do(choose))]
    chosen = _local(array, result)
    return hir.Block(kind, 0, steps, hir.NewStruct(kind, 0, [chosen, _length(chosen), _length(chosen)], [0, 1, 2]))


def shared(draft: Draft, kind: SetType) -> hir.Expr:
    """The items that two sets share."""
    return _chosen(draft, kind, ">=")


def others(draft: Draft, kind: SetType) -> hir.Expr:
    """The items of a set that another one lacks."""
    return _chosen(draft, kind, "<")
