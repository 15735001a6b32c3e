"""Functions that are given to a method and called where they are written: nothing is captured, nothing allocated.

`xs.map(|x| x + n)` is a loop, and the lambda a block in it, whose parameters are variables of that block. A lambda that
a `return` or a `?` leaves is a value instead, and so is what only running tells.
"""

from __future__ import annotations

from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import TAIL, Fn, Want, Why, check, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.sight import shadowed
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.matching.binding import bindings, destructure
from orchestrator.toolchains.ruchy.check.scope import FunctionItem, Variable
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, FunctionType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_ARGUMENT: Why = ("E0204", "this function takes {want} as its `{0}`, and is given {got}")
_RESULT: Why = ("E0401", "this function returns {want}, and its value is {got}")


class InlineFunction(Variable):
    """A name that stands for a lambda where a method calls it. `names` and `env` are those of where it stands."""

    __slots__ = ("node",)

    def __init__(self, name: str, node: tree.Lambda) -> None:
        super().__init__(name, ERROR, -1, node.at, mutable=False, declared=False)
        self.node = node
        self.read = True


def bind_function(c: Fn, name: str, node: tree.Expr, kinds: list[Type], result: Type, out: list[hir.Stmt]) -> None:
    """Gives a function that is an argument a name: as a lambda that is put in where it is called, or as a value."""
    node = _as_lambda(c, node, len(kinds))
    if isinstance(node, tree.Lambda) and len(node.parameters) == len(kinds) and not leaves(node.body):
        c.undo.append((name, shadowed(c.names, name)))
        c.names[name] = InlineFunction(name, node)
        return
    want = c.p.composed_type(node.at, FunctionType(tuple(kinds), result))
    value = check(c, node, want, ("E0204", "this takes {want}, and is given {got}"))
    variable = c.declare(name, resolve(value.type), node.at)
    out.append(hir.Let(variable.slot, value))


def _as_lambda(c: Fn, node: tree.Expr, count: int) -> tree.Expr:
    """A function that has a name, as a lambda that calls it."""
    if not isinstance(node, tree.Path):
        return node
    if len(node.segments) == 1 and isinstance(c.names.get(node.segments[0]), Variable):
        return node
    item = c.p.lookup(c.env, node.segments)
    if item is not None and not isinstance(item, FunctionItem):
        return node
    at = node.at
    names = [f"#{index}" for index in range(count)]
    call = tree.Call(at, node, [tree.Path(at, (name,)) for name in names])
    return tree.Lambda(at, [tree.Parameter(at, name, None) for name in names], None, call)


def leaves(body: tree.Expr) -> bool:
    """Whether a `return` or a `?` in a lambda leaves it."""
    waiting: list[Any] = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Return | tree.Try):
            return True
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, msgspec.Struct) and not isinstance(node, tree.Lambda | tree.Function):
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return False


def inline_call(c: Fn, node: tree.Call, function: InlineFunction, want: Want, why: Why) -> hir.Expr:
    """The body of a lambda in the place of a call of it."""
    mark = len(c.undo)
    out: list[hir.Stmt] = []
    given = [expr(c, argument) for argument in node.arguments]
    for parameter, value in zip(function.node.parameters, given, strict=True):
        if value.type is NEVER:
            return value
        kind = resolve(value.type)
        if parameter.type is not None:
            kind = type_of(c.p, c.env, parameter.type)
            value = fit(c, value, kind, (*_ARGUMENT, parameter.name), parameter)
        if parameter.pattern is not None:
            out += bindings(c, destructure(c, parameter.pattern, value, out, "fun"), every=True)
            continue
        variable = c.declare(parameter.name, kind, parameter.at, mutable=True)
        out.append(hir.Do(value) if variable.slot < 0 else hir.Let(variable.slot, value))
    body = function.node.body
    if function.node.result is not None:
        typed = check(c, body, type_of(c.p, c.env, function.node.result), _RESULT)
    else:
        plain = want is TAIL and not isinstance(body, tree.Block)
        typed = expr(c, body, None if plain else want, why)
    c.leave(mark)
    return open_type(c, hir.Block(typed.type, node.at, out, typed)) if out else typed
