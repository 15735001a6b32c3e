"""Any compiler that makes relocatable WebAssembly objects, named in wasmill.toml:

    [toolchain.NAME]
    extensions = [".ext"]
    command = ["compiler", "{source}", "-o", "{object}"]

The programs of such objects are linked by the toolchain of C. Importing this is cheap."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from actors.digests import digest
from orchestrator.toolchains.command.options import CommandOptions

if TYPE_CHECKING:
    from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob, Summarised, SummariseJob
    from actors.digests import Digest
    from orchestrator.toolchains.programs import ChildPrograms

VERSION = 1
"""Raised whenever the same command leaves another object."""


class AnyCommand:
    """A compiler that a project names; implements `actors.compiler.toolchain.Toolchain`."""

    needs_import_objects = False
    links_whole = True
    free_names = True
    object_kind = "wasm"
    linked_kinds = ()
    options: Mapping[str, str] = {
        "command": 'a list of texts with "{source}" and "{object}" in it, and "{depfile}" if the compiler writes one',
        "inputs": "a list of files that every compile reads, relative to the project's folder",
        "identity": "a text that changes whenever the compiler makes other objects, besides its file",
    }

    def __init__(self, name: str, chosen: CommandOptions | None = None) -> None:
        self.name = name
        self.extensions: tuple[str, ...] = ()
        self.chosen = chosen or CommandOptions()
        self._programs: ChildPrograms | None = None

    def program(self) -> str:
        """The compiler, if it is found on PATH or named by an absolute path; "" otherwise. One that is named relative
        to the project is an input of each compile."""
        first = self.chosen.command[0] if self.chosen.command else ""
        if os.path.isabs(first):
            return first
        folders = os.environ.get("PATH", "").split(os.pathsep) if first and "/" not in first else []
        places = [os.path.join(folder, first) for folder in folders if os.path.isabs(folder)]
        return next((place for place in places if os.path.isfile(place) and os.access(place, os.X_OK)), "")

    def identity(self) -> Digest:
        """Digest of the settings, and of the size and time of the compiler's file."""
        try:
            status = os.stat(self.program())
            marks = (status.st_size, status.st_mtime_ns)
        except OSError:
            marks = (0, 0)
        return digest(repr((VERSION, self.name, self.chosen, marks)).encode())

    def files(self) -> tuple[str, ...]:
        """The compiler, if it is there."""
        program = self.program()
        return (program,) if os.path.isfile(program) else ()

    def foreign_code(self) -> str:
        """The command, whatever it is."""
        return f"command = {list(self.chosen.command)!r}"

    def with_option(self, name: str, value: object) -> AnyCommand:
        """This toolchain with one setting changed. Raises ValueError."""
        if name == "identity":
            if not isinstance(value, str):
                raise ValueError
            return AnyCommand(self.name, msgspec.structs.replace(self.chosen, identity=value))
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            raise ValueError
        texts = tuple(cast("list[str]", value))
        if name == "command" and not {"{source}", "{object}"} <= set(_placeholders(texts)):
            raise ValueError
        return AnyCommand(self.name, msgspec.structs.replace(self.chosen, **{name: texts}))

    def normalise(self, raw: bytes) -> bytes:
        """The bytes as they are, because the compiler reads the file itself."""
        return raw

    def programs(self) -> ChildPrograms:
        """The compilers that run now."""
        if self._programs is None:
            from orchestrator.toolchains.programs import ChildPrograms

            self._programs = ChildPrograms()
        return self._programs

    def interrupt(self) -> None:
        """Ends the compilers that run."""
        if self._programs is not None:
            self._programs.interrupt()

    def summarise(self, job: SummariseJob) -> Summarised:
        from actors.compiler.toolchain import Summarised, Summary

        return Summarised(summary=Summary())

    def compile(self, job: CompileJob) -> Compiled:
        from orchestrator.toolchains.command.compile import compile_by

        return compile_by(self.chosen, self.programs(), job)

    def link(self, job: LinkJob) -> Linked:
        """Never called, because it takes no kind of objects."""
        raise NotImplementedError


def _placeholders(texts: tuple[str, ...]) -> list[str]:
    return [
        placeholder
        for placeholder in ("{source}", "{object}", "{depfile}")
        if any(placeholder in text for text in texts)
    ]


class _CommandNames:
    """Toolchains by name, as attributes: so that another process finds them as `module:NAMED.name`."""

    def __getattr__(self, name: str) -> AnyCommand:
        return AnyCommand(name)


NAMED = _CommandNames()
