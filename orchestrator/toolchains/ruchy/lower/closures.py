"""Functions as values, and cells: variables that several functions share.

A function value is a record `(code, drop, captured values…)`: `code` and `drop` are slots of the function table. The
function of a lambda gets the record as its first argument. A cell is a record of one field that nobody copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER
from orchestrator.toolchains.ruchy.check.types import I32 as INT32
from orchestrator.toolchains.ruchy.check.types import FunctionType, TupleType
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, get, handles, set_
from orchestrator.toolchains.ruchy.lower.layout import record, signature, valtype
from orchestrator.toolchains.ruchy.lower.structs import allocated, hold, store_held
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight
from orchestrator.wasm.fragment import FUNCTION, Reference
from orchestrator.wasm.leb import uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_TO_NOTHING = functype(bytes((I32,)), b"")
_CODE = b"\x28\x02\x08"
"""Loads the slot of the code."""


def _signature(kind: FunctionType) -> bytes:
    """The type of the function of such a value."""
    return signature([INT32, *kind.parameters], kind.result)


@handles(hir.MakeClosure)
def lower_make_closure(body: Body, node: hir.MakeClosure) -> int:
    assert isinstance(node.type, FunctionType)
    code = Reference(FUNCTION, node.symbol, _signature(node.type))
    if not node.captures:
        body.address(body.statics.function_value(code))
        return OWNED
    captured = TupleType((INT32, INT32, *[one.type for one in node.captures]))
    drop = body.shared.layouts.drop_of(captured)
    name = body.need_glue(captured, "drop") if drop == HELPER else drop
    layout = body.shared.layouts.of(captured)
    height = len(body.live)
    values = [hold(body, capture) for capture in node.captures]
    del body.live[height:]
    closure = allocated(body, layout)
    for field, target in zip(layout.fields, (code, Reference(FUNCTION, name, _TO_NOTHING)), strict=False):
        body.out += get(closure)
        body.table_slot(target)
        body.out += field.store + uleb(field.offset)
    for field, value in zip(layout.fields[2:], values, strict=True):
        store_held(body, get(closure), field, value)
    body.out += get(closure)
    body.give_back(I32, closure)
    return OWNED


@handles(hir.CallValue)
def lower_call_value(body: Body, node: hir.CallValue) -> int:
    """The value is kept while its function runs, which might otherwise free it."""
    kind = node.callee.type
    assert isinstance(kind, FunctionType)
    held = body.emit(node.callee)
    if held == BORROWED and not (isinstance(node.callee, hir.Local) and is_straight(node.arguments)):
        body.retain_top()
        held = OWNED
    called = body.temporary(I32)
    body.out += set_(called)
    if held == OWNED:
        body.live.append((called, kind))
    body.out += get(called)
    waiting = body.operands(node.arguments)
    body.out += get(called) + _CODE
    body.call_indirect(_signature(kind))
    body.release_operands(waiting)
    if held == OWNED:
        body.live.pop()
        body.release(called, kind)
    body.give_back(I32, called)
    return OWNED if body.is_counted(node.type) else PLAIN


# ---------------------------------------------------------------- cells


@handles(hir.GetCell)
def lower_get_cell(body: Body, node: hir.GetCell) -> int:
    """Retained: what runs next may write to the cell."""
    body.emit(node.cell)
    field = body.shared.layouts.of(record(node.cell.type)).fields[0]
    if not field.load:
        body.out.append(0x1A)
        return PLAIN
    body.out += field.load + uleb(field.offset)
    if not field.counted:
        return PLAIN
    if not node.taken:
        body.retain_top()
    return OWNED


@handles(hir.SetCell)
def lower_set_cell(body: Body, node: hir.SetCell) -> int:
    """The old value is released once the new one is in its place."""
    field = body.shared.layouts.of(record(node.cell.type)).fields[0]
    kind = valtype(field.type)
    body.own(node.value)
    value = body.temporary(kind)
    body.out += set_(value)
    body.emit(node.cell)
    cell = body.temporary(I32)
    body.out += set_(cell)
    releases = field.counted and not node.back
    if releases:
        body.out += get(cell) + field.load + uleb(field.offset)
    body.out += get(cell) + get(value) + field.store + uleb(field.offset)
    body.give_back(kind, value)
    body.give_back(I32, cell)
    if releases:
        body.release_top(field.type)
    return PLAIN
