"""What worker processes are worth: `python tests/bench/bench_workers.py [ROUNDS]` (7 unless told).

Three figures, each the best of several rounds in turn, for whatever else the machine does only makes times longer:

- the speed-up of 2 workers that are up already over compiling inline, on 100 modules of 20 functions, every module
  compiled (`force`); beside it what two processes that only count gain on this machine at this time, which is the most
  that can be hoped for (2.0 on two idle cores). And the efficiency: processor time inline, over that of this process
  and its workers; half of the speed-up that is possible, where nobody has to wait. Other work on the machine disturbs
  it less;
- how long a worker takes from its start until it is ready;
- the break-even: builds from an empty cache of ever more modules, inline and with 2 workers that are started for it.
  `actors.compiler.crew.EACH_MS` is half of the work at which the two are equal.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

import orchestrator
from actors.child import Child
from actors.compiler import crew
from actors.compiler.process import command
from actors.compiler.toolchain import load_toolchain
from actors.events import CompileFinished, Event, ModuleSummarised
from actors.offload import Offload
from tests.bench import projects
from tests.bench.runner import Book

FUNCTIONS = 20
MODULES = 100
SIZES = (4, 8, 16, 32, 64)
RUCHY = "orchestrator.toolchains.ruchy:Ruchy"
COUNTING = [sys.executable, "-I", "-S", "-c", "n = 3_000_000\nwhile n: n -= 1"]


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1e3


def counting(processes: int) -> float:
    """Milliseconds that so many processes take for one piece of work each."""
    began = time.perf_counter()
    running = [subprocess.Popen(COUNTING) for _ in range(processes)]
    for one in running:
        one.wait()
    return (time.perf_counter() - began) * 1e3


def workers_ms() -> float:
    """Processor time of this process's children that still run; 0 where the system does not say (only Linux does)."""
    spent = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            spent += sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return spent / 1e6


async def speed_up(folder: Path, rounds: int) -> tuple[float, float]:
    crew.EACH_MS = 1e-6
    inline, workers, one, two, efficiency = [], [], [], [], []
    async with (
        orchestrator.open(folder, jobs=1, folder=".cache1", output="out1") as alone,
        orchestrator.open(folder, jobs=2, folder=".cache2", output="out2") as together,
    ):
        for project in (alone, together, together):
            assert (await project.build(force=True)).success
        for _ in range(rounds):
            begun = time.process_time() * 1e3
            inline.append(await timed(lambda: alone.build(force=True)))
            alone_ms = time.process_time() * 1e3 - begun
            begun = time.process_time() * 1e3 + workers_ms()
            workers.append(await timed(lambda: together.build(force=True)))
            efficiency.append(alone_ms / (time.process_time() * 1e3 + workers_ms() - begun))
            one.append(counting(1))
            two.append(counting(2))
    print(f"{MODULES} modules inline {min(inline):.0f} ms, 2 workers {min(workers):.0f} ms: ", end="")
    gained, possible = min(inline) / min(workers), 2 * min(one) / min(two)
    print(f"{gained:.2f} x  (two processes that only count: {possible:.2f} x)")
    print(f"processor time inline over that of all processes: {statistics.median(efficiency):.2f}")
    return gained, possible


async def measure(book: Book) -> None:
    """The row of the targets."""
    kept = crew.EACH_MS
    with tempfile.TemporaryDirectory() as place:
        projects.generate(Path(place), MODULES, FUNCTIONS)
        gained, possible = await speed_up(Path(place), 5)
    crew.EACH_MS = kept
    book.add("workers/speed-up", gained, "×")
    book.add("workers/two that only count", possible, "×")


async def start(rounds: int) -> None:
    async def once() -> None:
        child = Child(command(RUCHY, 0))
        worker = crew.Worker(child, Offload(), 0, 0)
        assert await worker.ready() == load_toolchain(RUCHY).identity()
        child.reap()
        child.close()

    print(f"a worker is ready after {min([await timed(once) for _ in range(rounds)]):.0f} ms")


async def break_even(rounds: int) -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory() as place:
            projects.generate(Path(place), size, FUNCTIONS)
            inline, workers, work = [], [], []
            for _ in range(rounds):
                spent, took = await cold(Path(place), 1e9)
                inline.append(took)
                work.append(spent)
                workers.append((await cold(Path(place), 1e-6))[1])
        print(f"{size:4} modules, {min(work):5.0f} ms of work: inline {min(inline):5.0f} ms, ", end="")
        print(f"2 workers {min(workers):5.0f} ms, {min(inline) / min(workers):.2f} x", flush=True)


async def cold(folder: Path, each_ms: float) -> tuple[float, float]:
    """A build from an empty cache: milliseconds that its jobs took, and that it took itself."""
    crew.EACH_MS = each_ms
    work = 0.0

    def see(event: Event) -> None:
        nonlocal work
        if isinstance(event, CompileFinished | ModuleSummarised):
            work += event.duration_ms

    async with orchestrator.open(folder, jobs=2, enabled=False) as project:
        project.listen(see)
        took = await timed(project.build)
    return work, took


async def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        projects.generate(Path(place), MODULES, FUNCTIONS)
        await speed_up(Path(place), rounds)
    await start(rounds)
    await break_even(rounds)


if __name__ == "__main__":
    anyio.run(main)
