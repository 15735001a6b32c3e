"""What linking needs of one object, as flat lists. It is computed once, when the object is made, and is fast to read.

A hole in the code takes one of the module's values: an index, an address or a type number. Equal values are listed
once, however many holes take them. Values are numbered through their classes, in the order of `LinkModel.values`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from actors.untrusted import UNREADABLE, Count
from orchestrator.wasm.fragment import (
    DATA,
    EXPORTED,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    LOCAL,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_LEB,
    MEMORY_ADDR_SLEB,
    NO_STRIP,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
    UNDEFINED,
    WEAK,
)
from orchestrator.wasm.leb import custom, functype, string
from orchestrator.wasm.object_file import ObjectFile, Symbol
from orchestrator.wasm.reader import MEMORY_ADDR_REL_SLEB, TABLE_INDEX_REL_SLEB, TABLE_NUMBER_LEB
from orchestrator.wasm.slack.positions import without_positions
from orchestrator.wasm.symbols import STACK_POINTER_NAME

SECTION = "wasmill.link"
ADDENDS = 1 << 16
"""A module refers to fewer outside data symbols than this, so that an addend and a symbol fit into one number."""
_HEAD = string(SECTION)
_TRAILER = 4
_ADDRESS_OF_POSITION = (MEMORY_ADDR_REL_SLEB, TABLE_INDEX_REL_SLEB)
PROCEDURE = functype(b"", b"")
_KINDS = (
    FUNCTION_INDEX_LEB,
    TABLE_INDEX_SLEB,
    TABLE_INDEX_I32,
    MEMORY_ADDR_LEB,
    MEMORY_ADDR_SLEB,
    MEMORY_ADDR_I32,
    GLOBAL_INDEX_LEB,
)
# The classes of values. The table slot of a function of class OWN or FAR is of class SLOTS or SLOTS + 1.
OWN, FAR, OWN_DATA, FAR_DATA, TYPES, OWN_GLOBALS, STACK_POINTER, SLOTS = range(8)


class UnusualError(Exception):
    """The fast linker does not handle this object or program; the message says why. Users never see it, because the
    full linker takes over."""


class LinkModel(msgspec.Struct, array_like=True, gc=False):
    """One object. Functions are numbered from 0 in the object's order. Names are a length and UTF-8, as in programs
    (`leb.string`); a missing one is empty. `outside` are the functions that the object refers to and does not define,
    then those that it defines weakly: another module's definition may win. `imports` (number in `outside`, module,
    field) are those among them that the host provides. `outside_data` is the same for data.

    `names` has one name for each function. `strong` and `weak` are the numbers of the functions that other modules can
    refer to. `data` is the written part of the data, which has `size` bytes; the rest is zero. `align` is log2 of
    bytes.
    """

    types: list[bytes]
    function_types: list[int]
    names: list[bytes]
    strong: list[int]
    weak: list[int]
    outside: list[bytes]
    outside_types: list[int]
    imports: list[tuple[int, bytes, bytes]]
    align: Annotated[int, msgspec.Meta(ge=0, le=16)]
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]
    data: bytes
    data_names: list[bytes]
    data_offsets: list[int]
    outside_data: list[bytes]
    globals: list[tuple[bytes, bytes]]
    """Type and initial value of each global. No other module can refer to them."""

    values: list[list[int]]
    """By class: own functions; functions outside; own addresses, from the first byte of the data; addresses outside, as
    `addend * ADDENDS + number in outside_data`; types; own globals; the stack pointer, [0] if it is used; own functions
    whose address is taken; functions outside whose address is taken."""
    holes: list[int]
    """Offsets of five-byte holes in the code; `hole_values` are the numbers of the values that they take."""
    hole_values: list[int]
    words: list[int]
    """Offsets of four-byte holes in the data; `word_values` are the numbers of the values that they take."""
    word_values: list[int]
    code_at: Count
    """Offset of the first function entry in the object; `code_size` is the size of all entries in bytes."""
    code_size: Count
    code: bytes = b""
    """The entries. The section leaves them out, because the object has them already."""
    aliases: list[tuple[bytes, int]] = []
    """More names of functions; `weak_aliases` are those with weak definitions."""
    weak_aliases: list[tuple[bytes, int]] = []
    weak_data: list[int] = []
    """The numbers in `data_names` of what is defined weakly."""
    inits: list[tuple[Count, int]] = []
    """Priority and number of each function to call before the program starts."""
    exports: list[tuple[bytes, int]] = []
    """Functions that the object asks to export, by export name."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(LinkModel)


def taken(model: LinkModel) -> tuple[list[bytes], list[int]]:
    """The functions whose address the module takes: the names of those that other modules can name too, and the numbers
    of its own others. All modules share a table slot for each name, because pointers to one function are equal."""
    *_, own, far = model.values
    names = [model.outside[number] for number in far]
    if not own:
        return names, own
    public = {*model.strong, *model.weak}
    return [model.names[n] for n in own if n in public] + names, [n for n in own if n not in public]


