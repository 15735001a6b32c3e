"""Fragments to object: the one place where code meets positions and file names.

Everything that a fragment leaves open is filled in here, from the fresh lex: line tables, and the file's name. The
list of what the entry would export travels in a custom section, so that no object depends on being the entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.toolchains.ruchy.lower.body import static_string
from orchestrator.toolchains.ruchy.lower.layout import is_native, signature, valtype
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.wasm.encode import encode_object
from orchestrator.wasm.fragment import DATA, LOCAL, MEMORY_ADDR_I32, Code, Data, Fragment, Reference, Relocation
from orchestrator.wasm.slack.model import with_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.toolchains.ruchy.check.hir import CheckedModule, FunctionBody

EXPORTS_SECTION = "wasmill.exports"
FEATURES = ("sign-ext",)


class Export(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `pub` function at the top level of a module. `type` is its encoded function type; `native` says whether a host
    can call it: all types are numbers, bools, chars or unit."""

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


def assemble(
    name: str, path: str, module: CheckedModule, fragments: Sequence[Fragment], line_of: Callable[[int], int]
) -> bytes:
    """The relocatable object of a module. `fragments` stand in source order, one for each of the module's functions;
    `line_of` gives the line (from 1) of the token of that ordinal; `path` is the file as traps name it."""
    code: dict[str, Code] = {}
    data: dict[str, Data] = {}
    file = name + ".{file}"
    for function, fragment in zip(module.functions, fragments, strict=True):
        for part in fragment.code:
            code.setdefault(part.name, part)
        for item in fragment.data:
            data.setdefault(item.name, item)
        if fragment.sites:
            data.setdefault(file, static_string(file, path))
            table = _line_table(function, fragment.sites, file, line_of)
            data[table.name] = table
    customs = ((EXPORTS_SECTION, msgspec.msgpack.encode(_exports(module))),)
    return with_model(encode_object(tuple(code.values()), tuple(data.values()), features=FEATURES, customs=customs))


def _line_table(function: FunctionBody, sites: Sequence[int], file: str, line_of: Callable[[int], int]) -> Data:
    """The address of the file's name, then a u32 line for each site."""
    lines = b"".join(line_of(function.start + site).to_bytes(4, "little") for site in sites)
    relocation = Relocation(MEMORY_ADDR_I32, 0, Reference(DATA, file))
    return Data(function.symbol + ".{lines}", ".rodata", b"\0\0\0\0" + lines, 2, (relocation,), LOCAL)


def _exports(module: CheckedModule) -> Exports:
    functions: list[Export] = []
    has_top, main_type = False, b""
    for function in module.functions:
        name = function.symbol.partition("::")[2]
        type_ = signature(function.parameters, function.result)
        if name == TOP:
            has_top = True
        elif name == "main":
            main_type = type_
        if function.public and "::" not in name:
            functions.append(Export(name, function.symbol, type_, _is_native(function)))
    return Exports(tuple(functions), has_top, module.calls_main, main_type)


def _is_native(function: FunctionBody) -> bool:
    return all(not valtype(type_) or is_native(type_) for type_ in [*function.parameters, function.result])
