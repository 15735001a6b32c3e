"""The rows of facts, and the one rule of what a change reaches.

`Table.changed` is the only place that makes rows dirty because others changed, and it knows nothing but `READERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.digests import Digest
from actors.messages import BuildSettings
from actors.planner.graph import Graph
from actors.planner.layers import READERS, Layer, Reach
from actors.planner.sources import SourceFile, SourceTable
from actors.planner.state import PlannedModule, Row


class Table:
    """`rows` has the columns by module, `dirty` the modules whose column must be made again, by layer: after an update
    only those that cannot have it. `identity_of` returns the identity of the toolchain that compiles the file at a
    path."""

    def __init__(self, identity_of: Callable[[str], Digest]) -> None:
        self.identity_of = identity_of
        self.sources = SourceTable()
        self.settings = BuildSettings()
        self.objects: Mapping[str, PlannedModule] = {}
        """The modules of the last build whose objects answer for them, if their keys are the same."""
        self.rows: dict[str, Row] = {}
        self.dirty: dict[Layer, set[str]] = {layer: set() for layer in Layer}
        self.remade: set[str] = set()
        """Modules whose row may differ from that of the last plan."""
        self.watchers: list[Callable[[set[str]], None]] = []
        """Called with modules whose parts became dirty, to drop values that those were made from."""
        self._graph: Graph | None = None

    @property
    def files(self) -> dict[str, SourceFile]:
        """The present sources by module."""
        return self.sources.files

    def identity(self, module: str) -> Digest:
        """The identity of the toolchain that compiles the module."""
        return self.identity_of(self.files[module].path)

    def key(self, module: str) -> Digest:
        """The module's key, "" where it has none: then it is blocked."""
        row = self.rows.get(module)
        return row.key if row is not None else ""

    def own(self, module: str) -> Row:
        """The module's row, to be written to. Rows of a plan belong to the plan, so those are copied first."""
        row = self.rows.get(module)
        self.remade.add(module)
        if type(row) is not Row:
            values = () if row is None else [getattr(row, field) for field in Row.__struct_fields__]
            row = self.rows[module] = Row(*values)
        return row

    def drop(self, module: str) -> None:
        """The module is gone."""
        self.rows.pop(module, None)
        for modules in (self.remade, *self.dirty.values()):
            modules.discard(module)

    @property
    def graph(self) -> Graph:
        if self._graph is None:
            self._graph = Graph({one: self.rows[one].imports if one in self.rows else () for one in self.files})
        return self._graph

    def forget_graph(self) -> None:
        """The modules, or the imports of one, are others now."""
        self._graph = None

    # ---- the rule

    def changed(self, layer: Layer, modules: set[str]) -> None:
        """The rows of these modules changed in this layer: everything that reads them becomes dirty."""
        if not modules:
            return
        reached: dict[Reach, set[str]] = {}
        for reader, reach in READERS[layer]:
            found = reached.get(reach)
            if found is None:
                found = reached[reach] = self.reached(reach, modules)
            self.dirty[reader] |= found
            if reader is Layer.PARTS:
                for watcher in self.watchers:
                    watcher(found)

    def reached(self, reach: Reach, modules: set[str]) -> set[str]:
        if reach is Reach.OWN:
            return modules
        if reach is Reach.LOOKERS:
            return {module for module, row in self.rows.items() if not modules.isdisjoint(row.looked_at)}
        if reach is Reach.ABOVE:
            return self.graph.transitive_dependents(modules)
        if reach is Reach.IMPORTERS:
            return {user for module in modules for user in self.graph.dependents[module]}
        return set(self.files)
