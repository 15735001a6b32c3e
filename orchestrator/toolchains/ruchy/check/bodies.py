"""Bodies of functions, callees first where only a body tells what a call gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.annotations import signature
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Why, check
from orchestrator.toolchains.ruchy.check.infer import resolve, settle, shown, unify
from orchestrator.toolchains.ruchy.check.module import NeedsFirst
from orchestrator.toolchains.ruchy.check.scope import (
    FunctionItem,
)
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, StructType, Type
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.check.module import Module

_VALUE: Why = ("E0401", "`{0}` returns {want}, and its last value is {got}")
_DEPTH = 20
"""Blocks and calls around a call whose callee is checked in place; deeper ones are checked from the outside."""


def check_functions(m: Module) -> None:
    """All bodies: first those whose parameters are known, which tells those of the others."""
    for untyped in (False, True):
        at = 0
        while at < len(m.functions):  # nested functions are added on the way
            item = m.functions[at]
            at += 1
            signature(m, item)
            if item.state == 0 and (untyped or not item.untyped):
                run(m, item)


def run(m: Module, item: FunctionItem) -> None:
    """Checks a function, and before it whatever it turns out to need that is too deep to be checked on the way."""
    stack = m.waiting = [item]
    while stack:
        current = stack[-1]
        if current.state == 2:
            stack.pop()
            continue
        found = attempt(m, lambda one=current: (check_function if one.own else infer_foreign)(m, one))  # type: ignore[misc]
        if found is None:
            stack.pop()
        else:
            stack.append(found)


def settled(m: Module, action: Callable[[], object]) -> None:
    """Does something that may need results of functions, which are found out before where they are too deep."""
    while (found := attempt(m, action)) is not None:
        run(m, found)


def attempt(m: Module, action: Callable[[], object]) -> FunctionItem | None:
    """Does something, or undoes it and tells which function has to be checked first."""
    kept: tuple[list[Any], ...] = (m.errors, m.warnings, m.pending, m.literals, m.late, m.functions)
    sizes = [len(one) for one in kept]
    muted, failed, depth, m.depth = m.muted, m.failed, m.depth, 0
    needed = None
    try:
        action()
    except NeedsFirst as needs:
        needed = needs.item
        m.errors, m.warnings, m.pending, m.literals, m.late, m.functions = kept
        for item in m.functions:  # those in work begin anew, and nested ones will be found again
            if item.state == 1:
                item.state = 0
        for one, size in zip(kept, sizes, strict=True):
            del one[size:]
        m.muted, m.failed = muted, failed
    m.depth = depth
    return needed


def demand(m: Module, item: FunctionItem) -> None:
    """The result of a function that has no `->` is needed now."""
    if m.depth > _DEPTH:
        if any(item is one for one in m.waiting):  # a long circle: the result stays open, and its own body will tell
            return
        raise NeedsFirst(item)
    signature(m, item)
    m.depth += 6
    muted, m.muted = m.muted, 0
    check_function(m, item)
    m.muted = muted
    m.depth -= 6


def check_function(m: Module, item: FunctionItem) -> None:
    """Checks a body, and enters it into `m.bodies`."""
    item.state = 1
    types = signature(m, item)
    node = item.node
    if node.generics:
        item.state = 2
        m.failed = True
        return
    if item.name == "main" and item.required and item.symbol == f"{m.name}::main":
        m.error("E0301", node.at, "`main` takes no parameters: nothing gives it any", "remove them")
    c = Fn(m, item.env, item.symbol.partition("::")[2], item)
    made = _body(c, item, types)
    item.state = 2
    unused_locals(c)
    m.bodies[item.symbol] = hir.FunctionBody(
        symbol=item.symbol,
        public=node.public,
        parameters=types,
        result=cast("Type", item.result),
        locals=c.locals,
        body=made,
        start=node.start,
        at=node.at,
    )


def _body(c: Fn, item: FunctionItem, types: list[Type]) -> hir.Expr:
    m, node = c.m, item.node
    seen: set[str] = set()
    for parameter, kind in zip(node.parameters, types, strict=True):
        if parameter.name in seen and parameter.name != "_":
            m.error("E0603", parameter.at, f"the parameter `{parameter.name}` is declared twice")
        seen.add(parameter.name)
        variable = c.declare(parameter.name, kind, parameter.at, parameter.mutable)
        if variable.slot < 0:  # parameters have a slot whatever their type
            c.slot(kind)
        if parameter.default is not None and item.own:
            _default(c, parameter, kind)
    c.result = cast("Type", item.result)
    if node.result is not None:
        return _annotated(c, item)
    return _inferred(c, item)


def _default(c: Fn, parameter: tree.Parameter, kind: Type) -> None:
    """A default is computed in the scope of the module, at each call that needs it."""
    why = ("E0201", "the default of `{0}` is {got}, and {want} is needed", parameter.name)
    check(Fn(c.m, c.env, c.path), parameter.default, kind, why)


def _annotated(c: Fn, item: FunctionItem) -> hir.Expr:
    m, node, result = c.m, item.node, c.result
    why = (*_VALUE, item.name)
    statements = node.body.statements
    errors = len(m.errors)
    if result is not UNIT and _ends_without_value(statements):
        made = block_body(c, node.body.at, statements, DROP, why)
        if made.type is not NEVER and len(m.errors) == errors and result is not ERROR:
            _missing(c, item)
        return made
    made = block_body(c, node.body.at, statements, result, why)
    if made.type is UNIT and result is not UNIT and result is not ERROR and len(m.errors) == errors:
        _missing(c, item)
    return made


_LOOPS = (tree.While, tree.For, tree.Assign)


def _ends_without_value(statements: list[Any]) -> bool:
    """Whether a body ends in something that never has a value: then the `return` is missing, not its type wrong."""
    if not statements:
        return True
    last = statements[-1]
    value = last.value if isinstance(last, tree.ExprStmt) else last
    if isinstance(value, tree.If):
        while isinstance(value, tree.If):
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
    c.m.error("E0402", item.node.at, message, f"end it with a value of type {wanted}, or remove `-> {wanted}`")


def _inferred(c: Fn, item: FunctionItem) -> hir.Expr:
    node = item.node
    made = block_body(c, node.body.at, node.body.statements, TAIL, ())
    if made.type is NEVER:
        if not c.returned:
            unify(c.result, UNIT)
    elif resolve(c.result) is UNIT:
        if resolve(made.type) is not UNIT:
            made = hir.Block(UNIT, made.at, [hir.Do(made)], hir.Unit(UNIT, made.at))
    elif not unify(c.result, made.type):
        name, result, got = item.name, shown(c.result), shown(made.type)
        message = f"`{name}` returns {result} elsewhere, and its last value is {got}"
        c.m.error("E0401", node.at, message, f"write `-> {result}`, and give such a value at the end")
    item.result = resolve(c.result)
    item.tainted = c.foreign
    if c.foreign and node.public and item.own and resolve(c.result) is not UNIT:
        hint = f"write `-> {shown(c.result)}`" if resolve(c.result) is not ERROR else "write `->` and the type"
        c.m.error(
            "E0507", node.at, f"what `{item.name}` returns depends on another module's function without `->`", hint
        )
    return made


def foreign_result(c: Fn, item: FunctionItem) -> Type:
    """The result of another module's function without `->`: found in its body, which its interface carries. Not where
    yet another module is asking: that one has to write what it returns, and is told so."""
    m = c.m
    if c.env.module != item.env.module:
        c.foreign = True
        if c.env.names is not None:
            m.failed = True
            return ERROR
    if item.state == 0:
        if m.depth > _DEPTH:
            raise NeedsFirst(item)
        m.depth += 6
        infer_foreign(m, item)
        m.depth -= 6
    return resolve(cast("Type", item.result))


def infer_foreign(m: Module, item: FunctionItem) -> None:
    """Checks the body of another module's function, silently and for its result alone."""
    kept = m.pending, m.literals, m.late, m.layouts
    m.pending, m.literals, m.late, m.layouts = [], [], [], dict(m.layouts)
    failed = m.failed
    m.muted += 1
    item.state = 1
    try:
        inner = Fn(m, item.env, "", item)
        _body(inner, item, signature(m, item))
        inferred = ERROR if inner.foreign else settle(cast("Type", item.result))
        item.state = 2
    finally:
        layouts = m.layouts
        m.pending, m.literals, m.late, m.layouts = kept
        m.muted -= 1
        if item.state == 1:
            item.state = 0
    item.result = inferred
    if isinstance(inferred, StructType):
        m.layouts.setdefault(inferred, layouts[inferred])
    m.failed = failed or inferred is ERROR
    m.excused = m.excused or inferred is ERROR  # that module reports it


def unused_locals(c: Fn) -> None:
    for variable in c.variables:
        shared = c.m.top_lets.get(variable.name) if c.top else None
        if not variable.read and variable.name[:1] != "_" and (shared is None or shared.shared < 0):
            hint = f"if that is meant, call it `_{variable.name}`"
            c.m.warn("W0004", variable.at, f"`{variable.name}` is never used", hint)
