"""Methods of arrays that compare, where the elements have an `eq` or a `cmp` of their own.

The runtime's methods compare by content. These are written in Ruchy instead (`written_rows.BY_OWN`), so that `==` and
`<` in them are the program's.
"""

from __future__ import annotations

from functools import lru_cache

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.places import Place, mutated, read_place, write_place
from orchestrator.toolchains.ruchy.check.methods.overloaded import has_own_order, own_equality
from orchestrator.toolchains.ruchy.check.methods.written_methods import block_of, with_function, written
from orchestrator.toolchains.ruchy.check.methods.written_rows import BY_OWN, BY_OWN_ORDER
from orchestrator.toolchains.ruchy.check.types import UNIT, ArrayType
from orchestrator.toolchains.ruchy.syntax import tree

_SORTING = ("sort", "sorted", "sort_unstable")
_IN_PLACE = ("dedup", "sort_unstable")


def by_own(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType, want: Want) -> hir.Expr | None:
    """The call of such a method; None for any other, and for elements that are compared by content."""
    name, element = node.name, resolve(kind.element)
    if name in BY_OWN and own_equality(c.p, element) is not None:
        return written(c, node, name, BY_OWN, receiver, {}, want)
    if name in _SORTING and not node.arguments and has_own_order(c.p, element):
        call = tree.MethodCall(node.at, node.receiver, "sort_by", [_order(node.at)])
        return with_function(c, call, call.name, receiver, want)
    return None


def change_by_own(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr | None:
    """The same for methods that change the array that they are called on."""
    if node.name not in _IN_PLACE:
        return None
    changed = by_own(c, node, read_place(c, node.at, place), kind, None)
    if changed is None:
        return None
    mutated(c, place.variable, node.at)
    place.variable.read = True
    write_place(c, place, changed, node.at, out)
    return hir.Unit(UNIT, node.at)


@lru_cache(None)
def _order(at: int) -> tree.Expr:
    (statement,) = block_of(BY_OWN_ORDER, at).statements
    assert isinstance(statement, tree.ExprStmt)
    return statement.value
