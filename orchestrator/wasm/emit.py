"""Writes a linked program: fills every hole with its final value, and writes the sections in order."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from orchestrator.wasm.fragment import (
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL_INDEX_LEB,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_LEB,
    MEMORY_ADDR_SLEB,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
)
from orchestrator.wasm.layout import OutputSegment, ProgramLayout, holds_address, is_stub
from orchestrator.wasm.leb import MAGIC, leb5, section, signed32, sleb, string, uleb, vector
from orchestrator.wasm.merged import merged_sections
from orchestrator.wasm.object_file import ObjectFile, Relocations
from orchestrator.wasm.reader import (
    FUNCTION_INDEX_I32,
    GLOBAL_INDEX_I32,
    MEMORY_ADDR_LOCREL_I32,
    MEMORY_ADDR_REL_SLEB,
    TABLE_INDEX_REL_SLEB,
)
from orchestrator.wasm.symbols import ADDRESS_NAMES, CONSTRUCTORS, CONSTRUCTORS_NAME, FIRST_ADDRESS, NULL

_put5 = Struct("5s").pack_into
_put4 = Struct("<I").pack_into
_FIRST_OF_OBJECTS = FIRST_ADDRESS + len(ADDRESS_NAMES)
_TRAP = b"\x03\0\0\x0b"  # a body of `unreachable`, with its size


def emit(layout: ProgramLayout, exports: dict[str, int], inits: Sequence[int], *, names: bool) -> bytes:
    """Returns the bytes of the program. `exports` maps names to nodes of functions or globals. `inits` are the nodes of
    the init functions in the order of their calls. `names` adds the "name" section that stack traces use."""
    out = [MAGIC, section(1, vector(tuple(layout.types)))]
    if layout.imports:
        out.append(section(2, vector(_imports(layout))))
    types = layout.types
    if layout.functions:
        out.append(section(3, vector([uleb(types[type_]) for type_ in layout.function_types])))
    if layout.slots or any(object_.imports_table for object_ in layout.resolution.objects):
        size = uleb(len(layout.slots) + 1)
        out.append(section(4, b"\1\x70\1" + size + size))
    out.append(section(5, b"\1\0" + uleb(layout.pages)))
    out.append(section(6, vector(_globals(layout))))
    out.append(section(7, vector(_exports(layout, exports))))
    if layout.slots:
        elements = [uleb(layout.function_index[node]) for node in layout.slots]
        out.append(section(9, b"\1\0\x41\1\x0b" + vector(elements)))
    patcher = _Patcher(layout)
    if layout.functions:
        out.append(section(10, uleb(len(layout.functions)) + _code(layout, patcher, inits)))
    written = [segment for segment in layout.segments if segment.written]
    if written:
        out.append(section(11, vector([_data(segment, layout, patcher) for segment in written])))
    if names:
        out.append(section(0, string("name") + section(1, vector(_names(layout)))))
    resolution = layout.resolution
    out.append(merged_sections(list(zip(resolution.names, resolution.objects, strict=True))))
    return b"".join(out)


def _imports(layout: ProgramLayout) -> list[bytes]:
    functions, globals_ = [], []
    for symbol in layout.imports:
        head = string(symbol.module) + string(symbol.field)
        if symbol.kind == FUNCTION:
            functions.append(head + b"\0" + uleb(layout.types[symbol.type]))
        else:
            globals_.append(head + b"\3" + symbol.type)
    return functions + globals_


def _globals(layout: ProgramLayout) -> list[bytes]:
    resolution = layout.resolution
    globals_ = [b"\x7f\x01\x41" + sleb(layout.stack_size) + b"\x0b"]
    number = 0
    for node in layout.globals:
        while node >= resolution.global_bases[number + 1]:
            number += 1
        type_, init = resolution.objects[number].globals[node - resolution.global_bases[number]]
        globals_.append(type_ + init)
    for node, offset in layout.got:
        value = layout.slot[node] or layout.address[node] + offset
        globals_.append(b"\x7f\0\x41" + sleb(signed32(value)) + b"\x0b")
    return globals_


def _exports(layout: ProgramLayout, exports: dict[str, int]) -> list[bytes]:
    entries = [string("memory") + b"\2\0"]
    first, last = layout.resolution.global_bases[0], layout.resolution.global_bases[-1]
    for name, node in exports.items():
        if first <= node < last:
            entries.append(string(name) + b"\3" + uleb(layout.global_index[node]))
        else:
            entries.append(string(name) + b"\0" + uleb(layout.function_index[node]))
    return entries


def _code(layout: ProgramLayout, patcher: _Patcher, inits: Sequence[int]) -> bytes:
    resolution, live = layout.resolution, layout.live
    parts: list[bytes | bytearray] = []
    # The function section gives each body its type by position: this is the order of `ProgramLayout.functions`.
    if live[CONSTRUCTORS]:
        calls = b"".join([b"\x10" + uleb(layout.function_index[node]) for node in inits])
        parts.append(uleb(len(calls) + 2) + b"\0" + calls + b"\x0b")
    parts += [_TRAP for node, symbol in resolution.foreign.items() if live[node] and is_stub(symbol)]
    for number, file in enumerate(resolution.objects):
        base, count = resolution.function_bases[number], len(file.function_types)
        if live.find(1, base, base + count) < 0:
            continue
        code = patcher.code(number, file)
        if live.find(0, base, base + count) < 0:
            parts.append(code)
        else:
            entries = file.entries
            parts += [code[entries[unit] : entries[unit + 1]] for unit in range(count) if live[base + unit]]
    return b"".join(parts)


def _data(segment: OutputSegment, layout: ProgramLayout, patcher: _Patcher) -> bytes:
    content = bytearray(segment.size)
    for node, number, unit, member in segment.members:
        place = layout.address[node] - segment.start
        content[place : place + len(member.data)] = member.data
        relocations = layout.resolution.objects[number].data_relocations
        if relocations.starts[unit] != relocations.starts[unit + 1]:
            patcher.start = segment.start
            patcher.fill(content, place, number, relocations, relocations.starts[unit], relocations.starts[unit + 1])
    return b"\0\x41" + sleb(segment.start) + b"\x0b" + uleb(segment.size) + content


def _names(layout: ProgramLayout) -> list[bytes]:
    """Index and name of every function. Where a function has two symbols, the first one names it."""
    resolution, function_index = layout.resolution, layout.function_index
    names: dict[int, str] = {}
    if layout.live[CONSTRUCTORS]:
        names[function_index[CONSTRUCTORS]] = CONSTRUCTORS_NAME
    for node, symbol in resolution.foreign.items():
        if layout.live[node] and symbol.kind == FUNCTION:
            names[function_index[node]] = symbol.name if symbol.module else f"undefined_weak:{symbol.name}"
    live, first, last = layout.live, resolution.function_bases[0], resolution.function_bases[-1]
    for row, item in zip(resolution.targets, resolution.objects, strict=True):
        for node, own in zip(row, item.symbols, strict=True):
            if first <= node < last and live[node]:
                names.setdefault(function_index[node], own.name)
    return [uleb(index) + string(names[index]) for index in sorted(names)]


class _Patcher:
    """Fills holes. It patches the whole code of an object at once, dead functions too, because one loop over columns is
    what makes linking fast. Values in dead functions are zero or meaningless, and these are cut out afterwards. `start`
    is the address of the segment that is filled; no relocation in code asks for it."""

    __slots__ = ("_layout", "_lebs", "_types", "start")

    def __init__(self, layout: ProgramLayout) -> None:
        self._layout = layout
        self._types = {type_: leb5(index) for type_, index in layout.types.items()}
        most = max(len(layout.functions) + len(layout.imports), len(layout.slots), len(layout.globals)) + 2
        self._lebs = [leb5(index) for index in range(most)]
        self.start = 0

    def code(self, number: int, file: ObjectFile) -> bytes | bytearray:
        """The function entries of an object, with final values in their holes."""
        relocations = file.code_relocations
        if not relocations.offsets:
            return file.code
        code = bytearray(file.code)
        self.fill(code, 0, number, relocations, 0, len(relocations.offsets))
        return code

    def fill(self, buffer: bytearray, base: int, number: int, relocations: Relocations, start: int, stop: int) -> None:
        """Writes the values of the relocations from `start` to `stop` into a buffer in which their unit begins at
        `base`."""
        layout, kinds = self._layout, relocations.kinds
        row, lebs = layout.resolution.targets[number], self._lebs
        # An object writes each hole in code as LEB128 that is padded to five bytes, which is enough for 32 bits. So any
        # value fits into its hole, and no code moves. Most holes take an index, so an object's indices are encoded once
        # for each symbol (`columns`, by kind of relocation), and not once for each hole.
        columns: list[list[bytes] | None] = [None] * (FUNCTION_INDEX_I32 + 1)
        if FUNCTION_INDEX_LEB in kinds:
            columns[FUNCTION_INDEX_LEB] = self._column(layout.function_index, row)
        if TABLE_INDEX_SLEB in kinds:
            columns[TABLE_INDEX_SLEB] = self._column(layout.slot, row)
        if GLOBAL_INDEX_LEB in kinds:
            columns[GLOBAL_INDEX_LEB] = self._column(layout.global_index, row)
            if layout.resolution.objects[number].uses_got:
                columns[GLOBAL_INDEX_LEB] = [leb5(self._global(number, index)) for index in range(len(row))]
        if TYPE_INDEX_LEB in kinds:
            types, zero = self._types, lebs[0]
            columns[TYPE_INDEX_LEB] = [types.get(t, zero) for t in layout.resolution.objects[number].types]
        where = slice(start, stop)
        entries = zip(
            kinds[where],
            relocations.offsets[where],
            relocations.indices[where],
            relocations.addends[where],
            strict=True,
        )
        for kind, offset, index, addend in entries:
            column = columns[kind]
            if column is not None:
                _put5(buffer, base + offset, column[index])
            elif kind in (MEMORY_ADDR_SLEB, MEMORY_ADDR_REL_SLEB):
                _put5(buffer, base + offset, leb5(signed32(self._address(number, index, addend))))
            elif kind == MEMORY_ADDR_LEB:
                _put5(buffer, base + offset, leb5(self._address(number, index, addend) & 0xFFFFFFFF))
            elif kind == MEMORY_ADDR_I32:
                _put4(buffer, base + offset, self._address(number, index, addend) & 0xFFFFFFFF)
            elif kind == TABLE_INDEX_I32:
                _put4(buffer, base + offset, layout.slot[row[index]])
            elif kind == MEMORY_ADDR_LOCREL_I32:
                place = self.start + base + offset
                _put4(buffer, base + offset, (self._address(number, index, addend) - place) & 0xFFFFFFFF)
            elif kind == FUNCTION_INDEX_I32:
                _put4(buffer, base + offset, layout.function_index[row[index]])
            elif kind == GLOBAL_INDEX_I32:
                _put4(buffer, base + offset, self._global(number, index))
            elif kind == TABLE_INDEX_REL_SLEB:
                _put5(buffer, base + offset, leb5(signed32(layout.slot[row[index]] - 1)))
            else:
                _put5(buffer, base + offset, lebs[0])  # TABLE_NUMBER_LEB: there is one table

    def _column(self, values: list[int], row: list[int]) -> list[bytes]:
        lebs = self._lebs
        return [lebs[values[node]] for node in row]

    def _global(self, number: int, index: int) -> int:
        """The number of the global that a relocation means: the one that the symbol is, or that holds its address."""
        layout = self._layout
        file, node = layout.resolution.objects[number], layout.resolution.targets[number][index]
        if not holds_address(file, index):
            return layout.global_index[node]
        return layout.got.get((node, layout.resolution.offset(file, index)), 0)

    def _address(self, number: int, index: int, addend: int) -> int:
        """The address that a data relocation means. An undefined weak symbol has address 0 with any addend."""
        resolution = self._layout.resolution
        node = resolution.targets[number][index]
        if node == NULL:
            return 0
        address = self._layout.address[node] + addend
        # The linker's own symbols are addresses themselves. Those of objects lie at an offset in a segment.
        if node < _FIRST_OF_OBJECTS:
            return address
        return address + resolution.offset(resolution.objects[number], index)
