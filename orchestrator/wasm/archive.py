"""Reads archives (`ar`), from which a link takes the members that it needs.

Archives come from other tools and are not trusted: what is malformed ends in an `ObjectError`. Members are not read
here. The table of symbols at the front says which member defines a name, so a link reads only members that it takes;
an archive without a table costs a look into each member (`Archive.symbols`).

Both forms are read: that of GNU and LLVM (tables `/`, `/SYM64/` and `//`), and that of BSD and Darwin (names
`#1/LENGTH`, and a table `__.SYMDEF`, which is passed over).
"""

from __future__ import annotations

from orchestrator.wasm.cursor import ObjectError, UnsupportedError
from orchestrator.wasm.fragment import LOCAL, UNDEFINED
from orchestrator.wasm.reader import read_object

MAGIC = b"!<arch>\n"
_THIN = b"!<thin>\n"
_HEAD = 60
_END = b"`\n"


class ArchiveMember:
    """A file in an archive: its name, the offset of its header, and where its bytes lie."""

    __slots__ = ("head", "name", "start", "stop")

    def __init__(self, name: str, head: int, start: int, stop: int) -> None:
        self.name, self.head, self.start, self.stop = name, head, start, stop


class Archive:
    """An archive. `symbols` has the number of the member that defines each name; of several, the first one.

    Raises ObjectError, and nothing else, for an archive that is malformed."""

    __slots__ = ("_data", "members", "symbols")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.members: list[ArchiveMember] = []
        table = self._read()
        self.symbols = self._symbols_of_table(*table) if table is not None else self._symbols_of_members()

    def bytes_of(self, number: int) -> bytes:
        """The bytes of a member."""
        member = self.members[number]
        return self._data[member.start : member.stop]

    def _read(self) -> tuple[bytes, int] | None:
        """Finds the members. Returns the table of symbols and the width of its numbers, or None where there is none."""
        data, at, long_names = self._data, len(MAGIC), b""
        if data.startswith(_THIN):
            raise UnsupportedError("a thin archive, which names files instead of holding them", 0)
        if not data.startswith(MAGIC):
            raise ObjectError("not an archive", 0)
        table: tuple[bytes, int] | None = None
        while at < len(data):
            name, start, stop = self._header(at)
            if name in (b"/", b"/SYM64/"):
                table = (data[start:stop], 4 if name == b"/" else 8)
            elif name == b"//":
                long_names = data[start:stop]
            else:
                if name.startswith(b"#1/"):  # The name stands in front of the bytes.
                    length = _number(name[3:], at)
                    if length > stop - start:
                        raise ObjectError("a name is longer than its member", at)
                    name = data[start : start + length].rstrip(b"\0")
                    start += length
                elif name[:1] == b"/":
                    place = _number(name[1:], at)
                    end = long_names.find(b"\n", place)
                    if not 0 <= place < end:
                        raise ObjectError("a long name is not in the table of names", at)
                    name = long_names[place:end]
                if not name.startswith(b"__.SYMDEF"):
                    self.members.append(ArchiveMember(name.rstrip(b"/").decode(errors="replace"), at, start, stop))
            at = stop + (stop & 1)
        return table

    def _header(self, at: int) -> tuple[bytes, int, int]:
        """Name, start and end of the member whose header is there."""
        head = self._data[at : at + _HEAD]
        if len(head) < _HEAD or head[58:] != _END:
            raise ObjectError("a member has no header", at)
        start = at + _HEAD
        stop = start + _number(head[48:58], at)
        if stop > len(self._data):
            raise ObjectError("a member is longer than the archive", at)
        return head[:16].rstrip(b" "), start, stop

    def _symbols_of_table(self, table: bytes, width: int) -> dict[str, int]:
        count = int.from_bytes(table[:width], "big")
        first = width * (count + 1)
        if first > len(table):
            raise ObjectError("the table of symbols is shorter than it says", len(MAGIC))
        names = table[first:].split(b"\0")
        if len(names) <= count:
            raise ObjectError("the table of symbols has more places than names", len(MAGIC))
        heads = {member.head: number for number, member in enumerate(self.members)}
        symbols: dict[str, int] = {}
        for number in range(count):
            place = int.from_bytes(table[width * (number + 1) : width * (number + 2)], "big")
            if place not in heads:
                raise ObjectError("the table of symbols names a member that is not there", len(MAGIC))
            symbols.setdefault(names[number].decode(errors="replace"), heads[place])
        return symbols

    def _symbols_of_members(self) -> dict[str, int]:
        symbols: dict[str, int] = {}
        for number, member in enumerate(self.members):
            try:
                file = read_object(self.bytes_of(number))
            except ObjectError as error:
                raise ObjectError(f"member {member.name}: {error.what}", member.start + error.offset) from error
            for symbol in file.symbols:
                if not symbol.flags & (UNDEFINED | LOCAL):
                    symbols.setdefault(symbol.name, number)
        return symbols


def _number(digits: bytes, at: int) -> int:
    text = digits.strip(b" ")
    if not text.isdigit():
        raise ObjectError("a number in the header of a member is no number", at)
    return int(text)
