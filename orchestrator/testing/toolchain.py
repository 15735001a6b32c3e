"""A language so small that its whole toolchain fits here: for tests of everything around a toolchain.

    use a::b            import; also `use a::*`, `use a as m`
    pub f = words       an item that others can see; its words are the names that occur in it
    f = words           a private one
    run words           a top-level statement
    fail message        compiling this module fails with that message
    crash message       the toolchain breaks on it
    warn message        a warning

An object holds the module's text and the texts of everything its names mean; the program is a valid, empty WebAssembly
module with its objects in a custom section. So the bytes show what a compile has seen."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

import msgspec

from actors.compiler.toolchain import (
    Compiled,
    CompileJob,
    Discovered,
    Item,
    Linked,
    LinkJob,
    Name,
    Object,
    Summarised,
    SummariseJob,
    Summary,
    Toolchain,
    Use,
)
from actors.diagnostics import Diagnostic, Finding, SourceError, in_text
from actors.digests import Digest, digest
from orchestrator.wasm.leb import uleb

_ITEM = re.compile(r"(pub )?(\w+) =(.*)")
_USE = re.compile(r"use ([\w:]+?)(::\*)?(?: as (\w+))?$")


class PlainToolchain:
    """See the module. `identity` may be given, to play another version; `waits` makes it need its imports' objects."""

    name = "plain"
    extensions: tuple[str, ...] = (".plain",)

    def __init__(self, identity: str = "1", *, waits: bool = False) -> None:
        self._identity = identity
        self.needs_import_objects = waits
        self.calls: list[tuple[str, str]] = []
        """Every call, as (function, module), in order."""

    def identity(self) -> Digest:
        return digest(b"plain " + self._identity.encode())

    def files(self) -> tuple[str, ...]:
        return ()

    def normalise(self, raw: bytes) -> bytes:
        try:
            return raw.decode().removeprefix("\ufeff").replace("\r\n", "\n").encode()
        except UnicodeDecodeError as error:
            raise SourceError(Finding("E0801", "this is no UTF-8")) from error

    def summarise(self, job: SummariseJob) -> Summarised:
        self.calls.append(("summarise", job.module))
        items, uses, names, statement = [], [], [], 0
        for number, line in enumerate(job.source.decode().splitlines(), 1):
            used = _USE.match(line)
            item = _ITEM.match(line)
            if line.startswith("syntax"):
                return Summarised(diagnostics=(_error(job, number, "E0001", line),))
            if used:
                path = tuple(used[1].split("::"))
                alias = "" if used[2] else used[3] or path[-1]
                uses.append(Use(path=path, alias=alias, glob=bool(used[2]), line=number, column=5))
            elif item:
                words = tuple(dict.fromkeys(re.findall(r"[A-Za-z_][\w:]*", item[3])))
                items.append(
                    Item(
                        name=item[2],
                        kind="item",
                        public=bool(item[1]),
                        digest=digest(line.encode()),
                        interface=line.encode(),
                        interface_names=words,
                        names=words,
                        line=number,
                    )
                )
                names += [Name(name=word, line=number, column=1) for word in words]
            elif line.startswith("run"):
                statement = statement or number
                names += [Name(name=word, line=number, column=5) for word in line.split()[1:]]
        return Summarised(
            summary=Summary(items=tuple(items), uses=tuple(uses), names=tuple(names), statements_line=statement)
        )

    def compile(self, job: CompileJob) -> Compiled:
        self.calls.append(("compile", job.module))
        warnings = []
        for number, line in enumerate(job.source.decode().splitlines(), 1):
            if line.startswith("fail"):
                return Compiled(diagnostics=(_error(job, number, "E0201", line[5:]),))
            if line.startswith("crash"):
                raise RuntimeError(line[6:])
            if line.startswith("warn"):
                warnings.append(_error(job, number, "W0001", line[5:]))
        functions = tuple(match[2] for match in map(_ITEM.match, job.source.decode().splitlines()) if match)
        seen = {
            name: interface.interface.decode(errors="backslashreplace") for name, interface in job.interfaces.items()
        }
        data = json.dumps([job.module, job.path, job.source.decode(), seen, job.options], sort_keys=True).encode()
        return Compiled(object=Object(data=data, functions=functions, compiled=functions, warnings=tuple(warnings)))

    def link(self, job: LinkJob) -> Linked:
        self.calls.append(("link", job.entry))
        content = json.dumps(
            [[linked.module, linked.data.decode(errors="backslashreplace")] for linked in job.objects]
        ).encode()
        payload = b"\x05plain" + content
        return Linked(program=b"\0asm\1\0\0\0\0" + uleb(len(payload)) + payload)

    def compiled_modules(self) -> list[str]:
        """The modules that were compiled since the last call, in order."""
        compiled = [module for function, module in self.calls if function == "compile"]
        self.calls.clear()
        return compiled


