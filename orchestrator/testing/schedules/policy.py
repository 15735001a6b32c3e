"""Who runs next, in one schedule: at random, by random priorities (PCT), or as it is written down.

A policy is asked once for each choice and gives a number into the tasks that can run; see `trace` for what 0 means.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orchestrator.testing.schedules.trace import parsed


class Policy(Protocol):
    """Decides one schedule. `key` is how to get the same one again with `policy_of`."""

    key: str

    def choose(self, labels: Sequence[str], stays: bool) -> int:
        """Which of the tasks that can run does."""
        ...


class Written:
    """What is written down; 0 for everything else. `fitted` turns False when a choice was not to be had: then the
    code has changed since, or something is not under control."""

    def __init__(self, choices: Mapping[int, int]) -> None:
        self.key = ",".join(f"{number}:{taken}" for number, taken in sorted(choices.items()) if taken) or "0"
        self.fitted = True
        self._choices = choices
        self._number = -1

    def choose(self, labels: Sequence[str], stays: bool) -> int:
        self._number += 1
        taken = self._choices.get(self._number, 0)
        if taken < len(labels):
            return taken
        self.fitted = False
        return 0


class AtRandom:
    """Each that can run is as likely as another, at each step."""

    def __init__(self, seed: int) -> None:
        self.key = f"random:{seed}"
        self._chance = random.Random(seed)

    def choose(self, labels: Sequence[str], stays: bool) -> int:
        return int(self._chance.random() * len(labels))


class ByPriority:
    """PCT, probabilistic concurrency testing (Burckhardt and others, "A randomized scheduler with probabilistic
    guarantees of finding bugs", 2010).

    Every task gets a random priority and the highest runs, until one of `depth` - 1 moments, picked at random among
    `length` choices: there, the one that would run falls below all others. A bug that takes `depth` orderings to show
    is found with a probability of at least 1 / (tasks * length ** (depth - 1)): where a random walk would have to guess
    the same way many times in a row, here one number must be right.
    """

    def __init__(self, depth: int, length: int, seed: int) -> None:
        self.key = f"pct:{depth}:{length}:{seed}"
        self._chance = random.Random(seed)
        self._falls = {self._chance.randrange(max(1, length)): -1 - rank for rank in range(depth - 1)}
        self._priorities: dict[str, float] = {}
        self._number = -1

    def choose(self, labels: Sequence[str], stays: bool) -> int:
        self._number += 1
        priorities = self._priorities
        for label in labels:
            if label not in priorities:
                priorities[label] = self._chance.random()
        fall = self._falls.get(self._number)
        if fall is not None:
            priorities[max(labels, key=priorities.__getitem__)] = float(fall)
        return labels.index(max(labels, key=priorities.__getitem__))


class Segments:
    """`count` steps of one task, then of another, as far as they can run; then the default choice. This is how
    schedules are shortened: unlike numbered choices, segments keep their meaning when one before them is left out."""

    def __init__(self, segments: Sequence[tuple[str, int]]) -> None:
        self.key = "segments"
        self._ahead: list[list[Any]] = [[label, count] for label, count in reversed(segments)]

    def stepped(self, label: str) -> None:
        """Somebody runs, chosen or not."""
        ahead = self._ahead
        if ahead and ahead[-1][0] == label:
            ahead[-1][1] -= 1
            if not ahead[-1][1]:
                ahead.pop()

    def choose(self, labels: Sequence[str], stays: bool) -> int:
        while self._ahead:
            if self._ahead[-1][0] in labels:
                return labels.index(self._ahead[-1][0])
            self._ahead.pop()
        return 0


def policy_of(key: str) -> Policy:
    """The policy of a key: `random:SEED`, `pct:DEPTH:LENGTH:SEED`, or choices like `12:1,40:2`. Raises ValueError."""
    kind, _, rest = key.partition(":")
    numbers = rest.split(":")
    if kind == "random" and rest.isdecimal():
        return AtRandom(int(rest))
    if kind == "pct" and len(numbers) == 3 and all(number.isdecimal() for number in numbers):
        return ByPriority(*map(int, numbers))
    return Written(parsed(key))
