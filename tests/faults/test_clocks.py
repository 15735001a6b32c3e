"""Clocks that jump, by seconds or by years, forward and back, at any look at them; and files from the future. Clocks
decide what is believed without being read, and what is old enough to be removed: never what is right."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest

from actors.disk import RealDisk
from actors.offload import InlineOffload
from orchestrator.testing.disk import FakeDisk
from tests.faults.scenarios import PROJECT, a_new_process, a_process_that_cleans_up, all_is_well, two_builds
from tests.helpers.plain_builds import opened, write
from tests.helpers.tallies import Tally, in_parts, share

pytestmark = pytest.mark.anyio

SECOND_NS = 10**9
JUMPS = [sign * seconds * SECOND_NS for sign in (1, -1) for seconds in (1, 3600, 86_400, 20 * 365 * 86_400)]


class Jumpy(FakeDisk):
    """The clock is wrong by `jump` nanoseconds from the `at`-th look at it on; `back` looks later it is right again."""

    def __init__(self, at: int = 0, jump: int = 0, back: int = 0) -> None:
        super().__init__(RealDisk(), aged=True)
        self.looks = 0
        self.wrong = range(at, at + back if back else 1 << 30)
        self.jump = jump

    def now_ns(self) -> int:
        self.looks += 1
        return super().now_ns() + (self.jump if self.looks in self.wrong else 0)


async def run(folder: Path, disk: Jumpy, tally: Tally, what: object) -> None:
    write(folder, PROJECT)
    for part in (two_builds, a_new_process, a_process_that_cleans_up):
        await part(folder, tally, what, offload=InlineOffload(disk))


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_a_clock_that_jumps(tmp_path: Path, tally: Tally, part: int, anyio_backend: str) -> None:
    counting = Jumpy()
    await run(tmp_path / "counting", counting, Tally(), "counting")
    assert counting.looks > 15
    cases = list(itertools.product(range(1, counting.looks + 1), JUMPS, (0, 1, 3)))
    for at, jump, back in share(cases, part, few=8, backend=anyio_backend, kinds=lambda case: case[1:]):
        what = f"{jump / SECOND_NS} s at {at}, back after {back}"
        folder = tmp_path / f"{at}{jump:+}-{back}"
        await run(folder, Jumpy(at, jump, back), tally, what)
        await all_is_well(folder, tally, what)
        tally.survive()
        shutil.rmtree(folder)


@pytest.mark.parametrize("years", [-40, 40])
async def test_sources_from_another_time(tmp_path: Path, tally: Tally, years: int) -> None:
    """A file whose times are in the future is never old enough to be believed without being read; one from long ago is
    as good as any."""
    write(tmp_path, PROJECT)
    file = tmp_path / "b.plain"
    when = file.stat().st_mtime_ns + years * 365 * 86_400 * SECOND_NS
    os.utime(file, ns=(when, when))
    async with opened(tmp_path) as bench:
        assert (await bench.build()).success
        size = len(PROJECT["b"])
        file.write_bytes(b"pub g = odd".ljust(size - 1) + b"\n")
        os.utime(file, ns=(when, when))
        result = await bench.build()
        assert result.recompiled == ["a", "b", "c", "main"]
    await all_is_well(tmp_path, tally, years)
    tally.survive()
