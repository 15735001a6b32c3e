"""Manifests and keys of all modules, made again where something that enters them changed.

What the entry for an import holds is the `invalidation` setting. `transitive`: the imported module's own key, so any
change below reaches everything above. `precise`: the deep interface of each imported name that occurs, so a changed
body behind an unchanged interface recompiles one module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from actors.digests import Digest
from actors.messages import Settings
from actors.planner import manifest
from actors.planner.deep import DeepInterfaces
from actors.planner.graph import Graph
from actors.planner.meanings import Target
from actors.planner.resolve import Resolved


class _Source(Protocol):
    path: str
    digest: Digest


_Inputs = tuple[Digest, str, Resolved, Digest, tuple[tuple[str, Digest], ...]]
"""Of a key: source, path, resolution, component, imports."""


class Keys:
    """`of` and `manifests` by module; a module has none while something that it imports could not be summarised.
    `components` are the digests of cycles, "" for a module that is in none. `identity_of` gives the identity of the
    toolchain that compiles the source at a path."""

    def __init__(self, identity_of: Callable[[str], Digest]) -> None:
        self._identity_of = identity_of
        self.of: dict[str, Digest] = {}
        self.manifests: dict[str, bytes] = {}
        self.components: dict[str, Digest] = {}
        self._inputs: dict[str, _Inputs] = {}
        self._meant: dict[str, tuple[Resolved, tuple[Target, ...]]] = {}
        self._made_for: tuple[object, ...] = ()

    def update(
        self,
        settings: Settings,
        sources: Mapping[str, _Source],
        resolved: Mapping[str, Resolved],
        graph: Graph,
        deep: DeepInterfaces,
    ) -> None:
        """Bring everything up to date with these."""
        made_for = (settings.target, tuple(sorted(settings.options.items())), settings.invalidation)
        before = self._inputs if made_for == self._made_for else {}
        old_keys, old_manifests = self.of, self.manifests
        self.of, self.manifests, self.components, self._inputs = {}, {}, {}, {}
        self._made_for = made_for
        for members in graph.components:
            if not _complete(members, graph, resolved, self.of):
                continue
            for member, now in self._looked_up(members, settings, sources, resolved, graph, deep):
                if before.get(member) == now:
                    self.of[member], self.manifests[member] = old_keys[member], old_manifests[member]
                else:
                    self._make(member, settings, now)

    def follow(
        self,
        before: dict[str, Digest],
        settings: Settings,
        sources: Mapping[str, _Source],
        resolved: Mapping[str, Resolved],
        graph: Graph,
        components: Iterable[tuple[str, ...]],
        deep: DeepInterfaces,
    ) -> None:
        """`before` are all keys as they were for these settings; make those of some `components` of the graph again,
        which stand in its order. All that they import must be resolved, or keep its key."""
        self.of, self.manifests, self.components, self._inputs = before.copy(), {}, {}, {}
        for members in components:
            for member, now in self._looked_up(members, settings, sources, resolved, graph, deep):
                self._make(member, settings, now)

    def _looked_up(
        self,
        members: tuple[str, ...],
        settings: Settings,
        sources: Mapping[str, _Source],
        resolved: Mapping[str, Resolved],
        graph: Graph,
        deep: DeepInterfaces,
    ) -> Iterator[tuple[str, _Inputs]]:
        """What the keys of a component's members are made of."""
        precise = settings.invalidation == "precise"
        component = "" if precise or len(members) == 1 else self._component(members, sources, graph)
        for member in members:
            source, meant = sources[member], resolved[member]
            imports: tuple[tuple[str, Digest], ...]
            if precise:
                imports = self.seen(member, meant, deep)
            else:
                imports = tuple([(one, self.of[one]) for one in graph.imports[member] if one not in members])
            self.components[member] = component
            now = self._inputs[member] = (source.digest, source.path, meant, component, imports)
            yield member, now

    def _component(self, members: tuple[str, ...], sources: Mapping[str, _Source], graph: Graph) -> Digest:
        outside = {target for member in members for target in graph.imports[member]} - set(members)
        named = [(member, sources[member].digest) for member in members]
        return manifest.component_digest(named, {target: self.of[target] for target in outside})

    def _make(self, member: str, settings: Settings, inputs: _Inputs) -> None:
        source, path, meant, component, imports = inputs
        made = manifest.encode(
            manifest.ObjectManifest(
                module=member,
                path=path,
                toolchain=self._identity_of(path),
                target=settings.target,
                options=settings.options,
                source=source,
                resolution=manifest.resolution_entries(meant.bindings, settings.invalidation),
                invalidation=settings.invalidation,
                component=component,
                imports=dict(imports),
            )
        )
        self.manifests[member] = made
        self.of[member] = manifest.key_of(made)

    def imported(self, module: str) -> tuple[tuple[str, Digest], ...]:
        """What the manifest's `imports` hold: of modules, or under `precise` of items."""
        return self._inputs[module][4]

    def seen(self, module: str, meant: Resolved, deep: DeepInterfaces) -> tuple[tuple[str, Digest], ...]:
        """The deep interfaces of what the module's names mean elsewhere."""
        return tuple([(f"{one}::{item}", deep.of((one, item))) for one, item in self._targets(module, meant)])

    def _targets(self, module: str, meant: Resolved) -> tuple[Target, ...]:
        """The items of other modules that the module's names mean, sorted."""
        known = self._meant.get(module)
        if known is None or known[0] is not meant:
            found = {(bound.module, bound.item) for bound in meant.bindings if bound.item and bound.module != module}
            known = self._meant[module] = (meant, tuple(sorted(found)))
        return known[1]


def _complete(
    members: tuple[str, ...], graph: Graph, resolved: Mapping[str, Resolved], keys: Mapping[str, Digest]
) -> bool:
    """Whether a component can have keys: its members are resolved, and what it imports has some."""
    for member in members:
        if member not in resolved:
            return False
        for target in graph.imports[member]:
            if target not in keys and target not in members:
                return False
    return True
