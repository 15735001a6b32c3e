"""Objects: `{a: 1, b: "x"}`. An object is a record without a name: its type is the names of its fields, in order, and
their types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.maps import must_be, new_map
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr, handles, open_type
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import fresh, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import part_of
from orchestrator.toolchains.ruchy.check.lending.places import in_slot, instead, object_keys, part_value
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
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_FIELD: Why = ("E0201", "the field `{0}` is {want}, and this is {got}")
_KEY: Why = ("E0204", "`{0}` takes the name of a field, a String, and this is {got}")


@handles(tree.ObjectLiteral)
def object_(c: Fn, node: tree.ObjectLiteral, want: Want, why: Why) -> hir.Expr:
    """`{name: value}`: the fields are kept by name, and computed in the order written."""
    wanted = None if want is None else resolve(want)
    if not node.fields and not isinstance(wanted, ObjectType):
        parts = wanted.parts if isinstance(wanted, MapType) else (fresh(), fresh())
        return new_map(c, node.at, *parts)
    given: dict[str, hir.Expr] = {}
    for field in node.fields:
        if field.name in given:
            c.p.error("E0291", field.at, f"the field `{field.name}` is given twice")
            return bad(node.at)
        known = wanted.field(field.name) if isinstance(wanted, ObjectType) else None
        if known is not None:
            given[field.name] = part_value(c, field.value, known, (*_FIELD, field.name))
        else:
            given[field.name] = part_of(c.p, expr(c, field.value))
    names = tuple(sorted(given, key=str.encode))
    types = tuple([UNIT if (kind := resolve(given[name].type)) is NEVER else kind for name in names])
    if ERROR in types:
        return bad(node.at)
    if isinstance(wanted, ObjectType) and wanted.names == names:  # one that never returns has no type of its own
        types = tuple([resolve(kind) for kind in wanted.types])
    composed = c.p.composed_type(node.at, ObjectType(names, types))
    if composed is ERROR:
        return bad(node.at)
    order = [names.index(name) for name in given]
    return hir.NewStruct(composed, node.at, [given[name] for name in names], order)


# ---------------------------------------------------------------- methods

Method = Callable[[Fn, tree.MethodCall, hir.Expr, ObjectType], hir.Expr]


def object_method(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    """`receiver.name(arguments)` of an object: all that asks for its fields is known here."""
    method = METHODS.get(node.name)
    if method is None:
        for argument in node.arguments:
            expr(c, argument)
        hint = did_you_mean(node.name, [*METHODS])
        if node.name in kind.names:
            hint = f"leave out the brackets: `.{node.name}`"
        c.p.error("E0107", node.at, f"{shown(kind)} has no method `{node.name}`", hint)
        return bad(node.at)
    count, make = method
    if len(node.arguments) != count:
        arguments_of(c, node, node.name, count, count)
        return bad(node.at)
    return make(c, node, receiver, kind)


def _keys(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    c.p.composed = True
    return object_keys(node.at, receiver, kind)


def _one_type(c: Fn, node: tree.MethodCall, kind: ObjectType) -> Type:
    """The type that all fields have; ERROR where they differ."""
    first = resolve(kind.types[0]) if kind.types else I64
    for name, type_ in zip(kind.names, kind.types, strict=True):
        if not unify(first, type_):
            message = f"`{node.name}` gives an array, and the fields `{kind.names[0]}` and `{name}` differ in type: "
            c.p.error("E0291", node.at, f"{message}{shown(first)} and {shown(type_)}", "read them by name: `o.name`")
            return ERROR
    return resolve(first)


def _values(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    return _collected(c, node, receiver, kind, pairs=False)


def _items(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    return _collected(c, node, receiver, kind, pairs=True)


def _collected(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType, *, pairs: bool) -> hir.Expr:
    """The values as an array, or pairs of a name and a value."""
    at, element = node.at, _one_type(c, node, kind)
    if element is ERROR:
        return bad(at)
    c.p.composed = True
    out: list[hir.Stmt] = []
    value = in_slot(c, receiver, out)
    values: list[hir.Expr] = [hir.GetField(element, at, value, index) for index in range(len(kind.names))]
    if pairs:
        element = TupleType((STRING, element))
        names = [hir.Str(STRING, at, name) for name in kind.names]
        values = [hir.NewStruct(element, at, [name, one], [0, 1]) for name, one in zip(names, values, strict=True)]
    array = ArrayType(element)
    return hir.Block(array, at, out, hir.NewArray(array, at, values))


def _length(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    return instead(node.at, receiver, hir.Int(I64, node.at, len(kind.names)))


def _has_key(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    at = node.at
    key = check(c, node.arguments[0], STRING, (*_KEY, node.name))
    c.p.composed = True
    names = object_keys(at, receiver, kind)
    typed = hir.Helper(I64, at, "index_of", names.type, [names, key])
    return hir.Compare(BOOL, at, ">=", typed, hir.Int(I64, at, 0))


class _Looked(NamedTuple):
    """What a computed key was looked up in: the values of the fields, and the key's place among them, below 0 where it
    is none of them."""

    values: hir.Expr
    key: hir.Expr
    place: hir.Expr


def has_one_type(kind: ObjectType) -> bool:
    """Whether all fields are of one type, so that a computed key can stand for any of them."""
    first = shown(kind.types[0]) if kind.types else ""
    return bool(first) and all(shown(type_) == first and unify(kind.types[0], type_) for type_ in kind.types)


def _looked_up(c: Fn, at: int, key: tree.Expr, value: hir.Expr, kind: ObjectType, out: list[hir.Stmt]) -> _Looked:
    held = in_slot(c, value, out)
    wanted = in_slot(c, check(c, key, STRING, (*_KEY, "[]")), out)
    c.p.composed = True
    names = object_keys(at, held, kind)
    index = in_slot(c, hir.Helper(I64, at, "index_of", names.type, [names, wanted]), out)
    element = resolve(kind.types[0])
    parts: list[hir.Expr] = [hir.GetField(element, at, held, place) for place in range(len(kind.names))]
    return _Looked(hir.NewArray(ArrayType(element), at, parts), wanted, index)


def read_computed(c: Fn, node: tree.Index, value: hir.Expr, kind: ObjectType) -> hir.Expr:
    """`o[key]`, which traps where no field has the name."""
    out: list[hir.Stmt] = []
    looked = _looked_up(c, node.at, node.index, value, kind, out)
    if resolve(looked.key.type) is ERROR:
        return bad(node.at)
    out.append(hir.Do(must_be(c, node.at, looked.key, looked.place)))
    element = looked.values.type.parts[0]
    typed = hir.GetElement(element, node.at, looked.values, looked.place, checked=False)
    return open_type(c, hir.Block(element, node.at, out, typed))


def _itself(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    return receiver


def _to_string(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ObjectType) -> hir.Expr:
    return joined(node.at, text_parts(c, receiver))


METHODS: dict[str, tuple[int, Method]] = {
    "keys": (0, _keys),
    "values": (0, _values),
    "items": (0, _items),
    "len": (0, _length),
    "length": (0, _length),
    "has_key": (1, _has_key),
    "contains_key": (1, _has_key),
    "clone": (0, _itself),
    "to_string": (0, _to_string),
}
"""By name: how many arguments a method takes, and what makes it."""
