"""Manifests and keys: everything that an object, a program or an inference depends on, field by field.

An object depends on nothing but its manifest. Its key is the digest of the manifest's canonical JSON: fields in the
order below, sorted maps, no blanks. `docs/keys.md` says of every field why it is there; a test reads that table.
Never in a manifest: a time, an absolute path, an environment, an order of listing, a hash seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Binding, Summary
from actors.digests import Digest, digest
from actors.messages import BuildSettings
from actors.planner.deep import DeepInterfaces, Target
from actors.planner.resolve import Resolved

SCHEMA = 1
"""Raised whenever the meaning of a field, or of an object's bytes, changes: old entries then miss."""

INFERENCE_SCHEMA = 1

Resolution = tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...]
"""Scope, name, module, item, rest, and the candidates found absent."""


class ObjectManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a module's object depends on. Under `transitive`, `imports` holds the key of each imported module outside of
    the module's own component, and `component` the digest of that component ("" for a module that is in no cycle).
    Under `precise`, `imports` holds the deep interface digest of each item that an imported name means, by
    "module::item"; nothing else of a module can be seen from outside, so `component` is empty."""

    schema: int = SCHEMA
    kind: str = "object"
    module: str
    path: str
    toolchain: Digest
    target: str
    options: dict[str, str]
    source: Digest
    resolution: Resolution
    invalidation: str
    component: Digest
    imports: dict[str, Digest]


class ProgramManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a program depends on: its objects in link order, as (module, path, digest)."""

    schema: int = SCHEMA
    kind: str = "program"
    entry: str
    toolchain: Digest
    target: str
    options: dict[str, str]
    objects: tuple[tuple[str, str, Digest], ...]


class LinkManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What depends on a link alone: what it left for later ones, for the program of this key."""

    schema: int = SCHEMA
    kind: str = "link"
    program: Digest


_encoder = msgspec.json.Encoder(order="deterministic")
_pack = msgspec.msgpack.Encoder().encode


def encode(manifest: ObjectManifest | ProgramManifest | LinkManifest) -> bytes:
    """The canonical JSON. Maps are sorted; fields keep their order."""
    return _encoder.encode(manifest)


def key_of(encoded: bytes) -> Digest:
    """The key of an encoded manifest."""
    return digest(encoded)


def resolution_entries(bindings: Sequence[Binding], invalidation: str) -> Resolution:
    """A module's resolution table as it enters its manifest, sorted by scope and name. Under `precise` the candidates
    that were found absent are left out, and so are names that nothing has: every build resolves all names that may
    have another meaning, and what counts is the meaning."""
    if invalidation == "precise":
        kept = [bound for bound in bindings if bound.module or bound.failed]
        return tuple(sorted((bound.scope, bound.name, bound.module, bound.item, bound.rest, ()) for bound in kept))
    return tuple(
        sorted((bound.scope, bound.name, bound.module, bound.item, bound.rest, bound.absent) for bound in bindings)
    )


class KeyOrigin(NamedTuple):
    """What a key was made from. `imported` is what the manifest's `imports` hold: keys of modules, or under `precise`
    deep interfaces of items."""

    manifest: bytes
    imported: tuple[tuple[str, Digest], ...]


def of_object(
    toolchain: Digest,
    settings: BuildSettings,
    module: str,
    path: str,
    source: Digest,
    meant: Resolved,
    component: Digest,
    imported: Sequence[tuple[str, Digest]],
) -> bytes:
    """The manifest of a module's object, encoded."""
    return encode(
        ObjectManifest(
            module=module,
            path=path,
            toolchain=toolchain,
            target=settings.target,
            options=settings.options,
            source=source,
            resolution=resolution_entries(meant.bindings, settings.invalidation),
            invalidation=settings.invalidation,
            component=component,
            imports=dict(imported),
        )
    )


def component_digest(members: Sequence[tuple[str, Digest]], imports: Mapping[str, Digest]) -> Digest:
    """Of a cycle of modules: its members' (name, source digest) and the keys of what they import from outside. A module
    that imports one of them depends on all of them, because their keys cannot be made of one another."""
    return digest(_encoder.encode((SCHEMA, sorted(members), sorted(imports.items()))))


def made_for(settings: BuildSettings) -> tuple[object, ...]:
    """What of the settings enters keys."""
    return settings.target, tuple(sorted(settings.options.items())), settings.invalidation


def targets(module: str, meant: Resolved) -> list[Target]:
    """The items of other modules that a module's names mean, sorted."""
    return sorted({(bound.module, bound.item) for bound in meant.bindings if bound.item and bound.module != module})


def inference_key(
    toolchain: Digest, settings: BuildSettings, module: str, summary: Summary, meant: Resolved, written: DeepInterfaces
) -> Digest:
    """The digest of everything that `infer` sees of a module, but for places: its items as tokens, and what the names
    from outside mean, with the deep interfaces of that. These are the interfaces as `written`: another module's
    inferred item stands there with the whole text that decides it, so no inference waits for another."""
    items = [(item.name, item.kind, item.digest) for item in summary.items]
    names = [
        (bound.scope, bound.name, bound.module, bound.item, bound.rest, bound.failed)
        + ((written.of((bound.module, bound.item)),) if bound.item else ())
        for bound in meant.bindings
        if bound.module or bound.failed
    ]
    options = sorted(settings.options.items())
    return digest(_pack(("inference", INFERENCE_SCHEMA, toolchain, settings.target, options, module, items, names)))
