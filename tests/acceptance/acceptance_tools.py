"""What the acceptance tests share: a project in a folder, on the real toolchain, files, SQLite and clock of stamps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orchestrator
from actors.disk import RealDisk
from actors.offload import Offload
from orchestrator import Project
from orchestrator.testing.disk import FakeDisk
from tests.helpers.projects import ProjectBench, write_files


class RuchyBench(ProjectBench):
    """A project in Ruchy that is open. Its disk is `aged`: files just written are old enough to be trusted by their
    stamps (real clocks would make every test's file racy)."""

    def __init__(self, folder: Path, project: Project, disk: FakeDisk) -> None:
        super().__init__(project, disk)
        self.folder = folder

    def write(self, **modules: str) -> None:
        """Write modules; `a__b` stands for a/b.ruchy."""
        write_ruchy(self.folder, **modules)

    def sources_read(self) -> list[str]:
        """The sources that were read since the last build began, relative to the folder."""
        found = (Path(path).relative_to(self.folder) for path in self.disk.reads if path.endswith(".ruchy"))
        return sorted(map(str, found))


def write_ruchy(folder: Path, **modules: str) -> None:
    """Write modules as files; `a__b` stands for a/b.ruchy."""
    write_files(folder, {name.replace("__", "/") + ".ruchy": text for name, text in modules.items()})


@asynccontextmanager
async def opened(folder: Path, /, **settings: Any) -> AsyncIterator[RuchyBench]:
    disk = FakeDisk(RealDisk(), aged=True)
    settings.setdefault("jobs", 2)
    async with orchestrator.open(folder, offload=Offload(disk), **settings) as project:
        yield RuchyBench(folder, project, disk)


def independent(count: int) -> dict[str, str]:
    """Modules that know nothing of one another."""
    return {f"module{number}": f"pub fun func{number}() -> i64 {{ {number} }}\n" for number in range(1, count + 1)}


async def output_of(project: Project, *args: str) -> str:
    """What the program prints."""
    result = await project.run(*args)
    assert result.exit_code == 0, result.stderr
    return result.stdout.decode()
