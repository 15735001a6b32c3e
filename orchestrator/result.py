"""What the API answers with: `BuildResult`, `RunResult`, `DependencyGraph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
from pathlib import Path

import msgspec

from actors.diagnostics import Diagnostic
from actors.result import Result
from orchestrator.errors import ProjectError
from orchestrator.keywords import LimitName


class BuildResult(Result[Path], frozen=True, kw_only=True):
    """How a build ended (`actors/result.py` has the fields). `duration_ms` is what the caller waited."""

    @property
    def exit_code(self) -> int:
        """That of `wasmill build`: 0 built, 1 the sources are wrong, 3 the program could not be written."""
        if self.success:
            return 0
        return 3 if any(found.code in NOT_WRITTEN for found in self.diagnostics) else 1


def build_result(result: Result[str]) -> BuildResult:
    """The planner's result for one caller, who may change the lists: other callers and later builds share them."""
    fields = {name: copy(getattr(result, name)) for name in result.__struct_fields__}
    fields["recompiled_functions"].sort()
    fields["program"] = Path(result.program) if result.program else None
    return BuildResult(**fields)


NOT_WRITTEN = frozenset({"E0814", "E0815"})
"""Errors of a build whose sources are right."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the program ended, and what it wrote. A trap is exit code 134, its message in `stderr`; so is a limit."""

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    limit: LimitName | None = None
    """The limit that ended it: "memory", "fuel", "seconds" or "output"; None where none did."""


class DependencyGraph(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Which module depends on which: `edges` are pairs (module, imported), both sorted. `diagnostics` say what is
    wrong with it: what no module is behind has no edge."""

    modules: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    def has_edge(self, module: str, imported: str) -> bool:
        """Whether `module` itself depends on `imported`."""
        return imported in self._imports.get(module, ())

    def dependencies(self, module: str, *, transitive: bool = False) -> list[str]:
        """What `module` depends on, sorted; `transitive`: what those depend on, too. Never `module` itself."""
        return self._reach(self._imports, module, transitive)

    def dependents(self, module: str, *, transitive: bool = False) -> list[str]:
        """What depends on `module`, sorted; `transitive`: what depends on those, too. Never `module` itself."""
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
        found = set(neighbours[module])
        ahead = list(found) if transitive else []
        while ahead:
            new = neighbours[ahead.pop()] - found
            found |= new
            ahead.extend(new)
        return sorted(found - {module})


def _neighbours(modules: Iterable[str], edges: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {module: set() for module in modules}
    for here, there in edges:
        found[here].add(there)
    return found
