"""Contracts: what must hold before a function (`requires`), after it (`ensures`), and before each turn of a loop
(`invariant`). Where it does not, the program traps with the text of the condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.options import is_variant, payload
from orchestrator.toolchains.ruchy.check.data.variants import ERR
from orchestrator.toolchains.ruchy.check.function import DROP, Fn, Want, Why, check, expr, handles, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve
from orchestrator.toolchains.ruchy.check.never import put_in
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.types import BOOL, NEVER, STRING, UNIT, EnumType, Type, is_result
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.scope import FunctionItem

_CONDITION: Why = ("E0202", "the condition of `{0}` is bool, and this is {got}")
_UNCHECKED = "this program ends or does not: nothing is checked, and `decreases` has no effect"


@handles(tree.Contract)
def contract(c: Fn, node: tree.Contract, want: Want, why: Why) -> hir.Expr:
    """A condition that traps where it is false."""
    before, c.contract = c.contract, node.kind
    try:
        if node.kind == "decreases":
            c.p.warn("W0012", node.at, _UNCHECKED)
            expr(c, node.condition, DROP)
            return hir.Unit(UNIT, node.at)
        condition = check(c, node.condition, BOOL, (*_CONDITION, node.kind))
    finally:
        c.contract = before
    failed = hir.Panic(NEVER, node.at, hir.Str(STRING, node.at, f"{node.kind} failed: {node.text}"))
    return hir.If(UNIT, node.at, condition, hir.Unit(UNIT, node.at), failed)


def required(c: Fn, item: FunctionItem) -> list[hir.Stmt]:
    """What is checked before the body."""
    return [hir.Do(contract(c, one, DROP, ())) for one in item.node.contracts if one.kind != "ensures"]


def with_contracts(c: Fn, item: FunctionItem, before: list[hir.Stmt], typed: hir.Expr) -> hir.Expr:
    """A body, with what is checked `before` it and after it. The parameters are still in sight."""
    ensures = [contract for contract in item.node.contracts if contract.kind == "ensures"]
    if ensures or may_fail(c, item):
        typed = _ensured(c, item, ensures, typed)
    return open_type(c, hir.Block(typed.type, typed.at, before, typed)) if before else typed


def may_fail(c: Fn, item: FunctionItem) -> bool:
    """Whether this is `main`, and returns a `Result`: then an `Err` ends the program."""
    is_main = item.symbol == f"{c.p.module.name}::main" and c.p.copies is None
    kind = resolve(cast("Type", item.result)) if is_main else UNIT
    return isinstance(kind, EnumType) and is_result(kind) and resolve(kind.arguments[1]).__class__ is not Var


def _failed(c: Fn, at: int, slot: int, kind: EnumType) -> hir.Stmt:
    """Tells an `Err` on standard error, and ends the program with status 1."""
    whole = [open_type(c, hir.Local(kind, at, slot)) for _ in range(2)]
    error = payload(c, whole[0], ERR, 0, resolve(kind.arguments[1]))
    text = joined(at, [hir.Str(STRING, at, "Error: "), *text_parts(c, error)])
    fail = hir.Runtime(UNIT, at, "fail", [text])
    return hir.Do(hir.If(UNIT, at, is_variant(whole[1], ERR), fail, hir.Unit(UNIT, at)))


def _ensured(c: Fn, item: FunctionItem, ensures: list[tree.Contract], typed: hir.Expr) -> hir.Expr:
    """The body becomes a loop that every `return` leaves (`leave_by_break`), so that there is one place behind it."""
    at, kind = typed.at, resolve(cast("Type", item.result))
    mark = len(c.undo)
    result = c.declare("result", kind, at)
    checks: list[hir.Stmt] = [hir.Do(contract(c, ensure, DROP, ())) for ensure in ensures]
    if isinstance(kind, EnumType) and may_fail(c, item):
        checks.append(_failed(c, at, result.slot, kind))
    c.leave(mark)
    label = c.p.made.leaving[item.symbol] = c.counter
    c.counter += 1
    inner = typed
    if typed.type is not NEVER and kind is UNIT:
        inner = hir.Block(NEVER, at, [hir.Do(typed)], hir.Break(NEVER, at, label, None))
    elif typed.type is not NEVER:
        inner = hir.Break(NEVER, at, label, typed)
    loop = open_type(c, hir.Loop(kind, at, label, inner))
    if result.slot < 0:
        return hir.Block(UNIT, at, [hir.Do(loop), *checks], hir.Unit(UNIT, at))
    value = open_type(c, hir.Local(kind, at, result.slot))
    return open_type(c, hir.Block(kind, at, [hir.Let(result.slot, loop), *checks], value))


def leave_by_break(body: hir.Expr, label: int) -> None:
    """Every `return` in a body leaves the loop `label` instead, with the same value."""
    waiting: list[Node] = [body]
    while waiting:
        node = waiting.pop()
        parts = PARTS[node.__class__](node)
        returns = {
            id(part): hir.Break(NEVER, part.at, label, part.value) for part in parts if isinstance(part, hir.Return)
        }
        if returns:
            put_in(node, returns)
            parts = PARTS[node.__class__](node)
        waiting.extend(parts)
