"""The process dies ahead of its k-th operation, for every k; and the machine loses power, so that of what was written
since the last sync some is there and some is not. Nothing is ever synced but what SQLite syncs for itself."""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.disk import RealDisk
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults, crash
from orchestrator.testing.faulty import FaultyOffload
from tests.faults.scenarios import (
    CACHE,
    PROJECT,
    Around,
    a_new_process,
    a_process_that_cleans_up,
    all_is_well,
    dying,
    failing,
    leftovers,
    opened,
    operations,
    two_builds,
)
from tests.helpers.plain_builds import write
from tests.helpers.tallies import Tally, in_parts, share

pytestmark = pytest.mark.anyio

LOSSES = 4
"""Power failures tried for every point at which the machine may fail, in the long run."""


Earlier = dict[str, list[bytes | None]]
"""What files held before something was renamed over them; None: there was no such file."""


async def run(folder: Path, faults: Faults, tally: Tally, what: object) -> Earlier:
    earlier: Earlier = {}

    def note(operation: str, path: str) -> None:
        if operation == "rename":
            earlier.setdefault(path, []).append(Path(path).read_bytes() if Path(path).exists() else None)

    write(folder, PROJECT)
    with dying(faults, folder):
        for part in (two_builds, a_new_process, a_process_that_cleans_up):
            disk = FakeDisk(RealDisk(), faults, aged=True)
            disk.before = note
            await part(folder, tally, what, offload=FaultyOffload(disk))
    return earlier


@pytest.fixture
async def points(tmp_path: Path) -> list[str]:
    """The named points at which a process can die, in order: the operation and the folder it is on."""
    folder = tmp_path / "counting"
    faults = Faults()
    await run(folder, faults, Tally(), "counting")
    assert not faults.crashed
    shutil.rmtree(folder)
    named = [f"{operation} {Path(path).parent.relative_to(tmp_path)}" for operation, path in operations(faults, folder)]
    seen = {name.replace("counting/", "").replace(f"{CACHE}/", "") for name in named}
    wanted = {
        f"disk.{what} {where}"
        for what in ("create", "rename")
        for where in ("modules", "metadata", "snapshots", "build")
    }
    assert seen >= wanted, wanted - seen
    assert seen >= {"disk.remove modules", "disk.remove metadata", "disk.remove snapshots"}
    assert {"index.commit", "index.begin", "disk.append", "disk.lock"} <= {name.rpartition(" ")[0] for name in seen}
    return named


def dead_at(folder: Path, points: list[str], at: int) -> Faults:
    """Of the files that are written every second one is there by half."""
    half = at % 2 and points[at - 1].startswith("disk.create ")
    return failing(folder, crash("half" if half else "before"), at)


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_dying_at_every_operation(
    tmp_path: Path, tally: Tally, points: list[str], part: int, anyio_backend: str
) -> None:
    around = Around()
    for at in share(
        range(1, len(points) + 1),
        part,
        few=12,
        backend=anyio_backend,
        kinds=lambda at: (points[at - 1].partition(" ")[0],),
    ):
        what = f"dead at {at}, {points[at - 1]}"
        folder = tmp_path / f"{at}"
        faults = dead_at(folder, points, at)
        await run(folder, faults, tally, what)
        assert faults.crashed, what
        around.check(what)
        await all_is_well(folder, tally, what, temporary=True)
        await collected(folder, what)
        tally.survive()
        shutil.rmtree(folder)


async def collected(folder: Path, what: object) -> None:
    """What the dead process left goes when somebody collects; the old program is whole, or the new one is."""
    async with opened(folder) as bench:
        await bench.project.cache.gc(force=True)
    for program in (folder / "build").glob(".main.wasm.*~"):
        program.unlink()  # nobody's to remove: it is in the user's own folder
    leftovers(folder, what)


# ------------------------------------------------------------------------------------------------ power


Fate = Callable[[Path, random.Random, list[bytes | None]], None]


def stays(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    """It was written in time."""


def was_never_there(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    path.unlink()


def is_empty(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    """Its name reached the disk, and none of its bytes."""
    path.write_bytes(b"")


def ends_early(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: dice.randrange(len(data))] if data else b"")


def has_a_hole(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    """A block of it was not written: it reads as zeroes."""
    data = path.read_bytes()
    start = dice.randrange(len(data)) if data else 0
    end = min(len(data), start + dice.choice([1, 16, 512, 4096]))
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])


def is_the_old_one(path: Path, dice: random.Random, earlier: list[bytes | None]) -> None:
    """What was renamed over it later did not reach the disk."""
    data = dice.choice(earlier) if earlier else None
    if data is not None:
        path.write_bytes(data)


FATES: list[Fate] = [stays, was_never_there, is_empty, ends_early, has_a_hole, is_the_old_one]


def lose_power(folder: Path, earlier: Earlier, dice: random.Random) -> None:
    """Let each file that was written, and SQLite's log, have some fate of its own. What SQLite syncs stays: the index
    itself is written only from a log that is on the disk."""
    often = dice.choice([1, 4, 20])  # how many files in all the losses of power hit
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".plain"):
        if path.name in ("index.db", "index.db-shm") or dice.randrange(20) >= often:
            continue
        fates = FATES[1:5] if path.name == "index.db-wal" else FATES[1:]
        dice.choice(fates)(path, dice, earlier.get(str(path), []))


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_losing_power_at_every_operation(
    tmp_path: Path, tally: Tally, points: list[str], part: int, anyio_backend: str
) -> None:
    cases = [(at, seed) for at in range(1, len(points) + 1) for seed in range(LOSSES)]
    for at, seed in share(
        cases, part, few=12, backend=anyio_backend, kinds=lambda case: (points[case[0] - 1].partition(" ")[0],)
    ):
        what = f"no power at {at} ({points[at - 1]}), seed {seed}"
        folder = tmp_path / f"{at}-{seed}"
        earlier = await run(folder, dead_at(folder, points, at), tally, what)
        gc.collect()  # tracebacks hold cursors, and cursors connections: what is dead has no file open
        lose_power(folder, earlier, random.Random(at * LOSSES + seed))
        await all_is_well(folder, tally, what, temporary=True, damage=True)
        tally.survive()
        shutil.rmtree(folder)
