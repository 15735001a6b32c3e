"""Variables of the top level that functions name: they live in memory, and every name of one means that place.

What its type is, is written, or follows from its first value; what that leaves open (`0`, `[]`, `{}`, `None`) is
decided by whatever uses the variable, as for a local. So that every function finds the same, `infer` looks at all that
name one, and its result is the signature of the item `TOP`: an object with the types of the variables, which a compile
begins with. `syntax/top.py` and the summary say which variables these are (docs/fingerprints.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import EVERY, PLAIN, Fn, bad, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ELEMENT,
    INTEGER,
    WHOLE,
    become_float,
    fresh,
    is_open,
    renewed,
    resolve,
    settle,
    shown,
    type_variable,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.module import CollectedModule, Seen, TopLet
from orchestrator.toolchains.ruchy.check.scope import Env, Global, Variable
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    FloatType,
    ObjectType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.signatures import signature_of
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.top import is_told, variables_of

if TYPE_CHECKING:
    from actors.compiler.toolchain import Signature
    from orchestrator.toolchains.ruchy.check.passes import Pass
    from orchestrator.toolchains.ruchy.signatures import Known


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
    if p.copies is not None:  # a trial decides nothing for others
        kind = renewed(kind)
    return Global(name, kind, at, shared.mutable, shared.symbol, False)


def type_of_global(p: Pass, shared: TopLet) -> Type:
    """The type of a variable of the top level. Those before it are looked at first, one after the other."""
    if shared.state == 0:
        for other in p.module.top_order:
            if other.state == 0 and other.index <= shared.index:
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
            kind = _part(started(p, expr(inner, shared.node.value)).type, shared)
            kind = settle(kind) if is_told(shared.node) else kind
            shared.began = renewed(kind)
            _know(kind, p.module.known.variables.get(shared.name))
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


def _part(kind: Type, shared: TopLet) -> Type:
    """The type of a variable by that of the value of its `let`, which may take that apart. (Checking the `let` tells
    what does not fit.)"""
    for step in shared.steps:
        kind = resolve(kind)
        if isinstance(kind, ArrayType) and step == -1:
            kind = kind.element
        elif isinstance(kind, TupleType) and isinstance(step, int) and -len(kind.elements) <= step < len(kind.elements):
            kind = kind.elements[step]
        elif isinstance(kind, ObjectType) and step in kind.names:
            kind = kind.types[kind.names.index(step)]
        else:
            return ERROR
    variable = type_variable(kind)
    if variable is not None and variable.kind in (INTEGER, ELEMENT):
        return fresh(WHOLE)
    return resolve(kind)


def _know(kind: Type, known: Type | None) -> None:
    """Tells a type that an earlier look at the module found."""
    variable = type_variable(kind)
    if variable is not None and isinstance(known, FloatType):
        become_float(variable, known)
    elif known is not None:
        unify(kind, renewed(known))


def types_found(m: CollectedModule) -> dict[str, Type]:
    """The types of variables of which more is known than their `let`s say."""
    return {
        one.name: renewed(one.type)
        for one in m.top_order
        if one.type is not None and one.began is not None and is_open(one.began) and shown(one.type) != shown(one.began)
    }


def signature_of_variables(m: CollectedModule) -> Signature | None:
    """What the item `TOP` is to functions: its variables, which of them are mutable, and their types. None where one
    has a type without a name outside of a function."""
    living = sorted((one for one in m.top_order if one.lives), key=lambda one: one.name.encode())
    kinds = [settle(one.type) for one in living if one.type is not None]
    if len(kinds) < len(living):
        return None
    held = ObjectType(tuple([one.name for one in living]), tuple(kinds))
    return signature_of([], held, " ".join([one.name for one in living if one.mutable]))


def types_in(signature: Known | None) -> dict[str, Type]:
    """What such a signature says."""
    held = signature.result if signature is not None else None
    return dict(zip(held.names, held.types, strict=True)) if isinstance(held, ObjectType) else {}


def hidden(c: Fn, at: int, name: str) -> None:
    """E0242: a function inside of another one that is no lambda (`syntax/capturing.py`) does not see its variables."""
    message = f"`{name}` is a variable of the function around, which this function inside of it does not see"
    c.p.error("E0242", at, message, f"pass `{name}` as a parameter")


def read_global(c: Fn, variable: Global, at: int) -> hir.Expr:
    kind = resolve(variable.type)
    if kind is UNIT:
        return hir.Unit(UNIT, at)
    if kind is ERROR:
        return bad(at)
    return open_type(c, hir.GetGlobal(kind, at, variable.symbol, "" if variable.known else variable.name))


def let_global(c: Fn, shared: TopLet, typed: hir.Expr, at: int, out: list[hir.Stmt]) -> Global:
    """The `let` of such a variable, whose value is of its type."""
    kind = type_of_global(c.p, shared)
    if kind is ERROR and typed.type is not ERROR:
        _not_known(c.p, shared)
    variable = Global(shared.name, kind, at, shared.mutable, shared.symbol, True)
    c.undo.append((shared.name, c.names.get(shared.name)))
    c.names[shared.name] = variable
    if resolve(kind) is UNIT or typed.type is NEVER:
        out.append(hir.Do(typed))
    else:
        out.append(hir.SetGlobal(shared.symbol, typed, at, first=True))
    return variable


def let_parts(c: Fn, node: tree.Let, out: list[hir.Stmt]) -> None:
    """The variables that functions name among those of a `let` that takes a value apart: locals until here."""
    for variable in variables_of(node):
        shared, local = c.p.module.top_lets.get(variable.name), c.names.get(variable.name)
        if shared is None or shared.node is not node or not shared.lives or not isinstance(local, Variable):
            continue
        local.read = True
        kind = resolve(local.type)
        value = hir.Unit(kind, local.at) if local.slot < 0 else open_type(c, hir.Local(kind, local.at, local.slot))
        typed = fit(c, value, type_of_global(c.p, shared), PLAIN, node.pattern)
        let_global(c, shared, typed, local.at, out)


def set_global(
    c: Fn, variable: Global, path: list[hir.Step], kind: Type, value: hir.Expr, at: int, out: list[hir.Stmt]
) -> None:
    """`name = value`, `name.field = value`. The reference is taken out of the variable where its text or its fields
    change in place: so nobody else holds it, unless somebody really does."""
    symbol, name = variable.symbol, "" if variable.known else variable.name
    if resolve(kind) is UNIT:
        out.append(hir.Do(value))
        return
    grows = not path and _appends(value, symbol)
    if not path and not grows:
        out.append(hir.SetGlobal(symbol, value, at, name))
        return
    # The order is the protocol: first the value, which may read the variable; then the variable's reference is taken
    # out, so that its count is one and the change happens in place; then it is put back. Nothing between the last two
    # may run code of the program, because that would see an empty variable.
    steps: list[hir.Stmt] = []
    if not grows:
        slot = c.slot(kind)
        steps.append(hir.Let(slot, value))
        value = open_type(c, hir.Local(kind, at, slot))
    owner = c.slot(variable.type)
    place = open_type(c, hir.Local(variable.type, at, owner))
    if isinstance(value, hir.Concat) and grows:
        value = hir.Concat(STRING, value.at, [place, *value.parts[1:]])
    steps += [
        hir.Let(owner, open_type(c, hir.GetGlobal(variable.type, at, symbol, name, taken=True))),
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
    place = open_type(c, hir.Local(variable.type, at, change.slot))
    steps += [
        hir.Let(change.slot, open_type(c, hir.GetGlobal(variable.type, at, symbol, name, taken=True))),
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
