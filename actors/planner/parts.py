"""What objects are put together from: the last layer. It decides which modules are compiled, and reused as a whole."""

from __future__ import annotations

from actors.compiler.toolchain import CompileJob
from actors.digests import Digest, digest
from actors.planner.faces import Faces
from actors.planner.fingerprints import Fingerprint, Fingerprints
from actors.planner.layers import Layer
from actors.planner.resolutions import Resolutions
from actors.planner.table import Table


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
