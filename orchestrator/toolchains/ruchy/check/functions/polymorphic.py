"""Lambdas with a name whose calls do not agree: `let twice = |x| x + x`, `twice(1)`, `twice("a")`.

As long as all calls agree, such a lambda is one function value. If one gives it other types than another, each call has
a function of its own, made of the same text with the names that the lambda sees where it stands. That is found out like
the instances of untyped functions (`inference/untyped.py`), and the check begins anew with it.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad, expr
from orchestrator.toolchains.ruchy.check.functions.closures import call_value, made_lambda
from orchestrator.toolchains.ruchy.check.functions.named_lambdas import lambda_path
from orchestrator.toolchains.ruchy.check.functions.sight import PolymorphicLambda
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    FLOATING,
    INTEGER,
    fresh,
    is_open,
    openness,
    resolve,
    settle,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.untyped import agrees, changed_by_calls, given_by
from orchestrator.toolchains.ruchy.check.inference.widths import convert, started
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.check.types import F64, I64, NEVER, FunctionType
from orchestrator.toolchains.ruchy.syntax import tree

COST = 20
"""What a function for one call takes of the budget of a pass: such lambdas may call one another, and double."""


def may_be_called(variable: Variable) -> bool:
    """Whether a variable holds a function, or nothing is known of it."""
    kind = resolve(variable.type)
    return isinstance(variable, PolymorphicLambda) or isinstance(kind, FunctionType) or openness(kind) == ANY


def call_lambda(c: Fn, node: tree.Call, variable: Variable) -> hir.Expr:
    """A call of a variable that holds a function."""
    if isinstance(variable, PolymorphicLambda):
        return _call_own(c, node, variable)
    named = c.p.made.lambdas.get(variable)
    if named is None:
        return call_value(c, node, expr(c, node.callee))
    passed_on = named.passed_on
    callee = expr(c, node.callee)
    named.passed_on, named.called = passed_on, True
    kind = resolve(variable.type)
    if not isinstance(kind, FunctionType) or len(kind.parameters) != len(node.arguments):
        return call_value(c, node, callee)
    known = _by_themselves(c, node)
    given = given_by(c, node.at, {i: one.type for i, one in known.items()})
    if not agrees(named.calls, given) and c.p.copies is None:
        c.p.report.found_out.instanced.add(named.symbol)
    return call_value(c, node, callee, known)


def _by_themselves(c: Fn, node: tree.Call) -> dict[int, hir.Expr]:
    """The arguments of a call, each as it is by itself. Lambdas among them wait for what is asked of them."""
    return {i: expr(c, one) for i, one in enumerate(node.arguments) if not isinstance(one, tree.Lambda)}


def _call_own(c: Fn, node: tree.Call, variable: PolymorphicLambda) -> hir.Expr:
    """A call of a function that is made for it, of the types that its arguments have by themselves."""
    if len(node.arguments) != len(variable.node.parameters) or not c.p.spend(node.at, COST):
        return call_value(c, node, _made_for(c, node, variable, None))
    known = {i: _decided(c, one) for i, one in _by_themselves(c, node).items()}
    diverges = next((one for one in known.values() if one.type is NEVER), None)
    if diverges is not None:
        return diverges
    kinds = [resolve(known[i].type) if i in known else fresh() for i in range(len(node.arguments))]
    kind = c.p.composed_type(node.at, FunctionType(tuple(kinds), fresh()))
    if not isinstance(kind, FunctionType):
        return bad(node.at)
    return call_value(c, node, _value(c, node, variable, kind), known)


def _decided(c: Fn, typed: hir.Expr) -> hir.Expr:
    """An argument of which the function that is made for the call decides nothing: a literal has the type that it has
    by itself."""
    kind = resolve(typed.type)
    if openness(kind) == INTEGER:
        return convert(c.p, typed, I64)
    if openness(kind) == FLOATING:
        unify(kind, F64)
        return typed
    return started(c.p, typed)


def _value(c: Fn, node: tree.Call, variable: PolymorphicLambda, kind: FunctionType) -> hir.Expr:
    """The function value for a call. Calls that give equal types share a function."""
    if any(map(is_open, kind.parameters)):
        return _made_for(c, node, variable, kind)
    shared = variable.made.get(kind.parameters)
    if shared is None:
        callee = _made_for(c, node, variable, kind)
        if isinstance(callee, hir.MakeClosure):
            variable.made[kind.parameters] = callee
        return callee
    typed = hir.MakeClosure(shared.type, node.at, shared.symbol, [])
    closure = c.p.made.closures.get(shared.symbol)
    if closure is not None:
        closure.values.append(typed)
    return typed


def _made_for(c: Fn, node: tree.Call, variable: PolymorphicLambda, asked: FunctionType | None) -> hir.Expr:
    names, env = c.names, c.env
    c.names, c.env = variable.names, variable.env
    function = made_lambda(c, variable.node, asked, lambda_path(c, variable.node, node))
    c.names, c.env = names, env
    return function


def lambdas_that_change(p: Pass) -> set[str]:
    """The lambdas of which a parameter has, in the end, another type than an argument had by itself."""
    changing = set()
    for lambda_ in p.made.lambdas.values():
        kind = settle(lambda_.type)
        if lambda_.calls and isinstance(kind, FunctionType) and changed_by_calls(lambda_.calls, kind.parameters):
            changing.add(lambda_.symbol)
    return changing


def doubtful_lambdas(p: Pass) -> set[str]:
    """Those that are used as values too: what is given to them there is not known."""
    return {lambda_.symbol for lambda_ in p.made.lambdas.values() if lambda_.passed_on and lambda_.called}
