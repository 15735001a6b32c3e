"""Comparisons: numbers by their own instructions, strings by bytes, structs by their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER, INLINE, abilities
from orchestrator.toolchains.ruchy.check.types import (
    BoolType,
    FloatType,
    FunctionType,
    IntType,
    PlainEnumType,
    Type,
    UnitType,
)
from orchestrator.toolchains.ruchy.lower.body import PLAIN, handles
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F64, I32, I64, functype

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_PAIR_TO_I32 = functype(bytes((I32, I32)), bytes((I32,)))

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
    """`eq` gives 1 for equal values; `order` a number that is below, at or above 0."""
    kind = "eq" if operator in ("==", "!=") else "order"
    row = abilities(type_)
    way = row.eq if kind == "eq" else row.order
    if way == INLINE:
        INLINE_COMPARISONS[type_.__class__](body, operator, type_)
        return
    body.call(body.need_glue(type_, kind) if way == HELPER else way, _PAIR_TO_I32)
    if kind == "order":
        body.out += b"\x41\x00"
        body.out.append(_COMPARE[operator][0])
    elif operator == "!=":
        body.out.append(0x45)


def _floats(body: Body, operator: str, type_: Type) -> None:
    body.out.append(_COMPARE_F32[operator] + (6 if valtype(type_) == F64 else 0))


def _units(body: Body, operator: str, type_: Type) -> None:
    body.out += b"\x41\x01" if operator in ("==", "<=", ">=") else b"\x41\x00"


def _integers(body: Body, operator: str, type_: Type) -> None:
    signed, unsigned = _COMPARE[operator]
    code = signed if isinstance(type_, IntType) and type_.signed else unsigned
    body.out.append(code + 11 if valtype(type_) == I64 else code)


INLINE_COMPARISONS: dict[type, Callable[[Body, str, Type], None]] = {
    IntType: _integers,
    BoolType: _integers,
    PlainEnumType: _integers,
    FloatType: _floats,
    UnitType: _units,
    FunctionType: _integers,
}
