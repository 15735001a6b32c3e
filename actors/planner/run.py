"""One build as a whole: its settings, the phase it is in, and what becomes of each module.

What belongs to one phase is a field of that phase's step (`phases/`). Which of two failures comes first depends on the
schedule, and the result must not. So a failed module blocks everything above it, whether that was compiled or had
failed itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, IntEnum
from operator import attrgetter
from typing import NamedTuple

from actors.compiler.toolchain import Object
from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.messages import Build, BuildSettings
from actors.planner.graph import Graph
from actors.planner.schedule import Schedule
from actors.planner.table import PlannedModule

ATTEMPTS = 3
"""How often a module is planned when its source changes under the build: once, and twice again."""


class Phase(Enum):
    """Where a build stands."""

    SCANNING = 0
    ANALYSING = 1  # Facts are made of the sources. Entered again where something was missing, or a source changed.
    SUMMARISING = 2
    INFERRING = 3
    LOOKING_UP = 4  # Only what the cache has is asked for.
    FINDING = 5
    COMPILING = 6
    VERIFYING = 7
    LINKING = 8
    ENDING = 9
    ANSWERED = 10


_NEXT: dict[Phase, frozenset[Phase]] = {
    # Answered at once where nothing changed, and the last build of this Project had found that already.
    Phase.SCANNING: frozenset((Phase.ANALYSING, Phase.ANSWERED)),
    # Summarise and infer as often as something is missing. Link at once where the last build answers for every module.
    # A graph is answered.
    Phase.ANALYSING: frozenset(
        (
            Phase.SUMMARISING,
            Phase.INFERRING,
            Phase.LOOKING_UP,
            Phase.FINDING,
            Phase.LINKING,
            Phase.ANSWERED,
        )
    ),
    Phase.SUMMARISING: frozenset((Phase.ANALYSING,)),
    Phase.INFERRING: frozenset((Phase.ANALYSING,)),
    Phase.LOOKING_UP: frozenset((Phase.ENDING,)),
    Phase.FINDING: frozenset((Phase.COMPILING,)),
    # Back where a source changed under the build, or more facts are needed.
    Phase.COMPILING: frozenset((Phase.VERIFYING, Phase.ANALYSING)),
    Phase.VERIFYING: frozenset((Phase.LINKING, Phase.ANALYSING)),
    # Back to compiling where an object is lost, and further back where its module has no facts at hand to compile it.
    Phase.LINKING: frozenset((Phase.ENDING, Phase.COMPILING, Phase.ANALYSING)),
    Phase.ENDING: frozenset((Phase.ANSWERED,)),
    Phase.ANSWERED: frozenset(),
}
"""`Run.cancel` alone goes to ENDING from any of them."""


class Run:
    """The state of one build that concerns all of its phases."""

    def __init__(self, request: Build, began: float) -> None:
        self.id = request.build
        self.settings: BuildSettings = request.settings
        """Everything that the build was asked for."""
        self.began = began
        """The time in seconds at which the build was asked for."""
        self.phase = Phase.SCANNING
        self.entered = False
        """Whether the step of the phase has begun."""
        self.awaited = 0
        """Requests whose answers must come before the phase ends."""
        self.replan = False
        """A source changed, or something is gone (`analyse_again`)."""
        self.attempts: dict[str, int] = {}
        """How often a module was planned whose source changed under the build."""
        self.program_lost = False
        """The program that an earlier build left is not in the cache any more."""
        self.diagnostics: list[Diagnostic] = []
        """Those that belong to no module's compile."""
        self.degraded: str | None = None
        """Why the cache could not do its part; None while it can."""
        self.objects = Objects()
        """The objects of the modules, those of this build and of earlier ones."""
        self._reset()

    def _reset(self) -> None:
        self.states = States()
        """Where each module stands."""
        self.failures = Failures(self.states)
        """The modules that get no object, and why."""
        self.schedule = Schedule()
        """What each module costs, and how urgent it is."""

    def go(self, phase: Phase) -> None:
        """Enters another phase.

        Raises:
            RuntimeError: This phase never follows the present one.
        """
        if phase not in _NEXT[self.phase]:
            raise RuntimeError(f"a build cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase
        self.entered = False
        if phase is Phase.ANALYSING:
            self.replan = False

    def cancel(self) -> None:
        """Enters ENDING from any phase: the build was cancelled, and only its end is left."""
        self.phase, self.entered = Phase.ENDING, True

    def analyse_again(self) -> None:
        """Has the phase begin nothing new, and go back to ANALYSING when all answers are in."""
        self.replan = True

    @property
    def shared(self) -> bool:
        """Whether other processes may be building on the same cache, and what they do is of use to this build."""
        return bool(self.settings.snapshot.name) and not self.settings.force

    def restart(self) -> None:
        """Forgets where the modules stand, because the sources are looked at (again). What was made stays made."""
        self._reset()

    def start_modules(self, modules: Iterable[str], kept: Mapping[str, PlannedModule]) -> None:
        """The last build answers for the modules that are `kept`; every other one is wanted."""
        self.states.begin_with_hits(kept)
        for module in modules:
            if module not in kept:
                self.states.add(module)
        self.objects.keep(kept)

    def note_degraded(self, degraded: str | None) -> None:
        """Keeps the first reason why the cache could not do its part."""
        if degraded and self.degraded is None:
            self.degraded = degraded

    def may_retry(self, module: str) -> bool:
        """Whether the module may be planned once more after its source changed."""
        self.attempts[module] = self.attempts.get(module, 1) + 1
        return self.attempts[module] <= ATTEMPTS

    @property
    def succeeded(self) -> bool:
        """Whether nothing is wrong so far."""
        counts = self.states.counts
        return (
            not counts[State.FAILED]
            and not counts[State.BLOCKED]
            and not any(diagnostic.severity == "error" for diagnostic in self.diagnostics)
        )

    def all_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything there is to report, by file and place. Of modules: errors of those that failed, warnings of those
        that have an object."""
        diagnostics = [*self.diagnostics, *self.failures.reported()]
        for module, warnings in self.objects.warnings.items():
            if self.states[module] in (State.HIT, State.COMPILED):
                diagnostics += warnings
        return tuple(sorted(diagnostics, key=attrgetter("file", "line", "column", "code", "message")))


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
        """Begins with these modules, all hits: the last build answers for them."""
        self._of = dict.fromkeys(modules, State.HIT)
        self.counts = dict.fromkeys(State, 0) | {State.HIT: len(self._of)}

    def add(self, module: str) -> None:
        """A module begins as wanted."""
        self._of[module] = State.WANTED
        self.counts[State.WANTED] += 1

    def set(self, module: str, state: State) -> None:
        """Moves a module on. A step that makes no sense is a bug."""
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
        """How many modules have not ended."""
        return len(self._of) - sum(self.counts[state] for state in ENDED)

    @property
    def ended(self) -> bool:
        """Whether every module has ended."""
        return self.open_count == 0


class MadeObject(NamedTuple):
    """An object that this build made for a key, or took over from another key. `duration_ms` is what compiling it took,
    in this build or an earlier one."""

    key: Digest
    object: Object
    digest: Digest
    duration_ms: float


class Objects:
    """By module, `digests`, `durations` (milliseconds of the compile), `functions` (how many) and `warnings` of the
    objects that the build uses."""

    def __init__(self) -> None:
        self.made: dict[str, MadeObject] = {}
        self.compilations = 0
        self.data: dict[Digest, bytes] = {}
        """Bytes at hand: of objects just made, and of what the cache loaded."""
        self.digests: dict[str, Digest] = {}
        self.durations: dict[str, float] = {}
        self.functions: dict[str, int] = {}
        self.warnings: dict[str, tuple[Diagnostic, ...]] = {}

    def keep(self, rows: Mapping[str, PlannedModule]) -> None:
        """Begins (again) with the objects of the last build for these modules. What was made stays made."""
        self.digests = {module: row.object for module, row in rows.items()}
        self.durations = {module: row.duration_ms for module, row in rows.items()}
        self.functions = {module: row.functions for module, row in rows.items()}
        self.warnings = {module: row.warnings for module, row in rows.items() if row.warnings}

    def use(
        self, module: str, digest: Digest, duration_ms: float, functions: int, warnings: tuple[Diagnostic, ...]
    ) -> None:
        """Uses an object that is there already."""
        self.digests[module] = digest
        self.durations[module] = duration_ms
        self.functions[module] = functions
        self.warnings[module] = warnings

    def add(self, module: str, made_object: MadeObject) -> None:
        """Uses an object that was just made."""
        compiled = made_object.object
        self.made[module] = made_object
        self.data[made_object.digest] = compiled.data
        self.use(module, made_object.digest, made_object.duration_ms, len(compiled.functions), compiled.warnings)
        self.compilations += 1

    def use_made(self, module: str, key: Digest) -> bool:
        """Uses the object that this build made for this key, before another module's source changed. Returns whether
        there is one."""
        known = self.made.get(module)
        if known is None or known.key != key:
            return False
        compiled = known.object
        self.use(module, known.digest, known.duration_ms, len(compiled.functions), compiled.warnings)
        return True


class Failures:
    """The modules that get no object, and why.

    `states` are the states of the build's modules: failing and blocking moves modules there."""

    def __init__(self, states: States) -> None:
        self._states = states
        self.marked: dict[str, list[Diagnostic]] = {}
        """Modules that fail whatever their compile finds, and the errors known before it."""
        self.errors: dict[str, list[Diagnostic]] = {}
        """Of failed modules."""
        self.unexplained: dict[str, list[Diagnostic]] = {}
        """Modules that have no object because of something that another module reports, and what to report if none
        does. They count as running until all others have ended."""
        self.blocked_by: dict[str, str] = {}
        """The failed module, by blocked module. A running module may stand here before it is blocked."""

    def mark_failed(self, module: str, errors: Iterable[Diagnostic]) -> None:
        """The module fails, whatever its compile finds."""
        self.marked.setdefault(module, []).extend(errors)

    def fail(self, module: str, errors: Iterable[Diagnostic], graph: Graph) -> list[str]:
        """The module failed. Everything that depends on it is blocked, unless it is in a cycle with it. Returns the
        modules that became blocked."""
        self.errors[module] = list(errors)
        self._states.set(module, State.FAILED)
        newly: list[str] = []
        component = graph.component_of[module]
        for dependent in sorted(graph.transitive_dependents([module])):
            state = self._states[dependent]
            if graph.component_of[dependent] == component or state is State.BLOCKED:
                continue
            # A worker has it: it is blocked when its outcome is here, because only then its slot is free.
            if state is State.RUNNING:
                self.blocked_by.setdefault(dependent, module)
                continue
            self.block(dependent, module)
            newly.append(dependent)
        return newly

    def block(self, module: str, by: str) -> None:
        """The module gets no object, because `by` failed. Its own errors are dropped: had `by` failed first, nobody
        would have compiled it."""
        self._states.set(module, State.BLOCKED)
        self.blocked_by.setdefault(module, by)
        self.errors.pop(module, None)

    def blocker(self, module: str, graph: Graph) -> str:
        """The failed module outside of this one's cycle that it depends on, or ""."""
        if module in self.blocked_by:
            return self.blocked_by[module]
        if not self._states.counts[State.FAILED]:
            return ""
        component = graph.component_of[module]
        for below in sorted(graph.transitive_imports([module])):
            if graph.component_of[below] != component and self._states[below] is State.FAILED:
                return below
        return ""

    def only_unexplained_left(self) -> bool:
        """Whether all modules have ended, except the unexplained ones and those that wait for them."""
        counts = self._states.counts
        return bool(self.unexplained) and self._states.open_count == len(self.unexplained) + counts[State.WAITING]

    def explanations(self, graph: Graph) -> list[tuple[str, str]]:
        """The unexplained modules, each with the failed one that it depends on, in a cycle or not; "" where there is
        none. To be asked when all others have ended."""
        failed = set(self._states.members(State.FAILED))
        below = graph.transitive_imports
        return [(module, min(failed & below([module]), default="")) for module in sorted(self.unexplained)]

    def reported(self) -> list[Diagnostic]:
        """The errors of all modules that failed and are not blocked."""
        return [
            error for module, errors in self.errors.items() if self._states[module] is State.FAILED for error in errors
        ]
