"""Objects to program: what the entry runs, what it exports, and the part of the runtime that is used.

No object depends on being the entry: the start function is an object of its own, made here from the entry's list.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.compiler.toolchain import Linked, LinkInput, LinkJob
from actors.diagnostics import Finding
from actors.digests import digest
from actors.untrusted import UNREADABLE
from orchestrator.toolchains.objects import EXPORTS_SECTION
from orchestrator.toolchains.ruchy.assemble import Exports
from orchestrator.toolchains.ruchy.runtime import runtime_names, runtime_objects_for, runtime_objects_of
from orchestrator.toolchains.ruchy.syntax.top import TOP
from orchestrator.wasm.fragment import FUNCTION, FUNCTION_INDEX_LEB, HIDDEN, FunctionCode, Reference, Relocation
from orchestrator.wasm.join import join
from orchestrator.wasm.linker import LinkError, link
from orchestrator.wasm.pieces import code_piece
from orchestrator.wasm.reader import ObjectError, ObjectFile, custom_section, read_object
from orchestrator.wasm.slack.library import Library
from orchestrator.wasm.slack.model import UnusualError
from orchestrator.wasm.slack.resident import FEW_MODULES, NeedsError, Resident

START = "_start"
RESERVED = (START, "memory")
MAIN_OF_C = "__main_void"
"""What the C library calls when it has begun, and clang makes of `int main(void)`."""

_NOTHING = b"\x60\x00\x00"
_RETURNS_I32 = b"\x60\x00\x01\x7f"
_CALL = b"\x10\x00\x00\x00\x00\x00"
_decoder = msgspec.msgpack.Decoder(Exports)


def resident(few: int = FEW_MODULES) -> Resident:
    """A fast linker that knows the runtime, and remembers nothing yet."""
    return Resident(Library(runtime_names(), _runtime_objects), few)


def _runtime_objects(names: Sequence[str], _: Sequence[str]) -> list[tuple[str, ObjectFile]]:
    return [(name, read_object(data)) for name, data in runtime_objects_of(names)]


def link_program(job: LinkJob, fast: Resident | None = None) -> Linked:
    """The program of the objects; a library (no `_start`) where the entry has neither `main` nor statements.

    It is laid out with slack, by `fast` (a fresh one unless given); compactly and without dead functions under the
    profile `release`, and where the fast linker finds anything unusual, such as an error.

    Exports the entry's `pub` functions under their own names; those with a type that no host can pass are left out,
    with a note."""
    entry = next(object_ for object_ in job.objects if object_.module == job.entry)
    try:
        offered = _decoder.decode(custom_section(entry.data, EXPORTS_SECTION) or b"")
    except (ObjectError, *UNREADABLE):
        return Linked(findings=(_failure("its object is damaged"),))
    errors = _errors(offered)
    if errors:
        return Linked(findings=tuple(errors))
    exports = {function.name: function.symbol for function in offered.functions if function.native}
    notes = tuple([_not_exported(file.name) for file in offered.functions if not file.native])
    start = _start_object(job.entry, offered) if offered.has_top or offered.main_type else b""
    if job.options.get("profile") != "release":
        linked = _link_fast(job, fast or resident(), start, exports, notes)
        if linked is not None:
            return linked
    needs = [file.digest for file in job.objects if not file.data]
    return Linked(needs=tuple(needs)) if needs else _link_compactly(job, start, exports, notes)


def main_of_c(entry: LinkInput) -> LinkInput | tuple[Finding, ...]:
    """An object with the `main` of a program that has C too: the C library calls it. It runs what a program of Ruchy
    alone runs. Nothing else is exported, because the program has ended when `main` has."""
    offered = _decoder.decode(custom_section(entry.data, EXPORTS_SECTION) or b"")
    errors = _errors(offered)
    if not errors and not offered.has_top and not offered.main_type:
        errors = [_NO_MAIN]
    if errors:
        return tuple(errors)
    data = _start_object(entry.module, offered, MAIN_OF_C)
    return LinkInput(module="", path="the start of Ruchy", data=data, digest=digest(data))


def _errors(offered: Exports) -> list[Finding]:
    errors = [_reserved(name) for name in RESERVED if any(name == function.name for function in offered.functions)]
    return [*errors, _TAKES_PARAMETERS] if offered.main_type[1:2] > b"\x00" else errors


def _link_fast(
    job: LinkJob, fast: Resident, start: bytes, exports: dict[str, str], notes: tuple[Finding, ...]
) -> Linked | None:
    """None where the full linker has to link it, or to say what is wrong."""
    inputs = [(object_.digest or digest(object_.data), object_.data) for object_ in job.objects]
    wanted = {START: START, **exports} if start else exports
    if job.earlier is not None:
        fast.restore(job.earlier.state, job.earlier.program)
    try:
        program, proof = fast.link(inputs, start, wanted)
        state = b"" if job.fresh else fast.freeze()
        return Linked(program=program, exports=tuple(exports), findings=notes, proof=proof, state=state)
    except NeedsError as error:
        return Linked(needs=error.digests)
    except UnusualError:
        return None


def _link_compactly(job: LinkJob, start: bytes, exports: dict[str, str], notes: tuple[Finding, ...]) -> Linked:
    objects = [(object_.path, object_.data) for object_ in job.objects]
    if start:
        objects.append((START, start))
    try:
        runtime = runtime_objects_for(data for _, data in objects)
        program = link([*objects, *runtime], entry=START if start else None, exports=exports, gc=True)
    except LinkError as error:
        lines = str(error).splitlines()
        return Linked(findings=tuple([_failure(line) for line in lines]))
    return Linked(program=program, exports=tuple(exports), findings=notes)


def _start_object(entry: str, offered: Exports, name: str = START) -> bytes:
    """`_start`: the statements of the top level, then `main`, unless those call it themselves. MAIN_OF_C returns 0."""
    body = bytearray(b"\x00")
    relocations: list[Relocation] = []

    def call(name: str, type_: bytes) -> None:
        target = Reference(FUNCTION, f"{entry}::{name}", type_)
        relocations.append(Relocation(FUNCTION_INDEX_LEB, len(body) + 1, target))
        body.extend(_CALL)

    if offered.has_top:
        call(TOP, _NOTHING)
    if offered.main_type and not offered.calls_main:
        call("main", offered.main_type)
        if offered.main_type[2]:  # it takes nothing, so this is how many results it has
            body.append(0x1A)
    if name == MAIN_OF_C:
        body += b"\x41\x00"
    body.append(0x0B)
    type_ = _RETURNS_I32 if name == MAIN_OF_C else _NOTHING
    return join([code_piece(FunctionCode(name, type_, bytes(body), tuple(relocations), HIDDEN))], [])[0]


def _failure(message: str) -> Finding:
    return Finding("E0903", f"cannot link: {message}")


def _reserved(name: str) -> Finding:
    message = f"the entry cannot export a function named `{name}`: every program exports that name already"
    return Finding("E0812", message, hint="rename it, or leave out the `pub`", item=name)


_NO_MAIN = Finding("E1004", "the entry of a program with C has nothing to run", hint="write `fun main()`")
_TAKES_PARAMETERS = Finding("E0813", "`main` takes no parameters", hint="write `fun main()`", item="main")


def _not_exported(name: str) -> Finding:
    message = f"`{name}` is not exported: a host can pass numbers and bools, and nothing else"
    return Finding("W0006", message, hint="leave out the `pub`, or pass numbers", item=name, note=True)
