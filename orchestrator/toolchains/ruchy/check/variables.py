"""Variables of the top level that functions name: they live in memory, and every name of one means that place.

What its type is follows from the text of the top level, so that every function finds the same: what is written, else
what its first value is. `syntax/top.py` and the summary say which variables these are; a function that names one
depends on the whole text of the top level (docs/fingerprints.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import EVERY, Fn, bad, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, INTEGER, WHOLE, openness, resolve, settle, unify
from orchestrator.toolchains.ruchy.check.module import CollectedModule, Seen, TopLet
from orchestrator.toolchains.ruchy.check.scope import Env, Global
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    F64,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    MapType,
    SetType,
    Type,
)
from orchestrator.toolchains.ruchy.signatures import type_named
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.elements import UNKNOWN

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


def global_of(c: Fn, name: str, at: int) -> Global | None:
    """The variable of the top level that a name means in a function, None where it means none."""
    p = c.p
    shared = p.module.top_lets.get(name)
    if shared is None or not c.sees_top or c.env.names is not None:
        return None
    if p.copies is not None and shared.state != 2:
        return None
    if c.item is not None and name in c.item.env.hidden:
        return None
    if c.sees_top == EVERY:
        if not shared.named:
            return None
        if shared.earlier is not None:
            message = f"the top level declares `{name}` twice, and a function cannot tell which one it means"
            p.error("E0605", at, message, "give one of them another name")
            return Global(name, ERROR, at, True, "", known=True)
    while shared is not None and shared.index >= c.sees_top:
        shared = shared.earlier
    if shared is None:
        return None
    kind = type_of_global(p, shared)
    p.failed = p.failed or kind is ERROR
    return Global(name, kind, at, shared.node.mutable or _name_of(shared).mutable, shared.symbol, False)


def _name_of(shared: TopLet) -> tree.NamePattern:
    """Only a `let` of a plain name makes a variable of the top level."""
    assert isinstance(shared.node.pattern, tree.NamePattern)
    return shared.node.pattern


def type_of_global(p: Pass, shared: TopLet) -> Type:
    """The type of a variable of the top level. Those before it are looked at first, one after the other."""
    if shared.state == 0:
        for other in p.module.top_order[: shared.index + 1]:
            if other.state == 0:
                _find_type(p, other)
    if shared.state == 1:
        _not_known(p, shared)
        shared.state, shared.type = 2, ERROR
    return cast("Type", shared.type)


def _not_known(p: Pass, shared: TopLet) -> None:
    message = f"what type `{shared.name}` has cannot be told from its first value alone"
    name = "[i64]" if isinstance(shared.node.value, tree.Array | tree.MacroCall) else "i64"
    if isinstance(shared.node.value, tree.Call | tree.ObjectLiteral):
        name = "HashMap<String, i64>"
    p.error_even_if_silent(
        "E0241", shared.node.at, message, f"write it: `let {shared.name}: {name}`, or whatever it is"
    )


def _find_type(p: Pass, shared: TopLet) -> None:
    """Its statement is checked by itself as well, which reports what is wrong with it."""
    shared.state = 1
    inner = Fn(p, Env(p.module.name), "")
    inner.nests, inner.sees_top = False, shared.index
    seen, p.now_seen = p.now_seen, Seen()
    room, grown, literals, failed = p.budget, len(p.spent), len(p.open.literals), p.failed
    errors = len(p.report.errors)
    p.silent += 1
    p.work.depth += 1
    try:
        if shared.node.type is not None:
            kind = type_of(p, inner.env, shared.node.type)
        else:
            found = _first(p.module, shared, expr(inner, shared.node.value).type)
            if found is None:
                _not_known(p, shared)
            kind = found or ERROR
        if shared.state == 1:
            shared.state, shared.type = 2, I64 if kind is NEVER else kind
    finally:
        p.work.depth -= 1
        p.silent -= 1
        p.now_seen, p.budget = seen, room
        p.failed = failed or len(p.report.errors) > errors
        del p.spent[grown:]
        del p.open.literals[literals:]
        if shared.state == 1:  # it needs a function's result first, and is looked at again
            shared.state = 0


def _first(m: CollectedModule, shared: TopLet, kind: Type) -> Type | None:
    """The type of a variable by that of its first value: an open integer is a float where floats are assigned, an array
    holds what is put in. None where that is not told."""
    found = resolve(kind)
    if isinstance(found, ArrayType) and shared.lives:
        return _array(m, shared, found)
    if isinstance(found, MapType | SetType) and any(openness(resolve(part)) == ANY for part in found.parts):
        return None
    is_open = openness(found) in (INTEGER, WHOLE)
    return F64 if is_open and shared.lives and shared.name in m.float_variables else settle(kind)


def _array(m: CollectedModule, shared: TopLet, kind: ArrayType) -> Type | None:
    """An array, whose elements may be what is put in later; None where that is not told."""
    name = m.element_types.get(shared.name, "")
    if name and UNKNOWN not in name:
        unify(kind, ArrayType(type_named(name)))
    inner: Type = kind
    while isinstance(inner, ArrayType):
        inner = resolve(inner.element)
    return None if name and openness(inner) == ANY else settle(kind)


def hidden(c: Fn, at: int, name: str) -> None:
    """E0242: a function inside of another one does not see its variables yet."""
    message = f"`{name}` is a variable of the function around, which functions inside of it do not see yet"
    c.p.error("E0242", at, message, f"pass `{name}` as a parameter")


def read_global(variable: Global, at: int) -> hir.Expr:
    kind = variable.type
    if kind is UNIT:
        return hir.Unit(UNIT, at)
    if kind is ERROR:
        return bad(at)
    return hir.GetGlobal(kind, at, variable.symbol, "" if variable.known else variable.name)


def let_global(c: Fn, shared: TopLet, made: hir.Expr, kind: Type, out: list[hir.Stmt]) -> Global:
    """The `let` of such a variable, whose value is of its type."""
    pattern = _name_of(shared)
    if kind is ERROR and made.type is not ERROR:
        _not_known(c.p, shared)
    variable = Global(pattern.name, kind, pattern.at, shared.node.mutable or pattern.mutable, shared.symbol, True)
    c.undo.append((pattern.name, c.names.get(pattern.name)))
    c.names[pattern.name] = variable
    if resolve(kind) is UNIT or made.type is NEVER:
        out.append(hir.Do(made))
    else:
        out.append(hir.SetGlobal(shared.symbol, made, pattern.at, first=True))
    return variable


def set_global(
    c: Fn, variable: Global, path: list[hir.Step], kind: Type, value: hir.Expr, at: int, out: list[hir.Stmt]
) -> None:
    """`name = value`, `name.field = value`. The reference is taken out of the variable where its text or its fields
    change in place: so nobody else holds it, unless somebody really does."""
    symbol, name = variable.symbol, "" if variable.known else variable.name
    if kind is UNIT:
        out.append(hir.Do(value))
        return
    grows = not path and _appends(value, symbol)
    if not path and not grows:
        out.append(hir.SetGlobal(symbol, value, at, name))
        return
    steps: list[hir.Stmt] = []
    if not grows:
        slot = c.slot(kind)
        steps.append(hir.Let(slot, value))
        value = hir.Local(kind, at, slot)
    owner = c.slot(variable.type)
    place = hir.Local(variable.type, at, owner)
    if isinstance(value, hir.Concat) and grows:
        value = hir.Concat(STRING, value.at, [place, *value.parts[1:]])
    steps += [
        hir.Let(owner, hir.GetGlobal(variable.type, at, symbol, name, taken=True)),
        hir.Store(owner, path, value, at),
        hir.SetGlobal(symbol, place, at, back=True),
    ]
    out.append(hir.Do(hir.Block(UNIT, at, steps, hir.Unit(UNIT, at))))


def change_global(c: Fn, variable: Global, change: hir.Change, out: list[hir.Stmt]) -> None:
    """A change in place of a variable of the top level, or of something in it. Its arguments are computed before its
    reference is taken out."""
    symbol, name, at = variable.symbol, "" if variable.known else variable.name, change.at
    steps: list[hir.Stmt] = []
    for index, argument in enumerate(change.arguments):
        if resolve(argument.type) is not UNIT:
            slot = c.slot(argument.type)
            steps.append(hir.Let(slot, argument))
            change.arguments[index] = open_type(c, hir.Local(argument.type, argument.at, slot))
    change.slot = c.slot(variable.type)
    place = hir.Local(variable.type, at, change.slot)
    steps += [
        hir.Let(change.slot, hir.GetGlobal(variable.type, at, symbol, name, taken=True)),
        change,
        hir.SetGlobal(symbol, place, at, back=True),
    ]
    out.append(hir.Do(hir.Block(UNIT, at, steps, hir.Unit(UNIT, at))))


_CALM: frozenset[type] = frozenset(
    (hir.Str, hir.Int, hir.Float, hir.Local, hir.GetField, hir.GetGlobal, hir.GetCell, hir.ToText, hir.Cast)
) | {hir.Arithmetic}


def _appends(value: hir.Expr, symbol: str) -> bool:
    """Whether a value is the variable's own text and something behind it that surely does not change the variable."""
    if not isinstance(value, hir.Concat):
        return False
    first = value.parts[0]
    return isinstance(first, hir.GetGlobal) and first.symbol == symbol and is_calm(value)


def is_calm(value: hir.Concat) -> bool:
    """Whether nothing behind the first part of a text can change a variable."""
    waiting: list[hir.Expr] = value.parts[1:]
    while waiting:
        node = waiting.pop()
        if node.__class__ not in _CALM:
            return False
        waiting += [
            getattr(node, part)
            for part in ("operand", "value", "left", "right")
            if isinstance(node, _PARTS) and hasattr(node, part)
        ]
    return True


_PARTS = (hir.GetField, hir.ToText, hir.Cast, hir.Arithmetic)
