"""Bodies of functions, callees first where only a body tells what a call gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.annotations import is_written_through, signature
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Why, check
from orchestrator.toolchains.ruchy.check.infer import Var, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.module import NeedsFirst, unit_of
from orchestrator.toolchains.ruchy.check.sandbox import DEPTH, decide, find_out, inside, is_seen, look_into
from orchestrator.toolchains.ruchy.check.scope import (
    FunctionItem,
)
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, Type
from orchestrator.toolchains.ruchy.check.widths import placed
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.toolchains.ruchy.check.module import Module

_VALUE: Why = ("E0401", "`{0}` returns {want}, and its last value is {got}")


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
        found = attempt(m, lambda one=current: check_body(m, one))  # type: ignore[misc]
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
    kept: tuple[list[Any], ...] = (
        m.errors,
        m.warnings,
        m.pending,
        m.literals,
        m.late,
        m.flows,
        m.grown,
        m.finished,
        m.functions,
    )
    room = m.room
    sizes = [len(one) for one in kept]
    silent, failed, depth, m.depth = m.silent, m.failed, m.depth, 0
    needed = None
    try:
        action()
    except NeedsFirst as needs:
        needed = needs.item
        m.errors, m.warnings, m.pending, m.literals, m.late, m.flows, m.grown, m.finished, m.functions = kept
        m.room = room
        m.inlining.clear()
        for item in m.finished[sizes[-2] :]:  # what was found of them goes too, so they begin anew
            item.state = 0
        for item in m.functions[sizes[-1] :]:  # nested ones will be found again, with the errors of their signatures
            item.types = item.types if item.state == 2 else None
        for one, size in zip(kept, sizes, strict=True):
            del one[size:]
        m.silent, m.failed = silent, failed
    m.depth = depth
    return needed


def demand(m: Module, item: FunctionItem) -> None:
    """The result of a function that has no `->` is needed now."""
    if m.depth > DEPTH:
        if any(item is one for one in m.waiting):  # a long circle: the result stays open, and its own body will tell
            return
        raise NeedsFirst(item)
    signature(m, item)
    m.depth += 6
    silent, m.silent = m.silent, 0 if item.sandbox is None else m.silent
    check_body(m, item)
    m.silent = silent
    m.depth -= 6


def check_body(m: Module, item: FunctionItem) -> None:
    """Checks the body of a function, where it belongs: in the module, or in a sandbox."""
    if item.sandbox is None:
        check_function(m, item)
    elif item.own:  # nested in a function that is looked at in a sandbox
        with inside(m, item.sandbox):
            check_function(m, item)
    elif m.decided.get(item.symbol) is item:
        find_out(m, item)
    else:
        look_into(m, item)


def check_function(m: Module, item: FunctionItem) -> None:
    """Checks a body, and enters it into `m.bodies`."""
    before = m.look_for(unit_of(item.symbol)) if item.sandbox is None else m.now_seen
    m.here = item.node.at if item.sandbox is None else m.here
    inlining, m.inlining = m.inlining, {}
    m.level += 1
    item.state = 1
    try:
        _check_function(m, item)
        item.state = 2
        m.finished.append(item)
    finally:
        m.now_seen = before
        m.inlining = inlining
        m.level -= 1
        if item.state == 1:  # it begins anew
            item.state = 0


def _check_function(m: Module, item: FunctionItem) -> None:
    types = signature(m, item)
    node = item.node
    if node.generics:
        m.failed = True
        return
    if item.name == "main" and item.required and item.symbol == f"{m.name}::main":
        m.error("E0301", node.at, "`main` takes no parameters: nothing gives it any", "remove them")
    c = Fn(m, item.env, item.symbol.partition("::")[2], item)
    if item.inferred and is_seen(item) and item.sandbox is None:
        known_result(c, item)
    made = body_of(c, item, types)
    item.needs_foreign = item.needs_foreign or c.foreign
    if item.inferred and is_seen(item) and item.sandbox is None and not m.failed:
        hint = f"write `-> {shown(c.result)}`"
        m.error("E0507", node.at, f"what `{item.name}` returns cannot be told from its body alone", hint)
    unused_locals(c)
    m.bodies[item.symbol] = hir.FunctionBody(
        symbol=item.symbol,
        public=node.public,
        parameters=types,
        result=cast("Type", item.result),
        locals=c.locals,
        body=made,
        start=m.starts.get(unit_of(item.symbol), 0),
        at=node.at,
    )


def body_of(c: Fn, item: FunctionItem, types: list[Type]) -> hir.Expr:
    """The typed body of a function, whose parameters have these types."""
    m, node = c.m, item.node
    seen: set[str] = set()
    for parameter, kind in zip(node.parameters, types, strict=True):
        if parameter.name in seen and parameter.name != "_":
            m.error("E0603", parameter.at, f"the parameter `{parameter.name}` is declared twice")
        seen.add(parameter.name)
        variable = c.declare(parameter.name, kind, parameter.at, parameter.mutable)
        if is_written_through(parameter.type):
            variable.lent = c.lends = True
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
    inner = Fn(c.m, c.env, c.path)
    inner.nests = False
    check(inner, parameter.default, kind, why)


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
    elif (placed_value := placed(c.m, made, c.result)) is not None:
        made = placed_value
    elif not unify(c.result, made.type):
        name, result, got = item.name, shown(c.result), shown(made.type)
        message = f"`{name}` returns {result} elsewhere, and its last value is {got}"
        c.m.error("E0401", node.at, message, f"write `-> {result}`, and give such a value at the end")
    item.result = resolve(c.result)
    if item.needs_foreign and is_seen(item) and item.own and resolve(c.result) is not UNIT:
        known = resolve(c.result) is not ERROR and shown(c.result) != "_"
        hint = f"write `-> {shown(c.result)}`" if known else "write `->` and the type"
        c.m.error(
            "E0507", node.at, f"what `{item.name}` returns depends on another module's function without `->`", hint
        )
    return made


def inferred_result(c: Fn, item: FunctionItem) -> Type:
    """The result of a function without `->`, which somebody needs now."""
    m = c.m
    if item.own and not is_seen(item):
        if item.state == 0:
            demand(m, item)
        c.foreign = c.foreign or item.needs_foreign
        return resolve(cast("Type", item.result))
    if item.sandbox is not None and item.sandbox is m.sandbox:
        if item.state == 0:
            demand(m, item)
        c.foreign = c.foreign or item.needs_foreign or c.env.module != item.env.module
        return resolve(cast("Type", item.result))
    return known_result(c, item)


def known_result(c: Fn, item: FunctionItem) -> Type:
    """That of a `pub` one, or of one of another module: found in its text alone. One whose text does not tell is an
    error of its module."""
    m = c.m
    result = decide(m, item)
    if c.env.module != item.env.module:
        c.foreign = True
    if result.__class__ is Var:  # in the middle of a circle
        return result
    if not item.own and item.needs_foreign and result is not UNIT:
        result = ERROR
    if result is ERROR:
        if item.own:  # its own check goes on with what it finds
            return resolve(cast("Type", item.result))
        m.reported_elsewhere(f"what `{item.name}` returns")
    item.result = result
    item.inferred = False
    return result


def unused_locals(c: Fn) -> None:
    for variable in c.variables:
        if not variable.read and variable.name[:1] != "_":
            hint = f"if that is meant, call it `_{variable.name}`"
            c.m.warn("W0004", variable.at, f"`{variable.name}` is never used", hint)