def model_section(model: LinkModel) -> bytes:
    """The section of a model whose `code_at` and `code_size` are set, and whose `code` is empty."""
    encoded = _encoder.encode(model)
    return custom(SECTION, encoded + len(encoded).to_bytes(_TRAILER, "little"))


def read_model(data: bytes) -> LinkModel:
    """Reads the model in an object. Raises UnusualError where there is none. The section is the last one and ends with
    its own length, because walking through all sections would take longer than decoding the model."""
    if not has_model(data):
        raise UnusualError("an object without a model")
    start, end = _span(data)
    try:
        model = _decoder.decode(data[start:end])
    except UNREADABLE as error:
        raise UnusualError("an object whose model is damaged") from error
    model.code = data[model.code_at : model.code_at + model.code_size]
    return model


def has_model(data: bytes) -> bool:
    """Whether there is a model in the object."""
    start, _ = _span(data)
    return start >= 0 and data.endswith(_HEAD, 0, start)


def _span(data: bytes) -> tuple[int, int]:
    """Where the model begins and ends, if there is one."""
    end = len(data) - _TRAILER
    return end - int.from_bytes(data[end:], "little") if end > 0 else -1, end


def model_of(file: ObjectFile) -> LinkModel:
    """Makes the model of an object that was read, with its code. Raises UnusualError where it is not for the fast
    linker."""
    return _Digester(file).model()


