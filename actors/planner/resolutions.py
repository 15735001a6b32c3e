"""Surfaces and resolutions of all modules: the first two layers, made from summaries."""

from __future__ import annotations

from actors.digests import Digest, digest
from actors.planner import keys
from actors.planner.resolve import Missing, Modules, Resolved, resolve, surface
from actors.planner.table import Layer, Table


class Resolutions:
    """`modules` has the summaries that are at hand, `of` the resolutions. `troubled` are modules whose resolution has
    findings."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.missing = Missing()
        self.modules = Modules({}, {}, self.missing)
        self.of: dict[str, Resolved] = {}
        self.troubled: set[str] = set()

    def is_broken(self, module: str) -> bool:
        """Whether it is known that the module's present text has no summary."""
        there = self.modules.summaries
        return module in there and there[module] is None

    def drop(self, module: str) -> None:
        """The module is gone."""
        self.modules.forget(module)
        self.of.pop(module, None)
        self.troubled.discard(module)

    def make_surfaces(self) -> None:
        table, changed = self._table, set[str]()
        dirty = table.dirty[Layer.SURFACE]
        for module in sorted(dirty):
            summary, file = self.modules.summary(module), table.files[module]
            if module not in self.modules.summaries:
                continue
            row, now = table.own(module), surface(summary)
            if row.surface != now:
                changed.add(module)
            row.path, row.source, row.surface = file.path, file.digest, now
            row.statements = summary.statements_line if summary else 0
            dirty.discard(module)
        table.changed(Layer.SURFACE, changed)

    def make(self) -> None:
        table, changed = self._table, set[str]()
        dirty = table.dirty[Layer.RESOLUTION]
        for module in sorted(dirty):
            if not self._looks_at_hand(module):
                continue
            missed = self.missing.count
            found = None if self.is_broken(module) else resolve(self.modules, module)
            if self.missing.count != missed:
                continue
            dirty.discard(module)
            if found is not None and found == self.of.get(module):
                continue
            changed.add(module)
            row, imports = table.own(module), found.imports if found is not None else ()
            if row.imports != imports:
                table.forget_graph()
            row.imports, row.resolution = imports, ""
            row.looked_at = tuple(sorted(found.looked_at)) if found is not None else ()
            self.of.pop(module, None)
            if found is not None:
                self.of[module] = found
            (self.troubled.add if found is not None and found.findings else self.troubled.discard)(module)
        table.changed(Layer.RESOLUTION, changed)

    def _looks_at_hand(self, module: str) -> bool:
        """Whether the summaries are at hand that the module's last resolution looked at. Those that are not are noted,
        so one round asks for everything that is probably needed."""
        there, paths = self.modules.summaries, self.modules.paths
        row = self._table.rows.get(module)
        absent = [one for one in (module, *(row.looked_at if row else ())) if one not in there and one in paths]
        for one in absent:
            self.missing.summary(one)
        return not absent

    def get(self, module: str) -> Resolved | None:
        """The module's resolution, made again if it is not at hand. None if it has none, or cannot be made yet."""
        found = self.of.get(module)
        if found is None and module in self.modules.paths and self._looks_at_hand(module):
            if self.modules.summaries[module] is None:
                return None
            missed = self.missing.count
            found = resolve(self.modules, module)
            if self.missing.count != missed:
                return None
            self.of[module] = found
        return found

    def digest(self, module: str) -> Digest:
        """The digest of the resolution as it enters keys; "" if there is none."""
        row = self._table.rows[module]
        if not row.resolution and module in self.of:
            entries = keys.resolution_entries(self.of[module].bindings, self._table.settings.invalidation)
            row = self._table.own(module)
            row.resolution = digest(repr(entries).encode())
        return row.resolution
