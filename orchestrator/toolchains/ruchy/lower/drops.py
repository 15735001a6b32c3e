"""How records and enums are released: at 0 also what is in them.

Values of a type that leads back to itself, such as lists and trees, may be as deep as memory is large. They are
released through `rt::deep_drop`, which puts off what is too deep, so that the stack does not grow with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.types import EnumType, Type
from orchestrator.toolchains.ruchy.lower.body import get
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.wasm.fragment import FUNCTION, Reference
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body
    from orchestrator.toolchains.ruchy.lower.layout import Layout, Layouts

_TO_NOTHING = functype(bytes((I32,)), b"")
_TO_I32 = functype(bytes((I32,)), bytes((I32,)))
_PAIR_TO_NOTHING = functype(bytes((I32, I32)), b"")


def drop_object(body: Body, type_: Type) -> None:
    """The helper that releases the object in the first local."""
    # Nothing inside may be touched while others hold the object, so all of it depends on `rt::drop_count`.
    body.out += get(0)
    body.call("rt::drop_count", _TO_I32)
    body.out += b"\x04\x40"
    if body.shared.layouts.is_recursive(type_):
        body.out += get(0)
        body.table_slot(Reference(FUNCTION, body.need_glue(type_, "free"), _TO_NOTHING))
        body.call("rt::deep_drop", _PAIR_TO_NOTHING)
    else:
        free_object(body, type_)
    body.out.append(0x0B)


def free_object(body: Body, type_: Type) -> None:
    """Releases what is in the object in the first local, which nobody holds, and gives its memory back."""
    out = body.out
    for number, layout in enumerate(_forms(body.shared.layouts, type_)):
        counted = [field for field in layout.fields if field.counted]
        if not counted:
            continue
        if isinstance(type_, EnumType):
            out += get(0) + b"\x28\x02\x04\x41" + sleb(number) + b"\x46\x04\x40"  # its tag, i32.eq, if
        for field in counted:
            out += get(0) + field.load + uleb(field.offset)
            body.release_top(field.type)
        if isinstance(type_, EnumType):
            out.append(0x0B)
    out += get(0)
    body.call("rt::free", _TO_NOTHING)


def _forms(layouts: Layouts, type_: Type) -> list[Layout]:
    return layouts.variants(type_) if isinstance(type_, EnumType) else [layouts.of(type_)]
