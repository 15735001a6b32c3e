"""How long builds take: `python tests/bench/bench_builds.py [MODULES ...]` (10, 100 and 1,000 unless told).

Generated modules of 20 functions of ten lines. For each size: a full build from an empty cache, a build with nothing
changed, and one after an edit of a module in the middle (what depends on it is compiled again); once in a Project that
stays open, once from the shell (the whole process, interpreter start included). Medians and spreads of `RUNS` runs,
fewer for full builds. `FOLDER` in the environment says where the project is written (a temporary folder unless told).
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[2]))

import orchestrator
from orchestrator import BuildResult, Project
from tests.bench import projects

FUNCTIONS = 20
RUNS = 7
SETTLE = 0.1
"""Seconds after which a file just written is not racy any more, and its stamp is believed."""

_salts = itertools.count(2)


def full_runs(count: int) -> int:
    """How often a full build is measured: large ones take long, and vary less."""
    return RUNS if count <= 10 else 3 if count <= 100 else 1


def report(count: int, what: str, milliseconds: Iterable[float], note: str = "") -> None:
    times = sorted(milliseconds)
    spread = f"{times[0]:9.1f} to {times[-1]:9.1f}" if len(times) > 1 else " " * 22
    print(f"{count:6} {what:<32} {statistics.median(times):9.1f} ms  {spread}  {note}", flush=True)


def edit(folder: Path, count: int) -> None:
    projects.edit(folder, projects.middle(count), count, FUNCTIONS, next(_salts))


async def timed(work: Callable[[], Awaitable[BuildResult]]) -> tuple[float, BuildResult]:
    began = time.perf_counter()
    result = await work()
    spent = (time.perf_counter() - began) * 1e3
    assert result.success, result.diagnostics
    assert not result.diagnostics, result.diagnostics
    return spent, result


async def in_process(folder: Path, count: int) -> None:
    """In a Project that stays open."""
    times = []
    for _ in range(full_runs(count)):
        shutil.rmtree(folder / ".ruchy-cache", ignore_errors=True)
        async with orchestrator.open(folder) as project:
            spent, result = await timed(project.build)
        assert result.compiled_modules == count + 1
        times.append(spent)
    report(count, "full build, in process", times, f"{statistics.median(times) / (count + 1):.1f} ms a module")
    async with orchestrator.open(folder) as project:
        await project.build()
        await anyio.sleep(SETTLE)
        await project.build()
        await _nothing_changed(project, count)
        await _one_edit(project, folder, count)


async def _nothing_changed(project: Project, count: int) -> None:
    times = []
    for _ in range(RUNS):
        spent, result = await timed(project.build)
        assert result.cache_hits == count + 1
        times.append(spent)
    report(count, "nothing changed, in process", times)


async def _one_edit(project: Project, folder: Path, count: int) -> None:
    times, compiled = [], 0
    for _ in range(RUNS):
        edit(folder, count)
        spent, result = await timed(project.build)
        times.append(spent)
        compiled = result.compiled_modules
    middle = statistics.median(times)
    report(count, "one edit, in process", times, f"{compiled} compiled, {middle / compiled:.1f} ms each")


def command(folder: Path) -> float:
    """Milliseconds of `wasmill build`, from start to end."""
    script = Path(sys.executable).parent / "wasmill"
    words = [str(script)] if script.exists() else [sys.executable, "-m", "orchestrator"]
    began = time.perf_counter()
    subprocess.run([*words, "build", "-q", str(folder)], check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1e3


def from_the_shell(folder: Path, count: int) -> None:
    """A process each time."""
    times = []
    for _ in range(full_runs(count)):
        shutil.rmtree(folder / ".ruchy-cache", ignore_errors=True)
        times.append(command(folder))
    report(count, "full build, from the shell", times)
    time.sleep(SETTLE)
    command(folder)
    report(count, "nothing changed, from the shell", [command(folder) for _ in range(RUNS)])
    times = []
    for _ in range(RUNS):
        edit(folder, count)
        times.append(command(folder))
    report(count, "one edit, from the shell", times)


def bare_interpreter() -> None:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append((time.perf_counter() - began) * 1e3)
    report(0, "bare interpreter (`-c pass`)", times)


def main() -> None:
    bare_interpreter()
    for count in map(int, sys.argv[1:] or ("10", "100", "1000")):
        folder = Path(tempfile.mkdtemp(prefix="bench-builds-", dir=os.environ.get("FOLDER")))
        try:
            projects.generate(folder, count, FUNCTIONS)
            anyio.run(in_process, folder, count)
            from_the_shell(folder, count)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
