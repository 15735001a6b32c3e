"""Runs no schedule twice: the schedules that were run are kept as a tree of choices, and a policy that would repeat one
is led to another one.

A node is a choice, its branches the numbers that can be taken. A branch is *done* when all schedules behind it were
run. So sampling is without replacement, which for small scenarios finds more than sampling with it (of 1,500 random
schedules of three tasks and a lock 600 were different), and it can tell when there are no schedules left.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from orchestrator.testing.schedules.policy import Policy
from orchestrator.testing.schedules.strategy import Strategy
from orchestrator.testing.schedules.trace import Trace

DEPTH = 200
"""Longer schedules are not told apart: there are so many that none comes twice."""


class _Branching:
    """A choice: its branches that were run, and how many numbers of it are done."""

    __slots__ = ("branches", "done")

    def __init__(self) -> None:
        self.branches: dict[int, _Branching] = {}
        self.done: set[int] = set()


class _Steered(Policy):
    """A policy that is led away from schedules that were run. Where it was (`swerved`), its key alone does not repeat
    it."""

    def __init__(self, policy: Policy, root: _Branching, chance: random.Random) -> None:
        self.key = policy.key
        self.cancels = policy.cancels
        self.fifo = policy.fifo
        self.swerved = False
        self.path: list[tuple[_Branching, int, int]] = []
        self.steered = policy
        self._node: _Branching | None = root
        self._chance = chance

    def choose(self, labels: Sequence[str], stays: bool, cancels: Sequence[str] = ()) -> int:
        taken = self.steered.choose(labels, stays, cancels)
        node = self._node
        if node is None:
            return taken
        count = len(labels) + len(cancels)
        if taken in node.done:
            left = [number for number in range(count) if number not in node.done]
            if left:
                self.swerved = True
                taken = self._chance.choice(left)
        self.path.append((node, taken, count))
        self._node = node.branches.setdefault(taken, _Branching()) if len(self.path) < DEPTH else None
        return taken

    def ended(self) -> None:
        """Notes that this schedule was run to its end."""
        if self._node is None:
            return
        for node, taken, count in reversed(self.path):
            node.done.add(taken)
            node.branches.pop(taken, None)
            if len(node.done) < count:
                return


class Fresh:
    """A strategy without schedules that were run before."""

    def __init__(self, strategy: Strategy, seed: int = 0) -> None:
        self.name = strategy.name
        self.complete = False
        self.cancels = strategy.cancels
        self._strategy = strategy
        self._chance = random.Random(seed)
        self._roots: dict[bool, _Branching] = {}
        self._policy: _Steered | None = None

    def next(self, last: Trace | None) -> Policy | None:
        # Once other things can happen, the tree of what was run is of no use.
        if self.cancels != self._strategy.cancels:
            self._strategy.cancels = self.cancels
            self._roots, self._policy = {}, None
        if self._policy is not None and last is not None:
            self._policy.ended()
            path = self._policy.path
            if not self._policy.fifo and (not path or len(path[0][0].done) == path[0][2]):
                self.complete = True
                return None
        policy = self._strategy.next(last)
        if policy is None:
            return None
        root = self._roots.setdefault(policy.fifo, _Branching())
        self._policy = _Steered(policy, root, self._chance)
        return self._policy
