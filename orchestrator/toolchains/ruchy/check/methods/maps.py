"""Methods of maps and sets."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.maps import (
    VALUE,
    count_of,
    cut_entry,
    find,
    is_there,
    items_of,
    key_of,
    keys_of,
    literal_set,
    new_map,
    new_set,
    option_at,
    put,
    put_item,
    set_of,
    values_of,
)
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Called, arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import fresh, resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    in_slot,
    mutated,
    part_value,
    read_place,
    write_place,
)
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    UNIT,
    MapType,
    SetType,
    Type,
)
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_OTHER: Why = ("E0204", "this method takes {want}, and this is {got}")
Table = MapType | SetType
Method = Callable[[Fn, tree.MethodCall, hir.Expr, Table], hir.Expr]
Changer = Callable[[Fn, tree.MethodCall, Place, Table, list[hir.Stmt]], hir.Expr]


def table_method(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    """`receiver.name(arguments)` of a map or a set."""
    method = METHODS.get((kind.__class__, node.name))
    if method is not None:
        count, make = method
        if len(node.arguments) == count:
            return make(c, node, receiver, kind)
        arguments_of(c, node, node.name, count, count)
        return bad(node.at)
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    if (kind.__class__, node.name) in CHANGERS:
        message = f"`{node.name}` changes what it is called on, and this is no variable's: the change would be lost"
        c.p.error("E0211", node.at, message, "give it a name first: `let mut m = ...`")
    elif node.name in ("get_mut", "values_mut", "entry", "iter_mut"):
        hint = "write `m[key] = value`, `m[key] += 1`, or `*m.entry(key).or_insert(0) += 1`"
        c.p.error("E0720", node.at, f"`{node.name}` of a map is not supported yet", hint)
    else:
        known = [name for of, name in (*METHODS, *CHANGERS) if of is kind.__class__]
        c.p.error("E0107", node.at, f"{shown(kind)} has no method `{node.name}`", did_you_mean(node.name, known))
    return bad(node.at)


def change_table(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """`place.name(arguments)` where the name is one of `CHANGERS`."""
    count, make = CHANGERS[kind.__class__, node.name]
    if len(node.arguments) != count:
        arguments_of(c, node, node.name, count, count)
        return bad(node.at)
    mutated(c, place.variable, node.at)
    place.variable.read = True
    return make(c, node, place, kind, out)


# ---------------------------------------------------------------- looking


def _len(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return count_of(node.at, receiver)


def _is_empty(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return hir.Compare(BOOL, node.at, "==", _len(c, node, receiver, kind), hir.Int(I64, node.at, 0))


def _keys(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return keys_of(node.at, receiver)


def _values(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return values_of(node.at, receiver)


def _items(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    assert isinstance(kind, MapType)
    return items_of(node.at, receiver, kind)


def _get(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    out: list[hir.Stmt] = []
    held = in_slot(c, receiver, out)
    key = key_of(c, node.arguments[0], kind, out)
    value = option_at(c, node.at, held, find(c, node.at, held, key, out))
    return hir.Block(value.type, node.at, out, value)


def _contains(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    out: list[hir.Stmt] = []
    held = in_slot(c, receiver, out)
    key = key_of(c, node.arguments[0], kind, out)
    return hir.Block(BOOL, node.at, out, is_there(node.at, find(c, node.at, held, key, out)))


def _itself(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return receiver


def _to_string(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    return joined(node.at, text_parts(c, receiver))


def _sets(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table, out: list[hir.Stmt]) -> tuple[hir.Expr, ...]:
    """Both sets of a method of two, in slots."""
    held = in_slot(c, receiver, out)
    return held, in_slot(c, check(c, node.arguments[0], kind, _OTHER), out)


def _union(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    out: list[hir.Stmt] = []
    held, other = _sets(c, node, receiver, kind, out)
    return bad(node.at) if other.type is ERROR else set_of(c, node.at, held, keys_of(node.at, other), out)


def _chosen(shared: bool) -> Method:
    """The items of the first set that the second one has, or lacks."""

    def make(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
        out: list[hir.Stmt] = []
        held, other = _sets(c, node, receiver, kind, out)
        if other.type is ERROR:
            return bad(node.at)
        name = "shared" if shared else "others"
        return hir.Block(kind, node.at, out, hir.Helper(kind, node.at, name, kind, [held, other]))

    return make


def _is_subset(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: Table) -> hir.Expr:
    out: list[hir.Stmt] = []
    held, other = _sets(c, node, receiver, kind, out)
    if other.type is ERROR:
        return bad(node.at)
    both = hir.Helper(kind, node.at, "shared", kind, [held, other])
    return hir.Block(BOOL, node.at, out, hir.Compare(BOOL, node.at, "==", both, held))


METHODS: dict[tuple[type, str], tuple[int, Method]] = {
    (MapType, "get"): (1, _get),
    (MapType, "keys"): (0, _keys),
    (MapType, "values"): (0, _values),
    **{(MapType, name): (0, _items) for name in ("items", "iter", "into_iter", "collect", "to_vec", "entries")},
    **{(MapType, name): (1, _contains) for name in ("contains_key", "has_key", "contains")},
    **{(SetType, name): (0, _keys) for name in ("items", "iter", "into_iter", "collect", "to_vec", "cloned", "copied")},
    (SetType, "contains"): (1, _contains),
    (SetType, "union"): (1, _union),
    (SetType, "intersection"): (1, _chosen(shared=True)),
    (SetType, "difference"): (1, _chosen(shared=False)),
    (SetType, "is_subset"): (1, _is_subset),
    **{(of, name): (0, _len) for of in (MapType, SetType) for name in ("len", "length", "count")},
    **{(of, "is_empty"): (0, _is_empty) for of in (MapType, SetType)},
    **{(of, "clone"): (0, _itself) for of in (MapType, SetType)},
    **{(of, "to_string"): (0, _to_string) for of in (MapType, SetType)},
}
"""By type and name: how many arguments a method takes, and what makes it."""


# ---------------------------------------------------------------- changing


def _insert(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """`insert(key, value)` gives the value that the key had."""
    assert isinstance(kind, MapType)
    key = key_of(c, node.arguments[0], kind, out)
    value = in_slot(c, part_value(c, node.arguments[1], kind.value, VALUE), out)
    if ERROR in (key.type, value.type):
        return bad(node.at)
    map_ = read_place(c, node.at, place)
    index = find(c, node.at, map_, key, out)
    before = in_slot(c, option_at(c, node.at, map_, index), out)
    out.append(put(c, place, key, value, index, node.at))
    return before


def _remove(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """Gives the value that the key had; of a set, whether the item was there."""
    at = node.at
    key = key_of(c, node.arguments[0], kind, out)
    if key.type is ERROR:
        return bad(at)
    table = read_place(c, at, place)
    index = find(c, at, table, key, out)
    before = option_at(c, at, table, index) if isinstance(kind, MapType) else is_there(at, index)
    kept = in_slot(c, before, out)
    out.append(hir.Do(hir.If(UNIT, at, is_there(at, index), cut_entry(c, place, index, at), hir.Unit(UNIT, at))))
    return kept


def _insert_item(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    """Gives whether the item is new."""
    at = node.at
    item = key_of(c, node.arguments[0], kind, out)
    if item.type is ERROR:
        return bad(at)
    index = find(c, at, read_place(c, at, place), item, out)
    out.append(hir.Do(put_item(c, at, place, item, index)))
    return hir.Not(BOOL, at, is_there(at, index))


def _clear(c: Fn, node: tree.MethodCall, place: Place, kind: Table, out: list[hir.Stmt]) -> hir.Expr:
    at = node.at
    empty = new_map(c, at, *kind.parts) if isinstance(kind, MapType) else new_set(c, at, *kind.parts)
    write_place(c, place, empty, at, out)
    return hir.Unit(UNIT, at)


CHANGERS: dict[tuple[type, str], tuple[int, Changer]] = {
    (MapType, "insert"): (2, _insert),
    (MapType, "remove"): (1, _remove),
    (MapType, "clear"): (0, _clear),
    (SetType, "insert"): (1, _insert_item),
    (SetType, "add"): (1, _insert_item),
    (SetType, "remove"): (1, _remove),
    (SetType, "clear"): (0, _clear),
}
CHANGING = frozenset(name for _, name in (*CHANGERS, (MapType, "extend"), (MapType, "retain")))


# ---------------------------------------------------------------- functions


def _empty_table(name: str, count: int, *, pairs: bool) -> Callable[[Fn, Called, Want, Why], hir.Expr]:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        arguments = arguments_of(c, node, name, count, count)
        if arguments is None:
            return bad(node.at)
        wanted = resolve(want) if want is not None else None
        if pairs:
            parts: tuple[Type, ...] = wanted.parts if isinstance(wanted, MapType) else (fresh(), fresh())
            return new_map(c, node.at, *parts)
        return new_set(c, node.at, *(wanted.parts if isinstance(wanted, SetType) else (fresh(),)))

    return handler


def _from(name: str) -> Callable[[Fn, Called, Want, Why], hir.Expr]:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if len(node.arguments) != 1:
            arguments_of(c, node, name, 1, 1)
            return bad(node.at)
        given = node.arguments[0]
        return literal_set(c, node.at, given)

    return handler


for _type, _pairs in (("HashMap", True), ("BTreeMap", True), ("HashSet", False), ("BTreeSet", False)):
    BUILTINS[f"{_type}::new"] = _empty_table(f"{_type}::new", 0, pairs=_pairs)
    BUILTINS[f"{_type}::with_capacity"] = _empty_table(f"{_type}::with_capacity", 1, pairs=_pairs)
    if not _pairs:
        BUILTINS[f"{_type}::from"] = _from(f"{_type}::from")
