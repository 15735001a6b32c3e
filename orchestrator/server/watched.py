"""The machine's files, with stamps that need not be taken again, because the kernel reports what changed (inotify).

The invariant: **`rows` returns what `lstat` of every path would have returned at some moment after the call began.**
The scanner's comparison stays the one mechanism, and does not know of this.

A stamp is remembered only where it was taken after its file, its folder and all folders up to the root were watched,
and while nobody had the file open for writing. A call of `rows` looks whether the root is still the same folder and
whether anything was mounted, then reads all reports, and forgets the stamps of what was reported. If reports are lost,
or a folder moved, or the system says anything unknown, every stamp is forgotten.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Protocol

from actors.child import Child
from actors.digests import StampRow
from actors.disk import RealDisk, row_of
from actors.forks import close_in_child
from actors.offload import Offload
from orchestrator.server.inotify import (
    DELETE_SELF,
    ENTRIES,
    IGNORED,
    MOVE_SELF,
    UNMOUNTED,
    ChangeReport,
    Inotify,
    is_told,
    most_watches,
)

MOST_LOST = 100
"""Losses of reports after which watching is given up."""

AT_ONCE = 16
"""Paths watched under one lock, because a question may be waiting."""


class Reports(Protocol):
    """What `Inotify` does."""

    @property
    def file(self) -> int: ...
    def add_folder(self, path: str) -> int: ...
    def add_file(self, file: int) -> int: ...
    def read(self) -> list[ChangeReport] | None: ...
    def close(self) -> None: ...


class WatchedDisk(RealDisk):
    """`RealDisk`, with remembered stamps below one folder, from `watch` on. `opened` opens a queue of reports, and
    `most` is the number of watches that it may have."""

    def __init__(self, opened: Callable[[], Reports] = Inotify, most: int | None = None) -> None:
        self._opened = opened
        self._most = most_watches() if most is None else most
        self._root = ""
        self._tree: _Tree | None = None
        self._lost = 0
        self._wanted: list[str] = []
        self._lock = threading.Lock()

    def watch(self, root: str) -> None:
        """Watches what is asked for below a folder. Does nothing where the system cannot report every change, or
        where this process would be ended by a signal (SIGIO) if a file is opened at the wrong moment."""
        if signal.getsignal(signal.SIGIO) is not signal.SIG_DFL:
            self._root = root.rstrip("/")

    @property
    def remembered(self) -> int:
        """How many stamps need not be taken again unless something is reported."""
        return len(self._tree.rows) if self._tree is not None else 0

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        if not self._root:
            return super().rows(paths)
        with self._lock:
            # The reports are read first, after the call began. So what is remembered after that was true at that
            # moment, and the other stamps are taken later still: this is the invariant of this file.
            tree = self._current()
            if tree is None:
                return super().rows(paths)
            rows = list(map(tree.rows.get, paths))
            places = [place for place, row in enumerate(rows) if row is None]
            self._wanted = [paths[place] for place in places]
            for place, row in zip(places, super().rows(self._wanted), strict=True):
                rows[place] = row
            return rows  # type: ignore[return-value]

    def learn(self) -> None:
        """Watches what the last `rows` had to stamp, and remembers its stamps. It takes ten times as long as to stamp
        it, so it belongs where nobody waits."""
        wanted = self._wanted
        for start in range(0, len(wanted), AT_ONCE):
            with self._lock:
                # The lock was free for a moment: a `rows` in between wants other paths, which are the ones to watch.
                if not self._root or self._tree is None or wanted is not self._wanted:
                    return
                try:
                    holds = self._tree.remember(wanted[start : start + AT_ONCE])
                except OSError:  # there is no room for watches
                    self._root = ""
                    holds = False
                if not holds:
                    self._forget_all()
                    return
        self._wanted = []

    def wait(self, seconds: float) -> None:
        """Waits until something is reported, or some seconds have passed. A report is a hint; `rows` proves."""
        poll = select.poll()
        if self._tree is not None:
            poll.register(self._tree.file, select.POLLIN)
        poll.poll(seconds * 1000)

    def close(self) -> None:
        """Ends watching. Later calls take every stamp."""
        with self._lock:
            self._root = ""
            self._forget_all()

    def _current(self) -> _Tree | None:
        """Returns what is remembered and true now. None where nothing can be remembered."""
        if self._tree is not None and not self._tree.holds():
            self._forget_all()
            self._lost += 1
            if self._lost > MOST_LOST:
                self._root = ""
                return None
        if self._tree is None:
            try:
                self._tree = _Tree(self._root, self._opened, self._most)
            except FileNotFoundError:
                return None
            except OSError:  # the system cannot report every change, or has no room
                self._root = ""
        return self._tree

    def _forget_all(self) -> None:
        if self._tree is not None:
            self._tree.close()
            self._tree = None


class _Tree:
    """The stamps that are remembered below one folder, as long as no report is lost. Files are watched, opened and
    stamped below the open folder, not by a path that might lead elsewhere meanwhile."""

    def __init__(self, root: str, opened: Callable[[], Reports], most: int) -> None:
        self._root = root + "/"
        self._most = most
        self.rows: dict[str, StampRow] = {}
        self._paths: dict[int, list[str]] = {}
        """What each watch is for: files, and folders with `/` at the end. Several names of a file have one watch."""
        self._folders: set[str] = set()
        self._file = self._mounts = -1
        self._reports: Reports | None = None
        close_in_child(self)
        try:
            self._file = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if not is_told(self._file):
                raise OSError(errno.EOPNOTSUPP, "changes are not reported on this file system", root)
            self._mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
            self._poll = select.poll()
            self._poll.register(self._mounts, select.POLLPRI)
            self._reports = opened()
            self._device, self._inode = _identity(os.fstat(self._file))
            self._watch_folder("")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._reports is not None:
            self._reports.close()
        for file in (self._file, self._mounts):
            if file >= 0:
                with suppress(OSError):
                    os.close(file)
        self._file = self._mounts = -1

    let_go = close

    @property
    def file(self) -> int:
        """The queue, which can be read where something is reported."""
        assert self._reports is not None
        return self._reports.file

    def holds(self) -> bool:
        """Forgets the stamps of what was reported. Returns False where something may have changed without a report."""
        try:
            if _identity(os.stat(self._root)) != (self._device, self._inode):
                return False
        except OSError:
            return False
        if self._poll.poll(0):
            return False
        assert self._reports is not None
        reports = self._reports.read()
        return reports is not None and all(map(self._forget, reports))

    def _forget(self, report: ChangeReport) -> bool:
        paths = self._paths.get(report.watch)
        if paths is None or report.mask & UNMOUNTED:
            return False
        for path in paths:
            if path[-1] != "/":
                self.rows.pop(path, None)
                continue
            if report.mask & (DELETE_SELF | MOVE_SELF | IGNORED):
                return False
            self.rows.pop(path[:-1], None)
            if report.mask & ENTRIES:
                self.rows.pop(path + report.name, None)
        return True

    def remember(self, paths: Sequence[str]) -> bool:
        """Remembers the stamps of those paths that can be watched. Returns False as `holds` does. Raises OSError where
        the system has no room for watches."""
        # A file is opened before the reports are read, because this is reported too, and before its stamp is taken. It
        # is watched before it is seen that nobody else has it open for writing: who opens it later is reported.
        with ExitStack() as stack:
            ready = [(path, file) for path in paths if (file := self._watched(path, stack)) is not None]
            if not self.holds():
                return False
            for path, file in ready:
                within = path[len(self._root) :]
                try:
                    seen = os.stat(within, dir_fd=self._file, follow_symlinks=False)
                except OSError:
                    continue
                same = _identity(seen) == _identity(os.fstat(file))
                if same and seen.st_dev == self._device and (within in self._folders or _unwritten(file)):
                    self.rows[path] = row_of(seen)
        return True

    def _watched(self, path: str, stack: ExitStack) -> int | None:
        """Opens and watches a file or folder below the root. Returns None where that proves nothing."""
        within = path[len(self._root) :]
        if not path.startswith(self._root) or not _plain(within):
            return None
        try:
            if not self._watch_folder(os.path.dirname(within)):
                return None
            mode = os.stat(within, dir_fd=self._file, follow_symlinks=False).st_mode
            if not (stat.S_ISREG(mode) or (stat.S_ISDIR(mode) and self._watch_folder(within))):
                return None
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.open(within, flags, dir_fd=self._file)
            stack.callback(os.close, file)
            if stat.S_ISREG(mode):
                assert self._reports is not None
                self._note(self._reports.add_file(file), path)
        except OSError as wrong:
            if wrong.errno in (errno.ENOSPC, errno.ENOMEM):
                raise
            return None
        return file

    def _watch_folder(self, within: str) -> bool:
        """Watches a folder and all folders above it, up to the root. Returns False where one is a link, or on another
        file system."""
        if within in self._folders:
            return True
        if within and not self._watch_folder(os.path.dirname(within)):
            return False
        assert self._reports is not None
        # Watched by the open folder, not by its path: a folder above that is renamed meanwhile leads to the same one.
        # Its device is compared after that, because something may be mounted on it until it is watched.
        number = self._reports.add_folder(f"/proc/self/fd/{self._file}/{within or '.'}")
        self._note(number, f"{self._root}{within}/" if within else self._root)
        if os.stat(within or ".", dir_fd=self._file, follow_symlinks=False).st_dev != self._device:
            return False
        self._folders.add(within)
        return True

    def _note(self, number: int, path: str) -> None:
        if len(self._paths) >= self._most:
            raise OSError(errno.ENOSPC, "too many watches", path)
        paths = self._paths.setdefault(number, [])
        if path not in paths:
            paths.append(path)


class WatchingOffload(Offload):
    """Files through a `WatchedDisk`, which other processes see as they are."""

    def __init__(self) -> None:
        self.watched = WatchedDisk()
        super().__init__(self.watched)

    def spawn(self, arguments: Sequence[str]) -> Child | None:
        return Child(arguments)


def _unwritten(file: int) -> bool:
    """Whether nobody has an open file open for writing, or mapped: only then the kernel gives a lease to its owner."""
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    return True


def _plain(within: str) -> bool:
    """Whether a path below the root has no part that is empty, or hidden as the cache is."""
    return bool(within) and within[0] != "." and within[-1] != "/" and "/." not in within and "//" not in within


def _identity(seen: os.stat_result) -> tuple[int, int]:
    return seen.st_dev, seen.st_ino
