"""Processes that are killed: a build at every named crash point and at random moments, with workers alive; workers
under a living parent. The next build equals one from nothing, and nothing is left over."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.compiler import crew, pool
from actors.events import CompileFinished, CompileStarted, Event
from actors.offload import Offload
from tests.faults.child_work import SLOW
from tests.faults.fork_server import ForkServer, fork_server
from tests.faults.killing import as_if_nothing_had_happened, none_left, processes_of
from tests.faults.scenarios import PROJECT, Around, check_build
from tests.helpers.plain_builds import opened, write
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.sweep,
    pytest.mark.timeout(3600 if LONG else 120),
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for processes by their descriptors"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as made:
        yield made


@in_parts
async def test_at_every_crash_point(
    tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str
) -> None:
    write(tmp_path / "counted", PROJECT)
    status, said = server.run("die_at", folder=str(tmp_path / "counted"), at=0, half=False, backend=anyio_backend)
    assert status == 0, said
    names = said["names"]
    seen = {name for name in names if not name.startswith("index.")} | {name.partition(" ")[0] for name in names}
    assert seen >= {"disk.create .ruchy-cache/modules", "disk.create build", "disk.rename .ruchy-cache/metadata"}
    assert seen >= {"disk.append .ruchy-cache/running", "disk.remove .ruchy-cache/modules"}
    assert seen >= {"index.open", "index.commit", "index.delete", "index.close"}
    around = Around()
    points = [(at, False) for at in range(1, len(names) + 1)]
    points += [(at, True) for at, name in enumerate(names, 1) if name.startswith("disk.create ")]
    for at, half in share(
        points, part, few=5, backend=anyio_backend, kinds=lambda case: (names[case[0] - 1].partition(".")[0], case[1])
    ):
        folder = tmp_path / f"{at}{'-half' if half else ''}"
        write(folder, PROJECT)
        status, _ = server.run("die_at", folder=str(folder), at=at, half=half, backend=anyio_backend)
        # How many points there are depends a little on which thread is faster: the last ones may not be reached.
        assert status == -signal.SIGKILL or (status == 0 and at > len(names) * 0.9), (at, names[at - 1])
        await as_if_nothing_had_happened(folder, tally, (at, half, names[at - 1]), evicted=at > said["first"])
        around.check(at)
        tally.survive(int(status != 0))
        shutil.rmtree(folder)


MANY = {**PROJECT, **{f"m{number:02}": f"use b::g as x\npub f = x {number}\n" for number in range(24)}}


def edited(number: int) -> dict[str, str]:
    """Some modules with other texts than all those before."""
    return {f"m{place:02}": f"use b::g as x\npub f = x {place} {number}\n" for place in range(24) if place % 3}


@in_parts
async def test_at_a_random_moment_with_workers_alive(
    tmp_path: Path, server: ForkServer, tally: Tally, part: int, anyio_backend: str
) -> None:
    """A thousand times in the long run. All in one folder for each part: what one leaves, the next one finds."""
    write(tmp_path, MANY)
    status, said = server.run("build_in_workers", folder=str(tmp_path), backend=anyio_backend)
    assert (status, said["success"]) == (0, True)
    most = said["events"]
    alive = 0
    for number in share(
        range(1000 if LONG else 50), part, few=3, backend=anyio_backend, kinds=lambda number: (number % 2,)
    ):
        write(tmp_path, edited(number))
        chance = random.Random(number)
        if number % 2:  # by an event
            child = server.start(
                "build_in_workers", folder=str(tmp_path), backend=anyio_backend, event=chance.randint(1, most)
            )
        else:  # by the clock
            child = server.start("build_in_workers", folder=str(tmp_path), backend=anyio_backend)
            threading.Event().wait(chance.uniform(0.0, 0.6))
            alive += bool(processes_of(tmp_path))
            child.kill()
        status, _ = child.end()
        assert status in (0, -signal.SIGKILL)
        none_left(tmp_path)
        assert processes_of(tmp_path) == set()
        await as_if_nothing_had_happened(tmp_path, tally, number)
        tally.survive()
    assert alive or not LONG


@in_parts
async def test_workers_killed_under_a_living_parent(
    tmp_path: Path, tally: Tally, part: int, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One or both, at the n-th event of compiling: the module is tried once more, in another worker."""
    monkeypatch.setattr(crew, "EACH_MS", 1e-6)
    monkeypatch.setattr(pool, "INLINE_BYTES", -1)
    monkeypatch.syspath_prepend(str(tmp_path))
    around = Around()
    for number in share(range(100), part, few=1, backend=anyio_backend):
        write(tmp_path, {**MANY, **edited(number)})
        chance = random.Random(number)
        at, both = chance.randint(2, 12), chance.random() < 0.3
        seen = 0

        def kill(event: Event, at: int = at, both: bool = both) -> None:
            nonlocal seen
            if isinstance(event, (CompileStarted, CompileFinished)):
                seen += 1
                if seen == at:
                    for pid in sorted(processes_of(tmp_path))[: 2 if both else 1]:
                        os.kill(pid, signal.SIGKILL)

        async with opened(tmp_path, toolchain=SLOW, offload=Offload(), aged=False) as bench:
            bench.project.listen(kill)
            await check_build(bench, tmp_path, tally, number, await bench.project.build(force=True))
        assert seen > at
        none_left(tmp_path)
        tally.survive()
        around.check(number)
