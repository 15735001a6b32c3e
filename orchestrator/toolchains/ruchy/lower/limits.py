"""What WebAssembly engines take of one function: a program with more is refused by all of them.

The numbers are those of the JavaScript interface of WebAssembly ("Implementation limits"), which wasmtime has too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.syntax.top import TOP

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.hir import FunctionBody

PARAMETERS = 1_000
LOCALS = 50_000
BODY = 7_654_321
"""Bytes."""


class LimitError(Exception):
    """A function is more than engines take; `finding` says so at the function."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def hold(function: FunctionBody, parameters: int, locals_: int, size: int) -> None:
    """Raises LimitError where a lowered function is too large. `locals_` counts the parameters, and what the compiler
    needs for itself; `size` is that of the code in bytes."""
    if parameters > PARAMETERS:
        _fail(function, "E0220", f"has {parameters:,} parameters", f"{PARAMETERS:,}", "hand them over in a struct")
    if locals_ > LOCALS:
        _fail(function, "E0221", f"needs {locals_:,} local variables", f"{LOCALS:,}", _SPLIT)
    if size > BODY:
        _fail(function, "E0222", f"makes {size:,} bytes of code", f"{BODY:,}", _SPLIT)


_SPLIT = "make several functions of it"


def _fail(function: FunctionBody, code: str, what: str, most: str, hint: str) -> None:
    name = function.symbol.partition("::")[2]
    subject = "the top level" if name == TOP else f"`{name}`"
    message = f"{subject} {what}: the engines that run WebAssembly take {most}"
    raise LimitError(Finding(code, message, hint=hint, at=function.at))
