"""Gathers the objects of a program: those that are named, and the members of archives that these need.

The rules and the order are those of `wasm-ld`. An archive offers the names that its members define. A member is taken
when a name that it offers is needed: when an object refers to it (a weak reference does not count) and nothing has
defined it so far. Where the archive stands does not matter, but of two archives that offer a name the first one counts.
A member stands in the program where it was taken, behind what it needs itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from orchestrator.wasm.archive import MAGIC, Archive
from orchestrator.wasm.cursor import ObjectError
from orchestrator.wasm.fragment import DATA, FUNCTION, LOCAL, UNDEFINED, WEAK
from orchestrator.wasm.object_file import ObjectFile
from orchestrator.wasm.reader import read_object

Reader = Callable[[bytes], ObjectFile]
Named = tuple[str, ObjectFile]

_DEFINED = True
_NEEDED, _WEAKLY = "needed", "weakly"


class InputError(ObjectError):
    """An input that cannot be read. `input` is its name, `cause` what is wrong."""

    def __init__(self, name: str, cause: ObjectError) -> None:
        super().__init__(f"{name}: {cause.what}", cause.offset)
        self.name, self.cause = name, cause


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin like an archive, of any kind."""
    return data[:7] in (MAGIC[:7], b"!<thin>")


def gather(
    inputs: Iterable[tuple[str, bytes]], roots: Iterable[str] = (), *, read: Reader = read_object
) -> list[Named]:
    """Returns the objects of a program (name, object), in order. `inputs` are objects and archives (name, bytes);
    `roots` are names that the program needs in any case, such as its entry. Raises InputError."""
    gathered = Gathered(read)
    for name, data in inputs:
        if is_archive(data):
            gathered.offer(name, _archive(name, data))
        else:
            gathered.take(name, data)
    for root in roots:
        gathered.need(root)
    return gathered.objects


def _archive(name: str, data: bytes) -> Archive:
    try:
        return Archive(data)
    except ObjectError as error:
        raise InputError(name, error) from error


class Gathered:
    """What was gathered so far. `_known` says of each name whether it is defined, needed, or only weakly referred to;
    `_offers` has the archive and the member (numbers) that define a name which is not defined yet. `_groups` are the
    COMDAT groups that are there already. `places` says of each of the `objects` in which archive it lies, and where
    there; (-1, n) of the n-th object that lies in none."""

    __slots__ = ("_archives", "_groups", "_known", "_offers", "_read", "_taken", "objects", "places")

    def __init__(self, read: Reader, defined: Iterable[str] = ()) -> None:
        """`defined` are names that count as defined, by something that is not gathered."""
        self.objects: list[Named] = []
        self.places: list[tuple[int, int]] = []
        self._read = read
        self._known: dict[str, str | bool] = dict.fromkeys(defined, _DEFINED)
        self._archives: list[tuple[str, Archive]] = []
        self._offers: dict[str, tuple[int, int]] = {}
        self._groups = set[str]()
        self._taken = set[tuple[int, int]]()

    def take(self, name: str, data: bytes) -> None:
        """Takes an object, and all that it needs of the archives so far."""
        self._run([self._enter(name, data, (-1, len(self.objects)))])

    def offer(self, name: str, archive: Archive) -> None:
        """Takes from an archive what is needed so far, and remembers what else it offers."""
        place = len(self._archives)
        self._archives.append((name, archive))
        for symbol, number in archive.symbols.items():
            known = self._known.get(symbol)
            if known is _DEFINED or symbol in self._offers:
                continue
            self._offers[symbol] = (place, number)
            if known is _NEEDED:
                self._extract(symbol)

    def need(self, symbol: str) -> None:
        """Takes what defines this name, unless something does already."""
        if self._known.get(symbol) is not _DEFINED:
            self._known[symbol] = _NEEDED
            self._extract(symbol)

    def _extract(self, symbol: str) -> None:
        member = self._member(symbol)
        if member is not None:
            self._run([member])

    def _run(self, waiting: list[Iterator[str]]) -> None:
        """Takes members depth first: what a symbol of a member needs stands in front of what its next symbol needs. A
        stack of iterators, because a chain of members can be longer than Python's stack is deep."""
        while waiting:
            for symbol in waiting[-1]:
                member = self._member(symbol)
                if member is not None:
                    waiting.append(member)
                    break
            else:
                waiting.pop()

    def _member(self, symbol: str) -> Iterator[str] | None:
        """Enters the member that offers this name. None where no one does, or the member was taken before."""
        offer = self._offers.pop(symbol, None)
        if offer is None or offer in self._taken:
            return None
        self._taken.add(offer)
        place, number = offer
        name, archive = self._archives[place]
        return self._enter(f"{name}({archive.members[number].name})", archive.bytes_of(number), offer)

    def _enter(self, name: str, data: bytes, place: tuple[int, int]) -> Iterator[str]:
        """Reads an object. Returns an iterator over the names that it needs, which notes its symbols as it goes, and
        adds the object at the end: what it needs stands in front of it."""
        try:
            file = self._read(data)
        except ObjectError as error:
            raise InputError(name, error) from error
        file.lazy = place[0] >= 0
        return self._needs(name, file, place)

    def _needs(self, own: str, file: ObjectFile, place: tuple[int, int]) -> Iterator[str]:
        known, excluded = self._known, self._excluded(file)
        for symbol in file.symbols:
            if symbol.flags & LOCAL or not symbol.name:
                continue
            name = symbol.name
            if not symbol.flags & UNDEFINED and (symbol.kind, symbol.index) not in excluded:
                known[name] = _DEFINED
                self._offers.pop(name, None)
            elif known.get(name) is not _DEFINED:
                if symbol.flags & WEAK:
                    known.setdefault(name, _WEAKLY)
                else:
                    known[name] = _NEEDED
                    yield name
        self.objects.append((own, file))
        self.places.append(place)

    def _excluded(self, file: ObjectFile) -> set[tuple[int, int]]:
        """Kind and number of what is in groups that are there already."""
        excluded = set[tuple[int, int]]()
        for group in file.groups:
            if group.name in self._groups:
                excluded.update((FUNCTION, index) for index in group.functions)
                excluded.update((DATA, index) for index in group.segments)
            else:
                self._groups.add(group.name)
        return excluded
