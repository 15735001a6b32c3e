"""Which module next, and who compiles it: this build, or another process on the same cache that was faster.

Modules with the longest remaining path go first, by the durations of earlier builds. The remaining path of an import is
longer than that of its dependents, so imports come first even where nobody waits for their objects, and an error in one
is known before its dependents are compiled in vain.

A module is claimed before it is compiled (`actors.keeper.locks`), a few at a time, so that claiming costs next to
nothing. A module that another process has claimed is put off: usually the cache has it by the time that nothing else is
left to do. Then the build looks again, at growing intervals. If nothing has come for twice the time that compiling
these modules itself should take, it compiles some of them, and more each time, unless another process did so already. A
process that dies loses its claims at once; one that hangs costs this patience, and nothing more.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice

from actors.planner.graph import Graph

JOB_MS = 40.0
"""A job is one module, or a batch of small ones worth about so much. Each costs the Project's process, beside the
workers: a request, an answer, a turn of the planner."""

MS_PER_BYTE = 0.0015
"""What compiling costs where nothing is known yet; learnt during the build."""

FIXED_MS = 0.2

REUSED_MS = 0.1
"""What a module costs whose whole object is reused."""

SUMMARY_MS_PER_BYTE = 0.0006
"""What summarising costs."""

CLAIM_MS = 50.0
MOST_CLAIMS = 32
"""The most work, and the most modules, that are claimed at a time for each slot."""

FIRST_CLAIMS = 8
"""The most modules that are claimed at first for each slot, when it may not be known yet how long they take."""

FIRST_PAUSE = 0.003
LONGEST_PAUSE = 0.1
"""Seconds before a build asks again for what other processes compile: at first, and at most."""

PATIENCE = 2.0
LEAST_PATIENCE = 0.3
MOST_PATIENCE = 1.0
"""A build waits for others `PATIENCE` times as long as compiling these modules itself should take, and between
`LEAST_PATIENCE` and `MOST_PATIENCE` seconds."""


def new_source_ms(size: int) -> float:
    """What a source of `size` bytes costs that no build has seen before: it is summarised, and then compiled."""
    return 2 * FIXED_MS + (SUMMARY_MS_PER_BYTE + MS_PER_BYTE) * size


class Estimates:
    """How long a module takes to compile: as long as last time, scaled by its size; else as its size predicts."""

    def __init__(self, known: Callable[[str], float | None] = lambda module: None) -> None:
        self._before = known
        self._known: dict[str, float] = {}
        self._bytes = 0
        self._spent_ms = 0.0

    def of(self, module: str, size: int) -> float:
        """Milliseconds for a module of `size` bytes."""
        known = self._known.get(module)
        if known is None:
            known = self._before(module)
        if known is not None:
            return known
        rate = self._spent_ms / self._bytes if self._bytes else MS_PER_BYTE
        return FIXED_MS + rate * size

    def learn(self, module: str, size: int, duration_ms: float) -> None:
        self._known[module] = duration_ms
        self._bytes += size
        self._spent_ms += duration_ms


class Schedule:
    """What compiling each module of a build will cost, and how urgent it is."""

    def __init__(self) -> None:
        self.estimates = Estimates()
        self.costs: dict[str, float] = {}
        """Milliseconds, by module."""
        self.priorities: dict[str, float] = {}
        """Milliseconds of the longest path that still has to be compiled below the module's dependents."""
        self.ahead_ms = 0.0
        """About how long it takes to summarise and compile everything that is known to be waiting for that."""
        self._waiting = 0

    def estimate(
        self,
        modules: Collection[str],
        sizes: Callable[[str], int],
        graph: Graph,
        *,
        known: Callable[[str], float | None],
        reused: Iterable[str],
    ) -> None:
        """Estimates what these modules will cost. `known` returns the duration in an earlier build, `reused` are the
        modules that get an object that is there already."""
        self.estimates = Estimates(known)
        self.costs = {module: self.estimates.of(module, sizes(module)) for module in modules}
        self.costs.update(dict.fromkeys(reused, REUSED_MS))
        self.priorities = graph.among(modules).remaining_path(self.costs)
        self.ahead_ms, self._waiting = 0.0, 0

    def priority(self, module: str) -> float:
        return self.priorities.get(module, 0.0)

    def queued(self, module: str) -> None:
        """The module waits to be compiled."""
        self.ahead_ms += self.costs.get(module, 0.0)
        self._waiting += 1

    def taken(self, module: str) -> None:
        """The module no longer waits: a worker has it, or it needs none."""
        self.ahead_ms -= self.costs.get(module, 0.0)
        self._waiting -= 1

    def to_share_ms(self) -> float:
        """Returns how much of what is ahead several workers could share: nothing of one module. Workers start processes
        by it."""
        return self.ahead_ms if self._waiting > 1 else 0.0


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
        """Forgets modules that need not be compiled any more."""
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
        # A discarded module stays in the heap and is skipped when it comes up, because removing it from the middle
        # costs more. `_inside` says which ones count. The first module is taken however long it takes; the others only
        # while the job stays short, because a slot that ends late holds up the whole build.
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


