"""Position-independent code, as it is where its position is known: every address is a constant.

Such code takes an address from a global that the linker sets, or adds it to a base that it takes from one. Here these
globals are never made: `global.get` becomes `i32.const`, which takes as many bytes, and both bases are 0.
"""

from __future__ import annotations

from copy import copy

from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION,
    GLOBAL,
    GLOBAL_INDEX_LEB,
    MEMORY_ADDR_SLEB,
    TABLE_INDEX_SLEB,
    UNDEFINED,
)
from orchestrator.wasm.object_file import ObjectFile, Relocations, Symbol
from orchestrator.wasm.reader import MEMORY_ADDR_REL_SLEB, TABLE_INDEX_REL_SLEB
from orchestrator.wasm.symbols import BASES

_GLOBAL_GET, _I32_CONST = 0x23, 0x41
_ZERO = Symbol(DATA, UNDEFINED, BASES[0])  # An address that is 0.


def without_positions(file: ObjectFile) -> ObjectFile:
    """Returns the object with constants in the place of globals that hold addresses. A use of such a global that is no
    `global.get` stays as it is."""
    out = copy(file)
    code, old = bytearray(file.code), file.code_relocations
    new = Relocations()
    new.offsets, new.addends, new.starts = old.offsets, old.addends, old.starts
    new.kinds, new.indices = bytearray(old.kinds), old.indices
    bases = [number for number, symbol in enumerate(file.symbols) if _is_base(symbol)]
    out.symbols = [_ZERO if _is_base(symbol) else symbol for symbol in file.symbols]
    for at, (kind, index, offset) in enumerate(zip(old.kinds, old.indices, old.offsets, strict=True)):
        symbol = file.symbols[index] if kind == GLOBAL_INDEX_LEB else None
        if kind == MEMORY_ADDR_REL_SLEB:
            new.kinds[at] = MEMORY_ADDR_SLEB
        elif kind == TABLE_INDEX_REL_SLEB:
            new.kinds[at] = TABLE_INDEX_SLEB
        elif symbol is not None and (symbol.kind != GLOBAL or index in bases) and code[offset - 1] == _GLOBAL_GET:
            code[offset - 1] = _I32_CONST
            new.kinds[at] = TABLE_INDEX_SLEB if symbol.kind == FUNCTION else MEMORY_ADDR_SLEB
    out.code, out.code_relocations = bytes(code), new
    out.uses_got = False
    return out


def _is_base(symbol: Symbol) -> bool:
    return symbol.kind == GLOBAL and symbol.name in BASES and bool(symbol.flags & UNDEFINED)