class WordsToolchain(PlainToolchain):
    """The same language in files of another extension: for projects with several toolchains. `links` are the kinds of
    objects that its linker takes beside its own."""

    name = "words"
    extensions = (".words",)
    object_kind = "words"

    def __init__(self, identity: str = "1", *, links: tuple[str, ...] = ()) -> None:
        super().__init__(identity)
        self.linked_kinds = ("words", *links)

    def identity(self) -> Digest:
        return digest(b"words " + self._identity.encode())


class TunableToolchain(PlainToolchain):
    """The plain language with two options: `mark` is text that stands in every object; `width` changes no byte."""

    name = "tunable"
    extensions = (".tune",)
    options: Mapping[str, str] = {"mark": "text", "width": "a whole number above 0"}

    def __init__(self, mark: str = "", width: int = 80) -> None:
        super().__init__(mark)
        self.mark = mark
        self.width = width

    def identity(self) -> Digest:
        return digest(b"tunable " + self.mark.encode())

    def with_option(self, name: str, value: object) -> TunableToolchain:
        if name == "mark" and isinstance(value, str):
            return TunableToolchain(value, self.width)
        if name == "width" and type(value) is int and value > 0:
            return TunableToolchain(self.mark, value)
        raise ValueError

    def compile(self, job: CompileJob) -> Compiled:
        compiled = super().compile(job)
        plain = compiled.object
        if plain is None:
            return compiled
        return Compiled(object=msgspec.structs.replace(plain, data=plain.data + self.mark.encode()))


class IncludingToolchain(PlainToolchain):
    """The plain language, and one line more: `include NAME` takes over the bytes of a file in `folder`, which the
    compile alone finds out about. They stand in the object."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def compile(self, job: CompileJob) -> Compiled:
        compiled = super().compile(job)
        headers, included = [], b""
        for name in re.findall(r"^include (\S+)$", job.source.decode(), re.MULTILINE):
            path = os.path.join(self.folder, name)
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except FileNotFoundError:
                headers.append(Discovered(path=path, digest=""))
            else:
                headers.append(Discovered(path=path, digest=digest(data)))
                included += data
        plain = compiled.object
        if plain is None:
            return compiled
        return Compiled(object=msgspec.structs.replace(plain, data=plain.data + included, discovered=tuple(headers)))


def _error(job: SummariseJob | CompileJob, line: int, code: str, message: str) -> Diagnostic:
    return in_text(Finding(code, message, at=line), job.source, module=job.module, file=job.path)


class _Named:
    """Toolchains that were given a name, as attributes."""


NAMED = _Named()


def named(toolchain: Toolchain) -> str:
    """A name ("module:attribute") under which this process, and no other, finds this very object: for worker processes
    that are simulated (`orchestrator.testing.workers`), since only toolchains with a name get any.

    The toolchain is never dropped.
    """
    attribute = f"t{id(toolchain)}"
    setattr(NAMED, attribute, toolchain)
    return f"{__name__}:NAMED.{attribute}"
