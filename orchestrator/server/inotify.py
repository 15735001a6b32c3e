"""The kernel's reports of changes (Linux, inotify), by its three functions.

The kernel queues a report inside of the system call that makes the change, before that call returns. So a process that
reads the queue until it is empty has seen everything that was done before. That is the proof that an answer is not old,
and it needs neither a thread nor a cookie file. Libraries that pass reports on by a thread cannot give it.
"""

from __future__ import annotations

import ctypes
import os
from struct import Struct
from typing import NamedTuple

from actors.forks import close_in_child

MODIFY, ATTRIB, CLOSE_WRITE, OPEN = 0x2, 0x4, 0x8, 0x20
MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF = 0x40, 0x80, 0x100, 0x200, 0x400, 0x800
UNMOUNTED, OVERFLOW, IGNORED = 0x2000, 0x4000, 0x8000
_NO_LINK, _ONLY_FOLDER, _NONBLOCK_CLOEXEC = 0x2000000, 0x1000000, os.O_NONBLOCK | os.O_CLOEXEC

FILE = MODIFY | ATTRIB | CLOSE_WRITE | OPEN | DELETE_SELF | MOVE_SELF
"""What is reported of a file, by whatever name it is reached. OPEN, because writes to a mapped file are not reported
before the mapping ends."""
ENTRIES = MOVED_FROM | MOVED_TO | CREATE | DELETE
FOLDER = ATTRIB | ENTRIES | DELETE_SELF | MOVE_SELF

_HEAD = Struct("iIII")
_BUFFER = 1 << 16

TOLD = frozenset({0xEF53, 0x58465342, 0x9123683E, 0x01021994, 0xF2F52010, 0x2FC12FC1, 0xCA451A4E})
"""File systems on which the kernel sees every change itself: ext2 to ext4, XFS, Btrfs, tmpfs, F2FS, ZFS, bcachefs. On
others (networks, FUSE, overlays) another machine can change a file."""


class ChangeReport(NamedTuple):
    """`name` is the entry of a watched folder that changed, "" for the watched file or folder itself."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One queue of reports. Raises OSError where the kernel refuses: no inotify, or a limit is reached."""

    def __init__(self) -> None:
        self._kernel = ctypes.CDLL(None, use_errno=True)
        self.file = self._kernel.inotify_init1(_NONBLOCK_CLOEXEC)
        if self.file < 0:
            raise _error()
        close_in_child(self)

    def add_folder(self, path: str) -> int:
        """Watches a folder, which is no link. Returns the number of the watch."""
        return self._add(path, FOLDER | _NO_LINK | _ONLY_FOLDER)

    def add_file(self, file: int) -> int:
        """Watches an open file. The number is that of an earlier watch of the same file, if there is one."""
        return self._add(f"/proc/self/fd/{file}", FILE)

    def _add(self, path: str, mask: int) -> int:
        number: int = self._kernel.inotify_add_watch(self.file, os.fsencode(path), mask)
        if number < 0:
            raise _error(path)
        return number

    def read(self) -> list[ChangeReport] | None:
        """Returns every report of what was done before the call; None where some are lost."""
        reports: list[ChangeReport] = []
        while True:
            try:
                data = os.read(self.file, _BUFFER)
            except BlockingIOError:
                return reports
            except OSError:
                return None
            at = 0
            while at < len(data):
                watch, mask, _, length = _HEAD.unpack_from(data, at)
                at += _HEAD.size
                if mask & OVERFLOW:
                    return None
                reports.append(ChangeReport(watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
                at += length

    def close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    let_go = close


def is_told(file: int) -> bool:
    """Whether the kernel sees every change on the file system of an open file."""
    status = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None, use_errno=True).fstatfs(file, status) != 0:
        return False
    return ctypes.c_long.from_buffer(status).value in TOLD


def most_watches() -> int:
    """Returns how many watches one Project may take: half of what its user may have."""
    try:
        with open("/proc/sys/fs/inotify/max_user_watches") as file:
            return int(file.read()) // 2
    except (OSError, ValueError):
        return 0


def _error(path: str = "") -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
