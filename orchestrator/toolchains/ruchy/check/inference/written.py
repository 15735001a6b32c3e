"""Types that are written in a path: `Stack::<i64>::new()`, `Tree::<i64>::Leaf`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve, shown, unify
from orchestrator.toolchains.ruchy.check.types import ERROR
from orchestrator.toolchains.ruchy.syntax import tree


def with_written(c: Fn, path: tree.Path, typed: hir.Expr) -> hir.Expr:
    """A value that was made by a path: its type consists of the types that are written there, if it consists of as
    many."""
    if not path.types:
        return typed
    kind = resolve(typed.type)
    written = [type_of(c.p, c.env, type_) for type_ in path.types]
    if ERROR in written or kind is ERROR or len(kind.parts) != len(written):
        return typed
    for part, one in zip(kind.parts, written, strict=True):
        if not unify(part, one):
            c.p.error("E0201", path.at, f"this is {shown(kind)}, and {shown(one)} is written", "write one of them")
            return bad(path.at)
    return typed
