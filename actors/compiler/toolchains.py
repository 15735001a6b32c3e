"""The toolchains of a project: which one compiles a file, and which one links a program.

The extension of a file decides, and nothing else. So a job needs no name of a toolchain beside its path, and no two
toolchains of a project may have one extension.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.compiler.toolchain import LinksKinds, NamesEntry, Toolchain, load_toolchain
from actors.digests import Digest, digest


class Toolchains:
    """`members` in their order, at least one. Raises ValueError where two have one name or one extension. `place` is
    where another process finds them (`load_toolchains`), "" where it cannot."""

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
        # The longest first, because one extension may be the end of another; one toolchain knows its own order.
        several = sorted(self._of, key=lambda extension: (-len(extension), extension))
        self.extensions: tuple[str, ...] = members[0].extensions if len(members) == 1 else tuple(several)

    def __eq__(self, other: object) -> bool:
        """Two configurations with toolchains of the same classes are equal, although each has loaded its own."""
        return isinstance(other, Toolchains) and self._shape() == other._shape()

    def __hash__(self) -> int:
        return hash(self._shape())

    def _shape(self) -> tuple[object, ...]:
        return (self.place, *[(type(one), one.name, one.extensions) for one in self.members])

    @property
    def entries(self) -> tuple[str, ...]:
        """File names that are an entry where nobody names one, in the order in which they are looked for."""
        found: list[str] = []
        for member in self.members:
            if isinstance(member, NamesEntry):
                found += member.entry_names
            else:
                found += [f"main{extension}" for extension in member.extensions]
        return tuple(found)

    def of(self, path: str) -> Toolchain:
        """The toolchain of a source. That of the first member where none has its extension."""
        if len(self.members) > 1:
            for extension in self.extensions:
                if path.endswith(extension):
                    return self._of[extension]
        return self._first

    def named(self, name: str) -> Toolchain:
        """The member of this name; the first one for ""."""
        return next((one for one in self.members if one.name == name), self._first)

    def linker(self, entry: str, paths: Iterable[str]) -> Toolchain | None:
        """The toolchain that links objects of the modules at `paths`: the entry's own, else the first whose linker
        takes all their kinds. None where no linker does."""
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
        """Names everything about all of them that changes their output; of one, its own identity."""
        if len(self.members) == 1:
            return self._first.identity()
        return digest(repr([(one.name, one.extensions, one.identity()) for one in self.members]).encode())

    def identities(self) -> dict[str, Digest]:
        """The identity of each, by name, as they are now."""
        return {one.name: one.identity() for one in self.members}

    def files(self) -> tuple[str, ...]:
        """The files that their identities come from."""
        return tuple([file for one in self.members for file in one.files()])

    def normalise(self, path: str, raw: bytes) -> bytes:
        """As `Toolchain.normalise`, by the toolchain of the source at `path`."""
        return self.of(path).normalise(raw)


def load_toolchains(place: str) -> Toolchains:
    """The toolchains at a place: "module:attribute" of each, with commas between them. Raises ImportError or
    AttributeError."""
    return Toolchains(*[load_toolchain(one) for one in place.split(",")], place=place)


def object_kind(toolchain: Toolchain) -> str:
    """The kind of its objects."""
    return toolchain.object_kind if isinstance(toolchain, LinksKinds) else toolchain.name


def linked_kinds(toolchain: Toolchain) -> tuple[str, ...]:
    """The kinds of objects that it links."""
    return toolchain.linked_kinds if isinstance(toolchain, LinksKinds) else (toolchain.name,)
