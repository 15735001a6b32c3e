"""Helper functions of types, made where they are used: weak duplicates, which the linker folds into one.

| symbol | type | |
|---|---|---|
| `T.{drop}` | object → | releases; at 0 the counted fields or elements too |
| `T.{unshare}` | object (owned) → object (owned) | the object itself if nobody else holds it, else a copy |
| `T.{free}` | object → | the second half of `drop`, of types that lead back to themselves |
| `T.{eq}` | object, object → i32 | equality of all fields, or elements |
| `T.{alike}` | object, object → i32 | the same of one level, of types that lead back to themselves |
| `T.{show}` | object → string (owned) | `S {a: 1, b: "x"}`, the fields in alphabetical order |
| `T.{show.bare}` `T.{show.2}` | | the same with strings in arrays and tuples without quotes; with two digits |

`T` is the canonical name of the type. They depend on its layout alone, so equal names mean equal functions. Which types
have which helpers stands in `check/abilities.py`; here is how each is written: as a typed tree, or by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I32,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    MapType,
    MixedType,
    ObjectType,
    PlainEnumType,
    SetType,
    StructType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.lower.body import Body, get, set_, tee
from orchestrator.toolchains.ruchy.lower.draft import Draft, compared, inside, is_bare, unless, unless_zero
from orchestrator.toolchains.ruchy.lower.drops import drop_object, free_object
from orchestrator.toolchains.ruchy.lower.glue_enums import (
    compare_enums,
    equal_enums,
    show_enum,
    shown_fields,
)
from orchestrator.toolchains.ruchy.lower.glue_maps import (
    equal_tables,
    find_key,
    goes_last,
    is_full,
    is_wide,
    merged,
    new_places,
    others,
    search_keys,
    shared,
    show_map,
    show_set,
)
from orchestrator.toolchains.ruchy.lower.glue_maps import items as map_items
from orchestrator.toolchains.ruchy.lower.layout import HEADER, element_of, signature
from orchestrator.toolchains.ruchy.lower.valtypes import I32 as VALUE_I32
from orchestrator.toolchains.ruchy.lower.valtypes import functype
from orchestrator.wasm.fragment import FUNCTION, HIDDEN, WEAK, Data, FunctionCode, Reference
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.layout import Layout
    from orchestrator.toolchains.ruchy.lower.shared import Shared

_TO_NOTHING = functype(bytes((VALUE_I32,)), b"")
_TO_I32 = functype(bytes((VALUE_I32,)), bytes((VALUE_I32,)))
_PAIR_TO_I32 = functype(bytes((VALUE_I32, VALUE_I32)), bytes((VALUE_I32,)))
_DEEP_EQ = functype(bytes((VALUE_I32, VALUE_I32, VALUE_I32)), bytes((VALUE_I32,)))
TYPES = {"drop": _TO_NOTHING, "unshare": _TO_I32, "eq": _PAIR_TO_I32, "show": _TO_I32}


class WrittenHelper:
    """A helper that has been written: its code, its strings, and the helpers that it calls in turn."""

    __slots__ = ("code", "data", "needs")

    def __init__(self, code: FunctionCode, data: tuple[Data, ...], needs: tuple[str, ...]) -> None:
        self.code = code
        self.data = data
        self.needs = needs


class Glue:
    """The helpers of one module, each written once."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._made: dict[str, WrittenHelper] = {}

    def collect(self, names: dict[str, None]) -> tuple[list[FunctionCode], list[Data]]:
        """Code and strings of these helpers and of all that they call, in order of first need."""
        code: list[FunctionCode] = []
        data: list[Data] = []
        # The queue grows while it is walked, because helpers call helpers: that of an array calls that of its elements.
        queue = list(names)
        seen = set(queue)
        for name in queue:
            helper = self._made.get(name)
            if helper is None:
                helper = self._made[name] = self._make(name)
            code.append(helper.code)
            data += helper.data
            fresh = [need for need in helper.needs if need not in seen]
            seen.update(fresh)
            queue += fresh
        return code, data

    def _make(self, name: str) -> WrittenHelper:
        type_, kind = self._shared.wanted[name]
        base, _, option = kind.partition(".")
        parameters, result = SIGNATURES[base](type_)
        how = HELPERS[type_.__class__, base]
        if base == "eq" and self._shared.layouts.is_recursive(type_):
            how = ByHand(_equal_deep)
        draft = Draft(self._shared.layouts, parameters, option)
        value = how.tree(draft, type_) if isinstance(how, AsTree) else hir.Unit(result, 0)
        function = hir.FunctionBody(name, False, parameters, result, draft.locals, value, 0, 0)
        body = Body(self._shared, function)
        if isinstance(how, AsTree):
            body.write()
        else:
            how.write(body, type_)
        # Each module that uses a helper has a copy under the same name; weak definitions are how the linker keeps one.
        code = body.code(signature(parameters, result), WEAK | HIDDEN)
        return WrittenHelper(code, tuple(body.statics.items), tuple(body.glue))


