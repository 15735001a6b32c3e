"""Which module next: the ready heap, and how many go into one job.

Longest remaining path first, by the durations of earlier builds. The remaining path of an import is longer than that
of those who use it, so imports come first even where nobody waits for their objects, and an error in one is known
before its dependents are compiled in vain.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

JOB_MS = 40.0
"""A job is one module, or a batch of small ones worth about so much. Each costs the Project's process, beside the
workers: a request, an answer, a turn of the planner."""

MS_PER_BYTE = 0.0015
"""What compiling costs where nothing is known yet; learnt during the build."""

FIXED_MS = 0.2

SUMMARY_MS_PER_BYTE = 0.0006
"""What summarising costs."""


def new_source_ms(size: int) -> float:
    """What a source of `size` bytes costs that no build has seen before: it is summarised, and then compiled."""
    return 2 * FIXED_MS + (SUMMARY_MS_PER_BYTE + MS_PER_BYTE) * size


class Estimates:
    """How long a module takes to compile: as long as last time, scaled by its size; else as its size predicts."""

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._known = dict(known or {})
        self._bytes = 0
        self._spent_ms = 0.0

    def of(self, module: str, size: int) -> float:
        """Milliseconds for a module of `size` bytes."""
        known = self._known.get(module)
        if known is not None:
            return known
        rate = self._spent_ms / self._bytes if self._bytes else MS_PER_BYTE
        return FIXED_MS + rate * size

    def learn(self, module: str, size: int, duration_ms: float) -> None:
        self._known[module] = duration_ms
        self._bytes += size
        self._spent_ms += duration_ms


class ReadyHeap:
    """Modules that may be compiled now, by priority. The only unbounded queue of a build, and it holds names alone."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._inside: set[str] = set()

    def __len__(self) -> int:
        return len(self._inside)

    def add(self, module: str, priority: float) -> None:
        if module not in self._inside:
            self._inside.add(module)
            heapq.heappush(self._heap, (-priority, module))

    def discard(self, modules: Iterable[str]) -> None:
        """Forget modules that need not be compiled any more."""
        self._inside.difference_update(modules)

    def pop(self) -> str:
        """The first module. There must be one."""
        while True:
            module = heapq.heappop(self._heap)[1]
            if module in self._inside:
                self._inside.discard(module)
                return module

    def take(self, slots: int, milliseconds: Mapping[str, float], more: int = 0) -> list[str]:
        """The modules of the next job: the first, and others while they are small together; never so many that one of
        all `slots` would find nothing, or that the last slots to finish hold long batches. `more` modules are to come.
        """
        fair_share = max(1, (len(self._inside) + more) // (2 * slots))
        job: list[str] = []
        worth = 0.0
        while self._heap and len(job) < fair_share:
            module = self._heap[0][1]
            if module not in self._inside:
                heapq.heappop(self._heap)
                continue
            cost = milliseconds.get(module, FIXED_MS)
            if job and worth + cost > JOB_MS:
                break
            heapq.heappop(self._heap)
            self._inside.discard(module)
            job.append(module)
            worth += cost
        return job
