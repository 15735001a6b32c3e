"""Stands between an event loop and a policy: asks, records the choices, and keeps them fair.

The two loops (`on_trio`, `on_asyncio`) hold back all tasks that can run, and let the director pick one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

from orchestrator.testing.schedules.policy import Policy, Segments
from orchestrator.testing.schedules.trace import CANCEL, Choice, Trace

T = TypeVar("T")
"""A task of the event loop. The director compares tasks, and knows nothing else of them."""

PATIENCE = 500
"""The most times in a row that a task that can run is passed over. Otherwise a task that polls would run for ever."""

TIME = "time passes"
"""What a policy can choose beside cancelling a task, where no task can run."""

STEPS = 100_000
"""A schedule of more steps counts as endless."""


class Problem(Exception):
    """The schedule could not be completed."""


class Deadlock(Problem):
    """All tasks wait, and nothing will ever wake them. The text says who waits for what, and who could help."""


class Endless(Problem):
    """The schedule took too many steps."""


class Uncontrolled(Problem):
    """The run depends on something that the harness does not control: a thread, a process, a socket, a clock, the order
    of a set. Then a schedule cannot be repeated."""


class LeftBehind(Problem):
    """The scenario has ended, but something that it started has not, or has failed unseen."""


class Abandoned(BaseException):
    """Thrown into tasks that would never end by themselves. No code should catch it."""


def is_outside(owner: object) -> bool:
    """Whether what happens is an arrival from outside, not a step of a task."""
    return bool(getattr(owner, "is_outside", False))


class Turn(NamedTuple, Generic[T]):
    """What happens next: a task runs, or it is cancelled."""

    task: T
    is_cancelled: bool = False


class Director(Generic[T]):
    """Picks who runs next and writes down what was picked. `name_of` names a task; equal names get numbers."""

    def __init__(self, policy: Policy, name_of: Callable[[T], str], steps: int = STEPS) -> None:
        self.trace = Trace()
        self.problem: Exception | None = None
        """What the schedule fails with, whatever the scenario then raises."""
        self.finished = False
        """The scenario has ended; what runs now is the loop's own cleaning up."""
        self._policy = policy
        self._segments = policy if isinstance(policy, Segments) else None
        self._name_of = name_of
        self._limit = steps
        self._labels: dict[T, str] = {}
        self._named: dict[str, int] = {}
        self._since: dict[T, int] = {}
        self._last: T | None = None
        self.invariants: list[Callable[[], object]] = []
        """What is called after each step; what it raises fails the schedule."""
        self.may_cancel_tasks = policy.cancels.most > 0 and policy.cancels.tasks
        """Whether tasks may be cancelled for which the scenario itself opens no scope."""
        self._cancels = policy.cancels.most
        self._offers: dict[T, list[Callable[[], object]]] = {}

    @property
    def fifo(self) -> bool:
        """Whether tasks run in the order in which they were woken."""
        return self._policy.fifo

    @contextmanager
    def offered(self, task: T, cancel: Callable[[], object]) -> Iterator[None]:
        """Allows the task to be cancelled while this context is open."""
        self.offer(task, cancel)
        try:
            yield
        finally:
            self.withdraw(task, cancel)

    def offer(self, task: T, cancel: Callable[[], object]) -> None:
        """Allows the task to be cancelled, once, until this is withdrawn. The last of several offers counts."""
        self._offers.setdefault(task, []).append(cancel)

    def withdraw(self, task: T, cancel: Callable[[], object]) -> None:
        """Takes an offer back, if it still stands."""
        offers = self._offers.get(task, [])
        if cancel in offers:
            offers.remove(cancel)
            if not offers:
                del self._offers[task]

    @property
    def victims(self) -> list[T]:
        """The tasks that can be cancelled now, in the order in which they were offered."""
        return list(self._offers) if self._cancels else []

    def cancel(self, task: T) -> None:
        """Cancels a task that `pick` returned as cancelled."""
        cancel = self._offers[task][-1]
        self.withdraw(task, cancel)
        cancel()

    def label(self, task: T) -> str:
        """Returns a name for a task that no other task of this run has."""
        label = self._labels.get(task)
        if label is None:
            name = self._name_of(task)
            count = self._named[name] = self._named.get(name, 0) + 1
            label = self._labels[task] = f"{name}#{count}" if count > 1 else name
        return label

    def order(self, task: T) -> int:
        """Returns a number to sort tasks by: the order in which they were first seen."""
        self.label(task)
        return list(self._labels).index(task)

    @property
    def tasks(self) -> list[T]:
        """All tasks that were seen, in that order."""
        return [task for task in self._labels if not is_outside(task)]

    @property
    def over(self) -> bool:
        """Whether no choices are left."""
        return self.finished or self.problem is not None

    def pick(self, ready: Sequence[T]) -> Turn[T]:
        """Chooses among the tasks that can run (at least one, in an order that is the same in every run) and those that
        can be cancelled."""
        if self.over:
            return Turn(ready[0])
        if self.invariants and not self._holds():
            return Turn(ready[0])
        number = len(self.trace.labels)
        if number >= self._limit:
            self.problem = Endless(f"no end after {number} steps; the last were of {self._most_active()}")
            return Turn(ready[0])
        turn, victims = Turn(ready[0]), self.victims
        if len(ready) > 1 or victims:
            for task in ready:
                self.label(task)  # Now, so that equal names are numbered in the order that tasks were started.
                self._since.setdefault(task, number)
            turn = self._chosen(ready, victims, number)
        self._note(turn)
        return turn

    def rest(self) -> T | None:
        """No task can run, and time is about to pass. Returns the task that is to be cancelled before that, or None.

        What waits for nothing but a timer has no other moment at which it could be cancelled. That time passes is no
        step: where it is taken, the next choice decides the same step.
        """
        victims = self.victims
        if self.over or not victims or len(self.trace.labels) >= self._limit:
            return None
        taken = self._policy.choose([TIME], True, [CANCEL + self.label(victim) for victim in victims])
        self.trace.choices.append(Choice(taken, 1 + len(victims), True, len(self.trace.labels), len(victims)))
        if taken == 0:
            return None
        self._note(Turn(victims[taken - 1], True))
        return victims[taken - 1]

    def _holds(self) -> bool:
        """Whether all invariants hold; what one raises becomes the problem."""
        for check in self.invariants:
            try:
                check()
            except Exception as error:
                self.problem = error
                return False
        return True

    def overtakes(self) -> None:
        """Notes that the task which was picked was woken after another that can run."""
        if not self.over:
            self.trace.overtaking.append(len(self.trace.labels) - 1)

    def _note(self, turn: Turn[T]) -> None:
        label = self.label(turn.task)
        if turn.is_cancelled:
            self._cancels -= 1
            label = CANCEL + label
        else:
            self._since.pop(turn.task, None)
            self._last = turn.task
        self.trace.labels.append(label)
        if self._segments is not None:
            self._segments.stepped(label)

    def _chosen(self, ready: Sequence[T], victims: Sequence[T], number: int) -> Turn[T]:
        since = self._since
        order = sorted(ready, key=since.__getitem__)  # Stable: equals stay in the order that they were given in.
        # Not asked of the policy, and not written down: the same steps before lead to the same one here, so a replay
        # does the same without a choice.
        if number - since[order[0]] > PATIENCE:
            return Turn(order[0])
        if self._policy.fifo:
            # When something arrives from outside, no loop decides.
            order = [task for number, task in enumerate(order) if number == 0 or is_outside(task)]
        last = self._last
        # The task that ran last comes first. So choice 0 never switches where it can go on, and a schedule of zeros, to
        # which failures are shortened, has the fewest switches.
        stays = last in order
        if last is not None and stays:
            order.remove(last)
            order.insert(0, last)
        labels = [self._labels[task] for task in order]
        taken = self._policy.choose(labels, stays, [CANCEL + self.label(task) for task in victims])
        self.trace.choices.append(Choice(taken, len(order) + len(victims), stays, number, len(victims)))
        return Turn(order[taken]) if taken < len(order) else Turn(victims[taken - len(order)], True)

    def _most_active(self) -> str:
        last = self.trace.labels[-100:]
        return ", ".join(sorted(set(last), key=last.count, reverse=True)[:3])
