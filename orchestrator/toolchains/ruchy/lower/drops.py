"""How records and enums are released: at 0 also what is in them.

What leads back to a value of the same type, such as the rest of a list, is released in a loop and not by a call, so
that the stack does not grow with the length of the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.abilities import HELPER
from orchestrator.toolchains.ruchy.check.types import ArrayType, EnumType, Type
from orchestrator.toolchains.ruchy.lower.body import get, set_, tee
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body
    from orchestrator.toolchains.ruchy.lower.layout import FieldLayout, Layout, Layouts

_TO_NOTHING = functype(bytes((I32,)), b"")
_TO_I32 = functype(bytes((I32,)), bytes((I32,)))
_NEAR = 3
"""Through how many values of other types the way back may lead: `Node` holds an `Option<Node>`, that holds a `Node`."""


def drop_object(body: Body, type_: Type) -> None:
    """The helper that releases the object in the first local."""
    if _following(body.shared.layouts, type_, type_, _NEAR) is None:
        _drop(body, 0, type_, type_, -1, 0)
        return
    # `following` is 0 unless the count of this value reached 0 and it leads to another of its type. The loop goes on
    # with that one, and with its reference, which this value no longer holds.
    following = body.temporary(I32)
    body.out += b"\x03\x40\x41\x00" + set_(following)  # loop
    _drop(body, 0, type_, type_, following, _NEAR)
    body.out += get(following) + tee(0) + b"\x0d\x00\x0b"  # again, where there is one


def _forms(layouts: Layouts, type_: Type) -> list[Layout]:
    return layouts.variants(type_) if isinstance(type_, EnumType) else [layouts.of(type_)]


def _following(layouts: Layouts, type_: Type, root: Type, near: int) -> list[FieldLayout | None] | None:
    """Of each form of a value the field through which the way leads back to the type `root`; None where none does."""
    if near < 0 or isinstance(type_, ArrayType) or layouts.drop_of(type_) != HELPER:
        return None
    found: list[FieldLayout | None] = []
    for layout in _forms(layouts, type_):
        ways = [field for field in layout.fields if field.counted and _leads(layouts, field, root, near)]
        found.append(ways[-1] if ways else None)
    return found if any(found) else None


def _leads(layouts: Layouts, field: FieldLayout, root: Type, near: int) -> bool:
    return field.type == root or (near > 0 and _following(layouts, field.type, root, near - 1) is not None)


def _drop(body: Body, local: int, type_: Type, root: Type, following: int, near: int) -> None:
    """Releases the object in a local. What the way back leads to gets into the local `following`."""
    layouts, out = body.shared.layouts, body.out
    forms = _forms(layouts, type_)
    ways = _following(layouts, type_, root, near) if following >= 0 else None
    inner = [_inner(body, field, root) for field in ways or [None for _ in forms]]
    for kept in inner:
        if kept >= 0:
            out += b"\x41\x00" + set_(kept)
    # Nothing inside may be touched while others hold the object, so all of it depends on `rt::drop_count`. What the way
    # back leads to is read before `rt::free`, and released only after it: in `drop_object`'s loop, or below.
    out += get(local)
    body.call("rt::drop_count", _TO_I32)
    out += b"\x04\x40"
    for number, layout in enumerate(forms):
        way = ways[number] if ways is not None else None
        counted = [field for field in layout.fields if field.counted]
        if not counted:
            continue
        if isinstance(type_, EnumType):
            out += get(local) + b"\x28\x02\x04\x41" + sleb(number) + b"\x46\x04\x40"
        for field in counted:
            out += get(local) + field.load + uleb(field.offset)
            if field is way:
                out += set_(inner[number] if inner[number] >= 0 else following)
            else:
                body.release_top(field.type)
        if isinstance(type_, EnumType):
            out.append(0x0B)
    out += get(local)
    body.call("rt::free", _TO_NOTHING)
    for kept, way in zip(inner, ways or [], strict=False):
        if kept >= 0 and way is not None:
            out += get(kept) + b"\x04\x40"
            _drop(body, kept, way.type, root, following, near - 1)
            out.append(0x0B)
    out.append(0x0B)


def _inner(body: Body, field: FieldLayout | None, root: Type) -> int:
    """A local for what stands between a value and the next one of its type, -1 where nothing does."""
    return -1 if field is None or field.type == root else body.temporary(I32)
