"""Comparisons: numbers by their own instructions, strings by bytes, structs by their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import FloatType, IntType, StringType, StructType, Type, UnitType
from orchestrator.toolchains.ruchy.lower.body import PLAIN, handles
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.toolchains.ruchy.lower.valtypes import I32, I64, functype

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_STRINGS_TO_I32 = functype(bytes((I32, I32)), bytes((I32,)))

# By operator: signed and unsigned opcode on i32; those on i64 are 11 further.
_COMPARE = {
    "==": (0x46, 0x46),
    "!=": (0x47, 0x47),
    "<": (0x48, 0x49),
    ">": (0x4A, 0x4B),
    "<=": (0x4C, 0x4D),
    ">=": (0x4E, 0x4F),
}
_COMPARE_F32 = {"==": 0x5B, "!=": 0x5C, "<": 0x5D, ">": 0x5E, "<=": 0x5F, ">=": 0x60}


@handles(hir.Compare)
def lower_compare(body: Body, node: hir.Compare) -> int:
    """A chain such as `a < b == c == d` leans left: it is lowered without recursion on the left."""
    chain = [node]
    while isinstance(chain[-1].left, hir.Compare):
        chain.append(chain[-1].left)
    first = chain.pop()
    waiting = body.operands([first.left, first.right])
    _compare(body, first.op, first.left.type)
    body.release_operands(waiting)
    for link in reversed(chain):
        body.emit(link.right)
        _compare(body, link.op, link.left.type)
    return PLAIN


def _compare(body: Body, operator: str, type_: Type) -> None:
    if isinstance(type_, StringType):
        _compare_strings(body, operator)
    elif isinstance(type_, StructType):
        body.call(body.need_glue(type_, "eq"), _STRINGS_TO_I32)
        if operator == "!=":
            body.out.append(0x45)
    elif isinstance(type_, FloatType):
        body.out.append(_COMPARE_F32[operator] + (6 if type_.bits == 64 else 0))
    elif isinstance(type_, UnitType):
        body.out += b"\x41\x01" if operator in ("==", "<=", ">=") else b"\x41\x00"
    else:
        signed, unsigned = _COMPARE[operator]
        code = signed if isinstance(type_, IntType) and type_.signed else unsigned
        body.out.append(code + 11 if valtype(type_) == I64 else code)


def _compare_strings(body: Body, operator: str) -> None:
    if operator in ("==", "!="):
        body.call("rt::str_eq", _STRINGS_TO_I32)
        if operator == "!=":
            body.out.append(0x45)
        return
    body.call("rt::str_compare", _STRINGS_TO_I32)
    body.out += b"\x41\x00"
    body.out.append(_COMPARE[operator][0])
