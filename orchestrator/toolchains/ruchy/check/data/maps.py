"""Maps and sets. A map is kept as two arrays, its keys and their values; a set as one. The keys are in order but for
the newest (`types.fields_of_table`). So a map walks in the order of its keys, and a key is found by halving. `find`
(`lower/glue_maps.py`) gives the index of a key, or, where there is none, the bits of where it belongs turned over,
which is below 0.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.variants import NONE, SOME
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import Var, fresh, resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import (
    IN_MAPS,
    Place,
    change_place,
    entry_of,
    in_slot,
    mutated,
    part_value,
    place_of,
    read_place,
    write_place,
)
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    FloatType,
    IntType,
    MapType,
    SetType,
    TupleType,
    Type,
    is_option,
    option_of,
)
from orchestrator.toolchains.ruchy.syntax import tree

KEY: Why = ("E0290", "the keys of this map are {want}, and this is {got}")
VALUE: Why = ("E0201", "the values of this map are {want}, and this is {got}")
ITEM: Why = ("E0290", "the items of this set are {want}, and this is {got}")
NO_STEP: Why = ("E0201", "this is {got}, and {want} is needed")


# ---------------------------------------------------------------- making


def new_map(c: Fn, at: int, key: Type, value: Type) -> hir.Expr:
    """An empty map."""
    kind = c.p.composed_type(at, MapType(key, value))
    if kind is ERROR:
        return bad(at)
    c.p.open.keys.append((at, key))
    return _empty(kind, at)


def new_set(c: Fn, at: int, item: Type) -> hir.Expr:
    """An empty set."""
    kind = c.p.composed_type(at, SetType(item))
    if kind is ERROR:
        return bad(at)
    c.p.open.keys.append((at, item))
    return _empty(kind, at)


def _empty(kind: Type, at: int) -> hir.Expr:
    arrays = [hir.NewArray(ArrayType(part), at, []) for part in kind.parts]
    ends = [hir.Int(I64, at, 0), hir.Int(I64, at, 0)]
    return hir.NewStruct(kind, at, [*arrays, *ends], list(range(len(arrays) + 2)))


# ---------------------------------------------------------------- looking


def keys_of(at: int, typed: hir.Expr) -> hir.Expr:
    """The keys of a map, or the items of a set, as an array in order."""
    return _field(at, in_order(at, typed), 0)


def values_of(at: int, typed: hir.Expr) -> hir.Expr:
    """The values of a map, in the order of the keys."""
    return _field(at, in_order(at, typed), 1)


def in_order(at: int, typed: hir.Expr) -> hir.Expr:
    """The same map or set, all of whose keys are in order (see `types.fields_of_table`)."""
    kind = resolve(typed.type)
    return hir.Helper(kind, at, "merged", kind, [typed])


def _field(at: int, typed: hir.Expr, field: int) -> hir.Expr:
    return hir.GetField(ArrayType(resolve(typed.type).parts[field]), at, typed, field)


def count_of(at: int, typed: hir.Expr) -> hir.Expr:
    """How many keys there are."""
    return hir.Runtime(I64, at, "length", [_field(at, typed, 0)])


def items_of(at: int, typed: hir.Expr, kind: MapType) -> hir.Expr:
    """The pairs of a map, as an array."""
    return hir.Helper(ArrayType(TupleType(kind.parts)), at, "items", kind, [typed])


def find(c: Fn, at: int, typed: hir.Expr, key: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """Where a key is, in a slot."""
    return in_slot(c, hir.Helper(I64, at, "find", resolve(typed.type), [typed, key]), out)


def is_there(at: int, index: hir.Expr) -> hir.Expr:
    return hir.Compare(BOOL, at, ">=", index, hir.Int(I64, at, 0))


def value_at(c: Fn, at: int, typed: hir.Expr, index: hir.Expr) -> hir.Expr:
    values = _field(at, typed, 1)
    return open_type(c, hir.GetElement(resolve(values.type.parts[0]), at, values, index, checked=False))


def key_of(c: Fn, node: tree.Expr, kind: MapType | SetType, out: list[hir.Stmt]) -> hir.Expr:
    """A key, in a slot."""
    return in_slot(c, part_value(c, node, kind.parts[0], KEY if isinstance(kind, MapType) else ITEM), out)


def read_key(c: Fn, node: tree.Index, typed: hir.Expr, kind: MapType) -> hir.Expr:
    """`m[key]`, which traps where there is none."""
    at = node.at
    out: list[hir.Stmt] = []
    held = in_slot(c, typed, out)
    key = key_of(c, node.index, kind, out)
    index = find(c, at, held, key, out)
    out.append(hir.Do(must_be(c, at, key, index)))
    value = value_at(c, at, held, index)
    return open_type(c, hir.Block(value.type, at, out, value))


def must_be(c: Fn, at: int, key: hir.Expr, index: hir.Expr) -> hir.Expr:
    """Traps where an index says that a key is not there."""
    text = joined(at, [hir.Str(STRING, at, "key "), *text_parts(c, key, "?"), hir.Str(STRING, at, " not found")])
    return hir.If(UNIT, at, is_there(at, index), hir.Unit(UNIT, at), hir.Panic(NEVER, at, text))


def option_at(c: Fn, at: int, typed: hir.Expr, index: hir.Expr) -> hir.Expr:
    """The value at an index as an Option; None where the index says that there is none."""
    value = value_at(c, at, typed, index)
    c.p.composed = True
    kind = option_of(value.type)
    present = hir.NewVariant(kind, at, SOME, [value], [0])
    return open_type(c, hir.If(kind, at, is_there(at, index), present, hir.NewVariant(kind, at, NONE, [], [])))


# ---------------------------------------------------------------- changing


def inner_place(place: Place, field: int, kind: Type, *more: tuple[hir.Step, Type]) -> Place:
    """The keys (0) or the values (1) of the map in a place, or what is in these."""
    return _inner(place, (field, ArrayType(kind)), *more)


def _inner(place: Place, *more: tuple[hir.Step, Type]) -> Place:
    inner = Place(place.variable, place.type, NO_STEP)
    inner.steps, inner.types = [*place.steps], [*place.types]
    for step, part in more:
        inner.enter(step, part, NO_STEP)
    return inner


def _block(at: int, out: list[hir.Stmt]) -> hir.Expr:
    return hir.Block(UNIT, at, out, hir.Unit(UNIT, at))


def put_in_order(c: Fn, place: Place, at: int, out: list[hir.Stmt]) -> None:
    """Puts all keys of the map or set in a place in order."""
    _merge(c, place, 1, at, out)
    _merge(c, place, 0, at, out)


def _merge(c: Fn, place: Place, stretch: int, at: int, out: list[hir.Stmt]) -> None:
    """Merges all that lies behind a stretch of keys, and is in order, into it: 0 the first, 1 the second."""
    kind, numbers = place.type, ArrayType(I64)
    end = len(kind.parts) + stretch
    whole = read_place(c, at, place)
    first = hir.GetField(I64, at, whole, end - 1) if stretch else hir.Int(I64, at, 0)
    places = hir.Helper(numbers, at, "new_places", kind, [whole, first, hir.GetField(I64, at, whole, end)])
    kept = in_slot(c, places, out)
    for field, part in enumerate(kind.parts):
        change_place(c, inner_place(place, field, part), "arr_weave", [kept], at, out)
    count = count_of(at, read_place(c, at, place))
    write_place(c, _inner(place, (end, I64)), count, at, out)


def _when(at: int, condition: hir.Expr, out: list[hir.Stmt]) -> hir.Stmt:
    return hir.Do(hir.If(UNIT, at, condition, _block(at, out), hir.Unit(UNIT, at)))


def add_entry(c: Fn, place: Place, index: hir.Expr, parts: list[hir.Expr], at: int) -> hir.Expr:
    """Puts in a key, and its value, where `find` says that there is none, and gives its index. New keys go behind
    those in order, so few have to move; where there are many of them, they are merged before."""
    kind = place.type
    out: list[hir.Stmt] = []
    where = in_slot(c, hir.BitNot(I64, at, index), out)
    assert isinstance(where, hir.Local)
    again: list[hir.Stmt] = []
    _merge(c, place, 1, at, again)
    wider: list[hir.Stmt] = []
    _merge(c, place, 0, at, wider)
    again.append(_when(at, hir.Helper(BOOL, at, "is_wide", kind, [read_place(c, at, place)]), wider))
    typed = hir.Helper(I64, at, "find", kind, [read_place(c, at, place), parts[0]])
    again.append(hir.Let(where.slot, hir.BitNot(I64, at, typed)))
    is_full = hir.Helper(BOOL, at, "is_full", kind, [read_place(c, at, place)])
    out.append(_when(at, is_full, again))
    goes_last = hir.Helper(BOOL, at, "goes_last", kind, [read_place(c, at, place), parts[0]])
    last = in_slot(c, goes_last, out)
    for field, part in enumerate(parts):
        change_place(c, inner_place(place, field, kind.parts[field]), "insert", [where, part], at, out, traps=True)
    more: list[hir.Stmt] = []
    for stretch in (0, 1):
        _change_end(c, place, stretch, "+", at, more)
    out.append(_when(at, last, more))
    return hir.Block(I64, at, out, where)


def _change_end(c: Fn, place: Place, stretch: int, op: str, at: int, out: list[hir.Stmt]) -> None:
    """A stretch of keys ends one key later or earlier."""
    field = len(place.type.parts) + stretch
    now = hir.GetField(I64, at, read_place(c, at, place), field)
    value = hir.Arithmetic(I64, at, op, now, hir.Int(I64, at, 1))
    write_place(c, _inner(place, (field, I64)), value, at, out)


def cut_entry(c: Fn, place: Place, index: hir.Expr, at: int) -> hir.Expr:
    """Takes out the key at an index, and its value."""
    out: list[hir.Stmt] = []
    for field, part in enumerate(place.type.parts):
        array = _field(at, read_place(c, at, place), field)
        in_slot(c, open_type(c, hir.GetElement(resolve(part), at, array, index, checked=False)), out)  # holds it
        change_place(c, inner_place(place, field, part), "arr_close", [index], at, out)
    for stretch in (0, 1):
        earlier: list[hir.Stmt] = []
        _change_end(c, place, stretch, "-", at, earlier)
        end = hir.GetField(I64, at, read_place(c, at, place), len(place.type.parts) + stretch)
        out.append(_when(at, hir.Compare(BOOL, at, "<", index, end), earlier))
    return _block(at, out)


def put(c: Fn, place: Place, key: hir.Expr, value: hir.Expr, index: hir.Expr, at: int) -> hir.Stmt:
    """`m[key] = value`, with both in slots."""
    kind = place.type
    assert isinstance(kind, MapType)
    out: list[hir.Stmt] = []
    write_place(c, inner_place(place, 1, kind.value, (index, kind.value)), value, at, out)
    replace = _block(at, out)
    added = _block(at, [hir.Do(add_entry(c, place, index, [key, value], at))])
    return hir.Do(hir.If(UNIT, at, is_there(at, index), replace, added))


def assign_key(c: Fn, node: tree.Index, place: Place, given: tree.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """`m[key] = value` for the map in a place."""
    kind = place.type
    assert isinstance(kind, MapType)
    mutated(c, place.variable, node.at)
    key = key_of(c, node.index, kind, out)
    typed = part_value(c, given, kind.value, VALUE)
    value = in_slot(c, typed, out)
    if typed.type is not NEVER and ERROR not in (key.type, typed.type):
        out.append(put(c, place, key, value, find(c, node.at, read_place(c, node.at, place), key, out), node.at))
    return hir.Unit(UNIT, node.at)


def enter_key(c: Fn, node: tree.Index, place: Place, out: list[hir.Stmt]) -> bool:
    """Goes on to the value of a key that must be there: `m[key].field`, `m[key] += 1`."""
    kind = place.type
    assert isinstance(kind, MapType)
    key = key_of(c, node.index, kind, out)
    if key.type is not ERROR:
        enter_value(c, key, place, node.at, out)
    return key.type is not ERROR


def enter_value(c: Fn, key: hir.Expr, place: Place, at: int, out: list[hir.Stmt]) -> None:
    """Goes on to the value of a key in a slot, which must be there."""
    kind = place.type
    assert isinstance(kind, MapType)
    index = find(c, at, read_place(c, at, place), key, out)
    out.append(hir.Do(must_be(c, at, key, index)))
    _go_to(place, key, index, kind)
    place.found = out, len(out)


def _go_to(place: Place, key: hir.Expr, index: hir.Expr, kind: MapType) -> None:
    place.enter(1, ArrayType(kind.value), NO_STEP)
    place.keys = {**place.keys, len(place.steps): key}
    place.enter(index, kind.value, VALUE)


def entry_place(c: Fn, node: tree.MethodCall, out: list[hir.Stmt]) -> Place | None:
    """The place of a key's value, which is put in first where there is none."""
    entry = entry_of(node)
    assert entry is not None
    place = place_of(c, entry.receiver, out)
    if place is None:
        return None
    kind = place.type
    if not isinstance(kind, MapType):
        if kind is not ERROR:
            c.p.error("E0107", entry.at, "only a map in a variable has `entry`")
        return None
    default = _default_of(c, node, resolve(kind.value))
    if default is None:
        return None
    mutated(c, place.variable, node.at)
    place.variable.read = True
    key = key_of(c, entry.arguments[0], kind, out)
    value = in_slot(c, part_value(c, default, kind.value, VALUE), out)
    if ERROR in (key.type, value.type):
        return None
    at = node.at
    at_key = find(c, at, read_place(c, at, place), key, out)
    added = add_entry(c, place, at_key, [key, value], at)
    index = in_slot(c, hir.If(I64, at, is_there(at, at_key), at_key, added), out)
    _go_to(place, key, index, kind)
    place.found = out, len(out)
    return place


