"""Operands that never return: `break == 5`, `f(return)`, `1 + panic("x")`.

What has such an operand is never reached, so it is left out: what is computed before the operand stays, then the
operand itself. Lowering, which takes the type of an operation from its operands, never meets one without a type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.parts import OPERANDS, PARTS, Node
from orchestrator.toolchains.ruchy.check.types import NEVER, NeverType

if TYPE_CHECKING:
    from collections.abc import Mapping


def without_unreached(body: hir.Expr) -> hir.Expr:
    """The tree of a function without what stands behind an operand that never returns. Changes it in place, where it
    can."""
    order: list[Node] = []
    waiting: list[Node] = [body]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(PARTS[node.__class__](node))
    replaced: dict[int, Node] = {}
    for node in reversed(order):  # parts before what they are part of
        if replaced:
            put_in(node, replaced)
        cut = _cut(node)
        if cut is not node:
            replaced[id(node)] = cut
    left: hir.Expr = replaced.get(id(body), body)
    return left


def never_returns(parts: list[hir.Expr]) -> hir.Expr | None:
    """What is left of an operation on these operands, where one of them never returns; else None."""
    for index, part in enumerate(parts):
        if isinstance(part.type, NeverType):
            return hir.Block(NEVER, part.at, [hir.Do(one) for one in parts[:index]], part) if index else part
    return None


def put_in(node: Node, replaced: Mapping[int, Node]) -> None:
    """Puts others in the place of some parts of a node. `replaced` is by the identity of the old ones."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, list):
            for index, part in enumerate(value):
                if isinstance(part, tuple):  # a field of `UpdateStruct`
                    value[index] = (part[0], replaced.get(id(part[1]), part[1]))
                else:
                    value[index] = replaced.get(id(part), part)
        elif id(value) in replaced:
            setattr(node, name, replaced[id(value)])


def _cut(node: Node) -> Node:
    kind = node.__class__
    if kind is hir.Block:
        return _cut_block(node)
    if kind is hir.If:
        if isinstance(node.then.type, NeverType) and isinstance(node.otherwise.type, NeverType):
            node.type = NEVER
    elif kind is hir.Catching:
        if isinstance(node.body.type, NeverType) and isinstance(node.handler.type, NeverType):
            node.type = NEVER
    elif kind is hir.Leaving:
        node.type = node.body.type
    elif kind in (hir.Let, hir.Store, hir.Change, hir.SetGlobal, hir.Do):  # the block that it stands in ends there
        return node
    return never_returns(list(OPERANDS[kind](node))) or node


def _cut_block(node: hir.Block) -> hir.Expr:
    for index, statement in enumerate(node.statements):
        never = never_returns(
            statement.arguments if isinstance(statement, hir.Change) else [statement.value],
        )
        if never is not None:
            node.type, node.value = NEVER, never
            del node.statements[index:]
            break
    if isinstance(node.value.type, NeverType):
        node.type = NEVER
    return node