class AsTree(NamedTuple):
    """The helper's value as a typed tree; its parameters are the first locals."""

    tree: Callable[[Draft, Any], hir.Expr]


class ByHand(NamedTuple):
    """The helper's instructions."""

    write: Callable[[Body, Any], None]


# ---------------------------------------------------------------- records


def _unshare_record(body: Body, type_: Type) -> None:
    layout = body.shared.layouts.of(type_)
    # `if unshared { return it }`, else a copy of its bytes. The copy holds what the fields refer to as well, so each of
    # these is retained.
    copy = body.temporary(VALUE_I32)
    body.out += get(0)
    body.call("rt::unshared", _TO_I32)
    body.out += b"\x04\x40" + get(0) + b"\x0f\x0b"
    _copied(body, layout, copy)
    body.out += get(copy)


def _unshare_enum(body: Body, type_: EnumType) -> None:
    """A copy, if somebody else holds it too. A variant without a payload is static, and nobody writes to it."""
    body.out += get(0)
    body.call("rt::unshared", _TO_I32)
    body.out += b"\x04\x40" + get(0) + b"\x0f\x0b"
    copy = body.temporary(VALUE_I32)
    for number, layout in enumerate(body.shared.layouts.variants(type_)):
        if not layout.fields:
            continue
        body.out += get(0) + b"\x28\x02\x04\x41" + sleb(number) + b"\x46\x04\x40"  # its tag, i32.eq, if
        _copied(body, layout, copy)
        body.out += get(copy) + b"\x0f\x0b"
    body.out += get(0)


def _copied(body: Body, layout: Layout, copy: int) -> None:
    """A copy of the parameter, which somebody else holds too, in a temporary."""
    body.out += get(0) + b"\x41" + sleb(layout.size)
    body.call("rt::copy", _PAIR_TO_I32)
    body.out += set_(copy)
    for field in layout.fields:
        if field.counted:
            body.out += get(copy) + field.load + uleb(field.offset)
            body.call("rt::retain", _TO_NOTHING)
    body.out += get(0)
    body.call("rt::release", _TO_NOTHING)  # somebody else holds it: this never frees


def _equal_records(draft: Draft, type_: Type) -> hir.Expr:
    value: hir.Expr | None = None
    for index, field in enumerate(draft.layouts.of(type_).fields):
        pair = [hir.GetField(field.type, 0, hir.Local(type_, 0, slot), index) for slot in (0, 1)]
        same = hir.Compare(BOOL, 0, "==", pair[0], pair[1])
        value = same if value is None else hir.And(BOOL, 0, value, same)
    return value or hir.Int(BOOL, 0, 1)


def _equal_deep(body: Body, type_: Type) -> None:
    """By `rt::deep_eq`, which puts off what is too deep."""
    body.out += get(0) + get(1)
    body.table_slot(Reference(FUNCTION, body.need_glue(type_, "alike"), _PAIR_TO_I32))
    body.call("rt::deep_eq", _DEEP_EQ)


def _show_struct(draft: Draft, type_: StructType) -> hir.Expr:
    layout = draft.layouts.of(type_)
    if not type_.module:  # a range: no module has the empty name
        ends = [hir.ToText(STRING, 0, hir.GetField(I64, 0, hir.Local(type_, 0, 0), index)) for index in (0, 1)]
        return hir.Concat(
            STRING, 0, [ends[0], hir.Str(STRING, 0, "..=" if "Inclusive" in type_.item else ".."), ends[1]]
        )
    name = type_.item.rpartition("::")[2].rpartition(".")[2].rstrip("'")
    if not layout.names:
        return hir.Str(STRING, 0, f"{name} {{}}")

    def part(index: int) -> list[hir.Expr]:
        return inside(draft, hir.GetField(layout.fields[index].type, 0, hir.Local(type_, 0, 0), index), bare=False)

    return shown_fields(name, layout, part)


