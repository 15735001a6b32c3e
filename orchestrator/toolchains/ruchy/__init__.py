"""Ruchy: the toolchain of our own. Importing it is cheap: what does the work is imported when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.codes import Code
    from actors.compiler.toolchain import Compiled, CompileJob, Inference, Linked, LinkJob, Summarised, SummariseJob
    from actors.digests import Digest
    from orchestrator.wasm.slack.resident import Resident


class Ruchy:
    """The language of `.ruchy` files; implements `actors.compiler.toolchain.Toolchain`."""

    name = "ruchy"
    extensions = (".ruchy",)
    entry_names = ("main.ruchy",)
    needs_import_objects = False
    _resident: Resident | None = None
    """What the fast linker remembers, from the first link on."""

    def identity(self) -> Digest:
        """Digest of the compiler's own sources and of the runtime's, read once a process."""
        from orchestrator.toolchains.ruchy.identity import identity

        return identity()

    def files(self) -> tuple[str, ...]:
        """The compiler's own files: when one of them changes, so does its identity."""
        from orchestrator.toolchains.ruchy.identity import files

        return files()

    def normalise(self, raw: bytes) -> bytes:
        """UTF-8 without a byte order mark, lines ending with a line feed. SourceError for anything else (E0801), and
        for more than 16 MiB (E0802)."""
        from orchestrator.toolchains.ruchy.text import normalise

        return normalise(raw)

    def prepare(self) -> None:
        """Imports what jobs need, ahead of the first one."""
        from orchestrator.toolchains.ruchy import compile, infer, summary  # noqa: A004, F401

    def summarise(self, job: SummariseJob) -> Summarised:
        from orchestrator.toolchains.ruchy.summary.summarise import summarise

        return summarise(job)

    def infer(self, job: CompileJob) -> Inference:
        from orchestrator.toolchains.ruchy.infer import infer_module

        return infer_module(job)

    def compile(self, job: CompileJob) -> Compiled:
        from orchestrator.toolchains.ruchy.compile import compile_module

        return compile_module(job)

    def link(self, job: LinkJob) -> Linked:
        from orchestrator.toolchains.ruchy.link import link_program, resident

        if job.fresh:
            return link_program(job, resident())
        if self._resident is None:
            self._resident = resident()
        return link_program(job, self._resident)

    def codes(self) -> dict[str, Code]:
        """The diagnostic codes of the language."""
        from orchestrator.toolchains.ruchy.codes import CODES

        return CODES

    def difference(self, old: bytes, new: bytes) -> str:
        """Where two objects, or two programs, begin to differ."""
        from orchestrator.wasm.difference import difference

        return difference(old, new)

    def accepted(self, program: bytes) -> None:
        """The program was validated: the next link need only prove what it changes."""
        if self._resident is not None:
            self._resident.accepted(program)
