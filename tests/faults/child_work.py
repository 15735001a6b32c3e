"""What the processes do that the fork server starts: builds that are killed, interrupted, crowded, short of files."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

import orchestrator
from actors.child import Child
from actors.compiler import crew, pool
from actors.digests import digest
from actors.disk import RealDisk
from actors.events import CacheDegraded, CompiledTwice
from actors.keeper.database import Database
from actors.offload import Offload
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import Faults, crash
from orchestrator.testing.faulty import FaultyConnection
from orchestrator.testing.toolchain import PlainToolchain
from tests.faults.newer import become_newer
from tests.faults.scenarios import EDITED, PROJECT, ROOM
from tests.faults.slow_plain import SlowPlain
from tests.helpers.plain_builds import write

SLOW = "tests.faults.slow_plain:SlowPlain"
CHANGES = ("create", "append", "rename", "remove", "make_folders", "lock", "lock_bytes")
"""The operations on a disk that leave something there."""


def prepare() -> None:
    """Import what children need, once."""
    import trio

    from orchestrator.cli import app, build
    from orchestrator.toolchains.ruchy import Ruchy
    from orchestrator.wasm import validate

    Ruchy().prepare()
    assert trio and app and build and validate


# ---------------------------------------------------------------------------------------------- crash points

POINTS = (
    "|".join(f"disk.{name}" for name in dict.fromkeys(name.partition("_b")[0] for name in CHANGES)) + "|index.[!s]*"
)
"""The crash points: all changes of the disk, and all statements of SQLite but a SELECT."""


class KillableOffload(Offload):
    """The machine's own disk, threads and SQLite, with faults."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(FakeDisk(RealDisk(), faults))
        self.faults = faults

    def spawn(self, arguments: Any) -> Child | None:
        return Child(arguments)

    async def connect(self, path: str) -> Database:
        database = await super().connect(path)
        database._connection = FaultyConnection(database._connection, path, self.faults)
        return database


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def die_at(folder: str, at: int, half: bool, backend: str) -> dict[str, Any]:
    """Two builds, then one in a cache that is too small; killed at the crash point of that number, or when `half` of
    the file is written. Returns the names of all points that were passed, and how many came before the second cache."""
    faults = Faults().on(POINTS, crash("half" if half else "before"), at=at or sys.maxsize, path=folder)
    faults.when_crashed.append(die)
    first = 0

    def passed() -> list[str]:
        rule = faults.rules[0]
        places = [
            (hop, os.path.relpath(path, folder).split(os.sep)) for hop, path in faults.passed if rule.matches(hop, path)
        ]
        return [f"{hop} {'/'.join(place[:-1]) or place[-1]}" for hop, place in places]

    async def whole() -> None:
        nonlocal first
        for limit in (1 << 30, ROOM // 2):
            first = len(passed())
            async with orchestrator.open(
                folder,
                toolchain=PlainToolchain(),
                offload=KillableOffload(faults),
                entry="main.plain",
                jobs=2,
                max_size=limit,
            ) as project:
                for texts in ({"b": PROJECT["b"]}, EDITED):
                    write(Path(folder), texts)
                    assert (await project.build()).success
                await project.cache.gc(force=True)

    anyio.run(whole, backend=backend)
    return {"names": passed(), "first": first}


# ---------------------------------------------------------------------------------------------- workers


def in_workers(folder: str) -> None:
    """Every job is done by a worker process, and each of them has the folder's name among its arguments."""
    crew.EACH_MS, pool.INLINE_BYTES = 1e-6, -1
    sys.path.append(folder)


def build_in_workers(folder: str, backend: str, event: int = 0) -> dict[str, Any]:
    """Build with two workers, and be killed right after that many events (0: by somebody else, if at all)."""
    in_workers(folder)
    seen = 0

    def count(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == event:
            os.kill(os.getpid(), signal.SIGKILL)

    async def whole() -> bool:
        async with orchestrator.open(folder, toolchain=SLOW, entry="main.plain", jobs=2) as project:
            project.listen(count)
            return (await project.build()).success

    success = anyio.run(whole, backend=backend)
    return {"success": success, "events": seen}


def short_of_files(folder: str, backend: str, files: int) -> dict[str, Any]:
    """Build in workers, with so many open files allowed beyond those that there are."""
    in_workers(folder)
    there = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (there + files, there + files))

    async def whole() -> dict[str, Any]:
        async with orchestrator.open(folder, toolchain=SLOW, entry="main.plain", jobs=2) as project:
            result = await project.build()
            return {
                "success": result.success,
                "program": digest(result.program.read_bytes()) if result.program else "",
                "degraded": result.cache_degraded,
                "codes": sorted({found.code for found in result.diagnostics}),
            }

    try:
        return anyio.run(whole, backend=backend)
    except (OSError, orchestrator.WasmillError) as error:
        return {"success": False, "error": f"{type(error).__name__}: {error}", "degraded": None, "codes": []}


# ---------------------------------------------------------------------------------------------- many on one cache


def crowd(
    folder: str,
    cache: str,
    backend: str,
    seed: int,
    texts: list[dict[str, str]],
    limit: int,
    event: int = 0,
    newer: bool = False,
) -> dict[str, Any]:
    """Build these versions of a project one after the other, in an order of its own, on a cache that others use too.
    Be killed after so many events; be of the schema after this one. Gives, for each build: the version, the digests of
    the program and of the objects that the cache has then."""
    if newer:
        become_newer()
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    seen = 0
    strange: list[str] = []
    twice = 0

    def count(happened: object) -> None:
        nonlocal seen, twice
        seen += 1
        twice += isinstance(happened, CompiledTwice)
        if isinstance(happened, CacheDegraded):
            strange.append(happened.reason)
        if seen == event:
            os.kill(os.getpid(), signal.SIGKILL)

    builds: list[dict[str, Any]] = []
    write(Path(folder), texts[order[0]])

    async def whole() -> None:
        async with orchestrator.open(
            folder, toolchain=SlowPlain(), entry="main.plain", jobs=2, folder=cache, max_size=limit
        ) as project:
            project.listen(count)
            for version in order:
                write(Path(folder), texts[version])
                result = await project.build()
                assert result.success, result.diagnostics
                assert result.program is not None
                found = await project.cache.lookup_all(sorted(texts[version]))
                builds.append(
                    {
                        "version": version,
                        "program": digest(result.program.read_bytes()),
                        "objects": {module: one.digest if one else "" for module, one in found.items()},
                        "compiled": result.compiled_modules,
                        "hits": result.cache_hits,
                    }
                )

    anyio.run(whole, backend=backend)
    return {"builds": builds, "twice": twice, "strange": strange, "events": seen}


# ---------------------------------------------------------------------------------------------- the command line


def command(folder: str, argv: list[str], at: int, numbers: list[int], files: dict[str, str]) -> dict[str, Any]:
    """`wasmill` with these words, in a process of its own; at its `at`-th step the signals come, one after the other. A
    step is an event of the build, or a change of the disk. Standard streams go to `files`."""
    from orchestrator import api
    from orchestrator.cli import app

    for stream, file in ((1, files["out"]), (2, files["err"])):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    steps = 0

    def step(*_: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            for number in numbers:
                os.kill(os.getpid(), number)

    for name in CHANGES:
        setattr(RealDisk, name, _stepping(getattr(RealDisk, name), step))
    entered = api.Project.__aenter__

    async def enter(project: api.Project) -> api.Project:
        project.listen(step)
        return await entered(project)

    api.Project.__aenter__ = enter  # type: ignore[method-assign]
    code = app.main([*argv, folder])
    sys.stdout.flush()
    sys.stderr.flush()
    return {"code": code, "steps": steps}


def _stepping(change: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def changed(*args: Any, **named: Any) -> Any:
        step()
        return change(*args, **named)

    return changed
