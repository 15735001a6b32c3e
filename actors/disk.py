"""The file system as the code under the actors sees it. Tests put disks in its place that fail or return false stamps.
`RealDisk` is `os` itself, `DictDisk` a dictionary; `orchestrator.testing` has others.

Every function raises OSError as `os` does. All of them block, so they are called through `actors.offload` only.

How files are written: `create` makes a file under a new name, and `rename` puts it in its place. A reader so sees the
old bytes or the new ones, never a part. Nothing is forced to the device (`fsync`), because that costs milliseconds for
each file and everything written here can be made again. After a loss of power a file may be empty or torn; readers
compare checksums, so such a file counts as missing.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Sequence
from operator import attrgetter, itemgetter
from struct import Struct
from typing import Protocol

from actors.digests import Stamp, StampRow
from actors.forks import close_in_child

_ROW = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
_MTIME, _CTIME = itemgetter(3), itemgetter(4)

EARLIEST_NS, LATEST_NS = -(2**63), 2**64 - 1
"""The range of nanoseconds since 1970 in messages and snapshots, from 1677 to 2554. Files can have other times too."""


class FolderEntry(Protocol):
    """One entry of a folder listing: the part of `os.DirEntry` that is used."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_file(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_symlink(self) -> bool: ...


class Lock(Protocol):
    """A lock that is held until `release`. A second release does nothing."""

    def release(self) -> None: ...


class RangeLock(Lock, Protocol):
    """Locks on single bytes of one file, by offset. `release` gives all of them back."""

    def take(self, place: int) -> bool:
        """Locks a byte. Returns False, and never waits, where another holder has it."""
        ...

    def give_back(self, place: int) -> None: ...


class Disk(Protocol):
    """What the engine does with files."""

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        """The stamp of a file or folder. Without `follow`, that of a link itself."""
        ...

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        """The stamps of all `paths`, without following links. Raises OSError where one of them does not exist."""
        ...

    def is_shared(self, path: str) -> bool:
        """Whether `path` is a file with more than one name (hard links). False where there is no file."""
        ...

    def resolve(self, path: str) -> str:
        """The absolute path with all links resolved. Links that lead in a circle or to nothing give some path, and no
        error."""
        ...

    def is_regular(self, path: str) -> bool:
        """Whether `path`, with links followed, is a regular file: no folder, device, pipe or socket."""
        ...

    def is_folder(self, path: str) -> bool:
        """Whether `path`, with links followed, is a folder."""
        ...

    def is_link(self, path: str) -> bool:
        """Whether `path` itself is a symbolic link. False where it does not exist."""
        ...

    def entries(self, path: str) -> list[FolderEntry]:
        """The entries of a folder, in no particular order."""
        ...

    def read(self, path: str, limit: int = -1) -> bytes:
        """All bytes of a regular file. Where it has more bytes than `limit`, the result has `limit + 1` bytes, or
        OSError is raised. Raises OSError for anything but a regular file, because a device may never end."""
        ...

    def create(self, path: str, data: bytes) -> None:
        """Writes a new file. Raises FileExistsError where there is one. A write that fails raises OSError and leaves no
        file."""
        ...

    def append(self, path: str, data: bytes) -> None:
        """Writes at the end of a file, which is created where it does not exist."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Moves a file over `target`, atomically."""
        ...

    def remove(self, path: str) -> None: ...
    def make_folders(self, path: str) -> None:
        """Creates a folder and those above it, where they do not exist."""
        ...

    def now_ns(self) -> int:
        """The clock from which the file system takes its stamps, in nanoseconds."""
        ...

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        """Takes the lock of a file, which is created where it does not exist and `create` allows it. Returns None, and
        never waits, where another holder has it. The kernel drops the lock when the process ends."""
        ...

    def lock_bytes(self, path: str) -> RangeLock:
        """Opens a file, which is created where it does not exist, to lock single bytes of it."""
        ...


class ByteLocks:
    """Locks on single bytes of an open file. They belong to the open file, neither to the process nor to the path: so
    two Projects of one process exclude each other, and closing another file of that path drops nothing.

    Only Linux has them, and not all file systems. Elsewhere every caller gets every byte."""

    __slots__ = ("__weakref__", "_file")

    def __init__(self, file: int) -> None:
        self._file = file
        close_in_child(self)

    def take(self, place: int) -> bool:
        return self._set(place, True)

    def give_back(self, place: int) -> None:
        self._set(place, False)

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    let_go = release

    def _set(self, place: int, take: bool) -> bool:
        if sys.platform != "linux":
            return True
        import fcntl

        kind = fcntl.F_WRLCK if take else fcntl.F_UNLCK
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, place, 1, 0))
        except (BlockingIOError, PermissionError):
            return False
        except OSError:
            pass  # The file system has no such locks, or the kernel has no room for another one.
        return True


_FLOCK = Struct("hhqqi4x")
"""`struct flock`: type, whence, start, length, pid (0 for this kind)."""


class FileLock:
    """`flock` on an open file. The kernel drops it when its holder dies."""

    __slots__ = ("__weakref__", "_file")

    def __init__(self, file: int) -> None:
        self._file = file
        close_in_child(self)

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    let_go = release