def first_claims(modules: Iterable[str], slots: int, milliseconds: Mapping[str, float]) -> int:
    """How many of `modules`, in order of their priority, are claimed when the build first looks them up."""
    room = CLAIM_MS * slots
    count = 0
    for module in islice(modules, FIRST_CLAIMS * slots):
        if room <= 0.0:
            break
        room -= milliseconds.get(module, FIXED_MS)
        count += 1
    return count


class Work:
    """`shared`: other processes may build on the same cache. Else nothing is claimed, and all of it is ours."""

    def __init__(self, shared: bool = False) -> None:
        self.shared = shared
        self._open = ReadyHeap()
        self._ours = ReadyHeap()
        self._priority: dict[str, float] = {}
        self._asked: set[str] = set()
        self.theirs: set[str] = set()
        """Modules that other processes have claimed."""
        self._waits = False
        self._given_up = 0
        self._level = 0
        self._give_up_at = 0.0
        self._look_at = 0.0
        self._pause = FIRST_PAUSE

    def __len__(self) -> int:
        """How many modules are ours."""
        return len(self._ours)

    @property
    def more(self) -> int:
        """How many modules nobody has claimed yet, and are ours."""
        return len(self._open) + len(self._ours)

    def add(self, module: str, priority: float, taken: bool | None = None) -> None:
        """A module may be compiled. `taken`: whether another process has claimed it; None: nobody has asked."""
        self._priority[module] = priority
        if taken is None and self.shared:
            self._open.add(module, priority)
        else:
            self.claimed(module, bool(taken))

    def discard(self, modules: Collection[str]) -> None:
        """Forgets modules that need not be compiled any more."""
        self._open.discard(modules)
        self._ours.discard(modules)
        self._asked.difference_update(modules)
        self.theirs.difference_update(modules)

    def pop(self) -> str:
        """The first module that is ours. There must be one."""
        self._waits = False
        return self._ours.pop()

    # ---- claiming

    def next_claims(self, slots: int, milliseconds: Callable[[str], float], taken: int = 0) -> list[str]:
        """The modules to claim now: some before the last ones are begun, so that no slot waits for the answer. `taken`
        is the number of our modules that were popped and are not begun."""
        if self._asked or not len(self._open) or len(self._ours) + taken > 2 * slots:
            return []
        room = CLAIM_MS * slots
        # Half of what is left, because other processes may have nothing to do.
        most = min(MOST_CLAIMS * slots, max(2 * slots, len(self._open) // 2))
        modules: list[str] = []
        while room > 0.0 and len(modules) < most and len(self._open):
            modules.append(self._open.pop())
            room -= milliseconds(modules[-1])
        self._asked = set(modules)
        return modules

    def answered(self) -> list[str]:
        """The claims were answered. Returns the modules that they were for, without those discarded meanwhile."""
        asked, self._asked = self._asked, set()
        return sorted(asked)

    def claimed(self, module: str, taken: bool) -> None:
        """The module is ours, or `taken` by another process."""
        if taken:
            self.theirs.add(module)
        else:
            self._ours.add(module, self._priority[module])

    # ---- waiting for others

    def wait(self, now: float) -> float:
        """All that is left has been claimed by others. Returns the seconds until it is worth asking again; 0: now."""
        if not self._waits:
            self._waits = True
            self._level = 0
            self._give_up_at = 0.0
            self._look_at = now
            self._pause = FIRST_PAUSE
        pause = self._look_at - now
        return pause if pause > 0.0005 else 0.0  # A timer may come a moment early.

    def look(self, now: float, slots: int, milliseconds: Callable[[str], float]) -> tuple[list[str], int]:
        """The modules to ask for again, and how many other claims of a module are tolerated: 0 while the others still
        have time, so that only finished modules come of it.

        When their time is up, the build compiles some of the modules beside them. It begins with the least urgent,
        because the others come to these last; and it takes more each time, so that it ends even if all others hang."""
        if not self._give_up_at:
            patience = PATIENCE * sum(map(milliseconds, self.theirs)) / 1000
            self._give_up_at = now + min(max(patience, LEAST_PATIENCE), MOST_PATIENCE)
        self._look_at = now + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
        if now < self._give_up_at:
            self._asked, self.theirs = self.theirs, set()
            return sorted(self._asked), 0
        self._give_up_at = 0.0
        self._given_up = max(slots, 2 * self._given_up)
        self._level += 1
        last = sorted(self.theirs, key=lambda module: (self._priority[module], module))[: self._given_up]
        self._asked = set(last)
        self.theirs.difference_update(last)
        return last, self._level

    def progressed(self) -> None:
        """The others have finished something: their time begins again."""
        self._give_up_at = 0.0
