"""Writing a program where the user wants it, and removing what an earlier build wrote and this one does not.

Only files that are on our own list of written files are ever removed, and only while they hold the very bytes that we
wrote: a list can be outdated, and a file may belong to someone else by now.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

import msgspec

from actors.digests import Digest, Stamp, digest, printable
from actors.disk import Disk
from actors.keeper import sweep
from actors.keeper.store import LARGEST, MODULES
from actors.untrusted import UNREADABLE

LONGEST = 1 << 20
"""The largest list of written files, in bytes."""
RANDOM_BYTES = 6
"""Random bytes in the name of a temporary file."""
UNKNOWN_BYTES = 1 << 30
"""Stands for the size of a program that is in the cache."""
LONGEST_NAME = 200
"""The longest name, in bytes, that a temporary file's name repeats: with what is added it stays below 255."""


class WrittenProgram(msgspec.Struct, frozen=True):
    """A program that a build wrote: its digest and its owner. `owner` is the profile of a build that took its settings
    from the project alone; such a build replaces what another build of that profile wrote elsewhere. A program without
    an owner is never replaced, because somebody asked for it by name."""

    digest: str = ""
    owner: str = ""


class Outside(OSError):
    """A link leads out of the folders that may be written to."""


_decoder = msgspec.json.Decoder(dict[str, WrittenProgram] | list[str])


def holds(disk: Disk, path: str, name: Digest) -> Stamp | None:
    """The stamp of the file at `path` if it is the program `name` already, else None."""
    try:
        if not disk.is_regular(path):
            return None
        stamp = disk.stamp(path)
        return stamp if digest(disk.read(path, LARGEST[MODULES])) == name else None
    except OSError:
        return None


def look(disk: Disk, path: str, within: tuple[str, ...], name: Digest) -> tuple[str, Stamp | None, Stamp | None]:
    """Where to write the program `name`, its stamp if it is there already, and the stamp of the link if `path` is one.
    Raises OSError as `place` does."""
    file = place(disk, path, within)
    return file, holds(disk, file, name), disk.stamp(path, follow=False) if file != path else None


def place(disk: Disk, path: str, within: tuple[str, ...]) -> str:
    """Where to write a file for `path`: a link stays, and the file it leads to is written. Raises `Outside` if that is
    in none of the folders `within` (none: anywhere), and OSError if links form a circle."""
    real = disk.resolve(path)
    if within and not any(_is_inside(real, disk.resolve(folder)) for folder in within):
        raise Outside(errno.EXDEV, f"a link on the way leads to {printable(real)}, out of the project", path)
    if not disk.is_link(path):
        return path
    if disk.is_link(real):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return real


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def write(disk: Disk, path: str, data: bytes) -> Stamp:
    """Writes `data` to `path` atomically. If this raises OSError, the file that was there before is unchanged."""
    disk.make_folders(os.path.dirname(path))
    _replace(disk, path, data)
    _sweep(disk, path)
    return disk.stamp(path)


def read_list(disk: Disk, listing: str) -> dict[str, WrittenProgram]:
    """The programs that builds wrote, by absolute path; none if there is no list, or it is damaged."""
    try:
        listed = _decoder.decode(disk.read(listing, LONGEST))
    except (OSError, *UNREADABLE):
        return {}
    return listed if isinstance(listed, dict) else dict.fromkeys(listed, WrittenProgram())


def next_list(disk: Disk, listing: str, path: str, written: WrittenProgram) -> bytes | None:
    """Removes what the owner of a program wrote to other places before (for an entry or an output of another name).
    Returns the list of written files with `path` ("" for no program), to be written to `listing`; None where it is the
    one that is there. Raises OSError."""
    # Remove first, then write the list: a crash in between leaves a list that names a file which is gone, and that does
    # no harm. The other way round it would leave a program that nobody remembers.
    before = read_list(disk, listing)
    after = dict(before)
    for file, program in before.items():
        if written.owner and program.owner == written.owner and file != path and _is_done_with(disk, file, program):
            del after[file]
    if path:
        after[path] = written
    return msgspec.json.encode(after) if after != before else None


def _is_done_with(disk: Disk, file: str, written: WrittenProgram) -> bool:
    """Removes an old program. Returns whether to take it off the list: one that cannot be removed stays on it, and the
    next build tries again."""
    try:
        if disk.is_link(file) or disk.resolve(file) != file or holds(disk, file, written.digest) is None:
            return True  # It is gone, or belongs to someone else by now.
        disk.remove(file)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def _sweep(disk: Disk, path: str) -> None:
    """Removes temporary files of this file that killed processes left behind; young ones may be in use and stay."""
    folder, name = os.path.split(path)
    begin = _begin(name)
    with suppress(OSError):
        for entry in disk.entries(folder):
            random = entry.name.removeprefix(begin).removesuffix("~")
            if len(random) == 2 * RANDOM_BYTES and entry.name == f"{begin}{random}~":
                with suppress(OSError):
                    if disk.now_ns() - disk.stamp(entry.path, follow=False).mtime_ns > sweep.ORPHAN_NS:
                        disk.remove(entry.path)


def _begin(name: str) -> str:
    """How the names of a file's temporary files begin. A name that is too long to be repeated is replaced by its
    digest."""
    raw = os.fsencode(name)
    return f".{name if len(raw) <= LONGEST_NAME else digest(raw)[:32]}."


def _replace(disk: Disk, path: str, data: bytes) -> None:
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f"{_begin(name)}{os.urandom(RANDOM_BYTES).hex()}~")
    disk.create(temporary, data)
    try:
        disk.rename(temporary, path)
    except OSError:
        disk.remove(temporary)
        raise
