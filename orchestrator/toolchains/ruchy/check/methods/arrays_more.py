"""Methods of arrays that sort, pair, cut and change: those beside the usual ones of `arrays.py`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import has_order, is_comparable
from orchestrator.toolchains.ruchy.check.data.arrays import array_of
from orchestrator.toolchains.ruchy.check.function import Fn, Want, bad, check, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, Var, fresh, openness, resolve, settle, shown, unify
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    change_place,
    in_slot,
    part_value,
    read_place,
    write_place,
)
from orchestrator.toolchains.ruchy.check.methods.arrays import ARGUMENT, changer, method
from orchestrator.toolchains.ruchy.check.operators import must_be_by_content
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.syntax import tree

_FAR = (1 << 63) - 1


def _int(at: int, value: int) -> hir.Expr:
    return hir.Int(I64, at, value)


def _length(at: int, array: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, at, "length", [array])


def _index(c: Fn, node: tree.MethodCall, which: int = 0) -> hir.Expr:
    return check(c, node.arguments[which], I64, (*ARGUMENT, node.name))


def _part(at: int, array: hir.Expr, start: hir.Expr, end: hir.Expr) -> hir.Expr:
    return hir.Runtime(array.type, at, "arr_part", [array, start, end])


# ---------------------------------------------------------------- order


def _is_ordered(c: Fn, node: tree.MethodCall, kind: ArrayType) -> bool:
    """Says so where elements have no order. What nothing has decided yet is a number."""
    element = resolve(kind.element)
    if element is ERROR:
        return False
    if has_order(type_for_now(element)):
        return True
    c.p.error("E0255", node.at, f"`{node.name}` needs elements that have an order, and this is {shown(kind)}")
    return False


def type_for_now(kind: Type) -> Type:
    """The type as far as it is known, with an integer for what can only become a number."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        return settle(resolved) if openness(resolved) == ANY else I64
    return resolved.with_parts(tuple(type_for_now(part) for part in resolved.parts)) if resolved.parts else resolved


