"""Where each module stands in a build, and what a build leaves behind for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import msgspec

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest, are_digests, digest
from actors.messages import BuildSettings, InputFile
from actors.planner import keys
from actors.untrusted import UNREADABLE


class State(IntEnum):
    """Where a module stands. The comments say what holds."""

    WANTED = 0  # Its key is known.
    HIT = 1  # The cache has an object for its key.
    WAITING = 2  # The cache has none, and the toolchain needs imports' objects that are not there yet.
    READY = 3  # The cache has none; it is in the ready heap.
    RUNNING = 4  # A worker has it.
    COMPILED = 5  # Its object is made; it is stored, or will be.
    FAILED = 6  # Its own sources are wrong.
    BLOCKED = 7  # It depends on one that failed.


ENDED = frozenset((State.HIT, State.COMPILED, State.FAILED, State.BLOCKED))

_ALLOWED: dict[State, frozenset[State]] = {
    State.WANTED: frozenset((State.HIT, State.WAITING, State.READY, State.FAILED, State.BLOCKED)),
    # A hit whose bytes turn out to be gone is compiled after all; one made earlier in this build counts as compiled.
    State.HIT: frozenset((State.READY, State.WAITING, State.BLOCKED, State.COMPILED)),
    State.WAITING: frozenset((State.READY, State.BLOCKED)),
    # A hit after all: another process made it meanwhile. Compiled at once: its object of the last build is reused.
    State.READY: frozenset((State.RUNNING, State.BLOCKED, State.HIT, State.COMPILED)),
    # Ready again: its source changed under the worker.
    State.RUNNING: frozenset((State.COMPILED, State.FAILED, State.BLOCKED, State.READY)),
    # Its stored bytes were lost before they were used.
    State.COMPILED: frozenset((State.READY, State.BLOCKED)),
    # It depends on one that failed later: only the errors of that one are reported.
    State.FAILED: frozenset((State.BLOCKED,)),
    State.BLOCKED: frozenset(),
}


class States:
    """The state of every module, changed by one function that keeps count."""

    def __init__(self) -> None:
        self._of: dict[str, State] = {}
        self.counts: dict[State, int] = dict.fromkeys(State, 0)

    def __getitem__(self, module: str) -> State:
        return self._of[module]

    def begin_with_hits(self, modules: Iterable[str]) -> None:
        """Begin with these modules, all hits: the last build answers for them."""
        self._of = dict.fromkeys(modules, State.HIT)
        self.counts = dict.fromkeys(State, 0) | {State.HIT: len(self._of)}

    def add(self, module: str) -> None:
        """A module begins as wanted."""
        self._of[module] = State.WANTED
        self.counts[State.WANTED] += 1

    def set(self, module: str, state: State) -> None:
        """Move a module on. A step that makes no sense is a bug."""
        old = self._of[module]
        if state not in _ALLOWED[old]:
            raise RuntimeError(f"{module} cannot go from {old.name} to {state.name}")
        self._of[module] = state
        self.counts[old] -= 1
        self.counts[state] += 1

    def members(self, *states: State) -> list[str]:
        """The modules in these states, sorted."""
        return sorted(module for module, state in self._of.items() if state in states)

    @property
    def open_count(self) -> int:
        """How many modules have not come to their end."""
        return len(self._of) - sum(self.counts[state] for state in ENDED)

    @property
    def ended(self) -> bool:
        """Whether every module has come to its end."""
        return self.open_count == 0


class Row(msgspec.Struct, array_like=True, gc=False):
    """What is known of a module: a row of `table.py`, with a column for each layer. All of it is small, and enough to
    find out what an edit reaches. The values themselves (summaries, resolutions) are obtained when they are needed.

    The text that it was made from: `source` and `path`. Surface: `surface` names what others can see of the items,
    `statements` is the line of the first statement at top level (0 for none). Resolution: `imports` and `looked_at` as
    in `Resolved`, and `resolution`, the digest of the table as it enters keys ("": not made yet). `face`: what of the
    items others' keys depend on (`DeepInterfaces.face`). `inferred` names the signatures that were inferred. `key` (""
    while it has none) and `component`. `parts` names what the object is put together from ("" where that is not
    known)."""

    path: str = ""
    source: Digest = ""
    surface: bytes = b""
    statements: int = 0
    imports: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    resolution: Digest = ""
    face: Digest = ""
    inferred: bytes = b""
    component: Digest = ""
    key: Digest = ""
    parts: Digest = ""


class PlannedModule(Row, array_like=True, gc=False):
    """A row as a build leaves it for the next one, with what came of it. `marks` tell which imports changed, and
    `traces` which of the things that its functions depend on (see reasons.py). `object` is "" where the module has none
    (it failed or was blocked), `inputs` are what its compile discovered (inputs.py). Every build reports the
    `warnings` again. It is part of a plan, so nothing changes it."""

    marks: bytes = b""
    traces: bytes = b""
    object: Digest = ""
    duration_ms: float = 0.0
    functions: int = 0
    warnings: tuple[Diagnostic, ...] = ()
    inputs: tuple[Discovered, ...] = ()


class Plan(msgspec.Struct, frozen=True, array_like=True):
    """The graph, resolution and keys of the last finished build, by module. `settings` is the digest of everything else
    that enters keys; `program` the digest of the program, and `program_key` its key ("" for none). `link_state` is the
    digest of what a link left for later ones, and `link_program` that of the program it made ("" for none).
    `inputs` are all inputs of all objects, with the stamps by which the next build knows them again."""

    version: int
    toolchain: Digest
    settings: Digest
    modules: dict[str, PlannedModule]
    program_key: Digest = ""
    program: Digest = ""
    succeeded: bool = False
    link_state: Digest = ""
    link_program: Digest = ""
    inputs: tuple[InputFile, ...] = ()


def settings_digest(settings: BuildSettings) -> Digest:
    """Names everything beside the sources and the toolchain that enters keys or decides about the program; the schema
    of manifests too, so that a plan of an older one is none."""
    options = sorted(settings.options.items())
    return digest(msgspec.json.encode((keys.SCHEMA, settings.target, options, settings.invalidation, settings.entry)))


PLAN_VERSION = 6
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Plan)


def encode_plan(plan: Plan) -> bytes:
    return _encoder.encode(plan)


def decode_plan(data: bytes) -> Plan | None:
    """The plan, or None where the bytes are none of ours."""
    try:
        plan = _decoder.decode(data)
    except UNREADABLE:
        return None
    # These two become names of files.
    names = [name for one in plan.modules.values() for name in (one.key, one.object)]
    names += plan.program_key, plan.program, plan.link_state, plan.link_program
    return plan if plan.version == PLAN_VERSION and are_digests(names) else None
