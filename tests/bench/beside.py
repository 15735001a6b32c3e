"""Ratios: one thing measured in turn in this checkout and in another one, each in a process of its own.

    python -m tests.bench.beside edit 10 2 precise 30 ../other

measures an edit in an open Project of 10 modules of 2 functions, 30 times. `nothing` measures a build with nothing to
do. The times depend on what else the machine does, their ratio hardly does: both sides have the same neighbours.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

SETTLE_SECONDS = 0.06
"""Until stamps are old enough to be believed."""


async def _measure(folder: Path, count: int, functions: int, invalidation: str) -> None:
    """Measures a build for each line of the standard input: "edit" or "nothing". Writes the milliseconds by the clock
    and by the processor."""
    import orchestrator
    from tests.bench.projects import edit, generate, middle

    generate(folder, count, functions)
    (folder / "wasmill.toml").write_text(f'[build]\ninvalidation = "{invalidation}"\njobs = 1\n')
    async with orchestrator.open(folder) as project:
        for _ in range(4):
            assert (await project.build()).success
            await anyio.sleep(SETTLE_SECONDS)
        print("ready", flush=True)
        for salt, line in enumerate(sys.stdin, 2):
            if line.strip() == "edit":
                edit(folder, middle(count), count, functions, salt)
            began, spent = time.perf_counter(), time.process_time()
            result = await project.build()
            print((time.perf_counter() - began) * 1000, (time.process_time() - spent) * 1000, flush=True)
            assert result.success and bool(result.recompiled) == (line.strip() == "edit")
            for _ in range(2):  # What is left of this build is not measured with the next one.
                await anyio.sleep(SETTLE_SECONDS)
                await project.build()
            await project.cache.statistics()


def _start(checkout: Path, folder: Path, size: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "measure", str(folder), *size]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=checkout, env=environment, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def _ask(process: subprocess.Popen[str], what: str) -> tuple[float, float]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(what + "\n")
    process.stdin.flush()
    clock, processor = map(float, process.stdout.readline().split())
    return clock, processor


def main(what: str, count: str, functions: str, invalidation: str, rounds: str, other: str) -> None:
    """Prints medians of both sides, and the medians of the ratios of each round."""
    with tempfile.TemporaryDirectory() as place:
        checkouts = [Path(__file__).parents[2], Path(other).resolve()]
        size = [count, functions, invalidation]
        sides = [_start(one, Path(place, str(number)), size) for number, one in enumerate(checkouts)]
        times: list[list[tuple[float, float]]] = [[], []]
        for number in range(int(rounds)):
            for side in (0, 1) if number % 2 else (1, 0):
                times[side].append(_ask(sides[side], what))
        for side in sides:
            side.communicate()
    for at, kind in enumerate(("by the clock", "processor")):
        mine, theirs = ([one[at] for one in found] for found in times)
        ratios = [one / another for one, another in zip(mine, theirs, strict=True)]
        print(
            f"{kind}: {statistics.median(mine):.2f} ms here, {statistics.median(theirs):.2f} ms there, "
            f"ratio {statistics.median(ratios):.2f}"
        )


if __name__ == "__main__":
    if sys.argv[1] == "measure":
        anyio.run(_measure, Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        main(*sys.argv[1:])
