"""Fingerprints: must this function be compiled again? The digest of everything that a fragment depends on.

Toolchain, target and options; the module's name, which is part of every symbol; the headers of the inline modules
around the item; the item's own text as tokens, and its signature where that is inferred; and for each name that occurs
in it, what it means and the deep interface of that. Never a position, a path, or what stands beside it.
`docs/fingerprints.md` says of each part why it is there; a test reads that table.

`Parts` is the last layer, made of them: it decides which modules are compiled, and which objects are reused as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import CompileJob, Item, Signature, Summary
from actors.digests import Digest, digest
from actors.messages import BuildSettings
from actors.planner.deep import DeepInterfaces, Meanings, Target, target_of
from actors.planner.faces import Faces
from actors.planner.resolutions import Resolutions
from actors.planner.resolve import scopes
from actors.planner.table import Layer, Table

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
        found: dict[str, Fingerprint] = {}
        names: set[str] = set()
        twice: set[str] = set()
        for item in summary.items:
            if item.name in names:
                twice.add(item.name)
            elif item.code:
                found[item.name] = self._of(base, module, item, signatures.get(item.name))
            names.add(item.name)
        return {name: one for name, one in found.items() if name not in twice}

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
        found = self._entries.get((name, target))
        if found is None:
            seen = self._deep.of(target)
            part = _encode((name, *target, seen))
            found = (part, sha256(part).digest()[:TRACE_BYTES])
            if seen:
                self._entries[name, target] = found
        return found


class Parts:
    """After an update, `touched` are the modules that have a key and no object for it in the last build, `as_before`
    those of them that are put together from the same parts as their object in the last build."""

    def __init__(self, table: Table, resolutions: Resolutions, faces: Faces) -> None:
        self._table = table
        self._resolutions = resolutions
        self._faces = faces
        self.touched: list[str] = []
        self.as_before: frozenset[str] = frozenset()
        self._maker: Fingerprints | None = None
        self._fingerprints: dict[str, dict[str, Fingerprint]] = {}
        table.watchers.append(self._drop)

    def _drop(self, modules: set[str]) -> None:
        """Drop what no longer holds, because the layers below changed."""
        self._maker = None
        for module in modules:
            self._fingerprints.pop(module, None)

    def forget(self) -> None:
        """A build is over: drop what only it needed."""
        self._fingerprints.clear()

    def make(self) -> None:
        """Find out which modules are touched, and have at hand what their jobs read, except for those that are put
        together as before. If everything is at hand anyway, parts are made when they are asked for."""
        table, again = self._table, self._resolutions.troubled
        rows, objects, dirty = table.rows, table.objects, table.dirty[Layer.PARTS]
        self.touched = sorted(
            one
            for one, row in rows.items()
            if row.key and (one in again or (had := objects.get(one)) is None or had.key != row.key or not had.object)
        )
        kept = [one for one in self.touched if one in objects and one not in dirty and one not in again]
        self.as_before = frozenset(
            [one for one in kept if objects[one].object and rows[one].parts and objects[one].parts == rows[one].parts]
        )
        if self._faces.is_whole:
            return
        for module in self.touched:
            if module not in self.as_before:
                self.of(module)
                self.fingerprints(module)
                self._faces.seen_by(module)

    def fingerprints(self, module: str) -> dict[str, Fingerprint]:
        """Of the module's items that have code, by name."""
        found = self._fingerprints.get(module)
        if found is None:
            table, faces, missing = self._table, self._faces, self._resolutions.missing
            missed, summary = missing.count, self._resolutions.modules.summary(module)
            if self._maker is None:
                self._maker = Fingerprints(table.settings, faces.meanings, faces.deep)
            signatures = faces.signatures_of(module)
            found = self._maker.of_module(table.identity(module), module, summary, signatures) if summary else {}
            if missing.count == missed:
                self._fingerprints[module] = found
        return found

    def of(self, module: str) -> Digest:
        """Names everything that the module's object is put together from: its text and path, what its names mean and
        what can be seen of that, and what each of its functions is compiled from. While this stays the same, so does
        the object. "" if a function has no fingerprint."""
        table, resolutions = self._table, self._resolutions
        if module not in table.dirty[Layer.PARTS]:
            return table.rows[module].parts
        missed, summary, file = resolutions.missing.count, resolutions.modules.summary(module), table.files[module]
        found, meant = self.fingerprints(module), resolutions.get(module)
        parts = ""
        if summary is not None and meant is not None and found and len(found) == sum(one.code for one in summary.items):
            digests = [(name, one.digest) for name, one in found.items()]
            seen = self._faces.digests_seen_by(module, meant)
            named = (module, file.path, file.digest, resolutions.digest(module), seen, digests)
            parts = digest(repr(named).encode())
        if resolutions.missing.count != missed:
            return ""
        self.keep(module, parts)
        return parts

    def keep(self, module: str, parts: Digest) -> None:
        """The module's parts are these: they were just made, or it has the key again that it had with them."""
        table = self._table
        if module in table.dirty[Layer.PARTS]:
            table.own(module).parts = parts
            table.dirty[Layer.PARTS].discard(module)

    def job(self, module: str) -> CompileJob:
        """Everything that a compile of the module reads, except for what may be reused. Names that nothing outside has
        are left out."""
        table, resolutions = self._table, self._resolutions
        file, meant, seen = table.files[module], resolutions.get(module), self._faces.seen_by(module)
        if resolutions.missing or meant is None:
            absent = sorted(resolutions.missing.summaries)
            raise RuntimeError(f"a job of {module} reads what is not at hand: {absent}")
        return CompileJob(
            module=module,
            path=file.path,
            source=file.data or b"",
            resolution=tuple([bound for bound in meant.bindings if bound.module or bound.failed]),
            interfaces=seen,
            options=table.settings.options,
            summary=resolutions.modules.summary(module),
            signatures=self._faces.signatures.get(module, {}),
        )
