"""Items: collecting those of the module and of blocks, and checking structs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.consts import read_const
from orchestrator.toolchains.ruchy.check.data.variants import check_enum, check_generic
from orchestrator.toolchains.ruchy.check.function import Fn, check
from orchestrator.toolchains.ruchy.check.inference.annotations import (
    field_types,
    is_written_through,
    named_type,
    struct_of,
)
from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.interfaces import itself
from orchestrator.toolchains.ruchy.check.methods.collected import enter_impl, enter_methods, enter_stubs, function_item
from orchestrator.toolchains.ruchy.check.scope import (
    DEFINITIONS,
    AliasItem,
    ConstItem,
    EnumItem,
    Env,
    ErrorItem,
    FunctionItem,
    Global,
    Item,
    ModuleItem,
    StructItem,
    TraitItem,
    Variable,
)
from orchestrator.toolchains.ruchy.check.types import ERROR, ObjectType, StructType, TupleType, Type, bare
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.names import root_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass


def collect(p: Pass, statements: Sequence[tree.Stmt]) -> None:
    """Enters the items of the module among its items, and then their methods."""
    with_methods: list[tuple[tree.Struct | tree.Impl, Env]] = []
    _collect(p, statements, "", with_methods)
    for node, env in with_methods:
        _methods(p, node, env)
    enter_stubs(p)
    for key, interface in p.module.job.interfaces.items():
        if interface.kind == "trait":  # its methods may change what they are called on, which is asked before a type is
            p.item_of(key)


def _methods(p: Pass, node: tree.Struct | tree.Impl, env: Env) -> None:
    if isinstance(node, tree.Impl):
        enter_impl(p, node, env)
        return
    item = p.lookup(env, (node.name,))
    if isinstance(item, StructItem) and item.node is node:
        enter_methods(p, item, node.methods, env, itself(node))


def _collect(
    p: Pass, statements: Sequence[tree.Stmt], scope: str, with_methods: list[tuple[tree.Struct | tree.Impl, Env]]
) -> None:
    """Enters the items of the file, or of an inline module, among its items."""
    env = Env(p.module.name, scope)
    for node in statements:
        if isinstance(node, tree.Impl) or (isinstance(node, tree.Struct) and node.methods):
            with_methods.append((node, env))
        item = make_item(p, node, f"{scope}::" if scope else "", env)
        if item is not None:
            _enter(p, p.module.items, f"{scope}::{item.name}" if scope else item.name, node, item)
            if isinstance(node, tree.Mod) and node.items:
                _collect(p, node.items, f"{scope}::{node.name}" if scope else node.name, with_methods)


def make_item(p: Pass, node: tree.Node, prefix: str, env: Env) -> Item | None:
    """The item of a definition; None for what defines no name of its own."""
    if isinstance(node, tree.Function):
        return function_item(p, node, f"{p.module.name}::{prefix}{node.name}", env)
    if isinstance(node, tree.Struct):
        return _struct(p, node, prefix, env)
    if isinstance(node, tree.Trait):
        trait = TraitItem(node.name, f"{p.module.name}::{prefix}{node.name}", node, env, own=True)
        for member in trait.members.values():
            if member.node.receiver and is_written_through(member.node.parameters[0].type):
                p.module.changing.add(member.name)
        return trait
    if isinstance(node, tree.Const):
        return ConstItem(node.name, node, env, own=True)
    if isinstance(node, tree.TypeAlias):
        return AliasItem(node.name, node, env, own=True)
    if isinstance(node, tree.Enum):
        return EnumItem(node.name, (p.module.name, _own_name(p, prefix, node)), node, env, own=True)
    if isinstance(node, tree.Mod) and prefix.endswith("."):
        not_yet(p, node.at, "modules inside of functions")
        return ErrorItem(node.name)
    if isinstance(node, tree.Mod):
        # `mod name;` means a file, which the imports bind
        return ModuleItem(node.name) if node.items is not None else None
    return None


def _struct(p: Pass, node: tree.Struct, prefix: str, env: Env) -> Item:
    kind = StructType(p.module.name, _own_name(p, prefix, node))
    return StructItem(node.name, kind, node, env, own=True)


def _own_name(p: Pass, prefix: str, node: tree.Struct | tree.Enum) -> str:
    """The name of a type in its module. Two blocks of one function may each have their own."""
    name = prefix + node.name
    while p.made.nested_types.get((p.module.name, name), node) is not node:
        name += "'"
    if prefix.endswith("."):
        p.made.nested_types[p.module.name, name] = node
    return name


def _enter(p: Pass, items: dict[str, Item], name: str, node: tree.Stmt, item: Item) -> None:
    if name in items or (items is p.module.items and name in p.module.stubs.items):
        p.error("E0601", node.at, f"`{item.name}` is defined twice", "give one of them another name")
        if isinstance(item, FunctionItem):
            p.made.functions.remove(item)
        return
    items[name] = item


def nested_items(c: Fn, statements: Sequence[tree.Stmt]) -> None:
    """Items inside a block: seen from everywhere in it; their names are the function's, with a dot. The caller puts
    `c.env` back when the block ends."""
    p = c.p
    nodes = [node for node in statements if node.__class__ in DEFINITIONS]
    if not c.nests:
        not_yet(p, nodes[0].at, "items inside of constants and defaults")
        for name in [getattr(node, "name", "") for node in nodes]:
            c.undo.append((name, c.names.get(name)))
            c.names[name] = ErrorItem(name)
        return
    outer = {name: what for name, what in c.names.items() if not isinstance(what, Variable | ModuleItem)}
    items: dict[str, Item] = {}
    env = Env(c.env.module, c.env.scope, c.env.names, items)
    env.types = c.env.types
    lets = [getattr(node.pattern, "name", "") for node in statements if isinstance(node, tree.Let)]
    around = (name for name, what in c.names.items() if isinstance(what, Variable) and what.__class__ is not Global)
    env.hidden, env.owner, env.types = c.env.hidden.union(lets, around), c.env.owner, c.env.types
    _enter_nested(c, nodes, env, items)
    for name, entered in items.items():
        c.undo.append((name, c.names.get(name)))
        c.names[name] = entered
    for name, what in outer.items():
        items.setdefault(name, what)
    for node in nodes:
        if isinstance(node, tree.Impl) or (isinstance(node, tree.Struct) and node.methods):
            _methods(p, node, env)
    c.env = env
    for node in nodes:
        item = items.get(getattr(node, "name", ""))
        if isinstance(item, StructItem) and item.node is node:
            check_struct(p, item)
        elif isinstance(item, EnumItem) and item.node is node:
            check_enum(p, item)
        elif isinstance(item, ConstItem) and item.node is node:
            read_const(c, item, node.at)


def _enter_nested(c: Fn, nodes: Sequence[tree.Stmt], env: Env, items: dict[str, Item]) -> None:
    """Makes the items of these nodes, and enters them by their names."""
    for node in nodes:
        if isinstance(node, tree.UseItem):
            _local_imports(c, node, items)
            continue
        name = getattr(node, "name", "")
        item = make_item(c.p, node, f"{c.path}.", env)
        if item is None or not name:
            continue
        if isinstance(item, FunctionItem):
            while _is_taken(c.p, item):
                item.symbol += "'"
            c.p.made.symbols[item.symbol] = item
        _enter(c.p, items, name, node, item)


def _is_taken(p: Pass, function: FunctionItem) -> bool:
    """Whether another nested function of this pass has the symbol: one of the same name in another block. An attempt
    that was undone has taken its functions out of the list, and leaves their symbols free."""
    other = p.made.symbols.get(function.symbol)
    return other is not None and other is not function and other in p.made.functions[other.index : other.index + 1]


def _local_imports(c: Fn, node: tree.UseItem, items: dict[str, Item]) -> None:
    """An import inside of a function. (The summary lists what it names by its path; its globs count for the module.)"""
    for name in node.names:
        if name.glob:
            continue
        path = root_path(name.path, c.env.module, c.env.scope)
        item = c.p.lookup(Env(c.env.module, c.env.scope, c.env.names), path)
        if c.p.visible(c.env, path, item, name.at):
            items[name.alias] = item if item and item.__class__ is not ModuleItem else ModuleItem(name.alias, path)


def check_struct(p: Pass, item: StructItem) -> None:
    """Fields: each of its own name, of a type that exists, with a default of that type."""
    seen: set[str] = set()
    for field in item.node.fields:
        if field.name in seen and not item.node.tuple_like:
            p.error("E0602", field.at, f"the field `{field.name}` is declared twice")
        seen.add(field.name)
    kind = named_type(p, item)
    types = field_types(p, item, kind)
    if item.node.generics:
        check_generic(p, item.node, item.env, kind, [field.type for field in item.node.fields])
    for field, declared in zip(item.node.fields, types, strict=True):
        if field.default is not None:
            why = ("E0201", "the default of `{0}` is {got}, and {want} is needed", field.name)
            inner = Fn(p, item.env, item.name)
            inner.nests = False
            check(inner, field.default, declared, why)
    _not_endless(p, item, kind)


def _held(kind: Type) -> list[StructType]:
    """The structs that every value of a type holds: an array may be empty."""
    if isinstance(kind, TupleType | ObjectType):
        return [held for part in kind.parts for held in _held(part)]
    return [kind] if isinstance(kind, StructType) else []


def _not_endless(p: Pass, item: StructItem, start: Type) -> None:
    """E0218 for a struct that holds itself: no value of it could ever be made."""
    if item.type in p.module.endless:
        return
    waiting: list[tuple[Type, tuple[str, ...]]] = [(start, (item.name,))]
    seen = {item.type}
    while waiting:
        kind, path = waiting.pop()
        inner = struct_of(p, kind)
        if inner is None:
            continue
        for field in field_types(p, inner, kind):
            if any(bare(held) == item.type for held in _held(field)):
                names = " holds ".join(f"`{name}`" for name in (*path, item.name))
                p.error("E0218", item.node.at, f"the struct {names}: no value of it can be made")
                p.module.endless.update(seen)
                if not item.node.generics:
                    item.types = [
                        ERROR if item.type in _held(field_type) else field_type
                        for field_type in field_types(p, item, start)
                    ]
                return
            for held in _held(field):
                if bare(held) not in seen:
                    seen.add(bare(held))
                    waiting.append((held, (*path, shown(held))))
