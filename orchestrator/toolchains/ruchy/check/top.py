"""The top-level statements, and what functions may see of their variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import DROP, Fn
from orchestrator.toolchains.ruchy.check.module import TopLet
from orchestrator.toolchains.ruchy.check.scope import Env
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import UNIT
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.top import TOP, variable_of

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import Module

from orchestrator.toolchains.ruchy.check.bodies import settled


def enter_variables(m: Module, statements: list[Any]) -> None:
    """The variables of the top level that functions name. The summary knows them; what is checked without one is all
    there."""
    lets = [node for node in statements if variable_of(node)]
    if not lets:
        return
    summary = m.job.summary
    if summary is None:
        named = _names([node for node in statements if node.__class__ in _HOLD_FUNCTIONS])
    else:
        named = {name for item in summary.items if item.code and item.name != TOP for name in item.names}
    for index, node in enumerate(lets):
        name = variable_of(node)
        shared = TopLet(index, name, node, f"{m.name}::{TOP}.let {name}", m.top_lets.get(name))
        shared.named = name in named
        shared.lives = shared.named and shared.earlier is None
        if shared.earlier is not None:
            shared.earlier.lives = False
        m.top_lets[name] = shared
        m.top_order.append(shared)


_HOLD_FUNCTIONS = (tree.Function, tree.Mod)


def _names(nodes: list[Any]) -> set[str]:
    """Every plain name that stands for a value in some trees."""
    waiting = list(nodes)
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            if isinstance(node, tree.Path) and len(node.segments) == 1:
                found.add(node.segments[0])
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return found


def check_top(m: Module, statements: list[Any]) -> None:
    """The top-level statements, as the function "<top>"."""
    from orchestrator.toolchains.ruchy.check.statements import ITEMS

    loose = [node for node in statements if node.__class__ not in ITEMS]
    if not loose or m.stubs.top:
        return
    env = Env(m.name)
    before = m.look_for(TOP)
    c, made = _top_body(m, env, loose)
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
        globals=[shared.symbol for shared in m.top_order if shared.lives and shared.type is not UNIT],
    )


def _top_body(m: Module, env: Env, loose: list[Any]) -> tuple[Fn, hir.Expr]:
    made: list[tuple[Fn, hir.Expr]] = []

    def action() -> None:
        c = Fn(m, env, TOP)
        made.append((c, block_body(c, loose[0].at, loose, DROP, ())))

    settled(m, action)
    return made[-1]
