"""Names that mean a place: what `&mut place` gives in a `let`, in a loop over `&mut xs`, and in the patterns that are
held against it. Whatever is done to such a name is done to the place.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, fit
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.elements import unwrapped_element
from orchestrator.toolchains.ruchy.check.lending.places import (
    Alias,
    Place,
    in_slot,
    inside_of,
    is_entry,
    mutated,
    place_of,
    read_place,
    writes_through_reference,
)
from orchestrator.toolchains.ruchy.check.matching.binding import guess
from orchestrator.toolchains.ruchy.check.matching.patterns import BoundName, Matched, Reading, declare, read_pattern
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.scope import ErrorItem, Variable
from orchestrator.toolchains.ruchy.check.types import ERROR, UNIT, Type
from orchestrator.toolchains.ruchy.check.variables import global_of
from orchestrator.toolchains.ruchy.syntax import tree

_LET: Why = ("E0201", "`{0}` is declared as {want}, and its value is {got}")
_LENDING = frozenset(("as_mut", "iter_mut", "as_mut_slice", "as_deref_mut"))
"""Methods that lend what they are called on."""


def place_to_lend(c: Fn, inner: tree.Expr, out: list[hir.Stmt]) -> Place | None:
    """The place of what `lent` gave; None after an error. What it is indexed by is computed in `out`, once."""
    place = place_of(c, inner, out)
    if place is None or place.type is ERROR or writes_through_reference(c, inner, place.variable):
        return None
    mutated(c, place.variable, inner.at)
    place.variable.read = True
    for index, step in enumerate(place.steps):
        if isinstance(step, hir.Local):  # a variable, which may change while the place is in use
            place.steps[index] = in_slot(c, step, out)
    return place


def lent(c: Fn, node: tree.Expr) -> tree.Expr | None:
    """What an expression lends to be changed: `&mut place`, a name that means a place already, an entry of a map. None
    where it is only a value."""
    if isinstance(node, tree.Unary) and node.op == "&mut":
        return node.operand if _root(c, node.operand) is not None else None
    if isinstance(node, tree.Path):
        root = _root(c, node)
        return node if root is not None and root.changes else None
    if isinstance(node, tree.MethodCall):
        if is_entry(node):
            return node
        if node.name in _LENDING and not node.arguments and _root(c, node.receiver) is not None:
            return node.receiver
        element = unwrapped_element(c, node)
        return element if element is not None and _root(c, element) is not None else None
    return None


def _root(c: Fn, node: tree.Expr) -> Variable | None:
    """The variable that an expression is a place of."""
    while True:
        if isinstance(node, tree.Field) or (
            isinstance(node, tree.Index) and not isinstance(node.index, tree.RangeExpr)
        ):
            node = node.value
        elif isinstance(node, tree.Unary) and node.op == "*":
            node = node.operand
        else:
            break
    if not isinstance(node, tree.Path) or len(node.segments) != 1:
        return None
    target = c.names.get(node.segments[0]) or global_of(c, node.segments[0], node.at)
    return target if isinstance(target, Variable) else None


def declare_alias(c: Fn, name: str, place: Place, at: int) -> None:
    """From here on, the name means the place."""
    alias = Alias(name, place, at)
    c.undo.append((name, c.names.get(name)))
    c.names[name] = alias
    c.lends = True


# ---------------------------------------------------------------- patterns


class Lent:
    """A place that patterns are held against."""

    __slots__ = ("at", "place", "roots", "source")

    def __init__(self, c: Fn, place: Place, at: int) -> None:
        self.place = place
        self.at = at
        self.roots: list[hir.Expr] = []

        def read() -> hir.Expr:
            typed = read_place(c, at, place)
            self.roots.append(typed)
            return typed

        self.source = Matched(place.type, read)

    def place_in(self, bound: BoundName) -> Place | None:
        """The place of what a name of the pattern is bound to; None where that is no part of the whole."""
        steps: list[tuple[hir.Step, Type]] = []
        node = bound.value
        while node is not None and not any(node is root for root in self.roots):
            if isinstance(node, hir.GetField):
                steps.append((node.index, node.type))
            elif isinstance(node, hir.GetPayload):
                steps.append((hir.InPayload(node.variant, node.index), node.type))
            elif isinstance(node, hir.GetElement):
                steps.append((node.index, node.type))
            else:
                return None
            node = node.value
        return None if node is None else inside_of(self.place, reversed(steps), bound.name)

    def read(self, c: Fn, pattern: tree.Pattern) -> Reading:
        """Holds a pattern against the place."""
        guess(c, self.source.type, [pattern])
        return read_pattern(c, pattern, self.source, lent=True)

    def declare(self, c: Fn, reading: Reading) -> list[tuple[Variable, hir.Expr | None]]:
        """The names of a pattern: places where they can be. The others are variables, with their values."""
        others: list[BoundName] = []
        for bound in reading.bound:
            place = None if resolve(bound.type) in (UNIT, ERROR) else self.place_in(bound)
            if place is None:
                others.append(bound)
            else:
                declare_alias(c, bound.name, place, bound.at)
        reading.bound = others
        read_variable = declare(c, reading, mutable=True)
        for variable, value in read_variable:
            variable.lent = True  # what is written to it would be lost
            _test_again(value)
        return read_variable


def _test_again(value: hir.Expr | None) -> None:
    """A guard may have changed the place that a value is read from."""
    waiting: list[Node] = [] if value is None else [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, hir.GetPayload | hir.GetElement):
            node.checked = True
        waiting.extend(PARTS[node.__class__](node))


# ---------------------------------------------------------------- `let`, `for`


def let_lent(c: Fn, node: tree.Let, inner: tree.Expr, name: tree.NamePattern, out: list[hir.Stmt]) -> hir.Expr:
    """`let name = &mut place`."""
    place = place_to_lend(c, inner, out)
    if place is None:
        c.undo.append((name.name, c.names.get(name.name)))
        c.names[name.name] = ErrorItem(name.name)
        return bad(node.at)
    written = node.type
    while isinstance(written, tree.ReferenceType):
        written = written.target
    if written is not None:
        fit(c, read_place(c, node.at, place), type_of(c.p, c.env, written), (*_LET, name.name), node.value)
    if place.steps:  # it must be there now
        out.append(hir.Do(read_place(c, node.at, place)))
    declare_alias(c, name.name, place, name.at)
    return hir.Unit(UNIT, node.at)
