"""Enums, `Option` and `Result`: making values, and asking what they are.

An enum without payloads is the number of its variant. Any other value is an object: its count, the number of the
variant, and behind it the payload, laid out as the fields of a struct. A variant without a payload is static.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import EnumType, Type
from orchestrator.toolchains.ruchy.lower.body import OWNED, PLAIN, get, handles, tee
from orchestrator.toolchains.ruchy.lower.layout import is_counted
from orchestrator.toolchains.ruchy.lower.structs import new_object, read_field
from orchestrator.toolchains.ruchy.lower.valtypes import I32
from orchestrator.toolchains.ruchy.lower.variables import trap_with
from orchestrator.wasm.leb import sleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body


def enum(type_: Type) -> EnumType:
    """A type that the checker found to be an enum's."""
    assert isinstance(type_, EnumType)
    return type_


@handles(hir.NewVariant)
def lower_new_variant(body: Body, node: hir.NewVariant) -> int:
    if not is_counted(node.type):
        body.out += b"\x41" + sleb(node.variant)
        return PLAIN
    if not node.fields:
        body.address(body.statics.record(node.variant.to_bytes(4, "little")))
        return PLAIN
    layout = body.shared.layouts.variants(enum(node.type))[node.variant]
    return new_object(body, layout, node.fields, node.order, node.variant)


@handles(hir.GetTag)
def lower_get_tag(body: Body, node: hir.GetTag) -> int:
    held = body.emit(node.value)
    if not is_counted(node.value.type):
        return PLAIN
    if held != OWNED:
        body.out += b"\x28\x02\x04"
        return PLAIN
    owner = body.temporary(I32)
    body.out += tee(owner) + b"\x28\x02\x04" + get(owner)
    body.release_top(node.value.type)
    body.give_back(I32, owner)
    return PLAIN


@handles(hir.GetPayload)
def lower_get_payload(body: Body, node: hir.GetPayload) -> int:
    layout = body.shared.layouts.variants(enum(node.value.type))[node.variant]
    test = (lambda: must_be(body, node.variant, node.at)) if node.checked else None
    return read_field(body, node.value, layout.fields[node.index], test)


def must_be(body: Body, variant: int, at: int) -> None:
    """Traps where the value on top of the stack, which stays there, is another variant."""
    value = body.temporary(I32)
    body.out += tee(value) + get(value) + b"\x28\x02\x04\x41" + sleb(variant) + b"\x47\x04\x40"  # its tag, i32.ne, if
    trap_with(body, at, "what was taken out of this value by a pattern is no longer there")
    body.out += b"\x0b"
    body.give_back(I32, value)