def _show_tuple(draft: Draft, type_: TupleType) -> hir.Expr:
    parts: list[hir.Expr] = []
    opening, closing = "[]" if isinstance(type_, MixedType) else "()"
    for index, kind in enumerate(type_.elements):
        parts.append(hir.Str(STRING, 0, ", " if index else opening))
        parts += inside(draft, hir.GetField(kind, 0, hir.Local(type_, 0, 0), index), bare=is_bare(draft))
    return hir.Concat(STRING, 0, [*parts, hir.Str(STRING, 0, closing)])


def _show_object(draft: Draft, type_: ObjectType) -> hir.Expr:
    parts: list[hir.Expr] = [hir.Str(STRING, 0, "{")]
    for index, (name, kind) in enumerate(zip(type_.names, type_.types, strict=True)):
        parts.append(hir.Str(STRING, 0, f"{', ' if index else ''}{name}: "))
        parts += inside(draft, hir.GetField(kind, 0, hir.Local(type_, 0, 0), index), bare=is_bare(draft))
    return hir.Concat(STRING, 0, [*parts, hir.Str(STRING, 0, "}")])


# ---------------------------------------------------------------- arrays


def _drop_array(body: Body, type_: ArrayType) -> None:
    """At 0 the elements too, from the first to the last."""
    # Elements are references, 4 bytes each. `at` goes from the array's address to that plus four times its length, and
    # the element lies HEADER bytes behind it, which the load adds by itself.
    at, end = body.temporary(VALUE_I32), body.temporary(VALUE_I32)
    body.out += get(0)
    body.call("rt::drop_count", _TO_I32)
    body.out += b"\x04\x40" + get(0) + tee(at) + get(0) + b"\x28\x02\x04\x41\x02\x74\x6a" + set_(end)
    body.out += b"\x02\x40\x03\x40" + get(at) + get(end) + b"\x4f\x0d\x01" + get(at) + b"\x28\x02" + uleb(HEADER)
    body.release_top(type_.element)
    body.out += get(at) + b"\x41\x04\x6a" + set_(at) + b"\x0c\x00\x0b\x0b" + get(0)
    body.call("rt::free", _TO_NOTHING)
    body.out.append(0x0B)


def length_of(typed: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, 0, "length", [typed])


def each(draft: Draft, array: hir.Expr, do: Callable[[hir.Expr, hir.Expr], hir.Expr]) -> hir.Stmt:
    """A loop over an array in a local; `do` gets the index and the element."""
    counter = draft.slot(I64)
    index = hir.Local(I64, 0, counter)
    element = hir.GetElement(element_of(array.type), 0, array, index, checked=False)
    inner = do(index, element)
    return hir.Do(
        hir.ForRange(UNIT, 0, counter, counter, hir.Int(I64, 0, 0), length_of(array), inclusive=False, body=inner)
    )


def _gives(value: bool) -> hir.Expr:
    return hir.Return(NEVER, 0, hir.Int(BOOL, 0, int(value)))


