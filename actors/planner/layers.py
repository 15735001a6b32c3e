"""How the layers of facts are made, in their order: surfaces and resolutions, faces and inferences, keys,
and the parts of objects, which decide what is compiled and what is reused as a whole.

Each class makes the columns of its layers for the modules that are dirty in them (`Table.dirty`), and keeps the values
that those were made from. What these values are is decided elsewhere: resolve.py, deep.py, keys.py,
fingerprints.py.
"""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import CompileJob, Inference, Interface, Signature, Summary
from actors.digests import Digest, digest, short
from actors.messages import BuildSettings
from actors.planner import keys
from actors.planner.deep import DeepInterfaces, Meanings, interfaces
from actors.planner.fingerprints import Fingerprint, Fingerprints
from actors.planner.resolve import Missing, Modules, Resolved, resolve, surface
from actors.planner.table import Layer, Reach, Table


class Resolutions:
    """Makes surfaces and resolutions.

    `modules` has the summaries that are at hand, `of` the resolutions. `troubled` are modules whose resolution has
    findings."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.missing = Missing()
        self.modules = Modules({}, {}, self.missing)
        self.of: dict[str, Resolved] = {}
        self.troubled: set[str] = set()

    def is_broken(self, module: str) -> bool:
        """Whether it is known that the module's present text has no summary."""
        summaries = self.modules.summaries
        return module in summaries and summaries[module] is None

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
        # `missing.count` before and after says whether this one result was made of everything. It is a count, not a
        # flag, because another module may have missed the same thing before. A result that missed something is not
        # kept, its row stays dirty, and it is made again when the build comes back with what was missing.
        for module in sorted(dirty):
            if not self._looks_at_hand(module):
                continue
            missed = self.missing.count
            resolved = None if self.is_broken(module) else resolve(self.modules, module)
            if self.missing.count != missed:
                continue
            dirty.discard(module)
            if resolved is not None and resolved == self.of.get(module):
                continue
            changed.add(module)
            row, imports = table.own(module), resolved.imports if resolved is not None else ()
            if row.imports != imports:
                table.forget_graph()
            row.imports, row.resolution = imports, ""
            row.looked_at = tuple(sorted(resolved.looked_at)) if resolved is not None else ()
            self.of.pop(module, None)
            if resolved is not None:
                self.of[module] = resolved
            (self.troubled.add if resolved is not None and resolved.findings else self.troubled.discard)(module)
        table.changed(Layer.RESOLUTION, changed)

    def _looks_at_hand(self, module: str) -> bool:
        """Whether the summaries are at hand that the module's last resolution looked at. Those that are not are noted,
        so one round asks for everything that is probably needed."""
        summaries, paths = self.modules.summaries, self.modules.paths
        row = self._table.rows.get(module)
        absent = [name for name in (module, *(row.looked_at if row else ())) if name not in summaries and name in paths]
        for name in absent:
            self.missing.summary(name)
        return not absent

    def get(self, module: str) -> Resolved | None:
        """The module's resolution, made again if it is not at hand. None if it has none, or cannot be made yet."""
        resolved = self.of.get(module)
        if resolved is None and module in self.modules.paths and self._looks_at_hand(module):
            if self.modules.summaries[module] is None:
                return None
            missed = self.missing.count
            resolved = resolve(self.modules, module)
            if self.missing.count != missed:
                return None
            self.of[module] = resolved
        return resolved

    def digest(self, module: str) -> Digest:
        """The digest of the resolution as it enters keys; "" if there is none."""
        row = self._table.rows[module]
        if not row.resolution and module in self.of:
            entries = keys.resolution_entries(self.of[module].bindings, self._table.settings.invalidation)
            row = self._table.own(module)
            row.resolution = digest(repr(entries).encode())
        return row.resolution


_pack = msgspec.msgpack.Encoder().encode


