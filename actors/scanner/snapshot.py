"""The snapshot: stamps and digests of all sources at the last finished build, and its file.

The file has two readers. `cli/uptodate.py` asks whether anything changed, and imports builtin modules only. For it the
front has a list of paths and, as bytes, the stamps that they had. The scanner asks what changed. For it the Snapshot
itself follows. Layout (integers little-endian):

     0  8   magic, with the version of this layout
     8  4   number of modules; 0 for a snapshot that does not answer `wasmill build` (see `answers`)
    12  4   number of the paths that were absent
    16  8   length of the paths
    24  8   length of the stamps
    32  16  checksum of the Snapshot
    48  4   number of the paths that are folders and were no links
    52  4   length of the warnings, which follow the stamps
    56      the paths, separated by NUL: the project's folder, the source root with `/`, the folder of programs (""
            where it is not in the root), the absent ones, the folders that were no links, the stamped ones
            the stamps: `marshal.dumps(..., 2)` of a list: the paths from the source root to those that were no links,
            the names beside the programs, then five numbers for each stamped path (version 2: from 3 on the bytes
            depend on reference counts)
            the warnings (`warnings_of`)
            the Snapshot, as msgpack

Paths and stamps need no checksum, because damage can only make them differ from what is on the disk. The warnings have
one.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable

import msgspec
from xxhash import xxh3_128_digest

from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest, Stamp, digest, settled
from actors.disk import Disk
from actors.messages import FolderStamp, KnownSource, Rules, ScanEnd
from actors.untrusted import UNREADABLE

MAGIC = b"wasmill\x02"
PLAIN = "plain"
"""The value of `settings` for a build that took them all from stamped files (or their absence), and none from the
command line or the environment. Only such a snapshot answers `wasmill build`."""

LARGEST = 256 << 20
"""The most bytes of a snapshot's file: about 500,000 modules. The limit protects memory, because a sparse file of any
size takes no space on disk."""

_HEADER = 56


class Extra(msgspec.Struct, frozen=True, gc=False):
    """A file that is no source but whose change makes a build necessary: the program, settings, the toolchain's files.
    `path` is absolute."""

    path: str
    stamp: Stamp


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a project at its last finished build.

    `known` are all sources, sorted by module, with `NO_STAMP` for a stamp that must not be trusted. `root` is the
    absolute source root, `rules` the digest of the rules of the walk, `project` the folder that `wasmill build` was
    given. `absent` are absolute paths whose appearance would matter (`wasmill.toml`), `unlinked` are folders that would
    matter if they became links. `programs` and `beside` are those of the scan. `quiet` says that the build succeeded
    and reported nothing but its `warnings`."""

    root: str
    rules: Digest = ""
    known: tuple[KnownSource, ...] = ()
    folders: tuple[FolderStamp, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    links: bool = False
    taken_ns: int = 0
    extras: tuple[Extra, ...] = ()
    absent: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    programs: str = ""
    beside: tuple[str, ...] = ()
    project: str = ""
    settings: str = ""
    quiet: bool = False
    warnings: tuple[Diagnostic, ...] = ()


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `Snapshot` that are not about sources, and that a build sets."""

    extras: tuple[Extra, ...] = ()
    absent: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    project: str = ""
    settings: str = ""
    quiet: bool = False
    warnings: tuple[Diagnostic, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


def rules_digest(rules: Rules) -> Digest:
    """The digest of the rules of a walk."""
    return digest(_encoder.encode(msgspec.structs.replace(rules, snapshot="")))


def beside_sources(beside: Snapshot | Beside) -> Digest:
    """The digest of the fields of `Beside`. Where it is the same after a build, and no source changed, the snapshot
    need not be written again."""
    return digest(_encoder.encode([getattr(beside, name) for name in Beside.__struct_fields__]))


def make_snapshot(root: str, end: ScanEnd, known: Iterable[KnownSource], beside: Beside) -> Snapshot:
    """Returns the snapshot of a finished build. `known` are all its sources; one that could not be read has `NO_STAMP`,
    so that it is read again."""
    return Snapshot(
        root=root,
        rules=end.rules,
        known=tuple(sorted(known, key=lambda source: source.module)),
        folders=end.folders,
        problems=end.problems,
        links=end.links,
        taken_ns=end.taken_ns,
        programs=end.programs,
        beside=end.beside,
        **{name: getattr(beside, name) for name in Beside.__struct_fields__},
    )


def stamp_extras(paths: Iterable[str], disk: Disk) -> tuple[tuple[Extra, ...], tuple[str, ...]]:
    """Returns the stamps of files that a build depends on and that are no sources, and those of `paths` that are
    absent. It must be called before the files are read, so that a stamp is never newer than what was read. Links and
    racy files get `NO_STAMP`. (The program is no problem, because this build wrote it.)"""
    now_ns = disk.now_ns()
    extras: list[Extra] = []
    absent: list[str] = []
    for path in paths:
        try:
            own = disk.stamp(path, follow=False)
        except (FileNotFoundError, NotADirectoryError):
            absent.append(path)
            continue
        except OSError:
            own = NO_STAMP
        try:
            stamp = disk.stamp(path)
            plain = stamp == own
            extras.append(Extra(path, settled(stamp, now_ns) if plain else NO_STAMP))
        except OSError:
            extras.append(Extra(path, NO_STAMP))
    return tuple(extras), tuple(absent)


def answers(snapshot: Snapshot) -> bool:
    """Whether equal stamps prove that `wasmill build` has nothing to do: nothing is racy, in memory or behind a link,
    no setting comes from elsewhere, and there is nothing to report but warnings."""
    return (
        snapshot.settings == PLAIN
        and snapshot.quiet
        and bool(snapshot.project and snapshot.known)
        and not snapshot.links
        and not any(problem.severity == "error" for problem in snapshot.problems)
        and warnings_of(snapshot) is not None
        and all(source.stamp != NO_STAMP for source in snapshot.known)
        and all(folder.stamp != NO_STAMP for folder in snapshot.folders)
        and all(file.stamp != NO_STAMP for file in snapshot.extras)
    )


_FIELD, _RECORD = "\x1f", "\x1e"


def warnings_of(snapshot: Snapshot) -> bytes | None:
    """The warnings in a form that `cli/told.py` reads with builtin modules: a CRC-32, a record of the names of a
    Diagnostic's fields, and a record of values for each warning; numbers begin with `#`, texts with `"`. None where a
    text contains a separator."""
    if not snapshot.warnings:
        return b""
    names = Diagnostic.__struct_fields__
    rows = [[getattr(warning, name) for name in names] for warning in snapshot.warnings]
    if any(isinstance(value, str) and (_FIELD in value or _RECORD in value) for row in rows for value in row):
        return None
    told = [_FIELD.join(f'"{value}' if isinstance(value, str) else f"#{value:d}" for value in row) for row in rows]
    data = _path_bytes(_RECORD.join([_FIELD.join(names), *told]))
    from zlib import crc32  # Imported here, because most builds have no warnings.

    return crc32(data).to_bytes(4, "little") + data


def stamped(snapshot: Snapshot, *, without: frozenset[str] = frozenset()) -> tuple[list[str], list[Stamp]]:
    """Returns the absolute paths of folders and sources, and their stamps, `without` some modules. The root ends with
    `/`, so that `lstat` follows it if it is a link."""
    root = snapshot.root.rstrip("/") + "/"
    paths = [root + folder.path for folder in snapshot.folders]
    stamps = [folder.stamp for folder in snapshot.folders]
    for source in snapshot.known:
        if source.module not in without:
            paths.append(root + source.path)
            stamps.append(source.stamp)
    return paths, stamps


def encode(snapshot: Snapshot) -> bytes:
    """Returns the bytes of the snapshot's file."""
    # The front is empty unless equal stamps prove that there is nothing to do (`answers`): then `uptodate.py` decides
    # by it alone. The Snapshot behind it is for the scanner, in any case.
    modules = absent = unlinked = 0
    names: list[str] = [""]
    compared: list[bytes | int] = []
    warnings = b""
    if answers(snapshot):
        modules, absent, unlinked = len(snapshot.known), len(snapshot.absent), len(snapshot.unlinked)
        warnings = warnings_of(snapshot) or b""
        paths, stamps = stamped(snapshot)
        paths.extend(extra.path for extra in snapshot.extras)
        stamps.extend(extra.stamp for extra in snapshot.extras)
        root = snapshot.root.rstrip("/") + "/"
        unstamped = [root, snapshot.programs, *snapshot.absent, *snapshot.unlinked]
        names = [snapshot.project, *unstamped, *paths]
        compared += map(_path_bytes, (*unstamped, *snapshot.beside))
        for stamp in stamps:
            compared += stamp.row
    front = _path_bytes("\0".join(names))
    middle = marshal.dumps(compared, 2)
    back = _encoder.encode(snapshot)
    return b"".join(
        (
            MAGIC,
            modules.to_bytes(4, "little"),
            absent.to_bytes(4, "little"),
            len(front).to_bytes(8, "little"),
            len(middle).to_bytes(8, "little"),
            xxh3_128_digest(back),
            unlinked.to_bytes(4, "little"),
            len(warnings).to_bytes(4, "little"),
            front,
            middle,
            warnings,
            back,
        )
    )


def decode(data: bytes) -> Snapshot | None:
    """Returns the snapshot in a file; None where it is truncated, damaged or of another version."""
    if len(data) < _HEADER or not data.startswith(MAGIC):
        return None
    start = _HEADER + sum(int.from_bytes(data[at:end], "little") for at, end in ((16, 24), (24, 32), (52, 56)))
    back = data[start:]
    if xxh3_128_digest(back) != data[32:48]:
        return None
    try:
        snapshot = _decoder.decode(back)
    except UNREADABLE:
        return None
    return snapshot if _stays_inside(snapshot) else None


def _stays_inside(snapshot: Snapshot) -> bool:
    """Whether all sources are under the root, and no path has a NUL in it, for which `lstat` raises ValueError."""
    inner = [*(part.path for part in snapshot.known), *(part.path for part in snapshot.folders)]
    paths = [*inner, snapshot.root, *(extra.path for extra in snapshot.extras), *snapshot.absent, *snapshot.unlinked]
    if "\0".join(paths).count("\0") >= len(paths):
        return False
    return "/../" not in f"/{'/ /'.join(inner)}/" and not any(path[:1] == "/" for path in inner)


def _path_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
