"""Fingerprints: must this function be compiled again? The digest of everything that a fragment depends on.

Toolchain, target and options; the module's name, which is part of every symbol; the headers of the inline modules
around the item; the item's own text as tokens, and its signature where that is inferred; and for each name that occurs
in it, what it means and the deep interface of that. Never a position, a path, or what stands beside it.
`docs/fingerprints.md` says of each part why it is there; a test reads that table.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Item, Signature, Summary
from actors.digests import Digest
from actors.messages import BuildSettings
from actors.planner.deep import DeepInterfaces, Meanings, Target, target_of
from actors.planner.resolve import scopes

SCHEMA = 1
"""Raised whenever the meaning of a part, or the form of fragments, changes."""
TRACE_BYTES = 8
_encode = msgspec.msgpack.Encoder().encode


class Fingerprint(NamedTuple):
    """`trace` is what it was made from, in short: a mark of the item's own part, then one of each name that means
    something; `names` says which those are."""

    digest: Digest
    trace: bytes
    names: tuple[str, ...]


class Fingerprints:
    """Makes those of one build."""

    def __init__(self, settings: BuildSettings, meanings: Meanings, deep: DeepInterfaces) -> None:
        self._meanings = meanings
        self._deep = deep
        self._target = settings.target
        self._options = sorted(settings.options.items())
        self._entries: dict[tuple[str, Target], tuple[bytes, bytes]] = {}

    def of_module(
        self, toolchain: Digest, module: str, summary: Summary, signatures: Mapping[str, Signature]
    ) -> dict[str, Fingerprint]:
        """By name, of all items of the module that have code. Of two items of one name there is none. `toolchain` is
        the identity of the one that compiles the module."""
        base = _encode((SCHEMA, toolchain, self._target, self._options)) + _encode(module)
        fingerprints: dict[str, Fingerprint] = {}
        names: set[str] = set()
        twice: set[str] = set()
        for item in summary.items:
            if item.name in names:
                twice.add(item.name)
            elif item.code:
                fingerprints[item.name] = self._of(base, module, item, signatures.get(item.name))
            names.add(item.name)
        return {name: fingerprint for name, fingerprint in fingerprints.items() if name not in twice}

    def _of(self, base: bytes, module: str, item: Item, signature: Signature | None) -> Fingerprint:
        scope = item.name.rpartition("::")[0]
        heads = self._heads(module, scope) if scope else ()
        inferred: object = None
        if signature is not None:
            inferred = (signature.interface, [(key, self._deep.of(target_of(key))) for key in signature.names])
        own = _encode((item.name, item.kind, item.digest, heads, inferred))
        parts = [base, own]
        trace = [sha256(own).digest()[:TRACE_BYTES]]
        names = []
        meaning, entry = self._meanings.of, self._entry
        for name in item.names:
            target = meaning(module, scope, name)
            if target is not None:
                part, mark = entry(name, target)
                parts.append(part)
                trace.append(mark)
                names.append(name)
        return Fingerprint(sha256(b"".join(parts)).hexdigest(), b"".join(trace), tuple(names))

    def _heads(self, module: str, scope: str) -> tuple[Digest, ...]:
        own = self._meanings.modules.items(module)
        return tuple(own[outer].digest for outer in scopes(scope) if outer and outer in own)

    def _entry(self, name: str, target: Target) -> tuple[bytes, bytes]:
        """A name's part of a fingerprint, and the mark of it."""
        entry = self._entries.get((name, target))
        if entry is None:
            seen = self._deep.of(target)
            part = _encode((name, *target, seen))
            entry = (part, sha256(part).digest()[:TRACE_BYTES])
            if seen:
                self._entries[name, target] = entry
        return entry
