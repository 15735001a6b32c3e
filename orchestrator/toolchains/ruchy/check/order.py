"""Which function is checked when: callees first where only a body says what a call returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from actors.diagnostics import Finding
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.functions.bodies import body_of, unused_locals
from orchestrator.toolchains.ruchy.check.inference.annotations import changed_parameters, signature
from orchestrator.toolchains.ruchy.check.inference.decide import DEPTH, decide, find_out, look_into, trial_of
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve, shown
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.passes import NeedsFirst, Pass
from orchestrator.toolchains.ruchy.check.scope import (
    CHECKED,
    IN_WORK,
    STUB,
    UNCHECKED,
    FunctionItem,
)
from orchestrator.toolchains.ruchy.check.types import ERROR, UNIT, Type
from orchestrator.toolchains.ruchy.syntax.top import TOP

if TYPE_CHECKING:
    from collections.abc import Callable


def check_functions(p: Pass) -> None:
    """All bodies: first those whose parameters are known, because they decide those of the others."""
    for untyped in (False, True):
        at = 0
        while at < len(p.made.functions):  # nested functions are added on the way
            item = p.made.functions[at]
            at += 1
            signature(p, item)
            if item.state == UNCHECKED and (untyped or not item.untyped):
                run(p, item)


def run(p: Pass, item: FunctionItem) -> None:
    """Checks a function, and before it the functions that it needs and that are too deep to be checked on the way."""
    # A body that needs the result of another function checks that one in place, on Python's own stack, which is not
    # deep enough for a long chain of calls. Below DEPTH it raises NeedsFirst instead: the attempt is undone, the other
    # function is checked on this stack, and the first body begins anew. So each retry finds one more result known.
    stack = p.work.waiting = [item]
    while stack:
        current = stack[-1]
        if current.state in (CHECKED, STUB):
            stack.pop()
            continue
        missing = p.attempt(lambda one=current: check_body(p, one))  # type: ignore[misc]
        if missing is None:
            stack.pop()
        else:
            stack.append(missing)


def settled(p: Pass, action: Callable[[], object]) -> None:
    """Does something that may need results of functions, which are found out before where they are too deep."""
    while (missing := p.attempt(action)) is not None:
        run(p, missing)


def demand(p: Pass, item: FunctionItem) -> None:
    """The result of a function that has no `->` is needed now."""
    if p.work.depth > DEPTH:
        # What waits already needs this very result, so raising again would go round for ever. The result stays open,
        # and the function's own body will tell.
        if any(item is waiting for waiting in p.work.waiting):
            return
        raise NeedsFirst(item)
    signature(p, item)
    p.work.depth += 6
    silent, p.silent = p.silent, 0 if item.trial is None else p.silent
    check_body(p, item)
    p.silent = silent
    p.work.depth -= 6


def check_body(p: Pass, item: FunctionItem) -> None:
    """Checks the body of a function, where it belongs: in this pass, or in a trial."""
    if item.instance is not None:
        _check_instance(p if item.trial is None else trial_of(item), item, item.instance.original)
    elif item.trial is None:
        check_function(p, item)
    elif item.own:  # nested in a function that is looked at in a trial
        check_function(trial_of(item), item)
    elif p.work.decided.get(item.symbol) is item:
        find_out(p, item)
    else:
        look_into(item)


Use = int | FunctionItem
"""Where an instance is used: at a token of its unit, or in another instance of the unit."""


def place_of_use(use: Use) -> int:
    """The first token of the unit that something is used at. It stands for all of an instance: a trap in it names the
    line of that token, because the function's own text is another unit's, or another module's."""
    places: list[int] = []
    waiting: list[Use] = [use]
    seen: list[Use] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, int):
            places.append(node)
        elif node not in seen:
            seen.append(node)
            waiting += node.instance.uses if node.instance is not None else ()
    return min(places)


def enter_instance(p: Pass, item: FunctionItem) -> None:
    """Enters an instance among the functions, unless it is there: an attempt that was undone took out what it made."""
    if item not in p.made.functions[item.index : item.index + 1]:
        item.index = len(p.made.functions)
        p.made.functions.append(item)
    p.made.instances[item.symbol] = item


def _check_instance(p: Pass, item: FunctionItem, original: FunctionItem) -> None:
    """Checks a copy of a function. Its warnings belong to nobody; errors of another module's text are told at the call,
    and each of the module's own only once."""
    # An instance is checked as if it were a function of this module, but its text may be another module's, and may be
    # checked many times. So what the check reports is sorted out afterwards: warnings go, an error that another
    # instance of the same text has told goes, and one in foreign text becomes one error at the call.
    enter_instance(p, item)
    report = p.report
    warnings, errors = len(report.warnings), len(report.errors)
    failed, p.failed = p.failed, False
    unknown, elsewhere = dict(report.unknown), report.elsewhere
    check_function(p, item)
    for nested in p.made.functions[item.index + 1 :]:
        if nested.state == UNCHECKED and nested.instance is None:
            signature(p, nested)
            check_body(p, nested)
    del report.warnings[warnings:]
    told = {(error.code, error.at) for error in report.errors[:errors]}
    new = [one for one in report.errors[errors:] if (one.code, one.at) not in told]
    report.errors[errors:] = [_with_call(p, item, one) for one in new] if original.own else []
    if not original.own:
        report.unknown = unknown
    if p.failed and not original.own and not p.silent:
        report.elsewhere = elsewhere
        message = f"`{item.name}` does not work with {_types_of(item)}"
        hint = f"its body says: {new[0].message}" if new else "see what its body does with them"
        p.error("E0293", place_of_use(item), message, hint)
    p.failed = p.failed or failed


