"""An encoder of relocatable objects that shares no code with `orchestrator.wasm.join`, and referees it.

It also encodes what no toolchain of ours makes: exports and init functions of an object's own.

The order of sections and of the subsections of "linking" is the one that all versions of LLD accept. Holes hold the
object's own numbers, so that validators and dumpers can make sense of an object before it is linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.wasm.fragment import (
    DATA,
    EXPLICIT_NAME,
    EXPORTED,
    FUNCTION,
    GLOBAL,
    KIND_NAMES,
    KINDS_WITH_ADDEND,
    LOCAL,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_LEB,
    NO_STRIP,
    TABLE_INDEX_I32,
    TABLE_KINDS,
    TARGET_KINDS,
    TYPE_INDEX_LEB,
    UNDEFINED,
    WEAK,
    Data,
    FunctionCode,
    Reference,
    Relocation,
    WasmGlobal,
)
from orchestrator.wasm.leb import (
    MAGIC,
    PAGE,
    custom,
    functype,
    leb5,
    section,
    signed32,
    sleb,
    string,
    uleb,
    vector,
)

__all__ = ["encode_object", "functype"]

_HOLE = b"\0\0\0\0\0"
_WORD = frozenset((TABLE_INDEX_I32, MEMORY_ADDR_I32))
_SECTIONS = (".rodata", ".data", ".bss")


def encode_object(
    code: Sequence[FunctionCode],
    data: Sequence[Data],
    globals_: Sequence[WasmGlobal] = (),
    inits: Sequence[tuple[int, str]] = (),
    features: Sequence[str] = (),
    customs: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """The relocatable object of these units, in this order.

    A pure function: equal units in equal order give equal bytes in every process. `inits` are (priority, name of a
    function of this object, type `() -> ()`), run before the entry in ascending priority. `features` are names such as
    "mutable-globals" that linkers check. `customs` are custom sections (name, payload), written last. A definition is
    always written, used or not; a `Reference` to a name that is not defined here becomes an undefined symbol.

    Raises ValueError, naming the units, for what no linker could make sense of: a name defined twice or declared in two
    ways, a reference that disagrees with its definition, holes that are out of order, out of bounds or not zero.
    """
    symbols = Symbols(code, data, globals_)
    functions = symbols.functions
    sections = [section(1, vector(tuple(symbols.types))), section(2, _imports(symbols))]
    if code:
        types = symbols.types
        sections.append(section(3, vector([uleb(types[unit.type]) for unit in code])))
    if globals_:
        sections.append(section(6, vector([item.type + item.init for item in globals_])))
    exports = [string(unit.export) + b"\0" + uleb(functions[unit.name]) for unit in code if unit.export]
    if exports:
        sections.append(section(7, vector(exports)))
    if symbols.slots:
        elements = vector([uleb(functions[name]) for name in symbols.slots])
        sections.append(section(9, b"\1\0\x41\1\x0b" + elements))
    relocations = []
    if code:
        payload, entries = _code(code, symbols)
        if entries:
            relocations.append(custom("reloc.CODE", uleb(len(sections)) + vector(entries)))
        sections.append(section(10, payload))
    if data:
        payload, entries = _data(data, symbols)
        if entries:
            relocations.append(custom("reloc.DATA", uleb(len(sections)) + vector(entries)))
        sections.append(section(11, payload))
    sections.append(custom("linking", _linking(code, data, globals_, inits, symbols)))
    if features:
        relocations.append(custom("target_features", vector([b"+" + string(name) for name in features])))
    tail = [custom(name, payload) for name, payload in customs]
    return b"".join((MAGIC, *sections, *relocations, *tail))


def _host(reference: Reference) -> tuple[str, str]:
    return reference.module or "env", reference.field or reference.name


def _imports(symbols: Symbols) -> bytes:
    types, slots = symbols.types, len(symbols.slots)
    imports = [b"\x03env\x0f__linear_memory\x02\0" + uleb(-(-symbols.memory_size // PAGE))]
    for reference in symbols.imported_functions:
        module, field = _host(reference)
        imports.append(string(module) + string(field) + b"\0" + uleb(types[reference.type]))
    for reference in symbols.imported_globals:
        module, field = _host(reference)
        imports.append(string(module) + string(field) + b"\3" + reference.type)
    # Always there: LLD crashes on a table relocation in a program where nobody imports the table.
    imports.append(b"\x03env\x19__indirect_function_table\x01\x70\0" + uleb(slots + 1 if slots else 0))
    return vector(imports)


def _code(code: Sequence[FunctionCode], symbols: Symbols) -> tuple[bytes, list[bytes]]:
    """The payload of the code section, and the relocations in it."""
    parts = [uleb(len(code))]
    position = len(parts[0])
    entries: list[bytes] = []
    for unit in code:
        body = unit.body
        size = uleb(len(body))
        position += len(size)
        parts.append(size)
        if unit.relocations:
            body = _fill(unit.name, body, unit.relocations, position, symbols, entries)
        parts.append(body)
        position += len(body)
    return b"".join(parts), entries


def _data(data: Sequence[Data], symbols: Symbols) -> tuple[bytes, list[bytes]]:
    """The payload of the data section, and the relocations in it."""
    parts = [uleb(len(data))]
    position = len(parts[0])
    entries: list[bytes] = []
    for item in data:
        content = item.data
        if item.section not in _SECTIONS:
            raise ValueError(f"{item.name}: data section {item.section!r} is not one of {', '.join(_SECTIONS)}")
        if item.section == ".bss" and (item.relocations or content.count(0) != len(content)):
            raise ValueError(f"{item.name}: data in .bss must be zero, for linkers do not write it")
        head = b"\0\x41" + sleb(symbols.addresses[item.name]) + b"\x0b" + uleb(len(content))
        position += len(head)
        parts.append(head)
        if item.relocations:
            content = _fill(item.name, content, item.relocations, position, symbols, entries)
        parts.append(content)
        position += len(content)
    return b"".join(parts), entries


def _fill(
    name: str, content: bytes, relocations: Iterable[Relocation], base: int, symbols: Symbols, entries: list[bytes]
) -> bytes:
    """`content` with the object's own numbers in its holes. Appends the relocation entries of this unit to `entries`;
    `base` is where the content starts in the payload of its section."""
    numbers, types, functions, slots = symbols.numbers, symbols.types, symbols.functions, symbols.slots
    addresses = symbols.addresses
    values = (functions, slots, slots, addresses, addresses, addresses, types, symbols.global_numbers)
    out = bytearray(content)
    end = 0
    for relocation in relocations:
        kind, offset, target = relocation.kind, relocation.offset, relocation.target
        width = 4 if kind in _WORD else 5
        if offset < end or not content.startswith(_HOLE[:width], offset):
            raise ValueError(f"{name}: no hole of {width} zero bytes at offset {offset} (or out of order)")
        end = offset + width
        if isinstance(target, bytes):
            if kind != TYPE_INDEX_LEB:
                raise ValueError(f"{name}: relocation of kind {kind} names a type, not a symbol")
            index = value = types[target]
        else:
            index = numbers[target.name]
            value = values[kind][target.name]  # type: ignore[index]
        entry = b"%c%b%b" % (kind, uleb(base + offset), uleb(index))
        if kind in KINDS_WITH_ADDEND:
            entry += sleb(relocation.addend)
            value += relocation.addend
        entries.append(entry)
        if width == 4:
            out[offset:end] = (value & 0xFFFFFFFF).to_bytes(4, "little")
        else:
            out[offset:end] = leb5(value & 0xFFFFFFFF if kind == MEMORY_ADDR_LEB else signed32(value))
    return bytes(out)


def _linking(
    code: Sequence[FunctionCode],
    data: Sequence[Data],
    globals_: Sequence[WasmGlobal],
    inits: Sequence[tuple[int, str]],
    symbols: Symbols,
) -> bytes:
    """The payload of "linking": version, symbol table, segment names, init functions; LLD wants them in this order."""
    payload = b"\x02" + section(8, vector(_symbol_table(code, data, globals_, symbols)))
    if data:
        infos = [string(f"{item.section}.{item.name}") + uleb(item.align) + b"\0" for item in data]
        payload += section(5, vector(infos))
    if inits:
        kinds = {unit.name: unit.type for unit in code}
        for _, name in inits:
            if kinds.get(name) != functype(b"", b""):
                raise ValueError(f"init function {name} is not a function () -> () of this object")
        payload += section(6, vector([uleb(priority) + uleb(symbols.numbers[name]) for priority, name in inits]))
    return payload


def _symbol_table(
    code: Sequence[FunctionCode], data: Sequence[Data], globals_: Sequence[WasmGlobal], symbols: Symbols
) -> list[bytes]:
    functions, numbers = symbols.functions, symbols.global_numbers
    table = []
    for unit in code:
        flags = unit.flags | EXPORTED | NO_STRIP if unit.export else unit.flags
        table.append(b"\0" + uleb(flags) + uleb(functions[unit.name]) + string(unit.name))
    for number, item in enumerate(data):
        place = uleb(number) + b"\0" + uleb(len(item.data))
        table.append(b"\1" + uleb(item.flags) + string(item.name) + place)
    table += [b"\2" + uleb(item.flags) + uleb(numbers[item.name]) + string(item.name) for item in globals_]
    for reference in symbols.undefined.values():
        name = reference.name
        flags = UNDEFINED | WEAK if reference.weak else UNDEFINED
        if reference.kind == DATA:
            table.append(b"\1" + uleb(flags) + string(name))
            continue
        index = functions[name] if reference.kind == FUNCTION else numbers[name]
        if _host(reference) == ("env", name):
            table.append(b"%c%c%b" % (reference.kind, flags, uleb(index)))
        else:
            table.append(b"%c%c%b%b" % (reference.kind, flags | EXPLICIT_NAME, uleb(index), string(name)))
    return table


class Symbols:
    """The numbering of one object. `numbers` holds every symbol by name; the dicts after it give the value that a
    relocation of each kind writes, by symbol name (`types`: by encoded function type)."""

    __slots__ = (
        "addresses",
        "functions",
        "global_numbers",
        "imported_functions",
        "imported_globals",
        "memory_size",
        "numbers",
        "slots",
        "types",
        "undefined",
    )

    def __init__(self, code: Sequence[FunctionCode], data: Sequence[Data], globals_: Sequence[WasmGlobal]) -> None:
        definitions = _definitions(code, data, globals_)
        self.types: dict[bytes, int] = {}
        self.undefined: dict[str, Reference] = {}
        self.slots: dict[str, int] = {}
        for unit in code:
            self.types.setdefault(unit.type, len(self.types))
            if unit.relocations:
                self._refer(unit, definitions)
        for item in data:
            if item.relocations:
                self._refer(item, definitions)
        names = [*definitions, *self.undefined]
        self.numbers: dict[str, int] = dict(zip(names, range(len(names)), strict=True))
        wanted = self.undefined.values()
        self.imported_functions = [reference for reference in wanted if reference.kind == FUNCTION]
        self.imported_globals = [reference for reference in wanted if reference.kind == GLOBAL]
        order = [reference.name for reference in self.imported_functions]
        order += [unit.name for unit in code]
        self.functions: dict[str, int] = dict(zip(order, range(len(order)), strict=True))
        order = [reference.name for reference in self.imported_globals]
        order += [item.name for item in globals_]
        self.global_numbers: dict[str, int] = dict(zip(order, range(len(order)), strict=True))
        self.addresses: dict[str, int] = {}
        self.memory_size = self._lay_out(data)

    def _refer(self, unit: FunctionCode | Data, definitions: dict[str, FunctionCode | Data | WasmGlobal]) -> None:
        types, undefined, slots = self.types, self.undefined, self.slots
        for relocation in unit.relocations:
            kind, target = relocation.kind, relocation.target
            if isinstance(target, bytes):
                if kind != TYPE_INDEX_LEB:
                    raise ValueError(f"{unit.name}: relocation of kind {kind} names a type, not a symbol")
                types.setdefault(target, len(types))
                continue
            name = target.name
            if not 0 <= kind < len(TARGET_KINDS) or TARGET_KINDS[kind] != target.kind:
                raise ValueError(f"{unit.name}: relocation of kind {kind} cannot refer to {_describe(target)}")
            known = undefined.get(name)
            if known is None:
                definition = definitions.get(name)
                if definition is not None:
                    _check_definition(unit.name, target, definition)
                else:
                    self._import(unit.name, target)
            elif known is not target and known != target:
                raise ValueError(
                    f"{unit.name}: {name} is declared in two ways: {_describe(known)}, and {_describe(target)}"
                )
            if kind in TABLE_KINDS:
                slots.setdefault(name, len(slots) + 1)

    def _import(self, unit: str, target: Reference) -> None:
        self.undefined[target.name] = target
        if target.kind == FUNCTION:
            if target.type[:1] != b"\x60":
                raise ValueError(f"{unit}: {target.name} is not defined here and its reference has no function type")
            self.types.setdefault(target.type, len(self.types))
        elif target.kind == GLOBAL and len(target.type) != 2:
            raise ValueError(f"{unit}: {target.name} is not defined here and its reference has no global type")

    def _lay_out(self, data: Sequence[Data]) -> int:
        addresses, top = self.addresses, 0
        for name, reference in self.undefined.items():
            if reference.kind == DATA:
                addresses[name] = 0
        for item in data:
            top = -(-top >> item.align << item.align)
            addresses[item.name] = top
            top += len(item.data)
        return top


def _definitions(
    code: Sequence[FunctionCode], data: Sequence[Data], globals_: Sequence[WasmGlobal]
) -> dict[str, FunctionCode | Data | WasmGlobal]:
    definitions: dict[str, FunctionCode | Data | WasmGlobal] = {unit.name: unit for unit in code}
    definitions.update({item.name: item for item in data})
    definitions.update({item.name: item for item in globals_})
    if len(definitions) != len(code) + len(data) + len(globals_):
        seen: set[str] = set()
        for names in ([u.name for u in code], [u.name for u in data], [u.name for u in globals_]):
            for name in names:
                if name in seen:
                    raise ValueError(f"{name} is defined twice in one object")
                seen.add(name)
    exports: dict[str, str] = {}
    for unit in code:
        if unit.export:
            if unit.flags & LOCAL:
                raise ValueError(f"{unit.name} is local, and so cannot be exported as {unit.export!r}")
            other = exports.setdefault(unit.export, unit.name)
            if other != unit.name:
                raise ValueError(f"{other} and {unit.name} are both exported as {unit.export!r}")
        elif unit.flags & EXPORTED and unit.flags & LOCAL:
            raise ValueError(f"{unit.name} is local, and so cannot be exported")
    return definitions


def _check_definition(unit: str, target: Reference, definition: FunctionCode | Data | WasmGlobal) -> None:
    """A reference within an object must agree with the definition. (A host import of a defined name is no conflict:
    the definition wins, as it does in every linker.)"""
    kind = FUNCTION if isinstance(definition, FunctionCode) else DATA if isinstance(definition, Data) else GLOBAL
    if target.kind != kind:
        raise ValueError(f"{unit}: {target.name} is used as {KIND_NAMES[target.kind]}, but is {KIND_NAMES[kind]}")
    type_ = b"" if isinstance(definition, Data) else definition.type
    if target.type and target.type != type_:
        raise ValueError(f"{unit}: {target.name} is used with type {target.type.hex()}, but defined with {type_.hex()}")


def _describe(reference: Reference) -> str:
    kind = KIND_NAMES[reference.kind] if 0 <= reference.kind < len(KIND_NAMES) else f"kind {reference.kind}"
    text = f"{kind} {reference.name}"
    if reference.type:
        text += f" of type {reference.type.hex()}"
    if reference.module or reference.field:
        text += f" from {reference.module or 'env'}.{reference.field or reference.name}"
    return text + (" (weak)" if reference.weak else "")
