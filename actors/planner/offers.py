"""Names that mean nothing where they stand, and that another module of the project has: what to write to have them.

What a module compiles to depends on no module that it does not import, so this is added to what a failed compile says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from actors.compiler.toolchain import Item, Unknown
from actors.diagnostics import Diagnostic
from actors.planner.facts import Facts

MOST = 3
"""Modules that are named for one name."""


def with_offers(found: Sequence[Diagnostic], unknown: Sequence[Unknown], module: str, facts: Facts) -> list[Diagnostic]:
    """The errors of a module, with hints where other modules have what is unknown in it."""
    names = {(one.line, one.column): one.name for one in unknown}
    return [_with_offer(one, names.get((one.line, one.column), ""), module, facts) for one in found]


def _with_offer(found: Diagnostic, name: str, module: str, facts: Facts) -> Diagnostic:
    hint = _offer(name, module, facts, found.hint) if name else ""
    return msgspec.structs.replace(found, hint=hint) if hint else found


def _offer(name: str, module: str, facts: Facts, otherwise: str) -> str:
    there = sorted(_having(name, module, facts), key=lambda one: (not one[1].public, one[0], one[1].name))
    public = [(home, item) for home, item in there if item.public][:MOST]
    if len(public) == 1:
        home, item = public[0]
        return f"`{_path(home)}` has it: add `use {_path(home)}::{item.name};`"
    if public:
        uses = " or ".join(f"`use {_path(home)}::{item.name};`" for home, item in public)
        return f"other modules have it: add {uses}"
    if otherwise:
        return otherwise
    if there:
        home, item = there[0]
        return f"`{_path(home)}` has it, and it is private there: write `pub` before it (line {item.line})"
    modules = sorted(one for one in facts.sources if one.rpartition("/")[2] == name and one != module)
    return f"`{_path(modules[0])}` is a module: what it has is written `{_path(modules[0])}::...`" if modules else ""


def _having(name: str, module: str, facts: Facts) -> Iterator[tuple[str, Item]]:
    for home in facts.sources:
        summary = facts.modules.summaries[home] if home != module else None
        for item in summary.items if summary is not None else ():
            if item.name.rpartition("::")[2] == name and item.kind != "module":
                yield home, item


def _path(module: str) -> str:
    return module.replace("/", "::")
