"""The top-level statements, and what functions may see of their variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import DROP, Fn
from orchestrator.toolchains.ruchy.check.module import TopLet
from orchestrator.toolchains.ruchy.check.order import settled
from orchestrator.toolchains.ruchy.check.scope import DEFINITIONS, Env
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import UNIT
from orchestrator.toolchains.ruchy.check.variables import types_in
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.top import TOP, plain_names, variables_of

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


def enter_variables(p: Pass, statements: list[tree.Stmt]) -> None:
    """The variables of the top level that functions name. The summary knows them; what is checked without one is all
    there."""
    lets = [(node, variable) for node in statements if isinstance(node, tree.Let) for variable in variables_of(node)]
    if not lets:
        return
    summary = p.module.job.summary
    if summary is None:
        named = plain_names([node for node in statements if node.__class__ in _HOLD_FUNCTIONS])
    else:
        named = {name for item in summary.items if item.code and item.name != TOP for name in item.names}
    module = p.module
    known = types_in(module.stubs.signatures.get(TOP))
    first = 0
    for index, (node, one) in enumerate(lets):
        first = first if index and lets[index - 1][0] is node else index
        shared = TopLet(first, one, node, f"{module.name}::{TOP}.let {one.name}", module.top_lets.get(one.name))
        shared.named = one.name in named
        shared.lives = shared.named and shared.earlier is None
        if shared.earlier is not None:
            shared.earlier.lives = False
        if shared.lives and one.name in known:
            shared.state, shared.type = 2, known[one.name]
            p.composed = True
            p.touch(known[one.name])
        module.top_lets[one.name] = shared
        module.top_order.append(shared)


_HOLD_FUNCTIONS = (tree.Function, tree.Mod)


def check_top(p: Pass, statements: list[tree.Stmt]) -> Fn | None:
    """The top-level statements, as the function "<top>"; None where there are none."""
    loose = [node for node in statements if node.__class__ not in DEFINITIONS]
    if not loose or p.module.stubs.top:
        return None
    env = Env(p.module.name)
    before = p.look_for(TOP)
    c, bodies = _top_body(p, env, loose)
    p.now_seen = before
    p.made.bodies[f"{p.module.name}::{TOP}"] = hir.FunctionBody(
        symbol=f"{p.module.name}::{TOP}",
        public=False,
        parameters=[],
        result=UNIT,
        locals=c.locals,
        body=bodies,
        start=0,
        at=loose[0].at,
        globals=[shared.symbol for shared in p.module.top_order if shared.lives and shared.type is not UNIT],
    )
    return c


def _top_body(p: Pass, env: Env, loose: list[tree.Stmt]) -> tuple[Fn, hir.Expr]:
    bodies: list[tuple[Fn, hir.Expr]] = []

    def action() -> None:
        c = Fn(p, env, TOP)
        bodies.append((c, block_body(c, loose[0].at, loose, DROP, ())))

    settled(p, lambda: p.twice(action))
    return bodies[-1]
