"""Items: collecting them, and checking the bodies of functions, callees first where a result must be found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.annotations import field_types, signature
from orchestrator.toolchains.ruchy.check.consts import read_const
from orchestrator.toolchains.ruchy.check.expressions import no_global
from orchestrator.toolchains.ruchy.check.function import DROP, TAIL, Fn, Why, check
from orchestrator.toolchains.ruchy.check.infer import resolve, settle, shown, unify
from orchestrator.toolchains.ruchy.check.module import NeedsFirst, TopLet
from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    ConstItem,
    Env,
    FunctionItem,
    Item,
    LostItem,
    ModuleItem,
    StructItem,
)
from orchestrator.toolchains.ruchy.check.statements import body as block_body
from orchestrator.toolchains.ruchy.check.types import ERROR, NEVER, UNIT, StructType, Type
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.toolchains.ruchy.check.module import Module

_VALUE: Why = ("E0401", "`{0}` returns {want}, and its last value is {got}")
_DEPTH = 20
"""Blocks and calls around a call whose callee is checked in place; deeper ones are checked from the outside."""


def collect(m: Module, statements: Iterable[Any], scope: str = "") -> None:
    """Enters the items of the file, or of an inline module, into `m.items`."""
    env = Env(m.name, scope)
    for node in statements:
        item = make_item(m, node, f"{scope}::" if scope else "", env)
        if item is not None:
            _enter(m, m.items, f"{scope}::{node.name}" if scope else node.name, node, item)
            if isinstance(node, tree.Mod) and node.items:
                collect(m, node.items, f"{scope}::{node.name}" if scope else node.name)


def make_item(m: Module, node: Any, prefix: str, env: Env) -> Item | None:
    """The item of a definition; None for what defines no name of its own."""
    kind = node.__class__
    if kind is tree.Function:
        function = FunctionItem(node.name, f"{m.name}::{prefix}{node.name}", node, env, own=True)
        m.functions.append(function)
        return function
    if kind is tree.Struct:
        return _struct(m, node, prefix, env)
    if kind is tree.Const:
        return ConstItem(node.name, node, env, own=True)
    if kind is tree.TypeAlias:
        return AliasItem(node.name, node, env, own=True)
    if kind is tree.Enum:
        not_yet(m, node.at, "enums")
        return LostItem(node.name)
    if kind is tree.Impl:
        not_yet(m, node.at, "methods")
        m.with_methods.add(StructType(m.name, prefix + node.target.path[-1]))
        return None
    if kind is tree.Mod:
        # `mod name;` means a file, which the imports bind
        return ModuleItem(node.name) if node.items is not None else None
    return None


def _struct(m: Module, node: tree.Struct, prefix: str, env: Env) -> Item:
    kind = StructType(m.name, prefix + node.name)
    if node.tuple_like and node.fields:
        not_yet(m, node.at, "tuple structs")
    elif node.generics:
        not_yet(m, node.at, "generics")
    if node.methods:
        not_yet(m, node.methods[0].at, "methods")
        m.with_methods.add(kind)
    return StructItem(node.name, kind, node, env, own=True)


def _enter(m: Module, items: dict[str, Any], name: str, node: Any, item: Item) -> None:
    if name in items:
        m.error("E0601", node.at, f"`{node.name}` is defined twice", "give one of them another name")
        if isinstance(item, FunctionItem):
            m.functions.remove(item)
        return
    items[name] = item


def nested_items(c: Fn, nodes: list[Any]) -> None:
    """Items inside a block: seen from everywhere in it; their names are the function's, with a dot."""
    m = c.m
    outer = {name: what for name, what in c.names.items() if hasattr(what, "env") or isinstance(what, LostItem)}
    found: dict[str, Any] = {}
    env = Env(c.env.module, c.env.scope, c.env.names, found)
    for node in nodes:
        name = getattr(node, "name", "")
        item = make_item(m, node, f"{c.path}.", env)
        if item is None or not name:
            continue
        if isinstance(item, FunctionItem):
            function = item
            while any(other.symbol == function.symbol for other in m.functions if other is not function):
                function.symbol += "'"
        _enter(m, found, name, node, item)
    for name, item in found.items():
        c.undo.append((name, c.names.get(name)))
        c.names[name] = item
    for name, what in outer.items():
        found.setdefault(name, what)
    for node in nodes:
        item = found.get(getattr(node, "name", ""))
        if isinstance(item, StructItem) and item.node is node:
            check_struct(m, item)
        elif isinstance(item, ConstItem) and item.node is node:
            read_const(c, item, node.at)


# ---------------------------------------------------------------- types and constants


def check_types(m: Module) -> None:
    """Reads every alias, struct and constant of the module, whether it is used or not."""
    from orchestrator.toolchains.ruchy.check.annotations import alias_target

    for name, item in list(m.items.items()):
        if isinstance(item, AliasItem):
            alias_target(m, item)
        elif isinstance(item, StructItem):
            check_struct(m, item)
        elif isinstance(item, ConstItem):
            const = item
            settled(m, lambda one=const, path=name: read_const(Fn(m, one.env, path), one, one.node.at))  # type: ignore[misc]


