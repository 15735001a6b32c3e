"""What can be seen of items: what a name means where it stands, and the deep interface of what it means.

If two deep interfaces are equal, everything that uses the item compiles to the same code. The digest of an item covers
its own interface and, for each name in it, what that means and the deep interface of it: the layout of every type that
can be reached, targets of aliases, values of constants, defaults of parameters. Items that drag in one another (two
structs and their functions) form a component, which has one digest. `docs/fingerprints.md` says what each part is for.

Everything here is found when it is asked for, and kept until `forget` or `invalidate` names the module. An answer that
was made while something was not at hand (`Missing`) is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from actors.compiler.toolchain import Binding, Interface, Signature
from actors.digests import Digest, digest
from actors.planner.resolve import Modules, Resolved, scopes

IF_TRAIT = "impl "
"""Before a name that counts where it means a trait: a call of a method does not say whose it is."""

Target = tuple[str, str]
"""A module and the name of one of its items."""

_encode = msgspec.msgpack.Encoder().encode


def target_of(key: str) -> Target:
    """The target that is written as "module::item"."""
    module, _, name = key.partition("::")
    return module, name


class Meanings:
    """What a name means where it stands: an item of the module itself, else what resolution bound it to. `resolution`
    returns a module's; None if it has none, or none at hand."""

    def __init__(self, modules: Modules, resolution: Callable[[str], Resolved | None]) -> None:
        self.modules = modules
        self._resolution = resolution
        self._tables: dict[str, dict[tuple[str, str], Binding]] = {}
        self._known: dict[str, dict[tuple[str, str], Target | None]] = {}
        self._imported: dict[str, frozenset[str] | None] = {}

    def forget(self, modules: Iterable[str]) -> None:
        """The summaries or resolutions of these modules are others now."""
        for module in modules:
            self._tables.pop(module, None)
            self._known.pop(module, None)
            self._imported.pop(module, None)

    def of(self, module: str, scope: str, name: str) -> Target | None:
        """The item that `name` means in `scope` of `module`; None for a local, a builtin, or a whole module. Behind
        IF_TRAIT, only a trait is meant."""
        if name.startswith(IF_TRAIT):  # not kept, because the item may become one of another kind
            meant = self.of(module, scope, name.removeprefix(IF_TRAIT))
            item = self.modules.items(meant[0]).get(meant[1]) if meant is not None else None
            return meant if item is not None and item.kind == "trait" else None
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = {}
        key = (scope, name)
        if key not in known:
            missed = self.modules.missing.count
            meant = self._find(module, scope, name)
            if self.modules.missing.count != missed:
                return meant
            known[key] = meant
        return known[key]

    def _find(self, module: str, scope: str, name: str) -> Target | None:
        own = self.modules.items(module)
        if not scope and "::" not in name:  # The usual case, in one step.
            if name in own:
                return module, name
            if not self._may_be_imported(module, name):
                return None
        else:
            parts = name.split("::")
            for outer in scopes(scope):
                for length in range(len(parts), 0, -1):
                    candidate = "::".join(([outer] if outer else []) + parts[:length])
                    if candidate in own:
                        return module, candidate
        table = self._table(module)
        for outer in scopes(scope):
            bound = table.get((outer, name))
            if bound is not None and bound.module and bound.item:
                return bound.module, bound.item
        return None

    def _may_be_imported(self, module: str, name: str) -> bool:
        """Whether a plain name can be anything from outside, as far as the imports' own text says."""
        if module not in self._imported:
            summary = self.modules.summary(module)
            if module not in self.modules.summaries:
                return False
            uses = summary.uses if summary else ()
            self._imported[module] = None if any(use.glob for use in uses) else frozenset([use.alias for use in uses])
        imported = self._imported[module]
        return imported is None or name in imported

    def _table(self, module: str) -> dict[tuple[str, str], Binding]:
        table = self._tables.get(module)
        if table is None:
            missed = self.modules.missing.count
            known = self._resolution(module)
            table = {(bound.scope, bound.name): bound for bound in known.bindings} if known else {}
            if self.modules.missing.count == missed:
                self._tables[module] = table
        return table


class _Node(NamedTuple):
    """An item's own part of its deep interface, and what it drags in: (name, item)."""

    own: tuple[str, bool, bytes]
    edges: tuple[tuple[str, Target], ...]


_EMPTY = _Node(("", False, b""), ())


