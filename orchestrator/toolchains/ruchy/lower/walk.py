"""Looking through expressions without lowering them, with an explicit stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.parts import LEAVES, PARTS, PLAIN, Node

if TYPE_CHECKING:
    from collections.abc import Iterable


def is_straight(nodes: Iterable[hir.Expr]) -> bool:
    """Whether these expressions neither store to a local nor leave their place by a jump. (Stores are statements, so
    they need a block.) Only then may a reference to a local, or an owned value, wait on the stack meanwhile."""
    stack = [node for node in nodes if node.__class__ not in LEAVES]
    while stack:
        node = stack.pop()
        children = PLAIN.get(node.__class__)
        if children is None or (isinstance(node, hir.Call) and node.throws):
            return False
        stack.extend(child for child in children(node) if child.__class__ not in LEAVES)
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
        stack.extend(PARTS[node.__class__](node))
    return False
