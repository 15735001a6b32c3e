"""The snapshot: stamps and digests of all sources at the last finished build, and its file.

The file answers two readers. `cli/uptodate.py` wants to know, on builtin modules alone, whether anything changed: for
it the front holds a list of paths and, as bytes, the stamps they had. The scanner wants to know what changed: for it
the Snapshot itself follows. Layout (integers little-endian):

     0  8   magic, with the version of this layout
     8  4   how many modules; 0 for a snapshot that answers for nothing (see `answers`)
    12  4   how many of the paths were looked for and found absent
    16  8   length of the paths
    24  8   length of the stamps
    32  16  checksum of the Snapshot
    48  4   how many of the paths are folders that were no links
    52  4   length of the warnings, which follow the stamps
    56      the paths, separated by NUL: the project's folder, the source root with `/`, the folder of programs (""
            where it is not in the root), the absent ones, the folders that were no links, the stamped ones
            the stamps: `marshal.dumps(..., 2)` of a list: the paths from the source root to those that were no links,
            the names beside the programs, then five numbers for each stamped path (version 2: from 3 on the bytes
            depend on reference counts)
            the warnings (`warnings_of`)
            the Snapshot, as msgpack

Damage to paths or stamps can only make them differ from what is on the disk, so they need no checksum. The warnings
have one.
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
"""`settings` of a build that took all of them from the files that it stamps (or from their absence), and none from the
command line or the environment: such a snapshot answers for `wasmill build`."""

LARGEST = 256 << 20
"""Bytes of a snapshot's file: some 500,000 modules. A sparse file takes no disk, and all of memory."""

_HEADER = 56


class Extra(msgspec.Struct, frozen=True, gc=False):
    """A file that is no source, and whose change makes a build necessary: program, settings, the toolchain's own
    files. `path` is absolute."""

    path: str
    stamp: Stamp


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`known` are all sources, sorted by module; `NO_STAMP` stands for a stamp that must not be trusted. `root` is the
    absolute source root, `rules` names the rules of the walk, `project` is the folder that `wasmill build` was given.
    `absent` are absolute paths whose appearance would matter (`wasmill.toml`), `unlinked` folders that would matter if
    they became links. `programs` and `beside` are those of the scan. `quiet`: that build succeeded, and had nothing to
    say but its `warnings`."""

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
    """What a snapshot says beside the sources: the fields of `Snapshot` that a build sets."""

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
    """Names the rules of a walk."""
    return digest(_encoder.encode(msgspec.structs.replace(rules, snapshot="")))


def beside_sources(found: Snapshot | Beside) -> Digest:
    """Names what a snapshot says beside the sources: where a build would say the same, it need not be written again;
    where another installation wrote it, say, it has to be."""
    return digest(_encoder.encode([getattr(found, name) for name in Beside.__struct_fields__]))


def make_snapshot(root: str, end: ScanEnd, known: Iterable[KnownSource], beside: Beside) -> Snapshot:
    """What a finished build leaves for the next one. `known` are all its sources; one that could not be read has no
    stamp, so that it is read again."""
    return Snapshot(
        root=root,
        rules=end.rules,
        known=tuple(sorted(known, key=lambda one: one.module)),
        folders=end.folders,
        problems=end.problems,
        links=end.links,
        taken_ns=end.taken_ns,
        programs=end.programs,
        beside=end.beside,
        **{name: getattr(beside, name) for name in Beside.__struct_fields__},
    )


def stamp_extras(paths: Iterable[str], disk: Disk) -> tuple[tuple[Extra, ...], tuple[str, ...]]:
    """The stamps of files that a build depends on and that are no sources, and those of `paths` that are absent. Call
    it before they are read. What is a link or racy gets `NO_STAMP`. (The program needs no such care: we wrote it.)"""
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
    """Whether equal stamps are all there is to `wasmill build`: nothing racy, in memory or behind a link, no settings
    from elsewhere, nothing to say but warnings."""
    return (
        snapshot.settings == PLAIN
        and snapshot.quiet
        and bool(snapshot.project and snapshot.known)
        and not snapshot.links
        and not any(found.severity == "error" for found in snapshot.problems)
        and warnings_of(snapshot) is not None
        and all(one.stamp != NO_STAMP for one in snapshot.known)
        and all(one.stamp != NO_STAMP for one in snapshot.folders)
        and all(one.stamp != NO_STAMP for one in snapshot.extras)
    )


_FIELD, _RECORD = "\x1f", "\x1e"


def warnings_of(snapshot: Snapshot) -> bytes | None:
    """The warnings as `cli/told.py` reads them, without importing what takes long: a CRC-32, then a record of the names
    of a Diagnostic's fields and one of its values for each; numbers begin with `#`, texts with `"`. None where a text
    has one of the separators in it."""
    if not snapshot.warnings:
        return b""
    names = Diagnostic.__struct_fields__
    rows = [[getattr(found, name) for name in names] for found in snapshot.warnings]
    if any(isinstance(value, str) and (_FIELD in value or _RECORD in value) for row in rows for value in row):
        return None
    told = [_FIELD.join(f'"{value}' if isinstance(value, str) else f"#{value:d}" for value in row) for row in rows]
    data = _path_bytes(_RECORD.join([_FIELD.join(names), *told]))
    from zlib import crc32  # late: most builds have nothing to say

    return crc32(data).to_bytes(4, "little") + data


def stamped(snapshot: Snapshot, *, without: frozenset[str] = frozenset()) -> tuple[list[str], list[Stamp]]:
    """The absolute paths of folders and sources, and their stamps; `without` some modules. The root ends with `/`: then
    `lstat` looks through it if it is a link."""
    root = snapshot.root.rstrip("/") + "/"
    paths = [root + folder.path for folder in snapshot.folders]
    stamps = [folder.stamp for folder in snapshot.folders]
    for one in snapshot.known:
        if one.module not in without:
            paths.append(root + one.path)
            stamps.append(one.stamp)
    return paths, stamps


def encode(snapshot: Snapshot) -> bytes:
    """The bytes of the snapshot's file."""
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
        looked = [root, snapshot.programs, *snapshot.absent, *snapshot.unlinked]
        names = [snapshot.project, *looked, *paths]
        compared += map(_path_bytes, (*looked, *snapshot.beside))
        for stamp in stamps:
            compared += (stamp.device, stamp.inode, stamp.size, stamp.mtime_ns, stamp.ctime_ns)
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
    """The snapshot in a file; None for anything odd: truncated, damaged, of another version."""
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
    """Whether all sources lie under the root, and no path has a NUL in it, which `lstat` has a ValueError for."""
    inner = [*(one.path for one in snapshot.known), *(one.path for one in snapshot.folders)]
    paths = [*inner, snapshot.root, *(extra.path for extra in snapshot.extras), *snapshot.absent, *snapshot.unlinked]
    if "\0".join(paths).count("\0") >= len(paths):
        return False
    return "/../" not in f"/{'/ /'.join(inner)}/" and not any(path[:1] == "/" for path in inner)


def _path_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
