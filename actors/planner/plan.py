"""What a build leaves behind for the next one: a row for each module, and what came of it."""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest, are_digests, digest
from actors.messages import BuildSettings, InputFile
from actors.planner import keys
from actors.untrusted import UNREADABLE


class Row(msgspec.Struct, array_like=True, gc=False):
    """What is known of a module: a row of `table.py`, with a column for each layer. All of it is small, and enough to
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
    """A row as a build leaves it for the next one, with what came of it. `marks` tell which imports changed, and
    `traces` which of the things that its functions depend on (see reasons.py). `object` is "" where the module has none
    (it failed or was blocked), `inputs` are what its compile discovered (inputs.py). Every build reports the
    `warnings` again. It is part of a plan, so nothing changes it."""

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
    """The plan, or None where the bytes are none of ours."""
    try:
        plan = _decoder.decode(data)
    except UNREADABLE:
        return None
    # These two become names of files.
    names = [name for one in plan.modules.values() for name in (one.key, one.object)]
    names += plan.program_key, plan.program, plan.link_state, plan.link_program
    return plan if plan.version == PLAN_VERSION and are_digests(names) else None
