"""Helpers of the checker's tests: check a text, and hold what comes out against the rules of `hir`."""

from typing import Any, NamedTuple

from actors.compiler.toolchain import Binding, CompileJob, Interface
from actors.diagnostics import Diagnostic
from orchestrator.codes import all_codes
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.checker import check
from orchestrator.toolchains.ruchy.check.verify import verify
from orchestrator.toolchains.ruchy.syntax.parser import Parsed, parse
from orchestrator.toolchains.ruchy.syntax.places import Places

CODES = all_codes()


class Told(NamedTuple):
    """What a check says, in its places."""

    module: hir.CheckedModule | None
    diagnostics: list[Diagnostic]
    warnings: list[Diagnostic]


def told(job: CompileJob, parsed: Parsed) -> Told:
    checked = check(job, parsed)
    places = Places(parsed.source)
    heard = [one for one in parsed.findings if one.severity == "warning"]
    return Told(
        checked.module,
        places.tell(checked.errors, module=job.module, file=job.path),
        [
            *places.tell(heard, module=job.module, file=job.path),
            *places.tell(checked.warnings, module=job.module, file=job.path),
        ],
    )


def check_text(
    source: str,
    *,
    module: str = "main",
    resolution: tuple[Binding, ...] = (),
    interfaces: dict[str, Interface] | None = None,
) -> Told:
    """A module by its text; everything that it gives must be well formed."""
    job = CompileJob(
        module=module,
        path=f"{module}.ruchy",
        source=source.encode(),
        resolution=resolution,
        interfaces=interfaces or {},
    )
    checked = told(job, parse(source))
    for found in [*checked.diagnostics, *checked.warnings]:
        assert found.code in CODES, found
    assert all(found.severity == "error" for found in checked.diagnostics)
    assert all(found.severity == "warning" for found in checked.warnings)
    if checked.module is not None:
        assert checked.diagnostics == []
        verify(checked.module)
    return checked


def good(source: str, **more: Any) -> hir.CheckedModule:
    checked = check_text(source, **more)
    assert checked.module is not None, checked.diagnostics
    return checked.module


def found(source: str, **more: Any) -> list[tuple[str, int]]:
    """Code and line of all errors."""
    checked = check_text(source, **more)
    assert (checked.module is None) == bool(checked.diagnostics) or more
    return [(one.code, one.line) for one in checked.diagnostics]


def warned(source: str, **more: Any) -> list[tuple[str, int]]:
    checked = check_text(source, **more)
    assert checked.module is not None, checked.diagnostics
    return [(one.code, one.line) for one in checked.warnings]


def function(module: hir.CheckedModule, name: str) -> hir.FunctionBody:
    return next(one for one in module.functions if one.symbol.partition("::")[2] == name)


def body(source: str, name: str = "f") -> hir.Expr:
    return function(good(source), name).body
