"""Links objects to a program with the C library: by our own linker where it can, else by the compiler's.

`release` is linked by the compiler's linker, which optimises. So is what is beyond ours, and a note says so; and what a
C++ program lacks, because only that linker says it in the words of the source.
"""

from __future__ import annotations

import os
import re
import tempfile
from typing import TYPE_CHECKING

import msgspec

from actors.compiler.toolchain import Linked, LinkJob
from actors.diagnostics import Finding
from orchestrator.toolchains.c.command import is_cxx
from orchestrator.toolchains.c.compilers import CURE, MISSING
from orchestrator.toolchains.c.libraries import LibraryError, library, linker_of
from orchestrator.toolchains.c.meaning import without_note
from orchestrator.toolchains.c.own_linker import MAINS, NO_MAIN, STACK, as_linked
from orchestrator.toolchains.objects import is_ruchy
from orchestrator.wasm.mixed import MixedProgram

if TYPE_CHECKING:
    from orchestrator.toolchains.c.compile import Shop

_MANGLED = ": _Z"
_LIBRARIES = "correct `libraries` under [toolchain.c]"

_UNDEFINED = re.compile(r"(?P<file>.+?): undefined symbol: (?P<name>.+)")
_TWICE = re.compile(r"duplicate symbol: (?P<name>.+)")
_DEFINED = re.compile(r">>> defined in (?P<file>.+)")


def link(shop: Shop, job: LinkJob) -> Linked:
    """The program, or what is wrong."""
    if shop.compiler is None:
        return _refused("E1002", MISSING, CURE)
    beyond: tuple[str, ...] = ()
    if job.objects[0].module == job.entry and is_ruchy(job.objects[0].data):
        from orchestrator.toolchains.c.beside_ruchy import with_main

        beside = with_main(job, shop.refuted)
        if isinstance(beside, Linked):
            return beside
        job = beside
    if job.options.get("profile") != "release":
        linked, beyond = _by_own_linker(shop, job)
        if linked is not None:
            return linked
    if missing := tuple([linked.digest for linked in job.objects if not linked.data]):
        return Linked(needs=missing)
    linked = _by_program(shop, job)
    if linked.program is None or not beyond:
        return linked
    return msgspec.structs.replace(linked, findings=(*linked.findings, _note(beyond)))


def _by_own_linker(shop: Shop, job: LinkJob) -> tuple[Linked | None, tuple[str, ...]]:
    """What our linker says; None where the other one is to be asked, and why, unless it is only for its words."""
    assert shop.compiler is not None
    # zig takes a minute to build the library of C++, so that is linked only where a program needs it.
    kinds = (False, True) if any(is_cxx(linked.path) for linked in job.objects) else (False,)
    given = [os.path.join(job.around.project, library) for library in shop.chosen.libraries]
    program = MixedProgram()
    for cxx in kinds:
        try:
            program = shop.links.link(job, library(shop.compiler, shop.programs, cxx=cxx), given)
        except LibraryError as error:
            return _refused("E1003", str(error), ""), ()
        except OSError as error:
            return _refused("E1003", f"`{error.filename}` cannot be read: {error.strerror}", _LIBRARIES), ()
        if not program.errors:
            break
    if program.beyond or any(_MANGLED in line for line in program.errors):
        return None, program.beyond
    return as_linked(program), ()


def _note(beyond: tuple[str, ...]) -> Finding:
    first, *others = beyond
    more = f" (and {len(others)} more)" if others else ""
    what = f"linked by `wasm-ld`, because Wasmill's linker does not take this: {first}{more}"
    return Finding("W1002", what, note=True)


