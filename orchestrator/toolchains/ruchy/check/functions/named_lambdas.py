"""Lambdas to which a `let` gives a name: what their calls give is watched (`polymorphic.py` says what for)."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.functions.sight import PolymorphicLambda, seen_now, shadowed
from orchestrator.toolchains.ruchy.check.inference.undecided import NamedLambda
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.syntax import tree


def lambda_path(c: Fn, node: tree.Lambda, call: tree.Node | None = None) -> str:
    """The path of a lambda: where it stands in its unit, so that it keeps it when the unit moves. With a `call`, that
    of the function that is made for this call alone."""
    symbol = f"{c.p.module.name}::{c.path}"
    instance = c.p.made.instance_in(symbol)
    start = c.p.module.starts.get(unit_of(symbol), 0) if instance is None else instance.node.start
    return f"{c.path}.|{node.at - start}{'' if call is None else f'@{call.at - start}'}|"


def let_lambda(c: Fn, name: str, node: tree.Let) -> bool:
    """Binds a lambda of which an earlier round found that its calls do not agree. Returns whether it is one."""
    value = node.value
    if not isinstance(value, tree.Lambda) or lambda_path(c, value) not in c.p.module.known.instanced:
        return False
    variable = PolymorphicLambda(name, value, seen_now(c.names), c.env)
    c.undo.append((name, shadowed(c.names, name)))
    c.names[name] = variable
    return True


def note_lambda(c: Fn, node: tree.Let, variable: Variable) -> None:
    """Watches the calls of a variable that is a lambda without all types, for good."""
    value = node.value
    if (
        isinstance(value, tree.Lambda)
        and not variable.mutable
        and any(parameter.type is None for parameter in value.parameters)
    ):
        c.p.made.lambdas[variable] = NamedLambda(lambda_path(c, value), variable.type)
