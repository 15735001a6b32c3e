"""What a compile sees of other modules: the interface of all that a module's names mean, and of what those drag in."""

from __future__ import annotations

from actors.compiler.toolchain import Binding, Interface
from actors.planner.meanings import Meanings


def interfaces(meanings: Meanings, module: str, bindings: tuple[Binding, ...]) -> dict[str, Interface]:
    """The interface of everything that the module's names mean, closed over what those drag in."""
    closed: dict[str, Interface] = {}
    stack = [(bound.module, bound.item) for bound in bindings if bound.item and bound.module != module]
    while stack:
        home, name = stack.pop()
        key = f"{home}::{name}"
        item = meanings.modules.items(home).get(name)
        if key in closed or item is None:
            continue
        names: dict[str, str] = {}
        for used in item.interface_names:
            target = meanings.of(home, name.rpartition("::")[0], used)
            if target is not None:
                names[used] = f"{target[0]}::{target[1]}"
                stack.append(target)
        closed[key] = Interface(module=home, item=name, kind=item.kind, interface=item.interface, names=names)
    return dict(sorted(closed.items()))
