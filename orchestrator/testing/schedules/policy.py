"""Decides which task runs next in one schedule: at random, by random priorities (PCT), or as it is written down.

A policy is asked once for each choice and gives a number into the tasks that can run; see `trace` for what 0 means.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from orchestrator.testing.schedules.trace import CANCEL, parsed

FIFO = "fifo"

HELD_UP = 0.75
"""How often another task runs before the one that was cancelled: until that one runs, it is cancelled and yet there."""

WAITING = 0.75
"""How often a task is cancelled that waits for something, where there is one: bugs of locks and queues are there."""


class Cancels(NamedTuple):
    """What a schedule may cancel, `most` times: any task but the scenario's own, or, where `tasks` is off, only the
    scopes that the scenario opens by `cancellable`."""

    most: int = 0
    tasks: bool = True

    def __str__(self) -> str:
        if not self.most:
            return ""
        return f"{'cancel' if self.tasks else 'scope'}={self.most}/"


NO_CANCELS = Cancels()


class Policy(ABC):
    """Decides one schedule. `key` is how to get the same one again with `policy_of`."""

    key: str

    cancels: Cancels = NO_CANCELS

    fifo: bool = False
    """Whether tasks run in the order in which they were woken, as on a plain asyncio loop. Trio promises no order:
    there, who has waited longest runs."""

    @abstractmethod
    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        """Returns what happens next: a number into `labels` (that task runs), or, counted on from there, into
        `cancels` (that task is cancelled)."""


class Written(Policy):
    """Takes the choices that are written down, and 0 for everything else. `fitted` turns False when a choice could not
    be made: then the code has changed since, or something is not under control."""

    def __init__(self, choices: Mapping[int, int], *, cancels: Cancels = NO_CANCELS, fifo: bool = False) -> None:
        text = ",".join(f"{number}:{taken}" for number, taken in sorted(choices.items()) if taken) or "0"
        self.key = before_choices(cancels, fifo) + text
        self.cancels = cancels
        self.fifo = fifo
        self.fitted = True
        self._choices = choices
        self._number = -1

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        self._number += 1
        taken = self._choices.get(self._number, 0)
        if taken < len(labels) + len(cancels):
            return taken
        self.fitted = False
        return 0


class _Moments:
    """When a random policy cancels: at so many moments, drawn among `length` choices. A moment at which nobody can be
    cancelled is put off."""

    def __init__(self, chance: random.Random, cancels: int, length: int) -> None:
        self._chance = chance
        # One more than were seen: a run that is cancelled early is short, and would never teach how long others are.
        self._moments = sorted(chance.randrange(length + 1) for _ in range(cancels))

    def choose(self, number: int, labels: Sequence[str], cancels: Sequence[str]) -> int | None:
        """Returns the number of the cancellation that is due at this choice: mostly of a task that waits."""
        if not cancels or not self._moments or number < self._moments[0]:
            return None
        del self._moments[0]
        waiting = [victim for victim in cancels if victim.removeprefix(CANCEL) not in labels]
        victim = self._chance.choice(waiting if waiting and self._chance.random() < WAITING else cancels)
        return len(labels) + cancels.index(victim)


class AtRandom(Policy):
    """Each task that can run is as likely as another, at each step. With `cancels`, so many tasks are cancelled at
    moments drawn among `length` choices."""

    def __init__(self, seed: int, length: int = 0, cancels: Cancels = NO_CANCELS) -> None:
        self.key = f"{cancels}random:{seed}" + (f":{length}" if cancels.most else "")
        self.cancels = cancels
        self._chance = random.Random(seed)
        self._moments = _Moments(self._chance, cancels.most, length)
        self._number = -1
        self._cancelled = ""

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        self._number += 1
        due = self._moments.choose(self._number, labels, cancels)
        if due is not None:
            self._cancelled = cancels[due - len(labels)].removeprefix(CANCEL)
            return due
        cancelled, self._cancelled = self._cancelled, ""
        if cancelled in labels and len(labels) > 1 and self._chance.random() < HELD_UP:
            return labels.index(self._chance.choice([label for label in labels if label != cancelled]))
        return int(self._chance.random() * len(labels))


class ByPriority(Policy):
    """PCT, probabilistic concurrency testing (Burckhardt and others, "A randomized scheduler with probabilistic
    guarantees of finding bugs", 2010).

    Every task gets a random priority and the highest runs, until one of `depth` - 1 moments, picked at random among
    `length` choices: there, the one that would run falls below all others. A bug that takes `depth` orderings to show
    is found with a probability of at least 1 / (tasks * length ** (depth - 1)): where a random walk would have to guess
    the same way many times in a row, here one number must be right.
    """

    def __init__(self, depth: int, length: int, seed: int, cancels: Cancels = NO_CANCELS) -> None:
        self.key = f"{cancels}pct:{depth}:{length}:{seed}"
        self.cancels = cancels
        self._chance = random.Random(seed)
        self._moments = _Moments(self._chance, cancels.most, length)
        self._falls = {self._chance.randrange(max(1, length)): -1 - rank for rank in range(depth - 1)}
        self._priorities: dict[str, float] = {}
        self._number = -1

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        self._number += 1
        due = self._moments.choose(self._number, labels, cancels)
        if due is not None:
            return due
        priorities = self._priorities
        for label in labels:
            if label not in priorities:
                priorities[label] = self._chance.random()
        fall = self._falls.get(self._number)
        if fall is not None:
            priorities[max(labels, key=priorities.__getitem__)] = float(fall)
        return labels.index(max(labels, key=priorities.__getitem__))


class Segments(Policy):
    """`count` steps of one task, then of another, as far as they can run; then the default choice. This is how
    schedules are shortened: unlike numbered choices, segments keep their meaning when one before them is left out."""

    def __init__(self, segments: Sequence[tuple[str, int]], cancels: Cancels = NO_CANCELS) -> None:
        self.key = "segments"
        self.cancels = cancels
        self._ahead: list[tuple[str, int]] = list(reversed(segments))

    def stepped(self, label: str) -> None:
        """Notes a step, whether it was chosen or not."""
        ahead = self._ahead
        if ahead and ahead[-1][0] == label:
            _, count = ahead.pop()
            if count > 1:
                ahead.append((label, count - 1))

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        possible = [*labels, *cancels]
        while self._ahead:
            if self._ahead[-1][0] in possible:
                return possible.index(self._ahead[-1][0])
            self._ahead.pop()
        return 0


def before_choices(cancels: Cancels, fifo: bool) -> str:
    """Returns what stands before the choices of a schedule: what may happen besides tasks that run in any order."""
    return (f"{FIFO}/" if fifo else "") + str(cancels)


def policy_of(key: str) -> Policy:
    """Returns the policy of a key: `random:SEED`, `pct:DEPTH:LENGTH:SEED`, or choices like `12:1,40:2`. Before it may
    stand `fifo/`, and `cancel=1/` or `scope=1/`. Raises ValueError."""
    *before, written = key.strip().split("/")
    cancels, fifo = NO_CANCELS, False
    for part in before:
        name, _, number = part.partition("=")
        if part == FIFO:
            fifo = True
        elif name in ("cancel", "scope") and number.isdecimal():
            cancels = Cancels(int(number), name == "cancel")
        else:
            raise ValueError(f"before a schedule stands `fifo/`, `cancel=1/` or `scope=1/`, not {part + '/'!r}")
    kind, _, rest = written.partition(":")
    numbers = [int(number) for number in rest.split(":") if number.isdecimal()]
    if len(numbers) == rest.count(":") + 1 and not fifo:
        if kind == "random" and len(numbers) == 1 + bool(cancels.most):
            return AtRandom(numbers[0], sum(numbers[1:]), cancels)
        if kind == "pct" and len(numbers) == 3:
            return ByPriority(numbers[0], numbers[1], numbers[2], cancels)
    return Written(parsed(written), cancels=cancels, fifo=fifo)
