"""Where methods come from: `impl` blocks and the bodies of structs. See `declared.py` for how they are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.inference.annotations import is_written_through
from orchestrator.toolchains.ruchy.check.scope import AliasItem, EnumItem, Env, ErrorItem, FunctionItem, StructItem
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.names import METHOD

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


def function_item(p: Pass, node: tree.Function, symbol: str, env: Env) -> FunctionItem:
    """The item of an own function, entered among those to be checked."""
    function = p.made.nested.get(id(node))
    if function is None:
        function = FunctionItem(node.name, symbol, node, env, own=True)
        function.trial = p if p.copies is not None else None
        if node.at in p.module.headers and env.module == p.module.name:
            function.stub, function.state = True, 2
        p.made.nested[id(node)] = function
    function.env = env
    function.index = len(p.made.functions)
    p.made.functions.append(function)
    return function


def enter_impl(p: Pass, node: tree.Impl, env: Env) -> None:
    """The methods of an `impl` block."""
    found = p.lookup(env, node.target.path)
    owner = p.behind(found) if isinstance(found, AliasItem) else found
    name = "::".join(node.target.path)
    if isinstance(owner, StructItem | EnumItem) and owner.own:
        enter_methods(p, owner, node.methods, env, node.target)
    elif isinstance(owner, ErrorItem):
        p.failed = True
    elif isinstance(owner, StructItem | EnumItem):
        message = f"`impl {name}` stands outside of the module that defines `{name}`"
        hint = "an `impl` stands beside its type; write a function that takes the value instead"
        p.error("E0508", node.at, message, hint)
    else:
        p.error("E0103", node.at, f"`impl {name}`: there is no struct or enum `{name}`", "define it, or mend its name")


def enter_methods(
    p: Pass, owner: StructItem | EnumItem, nodes: Sequence[tree.Function], env: Env, target: tree.NamedType
) -> None:
    """Enters functions among the methods of a type, which is written as `target`."""
    inner = env.of(owner)
    for node in nodes:
        if node.name in owner.methods:
            p.error("E0606", node.at, f"`{owner.name}` has two methods `{node.name}`", "give one of them another name")
            continue
        if isinstance(owner, EnumItem) and node.name in owner.index:
            p.error("E0606", node.at, f"`{owner.name}` has a variant `{node.name}` too", "give the method another name")
            continue
        symbol = f"{owner.type.module}::{owner.type.item}{METHOD}{node.name}"
        item = function_item(p, node, symbol, inner)
        item.of = target if target.arguments else None
        know_method(p, owner, item)


def know_method(p: Pass, owner: StructItem | EnumItem, item: FunctionItem) -> None:
    owner.methods[item.name] = item
    node = item.node
    if node.receiver and is_written_through(node.parameters[0].type):
        p.module.changing.add(item.name)


def enter_stubs(p: Pass) -> None:
    """The methods whose bodies are not looked at."""
    for name in p.module.stubs.items:
        of, sign, method = name.partition(METHOD)
        owner = p.module.items.get(of) if sign else None
        made = p.module.stubs.make(p.module.name, name) if isinstance(owner, StructItem | EnumItem) else None
        if made is None or not isinstance(owner, StructItem | EnumItem):
            continue
        made.name = method
        made.env = made.env.of(owner)
        know_method(p, owner, made)
        known = p.module.stubs.signatures.get(name)
        if known is not None:
            p.know(made, known)
