"""Blocks and what stands in them: `let`, assignments, expressions for their effect, nested items."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import assign_key
from orchestrator.toolchains.ruchy.check.data.mixed import must_be_taken_apart
from orchestrator.toolchains.ruchy.check.dropped import warn_of_dropped
from orchestrator.toolchains.ruchy.check.function import (
    DROP,
    HANDLERS,
    TAIL,
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    fit,
    handles,
    open_type,
)
from orchestrator.toolchains.ruchy.check.functions.named_lambdas import let_lambda, note_lambda
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.asked import wanted_by_patterns
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.items import nested_items
from orchestrator.toolchains.ruchy.check.lending.aliases import lent, let_lent
from orchestrator.toolchains.ruchy.check.lending.places import (
    mutated,
    part_value,
    place_of,
    read_place,
    read_variable,
    write_place,
    writes_through_reference,
)
from orchestrator.toolchains.ruchy.check.matching.binding import NOTHING, bindings, destructure, forget, held_against
from orchestrator.toolchains.ruchy.check.matching.patterns import declare, read_pattern
from orchestrator.toolchains.ruchy.check.operators import arithmetic
from orchestrator.toolchains.ruchy.check.scope import DEFINITIONS, Variable
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, NEVER, UNIT, MixedType
from orchestrator.toolchains.ruchy.check.variables import (
    let_global,
    let_parts,
    type_of_global,
)
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from collections.abc import Sequence

_LET: Why = ("E0201", "`{0}` is declared as {want}, and its value is {got}")


@handles(tree.Block)
def block(c: Fn, node: tree.Block, want: Want, why: Why) -> hir.Expr:
    """A block's value is its last expression's, even behind a `;`."""
    return body(c, node.at, node.statements, want, why)


def body(c: Fn, at: int, statements: Sequence[tree.Stmt], want: Want, why: Why) -> hir.Expr:
    """Statements as a block: its own scope, nested items seen from everywhere in it."""
    mark, env = len(c.undo), c.env
    c.p.work.depth += 1
    for statement in statements:
        if statement.__class__ in DEFINITIONS:
            nested_items(c, statements)
            break
    typed = _statements(c, at, statements, want, why)
    c.p.work.depth -= 1
    c.env = env
    c.leave(mark)
    return typed


def _statements(c: Fn, at: int, statements: Sequence[tree.Stmt], want: Want, why: Why) -> hir.Expr:
    out: list[hir.Stmt] = []
    value: hir.Expr | None = None
    diverged: hir.Expr | None = None
    last = len(statements) - 1
    for i, statement in enumerate(statements):
        if diverged is not None:
            c.p.warn("W0005", statement.at, "this code is never reached")
            _rest(c, statements[i:])
            break
        if isinstance(statement, tree.ExprStmt):
            if i < last or want is DROP or (want is UNIT and statement.semicolon):
                typed = _effect(c, statement.value, out)
            else:
                value = typed = HANDLERS[statement.value.__class__](c, statement.value, want, why)
                if want is not None and want is not TAIL and typed.type is not want and typed.type is not NEVER:
                    value = typed = fit(c, typed, want, why, statement.value)
        elif isinstance(statement, tree.Let):
            variable, typed = let(c, statement, out)
            if i == last and want is not DROP and want is not UNIT and typed.type is not NEVER:
                value = _value_of_let(c, statement, variable, typed, out, want, why)
        elif statement.__class__ in DEFINITIONS:
            continue
        else:
            typed = _effect(c, cast("tree.Expr", statement), out)
        if typed.type is NEVER:
            diverged = typed
    return _made(c, at, out, value, diverged)


def _value_of_let(
    c: Fn, node: tree.Let, variable: Variable | None, typed: hir.Expr, out: list[hir.Stmt], want: Want, why: Why
) -> hir.Expr | None:
    """A block that ends in a `let` has the value of that `let`."""
    if variable is not None:
        variable.read = want is not TAIL
        value = read_variable(c, variable, node.at)
    elif isinstance(node.pattern, tree.WildcardPattern) and want is not TAIL:
        out.pop()
        value = typed
    else:
        return None
    return value if want is None or want is TAIL or value.type is want else fit(c, value, want, why, node)


def _made(c: Fn, at: int, out: list[hir.Stmt], value: hir.Expr | None, diverged: hir.Expr | None) -> hir.Expr:
    if diverged is not None:
        if out and isinstance(out[-1], hir.Do) and out[-1].value is diverged:
            out.pop()
        value = diverged
    if value is None:
        value = hir.Unit(UNIT, at)
    return open_type(c, hir.Block(value.type, at, out, value)) if out else value


def _rest(c: Fn, statements: Sequence[tree.Stmt]) -> None:
    """Code behind a `return` is checked for errors and not compiled."""
    warned, declared, slots = c.p.report.warnings, len(c.variables), len(c.locals)
    c.p.report.warnings = []
    out: list[hir.Stmt] = []
    for statement in statements:
        if isinstance(statement, tree.ExprStmt):
            expr(c, statement.value, DROP)
        elif isinstance(statement, tree.Let):
            let(c, statement, out)
    c.p.report.warnings = warned
    del c.variables[declared:]
    c.locals[slots:] = [UNIT] * (len(c.locals) - slots)  # which nothing that is compiled reads


def _effect(c: Fn, node: tree.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """An expression whose value nobody wants."""
    if isinstance(node, tree.Assign):
        return assign(c, node, out)
    needs_foreign = c.foreign
    typed = HANDLERS[node.__class__](c, node, DROP, ())
    if isinstance(node, tree.Call):
        c.foreign = needs_foreign
    if isinstance(node, tree.MethodCall):
        warn_of_dropped(c, node, typed)
    if not isinstance(typed, hir.Unit):
        out.append(hir.Do(typed))
    return typed


def let(c: Fn, node: tree.Let, out: list[hir.Stmt]) -> tuple[Variable | None, hir.Expr]:
    """`let [mut] name [: T] = value`. The new variable, if its pattern is a name, and its value."""
    pattern = node.pattern
    name = pattern.name if isinstance(pattern, tree.NamePattern) and pattern.inner is None else ""
    shared = c.p.module.top_lets.get(name)
    if shared is not None and shared.lives and shared.node is node:
        kind = type_of_global(c.p, shared)
        if node.type is not None:
            type_of(c.p, c.env, node.type)
        typed = check(c, node.value, kind, (*_LET, name))
        return let_global(c, shared, typed, pattern.at, out), typed
    if name and let_lambda(c, name, node):
        return None, hir.Unit(UNIT, node.at)
    inner = lent(c, node.value) if name and not isinstance(node.value, tree.Path) and node.otherwise is None else None
    if inner is not None and isinstance(pattern, tree.NamePattern) and pattern.inner is None:
        return None, let_lent(c, node, inner, pattern, out)
    if node.type is not None:
        kind = type_of(c.p, c.env, node.type)
        typed = check(c, node.value, kind, (*_LET, name or "_"))
    else:
        wanted = None if node.otherwise is None else wanted_by_patterns(c, node.value, [pattern])
        typed = started(c.p, expr(c, node.value, wanted))
        kind = resolve(typed.type)
        if isinstance(kind, MixedType) and isinstance(node.value, tree.Array) and c.item is not None:
            must_be_taken_apart(c, name, node.value, typed, c.item.node.body)
        c.p.started_open(node, kind)
    if node.otherwise is not None or not (name or isinstance(pattern, tree.WildcardPattern)):
        return None, _let_pattern(c, node, typed, out)
    if not isinstance(pattern, tree.NamePattern):
        out.append(hir.Do(typed))
        return None, typed
    if kind is NEVER:
        kind = ERROR
    is_lent = bool(c.lends) and _is_lent(c, node.value)
    variable = c.declare(name, kind, pattern.at, node.mutable or pattern.mutable, declared=True)
    variable.lent = is_lent
    if node.type is None:
        note_lambda(c, node, variable)
    if typed.type is NEVER:  # nothing that is compiled reads it
        c.locals[variable.slot] = UNIT
    out.append(hir.Do(typed) if kind is UNIT or typed.type is NEVER else hir.Let(variable.slot, typed))
    return variable, typed


def _let_pattern(c: Fn, node: tree.Let, typed: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
    """`let (a, b) = value`, `let Some(a) = value else { .. }`."""
    if typed.type is NEVER:
        slots = len(c.locals)
        declare(c, read_pattern(c, node.pattern, NOTHING), True)
        forget(c, slots)
        if node.otherwise is not None:
            block(c, node.otherwise, DROP, ())
        out.append(hir.Do(typed))
        return typed
    if node.otherwise is not None:
        names = let_else(c, node.pattern, typed, out, node.otherwise, node.mutable)
    else:
        names = destructure(c, node.pattern, typed, out, "let", node.mutable)
    out += bindings(c, names, every=True)
    if c.top and c.p.module.top_lets:
        let_parts(c, node, out)
    return hir.Unit(UNIT, node.at)


def let_else(
    c: Fn, pattern: tree.Pattern, typed: hir.Expr, out: list[hir.Stmt], otherwise: tree.Block, mutable: bool
) -> list[tuple[Variable, hir.Expr | None]]:
    """The names of a pattern, behind a block that is left where the value does not fit."""
    reading, test = held_against(c, pattern, typed, out)
    left = block(c, otherwise, DROP, ())
    if left.type is not NEVER and left.type is not ERROR:
        hint = "end it with `return`, `break`, `continue` or `panic`"
        c.p.error("E0275", otherwise.at, "the `else` of a `let` goes on to where its names are used", hint)
    if test is not None:
        at = pattern.at
        out.append(hir.Do(hir.If(UNIT, at, hir.Not(BOOL, at, test), left, hir.Unit(UNIT, at))))
    return declare(c, reading, mutable)


@handles(tree.Assign)
def assign_value(c: Fn, node: tree.Assign, want: Want, why: Why) -> hir.Expr:
    """An assignment where a value stands: it is unit."""
    out: list[hir.Stmt] = []
    typed = assign(c, node, out)
    return hir.Block(typed.type, node.at, out, hir.Unit(UNIT, node.at)) if out else typed


def assign(c: Fn, node: tree.Assign, out: list[hir.Stmt]) -> hir.Expr:
    """`place = value`, `place op= value`: a variable, or fields of one."""
    if isinstance(node.place, tree.Tuple | tree.Array) and not node.op:
        return assign_parts(c, node, node.place, out)
    place = place_of(c, node.place, out, to_set=not node.op)
    if place is None or writes_through_reference(c, node.place, place.variable):
        expr(c, node.value)
        return bad(node.at)
    if place.key is not None:
        return assign_key(c, place.key, place, node.value, out)
    mutated(c, place.variable, node.place.at)
    if node.op:
        value = arithmetic(c, node.at, node.op, read_place(c, node.place.at, place), node.value)
        if value.type is not place.type:
            value = fit(c, value, place.type, place.why, node.value)
    else:
        value = (part_value if place.steps else check)(c, node.value, place.type, place.why)
    if value.type is NEVER:
        out.append(hir.Do(value))
        return value
    write_place(c, place, value, node.at, out)
    return hir.Unit(UNIT, node.at)


def assign_parts(c: Fn, node: tree.Assign, places: tree.Tuple | tree.Array, out: list[hir.Stmt]) -> hir.Expr:
    """`(a, b) = (b, a)`: all values are there before the first of them is assigned."""
    count = len(places.elements)
    typed = expr(c, node.value)
    if typed.type is NEVER:
        out.append(hir.Do(typed))
        return typed
    names = [tree.NamePattern(one.at, f"{index}") for index, one in enumerate(places.elements)]
    kind = tree.TuplePattern if isinstance(places, tree.Tuple) else tree.ListPattern
    mark = len(c.undo)
    bound = destructure(c, kind(places.at, [*names]), typed, out, "=")
    out += bindings(c, bound, every=True)
    for place, (variable, _) in zip(places.elements, bound[:count], strict=False):
        if not (isinstance(place, tree.Path) and place.segments == ("_",)):
            assign(c, tree.Assign(place.at, place, "", tree.Path(place.at, (variable.name,))), out)
    c.leave(mark)
    return hir.Unit(UNIT, node.at)


def _is_lent(c: Fn, value: tree.Expr) -> bool:
    """Whether a value is that of a parameter `&mut T`, under another name from here on."""
    waiting: list[tree.Node | None] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Path):
            target = c.names.get(node.segments[0])
            if isinstance(target, Variable) and target.lent and len(node.segments) == 1:
                return True
        elif isinstance(node, tree.Block):
            waiting += [statement for statement in node.statements[:-1] if isinstance(statement, tree.Let)]
            waiting += node.statements[-1:]
        elif isinstance(node, tree.ExprStmt | tree.Let):
            waiting.append(node.value)
        elif isinstance(node, tree.If):
            waiting += (node.then, node.otherwise)
    return False
