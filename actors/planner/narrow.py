"""After a small edit: what the planner knows of the modules that the edit reaches, and of no others.

The plan of the last build answers for all other modules: for what they import, for their keys and their objects. So the
work grows with the edit and what is built upon it, and a new process loads the summaries of changed modules and of
their neighbours alone. Everything in here equals what a `Knowledge` of the whole project would say; a property test
holds that (`tests/actors/planner/test_narrow.py`).

Which modules those are is found out on the way. Whatever looks at a module that is not at hand raises
`NotAtHandError`, and is done again when it is there. What is no plain edit (`TooFarError`) is left to the whole
`Knowledge`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from actors.compiler.toolchain import CompileJob, Interface, Signature, Summary
from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.messages import Settings
from actors.planner.fingerprints import Fingerprints
from actors.planner.graph import Graph
from actors.planner.interfaces import interfaces
from actors.planner.knowledge import Knowledge, SourceFile, summary_name, surface
from actors.planner.resolve import Modules, Resolved, resolve
from actors.planner.state import Plan, PlannedModule

MOST_EDITED = 64
"""With more modules edited than this, all are looked at."""


class NotAtHandError(Exception):
    """The summaries of these modules, or (`inferred`) their inferred signatures too, are needed first."""

    def __init__(self, modules: Iterable[str], *, inferred: bool = False) -> None:
        super().__init__(modules)
        self.modules = frozenset(modules)
        self.inferred = inferred


class TooFarError(Exception):
    """The plan cannot answer for enough modules."""


class _Signatures(Mapping[str, Mapping[str, Signature]]):
    """The inferred signatures of modules that were looked at."""

    def __init__(self, found: Mapping[str, Mapping[str, Signature]]) -> None:
        self._found = found

    def __getitem__(self, module: str) -> Mapping[str, Signature]:
        if module not in self._found:
            raise NotAtHandError((module,), inferred=True)
        return self._found[module]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class _Resolutions(Mapping[str, Resolved]):
    """The resolutions of all modules, found when they are asked for."""

    def __init__(self, sources: Mapping[str, SourceFile], find: Callable[[str], Resolved]) -> None:
        self._sources = sources
        self._find = find

    def __getitem__(self, module: str) -> Resolved:
        return self._find(module)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


class _Summaries(Mapping[str, Summary | None]):
    """The summaries of all modules by name, of which some are at hand."""

    def __init__(self, sources: Mapping[str, SourceFile], summaries: Mapping[str, Summary]) -> None:
        self._sources = sources
        self._summaries = summaries

    def __getitem__(self, module: str) -> Summary:
        found = self._summaries.get(self._sources[module].summary)
        if found is None:
            raise NotAtHandError((module,))
        return found

    def __contains__(self, module: object) -> bool:
        return module in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def edited(sources: Mapping[str, SourceFile], plan: Plan) -> frozenset[str] | None:
    """The modules whose text is another than the plan's, where that is all that differs and they are few."""
    planned = plan.modules
    if len(planned) != len(sources):
        return None
    found = []
    for module, file in sources.items():
        before = planned.get(module)
        if before is None or before.path != file.path or file.error is not None:
            return None
        if before.source != file.digest:
            found.append(module)
            if len(found) > MOST_EDITED:
                return None
    return frozenset(found) if found else None