class Faces:
    """Makes faces and inferred signatures, and keeps the deep interfaces behind them.

    `written` are deep interfaces in which an inferred item stands with the text that decides it, `deep` those with
    its signature. `inferences` are what is known, by key; `uninferred` the keys of those that the layer needs, by
    module."""

    def __init__(self, table: Table, resolutions: Resolutions) -> None:
        self._table = table
        self._resolutions = resolutions
        self.meanings = Meanings(resolutions.modules, resolutions.get)
        self.written = DeepInterfaces(self.meanings, lambda module: {})
        self.deep = DeepInterfaces(self.meanings, self.signatures_of)
        self._stale_written: set[str] = set()
        """Modules whose nodes in `written` are of an earlier summary or resolution."""
        self._stale_deep: set[str] = set()
        """The same of `deep`, or of an earlier signature."""
        self.signatures: dict[str, dict[str, Signature]] = {}
        self.inferences: dict[Digest, Inference] = {}
        self.uninferred: dict[str, Digest] = {}
        self._inference_keys: dict[str, Digest] = {}
        self._seen: dict[str, dict[str, Interface]] = {}
        """What jobs read, by module, where not everything is at hand to make it again."""
        table.watchers.append(self._drop_seen)

    @property
    def is_whole(self) -> bool:
        """Whether the summaries and signatures of all modules are at hand."""
        return len(self._resolutions.modules.summaries) == len(self.signatures) == len(self._table.files)

    def drop(self, module: str) -> None:
        """The module is gone."""
        self.meanings.forget((module,))
        self.signatures.pop(module, None)
        self._inference_keys.pop(module, None)
        self._stale_written.add(module)
        self._stale_deep.add(module)

    def _drop_seen(self, modules: set[str]) -> None:
        for module in modules:
            self._seen.pop(module, None)

    def forget(self) -> None:
        """A build is over: keep the inferences of present texts only."""
        self._seen.clear()
        inferred = set(self._inference_keys.values())
        self.inferences = {key: inference for key, inference in self.inferences.items() if key in inferred}

    # ---- faces

    def make(self) -> None:
        table, stale = self._table, self._stale_written
        dirty = table.dirty[Layer.FACE]
        if not dirty and not stale:
            return
        self.meanings.forget(dirty)
        self.written.invalidate(stale | dirty)
        stale.clear()
        self._stale_deep |= dirty
        changed: set[str] = set()
        for module in sorted(dirty):
            face = "" if self._resolutions.is_broken(module) else self.written.face(module)
            if face != table.rows[module].face:
                table.own(module).face = face
                changed.add(module)
        dirty.clear()
        table.changed(Layer.FACE, changed)

    # ---- inferences

    def make_inferences(self) -> None:
        """Signatures of items that do not write all of theirs, for modules that have any."""
        table, modules, changed = self._table, self._resolutions.modules, set[str]()
        dirty = table.dirty[Layer.INFERENCE]
        for module in sorted(dirty):
            summary = modules.summary(module)
            if module not in modules.summaries:
                continue
            signatures: dict[str, Signature] = {}
            self._inference_keys.pop(module, None)
            if summary is not None and any(item.inferred for item in summary.items):
                key = self._inference_key(module, summary)
                if not key:
                    continue
                self._inference_keys[module] = key
                if key not in self.inferences:
                    self.uninferred[module] = key
                    continue
                signatures = self.inferences[key].signatures
            dirty.discard(module)
            now = short(_pack(sorted(signatures.items()))) if signatures else b""
            if table.rows[module].inferred != now:
                table.own(module).inferred = now
                changed.add(module)
            self.signatures[module] = signatures
        self._stale_deep |= changed
        table.changed(Layer.INFERENCE, changed)

    def _inference_key(self, module: str, summary: Summary) -> Digest:
        """The key of a module's inference, "" if something is missing to make it, or to infer."""
        table, missing = self._table, self._resolutions.missing
        missed = missing.count
        meant, own = self._resolutions.get(module), table.identity(module)
        if meant is None:
            return ""
        key = keys.inference_key(own, table.settings, module, summary, meant, self.written)
        self.seen_by(module)
        return key if missing.count == missed else ""

    def signatures_of(self, module: str) -> dict[str, Signature]:
        if module not in self.signatures:
            self._resolutions.missing.inference(module)
        return self.signatures.get(module, {})

    # ---- what others see

    def refresh_deep(self) -> None:
        """Before keys are made: drop the deep interfaces that changed since."""
        self.deep.invalidate(self._stale_deep)
        self._stale_deep.clear()

    def digests_seen_by(self, module: str, meant: Resolved) -> tuple[tuple[str, Digest], ...]:
        """The deep interfaces of what the module's names mean elsewhere."""
        return tuple(
            [(f"{target}::{item}", self.deep.of((target, item))) for target, item in keys.targets(module, meant)]
        )

    def seen_by(self, module: str) -> dict[str, Interface]:
        """The interfaces that a job of the module reads."""
        seen = self._seen.get(module)
        if seen is None:
            missing = self._resolutions.missing
            missed, meant = missing.count, self._resolutions.get(module)
            seen = interfaces(self.meanings, module, meant.bindings if meant else ())
            if missing.count == missed and not self.is_whole:
                self._seen[module] = seen
        return seen

    def can_compile(self, module: str) -> bool:
        """Whether everything is at hand that a job of the module reads."""
        return self.is_whole or module in self._seen


