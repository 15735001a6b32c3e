"""Places that can be written to: a variable, its fields, the elements of its arrays, and so on inwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, check, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, Var, fresh, openness, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import part_of
from orchestrator.toolchains.ruchy.check.lending.elements import unwrapped_element
from orchestrator.toolchains.ruchy.check.parts import LEAVES, PARTS, PLAIN, Node
from orchestrator.toolchains.ruchy.check.scope import ConstItem, ErrorItem, Global, Item, Variable
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    MapType,
    MixedType,
    ObjectType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.check.variables import change_global, global_of, hidden, read_global, set_global
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_STORE: Why = ("E0201", "`{0}` is {want}, and this is {got}")
_STORE_FIELD: Why = ("E0201", "the field `{0}` of `{1}` is {want}, and this is {got}")
_STORE_ELEMENT: Why = ("E0201", "the elements of this array are {want}, and this is {got}")
INDEX: Why = ("E0251", "an array is indexed by an integer, and this is {got}")


class Place:
    """A variable and the way into it, with the type of each step; `type` is that of the whole, `why` what to say where
    a value does not fit in. `key`: what is meant is this key of the map that the place holds, which may lack it.
    `keys`: which steps go to the value of a key, and its slot; `found`: among which statements these were looked for,
    and how many there were then."""

    __slots__ = ("found", "key", "keys", "steps", "type", "types", "variable", "why")

    def __init__(self, variable: Variable, kind: Type, why: Why) -> None:
        self.key: tree.Index | None = None
        self.keys: dict[int, hir.Expr] = {}
        self.found: tuple[list[hir.Stmt], int] | None = None
        self.variable = variable
        self.steps: list[hir.Step] = []
        self.types: list[Type] = []
        self.type = kind
        self.why = why

    def enter(self, step: hir.Step, kind: Type, why: Why) -> None:
        self.steps.append(step)
        self.types.append(kind)
        self.type = resolve(kind)
        self.why = why


class Alias(Variable):
    """A name that means a place: what `&mut` lends (`aliases.py`)."""

    __slots__ = ("place",)

    def __init__(self, name: str, place: Place, at: int) -> None:
        super().__init__(name, place.type, -1, at, True, declared=False)
        self.place = place
        self.read = self.lent = self.changes = True


def place_of(c: Fn, node: tree.Expr, out: list[hir.Stmt], *, to_set: bool = False) -> Place | None:
    """The place that an expression names; None after an error. What it is indexed by is computed in `out`."""
    way: list[tree.Field | tree.Index] = []
    while True:
        if isinstance(node, tree.Field | tree.Index):
            way.append(node)
            node = node.value
        elif isinstance(node, tree.Unary) and node.op == "*":
            node = node.operand
        elif (element := unwrapped_element(c, node)) is not None:
            node = element
        else:
            break
    if isinstance(node, tree.MethodCall) and is_entry(node):
        place = IN_MAPS.entry(c, node, out)
        return None if place is None else _inside(c, place, way, out, to_set)
    if not isinstance(node, tree.Path) or len(node.segments) != 1:
        typed = expr(c, node)
        if typed.type is not ERROR:
            c.p.error("E0211", node.at, "only variables, their fields and their elements can be assigned to")
        return None
    name = node.segments[0]
    variable = c.names.get(name) or global_of(c, name, node.at)
    if not isinstance(variable, Variable):
        _not_assignable(c, node, name, variable)
        return None
    place = now_of(c, variable, node.at, out) if isinstance(variable, Alias) else None
    return _inside(c, place or Place(variable, resolve(variable.type), (*_STORE, name)), way, out, to_set)


def inside_of(place: Place, more: Iterable[tuple[hir.Step, Type]], name: str) -> Place:
    """What is further in than a place."""
    inner = Place(place.variable, place.type, (*_STORE, name))
    inner.steps, inner.types, inner.keys = [*place.steps], [*place.types], place.keys
    inner.found = place.found
    for step, kind in more:
        inner.enter(step, kind, inner.why)
    return inner


def now_of(c: Fn, alias: Alias, at: int, out: list[hir.Stmt]) -> Place:
    """The place that a name means now."""
    now = _found_again(c, alias.place, at, out)
    now.why = (*_STORE, alias.name)
    return now


def _found_again(c: Fn, place: Place, at: int, out: list[hir.Stmt]) -> Place:
    """The same place, where it is now: keys that were put into a map meanwhile move its values."""
    again = Place(place.variable, resolve(place.variable.type), place.why)
    for index, (step, kind) in enumerate(zip(place.steps, place.types, strict=True)):
        key = place.keys.get(index)
        if key is not None:
            again.steps.pop()  # that to all values of the map
            again.types.pop()
            again.type = resolve(again.types[-1] if again.types else again.variable.type)
            IN_MAPS.again(c, key, again, at, out)
        else:
            again.enter(step, kind, again.why)
    return again


def read_alias(c: Fn, alias: Alias, at: int) -> hir.Expr:
    """What the place holds that a name means."""
    out: list[hir.Stmt] = []
    typed = read_place(c, at, now_of(c, alias, at, out))
    return open_type(c, hir.Block(typed.type, at, out, typed)) if out else typed


ENTRIES = frozenset(("or_insert", "or_default", "or_insert_with"))


def is_entry(node: tree.Expr) -> bool:
    """Whether an expression is `m.entry(key).or_insert(value)`, which is a place."""
    return isinstance(node, tree.MethodCall) and node.name in ENTRIES and entry_of(node) is not None


def entry_of(node: tree.MethodCall) -> tree.MethodCall | None:
    """The `m.entry(key)` that a method is called on."""
    inner = node.receiver
    is_one = isinstance(inner, tree.MethodCall) and inner.name == "entry" and len(inner.arguments) == 1
    return inner if isinstance(inner, tree.MethodCall) and is_one else None


class _InMaps:
    """How to go on into a map; `data/maps.py` enters both, which is made of what is here."""

    step: Callable[[Fn, tree.Index, Place, list[hir.Stmt]], bool]
    entry: Callable[[Fn, tree.MethodCall, list[hir.Stmt]], Place | None]
    again: Callable[[Fn, hir.Expr, Place, int, list[hir.Stmt]], None]


IN_MAPS = _InMaps()


def _inside(
    c: Fn, place: Place, way: Sequence[tree.Field | tree.Index], out: list[hir.Stmt], to_set: bool
) -> Place | None:
    for count, part in enumerate(reversed(way), 1):
        if to_set and count == len(way) and isinstance(part, tree.Index) and isinstance(place.type, MapType):
            place.key = part
            return place
        if not (_field(c, part, place) if isinstance(part, tree.Field) else _element(c, part, place, out)):
            return None
    return place


def _field(c: Fn, node: tree.Field, place: Place) -> bool:
    step = field_of(c, node, place.type)
    if step is None:
        return False
    place.enter(step[0], step[1], (*_STORE_FIELD, node.name, shown(place.type)))
    return True


def _element(c: Fn, node: tree.Index, place: Place, out: list[hir.Stmt]) -> bool:
    kind = place.type
    if openness(kind) == ANY:
        unify(kind, ArrayType(fresh()))
        kind = resolve(kind)
    if isinstance(kind, TupleType):
        index = tuple_index(c, node, kind)
        if index is None:
            return False
        place.enter(index, kind.elements[index], (*_STORE_FIELD, str(index), shown(kind)))
        return True
    if isinstance(kind, MapType):
        return IN_MAPS.step(c, node, place, out)
    if isinstance(kind, ObjectType):
        index = object_index(c, node, kind)
        if index is not None:
            place.enter(index, kind.types[index], (*_STORE_FIELD, kind.names[index], shown(kind)))
        return index is not None
    if not isinstance(kind, ArrayType) or isinstance(node.index, tree.RangeExpr):
        if kind is STRING:
            c.p.error("E0211", node.at, "a character of a String cannot be assigned to")
        elif isinstance(kind, ArrayType):
            c.p.error("E0211", node.at, "a part of an array cannot be assigned to", "assign its elements in a loop")
        elif kind is not ERROR:
            c.p.error("E0215", node.at, f"{shown(kind)} cannot be indexed")
        return False
    index_made = check(c, node.index, I64, INDEX)
    if resolve(index_made.type) is not I64:  # an error, or it never returns
        index_made = hir.Block(I64, node.at, [hir.Do(index_made)], hir.Int(I64, node.at, 0))
    if not isinstance(index_made, hir.Int | hir.Local):
        index_made = in_slot(c, index_made, out)
    place.enter(index_made, kind.element, _STORE_ELEMENT)
    return True


def tuple_index(c: Fn, node: tree.Index, kind: TupleType) -> int | None:
    """Which value of a tuple a constant index means; None after an error."""
    wanted = node.index
    if isinstance(wanted, tree.IntLiteral) and wanted.value < len(kind.elements):
        return wanted.value
    if isinstance(wanted, tree.IntLiteral):
        no_such_value(c, node.at, kind, str(wanted.value))
    else:
        expr(c, wanted)
        what = f"{shown(kind)}, an array of several types," if isinstance(kind, MixedType) else "a tuple"
        message = f"{what} is indexed by a literal: its values may be of several types"
        c.p.error("E0252", node.at, message, "an array has elements of one type: `[1, 2]`")
    return None


def object_index(c: Fn, node: tree.Index, kind: ObjectType) -> int | None:
    """Which field of an object a constant key means; None after an error."""
    wanted = node.index
    if isinstance(wanted, tree.StringLiteral):
        return _object_field(c, node.at, kind, wanted.value)
    if not isinstance(wanted, tree.RangeExpr):
        expr(c, wanted)
    message = "the fields of this object are known by name: its key is a text literal here"
    c.p.error("E0291", node.at, message, "for keys that are computed, make a map: `let mut m = HashMap::new()`")
    return None


def _object_field(c: Fn, at: int, kind: ObjectType, name: str) -> int | None:
    if name in kind.names:
        return kind.names.index(name)
    hint = did_you_mean(name, kind.names) or _fields_hint([*kind.names])
    c.p.error("E0104", at, f"{shown(kind)} has no field `{name}`", hint)
    return None


def instead(at: int, value: hir.Expr, typed: hir.Expr) -> hir.Expr:
    """What only depends on the type of a value; the value is computed all the same."""
    return typed if isinstance(value, hir.Local) else hir.Block(typed.type, at, [hir.Do(value)], typed)


def object_keys(at: int, value: hir.Expr, kind: ObjectType) -> hir.Expr:
    """The names of the fields of an object, as an array."""
    return instead(at, value, hir.NewArray(ArrayType(STRING), at, [hir.Str(STRING, at, name) for name in kind.names]))


def no_such_value(c: Fn, at: int, kind: TupleType, name: str) -> None:
    count = len(kind.elements)
    if isinstance(kind, MixedType):
        message = f"this array has {count} elements, and there is no `[{name}]`"
        c.p.error("E0252", at, message, f"its indexes are 0 to {count - 1}")
        return
    last = f"`.0` to `.{count - 1}`" if count > 1 else "`.0`"
    c.p.error("E0252", at, f"{shown(kind)} has no `.{name}`", f"its values are {last}")


def part_value(c: Fn, node: tree.Expr, kind: Type, why: Why) -> hir.Expr:
    """An expression as a part of something: an element, a value of a tuple. Where nothing is known of the part, an
    integer without a type leaves it open still."""
    if openness(resolve(kind)) != ANY:
        return check(c, node, kind, why)
    typed = part_of(c.p, expr(c, node))
    return typed if unify(kind, typed.type) else fit(c, typed, kind, why, node)


def in_slot(c: Fn, typed: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """A value that is kept while others are computed."""
    slot = c.slot(typed.type)
    out.append(hir.Let(slot, typed))
    return open_type(c, hir.Local(typed.type, typed.at, slot))


def read_variable(c: Fn, variable: Variable, at: int) -> hir.Expr:
    if isinstance(variable, Global):
        return read_global(c, variable, at)
    kind = resolve(variable.type)
    if kind is UNIT or variable.slot < 0:
        return hir.Unit(kind, at)
    typed = hir.Local(kind, at, variable.slot)
    return open_type(c, typed) if kind.__class__ is Var else typed


def read_place(c: Fn, at: int, place: Place) -> hir.Expr:
    """What a place holds now."""
    typed = read_variable(c, place.variable, at)
    for step, kind in zip(place.steps, place.types, strict=True):
        if isinstance(step, int):
            typed = hir.GetField(kind, at, typed, step)
        elif isinstance(step, hir.InPayload):
            typed = open_type(c, hir.GetPayload(resolve(kind), at, typed, step.variant, step.index, checked=True))
        else:
            typed = open_type(c, hir.GetElement(resolve(kind), at, typed, step))
    return typed


def write_place(c: Fn, place: Place, value: hir.Expr, at: int, out: list[hir.Stmt]) -> None:
    """`place = value`."""
    variable = place.variable
    values = [value]
    steps = _kept(c, place, values, at, out)
    value = values[0]
    if isinstance(variable, Global):
        if variable.type is not ERROR:
            set_global(c, variable, steps, place.type, value, at, out)
    elif variable.slot < 0 or (resolve(place.type) is UNIT and value.type is UNIT and not steps):
        out.append(hir.Do(value))
    elif not _appends(c, place, steps, value, at, out):
        out.append(hir.Store(variable.slot, steps, value, at))


def change_place(
    c: Fn, place: Place, name: str, arguments: list[hir.Expr], at: int, out: list[hir.Stmt], traps: bool = False
) -> None:
    """`place = rt::name(place, arguments)`."""
    variable = place.variable
    steps = _kept(c, place, arguments, at, out)
    if isinstance(variable, Global):
        if variable.type is not ERROR:
            change_global(c, variable, hir.Change(0, steps, name, arguments, at, traps), out)
    else:
        out.append(hir.Change(variable.slot, steps, name, arguments, at, traps))


def mutated(c: Fn, variable: Variable, at: int) -> None:
    """Notes that a variable changes; W0003 where it does not say so."""
    if not variable.mutable and not variable.assigned:
        hint = f"write `let mut {variable.name}`" if variable.declared else f"write `mut {variable.name}`"
        c.p.warn("W0003", at, f"`{variable.name}` is assigned to, and is not declared `mut`", hint)
    variable.assigned = True


def writes_through_reference(c: Fn, node: tree.Expr, variable: Variable) -> bool:
    """E0230 for what would be written through a reference: the function that lent it would not see it. A variable of
    `let mut` that is assigned as a whole stands for another value from here on: nothing is written through it."""
    if isinstance(node, tree.Path) and variable.declared and variable.mutable and not variable.changes:
        return False
    while isinstance(node, tree.Field | tree.Index):
        node = node.value
    through = isinstance(node, tree.Unary) and not is_entry(node.operand) and unwrapped_element(c, node.operand) is None
    while isinstance(node, tree.Unary | tree.Field | tree.Index):
        node = node.operand if isinstance(node, tree.Unary) else node.value
    if isinstance(node, tree.Path) and isinstance(c.names.get(node.segments[0]), Alias):
        return False
    if variable.changes or (not variable.lent and not through):
        return False
    message = f"writing through the reference `{variable.name}` would be lost: it is a copy"
    c.p.error("E0230", node.at, message, "only a parameter `&mut T` itself changes what the caller lends")
    return True


def _kept(c: Fn, place: Place, values: list[hir.Expr], at: int, out: list[hir.Stmt]) -> list[hir.Step]:
    """The steps of a place, with a copy of each local that the values might change before they are used. Where what
    stands between may change a map on the way, the values are computed first, and its keys are looked for again."""
    if place.keys and (not _is_quiet(values) or _has_changed(place, out)):
        for index, value in enumerate(values):
            if value.type is not NEVER and resolve(value.type) is not UNIT:
                values[index] = in_slot(c, value, out)
        return _found_again(c, place, at, out).steps
    if not any(isinstance(step, hir.Local) for step in place.steps) or _is_calm(values):
        return place.steps
    return [in_slot(c, step, out) if isinstance(step, hir.Local) else step for step in place.steps]


def _has_changed(place: Place, out: list[hir.Stmt]) -> bool:
    """Whether something was done since the keys on the way were looked for, that may have changed their maps."""
    if place.found is None:
        return False
    among, count = place.found
    since = [one.value if isinstance(one, hir.Let) else None for one in out[count:]]
    return among is not out or None in since or not _is_quiet([one for one in since if one is not None])


def _is_quiet(values: list[hir.Expr]) -> bool:
    """Whether values surely change nothing: no local, and nothing that a function may change."""
    return _is_calm(values, frozenset((hir.Call, hir.CallValue, hir.CallChanging)))


def _is_calm(values: list[hir.Expr], without: frozenset[type] = frozenset()) -> bool:
    """Whether values surely change no local: nothing in them is a statement. Nor are there nodes of some classes."""
    waiting = list(values)
    while waiting:
        node = waiting.pop()
        if node.__class__ in without:
            return False
        if node.__class__ not in LEAVES:
            parts = PLAIN.get(node.__class__)
            if parts is None:
                return False
            waiting.extend(parts(node))
    return True


# ---------------------------------------------------------------- an array and something behind it


def _appends(c: Fn, place: Place, steps: list[hir.Step], value: hir.Expr, at: int, out: list[hir.Stmt]) -> bool:
    """`a = a + b`: the array grows where it is. One element is pushed."""
    parts: list[hir.Expr] = []
    first = value
    while isinstance(first, hir.Runtime) and first.name == "arr_concat":
        parts.append(first.arguments[1])
        first = first.arguments[0]
    if not parts or not _is_same(first, place, steps):
        return False
    behind = parts.pop()
    while parts:
        behind = hir.Runtime(value.type, at, "arr_concat", [behind, parts.pop()])
    slot = place.variable.slot
    if _changes(behind, slot):  # `a = a + [a.pop()]`: the left side is read first
        return False
    if isinstance(behind, hir.NewArray) and len(behind.elements) == 1:
        out.append(hir.Change(slot, steps, "push", behind.elements, at))
    else:
        out.append(hir.Change(slot, steps, "arr_append", [behind], at))
    return True


def _changes(value: hir.Expr, slot: int) -> bool:
    """Whether something in an expression writes to a local."""
    waiting: list[Node] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, hir.Store | hir.Change) and node.slot == slot:
            return True
        waiting.extend(PARTS[node.__class__](node))
    return False


def _is_same(typed: hir.Expr, place: Place, steps: list[hir.Step]) -> bool:
    """Whether an expression reads just this place."""
    for step in reversed(steps):
        if isinstance(step, int):
            if not isinstance(typed, hir.GetField) or typed.index != step:
                return False
            typed = typed.value
        elif isinstance(step, hir.InPayload):
            if not isinstance(typed, hir.GetPayload) or (typed.variant, typed.index) != (step.variant, step.index):
                return False
            typed = typed.value
        else:
            if not isinstance(typed, hir.GetElement) or not _is_same_index(typed.index, step):
                return False
            typed = typed.value
    return isinstance(typed, hir.Local) and typed.slot == place.variable.slot


def _is_same_index(a: hir.Expr, b: hir.Expr) -> bool:
    if isinstance(a, hir.Local) and isinstance(b, hir.Local):
        return a.slot == b.slot
    return isinstance(a, hir.Int) and isinstance(b, hir.Int) and a.value == b.value


# ---------------------------------------------------------------- fields, and what is no place


def field_of(c: Fn, node: tree.Field, kind: Type) -> tuple[int, Type] | None:
    """Index and type of a field; None after an error, or where one has been reported."""
    kind = resolve(kind)
    if kind is ERROR:
        return None
    if isinstance(kind, ObjectType):
        index = _object_field(c, node.at, kind, node.name)
        return None if index is None else (index, kind.types[index])
    if isinstance(kind, TupleType):
        if node.name.isdigit() and int(node.name) < len(kind.elements):
            return int(node.name), kind.elements[int(node.name)]
        no_such_value(c, node.at, kind, node.name)
        return None
    item = struct_of(c.p, kind)
    if item is None:
        if kind.__class__ is Var and shown(kind) == "_":
            c.p.open.missed = True
            c.p.error("E0210", node.at, f"the type of what has the field `{node.name}` is not known here", _ANNOTATE)
        else:
            called = isinstance(kind, ArrayType) or kind is STRING
            hint = "call it: `.len()`" if called and node.name in ("len", "length", "size", "count") else ""
            c.p.error("E0104", node.at, f"{shown(kind)} has no field `{node.name}`", hint)
        return None
    index = item.index.get(node.name)
    if index is None:
        hint = f"call it: `.{node.name}()`" if node.name in item.methods else ""
        hint = hint or did_you_mean(node.name, item.names) or _fields_hint(item.names)
        c.p.error("E0104", node.at, f"`{item.name}` has no field `{node.name}`", hint)
        return None
    return index, resolve(field_types(c.p, item, kind)[index])


_ANNOTATE = "write its type where it is declared"


def _fields_hint(names: list[str]) -> str:
    return f"its fields are {', '.join(f'`{name}`' for name in names)}" if names else "it has no fields"


def _not_assignable(c: Fn, node: tree.Path, name: str, target: Variable | Item | None) -> None:
    item = target or c.p.lookup(c.env, node.segments)
    if isinstance(item, ErrorItem):
        c.p.failed = True
        return
    if item is None and c.item is not None and name in c.item.env.hidden:
        hidden(c, node.at, name)
        return
    if item is not None:
        constant = isinstance(item, ConstItem)
        what = "is a constant" if constant else "is not a variable"
        hint = "only a variable changes: `let mut`" if constant else ""
        c.p.error("E0211", node.at, f"`{name}` {what}, and cannot be assigned to", hint)
        return
    names = [known for known, what in c.names.items() if isinstance(what, Variable)]
    message = f"unknown variable `{name}`"
    hint = (not c.p.report.too_many_errors and did_you_mean(name, names)) or f"declare it: `let mut {name} = ...`"
    if name == "self":
        message = "there is no `self` in this function"
        hint = "a method has `&mut self` as its first parameter; a `new` without it assigns each field of its class"
    c.p.error("E0101", node.at, message, hint)
    c.undo.append((name, c.names.get(name)))
    c.names[name] = ErrorItem(name)  # what uses it from here on stays silent
