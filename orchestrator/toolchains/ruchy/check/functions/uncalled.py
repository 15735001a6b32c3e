"""Generic functions that nothing here calls: they have no instance, so their bodies are not checked. A name that means
nothing is an error in them too, because it means nothing for any types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.toolchains.ruchy.check.data.enums import WORDS
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS
from orchestrator.toolchains.ruchy.check.inference.annotations import BUILTIN_TYPES
from orchestrator.toolchains.ruchy.check.limits import limit
from orchestrator.toolchains.ruchy.check.module import unit_of
from orchestrator.toolchains.ruchy.check.scope import STUB, FunctionItem
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.std import OPTIONAL

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

_KNOWN = frozenset(("self", "Self", "super", "crate", "result", "old", *WORDS, *BUILTIN_TYPES, *OPTIONAL))


def check_uncalled(p: Pass) -> None:
    """E0101 for names without a meaning in generic functions that have no instance."""
    used = {item.instance.original.symbol for item in p.made.functions if item.instance is not None}
    for item in p.made.functions:
        own = item.own and item.trial is None and item.instance is None and item.state != STUB
        if own and item.instanced and item.symbol not in used and item.env.nested is None:
            before = p.look_for(unit_of(item.symbol))  # what the names mean is what this unit depends on
            _check_names(p, item)
            p.now_seen = before


def _check_names(p: Pass, item: FunctionItem) -> None:
    paths: list[tree.Path] = []
    written: set[str] = set()
    # Every word in the tree that is no path counts as bound: variables, parameters, labels, and names of fields too.
    # So a wrong name may be missed, but a right one is never an error.
    waiting: list[Any] = [item.node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, tree.Path):
            paths.append(node)
        elif isinstance(node, tree.Call):  # `f(name = value)`: the name is a parameter's
            waiting.append(node.callee)
            waiting += [one.value if isinstance(one, tree.Assign) else one for one in node.arguments]
        elif isinstance(node, str):
            written.add(node)
        elif isinstance(node, msgspec.Struct):
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    for path in sorted(paths, key=lambda path: path.at):
        name = path.segments[0]
        known = name in _KNOWN or name in BUILTINS or name in written or name in p.module.top_lets
        if len(path.segments) > 1 or known or limit(path.segments, path.at) is not None:
            continue
        if name not in item.env.types and name not in item.env.hidden and p.lookup(item.env, path.segments) is None:
            names = [*written, *p.module.items]
            p.error_unknown("E0101", path.at, name, "name", did_you_mean(name, names))
