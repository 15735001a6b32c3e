"""A disk in memory that can lose power: what was not synced is lost, kept, torn, or kept in another order.

A real file system promises little until it is asked to sync: names and bytes reach the disk at any time and in any
order, and a file may have its new name without its new bytes. `CrashingDisk` keeps a list of all changes since the last
`sync`, and a power cut lets some of them be forgotten::

    disk = CrashingDisk()
    disk.write("/p/main.plain", b"run f")
    disk.sync()                              # so far all is safe
    disk.create("/p/new", b"twelve bytes")
    disk.rename("/p/new", "/p/main.plain")
    disk.power_cut(random.Random(7))         # either, neither, only the name, half of the bytes ...
    assert disk.lost                         # ... and this says what became of them

SQLite asks for syncs where it needs them: a database in WAL mode may lose its last transactions, but never its
integrity. Files of databases are written as `image`, and keep that promise here."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import msgspec

from orchestrator.testing.disk import FileNode, MemoryDisk

KEPT, LOST, TORN = "kept", "lost", "torn"


class _Change(NamedTuple):
    """Something that the disk may forget. `names` are (path before, path after) of `node`, "" for none: made, renamed,
    removed. Or bytes: `data` at `offset`; with `whole` what was there before is gone, and as an `image` they are never
    torn."""

    node: FileNode
    names: tuple[tuple[str, str, FileNode], ...] = ()
    data: bytes | None = None
    offset: int = 0
    whole: bool = False
    image: bool = False

    def __str__(self) -> str:
        if self.data is not None:
            return f"{'image' if self.image else 'bytes'} of inode {self.node.inode}"
        before, after, _ = self.names[0]
        if not before:
            return f"new {after}"
        return f"{before} -> {after}" if after else f"no {before}"


class CrashingDisk(MemoryDisk):
    """See the module. `lost` lists the changes that the last power cut did not keep whole, and their fate."""

    def __init__(self, clock_ns: int = 10**18 + 1, tick_ns: int = 10**9) -> None:
        super().__init__(clock_ns, tick_ns)
        self.lost: list[str] = []
        self.power_cuts = 0
        self._changes: list[_Change] = []
        self._names: dict[str, FileNode] = {}
        self._bytes: dict[FileNode, bytes | None] = {}
        self.sync()

    # ---- for tests

    @property
    def unsynced(self) -> int:
        """How many changes a power cut might lose."""
        return len(self._changes)

    def sync(self) -> None:
        """Everything so far is safe."""
        self._changes = []
        self._names = dict(self.nodes)
        self._bytes = {node: node.data for node in self.nodes.values()}

    def power_cut(self, chance: Random | None = None, *, in_order: bool = False) -> None:
        """The machine stops, and starts again. Nobody holds a lock any more.

        Without `chance` every change since the last sync is lost. With it each is kept, lost or torn by chance,
        independently of those before it; `in_order` keeps them up to some moment, as a journal does, and tears at most
        the last one."""
        fates = self._fates(chance, in_order)
        names, data = dict(self._names), dict(self._bytes)
        self.lost = [f"{fate}: {change}" for change, fate in zip(self._changes, fates, strict=True) if fate != KEPT]
        for change, fate in zip(self._changes, fates, strict=True):
            if fate == LOST:
                continue
            for before, after, node in change.names:
                if before and names.get(before) is node:
                    del names[before]
                if after:
                    names[after] = node
            if change.data is not None:
                written = _torn(change.data, chance) if fate == TORN else change.data
                content = b"" if change.whole else (data.get(change.node) or b"")
                data[change.node] = content[: change.offset].ljust(change.offset, b"\0") + written
        self._boot(names, data)

    def _fates(self, chance: Random | None, in_order: bool) -> list[str]:
        """Decides the fate of each change. Images of one file are always kept up to some moment."""
        count = len(self._changes)
        if chance is None:
            return [LOST] * count
        if in_order:
            cut = chance.randint(0, count)
            fates = [KEPT] * cut + [LOST] * (count - cut)
            if cut < count and self._changes[cut].data is not None and not self._changes[cut].image:
                fates[cut] = TORN
            return fates
        likely = chance.choice((0.1, 0.5, 0.9))
        fates = []
        stopped: set[FileNode] = set()
        for change in self._changes:
            if change.image:
                if chance.random() >= likely:
                    stopped.add(change.node)
                fates.append(LOST if change.node in stopped else KEPT)
            elif chance.random() < likely:
                fates.append(KEPT)
            else:
                fates.append(TORN if change.data and chance.random() < 0.5 else LOST)
        return fates

    def _boot(self, names: dict[str, FileNode], data: dict[FileNode, bytes | None]) -> None:
        """Starts with what is left. Nodes are new ones, so a file that was open cannot be reached any more."""
        self.power_cuts += 1
        fresh: dict[FileNode, FileNode] = {}
        self.nodes = {}
        for path, node in sorted(names.items()):
            parent = self.nodes.get(path.rpartition("/")[0] or "/")
            if path != "/" and (parent is None or not parent.folder):
                continue  # Its folder was never made safe.
            if node not in fresh:
                is_file = not node.folder and not node.target
                left = data.get(node) or (b"" if is_file else None)
                fresh[node] = FileNode(node.inode, data=left, target=node.target, folder=node.folder)
                fresh[node].stamp = msgspec.structs.replace(node.stamp, size=len(left or b""))
            self.nodes[path] = fresh[node]
        self.locks.clear()
        self.writers.clear()
        self.sync()

    # ---- what is written down

    def image(self, node: FileNode, data: bytes) -> None:
        """A database has committed: its file as it is now. Kept or lost whole, and never without those before it."""
        super().put(node, data)
        self._changes.append(_Change(node, data=data, whole=True, image=True))

    def put(self, node: FileNode, data: bytes) -> None:
        super().put(node, data)
        self._changes.append(_Change(node, data=data, whole=True))

    def _add(self, path: str, data: bytes | None = None, target: str = "", folder: bool = False) -> FileNode:
        node = super()._add(path, data, target, folder)
        self._changes.append(_Change(node, names=(("", path, node),)))
        if data:
            self._changes.append(_Change(node, data=data, whole=True))
        return node

    def append(self, path: str, data: bytes) -> None:
        node = self.nodes.get(path) or self._add(path, data=b"")
        before = node.data or b""
        super().put(node, before + data)
        self._changes.append(_Change(node, data=data, offset=len(before)))

    def rename(self, source: str, target: str) -> None:
        node = self.node(source, follow=False)
        moved = [name for name in self.nodes if name == source or name.startswith(source + "/")]
        names = tuple((name, target + name[len(source) :], self.nodes[name]) for name in moved)
        super().rename(source, target)
        self._changes.append(_Change(node, names=names))

    def remove(self, path: str) -> None:
        node = self.node(path, follow=False)
        super().remove(path)
        self._changes.append(_Change(node, names=((path, "", node),)))


def _torn(data: bytes, chance: Random | None) -> bytes:
    """Returns part of it, or a file of the right length without its bytes."""
    assert chance is not None
    kept = data[: chance.randrange(len(data))]
    return kept if chance.random() < 0.5 else kept.ljust(len(data), b"\0")
