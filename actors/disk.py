"""The file system, as the plain code under the actors sees it: the seam where tests put stamps that lie and disks that
fail. `RealDisk` is `os` itself, `DictDisk` a dictionary; `orchestrator.testing` ships others.

Every function raises OSError as `os` does. All of them block: they are called through `actors.offload` only.
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
from typing import Protocol, TypeAlias

from actors.digests import Stamp
from actors.forks import close_in_child

Row: TypeAlias = tuple[int, int, int, int, int]
"""The fields of a `Stamp`, in its order. Thousands of them are compared at once, so they are no Structs."""

_ROW = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
_MTIME, _CTIME = itemgetter(3), itemgetter(4)

EARLIEST_NS, LATEST_NS = -(2**63), 2**64 - 1
"""Nanoseconds since 1970 that go into messages and snapshots: from 1677 to 2554. File systems keep others too."""


class FolderEntry(Protocol):
    """What a folder listing says of one entry: the part of `os.DirEntry` that is used."""

    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_file(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_symlink(self) -> bool: ...


class Lock(Protocol):
    """A lock that is held until `release`; releasing it twice does nothing."""

    def release(self) -> None: ...


class RangeLock(Lock, Protocol):
    """Locks on single bytes of one file, by their place; `release` gives all of them back."""

    def take(self, place: int) -> bool:
        """Lock a byte; False where somebody else has it. Never waits."""
        ...

    def give_back(self, place: int) -> None: ...


class Disk(Protocol):
    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        """The stamp of a file or folder; of the link itself without `follow`."""
        ...

    def rows(self, paths: Sequence[str]) -> list[Row]:
        """The stamps of all `paths`, links not followed; OSError where one of them has none."""
        ...

    def is_shared(self, path: str) -> bool:
        """Whether `path` is a file that has other names as well (hard links); False where there is nothing."""
        ...

    def resolve(self, path: str) -> str:
        """`path` with all links resolved, absolute. What leads in a circle or to nothing gives some path, no error."""
        ...

    def is_regular(self, path: str) -> bool:
        """Whether `path`, links followed, is a regular file: no folder, device, pipe or socket."""
        ...

    def is_folder(self, path: str) -> bool:
        """Whether `path`, links followed, is a folder."""
        ...

    def is_link(self, path: str) -> bool:
        """Whether `path` itself is a symbolic link; False where there is nothing."""
        ...

    def entries(self, path: str) -> list[FolderEntry]: ...
    def read(self, path: str, limit: int = -1) -> bytes:
        """All bytes of a regular file; with `limit`, at most one byte more than that, or OSError. Nothing else is read:
        a device may never end."""
        ...

    def create(self, path: str, data: bytes) -> None:
        """Write a new file; FileExistsError where there is one. A short write is an OSError and leaves no file."""
        ...

    def append(self, path: str, data: bytes) -> None:
        """Write at the end of a file, which is made where there is none."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Move a file over `target`, atomically."""
        ...

    def remove(self, path: str) -> None: ...
    def make_folders(self, path: str) -> None:
        """Create a folder and those above it; nothing where it exists."""
        ...

    def now_ns(self) -> int:
        """The clock that the file system stamps with, in nanoseconds."""
        ...

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        """Take the lock of a file, which is made where there is none and `create` allows it. Never waits: None where
        somebody else has it. It belongs to whoever took it, and goes with the process."""
        ...

    def lock_bytes(self, path: str) -> RangeLock:
        """A file, which is made where there is none, to lock single bytes of."""
        ...


class ByteLocks:
    """Locks on single bytes of an open file, which belong to that open file: not to the process, and not to the path.
    Where there are none (anywhere but on Linux, and in some file systems) everybody gets every byte."""

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
            pass  # No such locks here, or no room for one more.
        return True


_FLOCK = Struct("hhqqi4x")
"""`struct flock`: type, whence, start, length, pid (0 for this kind)."""


class FileLock:
    """`flock` on an open file, which the kernel drops when its holder dies."""

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

    def rows(self, paths: Sequence[str]) -> list[Row]:
        rows: list[Row] = list(map(_ROW, map(os.lstat, paths)))
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
        with os.scandir(path) as found:
            return list(found)

    def read(self, path: str, limit: int = -1) -> bytes:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
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
                # One byte more than the size says: the usual file is read, and its end seen, in two calls.
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


def _within(row: Row) -> Row:
    """A stamp whose times can be written down. What lies before or after all that can be is as good as the first or
    the last of these: the other fields tell one file from another, and nobody can set the time of the last change."""
    device, inode, size, *times = row
    mtime, ctime = (min(max(time, EARLIEST_NS), LATEST_NS) for time in times)
    return device, inode, size, mtime, ctime


REAL = RealDisk()
"""It has no state: one is enough."""


def _flock(file: int) -> bool:
    """Lock an open file, if nobody else has. Where there is no `flock` (Windows) nothing is locked."""
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
    """A dictionary of files by path, for the cache of a Project without a folder. Folders exist once something was made
    in them; listings name files only."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, tuple[bytes, Stamp]]] = {}
        self._inode = 0

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return self._find(path)[1]

    def rows(self, paths: Sequence[str]) -> list[Row]:
        stamps = [self.stamp(path) for path in paths]
        return [(it.device, it.inode, it.size, it.mtime_ns, it.ctime_ns) for it in stamps]

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
        found = self._find(source)
        folder, name = os.path.split(target)
        if folder not in self.files:
            raise _missing(target)
        self.remove(source)
        self.files[folder][name] = found

    def remove(self, path: str) -> None:
        self._find(path)
        folder, name = os.path.split(path)
        del self.files[folder][name]

    def make_folders(self, path: str) -> None:
        self.files.setdefault(path, {})

    def now_ns(self) -> int:
        return time.time_ns()

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        return _FREE  # Nobody else can see this disk.

    def lock_bytes(self, path: str) -> RangeLock:
        return _FREE

    def _find(self, path: str) -> tuple[bytes, Stamp]:
        folder, name = os.path.split(path)
        found = self.files.get(folder, {}).get(name)
        if found is None:
            raise _missing(path)
        return found


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
