"""Text: joining, converting, printing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER, INLINE, abilities
from orchestrator.toolchains.ruchy.check.types import I32 as TYPE_I32
from orchestrator.toolchains.ruchy.check.types import (
    STRING,
    BoolType,
    FloatType,
    FunctionType,
    IntType,
    StringType,
    Type,
    UnitType,
)
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, get, handles, set_
from orchestrator.toolchains.ruchy.lower.chains import link
from orchestrator.toolchains.ruchy.lower.glue import show_kind
from orchestrator.toolchains.ruchy.lower.layout import how_of, integer, signature, valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F64, I32, I64, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.lower.body import Body

_TO_I32 = functype(bytes((I32,)), bytes((I32,)))
_PAIR_TO_I32 = functype(bytes((I32, I32)), bytes((I32,)))
_WRITE = functype(bytes((I32, I32)), b"")
_FROM_I64 = functype(bytes((I64,)), bytes((I32,)))
_FIXED = functype(bytes((F64, I32)), bytes((I32,)))
_TRAP_TEXT = functype(bytes((I32, I32, I32)), b"")
_FORMAT = functype(bytes((I32, I64, I32, I32)), bytes((I32,)))
_RADIX = functype(bytes((I64, I32)), bytes((I32,)))


@handles(hir.Str)
def lower_str(body: Body, node: hir.Str) -> int:
    body.string(node.value)
    return PLAIN


# ---------------------------------------------------------------- joining


@handles(hir.Concat)
def lower_concat(body: Body, node: hir.Concat) -> int:
    parts = joined(node.parts)
    held = body.emit(parts[0])
    if len(parts) == 1:
        return held
    append_parts(body, held, parts[1:])
    return OWNED


def joined(parts: Sequence[hir.Expr]) -> list[hir.Expr]:
    """The parts with literals side by side made one and empty ones left out; at least one part."""
    values: list[hir.Expr] = []
    last: hir.Expr | None = None
    for part in parts:
        if not isinstance(part, hir.Str):
            values.append(part)
        elif not part.value:
            continue
        elif isinstance(last, hir.Str):
            values[-1] = hir.Str(STRING, part.at, last.value + part.value)
        else:
            values.append(part)
        last = values[-1]
    return values or [hir.Str(STRING, 0, "")]


def append_parts(body: Body, held: int, parts: Sequence[hir.Expr]) -> None:
    """Joins the parts to the string on the stack; leaves an owned string."""
    for part in parts:
        if part.__class__ in _STILL or is_straight((part,)):
            other = body.emit(part)
        else:
            other = _emit_aside(body, held, part)
            held = OWNED if held == BORROWED else held
        waiting = body.keep(STRING) if other == OWNED else -1
        body.call("rt::str_append" if held == OWNED else "rt::str_concat", _PAIR_TO_I32)
        if waiting >= 0:
            body.release_operands([waiting])
        held = OWNED


_STILL = frozenset({hir.Str, hir.Local})


def _emit_aside(body: Body, held: int, part: hir.Expr) -> int:
    """Lowers a part that may jump or store, while what is joined so far waits in a local."""
    if held == BORROWED:
        body.retain_top()
        held = OWNED
    before = body.temporary(I32)
    body.out += set_(before)
    if held == OWNED:
        body.live.append((before, STRING))
    other = body.emit(part)
    if held == OWNED:
        body.live.pop()
    after = body.temporary(I32)
    body.out += set_(after) + get(before) + get(after)
    body.give_back(I32, before)
    body.give_back(I32, after)
    return other


# ---------------------------------------------------------------- any value as text


@link(hir.ToText)
def lower_to_text(body: Body, node: hir.ToText) -> int:
    type_ = node.operand.type
    way = abilities(type_).show
    if way == INLINE:
        return INLINE_TEXTS[type_.__class__](body, node)
    waiting = body.operands([node.operand])
    if way == HELPER:
        way = body.need_glue(type_, show_kind(type_, node.bare, node.precision))
    body.call(way, _TO_I32)
    body.release_operands(waiting)
    return OWNED


def _text_of_string(body: Body, node: hir.ToText) -> int:
    if not node.debug:
        return body.emit(node.operand)
    waiting = body.operands([node.operand])
    body.call("rt::str_debug", _TO_I32)
    body.release_operands(waiting)
    return OWNED


def _text_of_number(body: Body, node: hir.ToText) -> int:
    body.emit(node.operand)
    _number_to_text(body, node.operand.type, node.precision)
    if node.plain and isinstance(node.operand.type, FloatType):
        body.call("rt::without_point", _TO_I32)
    return OWNED


def _number_to_text(body: Body, type_: Type, precision: int | None) -> None:
    """The number on the stack as an owned text."""
    if isinstance(type_, FloatType):
        if precision is None:
            body.call(f"rt::{type_.name}_to_str", signature([type_], STRING))
            return
        if type_.bits == 32:
            body.out.append(0xBB)
        body.out += b"\x41" + sleb(precision)
        body.call("rt::f64_to_fixed", _FIXED)
        return
    number = integer(type_)
    if number.bits < 64:
        body.out.append(0xAC if number.signed else 0xAD)
    body.call("rt::i64_to_str" if number.signed else "rt::u64_to_str", _FROM_I64)
    if precision:
        body.keep(STRING)
        body.out += b"\x41" + sleb(precision)
        body.call("rt::str_point", _PAIR_TO_I32)
        body.release_operands([body.live[-1][0]])


def _text_of_bool(body: Body, node: hir.ToText) -> int:
    body.emit(node.operand)
    body.call("rt::bool_to_str", _TO_I32)
    return PLAIN


def _text_of_unit(body: Body, node: hir.ToText) -> int:
    body.emit(node.operand)
    body.string("nil")
    return PLAIN


def _text_of_function(body: Body, node: hir.ToText) -> int:
    body.discard(body.emit(node.operand), node.operand.type)
    body.string("<function>")
    return OWNED


INLINE_TEXTS: dict[type, Callable[[Body, hir.ToText], int]] = {
    IntType: _text_of_number,
    FloatType: _text_of_number,
    BoolType: _text_of_bool,
    StringType: _text_of_string,
    UnitType: _text_of_unit,
    FunctionType: _text_of_function,
}


# ---------------------------------------------------------------- output, panic, runtime calls


@handles(hir.Print)
def lower_print(body: Body, node: hir.Print) -> int:
    """All parts are computed before anything is written, and written at once."""
    held = lower_concat(body, hir.Concat(STRING, node.at, node.parts))
    text = body.temporary(I32)
    body.out += set_(text) + b"\x41" + sleb(node.fd) + get(text)
    body.call("rt::write", _WRITE)
    if held == OWNED:
        body.release(text, STRING)
    body.give_back(I32, text)
    return PLAIN


@handles(hir.Panic)
def lower_panic(body: Body, node: hir.Panic) -> int:
    body.site(node.at)
    body.emit(node.message)
    body.call("rt::trap_text", _TRAP_TEXT)
    body.out.append(0x00)
    return PLAIN


@link(hir.Runtime)
def lower_runtime(body: Body, node: hir.Runtime) -> int:
    """Arguments are borrowed; with `traps` the site follows them."""
    name = node.name
    if name == "length":
        return _length(body, node.arguments[0])
    if name in _INSTRUCTIONS:
        body.emit(node.arguments[0])
        body.out.append(_INSTRUCTIONS[name] + (14 if valtype(node.type) == F64 else 0))
        return PLAIN
    if name in _WRAPPING:
        for one in node.arguments:
            body.emit(one)
        body.out.append(_WRAPPING[name])
        return PLAIN
    if name == "format":
        return _format(body, node)
    if name == "fixed":
        return _fixed(body, node)
    if name == "radix":
        return _radix(body, node)
    waiting = body.operands(node.arguments)
    types = [argument.type for argument in node.arguments]
    if name.startswith("arr_"):
        body.out += b"\x41" + sleb(how_of(types[0]))
        types.append(TYPE_I32)
    type_ = signature(types, node.type)
    if node.traps:
        body.site(node.at)
        count = type_[1]
        type_ = bytes((0x60, count + 2)) + type_[2 : 2 + count] + bytes((I32, I32)) + type_[2 + count :]
    body.call("rt::" + name, type_)
    body.release_operands(waiting)
    return OWNED if body.is_counted(node.type) else PLAIN


_WRAPPING = {"add": 0x7C, "sub": 0x7D, "mul": 0x7E, "clz": 0x79, "ctz": 0x7A, "popcnt": 0x7B}
"""On integers of 64 bits, of which what is too large is cut."""
_INSTRUCTIONS = {"fabs": 0x8B, "ceil": 0x8D, "floor": 0x8E, "trunc": 0x8F, "sqrt": 0x91}
"""On f32; those on f64 are 14 further."""


def _length(body: Body, value: hir.Expr) -> int:
    """Of a text in bytes, or of an array: it stands at the same place."""
    held = body.emit(value)
    if held == OWNED:
        body.keep(value.type)
    body.out += b"\x35\x02\x04"
    if held == OWNED:
        body.release_operands([body.live[-1][0]])
    return PLAIN


def _format(body: Body, node: hir.Runtime) -> int:
    """The template, then its arguments: these stand side by side in an object of their own."""
    template, kinds, *arguments = node.arguments
    waiting = body.operands([template, *arguments])
    count = len(arguments)
    values = [body.temporary(I32) for _ in range(count + 2)]
    for value in reversed(values[: count + 1]):
        body.out += set_(value)
    array = values[-1]
    body.out += b"\x41" + sleb(8 + 4 * count)
    body.call("rt::alloc", _TO_I32)
    body.out += set_(array)
    for index, value in enumerate(values[1:-1]):
        body.out += get(array) + get(value) + b"\x36\x02" + uleb(8 + 4 * index)
    body.out += get(values[0])
    body.emit(kinds)
    body.out += get(array) + b"\x41\x08\x6a\x41" + sleb(count)
    body.call("rt::format", _FORMAT)
    body.release(array, STRING)
    for value in values:
        body.give_back(I32, value)
    body.release_operands(waiting)
    return OWNED


def _radix(body: Body, node: hir.Runtime) -> int:
    """The bits of an integer's own width, negative ones in two's complement."""
    value, how = node.arguments
    body.emit(value)
    type_ = value.type
    assert isinstance(type_, IntType)
    if type_.bits < 32:
        body.out += b"\x41" + sleb((1 << type_.bits) - 1) + b"\x71"
    if type_.bits < 64:
        body.out.append(0xAD)
    body.emit(how)
    body.call("rt::radix", _RADIX)
    return OWNED


def _fixed(body: Body, node: hir.Runtime) -> int:
    """A number with as many digits behind its point as an argument says."""
    value, digits = node.arguments
    body.emit(value)
    if isinstance(value.type, IntType):
        _number_to_text(body, value.type, None)
        waiting = body.keep(STRING)
        body.emit(digits)
        body.call("rt::str_point", _PAIR_TO_I32)
        body.release_operands([waiting])
        return OWNED
    if valtype(value.type) != F64:
        body.out.append(0xBB)
    body.emit(digits)
    body.call("rt::f64_to_fixed", _FIXED)
    return OWNED
