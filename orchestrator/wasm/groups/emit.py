"""Writes the base and the groups of a program as modules."""

from __future__ import annotations

from orchestrator.wasm.groups.finished import FinishedProgram
from orchestrator.wasm.groups.layout import GroupLayout, GroupPlan
from orchestrator.wasm.groups.scan import calls_of, without_size
from orchestrator.wasm.leb import MAGIC, section, sleb, string, uleb, vector


def imported_name(f: int) -> str:
    """Under which name a group shows a function to the others."""
    return f"f{f}"


def emit_base(layout: GroupLayout) -> bytes:
    """The module that has everything but code. It imports from the host what the program imports, also what nothing
    calls, because a host that lacks it must refuse both alike."""
    program, shared = layout.program, layout.shared
    out = [MAGIC, section(1, vector(program.types))]
    if program.imports:
        out.append(section(2, vector([head + b"\0" + uleb(kind) for head, kind in program.imports])))
    out.append(section(4, vector([kind[1:] for _, kind in shared if kind[:1] == b"\1"])))
    out.append(section(5, vector([program.memory])))
    if program.globals:
        out.append(section(6, vector([entry for _, entry in program.globals])))
    exports, counts = [], [0, 0, 0, 0]
    for name, kind in shared:
        exports.append(name + kind[:1] + uleb(counts[kind[0]]))
        counts[kind[0]] += 1
    out.append(section(7, vector(exports)))
    if program.segments:
        out.append(section(11, program.segments))
    return b"".join(out)


def emit_group(layout: GroupLayout, plan: GroupPlan) -> bytes:
    """The module of a group. It must depend on nothing but the plan and the bodies whose digests the plan has."""
    imports = list(plan.shared)
    imports += [head + b"\0" + uleb(kind) for head, (_, kind) in zip(plan.host_names, plan.hosts, strict=True)]
    imports += [b"\5calls" + string(imported_name(f)) + b"\0" + uleb(kind) for f, kind in plan.direct]
    numbered = [f for f, _ in (*plan.hosts, *plan.direct, *plan.functions)]
    local = {f: number for number, f in enumerate(numbered)}
    code = {f: b"\x10" + uleb(number) for f, number in local.items()}
    code.update({f: b"\x41" + sleb(f) + b"\x11" + uleb(kind) + b"\1" for f, kind in plan.far})
    code.update({~kind: b"\x11" + uleb(number) + b"\0" for kind, number in plan.indirect})
    bodies = []
    for f, _ in plan.functions:
        pieces, targets = calls_of(without_size(layout.body(f)))
        parts = [pieces[0]]
        for target, piece in zip(targets, pieces[1:], strict=True):
            parts += (code[target], piece)
        body = b"".join(parts)
        bodies.append(uleb(len(body)) + body)
    exports = [string(imported_name(f)) + b"\0" + uleb(local[f]) for f in plan.shown]
    if plan.hosts:  # WASI looks for the memory of the module that calls it.
        exports.append(b"\6memory\2\0")
    elements = [b"\2\1\x41" + sleb(f) + b"\x0b\0\1" + uleb(local[f]) for f in plan.called]
    elements += [b"\0\x41" + sleb(slot) + b"\x0b\1" + uleb(local[f]) for slot, f in plan.slots]
    out = [MAGIC, section(1, vector(plan.types)), section(2, vector(imports))]
    out.append(section(3, vector([uleb(kind) for _, kind in plan.functions])))
    out.append(section(7, vector(exports)))
    if elements:
        out.append(section(9, vector(elements)))
    out.append(section(10, vector(bodies)))
    # A function without a name is told by its number in the program, as in the one module.
    names = [
        uleb(number) + (name or string(f"function {f}"))
        for number, (f, name) in enumerate(zip(numbered, plan.names, strict=True))
    ]
    out.append(section(0, b"\4name" + section(1, vector(names))))
    return b"".join(out)


def needs_start(program: FinishedProgram) -> list[int]:
    """The functions that are called when all groups are there, in order: the start function, and the entry."""
    return [*([program.start] if program.start >= 0 else []), program.entry]
