"""Generic functions: one copy for each set of types, in the unit of the caller.

Order: a call takes the types of its arguments for the type parameters, which stay open as long as those are. When they
are known (`Undecided.decide`, at the end of a check), the instance is made and its body checked, once for all calls of
the unit with these types. Its symbol begins with that unit's, so it is compiled into the unit's fragments, like a
function that is nested there, and nobody else ever sees it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.functions.calls import INSTANCES, CalledOn, call_function
from orchestrator.toolchains.ruchy.check.inference.annotations import signature, type_of
from orchestrator.toolchains.ruchy.check.inference.infer import Decision, fresh, is_open, settle, shown, unify
from orchestrator.toolchains.ruchy.check.inference.written import with_written
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.order import run
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.scope import Env, FunctionItem
from orchestrator.toolchains.ruchy.check.types import ERROR, Type
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

Use = int | FunctionItem
"""Where an instance is used: at a token of its unit, or in another instance of the unit."""

MOST = 2000
"""How many instances a module may have: types that grow with each call would never end."""


def place_of_use(use: Use) -> int:
    """The first token of the unit that something is used at. It stands for all of an instance: a trap in it names the
    line of that token, because the function's own text is another unit's, or another module's."""
    found: list[int] = []
    waiting: list[Use] = [use]
    seen: list[Use] = []
    while waiting:
        one = waiting.pop()
        if isinstance(one, int):
            found.append(one)
        elif one not in seen:
            seen.append(one)
            waiting += one.uses
    return min(found)


def stand_at_use(made: hir.FunctionBody, instance: FunctionItem) -> None:
    """Gives the typed tree of an instance the place of its use."""
    at = made.at = place_of_use(instance)
    waiting: list[Node] = [made.body]
    while waiting:
        node = waiting.pop()
        if hasattr(node, "at"):
            node.at = at
        waiting.extend(PARTS[node.__class__](node))


def call_generic(c: Fn, node: tree.Call, item: FunctionItem, on: CalledOn | None = None) -> hir.Expr:
    """A call of a function with type parameters."""
    p = c.p
    types = {name: fresh() for name in item.node.generics}
    called = FunctionItem(item.name, item.symbol, item.node, _env(p, item, types), own=True)
    called.trial, called.inferred, called.calls = p, False, []
    errors = len(p.report.errors)
    with p.silenced(not item.own):
        called.types = [_parameter(p, called.env, one) for one in item.node.parameters]
        result = item.node.result
        called.result = fresh() if result is None else type_of(p, called.env, result)
    if isinstance(node.callee, tree.Path) and node.callee.types:
        _written(c, node.callee, item, types, called.env)
    _unify_receiver(p, called, on)
    required = [i + 1 for i, one in enumerate(item.node.parameters) if one.default is None]
    called.required = required[-1] if required else 0
    p.composed = True
    made = call_function(c, node, called, on)
    if called.calls and ERROR not in (*called.types, called.result) and len(p.report.errors) == errors:
        unit = unit_of(f"{p.module.name}::{c.path}")
        waits = tuple(types.values())
        use = p.made.instance_in(f"{p.module.name}::{c.path}") or node.at
        p.open.late.append(Decision(lambda last: _decide(p, item, called, types, unit, use, last), waits))
    return made


def _unify_receiver(p: Pass, called: FunctionItem, on: CalledOn | None) -> None:
    """What a method is called on says what its type parameters are before an argument does: numbers among those are
    then converted. (If it is of another type, that is told later.)"""
    if on is not None and called.types:
        unify(called.types[0], on.place.type if on.place is not None else cast("hir.Expr", on.value).type)


