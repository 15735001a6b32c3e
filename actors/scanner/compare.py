"""What changed since the snapshot, by stamps of files and digests of modules in memory.

A scan has a fast way and a safe way. The fast way (`LoadedSnapshot.changed_stamps`) takes one `lstat` of each file and
folder of the snapshot. It is allowed only where a walk would see the same files and folders: a folder's stamp changes
when an entry appears or goes, so equal stamps of all folders prove that; a folder with another stamp is listed again.
Wherever that proof fails, even in part, `walk` does the whole work.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from actors.diagnostics import Diagnostic, about_file
from actors.digests import NO_STAMP, Digest, ModuleNameError, Stamp, StampRow, digest, module_name, printable, settled
from actors.disk import Disk
from actors.messages import FolderStamp, FoundSource, KnownSource, MemorySource, Rules, Scan, ScanEnd
from actors.scanner.snapshot import LARGEST, Snapshot, beside_sources, decode, rules_digest, stamped
from actors.scanner.walk import Walked, beside_programs, collisions, relist, walk


class InMemory(msgspec.Struct, frozen=True, gc=False):
    """A module in memory. `digest` is that of the text before it is normalised. Where it differs from the snapshot's,
    the hasher normalises the text and compares again."""

    module: str
    path: str
    data: bytes
    digest: Digest


class Compared(msgspec.Struct, frozen=True):
    """What has changed: `unchanged` and `found` (to be read) are sorted by module, `removed` are modules that only the
    snapshot has."""

    unchanged: tuple[KnownSource, ...] = ()
    found: tuple[FoundSource, ...] = ()
    removed: tuple[str, ...] = ()


class ChangedStamps(NamedTuple):
    """The files with another stamp than in the snapshot, by absolute path, and all folders with their stamps now."""

    files: dict[str, Stamp]
    folders: tuple[FolderStamp, ...]


class ScanResult(msgspec.Struct, frozen=True):
    """The result of a scan: the sources to read, and the message that ends it."""

    found: tuple[FoundSource, ...]
    end: ScanEnd


MANY = 1 << 20
"""Stands for the number of files that nobody has counted."""
MOST_RELISTED = 32
"""Where more folders changed than this, the whole tree is walked."""
_NOTHING = Snapshot(root="")


def compare(
    walked: Walked,
    snapshot: Snapshot | None,
    memory: tuple[InMemory, ...] = (),
) -> Compared:
    """Sorts the sources into those that the snapshot answers for and those that must be read. A module in memory hides
    a file of the same name. Where nothing changed, `unchanged` is the tuple of the snapshot itself, so that later
    checks compare identities."""
    # `earlier` shrinks to the modules that only the snapshot has: each file takes its own out. A file that a module in
    # memory hides has taken it too, so those are put back before the modules in memory take theirs.
    snapshot = snapshot or _NOTHING
    earlier = {source.module: source for source in snapshot.known}
    unchanged: list[KnownSource] = []
    to_read: list[FoundSource] = []
    for file in walked.files:
        before = earlier.pop(file.module, None)
        if before is not None and before.stamp == file.stamp != NO_STAMP and before.path == file.path:
            unchanged.append(before)
        else:
            known = before.digest if before else ""
            to_read.append(FoundSource(module=file.module, path=file.path, stamp=file.stamp, known=known))
    if memory:
        hidden = {module.module for module in memory}
        earlier.update((source.module, source) for source in snapshot.known if source.module in hidden)
        unchanged = [source for source in unchanged if source.module not in hidden]
        to_read = [source for source in to_read if source.module not in hidden]
        _compare_memory(memory, earlier, unchanged, to_read)
    if not to_read and not earlier and _all_of(snapshot, unchanged):
        return Compared(snapshot.known)
    return Compared(tuple(unchanged), tuple(to_read), tuple(sorted(earlier)))


def _compare_memory(
    memory: tuple[InMemory, ...],
    earlier: dict[str, KnownSource],
    unchanged: list[KnownSource],
    to_read: list[FoundSource],
) -> None:
    for module in memory:
        before = earlier.pop(module.module, None)
        if before is not None and before.digest == module.digest and before.path == module.path:
            unchanged.append(before if before.stamp == NO_STAMP else msgspec.structs.replace(before, stamp=NO_STAMP))
        else:
            known = before.digest if before else ""
            to_read.append(FoundSource(module=module.module, path=module.path, known=known, data=module.data))
    unchanged.sort(key=lambda source: source.module)
    to_read.sort(key=lambda source: source.module)


def _all_of(snapshot: Snapshot, unchanged: list[KnownSource]) -> bool:
    """Whether these are all the sources of the snapshot, and the same objects."""
    return len(unchanged) == len(snapshot.known) and set(map(id, unchanged)) == set(map(id, snapshot.known))


class LoadedSnapshot:
    """The snapshot and what is derived from it. The file is read again only when its stamp changes."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.stamp = NO_STAMP
        """The stamp of the snapshot's file; `NO_STAMP` where it is racy, so that the file is read again."""
        self._path = ""
        self._paths: list[str] = []
        self._rows: list[StampRow] = []
        self._hidden: frozenset[str] | None = None
        self._extras: tuple[list[str], list[StampRow]] | None = None
        """Paths of the files that are no sources and must be looked at, and their stamps."""
        self._opened: tuple[FolderStamp, ...] = ()
        """The files that `_extras` leaves out."""
        self._digests: dict[str, InMemory] = {}

    @property
    def stamps(self) -> int:
        """About how many files and folders the next scan will stamp."""
        snapshot = self.snapshot
        return len(snapshot.known) + len(snapshot.folders) if snapshot is not None else MANY

    def load(self, path: str, disk: Disk) -> Snapshot | None:
        """Returns the snapshot in the file `path`; None where there is none that can be read."""
        try:
            # The time comes before the stamp, and the stamp before the bytes. If the file is replaced in between, its
            # stamp is that of the older file, or too young to be believed: so it is read again next time.
            now_ns = disk.now_ns()
            stamp = disk.stamp(path) if path else NO_STAMP
            if path != self._path or stamp != self.stamp or stamp == NO_STAMP:
                self._forget()
                self.snapshot = decode(disk.read(path, LARGEST)) if path else None
                self._path, self.stamp = path, settled(stamp, now_ns)
        except OSError:
            self._forget()
        return self.snapshot

    def _forget(self) -> None:
        self.snapshot, self._hidden, self._extras, self.stamp = None, None, None, NO_STAMP

    def changed_stamps(self, rules: Rules, hidden: frozenset[str], disk: Disk) -> ChangedStamps | None:
        """Returns which files of the snapshot, except those of `hidden` modules, have other stamps now. None where a
        walk might see other files or folders than the snapshot has: under other rules, behind links, after errors, or
        where a file is gone. It costs one `lstat` for each file and folder, and lists the folders with another
        stamp."""
        # Equal stamps prove that a walk would see the same only if nothing else decides what it sees: the same rules,
        # no link (its target's folders are not stamped), no error (what was not read may be readable now), the same
        # programs beside. The cheap tests come first; the expensive one, an `lstat` of everything, comes last.
        snapshot = self.snapshot
        if snapshot is None or snapshot.rules != rules_digest(rules) or not snapshot.folders or snapshot.links:
            return None
        if hidden != self._hidden:
            self._paths, stamps = stamped(snapshot, without=hidden)
            self._rows = [stamp.row for stamp in stamps]
            self._hidden = hidden
        if any(problem.severity == "error" for problem in snapshot.problems):
            return None
        if beside_programs(rules.programs, disk) != snapshot.beside:
            return None
        try:
            rows = disk.rows(self._paths)
        except OSError:
            return None
        if rows == self._rows:
            return ChangedStamps({}, snapshot.folders)
        changed = [number for number, row in enumerate(rows) if row != self._rows[number]]
        first = len(snapshot.folders)
        folders = self._relisted([number for number in changed if number < first], rules, disk)
        if folders is None or (hidden and folders != snapshot.folders):
            return None
        files = {self._paths[number]: Stamp(*rows[number]) for number in changed if number >= first}
        return ChangedStamps(files, folders)

    def _relisted(self, changed: list[int], rules: Rules, disk: Disk) -> tuple[FolderStamp, ...] | None:
        """The snapshot's folders with their stamps now. None where a changed folder has other sources or folders in it
        than the snapshot says."""
        snapshot = self.snapshot or _NOTHING
        folders = list(snapshot.folders)
        if len(changed) > MOST_RELISTED:
            return None
        for number in changed:
            path = folders[number].path
            listed = relist(rules, disk, path)
            if listed is None or listed.folder.path != path:
                return None
            sources = {source.path for source in snapshot.known if source.path.rpartition("/")[0] == path}
            below = {folder.path for folder in folders if folder.path and folder.path.rpartition("/")[0] == path}
            if listed.sources != sources or listed.below != below:
                return None
            folders[number] = listed.folder
        return tuple(folders)

    def extras_unchanged(self, disk: Disk, opened: tuple[FolderStamp, ...]) -> bool:
        """Whether the files that are no sources are as the snapshot says. `opened` as in `Scan`."""
        snapshot = self.snapshot or _NOTHING
        # An open Project reads its settings and its compiler only once, and cannot build with others: what it read is
        # what the snapshot was made with if the stamps from before that are in the snapshot. An edit since then is for
        # the next process, which finds other stamps than the snapshot has. So these files, hundreds, need no `lstat`.
        if self._extras is None or opened != self._opened:
            read = {file.path: file.stamp for file in opened}
            extras = [extra for extra in snapshot.extras if read.get(extra.path) != extra.stamp]
            self._extras = [extra.path for extra in extras], [extra.stamp.row for extra in extras]
            self._opened = opened
        paths, known = self._extras
        try:
            if disk.rows(paths) != known:
                return False
        except OSError:
            return False
        return not any(_exists(path, disk) for path in snapshot.absent) and not any(
            map(disk.is_link, snapshot.unlinked)
        )

    def name_memory(
        self, memory: tuple[MemorySource, ...], rules: Rules
    ) -> tuple[tuple[InMemory, ...], list[Diagnostic]]:
        """Returns the modules in memory with their names and digests, and an error for each name that cannot be used.
        A digest is computed again only where the bytes are another object."""
        known, self._digests = self._digests, {}
        problems: list[Diagnostic] = []
        for source in memory:
            module = _memory_name(source.path, rules, problems)
            if not module:
                continue
            named = known.get(module)
            if named is None or named.data is not source.data or named.path != source.path:
                named = InMemory(module, source.path, source.data, digest(source.data))
            if self._digests.setdefault(module, named) is not named:
                other = self._digests[module].path
                message = f"`{other}` and `{source.path}` would both be the module `{module}`"
                problems.append(about_file("E0806", message, module=module, file=source.path))
        return tuple(self._digests.values()), problems


