"""Generic functions, and untyped ones whose calls do not agree: one copy for each set of types, in the caller's unit.

Order: a call takes the types of its arguments for the type parameters, which stay open as long as those are. When they
are known, at once or later (`Undecided.decide`), the instance is made and its body checked, once for all calls of the
unit with these types. Its symbol begins with that unit's, so it is compiled into the unit's fragments, like a
function that is nested there, and nobody else ever sees it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.check.functions.calls import (
    INSTANCES,
    Arguments,
    CalledOn,
    by_themselves,
    call_function,
)
from orchestrator.toolchains.ruchy.check.inference.annotations import named_type, self_types, type_of
from orchestrator.toolchains.ruchy.check.inference.decide import DEPTH, look_into
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    FLOATING,
    INTEGER,
    NUMBER,
    Decision,
    Var,
    fresh,
    is_open,
    openness,
    resolve,
    settle,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.written import with_written
from orchestrator.toolchains.ruchy.check.methods.traits import check_bounds, functions_of_bounds
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.order import Use, check_body, enter_instance, place_of_use, run
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.passes import NeedsFirst
from orchestrator.toolchains.ruchy.check.scope import (
    UNCHECKED,
    EnumItem,
    Env,
    FunctionItem,
    Instance,
    StructItem,
)
from orchestrator.toolchains.ruchy.check.types import ERROR, F64, I64, Type
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.check.function import Fn
    from orchestrator.toolchains.ruchy.check.passes import Pass

MOST = 2000
"""How many instances a module may have."""

DEEPEST = 64
"""How many instances of one function may call one another: types that grow with each call would never end."""


def stand_at_use(body: hir.FunctionBody, instance: FunctionItem) -> None:
    """Gives the typed tree of an instance the place of its use."""
    at = body.at = place_of_use(instance)
    waiting: list[Node] = [body.body]
    while waiting:
        node = waiting.pop()
        if hasattr(node, "at"):
            node.at = at
        waiting.extend(PARTS[node.__class__](node))


def call_instanced(
    c: Fn, node: tree.Call, item: FunctionItem, on: CalledOn | None = None, known: Arguments | None = None
) -> hir.Expr:
    """A call of a function with type parameters, or with parameters without types whose calls do not agree. `known` are
    arguments for these that are checked already."""
    p, nodes = c.p, item.node.parameters
    types = {name: fresh() for name in item.node.generics}
    of = item.context.default_of
    if of is not None:
        types["Self"] = named_type(p, of) if isinstance(of, StructItem | EnumItem) else of
        _trait_arguments(p, item, types)
    # The call is checked as one of an ordinary function whose signature has a variable for each type parameter, so
    # that conversions, defaults and `&mut` are those of every call. Which instance it calls is known only when these
    # variables are: until then the calls that were made wait in `called.calls` for their symbol.
    called = FunctionItem(item.name, item.symbol, item.node, _env(p, item, types), own=True)
    called.trial, called.inferred, called.instanced, called.calls = p, False, False, []
    errors = len(p.report.errors)
    with p.silenced(not item.own):
        functions_of_bounds(p, item.node, called.env)
        called.types = [_parameter(p, called.env, one) for one in nodes]
        result = item.node.result
        called.result = fresh() if result is None else type_of(p, called.env, result)
    if isinstance(node.callee, tree.Path) and node.callee.types:
        _written(c, node.callee, item, types, called.env)
    _unify_receiver(p, called, on)
    required = [i + 1 for i, one in enumerate(nodes) if one.default is None]
    called.required = required[-1] if required else 0
    p.composed = True
    untyped = [i for i, one in enumerate(nodes) if one.type is None]
    if untyped and known is None:
        known = by_themselves(c, node, called, called.types, on is not None)
    typed = call_function(c, node, called, on, known)
    if called.calls and ERROR not in (*called.types, called.result) and len(p.report.errors) == errors:
        use = p.made.instance_in(f"{p.module.name}::{c.path}") or node.at
        key = (c.item.symbol if c.item is not None else c.path, node.at)
        _Asked(c, key, item, called, types, {i: called.types[i] for i in untyped}, use).now()
        typed.type = resolve(typed.type)
    return typed


def _trait_arguments(p: Pass, item: FunctionItem, types: dict[str, Type]) -> None:
    """What the type parameters of a trait are in a default method: those of the `impl` that it is found through."""
    through = item.context.through
    if through is None or through.node.trait is None or not through.node.trait.arguments:
        return
    env = through.env.copy()
    env.types.update({name: fresh() for name in through.node.generics})
    with p.silenced():
        env.types["Self"] = target = type_of(p, env, through.node.target)
        unify(types["Self"], target)
        for name, written in zip(item.node.generics, through.node.trait.arguments, strict=False):
            unify(types[name], type_of(p, env, written))


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
    if outer < 0 or (item.context.of is None and outer):
        hint = f"write `{item.name}::<{', '.join(names)}>`"
        c.p.error("E0262", path.at, f"`{item.name}` is of {len(names)} types, and has {len(path.types)}", hint)
        return
    for name, written in zip(names[outer:], path.types, strict=True):
        unify(types[name], type_of(c.p, c.env, written))


class _Asked:
    """What one call asks for: a copy of `item` for the types of its type parameters, `types`, and of its arguments for
    parameters without types, `bound`. These are given their types at once if they are numbers that start from an
    integer; whether they stayed integers is seen at the end (`Undecided.guesses`)."""

    def __init__(
        self,
        c: Fn,
        key: tuple[str, int],
        item: FunctionItem,
        called: FunctionItem,
        types: dict[str, Type],
        bound: dict[int, Type],
        use: Use,
    ) -> None:
        self.p = c.p
        self.unit = unit_of(f"{c.p.module.name}::{c.path}")
        self.key = key
        self.item = item
        self.called = called
        self.types = types
        self.bound = bound
        self.use = use

    def now(self) -> None:
        """Makes the instance if the types are known, else as soon as they are."""
        if any(_lacks_a_part(kind) for kind in self.bound.values()):
            self._look_into()
        if any(is_open(kind) for kind in self.types.values()) or self._bound() is None:
            waits = (*self.types.values(), *self.bound.values())
            self.p.open.late.append(Decision(self._later, waits))
            return
        self._make(run_now)

    def _later(self, last: bool) -> bool:
        if not last and (any(is_open(kind) for kind in self.types.values()) or self._bound() is None):
            return False
        self._make(run)
        return True

    def _bound(self) -> dict[int, Type] | None:
        """What the parameters without types are, None while that is not known."""
        before = self.p.module.known.arguments.get(self.key)
        if before is not None and len(before) == len(self.bound):
            return dict(zip(self.bound, before, strict=True))
        likely_types = {i: likely(kind) for i, kind in self.bound.items()}
        return None if None in likely_types.values() else likely_types  # type: ignore[return-value]

    def _make(self, check_now: Callable[[Pass, FunctionItem], None]) -> None:
        p, item, called = self.p, self.item, self.called
        types = {name: settle(kind) for name, kind in self.types.items()}
        bound = self._bound() or {i: settle(kind) for i, kind in self.bound.items()}
        if ERROR in (*types.values(), *bound.values()):
            p.failed = True
            return
        for i, kind in bound.items():
            if openness(self.bound[i]) in (INTEGER, FLOATING):
                unify(self.bound[i], kind)
        if any(is_open(kind) for kind in self.bound.values()):
            p.open.guesses.append((self.key, tuple(self.bound.values()), tuple(bound.values())))
        instance = instance_of(p, item, types, bound, self.unit, self.use)
        if instance is None:
            return
        for call in called.calls or ():
            call.symbol = instance.symbol
        if instance.state == UNCHECKED:
            check_now(p, instance)
        assert called.result is not None and instance.result is not None
        if not unify(called.result, instance.result):
            message = f"`{item.name}` gives {shown(instance.result)} here, and {shown(called.result)} is needed"
            p.error("E0201", place_of_use(self.use), message)

    def _look_into(self) -> None:
        """Lets the body say what is not known of the arguments: the parameters of a function, the elements of an empty
        array."""
        # The types are shared with the trial on purpose: what the body demands of a parameter becomes known to the
        # caller by unification. All else that the trial finds is dropped with it.
        p, item = self.p, self.item
        trial = p.trial()
        assert trial.copies is not None
        copy_ = FunctionItem(item.name, item.symbol, item.node, _env(p, item, self.types), own=False)
        copy_.trial, copy_.instanced = trial, False
        trial.copies[item.symbol] = copy_
        copy_.bound = dict(self.bound)
        elsewhere = p.report.elsewhere
        look_into(copy_)
        p.report.elsewhere = elsewhere
        if not trial.failed and copy_.result is not None and self.called.result is not None:
            unify(self.called.result, copy_.result)


def likely(kind: Type) -> Type | None:
    """What a type will be, unless something that starts from an integer becomes a float. None where too little is
    known."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        open_ = openness(resolved)
        return None if open_ in (ANY, NUMBER) else F64 if open_ == FLOATING else I64
    if not resolved.parts:
        return resolved
    parts = [likely(part) for part in resolved.parts]
    return None if None in parts else resolved.with_parts(tuple(parts))  # type: ignore[arg-type]