class Narrow(Knowledge):
    """`whole` gives the sources, and shares what is derived from single texts. `plan` is that of a build which
    succeeded, with the same modules, toolchain and settings; `changed` are the modules that it does not answer for.
    `graph` is the plan's, where somebody has it."""

    def __init__(
        self, whole: Knowledge, plan: Plan, changed: frozenset[str], settings: Settings, graph: Graph | None
    ) -> None:
        super().__init__(whole.toolchain, whole.identity_of)
        self.sources, self.summaries = whole.sources, whole.summaries
        self.failures, self.inferences = whole.failures, whole.inferences
        self.plan = self._plan = plan
        self._edited = changed
        self._settings = settings
        self._invalidation = settings.invalidation
        self._wanted = set(changed).union(*(plan.modules[module].looked_at for module in changed))
        self._also: set[str] = set()
        """Modules that the edit does not reach, and that are inferred all the same."""
        self._asked_for: set[str] = set()
        """Modules of which is known what is inferred in them. Others may be resolved, for a name led there."""
        self._reached: frozenset[str] = frozenset()
        """Modules whose keys the edit may change."""
        self._as_before: frozenset[str] = frozenset()
        self._interfaces: dict[str, dict[str, Interface]] = {}
        self._modules = Modules(_Summaries(self.sources, self.summaries), _Paths(self.sources))
        self.graph = graph or Graph({module: planned.imports for module, planned in plan.modules.items()})
        self._touched: list[str] = []

    @property
    def looked(self) -> Iterable[str]:
        return self.resolved

    @property
    def touched(self) -> Iterable[str]:
        return self._touched

    @property
    def as_before(self) -> Collection[str]:
        return self._as_before

    def can_compile(self, module: str) -> bool:
        return module in self._interfaces

    def look_at(self, missing: NotAtHandError) -> None:
        """Take these in as well. Raises TooFarError where all would be had as cheaply."""
        self._wanted |= missing.modules
        if missing.inferred:
            self._also |= missing.modules
            self._wanted.update(*[self._plan.modules[module].looked_at for module in missing.modules])
        self._check(len(self._wanted))

    def _check(self, count: int) -> None:
        if 2 * count > len(self.sources) + MOST_EDITED:
            raise TooFarError

    def unsummarised(self) -> dict[str, SourceFile]:
        files = {module: self.sources[module] for module in sorted(self._wanted & self.sources.keys())}
        return {
            module: file
            for module, file in files.items()
            if file.summary not in self.summaries and file.summary not in self.failures
        }

    def earlier_summary(self, module: str, plan: Plan | None) -> str:
        planned = self._plan.modules[module]
        return summary_name(planned.source, planned.path)

    def forget(self) -> None:
        for module in self._edited:
            self.sources[module].data = None
            if self.earlier_summary(module, None) != self.sources[module].summary:
                self.summaries.pop(self.earlier_summary(module, None), None)
        self.failures.clear()

    # ---- resolution and graph

    def resolve(self) -> None:
        """Resolve what the edit reaches. Raises NotAtHandError, TooFarError."""
        if any(self.summary(module) is None for module in self._edited):
            raise TooFarError
        stale = self._edited | self._lookers()
        self._resolve(stale)
        self._meanings.update(self._modules, _Resolutions(self.sources, self._resolution), ())
        imports = {module: self.resolved[module].imports for module in stale}
        if any(imports[module] != self.graph.imports[module] for module in stale):
            self.graph = Graph({**self.graph.imports, **imports})
        seen = frozenset(self.graph.transitive_dependents(self._spreading(stale))) | stale
        if self._invalidation == "precise":
            self._reached = seen
        else:
            self._reached = frozenset(self.graph.transitive_dependents(stale)) | stale
            planned = self._plan.modules
            kept = self._reached - seen - self._also
            self._as_before = frozenset([one for one in kept if planned[one].parts and planned[one].object])
        self._check(len(self._reached))
        self._resolve(self._reached | self._also)
        self._changed = self.resolved.keys() - self._as_before

    def _lookers(self) -> set[str]:
        """The modules whose resolution may be another: those that looked at a module which offers others something
        else now."""
        shifted = set()
        for module in self._edited:
            before = self.summaries.get(self.earlier_summary(module, None))
            if before is None or surface(before) != surface(self.summary(module)):
                shifted.add(module)
        if not shifted:
            return set()
        return {module for module, one in self._plan.modules.items() if not shifted.isdisjoint(one.looked_at)}

    def _resolve(self, modules: Iterable[str]) -> None:
        missing: set[str] = set()
        for module in sorted(modules):
            try:
                self._resolution(module)
            except NotAtHandError as more:
                missing |= more.modules
        if missing:
            raise NotAtHandError(missing)

    def _resolution(self, module: str) -> Resolved:
        found = self.resolved.get(module)
        if found is None:
            try:
                found = resolve(self._modules, module)
            except NotAtHandError as more:
                raise NotAtHandError(more.modules.union(self._plan.modules[module].looked_at)) from None
            if found.findings:
                raise TooFarError
            self.resolved[module] = found
        return found

    def _spreading(self, stale: frozenset[str]) -> Iterable[str]:
        """Of these modules those whose change can be seen by the modules above."""
        return [module for module in sorted(stale) if self._written.face(module) != self._plan.modules[module].face]

    def uninferred(self, settings: Settings) -> dict[str, Digest]:
        """Raises NotAtHandError."""
        self._asked_for = set(self._changed)
        found = super().uninferred(settings)
        for module in found:
            self._see(module)
        return found

    # ---- keys

    def make_keys(self, settings: Settings) -> None:
        """Raises NotAtHandError."""
        self._signatures = {
            module: self.inferences[key].signatures
            for module, key in self._inference_keys.items()
            if key in self.inferences
        }
        known: dict[str, Mapping[str, Signature]] = {
            module: self._signatures.get(module, {}) for module in self._asked_for
        }
        self._deep.update(_Signatures(known), ())
        self._fingerprints = Fingerprints(settings, self._meanings, self._deep)
        before = {module: planned.key for module, planned in self._plan.modules.items()}
        inner = self.graph.among(self._reached)
        self._keys.follow(before, settings, self.sources, self.resolved, self.graph, inner.components, self._deep)
        keys = self._keys.of
        self._touched = [module for module in sorted(self._reached) if keys[module] != before[module]]
        for module in self._touched:
            if module not in self._as_before:
                self.parts(module)
                self._see(module)

    def parts(self, module: str) -> Digest:
        return self._plan.modules[module].parts if module in self._as_before else super().parts(module)

    def resolution_digest(self, module: str) -> Digest:
        known = module in self._as_before
        return self._plan.modules[module].resolution if known else super().resolution_digest(module)

    # ---- jobs and reasons

    def job(self, module: str, settings: Settings) -> CompileJob:
        return self._job(module, settings, self._interfaces[module])

    def _see(self, module: str) -> None:
        """Whatever a job of the module holds is found before it is asked for, while more can be taken in."""
        self._interfaces[module] = interfaces(self._meanings, module, self.resolved[module].bindings)

    def planned(
        self,
        module: str,
        before: PlannedModule | None,
        object_digest: Digest,
        duration_ms: float,
        functions: int,
        warnings: tuple[Diagnostic, ...],
    ) -> PlannedModule:
        if module in self.resolved:
            return super().planned(module, before, object_digest, duration_ms, functions, warnings)
        planned = self._plan.modules[module]  # It is blocked by one that failed.
        return planned if object_digest else planned.without_object()


class _Paths(Mapping[str, str]):
    def __init__(self, sources: Mapping[str, SourceFile]) -> None:
        self._sources = sources

    def __getitem__(self, module: str) -> str:
        return self._sources[module].path

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
