"""Constructs of stage 2: each gives one diagnostic, and its parts are left alone."""

from __future__ import annotations

from typing import Any

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import HANDLERS, Fn, Handler, Want, Why, bad
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree


def _not_yet(what: str, plural: bool = True) -> Handler:
    def handler(c: Fn, node: Any, want: Want, why: Why) -> hir.Expr:
        not_yet(c.m, node.at, what, plural)
        return bad(node.at)

    return handler


def reported(c: Fn, node: tree.Unsupported, want: Want, why: Why) -> hir.Expr:
    """What the parser has reported already."""
    c.m.failed = True
    return bad(node.at)


HANDLERS.update(
    {
        tree.Array: _not_yet("arrays"),
        tree.ArrayRepeat: _not_yet("arrays"),
        tree.Comprehension: _not_yet("comprehensions"),
        tree.IfLet: _not_yet("`if let`", plural=False),
        tree.WhileLet: _not_yet("`while let`", plural=False),
        tree.Match: _not_yet("`match`", plural=False),
        tree.Lambda: _not_yet("lambdas"),
        tree.Try: _not_yet("`?`", plural=False),
        tree.TryCatch: _not_yet("`try`", plural=False),
        tree.Throw: _not_yet("`throw`", plural=False),
        tree.Unsupported: reported,
    }
)
