"""The sources of a project as a build sees them: the inputs of all facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.diagnostics import Diagnostic
from actors.digests import Digest, Stamp
from actors.messages import KnownSource, Source

SOURCE_BUFFER_BYTES = 64 << 20
"""Sources kept between reading and compiling. Above it, workers read again, and compare digests."""


class SourceFile:
    """A source as this build sees it. `data` is None where it was not read, or did not fit the buffer; that of a module
    in memory is always there, because a worker could not read it again."""

    __slots__ = ("data", "digest", "error", "path", "size", "stamp")

    def __init__(
        self, path: str, digest: Digest, size: int, stamp: Stamp, data: bytes | None, error: Diagnostic | None
    ) -> None:
        self.path = path
        self.digest = digest
        self.size = size
        self.stamp = stamp
        self.data = data
        self.error = error

    @property
    def summary(self) -> str:
        """What its summary goes by in the index."""
        return summary_name(self.digest, self.path)

    def says_the_same(self, other: SourceFile) -> bool:
        """Whether both have one text in one place, and neither is an error: an error is never taken as known."""
        return (self.digest, self.path) == (other.digest, other.path) and not self.error and not other.error


def summary_name(source: Digest, path: str) -> str:
    """The path is in it because what a text says (`super`) may depend on where it stands."""
    return f"{source} {path}"


class SourceTable:
    """`files` by module, sorted."""

    def __init__(self) -> None:
        self.files: dict[str, SourceFile] = {}
        self._buffered = 0

    def take(
        self,
        unchanged: Iterable[KnownSource],
        read: Iterable[Source],
        vanished: Iterable[str],
        held: Mapping[str, bytes],
    ) -> set[str]:
        """Take over what a scan found. Returns the modules that appeared, went, or have another text. `held` are the
        texts of modules in memory: of one that is unchanged, the bytes that its digest names."""
        old, new = self.files, dict[str, SourceFile]()
        others: set[str] = set()
        self._buffered = 0
        for known in unchanged:
            module = known.module
            before = old.get(module)
            if before is not None and before.digest == known.digest and before.path == known.path and not before.error:
                before.data = held.get(module)
                before.stamp = known.stamp
                new[module] = before
            else:
                new[module] = SourceFile(known.path, known.digest, known.size, known.stamp, held.get(module), None)
                others.add(module)
        for source in read:
            before, file = old.get(source.module), self._file(source)
            new[source.module] = file
            if before is None or not before.says_the_same(file):
                others.add(source.module)
        for module in vanished:
            new.pop(module, None)
        if new.keys() == old.keys():
            self.files = {module: new[module] for module in old}
            return others
        self.files = dict(sorted(new.items()))
        return others | (old.keys() ^ new.keys())

    def replace(self, source: Source) -> None:
        """One module's file holds other bytes than it was scanned with."""
        self.files[source.module] = self._file(source)

    def _file(self, source: Source) -> SourceFile:
        self._buffered += len(source.data)
        data = source.data if source.in_memory or self._buffered <= SOURCE_BUFFER_BYTES else None
        return SourceFile(source.path, source.digest, len(source.data), source.stamp, data, source.error)
