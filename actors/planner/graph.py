"""The dependency graph: who imports whom, its strongly connected components, and their order.

Everything here is iterative (a chain of ten thousand modules is no deeper than one) and deterministic: names are
visited in sorted order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property


class Graph:
    """An immutable graph of modules. `imports[m]` are the modules that m depends on, itself left out."""

    def __init__(self, imports: Mapping[str, Iterable[str]]) -> None:
        self.imports: dict[str, tuple[str, ...]] = {
            module: tuple(sorted(target for target in set(imports[module]) if target != module and target in imports))
            for module in sorted(imports)
        }

    @cached_property
    def dependents(self) -> dict[str, tuple[str, ...]]:
        """The other way round, sorted."""
        dependents: dict[str, list[str]] = {module: [] for module in self.imports}
        for module, targets in self.imports.items():
            for target in targets:
                dependents[target].append(module)
        return {module: tuple(users) for module, users in dependents.items()}

    @cached_property
    def components(self) -> list[tuple[str, ...]]:
        """Members sorted; a component stands behind those that it imports."""
        return components(self.imports)

    @cached_property
    def component_of(self) -> dict[str, int]:
        """The place of each module's component."""
        return {member: number for number, members in enumerate(self.components) for member in members}

    @property
    def edge_count(self) -> int:
        return sum(map(len, self.imports.values()))

    def among(self, modules: Collection[str]) -> Graph:
        """The part of the graph that these modules are."""
        return (
            self if len(modules) == len(self.imports) else Graph({module: self.imports[module] for module in modules})
        )

    def transitive_imports(self, roots: Iterable[str]) -> set[str]:
        """Everything that the roots reach, the roots themselves included."""
        return _reach(self.imports, roots)

    def transitive_dependents(self, roots: Iterable[str]) -> set[str]:
        """Everything that reaches one of the roots, the roots themselves included."""
        return _reach(self.dependents, roots)

    def remaining_path(self, durations: Mapping[str, float]) -> dict[str, float]:
        """For each module the length of the longest path from its start to the end of the build, in the unit of
        `durations`: its own duration, and the longest of its dependents' paths. Members of a component share theirs,
        because none of them comes before the others."""
        lengths: dict[str, float] = {}
        for members in reversed(self.components):
            inside = set(members)
            behind = max(
                (lengths[user] for member in members for user in self.dependents[member] if user not in inside),
                default=0.0,
            )
            for member in members:
                lengths[member] = durations.get(member, 0.0) + behind
        return lengths


def _reach(edges: Mapping[str, tuple[str, ...]], roots: Iterable[str]) -> set[str]:
    reached = {root for root in roots if root in edges}
    stack = list(reached)
    while stack:
        for target in edges[stack.pop()]:
            if target not in reached:
                reached.add(target)
                stack.append(target)
    return reached


def components(imports: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Strongly connected components, imports first (Tarjan's algorithm with an explicit stack)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_path: set[str] = set()
    path: list[str] = []
    components: list[tuple[str, ...]] = []
    for root in imports:
        if root in index:
            continue
        # A frame of the recursion is a node and the position among its imports where it goes on. A node returns to its
        # frame after each import that was new; when it has no more, and reached nothing older than itself, everything
        # above it on the path is its component. What it reached counts for its parent, which is the next frame.
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                index[node] = low[node] = len(index)
                path.append(node)
                on_path.add(node)
            targets = imports[node]
            for at in range(position, len(targets)):
                target = targets[at]
                if target not in index:
                    work += [(node, at + 1), (target, 0)]
                    break
                if target in on_path:
                    low[node] = min(low[node], index[target])
            else:
                if low[node] == index[node]:
                    components.append(_unwind(node, path, on_path))
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
    return components


def _unwind(root: str, path: list[str], on_path: set[str]) -> tuple[str, ...]:
    members = []
    while True:
        member = path.pop()
        on_path.discard(member)
        members.append(member)
        if member == root:
            return tuple(sorted(members))
