"""Arrays and tuples: literals, comprehensions, elements, parts, and loops over arrays."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import read_key
from orchestrator.toolchains.ruchy.check.data.mixed import are_mixed, differ, mixed
from orchestrator.toolchains.ruchy.check.data.objects import has_one_type, read_computed
from orchestrator.toolchains.ruchy.check.function import (
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    handles,
    later,
    open_type,
)
from orchestrator.toolchains.ruchy.check.functions.sight import seen_now
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, ELEMENT, fresh, openness, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import common, convert, is_number, part_of, part_type
from orchestrator.toolchains.ruchy.check.lending.places import INDEX, in_slot, object_index, part_value, tuple_index
from orchestrator.toolchains.ruchy.check.loops import loop_over
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    MapType,
    ObjectType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.syntax import tree

_ELEMENT: Why = ("E0250", "the elements of this array are {want}, and this is {got}")
_VALUE: Why = ("E0201", "this value of the tuple is {got}, and {want} is needed")
_TEXT_INDEX: Why = ("E0201", "a String is indexed by i64, and this is {got}")
_COUNT: Why = ("E0251", "an array is repeated an integer number of times, and this is {got}")
_CONDITION: Why = ("E0202", "the condition of a comprehension is bool, and this is {got}")


def array_of(c: Fn, element: Type) -> Type:
    """The type of arrays of these elements."""
    c.p.composed = True
    return ArrayType(element)


# ---------------------------------------------------------------- literals


@handles(tree.Array)
def array(c: Fn, node: tree.Array, want: Want, why: Why) -> hir.Expr:
    """`[a, b]`: the elements are of one type; some floats among integers make floats of all."""
    wanted = None if want is None else resolve(want)
    if isinstance(wanted, ArrayType) and openness(resolve(wanted.element)) < ANY:
        element = resolve(wanted.element)
        values = [check(c, one, element, _ELEMENT) for one in node.elements]
        return hir.NewArray(array_of(c, element), node.at, values)
    inner = wanted.element if isinstance(wanted, ArrayType) else None
    if all(isinstance(one, tree.IntLiteral) and not one.suffix for one in node.elements):  # however many
        inner = resolve(inner) if inner is not None and openness(resolve(inner)) > ANY else fresh(ELEMENT)
    values = [expr(c, one, inner) for one in node.elements]
    if not isinstance(wanted, ArrayType) and are_mixed(values):
        return mixed(c, node, values)
    element, values = _common_elements(c, values, node.elements)
    if element is ERROR:
        return bad(node.at)
    return hir.NewArray(array_of(c, element), node.at, values)


def _common_elements(c: Fn, values: list[hir.Expr], nodes: Sequence[tree.Expr]) -> tuple[Type, list[hir.Expr]]:
    """The one type of some elements, ERROR after an error; and the elements as of that type."""
    kind: Type | None = None
    for one, node in zip(values, nodes, strict=True):
        given = resolve(one.type)
        if given is NEVER:
            continue
        if kind is None or given is ERROR:
            kind = given
        elif is_number(kind) and is_number(given):
            met = common(kind, given)
            kind = met if met is not None else differ(c, node, kind, given)
        elif not unify(kind, given):
            kind = differ(c, node, kind, given)
        if kind is ERROR:
            return ERROR, values
    if kind is None:
        return fresh(), values
    kind = resolve(kind)
    if not is_number(kind):
        return kind, values
    element = part_type(kind)
    return element, [value if value.type is NEVER else convert(c.p, value, element) for value in values]


@handles(tree.ArrayRepeat)
def repeated(c: Fn, node: tree.ArrayRepeat, want: Want, why: Why) -> hir.Expr:
    """`[value; count]`."""
    wanted = None if want is None else resolve(want)
    if isinstance(wanted, ArrayType):
        value = part_value(c, node.value, wanted.element, _ELEMENT)
    else:
        value = part_of(c.p, expr(c, node.value))
    count = check(c, node.count, I64, _COUNT)
    if value.type is ERROR or count.type is ERROR:
        return bad(node.at)
    element = resolve(wanted.element) if isinstance(wanted, ArrayType) and value.type is NEVER else value.type
    return hir.RepeatArray(array_of(c, element), node.at, value, count)


@handles(tree.Tuple)
def tuple_(c: Fn, node: tree.Tuple, want: Want, why: Why) -> hir.Expr:
    """`(a, b)`; without values it is unit."""
    if not node.elements:
        return hir.Unit(UNIT, node.at)
    wanted = None if want is None else resolve(want)
    if isinstance(wanted, TupleType) and len(wanted.elements) == len(node.elements):
        kinds = wanted.elements
        values = [part_value(c, one, kind, _VALUE) for one, kind in zip(node.elements, kinds, strict=True)]
        types = tuple([resolve(kind) for kind in kinds])
    else:
        values = [part_of(c.p, expr(c, element)) for element in node.elements]
        types = tuple([resolve(one.type) for one in values])
        types = tuple([UNIT if kind is NEVER else kind for kind in types])
    if ERROR in types:
        return bad(node.at)
    kind = c.p.composed_type(node.at, TupleType(types))
    if kind is ERROR:
        return bad(node.at)
    return hir.NewStruct(kind, node.at, values, list(range(len(values))))


# ---------------------------------------------------------------- elements and parts


@handles(tree.Index)
def index(c: Fn, node: tree.Index, want: Want, why: Why) -> hir.Expr:
    """An element of an array, a character of a String, a value of a tuple; or a part of the first two."""
    value = expr(c, node.value)
    kind = resolve(value.type)
    if openness(kind) != ANY:
        return _indexed(c, node, value)
    names, home = seen_now(c.names), c.env

    def decide(last: bool) -> hir.Expr | None:
        if openness(resolve(value.type)) == ANY:
            if not last:
                return None
            unify(value.type, STRING)
        now, env = c.names, c.env
        c.names, c.env = names, home
        typed = _indexed(c, node, value)
        c.names, c.env = now, env
        return typed

    return later(c, node.at, fresh(), (value.type,), decide)


def _indexed(c: Fn, node: tree.Index, value: hir.Expr) -> hir.Expr:
    kind = resolve(value.type)
    if kind is ERROR or kind is NEVER:
        expr(c, node.index) if not isinstance(node.index, tree.RangeExpr) else None
        return value
    if kind is STRING:
        return _in_string(c, node, value)
    if isinstance(kind, ArrayType):
        return _in_array(c, node, value, kind)
    if isinstance(kind, TupleType):
        which = tuple_index(c, node, kind)
        return bad(node.at) if which is None else hir.GetField(resolve(kind.elements[which]), node.at, value, which)
    if isinstance(kind, MapType) and not isinstance(node.index, tree.RangeExpr):
        return read_key(c, node, value, kind)
    if isinstance(kind, ObjectType):
        if not isinstance(node.index, tree.StringLiteral | tree.RangeExpr) and has_one_type(kind):
            return read_computed(c, node, value, kind)
        which = object_index(c, node, kind)
        return bad(node.at) if which is None else hir.GetField(resolve(kind.types[which]), node.at, value, which)
    c.p.error("E0215", node.at, f"{shown(kind)} cannot be indexed")
    return bad(node.at)


def _in_array(c: Fn, node: tree.Index, value: hir.Expr, kind: ArrayType) -> hir.Expr:
    at = node.at
    if not isinstance(node.index, tree.RangeExpr):
        typed = check(c, node.index, I64, INDEX)
        return open_type(c, hir.GetElement(resolve(kind.element), at, value, typed))
    start, end = _ends(c, at, node.index, INDEX)
    return hir.Runtime(kind, at, "arr_slice", [value, start, end or hir.Int(I64, at, (1 << 63) - 1)], traps=True)


def _in_string(c: Fn, node: tree.Index, value: hir.Expr) -> hir.Expr:
    at = node.at
    wanted = node.index
    if not isinstance(wanted, tree.RangeExpr):
        index = check(c, wanted, I64, _TEXT_INDEX)
        return hir.Runtime(STRING, at, "str_at", [value, index], traps=True)
    out: list[hir.Stmt] = []
    if wanted.end is None and not isinstance(value, hir.Local):
        value = in_slot(c, value, out)
    start, end = _ends(c, at, wanted, _TEXT_INDEX)
    if end is None:
        end = hir.Runtime(I64, at, "str_chars", [value])
    typed = hir.Runtime(STRING, at, "str_range", [value, start, end], traps=True)
    return hir.Block(STRING, at, out, typed) if out else typed


def _ends(c: Fn, at: int, wanted: tree.RangeExpr, why: Why) -> tuple[hir.Expr, hir.Expr | None]:
    """Both ends of a part, the second one exclusive; None where it goes on to the end."""
    start = hir.Int(I64, at, 0) if wanted.start is None else check(c, wanted.start, I64, why)
    if wanted.end is None:
        return start, None
    end = check(c, wanted.end, I64, why)
    if wanted.inclusive and isinstance(end, hir.Int) and end.value == -1:
        return start, None
    return start, hir.Arithmetic(I64, at, "+", end, hir.Int(I64, at, 1)) if wanted.inclusive else end


# ---------------------------------------------------------------- comprehensions


@handles(tree.Comprehension)
def comprehension(c: Fn, node: tree.Comprehension, want: Want, why: Why) -> hir.Expr:
    """`[element for pattern in iterable if condition]`: a loop that pushes."""
    wanted = None if want is None else resolve(want)
    element = wanted.element if isinstance(wanted, ArrayType) else fresh()
    at, kind = node.at, array_of(c, element)
    slot = c.slot(kind)
    wrong: list[bool] = []

    def turn() -> tuple[int, hir.Expr]:
        c.counter += 1
        label = c.counter - 1
        condition = None if node.condition is None else check(c, node.condition, BOOL, _CONDITION)
        value = part_value(c, node.element, element, _ELEMENT)
        wrong.append(value.type is ERROR)
        pushed = hir.Block(UNIT, at, [hir.Change(slot, [], "push", [value], at)], hir.Unit(UNIT, at))
        return label, pushed if condition is None else hir.If(UNIT, at, condition, pushed, hir.Unit(UNIT, at))

    loop = loop_over(c, at, node.pattern, node.iterable, turn)
    if any(wrong) or loop.type is ERROR:
        return bad(at)
    empty = hir.NewArray(kind, at, [])
    return hir.Block(kind, at, [hir.Let(slot, empty), hir.Do(loop)], hir.Local(kind, at, slot))
