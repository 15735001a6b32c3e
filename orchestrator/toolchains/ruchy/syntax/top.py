"""The statements at the top level of a module, found on its tree: what the summary and the checker must agree on."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Tokens

TOP = "<top>"
"""The name of the item, and of the function, that they make up."""


def statement_runs(body: Sequence[tree.Stmt], tokens: Tokens) -> list[tuple[int, int]]:
    """The token spans of the statements that stand in a row, in order: up to the next item, or the end. What counts the
    tokens of `TOP` counts those of all runs, one behind the other."""
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
    """The variable of a `let` that declares one by name, else "". Functions may name it."""
    return node.pattern.name if isinstance(node, tree.Let) and isinstance(node.pattern, tree.NamePattern) else ""
