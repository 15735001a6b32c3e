"""Paths that go on behind an item: `area::x`, `Point::new`. Only a module has something inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.scope import (
    AliasItem,
    ConstItem,
    EnumItem,
    ErrorItem,
    FunctionItem,
    ModuleItem,
    StructItem,
)
from orchestrator.toolchains.ruchy.hints import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.passes import Pass
    from orchestrator.toolchains.ruchy.check.scope import Env, Item
    from orchestrator.toolchains.ruchy.syntax import tree

_WORDS = {FunctionItem: "function", StructItem: "struct", ConstItem: "constant", AliasItem: "type alias"}


def nothing_inside(p: Pass, env: Env, path: Sequence[str], at: int) -> bool:
    """E0513 where the beginning of an unknown path means an item. Returns whether that is so."""
    outer = _owner(p, env, tuple(path)) if len(path) > 1 else None
    if outer is None:
        return False
    owner, rest, item = outer
    _report(p, at, item, "::".join(owner), "::".join(rest))
    return True


def check_imports(p: Pass, statements: Sequence[tree.Stmt], scope: str = "") -> None:
    """E0513 at each `use` that goes on behind an item."""
    from orchestrator.toolchains.ruchy.syntax import tree

    for node in statements:
        if isinstance(node, tree.Mod) and node.items:
            check_imports(p, node.items, f"{scope}::{node.name}" if scope else node.name)
        elif isinstance(node, tree.UseItem):
            for name in node.names:
                _check_import(p, name, scope)


def _check_import(p: Pass, name: tree.UseName, scope: str) -> None:
    binding = p.module.bindings.get((scope, name.alias))
    if name.glob or binding is None or not binding.rest or binding.failed:
        return
    item = p.item_of(f"{binding.module}::{binding.item}")
    if p.inside(item, binding.rest) is not None:
        return
    owner = "::".join((*binding.module.split("/"), binding.item))
    _report(p, name.at, item, owner, binding.rest)


def _owner(p: Pass, env: Env, path: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], Item] | None:
    binding = p.module.bindings.get((env.scope, "::".join(path)))
    if binding is not None and binding.rest:
        length = len(path) - len(binding.rest.split("::"))
        return path[:length], path[length:], p.item_of(f"{binding.module}::{binding.item}")
    for length in range(len(path) - 1, 0, -1):
        item = p.lookup(env, path[:length])
        if item is not None:
            return None if isinstance(item, ModuleItem | ErrorItem) else (path[:length], path[length:], item)
    return None


def _report(p: Pass, at: int, item: Item, owner: str, rest: str) -> None:
    word = _WORDS.get(item.__class__, "item")
    hint = ""
    if isinstance(item, FunctionItem):
        hint = f"write `{owner}(...)` to call it"
    elif isinstance(item, ConstItem):
        hint = f"a field of its value is reached with a point: `{owner}.{rest}`"
    elif isinstance(item, EnumItem):
        known = ", ".join(f"`{name}`" for name in item.names[:5]) + ", ..." * (len(item.names) > 5)
        hint = did_you_mean(rest, [*item.names, *item.methods]) or (
            f"its variants are {known}" if known else "it has no variants"
        )
        p.error("E0109", at, f"`{owner}` has no variant `{rest}`", hint)
        return
    elif isinstance(item, StructItem):
        fields = ", ".join(f"{name}: ..." for name in item.names[:3]) + (", ..." if len(item.names) > 3 else "")
        hint = f"a value is made with `{owner} {{ {fields} }}`" if fields else f"a value is made with `{owner} {{ }}`"
        hint = did_you_mean(rest, item.methods) or hint
        if rest in item.index:
            hint = f"a field is reached with a point, through a value: `value.{rest}`"
    p.error("E0513", at, f"`{owner}` is a {word}: there is no `{rest}` in it", hint)
