"""The names that a lambda sees: its own, and those around it, of which it captures what it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from typing import TYPE_CHECKING, Union

from orchestrator.toolchains.ruchy.check.scope import Item, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView

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
        found = self.own.get(name)
        if found is None:
            found = self._around[name]
            if isinstance(found, Variable):
                found = self._capture(found)
        return found

    def __setitem__(self, name: str, found: Seen) -> None:
        self.own[name] = found

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
        made = Sight(self._around, self._capture)
        made.own = self.own.copy()
        return made


def seen_now(names: MutableMapping[str, Seen]) -> MutableMapping[str, Seen]:
    """The names in sight, as they are now."""
    return names.copy() if isinstance(names, Sight) else dict(names)


def shadowed(names: MutableMapping[str, Seen], name: str) -> Seen | None:
    """What a new variable of that name hides from its own function."""
    return names.own.get(name) if isinstance(names, Sight) else names.get(name)
