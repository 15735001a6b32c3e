"""A server knows what changed without looking at everything, and is never wrong: whatever another process did right
before the question, stamps are those that `lstat` gives, and a build is that of the sources as they are.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestrator
from actors.digests import StampRow
from actors.disk import REAL, RealDisk
from actors.messages import Rules
from actors.scanner.walk import walk
from orchestrator.requests import scan_rules
from orchestrator.server import watched
from orchestrator.server.inotify import ChangeReport, Inotify
from orchestrator.server.watched import WatchedDisk, WatchingOffload
from tests.helpers.editing_process import editing, write_all
from tests.helpers.tallies import LONG

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="servers need Linux")]

PARTS = 16 if LONG else 2
STAMPS = 100_000 if LONG else 400
BUILDS = 100_000 if LONG else 60


@pytest.fixture(autouse=True)
def _sigio() -> Iterator[None]:
    """As in the builder."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


def places(tmp_path: Path) -> tuple[Path, Path]:
    root, beside = tmp_path / "p", tmp_path / "beside"
    beside.mkdir()
    write_all(root)
    return root, beside


def everything(root: Path) -> list[str]:
    """Every path in a folder, as the scanner writes them."""
    found = [f"{root}/"]
    for folder, folders, files in os.walk(root):
        found += [f"{folder}/{name}" for name in (*folders, *files)]
    return sorted(found)


def stamps(disk: RealDisk, paths: list[str]) -> list[StampRow] | type[OSError]:
    try:
        return disk.rows(paths)
    except OSError as wrong:
        return type(wrong)


class Hostile:
    """A queue of reports that is out of order, says things twice, and loses reports, but says so."""

    seed = 0

    def __init__(self) -> None:
        self.reports = Inotify()
        self.file = self.reports.file
        self.random = random.Random(self.seed)

        self.add_folder, self.add_file, self.close = (
            self.reports.add_folder,
            self.reports.add_file,
            self.reports.close,
        )

    def read(self) -> list[ChangeReport] | None:
        found = self.reports.read()
        if found is None or self.random.random() < 0.1:
            return None
        self.random.shuffle(found)
        return [*found, *found[:2]]


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(PARTS))
def test_stamps_are_never_old(tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MOST_LOST", 10**9)
    root, beside = places(tmp_path)
    disk = WatchedDisk(Hostile if part % 2 else Inotify)
    disk.watch(str(root))
    before: list[str] = []
    remembered = 0
    with editing(root, beside) as process:
        for number in range(part * STAMPS, part * STAMPS + STAMPS // PARTS):
            done = process.edit(number)
            for paths in (before, everything(root)):
                assert stamps(disk, paths) == stamps(REAL, paths), (number, done)
            before = everything(root)
            if number % 3:
                disk.learn()
            remembered += disk.remembered
    disk.close()
    assert remembered > 100


async def fresh(other: orchestrator.Project, rules: Rules) -> bytes | None:
    """The program of the sources as they are now, read from all files and given as texts. None where it has none."""
    found = walk(rules, REAL)
    if any(problem.severity == "error" for problem in found.problems):
        return None
    other.sources.clear()
    other.sources.update({file.path: REAL.read(f"{rules.root}/{file.path}").decode() for file in found.files})
    return program(await other.build())


def program(result: orchestrator.BuildResult) -> bytes | None:
    return result.program.read_bytes() if result.success and result.program else None


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("part", range(PARTS))
async def test_builds_are_never_old(tmp_path: Path, part: int, anyio_backend: str) -> None:
    """A Project that is watched, beside one that is given all the texts anew each time."""
    root, beside = places(tmp_path)
    offload = WatchingOffload()
    place = {"folder": str(tmp_path / "cache"), "output": str(tmp_path / "out/main.wasm"), "jobs": 1}
    async with (
        orchestrator.open(root, offload=offload, **place) as project,
        orchestrator.open(orchestrator.Sources({"main.ruchy": ""}), jobs=1) as other,
    ):
        offload.watched.watch(project.config.root)
        rules = scan_rules(project.config)
        built = 0
        with editing(root, beside) as process:
            for number in range(part * BUILDS, part * BUILDS + BUILDS // PARTS):
                done = process.edit(number)
                now = program(await project.build())
                if number % 3:
                    offload.watched.learn()
                assert now == await fresh(other, rules), (number, done)
                built += now is not None
        assert built * 4 > BUILDS // PARTS, "most edits leave a project that can be built"
