"""Functions inside of functions that name the variables around them: each is a variable that holds a lambda.

Any other function inside of a function is an item, which may be called before it stands, call itself and have type
parameters. What it cannot do is see the variables around it. So a function that names one of these, and needs nothing
else of an item, becomes `let name = |parameters| body` in its place, before anything else sees the tree.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from orchestrator.toolchains.ruchy.syntax import tree

_ITEMS = (tree.Function, tree.Struct, tree.Enum, tree.Impl, tree.Trait, tree.Mod)


def capture(function: tree.Function) -> None:
    """Changes the blocks of a function. Where it stands in another one, that is asked again, for its variables."""
    _in_function(function, set())


def _in_function(function: tree.Function, around: set[str]) -> None:
    bound = around | set(_bound(function))
    for block in _blocks(function.body):
        for statement in block.statements:
            if isinstance(statement, tree.Function):
                _in_function(statement, bound)
        for place, statement in enumerate(block.statements):
            if isinstance(statement, tree.Function) and _becomes_lambda(statement, bound, block.statements[:place]):
                block.statements[place] = _variable(statement)
                bound.add(statement.name)  # what calls it names a variable


def _becomes_lambda(function: tree.Function, bound: set[str], before: list[tree.Stmt]) -> bool:
    plain = not (
        function.generics
        or function.bounds
        or function.attributes
        or function.contracts
        or function.public
        or function.receiver
    )
    if not plain or any(parameter.default is not None or _is_lent(parameter) for parameter in function.parameters):
        return False
    named = set(_named(function.body))
    if function.name in named or named.isdisjoint(bound - set(_bound(function))):
        return False
    return not any(function.name in _named(earlier) for earlier in before)


def _is_lent(parameter: tree.Parameter) -> bool:
    return isinstance(parameter.type, tree.ReferenceType) and parameter.type.mutable


def _variable(function: tree.Function) -> tree.Let:
    lambda_ = tree.Lambda(function.at, function.parameters, function.result, function.body)
    return tree.Let(function.at, tree.NamePattern(function.at, function.name), None, lambda_)


# ---------------------------------------------------------------- names


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, msgspec.Struct):
        for field in node.__struct_fields__:
            yield getattr(node, field)
    elif isinstance(node, list | tuple):
        yield from node


def _nodes(node: object, into: bool = True) -> Iterator[object]:
    """What is in a node, itself first; not what is in items inside of it, unless `into`."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        if into or part is node or not isinstance(part, _ITEMS):
            waiting += _parts(part)


def _blocks(body: tree.Block) -> list[tree.Block]:
    """The blocks of a function, but for those of items in it."""
    return [node for node in _nodes(body, into=False) if isinstance(node, tree.Block)]


def _bound(function: tree.Function) -> Iterator[str]:
    """The names of variables that a function declares."""
    for node in _nodes(function, into=False):
        if isinstance(node, tree.NamePattern | tree.RestPattern | tree.FieldPattern | tree.Parameter):
            yield node.name


def _named(node: object) -> Iterator[str]:
    """The names that stand where a value is read, assigned or called."""
    for inner in _nodes(node):
        if isinstance(inner, tree.Path) and len(inner.segments) == 1:
            yield inner.segments[0]
