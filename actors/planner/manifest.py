"""Manifests and keys: everything that an object, or a program, depends on, field by field.

An object depends on nothing but its manifest. Its key is the digest of the manifest's canonical JSON: fields in the
order below, sorted maps, no blanks. `docs/keys.md` says of every field why it is there; a test reads that table.
Never in a manifest: a time, an absolute path, an environment, an order of listing, a hash seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.compiler.toolchain import Binding
from actors.digests import Digest, digest

SCHEMA = 1
"""Raised whenever the meaning of a field, or of an object's bytes, changes: old entries then miss."""


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


def component_digest(members: Sequence[tuple[str, Digest]], imports: Mapping[str, Digest]) -> Digest:
    """Of a cycle of modules: its members' (name, source digest) and the keys of what they import from outside. Who
    imports one of them depends on all of them, for none can be told apart by keys of one another."""
    return digest(_encoder.encode((SCHEMA, sorted(members), sorted(imports.items()))))
