"""The parts of each node of the typed tree, in the order in which they are evaluated.

All code that walks a tree goes by these tables. A node that none of them names has the parts that its fields say, and
may jump or store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from orchestrator.toolchains.ruchy.check import hir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Node = Any  # an expression or a statement; each entry of a table knows its own


def _none(node: Node) -> Sequence[Node]:
    return ()


def _pair(node: Node) -> Sequence[Node]:
    return (node.left, node.right)


def _left(node: Node) -> Sequence[Node]:
    return (node.left,)


def _operand(node: Node) -> Sequence[Node]:
    return (node.operand,)


def _value(node: Node) -> Sequence[Node]:
    return () if node.value is None else (node.value,)


def _indices(node: Node) -> Sequence[Node]:
    return [step for step in node.path if not isinstance(step, int | hir.InPayload)]


LEAVES: frozenset[type] = frozenset({hir.Int, hir.Float, hir.Str, hir.Unit, hir.Local, hir.GetGlobal})

PLAIN: dict[type, Callable[[Node], Sequence[Node]]] = {
    hir.Arithmetic: _pair,
    hir.Compare: _pair,
    hir.And: _pair,
    hir.Or: _pair,
    hir.Negate: _operand,
    hir.BitNot: _operand,
    hir.Not: _operand,
    hir.Cast: _operand,
    hir.ToText: _operand,
    hir.Concat: lambda node: node.parts,
    hir.Print: lambda node: node.parts,
    hir.Call: lambda node: node.arguments,
    hir.Runtime: lambda node: node.arguments,
    hir.NewStruct: lambda node: [node.fields[index] for index in node.order],
    hir.UpdateStruct: lambda node: [*(value for _, value in node.fields), node.base],
    hir.GetField: _value,
    hir.NewVariant: lambda node: [node.fields[index] for index in node.order],
    hir.GetTag: _value,
    hir.GetPayload: _value,
    hir.NewArray: lambda node: node.elements,
    hir.RepeatArray: lambda node: (node.value, node.count),
    hir.GetElement: lambda node: (node.value, node.index),
    hir.Helper: lambda node: node.arguments,
    hir.Panic: lambda node: (node.message,),
    hir.MakeClosure: lambda node: node.captures,
    hir.CallValue: lambda node: [node.callee, *node.arguments],
    hir.GetCell: lambda node: (node.cell,),
}
"""Those that neither jump nor store, if their parts don't."""

_OTHERS: dict[type, Callable[[Node], Sequence[Node]]] = {
    hir.SetCell: lambda node: (node.value, node.cell),
    hir.Block: lambda node: [*node.statements, node.value],
    hir.Store: lambda node: [node.value, *_indices(node)],
    hir.Change: lambda node: [*node.arguments, *_indices(node)],
    hir.Catching: lambda node: (node.body, node.handler),
}
"""Those whose parts are not evaluated in the order of their fields."""

_FORMS = {
    "Expr": (False, True),
    "_ExprUnion": (False, True),
    "Expr | None": (False, False),
    "list[Expr]": (True, True),
}
"""What a field of a node is declared as: whether it holds several parts, and whether there always is one."""


def _by_fields(kind: type) -> Callable[[Node], Sequence[Node]]:
    """The parts of a node that neither table names: its fields that are expressions, in their order.

    Raises TypeError, when this module is imported, where a field holds expressions in a way that is not known here.
    """
    declared: dict[str, str] = getattr(kind, "__annotations__", {"?": "Expr of no node"})
    strange = [name for name, form in declared.items() if "Expr" in form and form not in _FORMS]
    if strange:
        raise TypeError(f"{kind.__name__}: how does {', '.join(strange)} hold expressions?")
    fields = [(name, *_FORMS[form]) for name, form in declared.items() if form in _FORMS]

    def parts(node: Node) -> Sequence[Node]:
        nodes: list[Node] = []
        for name, several, always in fields:
            value = getattr(node, name)
            if several:
                nodes += value
            elif always or value is not None:
                nodes.append(value)
        return nodes

    return parts if fields else _none


_NODES = [*get_args(hir.Expr), *get_args(hir.Stmt)]
PARTS: dict[type, Callable[[Node], Sequence[Node]]] = {
    **{kind: _by_fields(kind) for kind in _NODES if kind not in PLAIN and kind not in _OTHERS},
    **PLAIN,
    **_OTHERS,
}
"""All parts of every node."""

OPERANDS: dict[type, Callable[[Node], Sequence[Node]]] = {
    **PARTS,
    hir.And: _left,
    hir.Or: _left,
    hir.If: lambda node: (node.condition,),
    hir.While: lambda node: (node.condition,),
    hir.ForRange: lambda node: (node.start, node.end),
    hir.Loop: _none,
    hir.Block: _none,
    hir.Catching: _none,
    hir.Leaving: _none,
}
"""The parts that are always evaluated before the node does its work: where one of them never returns, it does none."""


def stored_slots(body: hir.Expr) -> set[int]:
    """The locals that some `Store` or `Change` in a function writes to."""
    slots: set[int] = set()
    stack: list[Node] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, hir.Store | hir.Change):
            slots.add(node.slot)
        elif isinstance(node, hir.CallChanging):
            slots.update(node.changed)
        stack.extend(PARTS[node.__class__](node))
    return slots
