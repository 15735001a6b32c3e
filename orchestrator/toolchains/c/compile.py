"""Compiles one C file to an object."""

from __future__ import annotations

import json
import os
import tempfile
import time

import msgspec

from actors.compiler.toolchain import Compiled, CompileJob, Discovered, Object
from actors.diagnostics import Diagnostic, about_file
from actors.digests import Digest, digest
from orchestrator.toolchains.c.command import QUIET, is_cxx, portable, project_flags, search_path
from orchestrator.toolchains.c.compilers import CURE, MISSING, Compiler
from orchestrator.toolchains.c.depfile import dependencies
from orchestrator.toolchains.c.includes import TICK_NS, Headers, changed_since, discovered
from orchestrator.toolchains.c.libraries import LibraryError, compiler_flags
from orchestrator.toolchains.c.meaning import (
    MeaningNote,
    counts_lines,
    may_reuse,
    meaning,
    note_of,
    reads_others,
    with_archives,
    with_note,
    without_note,
)
from orchestrator.toolchains.c.messages import CompilerTold, told
from orchestrator.toolchains.c.options import COptions
from orchestrator.toolchains.c.own_linker import OwnLinks
from orchestrator.toolchains.c.proof import assertions, refuted, with_refuted
from orchestrator.toolchains.c.summary import CFunction, functions
from orchestrator.toolchains.objects import object_problem
from orchestrator.toolchains.programs import ChildPrograms, ProgramEnd

ATTEMPTS = 3
"""How often a file is compiled whose headers change meanwhile."""


class Shop:
    """A compiler and the settings of a project, with what is remembered between the compiles of a process."""

    def __init__(self, compiler: Compiler | None, chosen: COptions) -> None:
        self.compiler = compiler
        self.chosen = chosen
        self.programs = ChildPrograms()
        self.headers = Headers()
        self.links = OwnLinks()
        self.refuted: dict[Digest, frozenset[str]] = {}
        """Of objects by digest, for links: the functions that other languages must not call."""
        self._flags: dict[bool, list[str]] = {}

    def flags(self, *, cxx: bool) -> list[str]:
        """The command of the compiler up to the project's options. Raises LibraryError."""
        assert self.compiler is not None
        if cxx not in self._flags:
            self._flags[cxx] = compiler_flags(self.compiler, self.programs, cxx=cxx)
        return self._flags[cxx]

    def compile(self, job: CompileJob) -> Compiled:
        """The object of a module, or what is wrong with it."""
        if self.compiler is None:
            return _refused(job, "E1002", MISSING, CURE)
        try:
            command = self.flags(cxx=is_cxx(job.path))
        except LibraryError as error:
            return _refused(job, "E1003", str(error), "")
        with tempfile.TemporaryDirectory(prefix="wasmill-c-") as place:
            compile_one = _Compile(self, self.compiler, job, command, place)
            return compile_one.as_before() or compile_one.run()


