"""The top-level statements, and what functions may see of their variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.expressions import no_global
from orchestrator.toolchains.ruchy.check.function import DROP, Fn
from orchestrator.toolchains.ruchy.check.module import TopLet
from orchestrator.toolchains.ruchy.check.scope import (
    ConstItem,
    Env,
)
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import UNIT
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.top import TOP, is_literal, variable_of

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import Module

from orchestrator.toolchains.ruchy.check.bodies import settled


def check_top(m: Module, statements: list[Any]) -> None:
    """The top-level statements, as the function "<top>"."""
    from orchestrator.toolchains.ruchy.check.statements import ITEMS

    loose = [node for node in statements if node.__class__ not in ITEMS]
    if not loose:
        return
    env = Env(m.name)
    names = [variable_of(node) for node in loose]
    for node, name in zip(loose, names, strict=True):
        if name:
            const = tree.Const(node.at, name, False, node.type, node.value)
            item = ConstItem(name, const, env, own=names.count(name) == 1 and is_literal(node.value))
            m.top_lets[name] = TopLet(item)
            m.top_lets[name].assigned = name in m.stubs.assigned
    if m.stubs.top:
        return
    before = m.look_for(TOP)
    c, made = _top_body(m, env, loose)
    for variable in c.variables:
        shared = m.top_lets.get(variable.name)
        if shared is not None and variable.assigned:
            shared.assigned = True
            if shared.shared >= 0:
                no_global(c, shared.shared, variable.name)
    m.now_seen = before
    m.top = c
    m.bodies[f"{m.name}::{TOP}"] = hir.FunctionBody(
        symbol=f"{m.name}::{TOP}",
        public=False,
        parameters=[],
        result=UNIT,
        locals=c.locals,
        body=made,
        start=0,
        at=loose[0].at,
    )


def _top_body(m: Module, env: Env, loose: list[Any]) -> tuple[Fn, hir.Expr]:
    made: list[tuple[Fn, hir.Expr]] = []

    def action() -> None:
        c = Fn(m, env, TOP)
        made.append((c, block_body(c, loose[0].at, loose, DROP, ())))

    settled(m, action)
    return made[-1]
