"""The paths that occur in trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree


def paths_in(nodes: list[Any]) -> Iterator[tuple[str, ...]]:
    """Every path in some trees."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            if isinstance(node, tree.Path):
                yield node.segments
            elif isinstance(node, tree.StructLiteral | tree.NamedType):
                yield node.path
            waiting += [getattr(node, name) for name in node.__struct_fields__]
