"""Loops over what is lent: `for x in xs.iter_mut()`, `for x in &mut xs`, `for (k, v) in m.iter_mut()`. The variable
means the element itself, so that what is written to it is written to the array or the map.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import keys_of, put_in_order
from orchestrator.toolchains.ruchy.check.function import Fn, bad, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, fresh, openness, resolve, unify
from orchestrator.toolchains.ruchy.check.lending.aliases import Lent, lent, place_to_lend
from orchestrator.toolchains.ruchy.check.lending.places import Place, inside_of, read_place
from orchestrator.toolchains.ruchy.check.matching.binding import bindings, must_fit
from orchestrator.toolchains.ruchy.check.matching.names import bind_silently
from orchestrator.toolchains.ruchy.check.types import I64, UNIT, ArrayType, MapType
from orchestrator.toolchains.ruchy.syntax import tree

Turn = Callable[[], tuple[int, hir.Expr]]
"""Checks what is done in each turn, once the pattern is bound. Gives the loop's label, and what is done."""


class _Form(NamedTuple):
    """`place` is lent; its elements with their numbers where they are `numbered`; only the `values` of a map."""

    place: tree.Expr
    numbered: bool = False
    values: bool = False


def _form(c: Fn, node: tree.Expr) -> _Form | None:
    if isinstance(node, tree.MethodCall) and not node.arguments:
        if node.name == "enumerate":
            inner = _form(c, node.receiver)
            return None if inner is None or inner.numbered else inner._replace(numbered=True)
        if node.name == "values_mut":
            typed = lent(c, tree.Unary(node.at, "&mut", node.receiver))
            return None if typed is None else _Form(typed, values=True)
    typed = lent(c, node)
    return None if typed is None else _Form(typed)


def over_lent(c: Fn, at: int, pattern: tree.Pattern, iterable: tree.Expr, turn: Turn) -> hir.Expr | None:
    """A loop over what is lent; None where nothing is."""
    form = _form(c, iterable)
    if form is None:
        return None
    out: list[hir.Stmt] = []
    place = place_to_lend(c, form.place, out)
    if place is None:
        mark = len(c.undo)
        bind_silently(c, pattern)
        turn()
        c.leave(mark)
        return bad(iterable.at)
    if openness(place.type) == ANY:
        unify(place.type, ArrayType(fresh()))
        place.type = resolve(place.type)
    kind = place.type
    if isinstance(kind, ArrayType) and not form.values:
        array = place
    elif isinstance(kind, MapType) and not form.numbered:
        put_in_order(c, place, at, out)
        array = inside_of(place, [(1, ArrayType(kind.value))], "_")
    else:
        return None  # the ordinary loop walks it, or says why not
    paired = form.numbered or (array is not place and not form.values)
    parts = pattern.elements if isinstance(pattern, tree.TuplePattern) and len(pattern.elements) == 2 else None
    if paired and (parts is None or not isinstance(parts[0], tree.NamePattern | tree.WildcardPattern)):
        return None
    first, inner = (parts[0], parts[1]) if paired and parts is not None else (None, pattern)
    return _loop(c, at, first, inner, _Walked(place, array), turn, out)


class _Walked(NamedTuple):
    """The place that is walked, and that of the elements: the same, or the values of the map."""

    whole: Place
    array: Place


def _loop(
    c: Fn, at: int, first: tree.Pattern | None, pattern: tree.Pattern, over: _Walked, turn: Turn, out: list[hir.Stmt]
) -> hir.Expr:
    """`first` is the number or the key of each element, which `pattern` is held against."""
    c.p.composed = True
    mark = len(c.undo)
    counter = hir.Local(I64, at, c.slot(I64))
    before: list[hir.Stmt] = []
    if isinstance(first, tree.NamePattern):
        value: hir.Expr = counter
        if over.array is not over.whole:
            keys = keys_of(at, read_place(c, at, over.whole))
            value = open_type(c, hir.GetElement(resolve(over.whole.type.parts[0]), at, keys, counter))
        variable = c.declare(first.name, value.type, first.at, mutable=True)
        before.append(hir.Let(variable.slot, value))
    kind = over.array.type.parts[0]
    element = Lent(c, inside_of(over.array, [(counter, kind)], "_"), at)
    if not isinstance(pattern, tree.WildcardPattern):
        reading = element.read(c, pattern)
        must_fit(c, pattern, reading, element.source, before, "for")
        names = element.declare(c, reading)
        label, inner = turn()
        before += bindings(c, names, every=True)
    else:
        label, inner = turn()
    c.leave(mark)
    inner = hir.Block(inner.type, at, before, inner) if before else inner
    length = hir.Runtime(I64, at, "length", [read_place(c, at, over.array)])
    loop = hir.ForRange(UNIT, at, label, counter.slot, hir.Int(I64, at, 0), length, inclusive=False, body=inner)
    return hir.Block(UNIT, at, [*out, hir.Do(loop)], hir.Unit(UNIT, at))
