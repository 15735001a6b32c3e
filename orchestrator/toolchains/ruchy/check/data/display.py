"""Values as text. Structs are taken apart here, so that lowering shows scalars only."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import ABILITIES
from orchestrator.toolchains.ruchy.check.function import Fn, later, open_type
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, INTEGER, KNOWN, Var, openness, resolve, settle
from orchestrator.toolchains.ruchy.check.scope import INCLUSIVE, RANGES, StructItem
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    I64,
    STRING,
    ErrorType,
    FloatType,
    StructType,
    Type,
    UnitType,
)


class _OwnText:
    """The text of a type with a `Display` of its own; `functions/writing.py` enters it, which calls methods."""

    of: Callable[[Fn, hir.Expr, Type], hir.Expr | None]


OWN_TEXT = _OwnText()


def text_parts(c: Fn, typed: hir.Expr, spec: str = "", *, bare: bool = False) -> list[hir.Expr]:
    """The strings that show a value, to be joined. `spec` is that of a placeholder: "", "?" or ".2". `bare`: strings in
    arrays and tuples have no quotes, as in an f-string."""
    kind = resolve(typed.type)
    if kind is STRING:
        if spec == "?":
            return [hir.ToText(STRING, typed.at, typed, debug=True)]
        return typed.parts if isinstance(typed, hir.Concat) else [typed]
    if openness(kind) == ANY:
        return [later(c, typed.at, STRING, (kind,), lambda last: _when_known(c, typed, spec, bare, last))]
    own = OWN_TEXT.of(c, typed, kind) if spec != "?" else None
    if own is not None:
        return [own]
    show = _TAKEN_APART.get(kind.__class__)
    return show(c, typed, kind, spec) if show is not None else [_scalar(typed, kind, spec, bare)]


def _nil(c: Fn, typed: hir.Expr, kind: Type, spec: str) -> list[hir.Expr]:
    return [hir.Block(STRING, typed.at, [hir.Do(typed)], hir.Str(STRING, typed.at, "nil"))]


def _range_parts(c: Fn, typed: hir.Expr) -> list[hir.Expr]:
    """`1..3`, `1..=3`."""
    at = typed.at
    slot = c.slot(typed.type)
    local = hir.Local(typed.type, at, slot)
    start, end = (hir.ToText(STRING, at, hir.GetField(I64, at, local, index)) for index in (0, 1))
    dots = hir.Str(STRING, at, "..=" if typed.type == INCLUSIVE else "..")
    return [hir.Block(STRING, at, [hir.Let(slot, typed)], joined(at, [start, dots, end]))]


def plain_parts(c: Fn, typed: hir.Expr) -> list[hir.Expr]:
    """The same where a value is joined to text, or is the receiver of `.to_string()`: then a whole float has no
    point."""
    kind = resolve(typed.type)
    if openness(kind) == ANY:
        return [later(c, typed.at, STRING, (kind,), lambda last: _plain_when_known(c, typed, last))]
    open_float = openness(kind) not in (KNOWN, INTEGER)
    if open_float or isinstance(kind, FloatType):
        return [hir.ToText(STRING, typed.at, typed, plain=True)]
    return text_parts(c, typed)


def _plain_when_known(c: Fn, typed: hir.Expr, last: bool) -> hir.Expr | None:
    kind = settle(typed.type) if last else resolve(typed.type)
    if openness(kind) == ANY:
        return None
    return joined(typed.at, plain_parts(c, typed))


def _when_known(c: Fn, typed: hir.Expr, spec: str, bare: bool, last: bool) -> hir.Expr | None:
    if last:
        settle(typed.type)
    if openness(resolve(typed.type)) == ANY:
        return None
    return joined(typed.at, text_parts(c, typed, spec, bare=bare))


def _scalar(typed: hir.Expr, kind: Type, spec: str, bare: bool) -> hir.Expr:
    if spec[:1] == "." and spec[1:].isdigit():
        if kind.__class__ is Var or hasattr(kind, "bits") or kind.parts:
            return hir.ToText(STRING, typed.at, typed, precision=int(spec[1:]), bare=bare)
    elif isinstance(typed, hir.Int):
        value = typed.value
        return hir.Str(STRING, typed.at, ("false", "true")[value] if kind is BOOL else str(value))
    return hir.ToText(STRING, typed.at, typed, bare=bare)


def _struct_parts(c: Fn, typed: hir.Expr, kind: Type, spec: str) -> list[hir.Expr]:
    """`P {x: 1, y: 2}`, fields by name. A value that is not in a slot yet is put into one."""
    if kind in RANGES:
        return _range_parts(c, typed)
    item = struct_of(c.p, kind)
    if item is None:
        return [hir.ToText(STRING, typed.at, typed)]
    if isinstance(typed, hir.Local):
        return _fields(c, typed, item, spec, 0)
    slot = c.slot(typed.type)
    local = hir.Local(typed.type, typed.at, slot)
    shown = joined(typed.at, _fields(c, local, item, spec, 0))
    return [hir.Block(STRING, typed.at, [hir.Let(slot, typed)], shown)]


def _fields(c: Fn, value: hir.Expr, item: StructItem, spec: str, depth: int) -> list[hir.Expr]:
    at = value.at
    name = item.name
    if not item.names:
        return [hir.Str(STRING, at, f"{name} {{}}")]
    parts: list[hir.Expr] = []
    types = field_types(c.p, item, resolve(value.type))
    numbered = item.node.tuple_like
    before = f"{name}(" if numbered else f"{name} {{"
    for field in item.names if numbered else sorted(item.index):
        if not c.p.spend(at, depth + 1):
            break
        index = item.index[field]
        parts.append(hir.Str(STRING, at, before if numbered else f"{before}{field}: "))
        kind = resolve(types[index])
        parts += _inside(c, open_type(c, hir.GetField(kind, at, value, index)), kind, spec, depth)
        before = ", "
    parts.append(hir.Str(STRING, at, ")" if numbered else "}"))
    return parts


def _inside(c: Fn, typed: hir.Expr, kind: Type, spec: str, depth: int) -> list[hir.Expr]:
    """A value inside another: strings in quotes."""
    if isinstance(kind, StructType):
        inner = struct_of(c.p, kind)
        if inner is not None and depth < 64:
            return _fields(c, typed, inner, spec, depth + 1)
    if kind is STRING and spec != "?":
        quote = hir.Str(STRING, typed.at, '"')
        return [quote, *text_parts(c, typed), quote]
    return text_parts(c, typed, spec)


def joined(at: int, parts: list[hir.Expr]) -> hir.Expr:
    """Strings as one: neighbours that are known are one part, empty ones none."""
    merged = merge(parts)
    if not merged:
        return hir.Str(STRING, at, "")
    return merged[0] if len(merged) == 1 else hir.Concat(STRING, at, merged)


def merge(parts: list[hir.Expr]) -> list[hir.Expr]:
    """Parts with known neighbours made one."""
    merged: list[hir.Expr] = []
    extend(merged, parts)
    return merged


def extend(merged: list[hir.Expr], parts: list[hir.Expr]) -> None:
    """Appends parts to merged ones."""
    for part in parts:
        if isinstance(part, hir.Str):
            value = part.value
            if not value:
                continue
            last = merged[-1] if merged else None
            if isinstance(last, hir.Str):
                merged[-1] = hir.Str(STRING, last.at, last.value + value)
                continue
        merged.append(part)


_TAKEN_APART: dict[type, Callable[[Fn, hir.Expr, Type, str], list[hir.Expr]]] = {
    StructType: _struct_parts,
    UnitType: _nil,
    ErrorType: _nil,
}
if set(_TAKEN_APART) != {kind for kind, row in ABILITIES.items() if row.taken_apart}:
    raise TypeError("check.display cannot show just the types that check.abilities says are taken apart")