def scan_sources(scan: Scan, loaded: LoadedSnapshot, disk: Disk) -> ScanResult:
    """Does one whole scan. Bad input raises nothing: it is in `problems` of the end."""
    rules = scan.rules
    snapshot = loaded.load(rules.snapshot, disk)
    memory, problems = loaded.name_memory(scan.memory, rules)
    # The time is taken before any source is stamped. A file that is written twice in one tick keeps its stamp, so a
    # stamp that is not clearly older than this time is racy: it is not kept, and the next scan reads the file.
    taken_ns = disk.now_ns()
    hidden = frozenset(module.module for module in memory)
    usual = scan.walk and not problems
    changed = loaded.changed_stamps(rules, hidden, disk) if usual else None
    if snapshot and changed is not None:
        compared = _compare_changed(snapshot, changed, memory, hidden)
        folders, problems, links = changed.folders, list(snapshot.problems), False
        beside = snapshot.beside
    else:
        walked = walk(rules, disk) if scan.walk else Walked(taken_ns=taken_ns)
        compared = compare(walked, snapshot, memory)
        folders, beside = walked.folders, walked.beside
        problems.extend(walked.problems)
        links = any(file.link for file in walked.files)
        if memory:
            everyone = [(file.module, file.path) for file in walked.files if file.module not in hidden]
            everyone.extend((module.module, module.path) for module in memory)
            problems = [problem for problem in problems if problem.code != "E0805"] + collisions(everyone)
    name = rules_digest(rules)
    same = (
        snapshot is not None
        and compared.unchanged is snapshot.known
        and not compared.found
        and (folders, tuple(problems), name) == (snapshot.folders, snapshot.problems, snapshot.rules)
        and beside == snapshot.beside
        and loaded.extras_unchanged(disk, scan.opened)
    )
    end = ScanEnd(
        unchanged=compared.unchanged,
        removed=compared.removed,
        folders=folders,
        problems=tuple(problems),
        links=links,
        taken_ns=taken_ns,
        rules=name,
        same=same,
        beside_snapshot=beside_sources(snapshot) if snapshot else None,
        beside=beside,
        programs=rules.programs,
        snapshot=loaded.stamp if same and not memory else NO_STAMP,
        held={module.module: module.data for module in memory},
    )
    return ScanResult(compared.found, end)


