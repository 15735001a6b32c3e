"""Links relocatable objects into a program: gather, resolve, mark, lay out, emit.

It writes the same bytes as `wasm-ld --stack-first -O0`, except for the order of exports and the "name" section; tests
compare the two. It leaves out debug information, and merges no equal strings. It does not handle thread-local data,
position-independent code, exceptions or 64-bit memory: `UnsupportedError` says so, and such programs are for `wasm-ld`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.wasm.cursor import UnsupportedError
from orchestrator.wasm.emit import emit
from orchestrator.wasm.fragment import DATA, EXPORTED, FUNCTION, GLOBAL, LOCAL, NO_STRIP, UNDEFINED
from orchestrator.wasm.gather import InputError, gather
from orchestrator.wasm.layout import ProgramLayout, is_stub
from orchestrator.wasm.leb import functype
from orchestrator.wasm.mark import mark
from orchestrator.wasm.merged import disallowed_features
from orchestrator.wasm.object_file import ObjectFile
from orchestrator.wasm.symbols import CONSTRUCTORS, CONSTRUCTORS_NAME, BeyondError, LinkError, Resolution

__all__ = ["STACK_SIZE", "BeyondError", "LinkError", "link", "link_parsed"]


_MAINS = ("main", "__main_argc_argv")

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
    """Links these objects and archives (name for messages, bytes), in this order, and returns the program.

    The program exports its memory, the function `entry` (None: no entry), what `exports` lists (export name -> symbol),
    and what the objects export. `gc` keeps only what these reach. `stack_size` is in bytes, a multiple of 16. `names`
    adds function names for stack traces.

    Raises LinkError with one line for each problem, which names the objects concerned; also for a malformed object.
    Where `wasm-ld` may link the objects all the same, it is a BeyondError.
    """
    try:
        parsed = gather(objects, [*([] if entry is None else [entry]), *(exports or {}).values()])
    except InputError as error:
        raise input_error(error) from error
    return link_parsed(parsed, entry=entry, exports=exports, stack_size=stack_size, gc=gc, names=names)


def input_error(error: InputError) -> LinkError:
    """The error of a link, of an input that cannot be read."""
    return (BeyondError if isinstance(error.cause, UnsupportedError) else LinkError)(str(error))


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
    resolution = Resolution([name for name, _ in objects], [file for _, file in objects])
    resolution.errors += disallowed_features(objects)
    wanted = dict(exports or {})
    if entry is not None:
        wanted = {entry: entry, **wanted}
    chosen, kept = _exports(resolution, wanted)
    inits_of: dict[int, list[int]] = {}
    ordered = _inits(resolution)
    for number, node in ordered:
        inits_of.setdefault(number, []).append(node)
    eager = [node for number, node in ordered if not resolution.objects[number].lazy]
    live = mark(resolution, [*chosen.values(), *kept, *eager], everything=not gc, companions=inits_of)
    _check_main(resolution, live)
    inits = [node for _, node in ordered if live[node]]
    if inits:
        live[CONSTRUCTORS] = 1
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
    for number, file in enumerate(resolution.objects):
        for index, symbol in enumerate(file.symbols):
            if not symbol.flags & (EXPORTED | NO_STRIP) or symbol.flags & UNDEFINED:
                continue
            node = resolution.targets[number][index]
            local = symbol.flags & LOCAL
            if node in resolution.excluded or not (local or resolution.defines(symbol)):
                continue  # Another definition won, and its flags count.
            kept.append(node)
            if symbol.flags & EXPORTED and not local and symbol.kind in (FUNCTION, GLOBAL):
                name = file.exports.get(symbol.index, symbol.name) if symbol.kind == FUNCTION else symbol.name
                if chosen.setdefault(name, node) != node or name == "memory":
                    both = f"{users.get(name, 'the linker')} and {resolution.names[number]}"
                    resolution.errors.append(f"duplicate export: {name} (from {both})")
                users.setdefault(name, resolution.names[number])
    if "memory" in wanted:
        resolution.errors.append("duplicate export: memory (the linker exports the memory under this name)")
    resolution.check()
    return chosen, kept


def _inits(resolution: Resolution) -> list[tuple[int, int]]:
    """All init functions by priority, then in the order of the objects: the number of the object, and the node."""
    inits = []
    for number, file in enumerate(resolution.objects):
        for priority, index in file.inits:
            symbol = file.symbols[index]
            if resolution.targets[number][index] in resolution.excluded:
                continue
            if symbol.type != functype(b"", b"") or symbol.flags & UNDEFINED:
                where = resolution.names[number]
                resolution.errors.append(f"init function {symbol.name} is not a function () -> () of {where}")
            inits.append((priority, number, resolution.targets[number][index]))
    resolution.check()
    inits.sort(key=lambda init: init[0])
    return [(number, node) for _, number, node in inits]


def _check_main(resolution: Resolution, live: bytearray) -> None:
    """Raises LinkError where a C program has no `main`. Its library refers to it weakly, so it would trap at once."""
    for node, symbol in resolution.foreign.items():
        if live[node] and is_stub(symbol) and symbol.name in _MAINS:
            raise LinkError(f"undefined symbol: main (referenced by {resolution.names[symbol.user]})")


def _check_constructors(resolution: Resolution, live: bytearray, chosen: Mapping[str, int]) -> None:
    """Raises LinkError where no live function calls `__wasm_call_ctors`. The init functions would then never run, and
    nothing would say so."""
    if CONSTRUCTORS in chosen.values():
        return
    for number, file in enumerate(resolution.objects):
        relocations, base = file.code_relocations, resolution.function_bases[number]
        row = resolution.targets[number]
        if CONSTRUCTORS not in row:
            continue
        for unit in range(len(file.function_types)):
            where = slice(relocations.starts[unit], relocations.starts[unit + 1])
            if live[base + unit] and any(
                kind == 0 and row[index] == CONSTRUCTORS
                for kind, index in zip(relocations.kinds[where], relocations.indices[where], strict=True)
            ):
                return
    users = [name for name, file in zip(resolution.names, resolution.objects, strict=True) if file.inits]
    raise LinkError(f"{users[0]} has init functions, but nothing calls {CONSTRUCTORS_NAME}")
