"""Records, which are structs and tuples: making, reading, replacing fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, get, handles, set_, tee
from orchestrator.toolchains.ruchy.lower.glue import TYPES
from orchestrator.toolchains.ruchy.lower.layout import record, valtype
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.lower.body import Body
    from orchestrator.toolchains.ruchy.lower.layout import FieldLayout, Layout

_TO_I32 = functype(bytes((I32,)), bytes((I32,)))


# ---------------------------------------------------------------- making


@handles(hir.NewStruct)
def lower_new_struct(body: Body, node: hir.NewStruct) -> int:
    """The object first where nothing can jump away while the fields are computed; else the fields first."""
    return new_object(body, body.shared.layouts.of(record(node.type)), node.fields, node.order)


def new_object(body: Body, layout: Layout, fields: list[hir.Expr], order: list[int], tag: int = -1) -> int:
    """The same for any layout; `tag`, of a variant, is stored before the fields."""
    if not is_straight(fields):
        return _new_from_temporaries(body, layout, fields, order, tag)
    address = allocated(body, layout, tag)
    for index in order:
        field = layout.fields[index]
        if field.load:
            body.out += get(address)
        body.own(fields[index])
        if field.load:
            body.out += field.store + uleb(field.offset)
    body.out += get(address)
    body.give_back(I32, address)
    return OWNED


def allocated(body: Body, layout: Layout, tag: int = -1) -> int:
    """A new object, whose fields are still to be written."""
    address = body.temporary(I32)
    body.out += b"\x41" + sleb(layout.size)
    body.call("rt::take", _TO_I32)
    body.out += set_(address)
    if tag >= 0:
        body.out += get(address) + b"\x41" + sleb(tag) + b"\x36\x02\x04"
    return address


def _new_from_temporaries(body: Body, layout: Layout, fields: list[hir.Expr], order: list[int], tag: int) -> int:
    height = len(body.live)
    values = [(index, hold(body, fields[index])) for index in order]
    # Nothing jumps away from here on: the fields' references move from their temporaries into the object.
    del body.live[height:]
    address = allocated(body, layout, tag)
    for index, value in values:
        store_held(body, get(address), layout.fields[index], value)
    body.out += get(address)
    body.give_back(I32, address)
    return OWNED


def hold(body: Body, node: hir.Expr) -> int:
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


def store_held(body: Body, target: bytes, field: FieldLayout, value: int) -> None:
    if value >= 0:
        body.out += target + get(value) + field.store + uleb(field.offset)
        body.give_back(valtype(field.type), value)


@handles(hir.UpdateStruct)
def lower_update_struct(body: Body, node: hir.UpdateStruct) -> int:
    type_ = record(node.type)
    layout = body.shared.layouts.of(type_)
    height = len(body.live)
    values = [(index, hold(body, value)) for index, value in node.fields]
    body.own(node.base)
    del body.live[height:]
    # `unshare` takes our reference, and returns an object that nobody else holds. That has references of its own to all
    # fields, so those that are replaced are released.
    body.call(body.need_glue(type_, "unshare"), TYPES["unshare"])
    address = body.temporary(I32)
    body.out += set_(address)
    for index, value in values:
        field = layout.fields[index]
        _release_field(body, get(address), field)
        store_held(body, get(address), field, value)
    body.out += get(address)
    body.give_back(I32, address)
    return OWNED


def _release_field(body: Body, target: bytes, field: FieldLayout) -> None:
    if field.counted:
        body.out += target + field.load + uleb(field.offset)
        body.release_top(field.type)


# ---------------------------------------------------------------- reading


@handles(hir.GetField)
def lower_get_field(body: Body, node: hir.GetField) -> int:
    return read_field(body, node.value, body.shared.layouts.of(record(node.value.type)).fields[node.index])


def read_field(body: Body, value: hir.Expr, field: FieldLayout, test: Callable[[], None] | None = None) -> int:
    """A field of a place is borrowed; one of a value of our own outlives it, so it is retained first. `test` looks at
    the value before that, and leaves it."""
    held = body.emit(value)
    if test is not None:
        test()
    if not field.load:
        body.discard(held, value.type)
        return PLAIN
    if held != OWNED:
        body.out += field.load + uleb(field.offset)
        return BORROWED if field.counted else PLAIN
    owner = body.temporary(I32)
    body.out += tee(owner) + field.load + uleb(field.offset)
    if field.counted:
        body.retain_top()
    body.release(owner, value.type)
    body.give_back(I32, owner)
    return OWNED if field.counted else PLAIN