class ObjectKeys:
    """Makes the keys of objects.

    `origins` are what the keys of touched modules were made from, and of others where it is at hand."""

    def __init__(self, table: Table, resolutions: Resolutions, faces: Faces) -> None:
        self._table = table
        self._resolutions = resolutions
        self._faces = faces
        self.origins: dict[str, keys.KeyOrigin] = {}
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
        """Makes keys, imports before their users. Where the last build's object does not answer for a module, its key
        is made again unless its manifest is at hand, because that is stored with the object."""
        table, origins = self._table, self.origins
        objects, dirty = table.objects, table.dirty[Layer.KEY]
        dirty.update(
            [
                module
                for module in table.files
                if module not in origins and not (module in objects and objects[module].object)
            ]
        )
        self._faces.refresh_deep()
        again = bool(dirty)
        while again and not self._resolutions.missing:
            again = self._make_dirty(dirty)

    def _make_dirty(self, dirty: set[str]) -> bool:
        """Returns whether a module outside of those that were considered became dirty."""
        table, resolved = self._table, self._resolutions.of
        graph, precise = table.graph, table.settings.invalidation == "precise"
        # Imports come before their users, so a key that came out the same stops the wave there: its users are dirty
        # only if one of their other imports has another key. A component is one step, because its members' keys are
        # made from the digest of all of them, and none has to be known for another one's.
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
        """Makes a module's key. It stays dirty if something is missing for that."""
        table, missing, meant = self._table, self._resolutions.missing, self._resolutions.of[member]
        missed, settings, file = missing.count, table.settings, table.files[member]
        if settings.invalidation == "precise":
            imported = self._faces.digests_seen_by(member, meant)
        else:
            imported = tuple(
                [(target, table.key(target)) for target in table.graph.imports[member] if target not in members]
            )
        if missing.count != missed:
            return table.key(member)
        manifest = keys.of_object(
            table.identity(member), settings, member, file.path, file.digest, meant, component, imported
        )
        key = keys.key_of(manifest)
        self.origins[member] = keys.KeyOrigin(manifest, imported)
        row = table.rows[member]
        if (row.key, row.component) != (key, component):
            row = table.own(member)
            row.key, row.component = key, component
        table.dirty[Layer.KEY].discard(member)
        return key

    def _remove(self, member: str) -> Digest:
        """Something below the module has no summary. It stays dirty, so the next update considers it again."""
        table = self._table
        self.origins.pop(member, None)
        table.dirty[Layer.KEY].add(member)
        if table.rows[member].key:
            row = table.own(member)
            row.key, row.component = "", ""
        return ""


