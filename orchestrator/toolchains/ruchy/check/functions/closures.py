"""Lambdas, functions as values, and calls of such values.

A lambda is a function of its own that belongs to the unit of the function around. It sees the variables around through
`Sight`: each that it uses has a slot of its own in it. What is captured by value, and which variables are shared, is
known at the end (`cells.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import (
    DROP,
    TAIL,
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    fit,
    handles,
    open_type,
)
from orchestrator.toolchains.ruchy.check.functions.bodies import unused_locals
from orchestrator.toolchains.ruchy.check.functions.named import wanted_function
from orchestrator.toolchains.ruchy.check.functions.named_lambdas import lambda_path
from orchestrator.toolchains.ruchy.check.functions.sight import Sight, seen_now
from orchestrator.toolchains.ruchy.check.inference.annotations import is_written_through, type_of
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    Var,
    fresh,
    is_open,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.undecided import Closure
from orchestrator.toolchains.ruchy.check.inference.widths import part_of, placed
from orchestrator.toolchains.ruchy.check.lending.places import Alias
from orchestrator.toolchains.ruchy.check.matching.binding import bindings, destructure
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.scope import Global, Item, Variable
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, FunctionType, Type
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree

NOTHING_KNOWN: Mapping[int, hir.Expr] = {}

_RESULT: Why = ("E0401", "this function returns {want}, and its value is {got}")
_ARGUMENT: Why = ("E0204", "this function takes {want} as its argument {0}, and this is {got}")


@handles(tree.Lambda)
def lambda_(c: Fn, node: tree.Lambda, want: Want, why: Why) -> hir.Expr:
    """`|x, y: T| e`: what it captures is filled in at the end."""
    return made_lambda(c, node, wanted_function(want, len(node.parameters)), lambda_path(c, node))


def made_lambda(c: Fn, node: tree.Lambda, asked: FunctionType | None, path: str) -> hir.Expr:
    """A function value, of the types that are asked for where its text says none."""
    p = c.p
    if not c.nests and c.path:
        not_yet(p, node.at, "lambdas in constants and defaults")
        return bad(node.at)
    start = p.module.starts.get(unit_of(f"{p.module.name}::{c.path}"), 0)
    inner = Fn(p, c.env, path, c.item)
    closure = Closure(f"{p.module.name}::{inner.path}", f"{p.module.name}::{c.path}", node.at)
    inner.names = Sight(seen_now(c.names), lambda variable: _captured(c, inner, closure, variable))
    inner.top, inner.sees_top, inner.contract, inner.nests = False, c.sees_top, c.contract, c.nests
    inner.slot(UNIT)  # the value itself
    types, apart = _parameters(inner, node, asked)
    typed = _body(inner, node, asked)
    if apart:
        typed = open_type(inner, hir.Block(typed.type, typed.at, apart, typed))
    c.foreign = c.foreign or inner.foreign
    kind = p.composed_type(node.at, FunctionType(tuple(types), inner.result))
    if kind is ERROR or ERROR in types or resolve(inner.result) is ERROR:
        return bad(node.at)
    if p.copies is None and c.path:
        unused_locals(inner)
        body = hir.FunctionBody(
            closure.symbol, False, [UNIT, *types], inner.result, inner.locals, typed, start, node.at
        )
        p.made.bodies[closure.symbol], p.made.closures[closure.symbol] = body, closure
    made_value = hir.MakeClosure(kind, node.at, closure.symbol, [])
    closure.values.append(made_value)
    return made_value


def _captured(c: Fn, inner: Fn, closure: Closure, outer: Variable) -> Variable | Item:
    """The variable that stands for one of the function around."""
    if isinstance(outer, Global):
        return outer
    known = closure.captured.get(outer)
    if known is not None:
        return known
    kind = resolve(outer.type)
    if isinstance(outer, Alias) or outer.changes:
        message = f"`{outer.name}` is lent to this function, and a function that is a value cannot keep it"
        c.p.error("E0298", closure.at, message, f"copy it before: `let copy = {outer.name}`")
        kind = ERROR
    outer.read = True
    captured = Variable(
        outer.name, kind, -1 if kind is UNIT else inner.slot(kind), outer.at, outer.mutable, outer.declared
    )
    closure.captured[outer] = captured
    if outer in c.p.made.lambdas:
        c.p.made.lambdas[captured] = c.p.made.lambdas[outer]
    return captured


def _parameters(c: Fn, node: tree.Lambda, asked: FunctionType | None) -> tuple[list[Type], list[hir.Stmt]]:
    """The types of the parameters; and what takes those apart that are patterns."""
    types: list[Type] = []
    apart: list[hir.Stmt] = []
    for index, parameter in enumerate(node.parameters):
        if is_written_through(parameter.type):
            c.p.error(
                "E0231", parameter.at, "a function that is a value takes nothing by `&mut`", "leave out the `&mut`"
            )
        wanted = asked.parameters[index] if asked is not None else None
        if parameter.type is not None:
            kind = type_of(c.p, c.env, _without_references(parameter.type))
        else:
            kind = fresh() if wanted is None else resolve(wanted)
        types.append(kind)
        variable = c.declare(parameter.name, kind, parameter.at, mutable=True)
        if variable.slot < 0:  # parameters have a slot whatever their type
            c.slot(kind)
    for index, (parameter, kind) in enumerate(zip(node.parameters, types, strict=True), 1):
        if parameter.pattern is not None:
            kind = resolve(kind)
            whole = (
                hir.Unit(kind, parameter.at)
                if kind in (UNIT, ERROR)
                else open_type(c, hir.Local(kind, parameter.at, index))
            )
            apart += bindings(c, destructure(c, parameter.pattern, whole, apart, "fun"), every=True)
    return types, apart


def _without_references(kind: tree.Type) -> tree.Type:
    while isinstance(kind, tree.ReferenceType):
        kind = kind.target
    return kind


def _body(c: Fn, node: tree.Lambda, asked: FunctionType | None) -> hir.Expr:
    """The value of a lambda, of the type that is written or asked for; else of its own."""
    if node.result is not None:
        c.result = type_of(c.p, c.env, node.result)
    else:
        c.result = resolve(asked.result) if asked is not None else fresh()
    result = resolve(c.result)
    known = result.__class__ is not Var
    if known and result is UNIT:
        typed = expr(c, node.body, DROP)
        return (
            typed if typed.type in (UNIT, NEVER) else hir.Block(UNIT, node.at, [hir.Do(typed)], hir.Unit(UNIT, node.at))
        )
    if known and not is_open(result):
        return check(c, node.body, result, _RESULT)
    typed = expr(c, node.body, result if known else TAIL if isinstance(node.body, tree.Block) else None)
    return _found(c, node, typed)


def _found(c: Fn, node: tree.Lambda, typed: hir.Expr) -> hir.Expr:
    """The same where the value says what the function returns."""
    if typed.type is NEVER:
        if not c.returned:
            unify(c.result, UNIT)
    elif c.returned and resolve(c.result) is UNIT:
        if resolve(typed.type) is not UNIT:
            typed = hir.Block(UNIT, typed.at, [hir.Do(typed)], hir.Unit(UNIT, typed.at))
    elif (fitting := placed(c.p, typed, c.result)) is not None:
        typed = fitting
    elif not unify(c.result, typed.type):
        code, text = _RESULT
        c.p.error(code, node.at, text.format(want=shown(c.result), got=shown(typed.type)))
    c.result = resolve(c.result)
    return typed


# ------------------------------------------------------------ calls


def call_value(c: Fn, node: tree.Call, callee: hir.Expr, known: Mapping[int, hir.Expr] = NOTHING_KNOWN) -> hir.Expr:
    """A call of a value. `known` are arguments that are checked already, by their place."""
    p, at = c.p, node.at
    kind = resolve(callee.type)
    values: list[hir.Expr] = []
    if openness(kind) == ANY:
        values = [part_of(p, known[i] if i in known else expr(c, one)) for i, one in enumerate(node.arguments)]
        kind = p.composed_type(at, FunctionType(tuple([value.type for value in values]), fresh()))
        unify(callee.type, kind)
        callee.type = resolve(callee.type)
    elif isinstance(kind, FunctionType):
        values = _arguments(c, node, kind, known)
    if not isinstance(kind, FunctionType):
        for argument in node.arguments:
            expr(c, argument)
        if kind is not ERROR and kind is not NEVER:
            p.error("E0217", at, f"a value of type {shown(kind)} cannot be called")
        return bad(at)
    if len(values) != len(kind.parameters):
        return bad(at)
    result = resolve(kind.result)
    return open_type(c, hir.CallValue(result, at, callee, values))


def _arguments(c: Fn, node: tree.Call, kind: FunctionType, known: Mapping[int, hir.Expr]) -> list[hir.Expr]:
    wanted = len(kind.parameters)
    if len(node.arguments) != wanted:
        for argument in node.arguments:
            expr(c, argument)
        message = f"this function takes {wanted} argument{'s' * (wanted != 1)}, and was given {len(node.arguments)}"
        c.p.error("E0301", node.at, message, f"it is of type `{shown(kind)}`")
        return []
    values: list[hir.Expr] = []
    for number, (argument, parameter) in enumerate(zip(node.arguments, kind.parameters, strict=True), 1):
        why = (*_ARGUMENT, str(number))
        if number - 1 in known:
            value = known[number - 1]
            value = part_of(c.p, value) if openness(resolve(parameter)) == ANY else value
            values.append(fit(c, value, parameter, why, argument))
        elif openness(resolve(parameter)) == ANY:
            value = part_of(c.p, expr(c, argument))
            values.append(value if unify(parameter, value.type) else check(c, argument, parameter, why))
        else:
            values.append(check(c, argument, parameter, why))
    return values
