"""The checker's one entry: a parsed module in, a checked one or diagnostics out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from actors.diagnostics import Finding

# Each of these enters its handlers.
from orchestrator.toolchains.ruchy.check import control, expressions, hir, later_stages, operators  # noqa: F401
from orchestrator.toolchains.ruchy.check.consts import read_const
from orchestrator.toolchains.ruchy.check.data import arrays, objects  # noqa: F401
from orchestrator.toolchains.ruchy.check.data.variants import check_enum, item_variants
from orchestrator.toolchains.ruchy.check.function import HANDLERS, Fn
from orchestrator.toolchains.ruchy.check.functions import calls, closures, defaults, throwing, writing  # noqa: F401
from orchestrator.toolchains.ruchy.check.functions.bodies import unused_locals
from orchestrator.toolchains.ruchy.check.functions.catchable import throw_what_traps
from orchestrator.toolchains.ruchy.check.functions.cells import fill_in
from orchestrator.toolchains.ruchy.check.functions.contracts import leave_by_break
from orchestrator.toolchains.ruchy.check.functions.polymorphic import doubtful_lambdas, lambdas_that_change
from orchestrator.toolchains.ruchy.check.functions.uncalled import check_uncalled
from orchestrator.toolchains.ruchy.check.inference.annotations import alias_target, field_types, signature
from orchestrator.toolchains.ruchy.check.inference.infer import settle
from orchestrator.toolchains.ruchy.check.inference.instances import stand_at_use
from orchestrator.toolchains.ruchy.check.inference.untyped import changed_by_calls, is_doubtful, named_by_instanced
from orchestrator.toolchains.ruchy.check.inside import check_imports
from orchestrator.toolchains.ruchy.check.items import check_struct, collect
from orchestrator.toolchains.ruchy.check.matching import match  # noqa: F401
from orchestrator.toolchains.ruchy.check.methods import overloaded, scalars  # noqa: F401
from orchestrator.toolchains.ruchy.check.methods.traits import check_bounds_written, check_implementation, check_trait
from orchestrator.toolchains.ruchy.check.module import CollectedModule, FoundOut, InProgress, Report, unit_of
from orchestrator.toolchains.ruchy.check.never import without_unreached
from orchestrator.toolchains.ruchy.check.order import check_functions, settled
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.check.scope import AliasItem, ConstItem, EnumItem, StructItem, TraitItem
from orchestrator.toolchains.ruchy.check.stubs import Stubs
from orchestrator.toolchains.ruchy.check.top import check_top, enter_variables
from orchestrator.toolchains.ruchy.check.touched import TouchedTypes, layouts_of, settle_bodies
from orchestrator.toolchains.ruchy.check.unused import unused_imports
from orchestrator.toolchains.ruchy.check.variables import types_found
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.broken import sound
from orchestrator.toolchains.ruchy.tables import complete

complete(HANDLERS, tree.Expr, "check.function.HANDLERS")

if TYPE_CHECKING:
    from actors.compiler.toolchain import CompileJob
    from orchestrator.toolchains.ruchy.syntax.parser import Parsed


class Checked(msgspec.Struct):
    """`module` is None exactly where something is wrong; `errors` then say what. They are empty where all of it is
    reported elsewhere, by the resolution of names or by another module; `otherwise` is reported if it is not.
    `warnings` come in either case, except those of the lexer. Findings count the tokens of what was parsed."""

    module: hir.CheckedModule | None
    errors: list[Finding]
    warnings: list[Finding]
    state: Pass | None = None
    """The pass that made the module."""
    body: list[tree.Stmt] = []
    """The tree that was checked."""
    otherwise: list[Finding] = []
    unknown: dict[int, str] = {}
    """Plain names that mean nothing, by their tokens."""


def check(job: CompileJob, parsed: Parsed, stubs: Stubs | None = None) -> Checked:
    """Finds the type of every expression of a module, and the meaning of every name. With `stubs` the tree lacks
    functions.

    A round that finds out what it would have had to know is done again, with that: untyped functions whose calls do not
    agree, the types of arguments, and, where it ends in errors, those of top-level variables. Where it ends in errors,
    functions of which it is in doubt whether their calls agree get instances, too: that may help."""
    stubs = stubs or Stubs({})
    checked, known = _rounds(job, parsed, stubs, FoundOut())
    if checked.module is None and known.doubtful:
        known.instanced |= known.doubtful
        otherwise, _ = _rounds(job, parsed, stubs, known)
        return checked if otherwise.module is None else otherwise
    return checked


_LOOKS = 3
"""How often a look at all functions may end in errors, and find more types of top-level variables."""


def _rounds(job: CompileJob, parsed: Parsed, stubs: Stubs, known: FoundOut) -> tuple[Checked, FoundOut]:
    looks = 1
    while True:
        p = Pass(CollectedModule(job, stubs, known), Report(), InProgress())
        checked = _checked(p, parsed)
        following = _more_than(known, p)
        if following is None and checked.module is None and p.found_more and looks < _LOOKS:
            looks += 1
            following = known.with_variables(p.found_more)
        if following is None:
            doubtful = {
                function.symbol for function in p.made.functions if not function.instanced and is_doubtful(function)
            }
            known.doubtful = doubtful | doubtful_lambdas(p)
            return checked, known
        known = following


def _more_than(known: FoundOut, p: Pass) -> FoundOut | None:
    """What a round found out beside what was known; None if it is nothing."""
    before = p.report.found_out
    new = before.instanced - known.instanced
    if not new and before.arguments.items() <= known.arguments.items():
        return None
    after = FoundOut(known.instanced | new, {**known.arguments, **before.arguments}, known.rounds + (not new))
    return after.with_variables(known.variables)


def _checked(p: Pass, parsed: Parsed) -> Checked:
    report = p.report
    top: Fn | None = None
    layouts = TouchedTypes({}, {})
    statements = parsed.body
    if parsed.module is None:
        statements = _what_is_whole(p, parsed)
    try:
        collect(p, statements)
        if not p.module.stubs.signatures:
            p.module.known.instanced |= named_by_instanced(p)
        if p.module.known.rounds > _ROUNDS:
            p.error("E0803", 0, "the types of calls in this module depend on one another without end", _WRITE_TYPES)
        check_imports(p, statements)
        enter_variables(p, statements)
        check_types(p)
        top = check_top(p, statements)
        check_functions(p)
        p.found_more = types_found(p.module)
        p.settle()
        if not p.failed:
            called = [function for function in p.made.functions if function.given and not function.instanced]
            changed = [one.symbol for one in called if changed_by_calls(one.given, one.types or [])]
            report.found_out.instanced.update([*changed, *lambdas_that_change(p)])
        if _more_than(p.module.known, p) is not None:
            return Checked(None, [], [], None, [])
        check_uncalled(p)
        fill_in(p)
        throwing.run_before_jumps(p)
        throw_what_traps(p)
        # This may be the first look at the fields of another module's struct, and find them wrong.
        layouts = layouts_of(p, [] if p.failed else settle_bodies(p))
    except RecursionError:  # functions without `->`, each nested far deeper than people write, that call one another
        p.silent = 0
        p.error("E0803", 0, "nested too deep for the stack", "write `->` and a type at the functions of this module")
    if p.failed:  # what an error hides looks unused
        if not report.errors and report.elsewhere is None:
            report.errors.append(Finding("E0901", "the checker gave up on this module, and did not say why"))
        otherwise = [report.elsewhere] if report.elsewhere is not None and not report.errors else []
        warnings = [warning for warning in report.warnings if warning.code != "W0004"]
        return Checked(None, report.errors, warnings, None, [], otherwise, report.unknown)
    if top is not None:
        unused_locals(top)
    seen = {key for one in report.seen.values() for key in one.bindings}.union(p.module.stubs.bindings)
    unused_imports(p, statements, sorted(seen))
    return Checked(_finished(p, layouts), [], _each_once(report.warnings), p, statements)


_ROUNDS = 20
_WRITE_TYPES = "write the types of the parameters of its functions"


def check_types(p: Pass) -> None:
    """Reads every alias, struct and constant of the module, whether it is used or not."""
    items = p.module.items
    for item in list(items.values()):  # first what needs no function, so that none of them looks for it
        if isinstance(item, AliasItem):
            alias_target(p, item)
        elif isinstance(item, StructItem) and not item.node.generics:
            field_types(p, item, item.type)
        elif isinstance(item, EnumItem) and not item.node.generics:
            item_variants(p, item, item.type)
    for function in p.made.functions:
        before = p.look_for(unit_of(function.symbol))
        p.module.starts[unit_of(function.symbol)] = function.node.start
        signature(p, function)
        p.now_seen = before
    check_traits(p)
    for name, item in list(items.items()):
        if isinstance(item, StructItem):
            settled(p, lambda one=item: check_struct(p, one))  # type: ignore[misc]
        elif isinstance(item, EnumItem):
            settled(p, lambda one=item: check_enum(p, one))  # type: ignore[misc]
        elif isinstance(item, ConstItem):
            settled(p, lambda one=item, path=name: read_const(Fn(p, one.env, path), one, one.node.at))  # type: ignore[misc]


def check_traits(p: Pass) -> None:
    """Traits, what implements them, and the bounds of functions."""
    for item in list(p.module.items.values()):
        if isinstance(item, TraitItem):
            check_trait(p, item)
            for block in item.blocks:
                check_implementation(p, block, None)
        elif isinstance(item, StructItem | EnumItem):
            for block in item.traits:
                check_implementation(p, block, item)
    for function in p.made.functions:
        if function.node.bounds:
            check_bounds_written(p, function.node, function.env)


def _what_is_whole(p: Pass, parsed: Parsed) -> list[tree.Stmt]:
    """What can be checked of a module that has syntax errors; they are errors of the check, too."""
    p.failed = True
    p.report.errors += parsed.errors
    left = sound(parsed.body, parsed.tokens.kinds, parsed.tokens.texts, [error.at for error in parsed.errors])
    p.module.headers, p.module.left_out = left.headers, left.left_out
    return left.body


def _each_once(findings: list[Finding]) -> list[Finding]:
    """In the order of the source."""
    distinct = {(finding.at, finding.code, finding.message): finding for finding in findings}
    return [distinct[key] for key in sorted(distinct)]


VERIFY = "RUCHY_VERIFY" in os.environ
"""Whether each tree is held against the rules before it leaves: in tests, and in all processes that they start."""

_LAST = (1 << 60, 0)
"""Where the statements of the top level stand among the functions."""


def _finished(p: Pass, layouts: TouchedTypes) -> hir.CheckedModule:
    order = {item.symbol: (item.node.at, item.node.at) for item in p.made.functions}
    for item in p.made.functions:  # what is nested stands behind what it is in
        at = order.get(f"{p.module.name}::{unit_of(item.symbol)}", _LAST)[0]
        order[item.symbol] = (at, item.node.at)
    for closure in p.made.closures.values():
        order[closure.symbol] = (order.get(f"{p.module.name}::{unit_of(closure.symbol)}", _LAST)[0], closure.at)
    instances = {one.symbol: p.made.instance_in(one.symbol) for one in p.made.bodies.values()}

    def place(body: hir.FunctionBody) -> tuple[int, int, str]:
        """Instances stand behind what is nested, by their names: where their text stands means nothing."""
        at, number = order.get(body.symbol, _LAST)
        return (at, 1 << 40, body.symbol) if instances[body.symbol] is not None else (at, number, "")

    functions = sorted(p.made.bodies.values(), key=place)
    for function in functions:
        instance = instances[function.symbol]
        if instance is not None:
            stand_at_use(function, instance)
        function.throws = throwing.hands_on(p.module, function.symbol)
        if function.symbol in p.made.leaving:
            leave_by_break(function.body, p.made.leaving[function.symbol])
        if p.cut:
            function.body = without_unreached(function.body)
    signatures = {symbol: (types, settle(result)) for symbol, (types, result) in sorted(p.made.signatures.items())}
    typed = hir.CheckedModule(functions, signatures, layouts.structs, p.made.calls_main, layouts.enums)
    typed.changing = dict(sorted(p.made.changing.items()))
    if VERIFY:
        from orchestrator.toolchains.ruchy.check.verify import verify

        verify(typed)
    return typed