class RealDisk:
    """`os`, on the machine's own file systems."""

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return Stamp(*_within(_ROW(os.stat(path) if follow else os.lstat(path))))

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        rows: list[StampRow] = list(map(_ROW, map(os.lstat, paths)))
        times = list(map(_MTIME, rows)) + list(map(_CTIME, rows))
        if times and (min(times) < EARLIEST_NS or max(times) > LATEST_NS):
            rows = list(map(_within, rows))
        return rows

    def is_shared(self, path: str) -> bool:
        try:
            seen = os.lstat(path)
        except OSError:
            return False
        return stat.S_ISREG(seen.st_mode) and seen.st_nlink > 1

    def resolve(self, path: str) -> str:
        return os.path.realpath(path)

    def is_regular(self, path: str) -> bool:
        return os.path.isfile(path)

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)

    def is_link(self, path: str) -> bool:
        return os.path.islink(path)

    def entries(self, path: str) -> list[FolderEntry]:
        with os.scandir(path) as scanned:
            return list(scanned)

    def read(self, path: str, limit: int = -1) -> bytes:
        # O_NONBLOCK, because opening a pipe would wait for a writer.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
        try:
            seen = os.fstat(file)
            if not stat.S_ISREG(seen.st_mode):
                raise OSError(
                    errno.EISDIR if stat.S_ISDIR(seen.st_mode) else errno.ENXIO, "it is no regular file", path
                )
            if 0 <= limit < seen.st_size:
                raise OSError(errno.EFBIG, "it is too large", path)
            size = seen.st_size + 1
            parts: list[bytes] = []
            while limit < 0 or size > 0:
                # One byte more than the size, so that two calls read the usual file and see its end.
                part = os.read(file, size if limit < 0 else min(size, limit + 1))
                if not part:
                    break
                parts.append(part)
                if limit >= 0 and sum(map(len, parts)) > limit:
                    break
                size = max(size - len(part), 1 << 16)
            return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            os.close(file)

    def create(self, path: str, data: bytes) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
        except BaseException:
            os.close(file)
            os.unlink(path)
            raise
        os.close(file)

    def append(self, path: str, data: bytes) -> None:
        with open(path, "ab") as file:
            file.write(data)

    def rename(self, source: str, target: str) -> None:
        os.replace(source, target)

    def remove(self, path: str) -> None:
        os.unlink(path)

    def make_folders(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def now_ns(self) -> int:
        clock = getattr(time, "CLOCK_REALTIME_COARSE", None)
        return time.time_ns() if clock is None else time.clock_gettime_ns(clock)

    def lock(self, path: str, *, create: bool = True) -> FileLock | None:
        file = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0) | os.O_CLOEXEC, 0o666)
        try:
            if not _flock(file):
                os.close(file)
                return None
        except BaseException:
            os.close(file)
            raise
        return FileLock(file)

    def lock_bytes(self, path: str) -> ByteLocks:
        return ByteLocks(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o666))


def row_of(seen: os.stat_result) -> StampRow:
    """Returns what `Disk.rows` has for a file."""
    return _within(_ROW(seen))


def _within(row: StampRow) -> StampRow:
    """Moves times into the range that can be stored. That loses nothing: the other fields still tell files apart, and
    the time of the last change (ctime) cannot be set by programs."""
    device, inode, size, *times = row
    mtime, ctime = (min(max(time, EARLIEST_NS), LATEST_NS) for time in times)
    return device, inode, size, mtime, ctime


REAL = RealDisk()
"""One is enough, because it has no state."""


def _flock(file: int) -> bool:
    """Locks an open file, and returns False where another holder has it. Nothing is locked on Windows."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


# ------------------------------------------------------------------------------------------------ in memory


class _DictEntry:
    """A file in a listing."""

    __slots__ = ("name", "path")

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return False

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return True

    def is_symlink(self) -> bool:
        return False


class _FreeLock:
    def release(self) -> None: ...
    def take(self, place: int) -> bool:
        return True

    def give_back(self, place: int) -> None: ...


_FREE = _FreeLock()


class DictDisk:
    """A dictionary of files by path, for the cache of a Project without a folder. Folders exist once `make_folders` has
    made them; listings have files only."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, tuple[bytes, Stamp]]] = {}
        self._inode = 0

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return self._find(path)[1]

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        return [self.stamp(path).row for path in paths]

    def is_shared(self, path: str) -> bool:
        return False

    def resolve(self, path: str) -> str:
        return path

    def is_regular(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return name in self.files.get(folder, ())

    def is_folder(self, path: str) -> bool:
        return path in self.files

    def is_link(self, path: str) -> bool:
        return False

    def entries(self, path: str) -> list[FolderEntry]:
        if path not in self.files:
            raise _missing(path)
        return [_DictEntry(name, f"{path}/{name}") for name in self.files[path]]

    def read(self, path: str, limit: int = -1) -> bytes:
        data = self._find(path)[0]
        return data if limit < 0 else data[: limit + 1]

    def create(self, path: str, data: bytes) -> None:
        folder, name = os.path.split(path)
        if folder not in self.files:
            raise _missing(path)
        if name in self.files[folder]:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self._inode += 1
        now = self.now_ns()
        self.files[folder][name] = data, Stamp(0, self._inode, len(data), now, now)

    def append(self, path: str, data: bytes) -> None:
        folder, name = os.path.split(path)
        before = self.files.get(folder, {}).get(name)
        if before is not None:
            self.remove(path)
        self.create(path, (before[0] if before else b"") + data)

    def rename(self, source: str, target: str) -> None:
        entry = self._find(source)
        folder, name = os.path.split(target)
        if folder not in self.files:
            raise _missing(target)
        self.remove(source)
        self.files[folder][name] = entry

    def remove(self, path: str) -> None:
        self._find(path)
        folder, name = os.path.split(path)
        del self.files[folder][name]

    def make_folders(self, path: str) -> None:
        self.files.setdefault(path, {})

    def now_ns(self) -> int:
        return time.time_ns()

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        return _FREE  # No other process can see this disk.

    def lock_bytes(self, path: str) -> RangeLock:
        return _FREE

    def _find(self, path: str) -> tuple[bytes, Stamp]:
        folder, name = os.path.split(path)
        entry = self.files.get(folder, {}).get(name)
        if entry is None:
            raise _missing(path)
        return entry


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
