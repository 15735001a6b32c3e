"""Functions that have names as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Want, expr
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.types import FunctionType
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check import hir


def asked_function(want: Want) -> FunctionType | None:
    """The function type that is asked for, None where it is another type, or none."""
    kind = None if want is None or want is DROP or want is TAIL else resolve(want)
    return kind if isinstance(kind, FunctionType) else None


def wanted_function(want: Want, count: int) -> FunctionType | None:
    """The same, if it takes so many arguments."""
    wanted = asked_function(want)
    return wanted if wanted is not None and len(wanted.parameters) == count else None


def function_value(c: Fn, node: tree.Path, count: int, want: Want) -> hir.Expr:
    """A function, a variant or a builtin as a value: a lambda that calls it."""
    at = node.at
    names = [f"#{index}" for index in range(count)]
    call = tree.Call(at, node, [tree.Path(at, (name,)) for name in names])
    return expr(c, tree.Lambda(at, [tree.Parameter(at, name, None) for name in names], None, call), want)
