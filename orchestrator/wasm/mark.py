"""Marks what a program needs: everything that its roots reach through relocations."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.wasm.fragment import FUNCTION, TABLE_INDEX_I32, TABLE_INDEX_SLEB, TYPE_INDEX_LEB
from orchestrator.wasm.object_file import Relocations
from orchestrator.wasm.symbols import CONSTRUCTORS, Resolution

_ADDRESS_TAKEN = (TABLE_INDEX_SLEB, TABLE_INDEX_I32)


def mark(resolution: Resolution, roots: Iterable[int], *, everything: bool = False) -> bytearray:
    """Returns one byte for each node, 1 if `roots` reach it. `everything` marks all nodes.

    Raises LinkError for undefined symbols that live code refers to. Like `wasm-ld`, it accepts those of dead code. The
    table slot of an undefined weak function is 0, so taking its address does not reach it.
    """
    live = bytearray(resolution.size)
    first, end = resolution.function_bases[0], resolution.segment_bases[-1]
    units = _units(resolution)
    waiting = list(dict.fromkeys(roots))
    foreign, targets = resolution.foreign, resolution.targets
    if everything:
        waiting += [CONSTRUCTORS, *range(first, resolution.global_bases[-1])]
        waiting += [node for node, symbol in foreign.items() if symbol.module or symbol.weak]
    for node in waiting:
        live[node] = 1
    undefined: dict[str, str] = {}
    while waiting:
        node = waiting.pop()
        # Functions and segments have relocations. Globals, imports and the linker's own symbols lead nowhere.
        if not first <= node < end:
            continue
        number, unit, relocations = units[node - first]
        start, stop = relocations.starts[unit], relocations.starts[unit + 1]
        row = targets[number]
        for kind, index in zip(relocations.kinds[start:stop], relocations.indices[start:stop], strict=True):
            if kind == TYPE_INDEX_LEB or live[target := row[index]]:
                continue
            if target >= end and (symbol := foreign.get(target)) and not symbol.module:
                if not symbol.weak:
                    undefined.setdefault(symbol.name, resolution.names[number])
                elif symbol.kind == FUNCTION and kind in _ADDRESS_TAKEN:
                    continue
            live[target] = 1
            waiting.append(target)
    resolution.errors += [f"undefined symbol: {name} (referenced by {user})" for name, user in undefined.items()]
    resolution.check()
    return live


def _units(resolution: Resolution) -> list[tuple[int, int, Relocations]]:
    """Object number, number within the object, and relocations of every function and segment, in order of nodes."""
    units = []
    for number, found in enumerate(resolution.objects):
        relocations = found.code_relocations
        units += [(number, unit, relocations) for unit in range(len(found.function_types))]
    for number, found in enumerate(resolution.objects):
        relocations = found.data_relocations
        units += [(number, unit, relocations) for unit in range(len(found.segments))]
    return units
