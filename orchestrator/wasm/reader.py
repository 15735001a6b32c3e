"""Reads relocatable WebAssembly objects, and never trusts them.

Objects come from caches, archives and other compilers, so every malformed input ends in an `ObjectError` that says what
is wrong and where. Reading takes one pass. Each element of the result takes at least one byte of the input, so a false
count only leads to the end of the file, and memory stays within about a hundred bytes for each byte of input.

Function bodies are not parsed: `validate` checks them in the linked program.
"""

from __future__ import annotations

from orchestrator.wasm.cursor import ByteCursor, ObjectError, UnsupportedError, custom_section
from orchestrator.wasm.fragment import (
    DATA,
    EXPLICIT_NAME,
    FUNCTION,
    GLOBAL,
    LOCAL,
    TYPE_INDEX_LEB,
    UNDEFINED,
)
from orchestrator.wasm.object_file import Group, ObjectFile, Relocations, Segment, Symbol

__all__ = ["ObjectError", "ObjectFile", "UnsupportedError", "custom_section", "read_object"]

SECTION_SYMBOL = 3  # SYMTAB_SECTION, for debug sections only
TABLE = 5  # SYMTAB_TABLE
MEMORY_ADDR_REL_SLEB = 11  # R_WASM_MEMORY_ADDR_REL_SLEB, and so on
TABLE_INDEX_REL_SLEB = 12
GLOBAL_INDEX_I32 = 13
TABLE_NUMBER_LEB = 20
MEMORY_ADDR_LOCREL_I32 = 23
FUNCTION_INDEX_I32 = 26
ABSOLUTE = 0x200  # WASM_SYM_ABSOLUTE

# The kind of symbol that each kind of relocation refers to; the kinds with a hole of four bytes; those with an addend.
_TARGETS = {
    0: FUNCTION,
    1: FUNCTION,
    2: FUNCTION,
    3: DATA,
    4: DATA,
    5: DATA,
    7: GLOBAL,
    MEMORY_ADDR_REL_SLEB: DATA,
    TABLE_INDEX_REL_SLEB: FUNCTION,
    GLOBAL_INDEX_I32: GLOBAL,
    TABLE_NUMBER_LEB: TABLE,
    MEMORY_ADDR_LOCREL_I32: DATA,
    FUNCTION_INDEX_I32: FUNCTION,
}
_WORDS = (2, 5, GLOBAL_INDEX_I32, MEMORY_ADDR_LOCREL_I32, FUNCTION_INDEX_I32)
_ADDENDS = (3, 4, 5, MEMORY_ADDR_REL_SLEB, MEMORY_ADDR_LOCREL_I32)
_GLOBALS = (7, GLOBAL_INDEX_I32)
_BEYOND = {
    8: "debug information in code",
    9: "debug information in code",
    10: "exceptions",
    **dict.fromkeys((14, 15, 16, 17, 18, 19, 22, 24, 25), "64-bit memory"),
    21: "thread-local data",
}
"""Relocations of the tool conventions that only other linkers handle, and what they are for."""
_BEYOND_SECTIONS = {4: "tables of its own", 5: "a memory of its own", 8: "a start function", 13: "exceptions"}
# Standard sections in their order in a file: DataCount (12) stands before Code.
_ORDER = {1: 1, 2: 2, 3: 3, 6: 4, 7: 5, 9: 6, 12: 7, 10: 8, 11: 9}
_ALIGNED, _ALIGNED_EACH = 1 << 20, 16  # bytes that alignment may add to any object, and for each byte of the object
_MEMORY_INDEX = 2  # a data segment that names its memory
_TAG = 4  # the kind of an import and of a symbol
_FUNCTION_MEMBER, _SECTION_MEMBER = 1, 5  # kinds of members of COMDAT groups


