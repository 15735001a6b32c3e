"""Structs: making, reading, replacing fields. A struct that somebody else holds too is copied before it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import STRING
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, get, handles, set_, tee
from orchestrator.toolchains.ruchy.lower.glue import TYPES
from orchestrator.toolchains.ruchy.lower.layout import struct, valtype
from orchestrator.toolchains.ruchy.lower.strings import append_parts, joined
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight, mentions
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body
    from orchestrator.toolchains.ruchy.lower.layout import FieldLayout

_TO_I32 = functype(bytes((I32,)), bytes((I32,)))


# ---------------------------------------------------------------- making


@handles(hir.NewStruct)
def lower_new_struct(body: Body, node: hir.NewStruct) -> int:
    """The object first where nothing can jump away while the fields are computed; else the fields first."""
    layout = body.shared.layouts.of(struct(node.type))
    if not is_straight(node.fields):
        return _new_from_temporaries(body, node)
    made = body.temporary(I32)
    body.out += b"\x41" + sleb(layout.size)
    body.call("rt::alloc", _TO_I32)
    body.out += set_(made)
    for index in node.order:
        field = layout.fields[index]
        if field.load:
            body.out += get(made)
        body.own(node.fields[index])
        if field.load:
            body.out += field.store + uleb(field.offset)
    body.out += get(made)
    body.give_back(I32, made)
    return OWNED


def _new_from_temporaries(body: Body, node: hir.NewStruct) -> int:
    layout = body.shared.layouts.of(struct(node.type))
    height = len(body.live)
    values = [(index, _hold(body, node.fields[index])) for index in node.order]
    del body.live[height:]
    made = body.temporary(I32)
    body.out += b"\x41" + sleb(layout.size)
    body.call("rt::alloc", _TO_I32)
    body.out += set_(made)
    for index, value in values:
        _store_held(body, get(made), layout.fields[index], value)
    body.out += get(made)
    body.give_back(I32, made)
    return OWNED


def _hold(body: Body, node: hir.Expr) -> int:
    """Computes a value into a temporary, live while others are computed. -1 for unit."""
    held = body.own(node)
    kind = valtype(node.type)
    if not kind:
        return -1
    kept = body.temporary(kind)
    body.out += set_(kept)
    if held == OWNED:
        body.live.append((kept, node.type))
    return kept


def _store_held(body: Body, target: bytes, field: FieldLayout, value: int) -> None:
    if value >= 0:
        body.out += target + get(value) + field.store + uleb(field.offset)
        body.give_back(valtype(field.type), value)


@handles(hir.UpdateStruct)
def lower_update_struct(body: Body, node: hir.UpdateStruct) -> int:
    type_ = struct(node.type)
    layout = body.shared.layouts.of(type_)
    height = len(body.live)
    values = [(index, _hold(body, value)) for index, value in node.fields]
    body.own(node.base)
    del body.live[height:]
    body.call(body.need_glue(type_, "unshare"), TYPES["unshare"])
    made = body.temporary(I32)
    body.out += set_(made)
    for index, value in values:
        field = layout.fields[index]
        _release_field(body, get(made), field)
        _store_held(body, get(made), field, value)
    body.out += get(made)
    body.give_back(I32, made)
    return OWNED


def _release_field(body: Body, target: bytes, field: FieldLayout) -> None:
    if field.counted:
        body.out += target + field.load + uleb(field.offset)
        body.release_top(field.type)


# ---------------------------------------------------------------- reading


@handles(hir.GetField)
def lower_get_field(body: Body, node: hir.GetField) -> int:
    """A field of a place is borrowed; one of a value of our own outlives it, so it is retained first."""
    field = body.shared.layouts.of(struct(node.value.type)).fields[node.index]
    held = body.emit(node.value)
    if not field.load:
        body.discard(held, node.value.type)
        return PLAIN
    if held != OWNED:
        body.out += field.load + uleb(field.offset)
        return BORROWED if field.counted else PLAIN
    owner = body.temporary(I32)
    body.out += tee(owner) + field.load + uleb(field.offset)
    if field.counted:
        body.retain_top()
    body.release(owner, node.value.type)
    body.give_back(I32, owner)
    return OWNED if field.counted else PLAIN


# ---------------------------------------------------------------- writing


@handles(hir.Store)
def lower_store(body: Body, node: hir.Store) -> int:
    if node.path:
        _store_field(body, node)
    elif not _append_in_place(body, node):
        held = body.own(node.value)
        index = body.slots[node.slot]
        if index < 0:
            return held
        type_ = body.function.locals[node.slot]
        if body.is_counted(type_):
            body.release(index, type_)
        body.out += set_(index)
    return PLAIN


def _append_in_place(body: Body, node: hir.Store) -> bool:
    """`s = s + x`: the local gives its reference to `rt::str_append`, so that nobody else holds the string and it can
    grow where it stands. Not where `x` looks at `s`."""
    value = node.value
    if not isinstance(value, hir.Concat):
        return False
    parts = value.parts
    if not isinstance(parts[0], hir.Local) or parts[0].slot != node.slot:
        return False
    rest = joined(parts[1:])
    index = body.slots[node.slot]
    if mentions(rest, node.slot):
        return _append_text_of_itself(body, index, rest)
    if not is_straight(rest):
        return False
    body.out += get(index)
    append_parts(body, OWNED, rest)
    body.out += set_(index)
    return True


def _append_text_of_itself(body: Body, index: int, rest: list[hir.Expr]) -> bool:
    """`s = s + f(s)`, of one part only: it is computed before `s` grows. Its own reference keeps `s + s` right."""
    if len(rest) != 1 or not is_straight(rest):
        return False
    kept = body.temporary(I32)
    held = body.own(rest[0])
    body.out += set_(kept) + get(index) + get(kept)
    body.call("rt::str_append", functype(bytes((I32, I32)), bytes((I32,))))
    body.out += set_(index)
    if held == OWNED:
        body.release(kept, STRING)
    body.give_back(I32, kept)
    return True


def _store_field(body: Body, node: hir.Store) -> None:
    """`p.a.b = v`: every struct on the way is made our own before the field of the last one is replaced."""
    appended = _appends_to_itself(node)
    kept = -1 if appended else _keep_value(body, node.value)
    owner, field = _reach(body, node)
    if appended:
        body.out += get(owner) + get(owner) + field.load + uleb(field.offset)
        append_parts(body, OWNED, appended)
        body.out += field.store + uleb(field.offset)
    else:
        _release_field(body, get(owner), field)
        _store_held(body, get(owner), field, kept)
    body.give_back(I32, owner)


def _keep_value(body: Body, value: hir.Expr) -> int:
    height = len(body.live)
    kept = _hold(body, value)
    del body.live[height:]
    return kept


def _reach(body: Body, node: hir.Store) -> tuple[int, FieldLayout]:
    """Unshares all structs of the path. Returns a temporary with the innermost one, and the field in it."""
    owner = body.temporary(I32)
    index = body.slots[node.slot]
    type_ = struct(body.function.locals[node.slot])
    body.out += get(index)
    body.call(body.need_glue(type_, "unshare"), TYPES["unshare"])
    body.out += tee(index) + set_(owner)
    field = body.shared.layouts.of(type_).fields[node.path[0]]
    for step in node.path[1:]:
        type_ = struct(field.type)
        inner = body.temporary(I32)
        body.out += get(owner) + get(owner) + field.load + uleb(field.offset)
        body.call(body.need_glue(type_, "unshare"), TYPES["unshare"])
        body.out += tee(inner) + field.store + uleb(field.offset) + get(inner) + set_(owner)
        body.give_back(I32, inner)
        field = body.shared.layouts.of(type_).fields[step]
    return owner, field


def _appends_to_itself(node: hir.Store) -> list[hir.Expr]:
    """The parts that `p.text = p.text + parts` appends, where they look at `p` nowhere else."""
    value = node.value
    if not isinstance(value, hir.Concat):
        return []
    first: hir.Expr = value.parts[0]
    path: list[int] = []
    while isinstance(first, hir.GetField):
        path.append(first.index)
        first = first.value
    if not isinstance(first, hir.Local) or first.slot != node.slot or path[::-1] != node.path:
        return []
    rest = joined(value.parts[1:])
    return rest if is_straight(rest) and not mentions(rest, node.slot) else []
