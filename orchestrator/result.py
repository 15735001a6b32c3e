"""What the API answers with: `BuildResult`, `RunResult`, `DependencyGraph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from actors.diagnostics import Diagnostic
from actors.messages import Difference, Reason
from orchestrator.errors import ProjectError
from orchestrator.keywords import LimitName


class BuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a build ended. The last `--json` event holds the same fields.

    Lists of modules and functions are sorted. `compiled_modules` is a count, `recompiled` the modules whose key missed
    (even if every function in them was reused). A function is named "shapes/circle::area" or "main::<top>"; `reasons`
    is keyed by such names and by modules. `duration_ms` is what the caller waited.
    """

    success: bool
    compiled_modules: int
    cache_hits: int
    duration_ms: float
    recompiled: list[str] = msgspec.field(default_factory=list)
    failed: list[str] = msgspec.field(default_factory=list)
    blocked: list[str] = msgspec.field(default_factory=list)
    recompiled_functions: list[str] = msgspec.field(default_factory=list)
    cached_functions: int = 0
    program: Path | None = None
    """Absolute; None where the build failed, or nothing is the entry."""
    diagnostics: list[Diagnostic] = msgspec.field(default_factory=list)
    reasons: dict[str, Reason] = msgspec.field(default_factory=dict)
    cache_degraded: str | None = None
    """Why the build went on without the cache, or a part of it. None: it worked."""
    cache_needed_bytes: int = 0
    """Not 0: the cache's `max_size` is too small for this build alone, and this would do."""
    verified: int = 0
    """So many objects were compiled again with nothing reused, and compared; `verify_seed` chose which."""
    verify_seed: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)
    """Objects, and the program, that were not what a fresh build makes. Where there are any, the build failed."""

    @property
    def exit_code(self) -> int:
        """That of `wasmill build`: 0 built, 1 the sources are wrong, 3 the program could not be written."""
        if self.success:
            return 0
        return 3 if any(found.code in NOT_WRITTEN for found in self.diagnostics) else 1


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
