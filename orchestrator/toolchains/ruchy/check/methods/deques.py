"""Methods that change an array at both ends, or many of its elements: those of a `VecDeque`, which is an array here."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad, check, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    change_place,
    in_slot,
    part_value,
    read_place,
    write_place,
)
from orchestrator.toolchains.ruchy.check.methods.arrays import ARGUMENT, change, changer
from orchestrator.toolchains.ruchy.check.methods.optional import pop_or_none
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy
from orchestrator.toolchains.ruchy.check.types import I64, NEVER, UNIT, ArrayType
from orchestrator.toolchains.ruchy.syntax import tree


def _renamed(node: tree.MethodCall, name: str, *before: tree.Expr) -> tree.MethodCall:
    return tree.MethodCall(node.at, node.receiver, name, [*before, *node.arguments])


@changer("push_back", 1)
def _push_back(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return change(c, _renamed(node, "push"), place, kind)


@changer("push_front", 1)
def _push_front(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return change(c, _renamed(node, "insert", tree.IntLiteral(node.at, 0)), place, kind)


@changer("pop_back next_back", 0)
def _pop_back(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return pop_or_none(c, _renamed(node, "pop"), place, kind)


@changer("pop_front next", 0)
def _pop_front(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return pop_or_none(c, _renamed(node, "remove", tree.IntLiteral(node.at, 0)), place, kind)


@changer("extend_from_slice", 1)
def _extend_from_slice(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    return change(c, _renamed(node, "extend"), place, kind)


@changer("swap_remove", 1)
def _swap_remove(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    """The element that stood there, in whose place the last one comes."""
    at = node.at
    index = in_slot(c, check(c, node.arguments[0], I64, (*ARGUMENT, node.name)), out)
    if index.type is not I64:
        return bad(at)
    element = resolve(kind.element)
    slot = in_slot(c, open_type(c, hir.GetElement(element, at, read_place(c, at, place), index)), out)
    last = in_slot(c, open_type(c, hir.GetElement(element, at, read_place(c, at, place), hir.Int(I64, at, -1))), out)
    one = Place(place.variable, place.type, place.why)
    one.steps, one.types = [*place.steps], [*place.types]
    one.enter(index, element, place.why)
    write_place(c, one, last, at, out)
    change_place(c, place, "arr_shorten", [], at, out)
    return slot


@changer("resize", 2)
def _resize(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    """So many elements: what is too much is cut, what lacks is a copy of the value."""
    at = node.at
    count = in_slot(c, check(c, node.arguments[0], I64, (*ARGUMENT, node.name)), out)
    value = part_value(c, node.arguments[1], kind.element, (*ARGUMENT, node.name))
    if value.type is NEVER or count.type is not I64:
        return bad(at)
    text = "if __n <= __xs.len() { __xs.take(__n) } else { __xs + [__v; __n - __xs.len()] }"
    values = {"xs": read_place(c, at, place), "n": count, "v": value}
    write_place(c, place, in_ruchy(c, at, text, values, kind), at, out)
    return hir.Unit(UNIT, at)


@changer("split_off", 1)
def _split_off(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    """What stands from there on, which goes."""
    at = node.at
    index = in_slot(c, check(c, node.arguments[0], I64, (*ARGUMENT, node.name)), out)
    if index.type is not I64:
        return bad(at)
    whole = in_slot(c, read_place(c, at, place), out)
    rest = in_slot(c, in_ruchy(c, at, "__xs[__n..]", {"xs": whole, "n": index}, kind), out)
    write_place(c, place, in_ruchy(c, at, "__xs.take(__n)", {"xs": whole, "n": index}, kind), at, out)
    return rest
