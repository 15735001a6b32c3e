"""The words of trees that may name a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree


def words_in(nodes: Iterable[Any]) -> set[str]:
    """The last word of every path, the name of every method that is called, and what is imported."""
    waiting = list(nodes)
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            if isinstance(node, tree.Path):
                names.add(node.segments[-1])
            elif isinstance(node, tree.UseName):
                names.add(node.path[-1])
            elif isinstance(node, tree.MethodCall):
                names.add(node.name)
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return names
