"""Writing a program where the user wants it, and taking away what an earlier build wrote and this one does not.

Only files that are on our own list of written files are ever removed.
"""

from __future__ import annotations

import os
from contextlib import suppress

import msgspec

from actors.digests import Digest, Stamp, digest
from actors.disk import Disk
from actors.keeper import sweep
from actors.keeper.store import LARGEST, MODULES
from actors.untrusted import UNREADABLE

_decoder = msgspec.json.Decoder(list[str])
LONGEST = 1 << 20
"""Bytes of a list of written files."""
RANDOM_BYTES = 6
"""In the name of a temporary file."""


def holds(disk: Disk, path: str, name: Digest) -> Stamp | None:
    """The stamp of the file at `path` where it is the program `name` already, else None."""
    try:
        if not disk.is_regular(path):
            return None
        stamp = disk.stamp(path)
        return stamp if digest(disk.read(path, LARGEST[MODULES])) == name else None
    except OSError:
        return None


def write(disk: Disk, path: str, data: bytes) -> Stamp:
    """Write `data` to `path`, atomically. Raises OSError: then what was there before is untouched."""
    disk.make_folders(os.path.dirname(path))
    _replace(disk, path, data)
    _sweep(disk, path)
    return disk.stamp(path)


def keep_list(disk: Disk, listing: str, path: str, stale: tuple[str, ...]) -> None:
    """Remove those `stale` files that are on the list of written files, and add `path` to it. Raises OSError."""
    try:
        before = _decoder.decode(disk.read(listing, LONGEST))
    except (OSError, *UNREADABLE):
        before = []
    files = dict.fromkeys(before)
    for file in stale:
        if file in files and file != path:
            try:
                disk.remove(file)
            except FileNotFoundError:
                pass
            except OSError:
                continue  # It stays on the list, and is tried again.
            del files[file]
    if path:
        files[path] = None
    after = list(files)
    if after != before:
        write(disk, listing, msgspec.json.encode(after))


def _sweep(disk: Disk, path: str) -> None:
    """Remove what others left who were killed while they wrote this file, but for what is so young that they may still
    be at it."""
    folder, name = os.path.split(path)
    with suppress(OSError):
        for entry in disk.entries(folder):
            random = entry.name.removeprefix(f".{name}.").removesuffix("~")
            if len(random) == 2 * RANDOM_BYTES and entry.name == f".{name}.{random}~":
                with suppress(OSError):
                    if disk.now_ns() - disk.stamp(entry.path, follow=False).mtime_ns > sweep.ORPHAN_NS:
                        disk.remove(entry.path)


def _replace(disk: Disk, path: str, data: bytes) -> None:
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.urandom(RANDOM_BYTES).hex()}~")
    disk.create(temporary, data)
    try:
        disk.rename(temporary, path)
    except OSError:
        disk.remove(temporary)
        raise