def _compare_changed(
    snapshot: Snapshot, changed: ChangedStamps, memory: tuple[InMemory, ...], hidden: frozenset[str]
) -> Compared:
    """As `compare`, where the files are those of the snapshot and it is known which of them changed."""
    if not memory and not changed.files:
        return Compared(snapshot.known)
    root = snapshot.root.rstrip("/") + "/"
    stamps = {path.removeprefix(root): stamp for path, stamp in changed.files.items()}
    visible = [source for source in snapshot.known if source.module not in hidden] if hidden else snapshot.known
    unchanged = [source for source in visible if source.path not in stamps]
    to_read = [
        FoundSource(module=source.module, path=source.path, stamp=stamps[source.path], known=source.digest)
        for source in visible
        if source.path in stamps
    ]
    if memory:
        earlier = {source.module: source for source in snapshot.known if source.module in hidden}
        _compare_memory(memory, earlier, unchanged, to_read)
    if not to_read and _all_of(snapshot, unchanged):
        return Compared(snapshot.known)
    return Compared(tuple(unchanged), tuple(to_read))


def _memory_name(path: str, rules: Rules, problems: list[Diagnostic]) -> str:
    try:
        return module_name(path, rules.extensions, rules.free)
    except ModuleNameError as error:
        if path == rules.entry and path == printable(path) and path.endswith(rules.extensions):
            return path[: path.rfind(".")]
        problems.append(about_file("E0804", str(error), file=printable(path), hint="rename it"))
        return ""


def _exists(path: str, disk: Disk) -> bool:
    """Whether there is anything at `path`, even a link that leads nowhere."""
    try:
        disk.stamp(path, follow=False)
    except OSError:
        return False
    return True
