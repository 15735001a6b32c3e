"""Methods and associated functions of structs and enums: where they are entered, and how they are called.

A method is a function with a symbol of its own (`m::Point#area`) in an environment that knows what `Self` is; its
receiver is its first parameter. So all that is true of functions is true of it. `x.area(1)` finds it by the type of
`x`, `Point::area(x, 1)` by its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, bad, expr
from orchestrator.toolchains.ruchy.check.functions.calls import CalledOn, call_function
from orchestrator.toolchains.ruchy.check.inference.annotations import is_written_through
from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.lending.places import read_place, writes_through_reference
from orchestrator.toolchains.ruchy.check.methods.traits import owner_of
from orchestrator.toolchains.ruchy.check.scope import FunctionItem, StructItem
from orchestrator.toolchains.ruchy.check.types import MixedType, Type
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.lending.places import Place


def call_method(
    c: Fn, node: tree.MethodCall, item: FunctionItem, receiver: hir.Expr | None, place: Place | None = None
) -> hir.Expr:
    """`receiver.name(arguments)`, where the receiver is a value or, if the method may change it, a place."""
    if not _visible(c, node, item):
        return _left_alone(c, node)
    if not item.node.receiver:
        kind = shown(place.type if place is not None else receiver.type)  # type: ignore[union-attr]
        message = f"`{item.name}` takes no `self`: it is not called on a value"
        c.p.error("E0286", node.at, message, f"write `{kind}::{item.name}(..)`, or give it a parameter `&self`")
        return _left_alone(c, node)
    path = tree.Path(node.at, (item.name,))
    if place is not None and not is_written_through(item.node.parameters[0].type):
        place.variable.read = True
        receiver, place = read_place(c, node.at, place), None
    if place is not None and writes_through_reference(c, node.receiver, place.variable):
        return _left_alone(c, node)
    return call_function(c, tree.Call(node.at, path, node.arguments), item, CalledOn(receiver, place))


def _visible(c: Fn, node: tree.MethodCall, item: FunctionItem) -> bool:
    """E0108 for a method of another module that is not `pub`."""
    if item.node.public or item.context.block is not None or item.env.module == c.env.module:
        return True
    owner = item.env.owner.name if item.env.owner is not None else item.env.module
    c.p.error("E0108", node.at, f"`{item.name}` is private in `{owner}`", "write `pub` before it")
    return False


def _left_alone(c: Fn, node: tree.MethodCall) -> hir.Expr:
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    return bad(node.at)


def no_method(c: Fn, node: tree.MethodCall, kind: Type, known: list[str]) -> str:
    """What to say where a type has no method of that name."""
    owner = owner_of(c.p, kind)
    if isinstance(kind, MixedType):
        return "its values are of several types, and are read by constant indexes: `xs[0]`"
    if owner is None:
        return did_you_mean(node.name, known)
    methods = [name for name, item in owner.methods.items() if item.node.receiver]
    if node.name in owner.names and isinstance(owner, StructItem):
        return f"`{node.name}` is a field: leave out the brackets"
    return did_you_mean(node.name, [*methods, *known]) or (
        f"its methods are {', '.join(f'`{name}`' for name in sorted(methods)[:5])}" if methods else ""
    )
