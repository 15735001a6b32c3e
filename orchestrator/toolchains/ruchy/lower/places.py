"""Places that can be written to: a local, and what is inside of it. Everything on the way that somebody else holds too
is copied before it is written (copy on write)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER, abilities
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.types import STRING, Type
from orchestrator.toolchains.ruchy.lower.body import HANDLERS, OWNED, PLAIN, get, handles, set_, tee
from orchestrator.toolchains.ruchy.lower.elements import element_number, scale
from orchestrator.toolchains.ruchy.lower.enums import enum, must_be
from orchestrator.toolchains.ruchy.lower.glue import TYPES
from orchestrator.toolchains.ruchy.lower.layout import HEADER, element_of, how_of, is_counted, storage, valtype
from orchestrator.toolchains.ruchy.lower.numbers import unconverted
from orchestrator.toolchains.ruchy.lower.strings import append_parts, joined
from orchestrator.toolchains.ruchy.lower.structs import hold
from orchestrator.toolchains.ruchy.lower.valtypes import I32, I64, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight, mentions
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_PAIR_TO_I32 = functype(bytes((I32, I32)), bytes((I32,)))
_THREE_TO_I32 = functype(bytes((I32, I32, I32)), bytes((I32,)))
_OPEN = functype(bytes((I32, I64, I32, I32, I32)), bytes((I32,)))


def own_top(body: Body, type_: Type) -> None:
    """Makes the owned reference on top of the stack one that nobody else holds."""
    way = abilities(type_).unshare
    if way == HELPER:
        body.call(body.need_glue(type_, "unshare"), TYPES["unshare"])
    elif way:  # of an array
        body.out += b"\x41" + sleb(how_of(type_))
        body.call(way, _PAIR_TO_I32)


def _own_here(body: Body, type_: Type, local: int, holder: int, offset: int = -1) -> None:
    """Makes the object in a local one that nobody else holds; a copy also takes its place at the `offset` of `holder`.
    That the count is 1 is seen here, because that is what most writes find."""
    if not abilities(type_).unshare:
        return
    body.out += get(local) + b"\x28\x02\x00\x41\x01\x47\x04\x40"  # is its count another than 1?
    if offset >= 0:
        body.out += get(holder)
    body.out += get(local)
    own_top(body, type_)
    body.out += tee(local) + storage(type_).store + uleb(offset) if offset >= 0 else set_(local)
    body.out.append(0x0B)


class Reached(NamedTuple):
    """A place inside of an object that nobody else holds: a temporary with an address, what to add to that, and the
    type of what is there."""

    address: int
    offset: int
    type: Type

    def load(self) -> bytes:
        return get(self.address) + storage(self.type).load + uleb(self.offset)


def reach(body: Body, node: hir.Store | hir.Change) -> Reached:
    """Goes to a place that is inside of a local."""
    # Copy on write, from the outside in: each object on the way is made one that nobody else holds before the next
    # step, and its new address is stored where the old one was. `owner` is the address that has been reached.
    owner = body.temporary(I32)
    index = body.slots[node.slot]
    type_ = body.function.locals[node.slot]
    _own_here(body, type_, index, index)
    body.out += get(index) + set_(owner)
    offset = 0
    for count, step in enumerate(node.path):
        if count:
            inner = body.temporary(I32)
            body.out += get(owner) + storage(type_).load + uleb(offset) + set_(inner)
            _own_here(body, type_, inner, owner, offset)
            body.out += get(inner) + set_(owner)
            body.give_back(I32, inner)
        if isinstance(step, int):
            field = body.shared.layouts.of(type_).fields[step]
            offset, type_ = field.offset, field.type
        elif isinstance(step, hir.InPayload):
            body.out += get(owner)
            must_be(body, step.variant, node.at)
            body.out.append(0x1A)
            field = body.shared.layouts.variants(enum(type_))[step.variant].fields[step.index]
            offset, type_ = field.offset, field.type
        else:
            offset, type_ = HEADER, element_of(type_)
            element_number(body, owner, step, node.at)
            scale(body, storage(type_).size)
            body.out += get(owner) + b"\x6a" + set_(owner)
    return Reached(owner, offset, type_)


# ---------------------------------------------------------------- assignments


@handles(hir.Store)
def lower_store(body: Body, node: hir.Store) -> int:
    if node.path:
        _store_inside(body, node)
    elif not _append_in_place(body, node):
        held = body.own(node.value)
        index = body.slots[node.slot]
        if index < 0:
            return held
        type_ = body.function.locals[node.slot]
        if is_counted(type_):
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
    body.call("rt::str_append", _PAIR_TO_I32)
    body.out += set_(index)
    if held == OWNED:
        body.release(kept, STRING)
    body.give_back(I32, kept)
    return True


def _store_inside(body: Body, node: hir.Store) -> None:
    """`p.a[i].b = v`: the value first, then the way to its place."""
    if (first := _changed_number(node)) is not None:
        place = reach(body, node)
        body.out += get(place.address) + place.load()
        body.emit_after(first, PLAIN, node.value, HANDLERS[node.value.__class__])
        body.out += storage(place.type).store + uleb(place.offset)
        body.give_back(I32, place.address)
        return
    appended = _appends_to_itself(node)
    kept = -1 if appended else _keep_value(body, node.value)
    place = reach(body, node)
    kept_in = storage(place.type)
    if appended:
        body.out += get(place.address) + place.load()
        append_parts(body, OWNED, appended)
        body.out += kept_in.store + uleb(place.offset)
    else:
        if is_counted(place.type):
            body.out += place.load()
            body.release_top(place.type)
        if kept >= 0:
            body.out += get(place.address) + get(kept) + kept_in.store + uleb(place.offset)
            body.give_back(kept_in.valtype, kept)
    body.give_back(I32, place.address)


def _keep_value(body: Body, value: hir.Expr) -> int:
    height = len(body.live)
    kept = hold(body, value)
    del body.live[height:]
    return kept


def _appends_to_itself(node: hir.Store) -> list[hir.Expr]:
    """The parts that `p.text = p.text + parts` appends, where they look at `p` nowhere else."""
    value = node.value
    if not isinstance(value, hir.Concat) or not _is_place(value.parts[0], node):
        return []
    rest = joined(value.parts[1:])
    return rest if is_straight(rest) and not mentions(rest, node.slot) else []


def _is_place(value: hir.Expr, node: hir.Store) -> bool:
    """Whether an expression is what stands in the place that is written."""
    for step in reversed(node.path):
        same = (
            isinstance(value, hir.GetField) and value.index == step
            if isinstance(step, int)
            else isinstance(value, hir.GetElement)
            and not isinstance(step, hir.InPayload)
            and _same_index(value.index, step)
        )
        if not same or not isinstance(value, hir.GetField | hir.GetElement):
            return False
        value = value.value
    return isinstance(value, hir.Local) and value.slot == node.slot


_SIMPLE: frozenset[type] = frozenset(
    (hir.Local, hir.Int, hir.Float, hir.Arithmetic, hir.Cast, hir.GetField, hir.GetElement, hir.Negate)
)
"""What neither changes anything nor keeps a reference."""


def _changed_number(node: hir.Store) -> hir.Expr | None:
    """What `p.a[i] += x` reads of its own place, which is then gone to once; None where that may not be."""
    value = node.value
    if not isinstance(value, hir.Arithmetic):
        return None
    waiting: list[Node] = [value.right]
    first = unconverted(value.left)
    while isinstance(first, hir.Arithmetic):
        waiting.append(first.right)
        first = unconverted(first.left)
    if first.type != value.type or not _is_place(first, node):
        return None
    while waiting:
        one = waiting.pop()
        if one.__class__ not in _SIMPLE:
            return None
        waiting += PARTS[one.__class__](one)
    return first


def _same_index(a: hir.Expr, b: hir.Expr) -> bool:
    if isinstance(a, hir.Local) and isinstance(b, hir.Local):
        return a.slot == b.slot
    return isinstance(a, hir.Int) and isinstance(b, hir.Int) and a.value == b.value


# ---------------------------------------------------------------- changes in place


@handles(hir.Change)
def lower_change(body: Body, node: hir.Change) -> int:
    """The arguments first, then the way to the place, whose reference the function takes and gives back."""
    height = len(body.live)
    arguments = [(hold(body, argument), argument.type) for argument in node.arguments]
    # Nothing between here and the change can jump, so the arguments need no place among what a jump releases.
    mine = body.live[height:]
    del body.live[height:]
    if node.path:
        place = reach(body, node)
        body.out += get(place.address) + place.load()
        _change(body, node, place.type, arguments)
        body.out += storage(place.type).store + uleb(place.offset)
        body.give_back(I32, place.address)
    else:
        index = body.slots[node.slot]
        body.out += get(index)
        _change(body, node, body.function.locals[node.slot], arguments)
        body.out += set_(index)
    for kept, type_ in mine:
        if node.name not in _KEEPING:
            body.release(kept, type_)
    for kept, type_ in arguments:
        if kept >= 0:
            body.give_back(valtype(type_), kept)
    return PLAIN


def _change(body: Body, node: hir.Change, type_: Type, arguments: Sequence[tuple[int, Type]]) -> None:
    """From the reference on the stack to the one that takes its place."""
    how = _KEEPING.get(node.name)
    if how is not None:
        how(body, node, type_, [kept for kept, _ in arguments])
        return
    parameters = [I32]
    for kept, kind in arguments:
        if kept >= 0:
            body.out += get(kept)
            parameters.append(valtype(kind))
    if node.name.startswith("arr_"):
        body.out += b"\x41" + sleb(how_of(type_))
        parameters.append(I32)
    if node.traps:
        body.site(node.at)
        parameters += [I32, I32]
    body.call("rt::" + node.name, functype(bytes(parameters), bytes((I32,))))


def _push(body: Body, node: hir.Change, type_: Type, arguments: Sequence[int]) -> None:
    kept_in = storage(element_of(type_))
    grow = b"\x41\x01\x41" + sleb(how_of(type_))
    if not kept_in.size:
        body.out += grow
        body.call("rt::arr_grow", _THREE_TO_I32)
        return
    array = body.temporary(I32)
    # Most find an array that nobody else holds, with room for one more: its block's size stands before it.
    body.out += set_(array) + b"\x02\x40\x02\x40" + get(array) + b"\x28\x02\x00\x41\x01\x47\x0d\x00"
    body.out += get(array) + b"\x41\x04\x6b\x28\x02\x00" + get(array) + b"\x28\x02\x04"
    scale(body, kept_in.size)
    body.out += b"\x41" + sleb(kept_in.size + HEADER + 4) + b"\x6a\x49\x0d\x00" + get(array) + get(array)
    body.out += b"\x28\x02\x04\x41\x01\x6a\x36\x02\x04\x0c\x01\x0b" + get(array) + grow
    body.call("rt::arr_grow", _THREE_TO_I32)
    body.out += set_(array) + b"\x0b" + get(array) + get(array) + b"\x28\x02\x04"  # its length
    scale(body, kept_in.size)
    body.out += get(array) + b"\x6a" + get(arguments[0]) + kept_in.store + uleb(HEADER - kept_in.size)
    body.give_back(I32, array)


def _insert(body: Body, node: hir.Change, type_: Type, arguments: Sequence[int]) -> None:
    index, element = arguments
    kept_in = storage(element_of(type_))
    body.out += get(index) + b"\x41" + sleb(how_of(type_))
    body.site(node.at)
    body.call("rt::arr_open", _OPEN)
    if not kept_in.size:
        return
    array = body.temporary(I32)
    body.out += tee(array) + get(index) + b"\xa7"
    scale(body, kept_in.size)
    body.out += get(array) + b"\x6a" + get(element) + kept_in.store + uleb(HEADER)
    body.give_back(I32, array)


_KEEPING: dict[str, Callable[[Body, hir.Change, Type, Sequence[int]], None]] = {"push": _push, "insert": _insert}
"""Changes that are written in place; each keeps its arguments."""
