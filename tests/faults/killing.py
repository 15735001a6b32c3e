"""What tests of killed processes share: the fork server, the processes that are left, and what must hold afterwards."""

from __future__ import annotations

import os
import select
import shutil
from contextlib import suppress
from pathlib import Path

from tests.faults.scenarios import CACHE, all_is_well, leftovers
from tests.helpers.plain_builds import opened
from tests.helpers.tallies import Tally


def processes_of(folder: Path) -> set[int]:
    """The processes that have this folder among their arguments: see `child_work.in_workers`."""
    found = set()
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and int(place.name) != os.getpid():
            with suppress(OSError):
                if os.fsencode(folder) in (place / "cmdline").read_bytes().split(b"\0"):
                    found.add(int(place.name))
    return found


def none_left(folder: Path, seconds: float = 20.0) -> None:
    """Wait until no such process runs any more. Without looking at a clock: each of them is waited for by itself."""
    for pid in processes_of(folder):
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                assert select.select([handle], [], [], seconds)[0], f"process {pid} goes on"
            finally:
                os.close(handle)


def age(folder: Path) -> None:
    """What a killed process left beside the program is two hours old now."""
    for file in folder.rglob("*~"):
        os.utime(file, ns=(0, 0))


async def as_if_nothing_had_happened(folder: Path, tally: Tally, what: object, *, evicted: bool = False) -> None:
    """`scenarios.all_is_well`, after a process was killed: files that nobody needs may lie about, until somebody
    collects them. What was evicted need not be there before its bytes are asked for; without the plan of the last build
    everything is asked for."""
    if evicted:
        shutil.rmtree(folder / CACHE / "snapshots")
    await all_is_well(folder, tally, what, temporary=True)
    age(folder)
    async with opened(folder) as bench:
        await bench.project.cache.gc(force=True)
        # Writing them anew is when the leftovers of earlier writers go.
        (folder / "build" / "main.wasm").unlink()
        for listing in (folder / CACHE).glob("outputs-*.json"):
            listing.unlink()
        assert (await bench.build()).recompiled == []
    leftovers(folder, what)
