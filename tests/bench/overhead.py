"""What the machinery itself costs: actors, messages, keys and the cache, without a compiler; and being watched.

A project in the plain language of `orchestrator.testing`, all in memory, every module compiled in each build.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orchestrator
from actors.compiler.toolchain import Compiled, CompileJob, Linked, LinkJob, Summarised, SummariseJob
from actors.events import Events
from actors.system import System, TapRecord
from orchestrator import Project
from orchestrator.testing.toolchain import PlainToolchain
from tests.bench.runner import Book, TableRow, Times, Work, in_turn

MODULES = 1_000
ROUNDS = 9


class Timed(PlainToolchain):
    """Adds up the seconds that are the toolchain's own."""

    def __init__(self) -> None:
        super().__init__()
        self.spent = 0.0

    def summarise(self, job: SummariseJob) -> Summarised:
        began = time.perf_counter()
        found = super().summarise(job)
        self.spent += time.perf_counter() - began
        return found

    def compile(self, job: CompileJob) -> Compiled:
        began = time.perf_counter()
        found = super().compile(job)
        self.spent += time.perf_counter() - began
        return found

    def link(self, job: LinkJob) -> Linked:
        began = time.perf_counter()
        found = super().link(job)
        self.spent += time.perf_counter() - began
        return found


def sources() -> orchestrator.Sources:
    """Modules that import two others each, and use them in a body: an interface drags in nothing, as a function's of
    numbers does not."""
    texts = {}
    for index in range(MODULES):
        below = [one for one in (index + 50, index + 51) if one < MODULES]
        uses = [f"use m{one}::f as f{one}" for one in below]
        body = f"x = {' '.join(f'f{one}' for one in below)}"
        texts[f"m{index}.plain"] = "\n".join([*uses, "pub f = 1", body, ""])
    return orchestrator.Sources(texts)


async def measure(book: Book) -> None:
    toolchain = Timed()
    events, records = _Counting(), _Records()
    async with orchestrator.open(sources(), toolchain=toolchain, entry="m0.plain", jobs=1) as project:
        await project.build()

        def watched(listen: Callable[[], Callable[[], None]] | None = None) -> Work:
            async def work() -> float:
                stop = listen() if listen else None
                toolchain.spent = 0.0
                began = time.process_time()
                result = await project.build(force=True)
                spent = (time.process_time() - began) * 1e3
                assert result.compiled_modules == MODULES
                if stop is not None:
                    stop()
                return spent

            return work

        def listen() -> Callable[[], None]:
            seen: list[object] = []
            stop = project.listen(seen.append)
            return lambda: stop()

        def tap() -> Callable[[], None]:
            seen: list[TapRecord] = []
            project._running().tap = seen.append
            return lambda: setattr(project._running(), "tap", None)

        rows = [
            TableRow("watched/by nobody", watched()),
            TableRow("watched/by a listener", watched(listen)),
            TableRow("watched/by a tap", watched(tap)),
        ]
        found = await in_turn(rows, ROUNDS)
        own = []
        for _ in range(ROUNDS):
            toolchain.spent = 0.0
            began = time.perf_counter()
            await project.build(force=True)
            own.append((time.perf_counter() - began - toolchain.spent) * 1e6 / MODULES)
        book.add(f"actors/{MODULES}", Times(own, "µs a module"))
        nobody = found["watched/by nobody"].median
        book.add_all(found, MODULES)
        await _count(project, events, records)
    quiet = Events()
    asked = events.asked * _each(lambda: quiet.wanted) + records.count * _each_record()
    book.add("watched/ratio/nobody", 1 + asked / (nobody - asked), "of a build that cannot be watched")
    for who in ("a listener", "a tap"):
        book.add(f"watched/ratio/{who}", found[f"watched/by {who}"].median / nobody, "of a build that nobody watches")


class _Counting(Events):
    """Counts how often anybody asks whether somebody listens."""

    asked = 0

    @property
    def wanted(self) -> bool:  # type: ignore[override]
        self.asked += 1
        return False

    @wanted.setter
    def wanted(self, value: bool) -> None:
        pass


class _Records:
    """Counts messages, as the tap would see them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _: TapRecord) -> None:
        self.count += 1


async def _count(project: Project, events: _Counting, records: _Records) -> None:
    system = project._running()
    kept, system.events, system.tap = system.events, events, records
    try:
        await project.build(force=True)
    finally:
        system.events, system.tap = kept, None


def _each(work: Callable[[], object], loops: int = 20_000) -> float:
    """Milliseconds of one call, with what calling costs: more than the look-up alone."""
    began = time.process_time()
    for _ in range(loops):
        work()
    return (time.process_time() - began) / loops * 1e3


def _each_record() -> float:
    system = System([])
    return _each(lambda: system.record("tell", "a", "b", None))  # type: ignore[arg-type]
