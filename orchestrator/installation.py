"""Files that are no sources, and that a build depends on all the same: settings, and Wasmill itself."""

from __future__ import annotations

import os

from actors.disk import Disk
from actors.planner import manifest
from orchestrator.config import FILE_NAME, exists


def own_files() -> list[str]:
    """What each snapshot stamps of Wasmill itself: `wasmill build` believes none that does not name its own file
    (`cli/uptodate.py`); and where the schema of manifests is written."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "cli", "uptodate.py"), os.path.abspath(manifest.__file__)]


def configuration_files(place: str | None, disk: Disk) -> list[str]:
    """The wasmill.toml that counts, those that would if they appeared, and the entry that decides about the root."""
    if place is None or disk.is_regular(place):
        return []
    folder = os.path.abspath(place)
    files = [os.path.join(folder, "main.ruchy")]
    while True:
        file = os.path.join(folder, FILE_NAME)
        files.append(file)
        above = os.path.dirname(folder)
        if above == folder or exists(file, disk):
            return files
        folder = above
