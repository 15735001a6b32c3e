"""What the planner knows of a project, from one build to the next: sources, summaries, resolution, graph and keys.

Plain and synchronous. Each step does over again only what its inputs ask for, and is a pure function of them: after any
sequence of edits everything in here equals what a new `Knowledge` would make of the same sources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec import structs

from actors.compiler.toolchain import CompileJob, Inference, Interface, Signature, Summary
from actors.diagnostics import Diagnostic
from actors.digests import Digest, Stamp, digest
from actors.messages import Known, Reason, Settings, Source
from actors.planner import manifest, reasons
from actors.planner.deep import DeepInterfaces
from actors.planner.fingerprints import Fingerprint, Fingerprints
from actors.planner.graph import Graph
from actors.planner.inference import inference_key
from actors.planner.interfaces import interfaces
from actors.planner.keys import Keys
from actors.planner.meanings import Meanings
from actors.planner.resolve import Modules, Resolved, resolve
from actors.planner.state import Plan, PlannedModule

SOURCE_BUFFER_BYTES = 64 << 20
"""Sources kept between reading and compiling. Above it, workers read again, and compare digests."""


class SourceFile:
    """A source as this build sees it. `data` is None where it was not read, or did not fit the buffer; that of a module
    in memory is always there, for a worker could not read it again. `summary` is what its summary goes by: its path
    too, for what a text says (`super`) may depend on where it stands."""

    __slots__ = ("data", "digest", "error", "path", "size", "stamp", "summary")

    def __init__(
        self, path: str, digest: Digest, size: int, stamp: Stamp, data: bytes | None, error: Diagnostic | None
    ) -> None:
        self.path = path
        self.digest = digest
        self.size = size
        self.stamp = stamp
        self.data = data
        self.error = error
        self.summary = summary_name(digest, path)


def summary_name(source: Digest, path: str) -> str:
    return f"{source} {path}"


Surface = tuple[tuple[str, str, bool], ...]


class Knowledge:
    """`toolchain` is the identity of all toolchains of the project together; `identity_of` gives, for the path of a
    source, that of its own one, which is the one that enters its module's keys."""

    def __init__(self, toolchain: Digest, identity_of: Callable[[str], Digest] | None = None) -> None:
        self.toolchain = toolchain
        self.identity_of = identity_of or (lambda path: toolchain)
        self.sources: dict[str, SourceFile] = {}
        self.summaries: dict[str, Summary] = {}
        self.failures: dict[str, tuple[Diagnostic, ...]] = {}
        self.resolved: dict[str, Resolved] = {}
        self.graph = Graph({})
        self.inferences: dict[Digest, Inference] = {}
        """By what they were made from; see `inference.py`."""
        self.plan: Plan | None = None
        """What answers for the modules that were not looked at, if there are any."""
        self._keys = Keys(self.identity_of)
        self._modules = Modules({}, {})
        self._meanings = Meanings(self._modules, {})
        self._written = DeepInterfaces(self._meanings, {})
        self._signatures: dict[str, dict[str, Signature]] = {}
        self._deep = DeepInterfaces(self._meanings, {})
        self._changed: set[str] = set()
        """Modules that were resolved, or went, since keys were made."""
        self._inferring: set[str] = set()
        """Modules with inferred items."""
        self._fingerprints = Fingerprints(Settings(), self._meanings, self._deep)
        self._fingerprinted: dict[str, dict[str, Fingerprint]] = {}
        self._parts: dict[str, Digest] = {}
        self._inference_keys: dict[str, Digest] = {}
        self._resolved_from: dict[str, tuple[str, Surface | None]] = {}
        self._resolutions: dict[str, Digest] = {}
        self._invalidation = ""
        self._buffered = 0

    @property
    def looked(self) -> Iterable[str]:
        """The modules that this build has looked at: whatever is wrong with names is wrong in one of these."""
        return self.sources

    @property
    def touched(self) -> Iterable[str]:
        """The modules whose keys may be others than those of the last build."""
        return self._keys.of

    @property
    def as_before(self) -> Collection[str]:
        """Those of them that are known to be put together from the same `parts` as in the last build."""
        return ()

    def can_compile(self, module: str) -> bool:
        """Whether enough was looked at for a job of the module."""
        return module in self._keys.of

    @property
    def keys(self) -> dict[str, Digest]:
        """By module; one that has none is blocked."""
        return self._keys.of

    @property
    def manifests(self) -> dict[str, bytes]:
        return self._keys.manifests

    # ---- sources

    def take(
        self,
        unchanged: Iterable[Known],
        read: Iterable[Source],
        vanished: Iterable[str],
        held: Mapping[str, bytes] = {},
    ) -> bool:
        """Take over what a scan found. Returns whether any module appeared, went, or has other bytes. `held` are the
        texts of modules in memory: of one that is unchanged, the bytes that its digest names."""
        old = self.sources
        new: dict[str, SourceFile] = {}
        others = False
        self._buffered = 0
        for known in unchanged:
            module = known.module
            before = old.get(module)
            if before is not None and before.digest == known.digest and before.path == known.path:
                before.data = held.get(module)
                before.stamp = known.stamp
                new[module] = before
                others |= before.error is not None
            else:
                new[module] = SourceFile(known.path, known.digest, known.size, known.stamp, held.get(module), None)
                others = True
        for source in read:
            before, file = old.get(source.module), self._file(source)
            new[source.module] = file
            others |= before is None or (before.digest, before.path) != (file.digest, file.path)
            others |= file.error is not None
        for module in vanished:
            new.pop(module, None)
        same = new.keys() == old.keys()
        self.sources = {module: new[module] for module in old} if same else dict(sorted(new.items()))
        return others or not same

    def replace(self, source: Source) -> None:
        """One module's file holds other bytes than it was scanned with."""
        self.sources[source.module] = self._file(source)

    def _file(self, source: Source) -> SourceFile:
        self._buffered += len(source.data)
        data = source.data if source.in_memory or self._buffered <= SOURCE_BUFFER_BYTES else None
        return SourceFile(source.path, source.digest, len(source.data), source.stamp, data, source.error)

    def unsummarised(self) -> dict[str, SourceFile]:
        """Modules whose summary is neither known nor known to be impossible."""
        return {
            module: file
            for module, file in self.sources.items()
            if file.error is None and file.summary not in self.summaries and file.summary not in self.failures
        }

    def forget(self) -> None:
        """Drop what no module of this build needs: summaries of former texts, failures (always tried again)."""
        used = {file.summary for file in self.sources.values()}
        self.summaries = {name: summary for name, summary in self.summaries.items() if name in used}
        inferred = set(self._inference_keys.values())
        self.inferences = {key: found for key, found in self.inferences.items() if key in inferred}
        self.failures.clear()
        self._fingerprinted, self._parts = {}, {}
        for file in self.sources.values():
            file.data = None

    def summary(self, module: str) -> Summary | None:
        return self.summaries.get(self.sources[module].summary)

    def earlier_summary(self, module: str, plan: Plan | None) -> str:
        """What the summary goes by of what the module held when it was last summarised or built, "" if nobody knows."""
        if module in self._resolved_from:
            return self._resolved_from[module][0]
        planned = plan.modules.get(module) if plan else None
        return summary_name(planned.source, planned.path) if planned else ""

    # ---- resolution and graph

    def resolve(self) -> None:
        """Resolve every module whose own text, or whose view of the others, changed; and build the graph."""
        summaries = {module: self.summary(module) for module in self.sources}
        before = self._resolved_from
        surfaces: dict[str, tuple[str, Surface | None]] = {}
        for module, file in self.sources.items():
            known = before.get(module)
            if known is None or known[0] != file.summary or known[1] is None or summaries[module] is None:
                known = (file.summary, surface(summaries[module]))
            surfaces[module] = known
        self._modules = self._modules.followed_by(summaries, {name: file.path for name, file in self.sources.items()})
        stale = self._stale(surfaces)
        resolved: dict[str, Resolved] = {}
        for module, summary in summaries.items():
            if summary is None:
                continue
            if module not in stale:
                resolved[module] = self.resolved[module]
                continue
            resolved[module] = resolve(self._modules, module)
            self._resolutions.pop(module, None)
        self._draw(resolved, stale)
        self.resolved = resolved
        self._resolved_from = surfaces
        self._meanings.update(self._modules, resolved, stale)
        self._written.update({}, stale)
        self._changed |= stale

    def _stale(self, surfaces: dict[str, tuple[str, Surface | None]]) -> set[str]:
        """The modules to resolve (again), and those that went."""
        before = self._resolved_from
        if before.keys() != surfaces.keys():
            return {*before, *surfaces}
        shifted = {module for module, now in surfaces.items() if before[module][1] != now[1]}
        return {
            module
            for module, now in surfaces.items()
            if before[module][0] != now[0]
            or module not in self.resolved
            or self.resolved[module].findings  # They name lines of other modules, which move.
            or (shifted and not shifted.isdisjoint(self.resolved[module].looked_at))
        }

    def _draw(self, resolved: dict[str, Resolved], stale: set[str]) -> None:
        """The graph, where any module's imports are others."""
        old = self.resolved
        if self.graph.imports.keys() == self.sources.keys() and all(
            (module in old) == (module in resolved)
            and (module not in old or old[module].imports == resolved[module].imports)
            for module in stale
        ):
            return
        self.graph = Graph({module: resolved[module].imports if module in resolved else () for module in self.sources})

    def resolution_digest(self, module: str) -> Digest:
        found = self._resolutions.get(module)
        if found is None:
            entries = manifest.resolution_entries(self.resolved[module].bindings, self._invalidation)
            found = self._resolutions[module] = digest(repr(entries).encode())
        return found

    # ---- inference

    def uninferred(self, settings: Settings) -> dict[str, Digest]:
        """Modules that have inferred items, by the key of an inference that is not known yet."""
        self._inference_keys, self._signatures = {}, {}
        for module in self._changed:
            summary = self.summary(module) if module in self.sources else None
            inferred = summary is not None and any(item.inferred for item in summary.items)
            (self._inferring.add if inferred else self._inferring.discard)(module)
        for module in sorted(self._inferring & self.resolved.keys()):
            summary = self.summary(module)
            if summary is not None:
                own = self.identity_of(self.sources[module].path)
                key = inference_key(own, settings, module, summary, self.resolved[module], self._written)
                self._inference_keys[module] = key
        return {module: key for module, key in self._inference_keys.items() if key not in self.inferences}

    # ---- keys and fingerprints

    def make_keys(self, settings: Settings) -> None:
        """Manifests and keys of all modules that have a summary, imports before those who use them."""
        if settings.invalidation != self._invalidation:
            self._resolutions, self._invalidation = {}, settings.invalidation
        self._signatures = {
            module: self.inferences[key].signatures
            for module, key in self._inference_keys.items()
            if key in self.inferences
        }
        self._fingerprinted, self._parts = {}, {}
        self._deep.update(self._signatures, self._changed)
        self._changed = set()
        self._fingerprints = Fingerprints(settings, self._meanings, self._deep)
        self._keys.update(settings, self.sources, self.resolved, self.graph, self._deep)

    def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Of the module's items that have code, by name. Good for the keys that were made last."""
        found = self._fingerprinted.get(module)
        if found is None:
            summary = self.summary(module)
            signatures = self._signatures.get(module, {})
            own = self.identity_of(self.sources[module].path)
            found = self._fingerprints.of_module(own, module, summary, signatures) if summary else {}
            self._fingerprinted[module] = found
        return found

    def parts(self, module: str) -> Digest:
        """Names all that the module's object is put together from: its text and path, what its names mean and what can
        be seen of that, and what each of its functions is compiled from. While it stays, so does the object. "" where
        a function has no fingerprint."""
        parts = self._parts.get(module)
        if parts is None:
            summary, file = self.summary(module), self.sources[module]
            found = self.fingerprints(module)
            whole = summary is not None and found and len(found) == sum(item.code for item in summary.items)
            digests = [(name, one.digest) for name, one in found.items()]
            seen = self._keys.seen(module, self.resolved[module], self._deep)
            named = (module, file.path, file.digest, self.resolution_digest(module), seen, digests)
            parts = self._parts[module] = digest(repr(named).encode()) if whole else ""
        return parts

    # ---- jobs and reasons

    def job(self, module: str, settings: Settings) -> CompileJob:
        """Everything that a compile of a module sees, but for what may be reused. Names that nothing outside has are
        left out."""
        return self._job(module, settings, interfaces(self._meanings, module, self.resolved[module].bindings))

    def _job(self, module: str, settings: Settings, seen: dict[str, Interface]) -> CompileJob:
        file = self.sources[module]
        return CompileJob(
            module=module,
            path=file.path,
            source=file.data or b"",
            resolution=tuple([bound for bound in self.resolved[module].bindings if bound.module or bound.failed]),
            interfaces=seen,
            options=settings.options,
            summary=self.summary(module),
            signatures=self._signatures.get(module, {}),
        )

    def reason(self, module: str, plan: Plan | None, settings: Settings, settings_digest: Digest) -> Reason:
        """Why a module is compiled, as the difference to the last finished build."""
        if settings.force:
            return reasons.FORCED
        if plan is None:
            return Reason(kind="first")
        before = plan.modules.get(module)
        if before is None or not before.key:
            return Reason(kind="new")
        if plan.toolchain != self.toolchain:
            return Reason(kind="toolchain", fields=("toolchain",))
        if plan.settings != settings_digest:
            return Reason(kind="options", fields=("options",))
        return reasons.module_reason(
            before,
            self.sources[module].digest,
            self.resolution_digest(module),
            self._keys.components[module],
            self._keys.imported(module),
        )

    def planned(
        self,
        module: str,
        before: PlannedModule | None,
        object_digest: Digest,
        duration_ms: float,
        functions: int,
        warnings: tuple[Diagnostic, ...],
    ) -> PlannedModule:
        """What the next build needs to know of a module. `before` is what this one knew."""
        key = self.keys.get(module, "")
        meant = self.resolved.get(module)
        imports, looked_at = (meant.imports, tuple(sorted(meant.looked_at))) if meant else ((), ())
        if before is not None and key and _same(before, key, object_digest, duration_ms, functions, warnings):
            if (before.imports, before.looked_at) == (imports, looked_at):
                return before
            return structs.replace(before, imports=imports, looked_at=looked_at)
        if before is not None and before.key == key:
            marks, traces, parts, face = before.marks, before.traces, before.parts, before.face
        elif key:
            marks = reasons.marks(self._keys.imported(module))
            parts = self.parts(module)
            if before is not None and parts and before.parts == parts:
                traces, face = before.traces, before.face
            else:
                traces, face = reasons.traces(self.fingerprints(module)), self._written.face(module)
        else:
            marks, traces, parts, face = b"", b"", "", ""
        return PlannedModule(
            path=self.sources[module].path,
            source=self.sources[module].digest,
            resolution=self.resolution_digest(module) if module in self.resolved else "",
            component=self._keys.components.get(module, ""),
            marks=marks,
            traces=traces,
            key=key,
            object=object_digest,
            duration_ms=duration_ms,
            functions=functions,
            warnings=warnings,
            parts=parts,
            face=face,
            imports=imports,
            looked_at=looked_at,
        )


def _same(
    before: PlannedModule,
    key: Digest,
    object_digest: Digest,
    duration_ms: float,
    functions: int,
    warnings: tuple[Diagnostic, ...],
) -> bool:
    """Whether there is nothing new to say of a module: its key covers its text, its path and its resolution."""
    return (before.key, before.object, before.duration_ms, before.functions, before.warnings) == (
        key,
        object_digest,
        duration_ms,
        functions,
        warnings,
    )


def surface(summary: Summary | None) -> Surface | None:
    """What others' resolution can see of a module: its items' names, kinds and visibility, and what it re-exports.
    None for a module without a summary."""
    if summary is None:
        return None
    own = [(item.name, item.kind, item.public) for item in summary.items]
    passed_on = [("::".join(use.path), f"use {use.scope} {use.alias}", use.glob) for use in summary.uses if use.public]
    return tuple(own + passed_on)