def _written(c: Fn, path: tree.Path, item: FunctionItem, types: dict[str, Type], env: Env) -> None:
    """The types of `id::<i64>`, or of `Stack::<i64>::new`: those of the function, or of the type that it belongs to."""
    names = list(types)
    if path.typed < len(path.segments):
        with_written(c, path, hir.Unit(env.types.get("Self", ERROR), path.at))
        return
    outer = len(names) - len(path.types)
    if outer < 0 or (item.of is None and outer):
        hint = f"write `{item.name}::<{', '.join(names)}>`"
        c.p.error("E0262", path.at, f"`{item.name}` is of {len(names)} types, and has {len(path.types)}", hint)
        return
    for name, written in zip(names[outer:], path.types, strict=True):
        unify(types[name], type_of(c.p, c.env, written))


def _env(p: Pass, item: FunctionItem, types: dict[str, Type]) -> Env:
    env = item.env.copy()
    env.types.update(types)
    if item.of is not None:
        with p.silenced():
            env.types["Self"] = type_of(p, env, item.of)
    return env


def _parameter(p: Pass, env: Env, node: tree.Parameter) -> Type:
    kind = node.type
    while isinstance(kind, tree.ReferenceType):
        kind = kind.target
    return fresh() if kind is None else type_of(p, env, kind)


def _decide(
    p: Pass, item: FunctionItem, called: FunctionItem, types: dict[str, Type], unit: str, use: Use, last: bool
) -> bool:
    """Makes the instance of a call once its types are known."""
    if not last and any(is_open(kind) for kind in types.values()):
        return False
    known = {name: settle(kind) for name, kind in types.items()}
    if ERROR in known.values():
        p.failed = True
        return True
    instance = instance_of(p, item, known, unit, use)
    if instance is not None:
        for one in called.calls or ():
            one.symbol = instance.symbol
        assert called.result is not None and instance.result is not None
        if not unify(called.result, instance.result):
            message = f"`{item.name}` gives {shown(instance.result)} here, and {shown(called.result)} is needed"
            p.error("E0201", place_of_use(use), message)
    return True


def instance_of(p: Pass, item: FunctionItem, types: dict[str, Type], unit: str, use: Use) -> FunctionItem | None:
    """The copy of a function for these types in a unit; None after an error."""
    at = place_of_use(use)
    names = ",".join(name_of(kind) for kind in types.values())
    symbol = f"{p.module.name}::{unit}.<{item.symbol}|{names}>"
    found = p.made.instances.get(symbol)
    if found is not None:
        found.uses.append(use)
        return found
    if len(p.made.instances) >= MOST:
        p.error_even_if_silent(
            "E0803",
            at,
            f"generic functions have more than {MOST:,} instances here",
            "let their types not grow",
        )
        return None
    node = copy.deepcopy(item.node)  # what is kept of nodes belongs to one instance
    node.generics, node.public = [], False
    made = FunctionItem(item.name, symbol, node, _env(p, item, types), own=True)
    made.uses = [use]
    made.trial = p if p.copies is not None else None
    made.index = len(p.made.functions)
    p.made.instances[symbol] = made
    p.made.functions.append(made)
    for kind in types.values():
        p.touch(kind)
    _check(p, item, made, at)
    return made


def _check(p: Pass, item: FunctionItem, made: FunctionItem, at: int) -> None:
    """Checks the body. Its warnings belong to nobody; errors of another module's text are told at the call, and each
    of the module's own only once."""
    report = p.report
    waiting, warnings, errors = p.work.waiting, len(report.warnings), len(report.errors)
    failed, p.failed = p.failed, False
    with p.silenced(not item.own):
        run(p, made)
        for nested in p.made.functions[made.index + 1 :]:
            if nested.state == 0:
                signature(p, nested)
                run(p, nested)
    del report.warnings[warnings:]
    told = {(one.code, one.at) for one in report.errors[:errors]}
    report.errors[errors:] = [one for one in report.errors[errors:] if (one.code, one.at) not in told]
    p.work.waiting = waiting
    if p.failed and not item.own and not p.silent:
        types = ", ".join(f"{name} = {shown(kind)}" for name, kind in made.env.types.items())
        p.error("E0293", at, f"`{item.name}` does not work with {types}", "see what its body does with them")
    p.failed = p.failed or failed


INSTANCES.call = call_generic
