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
    48      the paths, separated by NUL: the project's folder, the absent ones, the stamped ones
            the stamps: `marshal.dumps(..., 2)` of a list: the absent paths, then five numbers for each stamped one
            (version 2: from 3 on the bytes depend on reference counts)
            the Snapshot, as msgpack

Damage to paths or stamps can only make them differ from what is on the disk, so they need no checksum.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable

import msgspec
from xxhash import xxh3_128_digest

from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest, Stamp, digest, settled
from actors.disk import Disk
from actors.messages import FolderStamp, Known, Rules, ScanEnd
from actors.untrusted import UNREADABLE

MAGIC = b"wasmill\x01"
PLAIN = "plain"
"""`settings` of a build that took all of them from the files that it stamps (or from their absence), and none from the
command line or the environment: such a snapshot answers for `wasmill build`."""

LARGEST = 256 << 20
"""Bytes of a snapshot's file: some 500,000 modules. A sparse file takes no disk, and all of memory."""

_HEADER = 48


class Extra(msgspec.Struct, frozen=True, gc=False):
    """A file that is no source, and whose change makes a build necessary: program, settings, the toolchain's own
    files. `path` is absolute."""

    path: str
    stamp: Stamp


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`known` are all sources, sorted by module; `NO_STAMP` stands for a stamp that must not be trusted. `root` is the
    absolute source root, `rules` names the rules of the walk, `project` is the folder that `wasmill build` was given.
    `absent` are absolute paths whose appearance would matter (`wasmill.toml`). `quiet`: that build had neither
    warnings nor failures to repeat."""

    root: str
    rules: Digest = ""
    known: tuple[Known, ...] = ()
    folders: tuple[FolderStamp, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    links: bool = False
    taken_ns: int = 0
    extras: tuple[Extra, ...] = ()
    absent: tuple[str, ...] = ()
    project: str = ""
    settings: str = ""
    quiet: bool = False


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


def rules_digest(rules: Rules) -> Digest:
    """Names the rules of a walk."""
    return digest(_encoder.encode(msgspec.structs.replace(rules, snapshot="")))


def make_snapshot(
    root: str,
    end: ScanEnd,
    known: Iterable[Known],
    *,
    extras: tuple[Extra, ...] = (),
    absent: tuple[str, ...] = (),
    project: str = "",
    settings: str = "",
    quiet: bool = False,
) -> Snapshot:
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
        extras=extras,
        absent=absent,
        project=project,
        settings=settings,
        quiet=quiet,
    )


def stamp_extras(paths: Iterable[str], disk: Disk) -> tuple[tuple[Extra, ...], tuple[str, ...]]:
    """The stamps of files that a build depends on and that are no sources, and those of `paths` that are absent. Call
    it before they are read. What is a link or racy gets `NO_STAMP`. (The program needs no such care: we wrote it.)"""
    now_ns = disk.now_ns()
    extras: list[Extra] = []
    absent: list[str] = []
    for path in paths:
        try:
            stamp = disk.stamp(path)
            plain = stamp == disk.stamp(path, follow=False)
            extras.append(Extra(path, settled(stamp, now_ns) if plain else NO_STAMP))
        except (FileNotFoundError, NotADirectoryError):
            absent.append(path)
        except OSError:
            extras.append(Extra(path, NO_STAMP))
    return tuple(extras), tuple(absent)


def answers(snapshot: Snapshot) -> bool:
    """Whether equal stamps are all there is to `wasmill build`: no warnings to repeat, nothing racy, in memory or
    behind a link, no settings from elsewhere."""
    return (
        snapshot.settings == PLAIN
        and snapshot.quiet
        and bool(snapshot.project and snapshot.known)
        and not snapshot.links
        and not snapshot.problems
        and all(one.stamp != NO_STAMP for one in snapshot.known)
        and all(one.stamp != NO_STAMP for one in snapshot.folders)
        and all(one.stamp != NO_STAMP for one in snapshot.extras)
    )


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
    modules = absent = 0
    names: list[str] = [""]
    compared: list[bytes | int] = []
    if answers(snapshot):
        modules, absent = len(snapshot.known), len(snapshot.absent)
        paths, stamps = stamped(snapshot)
        paths.extend(extra.path for extra in snapshot.extras)
        stamps.extend(extra.stamp for extra in snapshot.extras)
        names = [snapshot.project, *snapshot.absent, *paths]
        compared += map(_path_bytes, snapshot.absent)
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
            front,
            middle,
            back,
        )
    )


def decode(data: bytes) -> Snapshot | None:
    """The snapshot in a file; None for anything odd: truncated, damaged, of another version."""
    if len(data) < _HEADER or not data.startswith(MAGIC):
        return None
    start = _HEADER + int.from_bytes(data[16:24], "little") + int.from_bytes(data[24:32], "little")
    back = data[start:]
    if xxh3_128_digest(back) != data[32:_HEADER]:
        return None
    try:
        snapshot = _decoder.decode(back)
    except UNREADABLE:
        return None
    return snapshot if _stays_inside(snapshot) else None


def _stays_inside(snapshot: Snapshot) -> bool:
    """Whether all sources lie under the root, and no path has a NUL in it, which `lstat` has a ValueError for."""
    inner = [*(one.path for one in snapshot.known), *(one.path for one in snapshot.folders)]
    paths = [*inner, snapshot.root, *(extra.path for extra in snapshot.extras), *snapshot.absent]
    if "\0".join(paths).count("\0") >= len(paths):
        return False
    return "/../" not in f"/{'/ /'.join(inner)}/" and not any(path[:1] == "/" for path in inner)


def _path_bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
