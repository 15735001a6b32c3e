"""Tables over classes of nodes: one that misses a class fails when it is imported, not when a program first has such a
node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from collections.abc import Collection


def complete(table: Collection[type], union: Any, name: str) -> None:
    """Raises TypeError where a table lacks a class of the union, or has one that is not in it."""
    kinds = get_args(union)
    missing = [kind.__name__ for kind in kinds if kind not in table]
    strange = [kind.__name__ for kind in table if kind not in kinds]
    if missing or strange:
        raise TypeError(f"{name} lacks {missing} and has {strange} that no such tree holds")
