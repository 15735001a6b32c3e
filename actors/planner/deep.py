"""Deep interfaces: what can be seen of an item from outside, closed over everything that it drags in.

Two equal digests say that whoever uses the item compiles to the same code. The digest of an item covers its own
interface and, for each name in it, what that means and the deep interface of it: the layout of every type that can be
reached, targets of aliases, values of constants, defaults of parameters. Items that drag in one another (two structs
and their functions) form a component, which has one digest. `docs/fingerprints.md` says what each part is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Signature
from actors.digests import Digest, digest
from actors.planner.meanings import Meanings, Target, target_of

Signatures = Mapping[str, Mapping[str, Signature]]
"""Of inferred items, by module and name."""
_encode = msgspec.msgpack.Encoder().encode


class _Node(NamedTuple):
    """An item's own part of its deep interface, and what it drags in: (name, item)."""

    own: tuple[str, bool, bytes]
    edges: tuple[tuple[str, Target], ...]


class DeepInterfaces:
    """The digests of one resolution, made when they are asked for. Where the signature of an inferred item is known, it
    stands for the text that decides it."""

    def __init__(self, meanings: Meanings, signatures: Signatures) -> None:
        self._meanings = meanings
        self._signatures = signatures
        self._nodes: dict[str, dict[str, _Node]] = {}
        """By module and item."""
        self._digests: dict[Target, Digest] = {}

    def update(self, signatures: Signatures, stale: Iterable[str]) -> None:
        """Go on after another resolution, of which the meanings know already: `stale` are the modules whose summary or
        resolution is another. A digest stays where neither its item nor anything that it drags in looks otherwise."""
        before, self._signatures = self._signatures, signatures
        stale = {*stale, *(module for module in {*before, *signatures} if before.get(module) != signatures.get(module))}
        changed: set[Target] = set()
        for module in stale & self._nodes.keys():
            there = self._meanings.modules.items(module) if module in self._meanings.modules.summaries else {}
            for name, node in list(self._nodes[module].items()):
                new = self._look((module, name)) if name in there else None
                if new != node:
                    changed.add((module, name))
                    if new is None:
                        del self._nodes[module][name]
                    else:
                        self._nodes[module][name] = new
        if changed:
            self._forget(changed)

    def _forget(self, changed: set[Target]) -> None:
        """Drop the digests of these items, and of all that drag them in."""
        users: dict[Target, list[Target]] = {}
        for module, nodes in self._nodes.items():
            for name, node in nodes.items():
                for _, target in node.edges:
                    users.setdefault(target, []).append((module, name))
        waiting = list(changed)
        while waiting:
            target = waiting.pop()
            self._digests.pop(target, None)
            for user in users.get(target, ()):
                if user not in changed:
                    changed.add(user)
                    waiting.append(user)

    def of(self, target: Target) -> Digest:
        """The digest of one item's deep interface."""
        found = self._digests.get(target)
        if found is None:
            self._close(target)
            found = self._digests[target]
        return found

    def face(self, module: str) -> Digest:
        """All of the module's own that is in any deep interface, and what it drags in: while this stays, and what is
        dragged in stays, so do the deep interfaces of its public items."""
        items = self._meanings.modules.items(module)
        waiting = [name for name, item in items.items() if item.public]
        seen: dict[str, _Node] = {}
        while waiting:
            name = waiting.pop()
            if name not in seen:
                node = seen[name] = self._node((module, name))
                waiting += [to[1] for _, to in node.edges if to[0] == module]
        # What is not written may follow from any text of the module.
        texts = [item.digest for item in items.values()] if any(item.inferred for item in items.values()) else []
        return digest(_encode((sorted(seen.items()), texts)))

    def _node(self, target: Target) -> _Node:
        nodes = self._nodes.get(target[0])
        if nodes is None:
            nodes = self._nodes[target[0]] = {}
        node = nodes.get(target[1])
        if node is None:
            node = nodes[target[1]] = self._look(target)
        return node

    def _look(self, target: Target) -> _Node:
        module, name = target
        item = self._meanings.modules.items(module)[name]
        signature = self._signatures.get(module, {}).get(name) if item.inferred else None
        if signature is not None:
            dragged = [(key, target_of(key)) for key in signature.names]
            modules = self._meanings.modules
            there = [(key, to) for key, to in dragged if to[0] in modules.summaries and to[1] in modules.items(to[0])]
            edges = tuple(there)
            return _Node((item.kind, item.public, signature.interface), edges)
        scope = name.rpartition("::")[0]
        meant = [(used, self._meanings.of(module, scope, used)) for used in item.interface_names]
        edges = tuple((used, to) for used, to in meant if to is not None)
        return _Node((item.kind, item.public, item.interface), edges)

    def _close(self, start: Target) -> None:
        """Digests of `start` and all below it: Tarjan's components, dragged-in ones first, with an explicit stack."""
        index: dict[Target, int] = {}
        low: dict[Target, int] = {}
        path: list[Target] = []
        work: list[tuple[Target, int]] = [(start, 0)]
        while work:
            at, position = work.pop()
            if position == 0:
                index[at] = low[at] = len(index)
                path.append(at)
            edges = self._node(at).edges
            for number in range(position, len(edges)):
                to = edges[number][1]
                if to in self._digests:
                    continue
                if to not in index:
                    work += [(at, number + 1), (to, 0)]
                    break
                low[at] = min(low[at], index[to])
            else:
                if low[at] == index[at]:
                    members = path[path.index(at) :]
                    del path[-len(members) :]
                    self._name(members)
                if work:
                    below = work[-1][0]
                    low[below] = min(low[below], low.get(at, low[below]))

    def _name(self, members: list[Target]) -> None:
        """The digests of a component's members, when all outside of it is named."""
        inside = set(members)
        parts = []
        for member in sorted(members):
            node = self._node(member)
            seen = [(used, *to, "" if to in inside else self._digests[to]) for used, to in node.edges]
            parts.append((*member, *node.own, seen))
        whole = digest(_encode(parts))
        if len(members) == 1:
            self._digests[members[0]] = whole
            return
        for member in members:
            self._digests[member] = digest(_encode((whole, *member)))
