"""The names in a pattern."""

from __future__ import annotations

from typing import Any

from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.scope import ErrorItem
from orchestrator.toolchains.ruchy.syntax import tree


def names_in(pattern: tree.Pattern) -> list[tree.NamePattern | tree.RestPattern]:
    """The names that a pattern binds."""
    names: list[tree.NamePattern | tree.RestPattern] = []
    waiting: list[Any] = [pattern]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tree.NamePattern) or (isinstance(part, tree.RestPattern) and part.name):
            names.append(part)
        waiting += [field.pattern for field in getattr(part, "fields", None) or ()]
        waiting += getattr(part, "elements", None) or ()
        waiting += getattr(part, "alternatives", None) or ()
        waiting += [part.inner] if isinstance(part, tree.NamePattern) and part.inner is not None else []
    return names


def bind_silently(c: Fn, pattern: tree.Pattern) -> None:
    """The names of a pattern that is not supported are known, and silent."""
    for part in names_in(pattern):
        c.undo.append((part.name, c.names.get(part.name)))
        c.names[part.name] = ErrorItem(part.name)
