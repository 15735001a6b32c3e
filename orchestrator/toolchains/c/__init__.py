"""C and C++: each source is compiled by clang, as zig brings it or as the system has it. Importing this is cheap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from actors.digests import digest
from orchestrator.toolchains.c.compilers import Compiler, find
from orchestrator.toolchains.c.options import COptions

if TYPE_CHECKING:
    from actors.codes import Code
    from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob, Summarised, SummariseJob
    from actors.digests import Digest
    from orchestrator.toolchains.c.compile import Shop

VERSION = 3
"""Raised whenever the same compiler and the same options make another object, or another program of it."""


_WORDS = "a list of texts without blanks around them"


class CLanguages:
    """The languages of `.c`, `.cc`, `.cpp` and `.cxx` files; implements `actors.compiler.toolchain.Toolchain`."""

    name = "c"
    extensions = (".c", ".cc", ".cpp", ".cxx")
    entry_names = ("main.c", "main.cc", "main.cpp", "main.cxx")
    needs_import_objects = False
    links_whole = True
    free_names = True
    reconsiders = True
    object_kind = "wasm"
    linked_kinds = ("wasm", "wat", "ruchy")
    options: Mapping[str, str] = {
        "compiler": '"zig", "clang", or the absolute path of one of these',
        "flags": _WORDS,
        "include": "a list of folders, relative to the project's",
        "define": 'a list of macros: "NAME" or "NAME=VALUE"',
        "standard": 'a standard of the language, or one for C and one for C++: ["c17", "c++20"]',
        "libraries": "a list of archives (`.a`), relative to the project's folder",
    }

    def __init__(self, chosen: COptions | None = None) -> None:
        self._chosen = chosen or COptions()
        self._shop: Shop | None = None

    def _compiler(self) -> Compiler | None:
        return find(self._chosen.compiler)

    def identity(self) -> Digest:
        """Digest of the compiler's version and of the settings, and of Ruchy's compiler, whose runtime programs of both
        are linked with. A project's own headers are discovered."""
        from orchestrator.toolchains.ruchy.identity import identity

        compiler = self._compiler()
        version = compiler.version if compiler is not None else "none"
        return digest(repr((VERSION, version, self._chosen, identity())).encode())

    def files(self) -> tuple[str, ...]:
        """The compiler, if there is one, and what Ruchy's identity comes from."""
        from orchestrator.toolchains.ruchy.identity import files

        compiler = self._compiler()
        return (*(compiler.files() if compiler is not None else ()), *files())

    def with_option(self, name: str, value: object) -> CLanguages:
        """This toolchain with one setting changed. Raises ValueError."""
        if name == "compiler":
            if not isinstance(value, str) or not (value in ("zig", "clang") or value.startswith("/")):
                raise ValueError
            return CLanguages(msgspec.structs.replace(self._chosen, compiler=value))
        if name == "standard" and isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(
            isinstance(text, str) and text.strip() == text != "" for text in value
        ):
            raise ValueError
        return CLanguages(msgspec.structs.replace(self._chosen, **{name: tuple(value)}))

    def foreign_code(self) -> str:
        """A compiler that is named by its path, or a flag with which it may load code."""
        return self._chosen.foreign_code()

    def normalise(self, raw: bytes) -> bytes:
        """The text without a byte order mark. Any bytes are allowed, as in C."""
        return raw.removeprefix(b"\xef\xbb\xbf")

    def shop(self) -> Shop:
        """What compiles and links, and what it has learnt of headers."""
        if self._shop is None:
            from orchestrator.toolchains.c.compile import Shop

            self._shop = Shop(self._compiler(), self._chosen)
        return self._shop

    def interrupt(self) -> None:
        """Ends the compilers that run."""
        if self._shop is not None:
            self._shop.programs.interrupt()

    def summarise(self, job: SummariseJob) -> Summarised:
        from orchestrator.toolchains.c.summary import summarise

        return summarise(job)

    def compile(self, job: CompileJob) -> Compiled:
        return self.shop().compile(job)

    def link(self, job: LinkJob) -> Linked:
        from orchestrator.toolchains.c.link import link

        return link(self.shop(), job)

    def accepted(self, program: bytes) -> None:
        """The program was validated: the next link need only prove what it changes."""
        if self._shop is not None:
            self._shop.links.accepted(program)

    def codes(self) -> dict[str, Code]:
        """The diagnostic codes of this toolchain."""
        from orchestrator.toolchains.c.codes import CODES

        return CODES

    def difference(self, old: bytes, new: bytes) -> str:
        """Where two objects, or two programs, begin to differ."""
        from orchestrator.wasm.difference import difference

        return difference(old, new)
