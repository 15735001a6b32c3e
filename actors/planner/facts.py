"""Facts: everything that is known about the modules of a project, in layers, with one rule of what an edit reaches.

A layer is made of the texts and of the layers before it; each module has one row, with a column for each layer. Columns
are small, and kept for all modules, by the plan from one process to the next. The values behind them (summaries,
resolutions, signatures) are had where they are needed. Where a row changes, whoever read it is dirty (`READERS`), and
nothing else is looked at: a first build, a small edit and no edit at all are one code with fewer or more rows at hand.

Nothing here waits. `update` returns what is missing (`Need`); somebody gives it (`learn`, `fail`, `inferences`), and
calls `update` again, which goes on with the rows that are still dirty. docs/facts.md has the invariant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from actors.compiler.toolchain import CompileJob, Inference, Interface, Signature, Summary
from actors.diagnostics import Diagnostic
from actors.digests import Digest, digest, short
from actors.messages import BuildSettings, KnownSource, Source
from actors.planner import keys
from actors.planner.deep import DeepInterfaces, Meanings, interfaces
from actors.planner.fingerprints import Fingerprint, Fingerprints
from actors.planner.graph import Graph
from actors.planner.inputs import Inputs
from actors.planner.layers import READERS, Layer, Need, Reach
from actors.planner.resolve import Missing, Modules, Resolved, resolve, surface
from actors.planner.sources import SourceFile, Sources, summary_name
from actors.planner.state import PlannedModule, Row

SPARE = 64
"""Where more than half of all summaries are needed, and so many besides, all are asked for, in one round."""

_pack = msgspec.msgpack.Encoder().encode


class Facts:
    """The facts of one project. `toolchain` is the identity of all toolchains together, `identity_of` that of the one
    that compiles the file at a path. `rows` has the columns by module, `dirty` the modules whose column must be made
    again, by layer: after an update only those that cannot have it."""

    def __init__(self, toolchain: Digest, identity_of: Callable[[str], Digest] | None = None) -> None:
        self.toolchain, self.identity_of = toolchain, identity_of or (lambda path: toolchain)
        self.settings = BuildSettings()
        self.rows: dict[str, Row] = {}
        self.dirty: dict[Layer, set[str]] = {layer: set() for layer in Layer}
        self.remade: set[str] = set()
        """Modules whose row is another one than in the last plan, or may be."""
        self.touched: list[str] = []
        """After an update: the modules that have a key, and no object for it in the last build."""
        self.as_before: frozenset[str] = frozenset()
        """Those of them that are put together from the same parts as the object of the last build."""
        self.inferences: dict[Digest, Inference] = {}
        self.failures: dict[str, tuple[Diagnostic, ...]] = {}
        self.broken: set[str] = set()
        """Modules that have no summary, because their text is wrong or could not be read."""
        self.troubled: set[str] = set()
        """Modules whose resolution has something to say."""
        self.resolved: dict[str, Resolved] = {}
        self.missing = Missing()
        self.modules = Modules({}, {}, self.missing)
        self.meanings = Meanings(self.modules, self.resolution)
        self._sources = Sources()
        self.inputs = Inputs()
        self._graph: Graph | None = None
        self._written = DeepInterfaces(self.meanings, lambda module: {})
        self._deep = DeepInterfaces(self.meanings, self._signatures_of)
        self._stale: tuple[set[str], set[str]] = (set(), set())
        """Modules whose nodes in `_written`, and in `_deep`, are of an earlier summary, resolution or signature."""
        self.earlier: dict[str, Summary] = {}
        """Summaries of the texts before, where they were at hand."""
        self._signatures: dict[str, dict[str, Signature]] = {}
        self._inference_keys: dict[str, Digest] = {}
        self._uninferred: dict[str, Digest] = {}
        self.made: dict[str, keys.Made] = {}
        """What the keys of touched modules were made from, and of others where it is at hand."""
        self._made_for: tuple[object, ...] = ()
        self._objects: Mapping[str, PlannedModule] = {}
        self._all_wanted = False
        self._fingerprints: Fingerprints | None = None
        self._fingerprinted: dict[str, dict[str, Fingerprint]] = {}
        self._interfaces: dict[str, dict[str, Interface]] = {}

    # ---- what comes in

    @property
    def sources(self) -> dict[str, SourceFile]:
        return self._sources.files

    def adopt(self, modules: Mapping[str, PlannedModule], settings: BuildSettings) -> None:
        """Go on from the rows of a plan, which was made by this toolchain for these settings. What is wrong with a
        module is in no plan: rows of those without an object are made again. Facts that have rows keep them."""
        if self.rows:
            return
        self.rows = dict(modules)
        self.modules.paths = {module: planned.path for module, planned in modules.items()}
        self._made_for = keys.made_for(settings)
        self._changed(Layer.TEXT, {module for module, planned in modules.items() if not planned.object})

    def take(
        self,
        unchanged: Iterable[KnownSource],
        read: Iterable[Source],
        vanished: Iterable[str],
        held: Mapping[str, bytes] = {},
    ) -> None:
        """Take over what a scan found. `held` are the texts of modules in memory."""
        others = self._sources.take(unchanged, read, vanished, held)
        files, paths = self.sources, self.modules.paths
        if paths.keys() != files.keys():
            for module in paths.keys() - files.keys():
                self._drop(module)
            self.modules.paths = {module: file.path for module, file in files.items()}
            self._graph = None
            self._changed(Layer.NAMES, set(files))
        self._changed(Layer.TEXT, {module for module in others & files.keys() if self._is_another(module)})

    def replace(self, source: Source) -> None:
        """One module's file holds other bytes than it was scanned with."""
        self._sources.replace(source)
        if self._is_another(source.module):
            self._changed(Layer.TEXT, {source.module})

    def _is_another(self, module: str) -> bool:
        """The module has another text than it had in this process, or was not seen in it yet. Returns whether its row
        was made of another one, too."""
        file, row = self.sources[module], self.rows.get(module)
        if module in self.modules.summaries:
            earlier = self.modules.forget(module)
            if earlier is not None:
                self.earlier[module] = earlier
            self.broken.discard(module)
        self.modules.paths[module] = file.path
        if file.error is not None:
            self.fail(module, ())
        return row is None or file.error is not None or (row.source, row.path) != (file.digest, file.path)

    def _drop(self, module: str) -> None:
        """The module is gone."""
        self.modules.forget(module)
        self.meanings.forget((module,))
        values: list[dict[str, Any]] = [self.resolved, self._signatures, self._inference_keys, self.made]
        for table in (self.rows, *values):
            table.pop(module, None)
        for modules in (self.broken, self.troubled, self.remade, *self.dirty.values()):
            modules.discard(module)
        for stale in self._stale:
            stale.add(module)

    def learn(self, module: str, summary: Summary) -> None:
        """The summary of a module's present text."""
        self.modules.summaries[module] = summary

    def fail(self, module: str, found: tuple[Diagnostic, ...]) -> None:
        """A module's present text has no summary, and this is why."""
        self.modules.summaries[module] = None
        self.broken.add(module)
        self.failures[module] = found

    def earlier_name(self, module: str) -> str:
        """What the summary goes by of the text that the module's row was made from, "" if that is the present one."""
        row, file = self.rows.get(module), self.sources[module]
        known = row is not None and row.source and (row.source, row.path) != (file.digest, file.path)
        return summary_name(row.source, row.path) if known and row is not None else ""

    def want_all(self) -> bool:
        """Have the next update need the summaries of all modules. Returns whether they are at hand already."""
        self._all_wanted = len(self.modules.summaries) < len(self.sources)
        return not self._all_wanted

    def forget(self) -> None:
        """A build is over: drop what only it needed. What is wrong with a module is tried again by each build, and
        findings of a resolution name lines of other modules, which move."""
        self._changed(Layer.TEXT, set(self.broken))
        for module in self.broken:
            self.modules.forget(module)
        self.broken.clear()
        self.failures.clear()
        self._all_wanted = False
        self.dirty[Layer.RESOLUTION] |= self.troubled
        inferred = set(self._inference_keys.values())
        self.inferences = {key: found for key, found in self.inferences.items() if key in inferred}
        self.inputs.forget()
        self.earlier.clear()
        self._fingerprinted.clear()
        self._interfaces.clear()
        for file in self.sources.values():
            file.data = None

    # ---- the rule, and the wave

    def _changed(self, layer: Layer, modules: set[str]) -> None:
        """Rows of these modules are others now in this layer: whoever reads them is dirty."""
        if not modules:
            return
        reached: dict[Reach, set[str]] = {}
        for reader, reach in READERS[layer]:
            found = reached.get(reach)
            if found is None:
                found = reached[reach] = self._reached(reach, modules)
            self.dirty[reader] |= found
            if reader is Layer.PARTS:
                self._fingerprints = None
                for module in found:
                    self._fingerprinted.pop(module, None)
                    self._interfaces.pop(module, None)

    def _reached(self, reach: Reach, modules: set[str]) -> set[str]:
        if reach is Reach.OWN:
            return modules
        if reach is Reach.LOOKERS:
            return {module for module, row in self.rows.items() if not modules.isdisjoint(row.looked_at)}
        if reach is Reach.ABOVE:
            return self.graph.transitive_dependents(modules)
        if reach is Reach.IMPORTERS:
            return {user for module in modules for user in self.graph.dependents[module]}
        return set(self.sources)

    def update(
        self, settings: BuildSettings, objects: Mapping[str, PlannedModule] = {}, last: Layer = Layer.PARTS
    ) -> Need | None:
        """Make what is dirty, layer by layer, up to the `last`. Returns what is needed to go on, None when all is made.
        `objects` are the modules of the last build whose objects may be believed to be there; one whose inputs changed
        is no answer."""
        self.settings, self._objects = settings, self.inputs.only_same(objects)
        if last >= Layer.KEY:
            self._set_up(settings)
        layers = {
            Layer.SURFACE: self._make_surfaces,
            Layer.RESOLUTION: self._make_resolutions,
            Layer.FACE: self._make_faces,
            Layer.INFERENCE: self._make_inferences,
            Layer.KEY: self._make_keys,
            Layer.PARTS: self._make_parts,
        }
        while True:
            self.missing.clear()
            self._uninferred = {}
            if self._all_wanted:
                self.missing.summaries.update(self.sources.keys() - self.modules.summaries.keys())
            for layer, make in layers.items():
                if layer > last:
                    return None
                make()
                if self.missing or self._uninferred:
                    break
            else:
                return None
            if self.missing.summaries:
                return Need(summaries=self._wanted(self.missing.summaries))
            if self._uninferred:
                return Need(inferences=self._uninferred)
            self.dirty[Layer.INFERENCE] |= self.missing.inferences

    def _wanted(self, missing: set[str]) -> dict[str, SourceFile]:
        files, there = self.sources, self.modules.summaries
        if 2 * (len(there) + len(missing)) > len(files) + SPARE:
            missing = files.keys() - there.keys()
        return {module: files[module] for module in sorted(missing)}

    def _set_up(self, settings: BuildSettings) -> None:
        """Keys are made for these settings from here on."""
        before, now = self._made_for, keys.made_for(settings)
        if before == now:
            return
        self._made_for = now
        if before[-1:] != now[-1:]:  # Another mode of invalidation keeps other parts of a resolution.
            for module in self.rows:
                self._own(module).resolution = ""
        self._changed(Layer.SETTINGS, set(self.sources))

    def _own(self, module: str) -> Row:
        """The module's row, to be written to: rows of a plan are the plan's."""
        row = self.rows.get(module)
        self.remade.add(module)
        if type(row) is not Row:
            values = () if row is None else [getattr(row, field) for field in Row.__struct_fields__]
            row = self.rows[module] = Row(*values)
        return row

    # ---- surfaces, resolutions, graph

    def _make_surfaces(self) -> None:
        shifted: set[str] = set()
        dirty = self.dirty[Layer.SURFACE]
        for module in sorted(dirty):
            summary, file = self.modules.summary(module), self.sources[module]
            if module not in self.modules.summaries:
                continue
            row, now = self._own(module), surface(summary)
            if row.surface != now:
                shifted.add(module)
            row.path, row.source, row.surface = file.path, file.digest, now
            row.statements = summary.statements_line if summary else 0
            dirty.discard(module)
        self._changed(Layer.SURFACE, shifted)

    def _make_resolutions(self) -> None:
        changed: set[str] = set()
        dirty = self.dirty[Layer.RESOLUTION]
        for module in sorted(dirty):
            if not self._looks_at_hand(module):
                continue
            missed = self.missing.count
            found = None if module in self.broken else resolve(self.modules, module)
            if self.missing.count != missed:
                continue
            dirty.discard(module)
            if found is not None and found == self.resolved.get(module):
                continue
            changed.add(module)
            row, imports = self._own(module), found.imports if found is not None else ()
            if row.imports != imports:
                self._graph = None
            row.imports, row.resolution = imports, ""
            row.looked_at = tuple(sorted(found.looked_at)) if found is not None else ()
            self.resolved.pop(module, None)
            if found is not None:
                self.resolved[module] = found
            (self.troubled.add if found is not None and found.findings else self.troubled.discard)(module)
        self._changed(Layer.RESOLUTION, changed)

    def _looks_at_hand(self, module: str) -> bool:
        """Whether the summaries are at hand that the module's last resolution looked at; those that are not are noted.
        So one round asks for all that is probably needed."""
        there, paths = self.modules.summaries, self.modules.paths
        row = self.rows.get(module)
        absent = [one for one in (module, *(row.looked_at if row else ())) if one not in there and one in paths]
        for one in absent:
            self.missing.summary(one)
        return not absent

    def resolution(self, module: str) -> Resolved | None:
        """The module's resolution, had again where it is not at hand; None where it has none, or cannot be had yet."""
        found = self.resolved.get(module)
        if found is None and module in self.modules.paths and self._looks_at_hand(module):
            if self.modules.summaries[module] is None:
                return None
            missed = self.missing.count
            found = resolve(self.modules, module)
            if self.missing.count != missed:
                return None
            self.resolved[module] = found
        return found

    @property
    def graph(self) -> Graph:
        if self._graph is None:
            self._graph = Graph({one: self.rows[one].imports if one in self.rows else () for one in self.sources})
        return self._graph

    def _make_faces(self) -> None:
        dirty, (written, deep) = self.dirty[Layer.FACE], self._stale
        if not dirty and not written:
            return
        self.meanings.forget(dirty)
        self._written.invalidate(written | dirty)
        written.clear()
        deep |= dirty
        changed: set[str] = set()
        for module in sorted(dirty):
            face = "" if module in self.broken else self._written.face(module)
            if face != self.rows[module].face:
                self._own(module).face = face
                changed.add(module)
        dirty.clear()
        self._changed(Layer.FACE, changed)

    def _make_inferences(self) -> None:
        """Signatures of items that do not write all of theirs, for modules that have any."""
        changed: set[str] = set()
        dirty = self.dirty[Layer.INFERENCE]
        for module in sorted(dirty):
            summary = self.modules.summary(module)
            if module not in self.modules.summaries:
                continue
            signatures: dict[str, Signature] = {}
            self._inference_keys.pop(module, None)
            if summary is not None and any(item.inferred for item in summary.items):
                key = self._inference_key(module, summary)
                if not key:
                    continue
                self._inference_keys[module] = key
                if key not in self.inferences:
                    self._uninferred[module] = key
                    continue
                signatures = self.inferences[key].signatures
            dirty.discard(module)
            now = short(_pack(sorted(signatures.items()))) if signatures else b""
            if self.rows[module].inferred != now:
                self._own(module).inferred = now
                changed.add(module)
            self._signatures[module] = signatures
        self._stale[1].update(changed)
        self._changed(Layer.INFERENCE, changed)

    def _inference_key(self, module: str, summary: Summary) -> Digest:
        """The key of a module's inference, "" where something is missing to make it, or to infer."""
        missed = self.missing.count
        meant, own = self.resolution(module), self.identity_of(self.sources[module].path)
        if meant is None:
            return ""
        key = keys.inference_key(own, self.settings, module, summary, meant, self._written)
        self._see(module)
        return key if self.missing.count == missed else ""

    def _signatures_of(self, module: str) -> dict[str, Signature]:
        if module not in self._signatures:
            self.missing.inference(module)
        return self._signatures.get(module, {})

    def _make_keys(self) -> None:
        """Keys of modules, imports before those who use them. Those of modules that the last build's object cannot
        answer for are made again where what they were made from is not at hand: it is stored with the object."""
        made, objects, dirty = self.made, self._objects, self.dirty[Layer.KEY]
        dirty.update([one for one in self.sources if one not in made and not (one in objects and objects[one].object)])
        stale = self._stale[1]
        self._deep.invalidate(stale)
        stale.clear()
        again = bool(dirty)
        while again and not self.missing:
            again = self._make_dirty_keys(dirty)

    def _make_dirty_keys(self, dirty: set[str]) -> bool:
        """Returns whether some module outside of what was looked at got a reason to be dirty."""
        graph, precise = self.graph, self.settings.invalidation == "precise"
        reach = set(dirty) if precise else graph.transitive_dependents(dirty)
        for module in reach:
            self.resolution(module)
        if self.missing:
            return False
        changed: set[str] = set()
        came_or_went: set[str] = set()
        for members in graph.among(reach).components:
            outside = {target for member in members for target in graph.imports[member]}.difference(members)
            if not precise and dirty.isdisjoint(members) and changed.isdisjoint(outside):
                continue
            complete = all(member in self.resolved for member in members) and all(self.key(one) for one in outside)
            component = ""
            if complete and len(members) > 1 and not precise:
                named = [(member, self.sources[member].digest) for member in members]
                component = keys.component_digest(named, {target: self.key(target) for target in outside})
            for member in members:
                before = self.key(member)
                key = self._make_key(member, members, component) if complete else self._lose_key(member)
                if key != before:
                    changed.add(member)
                    if not key or not before:
                        came_or_went.add(member)
        # Deep interfaces know nothing of a module above that has no key: under `precise` that must be looked for.
        beyond = self._reached(Reach.IMPORTERS, came_or_went) - reach if precise else set()
        dirty |= beyond
        return bool(beyond)

    def _make_key(self, member: str, members: tuple[str, ...], component: Digest) -> Digest:
        """Make a module's key; it stays dirty where something is missing for that."""
        missed, meant, settings, file = self.missing.count, self.resolved[member], self.settings, self.sources[member]
        if settings.invalidation == "precise":
            imported = self._seen(member, meant)
        else:
            imported = tuple([(one, self.key(one)) for one in self.graph.imports[member] if one not in members])
        if self.missing.count != missed:
            return self.key(member)
        made = keys.of_object(
            self.identity_of(file.path), settings, member, file.path, file.digest, meant, component, imported
        )
        key = keys.key_of(made)
        self.made[member] = keys.Made(made, imported)
        row = self.rows[member]
        if (row.key, row.component) != (key, component):
            row = self._own(member)
            row.key, row.component = key, component
        self.dirty[Layer.KEY].discard(member)
        return key

    def _lose_key(self, member: str) -> Digest:
        """Something below the module has no summary. It stays dirty, and is looked at again by the next update."""
        self.made.pop(member, None)
        self.dirty[Layer.KEY].add(member)
        if self.rows[member].key:
            row = self._own(member)
            row.key, row.component = "", ""
        return ""

    def _seen(self, module: str, meant: Resolved) -> tuple[tuple[str, Digest], ...]:
        """The deep interfaces of what the module's names mean elsewhere."""
        return tuple([(f"{one}::{item}", self._deep.of((one, item))) for one, item in keys.targets(module, meant)])

    def key(self, module: str) -> Digest:
        """The module's key, "" where it has none: then it is blocked."""
        row = self.rows.get(module)
        return row.key if row is not None else ""

    # ---- parts, and what jobs read

    def _make_parts(self) -> None:
        """Find out which modules are to be compiled, and have at hand what their jobs read, but for those that are put
        together from the same parts as before. Where everything is at hand anyway, parts are made when asked for."""
        rows, objects, dirty, again = self.rows, self._objects, self.dirty[Layer.PARTS], self.troubled
        self.touched = sorted(
            one
            for one, row in rows.items()
            if row.key and (one in again or (had := objects.get(one)) is None or had.key != row.key or not had.object)
        )
        kept = [one for one in self.touched if one in objects and one not in dirty and one not in again]
        self.as_before = frozenset(
            [one for one in kept if objects[one].object and rows[one].parts and objects[one].parts == rows[one].parts]
        )
        if self.is_whole:
            return
        for module in self.touched:
            if module not in self.as_before:
                self.parts(module)
                self.fingerprints(module)
                self._see(module)

    @property
    def is_whole(self) -> bool:
        """Whether the summaries and signatures of all modules are at hand."""
        return len(self.modules.summaries) == len(self._signatures) == len(self.sources)

    def can_compile(self, module: str) -> bool:
        """Whether all is at hand that a job of the module reads."""
        return self.is_whole or module in self._interfaces

    def _see(self, module: str) -> dict[str, Interface]:
        found = self._interfaces.get(module)
        if found is None:
            missed, meant = self.missing.count, self.resolution(module)
            found = interfaces(self.meanings, module, meant.bindings if meant else ())
            if self.missing.count == missed and not self.is_whole:
                self._interfaces[module] = found
        return found

    def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Of the module's items that have code, by name."""
        found = self._fingerprinted.get(module)
        if found is None:
            missed, summary = self.missing.count, self.modules.summary(module)
            if self._fingerprints is None:
                self._fingerprints = Fingerprints(self.settings, self.meanings, self._deep)
            own, signatures = self.identity_of(self.sources[module].path), self._signatures_of(module)
            found = self._fingerprints.of_module(own, module, summary, signatures) if summary else {}
            if self.missing.count == missed:
                self._fingerprinted[module] = found
        return found

    def parts(self, module: str) -> Digest:
        """Names all that the module's object is put together from: its text and path, what its names mean and what can
        be seen of that, and what each of its functions is compiled from. While it stays, so does the object. "" where
        a function has no fingerprint."""
        if module not in self.dirty[Layer.PARTS]:
            return self.rows[module].parts
        missed, summary, file = self.missing.count, self.modules.summary(module), self.sources[module]
        found, meant = self.fingerprints(module), self.resolution(module)
        parts = ""
        if summary is not None and meant is not None and found and len(found) == sum(one.code for one in summary.items):
            digests = [(name, one.digest) for name, one in found.items()]
            seen = self._seen(module, meant)
            named = (module, file.path, file.digest, self.resolution_digest(module), seen, digests)
            parts = digest(repr(named).encode())
        if self.missing.count != missed:
            return ""
        self._own(module).parts = parts
        self.dirty[Layer.PARTS].discard(module)
        return parts

    def keep_parts(self, module: str, parts: Digest) -> None:
        """The module has the key again that it had with these parts."""
        if module in self.dirty[Layer.PARTS]:
            self._own(module).parts = parts
            self.dirty[Layer.PARTS].discard(module)

    def resolution_digest(self, module: str) -> Digest:
        """Of the resolution as it enters keys; "" where there is none."""
        row = self.rows[module]
        if not row.resolution and module in self.resolved:
            entries = keys.resolution_entries(self.resolved[module].bindings, self.settings.invalidation)
            row = self._own(module)
            row.resolution = digest(repr(entries).encode())
        return row.resolution

    def job(self, module: str) -> CompileJob:
        """Everything that a compile of a module sees, but for what may be reused. Names that nothing outside has are
        left out."""
        file, meant, seen = self.sources[module], self.resolution(module), self._see(module)
        if self.missing or meant is None:
            raise RuntimeError(f"a job of {module} reads what is not at hand: {sorted(self.missing.summaries)}")
        return CompileJob(
            module=module,
            path=file.path,
            source=file.data or b"",
            resolution=tuple([bound for bound in meant.bindings if bound.module or bound.failed]),
            interfaces=seen,
            options=self.settings.options,
            summary=self.modules.summary(module),
            signatures=self._signatures.get(module, {}),
        )
