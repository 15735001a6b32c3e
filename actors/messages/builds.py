"""What the API asks the planner, and what a build has answered."""

from __future__ import annotations

from typing import Union

import msgspec

from actors.digests import Digest
from actors.messages.base import Message, MessagePart, Request
from actors.messages.sources import FolderStamp, SourcesRead
from actors.result import Result


class BuildSettings(MessagePart, frozen=True):
    """Everything that a build is asked for. Two requests with equal settings may share one build.

    `goal`: "build", "graph" (stop after resolving) or "lookup" (stop after computing keys, and ask the cache for
    them). `entry` is a module name, "" for none. `output` is the absolute path of the program to write, "" for none.
    `options` are those that change code. `outputs_list` is the absolute path of the list of written files; see
    `Publish` for that, `within` and `owner`.
    """

    goal: str = "build"
    root: str = ""
    """The absolute source root, "" if there is no folder."""
    profile: str = "dev"
    invalidation: str = "transitive"
    jobs: int = 1
    entry: str = ""
    entry_named: bool = False
    """The entry was asked for by name, so it is an error if it is missing."""
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
    """Other files whose change asks for a build (absolute paths), as they were when read."""
    absent: tuple[str, ...] = ()
    """Files that would matter if they appeared (absolute paths)."""
    unlinked: tuple[str, ...] = ()
    """Folders that would matter if they became links (absolute paths)."""
    verify: float = 0.0
    """The share (0 to 1) of the objects that are compiled again, with nothing reused, and compared."""
    verify_seed: int = 0
    plain: str = ""
    """`snapshot.PLAIN` if every setting comes from the files in `extras`, else something that names the others."""


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