def _default_of(c: Fn, node: tree.MethodCall, kind: Type) -> tree.Expr | None:
    """The value that a key gets; None after an error."""
    if node.name == "or_default":
        default = first_value(kind, node)
        if default is None:
            hint = "write `or_insert` and the value: `or_insert(0)`, `or_insert(vec![])`"
            c.p.error(
                "E0107", node.at, f"`or_default` needs a type that has a default value, and this is {shown(kind)}", hint
            )
        return default
    if node.name == "or_insert" and len(node.arguments) == 1:
        return node.arguments[0]
    if node.name == "or_insert_with" and len(node.arguments) == 1:
        given = node.arguments[0]
        if isinstance(given, tree.Path):
            return tree.Call(given.at, given, [])
        if isinstance(given, tree.Lambda) and not given.parameters:
            return given.body
    hint = "write `or_insert` and the value: `or_insert(0)`, `or_insert(vec![])`"
    c.p.error("E0720", node.at, f"this form of `{node.name}` is not supported yet", hint)
    return None


def first_value(kind: Type, node: tree.Call | tree.MethodCall) -> tree.Expr | None:
    """What a type begins with. Where nothing has decided it yet, the method that follows does, whose name is the
    argument of `or_default` then."""
    at = node.at
    following = node.arguments[0] if node.arguments else None
    name = following.segments[0] if isinstance(following, tree.Path) else ""
    if isinstance(kind, ArrayType) or (kind.__class__ is Var and name in ("push", "extend")):
        return tree.Array(at, [])
    if isinstance(kind, MapType | SetType):
        return tree.Call(at, tree.Path(at, ("HashMap" if isinstance(kind, MapType) else "HashSet", "new")), [])
    if is_option(kind):
        return tree.Path(at, ("None",))
    if kind is STRING or (kind.__class__ is Var and name == "push_str"):
        return tree.StringLiteral(at, "")
    if kind is BOOL:
        return tree.BoolLiteral(at, False)
    if isinstance(kind, FloatType):
        return tree.FloatLiteral(at, 0.0)
    return tree.IntLiteral(at, 0) if isinstance(kind, IntType) or (kind.__class__ is Var and not name) else None


