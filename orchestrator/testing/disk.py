"""The disks for tests: `MemoryDisk` is one in memory, `FakeDisk` lies, fails and counts on top of any disk.

Real clocks rarely collide and real disks rarely fail, so tests make both happen::

    disk = FakeDisk()                       # in memory; FakeDisk(RealDisk()) stands in front of the real one
    disk.write("/p/main.ext", b"...")       # with the folders above it, stamped by the clock of the disk
    disk.aged = True                        # files that were just written are old enough to be trusted
    disk.faults.on("disk.read", fail("ENOSPC"), at=3)  # the third read from now on raises "disk full"
    assert disk.reads == []                 # no file was read

`orchestrator.testing.faults` has the one way to say what fails, where and when. `CrashingDisk` in
`orchestrator.testing.crash` is a `MemoryDisk` that loses power; `orchestrator.testing.faulty` has the same faults for
SQLite and for everything that leaves the event loop.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from actors.digests import Stamp, StampRow
from actors.disk import Disk, FolderEntry, Lock, RangeLock
from orchestrator.testing.faults import Fault, Faults, crash, damaged

R = TypeVar("R")
L = TypeVar("L", bound="Lock | None")

HALF = crash("half")

_DAY_NS = 86_400 * 10**9


class FileNode:
    """What a name on a `MemoryDisk` leads to: a file (`data`), a link (`target`), a pipe or a folder (neither)."""

    __slots__ = ("data", "folder", "inode", "stamp", "target")

    def __init__(self, inode: int, *, data: bytes | None = None, target: str = "", folder: bool = False) -> None:
        self.inode = inode
        self.data = data
        self.target = target
        self.folder = folder
        self.stamp = Stamp(1, inode, 0, 0, 0)


class _FoundEntry:
    """One line of a folder's listing."""

    def __init__(self, disk: MemoryDisk, path: str, node: FileNode) -> None:
        self.name = path.rpartition("/")[2]
        self.path = path
        self._disk = disk
        self._node = node

    def _seen(self, follow: bool) -> FileNode | None:
        try:
            return self._disk.node(self.path) if follow else self._node
        except FileNotFoundError:  # links in a circle are an OSError, as `os.DirEntry` has it
            return None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        node = self._seen(follow_symlinks)
        return node is not None and node.folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        node = self._seen(follow_symlinks)
        return node is not None and node.data is not None

    def is_symlink(self) -> bool:
        return bool(self._node.target)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


class _MemoryLock:
    """A lock on a file of a disk in memory."""

    __slots__ = ("_disk", "_inode")

    def __init__(self, disk: MemoryDisk, inode: int) -> None:
        self._disk = disk
        self._inode = inode

    def release(self) -> None:
        if self._disk.locks.get(self._inode) is self:
            del self._disk.locks[self._inode]


class _MemoryRange:
    """Locks on bytes of a file of a disk in memory."""

    __slots__ = ("_disk", "_inode")

    def __init__(self, disk: MemoryDisk, inode: int) -> None:
        self._disk = disk
        self._inode = inode

    def take(self, place: int) -> bool:
        return self._disk.claims.setdefault((self._inode, place), self) is self

    def give_back(self, place: int) -> None:
        if self._disk.claims.get((self._inode, place)) is self:
            del self._disk.claims[self._inode, place]

    def release(self) -> None:
        for inode, place in [at for at, holder in self._disk.claims.items() if holder is self]:
            del self._disk.claims[inode, place]