class _Compile:
    """One compile. The compiler reads the text of the job, not the file, which may be another one by now."""

    def __init__(self, shop: Shop, compiler: Compiler, job: CompileJob, command: list[str], place: str) -> None:
        self.shop = shop
        self.job = job
        self.place = place
        self.compiler = compiler
        on_disk = bool(job.around.root) and os.path.isfile(os.path.join(job.around.root, job.path))
        self.root = os.path.realpath(job.around.root) if on_disk else place
        around = job.around
        flags = project_flags(
            shop.chosen, job.options, job.path, project=around.project, root=around.root if on_disk else ""
        )
        self.search = search_path(flags)
        self.may_reuse = may_reuse(shop.chosen.flags)
        maker = (compiler.version, command[1:], flags, job.path)
        self.maker = digest(repr(maker).replace(compiler.library, "").encode())
        self.lines = any(flag.startswith("-g") for flag in flags)
        self.command = [*command, *flags, *QUIET, *portable(self.root, compiler.library)]
        self.text = self._place_of_source(on_disk)
        self.functions: list[CFunction] = []

    def _place_of_source(self, on_disk: bool) -> str:
        """Where the job's text is to be written, so that the compiler finds it at the module's path. The file that may
        be there is covered by an overlay, so its name and what it includes mean the same as without."""
        if not on_disk:
            where = os.path.join(self.place, self.job.path)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            return where
        text, overlay = os.path.join(self.place, "source"), os.path.join(self.place, "overlay")
        name = os.path.join(self.root, self.job.path)
        entry = {"type": "file", "name": name, "external-contents": text}
        content = {"version": 0, "use-external-names": False, "case-sensitive": True, "roots": [entry]}
        _write(overlay, json.dumps(content).encode())
        self.command += ["-ivfsoverlay", overlay]
        return text

    def run(self) -> Compiled:
        self.functions = [] if is_cxx(self.job.path) else functions(self.job.source)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(2 * TICK_NS / 1e9)  # So that a change from now on has another time than those before.
            began = time.time_ns() - TICK_NS
            ended, object_data, read = self._proved()
            heard = self._heard(ended)
            if ended.broke or ended.code:
                return _failed(self.job, ended, heard)
            problem = object_problem(object_data)
            if problem:
                return _refused(self.job, "E1003", f"the compiler ended without an error, and {problem}", "")
            places = [os.path.join(self.root, path) for path in read if path != self.job.path]
            if changed_since((place for place in places if not self._is_own(place)), began):
                continue
            try:
                discovered = self._discovered(read)
            except OSError:
                continue
            archives = self._archives()
            object_data = with_archives(object_data, archives)
            data = object_data if heard.diagnostics else self._noted(object_data, discovered)
            discovered += tuple([Discovered(path=path, digest=one) for path, one in archives.items()])
            return Compiled(object=Object(data=data, warnings=heard.diagnostics, discovered=discovered))
        what = f"the headers of this file kept changing: it was compiled {ATTEMPTS} times"
        return _refused(self.job, "E0809", what, "build when whatever writes them has finished")

    def _archives(self) -> dict[str, Digest]:
        """The digests of the archives that the project names, by path; "" for one that is absent. They are inputs of
        each object, because a link has none of its own."""
        digests: dict[str, Digest] = {}
        for library in self.shop.chosen.libraries:
            path = os.path.join(os.path.realpath(self.job.around.project), library)
            digests[path] = digest(_read(path)) if os.path.exists(path) else ""
        return digests

    def _noted(self, data: bytes, discovered: tuple[Discovered, ...]) -> bytes:
        """The object with what its files mean, so that `as_before` can tell whether it still holds. An object with
        warnings has none, because comments move their places."""
        looks = {
            file.path: self.shop.headers.look(os.path.join(self.root, file.path)) for file in discovered if file.digest
        }
        existing = {path: look for path, look in looks.items() if look is not None}
        texts = [self.job.source, *[look.data for look in existing.values()]]
        if not self.may_reuse or len(existing) < len(looks) or any(map(reads_others, texts)):
            return data
        lines = self.lines or counts_lines(texts)
        files = {path: look.meaning(lines=lines) for path, look in existing.items()}
        files[""] = meaning(self.job.source, lines=lines)
        return with_note(data, MeaningNote(self.maker, lines, files))

    def as_before(self) -> Compiled | None:
        """The object that the module had, where only comments of its files differ, with their present digests. A
        file that it looked for in vain must still be absent."""
        earlier = self.job.earlier
        note = note_of(earlier.data) if earlier is not None and self.may_reuse else None
        if earlier is None or note is None or note.maker != self.maker:
            return None
        if note.files.get("") != meaning(self.job.source, lines=note.lines):
            return None
        discovered: list[Discovered] = []
        archives = self._archives()
        if earlier.data != with_note(with_archives(without_note(earlier.data), archives), note):
            return None
        for file in earlier.discovered:
            place = os.path.normpath(os.path.join(self.root, file.path))
            if place in archives:
                discovered.append(Discovered(path=file.path, digest=archives[place]))
                continue
            try:
                look = self.shop.headers.look(os.path.join(self.root, file.path))
            except OSError:
                return None
            if look is None and not file.digest:
                discovered.append(file)
            elif look is None or look.meaning(lines=note.lines) != note.files.get(file.path):
                return None
            else:
                discovered.append(Discovered(path=file.path, digest=look.digest))
        return Compiled(object=msgspec.structs.replace(earlier, discovered=tuple(discovered)))

    def _is_own(self, place: str) -> bool:
        """Whether a file is the compiler's own."""
        return place.startswith(self.compiler.library + "/")

    def _heard(self, ended: ProgramEnd) -> CompilerTold:
        return told(ended.output, self.job.module, self.job.path, self._text_of)

    def _proved(self) -> tuple[ProgramEnd, bytes, list[str]]:
        """As `_call`, with a proof of the types that other languages go by, else with a note of what it refutes."""
        proof = assertions(self.functions)
        ended, object_data, read = self._call(proof)
        if not proof or ended.broke or not ended.code:
            return ended, object_data, read
        said = [one.message for one in self._heard(ended).diagnostics if one.severity == "error"]
        ended, object_data, read = self._call(b"")
        if not ended.broke and not ended.code and not object_problem(object_data):
            object_data = with_refuted(object_data, refuted(self.functions, said))
        return ended, object_data, read

    def _call(self, proof: bytes) -> tuple[ProgramEnd, bytes, list[str]]:
        """Calls the compiler for the text and this behind it. Returns how it ended, the object, and what it read."""
        _write(self.text, self.job.source + proof)
        target, rule = os.path.join(self.place, "object"), os.path.join(self.place, "rule")
        for old in (target, rule):
            if os.path.exists(old):
                os.unlink(old)
        command = [*self.command, "-MD", "-MF", rule, "-MT", "o", "-c", self.job.path, "-o", target]
        ended = self.shop.programs.run(command, self.job.around, folder=self.root)
        return ended, _read(target), dependencies(_read(rule))

    def _discovered(self, read: list[str]) -> tuple[Discovered, ...]:
        system = [self.compiler.library]
        return discovered(read, self.job.source, self.job.path, self.root, self.search, system, self.shop.headers)

    def _text_of(self, file: str) -> bytes:
        """The text of a file of the project. Lines of other files are not shown."""
        if file == self.job.path:
            return self.job.source
        place = os.path.realpath(os.path.join(self.root, file))
        homes = [os.path.realpath(folder) for folder in (self.root, self.job.around.project) if folder]
        return _read(place) if any(place.startswith(home + "/") for home in homes) else b""


def _failed(job: CompileJob, ended: ProgramEnd, heard: CompilerTold) -> Compiled:
    errors = tuple(diagnostic for diagnostic in heard.diagnostics if diagnostic.severity == "error")
    broke = ended.broke
    if not broke and (not errors or any("PLEASE" in line for line in heard.others)):
        broke = f"it ended with exit code {ended.code}"
    if not broke:
        return Compiled(diagnostics=heard.diagnostics)
    said = f": {heard.others[-1]}" if heard.others else ""
    return _refused(job, "E1003", f"the compiler broke on this file: {broke}{said}", "")


def _refused(job: CompileJob, code: str, what: str, hint: str) -> Compiled:
    diagnostic: Diagnostic = about_file(code, what, module=job.module, file=job.path, hint=hint)
    return Compiled(diagnostics=(diagnostic,))


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
