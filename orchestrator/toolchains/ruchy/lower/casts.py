"""`as`: a value that the target cannot hold traps; a float loses its fraction first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FloatType, IntType, Type
from orchestrator.toolchains.ruchy.lower.body import PLAIN, get, tee
from orchestrator.toolchains.ruchy.lower.chains import link
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F64, I32, I64, functype
from orchestrator.wasm.leb import sleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_TRAP_CAST = functype(bytes((I32, I32, I32)), b"")
_LEAST_I64 = b"\x44" + bytes.fromhex("000000000000e0c3")  # -2.0 ** 63


@link(hir.Cast)
def lower_cast(body: Body, node: hir.Cast) -> int:
    body.emit(node.operand)
    source, target = node.operand.type, node.type
    if isinstance(source, FloatType):
        if isinstance(target, FloatType):
            _between_floats(body, source, target)
        elif isinstance(target, IntType):
            _float_to_int(body, node, source, target)
    elif isinstance(target, FloatType):
        _int_to_float(body, _range(source), target)
    else:
        _between_integers(body, node, _range(source), target)
    return PLAIN


def _between_floats(body: Body, source: FloatType, target: FloatType) -> None:
    if source.bits != target.bits:
        body.out.append(0xB6 if target.bits == 32 else 0xBB)


def _int_to_float(body: Body, source: IntType, target: FloatType) -> None:
    code = 0xB7 if target.bits == 64 else 0xB2
    body.out.append(code + (2 if source.bits == 64 else 0) + (0 if source.signed else 1))


def _range(type_: Type) -> IntType:
    """A bool as the integer that it is."""
    return type_ if isinstance(type_, IntType) else IntType("u32", 32, False)


def bounds(type_: Type) -> tuple[int, int]:
    """The least and the greatest value of an integer type, or of bool."""
    if not isinstance(type_, IntType):
        return 0, 1
    if type_.signed:
        return -1 << (type_.bits - 1), (1 << (type_.bits - 1)) - 1
    return 0, (1 << type_.bits) - 1


def _between_integers(body: Body, node: hir.Cast, source: IntType, target: Type) -> None:
    (low, high), (least, most) = bounds(node.operand.type), bounds(target)
    wide = source.bits == 64
    if low < least or high > most:
        _check_range(body, node, wide, (low < least, least), (high > most, most), source.signed)
    if wide and valtype(target) == I32:
        body.out.append(0xA7)
    elif not wide and valtype(target) == I64:
        body.out.append(0xAC if source.signed else 0xAD)


def _check_range(
    body: Body, node: hir.Cast, wide: bool, below: tuple[bool, int], above: tuple[bool, int], signed: bool
) -> None:
    """Traps outside of the target's range, on the side or the sides where the source reaches further."""
    kind = I64 if wide else I32
    const = b"\x42" if wide else b"\x41"
    less, greater = (b"\x53", b"\x55") if wide else (b"\x48", b"\x4a")
    if not signed:
        less, greater = (b"\x54", b"\x56") if wide else (b"\x49", b"\x4b")
    value = body.temporary(kind)
    out = body.out
    out += tee(value)
    if below[0]:
        out += const + sleb(below[1]) + less
    if below[0] and above[0]:
        out += get(value)
    if above[0]:
        out += const + sleb(above[1]) + greater
    if below[0] and above[0]:
        out.append(0x72)
    _trap_cast(body, node)
    out += get(value)
    body.give_back(kind, value)


def _float_to_int(body: Body, node: hir.Cast, source: FloatType, target: IntType) -> None:
    """A comparison with NaN is false, so NaN is out of every range."""
    from struct import pack

    out = body.out
    if source.bits == 32:
        out.append(0xBB)
    value = body.temporary(F64)
    least, most = bounds(target)
    out += tee(value)
    if target.bits == 64 and target.signed:  # one below the least is no f64
        out += _LEAST_I64 + b"\x66"
    else:
        out += b"\x44" + pack("<d", least - 1.0) + b"\x64"
    out += get(value) + b"\x44" + pack("<d", float(most + 1)) + b"\x63\x71\x45"
    _trap_cast(body, node)
    out += get(value)
    out.append((0xB0 if target.bits == 64 else 0xAA) + (0 if target.signed else 1))
    body.give_back(F64, value)


def _trap_cast(body: Body, node: hir.Cast) -> None:
    """Traps where the i32 on the stack is not zero, with the name of the target."""
    target = node.type
    body.out += b"\x04\x40"
    body.site(node.at)
    body.string(target.name if isinstance(target, IntType | FloatType) else "bool")
    body.call("rt::trap_cast", _TRAP_CAST)
    body.out += b"\x00\x0b"
