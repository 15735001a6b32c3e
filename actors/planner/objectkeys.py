"""Keys of modules: the layer that decides whether a module is compiled. What a key is made of stands in keys.py."""

from __future__ import annotations

from actors.digests import Digest
from actors.messages import BuildSettings
from actors.planner import keys
from actors.planner.faces import Faces
from actors.planner.resolutions import Resolutions
from actors.planner.table import Layer, Reach, Table


class ObjectKeys:
    """`made` is what the keys of touched modules were made from, and of others where it is at hand."""

    def __init__(self, table: Table, resolutions: Resolutions, faces: Faces) -> None:
        self._table = table
        self._resolutions = resolutions
        self._faces = faces
        self.made: dict[str, keys.Made] = {}
        self._made_for: tuple[object, ...] = ()

    def adopt(self, settings: BuildSettings) -> None:
        """The rows are those of a plan that was made for these settings."""
        self._made_for = keys.made_for(settings)

    def set_up(self, settings: BuildSettings) -> None:
        """Keys are made for these settings from here on."""
        table, before, now = self._table, self._made_for, keys.made_for(settings)
        if before == now:
            return
        self._made_for = now
        if before[-1:] != now[-1:]:  # Another mode of invalidation keeps other parts of a resolution.
            for module in table.rows:
                table.own(module).resolution = ""
        table.changed(Layer.SETTINGS, set(table.files))

    def make(self) -> None:
        """Make keys, imports before their users. Where the last build's object does not answer for a module, its key is
        made again unless its manifest is at hand, because that is stored with the object."""
        table, made = self._table, self.made
        objects, dirty = table.objects, table.dirty[Layer.KEY]
        dirty.update([one for one in table.files if one not in made and not (one in objects and objects[one].object)])
        self._faces.refresh_deep()
        again = bool(dirty)
        while again and not self._resolutions.missing:
            again = self._make_dirty(dirty)

    def _make_dirty(self, dirty: set[str]) -> bool:
        """Returns whether a module outside of those that were considered became dirty."""
        table, resolved = self._table, self._resolutions.of
        graph, precise = table.graph, table.settings.invalidation == "precise"
        reach = set(dirty) if precise else graph.transitive_dependents(dirty)
        for module in reach:
            self._resolutions.get(module)
        if self._resolutions.missing:
            return False
        changed: set[str] = set()
        came_or_went: set[str] = set()
        for members in graph.among(reach).components:
            outside = {target for member in members for target in graph.imports[member]}.difference(members)
            if not precise and dirty.isdisjoint(members) and changed.isdisjoint(outside):
                continue
            keys_outside = {target: table.key(target) for target in outside}
            complete = all(keys_outside.values()) and resolved.keys() >= set(members)
            component = ""
            if complete and len(members) > 1 and not precise:
                named = [(member, table.files[member].digest) for member in members]
                component = keys.component_digest(named, keys_outside)
            for member in members:
                before = table.key(member)
                key = self._make_one(member, members, component) if complete else self._remove(member)
                if key != before:
                    changed.add(member)
                    if not key or not before:
                        came_or_went.add(member)
        # A module whose import has no key has none either. Deep interfaces do not say so, and under `precise` nothing
        # else leads upwards: so these modules are looked for.
        beyond = table.reached(Reach.IMPORTERS, came_or_went) - reach if precise else set()
        dirty |= beyond
        return bool(beyond)

    def _make_one(self, member: str, members: tuple[str, ...], component: Digest) -> Digest:
        """Make a module's key. It stays dirty if something is missing for that."""
        table, missing, meant = self._table, self._resolutions.missing, self._resolutions.of[member]
        missed, settings, file = missing.count, table.settings, table.files[member]
        if settings.invalidation == "precise":
            imported = self._faces.digests_seen_by(member, meant)
        else:
            imported = tuple([(one, table.key(one)) for one in table.graph.imports[member] if one not in members])
        if missing.count != missed:
            return table.key(member)
        made = keys.of_object(
            table.identity(member), settings, member, file.path, file.digest, meant, component, imported
        )
        key = keys.key_of(made)
        self.made[member] = keys.Made(made, imported)
        row = table.rows[member]
        if (row.key, row.component) != (key, component):
            row = table.own(member)
            row.key, row.component = key, component
        table.dirty[Layer.KEY].discard(member)
        return key

    def _remove(self, member: str) -> Digest:
        """Something below the module has no summary. It stays dirty, so the next update considers it again."""
        table = self._table
        self.made.pop(member, None)
        table.dirty[Layer.KEY].add(member)
        if table.rows[member].key:
            row = table.own(member)
            row.key, row.component = "", ""
        return ""
