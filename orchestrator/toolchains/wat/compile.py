"""Assembles one file of WebAssembly text."""

from __future__ import annotations

from actors.compiler.toolchain import Compiled, CompileJob, Object
from actors.diagnostics import Finding, in_text
from orchestrator.wasm.wat import TextError, assemble_object

SYNTAX = "E1101"


def compile_text(job: CompileJob) -> Compiled:
    """The object of a file. Its own functions are named after the module, so files may use the same names."""
    try:
        data = assemble_object(job.source.decode(), job.module)
    except TextError as error:
        finding = Finding(SYNTAX, error.message, at=error.line, offset=error.column - 1, length=1)
        return Compiled(diagnostics=(in_text(finding, job.source, module=job.module, file=job.path),))
    return Compiled(object=Object(data=data))
