"""Reads a finished program as far as it must be known to cut it into groups.

Only what linkers write is read. Everything else (see `UngroupedError`) runs as the one module that it is.
"""

from __future__ import annotations

from orchestrator.wasm.cursor import ByteCursor, ObjectError

WASI = b"\x16wasi_snapshot_preview1"
_FUNCTION, _TABLE, _MEMORY, _GLOBAL = range(4)


class UngroupedError(Exception):
    """The program cannot be laid out as groups; the message says why. Users never see it, because the program then runs
    as one module."""


class FinishedProgram:
    """The parts of a program. Functions are numbered as in the program, imports first. `imports` are the entries of the
    import section with their type numbers, `slots` is the content of the table, `bodies` are the offsets in `data` at
    which bodies with their sizes begin, and the end of the last one. `names` are encoded, empty where there is none."""

    __slots__ = (
        "bodies",
        "data",
        "entry",
        "function_types",
        "globals",
        "imports",
        "memory",
        "names",
        "segments",
        "slots",
        "start",
        "table",
        "types",
    )

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.types: list[bytes] = []
        self.imports: list[tuple[bytes, int]] = []
        self.function_types: list[int] = []
        self.table = b"\x70\x01\0\0"
        self.memory = b""
        self.globals: list[tuple[bytes, bytes]] = []
        self.entry = self.start = -1
        self.slots: dict[int, int] = {}
        self.bodies: list[int] = []
        self.segments = b""
        self.names: list[bytes] = []


def read_program(data: bytes) -> FinishedProgram:
    """Raises UngroupedError for a program that is malformed, or that groups might not do as one module does."""
    try:
        return _ProgramReader(data).read()
    except (ObjectError, IndexError) as error:
        raise UngroupedError(f"malformed: {error}") from None