def _equal_arrays(draft: Draft, type_: ArrayType) -> hir.Expr:
    a, b = (hir.Local(type_, 0, slot) for slot in (0, 1))

    def differs(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        other = hir.GetElement(type_.element, 0, b, index, checked=False)
        return unless(hir.Compare(BOOL, 0, "==", element, other), _gives(False))

    same_length = hir.Compare(BOOL, 0, "==", length_of(a), length_of(b))
    steps = [hir.Do(unless(same_length, _gives(False))), each(draft, a, differs)]
    return hir.Block(BOOL, 0, steps, hir.Int(BOOL, 0, 1))


def _show_array(draft: Draft, type_: ArrayType) -> hir.Expr:
    text = draft.slot(STRING)

    def append(*parts: hir.Expr) -> hir.Stmt:
        return hir.Store(text, [], hir.Concat(STRING, 0, [hir.Local(STRING, 0, text), *parts]), 0)

    def show(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        between = hir.If(
            UNIT,
            0,
            hir.Compare(BOOL, 0, "==", index, hir.Int(I64, 0, 0)),
            hir.Unit(UNIT, 0),
            hir.Block(UNIT, 0, [append(hir.Str(STRING, 0, ", "))], hir.Unit(UNIT, 0)),
        )
        parts = inside(draft, element, bare=is_bare(draft))
        return hir.Block(UNIT, 0, [hir.Do(between), append(*parts)], hir.Unit(UNIT, 0))

    steps = [
        hir.Let(text, hir.Str(STRING, 0, "[")),
        each(draft, hir.Local(type_, 0, 0), show),
        append(hir.Str(STRING, 0, "]")),
    ]
    return hir.Block(STRING, 0, steps, hir.Local(STRING, 0, text))


def _compare_tuples(draft: Draft, type_: TupleType) -> hir.Expr:
    """By the first values that differ."""
    steps: list[hir.Stmt] = []
    for index, kind in enumerate(type_.elements):
        pair = [hir.GetField(kind, 0, hir.Local(type_, 0, slot), index) for slot in (0, 1)]
        steps += unless_zero(draft, compared(*pair))
    return hir.Block(I32, 0, steps, hir.Int(I32, 0, 0))


def _compare_arrays(draft: Draft, type_: ArrayType) -> hir.Expr:
    """By the first elements that differ; an array that the other one begins with comes first."""
    a, b = (hir.Local(type_, 0, slot) for slot in (0, 1))

    def compare(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        shorter = hir.Compare(BOOL, 0, "<", index, length_of(b))
        other = hir.GetElement(type_.element, 0, b, index, checked=False)
        steps = [hir.Do(unless(shorter, hir.Return(NEVER, 0, hir.Int(I32, 0, 1))))]
        return hir.Block(UNIT, 0, [*steps, *unless_zero(draft, compared(element, other))], hir.Unit(UNIT, 0))

    return hir.Block(I32, 0, [each(draft, a, compare)], compared(length_of(a), length_of(b)))


def _index_of(draft: Draft, type_: ArrayType) -> hir.Expr:
    """Where an array first has a value, or -1."""

    def found(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        same = hir.Compare(BOOL, 0, "!=", element, hir.Local(type_.element, 0, 1))
        return unless(same, hir.Return(NEVER, 0, index))

    return hir.Block(I64, 0, [each(draft, hir.Local(type_, 0, 0), found)], hir.Int(I64, 0, -1))


def _join(draft: Draft, type_: ArrayType) -> hir.Expr:
    """The texts of the elements with another text between them; strings as they are."""
    text = draft.slot(STRING)
    local = hir.Local(STRING, 0, text)

    def append(part: hir.Expr) -> hir.Stmt:
        return hir.Store(text, [], hir.Concat(STRING, 0, [local, part]), 0)

    def add(index: hir.Expr, element: hir.Expr) -> hir.Expr:
        first = hir.Compare(BOOL, 0, "==", index, hir.Int(I64, 0, 0))
        between = hir.Block(UNIT, 0, [append(hir.Local(STRING, 0, 1))], hir.Unit(UNIT, 0))
        steps = [hir.Do(unless(first, between)), append(hir.ToText(STRING, 0, element))]
        return hir.Block(UNIT, 0, steps, hir.Unit(UNIT, 0))

    steps = [hir.Let(text, hir.Str(STRING, 0, "")), each(draft, hir.Local(type_, 0, 0), add)]
    return hir.Block(STRING, 0, steps, local)


def show_kind(type_: Type, bare: bool, precision: int | None) -> str:
    """The kind of helper that shows values of a type so. Kinds that would do the same are one."""
    option = ".bare" if bare and _holds_text(type_) else ""
    return f"show{option}" + (f".{precision}" if precision is not None else "")


def _holds_text(type_: Type) -> bool:
    """Whether strings are in an array, a tuple or an object, where f-strings leave their quotes out."""
    if isinstance(type_, ArrayType | TupleType | ObjectType | MapType | SetType):
        return any(part is STRING or _holds_text(part) for part in type_.parts)
    return False


SIGNATURES: dict[str, Callable[[Any], tuple[list[Type], Type]]] = {
    "drop": lambda type_: ([type_], UNIT),
    "unshare": lambda type_: ([type_], type_),
    "free": lambda type_: ([type_], UNIT),
    "eq": lambda type_: ([type_, type_], BOOL),
    "alike": lambda type_: ([type_, type_], BOOL),
    "order": lambda type_: ([type_, type_], I32),
    "show": lambda type_: ([type_], STRING),
    "compare": lambda type_: ([type_, type_], I32),
    "index_of": lambda type_: ([type_, type_.element], I64),
    "join": lambda type_: ([type_, STRING], STRING),
    "find": lambda type_: ([type_, type_.parts[0]], I64),
    "search": lambda type_: ([type_, type_.parts[0], I64, I64], I64),
    "merged": lambda type_: ([type_], type_),
    "new_places": lambda type_: ([type_, I64, I64], ArrayType(I64)),
    "is_full": lambda type_: ([type_], BOOL),
    "is_wide": lambda type_: ([type_], BOOL),
    "goes_last": lambda type_: ([type_, type_.parts[0]], BOOL),
    "items": lambda type_: ([type_], ArrayType(TupleType(type_.parts))),
    "shared": lambda type_: ([type_, type_], type_),
    "others": lambda type_: ([type_, type_], type_),
}
HELPERS: dict[tuple[type, str], AsTree | ByHand] = {
    (StructType, "drop"): ByHand(drop_object),
    (StructType, "free"): ByHand(free_object),
    (StructType, "unshare"): ByHand(_unshare_record),
    (StructType, "eq"): AsTree(_equal_records),
    (StructType, "alike"): AsTree(_equal_records),
    (StructType, "show"): AsTree(_show_struct),
    (TupleType, "drop"): ByHand(drop_object),
    (MixedType, "drop"): ByHand(drop_object),
    (TupleType, "unshare"): ByHand(_unshare_record),
    (MixedType, "unshare"): ByHand(_unshare_record),
    (TupleType, "eq"): AsTree(_equal_records),
    (MixedType, "eq"): AsTree(_equal_records),
    (TupleType, "show"): AsTree(_show_tuple),
    (MixedType, "show"): AsTree(_show_tuple),
    (MapType, "drop"): ByHand(drop_object),
    (MapType, "unshare"): ByHand(_unshare_record),
    (MapType, "eq"): AsTree(equal_tables),
    (MapType, "show"): AsTree(show_map),
    (MapType, "find"): AsTree(find_key),
    (MapType, "search"): AsTree(search_keys),
    (MapType, "merged"): AsTree(merged),
    (MapType, "new_places"): AsTree(new_places),
    (MapType, "is_full"): AsTree(is_full),
    (MapType, "is_wide"): AsTree(is_wide),
    (MapType, "goes_last"): AsTree(goes_last),
    (MapType, "items"): AsTree(map_items),
    (SetType, "drop"): ByHand(drop_object),
    (SetType, "unshare"): ByHand(_unshare_record),
    (SetType, "eq"): AsTree(equal_tables),
    (SetType, "show"): AsTree(show_set),
    (SetType, "find"): AsTree(find_key),
    (SetType, "search"): AsTree(search_keys),
    (SetType, "merged"): AsTree(merged),
    (SetType, "new_places"): AsTree(new_places),
    (SetType, "is_full"): AsTree(is_full),
    (SetType, "is_wide"): AsTree(is_wide),
    (SetType, "goes_last"): AsTree(goes_last),
    (SetType, "shared"): AsTree(shared),
    (SetType, "others"): AsTree(others),
    (ObjectType, "drop"): ByHand(drop_object),
    (ObjectType, "unshare"): ByHand(_unshare_record),
    (ObjectType, "eq"): AsTree(_equal_records),
    (ObjectType, "show"): AsTree(_show_object),
    (ArrayType, "drop"): ByHand(_drop_array),
    (ArrayType, "eq"): AsTree(_equal_arrays),
    (ArrayType, "show"): AsTree(_show_array),
    (TupleType, "compare"): AsTree(_compare_tuples),
    (MixedType, "compare"): AsTree(_compare_tuples),
    (ArrayType, "compare"): AsTree(_compare_arrays),
    (EnumType, "drop"): ByHand(drop_object),
    (EnumType, "free"): ByHand(free_object),
    (EnumType, "unshare"): ByHand(_unshare_enum),
    (EnumType, "eq"): AsTree(equal_enums),
    (EnumType, "alike"): AsTree(equal_enums),
    (EnumType, "show"): AsTree(show_enum),
    (EnumType, "compare"): AsTree(compare_enums),
    (PlainEnumType, "show"): AsTree(show_enum),
    (ArrayType, "index_of"): AsTree(_index_of),
    (ArrayType, "join"): AsTree(_join),
}
"""How the helpers are written, by the class of the type. `table.py` holds this against the abilities; what is none
is called by `hir.Helper`."""
