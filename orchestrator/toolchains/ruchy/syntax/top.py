"""The statements at the top level of a module. The summary and the checker must agree on where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

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


class TopName(NamedTuple):
    """A variable that a `let` declares, which functions may name. `steps` lead to it in the pattern: places in tuples,
    -1 for the elements of an array, names of fields."""

    name: str
    mutable: bool
    steps: tuple[int | str, ...] = ()


def variables_of(node: tree.Stmt) -> list[TopName]:
    """The variables that a statement declares, which functions may name: those of a `let` of a name, or of a tuple, an
    array, an object of names."""
    if not isinstance(node, tree.Let) or node.otherwise is not None:
        return []
    variables: list[TopName] = []
    waiting: list[tuple[tree.Pattern, tuple[int | str, ...]]] = [(node.pattern, ())]
    while waiting:
        pattern, steps = waiting.pop(0)
        if isinstance(pattern, tree.NamePattern) and pattern.inner is None:
            variables.append(TopName(pattern.name, node.mutable or pattern.mutable, steps))
        elif isinstance(pattern, tree.TuplePattern | tree.ListPattern):
            is_list, rest = isinstance(pattern, tree.ListPattern), len(pattern.elements)
            for index, inner in enumerate(pattern.elements):
                if isinstance(inner, tree.RestPattern):
                    rest = index
                    if inner.name and is_list:
                        variables.append(TopName(inner.name, node.mutable, steps))
                    continue
                place = -1 if is_list else index if index < rest else index - len(pattern.elements)
                waiting.append((inner, (*steps, place)))
        elif isinstance(pattern, tree.PathPattern) and pattern.fields is not None and not pattern.path:
            waiting += [(field.pattern, (*steps, field.name)) for field in pattern.fields]
    return variables


_TOLD = (tree.StringLiteral, tree.CharLiteral, tree.BoolLiteral, tree.FloatLiteral, tree.FString)


def is_told(node: tree.Let) -> bool:
    """Whether a `let` surely says the type of its variable, so that nobody has to look at what is put in later."""
    return node.type is not None or isinstance(node.value, _TOLD)


def plain_names(nodes: list[Any]) -> set[str]:
    """Every plain name that stands for a value in some trees."""
    waiting = list(nodes)
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            if isinstance(node, tree.Path) and len(node.segments) == 1:
                names.add(node.segments[0])
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return names
