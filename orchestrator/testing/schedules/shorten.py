"""From a schedule that fails to the fewest context switches that still do.

First greedily: segments of the schedule ("three steps of A") are left out, joined and cut, as long as the same
failure comes of it; then, where few preemptions are left, all schedules with fewer are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from orchestrator.testing.schedules.outcome import Outcome, alike
from orchestrator.testing.schedules.policy import Policy, Segments, Written
from orchestrator.testing.schedules.strategy import Exhaustive
from orchestrator.testing.schedules.trace import Trace

TRIES = 400
"""How many schedules may be run to shorten one."""

Run = Callable[[Policy], Outcome]


def shortest(run: Run, failing: Outcome) -> Outcome:
    """The shortest failing schedule that was found within `TRIES`."""
    search = _Search(run, failing)
    search.try_policy(Written({}))
    improved = True
    while improved and search.left > 0:
        improved = search.by_segments() or search.by_choices()
    search.fewer_preemptions()
    return search.best


def size(trace: Trace) -> tuple[int, int, int]:
    """What makes a schedule easy to follow: few switches, few choices to write down, few steps."""
    return trace.switches, sum(choice.taken > 0 for choice in trace.choices), len(trace.labels)


class _Search:
    def __init__(self, run: Run, failing: Outcome) -> None:
        self.best = failing
        self.left = TRIES
        self._run = run
        self._error = failing.error

    def try_policy(self, policy: Policy) -> bool:
        """Whether it fails in the same way and is shorter; then it is the best."""
        if self.left <= 0:
            return False
        self.left -= 1
        outcome = self._run(policy)
        if not alike(outcome.error, self._error) or size(outcome.trace) >= size(self.best.trace):
            return False
        self.best = outcome
        return True

    def by_segments(self) -> bool:
        """Leave out, join or cut one segment after the other."""
        improved = False
        number = 0
        while self.left > 0:
            segments = [(label, len(list(steps))) for label, steps in groupby(self.best.trace.labels)]
            if number >= len(segments):
                return improved
            if any(self.try_policy(Segments(changed)) for changed in _changed(segments, number)):
                improved = True
            else:
                number += 1
        return improved

    def by_choices(self) -> bool:
        """Set one choice after the other to 0, the last first: those before it keep their meaning."""
        improved = False
        taken = {number: choice.taken for number, choice in enumerate(self.best.trace.choices) if choice.taken}
        for number in sorted(taken, reverse=True):
            fewer = {other: value for other, value in taken.items() if other != number}
            if self.try_policy(Written(fewer)):
                taken, improved = fewer, True
        return improved

    def fewer_preemptions(self) -> None:
        """All schedules with fewer preemptions than the best has, as far as the tries last."""
        for bound in range(self.best.trace.preemptions):
            if bound >= self.best.trace.preemptions:
                return
            strategy = Exhaustive(bound)
            policy = strategy.next(None)
            while policy is not None and self.left > 0:
                self.left -= 1
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