def read_object(data: bytes) -> ObjectFile:
    """Parses a relocatable object. Raises ObjectError, and nothing else, for input that is malformed; UnsupportedError,
    which is one, where the object is well-formed and beyond this linker (thread-local data, exceptions)."""
    reader = _ObjectReader(data)
    try:
        return reader.read()
    except IndexError:
        raise ObjectError("the file ends in the middle of something", reader.position) from None
    except UnicodeDecodeError:
        raise ObjectError("a name is not UTF-8", reader.position) from None


class _ObjectReader(ByteCursor):
    """Reads one object, section by section. `code_at` is the offset of the first function entry in the payload of the
    code section, `body_starts` are the offsets of the bodies from there, `segment_starts` those of the segments' bytes
    in the payload of the data section. `code_number` and `data_number` are the ordinals of these sections in the file,
    -1 until they were read; relocation sections refer to them. `linked` says whether "linking" was read."""

    __slots__ = ("body_starts", "code_at", "code_number", "data_number", "linked", "object", "segment_starts")

    def __init__(self, data: bytes) -> None:
        super().__init__(bytes(data))
        self.object = ObjectFile()
        self.code_at = 0
        self.body_starts: list[int] = []
        self.code_number = self.data_number = -1
        self.segment_starts: list[int] = []
        self.linked = False

    def read(self) -> ObjectFile:
        self.magic()
        ordinal = order = 0
        size = len(self.data)
        while self.position < size:
            start = self.position
            number, end = self.header()
            if number == 0:
                self.custom(end)
            else:
                place = _ORDER.get(number)
                if place is None:
                    if number in _BEYOND_SECTIONS:
                        raise UnsupportedError(f"{_BEYOND_SECTIONS[number]} (section {number})", start)
                    raise ObjectError(f"section {number} does not belong into an object", start)
                if place <= order:
                    raise ObjectError(f"section {number} is out of order", start)
                # A symbol is checked against what it names when it is read, so everything that it may name stands
                # before the linking section, and relocations, which name symbols, behind it.
                if self.linked:
                    raise ObjectError(f"section {number} stands behind the linking section", start)
                order = place
                self.section(number, ordinal, end)
            if self.position != end:
                raise ObjectError(f"section {number} does not end where its size says", self.position)
            ordinal += 1
        if not self.linked:
            raise ObjectError("no linking section: not a relocatable object", size)
        return self.finish()

    def finish(self) -> ObjectFile:
        file = self.object
        if len(file.entries) - 1 != len(file.function_types):
            raise ObjectError("the code section has another number of functions than declared", len(self.data))
        for relocations, units in (
            (file.code_relocations, len(file.function_types)),
            (file.data_relocations, len(file.segments)),
        ):
            relocations.starts += [0] * (units + 1 - len(relocations.starts))  # The section may be missing.
        return file

    def section(self, number: int, ordinal: int, end: int) -> None:
        if number == 1:
            self.types()
        elif number == 2:
            self.imports()
        elif number == 3:
            count = len(self.object.types)
            kinds = [self.u32() for _ in range(self.u32())]
            if kinds and max(kinds) >= count:
                raise ObjectError("a function has a type that does not exist", end)
            self.object.function_types = kinds
        elif number == 6:
            for _ in range(self.u32()):
                self.object.globals.append((self.take(2), self.constant()))
        elif number == 7:
            self.exports()
        elif number == 10:
            self.code_number = ordinal
            self.bodies(end)
        elif number == 11:
            self.data_number = ordinal
            self.datas()
        else:
            self.position = end  # Elements and the data count follow from the relocations.

    def types(self) -> None:
        types = self.object.types
        for _ in range(self.u32()):
            start = self.position
            if self.byte() != 0x60:
                raise ObjectError("a type is not a function type", start)
            self.take(self.u32())
            self.take(self.u32())
            types.append(self.data[start : self.position])

    def imports(self) -> None:
        file = self.object
        for _ in range(self.u32()):
            module, field, kind = self.name(), self.name(), self.byte()
            if kind == 0:
                index = self.u32()
                if index >= len(file.types):
                    raise ObjectError(f"import {field} has a type that does not exist", self.position)
                file.imported_functions.append((module, field, file.types[index]))
            elif kind == 3:
                file.imported_globals.append((module, field, self.take(2)))
            elif kind in (1, 2):
                if kind == 1:
                    file.imports_table = True
                    self.byte()
                elif self.data[self.position] > 1:
                    raise UnsupportedError("a memory that is shared or has 64-bit addresses", self.position)
                self.limits()
            elif kind == _TAG:
                raise UnsupportedError(f"exceptions (import {field} is a tag)", self.position)
            else:
                raise ObjectError(f"import {field} is of kind {kind}, which does not exist", self.position)

    def exports(self) -> None:
        file = self.object
        imported, own = len(file.imported_functions), len(file.function_types)
        for _ in range(self.u32()):
            name, kind, index = self.name(), self.byte(), self.u32()
            if kind == 0:
                if not 0 <= index - imported < own:
                    raise ObjectError(f"export {name} is not a function of this object", self.position)
                file.exports[index - imported] = name

    def bodies(self, end: int) -> None:
        start = self.position
        count = self.u32()
        first = self.position
        self.code_at = first - start
        entries, starts = self.object.entries, self.body_starts
        for _ in range(count):
            size = self.u32()
            starts.append(self.position - first)
            self.position += size
            if self.position > end:
                raise ObjectError("a function body is longer than its section", self.position)
            entries.append(self.position - first)
        self.object.code = self.data[first:end]

    def datas(self) -> None:
        start = self.position
        for _ in range(self.u32()):
            mode = self.u32()
            if mode == _MEMORY_INDEX:
                self.u32()
            elif mode != 0:
                raise UnsupportedError("a data segment is passive", self.position)
            self.constant()
            size = self.u32()
            self.segment_starts.append(self.position - start)
            self.object.segments.append(Segment(".data", 0, 0, self.take(size)))

    def custom(self, end: int) -> None:
        name = self.name()
        if self.position > end:
            raise ObjectError("the name of a custom section is longer than the section", self.position)
        if name == "linking":
            if self.linked:
                raise ObjectError("a second linking section", self.position)
            self.linked = True
            self.linking(end)
        elif name.startswith("reloc."):
            if not self.linked:
                raise ObjectError("relocations stand before the linking section", self.position)
            self.relocations(end)
        elif name == "target_features":
            for _ in range(self.u32()):
                sign = chr(self.byte())
                self.object.features.append(sign + self.name())
        elif name == "producers":
            self.producers()
        else:
            self.position = end

    def producers(self) -> None:
        for _ in range(self.u32()):
            field = self.name()
            for _ in range(self.u32()):
                self.object.producers.append((field, self.name(), self.name()))

    def linking(self, end: int) -> None:
        version = self.u32()
        if version != 2:
            raise ObjectError(f"linking section of version {version}, not 2", self.position)
        while self.position < end:
            kind = self.byte()
            size = self.u32()
            stop = self.position + size
            if stop > end:
                raise ObjectError("a part of the linking section is longer than the section", self.position)
            # Parts of other kinds are skipped: they say nothing that a link depends on. What would change the program
            # (COMDAT groups choose among definitions) is refused.
            if kind == 8:
                if self.object.symbols:
                    raise ObjectError("a second symbol table", self.position)
                for _ in range(self.u32()):
                    self.symbol()
            elif kind == 5:
                self.segment_names()
            elif kind == 6:
                self.inits()
            elif kind == 7:
                self.groups()
            else:
                self.position = stop
            if self.position != stop:
                raise ObjectError("a part of the linking section does not end where its size says", self.position)

    def segment_names(self) -> None:
        segments = self.object.segments
        count = self.u32()
        if count != len(segments):
            raise ObjectError(f"{count} segment names for {len(segments)} segments", self.position)
        for segment in segments:
            segment.name, segment.align, segment.flags = self.name(), self.u32(), self.u32()
            if segment.align > 16:
                raise ObjectError(f"segment {segment.name} is aligned to 2**{segment.align}", self.position)
            if segment.flags & 2:
                raise UnsupportedError(f"thread-local data (segment {segment.name})", self.position)
        # A segment that is aligned to 64 KiB can make the program that much longer, even if it holds one byte.
        if sum([1 << segment.align for segment in segments]) > _ALIGNED + _ALIGNED_EACH * len(self.data):
            raise ObjectError("the segments are aligned so widely that they are mostly holes", self.position)

    def groups(self) -> None:
        file = self.object
        grouped = set[tuple[int, int]]()
        for _ in range(self.u32()):
            group = Group(self.name(), [], [])
            self.u32()  # Flags, of which there are none.
            for _ in range(self.u32()):
                kind, index = self.byte(), self.u32()
                if kind == _SECTION_MEMBER:
                    continue  # A section of debug information.
                if kind > 1:
                    raise UnsupportedError(f"group {group.name} has a member of kind {kind}", self.position)
                count = len(file.segments)
                if kind == _FUNCTION_MEMBER:
                    index -= len(file.imported_functions)
                    count = len(file.function_types)
                if not 0 <= index < count or (kind, index) in grouped:
                    raise ObjectError(f"a member of group {group.name} is not there, or in two groups", self.position)
                grouped.add((kind, index))
                (group.functions if kind == _FUNCTION_MEMBER else group.segments).append(index)
            file.groups.append(group)

    def inits(self) -> None:
        symbols = self.object.symbols
        for _ in range(self.u32()):
            priority, number = self.u32(), self.u32()
            if number >= len(symbols) or symbols[number].kind != FUNCTION:
                raise ObjectError("an init function is no function symbol", self.position)
            self.object.inits.append((priority, number))

    def symbol(self) -> None:
        file, data, start = self.object, self.data, self.position
        kind, flags = data[start], data[start + 1]
        self.position = start + 2
        if flags > 127:
            self.position = start + 1
            flags = self.u32()
        if flags & UNDEFINED and flags & LOCAL:
            raise ObjectError("a symbol is both undefined and local", self.position)
        if kind == DATA:
            self.data_symbol(flags)
            return
        # Section symbols and the table keep their places in the list, because relocations count them too.
        index = self.u32()
        if kind == SECTION_SYMBOL:
            file.symbols.append(Symbol(kind, LOCAL, ""))
            return
        if kind == TABLE:
            name = self.name() if not flags & UNDEFINED or flags & EXPLICIT_NAME else "__indirect_function_table"
            if not flags & UNDEFINED or name != "__indirect_function_table":
                raise UnsupportedError(f"a table of its own ({name})", self.position)
            file.symbols.append(Symbol(kind, LOCAL, name))
            return
        if kind == _TAG:
            raise UnsupportedError("exceptions (a symbol is a tag)", self.position)
        if kind not in (FUNCTION, GLOBAL):
            raise ObjectError(f"symbol of kind {kind}, which does not exist", self.position)
        imports = file.imported_functions if kind == FUNCTION else file.imported_globals
        if flags & UNDEFINED:
            if index >= len(imports):
                raise ObjectError(f"undefined symbol of import {index}, which does not exist", self.position)
            module, field, type_ = imports[index]
            if flags & EXPLICIT_NAME:
                file.symbols.append(Symbol(kind, flags, self.name(), 0, type_, 0, 0, module, field))
            else:
                file.symbols.append(Symbol(kind, flags, field, 0, type_))
            return
        name = self.name()
        index -= len(imports)
        if not 0 <= index < len(file.function_types if kind == FUNCTION else file.globals):
            raise ObjectError(f"symbol {name} is defined as something that does not exist", self.position)
        type_ = file.types[file.function_types[index]] if kind == FUNCTION else file.globals[index][0]
        file.symbols.append(Symbol(kind, flags, name, index, type_))

    def data_symbol(self, flags: int) -> None:
        file = self.object
        name = self.name()
        if flags & UNDEFINED:
            file.symbols.append(Symbol(DATA, flags, name))
            return
        if flags & ABSOLUTE:
            raise UnsupportedError(f"an absolute address (symbol {name})", self.position)
        index, offset, size = self.u32(), self.u32(), self.u32()
        if index >= len(file.segments) or offset + size > len(file.segments[index].data):
            raise ObjectError(f"symbol {name} lies outside of the data", self.position)
        file.symbols.append(Symbol(DATA, flags, name, index, b"", offset, size))

    def relocations(self, end: int) -> None:
        target = self.u32()
        file = self.object
        if target == self.code_number:
            base, into = self.code_at, file.code_relocations
            firsts = [base + start for start in self.body_starts]
            ends = [base + entry for entry in file.entries[1:]]
        elif target == self.data_number:
            firsts, into = self.segment_starts, file.data_relocations
            ends = [first + len(segment.data) for first, segment in zip(firsts, file.segments, strict=True)]
        else:
            self.position = end  # These belong to a custom section: debug information, which is not linked.
            return
        if len(into.starts) > 1:
            raise ObjectError("a second section of relocations for one section", self.position)
        self.columns(into, firsts, ends)
        if target == self.code_number:
            into.offsets = [offset - self.code_at for offset in into.offsets]
            return
        for unit, first in enumerate(firsts):
            where = slice(into.starts[unit], into.starts[unit + 1])
            into.offsets[where] = [offset - first for offset in into.offsets[where]]

    def columns(self, into: Relocations, firsts: list[int], ends: list[int]) -> None:
        """Reads relocation entries into columns, and splits them by unit. Unit i lies from `firsts[i]` to `ends[i]` in
        the payload.

        This loop takes most of the time of reading an object. So it decodes the usual short numbers itself, and leaves
        longer ones to `u32`."""
        kinds, types = [symbol.kind for symbol in self.object.symbols], len(self.object.types)
        starts, u32, data, targets = into.starts, self.u32, self.data, _TARGETS.get
        add_kind, add_offset, add_index = into.kinds.append, into.offsets.append, into.indices.append
        add_addend = into.addends.append
        unit, first, end, units, hole_end = -1, 0, 0, len(ends), 0
        for number in range(u32()):
            start = self.position
            kind, offset, high = data[start], data[start + 1], 0
            position = start + 2
            if offset > 127:
                high = data[position]
                offset += (high << 7) - 128
                position += 1
            index = data[position]
            if index > 127 or high > 127:
                self.position = start + 1
                offset, index = u32(), u32()
            else:
                self.position = position + 1
            if kind == TYPE_INDEX_LEB:
                if index >= types:
                    raise ObjectError("a relocation names a type that does not exist", self.position)
            elif index >= len(kinds) or kinds[index] != targets(kind):
                if kind in _GLOBALS and index < len(kinds) and kinds[index] in (FUNCTION, DATA):
                    self.object.uses_got = True
                elif kind in _BEYOND:
                    raise UnsupportedError(f"{_BEYOND[kind]} (a relocation of kind {kind})", self.position)
                else:
                    raise ObjectError(f"a relocation of kind {kind} does not fit symbol {index}", self.position)
            if offset < hole_end:
                raise ObjectError("relocations are not in order", self.position)
            while offset >= end:
                unit += 1
                if unit >= units:
                    raise ObjectError("a relocation lies outside of its section", self.position)
                if unit:
                    starts.append(number)
                first, end = firsts[unit], ends[unit]
            hole_end = offset + (4 if kind in _WORDS else 5)
            if offset < first or hole_end > end:
                raise ObjectError("a relocation lies outside of its unit", self.position)
            add_kind(kind)
            add_offset(offset)
            add_index(index)
            add_addend(self.signed() if kind in _ADDENDS else 0)
        starts += [len(into.offsets)] * (units + 1 - len(starts))
