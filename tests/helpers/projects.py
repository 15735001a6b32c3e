"""Projects in folders, in any language: what tests of whole builds share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.events import Event
from orchestrator import BuildResult, Project
from orchestrator.testing.disk import FakeDisk

_ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000_000)


def stamp_anew(path: Path) -> None:
    """Give a file, and the folder it is in, times that they never had. Two edits within one tick of the real clock have
    one stamp, which a disk that says "aged" would have believed."""
    for one in (path, path.parent):
        if one.exists():
            os.utime(one, ns=(next(_ticks), next(_ticks)))


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts as files, by their paths below the folder, each with a stamp of its own."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        stamp_anew(file)


class ProjectBench:
    """An open project, the disk that it works on, and the events since its last build began."""

    def __init__(self, project: Project, disk: FakeDisk) -> None:
        self.project = project
        self.disk = disk
        self.events: list[Event] = []
        project.listen(self.events.append)

    async def build(self, **more: Any) -> BuildResult:
        self.events.clear()
        self.disk.reset()
        return await self.project.build(**more)

    async def ended(self) -> None:
        """Wait until what the last build left is on the disk."""
        await self.project.builds_ended()

    def happened(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
