"""One build, as the planner follows it: what has arrived, where each module stands, what was found to say.

Plain and synchronous: the planner (the actor) sends what this decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from actors.compiler.toolchain import Object, Toolchain
from actors.diagnostics import Diagnostic
from actors.digests import Digest, Stamp
from actors.messages import (
    Build,
    BuildDone,
    BuildSettings,
    CacheEntry,
    LinkDone,
    NewEntry,
    Record,
    ScanEnd,
    Source,
    SourcesRead,
)
from actors.planner.facts import Facts
from actors.planner.fingerprints import Fingerprint
from actors.planner.schedule import Estimates, ReadyHeap, Work
from actors.planner.state import Plan, PlannedModule, State, States
from actors.result import Difference, Reason

ATTEMPTS = 3
"""How often a module is planned when its source changes under the build: once, and twice again."""


class Phase(Enum):
    """Where a build stands. Those that end in -ED wait for nothing: the planner moves on at its next step."""

    SCANNING = 0
    SCANNED = 1  # The sources are known, or were looked at again: plan with them.
    LOOKING = 2  # Go on making facts.
    SUMMARISING = 3
    INFERRING = 4
    LOOKING_UP = 5  # Only what the cache has is asked for.
    FINDING = 6
    COMPILING = 7
    COMPILED = 8
    VERIFYING = 9
    VERIFIED = 10
    LINKING = 11
    FINISHED = 12
    RECORDING = 13
    ANSWERED = 14


_NEXT: dict[Phase, frozenset[Phase]] = {
    # Answered at once where nothing changed, and the last build of this Project had found that already.
    Phase.SCANNING: frozenset((Phase.SCANNED, Phase.ANSWERED)),
    Phase.SCANNED: frozenset((Phase.LOOKING,)),
    # Summarise and infer as often as something is missing. On to the program's place where the last build answers for
    # all; that is finished where there is none. A graph is answered.
    Phase.LOOKING: frozenset(
        (
            Phase.SUMMARISING,
            Phase.INFERRING,
            Phase.LOOKING_UP,
            Phase.FINDING,
            Phase.LINKING,
            Phase.FINISHED,
            Phase.ANSWERED,
        )
    ),
    Phase.SUMMARISING: frozenset((Phase.LOOKING,)),
    Phase.INFERRING: frozenset((Phase.LOOKING,)),
    Phase.LOOKING_UP: frozenset((Phase.FINISHED,)),
    Phase.FINDING: frozenset((Phase.COMPILING,)),
    # Back where a source changed under the build, or more must be looked at.
    Phase.COMPILING: frozenset((Phase.COMPILED, Phase.SCANNED)),
    Phase.COMPILED: frozenset((Phase.VERIFYING, Phase.VERIFIED)),
    Phase.VERIFYING: frozenset((Phase.VERIFIED, Phase.SCANNED)),
    Phase.VERIFIED: frozenset((Phase.LINKING,)),
    # Back to compiling where an object is lost, and further where too little was looked at to compile it.
    Phase.LINKING: frozenset((Phase.LINKING, Phase.FINISHED, Phase.COMPILING, Phase.SCANNED)),
    Phase.FINISHED: frozenset((Phase.RECORDING,)),
    Phase.RECORDING: frozenset((Phase.ANSWERED,)),
    Phase.ANSWERED: frozenset(),
}
"""From any of them a build that was cancelled goes to RECORDING."""


class Run:
    """The state of one build. `awaited` counts the answers that must come before the next phase; `begun`:
    the keeper knows of the build."""

    def __init__(self, request: Build, reply: Callable[[BuildDone], None], began: float) -> None:
        self.id = request.build
        self.settings: BuildSettings = request.settings
        self.reply = reply
        self.began = began
        self.read: list[Source] = []
        self.vanished: list[str] = []
        self.end: ScanEnd | None = None
        self.awaited = 0
        self.begun = False
        self.replan = False
        self.degraded: str | None = None
        self.cache_needed_bytes = 0
        self.diagnostics: list[Diagnostic] = []
        self.attempts: dict[str, int] = {}
        self.looked_up: dict[str, CacheEntry] = {}
        self.fresh: dict[Digest, bytes] = {}
        self.made: dict[str, Object] = {}
        self.made_for: dict[str, Digest] = {}
        self.made_ms: dict[str, float] = {}
        self.to_store: list[NewEntry] = []
        self.to_store_ms = 0.0
        """What making these has cost."""
        self.storing = False
        self.compilations = 0
        self.missed: set[str] = set()
        self.linked_modules: list[str] = []
        self.linker: Toolchain | None = None
        self.program_manifest = b""
        self.program_key: Digest = ""
        self.program: Digest = ""
        self.program_stamp: Stamp | None = None
        self.program_file = ""
        self.program_link: Stamp | None = None
        self.program_failed = False
        self.program_lost = False
        self.published = False
        self.reasons: dict[str, Reason] = {}
        self.verified: list[str] = []
        self.differences: list[Difference] = []
        self.linked: LinkDone | None = None
        """The answer of the link, kept until what it found can be said."""
        self.link_needs: set[Digest] | None = None
        """The objects that the link must have at hand; None: all."""
        self.link_state: Digest = ""
        """What the link left for those of later processes."""
        self.program_expected: Digest = ""
        """Of a verified build: the program that the cache, or the last build, has for these objects."""
        self.before: Plan | None = None
        """What the last finished build had left behind, once this one leaves its own."""
        self.record: Record | None = None
        """What the build left."""
        self.done: BuildDone | None = None
        """Its answer, as soon as there is one."""
        self.phase = Phase.SCANNING
        self._reset()

    def go(self, phase: Phase) -> None:
        """The build goes on to another phase. A step that makes no sense is a bug."""
        if phase not in _NEXT[self.phase] and phase is not Phase.RECORDING:
            raise RuntimeError(f"a build cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase

    @property
    def shared(self) -> bool:
        """Whether other processes may be building on the same cache, and what they do is of use to this build."""
        return bool(self.settings.snapshot) and not self.settings.force

    def restart(self) -> None:
        """Forget where the modules stand: they are about to be looked at (again). What was made stays made."""
        self.go(Phase.LOOKING)
        self._reset()

    def _reset(self) -> None:
        self.settled: Mapping[str, PlannedModule] = {}
        self.from_plan = False
        self.states = States()
        self.ready = Work(self.shared)
        self.fitted = ReadyHeap()
        """Those of the ready modules of which is known what may be reused."""
        self.fingerprints: dict[str, dict[str, Fingerprint]] = {}
        self.fragments: dict[str, dict[Digest, bytes]] = {}
        """Of fitted modules, by module and fingerprint."""
        self.given_back: set[str] = set()
        """Modules whose object is one that the cache had for another key."""
        self.fitting: tuple[str, ...] = ()
        """Modules whose fragments the keeper looks for at the moment."""
        self.estimates = Estimates()
        self.costs: dict[str, float] = {}
        self.ahead_ms = 0.0
        """About how long it takes to summarise and compile what is known to be waiting for that."""
        self.priorities: dict[str, float] = {}
        self.condemned: dict[str, list[Diagnostic]] = {}
        self.errors: dict[str, list[Diagnostic]] = {}
        self.silent: dict[str, list[Diagnostic]] = {}
        """Modules that have no object, because of what others are to tell, and what to say should nobody tell it. They
        count as running until all others have ended."""
        self.warnings: dict[str, tuple[Diagnostic, ...]] = {}
        self.blocked_by: dict[str, str] = {}
        self.objects: dict[str, Digest] = {}
        self.durations: dict[str, float] = {}
        self.function_counts: dict[str, int] = {}
        self.program = self.program_key = ""

    def settle(self, modules: Iterable[str], settled: Mapping[str, PlannedModule]) -> None:
        """The last build answers for the modules that are `settled`; every other one is wanted."""
        self.settled = settled
        self.states.settle(settled)
        for module in modules:
            if module not in settled:
                self.states.add(module)
        self.objects = {module: one.object for module, one in settled.items()}
        self.durations = {module: one.duration_ms for module, one in settled.items()}
        self.function_counts = {module: one.functions for module, one in settled.items()}
        self.warnings = {module: one.warnings for module, one in settled.items() if one.warnings}

    def arrived(self, message: SourcesRead) -> None:
        self.read += message.sources
        self.vanished += message.vanished
        if message.end is not None:
            self.end = message.end

    def note(self, degraded: str | None) -> None:
        """The cache could not do its part; the first reason is the one that is told."""
        if degraded and self.degraded is None:
            self.degraded = degraded

    # ---- failures

    def condemn(self, module: str, found: Iterable[Diagnostic]) -> None:
        """A module is wrong whatever its compile says."""
        self.condemned.setdefault(module, []).extend(found)

    def fail(self, module: str, found: Iterable[Diagnostic], facts: Facts) -> list[str]:
        """A module failed: everything that depends on it is blocked, unless it stands in a cycle with it. Returns the
        modules that became blocked. Errors of a module that stands above the failed one are dropped: which of two
        failures came first must not show."""
        self.errors[module] = list(found)
        self.states.set(module, State.FAILED)
        newly: list[str] = []
        graph = facts.graph
        component = graph.component_of[module]
        for dependent in sorted(graph.transitive_dependents([module])):
            if graph.component_of[dependent] == component or self.states[dependent] is State.BLOCKED:
                continue
            if self.states[dependent] is State.RUNNING:
                self.blocked_by.setdefault(dependent, module)
                continue
            self.block(dependent, module)
            newly.append(dependent)
        self.ready.discard(newly)
        self.fitted.discard(newly)
        return newly

    def block(self, module: str, by: str) -> None:
        self.states.set(module, State.BLOCKED)
        self.blocked_by.setdefault(module, by)
        self.errors.pop(module, None)
        self.warnings.pop(module, None)

    def only_silent_left(self) -> bool:
        """Whether all modules but the silent ones, and those that wait for them, have ended."""
        counts = self.states.counts
        return bool(self.silent) and self.states.open_count == len(self.silent) + counts[State.WAITING]

    def blame(self, facts: Facts) -> list[tuple[str, str]]:
        """The silent modules, each with the failed one that it is built upon, or stands in a circle with; "" where
        there is none."""
        failed = set(self.states.members(State.FAILED))
        below = facts.graph.transitive_imports
        return [(module, min(failed & below([module]), default="")) for module in sorted(self.silent)]

    def already_blocked(self, module: str, facts: Facts) -> str:
        """The failed module outside of this one's cycle that it depends on, or ""."""
        if module in self.blocked_by:
            return self.blocked_by[module]
        if not self.states.counts[State.FAILED]:
            return ""
        graph = facts.graph
        component = graph.component_of[module]
        for below in sorted(graph.transitive_imports([module])):
            if graph.component_of[below] != component and self.states[below] is State.FAILED:
                return below
        return ""

    # ---- objects

    def may_retry(self, module: str) -> bool:
        """Whether the module may be planned once more after its source changed."""
        self.attempts[module] = self.attempts.get(module, 1) + 1
        return self.attempts[module] <= ATTEMPTS

    def compiled(self, module: str, key: Digest, made: Object, object_digest: Digest, duration_ms: float) -> None:
        """A module's object was made."""
        self.made_for[module] = key
        self.made_ms[module] = duration_ms
        self.objects[module] = object_digest
        self.fresh[object_digest] = made.data
        self.made[module] = made
        self.warnings[module] = made.warnings
        self.durations[module] = duration_ms
        self.function_counts[module] = len(made.functions)
        self.compilations += 1

    def hit(
        self, module: str, object_digest: Digest, duration_ms: float, functions: int, warnings: tuple[Diagnostic, ...]
    ) -> None:
        """The cache has the module's object."""
        self.objects[module] = object_digest
        self.durations[module] = duration_ms
        self.function_counts[module] = functions
        self.warnings[module] = warnings
        self.states.set(module, State.HIT)

    @property
    def with_inputs(self) -> set[str]:
        """Modules whose compile found inputs that no manifest names. Nobody checks these yet, so such an object is good
        for this build alone: it is not stored, and the plan of this build answers for nothing."""
        return {module for module, made in self.made.items() if made.discovered}

    def looked_up_in_vain(self) -> list[str]:
        """The modules of a look-up that the cache has no object of, or a damaged one."""
        found = {module for module, entry in self.looked_up.items() if entry.digest in self.fresh}
        return [module for module in dict.fromkeys(self.settings.lookup) if module not in found]

    # ---- the end

    @property
    def succeeded(self) -> bool:
        counts = self.states.counts
        return (
            not counts[State.FAILED]
            and not counts[State.BLOCKED]
            and not self.program_failed
            and not any(found.severity == "error" for found in self.diagnostics)
        )

    def all_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything there is to say, by file and place: errors of failed modules, warnings of those that are well."""
        found = list(self.diagnostics)
        for module, errors in self.errors.items():
            if self.states[module] is State.FAILED:
                found += errors
        for module, warnings in self.warnings.items():
            if self.states[module] in (State.HIT, State.COMPILED):
                found += warnings
        return tuple(sorted(found, key=lambda one: (one.file, one.line, one.column, one.code, one.message)))
