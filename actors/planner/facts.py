"""Facts: everything that is known about the modules of a project, in layers, with one rule of what an edit reaches.

A layer is made of the texts and of the layers before it; each module has one row, with a column for each layer. Columns
are small, and kept for all modules, by the plan from one process to the next. The values behind them (summaries,
resolutions, signatures) are obtained where they are needed. When a row changes, everything that read it is dirty
(`READERS`), and nothing else is considered: a first build, a small edit and no edit at all are one code with fewer or
more rows at hand.

Nothing here waits. `update` returns what is missing (`Need`); the caller gets it (`learn`, `fail`, `inferences`), and
calls `update` again, which goes on with the rows that are still dirty. docs/facts.md has the invariant.

    table.py         the texts, the rows, the rule, and the plan
    layers.py        how each layer is made, over resolve.py, deep.py, keys.py, fingerprints.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from actors.compiler.inputs import portable
from actors.compiler.toolchain import CompileJob, Discovered, Inference, Summary
from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.messages import BuildSettings, InputFile, KnownSource, Source
from actors.planner import keys
from actors.planner.fingerprints import Fingerprint
from actors.planner.graph import Graph
from actors.planner.layers import Faces, ObjectKeys, Parts, Resolutions
from actors.planner.resolve import Modules, Resolved
from actors.planner.table import Layer, Need, PlannedModule, Row, SourceFile, Table, summary_name

SPARE = 64
"""Where more than half of all summaries are needed, and so many besides, all are asked for, in one round."""


class Facts:
    """The facts of one project. `toolchain` is the identity of all toolchains together, `identity_of` returns that of
    the one that compiles the file at a path."""

    def __init__(self, toolchain: Digest, identity_of: Callable[[str], Digest] | None = None) -> None:
        self.toolchain = toolchain
        self._table = table = Table(identity_of or (lambda path: toolchain))
        self._resolutions = Resolutions(table)
        self._faces = Faces(table, self._resolutions)
        self._keys = ObjectKeys(table, self._resolutions, self._faces)
        self._parts = Parts(table, self._resolutions, self._faces)
        self.inputs = Inputs()
        self.broken: set[str] = set()
        """Modules that have no summary, because their text is wrong or could not be read."""
        self.failures: dict[str, tuple[Diagnostic, ...]] = {}
        """Why, by module."""
        self.earlier: dict[str, Summary] = {}
        """Summaries of the texts before, where they were at hand."""
        self._all_wanted = False

    # ---- what is known

    @property
    def sources(self) -> dict[str, SourceFile]:
        return self._table.sources.files

    @property
    def settings(self) -> BuildSettings:
        return self._table.settings

    @property
    def rows(self) -> dict[str, Row]:
        return self._table.rows

    @property
    def dirty(self) -> dict[Layer, set[str]]:
        return self._table.dirty

    @property
    def remade(self) -> set[str]:
        """Modules whose row may differ from that of the last plan."""
        return self._table.remade

    @property
    def graph(self) -> Graph:
        return self._table.graph

    @property
    def modules(self) -> Modules:
        return self._resolutions.modules

    @property
    def resolved(self) -> dict[str, Resolved]:
        """The resolutions that are at hand."""
        return self._resolutions.of

    @property
    def troubled(self) -> set[str]:
        """Modules whose resolution has findings."""
        return self._resolutions.troubled

    @property
    def inferences(self) -> dict[Digest, Inference]:
        """By key. What an update needed goes in here."""
        return self._faces.inferences

    @property
    def key_origins(self) -> dict[str, keys.KeyOrigin]:
        """What the keys of touched modules were made from, and of others where it is at hand."""
        return self._keys.origins

    @property
    def touched(self) -> list[str]:
        """After an update: the modules that have a key, and no object for it in the last build."""
        return self._parts.touched

    @property
    def as_before(self) -> frozenset[str]:
        """Those of them that are put together from the same parts as their object in the last build."""
        return self._parts.as_before

    @property
    def is_whole(self) -> bool:
        """Whether the summaries and signatures of all modules are at hand."""
        return self._faces.is_whole

    def identity_of(self, path: str) -> Digest:
        """The identity of the toolchain that compiles the file at a path."""
        return self._table.identity_of(path)

    def key(self, module: str) -> Digest:
        """The module's key, "" where it has none: then it is blocked."""
        return self._table.key(module)

    def resolution_digest(self, module: str) -> Digest:
        """The digest of the resolution as it enters keys; "" if there is none."""
        return self._resolutions.digest(module)

    def can_compile(self, module: str) -> bool:
        """Whether everything is at hand that a job of the module reads."""
        return self._faces.can_compile(module)

    def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Of the module's items that have code, by name."""
        return self._parts.fingerprints(module)

    def parts(self, module: str) -> Digest:
        """Names everything that the module's object is put together from; "" if that is not known (`Parts.of`)."""
        return self._parts.of(module)

    def keep_parts(self, module: str, parts: Digest) -> None:
        """The module has the key again that it had with these parts."""
        self._parts.keep(module, parts)

    def job(self, module: str) -> CompileJob:
        """Everything that a compile of the module reads, except for what may be reused."""
        return self._parts.job(module)

    # ---- what comes in

    def adopt(self, modules: Mapping[str, PlannedModule], settings: BuildSettings) -> None:
        """Goes on from the rows of a plan, which was made by this toolchain for these settings. What is wrong with a
        module is in no plan: rows of those without an object are made again. Facts that have rows keep them."""
        if self.rows:
            return
        self.rows.update(modules)
        self.modules.paths = {module: planned.path for module, planned in modules.items()}
        self._keys.adopt(settings)
        self._table.changed(Layer.TEXT, {module for module, planned in modules.items() if not planned.object})

    def take(
        self,
        unchanged: Iterable[KnownSource],
        read: Iterable[Source],
        vanished: Iterable[str],
        held: Mapping[str, bytes] = {},
    ) -> None:
        """Takes over what a scan found. `held` are the texts of modules in memory."""
        others = self._table.sources.take(unchanged, read, vanished, held)
        files, paths = self.sources, self.modules.paths
        if paths.keys() != files.keys():
            for module in paths.keys() - files.keys():
                self._drop(module)
            self.modules.paths = {module: file.path for module, file in files.items()}
            self._table.forget_graph()
            self._table.changed(Layer.NAMES, set(files))
        self._table.changed(Layer.TEXT, {module for module in others & files.keys() if self._is_another(module)})

    def replace(self, source: Source) -> None:
        """One module's file holds other bytes than it was scanned with."""
        self._table.sources.replace(source)
        if self._is_another(source.module):
            self._table.changed(Layer.TEXT, {source.module})

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
        self._table.drop(module)
        self._resolutions.drop(module)
        self._faces.drop(module)
        self.key_origins.pop(module, None)
        self.inputs.keep(module, ())
        self.broken.discard(module)

    def learn(self, module: str, summary: Summary) -> None:
        """The summary of a module's present text."""
        self.modules.summaries[module] = summary

    def fail(self, module: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        """A module's present text has no summary, and this is why."""
        self.modules.summaries[module] = None
        self.broken.add(module)
        self.failures[module] = diagnostics

    def earlier_name(self, module: str) -> str:
        """What the summary goes by of the text that the module's row was made from, "" if that is the present one."""
        row, file = self.rows.get(module), self.sources[module]
        known = row is not None and row.source and (row.source, row.path) != (file.digest, file.path)
        return summary_name(row.source, row.path) if known and row is not None else ""

    def by_toolchain(self, modules: Iterable[str]) -> dict[Digest, list[str]]:
        """Modules by the identity of the toolchain that compiles them. Summaries are stored under it, so those of one
        language stay when another one comes to the project."""
        by_identity: dict[Digest, list[str]] = {}
        for module in modules:
            by_identity.setdefault(self.identity_of(self.sources[module].path), []).append(module)
        return by_identity

    def want_all(self) -> bool:
        """Has the next update need the summaries of all modules. Returns whether they are at hand already."""
        self._all_wanted = len(self.modules.summaries) < len(self.sources)
        return not self._all_wanted

    def forget(self) -> None:
        """A build is over: drop what only it needed. What is wrong with a module is tried again by each build, and
        findings of a resolution name lines of other modules, which move."""
        self._table.changed(Layer.TEXT, set(self.broken))
        for module in self.broken:
            self.modules.forget(module)
        self.broken.clear()
        self.failures.clear()
        self._all_wanted = False
        self.dirty[Layer.RESOLUTION] |= self.troubled
        self._faces.forget()
        self._parts.forget()
        self.inputs.forget()
        self.earlier.clear()
        for file in self.sources.values():
            file.data = None

    # ---- the wave

    def update(
        self, settings: BuildSettings, objects: Mapping[str, PlannedModule] = {}, last: Layer = Layer.PARTS
    ) -> Need | None:
        """Makes what is dirty, layer by layer, up to the `last`. Returns what is needed to go on, None when all is
        made. `objects` are the modules of the last build whose objects may be believed to be there; one whose inputs
        changed is no answer."""
        missing, faces = self._resolutions.missing, self._faces
        self._table.settings, self._table.objects = settings, self.inputs.only_same(objects)
        if last >= Layer.KEY:
            self._keys.set_up(settings)
        layers = {
            Layer.SURFACE: self._resolutions.make_surfaces,
            Layer.RESOLUTION: self._resolutions.make,
            Layer.FACE: faces.make,
            Layer.INFERENCE: faces.make_inferences,
            Layer.KEY: self._keys.make,
            Layer.PARTS: self._parts.make,
        }
        # The layers are made in order, and the wave stops at the first one that misses something: later layers read it.
        # What was made until then stays made, so the next call begins where this one stopped. Missing summaries are
        # asked for before inferences, because the key of an inference is made of what summaries say.
        while True:
            missing.clear()
            faces.uninferred = {}
            if self._all_wanted:
                missing.summaries.update(self.sources.keys() - self.modules.summaries.keys())
            for layer, make in layers.items():
                if layer > last:
                    return None
                make()
                if missing or faces.uninferred:
                    break
            else:
                return None
            if missing.summaries:
                return Need(summaries=self._wanted(missing.summaries))
            if faces.uninferred:
                return Need(inferences=faces.uninferred)
            # A signature was read that is not made. Nothing said so before, because its module is not dirty.
            self.dirty[Layer.INFERENCE].update(missing.inferences)

    def _wanted(self, missing: set[str]) -> dict[str, SourceFile]:
        files, at_hand = self.sources, self.modules.summaries
        if 2 * (len(at_hand) + len(missing)) > len(files) + SPARE:
            missing = files.keys() - at_hand.keys()
        return {module: files[module] for module in sorted(missing)}


class Inputs:
    """The files that compiles discovered, and whether they are what they were.

    `files` has each input as it was when it was last read, in this build or in an earlier one. `of` has the inputs
    of modules' objects, for modules that this process compiled or found in the cache and that have any."""

    def __init__(self) -> None:
        self.files: dict[str, InputFile] = {}
        self.of: dict[str, tuple[Discovered, ...]] = {}
        self._read: set[str] = set()
        """Paths that were read in this build. An input is read once a build, so all modules see the same."""
        self._asked: set[str] = set()

    def forget(self) -> None:
        """A build is over: the next one reads inputs again, if their stamps changed."""
        self._read.clear()
        self._asked.clear()

    # ---- reading

    def recall(self, files: Iterable[InputFile]) -> None:
        """What an earlier process knew."""
        for file in files:
            self.files.setdefault(file.path, file)

    def unread(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that this build has not read."""
        return {path for path in paths if path not in self._read}

    def ask(self, paths: Iterable[str]) -> tuple[InputFile, ...]:
        """The files among the unread ones that were not asked for yet, with what is known of them."""
        new = sorted(self.unread(paths) - self._asked)
        self._asked.update(new)
        return tuple([self.files.get(path) or InputFile(path=path) for path in new])

    def learn(self, files: Iterable[InputFile]) -> None:
        """The files were read."""
        for file in files:
            self.files[file.path] = file
            self._read.add(file.path)

    # ---- comparing

    def same(self, inputs: Sequence[Discovered]) -> bool:
        """Whether all these inputs were read in this build, and are what they were."""
        return not inputs or all(
            seen.path in self._read and self.files[seen.path].digest == seen.digest for seen in inputs
        )

    def changed(self, inputs: Iterable[Discovered]) -> tuple[str, ...]:
        """The paths of those that are known to have changed, appeared or vanished."""
        return tuple([seen.path for seen in inputs if seen.path in self._read and not self.same((seen,))])

    def only_same(self, objects: Mapping[str, PlannedModule]) -> Mapping[str, PlannedModule]:
        """Those of the modules whose objects' inputs are the same."""
        if not self.files:  # No object has any.
            return objects
        return {module: planned for module, planned in objects.items() if self.same(planned.inputs)}

    def keep(self, module: str, inputs: tuple[Discovered, ...]) -> None:
        """The module's object is one that was made from these."""
        if inputs:
            self.of[module] = inputs
        else:
            self.of.pop(module, None)

    # ---- for the next build

    def stamped(self, modules: Mapping[str, PlannedModule]) -> tuple[InputFile, ...]:
        """All inputs of these modules' objects, by path. One that is not what an object was made from has neither
        digest nor stamp: so nothing can take it for unchanged."""
        digests: dict[str, set[str]] = {}
        for planned in modules.values():
            for seen in planned.inputs:
                digests.setdefault(seen.path, set()).add(seen.digest)
        stamped = []
        for path, expected in sorted(digests.items()):
            file = self.files.get(path) if path in self._read else None
            good = file is not None and expected == {file.digest}
            stamped.append(file if file is not None and good else InputFile(path=path, digest=None))
        return tuple(stamped)


def as_portable(discovered: Iterable[Discovered], root: str, project: str) -> tuple[Discovered, ...]:
    """What a compile discovered, as it is stored: paths as in `portable`, each once, sorted. Where a compile read one
    file twice and saw two contents, no digest is right, so the object is compiled again by the next build."""
    digests: dict[str, set[str]] = {}
    for file in discovered:
        digests.setdefault(portable(file.path, root, project), set()).add(file.digest)
    return tuple(
        [
            Discovered(path=path, digest=min(seen) if len(seen) == 1 else UNSTEADY)
            for path, seen in sorted(digests.items())
        ]
    )


UNSTEADY = "?"
"""The digest of an input that changed while one compile read it twice."""
