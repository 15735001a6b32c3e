"""Which schedules are tried, one after the other: so many at random, by PCT, or all that there are.

A strategy is asked for the next policy and told how the one before went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.testing.schedules.policy import AtRandom, ByPriority, Policy, Written
from orchestrator.testing.schedules.trace import Choice, Trace


class Strategy(Protocol):
    """Returns policies until it has none (None) or the budget is used up. `complete` says whether every schedule within
    its bound was run; one that can tell how far it came has `explored` too, the share of them that were."""

    name: str
    complete: bool

    def next(self, last: Trace | None) -> Policy | None:
        """The next policy; `last` is how the one before went."""
        ...


class Random:
    """Seeds `seed`, `seed + 1`, ...: finds what is common, with no idea of anything."""

    name = "random"
    complete = False

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def next(self, last: Trace | None) -> Policy | None:
        self._seed += 1
        return AtRandom(self._seed - 1)


class Pct:
    """PCT (see `policy.ByPriority`) with bugs of `depth` in mind: 1 finds wrong orders of tasks, 2 also what happens
    when one is held up at one place, 3 at two. The length of a run is learnt from those before."""

    name = "pct"
    complete = False

    def __init__(self, depth: int = 3, seed: int = 0) -> None:
        if depth < 1:
            raise ValueError("the depth of PCT is 1 at least")
        self._depth = depth
        self._seed = seed
        self._length = 1

    def next(self, last: Trace | None) -> Policy | None:
        if last is not None:
            self._length = max(self._length, len(last.choices))
        self._seed += 1
        return ByPriority(self._depth, self._length, self._seed - 1)


class Exhaustive:
    """All schedules, depth first, with at most `preemptions` in each (None: any number). With a bound, a schedule of
    few preemptions is found before one of many, as most bugs need only one or two."""

    name = "exhaustive"

    def __init__(self, preemptions: int | None = None) -> None:
        self.complete = False
        self.explored = 0.0
        self._bound = preemptions
        if preemptions is not None:
            self.name = f"exhaustive:{preemptions}"

    def next(self, last: Trace | None) -> Policy | None:
        if last is None:
            return Written({})
        taken = self._after(last.choices)
        self.explored = self._share(last.choices)
        if taken is None:
            self.complete = True
            return None
        return Written(dict(enumerate(taken)))

    def _share(self, choices: Sequence[Choice]) -> float:
        """How much of the tree lies before this schedule, itself included, if all branches of a choice weigh the
        same."""
        spent, weight, share = 0, 1.0, 0.0
        for choice in choices:
            if self._may_differ(choice, spent):
                weight /= choice.of
                share += weight * choice.taken
            spent += choice.preempts
        return share + weight

    def _may_differ(self, choice: Choice, spent: int) -> bool:
        """Whether another one could be taken there, after so many preemptions."""
        return not choice.stays or self._bound is None or spent < self._bound

    def _after(self, choices: Sequence[Choice]) -> list[int] | None:
        """The schedule after this one, in the order of its last choice that has one left; None where none has."""
        spent = sum(choice.preempts for choice in choices)
        for number in range(len(choices) - 1, -1, -1):
            taken, of, _, _ = choices[number]
            spent -= choices[number].preempts
            if taken + 1 < of and self._may_differ(choices[number], spent):
                return [choice.taken for choice in choices[:number]] + [taken + 1]
        return None


class Once:
    """One policy: a replay."""

    name = "replay"
    complete = False

    def __init__(self, policy: Policy) -> None:
        self._policy: Policy | None = policy

    def next(self, last: Trace | None) -> Policy | None:
        policy, self._policy = self._policy, None
        return policy
