"""One module from source to object."""

from __future__ import annotations

from actors.compiler.toolchain import Compiled, CompileJob, Object
from actors.diagnostics import Diagnostic
from orchestrator.toolchains.ruchy.assemble import assemble
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.lower import lower
from orchestrator.toolchains.ruchy.syntax.lexer import scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.parser import parse_tokens
from orchestrator.toolchains.ruchy.syntax.places import Places


def compile_module(job: CompileJob) -> Compiled:
    """Parses, checks, lowers and assembles. Whatever is wrong with the source comes back as diagnostics."""
    try:
        return _compile(job)
    except RecursionError:  # the limit on nesting keeps this from happening, unless the caller is deep itself
        return Compiled(diagnostics=(_too_deep(job),))


def _compile(job: CompileJob) -> Compiled:
    source = job.source.decode()
    pairs = scan(source)
    checked = check(job, parse_tokens(source, tokens_of(pairs)))
    if checked.module is None:
        return Compiled(diagnostics=tuple(checked.diagnostics))
    fragments = lower(checked.module)
    warnings = tuple(checked.warnings)
    data = assemble(job.module, job.path, checked.module, fragments, Places(source, pairs).line)
    names = tuple(fragment.name for fragment in fragments)
    return Compiled(object=Object(data=data, functions=names, compiled=names, warnings=warnings))


def _too_deep(job: CompileJob) -> Diagnostic:
    return Diagnostic(
        code="E0803",
        message="an expression of this module is nested too deep for the stack",
        module=job.module,
        file=job.path,
        hint="name the inner parts with `let`, or make functions of them",
    )
