"""Which items a module has, before any of them is looked into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from orchestrator.toolchains.ruchy.summary import memo
from orchestrator.toolchains.ruchy.summary.reading import Definition, Draft, Part, Reader, imported
from orchestrator.toolchains.ruchy.syntax import tree


class Inline(NamedTuple):
    name: str
    node: tree.Mod
    scope: str


class Imports(NamedTuple):
    node: tree.UseItem
    scope: str


Entry = Draft | Inline | Imports


class Collected:
    """What the top level of a module defines, inline modules included. `loose` are definitions of names that are there
    already. `plain`: there are none, and no `impl`: then each text at the top level says all about its items."""

    __slots__ = ("impls", "loose", "own", "plain")

    def __init__(self) -> None:
        self.own: dict[str, Draft | Inline] = {}
        self.impls: list[tuple[str, tree.Impl]] = []
        self.loose: list[tuple[str, Definition]] = []
        self.plain = True

    def collect(self, body: Sequence[tree.Stmt], scope: str) -> list[Entry]:
        """Enters the items, in the order of the source; an inline module's before what is in it."""
        found: list[Entry] = []
        for node in body:
            use = imported(node)
            if use is not None:
                if not scope:  # those of an inline module are its own
                    found.append(Imports(use, scope))
            elif isinstance(node, tree.Impl):
                self.impls.append((scope, node))
                self.plain = False
            elif isinstance(node, tree.Mod):
                self._inline(node, scope, found)
            elif not isinstance(node, tree.Let | tree.ExprStmt | tree.UseItem):
                name = qualified(scope, node.name)
                if name in self.own:  # the checker reports it
                    self.loose.append((scope, node))
                    self.plain = False
                else:
                    self.own[name] = draft = Draft(name, node, scope)
                    found.append(draft)
        return found

    def _inline(self, node: tree.Mod, scope: str, found: list[Entry]) -> None:
        name = qualified(scope, node.name)
        if name in self.own:
            self.plain = False
            found += [Imports(use, name) for use in map(imported, node.items or ()) if use is not None]
        else:
            self.own[name] = inline = Inline(name, node, scope)
            found.append(inline)
        found += self.collect(node.items or (), name)


def qualified(scope: str, name: str) -> str:
    return f"{scope}::{name}" if scope else name


def read(reader: Reader, entry: Entry) -> Part:
    if isinstance(entry, Draft):
        return reader.item(entry)
    if isinstance(entry, Inline):
        return reader.inline(*entry)
    return reader.imports(*entry)


def recognisable(module: str, source: str, parts: Sequence[Part]) -> None:
    """Has the items that one text gave known again by it."""
    items = [part.item for part in parts if part.item is not None]
    if not items:
        return
    head = items[0]
    raw = memo.raw_of(module, source[head.start : head.stop])
    marked = memo.mark(head.memo, raw, memo.seal_of(items), len(items))
    parts[0].item = msgspec.structs.replace(head, memo=marked)
