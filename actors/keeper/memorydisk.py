"""A `Disk` that is a dictionary: the cache of a Project without a folder. Same store, same laws, no files."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from actors.digests import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.disk import Entry, Lock, RangeLock, Row


class _Entry:
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


class _Held:
    def release(self) -> None: ...
    def take(self, place: int) -> bool:
        return True

    def give_back(self, place: int) -> None: ...


_HELD = _Held()


class MemoryDisk:
    """Files by path. Folders exist where something was made in them; listings name files only."""

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

    def entries(self, path: str) -> list[Entry]:
        if path not in self.files:
            raise _missing(path)
        return [_Entry(name, f"{path}/{name}") for name in self.files[path]]

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
        return _HELD  # Nobody else can see this disk.

    def lock_bytes(self, path: str) -> RangeLock:
        return _HELD

    def _find(self, path: str) -> tuple[bytes, Stamp]:
        folder, name = os.path.split(path)
        found = self.files.get(folder, {}).get(name)
        if found is None:
            raise _missing(path)
        return found


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