def literal_map(c: Fn, at: int, pairs: list[tree.Expr]) -> hir.Expr:
    """`HashMap::from([(key, value)])`: the pairs in the order written."""
    table = new_map(c, at, fresh(), fresh())
    kind = table.type
    if not isinstance(kind, MapType):
        return table
    out: list[hir.Stmt] = []
    place = _in_new_variable(c, table, out)
    for pair in pairs:
        if not isinstance(pair, tree.Tuple) or len(pair.elements) != 2:
            c.p.error("E0201", pair.at, "a map is made from pairs of a key and a value", 'write `[("a", 1)]`')
            expr(c, pair)
            return bad(at)
        key = key_of(c, pair.elements[0], kind, out)
        value = in_slot(c, part_value(c, pair.elements[1], kind.value, VALUE), out)
        out.append(put(c, place, key, value, find(c, at, read_place(c, at, place), key, out), at))
    return hir.Block(kind, at, out, read_place(c, at, place))


def literal_set(c: Fn, at: int, given: tree.Expr) -> hir.Expr:
    """`HashSet::from(array)`."""
    item = fresh()
    table = new_set(c, at, item)
    array = check(c, given, ArrayType(item), ("E0201", "a set is made from an array, and this is {got}"))
    return bad(at) if ERROR in (table.type, array.type) else set_of(c, at, table, array)


