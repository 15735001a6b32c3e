"""The checker's one entry: a parsed module in, a checked one or diagnostics out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.check import (  # noqa: F401  (each enters its handlers)
    calls,
    control,
    expressions,
    hir,
    later_stages,
    methods,
    operators,
)
from orchestrator.toolchains.ruchy.check.annotations import field_types
from orchestrator.toolchains.ruchy.check.bodies import check_functions, unused_locals
from orchestrator.toolchains.ruchy.check.function import HANDLERS
from orchestrator.toolchains.ruchy.check.infer import settle
from orchestrator.toolchains.ruchy.check.inside import check_imports
from orchestrator.toolchains.ruchy.check.items import check_types, collect
from orchestrator.toolchains.ruchy.check.module import Module, unit_of
from orchestrator.toolchains.ruchy.check.never import without_unreached
from orchestrator.toolchains.ruchy.check.stubs import Stubs
from orchestrator.toolchains.ruchy.check.top import check_top, enter_variables
from orchestrator.toolchains.ruchy.check.types import StructType
from orchestrator.toolchains.ruchy.check.unused import unused_imports
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.broken import sound
from orchestrator.toolchains.ruchy.tables import complete

complete(HANDLERS, tree.Expr, "check.function.HANDLERS")

if TYPE_CHECKING:
    from actors.compiler.toolchain import CompileJob
    from orchestrator.toolchains.ruchy.syntax.parser import Parsed


class Checked(msgspec.Struct):
    """`module` is None exactly where something is wrong; `errors` then say what. They are empty where all that is wrong
    is told elsewhere, by the resolution of names or by another module; `otherwise` is what to say should nobody tell
    it. `warnings` come in either case, but for those of the lexer. Findings count the tokens of what was parsed."""

    module: hir.CheckedModule | None
    errors: list[Finding]
    warnings: list[Finding]
    state: Any = None
    """The checker's `Module`."""
    body: list[Any] = []
    """The tree that was checked."""
    otherwise: list[Finding] = []
    unknown: dict[int, str] = {}
    """Plain names that mean nothing, by their tokens."""


def check(job: CompileJob, parsed: Parsed, stubs: Stubs | None = None) -> Checked:
    """Gives every expression of a module its type, and every name its meaning. With `stubs` the tree lacks
    functions."""
    m = Module(job, stubs or Stubs({}))
    statements = parsed.body
    if parsed.module is None:
        statements = _what_is_whole(m, parsed)
    try:
        collect(m, statements)
        check_imports(m, statements)
        enter_variables(m, statements)
        check_types(m)
        check_top(m, statements)
        check_functions(m)
        m.settle()
    except RecursionError:  # functions without `->`, each nested far deeper than people write, that call one another
        m.silent = 0
        m.error("E0803", 0, "nested too deep for the stack", "write `->` and a type at the functions of this module")
    if m.failed:  # what an error hides looks unused
        if not m.errors and m.elsewhere is None:
            m.errors.append(Finding("E0901", "the checker gave up on this module, and did not say why"))
        otherwise = [m.elsewhere] if m.elsewhere is not None and not m.errors else []
        return Checked(
            None, m.errors, [one for one in m.warnings if one.code != "W0004"], None, [], otherwise, m.unknown
        )
    if m.top is not None:
        unused_locals(m.top)
    seen = {key for one in m.seen.values() for key in one.bindings}.union(m.stubs.bindings)
    unused_imports(m, statements, sorted(seen))
    return Checked(_finished(m), [], _each_once(m.warnings), m, statements)


def _what_is_whole(m: Module, parsed: Parsed) -> list[Any]:
    """What can be checked of a module that has syntax errors; they are errors of the check, too."""
    m.failed = True
    m.errors += parsed.errors
    left = sound(parsed.body, parsed.tokens.kinds, parsed.tokens.texts, [one.at for one in parsed.errors])
    m.headers, m.lost = left.headers, left.lost
    return left.body


def _each_once(findings: list[Finding]) -> list[Finding]:
    """In the order of the source."""
    found = {(finding.at, finding.code, finding.message): finding for finding in findings}
    return [found[key] for key in sorted(found)]


VERIFY = "RUCHY_VERIFY" in os.environ
"""Whether each tree is held against the rules before it leaves: in tests, and in all processes that they start."""

_LAST = (1 << 60, 0)
"""Where the statements of the top level stand among the functions."""


def _finished(m: Module) -> hir.CheckedModule:
    order = {item.symbol: (item.node.at, item.node.at) for item in m.functions}
    for item in m.functions:  # what is nested stands behind what it is in
        at = order.get(f"{m.name}::{unit_of(item.symbol)}", _LAST)[0]
        order[item.symbol] = (at, item.node.at)
    functions = sorted(m.bodies.values(), key=lambda made: order.get(made.symbol, _LAST))
    for function in functions:
        function.parameters = [settle(kind) for kind in function.parameters]
        function.result = settle(function.result)
        function.locals = [settle(kind) for kind in function.locals]
        if m.cut:
            function.body = without_unreached(function.body)
    signatures = {symbol: (types, settle(result)) for symbol, (types, result) in sorted(m.signatures.items())}
    made = hir.CheckedModule(functions, signatures, _layouts(m), m.calls_main)
    if VERIFY:
        from orchestrator.toolchains.ruchy.check.verify import verify

        verify(made)
    return made


def _layouts(m: Module) -> dict[StructType, hir.StructLayout]:
    """The structs that the module touches, and what they are made of, by name."""
    found: dict[StructType, hir.StructLayout] = {}
    waiting: list[Any] = list(m.layouts)
    while waiting:
        kind = waiting.pop()
        item = m.layouts.get(kind)
        if item is None or kind in found or item.node.generics or item.node.tuple_like:
            continue
        types = field_types(m, item)
        found[kind] = hir.StructLayout(kind, item.names, types)
        waiting += [inner for inner in types if isinstance(inner, StructType)]
    return dict(sorted(found.items(), key=lambda entry: (entry[0].module, entry[0].item)))
