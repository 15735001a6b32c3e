"""Imports that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.toolchains.ruchy.syntax import tree

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import Module


def unused_imports(m: Module, statements: list[Any], scope: str = "") -> None:
    """W0002 for every imported name that no lookup went through. `pub use` hands a name on, which is a use."""
    for node in statements:
        if isinstance(node, tree.Mod) and node.items:
            unused_imports(m, node.items, f"{scope}::{node.name}" if scope else node.name)
        elif isinstance(node, tree.UseItem) and not node.public:
            for imported in node.names:
                if not (_glob_used(m, imported, scope) if imported.glob else _used(m, imported.alias, scope)):
                    name = "::".join(imported.path) + ("::*" if imported.glob else "")
                    m.warn("W0002", imported.at, f"`{name}` is imported and never used", "remove the import")


def _used(m: Module, alias: str, scope: str) -> bool:
    return any(
        (where == scope or where.startswith(f"{scope}::") or not scope)
        and (name == alias or name.startswith(f"{alias}::"))
        for where, name in m.used
    )


def _glob_used(m: Module, imported: tree.UseName, scope: str) -> bool:
    """Whether a plain name was bound to something of that module."""
    module = "/".join(imported.path)
    for key in m.used:
        binding = m.bindings[key]
        if binding.module == module or f"{binding.module}::{binding.item}".startswith(module):
            return True
    return False
