"""Compiles one file by a command that the project names."""

from __future__ import annotations

import os
import tempfile
import time

from actors.compiler.toolchain import Compiled, CompileJob, Discovered, Object
from actors.diagnostics import about_file
from orchestrator.toolchains.c.depfile import dependencies
from orchestrator.toolchains.c.includes import TICK_NS, Headers, changed_since
from orchestrator.toolchains.c.messages import ERROR, told
from orchestrator.toolchains.command.options import CommandOptions
from orchestrator.toolchains.objects import object_problem
from orchestrator.toolchains.programs import ChildPrograms, ProgramEnd

ATTEMPTS = 3
"""How often a file is compiled whose inputs change meanwhile."""

_SHOWN = 3
"""Lines that are shown of what a compiler says in a form of its own."""


def compile_by(chosen: CommandOptions, programs: ChildPrograms, job: CompileJob) -> Compiled:
    """The object of a file, or what is wrong with it."""
    with tempfile.TemporaryDirectory(prefix="wasmill-command-") as place:
        root = os.path.realpath(job.around.root) if job.around.root else place
        if not os.path.isfile(os.path.join(root, job.path)):
            root = place
            os.makedirs(os.path.dirname(os.path.join(root, job.path)), exist_ok=True)
            with open(os.path.join(root, job.path), "wb") as file:
                file.write(job.source)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(2 * TICK_NS / 1e9)  # So that a change from now on has another time than those before.
            outcome = _once(chosen, programs, job, place, root)
            if outcome is not None:
                return outcome
    what = f"this file, or one that it reads, kept changing: it was compiled {ATTEMPTS} times"
    return _refused(job, "E0809", what, "build when whatever writes it has finished")


def _once(chosen: CommandOptions, programs: ChildPrograms, job: CompileJob, place: str, root: str) -> Compiled | None:
    """One call of the compiler. None where something changed under it, so that nothing of it can be believed."""
    target, rule = os.path.join(place, "object"), os.path.join(place, "rule")
    for old in (target, rule):
        if os.path.exists(old):
            os.unlink(old)
    meant = {"{source}": job.path, "{object}": target, "{depfile}": rule}
    command = [_filled(word, meant) for word in chosen.command]
    given = [os.path.normpath(os.path.join(job.around.project or root, path)) for path in chosen.inputs]
    if "/" in command[0] and not os.path.isabs(command[0]):
        command[0] = os.path.normpath(os.path.join(job.around.project or root, command[0]))
        given.append(command[0])
    began = time.time_ns() - TICK_NS
    ended = programs.run(command, job.around, folder=root)
    if ended.broke or ended.code:
        return _failed(job, ended)
    data = _read(target)
    problem = object_problem(data)
    if problem:
        return _refused(job, "E1003", f"the command ended without an error, and {problem}", "")
    read = [path for path in dependencies(_read(rule)) if os.path.normpath(path) != job.path]
    files = list(dict.fromkeys([*[os.path.normpath(path) for path in read], *given]))
    places = [os.path.join(root, path) for path in files]
    source = os.path.join(root, job.path)
    if _read(source) != job.source or changed_since([source, *filter(os.path.exists, places)], began):
        return None
    known, discovered = Headers(), list[Discovered]()
    for path, full in zip(files, places, strict=True):
        look = known.look(full)
        discovered.append(Discovered(path=path, digest=look.digest if look is not None else ""))
    heard = told(ended.output, job.module, job.path, lambda file: job.source if file == job.path else b"")
    return Compiled(object=Object(data=data, warnings=heard.diagnostics, discovered=tuple(discovered)))


def _filled(word: str, meant: dict[str, str]) -> str:
    for placeholder, value in meant.items():
        word = word.replace(placeholder, value)
    return word


def _failed(job: CompileJob, ended: ProgramEnd) -> Compiled:
    if ended.broke:
        return _refused(job, "E1003", f"the compiler broke on this file: {ended.broke}", "")
    heard = told(ended.output, job.module, job.path, lambda file: job.source if file == job.path else b"")
    if any(diagnostic.severity == "error" for diagnostic in heard.diagnostics):
        return Compiled(diagnostics=heard.diagnostics)
    said = " / ".join(heard.others[:_SHOWN]) or "it says nothing"
    return _refused(job, ERROR, f"the command ended with exit code {ended.code}: {said}", "")


def _refused(job: CompileJob, code: str, what: str, hint: str) -> Compiled:
    return Compiled(diagnostics=(about_file(code, what, module=job.module, file=job.path, hint=hint),))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
