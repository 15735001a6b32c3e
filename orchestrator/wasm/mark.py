"""Marks what a program needs: everything that its roots reach through relocations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.wasm.fragment import FUNCTION, FUNCTION_INDEX_LEB, TYPE_INDEX_LEB
from orchestrator.wasm.object_file import Relocations
from orchestrator.wasm.reader import FUNCTION_INDEX_I32
from orchestrator.wasm.symbols import CONSTRUCTORS, Resolution

_CALLS = (FUNCTION_INDEX_LEB, FUNCTION_INDEX_I32)


def mark(
    resolution: Resolution,
    roots: Iterable[int],
    *,
    everything: bool = False,
    companions: Mapping[int, Sequence[int]] | None = None,
    partial: bool = False,
) -> bytearray:
    """Returns one byte for each node, 1 if `roots` reach it. `everything` marks all nodes. `companions` are nodes, by
    the number of an object, that a live function or segment of this object makes live too.

    Raises LinkError for undefined symbols that live code refers to, unless the objects are only part of a program
    (`partial`). Like `wasm-ld`, it accepts those of dead code. The
    table slot of an undefined weak function is 0, so taking its address does not reach it.
    """
    live = bytearray(resolution.size)
    first, end = resolution.function_bases[0], resolution.segment_bases[-1]
    units = _units(resolution)
    waiting = list(dict.fromkeys(roots))
    foreign, targets = resolution.foreign, resolution.targets
    if everything:
        everything_else = range(first, resolution.global_bases[-1])
        waiting += [CONSTRUCTORS, *[node for node in everything_else if node not in resolution.excluded]]
        waiting += [node for node, symbol in foreign.items() if symbol.module or symbol.weak]
    for node in waiting:
        live[node] = 1
    undefined: dict[str, str] = {}
    remaining = dict(companions or {})
    while waiting:
        node = waiting.pop()
        # Functions and segments have relocations. Globals, imports and the linker's own symbols lead nowhere.
        if not first <= node < end:
            continue
        number, unit, relocations = units[node - first]
        if remaining:
            for companion in remaining.pop(number, ()):
                live[companion] = 1
                waiting.append(companion)
        start, stop = relocations.starts[unit], relocations.starts[unit + 1]
        row = targets[number]
        for kind, index in zip(relocations.kinds[start:stop], relocations.indices[start:stop], strict=True):
            if kind == TYPE_INDEX_LEB or live[target := row[index]]:
                continue
            if target >= end and (symbol := foreign.get(target)) and not symbol.module:
                if not symbol.weak and not partial:
                    undefined.setdefault(symbol.name, resolution.names[number])
                elif symbol.weak and symbol.kind == FUNCTION and kind not in _CALLS:
                    continue
            live[target] = 1
            waiting.append(target)
    resolution.errors += [f"undefined symbol: {name} (referenced by {user})" for name, user in undefined.items()]
    resolution.check()
    return live


def _units(resolution: Resolution) -> list[tuple[int, int, Relocations]]:
    """Object number, number within the object, and relocations of every function and segment, in order of nodes."""
    units = []
    for number, file in enumerate(resolution.objects):
        relocations = file.code_relocations
        units += [(number, unit, relocations) for unit in range(len(file.function_types))]
    for number, file in enumerate(resolution.objects):
        relocations = file.data_relocations
        units += [(number, unit, relocations) for unit in range(len(file.segments))]
    return units