def set_of(c: Fn, at: int, typed: hir.Expr, array: hir.Expr, out: list[hir.Stmt] | None = None) -> hir.Expr:
    """A set, with the elements of an array put in: sorted at once, which takes less time than one by one."""
    kind = resolve(typed.type)
    assert isinstance(kind, SetType)
    items = ArrayType(kind.element)
    both = hir.Runtime(items, at, "arr_concat", [keys_of(at, typed), array])
    ordered = hir.Helper(items, at, "sort", items, [both])
    out = [] if out is None else out
    unique = in_slot(c, hir.Helper(items, at, "dedup", items, [ordered]), out)
    count = hir.Runtime(I64, at, "length", [unique])
    whole = hir.NewStruct(kind, at, [unique, count, count], [0, 1, 2])
    return hir.Block(kind, at, out, whole)


def put_item(c: Fn, at: int, place: Place, item: hir.Expr, index: hir.Expr) -> hir.Expr:
    """Puts an item into a set that lacks it."""
    added = _block(at, [hir.Do(add_entry(c, place, index, [item], at))])
    return hir.If(UNIT, at, is_there(at, index), hir.Unit(UNIT, at), added)


def _in_new_variable(c: Fn, typed: hir.Expr, out: list[hir.Stmt]) -> Place:
    mark = len(c.undo)
    variable = c.declare("", typed.type, typed.at, mutable=True)
    c.leave(mark)
    out.append(hir.Let(variable.slot, typed))
    return Place(variable, resolve(typed.type), NO_STEP)


IN_MAPS.step = enter_key
IN_MAPS.entry = entry_place
IN_MAPS.again = enter_value
