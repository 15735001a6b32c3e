"""What the acceptance tests share: a project in a folder, on the real toolchain, files, SQLite and clock of stamps."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orchestrator
from actors.disk import RealDisk
from actors.events import Event
from actors.offload import Offload
from orchestrator import BuildResult, Project
from orchestrator.testing.disk import FakeDisk


class Bench:
    """A project that is open, what happened in it, and the disk that it works on. `aged`: files just written are old
    enough to be trusted by their stamps (real clocks would make every test's file racy)."""

    def __init__(self, folder: Path, project: Project, disk: FakeDisk) -> None:
        self.folder = folder
        self.project = project
        self.disk = disk
        self.events: list[Event] = []
        project.listen(self.events.append)

    def write(self, **modules: str) -> None:
        """Write modules; `a__b` stands for a/b.ruchy."""
        write(self.folder, **modules)

    async def build(self, **more: Any) -> BuildResult:
        self.events.clear()
        self.disk.reset()
        return await self.project.build(**more)

    def happened(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def sources_read(self) -> list[str]:
        """The sources that were read since the last build began, relative to the folder."""
        found = (Path(path).relative_to(self.folder) for path in self.disk.reads if path.endswith(".ruchy"))
        return sorted(map(str, found))


def write(folder: Path, **modules: str) -> None:
    for name, text in modules.items():
        file = folder / (name.replace("__", "/") + ".ruchy")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        # Two edits within one tick of the clock have one stamp, which a disk that says "aged" would have believed.
        os.utime(file, ns=(next(_ticks), next(_ticks)))


_ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)


@asynccontextmanager
async def opened(folder: Path, /, **settings: Any) -> AsyncIterator[Bench]:
    disk = FakeDisk(RealDisk(), aged=True)
    settings.setdefault("jobs", 2)
    async with orchestrator.open(folder, offload=Offload(disk), **settings) as project:
        yield Bench(folder, project, disk)


def independent(count: int) -> dict[str, str]:
    """Modules that know nothing of one another."""
    return {f"module{number}": f"pub fun func{number}() -> i64 {{ {number} }}\n" for number in range(1, count + 1)}


async def output_of(project: Project, *args: str) -> str:
    """What the program prints."""
    result = await project.run(*args)
    assert result.exit_code == 0, result.stderr
    return result.stdout.decode()
