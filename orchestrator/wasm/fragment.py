"""The unit that is cached and assembled: one function's code and data, relocatable, with all references by name.

Nothing in a fragment is numbered. Types, imports, functions, symbols, segments and table slots get their numbers when
an object is encoded, in order of definition and then of first reference. So equal fragments in equal order make equal
objects, whether they were reused or compiled.
"""

from __future__ import annotations

import msgspec

# Relocation kinds: R_WASM_* of the tool conventions.
FUNCTION_INDEX_LEB = 0
TABLE_INDEX_SLEB = 1
TABLE_INDEX_I32 = 2
MEMORY_ADDR_LEB = 3
MEMORY_ADDR_SLEB = 4
MEMORY_ADDR_I32 = 5
TYPE_INDEX_LEB = 6
GLOBAL_INDEX_LEB = 7

# Symbol kinds: SYMTAB_*.
FUNCTION = 0
DATA = 1
GLOBAL = 2

KIND_NAMES = ("function", "data", "global")
TARGET_KINDS = (FUNCTION, FUNCTION, FUNCTION, DATA, DATA, DATA, -1, GLOBAL)
"""The kind of symbol that a relocation of each kind refers to. TYPE_INDEX_LEB refers to a type instead."""
TABLE_KINDS = (TABLE_INDEX_SLEB, TABLE_INDEX_I32)
KINDS_WITH_ADDEND = frozenset((MEMORY_ADDR_LEB, MEMORY_ADDR_SLEB, MEMORY_ADDR_I32))

# Symbol flags: WASM_SYM_*.
WEAK = 0x1
LOCAL = 0x2
HIDDEN = 0x4
UNDEFINED = 0x10
EXPORTED = 0x20
EXPLICIT_NAME = 0x40
NO_STRIP = 0x80


class Reference(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The target of a relocation. `type` is the encoded function type (`60 vec vec`) of a function, the value type and
    mutability of a global, and empty for data. With `module` and `field` the target is the host import of that name."""

    kind: int
    name: str
    type: bytes = b""
    module: str = ""
    field: str = ""
    weak: bool = False


class Relocation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`offset` counts from the first byte of the body (or data); the hole there is 5 bytes, or 4 for the I32 kinds.
    `target` is a `Reference`, or for TYPE_INDEX_LEB the encoded function type itself."""

    kind: int
    offset: int
    target: Reference | bytes
    addend: int = 0


class Data(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A data item, which becomes a segment. `section` is ".rodata", ".data" or ".bss"; `align` is log2 of bytes."""

    name: str
    section: str
    data: bytes
    align: int = 0
    relocations: tuple[Relocation, ...] = ()
    flags: int = LOCAL


class WasmGlobal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A WebAssembly global: `type` is value type and mutability, `init` a constant expression with its `0b`."""

    name: str
    type: bytes
    init: bytes
    flags: int = HIDDEN


class FunctionCode(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One WebAssembly function. `body` runs from the vector of locals to the final `0b`, without a size prefix; its
    holes are zero. `relocations` ascend by offset. `export` is an export that the object asks for, "" for none."""

    name: str
    type: bytes
    body: bytes
    relocations: tuple[Relocation, ...] = ()
    flags: int = HIDDEN
    export: str = ""


class Fragment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A compiled function with its closures, strings and tables.

    `name` is the function's name in its module ("area", "metric::scale", "<top>"). `sites` are its trap sites, as token
    ordinals counted from the first token of its item. Code refers to line numbers only through the data symbol
    "<module>::<name>.{lines}", so that moving a function does not change its code. Assembly makes that symbol: the
    address of the module's file name (a static string), then one u32 line for each site.
    """

    name: str
    code: tuple[FunctionCode, ...]
    data: tuple[Data, ...] = ()
    sites: tuple[int, ...] = ()
