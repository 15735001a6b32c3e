"""What decides the inferred signatures of a module: the key of an inference."""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import Summary
from actors.digests import Digest, digest
from actors.messages import Settings
from actors.planner.deep import DeepInterfaces
from actors.planner.resolve import Resolved

SCHEMA = 1
_encode = msgspec.msgpack.Encoder().encode


def inference_key(
    toolchain: Digest, settings: Settings, module: str, summary: Summary, meant: Resolved, written: DeepInterfaces
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
    return digest(_encode(("inference", SCHEMA, toolchain, settings.target, options, module, items, names)))
