"""One build as a whole: its settings, the phase it is in, and where each module stands.

What belongs to one phase is a field of that phase's step (`phases/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from actors.diagnostics import Diagnostic
from actors.messages import Build, BuildDone, BuildSettings
from actors.planner.plan import PlannedModule
from actors.planner.schedule import Schedule
from actors.planner.states import Failures, Objects, State, States

ATTEMPTS = 3
"""How often a module is planned when its source changes under the build: once, and twice again."""


class Phase(Enum):
    """Where a build stands."""

    SCANNING = 0
    LOOKING = 1  # Facts are made of the sources. Entered again where something was missing, or a source changed.
    SUMMARISING = 2
    INFERRING = 3
    LOOKING_UP = 4  # Only what the cache has is asked for.
    FINDING = 5
    COMPILING = 6
    VERIFYING = 7
    LINKING = 8
    RECORDING = 9
    ANSWERED = 10


_NEXT: dict[Phase, frozenset[Phase]] = {
    # Answered at once where nothing changed, and the last build of this Project had found that already.
    Phase.SCANNING: frozenset((Phase.LOOKING, Phase.ANSWERED)),
    # Summarise and infer as often as something is missing. Link at once where the last build answers for every module.
    # A graph is answered.
    Phase.LOOKING: frozenset(
        (
            Phase.SUMMARISING,
            Phase.INFERRING,
            Phase.LOOKING_UP,
            Phase.FINDING,
            Phase.LINKING,
            Phase.ANSWERED,
        )
    ),
    Phase.SUMMARISING: frozenset((Phase.LOOKING,)),
    Phase.INFERRING: frozenset((Phase.LOOKING,)),
    Phase.LOOKING_UP: frozenset((Phase.RECORDING,)),
    Phase.FINDING: frozenset((Phase.COMPILING,)),
    # Back where a source changed under the build, or more facts are needed.
    Phase.COMPILING: frozenset((Phase.VERIFYING, Phase.LOOKING)),
    Phase.VERIFYING: frozenset((Phase.LINKING, Phase.LOOKING)),
    # Back to compiling where an object is lost, and further back where its module has no facts at hand to compile it.
    Phase.LINKING: frozenset((Phase.RECORDING, Phase.COMPILING, Phase.LOOKING)),
    Phase.RECORDING: frozenset((Phase.ANSWERED,)),
    Phase.ANSWERED: frozenset(),
}
"""A build that was cancelled goes to RECORDING from any of them."""


class Run:
    """The state of one build that concerns all of its phases."""

    def __init__(self, request: Build, reply: Callable[[BuildDone], None], began: float) -> None:
        self.id = request.build
        self.settings: BuildSettings = request.settings
        """Everything that the build was asked for."""
        self.reply = reply
        """To be called with the answer, once."""
        self.began = began
        """The time in seconds at which the build was asked for."""
        self.phase = Phase.SCANNING
        self.entered = False
        """Whether the step of the phase has begun."""
        self.awaited = 0
        """Requests whose answers must come before the phase ends."""
        self.replan = False
        """A source changed, or something is gone: begin nothing new, and look at the sources again when all answers
        are in."""
        self.attempts: dict[str, int] = {}
        """How often a module was planned whose source changed under the build."""
        self.program_lost = False
        """The program that an earlier build left is in the cache no more."""
        self.diagnostics: list[Diagnostic] = []
        """Those that belong to no module's compile."""
        self.degraded: str | None = None
        """Why the cache could not do its part; None while it can."""
        self.done: BuildDone | None = None
        """The answer, as soon as there is one."""
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
        """Enter another phase.

        Raises:
            RuntimeError: This phase never follows the present one.
        """
        if phase not in _NEXT[self.phase] and phase is not Phase.RECORDING:
            raise RuntimeError(f"a build cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase
        self.entered = False

    @property
    def shared(self) -> bool:
        """Whether other processes may be building on the same cache, and what they do is of use to this build."""
        return bool(self.settings.snapshot) and not self.settings.force

    def restart(self) -> None:
        """Forget where the modules stand, because the sources are looked at (again). What was made stays made."""
        self._reset()

    def start_modules(self, modules: Iterable[str], kept: Mapping[str, PlannedModule]) -> None:
        """The last build answers for the modules that are `kept`; every other one is wanted."""
        self.states.begin_with_hits(kept)
        for module in modules:
            if module not in kept:
                self.states.add(module)
        self.objects.keep(kept)

    def note_degraded(self, degraded: str | None) -> None:
        """Keep the first reason why the cache could not do its part."""
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
            and not any(found.severity == "error" for found in self.diagnostics)
        )

    def all_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything there is to report, by file and place. Of modules: errors of those that failed, warnings of those
        that have an object."""
        found = [*self.diagnostics, *self.failures.reported()]
        for module, warnings in self.objects.warnings.items():
            if self.states[module] in (State.HIT, State.COMPILED):
                found += warnings
        return tuple(sorted(found, key=lambda one: (one.file, one.line, one.column, one.code, one.message)))
