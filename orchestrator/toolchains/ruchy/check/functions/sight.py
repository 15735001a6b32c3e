"""The names that a lambda sees: its own, and those around it, of which it captures what it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from typing import TYPE_CHECKING, Union

from orchestrator.toolchains.ruchy.check.scope import Env, Item, Variable
from orchestrator.toolchains.ruchy.check.types import ERROR, Type

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView

    from orchestrator.toolchains.ruchy.check import hir
    from orchestrator.toolchains.ruchy.syntax import tree

Seen = Union[Variable, Item]


class Sight(MutableMapping[str, Seen]):
    """`own` are the names of the lambda itself. One that is not among them is looked for around; if that is a variable,
    `capture` gives the one that stands for it in the lambda."""

    __slots__ = ("_around", "_capture", "own")

    def __init__(self, around: Mapping[str, Seen], capture: Callable[[Variable], Seen]) -> None:
        self.own: dict[str, Seen] = {}
        self._around = around
        self._capture = capture

    def __getitem__(self, name: str) -> Seen:
        seen = self.own.get(name)
        if seen is None:
            seen = self._around[name]
            if isinstance(seen, PolymorphicLambda):
                seen = self.own[name] = seen.seen_with(Sight(seen.names, self._capture))
            elif isinstance(seen, Variable):
                seen = self._capture(seen)
        return seen

    def __setitem__(self, name: str, seen: Seen) -> None:
        self.own[name] = seen

    def __delitem__(self, name: str) -> None:
        del self.own[name]

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._around

    def __iter__(self) -> Iterator[str]:
        return chain(self.own, (name for name in self._around if name not in self.own))

    def __len__(self) -> int:
        return len({*self.own, *self._around})

    def items(self) -> ItemsView[str, Seen]:
        """All names and what they mean, without capturing anything."""
        return {**dict(self._around.items()), **self.own}.items()

    def copy(self) -> Sight:
        twin = Sight(self._around, self._capture)
        twin.own = self.own.copy()
        return twin


class PolymorphicLambda(Variable):
    """A name that stands for the text of a lambda. `names` and `env` are those of where it stands; `made` has the
    function that was made of it for each set of types."""

    __slots__ = ("env", "made", "names", "node")

    def __init__(self, name: str, node: tree.Lambda, names: MutableMapping[str, Seen], env: Env) -> None:
        super().__init__(name, ERROR, -1, node.at, mutable=False, declared=False)
        self.node = node
        self.names = names
        self.env = env
        self.made: dict[tuple[Type, ...], hir.MakeClosure] = {}
        self.read = True

    def seen_with(self, names: Sight) -> PolymorphicLambda:
        """The same name in a lambda further in, which captures what this one uses."""
        return PolymorphicLambda(self.name, self.node, names, self.env)


def seen_now(names: MutableMapping[str, Seen]) -> MutableMapping[str, Seen]:
    """The names in sight, as they are now."""
    return names.copy() if isinstance(names, Sight) else dict(names)


def shadowed(names: MutableMapping[str, Seen], name: str) -> Seen | None:
    """What a new variable of that name hides from its own function."""
    return names.own.get(name) if isinstance(names, Sight) else names.get(name)
