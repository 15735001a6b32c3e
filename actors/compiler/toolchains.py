"""The toolchains of a project: which one compiles a file, and which one links a program.

The extension of a file alone decides. So a job needs no toolchain's name beside its path, and two toolchains of a
project must not have the same extension.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.compiler.toolchain import LinksKinds, NamesEntry, Toolchain, load_toolchain
from actors.digests import Digest, digest


class Toolchains:
    """The toolchains of a project in their order, at least one. `place` is what `load_toolchains` takes in another
    process, "" where another process cannot load them. Raises ValueError where two have the same name or extension."""

    def __init__(self, *members: Toolchain, place: str = "") -> None:
        self.members = members
        self._first = members[0]
        self.place = place
        self._of: dict[str, Toolchain] = {}
        if len({one.name for one in members}) < len(members):
            raise ValueError(f"two toolchains have one name: {', '.join(one.name for one in members)}")
        for member in members:
            for extension in member.extensions:
                other = self._of.setdefault(extension, member)
                if other is not member:
                    raise ValueError(f"the toolchains `{other.name}` and `{member.name}` both take `{extension}` files")
        # The longest first, because one extension may be the end of another. A single toolchain has its own order.
        several = sorted(self._of, key=lambda extension: (-len(extension), extension))
        self.extensions: tuple[str, ...] = members[0].extensions if len(members) == 1 else tuple(several)

    def __eq__(self, other: object) -> bool:
        """Equal where the classes, names and extensions are, because each configuration loads its own instances."""
        return isinstance(other, Toolchains) and self._shape() == other._shape()

    def __hash__(self) -> int:
        return hash(self._shape())

    def _shape(self) -> tuple[object, ...]:
        return (self.place, *[(type(one), one.name, one.extensions) for one in self.members])

    @property
    def entries(self) -> tuple[str, ...]:
        """The file names of the default entry, in the order in which they are looked for."""
        found: list[str] = []
        for member in self.members:
            if isinstance(member, NamesEntry):
                found += member.entry_names
            else:
                found += [f"main{extension}" for extension in member.extensions]
        return tuple(found)

    def of(self, path: str) -> Toolchain:
        """The toolchain of a source; the first member where none has the extension."""
        if len(self.members) > 1:
            for extension in self.extensions:
                if path.endswith(extension):
                    return self._of[extension]
        return self._first

    def named(self, name: str) -> Toolchain:
        """The member with this name, else the first one."""
        return next((one for one in self.members if one.name == name), self._first)

    def linker(self, entry: str, paths: Iterable[str]) -> Toolchain | None:
        """The toolchain that links the objects of the modules at `paths`: the first, beginning with the entry's own,
        whose linker takes all their kinds. None where no linker does."""
        own = self.of(entry)
        kinds = {object_kind(self.of(path)) for path in paths}
        for member in (own, *self.members):
            if kinds.issubset(linked_kinds(member)):
                return member
        return None

    def kinds(self, paths: Iterable[str]) -> list[str]:
        """The kinds of object that the modules at `paths` are compiled to, sorted."""
        return sorted({object_kind(self.of(path)) for path in paths})

    def identity(self) -> Digest:
        """The digest of everything about all toolchains that changes their output; of one, its own identity."""
        if len(self.members) == 1:
            return self._first.identity()
        return digest(repr([(one.name, one.extensions, one.identity()) for one in self.members]).encode())

    def identities(self) -> dict[str, Digest]:
        """The identities by the toolchain's name, as they are now."""
        return {one.name: one.identity() for one in self.members}

    def files(self) -> tuple[str, ...]:
        """The absolute paths of the files from which the identities come."""
        return tuple([file for one in self.members for file in one.files()])

    def normalise(self, path: str, raw: bytes) -> bytes:
        """As `Toolchain.normalise`, by the toolchain of the source at `path`."""
        return self.of(path).normalise(raw)


def load_toolchains(place: str) -> Toolchains:
    """Loads the toolchains at a place: "module:attribute" for each, separated by commas. Raises ImportError or
    AttributeError."""
    return Toolchains(*[load_toolchain(one) for one in place.split(",")], place=place)


def object_kind(toolchain: Toolchain) -> str:
    """The kind of the toolchain's objects."""
    return toolchain.object_kind if isinstance(toolchain, LinksKinds) else toolchain.name


def linked_kinds(toolchain: Toolchain) -> tuple[str, ...]:
    """The kinds of objects that the toolchain links."""
    return toolchain.linked_kinds if isinstance(toolchain, LinksKinds) else (toolchain.name,)
