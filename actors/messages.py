"""Every message that crosses a channel: frozen Structs that all encode and decode, one tagged union per inbox.

Handles, locks, files and cancellation tokens are never part of a message: a build is named by its number, and what
else belongs to it is looked up by that number. So the tap can record a build, the harness can replay it, and a job can
cross a process border. Cheap things travel in batches, so the number of messages grows with what changed.
"""

from __future__ import annotations

from typing import Union

import msgspec

from actors.compiler.toolchain import (
    Compiled,
    CompileJob,
    Discovered,
    Inference,
    Linked,
    LinkJob,
    Summarised,
    SummariseJob,
)
from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest, Stamp
from actors.result import Result

BATCH = 64
"""How many modules travel in one message."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="message", omit_defaults=True):
    """Base of everything that is told, posted or replied."""


class MessagePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of the pieces that messages are made of."""


# ------------------------------------------------------------------------------------------------ to the scanner


class Rules(MessagePart, frozen=True):
    """What counts as a source. Globs are relative to `root`, with `/` and `**`; `exclude` wins over `include`.

    `root` is absolute. `extensions` as the toolchains name them, with the dot. `entry` is the entry's path relative to
    `root` ("" for none): it alone may have a name that is no module name. `outputs` are absolute folders that are
    never walked (cache and output).
    """

    root: str
    extensions: tuple[str, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    entry: str = ""
    outputs: tuple[str, ...] = ()
    programs: str = ""
    """The one of `outputs` that programs are written to, where it lies in `root`: sources in it are told of."""
    snapshot: str = ""
    """Absolute path of the snapshot file that stamps are compared with; "" for none: everything is read."""


class MemorySource(MessagePart, frozen=True):
    """A module in memory. It hides a file of the same name."""

    path: str
    data: bytes


class Scan(Message, frozen=True):
    """Look at all sources. `memory` are the modules that the Project holds in memory; without `walk` there is no
    folder, and they are all."""

    build: int
    rules: Rules
    memory: tuple[MemorySource, ...] = ()
    walk: bool = True
    force: bool = False
    """Read everything, whatever the stamps say."""


ToScanner = Scan

# ------------------------------------------------------------------------------------------------ to the hasher


class KnownSource(MessagePart, frozen=True):
    """A source whose bytes need not be read: its stamp is the one in the snapshot. `stamp` is all zero when it must
    not be trusted next time (racy, or in memory)."""

    module: str
    path: str
    digest: Digest
    size: int
    stamp: Stamp


class FoundSource(MessagePart, frozen=True):
    """A source to read. `known` is the digest that the snapshot has for it, "" for none; `data` is its text when it is
    in memory. `stamp` is what the walk saw."""

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
    time just before the walk began: a stamp not safely older than it is racy. `problems` are errors and warnings that
    the scanner itself has to report (names that collide, unreadable folders, skipped files)."""

    unchanged: tuple[KnownSource, ...] = ()
    removed: tuple[str, ...] = ()
    folders: tuple[FolderStamp, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    links: bool = False
    """Some source is a link: `uptodate` then declines, for it looks at one stamp a file."""
    taken_ns: int = 0
    rules: Digest = ""
    """Names the rules of this walk: a snapshot answers for its folders only under equal ones."""
    same: bool = False
    """Everything is as the snapshot says, the other files that it stamps included: there is nothing to record anew,
    unless the settings are others than those `recorded`."""
    recorded: Digest | None = None
    """Names what the snapshot that stamps were compared with says beside the sources (`snapshot.beside_sources`)."""
    snapshot: Stamp = NO_STAMP
    """The stamp of that snapshot's file, where nothing differs from it and files hold all modules: what a build
    answered that was compared with the very same file is true again. Every build that writes the snapshot, in whatever
    process, gives it another stamp. `NO_STAMP` otherwise."""
    beside: tuple[str, ...] = ()
    programs: str = ""
    """The folder of programs (`Rules`), and what lies in it beside them (`walk.beside_programs`)."""
    held: dict[str, bytes] = msgspec.field(default_factory=dict)
    """The texts of modules in memory, those of `unchanged` among them: no file holds them."""


class SourcesFound(Message, frozen=True):
    build: int
    root: str
    found: tuple[FoundSource, ...] = ()
    end: ScanEnd | None = None


ToHasher = SourcesFound

# ------------------------------------------------------------------------------------------------ to the planner


class Source(MessagePart, frozen=True):
    """A source that was read: normalised bytes and their digest. `error` is set where it could not be (then `data` is
    empty): unreadable, too large, invalid UTF-8."""

    module: str
    path: str
    digest: Digest
    data: bytes
    stamp: Stamp
    error: Diagnostic | None = None
    in_memory: bool = False
    """No file holds these bytes: whoever needs them later must be given them."""


class SourcesRead(Message, frozen=True):
    """`vanished` are modules that the scanner found and the hasher could not open any more because they are gone."""

    build: int
    sources: tuple[Source, ...] = ()
    vanished: tuple[str, ...] = ()
    end: ScanEnd | None = None


class BuildSettings(MessagePart, frozen=True):
    """Everything that a build is asked for. Two requests with equal settings may share one build.

    `goal`: "build", "graph" (stop after resolving) or "lookup" (stop after computing keys, and ask the cache for
    them). `entry` is a module name, "" for none. `output` is the absolute path of the program to write, "" for none.
    `options` are those that change code. `outputs_list` is the absolute path of the list of written files; for that,
    `within` and `owner` see `Publish`.
    """

    goal: str = "build"
    root: str = ""
    """The absolute source root, "" where there is no folder."""
    profile: str = "dev"
    invalidation: str = "transitive"
    jobs: int = 1
    entry: str = ""
    entry_named: bool = False
    """The entry was asked for by name: that it is missing is an error."""
    output: str = ""
    within: tuple[str, ...] = ()
    outputs_list: str = ""
    owner: str = ""
    target: str = "wasm32-wasi"
    options: dict[str, str] = msgspec.field(default_factory=dict)
    keep_going: bool = True
    force: bool = False
    snapshot: str = ""
    """Name of the snapshot (a file name without folders), "" for none."""
    lookup: tuple[str, ...] = ()
    """Modules to look up (goal "lookup")."""
    project: str = ""
    """The absolute folder that the build was asked for, for the snapshot."""
    extras: tuple[FolderStamp, ...] = ()
    """Files that are no sources and whose change asks for a build (absolute paths), as they were when read."""
    absent: tuple[str, ...] = ()
    """Files that would matter if they appeared (absolute paths)."""
    unlinked: tuple[str, ...] = ()
    """Folders that would matter if they became links (absolute paths)."""
    verify: float = 0.0
    """The share (0 to 1) of the objects that are compiled again, with nothing reused, and compared."""
    verify_seed: int = 0
    plain: str = ""
    """`snapshot.PLAIN` where every setting comes from the files in `extras`, else something that names the others."""


class Build(Message, frozen=True):
    """A request; the reply is a `BuildDone`."""

    build: int
    settings: BuildSettings


class CancelBuild(Message, frozen=True):
    """The token of a build was set. Nobody is sent this: actors look at the token. The tap sees it, so that what it
    records is all that happened."""

    build: int


class Nudged(Message, frozen=True):
    """An actor looked at what is in no message. Nobody is sent this either."""


class Edge(MessagePart, frozen=True):
    """`module` depends on `imported`."""

    module: str
    imported: str


class Lookup(MessagePart, frozen=True):
    """What the cache says of a module: its key, and the object where there is one."""

    module: str
    key: Digest = ""
    digest: Digest = ""
    data: bytes | None = None


class BuildDone(Message, frozen=True):
    """How a build ended. `cancelled` builds have done nothing to snapshot and program. `modules` and `edges` are the
    answer to the goal "graph", `lookups` to the goal "lookup"."""

    build: int
    result: Result[str]
    cancelled: bool = False
    modules: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    lookups: tuple[Lookup, ...] = ()


# ------------------------------------------------------------------------------------------------ to the workers


class RunSummarise(Message, frozen=True):
    """A batch of modules to summarise; the other fields as in `RunCompile`."""

    build: int
    jobs: tuple[SummariseJob, ...]
    digests: tuple[Digest, ...] = ()
    root: str = ""
    ahead_ms: float = 0.0


class RunCompile(Message, frozen=True):
    """A batch of modules worth about 40 ms, or one larger one. `digests` are those that the keys were made from, in the
    order of `jobs`; a job whose `source` is empty is read by the worker, from `root`, and compared with its digest.
    `ahead_ms` is about how long all the work takes that the build still has before it, this job included."""

    build: int
    jobs: tuple[CompileJob, ...]
    digests: tuple[Digest, ...] = ()
    root: str = ""
    ahead_ms: float = 0.0


class RunLink(Message, frozen=True):
    """`toolchain` is the name of the one that links. `again`: with objects that it had asked for."""

    build: int
    job: LinkJob
    toolchain: str = ""
    validate: bool = True
    again: bool = False


class RunInfer(Message, frozen=True):
    """Modules whose inferred signatures are wanted; the fields as in `RunCompile`. Reply: `InferDone`."""

    build: int
    jobs: tuple[CompileJob, ...]
    digests: tuple[Digest, ...] = ()
    root: str = ""
    ahead_ms: float = 0.0


ToWorkers = Union[RunSummarise, RunInfer, RunCompile, RunLink]


class SummariseOutcome(MessagePart, frozen=True):
    """`changed`: what the file holds instead of the bytes that were asked for. `crash`: how the toolchain broke on this
    module. `source`: the text, where it was wanted."""

    module: str
    summarised: Summarised | None = None
    duration_ms: float = 0.0
    changed: Source | None = None
    crash: str = ""
    source: bytes | None = None


class SummariseDone(Message, frozen=True):
    build: int
    outcomes: tuple[SummariseOutcome, ...]


class InferOutcome(MessagePart, frozen=True):
    """As `SummariseOutcome`. A toolchain that broke gives an empty inference: the compile will tell."""

    module: str
    inference: Inference | None = None
    duration_ms: float = 0.0
    changed: Source | None = None
    crash: str = ""


class InferDone(Message, frozen=True):
    build: int
    outcomes: tuple[InferOutcome, ...]


class CompileOutcome(MessagePart, frozen=True):
    """As `SummariseOutcome`, for a compile."""

    module: str
    compiled: Compiled | None = None
    duration_ms: float = 0.0
    changed: Source | None = None
    crash: str = ""


class CompileDone(Message, frozen=True):
    build: int
    slot: int
    outcomes: tuple[CompileOutcome, ...]


class LinkDone(Message, frozen=True):
    build: int
    linked: Linked | None = None
    duration_ms: float = 0.0
    crash: str = ""


# ------------------------------------------------------------------------------------------------ to the keeper


class CacheEntry(MessagePart, frozen=True):
    """A row of the index: an object or program that the cache has. `size` in bytes. `inputs` are files that its compile
    read, and that its key does not cover: it may be used only while they are the same."""

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
    """A finished, validated result to store. `manifest` is its canonical JSON, whose digest is `key`; `kind` is
    "object", "program", or "link": what a link left for later ones. `inputs` as in `Entry`; the fragments of an object
    that has some are not reused."""

    key: Digest
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


class Begin(Message, frozen=True):
    """A build begins: pins start, and the index file is checked for being the one that is open. Reply: `Begun`."""

    build: int


class Find(Message, frozen=True):
    """Which of these keys does the cache have? Decided on rows alone. What is found is pinned until the build ends. The
    first `claim` of them are claimed, for other processes to see that this build is about to compile what is not there;
    `beside` so many others who have claimed them before. Reply: `Found`."""

    build: int
    keys: tuple[Digest, ...]
    claim: int = 0
    beside: int = 0


class Load(Message, frozen=True):
    """The bytes of these objects, checked. A damaged one is quarantined. Damaged and vanished ones are missing from the
    reply (`Loaded`): a late miss."""

    build: int
    digests: tuple[Digest, ...]


class StoreEntries(Message, frozen=True):
    """Keep these, in the order object, metadata, row. Reply: `Stored`. `force` replaces what a key has."""

    build: int
    entries: tuple[NewEntry, ...]
    force: bool = False


class FindFragments(Message, frozen=True):
    """Fragments of stored objects, by fingerprint, and whole objects, by key; checked when they are read, so what comes
    can be used. Reply: `FragmentsFound`, without those that are not there."""

    build: int
    fingerprints: tuple[Digest, ...]
    objects: tuple[Digest, ...] = ()


class FindSummaries(Message, frozen=True):
    """Summaries as encoded by whoever stored them, by whatever names their source: its digest and its path, for a text
    may say something else in another place. Reply: `SummariesFound`."""

    build: int
    identity: Digest
    sources: tuple[str, ...]


class StoreSummaries(Message, frozen=True):
    """Reply: `SummariesStored`."""

    build: int
    identity: Digest
    summaries: dict[str, bytes]


class Publish(Message, frozen=True):
    """See to it that the file at `path` (absolute, "" for no program) is the program `digest`, written atomically.
    `data` are its bytes, or empty: the keeper may take them from the cache. Links must lead into one of the folders
    `within` (none: anywhere). `listing` is the absolute path of the list of written files; what builds of the same
    `owner` wrote to other places is removed. Reply: `Published`."""

    build: int
    path: str
    digest: Digest
    data: bytes = b""
    listing: str = ""
    within: tuple[str, ...] = ()
    owner: str = ""


class Record(Message, frozen=True):
    """A build has ended: write its snapshot and the planner's memory, unpin, add to the statistics, evict. An empty
    `snapshot` name writes none. `hits` and `misses` are modules; `used` are the keys of those that an earlier build
    answered for, which nobody has looked up. Reply: `Recorded`."""

    build: int
    snapshot: str = ""
    snapshot_data: bytes = b""
    plan: bytes = b""
    compilations: int = 0
    hits: int = 0
    misses: int = 0
    saved_ms: float = 0.0
    used: tuple[Digest, ...] = ()
    finished: bool = True
    """False for a cancelled build: it is counted, and its pins go; nothing else is written."""


class RecallPlan(Message, frozen=True):
    """The planner's memory of the last finished build of this snapshot name. Reply: `PlanRecalled`."""

    build: int
    snapshot: str


class Statistics(Message, frozen=True):
    """Reply: `CacheStatistics`."""


class ResetStatistics(Message, frozen=True):
    """Reply: `CacheStatistics`, all zero but for what is on disk."""


class Verify(Message, frozen=True):
    """Read everything from disk and compare with digests; quarantine what is wrong. Reply: `Verified`."""


class Collect(Message, frozen=True):
    """Garbage collection: temporary files, orphans older than an hour (`force`: all), then eviction down to the limit.
    Reply: `Collected`."""

    force: bool = False


class Clear(Message, frozen=True):
    """Remove all entries. Reply: `Collected`."""


ToKeeper = Union[
    Begin, Find, Load, StoreEntries, FindFragments, FindSummaries, StoreSummaries, Publish, Record, RecallPlan,
    Statistics, ResetStatistics, Verify, Collect, Clear,
]  # fmt: skip


class Begun(Message, frozen=True):
    """`forget`: entries were damaged or removed, so what earlier builds found in the cache may be gone."""

    degraded: str | None = None
    forget: bool = False


class Found(Message, frozen=True):
    """`taken` are those of the keys to be claimed that another process has claimed before."""

    entries: dict[Digest, CacheEntry]
    taken: tuple[Digest, ...] = ()
    degraded: str | None = None


class Loaded(Message, frozen=True):
    data: dict[Digest, bytes]
    degraded: str | None = None


class Stored(Message, frozen=True):
    """`kept` maps each key to the digest that the cache has for it now; `refused` are keys whose new bytes differ."""

    kept: dict[Digest, Digest]
    refused: tuple[Digest, ...] = ()
    degraded: str | None = None


class FragmentsFound(Message, frozen=True):
    """`objects` by key, with their bytes."""

    fragments: dict[Digest, bytes]
    objects: dict[Digest, tuple[CacheEntry, bytes]] = msgspec.field(default_factory=dict)
    degraded: str | None = None


class SummariesFound(Message, frozen=True):
    summaries: dict[str, bytes]
    degraded: str | None = None


class SummariesStored(Message, frozen=True):
    degraded: str | None = None


class Published(Message, frozen=True):
    """`written` is False where the file was these bytes already; `error` says why it could not be written (`outside`: a
    link leads out). `missing`: the cache does not have the bytes. `file` and `stamp` are those of the program itself;
    where `path` is a link, `link` is the stamp of that."""

    written: bool = False
    missing: bool = False
    file: str = ""
    stamp: Stamp | None = None
    link: Stamp | None = None
    error: str = ""
    outside: bool = False


class Recorded(Message, frozen=True):
    evicted: int = 0
    freed_bytes: int = 0
    needed_bytes: int = 0
    """Not 0: this build alone exceeds the limit, and this limit would fit."""
    degraded: str | None = None


class PlanRecalled(Message, frozen=True):
    plan: bytes = b""


class CacheStatistics(Message, frozen=True):
    """Counts since the last reset, over all processes; `entries` and `size_bytes` are what is there now. `hit_rate` is
    hits / (hits + misses), 0.0 where nothing was looked up."""

    compilations: int = 0
    hits: int = 0
    misses: int = 0
    hit_rate: float = 0.0
    evictions: int = 0
    corruptions: int = 0
    degradations: int = 0
    compiled_twice: int = 0
    """Of the compilations, those whose object another process had stored meanwhile."""
    bytes_read: int = 0
    bytes_written: int = 0
    saved_ms: float = 0.0
    entries: int = 0
    size_bytes: int = 0
    limit_bytes: int = 0


class Damage(MessagePart, frozen=True):
    """`file` relative to the cache folder; `action` says what was done: "quarantined", "row removed", ..."""

    file: str
    problem: str
    action: str
    module: str = ""
    key: Digest = ""


class Verified(Message, frozen=True):
    checked: int
    damage: tuple[Damage, ...] = ()
    degraded: str | None = None


class Collected(Message, frozen=True):
    removed_files: int = 0
    freed_bytes: int = 0
    evicted: int = 0
    busy: bool = False
    """Another process holds the lock; nothing was done."""
    left_files: int = 0
    """So many files should have gone, and would not."""
    degraded: str | None = None
    """Why not all was done: what the disk, or the index, refused first."""


KeeperReply = Union[
    Begun, Found, Loaded, Stored, FragmentsFound, SummariesFound, SummariesStored, Published, Recorded, PlanRecalled,
    CacheStatistics, Verified, Collected,
]  # fmt: skip
WorkerReply = Union[SummariseDone, InferDone, CompileDone, LinkDone]
ToPlanner = Union[Build, SourcesRead]
Reply = Union[KeeperReply, WorkerReply, BuildDone]
Tapped = Union[ToScanner, ToHasher, ToPlanner, ToWorkers, ToKeeper, Reply, CancelBuild, Nudged]
"""Everything that the tap of a system sees."""
