"""What the API asks the planner, and what a build has answered."""

from __future__ import annotations

from typing import Union

import msgspec

from actors.digests import Digest
from actors.messages.base import Message, MessagePart, Request
from actors.messages.sources import FolderStamp, SourcesRead
from actors.result import Result


class Destination(MessagePart, frozen=True):
    """Where a program is written, and what it replaces. `path` is absolute, "" for none. `listing` is the absolute path
    of the list of written files; `Publish` has that, `within` and `owner`."""

    path: str = ""
    within: tuple[str, ...] = ()
    listing: str = ""
    owner: str = ""


class SnapshotSettings(MessagePart, frozen=True):
    """What the snapshot of a build is called, and what beside the sources it is compared with. All paths are
    absolute."""

    name: str = ""
    """A file name without folders, "" for no snapshot."""
    extras: tuple[FolderStamp, ...] = ()
    """Other files whose change asks for a build, as they were when read."""
    absent: tuple[str, ...] = ()
    """Files that would matter if they appeared."""
    unlinked: tuple[str, ...] = ()
    """Folders that would matter if they became links."""
    plain: str = ""
    """`snapshot.PLAIN` if every setting comes from the files in `extras`, else something that names the others."""


class BuildSettings(MessagePart, frozen=True):
    """Everything that a build is asked for. Two requests with equal settings may share one build.

    `goal`: "build", "graph" (stop after resolving) or "lookup" (stop after computing keys, and ask the cache for
    them). `entry` is a module name, "" for none. `options` are those that change code.
    """

    goal: str = "build"
    lookup: tuple[str, ...] = ()
    """Modules to look up (goal "lookup")."""
    project: str = ""
    """The absolute folder that the build was asked for."""
    root: str = ""
    """The absolute source root, "" if there is no folder."""
    profile: str = "dev"
    entry: str = ""
    entry_named: bool = False
    """The entry was asked for by name, so it is an error if it is missing."""
    target: str = "wasm32-wasi"
    options: dict[str, str] = msgspec.field(default_factory=dict)
    invalidation: str = "transitive"
    jobs: int = 1
    keep_going: bool = True
    force: bool = False
    verify: float = 0.0
    """The share (0 to 1) of the objects that are compiled again, with nothing reused, and compared."""
    verify_seed: int = 0
    destination: Destination = Destination()
    snapshot: SnapshotSettings = SnapshotSettings()


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
    """How a build ended. A `cancelled` build has left snapshot and program as they were. `modules` and `edges` are the
    answer to the goal "graph", `lookups` to the goal "lookup"."""

    build: int
    result: Result[str]
    cancelled: bool = False
    modules: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    lookups: tuple[Lookup, ...] = ()


class Build(Request[BuildDone], frozen=True):
    build: int
    settings: BuildSettings


class CancelBuild(Message, frozen=True):
    """The token of a build was set. Nobody is sent this, because actors look at the token. The tap sees it, so that a
    recording holds everything that happened."""

    build: int


class Nudged(Message, frozen=True):
    """An actor looked at something that is in no message. Nobody is sent this either."""


ToPlanner = Union[Build, SourcesRead]
