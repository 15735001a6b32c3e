"""Deep interfaces: what can be seen of an item from outside, closed over everything that it drags in.

Two equal digests say that whoever uses the item compiles to the same code. The digest of an item covers its own
interface and, for each name in it, what that means and the deep interface of it: the layout of every type that can be
reached, targets of aliases, values of constants, defaults of parameters. Items that drag in one another (two structs
and their functions) form a component, which has one digest. `docs/fingerprints.md` says what each part is for.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        self._nodes: dict[Target, _Node] = {}
        self._digests: dict[Target, Digest] = {}

    def of(self, target: Target) -> Digest:
        """The digest of one item's deep interface."""
        found = self._digests.get(target)
        if found is None:
            self._close(target)
            found = self._digests[target]
        return found

    def _node(self, target: Target) -> _Node:
        node = self._nodes.get(target)
        if node is None:
            node = self._nodes[target] = self._look(target)
        return node

    def _look(self, target: Target) -> _Node:
        module, name = target
        item = self._meanings.modules.items(module)[name]
        signature = self._signatures.get(module, {}).get(name) if item.inferred else None
        if signature is not None:
            dragged = [(key, target_of(key)) for key in signature.names]
            edges = tuple((key, to) for key, to in dragged if to[1] in self._meanings.modules.items(to[0]))
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