@method("sort sorted", 0)
def _sort(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    if not _is_ordered(c, node, kind):
        return bad(node.at)
    return hir.Helper(kind, node.at, "sort", kind, [receiver])


@changer("sort_unstable", 0)
def _sort_in_place(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    if not _is_ordered(c, node, kind):
        return bad(node.at)
    write_place(c, place, hir.Helper(kind, node.at, "sort", kind, [read_place(c, node.at, place)]), node.at, out)
    return hir.Unit(UNIT, node.at)


@method("is_sorted", 0)
def _is_sorted(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    if not _is_ordered(c, node, kind):
        return bad(node.at)
    return hir.Helper(BOOL, node.at, "is_sorted", kind, [receiver])


@method("min", 0)
def _min(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _extreme(c, node, receiver, kind, "<", 0)


@method("max", 0)
def _max(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _extreme(c, node, receiver, kind, ">", -1)


def _extreme(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType, op: str, end: int) -> hir.Expr:
    """The least or the greatest element, in one walk; traps where there is none. Elements without `<` are sorted."""
    at = node.at
    if not _is_ordered(c, node, kind):
        return bad(at)
    element = resolve(kind.element)
    if element.__class__ is not Var and not is_comparable(element, "<"):
        ordered = hir.Helper(kind, at, "sort", kind, [receiver])
        return hir.GetElement(element, at, ordered, _int(at, end))
    out: list[hir.Stmt] = []
    array = in_slot(c, receiver, out)
    best = in_slot(c, open_type(c, hir.GetElement(element, at, array, _int(at, 0))), out)
    assert isinstance(best, hir.Local)
    counter = c.slot(I64)
    typed = open_type(c, hir.GetElement(element, at, array, hir.Local(I64, at, counter), checked=False))
    better = hir.Block(UNIT, at, [hir.Store(best.slot, [], typed, at)], hir.Unit(UNIT, at))
    test = hir.If(UNIT, at, hir.Compare(BOOL, at, op, typed, best), better, hir.Unit(UNIT, at))
    c.counter += 1
    loop = hir.ForRange(UNIT, at, c.counter - 1, counter, _int(at, 1), _length(at, array), inclusive=False, body=test)
    return open_type(c, hir.Block(element, at, [*out, hir.Do(loop)], best))


# ---------------------------------------------------------------- pairs, layers, sets


@method("enumerate", 0)
def _enumerate(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    pairs = array_of(c, TupleType((I64, kind.element)))
    return hir.Helper(pairs, node.at, "enumerate", pairs, [receiver])


@method("zip", 1)
def _zip(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    other = expr(c, node.arguments[0])
    other_type = resolve(other.type)
    if openness(other_type) == ANY:
        unify(other_type, array_of(c, fresh()))
        other_type = resolve(other_type)
    if not isinstance(other_type, ArrayType):
        if other_type not in (ERROR, NEVER):
            c.p.error("E0204", node.at, f"`zip` takes an array, and this is {shown(other_type)}")
        return bad(node.at)
    pairs = array_of(c, TupleType((kind.element, other_type.element)))
    return hir.Helper(pairs, node.at, "zip", pairs, [receiver, other])


@method("flatten", 0)
def _flatten(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    """One layer less; elements that are no arrays stay."""
    element = resolve(kind.element)
    if openness(element) == ANY:
        unify(element, array_of(c, fresh()))
        element = resolve(element)
    if not isinstance(element, ArrayType):
        return receiver
    return hir.Helper(element, node.at, "flatten", kind, [receiver])


@method("unique", 0)
def _unique(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    must_be_by_content(c, node.at, node.name, kind.element)
    return hir.Helper(kind, node.at, "unique", kind, [receiver])


@method("union intersection difference", 1)
def _set(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    other = check(c, node.arguments[0], kind, (*ARGUMENT, node.name))
    must_be_by_content(c, node.at, node.name, kind.element)
    return hir.Helper(kind, node.at, node.name, kind, [receiver, other])


@method("starts_with", 1)
def _starts_with(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    other = check(c, node.arguments[0], kind, (*ARGUMENT, node.name))
    must_be_by_content(c, node.at, node.name, kind.element)
    return hir.Helper(BOOL, node.at, "begins", kind, [receiver, other])


@method("index_of", 1)
def _index_of(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    """Where a value first is, or -1."""
    wanted = part_value(c, node.arguments[0], kind.element, (*ARGUMENT, node.name))
    must_be_by_content(c, node.at, node.name, kind.element)
    return hir.Helper(I64, node.at, "index_of", kind, [receiver, wanted])


# ---------------------------------------------------------------- parts


@method("chunks windows", 1)
def _parts(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    name = node.name
    return _sized(c, node, receiver, name, kind, array_of(c, kind))


@method("step_by", 1)
def _step_by(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _sized(c, node, receiver, "every", kind, kind)


def _sized(c: Fn, node: tree.MethodCall, receiver: hir.Expr, helper: str, kind: Type, result: Type) -> hir.Expr:
    """A helper with a number that traps below 1."""
    at = node.at
    out: list[hir.Stmt] = []
    array = in_slot(c, receiver, out)
    size = in_slot(c, _index(c, node), out)
    if resolve(size.type) is not I64:
        return bad(at)
    text = hir.Str(STRING, at, f"`{node.name}` takes a number of 1 or more")
    test = hir.Compare(BOOL, at, "<", size, _int(at, 1))
    out.append(hir.Do(hir.If(UNIT, at, test, hir.Panic(NEVER, at, text), hir.Unit(UNIT, at))))
    return hir.Block(result, at, out, hir.Helper(result, at, helper, kind, [array, size]))


@method("repeat", 1)
def _repeat(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    copies = hir.RepeatArray(array_of(c, kind), node.at, receiver, _index(c, node))
    return hir.Helper(kind, node.at, "flatten", copies.type, [copies])


# ---------------------------------------------------------------- changes


@changer("insert", 2)
def _insert(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    index = in_slot(c, _index(c, node), out)
    value = part_value(c, node.arguments[1], kind.element, (*ARGUMENT, node.name))
    if value.type is NEVER or index.type is not I64:
        return bad(node.at)
    change_place(c, place, "insert", [index, value], node.at, out, traps=True)
    return hir.Unit(UNIT, node.at)


@changer("remove", 1)
def _remove(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    """The element that stood there; a negative index counts from the end."""
    at = node.at
    given = in_slot(c, _index(c, node), out)
    if given.type is not I64:
        return bad(at)
    from_end = hir.Arithmetic(I64, at, "+", given, _length(at, read_place(c, at, place)))
    below = hir.Compare(BOOL, at, "<", given, _int(at, 0))
    index = in_slot(c, hir.If(I64, at, below, from_end, given), out)
    checked = hir.If(I64, at, hir.Compare(BOOL, at, "<", index, _int(at, 0)), given, index)
    typed = hir.GetElement(resolve(kind.element), at, read_place(c, at, place), in_slot(c, checked, out))
    value = in_slot(c, open_type(c, typed), out)
    change_place(c, place, "arr_close", [index], at, out)
    return value


@changer("clear", 0)
def _clear(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    write_place(c, place, hir.NewArray(kind, node.at, []), node.at, out)
    return hir.Unit(UNIT, node.at)


@changer("truncate", 1)
def _truncate(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    end = in_slot(c, _index(c, node), out)
    write_place(c, place, _part(node.at, read_place(c, node.at, place), _int(node.at, 0), end), node.at, out)
    return hir.Unit(UNIT, node.at)


@changer("swap", 2)
def _swap(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    at, element = node.at, resolve(kind.element)
    first, second = (in_slot(c, _index(c, node, which), out) for which in (0, 1))
    if first.type is not I64 or second.type is not I64:
        return bad(at)
    array = read_place(c, at, place)
    values = [in_slot(c, open_type(c, hir.GetElement(element, at, array, index)), out) for index in (first, second)]
    for index, value in zip((second, first), values, strict=True):
        one = Place(place.variable, place.type, place.why)
        one.steps, one.types = [*place.steps], [*place.types]
        one.enter(index, element, place.why)
        write_place(c, one, value, at, out)
    return hir.Unit(UNIT, at)


@changer("fill", 1)
def _fill(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    value = part_value(c, node.arguments[0], kind.element, (*ARGUMENT, node.name))
    length = _length(node.at, read_place(c, node.at, place))
    write_place(c, place, hir.RepeatArray(kind, node.at, value, length), node.at, out)
    return hir.Unit(UNIT, node.at)


@changer("dedup", 0)
def _dedup(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    must_be_by_content(c, node.at, node.name, kind.element)
    write_place(c, place, hir.Helper(kind, node.at, "dedup", kind, [read_place(c, node.at, place)]), node.at, out)
    return hir.Unit(UNIT, node.at)


@changer("rotate_left", 1)
def _rotate_left(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return _rotated(c, node, place, out, left=True)


@changer("rotate_right", 1)
def _rotate_right(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return _rotated(c, node, place, out, left=False)


def _rotated(c: Fn, node: tree.MethodCall, place: Place, out: list[hir.Stmt], *, left: bool) -> hir.Expr:
    """So many elements go from one end to the other."""
    at = node.at
    count = in_slot(c, _index(c, node), out)
    if count.type is not I64:
        return bad(at)
    array = in_slot(c, read_place(c, at, place), out)
    cut = count if left else hir.Arithmetic(I64, at, "-", _length(at, array), count)
    middle = in_slot(c, cut, out)
    parts = [_part(at, array, middle, _int(at, _FAR)), _part(at, array, _int(at, 0), middle)]
    write_place(c, place, hir.Runtime(array.type, at, "arr_concat", parts), at, out)
    return hir.Unit(UNIT, at)


def collected(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType, want: Want) -> hir.Expr | None:
    """`collect` of texts where a String is wanted or named: joined. None where the array itself is meant."""
    named = node.name.partition("::<")[2][:-1]
    if named != "String" and (named or want is None or resolve(want) is not STRING):
        return None
    if not unify(kind.element, STRING):
        return None
    return hir.Helper(STRING, node.at, "join", kind, [receiver, hir.Str(STRING, node.at, "")])
