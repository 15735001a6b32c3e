"""The rows of facts: their columns, the texts that they are made of, the one rule of what a change reaches,
and the plan.

`READERS` says which layers read which; docs/facts.md says why. `Table.changed` is the only place that makes rows dirty
because others changed, and it knows nothing but `READERS`. The plan is what a build leaves behind for the next one: all
rows, and the result of each module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest, Stamp, are_digests, digest
from actors.messages import BuildSettings, InputFile, KnownSource, Source
from actors.planner import keys
from actors.planner.graph import Graph
from actors.untrusted import UNREADABLE


class Row(msgspec.Struct, array_like=True, gc=False):
    """What is known of one module, with a column for each layer. All of it is small, and enough to
    find out what an edit reaches. The values themselves (summaries, resolutions) are obtained when they are needed.

    The text that it was made from: `source` and `path`. Surface: `surface` names what others can see of the items,
    `statements` is the line of the first statement at top level (0 for none). Resolution: `imports` and `looked_at` as
    in `Resolved`, and `resolution`, the digest of the table as it enters keys ("": not made yet). `face`: what of the
    items others' keys depend on (`DeepInterfaces.face`). `inferred` names the signatures that were inferred. `key` (""
    while it has none) and `component`. `parts` names what the object is put together from ("" where that is not
    known)."""

    path: str = ""
    source: Digest = ""
    surface: bytes = b""
    statements: int = 0
    imports: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    resolution: Digest = ""
    face: Digest = ""
    inferred: bytes = b""
    component: Digest = ""
    key: Digest = ""
    parts: Digest = ""


class PlannedModule(Row, array_like=True, gc=False):
    """A row as a build leaves it for the next one, with the module's result. `marks` tell which imports changed, and
    `traces` which of the things that its functions depend on (see reports.py). `object` is "" where the module has none
    (it failed or was blocked), `inputs` are what its compile discovered (`Inputs`). Every build reports the `warnings`
    again. It is part of a plan, so nothing changes it."""

    marks: bytes = b""
    traces: bytes = b""
    object: Digest = ""
    duration_ms: float = 0.0
    functions: int = 0
    warnings: tuple[Diagnostic, ...] = ()
    inputs: tuple[Discovered, ...] = ()


class Plan(msgspec.Struct, frozen=True, array_like=True):
    """The graph, resolution and keys of the last finished build, by module. `settings` is the digest of everything else
    that enters keys; `program` the digest of the program, and `program_key` its key ("" for none). `link_state` is the
    digest of what a link left for later ones, and `link_program` that of the program it made ("" for none).
    `inputs` are all inputs of all objects, with the stamps by which the next build knows them again."""

    version: int
    toolchain: Digest
    settings: Digest
    modules: dict[str, PlannedModule]
    program_key: Digest = ""
    program: Digest = ""
    succeeded: bool = False
    link_state: Digest = ""
    link_program: Digest = ""
    inputs: tuple[InputFile, ...] = ()


def settings_digest(settings: BuildSettings) -> Digest:
    """Names everything beside the sources and the toolchain that enters keys or decides about the program; the schema
    of manifests too, so that a plan of an older one is none."""
    options = sorted(settings.options.items())
    return digest(msgspec.json.encode((keys.SCHEMA, settings.target, options, settings.invalidation, settings.entry)))


PLAN_VERSION = 6
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Plan)


def encode_plan(plan: Plan) -> bytes:
    return _encoder.encode(plan)


def decode_plan(data: bytes) -> Plan | None:
    """The plan; None where the bytes are no plan of this version."""
    try:
        plan = _decoder.decode(data)
    except UNREADABLE:
        return None
    # These two become names of files.
    names = [name for row in plan.modules.values() for name in (row.key, row.object)]
    names += plan.program_key, plan.program, plan.link_state, plan.link_program
    return plan if plan.version == PLAN_VERSION and are_digests(names) else None


SOURCE_BUFFER_BYTES = 64 << 20
"""Sources kept between reading and compiling. Above it, workers read again, and compare digests."""


class SourceFile:
    """A source as this build sees it. `data` is None where it was not read, or did not fit the buffer; that of a module
    in memory is always there, because a worker could not read it again."""

    __slots__ = ("data", "digest", "error", "path", "size", "stamp")

    def __init__(
        self, path: str, digest: Digest, size: int, stamp: Stamp, data: bytes | None, error: Diagnostic | None
    ) -> None:
        self.path = path
        self.digest = digest
        self.size = size
        self.stamp = stamp
        self.data = data
        self.error = error

    @property
    def summary(self) -> str:
        """What its summary goes by in the index."""
        return summary_name(self.digest, self.path)

    def says_the_same(self, other: SourceFile) -> bool:
        """Whether both have one text in one place, and neither is an error: an error is never taken as known."""
        return (self.digest, self.path) == (other.digest, other.path) and not self.error and not other.error


def summary_name(source: Digest, path: str) -> str:
    """The path is in it because what a text says (`super`) may depend on where it stands."""
    return f"{source} {path}"


class SourceTable:
    """The sources of a project as this build sees them: `files` by module, sorted."""

    def __init__(self) -> None:
        self.files: dict[str, SourceFile] = {}
        self._buffered = 0

    def take(
        self,
        unchanged: Iterable[KnownSource],
        read: Iterable[Source],
        vanished: Iterable[str],
        held: Mapping[str, bytes],
    ) -> set[str]:
        """Takes over what a scan found. Returns the modules that appeared, went, or have another text. `held` are the
        texts of modules in memory: of one that is unchanged, the bytes that its digest names."""
        # A file that is as before keeps its object, because an open Project compares these often. Where no module came
        # or went, the order of the modules is kept too, which spares sorting.
        old, new = self.files, dict[str, SourceFile]()
        others: set[str] = set()
        self._buffered = 0
        for known in unchanged:
            module = known.module
            before = old.get(module)
            if before is not None and before.digest == known.digest and before.path == known.path and not before.error:
                before.data = held.get(module)
                before.stamp = known.stamp
                new[module] = before
            else:
                new[module] = SourceFile(known.path, known.digest, known.size, known.stamp, held.get(module), None)
                others.add(module)
        for source in read:
            before, file = old.get(source.module), self._file(source)
            new[source.module] = file
            if before is None or not before.says_the_same(file):
                others.add(source.module)
        for module in vanished:
            new.pop(module, None)
        if new.keys() == old.keys():
            self.files = {module: new[module] for module in old}
            return others
        self.files = dict(sorted(new.items()))
        return others | (old.keys() ^ new.keys())

    def replace(self, source: Source) -> None:
        """One module's file holds other bytes than it was scanned with."""
        self.files[source.module] = self._file(source)

    def _file(self, source: Source) -> SourceFile:
        self._buffered += len(source.data)
        data = source.data if source.in_memory or self._buffered <= SOURCE_BUFFER_BYTES else None
        return SourceFile(source.path, source.digest, len(source.data), source.stamp, data, source.error)


