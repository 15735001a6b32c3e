"""Links relocatable objects into a program: resolve, mark, lay out, emit.

It writes the same bytes as `wasm-ld --stack-first`, except for the order of exports and the "name" section; tests
compare the two where `wasm-ld` is installed. It does not handle COMDAT groups, thread-local data, position-independent
code, archives, debug information, or the merging of equal strings. Programs that need these are for `wasm-ld`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.wasm.cursor import ObjectError
from orchestrator.wasm.emit import emit
from orchestrator.wasm.fragment import DATA, EXPORTED, FUNCTION, GLOBAL, LOCAL, NO_STRIP, UNDEFINED
from orchestrator.wasm.layout import ProgramLayout
from orchestrator.wasm.leb import functype
from orchestrator.wasm.mark import mark
from orchestrator.wasm.object_file import ObjectFile
from orchestrator.wasm.reader import read_object
from orchestrator.wasm.symbols import CONSTRUCTORS, CONSTRUCTORS_NAME, LinkError, Resolution

__all__ = ["STACK_SIZE", "LinkError", "link", "link_parsed"]


STACK_SIZE = 65536
"""Bytes of the linear stack; the default of `wasm-ld`. Code that keeps its values in WebAssembly locals hardly uses it:
the depth of calls is limited by the runtime (512 KiB of native stack in wasmtime)."""


def link(
    objects: Sequence[tuple[str, bytes]],
    *,
    entry: str | None = "_start",
    exports: Mapping[str, str] | None = None,
    stack_size: int = STACK_SIZE,
    gc: bool = True,
    names: bool = True,
) -> bytes:
    """Links these objects (name for messages, bytes), in this order, and returns the program.

    The program exports its memory, the function `entry` (None: no entry), what `exports` lists (export name -> symbol),
    and what the objects export. `gc` keeps only what these reach. `stack_size` is in bytes, a multiple of 16. `names`
    adds function names for stack traces.

    Raises LinkError with one line for each problem, which names the objects concerned; also for a malformed object.
    """
    parsed = []
    for name, data in objects:
        try:
            parsed.append((name, read_object(data)))
        except ObjectError as error:
            raise LinkError(f"{name}: {error}") from error
    return link_parsed(parsed, entry=entry, exports=exports, stack_size=stack_size, gc=gc, names=names)


def link_parsed(
    objects: Sequence[tuple[str, ObjectFile]],
    *,
    entry: str | None = "_start",
    exports: Mapping[str, str] | None = None,
    stack_size: int = STACK_SIZE,
    gc: bool = True,
    names: bool = True,
) -> bytes:
    """As `link`, for objects that are read already, which it does not change."""
    if stack_size < 0 or stack_size % 16:
        raise LinkError(f"a stack of {stack_size} bytes: the size must be a multiple of 16")
    resolution = Resolution([name for name, _ in objects], [found for _, found in objects])
    wanted = dict(exports or {})
    if entry is not None:
        wanted = {entry: entry, **wanted}
    chosen, kept = _exports(resolution, wanted)
    inits = _inits(resolution)
    roots = [*chosen.values(), *kept, *inits, *([CONSTRUCTORS] if inits else [])]
    live = mark(resolution, roots, everything=not gc)
    if inits:
        _check_constructors(resolution, live, chosen)
    return emit(ProgramLayout(resolution, live, stack_size), chosen, inits, names=names)


def _exports(resolution: Resolution, wanted: Mapping[str, str]) -> tuple[dict[str, int], list[int]]:
    """Returns the nodes of the program's exports by name, and the nodes that are kept without an export."""
    chosen: dict[str, int] = {}
    kept: list[int] = []
    users: dict[str, str] = {}
    for name, target in wanted.items():
        definition = resolution.definitions.get(target)
        if target == CONSTRUCTORS_NAME:
            chosen[name] = CONSTRUCTORS
        elif definition is None:
            resolution.errors.append(f"symbol to be exported is not defined: {target}")
        elif definition[1].kind == DATA:
            where = resolution.names[definition[0]]
            resolution.errors.append(f"symbol to be exported is data: {target} (in {where})")
        else:
            chosen[name] = resolution.nodes[target]
            users[name] = resolution.names[definition[0]]
    for number, found in enumerate(resolution.objects):
        for index, symbol in enumerate(found.symbols):
            if not symbol.flags & (EXPORTED | NO_STRIP) or symbol.flags & UNDEFINED:
                continue
            node = resolution.targets[number][index]
            local = symbol.flags & LOCAL
            if not local and resolution.definitions[symbol.name][1] is not symbol:
                continue  # Another definition won, and its flags count.
            kept.append(node)
            if symbol.flags & EXPORTED and not local and symbol.kind in (FUNCTION, GLOBAL):
                name = found.exports.get(symbol.index, symbol.name) if symbol.kind == FUNCTION else symbol.name
                if chosen.setdefault(name, node) != node or name == "memory":
                    both = f"{users.get(name, 'the linker')} and {resolution.names[number]}"
                    resolution.errors.append(f"duplicate export: {name} (from {both})")
                users.setdefault(name, resolution.names[number])
    if "memory" in wanted:
        resolution.errors.append("duplicate export: memory (the linker exports the memory under this name)")
    resolution.check()
    return chosen, kept


def _inits(resolution: Resolution) -> list[int]:
    """The nodes of all init functions, by priority, then in the order of the objects."""
    inits = []
    for number, found in enumerate(resolution.objects):
        for priority, index in found.inits:
            symbol = found.symbols[index]
            if symbol.type != functype(b"", b"") or symbol.flags & UNDEFINED:
                where = resolution.names[number]
                resolution.errors.append(f"init function {symbol.name} is not a function () -> () of {where}")
            inits.append((priority, resolution.targets[number][index]))
    resolution.check()
    inits.sort(key=lambda init: init[0])
    return [node for _, node in inits]


def _check_constructors(resolution: Resolution, live: bytearray, chosen: Mapping[str, int]) -> None:
    """Raises LinkError where no live function calls `__wasm_call_ctors`. The init functions would then never run, and
    nothing would say so."""
    if CONSTRUCTORS in chosen.values():
        return
    for number, found in enumerate(resolution.objects):
        relocations, base = found.code_relocations, resolution.function_bases[number]
        row = resolution.targets[number]
        if CONSTRUCTORS not in row:
            continue
        for unit in range(len(found.function_types)):
            where = slice(relocations.starts[unit], relocations.starts[unit + 1])
            if live[base + unit] and any(
                kind == 0 and row[index] == CONSTRUCTORS
                for kind, index in zip(relocations.kinds[where], relocations.indices[where], strict=True)
            ):
                return
    users = [name for name, found in zip(resolution.names, resolution.objects, strict=True) if found.inits]
    raise LinkError(f"{users[0]} has init functions, but nothing calls {CONSTRUCTORS_NAME}")
