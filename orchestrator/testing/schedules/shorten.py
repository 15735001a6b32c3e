"""From a schedule that fails to the fewest context switches that still do.

First it searches in FIFO order, if the loop has one, because maintainers of libraries for asyncio want to see what a
plain loop can do. Then greedily: segments of the schedule ("three steps of A") are left out, joined and cut, as long as
the same failure results; then, where few preemptions are left, all schedules with fewer are tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

from orchestrator.testing.schedules.outcome import Outcome, alike
from orchestrator.testing.schedules.policy import Policy, Segments, Written
from orchestrator.testing.schedules.strategy import Deviations, Exhaustive, Strategy
from orchestrator.testing.schedules.trace import Trace

TRIES = 400
"""How many schedules may be run to shorten one."""

Run = Callable[[Policy], Outcome]


SECONDS = 20.0
"""How long the search for a shorter schedule may take."""

FIFO_TRIES = 200
"""How many schedules in FIFO order may be run to find one that fails."""


class Shortest(NamedTuple):
    """The shortest failing schedule that was found. `fifo`: one in FIFO order fails (True); of `fifo_tried` none does
    (False), and with `fifo_complete` there are no others; None where the loop has no such order."""

    outcome: Outcome
    fifo: bool | None
    fifo_tried: int = 0
    fifo_complete: bool = False


def shortest(run: Run, failing: Outcome, *, has_order: bool) -> Shortest:
    """Searches for the shortest failing schedule, within `TRIES` and `SECONDS`. `has_order`: the loop is FIFO."""
    search = _Search(run, failing)
    fifo, tried, complete = search.in_order() if has_order else (None, 0, False)
    if not search.best.policy.fifo:
        search.try_policy(Written({}, cancels=search.cancels))
        improved = True
        while improved and search.left > 0:
            improved = search.by_segments() or search.by_choices()
        search.fewer_preemptions()
    else:
        search.by_choices()
    return Shortest(search.best, fifo, tried, complete)


def size(trace: Trace) -> tuple[int, int, int, int]:
    """What makes a schedule easy to follow: few cancellations, few switches, few choices to write down, few steps."""
    return trace.cancels, trace.switches, sum(choice.taken > 0 for choice in trace.choices), len(trace.labels)


class _Search:
    def __init__(self, run: Run, failing: Outcome) -> None:
        self.best = failing
        self.cancels = failing.policy.cancels
        self.left = TRIES
        self._run_policy = run
        self._error = failing.error
        self._until = time.perf_counter() + SECONDS

    def _run(self, policy: Policy) -> Outcome:
        """Runs one more schedule; the last one if no time is left."""
        self.left = self.left - 1 if time.perf_counter() < self._until else 0
        return self._run_policy(policy)

    def in_order(self) -> tuple[bool, int, bool]:
        """Looks for a schedule in FIFO order that fails in the same way. Returns whether there is one, how many were
        tried, and whether there are no others."""
        if self.best.policy.fifo:
            return True, 0, False
        if not self.cancels.most:
            strategy: Strategy = Exhaustive(fifo=True)
        else:
            strategy = Deviations(fifo=True)
        strategy.cancels = self.cancels
        policy = strategy.next(None)
        tried = 0
        while policy is not None and tried < FIFO_TRIES and time.perf_counter() < self._until:
            outcome = self._run_policy(policy)
            tried += 1
            if alike(outcome.error, self._error):
                self.best = outcome
                return True, tried, False
            policy = strategy.next(outcome.trace)
        return False, tried, strategy.complete

    def try_policy(self, policy: Policy) -> bool:
        """Whether it fails in the same way and is shorter; then it is the best."""
        if self.left <= 0:
            return False
        outcome = self._run(policy)
        if not alike(outcome.error, self._error) or size(outcome.trace) >= size(self.best.trace):
            return False
        self.best = outcome
        return True

    def by_segments(self) -> bool:
        """Leaves out, joins or cuts one segment after the other."""
        improved = False
        number = 0
        while self.left > 0:
            segments = [(label, len(list(steps))) for label, steps in groupby(self.best.trace.labels)]
            if number >= len(segments):
                return improved
            if any(self.try_policy(Segments(changed, self.cancels)) for changed in _changed(segments, number)):
                improved = True
            else:
                number += 1
        return improved

    def by_choices(self) -> bool:
        """Sets one choice after the other to 0, the last first: those before it keep their meaning."""
        improved = False
        taken = {number: choice.taken for number, choice in enumerate(self.best.trace.choices) if choice.taken}
        for number in sorted(taken, reverse=True):
            fewer = {other: value for other, value in taken.items() if other != number}
            if self.try_policy(Written(fewer, cancels=self.cancels, fifo=self.best.policy.fifo)):
                taken, improved = fewer, True
        return improved

    def fewer_preemptions(self) -> None:
        """All schedules with fewer preemptions than the best has, as far as the tries last."""
        for bound in range(self.best.trace.preemptions):
            if bound >= self.best.trace.preemptions:
                return
            strategy = Exhaustive(bound)
            strategy.cancels = self.cancels
            policy = strategy.next(None)
            while policy is not None and self.left > 0:
                outcome = self._run(policy)
                if alike(outcome.error, self._error) and size(outcome.trace) < size(self.best.trace):
                    self.best = outcome
                policy = strategy.next(outcome.trace)


def _changed(segments: list[tuple[str, int]], number: int) -> Iterator[list[tuple[str, int]]]:
    """Schedules with one segment less, or a shorter one."""
    before, (label, count), behind = segments[:number], segments[number], segments[number + 1 :]
    for chunk in (8, 4, 2):
        if chunk < len(segments):
            yield before + segments[number + chunk :]
    yield before + behind
    later = next((place for place, (other, _) in enumerate(behind) if other == label), None)
    if later is not None:  # Have all that this task does until its next turn done at once.
        yield [*before, (label, count + behind[later][1]), *behind[:later], *behind[later + 1 :]]
    if count > 1:
        yield [*before, (label, count // 2), *behind]
