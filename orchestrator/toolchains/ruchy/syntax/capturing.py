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
        for one in block.statements:
            if isinstance(one, tree.Function):
                _in_function(one, bound)
        for place, one in enumerate(block.statements):
            if isinstance(one, tree.Function) and _becomes_lambda(one, bound, block.statements[:place]):
                block.statements[place] = _variable(one)
                bound.add(one.name)  # what calls it names a variable


def _becomes_lambda(one: tree.Function, bound: set[str], before: list[tree.Stmt]) -> bool:
    plain = not (one.generics or one.bounds or one.attributes or one.contracts or one.public or one.receiver)
    if not plain or any(parameter.default is not None or _is_lent(parameter) for parameter in one.parameters):
        return False
    named = set(_named(one.body))
    if one.name in named or named.isdisjoint(bound - set(_bound(one))):
        return False
    return not any(one.name in _named(earlier) for earlier in before)


def _is_lent(parameter: tree.Parameter) -> bool:
    return isinstance(parameter.type, tree.ReferenceType) and parameter.type.mutable


def _variable(one: tree.Function) -> tree.Let:
    made = tree.Lambda(one.at, one.parameters, one.result, one.body)
    return tree.Let(one.at, tree.NamePattern(one.at, one.name), None, made)


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
        found = waiting.pop()
        yield found
        if into or found is node or not isinstance(found, _ITEMS):
            waiting += _parts(found)


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
    for found in _nodes(node):
        if isinstance(found, tree.Path) and len(found.segments) == 1:
            yield found.segments[0]
