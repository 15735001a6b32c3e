"""The body of one function: its parameters, their defaults, and its value."""

from __future__ import annotations

from typing import cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Why, check, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.contracts import may_fail, required, with_contracts
from orchestrator.toolchains.ruchy.check.inference.annotations import is_written_through
from orchestrator.toolchains.ruchy.check.inference.infer import resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.untyped import is_other_call
from orchestrator.toolchains.ruchy.check.inference.widths import placed
from orchestrator.toolchains.ruchy.check.matching.binding import bindings, destructure
from orchestrator.toolchains.ruchy.check.scope import (
    FunctionItem,
)
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, Type
from orchestrator.toolchains.ruchy.syntax import tree

_VALUE: Why = ("E0401", "`{0}` returns {want}, and its last value is {got}")


def body_of(c: Fn, item: FunctionItem, types: list[Type]) -> hir.Expr:
    """The typed body of a function, whose parameters have these types."""
    p, node = c.p, item.node
    seen: set[str] = set()
    for i, (parameter, kind) in enumerate(zip(node.parameters, types, strict=True)):
        if parameter.name in seen and parameter.name not in ("_", ""):
            p.error("E0603", parameter.at, f"the parameter `{parameter.name}` is declared twice")
        seen.add(parameter.name)
        variable = c.declare(parameter.name, kind, parameter.at, parameter.mutable)
        if is_written_through(parameter.type):
            variable.lent = variable.changes = variable.mutable = c.lends = True
        elif parameter.name == "self" and isinstance(parameter.type, tree.ReferenceType):
            variable.lent = c.lends = True  # what is written to it would be lost
        if variable.slot < 0:  # parameters have a slot whatever their type
            c.slot(kind)
        if parameter.default is not None and item.own and i not in item.bound:
            _default(c, item, i, kind)
    c.result = cast("Type", item.result)
    apart = _taken_apart(c, item, types)
    before = required(c, item)
    body = _inferred(c, item) if node.result is None else _annotated(c, item)
    body = with_contracts(c, item, before, body) if node.contracts or may_fail(c, item) else body
    return open_type(c, hir.Block(body.type, body.at, apart, body)) if apart else body


def _taken_apart(c: Fn, item: FunctionItem, types: list[Type]) -> list[hir.Stmt]:
    """The names in the patterns of parameters."""
    out: list[hir.Stmt] = []
    for slot, (parameter, kind) in enumerate(zip(item.node.parameters, types, strict=True)):
        if parameter.pattern is None:
            continue
        whole = hir.Unit(resolve(kind), parameter.at) if resolve(kind) in (UNIT, ERROR) else None
        whole_value = whole or open_type(c, hir.Local(resolve(kind), parameter.at, slot))
        names = destructure(c, parameter.pattern, whole_value, out, "fun")
        out += bindings(c, names, every=True)
    return out


def _default(c: Fn, item: FunctionItem, index: int, kind: Type) -> None:
    """A default is computed in the scope of the module, at each call that needs it. That of an untyped parameter counts
    as what a call gives."""
    parameter = item.node.parameters[index]
    default = parameter.default
    assert default is not None
    why = ("E0201", "the default of `{0}` is {got}, and {want} is needed", parameter.name)
    inner = Fn(c.p, c.env, c.path)
    inner.nests = False
    if parameter.type is not None or not item.untyped:
        check(inner, default, kind, why)
        return
    typed = expr(inner, default)
    if not is_other_call(c, item, default.at, {index: typed.type}):
        fit(inner, typed, kind, why, default)


def _annotated(c: Fn, item: FunctionItem) -> hir.Expr:
    p, node, result = c.p, item.node, c.result
    why = (*_VALUE, item.name)
    statements = node.body.statements
    errors = len(p.report.errors)
    if result is not UNIT and _ends_without_value(statements):
        typed = block_body(c, node.body.at, statements, DROP, why)
        if typed.type is not NEVER and len(p.report.errors) == errors and result is not ERROR:
            _missing(c, item)
        return typed
    typed = block_body(c, node.body.at, statements, result, why)
    if typed.type is UNIT and result is not UNIT and result is not ERROR and len(p.report.errors) == errors:
        _missing(c, item)
    return typed


_LOOPS = (tree.While, tree.WhileLet, tree.For, tree.Assign)


def _ends_without_value(statements: list[tree.Stmt]) -> bool:
    """Whether a body ends in something that never has a value: then the `return` is missing, not its type wrong."""
    if not statements:
        return True
    last = statements[-1]
    value: tree.Node | None = last.value if isinstance(last, tree.ExprStmt) else last
    if isinstance(value, tree.If | tree.IfLet):
        while isinstance(value, tree.If | tree.IfLet):
            value = value.otherwise
        return value is None
    if value.__class__ in _LOOPS:
        return True
    called = value.callee if isinstance(value, tree.Call) else None
    if isinstance(called, tree.Path) and called.segments[0] in ("println", "print", "eprintln", "eprint"):
        return True
    return isinstance(value, tree.MacroCall) and value.name in ("println", "print", "eprintln", "eprint")


def _missing(c: Fn, item: FunctionItem) -> None:
    wanted = shown(c.result)
    message = f"`{item.name}` returns {wanted}, and its body ends without a value"
    c.p.error("E0402", item.node.at, message, f"end it with a value of type {wanted}, or remove `-> {wanted}`")


def _inferred(c: Fn, item: FunctionItem) -> hir.Expr:
    node = item.node
    typed = block_body(c, node.body.at, node.body.statements, TAIL, ())
    if typed.type is NEVER:
        if not c.returned:
            unify(c.result, UNIT)
    elif resolve(c.result) is UNIT:
        if resolve(typed.type) is not UNIT:
            typed = hir.Block(UNIT, typed.at, [hir.Do(typed)], hir.Unit(UNIT, typed.at))
    elif (placed_value := placed(c.p, typed, c.result)) is not None:
        typed = placed_value
    elif not unify(c.result, typed.type):
        name, result, given = item.name, shown(c.result), shown(typed.type)
        message = f"`{name}` returns {result} elsewhere, and its last value is {given}"
        c.p.error("E0401", node.at, message, f"write `-> {result}`, and give such a value at the end")
    item.result = resolve(c.result)
    if item.needs_foreign and item.is_seen and item.own and resolve(c.result) is not UNIT:
        known = resolve(c.result) is not ERROR and shown(c.result) != "_"
        hint = f"write `-> {shown(c.result)}`" if known else "write `->` and the type"
        c.p.error(
            "E0507", node.at, f"what `{item.name}` returns depends on another module's function without `->`", hint
        )
    return typed


def unused_locals(c: Fn) -> None:
    for variable in c.variables:
        if not variable.read and variable.name[:1] != "_":
            hint = f"if that is meant, call it `_{variable.name}`"
            c.p.warn("W0004", variable.at, f"`{variable.name}` is never used", hint)
