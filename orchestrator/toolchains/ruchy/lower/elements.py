"""Arrays: making them, and getting at their elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FloatType, IntType
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, get, handles, set_, tee
from orchestrator.toolchains.ruchy.lower.layout import HEADER, element_of, how_of, is_counted, signature, storage
from orchestrator.toolchains.ruchy.lower.structs import hold
from orchestrator.toolchains.ruchy.lower.valtypes import I32, I64, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body
    from orchestrator.wasm.fragment import Reference

_PAIR_TO_I32 = functype(bytes((I32, I32)), bytes((I32,)))
_INDEX = functype(bytes((I32, I64, I32, I32)), bytes((I32,)))
_TIMES = functype(bytes((I64, I32, I32, I32)), bytes((I32,)))
_FILL = functype(bytes((I32, I32)), b"")
_SHIFT = {1: b"", 2: b"\x41\x01\x74", 4: b"\x41\x02\x74", 8: b"\x41\x03\x74"}


def scale(body: Body, size: int) -> None:
    """From the number of an element, on top of the stack, to its distance from the first one."""
    body.out += _SHIFT.get(size, b"\x1a\x41\x00")


def element_number(body: Body, array: int, index: hir.Expr, at: int) -> None:
    """The number of the element that an index means, a literal or a local, in the array whose address is in a local.
    Traps where there is none."""
    start = len(body.out)
    body.emit(index)
    again = bytes(body.out[start:])
    del body.out[start:]
    _number(body, array, again, is_never_negative(body, index), at)


def is_never_negative(body: Body, node: hir.Expr) -> bool:
    """Whether an integer surely is 0 or more: a literal, a variable that counts up from there, a sum of such."""
    while True:
        if isinstance(node.type, IntType) and not node.type.signed:
            return True
        if isinstance(node, hir.Cast) and isinstance(node.operand.type, IntType):
            node = node.operand
        elif isinstance(node, hir.Arithmetic) and node.op in ("+", "*") and is_never_negative(body, node.right):
            node = node.left
        else:
            break
    if isinstance(node, hir.Int):
        return node.value >= 0
    return isinstance(node, hir.Local) and node.slot in body.counting


@handles(hir.GetElement)
def lower_get_element(body: Body, node: hir.GetElement) -> int:
    """An element of a place is borrowed; one of an array of our own outlives it, so it is retained first."""
    kept_in = storage(node.type)
    counted = is_counted(node.type)
    waiting = body.operands([node.value, node.index])
    array = body.temporary(I32)
    if node.checked:
        index = body.temporary(I64)
        body.out += set_(index) + set_(array)
        _number(body, array, get(index), is_never_negative(body, node.index), node.at)
        body.give_back(I64, index)
    else:
        body.out += b"\xa7"
        other = body.temporary(I32)
        body.out += set_(other) + set_(array) + get(other)
        body.give_back(I32, other)
    if kept_in.size:
        scale(body, kept_in.size)
        body.out += get(array) + b"\x6a" + kept_in.load + uleb(HEADER)
    else:
        body.out.append(0x1A)
    body.give_back(I32, array)
    if waiting and counted:
        body.retain_top()
    body.release_operands(waiting)
    return PLAIN if not counted else OWNED if waiting else BORROWED


def _number(body: Body, array: int, index: bytes, positive: bool, at: int) -> None:
    """The same for an index that these instructions give."""
    # Nothing follows a trap, so the engine knows behind the test what it knew before, and what it loaded then.
    length = get(array) + b"\x35\x02\x04"
    number = body.temporary(I64)
    out = body.out
    out += index
    if not positive:  # a negative one counts from the end: the length is added if the sign says so
        out += index + b"\x42\x3f\x87" + length + b"\x83\x7c"
    out += tee(number) + length + b"\x5a\x04\x40" + get(array) + index  # not below the length?
    body.site(at)
    body.call("rt::arr_index", _INDEX)
    out += b"\x1a\x00\x0b" + get(number) + b"\xa7"
    body.give_back(I64, number)


@handles(hir.NewArray)
def lower_new_array(body: Body, node: hir.NewArray) -> int:
    """A static array where all elements are literals. Else the array first, where nothing can jump away while its
    elements are computed; else these first."""
    if not node.elements:
        body.string("")  # a static array and a static text of no length are the same
        return PLAIN
    static = _static(body, node)
    if static is not None:
        body.address(static)
        return PLAIN
    kept_in = storage(element_of(node.type))
    straight = is_straight(node.elements)
    height = len(body.live)
    kept = [] if straight else [hold(body, element) for element in node.elements]
    del body.live[height:]
    array = body.temporary(I32)
    body.out += b"\x41" + sleb(len(node.elements)) + b"\x41" + sleb(how_of(node.type))
    body.call("rt::arr_new", _PAIR_TO_I32)
    body.out += set_(array)
    for number, element in enumerate(node.elements):
        if kept_in.size:
            body.out += get(array)
        if straight:
            body.own(element)
        elif kept_in.size:
            body.out += get(kept[number])
            body.give_back(kept_in.valtype, kept[number])
        if kept_in.size:
            body.out += kept_in.store + uleb(HEADER + number * kept_in.size)
    body.out += get(array)
    body.give_back(I32, array)
    return OWNED


def _static(body: Body, node: hir.NewArray) -> Reference | None:
    """An array of literals as data; None where it has something else. Code that writes to it copies it first."""
    if not all(element.__class__ in _LITERALS for element in node.elements):
        return None
    raw = bytearray()
    words: list[tuple[int, Reference]] = []
    for element in node.elements:
        if isinstance(element, hir.Str):
            to: Reference | None = body.statics.text(element.value)
        elif isinstance(element, hir.NewArray):
            to = _static(body, element) if element.elements else body.statics.text("")
        else:
            raw += _bytes(element)
            continue
        if to is None:
            return None
        words.append((len(raw), to))
        raw += bytes(4)
    return body.statics.array(len(node.elements), bytes(raw), tuple(words))


_LITERALS = frozenset((hir.Int, hir.Float, hir.Str, hir.NewArray))


def _bytes(node: hir.Expr) -> bytes:
    """A literal as it stands in memory."""
    import struct

    assert isinstance(node, hir.Int | hir.Float)
    size = storage(node.type).size
    if isinstance(node.type, FloatType):
        try:
            return struct.pack("<f" if size == 4 else "<d", float(node.value))
        except OverflowError:  # too large for an f32
            return struct.pack("<f", float("inf") if node.value > 0 else float("-inf"))
    return (int(node.value) & (1 << 8 * size) - 1).to_bytes(size, "little")


@handles(hir.RepeatArray)
def lower_repeat_array(body: Body, node: hir.RepeatArray) -> int:
    element = element_of(node.type)
    kept_in = storage(element)
    how = b"\x41" + sleb(how_of(node.type))
    # The one reference that we hold goes into the first element, and `rt::arr_fill` retains it for the others. An array
    # of no elements takes none, so it is released there.
    height = len(body.live)
    value = hold(body, node.value)
    owned = len(body.live) > height
    body.emit(node.count)
    del body.live[height:]
    body.out += how
    body.site(node.at)
    body.call("rt::arr_times", _TIMES)
    if value < 0:
        return OWNED
    array = body.temporary(I32)
    body.out += tee(array) + b"\x28\x02\x04\x04\x40"  # if it has a length
    body.out += get(array) + get(value) + kept_in.store + uleb(HEADER) + get(array) + how
    body.call("rt::arr_fill", _FILL)
    if owned:
        body.out.append(0x05)
        body.release(value, element)
    body.out += b"\x0b" + get(array)
    body.give_back(I32, array)
    body.give_back(kept_in.valtype, value)
    return OWNED


@handles(hir.Helper)
def lower_helper(body: Body, node: hir.Helper) -> int:
    waiting = body.operands(node.arguments)
    type_ = signature([argument.type for argument in node.arguments], node.type)
    body.call(body.need_glue(node.subject, node.name), type_)
    body.release_operands(waiting)
    return OWNED if is_counted(node.type) else PLAIN
