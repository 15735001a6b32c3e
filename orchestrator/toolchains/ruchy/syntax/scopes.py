"""A walk through statements and functions that knows which locals are in sight, and something of each of them.

`floats.py` and `elements.py` ask different questions of the same walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree

Known = TypeVar("Known")
"""What is known of a local."""


class ScopedWalk(Generic[Known]):
    """`scopes` are the locals in sight, innermost last; none at the top level."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Known]] = []

    def parameter(self, node: tree.Parameter) -> Known:
        """What is known of a parameter."""
        raise NotImplementedError

    def turn(self, node: tree.For) -> dict[str, Known]:
        """The variables of a loop."""
        raise NotImplementedError

    def let(self, node: tree.Let) -> None:
        """Looks at a `let`, whose value has been walked through."""
        raise NotImplementedError

    def look(self, node: msgspec.Struct) -> None:
        """Looks at any other node, before its parts."""
        raise NotImplementedError

    def function(self, node: tree.Function) -> None:
        self.scopes.append({one.name: self.parameter(one) for one in node.parameters})
        self.statements(node.body.statements, apart=True)
        self.scopes.pop()

    def statements(self, nodes: Sequence[Any], apart: bool = False) -> None:
        """Those of the top level, or of a block, whose names are `apart`."""
        if apart:
            self.scopes.append({})
        for node in nodes:
            if isinstance(node, tree.Let):
                self.expression(node.value)
                self.let(node)
            else:
                self.expression(node)
        if apart:
            self.scopes.pop()

    def expression(self, node: Any) -> None:
        waiting = [node]
        while waiting:
            node = waiting.pop()
            kind = node.__class__
            if kind is tree.Block:
                self.statements(node.statements, apart=True)
            elif kind is tree.Function:
                self.function(node)
            elif kind is tree.Lambda:
                self._within({one.name: self.parameter(one) for one in node.parameters}, node.body)
            elif kind is tree.For:
                self.expression(node.iterable)
                self._within(self.turn(node), node.body)
            elif kind is list:
                waiting += reversed(node)
            elif isinstance(node, msgspec.Struct) and kind is not tree.Mod:
                self.look(node)
                waiting += [getattr(node, name) for name in reversed(node.__struct_fields__)]

    def _within(self, names: dict[str, Known], body: Any) -> None:
        self.scopes.append(names)
        self.expression(body)
        self.scopes.pop()
