"""Arithmetic that is exact or traps, and bits. Narrow integers live in an i32, always in range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FloatType, IntType
from orchestrator.toolchains.ruchy.lower.body import (
    DIVISION_BY_ZERO,
    OVERFLOW,
    PLAIN,
    REMAINDER_BY_ZERO,
    SHIFT_RANGE,
    get,
    handles,
    set_,
    tee,
)
from orchestrator.toolchains.ruchy.lower.layout import integer, valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F64, I32, I64, functype
from orchestrator.wasm.leb import sleb

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.lower.body import Body

_I64_SITE = functype(bytes((I64, I64, I32, I32)), bytes((I64,)))
_F64_PAIR = functype(bytes((F64, F64)), bytes((F64,)))

_I32_OPS = {"+": 0x6A, "-": 0x6B, "*": 0x6C, "&": 0x71, "|": 0x72, "^": 0x73}
_I64_OPS = {"+": 0x7C, "-": 0x7D, "*": 0x7E, "&": 0x83, "|": 0x84, "^": 0x85}
_F32_OPS = {"+": 0x92, "-": 0x93, "*": 0x94, "/": 0x95}
_F64_OPS = {"+": 0xA0, "-": 0xA1, "*": 0xA2, "/": 0xA3}


# ---------------------------------------------------------------- literals


@handles(hir.Int)
def lower_int(body: Body, node: hir.Int) -> int:
    type_ = node.type
    value = node.value
    if isinstance(type_, FloatType):
        return lower_float(body, hir.Float(type_, node.at, float(value)))
    if isinstance(type_, IntType) and type_.bits == 64:
        body.out += b"\x42" + sleb(_signed(value, 64))
    else:
        body.out += b"\x41" + sleb(_signed(value, 32))
    return PLAIN


@handles(hir.Float)
def lower_float(body: Body, node: hir.Float) -> int:
    import struct

    if valtype(node.type) == F64:
        body.out += b"\x44" + struct.pack("<d", node.value)
    else:
        body.out += b"\x43" + struct.pack("<I", _f32_bits(node.value))
    return PLAIN


def _f32_bits(value: float) -> int:
    """The nearest f32; what is too large is infinite, as `f32.demote_f64` has it."""
    import struct

    try:
        return int(struct.unpack("<I", struct.pack("<f", value))[0])
    except OverflowError:
        return 0x7F800000 if value > 0 else 0xFF800000


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 and value > 0 else value


# ---------------------------------------------------------------- arithmetic


@handles(hir.Arithmetic)
def lower_arithmetic(body: Body, node: hir.Arithmetic) -> int:
    """A chain of operators leans left, and may be long: it is lowered without recursion on the left."""
    chain = [node]
    left = unconverted(node.left)
    while isinstance(left, hir.Arithmetic):
        chain.append(left)
        left = unconverted(chain[-1].left)
    body.emit(left)
    for link in reversed(chain):
        body.emit(link.right)
        operator = link.op
        if isinstance(link.type, FloatType):
            _float_operation(body, link, operator)
        else:
            _INTEGER[operator](body, link)
    return PLAIN


def unconverted(node: hir.Expr) -> hir.Expr:
    """An expression without conversions to the type that it has: where two variables met, neither of which said its
    type."""
    while isinstance(node, hir.Cast) and node.operand.type == node.type:
        node = node.operand
    return node


def _float_operation(body: Body, node: hir.Arithmetic, operator: str) -> None:
    wide = valtype(node.type) == F64
    if operator in _F64_OPS:
        body.out.append(_F64_OPS[operator] if wide else _F32_OPS[operator])
        return
    right = body.temporary(F64)
    if operator == "**" and isinstance(node.right.type, IntType):
        body.out += _INT_TO_F64[node.right.type.bits == 64, node.right.type.signed]
    elif not wide:
        body.out.append(0xBB)
    body.out += set_(right)
    if not wide:
        body.out.append(0xBB)
    body.out += get(right)
    body.call("rt::f64_pow" if operator == "**" else "rt::f64_rem", _F64_PAIR)
    if not wide:
        body.out.append(0xB6)
    body.give_back(F64, right)


_INT_TO_F64 = {(False, True): b"\xb7", (False, False): b"\xb8", (True, True): b"\xb9", (True, False): b"\xba"}


def _add_or_subtract(body: Body, node: hir.Arithmetic) -> None:
    type_ = integer(node.type)
    if type_.bits == 64:
        if isinstance(node.right, hir.Int) and type_.signed:
            _add_constant(body, node, node.right.value)
        else:
            _add_wide(body, node, type_.signed)
    elif type_.bits == 32:
        _through_i64(body, node, type_.signed)
    else:
        body.out.append(_I32_OPS[node.op])
        check_narrow(body, type_, node.at)


def _add_constant(body: Body, node: hir.Arithmetic, amount: int) -> None:
    """i64 plus or minus a constant: it overflows where the result lies on the wrong side."""
    grows = amount >= 0 if node.op == "+" else amount <= 0
    right, left, result = body.temporary(I64), body.temporary(I64), body.temporary(I64)
    out = body.out
    out += set_(right) + tee(left) + get(right)
    out.append(_I64_OPS[node.op])
    out += tee(result) + get(left)
    out.append(0x53 if grows else 0x55)  # below what we started from, or above
    body.trap_if(OVERFLOW, node.at)
    out += get(result)
    _free(body, I64, right, left, result)


def _add_wide(body: Body, node: hir.Arithmetic, signed: bool) -> None:
    right, left, result = body.temporary(I64), body.temporary(I64), body.temporary(I64)
    out = body.out
    out += set_(right) + tee(left) + get(right)
    out.append(_I64_OPS[node.op])
    out += tee(result)
    if not signed:  # a sum below a part of it, a difference above what it was taken from
        out += get(left)
        out.append(0x54 if node.op == "+" else 0x56)
    else:  # the sign of the result is neither operand's (of the difference: not the left one's)
        out += get(left) + b"\x85" + (get(right) + get(result) if node.op == "+" else get(left) + get(right))
        out += b"\x85\x83\x42\x00\x53"
    body.trap_if(OVERFLOW, node.at)
    out += get(result)
    _free(body, I64, right, left, result)


def _through_i64(body: Body, node: hir.Arithmetic, signed: bool) -> None:
    """32 bits: computed in 64, where `+ - *` cannot overflow, and checked for fitting back."""
    right, wide = body.temporary(I32), body.temporary(I64)
    extend = b"\xac" if signed else b"\xad"
    out = body.out
    out += set_(right) + extend + get(right) + extend
    out.append(_I64_OPS[node.op])
    out += tee(wide)
    if signed:
        out += get(wide) + b"\xa7\xac\x52"
    else:
        out += b"\x42\x20\x88\x50\x45"
    body.trap_if(OVERFLOW, node.at)
    out += get(wide) + b"\xa7"
    body.give_back(I32, right)
    body.give_back(I64, wide)


def check_narrow(body: Body, type_: IntType, at: int) -> None:
    """Traps where the i32 on top of the stack is out of the range of an 8 or 16 bit type; leaves it there."""
    result = body.temporary(I32)
    out = body.out
    out += tee(result)
    if type_.signed:
        out += get(result)
        out.append(0xC0 if type_.bits == 8 else 0xC1)
        out.append(0x47)
    else:
        out += b"\x41" + sleb((1 << type_.bits) - 1) + b"\x4b"
    body.trap_if(OVERFLOW, at)
    out += get(result)
    body.give_back(I32, result)


def _multiply(body: Body, node: hir.Arithmetic) -> None:
    type_ = integer(node.type)
    if type_.bits < 32:
        body.out.append(0x6C)
        check_narrow(body, type_, node.at)
    elif type_.bits == 32:
        _through_i64(body, node, type_.signed)
    elif type_.signed and isinstance(node.right, hir.Int) and node.right.value != -1:
        _multiply_by(body, node, node.right.value)
    else:
        _multiply_wide(body, node, type_.signed)


def _multiply_by(body: Body, node: hir.Arithmetic, factor: int) -> None:
    """A factor that is known leaves one range of the other for which the product fits."""
    right, left = body.temporary(I64), body.temporary(I64)
    out = body.out
    out += set_(right)
    if factor not in (0, 1):
        most, least = (1 << 63) - 1, -1 << 63
        high, low = (most // factor, -(-least // factor)) if factor > 0 else (-least // -factor, -(most // -factor))
        out += tee(left) + b"\x42" + sleb(-low) + b"\x7c\x42" + sleb(_signed(high - low, 64)) + b"\x56"
        body.trap_if(OVERFLOW, node.at)
        out += get(left)
    out += get(right) + b"\x7e"
    _free(body, I64, right, left)


def _multiply_wide(body: Body, node: hir.Arithmetic, signed: bool) -> None:
    """Two numbers of 32 bits have a product of 64; all others are looked at by the runtime."""
    right, left = body.temporary(I64), body.temporary(I64)
    out = body.out
    out += set_(right) + set_(left)
    if signed:  # are both what their lower halves are, with the sign?
        out += get(left) + get(left) + b"\xc4\x85" + get(right) + get(right) + b"\xc4\x85\x84\x50\x04\x7e"
    else:
        out += get(left) + get(right) + b"\x84\x42\x20\x88\x50\x04\x7e"
    out += get(left) + get(right) + b"\x7e\x05" + get(left) + get(right)
    body.site(node.at)
    body.call("rt::i64_mul" if signed else "rt::u64_mul", _I64_SITE)
    out.append(0x0B)
    _free(body, I64, right, left)


def _divide(body: Body, node: hir.Arithmetic) -> None:
    """`/` and `%`. The least number over -1 overflows; its remainder is 0, which WebAssembly gives."""
    type_ = integer(node.type)
    wide = type_.bits == 64
    kind = I64 if wide else I32
    constant = node.right.value if isinstance(node.right, hir.Int) else 0
    out = body.out
    if constant in (0, -1):
        right = body.temporary(kind)
        out += tee(right)
        out.append(0x50 if wide else 0x45)
        body.trap_if(DIVISION_BY_ZERO if node.op == "/" else REMAINDER_BY_ZERO, node.at)
        if node.op == "/" and type_.signed and type_.bits >= 32:
            _check_quotient(body, node, kind, right)
        out += get(right)
        body.give_back(kind, right)
    out.append((0x7F if wide else 0x6D) + (0 if node.op == "/" else 2) + (0 if type_.signed else 1))
    if node.op == "/" and type_.signed and type_.bits < 32:
        check_narrow(body, type_, node.at)


def _check_quotient(body: Body, node: hir.Arithmetic, kind: int, right: int) -> None:
    left = body.temporary(kind)
    out = body.out
    least = b"\x42" + sleb(-1 << 63) + b"\x51" if kind == I64 else b"\x41" + sleb(-1 << 31) + b"\x46"
    minus = b"\x42\x7f\x51" if kind == I64 else b"\x41\x7f\x46"
    out += tee(left) + least + get(right) + minus + b"\x71"
    body.trap_if(OVERFLOW, node.at)
    out += get(left)
    body.give_back(kind, left)


def _power(body: Body, node: hir.Arithmetic) -> None:
    type_ = integer(node.type)
    exponent = integer(node.right.type)
    right = body.temporary(I64)
    out = body.out
    if exponent.bits < 64:
        out.append(0xAC if exponent.signed else 0xAD)
    elif not exponent.signed:  # above what i64 holds: as large as it gets has the same result
        out += tee(right) + b"\x42" + sleb((1 << 63) - 1) + get(right) + b"\x42\x00\x59\x1b"
    out += set_(right)
    if type_.bits < 64:
        out.append(0xAC if type_.signed else 0xAD)
    out += get(right)
    body.give_back(I64, right)
    body.site(node.at)
    body.call("rt::i64_pow" if type_.signed else "rt::u64_pow", _I64_SITE)
    if type_.bits < 64:
        result = body.temporary(I64)
        out += tee(result)
        out += fits(type_, result)
        body.trap_if(OVERFLOW, node.at)
        out += get(result) + b"\xa7"
        body.give_back(I64, result)


def fits(type_: IntType, value: int) -> bytes:
    """Code that takes the i64 on the stack (also in the local `value`) and gives 1 where a narrower type of the same
    signedness cannot hold it."""
    if not type_.signed:
        return b"\x42" + sleb((1 << type_.bits) - 1) + b"\x56"
    extend = {8: b"\xc2", 16: b"\xc3", 32: b"\xc4"}[type_.bits]
    return get(value) + extend + b"\x52"


def _bits(body: Body, node: hir.Arithmetic) -> None:
    body.out.append((_I64_OPS if valtype(node.type) == I64 else _I32_OPS)[node.op])


def _shift(body: Body, node: hir.Arithmetic) -> None:
    """The amount may be of any width. What a shift to the left pushes out is lost, as everywhere."""
    type_ = integer(node.type)
    amount = integer(node.right.type)
    kind = I64 if amount.bits == 64 else I32
    right = body.temporary(kind)
    out = body.out
    out += tee(right)
    out += b"\x42" + sleb(type_.bits) + b"\x5a" if kind == I64 else b"\x41" + sleb(type_.bits) + b"\x4f"
    body.trap_if(SHIFT_RANGE, node.at)
    out += get(right)
    body.give_back(kind, right)
    wide = type_.bits == 64
    if wide != (kind == I64):
        out.append(0xAD if wide else 0xA7)
    if node.op == "<<":
        out.append(0x86 if wide else 0x74)
        _wrap_narrow(body, type_)
    else:
        out.append((0x87 if wide else 0x75) + (0 if type_.signed else 1))


def _wrap_narrow(body: Body, type_: IntType) -> None:
    if type_.bits < 32:
        if type_.signed:
            body.out.append(0xC0 if type_.bits == 8 else 0xC1)
        else:
            body.out += b"\x41" + sleb((1 << type_.bits) - 1) + b"\x71"


_INTEGER: dict[str, Callable[[Body, hir.Arithmetic], None]] = {
    "+": _add_or_subtract,
    "-": _add_or_subtract,
    "*": _multiply,
    "/": _divide,
    "%": _divide,
    "**": _power,
    "&": _bits,
    "|": _bits,
    "^": _bits,
    "<<": _shift,
    ">>": _shift,
}


def _free(body: Body, kind: int, *locals_: int) -> None:
    for index in locals_:
        body.give_back(kind, index)


# ---------------------------------------------------------------- one operand


@handles(hir.Negate)
def lower_negate(body: Body, node: hir.Negate) -> int:
    type_ = node.type
    body.emit(node.operand)
    if not isinstance(type_, IntType):
        body.out.append(0x9A if valtype(type_) == F64 else 0x8C)
        return PLAIN
    kind = valtype(type_)
    value = body.temporary(kind)
    least = -1 << (type_.bits - 1) if type_.signed else 0
    out = body.out
    out += tee(value)
    out += b"\x42" + sleb(least) if kind == I64 else b"\x41" + sleb(least)
    same, different = (0x51, 0x52) if kind == I64 else (0x46, 0x47)
    out.append(same if type_.signed else different)
    body.trap_if(OVERFLOW, node.at)
    out += (b"\x42\x00" + get(value) + b"\x7d") if kind == I64 else (b"\x41\x00" + get(value) + b"\x6b")
    body.give_back(kind, value)
    return PLAIN


@handles(hir.BitNot)
def lower_bit_not(body: Body, node: hir.BitNot) -> int:
    body.emit(node.operand)
    type_ = integer(node.type)
    if type_.bits == 64:
        body.out += b"\x42\x7f\x85"
    else:
        mask = -1 if type_.signed or type_.bits == 32 else (1 << type_.bits) - 1
        body.out += b"\x41" + sleb(mask) + b"\x73"
    return PLAIN


@handles(hir.Not)
def lower_not(body: Body, node: hir.Not) -> int:
    body.emit(node.operand)
    body.out.append(0x45)
    return PLAIN
