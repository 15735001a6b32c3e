"""What a name means where it stands: an item of the module itself, else what resolution bound it to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.compiler.toolchain import Binding
from actors.planner.resolve import Modules, Resolved, scopes

Target = tuple[str, str]
"""A module and the name of one of its items."""


def target_of(key: str) -> Target:
    """The target that is written as "module::item"."""
    module, _, name = key.partition("::")
    return module, name


class Meanings:
    """Answers for one resolution of all modules; remembers what it was asked."""

    def __init__(self, modules: Modules, resolved: Mapping[str, Resolved]) -> None:
        self.modules = modules
        self._resolved = resolved
        self._tables: dict[str, dict[tuple[str, str], Binding]] = {}
        self._known: dict[str, dict[tuple[str, str], Target | None]] = {}
        self._imported: dict[str, frozenset[str] | None] = {}

    def update(self, modules: Modules, resolved: Mapping[str, Resolved], stale: Iterable[str]) -> None:
        """Answer for another resolution from now on: `stale` are the modules whose summary or resolution is another."""
        self.modules = modules
        self._resolved = resolved
        for module in stale:
            self._tables.pop(module, None)
            self._known.pop(module, None)
            self._imported.pop(module, None)

    def of(self, module: str, scope: str, name: str) -> Target | None:
        """The item that `name` means in `scope` of `module`; None for a local, a builtin, or a whole module."""
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = {}
        key = (scope, name)
        if key not in known:
            known[key] = self._find(module, scope, name)
        return known[key]

    def _find(self, module: str, scope: str, name: str) -> Target | None:
        own = self.modules.items(module)
        if not scope and "::" not in name:  # The usual case, in one step.
            if name in own:
                return module, name
            if not self._may_be_imported(module, name):
                return None
        else:
            parts = name.split("::")
            for outer in scopes(scope):
                for length in range(len(parts), 0, -1):
                    candidate = "::".join(([outer] if outer else []) + parts[:length])
                    if candidate in own:
                        return module, candidate
        table = self._table(module)
        for outer in scopes(scope):
            bound = table.get((outer, name))
            if bound is not None and bound.module and bound.item:
                return bound.module, bound.item
        return None

    def _may_be_imported(self, module: str, name: str) -> bool:
        """Whether a plain name can be anything from outside, as far as the imports' own text says."""
        if module not in self._imported:
            summary = self.modules.summaries[module]
            uses = summary.uses if summary else ()
            self._imported[module] = None if any(use.glob for use in uses) else frozenset([use.alias for use in uses])
        imported = self._imported[module]
        return imported is None or name in imported

    def _table(self, module: str) -> dict[tuple[str, str], Binding]:
        table = self._tables.get(module)
        if table is None:
            known = self._resolved.get(module)
            table = {(bound.scope, bound.name): bound for bound in known.bindings} if known else {}
            self._tables[module] = table
        return table
