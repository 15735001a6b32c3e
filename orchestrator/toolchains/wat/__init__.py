"""WebAssembly text: each `.wat` file is a module that becomes one object, in this process. Importing this is cheap.

Exports of a file are symbols of the program, and its imports from "env" are what other files define, whatever their
language. `orchestrator.wasm.wat` says which text can be made relocatable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.digests import digest

if TYPE_CHECKING:
    from actors.codes import Code
    from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob, Summarised, SummariseJob
    from actors.digests import Digest

VERSION = 1
"""Raised whenever the same text makes another object."""


class WatText:
    """The text format of WebAssembly; implements `actors.compiler.toolchain.Toolchain`."""

    name = "wat"
    extensions = (".wat",)
    needs_import_objects = False
    links_whole = True
    free_names = True
    object_kind = "wat"
    linked_kinds = ("wat",)

    def identity(self) -> Digest:
        """Digest of the version: the assembler is part of Wasmill."""
        return digest(f"wat {VERSION}".encode())

    def files(self) -> tuple[str, ...]:
        return ()

    def normalise(self, raw: bytes) -> bytes:
        """UTF-8 without a byte order mark, lines ending with a line feed."""
        text = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        try:
            text.decode()
        except UnicodeDecodeError as error:
            from actors.diagnostics import Finding, SourceError

            line = text.count(b"\n", 0, error.start) + 1
            raise SourceError(Finding("E0801", "this is not UTF-8", at=line, hint="save the file as UTF-8")) from None
        return text

    def summarise(self, job: SummariseJob) -> Summarised:
        from actors.compiler.toolchain import Summarised, Summary

        return Summarised(summary=Summary())

    def compile(self, job: CompileJob) -> Compiled:
        from orchestrator.toolchains.wat.compile import compile_text

        return compile_text(job)

    def link(self, job: LinkJob) -> Linked:
        from orchestrator.toolchains.wat.link import link_text

        return link_text(job)

    def codes(self) -> dict[str, Code]:
        """The diagnostic codes of this toolchain."""
        from orchestrator.toolchains.wat.codes import CODES

        return CODES

    def difference(self, old: bytes, new: bytes) -> str:
        """Where two objects, or two programs, begin to differ."""
        from orchestrator.wasm.difference import difference

        return difference(old, new)