class MemoryDisk:
    """A file system in memory, with absolute paths and `/`. Every change is stamped with `clock_ns`, which then moves
    on by `tick_ns`; with 0 the clock stands still, and everything is racy. See `CrashingDisk` for one that forgets."""

    def __init__(self, clock_ns: int = 10**18 + 1, tick_ns: int = 1_000_001) -> None:
        self.clock_ns = clock_ns
        self.tick_ns = tick_ns
        self._inode = 1
        self.nodes: dict[str, FileNode] = {"/": FileNode(1, folder=True)}
        self.locks: dict[int, _MemoryLock] = {}
        """The holder of each file's lock, by inode."""
        self.claims: dict[tuple[int, int], _MemoryRange] = {}
        """The holders of locked bytes, by inode and place."""
        self.writers: dict[int, object] = {}
        """The connection that may write to each database, by inode (see `orchestrator.testing.sqlite`)."""

    # ---- for tests

    def files(self, folder: str = "/") -> dict[str, bytes]:
        """All files under `folder`, by path, sorted."""
        inside = folder.rstrip("/") + "/"
        return {
            path: node.data
            for path, node in sorted(self.nodes.items())
            if node.data is not None and path.startswith(inside)
        }

    def write(self, path: str, data: bytes) -> None:
        """Writes a file in place, creating it and the folders above it where they are missing."""
        self.make_folders(path.rpartition("/")[0] or "/")
        node = self.nodes.get(path)
        if node is None:
            node = self._add(path, data=data)
        self.put(node, data)

    def put(self, node: FileNode, data: bytes) -> None:
        """Changes the bytes of a file in place, whether it still has a name or not."""
        node.data = data
        self._touch(node)

    def link(self, path: str, target: str) -> None:
        """A symbolic link at `path` to the absolute path `target`."""
        self._add(path, target=target)

    def pipe(self, path: str) -> None:
        """Something at `path` that is neither file nor folder."""
        self._add(path)

    def touch(self, path: str) -> None:
        """New times for a file whose bytes stay as they are."""
        self._touch(self.node(path))

    def _add(self, path: str, data: bytes | None = None, target: str = "", folder: bool = False) -> FileNode:
        parent = self.nodes.get(path.rpartition("/")[0] or "/")
        if parent is None:
            raise _error(errno.ENOENT, path)
        self._inode += 1
        node = self.nodes[path] = FileNode(self._inode, data=data, target=target, folder=folder)
        self._touch(node)
        self._touch(parent)
        return node

    def _touch(self, node: FileNode) -> None:
        node.stamp = Stamp(1, node.inode, len(node.data or b""), self.clock_ns, self.clock_ns)
        self.clock_ns += self.tick_ns

    def node(self, path: str, follow: bool = True) -> FileNode:
        """Returns what is at `path`. Raises OSError if nothing is."""
        follow = follow or path.endswith("/")
        for _ in range(8):
            node = self.nodes.get(path.rstrip("/") or "/") or self.nodes.get(self._through_links(path.rstrip("/")))
            if node is None:
                raise _error(errno.ENOENT, path)
            if not (follow and node.target):
                return node
            path = node.target
        raise _error(errno.ELOOP, path)

    def _through_links(self, path: str) -> str:
        """`path` without the links among its folders."""
        above = path.rpartition("/")[0]
        for _ in range(8):
            while above and above not in self.nodes:
                above = above.rpartition("/")[0]
            if not above or not self.nodes[above].target:
                break
            path = self.nodes[above].target + path[len(above) :]
            above = path.rpartition("/")[0]
        return path

    # ---- Disk

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return self.node(path, follow).stamp

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        stamps = [self.stamp(path, follow=False) for path in paths]
        return [stamp.row for stamp in stamps]

    def is_shared(self, path: str) -> bool:
        return False

    def resolve(self, path: str) -> str:
        for _ in range(8):
            path = path if path in self.nodes else self._through_links(path)
            node = self.nodes.get(path)
            if node is None or not node.target:
                break
            path = node.target
        return path

    def is_regular(self, path: str) -> bool:
        try:
            return self.node(path).data is not None
        except OSError:
            return False

    def is_folder(self, path: str) -> bool:
        try:
            return self.node(path).folder
        except OSError:
            return False

    def is_link(self, path: str) -> bool:
        return path in self.nodes and bool(self.nodes[path].target)

    def entries(self, path: str) -> list[FolderEntry]:
        if not self.node(path).folder:
            raise _error(errno.ENOTDIR, path)
        inside = self.resolve(path.rstrip("/")) + "/"
        return [
            _FoundEntry(self, name, node)
            for name, node in self.nodes.items()
            if name.startswith(inside) and name != "/" and "/" not in name[len(inside) :]
        ]

    def read(self, path: str, limit: int = -1) -> bytes:
        node = self.node(path)
        if node.folder:
            raise _error(errno.EISDIR, path)
        data = node.data or b""
        return data if limit < 0 else data[: limit + 1]

    def create(self, path: str, data: bytes) -> None:
        if path in self.nodes:
            raise _error(errno.EEXIST, path)
        self._add(path, data=data)

    def append(self, path: str, data: bytes) -> None:
        node = self.nodes.get(path) or self._add(path, data=b"")
        self.put(node, (node.data or b"") + data)

    def rename(self, source: str, target: str) -> None:
        node = self.node(source, follow=False)
        moved = {name: node for name, node in self.nodes.items() if name == source or name.startswith(source + "/")}
        for name in moved:
            del self.nodes[name]
        for name, below in moved.items():
            self.nodes[target + name[len(source) :]] = below
        now = self.clock_ns
        node.stamp = Stamp(1, node.inode, node.stamp.size, node.stamp.mtime_ns, now)
        for path in (source, target):
            self._touch(self.nodes[path.rpartition("/")[0] or "/"])

    def remove(self, path: str) -> None:
        self.node(path, follow=False)
        del self.nodes[path]
        self._touch(self.nodes[path.rpartition("/")[0] or "/"])

    def make_folders(self, path: str) -> None:
        parts = path.split("/")
        for end in range(2, len(parts) + 1):
            above = "/".join(parts[:end])
            if above not in self.nodes:
                self._add(above, folder=True)

    def now_ns(self) -> int:
        return self.clock_ns

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        node = self.nodes.get(path)
        if node is None:
            if not create:
                raise _error(errno.ENOENT, path)
            node = self._add(path, data=b"")
        if node.inode in self.locks:
            return None
        self.locks[node.inode] = lock = _MemoryLock(self, node.inode)
        return lock

    def lock_bytes(self, path: str) -> RangeLock:
        node = self.nodes.get(path)
        return _MemoryRange(self, (node or self._add(path, data=b"")).inode)


