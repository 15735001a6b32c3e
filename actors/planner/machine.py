"""The planner as a machine without I/O: messages in, requests out. It decides what a change asks for.

A build goes through phases, each begun when everything that it needs has arrived:

    scanning -> looking -> finding -> compiling -> linking -> recording

`Run` holds the state of the build and guards the order of its phases, `Facts` what stays from one build to the next.
What is done in a phase stands in `phases/`, one step a file, all of one shape (`phases/step.py`). One build at a time;
a request that comes meanwhile waits, and its sources are kept until its turn.

Whoever drives it passes on what arrives (`build`, `arrived`, `answered`) and does what it asks for (`send`, `later`):
the actor in `planner.py`, or a loop in a test.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from actors.compiler.toolchains import Toolchains
from actors.events import BuildCancelled, BuildStarted
from actors.messages import (
    Begun,
    Build,
    BuildDone,
    CompileDone,
    Message,
    PlanRecalled,
    RecallPlan,
    SourcesRead,
    Stored,
    StoreEntries,
    SummariesStored,
    ToKeeper,
    ToWorkers,
)
from actors.planner.desk import JOBS, Desk
from actors.planner.outcome import build_done, finished_event, record_of_cancelled
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.fitting import Fitting
from actors.planner.phases.inferring import Inferring
from actors.planner.phases.linking import Linking
from actors.planner.phases.looking import Looking, LookingUp
from actors.planner.phases.recording import Recording
from actors.planner.phases.scanning import Scanning
from actors.planner.phases.step import Step
from actors.planner.phases.summarising import Summarising
from actors.planner.phases.verifying import Verifying
from actors.planner.run import Phase, Run
from actors.planner.state import decode_plan


class Machine:
    """`slots` and `remembers` as in `Desk`. `send` posts a request to whom it concerns, and its answer comes by
    `answered`; `later` has `advance` called in so many seconds; `now` is the time in seconds; `cancelled` says whether
    a build is."""

    def __init__(
        self,
        toolchains: Toolchains,
        slots: int,
        remembers: bool,
        *,
        send: Callable[[ToKeeper | ToWorkers], None],
        later: Callable[[float], None],
        now: Callable[[], float],
        cancelled: Callable[[int], bool],
    ) -> None:
        self.desk = desk = Desk(toolchains, slots, remembers, send, later, now)
        self.run_now: Run | None = None
        self.waiting: deque[Run] = deque()
        self.scanning = Scanning(desk)
        self._cancelled = cancelled
        self._recalled = False
        self._compiling = Compiling(desk, Fitting(desk))
        self._linking = Linking(desk, self._compiling)
        summarising, inferring, verifying = Summarising(desk), Inferring(desk), Verifying(desk)
        looking, recording = Looking(desk, summarising, inferring, self._compiling, self._linking), Recording(desk)
        self.steps: dict[Phase, Step] = {
            Phase.SCANNING: self.scanning,
            Phase.SCANNED: looking,
            Phase.LOOKING: looking,
            Phase.SUMMARISING: summarising,
            Phase.INFERRING: inferring,
            Phase.LOOKING_UP: LookingUp(desk),
            Phase.FINDING: self._compiling,
            Phase.COMPILING: self._compiling,
            Phase.COMPILED: verifying,
            Phase.VERIFYING: verifying,
            Phase.VERIFIED: self._linking,
            Phase.LINKING: self._linking,
            Phase.FINISHED: recording,
            Phase.RECORDING: recording,
        }

    # ---- what comes in

    def build(self, request: Build, reply: Callable[[BuildDone], None]) -> None:
        self.waiting.append(Run(request, reply, self.desk.now()))
        self._begin_next()

    def arrived(self, message: SourcesRead) -> None:
        for known in (self.run_now, *self.waiting):
            if known is not None and known.id == message.build:
                known.arrived(message)
        self.advance()

    def answered(self, request: Message, answer: Message) -> None:
        """The answer to a request came. Requests of a cancelled build are waited for, and what they say is not."""
        run = self.run_now
        if isinstance(request, JOBS):
            self.desk.idle_slots += 1
        if run is None or getattr(request, "build", run.id) != run.id:
            raise RuntimeError(f"an answer to {type(request).__name__} came after its build had ended")
        run.awaited -= 1
        if run.phase is Phase.RECORDING or not self._cancelled(run.id):
            run.note(getattr(answer, "degraded", None))
            self._hand_over(run, request, answer)
        elif isinstance(answer, CompileDone) and run.phase is not Phase.VERIFYING:
            self._compiling.keep(run, answer)
        self.advance()

    def _hand_over(self, run: Run, request: Message, answer: Message) -> None:
        """To the step that asked. What is asked on the side may be answered in any later phase."""
        if isinstance(answer, Begun):
            if answer.forget:
                self.desk.doubt()
        elif isinstance(answer, PlanRecalled):
            self._recalled = True
            self.desk.plan = decode_plan(answer.plan) if answer.plan else None
        elif isinstance(answer, Stored) and isinstance(request, StoreEntries):
            self._compiling.stored(run, request, answer)
        elif not isinstance(answer, SummariesStored):
            self.steps[run.phase].answered(run, request, answer)

    # ---- one build after the other

    def _begin_next(self) -> None:
        if self.run_now is not None or not self.waiting:
            return
        run = self.run_now = self.waiting.popleft()
        if not self._cancelled(run.id):
            settings, events = run.settings, self.desk.events
            if events.wanted:
                events.emit(
                    BuildStarted(
                        build=run.id,
                        root=settings.root,
                        profile=settings.profile,
                        invalidation=settings.invalidation,
                        jobs=self.desk.slots,
                    )
                )
            if not self._recalled:  # What the last build left is wanted at once, while the scanner looks.
                self.scanning.begin(run)
                if settings.snapshot:
                    self.desk.ask(run, RecallPlan(build=run.id, snapshot=settings.snapshot))
        self.advance()

    def advance(self) -> None:
        """Go on as far as what has arrived allows."""
        before = None
        while self.run_now is not None and before != (self.run_now, self.run_now.phase):
            run = self.run_now
            before = (run, run.phase)
            if run.phase is Phase.ANSWERED and (run.done is not None or not self._cancelled(run.id)):
                if not run.awaited:
                    self._end(run)
            elif run.phase is not Phase.RECORDING and self._cancelled(run.id):
                self._end_cancelled(run)
            else:
                self.steps[run.phase].advance(run)

    def _end_cancelled(self, run: Run) -> None:
        """Wait for what is under way, store what was finished, give back the pins, answer. Snapshot and program stay as
        they were."""
        if not run.awaited:
            run.storing = False
            self._compiling.store(run)
        if not run.awaited:
            run.go(Phase.RECORDING)
            for step in self.steps.values():
                step.forget()
            self.desk.ask(run, record_of_cancelled(run))

    def _end(self, run: Run) -> None:
        """Answer the build, and turn to the next one."""
        done, desk = run.done, self.desk
        looked = done is None or run.record is not None  # A repeated answer looks at nothing.
        if done is None:
            done = build_done(run, desk.facts, desk.milliseconds(run), cancelled=False)
        if run.record is not None:
            self.scanning.remember(run, done)
        if looked:
            desk.facts.forget()
        if desk.events.wanted:
            desk.events.emit(BuildCancelled(build=run.id) if done.cancelled else finished_event(run.id, done.result))
        self.run_now = None
        run.reply(done)
        self._begin_next()
