"""Other spellings of methods, as people bring them from other languages: each is a call of a method that is there."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.methods.inlined import leaves
from orchestrator.toolchains.ruchy.check.types import STRING, ArrayType, MapType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_SHORT = {"to_s": "to_string", "to_i": "to_int", "to_f": "to_float"}
_OF_CHARACTERS = frozenset(("split", "find", "contains", "trim_matches", "trim_start_matches", "trim_end_matches"))
_LENDING = frozenset(("iter_mut", "values_mut"))


def usual(node: tree.MethodCall, kind: Type) -> tree.MethodCall:
    """The call as it is usually spelled: `x.to_s()`, `m.get(key, value)`, `xs.slice(a)`. Methods of the program's own
    have been looked for before."""
    name, count = node.name.partition("::")[0], len(node.arguments)
    if not count and name in _SHORT:
        return _called(node, _SHORT[name])
    if isinstance(kind, MapType) and name == "get" and count == 2:
        return _called(node, "get_or")
    if isinstance(kind, ArrayType) and name == "slice" and count == 1:  # up to the end
        return _called(node, "skip")
    if isinstance(kind, ArrayType) and name == "sort_by" and takes_one(node):
        return _called(node, "sort_by_key")
    if kind is STRING and name in ("slice", "substring") and count == 1:
        return tree.MethodCall(node.at, node.receiver, name, [*node.arguments, tree.IntLiteral(node.at, 1 << 40)])
    if kind is STRING and name in _OF_CHARACTERS and count == 1 and _listed(node.arguments[0]):
        return tree.MethodCall(node.at, node.receiver, name, [_one_of(node.at, node.arguments[0])])
    if kind is STRING and name == "collect" and not count:  # `c.to_uppercase().collect::<String>()`
        return _called(node, "clone")
    if isinstance(kind, ArrayType) and name == "as_str" and resolve(kind.element) is STRING and not count:
        # what is left of `text.chars()`
        return tree.MethodCall(node.at, node.receiver, "join", [tree.StringLiteral(node.at, "")])
    return node


def _listed(given: tree.Expr) -> bool:
    """Whether characters are listed: `['-', '_']`, `&['-', '_'][..]`."""
    while isinstance(given, tree.Unary | tree.Index):
        given = given.operand if isinstance(given, tree.Unary) else given.value
    return isinstance(given, tree.Array)


def _one_of(at: int, listed: tree.Expr) -> tree.Expr:
    """The function that says whether a character is one of them."""
    character = tree.Path(at, ("#character",))
    body = tree.MethodCall(at, listed, "contains", [character])
    return tree.Lambda(at, [tree.Parameter(at, "#character", None)], None, body)


def takes_one(node: tree.MethodCall) -> bool:
    """Whether a method is given a function of one parameter, which gives a key then."""
    given = node.arguments[0] if len(node.arguments) == 1 else None
    return isinstance(given, tree.Lambda) and len(given.parameters) == 1


def _called(node: tree.MethodCall, name: str) -> tree.MethodCall:
    return tree.MethodCall(node.at, node.receiver, name, node.arguments)


def lending_loop(node: tree.MethodCall) -> tree.For | None:
    """`xs.iter_mut().for_each(|x| ..)` as the loop that it is, because a parameter of a lambda is a copy."""
    if node.name not in ("for_each", "each") or len(node.arguments) != 1:
        return None
    over, done = node.receiver, node.arguments[0]
    inner = over
    while isinstance(inner, tree.MethodCall) and inner.name == "enumerate" and not inner.arguments:
        inner = inner.receiver
    if not isinstance(inner, tree.MethodCall) or inner.name not in _LENDING or inner.arguments:
        return None
    if not isinstance(done, tree.Lambda) or len(done.parameters) != 1 or leaves(done.body):
        return None
    only = done.parameters[0]
    pattern = only.pattern or tree.NamePattern(only.at, only.name)
    body = tree.Block(node.at, [tree.ExprStmt(node.at, done.body)], node.at)
    return tree.For(node.at, "", pattern, over, body)
