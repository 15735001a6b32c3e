"""How a build ended. The one list of its fields: the answer of the planner, the result of the API and the last event
are all made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from actors.diagnostics import Diagnostic

Program = TypeVar("Program")


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why a module or a function was compiled (or would be). `kind` is one of: "new" (no earlier build knows it),
    "source" (its text changed), "import" (what the module imports changed), "reference" (what a name in the function
    means, or the interface of that, changed), "resolution" (a name means something else), "toolchain", "options",
    "forced", "missing" (the cache no longer has it), "input" (a file that its compile discovered changed, appeared or
    vanished), "first" (no earlier build). `fields` name the fields of the manifest, or of what the fingerprint is made
    from, that differ; `via` what changed and arrived here: imported modules, under `precise` the items
    ("module::item"); for "input" the files; for a function, names as they occur in it."""

    kind: str
    fields: tuple[str, ...] = ()
    via: tuple[str, ...] = ()


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An object or a program (`kind`) that is not what a fresh build makes of the same manifest (JSON). `what` says
    where the bytes begin to differ."""

    module: str
    kind: str
    what: str
    manifest: str


class ResultFields(msgspec.Struct, frozen=True, kw_only=True):
    """What `Result` and `BuildFinished` share, in the order in which `--json` prints it. A new field stands here, and
    nowhere else. The three of type `object` are narrowed by each of the two.

    Lists of modules are sorted. `compiled_modules` is a count, `recompiled` the modules whose key missed (even if every
    function in them was reused). A function is named "shapes/circle::area" or "main::<top>".
    """

    success: bool
    compiled_modules: int
    cache_hits: int
    duration_ms: float
    recompiled: list[str] = msgspec.field(default_factory=list)
    failed: list[str] = msgspec.field(default_factory=list)
    blocked: list[str] = msgspec.field(default_factory=list)
    recompiled_functions: list[str] = msgspec.field(default_factory=list)
    cached_functions: int = 0
    program: object = None
    """The absolute path. None where the build failed, or nothing is the entry."""
    diagnostics: list[Diagnostic] = msgspec.field(default_factory=list)
    reasons: Mapping[str, object] = msgspec.field(default_factory=dict)
    """Why each module, and each function, was compiled, by its name."""
    cache_degraded: str | None = None
    """Why the build went on without the cache, or a part of it. None: the cache worked."""
    cache_needed_bytes: int = 0
    """Not 0: the cache's `max_size` is too small for this build alone, and this would do."""
    verified: int = 0
    """How many objects were compiled again with nothing reused, and compared."""
    differences: object = 0
    """The objects, and the program, that are not what a fresh build makes. Where there are any, the build failed."""


class Result(ResultFields, Generic[Program], frozen=True, kw_only=True):
    """How a build ended. `Program` is what stands for a path: text in the engine, `Path` in the API."""

    program: Program | None = None
    reasons: dict[str, Reason] = msgspec.field(default_factory=dict)
    differences: list[Difference] = msgspec.field(default_factory=list)
    verify_seed: int = 0
    """Decided which objects were verified."""