class Parts:
    """Decides which modules must be compiled, and which objects can be reused whole.

    After an update, `touched` are the modules that have a key and no object for it in the last build, `as_before`
    those of them that are put together from the same parts as their object in the last build."""

    def __init__(self, table: Table, resolutions: Resolutions, faces: Faces) -> None:
        self._table = table
        self._resolutions = resolutions
        self._faces = faces
        self.touched: list[str] = []
        self.as_before: frozenset[str] = frozenset()
        self._maker: Fingerprints | None = None
        self._fingerprints: dict[str, dict[str, Fingerprint]] = {}
        table.watchers.append(self._drop)

    def _drop(self, modules: set[str]) -> None:
        """Drops what no longer holds, because the layers below changed."""
        self._maker = None
        for module in modules:
            self._fingerprints.pop(module, None)

    def forget(self) -> None:
        """A build is over: drop what only it needed."""
        self._fingerprints.clear()

    def make(self) -> None:
        """Finds out which modules are touched, and has at hand what their jobs read, except for those that are put
        together as before. If everything is at hand anyway, parts are made when they are asked for."""
        table, again = self._table, self._resolutions.troubled
        rows, objects, dirty = table.rows, table.objects, table.dirty[Layer.PARTS]
        # A module with findings is touched even if its object is there: it is compiled again to report what is wrong.
        # Being touched depends on keys alone; whether the object can be reused as a whole depends on parts. So a module
        # may be touched and as before: under `transitive` this is every module above an edit.
        self.touched = sorted(
            module
            for module, row in rows.items()
            if row.key
            and (module in again or (had := objects.get(module)) is None or had.key != row.key or not had.object)
        )
        kept = [module for module in self.touched if module in objects and module not in dirty and module not in again]
        self.as_before = frozenset(
            [
                module
                for module in kept
                if objects[module].object and rows[module].parts and objects[module].parts == rows[module].parts
            ]
        )
        if self._faces.is_whole:
            return
        for module in self.touched:
            if module not in self.as_before:
                self.of(module)
                self.fingerprints(module)
                self._faces.seen_by(module)

    def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Of the module's items that have code, by name."""
        fingerprints = self._fingerprints.get(module)
        if fingerprints is None:
            table, faces, missing = self._table, self._faces, self._resolutions.missing
            missed, summary = missing.count, self._resolutions.modules.summary(module)
            if self._maker is None:
                self._maker = Fingerprints(table.settings, faces.meanings, faces.deep)
            signatures = faces.signatures_of(module)
            fingerprints = self._maker.of_module(table.identity(module), module, summary, signatures) if summary else {}
            if missing.count == missed:
                self._fingerprints[module] = fingerprints
        return fingerprints

    def of(self, module: str) -> Digest:
        """Names everything that the module's object is put together from: its text and path, what its names mean and
        what can be seen of that, and what each of its functions is compiled from. While this stays the same, so does
        the object. "" if a function has no fingerprint."""
        table, resolutions = self._table, self._resolutions
        if module not in table.dirty[Layer.PARTS]:
            return table.rows[module].parts
        missed, summary, file = resolutions.missing.count, resolutions.modules.summary(module), table.files[module]
        fingerprints, meant = self.fingerprints(module), resolutions.get(module)
        parts = ""
        if (
            summary is not None
            and meant is not None
            and fingerprints
            and len(fingerprints) == sum(item.code for item in summary.items)
        ):
            digests = [(name, fingerprint.digest) for name, fingerprint in fingerprints.items()]
            seen = self._faces.digests_seen_by(module, meant)
            named = (module, file.path, file.digest, resolutions.digest(module), seen, digests)
            parts = digest(repr(named).encode())
        if resolutions.missing.count != missed:
            return ""
        self.keep(module, parts)
        return parts

    def keep(self, module: str, parts: Digest) -> None:
        """The module's parts are these: they were just made, or it has the key again that it had with them."""
        table = self._table
        if module in table.dirty[Layer.PARTS]:
            table.own(module).parts = parts
            table.dirty[Layer.PARTS].discard(module)

    def job(self, module: str) -> CompileJob:
        """Everything that a compile of the module reads, except for what may be reused. Names that nothing outside has
        are left out."""
        table, resolutions = self._table, self._resolutions
        file, meant, seen = table.files[module], resolutions.get(module), self._faces.seen_by(module)
        if resolutions.missing or meant is None:
            absent = sorted(resolutions.missing.summaries)
            raise RuntimeError(f"a job of {module} reads what is not at hand: {absent}")
        return CompileJob(
            module=module,
            path=file.path,
            source=file.data or b"",
            resolution=tuple([bound for bound in meant.bindings if bound.module or bound.failed]),
            interfaces=seen,
            options=table.settings.options,
            summary=resolutions.modules.summary(module),
            signatures=self._faces.signatures.get(module, {}),
        )
