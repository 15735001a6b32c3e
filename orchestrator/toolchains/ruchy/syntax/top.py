"""The statements at the top level of a module. The summary and the checker must agree on where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens

TOP = "<top>"
"""The name of the item that the statements make up, and of its function."""


def statement_runs(body: Sequence[tree.Stmt], tokens: Tokens) -> list[tuple[int, int]]:
    """The token spans of consecutive statements, in order, each up to the next item or the end. Tokens of `TOP` are
    counted through all runs, as if they followed each other."""
    runs: list[tuple[int, int]] = []
    behind, run = 0, -1  # end of the last item; start of the statements since, if there are any
    for node in body:
        if isinstance(node, tree.Let | tree.ExprStmt):
            if run < 0:
                run = behind
                while tokens.kinds[run] == ";":
                    run += 1
            continue
        if run >= 0:
            runs.append((run, node.start))
        behind, run = node.stop, -1
    if run >= 0:
        runs.append((run, tokens.kinds.index("end", run)))
    return runs


def variable_of(node: tree.Stmt) -> str:
    """The variable that a `let` declares by name, which functions may name; "" for other statements."""
    if isinstance(node, tree.Let) and isinstance(node.pattern, tree.NamePattern) and node.pattern.inner is None:
        return node.pattern.name
    return ""


def plain_names(nodes: list[Any]) -> set[str]:
    """Every plain name that stands for a value in some trees."""
    waiting = list(nodes)
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            if isinstance(node, tree.Path) and len(node.segments) == 1:
                found.add(node.segments[0])
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return found
