"""What can be seen of modules from outside: faces, inferred signatures, deep interfaces."""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import Inference, Interface, Signature, Summary
from actors.digests import Digest, short
from actors.planner import keys
from actors.planner.deep import DeepInterfaces, Meanings, interfaces
from actors.planner.resolutions import Resolutions
from actors.planner.resolve import Resolved
from actors.planner.table import Layer, Table

_pack = msgspec.msgpack.Encoder().encode


class Faces:
    """`written` are deep interfaces in which an inferred item stands with the text that decides it, `deep` those with
    its signature. `inferences` are what is known, by key; `uninferred` the keys of those that the layer needs, by
    module."""

    def __init__(self, table: Table, resolutions: Resolutions) -> None:
        self._table = table
        self._resolutions = resolutions
        self.meanings = Meanings(resolutions.modules, resolutions.get)
        self.written = DeepInterfaces(self.meanings, lambda module: {})
        self.deep = DeepInterfaces(self.meanings, self.signatures_of)
        self._stale_written: set[str] = set()
        """Modules whose nodes in `written` are of an earlier summary or resolution."""
        self._stale_deep: set[str] = set()
        """The same of `deep`, or of an earlier signature."""
        self.signatures: dict[str, dict[str, Signature]] = {}
        self.inferences: dict[Digest, Inference] = {}
        self.uninferred: dict[str, Digest] = {}
        self._inference_keys: dict[str, Digest] = {}
        self._seen: dict[str, dict[str, Interface]] = {}
        """What jobs read, by module, where not everything is at hand to make it again."""
        table.watchers.append(self._drop_seen)

    @property
    def is_whole(self) -> bool:
        """Whether the summaries and signatures of all modules are at hand."""
        return len(self._resolutions.modules.summaries) == len(self.signatures) == len(self._table.files)

    def drop(self, module: str) -> None:
        """The module is gone."""
        self.meanings.forget((module,))
        self.signatures.pop(module, None)
        self._inference_keys.pop(module, None)
        self._stale_written.add(module)
        self._stale_deep.add(module)

    def _drop_seen(self, modules: set[str]) -> None:
        for module in modules:
            self._seen.pop(module, None)

    def forget(self) -> None:
        """A build is over: keep the inferences of present texts only."""
        self._seen.clear()
        inferred = set(self._inference_keys.values())
        self.inferences = {key: found for key, found in self.inferences.items() if key in inferred}

    # ---- faces

    def make(self) -> None:
        table, stale = self._table, self._stale_written
        dirty = table.dirty[Layer.FACE]
        if not dirty and not stale:
            return
        self.meanings.forget(dirty)
        self.written.invalidate(stale | dirty)
        stale.clear()
        self._stale_deep |= dirty
        changed: set[str] = set()
        for module in sorted(dirty):
            face = "" if self._resolutions.is_broken(module) else self.written.face(module)
            if face != table.rows[module].face:
                table.own(module).face = face
                changed.add(module)
        dirty.clear()
        table.changed(Layer.FACE, changed)

    # ---- inferences

    def make_inferences(self) -> None:
        """Signatures of items that do not write all of theirs, for modules that have any."""
        table, modules, changed = self._table, self._resolutions.modules, set[str]()
        dirty = table.dirty[Layer.INFERENCE]
        for module in sorted(dirty):
            summary = modules.summary(module)
            if module not in modules.summaries:
                continue
            signatures: dict[str, Signature] = {}
            self._inference_keys.pop(module, None)
            if summary is not None and any(item.inferred for item in summary.items):
                key = self._inference_key(module, summary)
                if not key:
                    continue
                self._inference_keys[module] = key
                if key not in self.inferences:
                    self.uninferred[module] = key
                    continue
                signatures = self.inferences[key].signatures
            dirty.discard(module)
            now = short(_pack(sorted(signatures.items()))) if signatures else b""
            if table.rows[module].inferred != now:
                table.own(module).inferred = now
                changed.add(module)
            self.signatures[module] = signatures
        self._stale_deep |= changed
        table.changed(Layer.INFERENCE, changed)

    def _inference_key(self, module: str, summary: Summary) -> Digest:
        """The key of a module's inference, "" if something is missing to make it, or to infer."""
        table, missing = self._table, self._resolutions.missing
        missed = missing.count
        meant, own = self._resolutions.get(module), table.identity(module)
        if meant is None:
            return ""
        key = keys.inference_key(own, table.settings, module, summary, meant, self.written)
        self.seen_by(module)
        return key if missing.count == missed else ""

    def signatures_of(self, module: str) -> dict[str, Signature]:
        if module not in self.signatures:
            self._resolutions.missing.inference(module)
        return self.signatures.get(module, {})

    # ---- what others see

    def refresh_deep(self) -> None:
        """Before keys are made: drop the deep interfaces that changed since."""
        self.deep.invalidate(self._stale_deep)
        self._stale_deep.clear()

    def digests_seen_by(self, module: str, meant: Resolved) -> tuple[tuple[str, Digest], ...]:
        """The deep interfaces of what the module's names mean elsewhere."""
        return tuple([(f"{one}::{item}", self.deep.of((one, item))) for one, item in keys.targets(module, meant)])

    def seen_by(self, module: str) -> dict[str, Interface]:
        """The interfaces that a job of the module reads."""
        found = self._seen.get(module)
        if found is None:
            missing = self._resolutions.missing
            missed, meant = missing.count, self._resolutions.get(module)
            found = interfaces(self.meanings, module, meant.bindings if meant else ())
            if missing.count == missed and not self.is_whole:
                self._seen[module] = found
        return found

    def can_compile(self, module: str) -> bool:
        """Whether everything is at hand that a job of the module reads."""
        return self.is_whole or module in self._seen
