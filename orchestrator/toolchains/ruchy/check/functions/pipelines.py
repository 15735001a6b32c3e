"""`x |> f`: `f(x)` where `f` is a function of the program, else the method `x.f()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.scope import FunctionItem, Variable
from orchestrator.toolchains.ruchy.check.types import NEVER
from orchestrator.toolchains.ruchy.check.variables import global_of
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Sequence

_GIVEN = "#given"
_ONLY_FUNCTIONS = frozenset(
    ("println", "print", "eprintln", "eprint", "str", "int", "float", "bool", "type_of", "panic", "assert", "range")
)
"""Builtins that are no methods."""


def piped(c: Fn, at: int, left: hir.Expr, right: tree.Expr, want: Want) -> hir.Expr:
    """`left |> right`."""
    if left.type is NEVER:
        return left
    mark = len(c.undo)
    variable = c.declare(_GIVEN, resolve(left.type), at)
    variable.read = True
    out: list[hir.Stmt] = [hir.Do(left) if variable.slot < 0 else hir.Let(variable.slot, left)]
    given = tree.Path(at, (_GIVEN,))
    typed = expr(c, _call(c, given, right), want)
    c.leave(mark)
    return open_type(c, hir.Block(typed.type, at, out, typed))


def _call(c: Fn, given: tree.Path, right: tree.Expr) -> tree.Expr:
    callee, arguments = right, []
    if isinstance(right, tree.Call) and isinstance(right.callee, tree.Path):
        callee, arguments = right.callee, right.arguments
    if isinstance(callee, tree.Path) and _is_method(c, callee.segments, callee.at):
        return tree.MethodCall(callee.at, given, callee.segments[0], arguments)
    return tree.Call(callee.at, callee, [given, *arguments])


def _is_method(c: Fn, segments: Sequence[str], at: int) -> bool:
    """Whether a name is that of no function or variable of the program."""
    name = segments[0]
    if len(segments) > 1 or name in _ONLY_FUNCTIONS:
        return False
    target = c.names.get(name) or global_of(c, name, at) or c.p.lookup(c.env, (name,))
    return not isinstance(target, Variable | FunctionItem)