class DeepInterfaces:
    """Deep interfaces of one project. `signatures` returns what was inferred of a module's items. Where the signature
    of an inferred item is known, it replaces the text that decides it."""

    def __init__(self, meanings: Meanings, signatures: Callable[[str], Mapping[str, Signature]]) -> None:
        self._meanings = meanings
        self._missing = meanings.modules.missing
        self._signatures = signatures
        self._nodes: dict[str, dict[str, _Node]] = {}
        """By module and item."""
        self._digests: dict[Target, Digest] = {}
        self._users: dict[Target, set[Target]] = {}
        """By item, the items that drag it in. Former ones stay, because dropping too many digests is never wrong."""

    def invalidate(self, stale: Iterable[str]) -> None:
        """The summaries, resolutions or signatures of these modules are others now. A digest stays where neither its
        item nor anything that it drags in looks otherwise."""
        modules = self._meanings.modules
        changed: list[Target] = []
        for module in stale:
            nodes = self._nodes.get(module)
            if nodes is None:
                continue
            items = modules.items(module) if module in modules.paths else {}
            for name, node in list(nodes.items()):
                # Nodes are compared, not only dropped: an edit leaves most items as they were, and an item that looks
                # as before keeps its digest and those of all that drag it in. Where the new node cannot be made now,
                # it is dropped, which is never wrong.
                missed = self._missing.count
                new = self._look((module, name)) if name in items else None
                if new is None or self._missing.count != missed:
                    del nodes[name]
                    changed.append((module, name))
                elif new != node:
                    nodes[name] = new
                    self._use((module, name), new)
                    changed.append((module, name))
        self._forget(changed)

    def _use(self, user: Target, node: _Node) -> None:
        users = self._users
        for _, target in node.edges:
            known = users.get(target)
            if known is None:
                users[target] = {user}
            else:
                known.add(user)

    def _forget(self, changed: list[Target]) -> None:
        """Drops the digests of these items, and of all that drag them in."""
        seen = set(changed)
        while changed:
            target = changed.pop()
            self._digests.pop(target, None)
            for user in self._users.get(target, ()):
                if user not in seen:
                    seen.add(user)
                    changed.append(user)

    def of(self, target: Target) -> Digest:
        """The digest of one item's deep interface; "" where something of it is not at hand."""
        known = self._digests.get(target)
        if known is None:
            if (self, target) in self._missing.unsure:
                self._missing.again()
                return ""
            self._close(target)
            known = self._digests.get(target, "")
        return known

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
            missed = self._missing.count
            node = self._look(target)
            if self._missing.count == missed:
                nodes[target[1]] = node
                self._use(target, node)
        return node

    def _look(self, target: Target) -> _Node:
        module, name = target
        modules = self._meanings.modules
        item = modules.items(module).get(name)
        if item is None:  # Not at hand: the caller knows that it exists.
            return _EMPTY
        signature = self._signatures(module).get(name) if item.inferred else None
        if signature is not None and not signature.whole:
            dragged = [(key, target_of(key)) for key in signature.names]
            existing = [(key, to) for key, to in dragged if to[0] in modules.paths and to[1] in modules.items(to[0])]
            edges = tuple(existing)
            return _Node((item.kind, item.public, signature.interface), edges)
        scope = name.rpartition("::")[0]
        meant = [(used, self._meanings.of(module, scope, used)) for used in item.interface_names]
        edges = tuple((used, to) for used, to in meant if to is not None)
        return _Node((item.kind, item.public, item.interface), edges)

    def _close(self, start: Target) -> None:
        """Digests of `start` and all below it: Tarjan's components, dragged-in ones first, with an explicit stack. A
        component that has, or drags in, something that is not at hand gets none, and is `unsure`."""
        # `work` is the call stack: an item and the number of its next edge. An item is pushed again with the edge after
        # the one that it descends by, so `position == 0` is its first visit. Items that have a digest, or are unsure,
        # are leaves here: they were closed by an earlier call, or by an earlier component of this one.
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
                if to in self._digests or (self, to) in self._missing.unsure:
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
        missed, unsure = self._missing.count, self._missing.unsure
        parts = []
        for member in sorted(members):
            node = self._node(member)
            if any((self, to) in unsure for _, to in node.edges):
                self._missing.again()
            if self._missing.count != missed:
                unsure.update([(self, member) for member in members])
                return
            seen = [(used, *to, "" if to in inside else self._digests[to]) for used, to in node.edges]
            parts.append((*member, *node.own, seen))
        whole = digest(_encode(parts))
        if len(members) == 1:
            self._digests[members[0]] = whole
            return
        for member in members:
            self._digests[member] = digest(_encode((whole, *member)))


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
