"""Methods that take a function, written in Ruchy: each is a block that is checked where the method is called.

The blocks are in `written_rows.py`. A name that begins with `__` is the method's own, and no text of a program can name
it. `__xs` is what the method is called on; the arguments have the names that the row gives them, of which those in
capitals are functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Want, bad, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import INTEGER, fresh, narrow, resolve
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.lending.places import Place, mutated, read_place, write_place
from orchestrator.toolchains.ruchy.check.methods.inlined import bind_function
from orchestrator.toolchains.ruchy.check.methods.spellings import usual
from orchestrator.toolchains.ruchy.check.methods.written_rows import (
    ON_ARRAYS,
    ON_BOOLS,
    ON_OPTIONS,
    ON_ORDERINGS,
    ON_RESULTS,
    ON_TEXTS,
    WrittenMethod,
)
from orchestrator.toolchains.ruchy.check.scope import RANGES, FunctionItem, Variable
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    FunctionType,
    Type,
    is_option,
)
from orchestrator.toolchains.ruchy.syntax import tree

_MARK = "__"
_OWN = "#"
"""What the mark is in the tree: no name of a program begins so."""


def written(
    c: Fn,
    node: tree.MethodCall,
    name: str,
    rows: dict[str, dict[int, WrittenMethod]],
    receiver: hir.Expr,
    parts: dict[str, Type],
    want: Want,
) -> hir.Expr | None:
    """The call of a method that is written here; None where no row has its name. `parts` are the types that letters
    stand for in the arguments of functions."""
    overloads = rows.get(name)
    if overloads is None:
        return None
    row = overloads.get(len(node.arguments))
    if row is None:
        return _wrong_count(c, node, name, overloads)
    out: list[hir.Stmt] = []
    mark = len(c.undo)
    slot_of = c.declare("#xs", resolve(receiver.type), node.at, mutable=True)
    slot_of.read = True
    if resolve(receiver.type) in (ERROR, NEVER) or slot_of.slot < 0:
        c.leave(mark)
        return bad(node.at)
    out.append(hir.Let(slot_of.slot, receiver))
    kinds = dict(parts)
    values = sorted(zip(row.arguments, node.arguments, strict=True), key=lambda pair: ":" in pair[0])
    for argument, given in values:
        named, _, takes = argument.partition(":")
        own = _OWN + named[2:]
        if not named[2:].isupper():
            typed = started(c.p, expr(c, given))
            if typed.type is NEVER or resolve(typed.type) is ERROR:
                c.leave(mark)
                return bad(node.at)
            variable = c.declare(own, resolve(typed.type), node.at, mutable=True)
            out.append(hir.Do(typed) if variable.slot < 0 else hir.Let(variable.slot, typed))
            kinds[named[2:]] = variable.type
            continue
        result: Type = BOOL if named == "__P" else UNIT if named == "__U" else fresh()
        bind_function(c, own, given, [kinds.get(letter) or fresh() for letter in takes], result, out)
    typed = expr(c, _at(_body(row.text), node.at), want)
    c.leave(mark)
    return hir.Block(typed.type, node.at, out, typed)


def in_ruchy(c: Fn, at: int, text: str, values: Mapping[str, hir.Expr], want: Want = None) -> hir.Expr:
    """A block of Ruchy in which names are values, computed once, in this order."""
    out: list[hir.Stmt] = []
    mark = len(c.undo)
    for name, value in values.items():
        if value.type is NEVER or resolve(value.type) is ERROR:
            c.leave(mark)
            return bad(at)
        variable = c.declare(_OWN + name, resolve(value.type), at, mutable=True)
        variable.read = True
        out.append(hir.Do(value) if variable.slot < 0 else hir.Let(variable.slot, value))
    typed = expr(c, _at(_body(text), at), want)
    c.leave(mark)
    return open_type(c, hir.Block(typed.type, at, out, typed))


def with_function(c: Fn, node: tree.MethodCall, name: str, receiver: hir.Expr, want: Want) -> hir.Expr | None:
    """A method that is written in `written_rows.py`; None for any other method."""
    kind = resolve(receiver.type)
    if kind in RANGES or isinstance(kind, ArrayType):
        element = kind.element if isinstance(kind, ArrayType) else I64
        if name == "reduce" and len(node.arguments) == 2:
            first, second = node.arguments
            given = [second, first] if _is_function(c, first) and not _is_function(c, second) else [first, second]
            node, name = tree.MethodCall(node.at, node.receiver, "fold", given), "fold"
        return written(c, node, name, ON_ARRAYS, receiver, {"x": element}, want)
    if isinstance(kind, EnumType) and not kind.module:
        if is_option(kind):
            return written(c, node, name, ON_OPTIONS, receiver, {"x": kind.arguments[0]}, want)
        return written(c, node, name, ON_RESULTS, receiver, {"x": kind.arguments[0], "e": kind.arguments[1]}, want)
    if kind is STRING and name in ON_TEXTS and len(node.arguments) == 1 and _is_function(c, node.arguments[0]):
        return written(c, node, name, ON_TEXTS, receiver, {"x": STRING}, want)
    if kind is BOOL:
        return written(c, node, name, ON_BOOLS, receiver, {}, want)
    if name in ON_ORDERINGS and narrow(kind, INTEGER):
        return written(c, node, name, ON_ORDERINGS, receiver, {}, want)
    return None


def _is_function(c: Fn, node: tree.Expr) -> bool:
    """Whether an argument is a function, as far as its text tells."""
    if isinstance(node, tree.Path):
        variable = c.names.get(node.segments[0]) if len(node.segments) == 1 else None
        if isinstance(variable, Variable):
            return isinstance(resolve(variable.type), FunctionType)
        return isinstance(c.p.lookup(c.env, node.segments), FunctionItem)
    return isinstance(node, tree.Lambda)


IN_PLACE = {"retain": "filter", **{name: name for name in ON_ARRAYS if name.startswith("sort_")}}
"""Methods that change the array that they are called on, where nobody takes their value; and what makes the new one."""


def changes_in_place(node: tree.MethodCall, want: Want) -> bool:
    """Whether a call is one of these: its value is dropped, or is that of a function without `->`."""
    unused = want is DROP or want is UNIT or want is TAIL
    return node.name == "retain" or (node.name in IN_PLACE and unused)


def change_by_function(c: Fn, node: tree.MethodCall, place: Place, out: list[hir.Stmt], want: Want) -> hir.Expr:
    """The call of one of `IN_PLACE`, on an array."""
    mutated(c, place.variable, node.at)
    place.variable.read = True
    call = usual(node, place.type)
    changed = with_function(c, call, IN_PLACE[call.name], read_place(c, node.at, place), None)
    assert changed is not None
    if resolve(changed.type) is ERROR:
        return changed
    write_place(c, place, changed, node.at, out)
    return hir.Unit(UNIT, node.at) if want is not TAIL or node.name == "retain" else read_place(c, node.at, place)


def _wrong_count(c: Fn, node: tree.MethodCall, name: str, overloads: Mapping[int, WrittenMethod]) -> hir.Expr:
    wanted = " or ".join(str(count) for count in sorted(overloads))
    given = len(node.arguments)
    c.p.error("E0301", node.at, f"`{name}` takes {wanted} argument{'s' * (wanted != '1')}, and was given {given}")
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    return bad(node.at)


def block_of(text: str, at: int) -> tree.Block:
    """A block of Ruchy, at one token, with its own names."""
    body = _at(_body(text), at)
    assert isinstance(body, tree.Block)
    return body


@lru_cache(None)
def _body(text: str) -> tree.Block:
    # deferred: most modules call no such method
    from orchestrator.toolchains.ruchy.syntax.parser import parse_item

    parsed = parse_item(f"fun it() {{ {text} }}").module
    assert parsed is not None, text
    function = parsed.body[0]
    assert isinstance(function, tree.Function)
    return function.body


def _at(node: Any, at: int) -> Any:
    """The same tree at one token, with the names that are the method's own."""
    if isinstance(node, msgspec.Struct):
        fields = {name: getattr(node, name) for name in node.__struct_fields__}
        return node.__class__(
            **{
                name: at if value.__class__ is int and name in _PLACES else _at(value, at)
                for name, value in fields.items()
            }
        )
    if isinstance(node, list):
        return [_at(one, at) for one in node]
    if isinstance(node, tuple):
        return tuple([_at(one, at) for one in node])
    return _OWN + node[2:] if isinstance(node, str) and node.startswith(_MARK) else node


_PLACES = frozenset(("at", "end", "start", "stop", "header"))
