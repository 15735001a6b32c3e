"""What sweeps over faults do to a project while something fails, and what must hold afterwards."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orchestrator.errors
from actors.disk import RealDisk
from actors.events import CacheDegraded
from orchestrator import BuildResult
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Crashed, Fault, Faults, crash
from orchestrator.testing.faulty import FaultyOffload
from tests.helpers.plain_builds import Bench, from_nothing, opened, tasks_running, texts_in, write
from tests.helpers.tallies import Tally

CACHE = ".ruchy-cache"

PROJECT = {
    "main": "run a::f\n",
    "a": "use b::g as x\npub f = x\nwarn careful\n",
    "b": "pub g = old\n",
    "c": "use b::g as x\npub h = x\n",
}
EDITED = {"b": "pub g = new and longer\n"}

DAMAGED = b"damaged by the scenario"

ROOM = 8_000
"""A limit that a cache of all that the scenarios build is above, and one build's share of it is not."""

OPERATIONS = "disk.[!i]*|index.*"
"""All that a build asks of the disk and of SQLite, in one count: files, locks and statements. Not the questions of the
disk (`is_link` and so on), which no error reaches."""

Objects = dict[str, bytes | None]

_made: dict[tuple[tuple[str, str], ...], tuple[Objects, bytes | None]] = {}


def on_real_files(faults: Faults) -> FaultyOffload:
    """The machine's own disk and SQLite itself, with these faults, all in the loop."""
    return FaultyOffload(FakeDisk(RealDisk(), faults, aged=True))


def failing(below: Path, fault: Fault, at: int, times: int = 1) -> Faults:
    """The `at`-th operation on paths below `below` fails."""
    return Faults().on(OPERATIONS, fault, at=at, path=str(below), times=times)


def operations(faults: Faults, below: Path) -> list[tuple[str, str]]:
    """The operations on paths below `below` so far, as (hop, path): what `failing` counts."""
    one = failing(below, crash(), 1).rules[0]
    return [(hop, path) for hop, path in faults.passed if one.matches(hop, path)]


@contextmanager
def dying(faults: Faults, folder: Path) -> Iterator[None]:
    """Whoever runs in here dies by a fault. What it leaves is as a killed process leaves it: the files of SQLite are as
    they were then, although this process has closed them since."""
    left: dict[Path, bytes] = {}
    cache = folder / CACHE

    def note() -> None:
        left.update({file: file.read_bytes() for file in cache.glob("index.db*")})

    faults.when_crashed.append(note)
    with suppress(Crashed, orchestrator.errors.ProjectBroken):
        yield
    if faults.crashed:
        for file in cache.glob("index.db*"):
            file.unlink()
        for file, data in left.items():
            file.write_bytes(data)


async def right(texts: dict[str, str]) -> tuple[Objects, bytes | None]:
    """The objects and the program that a build of these modules from nothing makes."""
    key = tuple(sorted(texts.items()))
    if key not in _made:
        _made[key] = await from_nothing(texts)
    return _made[key]


async def served(bench: Bench) -> Objects:
    """What the cache has for each module."""
    found = await bench.project.cache.lookup_all(sorted((await bench.project.graph()).modules))
    return {module: one.data if one else None for module, one in found.items()}


def drop_program(folder: Path) -> None:
    """So that the next build has to read objects."""
    (folder / "build" / "main.wasm").unlink(missing_ok=True)


async def check_build(bench: Bench, folder: Path, tally: Tally, what: object, result: BuildResult) -> None:
    """A build whose cache fails is right all the same, and says once what failed."""
    objects, program = await right(texts_in(folder))
    assert (result.success, result.failed) == (True, []), (what, result.diagnostics)
    assert result.program is not None
    tally.compare({"program": result.program.read_bytes()}, {"program": program}, what)
    said = bench.happened(CacheDegraded)
    assert [event.reason for event in said] == ([result.cache_degraded] if result.cache_degraded else []), what
    tally.compare(await served(bench), objects, what)


async def two_builds(folder: Path, tally: Tally, what: object, **settings: Any) -> None:
    """A build, an edit, a build that uses some of it, one that has to read objects; then whatever else one asks of a
    cache."""
    async with opened(folder, **settings) as bench:
        await check_build(bench, folder, tally, what, await bench.build())
        write(folder, EDITED)
        await check_build(bench, folder, tally, what, await bench.build())
        for touched in ("main", "c"):
            write(folder, {touched: PROJECT[touched] + "# touched\n"})
        drop_program(folder)
        await check_build(bench, folder, tally, what, await bench.build())
        await bench.project.cache.verify()
        await bench.project.cache.statistics()
        await bench.project.cache.gc(force=True)


