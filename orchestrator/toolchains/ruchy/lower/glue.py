"""Helper functions of types, made where they are used: weak duplicates, which the linker folds into one.

| symbol | type | of a struct |
|---|---|---|
| `T.{drop}` | object → | releases; at 0 the counted fields too |
| `T.{unshare}` | object (owned) → object (owned) | the object itself if nobody else holds it, else a copy |
| `T.{eq}` | object, object → i32 | equality of all fields |
| `T.{show}` | object → string (owned) | `S {a: 1, b: "x"}`, the fields in alphabetical order |

`T` is the canonical name of the type. They depend on its layout alone, so equal names mean equal functions. Which types
have which helpers stands in `check/abilities.py`; here is how each is written: as a typed tree, or by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, CHAR, I32, STRING, UNIT, StructType, Type
from orchestrator.toolchains.ruchy.lower.body import Body, get, set_
from orchestrator.toolchains.ruchy.lower.layout import signature
from orchestrator.toolchains.ruchy.lower.valtypes import I32 as VALUE_I32
from orchestrator.toolchains.ruchy.lower.valtypes import functype
from orchestrator.wasm.fragment import HIDDEN, WEAK, Data, FunctionCode
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.layout import Layouts
    from orchestrator.toolchains.ruchy.lower.shared import Shared

_TO_NOTHING = functype(bytes((VALUE_I32,)), b"")
_TO_I32 = functype(bytes((VALUE_I32,)), bytes((VALUE_I32,)))
_PAIR_TO_I32 = functype(bytes((VALUE_I32, VALUE_I32)), bytes((VALUE_I32,)))
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
        queue = list(names)
        seen = set(queue)
        for name in queue:
            made = self._made.get(name)
            if made is None:
                made = self._made[name] = self._make(name)
            code.append(made.code)
            data += made.data
            fresh = [need for need in made.needs if need not in seen]
            seen.update(fresh)
            queue += fresh
        return code, data

    def _make(self, name: str) -> WrittenHelper:
        type_, kind = self._shared.wanted[name]
        parameters, result = _SIGNATURES[kind](type_)
        how = HELPERS[type_.__class__, kind]
        value = how.tree(self._shared.layouts, type_) if isinstance(how, AsTree) else hir.Unit(result, 0)
        function = hir.FunctionBody(name, False, parameters, result, parameters, value, 0, 0)
        body = Body(self._shared, function)
        if isinstance(how, AsTree):
            body.write()
        else:
            how.write(body, type_)
        code = body.code(signature(parameters, result), WEAK | HIDDEN)
        return WrittenHelper(code, tuple(body.data), tuple(body.glue))


class AsTree(NamedTuple):
    """The helper's value as a typed tree; its parameters are the first locals."""

    tree: Callable[[Layouts, Any], hir.Expr]


class ByHand(NamedTuple):
    """The helper's instructions."""

    write: Callable[[Body, Any], None]


def _drop_struct(body: Body, type_: StructType) -> None:
    layout = body.shared.layouts.of(type_)
    body.out += get(0)
    body.call("rt::drop_count", _TO_I32)
    body.out += b"\x04\x40"
    for field in layout.fields:
        if field.counted:
            body.out += get(0) + field.load + uleb(field.offset)
            body.release_top(field.type)
    body.out += get(0)
    body.call("rt::free", _TO_NOTHING)
    body.out.append(0x0B)


def _unshare_struct(body: Body, type_: StructType) -> None:
    layout = body.shared.layouts.of(type_)
    copy = body.temporary(VALUE_I32)
    body.out += get(0)
    body.call("rt::unshared", _TO_I32)
    body.out += b"\x04\x40" + get(0) + b"\x0f\x0b" + get(0) + b"\x41" + sleb(layout.size)
    body.call("rt::copy", _PAIR_TO_I32)
    body.out += set_(copy)
    for field in layout.fields:
        if field.counted:
            body.out += get(copy) + field.load + uleb(field.offset)
            body.call("rt::retain", _TO_NOTHING)
    body.out += get(0)
    body.call("rt::release", _TO_NOTHING)  # somebody else holds it: this never frees
    body.out += get(copy)


def _equal_structs(layouts: Layouts, type_: StructType) -> hir.Expr:
    value: hir.Expr | None = None
    for index, field in enumerate(layouts.of(type_).fields):
        pair = [hir.GetField(field.type, 0, hir.Local(type_, 0, slot), index) for slot in (0, 1)]
        same = hir.Compare(BOOL, 0, "==", pair[0], pair[1])
        value = same if value is None else hir.And(BOOL, 0, value, same)
    return value or hir.Int(BOOL, 0, 1)


def _show_struct(layouts: Layouts, type_: StructType) -> hir.Expr:
    layout = layouts.of(type_)
    parts: list[hir.Expr] = []
    before = type_.item.rpartition("::")[2] + " {"
    for name, index in sorted((name, index) for index, name in enumerate(layout.names)):
        field = layout.fields[index].type
        quote = '"' if field in (STRING, CHAR) else ""
        value = hir.ToText(STRING, 0, hir.GetField(field, 0, hir.Local(type_, 0, 0), index))
        parts += [hir.Str(STRING, 0, f"{before}{name}: {quote}"), value, hir.Str(STRING, 0, quote)]
        before = ", "
    parts.append(hir.Str(STRING, 0, before + "}" if not parts else "}"))
    return hir.Concat(STRING, 0, parts)


_SIGNATURES: dict[str, Callable[[Type], tuple[list[Type], Type]]] = {
    "drop": lambda type_: ([type_], UNIT),
    "unshare": lambda type_: ([type_], type_),
    "eq": lambda type_: ([type_, type_], BOOL),
    "order": lambda type_: ([type_, type_], I32),
    "show": lambda type_: ([type_], STRING),
}
HELPERS: dict[tuple[type, str], AsTree | ByHand] = {
    (StructType, "drop"): ByHand(_drop_struct),
    (StructType, "unshare"): ByHand(_unshare_struct),
    (StructType, "eq"): AsTree(_equal_structs),
    (StructType, "show"): AsTree(_show_struct),
}
"""How the helpers are written, by the class of the type. `table.py` holds this against the abilities."""
