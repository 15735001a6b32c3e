"""A schedule that Hypothesis draws, so that the operations of a test and the order of their steps shrink together.

@given(operations=st.lists(OPERATIONS), data=st.data())
def test_the_queue(operations, data):
    drawn(partial(scenario, operations), data)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

from hypothesis import strategies as st

from orchestrator.testing.schedules.explore import DEFAULT_BACKEND, Backend, run
from orchestrator.testing.schedules.policy import NO_CANCELS, Cancels, Policy

R = TypeVar("R")


class Drawn(Policy):
    """Takes each choice from the data of a Hypothesis test. 0, to which Hypothesis shrinks, is the dullest one."""

    key = "drawn"

    def __init__(self, data: st.DataObject, cancels: Cancels = NO_CANCELS) -> None:
        self.cancels = cancels
        self.stopped: BaseException | None = None
        """What ended the example."""
        self._data = data

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        possible = len(labels) + len(cancels)
        if possible == 1 or self.stopped is not None:
            return 0
        # Hypothesis ends an example by an exception. In the middle of an event loop it would do harm: it waits.
        try:
            return int(self._data.draw(st.integers(0, possible - 1)))
        except BaseException as stopped:
            self.stopped = stopped
            return 0


def drawn(
    scenario: Callable[[], Awaitable[R]],
    data: st.DataObject,
    *,
    backend: Backend = DEFAULT_BACKEND,
    cancel: bool | int = False,
) -> R:
    """Runs the scenario once, under a schedule drawn from `data`. Returns its value, and raises what it raises."""
    policy = Drawn(data, Cancels(int(cancel)))
    outcome = run(scenario, policy, backend=backend)
    if policy.stopped is not None:
        raise policy.stopped
    if outcome.error is not None:
        outcome.error.add_note(f"schedule: {outcome.trace.schedule}")
        raise outcome.error
    return cast("R", outcome.value)
