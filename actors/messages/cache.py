"""What the planner and the API ask the keeper of the cache, and what it answers."""

from __future__ import annotations

from typing import Generic, TypeAlias

import msgspec

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest, Stamp
from actors.messages.base import A, Message, MessagePart, Request


class KeeperAnswer(Message, frozen=True):
    """Base of most answers of the keeper. `degraded` says why the build goes on without a part of the cache.

    Every answer of the keeper can be made without arguments: that one is what a cache that is turned off answers.
    """

    degraded: str | None = None


class KeeperRequest(Request[A], Generic[A], frozen=True):
    """Base of what the keeper is asked."""


class BuildRequest(KeeperRequest[A], Generic[A], frozen=True):
    """Base of what a build asks the keeper."""

    build: int


ToKeeper: TypeAlias = KeeperRequest[Message]

ENTRY_KINDS = ("object", "program", "link")
"""What an entry is: a compiled module, a program, or what a link left for later ones."""


class CacheEntry(MessagePart, frozen=True):
    """A row of the index: an object or program that the cache has. `size` in bytes. `inputs` are files that its compile
    read and that its key does not cover: it may be used only while they are the same."""

    key: Digest
    digest: Digest
    size: int
    module: str
    kind: str
    functions: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    duration_ms: float = 0.0
    inputs: tuple[Discovered, ...] = ()


class NewEntry(MessagePart, frozen=True):
    """A finished, validated result to store. `manifest` is its canonical JSON, whose digest is `key`; `digest` is that
    of `data`. Both are believed: who makes an entry has digested it, and nobody does so again. `kind` is
    one of `ENTRY_KINDS`. `inputs` as in `CacheEntry`; the fragments of an
    object that has some are not reused."""

    key: Digest
    digest: Digest
    kind: str
    module: str
    manifest: bytes
    data: bytes
    identity: Digest
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    duration_ms: float = 0.0
    inputs: tuple[Discovered, ...] = ()


class Begun(KeeperAnswer, frozen=True):
    """`forget`: entries were damaged or removed, so what earlier builds found in the cache may be gone."""

    forget: bool = False


class Begin(BuildRequest[Begun], frozen=True):
    """A build begins: pins start, and the keeper checks that the index file is still the one that it has open."""


class Found(KeeperAnswer, frozen=True):
    """`taken` are those of the keys to claim that another process has claimed before."""

    entries: dict[Digest, CacheEntry] = msgspec.field(default_factory=dict)
    taken: tuple[Digest, ...] = ()


class Find(BuildRequest[Found], frozen=True):
    """Asks which of these keys the cache has. That is decided on rows alone. What is found is pinned until the build
    ends. The first `claim` keys are claimed, so that other processes see that this build is about to compile what is
    missing. `beside` is how many others have claimed them before."""

    keys: tuple[Digest, ...]
    claim: int = 0
    beside: int = 0


class Loaded(KeeperAnswer, frozen=True):
    """Damaged and vanished objects are missing: a late miss."""

    data: dict[Digest, bytes] = msgspec.field(default_factory=dict)


class Load(BuildRequest[Loaded], frozen=True):
    """Asks for the bytes of these objects, checked. Damaged ones are quarantined."""

    digests: tuple[Digest, ...]


class Stored(KeeperAnswer, frozen=True):
    """`kept` maps each key to the digest that the cache has for it now. `refused` are keys whose new bytes differ."""

    kept: dict[Digest, Digest] = msgspec.field(default_factory=dict)
    refused: tuple[Digest, ...] = ()


class StoreEntries(BuildRequest[Stored], frozen=True):
    """Asks for these to be stored, each in the order object, metadata, row. `force` replaces what a key has."""

    entries: tuple[NewEntry, ...]
    force: bool = False


class FragmentsFound(KeeperAnswer, frozen=True):
    """What is there: fragments by fingerprint; objects by key, with their bytes."""

    fragments: dict[Digest, bytes] = msgspec.field(default_factory=dict)
    objects: dict[Digest, tuple[CacheEntry, bytes]] = msgspec.field(default_factory=dict)


class FindFragments(BuildRequest[FragmentsFound], frozen=True):
    """Asks for fragments of stored objects, by fingerprint, and for whole objects, by key. They are checked when they
    are read, so everything that comes can be used."""

    fingerprints: tuple[Digest, ...]
    objects: tuple[Digest, ...] = ()


class SummariesFound(KeeperAnswer, frozen=True):
    summaries: dict[str, bytes] = msgspec.field(default_factory=dict)


class FindSummaries(BuildRequest[SummariesFound], frozen=True):
    """Summaries, as they were encoded when they were stored. What names a source is its digest and its path, because
    the same text may say something else in another place."""

    identity: Digest
    sources: tuple[str, ...]


class SummariesStored(KeeperAnswer, frozen=True):
    pass


class StoreSummaries(BuildRequest[SummariesStored], frozen=True):
    identity: Digest
    summaries: dict[str, bytes]


class Published(Message, frozen=True):
    """`written` is False if the file had these bytes already. `error` says why it could not be written (`outside`: a
    link leads out). `missing`: the cache does not have the bytes. `file` and `stamp` are those of the program itself;
    if `path` is a link, `link` is the link's stamp."""

    written: bool = False
    missing: bool = False
    file: str = ""
    stamp: Stamp | None = None
    link: Stamp | None = None
    error: str = ""
    outside: bool = False


