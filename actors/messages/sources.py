"""The way of the sources: the API asks the scanner to look, and what it finds goes by the hasher to the planner."""

from __future__ import annotations

import msgspec

from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest, Stamp
from actors.messages.base import Message, MessagePart

# ------------------------------------------------------------------------------------------------ to the scanner


class Rules(MessagePart, frozen=True):
    """What counts as a source. Globs are relative to `root`, with `/` and `**`; `exclude` wins over `include`.

    `root` is absolute. `extensions` as the toolchains name them, with the dot. `entry` is the entry's path relative to
    `root` ("" for none): it alone may have a name that is no module name. `outputs` are absolute folders that are
    never walked (cache and output).
    """

    root: str
    extensions: tuple[str, ...]
    free: tuple[str, ...] = ()
    """Those of the extensions whose files may have any name."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    entry: str = ""
    outputs: tuple[str, ...] = ()
    programs: str = ""
    """The one of `outputs` that programs are written to, if it lies in `root`: sources in it are reported."""
    snapshot: str = ""
    """Absolute path of the snapshot file that stamps are compared with; "" for none: everything is read."""


class MemorySource(MessagePart, frozen=True):
    """A module in memory. It hides a file of the same name."""

    path: str
    data: bytes


class Scan(Message, frozen=True):
    """Asks for a look at all sources. `memory` are the modules that the Project holds in memory. Without `walk` there
    is no folder, and they are all there is. `opened` are files that the Project reads only once (settings, the
    compiler), with the stamps that they had before: they are not looked at again."""

    build: int
    rules: Rules
    memory: tuple[MemorySource, ...] = ()
    walk: bool = True
    opened: tuple[FolderStamp, ...] = ()


# ------------------------------------------------------------------------------------------------ to the hasher


class KnownSource(MessagePart, frozen=True):
    """A source whose bytes need not be read, because its stamp is the one in the snapshot. `stamp` is all zero if it
    must not be trusted next time (racy, or in memory)."""

    module: str
    path: str
    digest: Digest
    size: int
    stamp: Stamp


class FoundSource(MessagePart, frozen=True):
    """A source to read. `known` is the digest that the snapshot has for it, "" for none. `data` is its text if it is in
    memory. `stamp` is what the walk saw."""

    module: str
    path: str
    stamp: Stamp | None = None
    known: Digest = ""
    data: bytes | None = None


class FolderStamp(MessagePart, frozen=True):
    """A folder that was walked; `path` relative to the root, "" for the root itself."""

    path: str
    stamp: Stamp


class ScanEnd(MessagePart, frozen=True):
    """What the last batch of a scan adds. `unchanged` is the whole rest of the project. `taken_ns` is the file system's
    time just before the walk began: a stamp that is not safely older is racy. `problems` are errors and warnings of the
    scanner itself (names that collide, unreadable folders, skipped files)."""

    unchanged: tuple[KnownSource, ...] = ()
    removed: tuple[str, ...] = ()
    folders: tuple[FolderStamp, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    links: bool = False
    """Some source is a link. `uptodate` then declines, because it looks at one stamp a file."""
    taken_ns: int = 0
    rules: Digest = ""
    """Names the rules of this walk. A snapshot answers for its folders only under equal rules."""
    same: bool = False
    """Everything is as the snapshot says, including the other files that it stamps. Nothing has to be written again
    unless the settings differ from those in `beside_snapshot`."""
    beside_snapshot: Digest | None = None
    """Names what the snapshot that stamps were compared with says beside the sources (`snapshot.beside_sources`)."""
    snapshot: Stamp = NO_STAMP
    """The stamp of that snapshot's file if nothing differs from it and files hold all modules: what a build answered
    that was compared with the very same file is true again. Every build of any process that writes the snapshot gives
    it another stamp. `NO_STAMP` otherwise."""
    beside: tuple[str, ...] = ()
    programs: str = ""
    """The folder of programs (`Rules`), and what lies in it beside them (`walk.beside_programs`)."""
    held: dict[str, bytes] = msgspec.field(default_factory=dict)
    """The texts of modules in memory, including the unchanged ones, because no file holds them."""


class SourcesFound(Message, frozen=True):
    build: int
    root: str
    found: tuple[FoundSource, ...] = ()
    end: ScanEnd | None = None


# ------------------------------------------------------------------------------------------------ to the planner


class Source(MessagePart, frozen=True):
    """A source that was read: normalised bytes and their digest. `error` is set if it could not be read (then `data` is
    empty): unreadable, too large, invalid UTF-8."""

    module: str
    path: str
    digest: Digest
    data: bytes
    stamp: Stamp
    error: Diagnostic | None = None
    in_memory: bool = False
    """No file holds these bytes: who needs them later must be given them."""


class SourcesRead(Message, frozen=True):
    """`vanished` are modules that the scanner found and the hasher could not open because they are gone."""

    build: int
    sources: tuple[Source, ...] = ()
    vanished: tuple[str, ...] = ()
    end: ScanEnd | None = None