def _lacks_a_part(kind: Type) -> bool:
    resolved = resolve(kind)
    return resolved.__class__ is not Var and likely(resolved) is None


def run_now(p: Pass, instance: FunctionItem) -> None:
    """Checks an instance in the middle of who uses it; from the outside where that would be too deep."""
    if any(instance is one for one in p.work.waiting):  # a circle: its own body will tell
        return
    if p.work.depth > DEPTH:
        raise NeedsFirst(instance)
    p.work.depth += 6
    check_body(p, instance)
    p.work.depth -= 6


def _env(p: Pass, item: FunctionItem, types: dict[str, Type]) -> Env:
    env = item.env.copy()
    env.types.update(types)
    with p.silenced():
        self_types(p, item, env)
    return env


def _parameter(p: Pass, env: Env, node: tree.Parameter) -> Type:
    kind = node.type
    while isinstance(kind, tree.ReferenceType):
        kind = kind.target
    return fresh() if kind is None else type_of(p, env, kind)


def instance_of(
    p: Pass, item: FunctionItem, types: dict[str, Type], bound: dict[int, Type], unit: str, use: Use
) -> FunctionItem | None:
    """The copy of a function for these types in a unit; None after an error."""
    names = ",".join(name_of(kind) for kind in (*types.values(), *bound.values()))
    symbol = f"{p.module.name}::{unit}.<{item.symbol}|{names}>"
    known = p.made.instances.get(symbol)
    if known is not None:
        assert known.instance is not None
        known.instance.uses.append(use)
        return known
    if len(p.made.instances) >= MOST or _deep(item, use):
        message = f"generic functions have more than {MOST:,} instances here"
        if len(p.made.instances) < MOST:
            message = f"`{item.name}` calls itself with ever new types"
        p.failed = True
        if all(error.message != message for error in p.report.errors):
            p.error_even_if_silent("E0803", place_of_use(use), message, "let their types not grow")
        return None
    if item.node.bounds and not check_bounds(p, item.node, _env(p, item, types), place_of_use(use)):
        return None
    node = copy.deepcopy(item.node)  # what is kept of nodes belongs to one instance
    node.generics, node.public = [], False
    instance = FunctionItem(item.name, symbol, node, _env(p, item, types), own=True)
    instance.instance, instance.bound = Instance(item, use), bound
    instance.trial = p if p.copies is not None else None
    enter_instance(p, instance)
    for kind in (*types.values(), *bound.values()):
        p.touch(kind)
    return instance


def _deep(item: FunctionItem, use: Use) -> bool:
    """Whether instances of one function stand in one another too deep."""
    count, seen = 0, 0
    while isinstance(use, FunctionItem) and use.instance is not None and seen < MOST:
        seen += 1
        count += use.instance.original.symbol == item.symbol
        use = use.instance.uses[0]
    return count >= DEEPEST


INSTANCES.call = call_instanced