async def a_new_process(folder: Path, tally: Tally, what: object, **settings: Any) -> None:
    """Another one begins with what those before left: snapshot, plan, index, files."""
    async with opened(folder, **settings) as bench:
        await check_build(bench, folder, tally, what, await bench.build())
        write(folder, {"b": PROJECT["b"]})
        drop_program(folder)
        await check_build(bench, folder, tally, what, await bench.build())


async def a_process_that_cleans_up(folder: Path, tally: Tally, what: object, **settings: Any) -> None:
    """A third one finds two DAMAGED objects and an orphan, has too little room for all, and in the end clears
    everything."""
    objects = sorted((folder / CACHE / "modules").glob("*.wasm"))
    for file in objects[:2]:
        file.write_bytes(DAMAGED)
    if objects:
        orphan = objects[0].with_name("ab" * 32 + ".wasm")
        orphan.write_bytes(b"nobody's")
        os.utime(orphan, ns=(0, 0))
    drop_program(folder)
    write(folder, {"c": "pub h = yet another\n"})
    async with opened(folder, max_size=ROOM, **settings) as bench:
        await check_build(bench, folder, tally, what, await bench.build())
        await bench.project.cache.clear()
        write(folder, {"c": PROJECT["c"]})
        await check_build(bench, folder, tally, what, await bench.build())


async def all_is_well(
    folder: Path, tally: Tally, what: object, *, temporary: bool = False, damage: bool = False, stuck: str = ""
) -> None:
    """Nothing fails any more. The next build equals one from nothing, byte for byte; `verify` is clean, or (`damage`;
    or where the scenario itself did it; or for metadata that was `stuck` when all was to be removed) says what it put
    aside, and is clean the second time; and nothing is left over but (`temporary`) files that could not be removed."""
    objects, program = await right(texts_in(folder))
    drop_program(folder)
    async with opened(folder) as bench:
        result = await bench.build()
        assert (result.success, result.cache_degraded) == (True, None), (what, result)
        assert result.program is not None
        tally.compare({"program": result.program.read_bytes()}, {"program": program}, what)
        tally.compare(await served(bench), objects, what)
        found = (await bench.project.cache.verify()).damage
        known = [path.name for path in (folder / CACHE / "quarantine").glob("*") if damaged(path)]
        surprising = [
            one for one in found if one.key not in stuck and not any(name.endswith(one.file[8:]) for name in known)
        ]
        assert damage or surprising == [], (what, found)
        assert (await bench.project.cache.verify()).damage == (), what
    async with opened(folder) as bench:  # what was damaged, and not needed by that build, is made again by this one
        result = await bench.build()
        assert (result.success, result.cache_degraded) == (True, None), (what, result)
        assert await served(bench) == objects, what
        result = await bench.build()
        assert (result.recompiled, result.cache_hits) == ([], len(objects)), what
    leftovers(folder, what, temporary)


def damaged(path: Path) -> bool:
    return path.is_file() and path.read_bytes() == DAMAGED


def leftovers(folder: Path, what: object, temporary: bool = False) -> None:
    """No temporary file, no pin of a build that has ended, no journal of SQLite's: it was closed."""
    left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    odd = [name for name in left if ".tmp-" in name or name.endswith("~")]
    assert temporary or odd == [], (what, odd)
    pins = [name for name in left if name.startswith(f"{CACHE}/running/")]
    assert temporary or pins == [], (what, pins)
    assert not [name for name in left if name.startswith(f"{CACHE}/index.db-")], what


class Around:
    """What is there before and after: tasks of the loop, threads, open files. Threads of AnyIO's and Trio's pools stay
    for a while, and are no leftovers."""

    def __init__(self) -> None:
        gc.collect()
        self.before = self._now()

    def _now(self) -> tuple[int, list[str], list[str]]:
        names = [one.name for one in threading.enumerate()]
        threads = sorted(name for name in names if "worker" not in name.lower() and not name.startswith("Trio thread"))
        files = []
        for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
            try:
                files.append(os.readlink(f"/proc/self/fd/{number}"))
            except OSError:
                continue  # the listing's own
        return tasks_running(), threads, sorted(name for name in files if name.startswith("/"))

    def check(self, what: object) -> None:
        gc.collect()  # tracebacks hold cursors, and cursors hold connections that are closed
        now = self._now()
        assert now == self.before, (what, now)
