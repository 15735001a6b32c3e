"""What a compile sees of other modules: the interface of all that a module's names mean, and of what those drag in."""

from __future__ import annotations

from collections.abc import Mapping

from actors.compiler.toolchain import Binding, Interface
from actors.planner.resolve import Modules, Resolved, scopes


def interfaces(modules: Modules, module: str, resolved: Mapping[str, Resolved]) -> dict[str, Interface]:
    """The interface of everything that a module's names mean, closed over what those drag in."""
    closed: dict[str, Interface] = {}
    stack = [(bound.module, bound.item) for bound in resolved[module].bindings if bound.item and bound.module != module]
    tables: dict[str, dict[tuple[str, str], Binding]] = {}
    while stack:
        home, name = stack.pop()
        key = f"{home}::{name}"
        item = modules.items(home).get(name)
        if key in closed or item is None:
            continue
        table = tables.get(home)
        if table is None:
            known = resolved.get(home)
            table = {(bound.scope, bound.name): bound for bound in known.bindings} if known else {}
            tables[home] = table
        names: dict[str, str] = {}
        for used in item.interface_names:
            target = _meaning(modules, home, name.rpartition("::")[0], used, table)
            if target is not None:
                names[used] = f"{target[0]}::{target[1]}"
                stack.append(target)
        closed[key] = Interface(module=home, item=name, kind=item.kind, interface=item.interface, names=names)
    return dict(sorted(closed.items()))


def _meaning(
    modules: Modules, home: str, scope: str, name: str, table: Mapping[tuple[str, str], Binding]
) -> tuple[str, str] | None:
    """What a name means inside an item of `home`: (module, item), or None for a local or a builtin."""
    own = modules.items(home)
    parts = name.split("::")
    for outer in scopes(scope):
        for length in range(len(parts), 0, -1):
            candidate = "::".join(([outer] if outer else []) + parts[:length])
            if candidate in own:
                return home, candidate
    for outer in scopes(scope):
        bound = table.get((outer, name))
        if bound is not None and bound.module and bound.item:
            return bound.module, bound.item
    return None
