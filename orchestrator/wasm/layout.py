"""Assigns indices, table slots and addresses, in the order of `wasm-ld --stack-first`."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.wasm.fragment import (
    FUNCTION,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
)
from orchestrator.wasm.leb import PAGE, functype
from orchestrator.wasm.object_file import ObjectFile, Relocations, Segment
from orchestrator.wasm.reader import GLOBAL_INDEX_I32, TABLE_INDEX_REL_SLEB
from orchestrator.wasm.symbols import (
    BASES,
    CONSTRUCTORS,
    FIRST_ADDRESS,
    STACK_POINTER,
    Foreign,
    Resolution,
    own_addresses,
)

_PREFIXES = (".text", ".rodata", ".data", ".bss")
_HEAP_ALIGN = 16
_SLOT_KINDS = (TABLE_INDEX_SLEB, TABLE_INDEX_I32, TABLE_INDEX_REL_SLEB)
_GLOBAL_KINDS = (GLOBAL_INDEX_LEB, GLOBAL_INDEX_I32)


class OutputSegment:
    """The data segments of one prefix, one behind the other. `members` are (node, object number, segment number in the
    object, segment). `size` and `start` are in bytes, `align` is log2 of bytes."""

    __slots__ = ("align", "members", "name", "size", "start")

    @property
    def written(self) -> bool:
        """Whether the program holds its bytes. Those of .bss are zero, as fresh memory is."""
        return not self.name.startswith(".bss")

    def __init__(self, name: str) -> None:
        self.name = name
        self.align = 0
        self.start = 0
        self.size = 0
        self.members: list[tuple[int, int, int, Segment]] = []


class ProgramLayout:
    """The layout of a program. `function_index`, `global_index`, `slot` and `address` are lists by node, 0 where a node
    has none. `types` has the index of each encoded function type. `functions` are the nodes of the program's own
    functions (the constructors and stubs first), `function_types` their types, `imports` what the host must provide.
    `got` are the globals that hold an address, behind all others: their numbers by node and offset in the node.
    `pages` is the initial memory in pages of 64 KiB.

    Raises LinkError where the data does not fit into memory."""

    __slots__ = (
        "address",
        "function_index",
        "function_types",
        "functions",
        "global_index",
        "globals",
        "got",
        "imports",
        "live",
        "pages",
        "resolution",
        "segments",
        "slot",
        "slots",
        "stack_size",
        "types",
    )

    def __init__(self, resolution: Resolution, live: bytearray, stack_size: int) -> None:
        self.resolution, self.live, self.stack_size = resolution, live, stack_size
        self.types: dict[bytes, int] = {}
        self.function_index = [0] * resolution.size
        self.global_index = [0] * resolution.size
        self.slot = [0] * resolution.size
        self.address = [0] * resolution.size
        # All numbers are given before a byte is written, because a relocation may ask for any of them. The order in
        # which each step numbers is that of `wasm-ld`, and so part of the output.
        self.imports = self._unique_imports()
        self.functions, self.function_types = self._functions()
        self._count_types()
        self._count_functions()
        self.globals, first = self._count_globals()
        self.got: dict[tuple[int, int], int] = {}
        self.slots = self._count_slots(first)
        self.segments, self.pages = self._place_data()

    def _unique_imports(self) -> list[Foreign]:
        """What the host must provide: one symbol for each import."""
        unique: dict[tuple[int, str, str, bytes], Foreign] = {}
        for node, symbol in self.resolution.foreign.items():
            if self.live[node] and symbol.module:
                unique.setdefault(_import_of(symbol), symbol)
        return list(unique.values())

    def _functions(self) -> tuple[list[int], list[bytes]]:
        resolution, live = self.resolution, self.live
        nodes, types = [], []
        if live[CONSTRUCTORS]:
            nodes.append(CONSTRUCTORS)
            types.append(functype(b"", b""))
        # The bodies that `emit._code` writes must stand in this order: constructors, stubs, then the objects.
        for node, symbol in resolution.foreign.items():
            if live[node] and is_stub(symbol):
                nodes.append(node)
                types.append(symbol.type)
        for base, file in zip(resolution.function_bases, resolution.objects, strict=False):
            own = file.types
            for node, kind in enumerate(file.function_types, base):
                if live[node]:
                    nodes.append(node)
                    types.append(own[kind])
        return nodes, types

    def _count_types(self) -> None:
        """Numbers types: those of indirect calls in order of use, then those of imports, then those of functions."""
        types = self.types
        for base, file in zip(self.resolution.function_bases, self.resolution.objects, strict=False):
            relocations = file.code_relocations
            if TYPE_INDEX_LEB not in relocations.kinds:
                continue
            own = file.types
            for kind, index in self._live_relocations(relocations, base, len(file.function_types)):
                if kind == TYPE_INDEX_LEB:
                    types.setdefault(own[index], len(types))
        for symbol in self.imports:
            if symbol.kind == FUNCTION:
                types.setdefault(symbol.type, len(types))
        for type_ in self.function_types:
            types.setdefault(type_, len(types))

    def _live_relocations(self, relocations: Relocations, base: int, count: int) -> list[tuple[int, int]]:
        """Kind and index of the relocations in live units, in order."""
        kinds, indices = relocations.kinds, relocations.indices
        # An object that is live as a whole, as most are without dead code, needs no look at each unit.
        if self.live.find(0, base, base + count) < 0:
            return list(zip(kinds, indices, strict=True))
        live: list[tuple[int, int]] = []
        for unit in range(count):
            if self.live[base + unit]:
                where = slice(relocations.starts[unit], relocations.starts[unit + 1])
                live += zip(kinds[where], indices[where], strict=True)
        return live

    def _count_functions(self) -> None:
        # WebAssembly numbers imported functions before a module's own. The same holds for globals.
        index = self._count_imports(self.function_index, FUNCTION)
        for node in self.functions:
            self.function_index[node] = index
            index += 1

    def _count_imports(self, indices: list[int], kind: int) -> int:
        """Numbers the imports of that kind, and says how many there are."""
        numbers: dict[tuple[int, str, str, bytes], int] = {}
        for node, symbol in self.resolution.foreign.items():
            if self.live[node] and symbol.module and symbol.kind == kind:
                indices[node] = numbers.setdefault(_import_of(symbol), len(numbers))
        return len(numbers)

    def _count_globals(self) -> tuple[list[int], int]:
        """Numbers globals: imports, the stack pointer, then the objects' own. Returns the nodes of the last, and the
        number that is free."""
        resolution, live = self.resolution, self.live
        index = self._count_imports(self.global_index, GLOBAL)
        own = [node for node in range(resolution.global_bases[0], resolution.global_bases[-1]) if live[node]]
        for node in (STACK_POINTER, *own):
            self.global_index[node] = index
            index += 1
        return own, index

    def _count_slots(self, first: int) -> list[int]:
        """Gives table slots, from 1, to functions whose address is taken, in order of first use: for each object its
        code, then its data. Slot 0 stays empty, so that a null function pointer traps. Numbers the globals that hold
        an address too, from `first`."""
        resolution, slot, slots = self.resolution, self.slot, []
        for number, file in enumerate(resolution.objects):
            row = resolution.targets[number]
            for relocations, base, count in (
                (file.code_relocations, resolution.function_bases[number], len(file.function_types)),
                (file.data_relocations, resolution.segment_bases[number], len(file.segments)),
            ):
                if not file.uses_got and not any(kind in relocations.kinds for kind in _SLOT_KINDS):
                    continue
                for kind, index in self._live_relocations(relocations, base, count):
                    node = row[index] if kind != TYPE_INDEX_LEB else 0
                    if file.uses_got and kind in _GLOBAL_KINDS and holds_address(file, index):
                        self.got.setdefault((node, resolution.offset(file, index)), first + len(self.got))
                        if file.symbols[index].kind != FUNCTION:
                            continue
                    elif kind not in _SLOT_KINDS:
                        continue
                    if not slot[node]:
                        symbol = resolution.foreign.get(node)
                        if symbol is None or not is_stub(symbol):
                            slots.append(node)
                            slot[node] = len(slots)
        return slots

    def _place_data(self) -> tuple[list[OutputSegment], int]:
        """Places the stack, then the segments by the rank of their names and in order of appearance. Returns the
        segments and the number of pages."""
        segments = sorted(_gather(self.resolution, self.live).values(), key=_rank)
        top = self.stack_size
        address = self.address
        for segment in segments:
            top = -(-top >> segment.align << segment.align)
            segment.start = top
            for node, _, _, member in segment.members:
                top = -(-top >> member.align << member.align)
                address[node] = top
                top += len(member.data)
            segment.size = top - segment.start
        heap = -(-top // _HEAP_ALIGN) * _HEAP_ALIGN
        pages = -(-heap // PAGE)
        if pages > PAGE:
            self.resolution.errors.append(f"the data and the stack take {heap} bytes, more than there is to address")
            self.resolution.check()
        own = own_addresses(heap, top, self.stack_size, pages * PAGE)
        address[FIRST_ADDRESS : FIRST_ADDRESS + len(own)] = own
        return segments, pages


def _import_of(symbol: Foreign) -> tuple[int, str, str, bytes]:
    return symbol.kind, symbol.module, symbol.field, symbol.type


def holds_address(file: ObjectFile, index: int) -> bool:
    """Whether a relocation for a global, with this symbol, wants a global that holds the symbol's address."""
    symbol = file.symbols[index]
    return symbol.kind != GLOBAL or symbol.name in BASES


def is_stub(symbol: Foreign) -> bool:
    """Whether a foreign symbol is an undefined weak function. Calling it traps, and its address is 0."""
    return symbol.kind == FUNCTION and symbol.weak and not symbol.module


def _rank(segment: OutputSegment) -> int:
    for rank, prefix in enumerate((".tdata", ".rodata", ".data", "", ".bss")):
        if prefix and segment.name.startswith(prefix):
            return rank
    return 3


def _gather(resolution: Resolution, live: Sequence[int]) -> dict[str, OutputSegment]:
    segments: dict[str, OutputSegment] = {}
    for number, file in enumerate(resolution.objects):
        base = resolution.segment_bases[number]
        for unit, member in enumerate(file.segments):
            if live[base + unit]:
                name = member.name
                for prefix in _PREFIXES:
                    if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1] in ("", "."):
                        name = prefix
                        break
                segment = segments.get(name)
                if segment is None:
                    segment = segments[name] = OutputSegment(name)
                segment.members.append((base + unit, number, unit, member))
                if member.align > segment.align:
                    segment.align = member.align
    return segments
