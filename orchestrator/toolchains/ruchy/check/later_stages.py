"""Constructs of stage 2: each gives one diagnostic, and its parts are left alone."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, handles
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree


def _refuse(kind: type[tree.Expr], what: str, plural: bool = True) -> None:
    """Registers a handler that reports: `what` is not supported yet."""

    @handles(kind)
    def handler(c: Fn, node: tree.Expr, want: Want, why: Why) -> hir.Expr:
        not_yet(c.p, node.at, what, plural)
        return bad(node.at)


@handles(tree.Unsupported)
def reported(c: Fn, node: tree.Unsupported, want: Want, why: Why) -> hir.Expr:
    """What the parser has reported already."""
    c.p.failed = True
    return bad(node.at)
