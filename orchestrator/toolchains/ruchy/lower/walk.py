"""Looking through expressions without lowering them, with an explicit stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.check import hir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Node = Any  # an expression or a statement; each entry of the table knows its own


def _pair(node: Node) -> tuple[Node, ...]:
    return (node.left, node.right)


def _operand(node: Node) -> tuple[Node, ...]:
    return (node.operand,)


def _value(node: Node) -> tuple[Node, ...]:
    return () if node.value is None else (node.value,)


_LEAVES = frozenset({hir.Int, hir.Float, hir.Str, hir.Unit, hir.Local})
_PLAIN: dict[type, Callable[[Node], Iterable[Node]]] = {
    hir.Arithmetic: _pair,
    hir.Compare: _pair,
    hir.And: _pair,
    hir.Or: _pair,
    hir.Negate: _operand,
    hir.BitNot: _operand,
    hir.Not: _operand,
    hir.Cast: _operand,
    hir.ToText: _operand,
    hir.Concat: lambda node: node.parts,
    hir.Print: lambda node: node.parts,
    hir.Call: lambda node: node.arguments,
    hir.Runtime: lambda node: node.arguments,
    hir.NewStruct: lambda node: node.fields,
    hir.UpdateStruct: lambda node: [*(value for _, value in node.fields), node.base],
    hir.GetField: _value,
    hir.Panic: lambda node: (node.message,),
}
_CHILDREN: dict[type, Callable[[Node], Iterable[Node]]] = {
    **_PLAIN,
    hir.Block: lambda node: [*node.statements, node.value],
    hir.If: lambda node: (node.condition, node.then, node.otherwise),
    hir.Loop: lambda node: (node.body,),
    hir.While: lambda node: (node.condition, node.body),
    hir.ForRange: lambda node: (node.start, node.end, node.body),
    hir.Break: _value,
    hir.Return: _value,
    hir.Let: _value,
    hir.Store: _value,
    hir.Do: _value,
}


def is_straight(nodes: Iterable[hir.Expr]) -> bool:
    """Do these expressions neither store to a local nor leave their place by a jump? (Stores are statements, so they
    need a block.) Only then may a reference to a local, or an owned value, wait on the stack meanwhile."""
    stack = [node for node in nodes if node.__class__ not in _LEAVES]
    while stack:
        node = stack.pop()
        children = _PLAIN.get(node.__class__)
        if children is None:
            return False
        stack.extend(child for child in children(node) if child.__class__ not in _LEAVES)
    return True


def mentions(nodes: Iterable[hir.Expr], slot: int) -> bool:
    """Does the local occur in any of these expressions?"""
    stack: list[Node] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, hir.Local):
            if node.slot == slot:
                return True
            continue
        children = _CHILDREN.get(node.__class__)
        if children is not None:
            stack.extend(children(node))
    return False


def stored_slots(body: hir.Expr) -> set[int]:
    """The locals that some `Store` in a function writes to."""
    found: set[int] = set()
    stack: list[Node] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, hir.Store):
            found.add(node.slot)
        children = _CHILDREN.get(node.__class__)
        if children is not None:
            stack.extend(children(node))
    return found