def _types_of(item: FunctionItem) -> str:
    """The types that an instance is for, by the names of type parameters and of parameters without types."""
    types = {**item.env.types, **{item.node.parameters[i].name: kind for i, kind in item.bound.items()}}
    return ", ".join(f"{name} = {shown(kind)}" for name, kind in types.items() if name != "Self")


def _with_call(p: Pass, item: FunctionItem, error: Finding) -> Finding:
    """An error in an instance, with the call that asks for its types. (An instance in another says it first.)"""
    if error.code == "E0803" or " because of line " in error.message:
        return error
    line = p.module.places.line(place_of_use(item))
    message = f"{error.message} (in `{item.name}` for {_types_of(item)}, because of line {line})"
    return msgspec.structs.replace(error, message=message)


def check_function(p: Pass, item: FunctionItem) -> None:
    """Checks a body, and enters it into the pass's bodies."""
    # From here on, every name that is looked up is noted as what this function's unit depends on: that is what its
    # fingerprint is made of. A trial notes nothing of its own, because what it finds is found again by who asked.
    before = p.look_for(unit_of(item.symbol)) if item.trial is None else p.now_seen
    p.report.here = item.node.at if item.trial is None else p.report.here
    inlining, p.inlining = p.inlining, {}
    p.work.level += 1
    item.state = IN_WORK
    try:
        p.twice(lambda: _check_function(p, item))
        item.state = CHECKED
        p.made.finished.append(item)
    finally:
        p.now_seen = before
        p.inlining = inlining
        p.work.level -= 1
        if item.state == IN_WORK:  # it begins anew
            item.state = UNCHECKED


def _check_function(p: Pass, item: FunctionItem) -> None:
    types = signature(p, item)
    node = item.node
    if item.instanced:  # only its instances have code; what is wrong with its body is told with them
        nothing = hir.Unit(UNIT, node.at)
        start = p.module.starts.get(unit_of(item.symbol), 0)
        p.made.bodies[item.symbol] = hir.FunctionBody(item.symbol, False, [], UNIT, [], nothing, start, node.at)
        return
    if item.name == "main" and item.required and item.symbol == f"{p.module.name}::main":
        p.error("E0301", node.at, "`main` takes no parameters: nothing gives it any", "remove them")
    c = Fn(p, item.env, item.symbol.partition("::")[2], item)
    if item.inferred and item.is_seen and item.trial is None:
        known_result(c, item)
    body = body_of(c, item, types)
    item.needs_foreign = item.needs_foreign or c.foreign
    if item.inferred and item.is_seen and item.trial is None and not p.failed:
        hint = f"write `-> {shown(c.result)}`"
        p.error("E0507", node.at, f"what `{item.name}` returns cannot be told from its body alone", hint)
    unused_locals(c)
    p.made.bodies[item.symbol] = hir.FunctionBody(
        symbol=item.symbol,
        public=node.public,
        parameters=types,
        result=cast("Type", item.result),
        locals=c.locals,
        body=body,
        start=p.module.starts.get(unit_of(item.symbol), 0),
        at=node.at,
        changes=changed_parameters(item, types),
    )


def inferred_result(c: Fn, item: FunctionItem) -> Type:
    """The result of a function without `->`, which somebody needs now."""
    p = c.p
    if item.own and not item.is_seen:
        if item.state == UNCHECKED:
            demand(p, item)
        c.foreign = c.foreign or item.needs_foreign
        return resolve(cast("Type", item.result))
    if item.trial is p:
        if item.state == UNCHECKED:
            demand(p, item)
        c.foreign = c.foreign or item.needs_foreign or c.env.module != item.env.module
        return resolve(cast("Type", item.result))
    return known_result(c, item)


def known_result(c: Fn, item: FunctionItem) -> Type:
    """That of a `pub` one, or of one of another module: found in its text alone. One whose text does not tell is an
    error of its module."""
    p = c.p
    result = decide(p, item)
    if c.env.module != item.env.module:
        c.foreign = True
    if result.__class__ is Var:  # in the middle of a circle
        return result
    if not item.own and item.needs_foreign and result is not UNIT:
        result = ERROR
    if result is ERROR:
        if item.own:  # its own check goes on with what it finds
            return resolve(cast("Type", item.result))
        if TOP in (item.env.names or ()):  # its module may be all right
            message = f"what `{item.name}` returns depends on variables of the top level of `{item.env.module}`"
            p.error("E0507", p.report.here, message, f"write `->` and the type at `{item.name}`")
        else:
            p.reported_elsewhere(f"what `{item.name}` returns")
    item.result = result
    item.inferred = False
    return result
