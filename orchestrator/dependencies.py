"""What `graph` returns: which module depends on which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import msgspec

from actors.diagnostics import Diagnostic
from orchestrator.errors import ProjectError


class DependencyGraph(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Which module depends on which: `edges` are pairs (module, imported), both sorted. `diagnostics` report what is
    wrong with the graph; an import of a module that does not exist has no edge."""

    modules: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    def has_edge(self, module: str, imported: str) -> bool:
        """Whether `module` itself depends on `imported`."""
        return imported in self._imports.get(module, ())

    def dependencies(self, module: str, *, transitive: bool = False) -> list[str]:
        """Returns the modules that `module` depends on, sorted; with `transitive`, also what those depend on. `module`
        itself is never among them."""
        return self._reach(self._imports, module, transitive)

    def dependents(self, module: str, *, transitive: bool = False) -> list[str]:
        """Returns the modules that depend on `module`, sorted; with `transitive`, also what depends on those. `module`
        itself is never among them."""
        return self._reach(self._importers, module, transitive)

    @cached_property
    def _imports(self) -> Mapping[str, set[str]]:
        return _neighbours(self.modules, self.edges)

    @cached_property
    def _importers(self) -> Mapping[str, set[str]]:
        return _neighbours(self.modules, ((imported, module) for module, imported in self.edges))

    def _reach(self, neighbours: Mapping[str, set[str]], module: str, transitive: bool) -> list[str]:
        if module not in neighbours:
            raise ProjectError(f"there is no module `{module}` in this project")
        reached = set(neighbours[module])
        ahead = list(reached) if transitive else []
        while ahead:
            new = neighbours[ahead.pop()] - reached
            reached |= new
            ahead.extend(new)
        return sorted(reached - {module})


def _neighbours(modules: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    neighbours: dict[str, set[str]] = {module: set() for module in modules}
    for here, target in edges:
        neighbours[here].add(target)
    return neighbours