class Layer(IntEnum):
    """In the order in which they are made. Before them come what they are made from: a module's text, the names of all
    modules, the settings."""

    TEXT = 0
    NAMES = 1
    SETTINGS = 2
    SURFACE = 3
    RESOLUTION = 4
    FACE = 5
    INFERENCE = 6
    KEY = 7
    PARTS = 8


class Reach(Enum):
    """Which modules' rows are reached by a change: the same modules', those that looked at one of them, those that
    depend on one of them at any depth, those that import one of them, or all."""

    OWN = 0
    LOOKERS = 1
    ABOVE = 2
    IMPORTERS = 3
    ALL = 4


READERS: dict[Layer, tuple[tuple[Layer, Reach], ...]] = {
    Layer.TEXT: (
        (Layer.SURFACE, Reach.OWN),
        (Layer.RESOLUTION, Reach.OWN),
        (Layer.FACE, Reach.OWN),
        (Layer.INFERENCE, Reach.OWN),
        (Layer.KEY, Reach.OWN),
        (Layer.PARTS, Reach.OWN),
    ),
    # A module that appears, or goes, may be what any path means.
    Layer.NAMES: ((Layer.RESOLUTION, Reach.ALL),),
    Layer.SETTINGS: ((Layer.INFERENCE, Reach.ALL), (Layer.KEY, Reach.ALL), (Layer.PARTS, Reach.ALL)),
    Layer.SURFACE: ((Layer.RESOLUTION, Reach.LOOKERS),),
    Layer.RESOLUTION: (
        (Layer.FACE, Reach.OWN),
        (Layer.INFERENCE, Reach.OWN),
        (Layer.KEY, Reach.OWN),
        (Layer.PARTS, Reach.OWN),
    ),
    # Deep interfaces are closed over what they drag in, so a face is read by everything above it.
    Layer.FACE: ((Layer.INFERENCE, Reach.ABOVE), (Layer.KEY, Reach.ABOVE), (Layer.PARTS, Reach.ABOVE)),
    Layer.INFERENCE: ((Layer.KEY, Reach.ABOVE), (Layer.PARTS, Reach.ABOVE)),
    Layer.KEY: ((Layer.KEY, Reach.IMPORTERS),),
    Layer.PARTS: (),
}
"""Which layers read a layer, and of which modules."""


class Need(NamedTuple):
    """What must be at hand before an update can go on: summaries of modules, inferences by module with their keys."""

    summaries: Mapping[str, SourceFile] = {}
    inferences: Mapping[str, Digest] = {}


class Table:
    """The rows of all modules, and which of them must be made again.

    `rows` has the columns by module, `dirty` the modules whose column must be made again, by layer: after an update
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
            self._graph = Graph(
                {module: self.rows[module].imports if module in self.rows else () for module in self.files}
            )
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
            readers = reached.get(reach)
            if readers is None:
                readers = reached[reach] = self.reached(reach, modules)
            self.dirty[reader] |= readers
            if reader is Layer.PARTS:
                for watcher in self.watchers:
                    watcher(readers)

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
