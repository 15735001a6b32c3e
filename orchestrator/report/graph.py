"""The dependency graph as a text tree, as DOT and as JSON."""

from __future__ import annotations

import json

from orchestrator.dependencies import DependencyGraph
from orchestrator.report.terminal import shown


def tree(graph: DependencyGraph, entry: str = "") -> str:
    """Returns one tree per root: the entry first, then modules that nothing depends on, then what is reachable only
    from cycles.

    A module that was drawn before appears again as a leaf: "(above)", or "(cycle)" if it is one of its own ancestors.
    """
    drawn: set[str] = set()
    lines: list[str] = []
    roots = [entry] if entry in graph.modules else []
    roots += [module for module in graph.modules if module != entry and not graph.dependents(module)]
    for root in (*roots, *graph.modules):
        if root not in drawn:
            _draw(graph, root, drawn, lines)
    return "\n".join(lines)


def _draw(graph: DependencyGraph, root: str, drawn: set[str], lines: list[str]) -> None:
    """Draws depth first, with an explicit stack, because chains of modules may be longer than Python's."""
    # module, prefix of its children's lines, prefix of its own line, number of ancestors
    stack: list[tuple[str, str, str, int]] = [(root, "", "", 0)]
    path: list[str] = []
    while stack:
        module, indent, lead, depth = stack.pop()
        del path[depth:]
        children = graph.dependencies(module)
        known = module in drawn and bool(children)
        note = "  (cycle)" if module in path else "  (above)" if known else ""
        lines.append(f"{lead}{shown(module)}{note}")
        drawn.add(module)
        if module in path or known:
            continue
        path.append(module)
        last = len(children) - 1
        for position, child in reversed(list(enumerate(children))):
            branch, below = ("└─ ", "   ") if position == last else ("├─ ", "│  ")
            stack.append((child, indent + below, indent + branch, depth + 1))


def dot(graph: DependencyGraph) -> str:
    """Returns the graph for Graphviz. All names are quoted, whatever they contain."""
    lines = ["digraph modules {"]
    lines += [f"  {json.dumps(module)};" for module in graph.modules]
    lines += [f"  {json.dumps(module)} -> {json.dumps(imported)};" for module, imported in graph.edges]
    return "\n".join([*lines, "}"])


def as_json(graph: DependencyGraph) -> str:
    return json.dumps({"modules": list(graph.modules), "edges": [list(edge) for edge in graph.edges]})