class _Digester:
    """Makes a model in one pass over an object. `_targets` has the class of values of each symbol and its key there."""

    def __init__(self, file: ObjectFile) -> None:
        if file.uses_got or any(kind in file.code_relocations.kinds for kind in _ADDRESS_OF_POSITION):
            file = without_positions(file)
        self._found = file
        self._types = {type_: number for number, type_ in enumerate(file.types)}
        self._names = [b""] * len(file.function_types)
        self._strong: list[int] = []
        self._weak: list[int] = []
        self._aliases: list[tuple[bytes, int]] = []
        self._weak_aliases: list[tuple[bytes, int]] = []
        self._weak_data: list[int] = []
        self._exports: list[tuple[bytes, int]] = []
        self._outside: list[tuple[bytes, int]] = []
        self._imports: list[tuple[int, bytes, bytes]] = []
        self._data_names: list[bytes] = []
        self._data_offsets: list[int] = []
        self._outside_data: list[bytes] = []
        self._bases, self._data, self._size, self._align = _place(file)
        self._targets = [self._target(symbol) for symbol in file.symbols]
        # What other definitions may replace is referred to by name, behind what is not defined here.
        for number, symbol in enumerate(file.symbols):
            if symbol.flags & WEAK and not symbol.flags & UNDEFINED and symbol.kind in (FUNCTION, DATA):
                self._targets[number] = self._by_name(symbol)
        self._classes: list[dict[int, int]] = [{} for _ in range(9)]

    def model(self) -> LinkModel:
        file, code, data = self._found, self._found.code_relocations, self._found.data_relocations
        # A value is numbered within its class when it is first used. Where the classes begin is known at the end, so
        # uses are (class, number) until then.
        holes = [
            self._value(kind, index, addend)
            for kind, index, addend in zip(code.kinds, code.indices, code.addends, strict=True)
        ]
        words: list[int] = []
        word_values: list[tuple[int, int]] = []
        for unit, base in enumerate(self._bases):
            where = slice(data.starts[unit], data.starts[unit + 1])
            for kind, offset, index, addend in zip(
                data.kinds[where], data.offsets[where], data.indices[where], data.addends[where], strict=True
            ):
                if kind not in (MEMORY_ADDR_I32, TABLE_INDEX_I32) or base + offset + 4 > len(self._data):
                    raise UnusualError(f"a relocation of kind {kind} in data")
                words.append(base + offset)
                word_values.append(self._value(kind, index, addend))
        starts = [sum(map(len, self._classes[:number])) for number in range(len(self._classes))]
        return LinkModel(
            types=file.types,
            function_types=file.function_types,
            names=self._names,
            strong=self._strong,
            weak=self._weak,
            outside=[name for name, _ in self._outside],
            outside_types=[type_ for _, type_ in self._outside],
            imports=self._imports,
            align=self._align,
            size=self._size,
            data=bytes(self._data),
            data_names=self._data_names,
            data_offsets=self._data_offsets,
            outside_data=self._outside_data,
            globals=file.globals,
            values=[list(values) for values in self._classes],
            holes=code.offsets,
            hole_values=[starts[class_] + number for class_, number in holes],
            words=words,
            word_values=[starts[class_] + number for class_, number in word_values],
            code_at=0,
            code_size=0,
            code=file.code,
            aliases=self._aliases,
            weak_aliases=self._weak_aliases,
            weak_data=self._weak_data,
            inits=self._inits(),
            exports=self._exports,
        )

    def _inits(self) -> list[tuple[int, int]]:
        file = self._found
        grouped = {index for group in file.groups for index in group.functions} if file.inits else ()
        inits = []
        for priority, number in file.inits:
            symbol = file.symbols[number]
            if symbol.index in grouped:
                raise UnusualError("an init function that is in a group")
            if symbol.flags & UNDEFINED or symbol.type != PROCEDURE:
                raise UnusualError("an init function of another object or type")
            inits.append((priority, symbol.index))
        return inits

    # What a relocation asks for and what a symbol is are two questions. Symbols were sorted into classes before; here
    # the relocation moves a function to its slot, and adds the addend to an address.
    def _value(self, kind: int, index: int, addend: int) -> tuple[int, int]:
        """Class and number, within the class, of the value that a relocation asks for."""
        if kind == TYPE_INDEX_LEB:
            class_, key = TYPES, index
        elif kind == TABLE_NUMBER_LEB:
            class_, key = STACK_POINTER, 0  # Like the stack pointer, the only table has the number 0.
        elif kind not in _KINDS:
            raise UnusualError(f"a relocation of kind {kind}")
        else:
            class_, key = self._targets[index]
            if kind in (TABLE_INDEX_SLEB, TABLE_INDEX_I32):
                class_ += SLOTS
            elif kind == GLOBAL_INDEX_LEB and class_ not in (OWN_GLOBALS, STACK_POINTER):
                raise UnusualError("a global that holds an address")
            elif class_ == OWN_DATA:
                key += addend
            elif class_ == FAR_DATA:
                key += addend * ADDENDS
        values = self._classes[class_]
        return class_, values.setdefault(key, len(values))

    def _target(self, symbol: Symbol) -> tuple[int, int]:
        name, flags = string(symbol.name), symbol.flags
        if flags & UNDEFINED:
            return self._undefined(symbol, name)
        if symbol.kind == FUNCTION:
            self._function(symbol, name)
            return OWN, symbol.index
        if symbol.kind == DATA:
            place = self._bases[symbol.index] + symbol.offset
            if flags & EXPORTED:
                raise UnusualError("data that is exported")
            if not flags & LOCAL:
                if flags & WEAK:
                    self._weak_data.append(len(self._data_names))
                self._data_names.append(name)
                self._data_offsets.append(place)
            return OWN_DATA, place
        if symbol.kind == GLOBAL and (flags & (EXPORTED | NO_STRIP) or not flags & LOCAL):
            raise UnusualError("a global that other modules see")
        return OWN_GLOBALS, symbol.index

    def _function(self, symbol: Symbol, name: bytes) -> None:
        index, flags = symbol.index, symbol.flags
        if flags & EXPORTED:
            if flags & (LOCAL | WEAK):
                raise UnusualError("an export that may be left out")
            self._exports.append((string(self._found.exports.get(index, symbol.name)), index))
        if self._names[index]:
            if not flags & LOCAL:
                (self._weak_aliases if flags & WEAK else self._aliases).append((name, index))
            return
        self._names[index] = name
        if not flags & LOCAL:
            (self._weak if flags & WEAK else self._strong).append(index)

    def _by_name(self, symbol: Symbol) -> tuple[int, int]:
        name = string(symbol.name)
        if symbol.kind == FUNCTION:
            self._outside.append((name, self._types[symbol.type]))
            return FAR, len(self._outside) - 1
        return FAR_DATA, self._outside_datum(name)

    def _outside_datum(self, name: bytes) -> int:
        if len(self._outside_data) == ADDENDS - 1:
            raise UnusualError("very many data symbols outside")
        self._outside_data.append(name)
        return len(self._outside_data) - 1

    def _undefined(self, symbol: Symbol, name: bytes) -> tuple[int, int]:
        if symbol.kind == FUNCTION:
            if symbol.module:
                self._imports.append((len(self._outside), string(symbol.module), string(symbol.field)))
            self._outside.append((name, self._types[symbol.type]))
            return FAR, len(self._outside) - 1
        if symbol.kind == DATA:
            return FAR_DATA, self._outside_datum(name)
        if symbol.module or symbol.name != STACK_POINTER_NAME or symbol.type != b"\x7f\x01":
            raise UnusualError("a global of another module, or an imported one")
        return STACK_POINTER, 0


def _place(file: ObjectFile) -> tuple[list[int], bytearray, int, int]:
    """Returns the offset of each segment in the module's data, the bytes to write, the size of all data in bytes, and
    the alignment (log2). Segments of zeros come last, so that they need not be written."""
    bases, data = [0] * len(file.segments), bytearray()
    order = sorted(range(len(bases)), key=lambda number: file.segments[number].name.startswith(".bss"))
    top = align = 0
    for number in order:
        segment = file.segments[number]
        top = bases[number] = -(-top >> segment.align << segment.align)
        top += len(segment.data)
        align = max(align, segment.align)
        if not segment.name.startswith(".bss"):
            data += bytes(bases[number] - len(data)) + segment.data
    return bases, data, top, align
