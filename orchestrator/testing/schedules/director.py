"""Between an event loop and a policy: what is asked, what is written down, and what is fair.

The two loops (`on_trio`, `on_asyncio`) hold back everybody who can run and let the director pick one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.testing.schedules.policy import Policy, Segments
from orchestrator.testing.schedules.trace import Choice, Trace

PATIENCE = 500
"""Nobody who can run is passed over more often in a row: a task that polls would otherwise run for ever."""

STEPS = 100_000
"""A schedule of more steps has no end."""


class Problem(Exception):
    """The schedule could not be run to its end."""


class Deadlock(Problem):
    """All wait, and nothing will ever wake them. The text says who waits for what, and who could help."""


class Endless(Problem):
    """The schedule took too many steps."""


class Uncontrolled(Problem):
    """Something decides that is not under control: a thread, a process, a socket, a clock, the order of a set. Then a
    schedule found is a schedule lost."""


class Abandoned(BaseException):
    """Thrown into tasks that would never end, so that they do. Nobody should catch it."""


class Director:
    """Picks who runs next and writes down what was picked. `name_of` names a task; equal names get numbers."""

    def __init__(self, policy: Policy, name_of: Callable[[Any], str], steps: int = STEPS) -> None:
        self.trace = Trace()
        self.problem: Problem | None = None
        self.finished = False
        """The scenario has ended; what runs now is the loop's own cleaning up."""
        self._policy = policy
        self._segments = policy if isinstance(policy, Segments) else None
        self._name_of = name_of
        self._limit = steps
        self._labels: dict[Any, str] = {}
        self._named: dict[str, int] = {}
        self._since: dict[Any, int] = {}
        self._last: Any = None

    def label(self, task: Any) -> str:
        """A name for a task that no other one of this run has."""
        found = self._labels.get(task)
        if found is None:
            name = self._name_of(task)
            count = self._named[name] = self._named.get(name, 0) + 1
            found = self._labels[task] = f"{name}#{count}" if count > 1 else name
        return found

    def order(self, task: Any) -> int:
        """A number to sort tasks by: who was seen first."""
        self.label(task)
        return list(self._labels).index(task)

    @property
    def over(self) -> bool:
        """Whether there are no choices any more."""
        return self.finished or self.problem is not None

    def pick(self, ready: Sequence[Any]) -> int:
        """Which of the tasks that can run (at least one, in an order that is the same in every run) does."""
        if self.over:
            return 0
        trace, since, number = self.trace, self._since, len(self.trace.labels)
        if number >= self._limit:
            self.problem = Endless(f"no end after {number} steps; the last were of {self._most_active()}")
            return 0
        task = ready[0]
        if len(ready) > 1:
            for one in ready:
                self.label(one)  # Now, so that equal names are numbered in the order that tasks were started.
                since.setdefault(one, number)
            task = self._chosen(ready, number)
        label = self.label(task)
        trace.labels.append(label)
        if self._segments is not None:
            self._segments.stepped(label)
        since.pop(task, None)
        self._last = task
        return ready.index(task) if len(ready) > 1 else 0

    def _chosen(self, ready: Sequence[Any], number: int) -> Any:
        since = self._since
        order = sorted(ready, key=since.__getitem__)  # Stable: equals stay in the order that they were given in.
        if number - since[order[0]] > PATIENCE:
            return order[0]
        stays = self._last in since
        if stays:
            order.remove(self._last)
            order.insert(0, self._last)
        taken = self._policy.choose([self._labels[one] for one in order], stays)
        self.trace.choices.append(Choice(taken, len(order), stays, number))
        return order[taken]

    def _most_active(self) -> str:
        last = self.trace.labels[-100:]
        return ", ".join(sorted(set(last), key=last.count, reverse=True)[:3])
