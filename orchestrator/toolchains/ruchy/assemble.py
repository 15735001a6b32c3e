"""Units to object: the one place where code meets positions and file names.

Everything that a fragment leaves open is filled in here: line tables, and the file's name. The list of what the entry
would export travels in a custom section, so that no object depends on being the entry; and two more hold the units as
they are, for later compiles of the module: "wasmill.fragments", one behind the other, and "wasmill.functions", which
says where. Linkers look at neither.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import msgspec

from actors.compiler.toolchain import FUNCTIONS_SECTION
from actors.digests import Digest
from orchestrator.toolchains.objects import EXPORTS_SECTION
from orchestrator.toolchains.ruchy.lower.statics import static_string
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.toolchains.ruchy.units import PlacedUnit
from orchestrator.wasm.fragment import DATA, LOCAL, MEMORY_ADDR_I32, Reference
from orchestrator.wasm.join import join
from orchestrator.wasm.leb import custom, string
from orchestrator.wasm.pieces import CodePiece, DataPiece, data_piece, use

FRAGMENTS_SECTION = "wasmill.fragments"
FEATURES = ("sign-ext",)
_encode = msgspec.msgpack.Encoder().encode


class Export(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `pub` function at the top level of a module. `type` is its encoded function type; `native` says whether a host
    can call it: all types are numbers, bools or unit."""

    name: str
    symbol: str
    type: bytes
    native: bool


class Exports(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a module gives a program whose entry it is. `main_type` is the encoded type of `main`, empty without one."""

    functions: tuple[Export, ...] = ()
    has_top: bool = False
    calls_main: bool = False
    main_type: bytes = b""


def assemble(name: str, path: str, parts: Sequence[PlacedUnit], fingerprints: Mapping[str, Digest]) -> bytes:
    """The relocatable object of a module. `parts` stand in source order; `path` is the file as traps name it. Units
    whose name is among the `fingerprints` are kept for reuse."""
    code: dict[bytes, CodePiece] = {}
    data: dict[bytes, DataPiece] = {}
    file = name + ".{file}"
    address = use(MEMORY_ADDR_I32, Reference(DATA, file))
    for part in parts:
        for fragment, lines in zip(part.unit.fragments, part.lines, strict=True):
            for one in fragment.code:
                code.setdefault(one.name, one)
            for item in fragment.data:
                data.setdefault(item.name, item)
            if fragment.sites:
                if string(file) not in data:
                    data[string(file)] = data_piece(static_string(file, path))
                table = _line_table(f"{name}::{fragment.name}", lines, address)
                data[table.name] = table
    customs = ((EXPORTS_SECTION, _encode(_exports(name, parts))),)
    data_of_object, model = join(tuple(code.values()), tuple(data.values()), FEATURES, customs)
    return data_of_object + (_kept(len(data_of_object), parts, fingerprints) if fingerprints else b"") + model


def _line_table(symbol: str, lines: Sequence[int], file: bytes) -> DataPiece:
    """The address of the file's name, then a u32 line for each site."""
    content = struct.pack(f"<{len(lines) + 1}I", 0, *lines)
    return DataPiece(string(symbol + ".{lines}"), ".rodata", 2, LOCAL, content, [file], [0], [0])


def _kept(base: int, parts: Sequence[PlacedUnit], fingerprints: Mapping[str, Digest]) -> bytes:
    """The two sections of what can be reused; `base` is where they begin in the object."""
    kept = [(fingerprints[part.unit.name], part.data) for part in parts if part.unit.name in fingerprints]
    payload = b"".join([data for _, data in kept])
    fragments = custom(FRAGMENTS_SECTION, payload)
    at = base + len(fragments) - len(payload)
    table: list[tuple[bytes, int, int]] = []
    for fingerprint, data in kept:
        table.append((bytes.fromhex(fingerprint), at, len(data)))
        at += len(data)
    return fragments + custom(FUNCTIONS_SECTION, _encode(table))


def _exports(module: str, parts: Sequence[PlacedUnit]) -> Exports:
    functions: list[Export] = []
    has_top, calls_main, main_type = False, False, b""
    for part in parts:
        unit = part.unit
        type_ = unit.fragments[0].code[0].type
        if unit.name == TOP:
            has_top, calls_main = True, unit.calls_main
        elif unit.name == "main":
            main_type = type_
        if unit.public and "::" not in unit.name:
            functions.append(Export(unit.name, f"{module}::{unit.name}", type_, unit.public == 2))
    return Exports(tuple(functions), has_top, calls_main, main_type)
