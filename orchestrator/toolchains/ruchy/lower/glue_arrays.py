"""Helpers of arrays that few programs ask for: sorting, pairs, parts, sets. None of them traps.

| symbol | type | |
|---|---|---|
| `[T].{sort}` | array → array (owned) | stable; by merging, so that it takes n log n comparisons whatever it is given |
| `[(i64,T)].{enumerate}` `[(A,B)].{zip}` | array → array; array, array → array | |
| `[[T]].{flatten}` | array → `[T]` | |
| `[T].{unique}` `[T].{dedup}` | array → array | the first of each; of equal neighbours the first |
| `[T].{union}` `[T].{intersection}` `[T].{difference}` | array, array → array | in the first one's order, no doubles |
| `[T].{chunks}` `[T].{windows}` | array, i64 from 1 on → `[[T]]` | |
| `[T].{every}` | array, i64 from 1 on → array | the first element, and each that is so many further |
| `[T].{begins}` `[T].{is_sorted}` | array, array → i32; array → i32 | |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import can_be_key
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I32,
    I64,
    NEVER,
    UNIT,
    ArrayType,
    BoolType,
    FloatType,
    IntType,
    SetType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.lower.draft import Draft, compared
from orchestrator.toolchains.ruchy.lower.glue import HELPERS, SIGNATURES, AsTree, each, length_of
from orchestrator.toolchains.ruchy.lower.layout import element_of

_UNIT = hir.Unit(UNIT, 0)
_Want = Callable[[hir.Expr], hir.Expr] | None
_FAR = (1 << 63) - 1


def _int(value: int) -> hir.Expr:
    return hir.Int(I64, 0, value)


def _do(*steps: hir.Stmt) -> hir.Expr:
    return hir.Block(UNIT, 0, list(steps), _UNIT)


def _sum(left: hir.Expr, right: hir.Expr) -> hir.Expr:
    """A sum that surely fits: indices are far below 2^32."""
    return hir.Runtime(I64, 0, "add", [left, right])


def _least(left: hir.Expr, right: hir.Expr) -> hir.Expr:
    return hir.If(I64, 0, hir.Compare(BOOL, 0, "<", left, right), left, right)


def _if(condition: hir.Expr, then: hir.Expr, otherwise: hir.Expr = _UNIT) -> hir.Expr:
    return hir.If(UNIT, 0, condition, then, otherwise)


class _Slot:
    """A local of a helper that changes."""

    def __init__(self, draft: Draft, kind: Type) -> None:
        self.kind = kind
        self.slot = draft.slot(kind)

    @property
    def value(self) -> hir.Expr:
        return hir.Local(self.kind, 0, self.slot)

    def starts(self, value: hir.Expr) -> hir.Stmt:
        return hir.Let(self.slot, value)

    def becomes(self, value: hir.Expr) -> hir.Stmt:
        return hir.Store(self.slot, [], value, 0)

    def push(self, value: hir.Expr) -> hir.Stmt:
        return hir.Change(self.slot, [], "push", [value], 0)

    def append(self, value: hir.Expr) -> hir.Stmt:
        return hir.Change(self.slot, [], "arr_append", [value], 0)

    def at(self, index: hir.Expr) -> hir.Expr:
        return hir.GetElement(element_of(self.kind), 0, self.value, index, checked=False)


def _parameter(index: int, kind: Type) -> hir.Expr:
    return hir.Local(kind, 0, index)


def _collected(draft: Draft, kind: Type, fill: Callable[[_Slot], Sequence[hir.Stmt]]) -> hir.Expr:
    """A new array, which `fill` puts elements into."""
    result = _Slot(draft, kind)
    return hir.Block(kind, 0, [result.starts(hir.NewArray(kind, 0, [])), *fill(result)], result.value)


def _while(draft: Draft, condition: hir.Expr, *steps: hir.Stmt) -> hir.Stmt:
    return hir.Do(hir.While(UNIT, 0, draft.slot(I64), condition, _do(*steps)))


def _is_less(left: hir.Expr, right: hir.Expr) -> hir.Expr:
    if isinstance(left.type, IntType | FloatType | BoolType):
        return hir.Compare(BOOL, 0, "<", left, right)
    return hir.Compare(BOOL, 0, "<", compared(left, right), hir.Int(I32, 0, 0))


# ---------------------------------------------------------------- sorting


def _sort(draft: Draft, kind: ArrayType) -> hir.Expr:
    """Runs of one element, then of two, of four…: two neighbours are merged into a new array."""
    source, target = _Slot(draft, kind), _Slot(draft, kind)
    width, length, start = (_Slot(draft, I64) for _ in range(3))
    left, middle, right, end = (_Slot(draft, I64) for _ in range(4))
    is_left = hir.Compare(BOOL, 0, "<", left.value, middle.value)
    is_right = hir.Compare(BOOL, 0, "<", right.value, end.value)
    right_first = hir.Or(
        BOOL,
        0,
        hir.Not(BOOL, 0, is_left),
        hir.And(BOOL, 0, is_right, _is_less(source.at(right.value), source.at(left.value))),
    )
    take_right = _do(target.push(source.at(right.value)), right.becomes(_sum(right.value, _int(1))))
    take_left = _do(target.push(source.at(left.value)), left.becomes(_sum(left.value, _int(1))))
    merge = _while(draft, hir.Or(BOOL, 0, is_left, is_right), hir.Do(_if(right_first, take_right, take_left)))
    two_runs = _while(
        draft,
        hir.Compare(BOOL, 0, "<", start.value, length.value),
        left.becomes(start.value),
        middle.becomes(_least(_sum(start.value, width.value), length.value)),
        right.becomes(middle.value),
        end.becomes(_least(_sum(middle.value, width.value), length.value)),
        merge,
        start.becomes(end.value),
    )
    empty = hir.NewArray(kind, 0, [])
    passes = _while(
        draft,
        hir.Compare(BOOL, 0, "<", width.value, length.value),
        start.becomes(_int(0)),
        two_runs,
        source.becomes(target.value),
        target.becomes(empty),
        width.becomes(_sum(width.value, width.value)),
    )
    begin: list[hir.Stmt] = [
        source.starts(_parameter(0, kind)),
        target.starts(empty),
        length.starts(length_of(source.value)),
    ]
    begin += [width.starts(_int(1)), *(slot.starts(_int(0)) for slot in (start, left, middle, right, end))]
    return hir.Block(kind, 0, [*begin, passes], source.value)


def _is_sorted(draft: Draft, kind: ArrayType) -> hir.Expr:
    array = _parameter(0, kind)

    def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        before = hir.GetElement(kind.element, 0, array, _sum(index, _int(-1)), checked=False)
        wrong = hir.And(BOOL, 0, hir.Compare(BOOL, 0, ">", index, _int(0)), _is_less(element, before))
        return _if(wrong, hir.Return(NEVER, 0, hir.Int(BOOL, 0, 0)))

    return hir.Block(BOOL, 0, [each(draft, array, turn)], hir.Int(BOOL, 0, 1))


# ---------------------------------------------------------------- pairs and layers


def _pair(kind: Type, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    return hir.NewStruct(kind, 0, [left, right], [0, 1])


def _enumerate(draft: Draft, kind: ArrayType) -> hir.Expr:
    assert isinstance(kind.element, TupleType)
    array = _parameter(0, ArrayType(kind.element.elements[1]))
    return _collected(
        draft,
        kind,
        lambda made: [
            each(draft, array, lambda index, element: _do(made.push(_pair(kind.element, index, element)))),
        ],
    )


def _zip(draft: Draft, kind: ArrayType) -> hir.Expr:
    """As many pairs as the shorter one has elements."""
    assert isinstance(kind.element, TupleType)
    first, second = (_parameter(index, ArrayType(part)) for index, part in enumerate(kind.element.elements))

    def fill(result: _Slot) -> Sequence[hir.Stmt]:
        def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
            other = hir.GetElement(element_of(second.type), 0, second, index, checked=False)
            in_range = hir.Compare(BOOL, 0, "<", index, length_of(second))
            return _if(
                in_range, _do(result.push(_pair(kind.element, element, other))), hir.Return(NEVER, 0, result.value)
            )

        return [each(draft, first, turn)]

    return _collected(draft, kind, fill)


def _flatten(draft: Draft, kind: ArrayType) -> hir.Expr:
    return _collected(
        draft,
        kind.element,
        lambda made: [each(draft, _parameter(0, kind), lambda index, element: _do(made.append(element)))],
    )


# ---------------------------------------------------------------- elements that are equal


_FEW = 32
"""Up to so many elements each is compared with each; of more, those that have an order are sorted."""


def _is_few(*arrays: hir.Expr) -> hir.Expr:
    lengths = [length_of(array) for array in arrays]
    total = lengths[0] if len(lengths) == 1 else _sum(*lengths)
    return hir.Compare(BOOL, 0, "<=", total, _int(_FEW))


def _has(array: hir.Expr, element: hir.Expr) -> hir.Expr:
    typed = hir.Helper(I64, 0, "index_of", array.type, [array, element])
    return hir.Compare(BOOL, 0, ">=", typed, _int(0))


def _pairwise(draft: Draft, kind: ArrayType, arrays: Sequence[hir.Expr], want: _Want) -> hir.Expr:
    """The new elements of all arrays for which `want` holds: in a time that grows with the square of their number."""

    def steps(result: _Slot, array: hir.Expr) -> hir.Stmt:
        def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
            new = hir.Not(BOOL, 0, _has(result.value, element))
            chosen = new if want is None else hir.And(BOOL, 0, want(element), new)
            return _if(chosen, _do(result.push(element)))

        return each(draft, array, turn)

    return _collected(draft, kind, lambda made: [steps(made, array) for array in arrays])


def _firsts(draft: Draft, kind: ArrayType, array: hir.Expr) -> hir.Expr:
    """The first of each value: elements are sorted with their indices, the first index of each run is kept, and these
    indices are sorted in turn."""
    pair, numbers = TupleType((kind.element, I64)), ArrayType(I64)
    whole, indices, chosen = _Slot(draft, kind), _Slot(draft, numbers), _Slot(draft, numbers)
    pairs = _Slot(draft, ArrayType(pair))

    def part(typed: hir.Expr, field: int) -> hir.Expr:
        return hir.GetField(pair.elements[field], 0, typed, field)

    def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        before = part(pairs.at(_sum(index, _int(-1))), 0)
        first = hir.Compare(BOOL, 0, "==", index, _int(0))
        new = hir.Or(BOOL, 0, first, hir.Compare(BOOL, 0, "!=", part(element, 0), before))
        return _if(new, _do(chosen.push(part(element, 1))))

    both = hir.Helper(pairs.kind, 0, "zip", pairs.kind, [whole.value, indices.value])
    steps = [
        whole.starts(array),
        indices.starts(hir.NewArray(numbers, 0, [])),
        each(draft, whole.value, lambda index, element: _do(indices.push(index))),
        pairs.starts(hir.Helper(pairs.kind, 0, "sort", pairs.kind, [both])),
        chosen.starts(hir.NewArray(numbers, 0, [])),
        each(draft, pairs.value, turn),
        indices.becomes(hir.Helper(numbers, 0, "sort", numbers, [chosen.value])),
    ]
    firsts = _collected(
        draft, kind, lambda made: [each(draft, indices.value, lambda index, element: _do(made.push(whole.at(element))))]
    )
    return hir.Block(kind, 0, steps, firsts)


def _unique(draft: Draft, kind: ArrayType) -> hir.Expr:
    array = _parameter(0, kind)
    plain = _pairwise(draft, kind, [array], None)
    if not can_be_key(kind.element):
        return plain
    return hir.If(kind, 0, _is_few(array), plain, _firsts(draft, kind, array))


def _dedup(draft: Draft, kind: ArrayType) -> hir.Expr:
    array = _parameter(0, kind)

    def fill(result: _Slot) -> Sequence[hir.Stmt]:
        def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
            before = hir.GetElement(kind.element, 0, array, _sum(index, _int(-1)), checked=False)
            first = hir.Compare(BOOL, 0, "==", index, _int(0))
            other = hir.Or(BOOL, 0, first, hir.Compare(BOOL, 0, "!=", element, before))
            return _if(other, _do(result.push(element)))

        return [each(draft, array, turn)]

    return _collected(draft, kind, fill)


def _union(draft: Draft, kind: ArrayType) -> hir.Expr:
    arrays = [_parameter(index, kind) for index in (0, 1)]
    plain = _pairwise(draft, kind, arrays, None)
    if not can_be_key(kind.element):
        return plain
    both = hir.Runtime(kind, 0, "arr_concat", arrays)
    return hir.If(kind, 0, _is_few(*arrays), plain, hir.Helper(kind, 0, "unique", kind, [both]))


def _chosen(draft: Draft, kind: ArrayType, shared: bool) -> hir.Expr:
    """The elements of the first array that the second one has, or lacks."""
    array, other = _parameter(0, kind), _parameter(1, kind)

    def plain_want(element: hir.Expr) -> hir.Expr:
        present = _has(other, element)
        return present if shared else hir.Not(BOOL, 0, present)

    plain = _pairwise(draft, kind, [array], plain_want)
    if not can_be_key(kind.element):
        return plain
    as_set = SetType(kind.element)
    firsts = _Slot(draft, kind)
    others = _Slot(draft, as_set)  # `find` asks nothing but that the items are in order
    sorted_ = hir.Helper(kind, 0, "sort", kind, [other])
    ordered = hir.NewStruct(as_set, 0, [sorted_, length_of(other), length_of(other)], [0, 1, 2])

    def fill(result: _Slot) -> Sequence[hir.Stmt]:
        def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
            typed = hir.Helper(I64, 0, "find", as_set, [others.value, element])
            return _if(hir.Compare(BOOL, 0, ">=" if shared else "<", typed, _int(0)), _do(result.push(element)))

        start = firsts.starts(hir.Helper(kind, 0, "unique", kind, [array]))
        return [others.starts(ordered), start, each(draft, firsts.value, turn)]

    return hir.If(kind, 0, _is_few(array, other), plain, _collected(draft, kind, fill))


def _intersection(draft: Draft, kind: ArrayType) -> hir.Expr:
    return _chosen(draft, kind, shared=True)


def _difference(draft: Draft, kind: ArrayType) -> hir.Expr:
    return _chosen(draft, kind, shared=False)


def _begins(draft: Draft, kind: ArrayType) -> hir.Expr:
    """Whether the first array begins with the second one."""
    whole, start = (_parameter(index, kind) for index in (0, 1))

    def turn(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        in_range = hir.Compare(BOOL, 0, "<", index, length_of(whole))
        other = hir.GetElement(kind.element, 0, whole, index, checked=False)
        same = hir.And(BOOL, 0, in_range, hir.Compare(BOOL, 0, "==", element, other))
        return _if(same, _UNIT, hir.Return(NEVER, 0, hir.Int(BOOL, 0, 0)))

    return hir.Block(BOOL, 0, [each(draft, start, turn)], hir.Int(BOOL, 0, 1))


# ---------------------------------------------------------------- parts


def _parts(draft: Draft, kind: ArrayType, whole: bool) -> hir.Expr:
    """Parts of `size` elements: one behind the other, or at each place where a `whole` one fits."""
    array = _parameter(0, kind)
    start, size = _Slot(draft, I64), _Slot(draft, I64)

    def fill(result: _Slot) -> Sequence[hir.Stmt]:
        end = _sum(start.value, size.value)
        goes_on = hir.Compare(BOOL, 0, "<=" if whole else "<", end if whole else start.value, length_of(array))
        part = hir.Runtime(kind, 0, "arr_part", [array, start.value, end])
        step = _int(1) if whole else size.value
        return [
            start.starts(_int(0)),
            size.starts(_least(_parameter(1, I64), _sum(length_of(array), _int(1)))),
            _while(draft, goes_on, result.push(part), start.becomes(_sum(start.value, step))),
        ]

    return _collected(draft, ArrayType(kind), fill)


def _every(draft: Draft, kind: ArrayType) -> hir.Expr:
    array = _Slot(draft, kind)
    at, step = _Slot(draft, I64), _Slot(draft, I64)

    def fill(result: _Slot) -> Sequence[hir.Stmt]:
        in_range = hir.Compare(BOOL, 0, "<", at.value, length_of(array.value))
        return [
            array.starts(_parameter(0, kind)),
            at.starts(_int(0)),
            step.starts(_least(_parameter(1, I64), _sum(length_of(array.value), _int(1)))),
            _while(draft, in_range, result.push(array.at(at.value)), at.becomes(_sum(at.value, step.value))),
        ]

    return _collected(draft, kind, fill)


_Signature = tuple[list[Type], Type]


def _of_itself(kind: Type) -> _Signature:
    return [kind], kind


def _of_two(kind: Type) -> _Signature:
    return [kind, kind], kind


def _of_pairs(kind: ArrayType) -> _Signature:
    assert isinstance(kind.element, TupleType)
    return [ArrayType(part) for part in kind.element.elements], kind


SIGNATURES.update(
    {
        "sort": _of_itself,
        "unique": _of_itself,
        "dedup": _of_itself,
        "union": _of_two,
        "intersection": _of_two,
        "difference": _of_two,
        "zip": _of_pairs,
        "enumerate": lambda kind: (_of_pairs(kind)[0][1:], kind),
        "flatten": lambda kind: ([kind], kind.element),
        "chunks": lambda kind: ([kind, I64], ArrayType(kind)),
        "windows": lambda kind: ([kind, I64], ArrayType(kind)),
        "every": lambda kind: ([kind, I64], kind),
        "begins": lambda kind: ([kind, kind], BOOL),
        "is_sorted": lambda kind: ([kind], BOOL),
    }
)
HELPERS.update(
    {
        (ArrayType, name): AsTree(tree)
        for name, tree in {
            "sort": _sort,
            "unique": _unique,
            "dedup": _dedup,
            "union": _union,
            "intersection": _intersection,
            "difference": _difference,
            "zip": _zip,
            "enumerate": _enumerate,
            "flatten": _flatten,
            "chunks": lambda draft, kind: _parts(draft, kind, whole=False),
            "windows": lambda draft, kind: _parts(draft, kind, whole=True),
            "every": _every,
            "begins": _begins,
            "is_sorted": _is_sorted,
        }.items()
    }
)
