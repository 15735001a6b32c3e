"""The planner as a machine without I/O: messages in, requests out. It decides what a change asks for.

A build goes through phases, each entered when everything that it needs has arrived:

    scanning -> analysing -> finding -> compiling -> verifying -> linking -> ending

`Session` holds what stays from one build to the next, `Run` what concerns the build as a whole; it guards the order of
the phases. The work of a phase, and what only it needs, is in its step (`phases/`). One build at a time; a request that
comes meanwhile waits, and its sources are kept until its turn.

The `Driver` of the machine, the actor in `planner.py` or a loop in a test, passes on what arrives (`build`, `arrived`,
`answered`) and does what it asks for (`send`, `later`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from actors.compiler.toolchains import Toolchains
from actors.events import BuildCancelled, BuildStarted
from actors.messages import (
    A,
    Begin,
    Begun,
    Build,
    BuildDone,
    BuildRequest,
    InputsRead,
    KeeperAnswer,
    Message,
    PlanRecalled,
    ReadInputs,
    RecallPlan,
    Request,
    SourcesRead,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesStored,
    WorkerRequest,
)
from actors.planner.phases.analysing import Analysing, Inferring, Scanning, Summarising
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.ending import EndingBuild, finished_event
from actors.planner.phases.finding import FindingObjects, LookingUp
from actors.planner.phases.linking import Linking
from actors.planner.phases.verifying import Verifying
from actors.planner.run import Phase, Run
from actors.planner.session import Driver, Session, Step
from actors.planner.table import decode_plan


class LaterSteps:
    """The steps of one build after scanning, each with the earlier ones whose results it reads."""

    def __init__(self, session: Session, run: Run, scanning: Scanning) -> None:
        analysing = Analysing(session, run)
        summarising, inferring = Summarising(session, run, analysing), Inferring(session, run, analysing)
        finding, looking_up = FindingObjects(session, run), LookingUp(session, run)
        self.compiling = Compiling(session, run, finding)
        verifying = Verifying(session, run, self.compiling)
        linking = Linking(session, run, analysing, self.compiling)
        self.ending = EndingBuild(
            session,
            run,
            scanning=scanning,
            analysing=analysing,
            summarising=summarising,
            inferring=inferring,
            looking_up=looking_up,
            compiling=self.compiling,
            verifying=verifying,
            linking=linking,
        )
        self.of: dict[Phase, Step] = {
            Phase.ANALYSING: analysing,
            Phase.SUMMARISING: summarising,
            Phase.INFERRING: inferring,
            Phase.LOOKING_UP: looking_up,
            Phase.FINDING: finding,
            Phase.COMPILING: self.compiling,
            Phase.VERIFYING: verifying,
            Phase.LINKING: linking,
            Phase.ENDING: self.ending,
        }


class Steps:
    """The steps of one build. Those after scanning are made when the first of them is needed: a build whose answer is
    repeated needs none, and takes little longer than making them."""

    def __init__(
        self, session: Session, run: Run, reply: Callable[[BuildDone], None], ended: Callable[[], None]
    ) -> None:
        self.run = run
        self.ended = ended
        self.answered = False
        self._reply = reply
        self.scanning = Scanning(session, run)
        self._session = session

    @cached_property
    def later(self) -> LaterSteps:
        return LaterSteps(self._session, self.run, self.scanning)

    @property
    def done(self) -> BuildDone | None:
        """The answer, as soon as there is one."""
        return self.scanning.repeated or (None if self.run.phase is Phase.SCANNING else self.later.ending.done)

    @property
    def early(self) -> BuildDone | None:
        """The answer, if it need not wait for the end of the build."""
        ending = self.later.ending if self.run.phase is Phase.ENDING else None
        return ending.done if ending is not None and ending.early else None

    @property
    def present(self) -> Step:
        """The step of the phase that the build is in."""
        phase = self.run.phase
        return self.scanning if phase is Phase.SCANNING else self.later.of[phase]

    @property
    def left_to_others(self) -> int:
        """How many modules other processes are compiling."""
        return 0 if self.run.phase is Phase.SCANNING else self.later.compiling.left_to_others

    def answer(self, done: BuildDone) -> None:
        """Answers the build, unless that was done before."""
        if self.answered:
            return
        self.answered = True
        build, events = self.run.id, self._session.events
        if events.wanted:
            events.emit(BuildCancelled(build=build) if done.cancelled else finished_event(build, done.result))
        self._reply(done)

    def go_on(self) -> None:
        """Begins the present phase, or goes on with it."""
        run, step = self.run, self.present
        if run.entered:
            step.advance()
            return
        run.entered = True
        # ANALYSING is entered again when a source changed or a summary was missing. Every later step then forgets what
        # it decided for the sources as they were; what was made and stored stays, because keys name what it was made
        # from.
        if run.phase is Phase.ANALYSING:
            for later in self.later.of.values():
                later.forget()
        step.begin()


R = TypeVar("R", bound=Request[Any])
_Handler = Callable[["Machine", Steps, R, A], None]

_BESIDE: dict[type[Message], Callable[[Machine, Steps, Any, Any], None]] = {}
"""What takes over the answer to a request that a step asks on the side, by the request's class. Such an answer may come
in any later phase, so it does not go to the step of the present one."""


def _beside(kind: type[Request[A]]) -> Callable[[_Handler[R, A]], _Handler[R, A]]:
    """The method takes the answers to these requests. Type checkers compare what it takes with what the request asks
    for."""

    def register(handler: _Handler[R, A]) -> _Handler[R, A]:
        _BESIDE[kind] = handler
        return handler

    return register


class Machine:
    """Runs builds one after the other, without I/O.

    `slots` and `remembers` as in `Session`. The answer to what the driver sends comes by `answered`; after the time
    that `later` names it calls `advance`."""

    def __init__(self, toolchains: Toolchains, slots: int, remembers: bool, driver: Driver) -> None:
        self.session = Session(toolchains, slots, remembers, driver)
        self.current: Steps | None = None
        self.waiting: deque[Steps] = deque()
        self._cancelled = driver.cancelled
        self._recalled = False
        """Whether the plan of the last build, of this process or another one, was read."""

    @property
    def run_now(self) -> Run | None:
        """The build that is going on."""
        return self.current.run if self.current is not None else None

    # ---- what comes in

    def build(
        self, request: Build, reply: Callable[[BuildDone], None], ended: Callable[[], None] = lambda: None
    ) -> None:
        """Begins a build, or has it wait for its turn. `reply` is called with the answer, and then `ended` when the
        build has ended: what it leaves is written."""
        run = Run(request, self.session.now())
        self.waiting.append(Steps(self.session, run, reply, ended))
        self._begin_next()

    def arrived(self, message: SourcesRead) -> None:
        for steps in (self.current, *self.waiting):
            if steps is not None and steps.run.id == message.build:
                steps.scanning.arrived(message)
        self.advance()

    def answered(self, request: Message, answer: Message) -> None:
        """The answer to a request came. A cancelled build waits for all of its answers, but takes over only what saves
        work later."""
        if isinstance(request, WorkerRequest):
            self.session.idle_slots += 1
        steps = self.current
        if steps is None or not isinstance(request, BuildRequest | WorkerRequest) or request.build != steps.run.id:
            raise RuntimeError(f"an answer to {type(request).__name__} came after its build had ended")
        run = steps.run
        run.awaited -= 1
        if run.phase is Phase.ENDING or not self._cancelled(run.id):
            if isinstance(answer, KeeperAnswer):
                run.note_degraded(answer.degraded)
            beside = _BESIDE.get(type(request))
            if beside is not None:
                beside(self, steps, request, answer)
            else:
                steps.present.answered(request, answer)
        else:
            steps.present.answered_late(answer)
        self.advance()

    @_beside(Begin)
    def _begun(self, steps: Steps, request: Begin, answer: Begun) -> None:
        if answer.forget:
            self.session.earlier.invalidate()

    @_beside(RecallPlan)
    def _recalled_plan(self, steps: Steps, request: RecallPlan, answer: PlanRecalled) -> None:
        self._recalled = True
        plan = self.session.earlier.plan = decode_plan(answer.plan) if answer.plan else None
        self.session.facts.inputs.recall(plan.inputs if plan else ())

    @_beside(ReadInputs)
    def _inputs_read(self, steps: Steps, request: ReadInputs, answer: InputsRead) -> None:
        self.session.facts.inputs.learn(answer.files)

    @_beside(StoreEntries)
    def _stored(self, steps: Steps, request: StoreEntries, answer: Stored) -> None:
        steps.later.compiling.stored(request, answer)

    @_beside(StoreSummaries)
    def _summaries_stored(self, steps: Steps, request: StoreSummaries, answer: SummariesStored) -> None:
        """Nothing depends on it."""

    # ---- one build after the other

    def _begin_next(self) -> None:
        if self.current is not None or not self.waiting:
            return
        steps = self.current = self.waiting.popleft()
        run, session = steps.run, self.session
        run.degraded, session.earlier.trouble = session.earlier.trouble, None
        if not self._cancelled(run.id):
            settings, events = run.settings, session.events
            if events.wanted:
                events.emit(
                    BuildStarted(
                        build=run.id,
                        root=settings.root,
                        profile=settings.profile,
                        invalidation=settings.invalidation,
                        jobs=session.slots,
                    )
                )
            if not self._recalled:  # What the last build left is wanted at once, while the scanner looks.
                steps.scanning.use_cache()
                if settings.snapshot.name:
                    session.ask(run, RecallPlan(build=run.id, snapshot=settings.snapshot.name))
        self.advance()

    def advance(self) -> None:
        """Goes on as far as what has arrived allows."""
        # A phase may end without waiting for anything, so the next one begins at once. The loop ends when a turn
        # neither changed the phase nor began one: then only an answer, a source or a timer can move the build.
        before = None
        while (steps := self.current) is not None and before != (steps, steps.run.phase, steps.run.entered):
            run = steps.run
            before = (steps, run.phase, run.entered)
            if run.phase is Phase.ANSWERED and (steps.done is not None or not self._cancelled(run.id)):
                if not run.awaited:
                    self._end(steps)
            elif run.phase is not Phase.ENDING and self._cancelled(run.id):
                self._end_cancelled(steps)
            else:
                steps.go_on()
            if steps.early is not None:
                steps.answer(steps.early)

    def _end_cancelled(self, steps: Steps) -> None:
        """Waits for what is under way, stores what was finished, ends the build at the keeper, answers."""
        run = steps.run
        # Storing asks the keeper, so `awaited` is looked at again: the build ends at the keeper only when the entries
        # are stored, because ending it gives its claims and pins back.
        if not run.awaited:
            steps.later.compiling.store()
        if not run.awaited:
            run.cancel()
            steps.later.ending.cancel()

    def _end(self, steps: Steps) -> None:
        """Answers the build, and turns to the next one."""
        done = steps.scanning.repeated or steps.later.ending.close()
        self.current = None
        steps.answer(done)
        steps.ended()
        self._begin_next()
