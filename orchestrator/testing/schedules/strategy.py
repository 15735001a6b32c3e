"""Which schedules are tried, one after the other: so many at random, by PCT, or all that there are.

A strategy is asked for the next policy and told how the one before went.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from orchestrator.testing.schedules.policy import NO_CANCELS, AtRandom, ByPriority, Cancels, Policy, Written
from orchestrator.testing.schedules.trace import Choice, Trace

APART = 10_000
"""The distance between the seeds of two portfolios. Otherwise the second would repeat what the first has tried."""


class Strategy(Protocol):
    """Returns policies until it has none (None) or the budget is used up. `complete` says whether every schedule within
    its bound was run; one that can tell how far it came has `explored` too, the share of them that were."""

    name: str
    complete: bool
    cancels: Cancels
    """What its schedules may cancel; `explore` sets it."""

    def next(self, last: Trace | None) -> Policy | None:
        """The next policy; `last` is how the one before went."""
        ...


class Random:
    """Random schedules with the seeds `seed`, `seed + 1`, ...: finds common failures without any bias."""

    name = "random"
    complete = False

    def __init__(self, seed: int = 0) -> None:
        self.cancels = NO_CANCELS
        self._seed = seed
        self._length = 1

    def next(self, last: Trace | None) -> Policy | None:
        if last is not None:
            self._length = max(self._length, len(last.choices))
        self._seed += 1
        return AtRandom(self._seed - 1, self._length, self.cancels)


class Pct:
    """PCT (see `policy.ByPriority`) with bugs of `depth` in mind: 1 finds wrong orders of tasks, 2 also what happens
    when one is held up at one place, 3 at two. The length of a run is learnt from those before."""

    name = "pct"
    complete = False

    def __init__(self, depth: int = 3, seed: int = 0) -> None:
        if depth < 1:
            raise ValueError("the depth of PCT is 1 at least")
        self.cancels = NO_CANCELS
        self._depth = depth
        self._seed = seed
        self._length = 1

    def next(self, last: Trace | None) -> Policy | None:
        if last is not None:
            self._length = max(self._length, len(last.choices))
        self._seed += 1
        return ByPriority(self._depth, self._length, self._seed - 1, self.cancels)


class Exhaustive:
    """All schedules, depth first, with at most `preemptions` in each (None: any number). With a bound, a schedule of
    few preemptions is found before one of many, as most bugs need only one or two."""

    name = "exhaustive"

    def __init__(self, preemptions: int | None = None, *, fifo: bool = False) -> None:
        self._fifo = fifo
        self.cancels = NO_CANCELS
        self.complete = False
        self.explored = 0.0
        self._bound = preemptions
        if preemptions is not None:
            self.name = f"exhaustive:{preemptions}"

    def next(self, last: Trace | None) -> Policy | None:
        if last is None:
            return self._written({})
        taken = self._after(last.choices)
        self.explored = self._share(last.choices)
        if taken is None:
            self.complete = True
            return None
        return self._written(dict(enumerate(taken)))

    def _written(self, choices: dict[int, int]) -> Policy:
        return Written(choices, cancels=self.cancels, fifo=self._fifo)

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

    def _may_preempt(self, choice: Choice, spent: int) -> bool:
        """Whether another task could run there, after so many preemptions."""
        return not choice.stays or self._bound is None or spent < self._bound

    def _may_differ(self, choice: Choice, spent: int) -> bool:
        """Whether anything else could happen there, after so many preemptions."""
        return choice.cancels > 0 or self._may_preempt(choice, spent)

    def _after(self, choices: Sequence[Choice]) -> list[int] | None:
        """The schedule after this one, in the order of its last choice that has one left; None where none has."""
        spent = sum(choice.preempts for choice in choices)
        for number in range(len(choices) - 1, -1, -1):
            choice = choices[number]
            spent -= choice.preempts
            following = choice.taken + 1
            if not self._may_preempt(choice, spent):
                following = max(following, choice.of - choice.cancels)
            if following < choice.of:
                return [choice.taken for choice in choices[:number]] + [following]
        return None


class Once:
    """One policy: a replay."""

    name = "replay"
    complete = False

    def __init__(self, policy: Policy) -> None:
        self._policy: Policy | None = policy
        self.cancels = policy.cancels

    def next(self, last: Trace | None) -> Policy | None:
        policy, self._policy = self._policy, None
        return policy


class Deviations:
    """The default schedule, then each that leaves it in one choice, in a shuffled order; then, drawn at random, those
    that leave one of these in one choice more. Most bugs of locks need one task that is held up, and one that is
    cancelled: two deviations."""

    name = "deviations"

    def __init__(self, seed: int = 0, *, fifo: bool = False) -> None:
        self.complete = False
        self.cancels = NO_CANCELS
        self._chance = random.Random(seed)
        self._fifo = fifo
        self._singles: list[tuple[int, int]] | None = None
        self._known: list[tuple[dict[int, int], Sequence[Choice]]] = []

    def next(self, last: Trace | None) -> Policy | None:
        if last is None:
            return self._written({})
        self._known.append(
            ({number: choice.taken for number, choice in enumerate(last.choices) if choice.taken}, last.choices)
        )
        if self._singles is None:
            self._singles = [
                (number, taken) for number, choice in enumerate(last.choices) for taken in range(1, choice.of)
            ]
            self._chance.shuffle(self._singles)
        if self._singles:
            number, taken = self._singles.pop()
            return self._written({number: taken})
        return self._one_more()

    def _one_more(self) -> Policy | None:
        """A schedule that was run, left behind its last deviation in one choice more; None where none can be left."""
        while self._known:
            number = self._chance.randrange(len(self._known))
            before, choices = self._known[number]
            after = range(max(before, default=-1) + 1, len(choices))
            open_choices = [number for number in after if choices[number].of > 1]
            if open_choices:
                choice = self._chance.choice(open_choices)
                return self._written({**before, choice: self._chance.randrange(1, choices[choice].of)})
            self._known[number] = self._known[-1]
            self._known.pop()
        self.complete = True
        return None

    def _written(self, choices: dict[int, int]) -> Policy:
        return Written(choices, cancels=self.cancels, fifo=self._fifo)


class Portfolio:
    """Several strategies in turn, since none is best at everything: random schedules, few deviations from the default
    schedule and, where the loop has one (`has_order`), from FIFO order, and PCT with depths of 3 to 7."""

    name = "portfolio"
    complete = False

    def __init__(self, seed: int = 0, *, has_order: bool = True) -> None:
        self.cancels = NO_CANCELS
        seed *= APART
        few, at_random = Deviations(seed), Random(seed)
        fifo: list[Strategy] = [Deviations(seed + 1, fifo=True)] if has_order else []
        self._turns: list[Strategy] = []
        for depth in range(3, 8):
            for other in (few, *fifo, Pct(depth, seed)):
                self._turns += [other, at_random, at_random]
        self._last: dict[int, Trace] = {}
        self._number = 0
        self._now: Strategy | None = None

    def next(self, last: Trace | None) -> Policy | None:
        if last is not None and self._now is not None:
            self._last[id(self._now)] = last
        while self._turns:
            strategy = self._turns[self._number % len(self._turns)]
            strategy.cancels = self.cancels
            policy = strategy.next(self._last.get(id(strategy)))
            if policy is not None:
                self._number += 1
                self._now = strategy
                return policy
            self._turns = [other for other in self._turns if other is not strategy]
        return None
