"""Where methods come from: `impl` blocks and the bodies of structs. See `declared.py` for how they are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.inference.annotations import is_written_through
from orchestrator.toolchains.ruchy.check.scope import (
    STUB,
    AliasItem,
    EnumItem,
    Env,
    ErrorItem,
    FunctionItem,
    Implementation,
    MethodContext,
    StructItem,
    TraitItem,
    method_context,
)
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.names import METHOD, extended

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass


def function_item(p: Pass, node: tree.Function, symbol: str, env: Env) -> FunctionItem:
    """The item of an own function, entered among those to be checked."""
    function = p.made.nested.get(id(node))
    if function is None:
        function = FunctionItem(node.name, symbol, node, env, own=True)
        function.trial = p if p.copies is not None else None
        if node.at in p.module.headers and env.module == p.module.name:
            function.state = STUB
        p.made.nested[id(node)] = function
    function.env = env
    function.index = len(p.made.functions)
    p.made.functions.append(function)
    return function


def enter_impl(p: Pass, node: tree.Impl, env: Env) -> None:
    """The methods of an `impl` block."""
    item = p.lookup(env, node.target.path)
    owner = p.behind(item) if isinstance(item, AliasItem) else item
    name = "::".join(node.target.path)
    if isinstance(owner, StructItem | EnumItem) and owner.own:
        enter_methods(p, owner, node.methods, env, node.target, node)
        if node.trait is not None:
            owner.traits.append(Implementation(node, env))
    elif isinstance(owner, ErrorItem):
        p.failed = True
    elif node.trait is not None:
        enter_extension(p, node, env, name)
    elif isinstance(owner, StructItem | EnumItem):
        message = f"`impl {name}` stands outside of the module that defines `{name}`"
        hint = "an `impl` stands beside its type; write a function that takes the value instead"
        p.error("E0508", node.at, message, hint)
    else:
        p.error("E0103", node.at, f"`impl {name}`: there is no struct or enum `{name}`", "define it, or mend its name")


def enter_extension(p: Pass, node: tree.Impl, env: Env, name: str) -> None:
    """`impl Trait for Type` beside an own trait, for a type of elsewhere."""
    assert node.trait is not None
    trait = p.lookup(env, node.trait.path)
    if not isinstance(trait, TraitItem) or not trait.own:
        p.error("E0508", node.at, f"neither the trait nor `{name}` is defined in this module", _BESIDE)
        return
    if node.generics or node.target.arguments:
        not_yet(p, node.at, f"`impl {trait.name}` for a generic type of elsewhere", plural=False)
        return
    block = Implementation(node, env)
    trait.blocks.append(block)
    for method in node.methods:
        if f"{extended(node)}{METHOD}{method.name}" in p.module.extensions:
            p.error("E0606", method.at, f"`{name}` has two methods `{method.name}`", "give one of them another name")
            continue
        symbol = f"{p.module.name}::{extended(node)}{METHOD}{method.name}"
        _enter_extending(p, block, function_item(p, method, symbol, env.copy()))


_BESIDE = "an `impl` of a trait stands beside the trait, or beside the type"


def _enter_extending(p: Pass, block: Implementation, item: FunctionItem) -> None:
    item.context = MethodContext(block.node.target, block.node)
    block.methods[item.name] = item
    p.module.extensions.add(f"{extended(block.node)}{METHOD}{item.name}")
    if item.node.receiver and is_written_through(item.node.parameters[0].type):
        p.module.changing.add(item.name)


def enter_methods(
    p: Pass,
    owner: StructItem | EnumItem,
    nodes: Sequence[tree.Function],
    env: Env,
    target: tree.NamedType,
    block: tree.Impl | None = None,
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
        item.context = method_context(target, block)
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
        stub = p.module.stubs.make(p.module.name, name) if sign else None
        if stub is None:
            continue
        stub.name = method
        owner = p.module.items.get(of)
        if isinstance(owner, StructItem | EnumItem):
            stub.env = stub.env.of(owner)
            know_method(p, owner, stub)
        else:
            _stub_of_extension(p, of, stub)
        known = p.module.stubs.signatures.get(name)
        if known is not None:
            p.know(stub, known)


def _stub_of_extension(p: Pass, of: str, item: FunctionItem) -> None:
    """A method of an `impl` beside its trait. What is left of the block is there already."""
    for trait in p.module.items.values():
        for block in trait.blocks if isinstance(trait, TraitItem) else ():
            mine = item.context.block
            if mine is not None and extended(block.node) == of and _same(block.node.trait, mine.trait):
                _enter_extending(p, block, item)
                item.env = block.env.copy()
                return


def method_named(p: Pass, of: str, name: str) -> FunctionItem | None:
    """The own method whose item is called `of#name`."""
    owner = p.module.items.get(of)
    if isinstance(owner, StructItem | EnumItem):
        return owner.methods.get(name)
    for trait in p.module.items.values():
        for block in trait.blocks if isinstance(trait, TraitItem) else ():
            if extended(block.node) == of and name in block.methods:
                return block.methods[name]
    return None


def _same(one: tree.NamedType | None, other: tree.NamedType | None) -> bool:
    return one is not None and other is not None and one.path == other.path
