"""Short words for building typed trees by hand."""

from __future__ import annotations

from typing import Any

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import BOOL, I64, NEVER, STRING, UNIT, StructType, Type

P = StructType("m", "P")
Q = StructType("m", "Q")
STRUCTS = {
    P: hir.StructLayout(P, ["n", "text", "flag"], [I64, STRING, BOOL]),
    Q: hir.StructLayout(Q, ["tag", "inner"], [I64, P]),
}


def num(value: int, type_: Type = I64) -> hir.Int:
    return hir.Int(type_, 0, value)


def text(value: str) -> hir.Str:
    return hir.Str(STRING, 0, value)


def var(slot: int, type_: Type = I64) -> hir.Local:
    return hir.Local(type_, 0, slot)


def op(operator: str, left: hir.Expr, right: hir.Expr, at: int = 0) -> hir.Arithmetic:
    return hir.Arithmetic(left.type, at, operator, left, right)


def compare(operator: str, left: hir.Expr, right: hir.Expr) -> hir.Compare:
    return hir.Compare(BOOL, 0, operator, left, right)


def concat(*parts: hir.Expr) -> hir.Concat:
    return hir.Concat(STRING, 0, list(parts))


def shown(value: hir.Expr) -> hir.ToText:
    return hir.ToText(STRING, 0, value)


def block(*statements: hir.Stmt | hir.Expr, value: hir.Expr | None = None) -> hir.Block:
    wrapped: list[Any] = [
        part if isinstance(part, hir.Let | hir.Store | hir.Do) else hir.Do(part) for part in statements
    ]
    value = value or hir.Unit(UNIT, 0)
    return hir.Block(value.type, 0, wrapped, value)


def when(condition: hir.Expr, then: hir.Expr, otherwise: hir.Expr | None = None) -> hir.If:
    otherwise = otherwise or hir.Unit(UNIT, 0)
    type_ = otherwise.type if then.type == NEVER else then.type
    return hir.If(type_, 0, condition, then, otherwise)


def put(slot: int, value: hir.Expr, *path: int) -> hir.Store:
    return hir.Store(slot, list(path), value, 0)


def leave(value: hir.Expr | None = None) -> hir.Return:
    return hir.Return(NEVER, 0, value)


def stop(label: int, value: hir.Expr | None = None) -> hir.Break:
    return hir.Break(NEVER, 0, label, value)


def field(value: hir.Expr, index: int) -> hir.GetField:
    assert isinstance(value.type, StructType)
    return hir.GetField(STRUCTS[value.type].types[index], 0, value, index)


def new(type_: StructType, *values: hir.Expr, order: list[int] | None = None) -> hir.NewStruct:
    return hir.NewStruct(type_, 0, list(values), order or list(range(len(values))))


def call(symbol: str, type_: Type, *arguments: hir.Expr) -> hir.Call:
    return hir.Call(type_, 0, symbol, list(arguments))


def function(
    name: str, parameters: list[Type], result: Type, body: hir.Expr, locals_: list[Type] | None = None, start: int = 0
) -> hir.FunctionBody:
    return hir.FunctionBody("m::" + name, False, parameters, result, [*parameters, *(locals_ or [])], body, start, 0)


def module(*functions: hir.FunctionBody) -> hir.CheckedModule:
    return hir.CheckedModule(list(functions), {}, STRUCTS)
