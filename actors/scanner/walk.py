"""Finds the sources: one walk over the source root, by the rules of a build."""

from __future__ import annotations

from itertools import starmap
from operator import attrgetter
from typing import NamedTuple

import msgspec

from actors.diagnostics import Diagnostic, about_file
from actors.digests import (
    NO_STAMP,
    RESERVED,
    ModuleNameError,
    Stamp,
    fold_name,
    module_name,
    printable,
    segment_problem,
    settled,
    through_link,
)
from actors.disk import Disk, FolderEntry
from actors.messages import FolderStamp, Rules
from actors.scanner.globs import matcher


class File(msgspec.Struct, frozen=True, gc=False):
    """A source: its module, its path relative to the root, its stamp (that of a link covers its target too)."""

    module: str
    path: str
    stamp: Stamp
    link: bool = False


class Walked(msgspec.Struct, frozen=True):
    """The result of a walk. `files` are sorted by module name, `folders` by path. A folder's stamp was taken before the
    folder was listed, so that a later change is noticed; it is `NO_STAMP` where it is racy. Skipped folders that were
    searched for sources are among the folders. `taken_ns` is the file system's time before the walk."""

    files: tuple[File, ...] = ()
    folders: tuple[FolderStamp, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    taken_ns: int = 0
    beside: tuple[str, ...] = ()
    """`beside_programs` at the time of the walk."""


def walk(rules: Rules, disk: Disk) -> Walked:
    """Returns all sources under `rules.root`. Raises nothing: what cannot be read is an error in `problems`.

    The result depends on the contents of the disk only, never on the order in which it lists entries.
    """
    return _Walk(rules, disk).run()


class FolderListing(NamedTuple):
    """One folder: its stamp, the paths of the sources in it, and those of the folders in it."""

    folder: FolderStamp
    sources: frozenset[str]
    below: frozenset[str]


def relist(rules: Rules, disk: Disk, folder: str) -> FolderListing | None:
    """Returns what a walk would find in one folder of the root; None where it has anything but plain files and
    folders."""
    walk, below = _Walk(rules, disk), list[str]()
    walk._folder(folder, below)
    if walk.problems or walk.linked or len(walk.folders) != 1:
        return None
    return FolderListing(walk.folders[0], frozenset(walk.paths), frozenset(below))


_SPECIAL = RESERVED | {"mod"}

MOST_SEARCHED = 32
"""Number of folders that are searched for sources below a skipped one, which may be a link to `/`."""


def beside_programs(folder: str, disk: Disk) -> tuple[str, ...]:
    """The names in the folder of programs, sorted, without hidden ones and programs. A build changes the folder's stamp
    but none of these names."""
    try:
        names = [entry.name for entry in disk.entries(folder)] if folder else []
    except OSError:
        return ()
    return tuple(sorted(printable(name) for name in names if name[0] != "." and not name.endswith(".wasm")))


class _Walk:
    """One walk. `modules` and `paths` are the plain sources, one list each, because their stamps are taken all at once;
    `linked` are the sources behind links."""

    def __init__(self, rules: Rules, disk: Disk) -> None:
        self.rules = rules
        self.disk = disk
        self.root = rules.root.rstrip("/") + "/"
        self.resolved_root = ""
        self.outputs = frozenset(output.rstrip("/") for output in rules.outputs)
        self.beside: tuple[str, ...] = ()
        self.included = matcher(rules.include)
        self.excluded = matcher(rules.exclude)
        self.taken_ns = disk.now_ns()
        self.modules: list[str] = []
        self.paths: list[str] = []
        self.linked: list[File] = []
        self.folders: list[FolderStamp] = []
        self.problems: list[Diagnostic] = []

    def run(self) -> Walked:
        waiting = [""]
        self.beside = beside_programs(self.rules.programs, self.disk)
        while waiting:
            self._folder(waiting.pop(), waiting)
        files = self._stamped()
        files.extend(self.linked)
        clear = _all_differ([file.module for file in files])
        files.sort(key=attrgetter("module") if clear else attrgetter("module", "path"))
        self.folders.sort(key=attrgetter("path"))
        if not clear:
            files = self._unique(files)
            self.problems.extend(collisions([(file.module, file.path) for file in files]))
        self.problems.sort(key=attrgetter("file", "code", "message"))
        return Walked(tuple(files), tuple(self.folders), tuple(self.problems), self.taken_ns, self.beside)

    def _folder(self, folder: str, waiting: list[str]) -> None:
        """Lists one folder: notes its sources, and appends the folders in it to `waiting`."""
        path = self.root + folder
        try:
            stamp = self.disk.stamp(path)
            entries = self.disk.entries(path)
        except OSError as error:
            if folder and isinstance(error, FileNotFoundError | NotADirectoryError):
                return  # It went after its parent was listed, whose stamp is racy now, or another one next time.
            self.folders.append(FolderStamp(path=printable(folder), stamp=NO_STAMP))
            self._error(folder, f"the folder cannot be listed: {_reason(error)}", "make it readable, or exclude it")
            return
        self.folders.append(FolderStamp(path=printable(folder), stamp=settled(stamp, self.taken_ns)))
        prefix = folder + "/" if folder else ""
        usable = all(not segment_problem(part) for part in folder.split("/")) if folder else True
        plain = usable and not self.included and not self.excluded
        extensions = self.rules.extensions
        modules, paths = self.modules, self.paths
        for entry in entries:
            name = entry.name
            if name.endswith(extensions):
                if plain and entry.is_file(follow_symlinks=False):
                    # A shorter way for the usual file. `_entry` comes to the same result.
                    stem = name[: name.rfind(".")]
                    if stem.isidentifier() and stem.lower() not in _SPECIAL:
                        modules.append(prefix + stem)
                        paths.append(prefix + name)
                        continue
                self._entry(entry, prefix, waiting)
            elif entry.is_dir(follow_symlinks=False):
                self._below(entry, prefix, waiting)
            elif entry.is_symlink() and self.disk.is_folder(self.root + prefix + name):
                self._linked_folder(entry, prefix)

    def _below(self, entry: FolderEntry, prefix: str, waiting: list[str]) -> None:
        path = prefix + entry.name
        if entry.name[0] == "." or entry.name[-1] == "~" or (self.excluded and self.excluded(path)):
            return
        if self.root + path not in self.outputs:
            waiting.append(path)
        elif self.root + path == self.rules.programs:
            self._programs(path)

    def _programs(self, path: str) -> None:
        if source := self._source_in(path, stamped=False):
            self._skip(
                path,
                f"programs are written to this folder, so `{source}` is no module",
                "move the sources, choose another `output`, or exclude the folder",
                "W0803",
            )

    def _linked_folder(self, entry: FolderEntry, prefix: str) -> None:
        """Skips a link to a folder, which may lead out of the project or in a circle. Warns where it has sources."""
        path = prefix + entry.name
        if entry.name[0] == "." or entry.name[-1] == "~" or (self.excluded and self.excluded(path)):
            return
        if self.root + path == self.rules.programs:
            self._programs(path)
        elif self.root + path not in self.outputs and (source := self._source_in(path, stamped=True)):
            self._skip(
                path,
                f"links to folders are not followed, so `{source}` is no module",
                "put the folder itself in the place of the link, or exclude it",
                "W0802",
            )

    def _source_in(self, folder: str, *, stamped: bool) -> str:
        """The first source in a skipped folder, "" for none. Folders that are searched are stamped, so that the next
        build notices a source that appears there. `stamped` does so for the folder itself, through the link."""
        waiting = [folder]
        for searched in range(MOST_SEARCHED):
            if not waiting:
                break
            path = waiting.pop(0)
            try:
                stamp = self.disk.stamp(self.root + path)
                entries = sorted(self.disk.entries(self.root + path), key=attrgetter("name"))
            except OSError:
                continue
            if searched or stamped:
                name = path if searched else path + "/"
                self.folders.append(FolderStamp(path=printable(name), stamp=settled(stamp, self.taken_ns)))
            for entry in entries:
                inner = f"{path}/{entry.name}"
                if entry.name[0] == "." or entry.name[-1] == "~" or (self.excluded and self.excluded(inner)):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(inner)
                elif entry.name.endswith(self.rules.extensions) and not (self.included and not self.included(inner)):
                    return printable(inner)
        return ""

    def _entry(self, entry: FolderEntry, prefix: str, waiting: list[str]) -> None:
        """Handles an entry whose name has an extension of a toolchain."""
        path = prefix + entry.name
        if entry.name[0] == ".":
            return
        if entry.is_dir(follow_symlinks=False):
            self._below(entry, prefix, waiting)
            return
        link = entry.is_symlink()
        if link and self.disk.is_folder(self.root + path):  # `entry.is_dir()` raises where links lead in a circle.
            self._linked_folder(entry, prefix)
            return
        if (self.included and not self.included(path)) or (self.excluded and self.excluded(path)):
            return
        module = self._module(path)
        if not module:
            return
        if link:
            self._link(module, path)
        elif entry.is_file(follow_symlinks=False):
            self.modules.append(module)
            self.paths.append(path)
        else:
            self._skip(path, "it is no regular file")

    def _module(self, path: str) -> str:
        """The module's name; "" for a file that is skipped with a warning."""
        try:
            return module_name(path, self.rules.extensions, self.rules.free)
        except ModuleNameError as error:
            if path == self.rules.entry and path == printable(path):
                return path[: path.rfind(".")]
            self._skip(path, str(error), "rename it, or exclude it")
            return ""

    def _link(self, module: str, path: str) -> None:
        """Accepts a link that leads to a file inside the root."""
        full = self.root + path
        if not self.resolved_root:
            self.resolved_root = self.disk.resolve(self.root).rstrip("/") + "/"
        if not self.disk.resolve(full).startswith(self.resolved_root):
            self._error(path, "the link leads out of the source root", "put a copy in its place, or exclude it")
            return
        try:
            if not self.disk.is_regular(full):
                self.disk.stamp(full)
                self._skip(path, "it is no regular file")
                return
            stamp = through_link(self.disk.stamp(full, follow=False), self.disk.stamp(full))
        except OSError as error:
            self._error(path, f"the link leads to no file: {_reason(error)}", "remove it, or exclude it")
            return
        self.linked.append(File(module, path, stamp, True))

    def _stamped(self) -> list[File]:
        """The plain files with their stamps, taken all at once. Files that have gone meanwhile are left out."""
        try:
            rows = self.disk.rows([self.root + path for path in self.paths])
            return list(map(File, self.modules, self.paths, starmap(Stamp, rows)))
        except OSError:
            return [file for file in map(self._one, self.modules, self.paths) if file is not None]

    def _one(self, module: str, path: str) -> File | None:
        try:
            return File(module, path, self.disk.stamp(self.root + path, follow=False))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return File(module, path, NO_STAMP)  # Reading it will report why it cannot be read.

    def _unique(self, files: list[File]) -> list[File]:
        """One file for each module, the first by path, with an error for each other one."""
        kept: dict[str, File] = {}
        for file in files:
            first = kept.setdefault(file.module, file)
            if first is not file:
                what = f"`{first.path}` and `{file.path}` would both be the module `{file.module}`"
                hint = "keep one of them"
                self.problems.append(about_file("E0806", what, module=file.module, file=file.path, hint=hint))
        return list(kept.values())

    def _skip(self, path: str, reason: str, hint: str = "", code: str = "W0801") -> None:
        what = f"skipped: {reason}"
        self.problems.append(about_file(code, what, file=printable(path), hint=hint, severity="warning"))

    def _error(self, path: str, message: str, hint: str) -> None:
        self.problems.append(about_file("E0807", message, file=printable(path) or ".", hint=hint))


def collisions(named: list[tuple[str, str]]) -> list[Diagnostic]:
    """Errors for modules (module, path) that differ in case or Unicode form only."""
    problems: list[Diagnostic] = []
    first: dict[str, tuple[str, str]] = {}
    for module, path in named:
        other, other_path = first.setdefault(fold_name(module), (module, path))
        if other != module:
            what = f"`{other_path}` and `{path}` differ in case or Unicode form only"
            hint = "rename one of them: on some systems they are one file"
            problems.append(about_file("E0805", what, module=module, file=path, hint=hint))
    return problems


def _all_differ(modules: list[str]) -> bool:
    """Whether no two names are equal or collide. It may say False where they do not."""
    return len(set(map(str.lower, modules))) == len(modules) and "".join(modules).isascii()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