def check_struct(m: Module, item: StructItem) -> None:
    """Fields: each of its own name, of a type that exists, with a default of that type."""
    seen: set[str] = set()
    for field in item.node.fields:
        if field.name in seen and not item.node.tuple_like:
            m.error("E0602", field.at, f"the field `{field.name}` is declared twice")
        seen.add(field.name)
    if item.node.tuple_like or item.node.generics:
        return
    types = field_types(m, item)
    for field, kind in zip(item.node.fields, types, strict=True):
        if field.default is not None:
            why = ("E0201", "the default of `{0}` is {got}, and {want} is needed", field.name)
            check(Fn(m, item.env, item.name), field.default, kind, why)
    _not_endless(m, item)


def _not_endless(m: Module, item: StructItem) -> None:
    """E0218 for a struct that holds itself: no value of it could ever be made."""
    if item.type in m.endless:
        return
    waiting = [(item.type, (item.name,))]
    seen = {item.type}
    while waiting:
        kind, path = waiting.pop()
        inner = m.layouts.get(kind) or (item if kind == item.type else None)
        if inner is None:
            continue
        for field in field_types(m, inner):
            if field == item.type:
                names = " holds ".join(f"`{name}`" for name in (*path, item.name))
                m.error("E0218", item.node.at, f"the struct {names}: no value of it can be made")
                m.endless.update(seen)
                item.types = [ERROR if part == item.type else part for part in field_types(m, item)]
                return
            if isinstance(field, StructType) and field not in seen:
                seen.add(field)
                waiting.append((field, (*path, shown(field))))  # type: ignore[arg-type]


# ---------------------------------------------------------------- functions


def check_functions(m: Module) -> None:
    """All bodies: first those whose parameters are known, which tells those of the others."""
    for item in m.functions:
        signature(m, item)
    for untyped in (False, True):
        at = 0
        while at < len(m.functions):  # nested functions are added on the way
            item = m.functions[at]
            at += 1
            if item.state == 0 and item.untyped is untyped:
                run(m, item)


def run(m: Module, item: FunctionItem) -> None:
    """Checks a function, and before it whatever it turns out to need that is too deep to be checked on the way."""
    stack = [item]
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


# ---------------------------------------------------------------- the top level


def check_top(m: Module, statements: list[Any]) -> None:
    """The top-level statements, as the function "<top>"."""
    from orchestrator.toolchains.ruchy.check.statements import ITEMS

    loose = [node for node in statements if node.__class__ not in ITEMS]
    if not loose:
        return
    env = Env(m.name)
    names = [node.pattern.name for node in loose if _is_plain_let(node)]
    for node in loose:
        if _is_plain_let(node):
            name = node.pattern.name
            const = tree.Const(node.at, name, False, node.type, node.value)
            item = ConstItem(name, const, env, own=names.count(name) == 1 and _is_literal(node.value))
            m.top_lets[name] = TopLet(item)
    c, made = _top_body(m, env, loose)
    for variable in c.variables:
        shared = m.top_lets.get(variable.name)
        if shared is not None and variable.assigned:
            shared.assigned = True
            if shared.shared >= 0:
                no_global(c, shared.shared, variable.name)
    m.top = c
    m.bodies[f"{m.name}::<top>"] = hir.FunctionBody(
        symbol=f"{m.name}::<top>",
        public=False,
        parameters=[],
        result=UNIT,
        locals=c.locals,
        body=made,
        start=0,
        at=loose[0].at,
    )


def _top_body(m: Module, env: Env, loose: list[Any]) -> tuple[Fn, hir.Expr]:
    made: list[tuple[Fn, hir.Expr]] = []

    def action() -> None:
        c = Fn(m, env, "<top>")
        made.append((c, block_body(c, loose[0].at, loose, DROP, ())))

    settled(m, action)
    return made[-1]


def _is_plain_let(node: Any) -> bool:
    return isinstance(node, tree.Let) and isinstance(node.pattern, tree.NamePattern)


def _is_literal(node: Any) -> bool:
    """Whether a value is a literal, or arithmetic on literals: known without running anything."""
    while isinstance(node, tree.Binary):
        if not _is_literal(node.right):
            return False
        node = node.left
    if isinstance(node, tree.Unary):
        node = node.operand
    return isinstance(node, tree.IntLiteral | tree.FloatLiteral | tree.BoolLiteral | tree.StringLiteral)


def unused_locals(c: Fn) -> None:
    for variable in c.variables:
        shared = c.m.top_lets.get(variable.name) if c.top else None
        if not variable.read and variable.name[:1] != "_" and (shared is None or shared.shared < 0):
            hint = f"if that is meant, call it `_{variable.name}`"
            c.m.warn("W0004", variable.at, f"`{variable.name}` is never used", hint)
