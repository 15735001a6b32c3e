"""W0014: calls whose only effect is their value, where nobody takes it."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.methods.text_changes import TEXT_CHANGERS
from orchestrator.toolchains.ruchy.check.methods.texts import TEXT_METHODS
from orchestrator.toolchains.ruchy.check.types import STRING, ArrayType
from orchestrator.toolchains.ruchy.syntax import tree

_OF_ARRAYS = frozenset(
    ("sort", "sorted", "reverse", "rev", "append", "concat", "unique", "slice", "take", "skip", "flatten", "zip")
)
_OF_TEXTS = frozenset(TEXT_METHODS) - frozenset(TEXT_CHANGERS)


def warn_of_dropped(c: Fn, node: tree.Expr, typed: hir.Expr) -> None:
    """Warns where a method of an array or a text gives a new one, and the statement throws it away."""
    if not isinstance(node, tree.MethodCall) or isinstance(typed, hir.Call) or node.name in c.p.module.changing:
        return
    kind = resolve(typed.type)
    if isinstance(kind, ArrayType) and node.name in _OF_ARRAYS:
        what = "array"
    elif kind is STRING and node.name in _OF_TEXTS:
        what = "text"
    else:
        return
    name = node.receiver.segments[0] if isinstance(node.receiver, tree.Path) else ""
    call = f"{name}.{node.name}({'..' if node.arguments else ''})"
    hint = f"write `{name} = {call}`" if name else "give it a name: `let x = ..`"
    c.p.warn("W0014", node.at, f"`{node.name}` gives a new {what}, and nobody takes it", hint)
