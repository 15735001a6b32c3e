"""Hand-made units, a generator of programs, and the tools that referee them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from orchestrator.wasm.cursor import ByteCursor
from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    FUNCTION_INDEX_LEB,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    HIDDEN,
    MEMORY_ADDR_I32,
    MEMORY_ADDR_LEB,
    MEMORY_ADDR_SLEB,
    TABLE_INDEX_I32,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
    Data,
    FunctionCode,
    Reference,
    Relocation,
)
from orchestrator.wasm.leb import functype
from tests.orchestrator.wasm.referee import encode_object

WASM_LD = shutil.which("wasm-ld")
CLANG = shutil.which("clang")
WASM_VALIDATE = shutil.which("wasm-validate")

I32 = b"\x7f"
UNARY = functype(I32, I32)
BINARY = functype(I32 + I32, I32)
NULLARY = functype(b"", I32)
PROCEDURE = functype(b"", b"")
HOLE = b"\0\0\0\0\0"
STACK_POINTER = Reference(GLOBAL, "__stack_pointer", b"\x7f\x01")


def function(
    name: str, type_: bytes, *parts: bytes | Relocation | tuple, flags: int = HIDDEN, export: str = ""
) -> FunctionCode:
    """A function without locals from opcodes and (kind, target[, addend]) holes."""
    body, relocations = bytearray(b"\0"), []
    for part in parts:
        if isinstance(part, bytes):
            body += part
        else:
            kind, target, *addend = part
            relocations.append(Relocation(kind, len(body), target, *addend))
            body += HOLE
    return FunctionCode(name, type_, bytes(body + b"\x0b"), tuple(relocations), flags, export)


def call(name: str, type_: bytes = NULLARY, **host: str | bool) -> tuple[int, Reference]:
    return FUNCTION_INDEX_LEB, Reference(FUNCTION, name, type_, **host)


def slot(name: str, type_: bytes = NULLARY, **host: str | bool) -> tuple[int, Reference]:
    return TABLE_INDEX_SLEB, Reference(FUNCTION, name, type_, **host)


def address(name: str, addend: int = 0, *, weak: bool = False) -> tuple[int, Reference, int]:
    return MEMORY_ADDR_SLEB, Reference(DATA, name, weak=weak), addend


def load(name: str, addend: int = 0) -> tuple[int, Reference, int]:
    return MEMORY_ADDR_LEB, Reference(DATA, name), addend


def constant(name: str, value: int, **more: int | str) -> FunctionCode:
    """A function () -> i32 that returns a small constant."""
    return function(name, NULLARY, b"\x41" + bytes((value,)), **more)


def program(modules: int, functions: int) -> list[tuple[str, bytes]]:
    """A big program: modules of functions that call each other, take addresses and use data. Odd modules leave some
    functions unreached."""
    return [(f"m{m}.o", encode_object(*_module(m, modules, functions))) for m in range(modules)]


def _module(m: int, modules: int, functions: int) -> tuple[list[FunctionCode], list[Data]]:
    code, data = [], []
    for i in range(functions):
        text, table = f"m{m}::f{i}.str0", f"m{m}::f{i}.table"
        other = (f"m{(m + i) % modules}::f{(i + 1) % functions}", UNARY)
        near = f"m{m}::f{(i * i + 3) % functions}"
        code.append(
            function(
                f"m{m}::f{i}",
                UNARY,
                b"\x20\0\x10",
                call(*other),
                b"\x41",
                address(text, i % 3),
                b"\x6a\x41\0\x28\2",
                load(table, 4),
                b"\x6a\x23",
                (GLOBAL_INDEX_LEB, STACK_POINTER),
                b"\x6a" if i % 2 else b"",
                b"\x41",
                slot(near, UNARY),
                b"\x11",
                (TYPE_INDEX_LEB, UNARY if i % 2 else BINARY),
                b"\0",
            )
        )
        data.append(Data(text, ".rodata", b"text %d of %d" % (i, m), i % 4))
        pointers = (
            Relocation(TABLE_INDEX_I32, 0, Reference(FUNCTION, *other)),
            Relocation(MEMORY_ADDR_I32, 4, Reference(DATA, text), 2),
        )
        data.append(Data(table, (".data", ".rodata")[i % 2], bytes(8), 2, pointers))
        if i % 4 == 0:
            data.append(Data(f"m{m}::f{i}.zero", ".bss", bytes(i + 1), 3))
    return code, data


def sections(program: bytes) -> dict[int, bytes]:
    """Payloads of the standard sections by number."""
    cursor, found = ByteCursor(program), {}
    cursor.magic()
    while cursor.position < len(program):
        number, end = cursor.header()
        if number:
            found[number] = program[cursor.position : end]
        cursor.position = end
    return found


def wasm_ld(folder: Path, objects: list[tuple[str, bytes]], *flags: str) -> bytes:
    """What LLD makes of these objects."""
    assert WASM_LD
    paths = []
    for name, data in objects:
        path = folder / name
        path.write_bytes(data)
        paths.append(str(path))
    out = folder / "lld.wasm"
    command = [WASM_LD, "--stack-first", "--fatal-warnings", "-O0", *flags, *paths, "-o", str(out)]
    subprocess.run(command, check=True)
    return out.read_bytes()


def exports_of(program: bytes) -> list[tuple[str, int]]:
    """Name and kind of what a program exports, sorted."""
    cursor = ByteCursor(sections(program)[7])
    found = []
    for _ in range(cursor.u32()):
        found.append((cursor.name(), cursor.byte()))
        cursor.u32()
    return sorted(found)
