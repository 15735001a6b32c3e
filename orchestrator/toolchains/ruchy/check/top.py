"""The top-level statements, and what functions may see of their variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import DROP, Fn
from orchestrator.toolchains.ruchy.check.module import CollectedModule, TopLet
from orchestrator.toolchains.ruchy.check.order import settled
from orchestrator.toolchains.ruchy.check.scope import DEFINITIONS, Env
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import UNIT
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.elements import element_types, elements_in
from orchestrator.toolchains.ruchy.syntax.floats import float_variables, floats_in
from orchestrator.toolchains.ruchy.syntax.top import TOP, plain_names, variable_of

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


def enter_variables(p: Pass, statements: list[tree.Stmt]) -> None:
    """The variables of the top level that functions name. The summary knows them; what is checked without one is all
    there."""
    lets = [node for node in statements if isinstance(node, tree.Let) and variable_of(node)]
    if not lets:
        return
    summary = p.module.job.summary
    if summary is None:
        named = plain_names([node for node in statements if node.__class__ in _HOLD_FUNCTIONS])
    else:
        named = {name for item in summary.items if item.code and item.name != TOP for name in item.names}
    for index, node in enumerate(lets):
        name = variable_of(node)
        shared = TopLet(index, name, node, f"{p.module.name}::{TOP}.let {name}", p.module.top_lets.get(name))
        shared.named = name in named
        shared.lives = shared.named and shared.earlier is None
        if shared.earlier is not None:
            shared.earlier.lives = False
        p.module.top_lets[name] = shared
        p.module.top_order.append(shared)
    _look_for_assignments(p.module, statements)


def _look_for_assignments(m: CollectedModule, statements: list[tree.Stmt]) -> None:
    """Finds the variables that start from an integer and are floats, because floats are assigned to them; and the
    elements of arrays that start with none."""
    if m.job.summary is not None:
        for item in m.job.summary.items:
            if item.name == TOP:
                m.float_variables, m.element_types = floats_in(item.interface), elements_in(item.interface)
        return
    functions, waiting = [], list(statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Mod):
            waiting += node.items or ()
        elif isinstance(node, tree.Function):
            functions.append(node)
    own = {node.name: node for node in statements if isinstance(node, tree.Function | tree.Const)}
    loose = [one for one in statements if one.__class__ not in DEFINITIONS]
    m.float_variables = frozenset(float_variables(loose, functions, own.get))
    m.element_types = element_types(loose, functions, own.get)


_HOLD_FUNCTIONS = (tree.Function, tree.Mod)


def check_top(p: Pass, statements: list[tree.Stmt]) -> Fn | None:
    """The top-level statements, as the function "<top>"; None where there are none."""
    loose = [node for node in statements if node.__class__ not in DEFINITIONS]
    if not loose or p.module.stubs.top:
        return None
    env = Env(p.module.name)
    before = p.look_for(TOP)
    c, made = _top_body(p, env, loose)
    p.now_seen = before
    p.made.bodies[f"{p.module.name}::{TOP}"] = hir.FunctionBody(
        symbol=f"{p.module.name}::{TOP}",
        public=False,
        parameters=[],
        result=UNIT,
        locals=c.locals,
        body=made,
        start=0,
        at=loose[0].at,
        globals=[shared.symbol for shared in p.module.top_order if shared.lives and shared.type is not UNIT],
    )
    return c


def _top_body(p: Pass, env: Env, loose: list[tree.Stmt]) -> tuple[Fn, hir.Expr]:
    made: list[tuple[Fn, hir.Expr]] = []

    def action() -> None:
        c = Fn(p, env, TOP)
        made.append((c, block_body(c, loose[0].at, loose, DROP, ())))

    settled(p, lambda: p.twice(action))
    return made[-1]
