"""Why something is compiled: the difference, field by field, to what the last finished build was made from."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from actors.digests import Digest
from actors.planner.facts import Facts
from actors.planner.fingerprints import TRACE_BYTES, Fingerprint
from actors.planner.plan import Plan, PlannedModule
from actors.result import Reason
from actors.untrusted import UNREADABLE

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode
_OF_THE_WHOLE = ("forced", "first", "new", "toolchain", "options")
FORCED = Reason(kind="forced")
MISSING = Reason(kind="missing")


def marks(imports: Iterable[tuple[str, Digest]]) -> bytes:
    """What a module's imports were, in short: enough to tell which of them changed."""
    return b"".join([_mark(entry) for entry in imports])


def traces(fingerprints: dict[str, Fingerprint]) -> bytes:
    """What a module's functions were made from, in short."""
    return _encode({name: one.trace for name, one in fingerprints.items()})


def reason(facts: Facts, module: str, plan: Plan | None, settings_now: Digest) -> Reason:
    """Why a module is compiled: the difference to the last finished build. `settings_now` is the digest of all settings
    that enter keys."""
    if facts.settings.force:
        return FORCED
    if plan is None:
        return Reason(kind="first")
    before = plan.modules.get(module)
    if before is None or not before.key:
        return Reason(kind="new")
    if plan.toolchain != facts.toolchain:
        return Reason(kind="toolchain", fields=("toolchain",))
    if plan.settings != settings_now:
        return Reason(kind="options", fields=("options",))
    return _module_reason(before, facts, module)


def _module_reason(before: PlannedModule, facts: Facts, module: str) -> Reason:
    """Why a module's key is another one, although toolchain and options are the same."""
    row = facts.rows[module]
    fields = []
    if before.source != row.source:
        fields.append("source")
    if before.resolution != facts.resolution_digest(module):
        fields.append("resolution")
    known = _cut(before.marks)
    via = tuple(name for name, digest in facts.made[module].imported if _mark((name, digest)) not in known)
    if via:
        fields.append("imports")
    if before.component != row.component:
        fields.append("component")
    inputs = facts.inputs.changed(before.inputs)
    if inputs:
        fields.append("inputs")
    if not fields:
        return MISSING
    kind = {"source": "source", "resolution": "resolution", "inputs": "input"}.get(fields[0], "import")
    return Reason(kind=kind, fields=tuple(fields), via=inputs if kind == "input" else via)


def function_reasons(before: PlannedModule | None, now: dict[str, Fingerprint], whole: Reason) -> dict[str, Reason]:
    """Why each function would be compiled, whose fingerprint no fragment has. `whole` is why the module is: it answers
    for all of them where they cannot be compared."""
    # Of an object with inputs no fragment is kept, so all its functions are compiled because the module is.
    if before is None or not before.traces or before.inputs or whole.kind in _OF_THE_WHOLE:
        return dict.fromkeys(now, whole)
    try:
        known = _decode(before.traces)
    except UNREADABLE:
        known = {}
    return {name: _function_reason(known.get(name), one) for name, one in now.items()}


def _function_reason(before: bytes | None, now: Fingerprint) -> Reason:
    if before is None:
        return Reason(kind="new")
    old = _cut(before[TRACE_BYTES:])
    seen = [now.trace[at : at + TRACE_BYTES] for at in range(TRACE_BYTES, len(now.trace), TRACE_BYTES)]
    via = tuple(name for name, mark in zip(now.names, seen, strict=True) if mark not in old)
    if before[:TRACE_BYTES] != now.trace[:TRACE_BYTES]:
        return Reason(kind="source", fields=("source", "names") if via else ("source",), via=via)
    if via or len(old) != len(set(seen)):
        return Reason(kind="reference", fields=("names",), via=via)
    return MISSING


def _mark(entry: tuple[str, Digest]) -> bytes:
    return sha256(_encode(entry)).digest()[:TRACE_BYTES]


def _cut(marked: bytes) -> set[bytes]:
    return {marked[at : at + TRACE_BYTES] for at in range(0, len(marked), TRACE_BYTES)}
