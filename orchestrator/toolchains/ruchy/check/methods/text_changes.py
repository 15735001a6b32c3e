"""Methods that change a String where it is: a variable, a field, an element."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined
from orchestrator.toolchains.ruchy.check.function import Fn, bad, check
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.places import Place, in_slot, mutated, read_place, write_place
from orchestrator.toolchains.ruchy.check.methods.texts import ARGUMENT
from orchestrator.toolchains.ruchy.check.types import ERROR, I64, STRING, UNIT, Type
from orchestrator.toolchains.ruchy.syntax import tree

Make = Callable[[Fn, int, hir.Expr, list[hir.Expr], list[hir.Stmt]], tuple[hir.Expr, hir.Expr]]
"""Gives the new text and the value of the call, from the old text and the arguments, which are in slots."""


class TextChange(NamedTuple):
    arguments: tuple[Type, ...]
    result: Type
    make: Make


def change_text(c: Fn, node: tree.MethodCall, place: Place, out: list[hir.Stmt]) -> hir.Expr:
    """`place.name(arguments)`, where the name is one of `TEXT_CHANGERS`."""
    at = node.at
    row = TEXT_CHANGERS[node.name]
    if len(node.arguments) != len(row.arguments):
        arguments_of(c, node, node.name, len(row.arguments), len(row.arguments))
        return bad(at)
    mutated(c, place.variable, at)
    place.variable.read = True
    given = [
        check(c, argument, kind, (*ARGUMENT, node.name))
        for argument, kind in zip(node.arguments, row.arguments, strict=True)
    ]
    if any(resolve(one.type) is ERROR for one in given):
        return bad(at)
    given = [in_slot(c, one, out) for one in given]
    old = in_slot(c, read_place(c, at, place), out)
    new, value = row.make(c, at, old, given, out)
    write_place(c, place, new, at, out)
    return value


def _cut(at: int, text: hir.Expr, start: hir.Expr, end: hir.Expr) -> hir.Expr:
    return hir.Runtime(STRING, at, "str_slice", [text, start, end], traps=True)


def _behind(at: int, text: hir.Expr, start: hir.Expr) -> hir.Expr:
    return _cut(at, text, start, hir.Runtime(I64, at, "str_chars", [text]))


def _insert(c: Fn, at: int, old: hir.Expr, given: list[hir.Expr], out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    index, text = given
    before = _cut(at, old, hir.Int(I64, at, 0), index)
    return joined(at, [before, text, _behind(at, old, index)]), hir.Unit(UNIT, at)


def _remove(c: Fn, at: int, old: hir.Expr, given: list[hir.Expr], out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    """The character that stood there; the text is the same without it."""
    index = given[0]
    next_ = hir.Arithmetic(I64, at, "+", index, hir.Int(I64, at, 1))
    removed = in_slot(c, _cut(at, old, index, next_), out)
    return joined(at, [_cut(at, old, hir.Int(I64, at, 0), index), _behind(at, old, next_)]), removed


def _truncate(c: Fn, at: int, old: hir.Expr, given: list[hir.Expr], out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    shorter = hir.Runtime(STRING, at, "str_part", [old, hir.Int(I64, at, 0), given[0]], traps=True)
    return shorter, hir.Unit(UNIT, at)


def _clear(c: Fn, at: int, old: hir.Expr, given: list[hir.Expr], out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    return hir.Str(STRING, at, ""), hir.Unit(UNIT, at)


TEXT_CHANGERS: dict[str, TextChange] = {
    "insert": TextChange((I64, STRING), UNIT, _insert),
    "insert_str": TextChange((I64, STRING), UNIT, _insert),
    "remove": TextChange((I64,), STRING, _remove),
    "truncate": TextChange((I64,), UNIT, _truncate),
    "clear": TextChange((), UNIT, _clear),
}
"""By name. `push` and `push_str` are `+=` (`scalars.py`)."""