def _by_program(shop: Shop, job: LinkJob) -> Linked:
    """What the compiler's linker makes of it."""
    if not any(name in given.data for name in MAINS for given in job.objects):
        return _refused("E1004", *NO_MAIN)
    with tempfile.TemporaryDirectory(prefix="wasmill-link-") as place:
        names: dict[str, str] = {}
        for number, given in enumerate(job.objects):
            name = f"{number}.o"
            names[name] = given.path
            with open(os.path.join(place, name), "wb") as file:
                file.write(without_note(given.data))
        # zig takes a minute to build the library of C++, so that is linked only where a program needs it.
        cxx = any(is_cxx(given.path) for given in job.objects)
        linked = _call(shop, job, place, names, cxx=False)
        return _call(shop, job, place, names, cxx=True) if cxx and linked.program is None else linked


def _call(shop: Shop, job: LinkJob, place: str, names: dict[str, str], *, cxx: bool) -> Linked:
    """Calls the linker for the objects in the folder `place`."""
    assert shop.compiler is not None
    try:
        libraries = library(shop.compiler, shop.programs, cxx=cxx)
        command = linker_of(shop.compiler)
    except LibraryError as error:
        return _refused("E1003", str(error), "")
    given = [os.path.join(job.around.project, library) for library in shop.chosen.libraries]
    names |= _runtime(job, place)
    flags = ["--stack-first", "-z", f"stack-size={STACK}", "--gc-sections", "--build-id=none"]
    if job.options.get("profile") == "release":
        flags += ["-O2", "--strip-debug"]
    command += [*flags, "-o", "program", libraries.start, *names, *given, *libraries.archives]
    ended = shop.programs.run(command, job.around, folder=place)
    if ended.broke:
        return _refused("E1003", f"the linker broke: {ended.broke}", "")
    if ended.code:
        return Linked(findings=tuple(_findings(ended.output.decode("utf-8", "replace"), names)))
    try:
        with open(os.path.join(place, "program"), "rb") as file:
            return Linked(program=file.read())
    except OSError:
        return _refused("E1003", "the linker ended without an error, and left no program", "")


def _runtime(job: LinkJob, place: str) -> dict[str, str]:
    """Writes the parts of Ruchy's runtime that a program with Ruchy needs. Returns their names in the folder."""
    names: dict[str, str] = {}
    if not is_ruchy(job.objects[0].data):
        return names
    from orchestrator.toolchains.c.beside_ruchy import runtime_of

    for number, (part, data) in enumerate(runtime_of(job.objects)):
        names[f"rt{number}.o"] = part
        with open(os.path.join(place, f"rt{number}.o"), "wb") as file:
            file.write(data)
    return names


def _refused(code: str, what: str, hint: str) -> Linked:
    return Linked(findings=(Finding(code, what, hint=hint),))


def _findings(output: str, names: dict[str, str]) -> list[Finding]:
    """What the linker says, with the modules' paths in the place of the objects' names."""
    findings: list[Finding] = []
    for line in output.splitlines():
        said = re.sub(r"^[\w./-]*(?:wasm-ld|lld)[\w.-]*: ", "", line).removeprefix("error: ")
        if not said or said.startswith("warning: "):
            continue
        undefined, twice, defined = _UNDEFINED.fullmatch(said), _TWICE.fullmatch(said), _DEFINED.fullmatch(said)
        if undefined is not None:
            name, file = undefined["name"], _shown(undefined["file"], names)
            if name == "main" or (name == "__main_argc_argv" and file.endswith("main_void.o)")):
                what, hint = NO_MAIN
            else:
                what = f"`{name}` is used in `{file}`, and no file of the project or library defines it"
                hint = "add the file that defines it, or its library under [toolchain.c]"
            findings.append(Finding("E1004", what, hint=hint))
        elif twice is not None:
            findings.append(Finding("E1005", f"`{twice['name']}` is defined twice"))
        elif defined is not None and findings:
            last = findings.pop()
            places = f"{last.hint}, " if last.hint else "it is defined in "
            findings.append(Finding(last.code, last.message, hint=f"{places}`{_shown(defined['file'], names)}`"))
        elif not said.startswith(">>>"):
            findings.append(Finding("E1003", f"the linker says: {said}"))
    return findings or [Finding("E1003", "the linker failed, and says nothing")]


def _shown(file: str, names: dict[str, str]) -> str:
    return names.get(file, os.path.basename(file))