class FakeDisk:
    """A disk that lies, fails and counts, on top of `base` (a new `MemoryDisk` where none is given). It is the disk as
    one process sees it: when that process crashes, its locks are released and no operation does anything any more.

    `faults`: every operation is a hop `disk.create`, `disk.read`, ... of this plan. `aged`: the clock runs a day ahead
    of all stamps, so that nothing is racy. `now`: a time at which the clock stands. `lies`: stamps to return instead of
    the true ones, by path. `before`: called with the operation's name and the path ahead of each operation; a test may
    change files in it. `counts` and `reads` say what was asked since the last `reset`."""

    def __init__(self, base: Disk | None = None, faults: Faults | None = None, *, aged: bool = False) -> None:
        self.memory = MemoryDisk()
        self.base: Disk = base or self.memory
        self.faults = faults or Faults()
        self.aged = aged
        self.now: int | None = None
        self.lies: dict[str, Stamp] = {}
        self.before: Callable[[str, str], None] | None = None
        self.counts: Counter[str] = Counter()
        self.reads: list[str] = []
        self.owed = 0.0
        """Seconds of delays that the hop out of the loop must still wait, because an operation of a disk cannot."""
        self._locks: list[Lock] = []
        self.faults.when_crashed.append(self._release_locks)

    # ---- for tests

    def write(self, path: str, data: bytes) -> None:
        """Writes a file in place, with the folders above it: what an editor does. Never fails, is not counted."""
        if self.base is self.memory:
            self.memory.write(path, data)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def reset(self) -> None:
        """Forgets what was counted."""
        self.counts.clear()
        self.reads.clear()

    # ---- faults

    def _do(self, operation: str, path: str, function: Callable[[Fault | None], R]) -> R:
        self.counts[operation] += 1
        if self.before is not None:
            self.before(operation, path)
        fault = self.faults.at(f"disk.{operation}", path)
        if fault is None:
            return function(None)
        error = fault.error_at(path)
        if error is not None and fault.kind == "fail":
            raise error
        if fault.kind == "crash":
            with suppress(OSError):  # Who is dead learns of no error.
                function(fault)
            self.faults.crash()
        result = function(fault)
        if error is not None:
            raise error
        if fault.kind == "delay":
            self.owed += fault.number
        return result

    def _change(self, operation: str, path: str, function: Callable[[], None]) -> None:
        """A change without bytes: on a disk that is full it does not happen at all."""

        def act(fault: Fault | None) -> None:
            if fault is None or fault.kind != "short":
                function()

        self._do(operation, path, act)

    def _write(self, operation: str, write: Callable[[str, bytes], None], path: str, data: bytes) -> None:
        def act(fault: Fault | None) -> None:
            half = fault is not None and (fault.kind == "short" or fault == HALF)
            write(path, data[: len(data) // 2] if half else damaged(fault, data))

        self._do(operation, path, act)

    def _ask(self, operation: str, path: str, ask: Callable[[str], bool]) -> bool:
        """A question to which an error means no."""
        try:
            return self._do(operation, path, lambda _: ask(path))
        except OSError:
            return False

    def _lock(self, path: str, take: Callable[[], L]) -> L:
        taken: list[Lock] = []

        def act(_: Fault | None) -> L:
            lock = take()
            if lock is not None:
                taken.append(lock)
                self._locks.append(lock)
            return lock

        try:
            return self._do("lock", path, act)
        except OSError:  # The reply was lost: a caller that gets an error holds no lock.
            for lock in taken:
                lock.release()
            raise

    def _release_locks(self) -> None:
        for lock in self._locks:
            lock.release()

    # ---- Disk

    def stamp(self, path: str, *, follow: bool = True) -> Stamp:
        return self._do("stamp", path, lambda _: self.lies.get(path) or self.base.stamp(path, follow=follow))

    def rows(self, paths: Sequence[str]) -> list[StampRow]:
        stamps = [self.stamp(path, follow=False) for path in paths]
        return [stamp.row for stamp in stamps]

    def is_shared(self, path: str) -> bool:
        return self._ask("is_shared", path, self.base.is_shared)

    def resolve(self, path: str) -> str:
        return self.base.resolve(path)

    def is_regular(self, path: str) -> bool:
        return self._ask("is_regular", path, self.base.is_regular)

    def is_folder(self, path: str) -> bool:
        return self._ask("is_folder", path, self.base.is_folder)

    def is_link(self, path: str) -> bool:
        return self._ask("is_link", path, self.base.is_link)

    def entries(self, path: str) -> list[FolderEntry]:
        return self._do("entries", path, lambda _: self.base.entries(path))

    def read(self, path: str, limit: int = -1) -> bytes:
        def act(fault: Fault | None) -> bytes:
            self.reads.append(path)
            return damaged(fault, self.base.read(path, limit))

        return self._do("read", path, act)

    def create(self, path: str, data: bytes) -> None:
        self._write("create", self.base.create, path, data)

    def append(self, path: str, data: bytes) -> None:
        self._write("append", self.base.append, path, data)

    def rename(self, source: str, target: str) -> None:
        self._change("rename", target, lambda: self.base.rename(source, target))

    def remove(self, path: str) -> None:
        self._change("remove", path, lambda: self.base.remove(path))

    def make_folders(self, path: str) -> None:
        self._change("make_folders", path, lambda: self.base.make_folders(path))

    def now_ns(self) -> int:
        if self.now is not None:
            return self.now
        return self.base.now_ns() + (_DAY_NS if self.aged else 0)

    def lock(self, path: str, *, create: bool = True) -> Lock | None:
        return self._lock(path, lambda: self.base.lock(path, create=create))

    def lock_bytes(self, path: str) -> RangeLock:
        return self._lock(path, lambda: self.base.lock_bytes(path))