class _ProgramReader(ByteCursor):
    __slots__ = ("memory_shown", "program")

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.program = FinishedProgram(data)
        self.memory_shown = False

    def read(self) -> FinishedProgram:
        sections = {
            1: self.types,
            2: self.imports,
            3: self.functions,
            4: self.table,
            5: self.memory,
            6: self.globals,
            7: self.exports,
            8: self.start,
            9: self.elements,
            10: self.bodies,
            11: self.segments,
        }
        program, last, named = self.program, 0, (0, 0)
        self.magic()
        while self.position < len(self.data):
            number, end = self.header()
            if number == 0:
                if self.data[self.position : self.position + 5] == b"\4name":
                    named = (self.position + 5, end)
                self.position = end
                continue
            # In ascending order, each at most once. So what a section refers to (types, imports, the table) has been
            # read when it is its turn.
            if number not in sections or number <= last:
                raise UngroupedError(f"section {number}")
            last = number
            sections[number](end)
            if self.position != end:
                raise UngroupedError(f"section {number} does not end where its size says")
        if program.entry < len(program.imports) or not program.memory or not self.memory_shown:
            raise UngroupedError("no entry, or a memory that WASI cannot find")
        if len(program.bodies) != len(program.function_types) - len(program.imports) + 1:
            raise UngroupedError("as many bodies as functions")
        program.names = [b""] * len(program.function_types)
        if named[1]:
            self.names(*named)
        return program

    def types(self, end: int) -> None:
        for _ in range(self.u32()):
            start = self.position
            if self.byte() != 0x60:
                raise UngroupedError("a type that is no function type")
            self.take(self.u32())
            self.take(self.u32())
            self.program.types.append(self.data[start : self.position])

    def imports(self, end: int) -> None:
        program = self.program
        for _ in range(self.u32()):
            start = self.position
            self.take(self.u32())
            module = self.data[start : self.position]
            self.take(self.u32())
            head = self.data[start : self.position]
            # Only WASI's modules: no name of a host can then be that of something that groups share.
            if self.byte() != _FUNCTION or module != WASI:
                raise UngroupedError("an import that is no function of WASI")
            program.imports.append((head, self.u32()))
            program.function_types.append(program.imports[-1][1])

    def functions(self, end: int) -> None:
        count = self.u32()
        rest = self.data[self.position : end]
        # Numbers below 128 take one byte each: then the bytes of the section are the numbers.
        if len(rest) == count and rest.isascii():
            self.program.function_types += rest
            self.position = end
        else:
            self.program.function_types += [self.u32() for _ in range(count)]
        if max(self.program.function_types, default=0) >= len(self.program.types):
            raise UngroupedError("a function without type")

    def table(self, end: int) -> None:
        if self.u32() != 1 or self.data[self.position : self.position + 2] not in (b"\x70\0", b"\x70\1"):
            raise UngroupedError("tables that are not one table of functions")
        start, self.position = self.position, end
        self.program.table = self.data[start:end]

    def memory(self, end: int) -> None:
        if self.u32() != 1 or self.data[self.position] > 1:
            raise UngroupedError("memories that are not one plain memory")
        start, self.position = self.position, end
        self.program.memory = self.data[start:end]

    def globals(self, end: int) -> None:
        for _ in range(self.u32()):
            start = self.position
            type_ = self.take(2)
            if self.data[self.position] not in (0x41, 0x42, 0x43, 0x44):
                raise UngroupedError("a global that begins as no number")
            self.constant()
            self.program.globals.append((type_, self.data[start : self.position]))

    def exports(self, end: int) -> None:
        for _ in range(self.u32()):
            name, kind, index = self.take(self.u32()), self.byte(), self.u32()
            if (name, kind) == (b"_start", _FUNCTION):
                self.program.entry = index
            elif (name, kind) == (b"memory", _MEMORY):
                self.memory_shown = True
            elif kind > _GLOBAL:
                raise UngroupedError("an export of another kind")

    def start(self, end: int) -> None:
        self.program.start = self.u32()
        if self.program.start < len(self.program.imports):
            raise UngroupedError("the host's function starts the program")

    def elements(self, end: int) -> None:
        program, size = self.program, ByteCursor(self.program.table[2:]).u32()
        for _ in range(self.u32()):
            if self.take(2) != b"\0\x41":
                raise UngroupedError("a segment of elements that is not simply written at the start")
            offset = self.signed()
            if self.byte() != 0x0B:
                raise UngroupedError("the place of a segment is computed")
            members = [self.u32() for _ in range(self.u32())]
            # A segment beyond the table traps, and does so before the data is written.
            if offset < 0 or offset + len(members) > size:
                raise UngroupedError("a segment of elements lies outside of the table")
            if members and not len(program.imports) <= min(members) <= max(members) < len(program.function_types):
                raise UngroupedError("the host's function is in the table")
            program.slots.update(enumerate(members, offset))

    def bodies(self, end: int) -> None:
        data, count, starts = self.data, self.u32(), self.program.bodies
        # Decoded here, as in `names`: a program has tens of thousands of functions, and this is done at each run.
        position = self.position
        for _ in range(count):
            starts.append(position)
            size = data[position]
            position += 1
            if size > 127:
                self.position = position - 1
                size = self.u32()
                position = self.position
            position += size
        if position != end:
            raise UngroupedError("bodies that are no code section")
        self.position = end
        starts.append(end)

    def segments(self, end: int) -> None:
        start = self.position
        for _ in range(self.u32()):
            if self.byte() != 0:
                raise UngroupedError("data that is not simply written at the start")
            self.constant()
            self.take(self.u32())
        self.program.segments = self.data[start:end]

    def names(self, position: int, end: int) -> None:
        """Reads the names of functions, and is satisfied with less: names are for messages only."""
        data, names = self.data, self.program.names
        self.position = position
        while self.position < end:
            kind, size = self.byte(), self.u32()
            if kind != 1:
                self.position += size
                continue
            count, most, p = self.u32(), len(names), self.position
            for _ in range(count):
                index = data[p]
                p += 1
                if index > 127:
                    index = index & 127 | data[p] << 7
                    p += 1
                    if index > 16383:
                        self.position = p - 2
                        index = self.u32()
                        p = self.position
                start = p
                size = data[p]
                p += 1
                if size > 127:
                    self.position = start
                    size = self.u32()
                    p = self.position
                p += size
                if index < most:
                    names[index] = data[start:p]
            self.position = p
            if self.position > end:
                raise UngroupedError("names that end elsewhere")
            return
