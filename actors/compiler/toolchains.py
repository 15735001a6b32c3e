"""The toolchains of a project: which one compiles a file, and which one links a program.

The extension of a file alone decides. So a job needs no toolchain's name beside its path, and two toolchains of a
project must not have the same extension.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from actors.compiler.toolchain import (
    CallsPrograms,
    FreeNames,
    LinksKinds,
    LinksWhole,
    NamesEntry,
    Reconsiders,
    TakesOptions,
    Toolchain,
    load_toolchain,
)
from actors.digests import Digest, digest


class ToolchainPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a toolchain is ("module:attribute"), and what wasmill.toml says of it. No `extensions`: its own."""

    place: str
    extensions: tuple[str, ...] = ()
    options: dict[str, Any] = msgspec.field(default_factory=dict)


class Toolchains:
    """The toolchains of a project in their order, at least one. `place` is what `load_toolchains` takes in another
    process, "" where another process cannot load them. `extensions`, by name of a member, replace its own. Raises
    ValueError where two have the same name or extension."""

    def __init__(
        self, *members: Toolchain, place: str = "", extensions: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self.members = members
        self._first = members[0]
        self.place = place
        self._of: dict[str, Toolchain] = {}
        self._given = {name: given for name, given in (extensions or {}).items() if given}
        if len({member.name for member in members}) < len(members):
            raise ValueError(f"two toolchains have one name: {', '.join(member.name for member in members)}")
        for member in members:
            for extension in self.extensions_of(member):
                other = self._of.setdefault(extension, member)
                if other is not member:
                    raise ValueError(f"the toolchains `{other.name}` and `{member.name}` both take `{extension}` files")
        # The longest first, because one extension may be the end of another. A single toolchain has its own order.
        several = sorted(self._of, key=lambda extension: (-len(extension), extension))
        self.extensions: tuple[str, ...] = tuple(several) if len(members) > 1 else self.extensions_of(self._first)
        free = [member for member in members if isinstance(member, FreeNames) and member.free_names]
        self.free: tuple[str, ...] = tuple([name for member in free for name in self.extensions_of(member)])
        """The extensions of files that may have any name."""
        self._calling = [member for member in members if isinstance(member, CallsPrograms)]
        again = [member for member in members if isinstance(member, Reconsiders) and member.reconsiders]
        self.reconsidered: tuple[str, ...] = tuple([name for member in again for name in self.extensions_of(member)])
        """The extensions of files whose compile is given an earlier object."""
        whole = [member for member in members if isinstance(member, LinksWhole) and member.links_whole]
        self._whole = tuple([name for member in whole for name in self.extensions_of(member)])

    def __eq__(self, other: object) -> bool:
        """Equal where the classes, names and extensions are, because each configuration loads its own instances."""
        return isinstance(other, Toolchains) and self._shape() == other._shape()

    def __hash__(self) -> int:
        return hash(self._shape())

    def _shape(self) -> tuple[object, ...]:
        return (self.place, *[(type(member), member.name, self.extensions_of(member)) for member in self.members])

    @property
    def entries(self) -> tuple[str, ...]:
        """The file names of the default entry, in the order in which they are looked for."""
        names: list[str] = []
        for member in self.members:
            if isinstance(member, NamesEntry) and member.name not in self._given:
                names += member.entry_names
            else:
                names += [f"main{extension}" for extension in self.extensions_of(member)]
        return tuple(names)

    def extensions_of(self, member: Toolchain) -> tuple[str, ...]:
        """The extensions of the files that a member compiles."""
        return self._given.get(member.name, member.extensions)

    def of(self, path: str) -> Toolchain:
        """The toolchain of a source; the first member where none has the extension."""
        if len(self.members) > 1:
            for extension in self.extensions:
                if path.endswith(extension):
                    return self._of[extension]
        return self._first

    def named(self, name: str) -> Toolchain:
        """The member with this name, else the first one."""
        return next((member for member in self.members if member.name == name), self._first)

    def linker(self, entry: str, paths: Collection[str]) -> Toolchain | None:
        """The toolchain that links the objects of the modules at `paths`: the first, beginning with the entry's own,
        whose linker takes all their kinds. None where no linker does."""
        own = self.of(entry)
        kinds = set(self.kinds(paths))
        for member in (own, *self.members):
            if kinds.issubset(linked_kinds(member)):
                return member
        return None

    def calls_programs(self, toolchain: Toolchain) -> bool:
        """Whether the toolchain's jobs wait for other programs."""
        return bool(self._calling) and any(member is toolchain for member in self._calling)

    def interrupt(self) -> None:
        """Ends the programs that jobs wait for."""
        for member in self._calling:
            member.interrupt()

    def whole(self, paths: Mapping[str, str], reached: Collection[str]) -> set[str]:
        """The modules that a program has besides those that it reached: one file of a toolchain that `LinksWhole`
        brings all files of such toolchains. `paths` has the file of each module of the project."""
        if not self._whole or not any(paths[module].endswith(self._whole) for module in reached):
            return set()
        return {module for module, path in paths.items() if path.endswith(self._whole)}

    def kinds(self, paths: Collection[str]) -> list[str]:
        """The kinds of object that the modules at `paths` are compiled to, sorted."""
        # A program has thousands of modules and one or two toolchains, and `isinstance` of a protocol is slow.
        of = (
            {id(toolchain): toolchain for toolchain in map(self.of, paths)}
            if len(self.members) > 1
            else {0: self._first}
        )
        return sorted({object_kind(toolchain) for toolchain in of.values()}) if paths else []

    def identity(self) -> Digest:
        """The digest of everything about all toolchains that changes their output; of one, its own identity."""
        if len(self.members) == 1:
            return self._first.identity()
        return digest(
            repr([(member.name, self.extensions_of(member), member.identity()) for member in self.members]).encode()
        )

    def identities(self) -> dict[str, Digest]:
        """The identities by the toolchain's name, as they are now."""
        return {member.name: member.identity() for member in self.members}

    def files(self) -> tuple[str, ...]:
        """The absolute paths of the files from which the identities come."""
        return tuple([file for member in self.members for file in member.files()])

    def normalise(self, path: str, raw: bytes) -> bytes:
        """As `Toolchain.normalise`, by the toolchain of the source at `path`."""
        return self.of(path).normalise(raw)


def place_of(members: Iterable[ToolchainPlace]) -> str:
    """A text that `load_toolchains` reads, in another process too."""
    return msgspec.json.encode(list(members)).decode()


def load_toolchains(place: str) -> Toolchains:
    """Loads the toolchains that `place_of` named. Raises ImportError or AttributeError where one is not there."""
    places = msgspec.json.decode(place, type=list[ToolchainPlace])
    members = [configured(load_toolchain(entry.place), entry.options) for entry in places]
    given = {member.name: entry.extensions for member, entry in zip(members, places, strict=True)}
    return Toolchains(*members, place=place, extensions=given)


def configured(toolchain: Toolchain, options: Mapping[str, object]) -> Toolchain:
    """A toolchain with these options. Raises ValueError where one does not exist, or its value is not allowed."""
    for name, value in options.items():
        if not isinstance(toolchain, TakesOptions) or name not in toolchain.options:
            raise ValueError(f"`{toolchain.name}` has no option `{name}`")
        toolchain = toolchain.with_option(name, value)
    return toolchain


def object_kind(toolchain: Toolchain) -> str:
    """The kind of the toolchain's objects."""
    return toolchain.object_kind if isinstance(toolchain, LinksKinds) else toolchain.name


def linked_kinds(toolchain: Toolchain) -> tuple[str, ...]:
    """The kinds of objects that the toolchain links."""
    return toolchain.linked_kinds if isinstance(toolchain, LinksKinds) else (toolchain.name,)
