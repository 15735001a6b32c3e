"""What a configuration was made of: every path that it looked at, found or not, stamped before it was looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import cast

from actors.digests import Stamp
from actors.disk import Disk, FolderEntry
from actors.planner import keys
from actors.scanner.snapshot import Extra, stamp_extras

Watched = tuple[tuple[Extra, ...], tuple[str, ...]]
"""Stamps of files beside the sources, and paths that were absent."""


class Looked:
    """The part of a disk that `config.load` uses, on top of `beneath`. Nobody has to name what settings depend on: what
    decides about them was looked at here, and `watched` has all of it.

    That a file or folder *is* there needs no stamp of its own: it is the source root, or lies in it, and the walk
    stamps that. What a link on the way to cache and output does is watched by `requests.ways`."""

    def __init__(self, beneath: Disk) -> None:
        self.beneath = beneath
        self._extras: dict[str, Extra] = {}
        self._absent: dict[str, None] = {}

    def watched(self, beside: Iterable[str]) -> Watched:
        """All of it, and the files `beside` that were stamped already."""
        self._see(*beside)
        return tuple(self._extras.values()), tuple(self._absent)

    def _see(self, *paths: str) -> None:
        new = [path for path in paths if path not in self._extras and path not in self._absent]
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
    """A disk for `config.load`, and what will have been looked at on it."""
    seen = Looked(disk)
    return cast("Disk", seen), seen


def unseen(disk: Disk) -> Disk:
    """The disk beneath: for a look at what changes with every build, and decides nothing once there was one."""
    return disk.beneath if isinstance(disk, Looked) else disk


def own_files() -> list[str]:
    """The files of Wasmill itself that every snapshot stamps: `cli/uptodate.py`, because `wasmill build` believes no
    snapshot that does not name this file, and the one with the schema of manifests."""
    here = os.path.dirname(os.path.abspath(__file__))
    return [os.path.join(here, "cli", "uptodate.py"), os.path.abspath(keys.__file__)]
