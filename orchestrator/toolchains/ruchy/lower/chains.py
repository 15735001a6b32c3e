"""Nodes that may follow one another thousands of times, such as methods called one on the other's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.lower.body import Handler, Node, handles

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.lower.body import Body

_LINKS: dict[type, Handler] = {}


def link(kind: type[Node]) -> Callable[[Callable[[Body, Node], int]], Handler]:
    """Registers the function behind it as what lowers a node of such chains, once its first operand is lowered."""

    def register(handler: Callable[[Body, Node], int]) -> Handler:
        _LINKS[kind] = handler
        handles(kind)(_lower_chain)
        return handler

    return register


def _lower_chain(body: Body, node: Any) -> int:
    """From the innermost outwards, without recursion."""
    chain: list[Any] = [node]
    first = _first(node)
    while first is not None and first.__class__ in _LINKS:
        chain.append(first)
        first = _first(first)
    held = _LINKS[chain[-1].__class__](body, chain[-1])
    while len(chain) > 1:
        done = chain.pop()
        held = body.emit_after(done, held, chain[-1], _LINKS[chain[-1].__class__])
    return held


def _first(node: Any) -> hir.Expr | None:
    if isinstance(node, hir.Runtime):
        return node.arguments[0] if node.arguments else None
    return node.operand  # type: ignore[no-any-return]
