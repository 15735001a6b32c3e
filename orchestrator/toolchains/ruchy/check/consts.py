"""Constants: folded to a literal where that is possible, else computed at each use."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Union

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, openness, resolve, settle
from orchestrator.toolchains.ruchy.check.inference.widths import holds
from orchestrator.toolchains.ruchy.check.scope import ConstItem, Env
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, F64, STRING, IntType, Type
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.paths import paths_in

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

_CONST: Why = ("E0201", "the constant `{0}` is declared as {want}, and its value is {got}")
_DEFAULT: Why = ("E0201", "the default is {got}, and {want} is needed")


def const_value(c: Fn, item: ConstItem, at: int) -> hir.Expr:
    """A use of a constant."""
    kind = read_const(c, item, at)
    if kind is ERROR:
        c.p.failed = True
        return bad(at)
    folded = item.folded
    if folded is None:
        return inline(c, item.env, item.node.value, kind, at)
    return msgspec.structs.replace(folded, type=kind, at=at)


def read_const(c: Fn, item: ConstItem, at: int) -> Type:
    """The type of a constant; finds its value the first time. A constant that needs itself is an error."""
    p = c.p
    if item.state == 2 and not (item.failed_silently and p.copies is None):
        return item.type or ERROR
    item.failed_silently = False
    if item.state == 1 or p.work.depth > 60:
        return _read_again(p, item)
    if p.work.depth < 20 and not isinstance(item.node.value, tree.IntLiteral | tree.StringLiteral):
        _read_those_below(c, item, at)
    failed, p.failed = p.failed, False
    # The value is read once, for the first reader, but must not depend on which one that is. So what it depends on is
    # noted for the constant's own unit, its warnings are silent in another module, and what it costs is counted by the
    # module that it stands in.
    item.state, item.level = 1, p.work.level
    p.work.reading.append(item)
    silent, pending = p.silent, len(p.open.pending)
    p.silent += not item.own
    p.work.depth += 1
    before = p.look_for("") if item.own and item.env.nested is None else p.now_seen  # not the first reader's
    room, grown = p.budget, len(p.spent)
    try:
        wanted, value = _value(p, item, c.path)
        for part in p.open.pending[pending:]:
            part.type = settle(part.type)
        if item.state == 1:
            item.state, item.type = 2, wanted
            item.folded = fold(value)
            if isinstance(item.folded, hir.Str) and not p.spend(at, len(item.folded.value) >> 4):
                item.folded = hir.Str(STRING, at, "")
            item.failed_silently = p.failed and p.copies is not None
    finally:
        p.work.reading.pop()
        p.failed = p.failed or failed
        p.work.depth -= 1
        p.now_seen = before
        p.silent = silent
        if not item.own:  # its own module counts it
            p.budget = room
            del p.spent[grown:]
        if item.state == 1:  # it needs a function's result first, and is read again
            item.state = 0
    return item.type or ERROR


def _read_again(p: Pass, item: ConstItem) -> Type:
    """The type of a constant whose value is being read: the written one in a function that its value calls."""
    if item.state == 1 and p.work.level > item.level and item.node.type is not None:
        return type_of(p, item.env, item.node.type)
    _circle(p, item)
    item.state, item.type = 2, ERROR
    return ERROR


def _alone(p: Pass, item: ConstItem, path: str) -> hir.Expr:
    """The value of a constant without a type, which a reader in the middle of something else must not decide."""
    trial = p.trial()
    trial.inlining = p.inlining
    typed = expr(_inner(trial, item, path), item.node.value)
    trial.settle()
    p.failed = p.failed or trial.failed
    return typed


def _inner(p: Pass, item: ConstItem, path: str) -> Fn:
    inner = Fn(p, item.env, path)
    inner.nests = False
    return inner


def _circle(p: Pass, item: ConstItem) -> None:
    """E0216 for a constant that needs itself: at the first of this module that is in the circle."""
    reading = p.work.reading
    first = next((at for at, one in enumerate(reading) if one is item), len(reading))
    own = min((one for one in (item, *reading[first:]) if one.own), key=lambda one: one.node.at, default=None)
    if own is None:
        p.reported_elsewhere(f"the constant `{item.name}` is defined by itself")
        return
    hint = "" if own.node.type is not None else "if a function without `->` needs it, write the type of one of them"
    p.error_even_if_silent("E0216", own.node.at, f"the constant `{own.name}` is defined by itself", hint)


def _read_those_below(c: Fn, item: ConstItem, at: int) -> None:
    """Reads the constants that a constant names, those that these name first, so that a long chain nests no deeper than
    a short one. Circles are left to who reads them."""
    p = c.p
    stack = [(item, _named(p, item))]
    begun = {id(item)}
    while stack:
        current, below = stack[-1]
        unread = next((one for one in below if one.state == 0 and id(one) not in begun), None)
        if unread is not None:
            begun.add(id(unread))
            stack.append((unread, _named(p, unread)))
            continue
        stack.pop()
        if stack:
            p.work.depth += 20
            read_const(c, current, at)
            p.work.depth -= 20


def _named(p: Pass, item: ConstItem) -> list[ConstItem]:
    paths = [path for path in paths_in([item.node.value]) if not item.env.nested or path[0] not in item.env.nested]
    items = [p.lookup(item.env, path) for path in paths]
    return [one for one in items if isinstance(one, ConstItem)]


def _value(p: Pass, item: ConstItem, path: str) -> tuple[Type, hir.Expr]:
    if item.node.type is None:
        value = expr(_inner(p, item, path), item.node.value) if p.copies is None else _alone(p, item, path)
        kind = resolve(value.type)
        if openness(kind) == ANY:  # a function without `->` that is in the middle of a circle
            _circle(p, item)
            return ERROR, value
        return settle(kind), value
    wanted = type_of(p, item.env, item.node.type)
    return wanted, check(_inner(p, item, path), item.node.value, wanted, (*_CONST, item.name))


def inline(c: Fn, env: Env, node: tree.Expr, kind: Type, at: int) -> hir.Expr:
    """An expression of another place, computed here, as if it stood at `at`. Its errors were reported there."""
    p = c.p
    if p.budget < 0 or _needs_itself(p, node, at):
        return bad(at)
    p.inlining[id(node)] = at
    names, home, nests = c.names, c.env, c.nests
    c.names = {**env.nested} if env.nested else {}
    c.env, c.nests = env, False
    with p.silenced():
        typed = check(c, node, kind, _DEFAULT)
    c.names, c.env, c.nests = names, home, nests
    del p.inlining[id(node)]
    return typed if p.spend(at, relocate(typed, at)) else bad(at)


def _needs_itself(p: Pass, node: tree.Expr, at: int) -> bool:
    """E0515 for a default value that is being put in already."""
    if id(node) not in p.inlining:
        return False
    outermost = next(iter(p.inlining.values()))
    p.error_even_if_silent(
        "E0515", outermost, "this needs a default value that needs itself", "write the argument, or the field"
    )
    return True


def relocate(typed: hir.Expr, at: int) -> int:
    """Sets `at` throughout a tree of expressions: a trap names the place of use. Returns how many there are."""
    waiting: list[object] = [typed]
    count = 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, msgspec.Struct):
            count += 1 + (len(node.value) >> 4 if isinstance(node, hir.Str) else 0)
            if hasattr(node, "at"):
                setattr(node, "at", at)  # noqa: B010
            waiting += [getattr(node, name) for name in node.__struct_fields__ if name not in ("type", "at")]
    return count


Value = Union[int, float, str]

_FOLDS: dict[str, Callable[..., Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def fold(typed: hir.Expr) -> hir.Literal | None:
    """The literal that an expression amounts to, None where it is not that simple: then it is computed (and may trap)
    where it is used."""
    if isinstance(typed, hir.Int | hir.Str) or (isinstance(typed, hir.Float) and typed.type == F64):
        return typed
    if isinstance(typed, hir.Block) and not typed.statements:
        return fold(typed.value)
    if isinstance(typed, hir.Negate):
        value = fold(typed.operand)
        return None if value is None or isinstance(value, hir.Str) else _literal(typed.type, typed.at, -value.value)
    if isinstance(typed, hir.Concat):
        return _fold_texts(typed)
    if isinstance(typed, hir.Arithmetic | hir.Compare):
        return _fold_pair(typed)
    return None


def _fold_texts(joined: hir.Concat) -> hir.Str | None:
    texts: list[str] = []
    for part in joined.parts:
        folded = fold(part)
        if not isinstance(folded, hir.Str):
            return None
        texts.append(folded.value)
    return hir.Str(STRING, joined.at, "".join(texts))


def _fold_pair(typed: hir.Expr) -> hir.Literal | None:
    """Down the left spine, however long."""
    chain: list[hir.Arithmetic | hir.Compare] = []
    while isinstance(typed, hir.Arithmetic | hir.Compare):
        chain.append(typed)
        typed = typed.left
    left = fold(typed)
    for part in reversed(chain):
        right = fold(part.right)
        compute = _FOLDS.get(part.op)
        if left is None or right is None or left.__class__ is not right.__class__ or compute is None:
            return None
        if isinstance(left, hir.Str) and part.op not in ("==", "!="):
            return None
        left = _literal(part.type, part.at, compute(left.value, right.value))
    return left


def _literal(kind: Type, at: int, value: Value) -> hir.Literal | None:
    if kind is BOOL:
        return hir.Int(BOOL, at, int(value))
    if kind == F64:
        finite = value == value and value not in (float("inf"), float("-inf"))
        return hir.Float(kind, at, float(value)) if finite else None
    if isinstance(kind, IntType):
        number = int(value)
        return hir.Int(kind, at, number) if holds(kind, number) else None
    return None
