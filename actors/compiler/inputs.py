"""Reads the files that compiles discovered, to find out whether they are still what they were."""

from __future__ import annotations

import os
from collections.abc import Iterable

from actors.digests import NO_STAMP, digest, settled
from actors.disk import Disk
from actors.messages import InputFile

LARGEST = 256 << 20
"""Bytes of an input. A larger one counts as changed in every build."""


def place_of(path: str, root: str) -> str:
    """The absolute path of an input. `root` is the absolute source root."""
    return os.path.normpath(os.path.join(root, path))


def portable(path: str, root: str, project: str) -> str:
    """The path of an input as it is stored: relative to the source root where it lies in that folder or in the
    project's, so that another checkout finds its own file; absolute otherwise."""
    place = place_of(path, root)
    if any(folder and place.startswith(folder.rstrip("/") + "/") for folder in (root, project)):
        return os.path.relpath(place, root) if root else place
    return place


def read_inputs(files: Iterable[InputFile], root: str, disk: Disk) -> tuple[InputFile, ...]:
    """Each of these files as it is now. One with the stamp that it had is not read."""
    return tuple([_read(file, place_of(file.path, root), disk) for file in files])


def _read(known: InputFile, place: str, disk: Disk) -> InputFile:
    try:
        now_ns = disk.now_ns()
        before = disk.stamp(place, follow=False)
        if before == known.stamp != NO_STAMP:
            return known
        data = disk.read(place, LARGEST)
        steady = before == disk.stamp(place, follow=False) and not disk.is_link(place)
    except (FileNotFoundError, NotADirectoryError):
        return InputFile(path=known.path)
    except (OSError, ValueError):
        return InputFile(path=known.path, digest=None)
    return InputFile(path=known.path, digest=digest(data), stamp=settled(before, now_ns) if steady else NO_STAMP)