class Publish(BuildRequest[Published], frozen=True):
    """Asks that the file at `path` (absolute, "" for no program) be the program `digest`, written atomically.

    `data` are its bytes; if empty, the keeper takes them from the cache. Links must lead into one of the folders
    `within` (none: anywhere). `listing` is the absolute path of the list of written files: what builds of the same
    `owner` wrote to other places is removed.
    """

    path: str
    digest: Digest
    data: bytes = b""
    listing: str = ""
    within: tuple[str, ...] = ()
    owner: str = ""


class Ended(KeeperAnswer, frozen=True):
    evicted: int = 0
    freed_bytes: int = 0
    needed_bytes: int = 0
    """Not 0: this build alone exceeds the limit, and this limit would fit."""


class End(BuildRequest[Ended], frozen=True):
    """A build has ended: its snapshot and plan are written, its entries unpinned, its counts added, and entries
    evicted.

    An empty `snapshot` name writes none. `hits` and `misses` count modules. `used` are the keys of those that an
    earlier build answered for, so that nobody has looked them up.
    """

    snapshot: str = ""
    snapshot_data: bytes = b""
    plan: bytes = b""
    compilations: int = 0
    hits: int = 0
    misses: int = 0
    saved_ms: float = 0.0
    used: tuple[Digest, ...] = ()
    finished: bool = True
    """False for a cancelled build. It is counted and unpinned; nothing else is written."""


class PlanRecalled(Message, frozen=True):
    plan: bytes = b""


class RecallPlan(BuildRequest[PlanRecalled], frozen=True):
    """Asks for the plan of the last finished build of this snapshot name."""

    snapshot: str


class RemoteCounts(MessagePart, frozen=True):
    """What a remote cache was asked, since the last reset. `objects` were fetched, and right; `refused` answers were
    wrong; `errors` are calls that failed, which are no misses. `dropped` entries were to be uploaded, and there was no
    time, or no server."""

    hits: int = 0
    misses: int = 0
    objects: int = 0
    refused: int = 0
    errors: int = 0
    uploads: int = 0
    dropped: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class CacheStatistics(Message, frozen=True):
    """Counts since the last reset, over all processes; `entries` and `size_bytes` are what is there now. `hit_rate` is
    hits / (hits + misses), 0.0 if nothing was looked up."""

    compilations: int = 0
    hits: int = 0
    misses: int = 0
    hit_rate: float = 0.0
    evictions: int = 0
    corruptions: int = 0
    degradations: int = 0
    compiled_twice: int = 0
    """Compilations whose object another process had stored meanwhile."""
    bytes_read: int = 0
    bytes_written: int = 0
    saved_ms: float = 0.0
    entries: int = 0
    size_bytes: int = 0
    limit_bytes: int = 0
    remote: RemoteCounts = RemoteCounts()


class Statistics(KeeperRequest[CacheStatistics], frozen=True):
    pass


class ResetStatistics(KeeperRequest[CacheStatistics], frozen=True):
    """Asks that counts begin at zero again."""


class Damage(MessagePart, frozen=True):
    """`file` relative to the cache folder; `action` says what was done: "quarantined", "row removed", ..."""

    file: str
    problem: str
    action: str
    module: str = ""
    key: Digest = ""


class Verified(KeeperAnswer, frozen=True):
    """`checked` counts entries."""

    checked: int = 0
    damage: tuple[Damage, ...] = ()


class Verify(KeeperRequest[Verified], frozen=True):
    """Asks that everything be read from disk and compared with its digest. What is wrong is quarantined."""


class Collected(KeeperAnswer, frozen=True):
    """`degraded` says what the disk, or the index, refused first, so that not everything was done."""

    removed_files: int = 0
    freed_bytes: int = 0
    evicted: int = 0
    busy: bool = False
    """Another process holds the lock; nothing was done."""
    left_files: int = 0
    """How many files should have been removed and could not be."""


class Collect(KeeperRequest[Collected], frozen=True):
    """Asks for garbage collection: temporary files, orphans older than an hour (`force`: all), then eviction down to
    the limit."""

    force: bool = False


class Clear(KeeperRequest[Collected], frozen=True):
    """Asks for the removal of all entries."""


class Exported(KeeperAnswer, frozen=True):
    """`error` says why the file could not be written. `missing` entries were to be in it, and are gone or damaged."""

    entries: int = 0
    size_bytes: int = 0
    missing: int = 0
    error: str = ""


class ExportCache(KeeperRequest[Exported], frozen=True):
    """Asks that the entries with these keys, and those whose objects have these digests, be written into one file at
    `path` (absolute)."""

    path: str
    keys: tuple[Digest, ...] = ()
    digests: tuple[Digest, ...] = ()


class Imported(KeeperAnswer, frozen=True):
    """`error` says why nothing was taken from the file. Of its `entries`, `stored` are new here, and `refused`
    have other bytes than those that stay."""

    entries: int = 0
    stored: int = 0
    refused: int = 0
    error: str = ""


class ImportCache(KeeperRequest[Imported], frozen=True):
    """Asks that the entries of an exported file at `path` (absolute) be stored: all of them, or none if anything in the
    file is wrong."""

    path: str
