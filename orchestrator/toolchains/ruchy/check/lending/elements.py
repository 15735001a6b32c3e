"""Elements that a method lends as an `Option`: `m.get_mut(key)`, `xs.get_mut(i)`, `xs.last_mut()` and their like. There
is no `Option` of a place here, so these are understood where they are unwrapped, and where a pattern `Some(x)` is held
against them: `x` means the element then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.function import Fn

_ENDS = {"first_mut": 0, "front_mut": 0, "last_mut": -1, "back_mut": -1}
_KEY = "#key"
_ELEMENT = "#element"


class LentElement(NamedTuple):
    whole: tree.Expr
    step: tree.Expr


def lent_element(c: Fn, node: tree.Expr) -> LentElement | None:
    """What a call of one of these methods lends."""
    if not isinstance(node, tree.MethodCall) or node.name in c.p.module.changing:  # a type has its own
        return None
    at, count = node.at, len(node.arguments)
    if node.name == "get_mut" and count == 1:
        return LentElement(node.receiver, node.arguments[0])
    if node.name not in _ENDS or count:
        return None
    first = tree.IntLiteral(at, 0)
    return LentElement(node.receiver, first if not _ENDS[node.name] else tree.Unary(at, "-", tree.IntLiteral(at, 1)))


def unwrapped_element(c: Fn, node: tree.Expr) -> tree.Index | None:
    """`m.get_mut(key).unwrap()` as `m[key]`."""
    if not isinstance(node, tree.MethodCall) or node.name not in ("unwrap", "expect"):
        return None
    typed = lent_element(c, node.receiver)
    return None if typed is None else tree.Index(node.at, *typed)


_PLAIN = tree.Path | tree.IntLiteral | tree.StringLiteral


def is_plain(node: tree.Expr) -> bool:
    """Whether a place may be named twice: nothing in it is called."""
    while isinstance(node, tree.Field | tree.Index | tree.Unary):
        if isinstance(node, tree.Index) and not isinstance(node.index, _PLAIN):
            return False
        node = node.operand if isinstance(node, tree.Unary) else node.value
    return isinstance(node, tree.Path)


def modified_entry(c: Fn, node: tree.MethodCall) -> tree.Expr | None:
    """`m.entry(key).and_modify(|x| ..).or_insert(value)`, whose value nobody takes."""
    middle = node.receiver
    if not {"entry", "and_modify", "or_insert"}.isdisjoint(c.p.module.changing):
        return None
    if node.name != "or_insert" or len(node.arguments) != 1 or not isinstance(middle, tree.MethodCall):
        return None
    entry = middle.receiver
    if middle.name != "and_modify" or len(middle.arguments) != 1 or not isinstance(entry, tree.MethodCall):
        return None
    change = middle.arguments[0]
    is_one = entry.name == "entry" and len(entry.arguments) == 1 and is_plain(entry.receiver)
    if (
        not is_one
        or not isinstance(change, tree.Lambda)
        or len(change.parameters) != 1
        or not change.parameters[0].name
    ):
        return None
    at, whole = node.at, entry.receiver
    key = tree.Path(at, (_KEY,))
    name = tree.NamePattern(at, change.parameters[0].name)
    lent = tree.Let(at, name, None, tree.Unary(at, "&mut", tree.Index(at, whole, key)))
    unit = tree.ExprStmt(at, tree.Tuple(at, []))
    then = tree.Block(at, [lent, tree.ExprStmt(at, change.body), unit], at)
    insert = tree.ExprStmt(at, tree.MethodCall(at, whole, "insert", [key, node.arguments[0]]))
    is_there = tree.MethodCall(at, whole, "contains_key", [key])
    chosen = tree.ExprStmt(at, tree.If(at, is_there, then, tree.Block(at, [insert, unit], at)))
    return tree.Block(at, [tree.Let(at, tree.NamePattern(at, _KEY), None, entry.arguments[0]), chosen], at)


def held_against(c: Fn, node: tree.IfLet) -> tree.Expr | None:
    """`if let Some(x) = m.get_mut(key) { .. }`: if there is one, `let x = &mut m[key]`. None for any other form."""
    typed = lent_element(c, node.value)
    name = _name_in_some(node.pattern)
    if typed is None or name is None or not is_plain(typed.whole):
        return None
    at = node.at
    key = tree.Path(at, (_KEY,))
    is_there = tree.MethodCall(at, tree.MethodCall(at, typed.whole, "get", [key]), "is_some", [])
    index: tree.Expr = key
    if isinstance(node.value, tree.MethodCall) and node.value.name in _ENDS:
        is_there = tree.MethodCall(at, typed.whole, "is_empty", [])
        chosen: tree.Expr = tree.Unary(at, "!", is_there)
        index = typed.step
    else:
        chosen = is_there
    then = node.then
    if isinstance(name, tree.NamePattern):
        lent = tree.Unary(at, "&mut", tree.Index(at, typed.whole, index))
        then = tree.Block(then.at, [tree.Let(at, name, None, lent), *then.statements], then.end)
    chosen = tree.If(at, chosen, then, node.otherwise)
    if index is not key:
        return chosen
    given = tree.Let(at, tree.NamePattern(at, _KEY), None, typed.step)
    return tree.Block(at, [given, tree.ExprStmt(at, chosen)], at)


def as_if(c: Fn, node: tree.Match) -> tree.IfLet | None:
    """`match m.get_mut(key) { Some(x) if c => a, Some(x) => b, None => d }` as an `if let`; None for any other form."""
    typed = lent_element(c, node.value)
    if typed is None or not is_plain(typed.whole):
        return None
    some = [arm for arm in node.arms if _name_in_some(arm.pattern) is not None]
    rest = [arm for arm in node.arms if _is_rest(arm.pattern) and arm.guard is None]
    if not some or len(rest) != 1 or len(some) + 1 != len(node.arms):
        return None
    if isinstance(rest[0].pattern, tree.WildcardPattern) and rest[0] is not node.arms[-1]:  # it takes what follows
        return None
    return _in_order(some, rest[0], node)


def _in_order(some: list[tree.MatchArm], rest: tree.MatchArm, node: tree.Match) -> tree.IfLet | None:
    """All arms but the last have a guard: what it does not let pass goes to the next one."""
    *guarded, last = some
    if last.guard is not None or any(arm.guard is None for arm in guarded):
        return None
    otherwise = _block_of(rest)
    if not guarded:
        return tree.IfLet(node.at, last.pattern, node.value, _block_of(last), otherwise)
    then = _named(last, _block_of(last))
    for arm in reversed(guarded):
        assert arm.guard is not None
        chosen = tree.If(arm.at, arm.guard, _block_of(arm), then)
        then = _named(arm, tree.Block(arm.at, [tree.ExprStmt(arm.at, chosen)], arm.at))
    whole = tree.PathPattern(node.at, ("Some",), [tree.NamePattern(node.at, _ELEMENT)])
    return tree.IfLet(node.at, whole, node.value, then, otherwise)


def _block_of(arm: tree.MatchArm) -> tree.Block:
    body = arm.body
    return body if isinstance(body, tree.Block) else tree.Block(arm.at, [tree.ExprStmt(arm.at, body)], arm.at)


def _named(arm: tree.MatchArm, block: tree.Block) -> tree.Block:
    """The block, in which the element has the name that the pattern of the arm gives it."""
    name = _name_in_some(arm.pattern)
    if not isinstance(name, tree.NamePattern):
        return block
    lent = tree.Unary(arm.at, "&mut", tree.Path(arm.at, (_ELEMENT,)))
    return tree.Block(block.at, [tree.Let(arm.at, name, None, lent), *block.statements], block.end)


def _is_rest(pattern: tree.Pattern) -> bool:
    return isinstance(pattern, tree.WildcardPattern) or (
        isinstance(pattern, tree.PathPattern) and pattern.path == ("None",) and not pattern.elements
    )


def _name_in_some(pattern: tree.Pattern) -> tree.NamePattern | tree.WildcardPattern | None:
    """The `x` of `Some(x)`."""
    if not isinstance(pattern, tree.PathPattern) or pattern.path != ("Some",) or len(pattern.elements or ()) != 1:
        return None
    inner = pattern.elements[0] if pattern.elements else None
    if isinstance(inner, tree.NamePattern) and inner.inner is None:
        return tree.NamePattern(inner.at, inner.name)
    return inner if isinstance(inner, tree.WildcardPattern) else None
