"""Records what a configuration depends on: every path that was looked at, found or not, stamped before the look."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import cast

from actors.digests import Stamp
from actors.disk import Disk, FolderEntry
from actors.messages import FolderStamp
from actors.planner import keys
from actors.scanner.snapshot import Extra, stamp_extras

Watched = tuple[tuple[FolderStamp, ...], tuple[str, ...]]
"""Stamps of files beside the sources, and paths that were absent."""


class Looked:
    """The part of a disk that `config.load` uses, on top of `beneath`. It records every path that was looked at, so no
    other code has to list what the settings depend on; `watched` returns all of them.

    The existence of a file or folder needs no stamp: it is the source root or inside of it, and the scanner's walk
    stamps that. `requests.ways` watches the links on the way to cache and output.
    """

    def __init__(self, beneath: Disk) -> None:
        self.beneath = beneath
        self._extras: dict[str, Extra] = {}
        self._absent: dict[str, None] = {}

    def watched(self, beside: Iterable[str]) -> Watched:
        """Returns all stamps, and those of the files `beside`, which are stamped now unless they were already."""
        self._see(*beside)
        extras = tuple([FolderStamp(path=extra.path, stamp=extra.stamp) for extra in self._extras.values()])
        return extras, tuple(self._absent)

    def _see(self, *paths: str) -> None:
        # A path with a zero byte is that of no file, which the caller reports.
        new = [path for path in paths if path not in self._extras and path not in self._absent and "\0" not in path]
        extras, absent = stamp_extras(new, self.beneath)
        self._extras.update((extra.path, extra) for extra in extras)
        self._absent.update(dict.fromkeys(absent))

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        self._see(path)
        return self.beneath.stamp(path, follow=follow)

    def read(self, path: str, limit: int = -1) -> bytes:
        self._see(path)
        return self.beneath.read(path, limit)

    def entries(self, path: str) -> list[FolderEntry]:
        self._see(path)
        return self.beneath.entries(path)

    def is_regular(self, path: str) -> bool:
        if self.beneath.is_regular(path):
            return True
        self._see(path)
        return self.beneath.is_regular(path)

    def is_folder(self, path: str) -> bool:
        if self.beneath.is_folder(path):
            return True
        self._see(path)
        return self.beneath.is_folder(path)

    def resolve(self, path: str) -> str:
        return self.beneath.resolve(path)

    def is_link(self, path: str) -> bool:
        return self.beneath.is_link(path)


def looked(disk: Disk) -> tuple[Disk, Looked]:
    """Returns a disk for `config.load`, and the record of what is looked at on it."""
    seen = Looked(disk)
    return cast("Disk", seen), seen


def unseen(disk: Disk) -> Disk:
    """Returns the disk beneath, for looking at something that changes with every build and decides nothing
    afterwards."""
    return disk.beneath if isinstance(disk, Looked) else disk


def own_files() -> list[str]:
    """Returns the files of Wasmill itself that every snapshot stamps: `cli/uptodate.py`, because `wasmill build`
    believes no snapshot that does not name this file, and the file with the schema of manifests."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "cli", "uptodate.py"), os.path.abspath(keys.__file__)]
