"""The closed list of what happens in a build. Progress, `--json`, traces and tests all read this one stream.

Events are emitted synchronously and never block an actor: see `Events` in `actors.system` for subscribers and rings.
"""

from __future__ import annotations

from typing import Union

import msgspec

from actors.diagnostics import Diagnostic
from actors.digests import Digest


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_dashed):
    """`build` numbers the builds of one Project, from 1."""

    build: int


class BuildStarted(_Event, frozen=True):
    profile: str
    invalidation: str
    jobs: int


class SourcesScanned(_Event, frozen=True):
    """`total` modules were found, `changed` of them have another stamp than in the snapshot, `removed` are gone."""

    total: int
    changed: int
    removed: int


class FileSkipped(_Event, frozen=True):
    """A file with the toolchain's extension was left out; `reason` says why."""

    file: str
    reason: str


class SourceRead(_Event, frozen=True):
    """A source's bytes were read; `size` in bytes. `changed` is False where the digest turned out the same."""

    module: str
    digest: Digest
    size: int
    changed: bool


class ModuleSummarised(_Event, frozen=True):
    module: str
    duration_ms: float


class GraphResolved(_Event, frozen=True):
    """One pass over the graph is done: `modules` nodes, `edges`, `components` strongly connected components."""

    modules: int
    edges: int
    components: int


class CacheHit(_Event, frozen=True):
    """`kind` is "object" or "program"."""

    module: str
    key: Digest
    kind: str


class CacheMiss(_Event, frozen=True):
    """`kind` is "object" or "program"; `late` where the row was there and the bytes were not."""

    module: str
    key: Digest
    kind: str
    late: bool = False


class CompileStarted(_Event, frozen=True):
    module: str
    slot: int


class CompileFinished(_Event, frozen=True):
    module: str
    slot: int
    duration_ms: float
    compiled_functions: int
    reused_functions: int


class ModuleFailed(_Event, frozen=True):
    module: str
    errors: int


class ModuleBlocked(_Event, frozen=True):
    """`by` is the failed module that it depends on."""

    module: str
    by: str


class InputChanged(_Event, frozen=True):
    """A source changed between being hashed and being compiled; the module is planned again."""

    module: str


class DiagnosticFound(_Event, frozen=True):
    diagnostic: Diagnostic


class ObjectStored(_Event, frozen=True):
    module: str
    key: Digest
    digest: Digest
    size: int


class NondeterministicToolchain(_Event, frozen=True):
    """The same key was compiled to other bytes than the cache holds. The first object stays."""

    module: str
    key: Digest
    kept: Digest
    refused: Digest


class EntryQuarantined(_Event, frozen=True):
    """A file of the cache failed its check and was moved aside."""

    file: str
    reason: str


class EntriesEvicted(_Event, frozen=True):
    count: int
    freed_bytes: int


class CacheDegraded(_Event, frozen=True):
    """The build goes on without the cache (or without a part of it). Said once a build."""

    reason: str


class CacheTooSmall(_Event, frozen=True):
    """What this build uses does not fit the size limit; `needed_bytes` would."""

    limit_bytes: int
    needed_bytes: int


class LinkStarted(_Event, frozen=True):
    modules: int


class ProgramLinked(_Event, frozen=True):
    digest: Digest
    size: int
    duration_ms: float


class ProgramWritten(_Event, frozen=True):
    """`file` is the path of the output, relative to the project."""

    file: str
    digest: Digest


class BuildCancelled(_Event, frozen=True):
    pass


class BuildFinished(_Event, frozen=True):
    """The fields of `BuildResult`."""

    success: bool
    compiled_modules: int
    cache_hits: int
    duration_ms: float
    recompiled: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    recompiled_functions: tuple[str, ...] = ()
    cached_functions: int = 0
    program: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    reasons: dict[str, str] = msgspec.field(default_factory=dict)
    cache_degraded: str | None = None


class EventsLost(_Event, frozen=True):
    """A subscriber was too slow: `count` events before this one were dropped for it."""

    count: int


Event = Union[
    BuildStarted, SourcesScanned, FileSkipped, SourceRead, ModuleSummarised, GraphResolved, CacheHit, CacheMiss,
    CompileStarted, CompileFinished, ModuleFailed, ModuleBlocked, InputChanged, DiagnosticFound, ObjectStored,
    NondeterministicToolchain, EntryQuarantined, EntriesEvicted, CacheDegraded, CacheTooSmall, LinkStarted, ProgramLinked,
    ProgramWritten, BuildCancelled, BuildFinished, EventsLost,
]  # fmt: skip
