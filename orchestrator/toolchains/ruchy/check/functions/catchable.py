"""What goes wrong at run time as something thrown, where a `catch` may see it: in the text of a `try`, and in functions
that hand on what is thrown in them (`throwing.hands_on`).

A division by zero, an index out of range, a text that is no number, `panic`, `assert` and `unwrap` throw there what
they would say. Everywhere else they end the program. This is done once all types are known, because a float is divided
by zero as well as by anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined
from orchestrator.toolchains.ruchy.check.functions.throwing import hands_on, nodes_in
from orchestrator.toolchains.ruchy.check.inference.infer import settle
from orchestrator.toolchains.ruchy.check.never import put_in
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.types import BOOL, I64, NEVER, STRING, UNIT, ArrayType, IntType

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.check.passes import Pass

_PARSED = {"str_to_i64": ("str_is_i64", "i64"), "str_to_f64": ("str_is_f64", "f64")}


def throw_what_traps(p: Pass) -> None:
    """Changes the bodies of a module that throws."""
    if not p.module.throws:
        return
    for function in p.made.bodies.values():
        caught = {id(function.body): hands_on(p.module, function.symbol)}
        order = nodes_in(function.body)
        for node in order:
            for part in PARTS[node.__class__](node):
                inside = isinstance(node, hir.Catching) and part is node.body
                caught[id(part)] = caught[id(node)] or inside
        replaced: dict[int, Node] = {}
        for node in reversed(order):  # parts stand behind what they are part of
            put_in(node, replaced)
            make = _MADE.get(node.__class__) if caught[id(node)] else None
            typed = make(_Kept(function), node) if make is not None else None
            if typed is not None:
                replaced[id(node)] = typed
        function.body = replaced.get(id(function.body), function.body)


class _Kept:
    """New slots of a function, and what computes their values."""

    def __init__(self, function: hir.FunctionBody) -> None:
        self.function = function
        self.out: list[hir.Stmt] = []

    def keep(self, value: hir.Expr, behind: hir.Expr | None = None) -> hir.Expr:
        """Something that can be read twice. What is computed `behind` it may change a variable."""
        if isinstance(value, hir.Int) or (isinstance(value, hir.Local) and _changes_nothing(behind)):
            return value
        self.function.locals.append(settle(value.type))
        slot = len(self.function.locals) - 1
        self.out.append(hir.Let(slot, value))
        return hir.Local(settle(value.type), value.at, slot)

    def unless(self, wrong: hir.Expr, text: hir.Expr, value: hir.Expr) -> hir.Expr:
        """The value, after a throw of `text` where it is wrong."""
        thrown = hir.ThrowText(NEVER, value.at, text)
        self.out.append(hir.Do(hir.If(UNIT, value.at, wrong, thrown, hir.Unit(UNIT, value.at))))
        return hir.Block(settle(value.type), value.at, self.out, value)


def _changes_nothing(node: hir.Expr | None) -> bool:
    return node is None or all(isinstance(one, _PLAIN) for one in nodes_in(node))


_PLAIN = (hir.Int, hir.Local, hir.Arithmetic, hir.Cast, hir.Negate, hir.GetField, hir.Runtime, hir.GetGlobal)


def _again(value: hir.Expr) -> hir.Expr:
    """One more node for a value that can be read twice."""
    if isinstance(value, hir.Local):
        return hir.Local(settle(value.type), value.at, value.slot)
    assert isinstance(value, hir.Int)
    return hir.Int(settle(value.type), value.at, value.value)


def _divided(places: _Kept, node: hir.Arithmetic) -> hir.Expr | None:
    kind = settle(node.type)
    if node.op not in ("/", "%") or not isinstance(kind, IntType):
        return None
    if isinstance(node.right, hir.Int) and node.right.value:
        return None
    node.left = places.keep(node.left, node.right)
    node.right = places.keep(node.right)
    wrong = hir.Compare(BOOL, node.at, "==", _again(node.right), hir.Int(kind, node.at, 0))
    text = "division by zero" if node.op == "/" else "remainder by zero"
    return places.unless(wrong, hir.Str(STRING, node.at, text), node)


def _element(places: _Kept, node: hir.GetElement) -> hir.Expr | None:
    at = node.at
    if not node.checked or not isinstance(settle(node.value.type), ArrayType):
        return None
    node.value = places.keep(node.value, node.index)
    node.index = places.keep(node.index)
    count = places.keep(hir.Runtime(I64, at, "length", [_again(node.value)]))
    least = hir.Arithmetic(I64, at, "-", hir.Int(I64, at, 0), _again(count))
    above = hir.Compare(BOOL, at, ">=", _again(node.index), _again(count))
    wrong = hir.Or(BOOL, at, above, hir.Compare(BOOL, at, "<", _again(node.index), least))
    index: hir.Expr = hir.ToText(STRING, at, _again(node.index))
    length: hir.Expr = hir.ToText(STRING, at, _again(count))
    words = [hir.Str(STRING, at, "index "), index, hir.Str(STRING, at, " out of range for length "), length]
    return places.unless(wrong, joined(at, words), node)


def _parsed(places: _Kept, node: hir.Runtime) -> hir.Expr | None:
    asked = _PARSED.get(node.name)
    if asked is None or not node.traps:
        return None
    at = node.at
    node.arguments[0] = places.keep(node.arguments[0])
    readable = hir.Runtime(BOOL, at, asked[0], [_again(node.arguments[0])])
    words = [hir.Str(STRING, at, 'cannot parse "'), _again(node.arguments[0]), hir.Str(STRING, at, f'" as {asked[1]}')]
    return places.unless(hir.Not(BOOL, at, readable), joined(at, words), node)


def _panic(places: _Kept, node: hir.Panic) -> hir.Expr:
    return hir.ThrowText(NEVER, node.at, node.message)


_MADE: dict[type, Callable[..., hir.Expr | None]] = {
    hir.Arithmetic: _divided,
    hir.GetElement: _element,
    hir.Runtime: _parsed,
    hir.Panic: _panic,
}
