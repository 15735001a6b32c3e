"""What one schedule led to, and whether two of them failed in the same way."""

from __future__ import annotations

from typing import NamedTuple

from orchestrator.testing.schedules.frames import raised_at
from orchestrator.testing.schedules.policy import Policy
from orchestrator.testing.schedules.trace import Trace


class Outcome(NamedTuple):
    """The result of one schedule: what the scenario returned or raised (never in a group of one), and the trace."""

    value: object
    error: BaseException | None
    trace: Trace
    policy: Policy

    @property
    def failed(self) -> bool:
        return self.error is not None


def alike(one: BaseException | None, two: BaseException | None) -> bool:
    """Whether two runs failed in the same way: with an error of one kind, from one place. Else another bug than the one
    that was found could be what its schedule is shortened to."""
    if one is None or two is None or type(one) is not type(two):
        return False
    return raised_at(one) == raised_at(two)
