"""Items of other modules, read back from their interface texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.foreign import FOREIGN, read
from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    ConstItem,
    EnumItem,
    Env,
    FunctionItem,
    Implementation,
    Item,
    MethodContext,
    ModuleItem,
    RefusedFunction,
    StructItem,
    TraitItem,
    method_context,
)
from orchestrator.toolchains.ruchy.check.types import StructType
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import KEYWORDS
from orchestrator.toolchains.ruchy.syntax.names import METHOD, extended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.compiler.toolchain import Interface


def read_interface(interface: Interface) -> Item | None:
    """The item that an interface describes; None for one that nobody can use."""
    from orchestrator.toolchains.ruchy.syntax.parser import parse_item

    if interface.kind == "module":
        return ModuleItem(interface.item)
    if interface.kind == FOREIGN:
        return _foreign_function(interface)
    parsed = parse_item(interface.interface.decode()).module
    body = parsed.body if parsed is not None else []
    item = foreign_item(body[0] if body else None, interface.module, interface.item, interface.names)
    if isinstance(item, StructItem):
        node = item.node
        if len(item.index) < len(item.names):
            return None  # its own module says what is wrong with it
        _foreign_methods(item, node.methods, itself(node))
    if isinstance(item, EnumItem) and len(item.index) < len(item.names):
        return None
    if isinstance(item, StructItem | EnumItem):
        for block in body:
            if isinstance(block, tree.Impl):
                _foreign_methods(item, block.methods, block.target, block)
                if block.trait is not None:
                    item.traits.append(Implementation(block, item.env))
    if isinstance(item, TraitItem):
        for block in body:
            if isinstance(block, tree.Impl):
                item.blocks.append(_foreign_block(item, block))
    return item


def _foreign_function(interface: Interface) -> FunctionItem | None:
    """A function of another language, whose symbol is its name."""
    from orchestrator.toolchains.ruchy.syntax.parser import parse_item

    described = read(interface.interface)
    if described is None:
        return None
    parameters = ", ".join(
        f"{f'p{number}' if name in KEYWORDS else name}: {kind}"
        for number, (name, kind) in enumerate(described.parameters, 1)
    )
    result = f" -> {described.result}" if described.result else " -> ()"
    parsed = parse_item(f"pub fun {interface.item}({parameters}){result}").module
    node = parsed.body[0] if parsed is not None and parsed.body else None
    if not isinstance(node, tree.Function):
        return None
    env = Env(interface.module, "", {})
    if described.refused:
        return RefusedFunction(interface.item, node, env, described.refused, described.cure)
    return FunctionItem(interface.item, interface.item, node, env, own=False)


def _foreign_block(trait: TraitItem, node: tree.Impl) -> Implementation:
    block = Implementation(node, trait.env)
    for method in node.methods:
        symbol = f"{trait.env.module}::{extended(node)}{METHOD}{method.name}"
        item = FunctionItem(method.name, symbol, method, trait.env.copy(), own=False)
        item.context = MethodContext(node.target, node)
        block.methods[method.name] = item
    return block


def itself(node: tree.Struct) -> tree.NamedType:
    """What `Self` is inside of a struct."""
    return tree.NamedType(node.at, (node.name,), [tree.NamedType(node.at, (name,)) for name in node.generics])


def _foreign_methods(
    owner: StructItem | EnumItem, nodes: Sequence[tree.Function], target: tree.NamedType, block: tree.Impl | None = None
) -> None:
    env = owner.env.of(owner)
    for node in nodes:
        symbol = f"{owner.type.module}::{owner.type.item}{METHOD}{node.name}"
        item = FunctionItem(node.name, symbol, node, env, own=False)
        item.context = method_context(target, block)
        owner.methods.setdefault(node.name, item)


def foreign_item(node: tree.Node | None, module: str, item: str, names: dict[str, str]) -> Item | None:
    """An item of another module by its tree."""
    env = Env(module, item.rpartition("::")[0], names)
    name = item.rpartition("::")[2]
    if isinstance(node, tree.Function):
        return FunctionItem(name, f"{module}::{item}", node, env, own=False)
    if isinstance(node, tree.Struct):
        return StructItem(name, StructType(module, item), node, env, own=False)
    if isinstance(node, tree.Enum):
        return EnumItem(name, (module, item), node, env, own=False)
    if isinstance(node, tree.Trait):
        return TraitItem(name, f"{module}::{item}", node, env, own=False)
    if isinstance(node, tree.Const):
        return ConstItem(name, node, env, own=False)
    if isinstance(node, tree.TypeAlias):
        return AliasItem(name, node, env, own=False)
    return None
