"""Encodes pieces as a relocatable WebAssembly object, and as the fast linker's model of it.

The format is the tool conventions' "Object file linking", version 2. Sections, and the subsections of "linking", stand
in the order that all versions of LLD accept. Each hole holds the object's own number for its target, so that validators
and dumpers can read an object before it is linked.

An object is a pure function of its pieces and their order: numbers are assigned in order of definition, then of first
use, and only lists and insertion-ordered dicts are iterated. Joining costs a few table look-ups for each hole.

It takes three passes. `_Symbols` numbers what pieces define and use, `_Holes` finds where uses go, `_ObjectWriter`
writes the sections. Tests compare the bytes with those of an independent encoder
(`tests/orchestrator/wasm/referee.py`), and the model with what `slack.model` makes of those bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from struct import Struct

from orchestrator.wasm.fragment import (
    DATA,
    EXPLICIT_NAME,
    EXPORTED,
    FUNCTION,
    GLOBAL,
    KINDS_WITH_ADDEND,
    LOCAL,
    MEMORY_ADDR_LEB,
    TABLE_KINDS,
    TARGET_KINDS,
    TYPE_INDEX_LEB,
    UNDEFINED,
    WEAK,
    Reference,
    WasmGlobal,
)
from orchestrator.wasm.leb import (
    MAGIC,
    PAGE,
    custom,
    leb5,
    section,
    signed32,
    sleb,
    string,
    uleb,
    vector,
)
from orchestrator.wasm.pieces import CodePiece, DataPiece, read_use
from orchestrator.wasm.slack.model import (
    ADDENDS,
    FAR,
    FAR_DATA,
    OWN,
    OWN_DATA,
    SLOTS,
    STACK_POINTER,
    TYPES,
    LinkModel,
    model_section,
)
from orchestrator.wasm.symbols import STACK_POINTER_NAME

_put5 = Struct("5s").pack_into
_put4 = Struct("<I").pack_into
_LOW = [bytes((n | 128,)) for n in range(128)]


def join(
    code: Sequence[CodePiece],
    data: Sequence[DataPiece],
    features: Sequence[str] = (),
    customs: Sequence[tuple[str, bytes]] = (),
    globals_: Sequence[WasmGlobal] = (),
) -> tuple[bytes, bytes]:
    """Returns the object of these pieces, in this order, and the section with its model, which goes at the object's end
    (empty where the fast linker cannot take the object).

    `features` are names such as "mutable-globals" that linkers check. `customs` are custom sections (name, payload),
    written last. Every definition is written, used or not; a use of a name that is not defined here becomes an
    undefined symbol.

    Raises ValueError for pieces that contradict each other: a name that is defined twice or declared in two ways, or a
    use that disagrees with the definition."""
    symbols = _Symbols(code, data, globals_)
    holes = _Holes(symbols)
    writer = _ObjectWriter(symbols, holes)
    return writer.write(features, customs), _model(symbols, holes, writer)


class _Symbols:
    """Numbers names, types, table slots and uses.

    `uses` numbers the distinct uses, in order of first use. `decoded` holds them in that order: kind, addend, target,
    and the target's name as objects hold it (empty for a type). `undefined` are the targets that no piece defines.
    """

    __slots__ = ("code", "data", "decoded", "globals", "numbers", "slots", "types", "undefined", "uses")

    def __init__(self, code: Sequence[CodePiece], data: Sequence[DataPiece], globals_: Sequence[WasmGlobal]) -> None:
        self.code, self.data, self.globals = code, data, globals_
        names = [piece.name for piece in code] + [piece.name for piece in data]
        names += [string(item.name) for item in globals_]
        self.numbers = dict(zip(names, range(len(names)), strict=True))
        if len(self.numbers) != len(names):
            raise ValueError("a name is defined twice")
        self.types: dict[bytes, int] = {}
        self.slots: dict[bytes, int] = {}
        self.undefined: dict[bytes, Reference] = {}
        self.uses: dict[bytes, int] = {}
        self.decoded: list[tuple[int, int, Reference | bytes, bytes]] = []

    def add_use(self, data: bytes) -> int:
        """Numbers a use that is not in `uses` yet. Raises ValueError where it contradicts another use or a
        definition."""
        kind, addend, target = read_use(data)
        name = b""
        if isinstance(target, bytes):
            if kind != TYPE_INDEX_LEB:
                raise ValueError(f"a use of kind {kind} names a type, not a symbol")
            self.types.setdefault(target, len(self.types))
        else:
            if not 0 <= kind < len(TARGET_KINDS) or TARGET_KINDS[kind] != target.kind:
                raise ValueError(f"a use of kind {kind} cannot refer to {target.name}")
            name = string(target.name)
            number = self.numbers.get(name, -1)
            # `numbers` has the undefined names as well, so a name in it may be one that an earlier use declared.
            if number >= 0 and name not in self.undefined:
                self._check(number, target)
            else:
                self._declare(name, target)
            if kind in TABLE_KINDS:
                self.slots.setdefault(name, len(self.slots) + 1)
        self.decoded.append((kind, addend, target, name))
        self.uses[data] = number = len(self.uses)
        return number

    def _check(self, number: int, target: Reference) -> None:
        """Raises ValueError where a use disagrees with the definition of that number."""
        first_global = len(self.code) + len(self.data)
        if number < len(self.code):
            kind, type_ = FUNCTION, self.code[number].type
        elif number < first_global:
            kind, type_ = DATA, b""
        else:
            kind, type_ = GLOBAL, self.globals[number - first_global].type
        if target.kind != kind:
            raise ValueError(f"{target.name} is another kind of thing than it is used as")
        if target.type and target.type != type_:
            raise ValueError(f"{target.name} is used with another type than it has")

    def _declare(self, name: bytes, target: Reference) -> None:
        known = self.undefined.get(name)
        if known is None:
            if target.kind == FUNCTION:
                if target.type[:1] != b"\x60":
                    raise ValueError(f"{target.name} is not defined here and its reference has no function type")
                self.types.setdefault(target.type, len(self.types))
            elif target.kind == GLOBAL and len(target.type) != 2:
                raise ValueError(f"{target.name} is not defined here and its reference has no global type")
            self.undefined[name] = target
            self.numbers[name] = len(self.numbers)
        elif known != target:
            raise ValueError(f"{target.name} is declared in two ways")

    def outside(self, kind: int) -> list[tuple[bytes, Reference]]:
        """The undefined symbols of one kind, with their names as objects hold them."""
        return [one for one in self.undefined.items() if one[1].kind == kind]


class _Holes:
    """Where uses go. `code` are offsets in the function entries, `data` offsets in the module's data; `code_uses` and
    `data_uses` are the numbers of the uses that the holes take. `addresses` are those of the data items, `size` is the
    number of bytes of all data."""

    __slots__ = ("addresses", "code", "code_uses", "data", "data_uses", "size")

    def __init__(self, symbols: _Symbols) -> None:
        self.addresses: list[int] = []
        self.code: list[int] = []
        self.code_uses: list[int] = []
        self.data: list[int] = []
        self.data_uses: list[int] = []
        top = 0
        for item in symbols.data:
            top = -(-top >> item.align << item.align)
            self.addresses.append(top)
            top += len(item.content)
        self.size = top
        uses, types, add_use = symbols.uses, symbols.types, symbols.add_use
        # The order of numbering is part of the object's bytes: the pieces in order, of each its own type first, then
        # its uses in order of appearance. `uses` is asked before `add_use`, because most uses were seen in an earlier
        # piece.
        base = 0
        for piece in symbols.code:
            if piece.type not in types:
                types[piece.type] = len(types)
            if piece.holes:
                numbers = [uses[one] if one in uses else add_use(one) for one in piece.uses]
                self.code += [base + hole for hole in piece.holes]
                self.code_uses += [numbers[use] for use in piece.hole_uses]
            base += len(piece.entry)
        for item, address in zip(symbols.data, self.addresses, strict=True):
            if item.holes:
                numbers = [uses[use] if use in uses else add_use(use) for use in item.uses]
                self.data += [address + hole for hole in item.holes]
                self.data_uses += [numbers[one] for one in item.hole_uses]


# ------------------------------------------------------------------------------------------------ the object


class _Values:
    """What each use is in the object, by the number of the use. A relocation entry is `heads`, its offset, `tails`;
    `fives` are the bytes of a hole in code, `words` the values of holes in data."""

    __slots__ = ("fives", "heads", "tails", "words")

    def __init__(self, symbols: _Symbols, holes: _Holes, functions: dict[bytes, int]) -> None:
        slots, types, numbers = symbols.slots, symbols.types, symbols.numbers
        names = [name for name, _ in symbols.outside(GLOBAL)] + [string(item.name) for item in symbols.globals]
        globals_ = {name: index for index, name in enumerate(names)}
        addresses = dict.fromkeys([name for name, _ in symbols.outside(DATA)], 0)
        addresses.update(zip([piece.name for piece in symbols.data], holes.addresses, strict=True))
        by_kind = (functions, slots, slots, addresses, addresses, addresses, types, globals_)
        self.heads: list[bytes] = []
        self.tails: list[bytes] = []
        self.fives: list[bytes] = []
        self.words: list[int] = []
        for kind, addend, target, name in symbols.decoded:
            if isinstance(target, bytes):
                index = value = types[target]
            else:
                index, value = numbers[name], by_kind[kind][name]
            tail = uleb(index)
            if kind in KINDS_WITH_ADDEND:
                tail += sleb(addend)
                value += addend
            value &= 0xFFFFFFFF
            self.heads.append(b"%c" % kind)
            self.tails.append(tail)
            self.fives.append(leb5(value if kind == MEMORY_ADDR_LEB or value < 1 << 31 else signed32(value)))
            self.words.append(value)


class _ObjectWriter:
    """Writes the sections. `functions` are indices by name, imports first; `kinds` the types of the own functions.
    `write` sets the rest: `content`, the bytes of all data; and where the function entries begin in the object
    (`code_at`), and how long they are (`code_size`)."""

    def __init__(self, symbols: _Symbols, holes: _Holes) -> None:
        self._symbols, self._holes = symbols, holes
        self.imported, self.imported_globals = symbols.outside(FUNCTION), symbols.outside(GLOBAL)
        first = len(self.imported)
        self.functions = {name: index for index, (name, _) in enumerate(self.imported)}
        self.functions.update({piece.name: first + index for index, piece in enumerate(symbols.code)})
        self.kinds = [symbols.types[piece.type] for piece in symbols.code]
        self._values = _Values(symbols, holes, self.functions)
        self.content = b""
        self.code_at = self.code_size = 0

    def write(self, features: Sequence[str], customs: Sequence[tuple[str, bytes]]) -> bytes:
        """The bytes of the object."""
        symbols, holes = self._symbols, self._holes
        sections = [MAGIC, section(1, vector(tuple(symbols.types))), section(2, self._imports())]
        if self.kinds:
            sections.append(section(3, vector([uleb(kind) for kind in self.kinds])))
        if symbols.globals:
            sections.append(section(6, vector([item.type + item.init for item in symbols.globals])))
        if symbols.slots:
            indices = [self.functions[name] for name in symbols.slots]
            sections.append(section(9, b"\1\0\x41\1\x0b" + vector([uleb(index) for index in indices])))
        # A relocation section names its target by the target's place among all sections, so it is made when that place
        # is known (`len(sections)`), and written behind the linking section, whose symbols it refers to.
        relocations = []
        if symbols.code:
            entries = self._entries()
            count = uleb(len(symbols.code))
            if holes.code:
                offsets = [len(count) + hole for hole in holes.code]
                relocations.append(self._relocations("reloc.CODE", len(sections), offsets, holes.code_uses))
            sections.append(section(10, count + entries))
            self.code_at, self.code_size = sum(map(len, sections)) - len(entries), len(entries)
        if symbols.data:
            payload, offsets = self._segments()
            if holes.data:
                relocations.append(self._relocations("reloc.DATA", len(sections), offsets, holes.data_uses))
            sections.append(section(11, payload))
        sections.append(custom("linking", self._linking()))
        if features:
            relocations.append(custom("target_features", vector([b"+" + string(name) for name in features])))
        tail = [custom(name, payload) for name, payload in customs]
        return b"".join((*sections, *relocations, *tail))

    def _imports(self) -> bytes:
        types, slots = self._symbols.types, len(self._symbols.slots)
        imports = [b"\x03env\x0f__linear_memory\x02\0" + uleb(-(-self._holes.size // PAGE))]
        for name, import_ in self.imported:
            imports.append(b"".join((*_host(name, import_), b"\0", uleb(types[import_.type]))))
        for name, import_ in self.imported_globals:
            imports.append(b"".join((*_host(name, import_), b"\3", import_.type)))
        # LLD crashes on a table relocation in a program where no object imports the table, so all objects import it.
        imports.append(b"\x03env\x19__indirect_function_table\x01\x70\0" + uleb(slots + 1 if slots else 0))
        return vector(imports)

    def _entries(self) -> bytes:
        entries = bytearray().join([piece.entry for piece in self._symbols.code])
        fives, put = self._values.fives, _put5
        for at, use in zip(self._holes.code, self._holes.code_uses, strict=True):
            put(entries, at, fives[use])
        return bytes(entries)

    def _segments(self) -> tuple[bytes, list[int]]:
        """The payload of the data section, and the offsets of the holes in it."""
        data, holes = self._symbols.data, self._holes
        content = bytearray()
        for piece, address in zip(data, holes.addresses, strict=True):
            content += bytes(address - len(content)) + piece.content
        words, put = self._values.words, _put4
        for at, use in zip(holes.data, holes.data_uses, strict=True):
            put(content, at, words[use])
        self.content = bytes(content)
        parts = [uleb(len(data))]
        position = len(parts[0])
        offsets: list[int] = []
        for piece, address in zip(data, holes.addresses, strict=True):
            size = len(piece.content)
            head = b"\0\x41" + sleb(address) + b"\x0b" + uleb(size)
            position += len(head)
            parts += head, self.content[address : address + size]
            offsets += [position + hole for hole in piece.holes]
            position += size
        return b"".join(parts), offsets

    def _relocations(self, name: str, ordinal: int, offsets: Sequence[int], uses: Sequence[int]) -> bytes:
        """The relocation section of the section before number `ordinal`. `offsets` ascend."""
        # An entry is its kind, its offset as LEB128, and what it refers to. Kind and target are encoded once for each
        # use. An offset is the low seven bits with the continuation bit (`_LOW`), then the rest, which is in `high`.
        # So only entries with an offset of one byte call `uleb`.
        heads, tails, low = self._values.heads, self._values.tails, _LOW
        high = [uleb(n) for n in range((offsets[-1] >> 7) + 1)]
        entries = [
            b"".join((heads[one], low[offset & 127], high[offset >> 7], tails[one]))
            if offset > 127
            else heads[one] + uleb(offset) + tails[one]
            for offset, one in zip(offsets, uses, strict=True)
        ]
        # A relocation section names its section by number. `ordinal` counts `MAGIC` as well, the first of `sections`.
        return custom(name, uleb(ordinal - 1) + vector(entries))

    def _linking(self) -> bytes:
        symbols = self._symbols
        first = len(self.imported)
        # Relocations name symbols by their place in this table: it must have the order of `_Symbols.numbers`, which is
        # functions, data and globals by definition, then undefined symbols by first use.
        table = [
            b"".join((b"\0", uleb(piece.flags), uleb(first + number), piece.name))
            for number, piece in enumerate(symbols.code)
        ]
        table += [
            b"".join((b"\1", uleb(piece.flags), piece.name, uleb(number), b"\0", uleb(len(piece.content))))
            for number, piece in enumerate(symbols.data)
        ]
        outside = len(self.imported_globals)
        table += [
            b"".join((b"\2", uleb(item.flags), uleb(outside + number), string(item.name)))
            for number, item in enumerate(symbols.globals)
        ]
        table += _undefined(symbols)
        payload = b"\x02" + section(8, vector(table))
        if symbols.data:
            infos = [_info(piece) for piece in symbols.data]
            payload += section(5, vector(infos))
        return payload


def _undefined(symbols: _Symbols) -> list[bytes]:
    """The entries of the symbol table for what is not defined here."""
    table: list[bytes] = []
    counts = [0, 0, 0]
    for name, symbol in symbols.undefined.items():
        flags = UNDEFINED | WEAK if symbol.weak else UNDEFINED
        # An undefined function (or global) is named by its import, and imports are written in this order (`outside`).
        # The name is left out where it is the import's own, as linkers expect; EXPLICIT_NAME says that one follows.
        index = counts[symbol.kind]
        counts[symbol.kind] += 1
        if symbol.kind == DATA:
            table.append(b"\1" + uleb(flags) + name)
        elif _is_plain(symbol):
            table.append(b"%c%c%b" % (symbol.kind, flags, uleb(index)))
        else:
            table.append(b"%c%c%b%b" % (symbol.kind, flags | EXPLICIT_NAME, uleb(index), name))
    return table


# ------------------------------------------------------------------------------------------------ the model


def _model(symbols: _Symbols, holes: _Holes, writer: _ObjectWriter) -> bytes:
    """The section with the model of the object that was written; empty where the fast linker cannot take the object
    (see `slack.model`)."""
    if not _is_usual(symbols, writer):
        return b""
    value_table = _model_values(symbols, holes, writer)
    if value_table is None:
        return b""
    classes, values = value_table
    starts = list(accumulate(map(len, classes), initial=0))
    numbers = [starts[class_] + number for class_, number in values]
    strong, weak = _public_functions(symbols.code)
    data_names, data_offsets = _public_data(symbols.data, holes.addresses)
    imports = writer.imported
    replaceable = [symbols.code[number] for number in weak]
    model = LinkModel(
        types=list(symbols.types),
        function_types=writer.kinds,
        names=[piece.name for piece in symbols.code],
        strong=strong,
        weak=weak,
        outside=[*[name for name, _ in imports], *[piece.name for piece in replaceable]],
        outside_types=[symbols.types[one.type] for _, one in imports] + [symbols.types[p.type] for p in replaceable],
        imports=[(number, *_host(name, one)) for number, (name, one) in enumerate(imports) if not _is_plain(one)],
        align=max([piece.align for piece in symbols.data], default=0),
        size=holes.size,
        data=writer.content,
        data_names=data_names,
        data_offsets=data_offsets,
        outside_data=[name for name, _ in symbols.outside(DATA)],
        globals=[],
        values=[list(class_) for class_ in classes],
        holes=holes.code,
        hole_values=[numbers[one] for one in holes.code_uses],
        words=holes.data,
        word_values=[numbers[use] for use in holes.data_uses],
        code_at=writer.code_at,
        code_size=writer.code_size,
    )
    return model_section(model)


def _public_functions(code: Sequence[CodePiece]) -> tuple[list[int], list[int]]:
    """The functions that other modules can refer to: those with a strong definition, and those with a weak one."""
    public = [number for number, piece in enumerate(code) if not piece.flags & LOCAL]
    strong = [number for number in public if not code[number].flags & WEAK]
    return strong, [number for number in public if code[number].flags & WEAK]


def _public_data(data: Sequence[DataPiece], addresses: Sequence[int]) -> tuple[list[bytes], list[int]]:
    """Names and addresses of the data that other modules can refer to."""
    names: list[bytes] = []
    offsets: list[int] = []
    for piece, address in zip(data, addresses, strict=True):
        if not piece.flags & LOCAL:
            names.append(piece.name)
            offsets.append(address)
    return names, offsets


def _is_usual(symbols: _Symbols, writer: _ObjectWriter) -> bool:
    return (
        not symbols.globals
        and all(
            _is_plain(one) and one.name == STACK_POINTER_NAME and one.type == b"\x7f\x01"
            for _, one in writer.imported_globals
        )
        and not any(piece.flags & (WEAK | EXPORTED) or piece.section == ".bss" for piece in symbols.data)
        and len(symbols.undefined) < ADDENDS
    )


def _model_values(
    symbols: _Symbols, holes: _Holes, writer: _ObjectWriter
) -> tuple[list[dict[int, int]], list[tuple[int, int]]] | None:
    """The model's values by class, and for each use its class and its number within the class. None where the fast
    linker does not handle a use."""
    outside_data = {name: number for number, (name, _) in enumerate(symbols.outside(DATA))}
    classes: list[dict[int, int]] = [{} for _ in range(SLOTS + 2)]
    first, code = len(writer.imported), len(symbols.code)
    # The same classes and order as `slack.model` makes of an object that was read: a test holds the two against each
    # other. Here they are made of the pieces, because reading the object again would take longer than writing it. What
    # other definitions may replace is referred to by name, behind what is not defined here.
    weak = [number for number, piece in enumerate(symbols.code) if piece.flags & WEAK and not piece.flags & LOCAL]
    far = {first + number: first + place for place, number in enumerate(weak)}
    value_table: list[tuple[int, int]] = []
    for kind, addend, target, name in symbols.decoded:
        if isinstance(target, bytes):
            class_, key = TYPES, symbols.types[target]
        elif target.kind == FUNCTION:
            index = writer.functions[name]
            class_, key = (OWN, index - first) if index >= first and index not in far else (FAR, far.get(index, index))
            if kind in TABLE_KINDS:
                class_ += SLOTS
        elif target.kind == GLOBAL:
            class_, key = STACK_POINTER, 0
        else:
            number = symbols.numbers[name] - code
            if number < len(symbols.data):
                class_, key = OWN_DATA, holes.addresses[number] + addend
            else:
                class_, key = FAR_DATA, outside_data[name] + addend * ADDENDS
        values = classes[class_]
        value_table.append((class_, values.setdefault(key, len(values))))
    return classes, value_table


def _is_plain(reference: Reference) -> bool:
    """Whether the import has the symbol's own name, in the module `env`."""
    return (reference.module or "env", reference.field or reference.name) == ("env", reference.name)


def _host(name: bytes, reference: Reference) -> tuple[bytes, bytes]:
    """Module and field of the import."""
    return string(reference.module or "env"), string(reference.field) if reference.field else name


def _info(piece: DataPiece) -> bytes:
    """The entry of a data segment in the subsection "segment info"."""
    # `piece.name` begins with its length: one byte below 128, two below 16,384.
    name = piece.name[1:] if len(piece.name) < 129 else piece.name[2:] if len(piece.name) < 16386 else b""
    if not name:
        raise ValueError("a name of no length, or a very long one")
    full = piece.section.encode() + b"." + name
    return b"".join((uleb(len(full)), full, uleb(piece.align), b"\0"))
