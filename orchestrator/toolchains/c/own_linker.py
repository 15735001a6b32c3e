"""Our own linker for programs of C: it replaces the modules that changed, under every profile but `release`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from actors.compiler.toolchain import Linked, LinkJob
from actors.diagnostics import Finding
from actors.digests import digest
from orchestrator.toolchains.c.libraries import CLibrary
from orchestrator.toolchains.objects import is_ruchy
from orchestrator.wasm.gather import InputError
from orchestrator.wasm.mixed import Libraries, MixedLinker, MixedObject, MixedProgram, Parts

STACK = 4 << 20
"""Bytes of a program's stack. It stands before the data, so that running over it traps."""

NO_MAIN = "no file of the project defines `main`", "write one: `int main(void)`"

MAINS = (b"__main_argc_argv", b"__main_void", b"__original_main")
"""What clang makes of the name `main`. The C library refers to them weakly, so the linker misses none."""

_UNDEFINED = re.compile(r"undefined symbol: (?P<name>.+) \(referenced by (?P<file>.+)\)")
_TWICE = re.compile(r"duplicate symbol: (?P<name>.+) \(in (?P<one>.+) and (?P<other>.+)\)")


class OwnLinks:
    """The linkers of a process, with what they remember: one for each choice of libraries."""

    def __init__(self) -> None:
        self._linkers: dict[str, MixedLinker] = {}
        self._last: MixedLinker | None = None

    def link(self, job: LinkJob, library: CLibrary, given: list[str]) -> MixedProgram:
        """The program of the job, the C library `made`, and these archives (paths). Raises OSError for one that cannot
        be read."""
        objects = [
            MixedObject(linked.path, linked.digest or digest(linked.data), linked.data) for linked in job.objects
        ]
        try:
            linker = self._linker(library, given, fresh=job.fresh, ruchy=is_ruchy(job.objects[0].data))
        except InputError as error:
            return MixedProgram(errors=(str(error),))
        if job.earlier is not None and not given:  # What it remembers does not say which archives it was made with.
            linker.restore(job.earlier.state, job.earlier.program)
        self._last = None if job.fresh else linker
        return linker.link(objects, keep=not job.fresh)

    def accepted(self, program: bytes) -> None:
        """Notes that the program was validated."""
        if self._last is not None:
            self._last.accepted(program)

    def _linker(self, library: CLibrary, given: list[str], *, fresh: bool, ruchy: bool) -> MixedLinker:
        # The C library never changes under its path. What a project names may change between two links.
        own = [(os.path.basename(path), _read(path)) for path in given]
        key = "\n".join([str(ruchy), library.start, *library.archives, *[digest(data) for _, data in own]])
        linker = None if fresh else self._linkers.get(key)
        if linker is None:
            archives = [*own, *[(os.path.basename(path), _read(path)) for path in library.archives]]
            names, parts = _runtime() if ruchy else ((), None)
            start = _read(library.start)
            linker = MixedLinker(Libraries(archives, start=start, runtime_names=names, runtime=parts), stack_size=STACK)
            if not fresh:
                self._linkers[key] = linker
        return linker


def _runtime() -> tuple[Sequence[str], Parts]:
    """The names that Ruchy's runtime defines, and what returns the parts that define some of them."""
    from orchestrator.toolchains.ruchy.runtime import runtime_names, runtime_objects_of

    return sorted(runtime_names()), lambda names: runtime_objects_of(names, beside_c=True)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def as_linked(program: MixedProgram) -> Linked:
    """What the link job returns: the program, what the linker needs, or what is wrong."""
    if program.program is None and not program.needs:
        return Linked(findings=tuple([finding(line) for line in program.errors]))
    return Linked(program=program.program, proof=program.proof, state=program.state, needs=program.needs)


def finding(line: str) -> Finding:
    """An error of our linker as a finding."""
    undefined, twice = _UNDEFINED.fullmatch(line), _TWICE.fullmatch(line)
    if undefined is not None and undefined["name"] == "main":
        return Finding("E1004", NO_MAIN[0], hint=NO_MAIN[1])
    if undefined is not None:
        what = (
            f"`{undefined['name']}` is used in `{undefined['file']}`, and no file of the project or library defines it"
        )
        return Finding("E1004", what, hint="add the file that defines it, or its library under [toolchain.c]")
    if twice is not None:
        hint = f"it is defined in `{twice['one']}`, `{twice['other']}`"
        return Finding("E1005", f"`{twice['name']}` is defined twice", hint=hint)
    return Finding("E1003", f"cannot link: {line}")
