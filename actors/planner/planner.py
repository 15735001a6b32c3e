"""The planner: decides what a change asks for, and has it done.

A build goes through phases, each begun when everything that it needs has arrived:

    scanning -> summarising -> inferring -> finding -> compiling -> linking -> recording

`Run` holds the state of the build, `Facts` what stays from one build to the next; the phases stand in rooms of
their own (summarising.py, inferring.py, fitting.py, compiling.py, linking.py) and share a `Desk`. One build at a time;
a request that comes meanwhile waits, and its sources are kept until its turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import anyio
import msgspec

from actors.compiler.toolchain import Toolchain
from actors.digests import digest
from actors.events import BuildCancelled, BuildStarted, GraphResolved
from actors.messages import (
    Begin,
    Begun,
    Build,
    BuildDone,
    CompileDone,
    Find,
    Found,
    FragmentsFound,
    InferDone,
    LinkDone,
    Load,
    Loaded,
    Message,
    PlanRecalled,
    Published,
    RecallPlan,
    Record,
    Recorded,
    Store,
    Stored,
    SummariesFound,
    SummariesStored,
    SummariseDone,
    ToKeeper,
    ToPlanner,
    ToWorkers,
)
from actors.planner.compiling import Compiling
from actors.planner.desk import JOBS, Desk
from actors.planner.fitting import Fitting
from actors.planner.inferring import Inferring
from actors.planner.layers import Layer
from actors.planner.linking import Linking
from actors.planner.outcome import (
    build_done,
    finished_event,
    nothing_there,
    record_of,
    record_of_cancelled,
    record_of_lookup,
    unread,
)
from actors.planner.run import Phase, Run
from actors.planner.state import ENDED, PlannedModule, decode_plan
from actors.planner.summarising import Summarising
from actors.planner.unchanged import Unchanged
from actors.planner.verifying import Verifying
from actors.system import Actor, Address, Cell

POSTS_BESIDE_JOBS = 16
"""How many requests to the keeper may be unanswered; a build has one or two at a time."""


class Planner(Actor[ToPlanner]):
    """Follows one build at a time. `slots` is the number of worker slots; it posts at most one job for each idle one.
    `remembers` as in `Desk`."""

    name = "planner"

    def __init__(
        self,
        workers: Address[ToWorkers],
        keeper: Address[ToKeeper],
        toolchain: Toolchain,
        slots: int,
        *,
        remembers: bool = True,
    ) -> None:
        super().__init__(workers, keeper, outstanding=slots + POSTS_BESIDE_JOBS)
        self.workers = workers
        self.keeper = keeper
        self.desk = Desk(toolchain, slots, remembers, self._send, self._later)
        self.summarising = Summarising(self.desk)
        self.inferring = Inferring(self.desk)
        self.fitting = Fitting(self.desk)
        self.compiling = Compiling(self.desk, self.fitting)
        self.verifying = Verifying(self.desk)
        self.linking = Linking(self.desk, self.compiling)
        self.unchanged = Unchanged()
        self.run_now: Run | None = None
        self.waiting: deque[Run] = deque()
        self._snapshot_seen = ""
        self._recalled = False

    # ---- mail

    async def started(self) -> None:
        self.desk.events = self.events

    async def receive(self, message: ToPlanner, reply: Cell) -> None:
        if isinstance(message, Build):
            run = Run(message, reply, anyio.current_time())
            self.system.builds_running.add(run.id)
            self.waiting.append(run)
            self._begin_next()
            return
        for known in (self.run_now, *self.waiting):
            if known is not None and known.id == message.build:
                known.arrived(message)
        self._advance()

    async def replied(self, request: Message, answer: Message) -> None:
        run = self.run_now
        if isinstance(request, JOBS):
            self.desk.idle_slots += 1
        if run is None or getattr(request, "build", run.id) != run.id:
            raise RuntimeError(f"an answer to {type(request).__name__} came after its build had ended")
        run.awaited -= 1
        if isinstance(answer, Recorded):
            run.note(answer.degraded)
            run.cache_needed_bytes = answer.needed_bytes
            assert isinstance(request, Record)
            self._end(run, request)
            return
        if not self.cancelled(run.id):
            run.note(getattr(answer, "degraded", None))
            self._answered(run, request, answer)
        elif isinstance(answer, CompileDone) and run.phase is not Phase.VERIFYING:
            self.compiling.keep(run, answer)
        self._advance()

    def _answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, Begun):
            if answer.forget:
                self.desk.doubt()
        elif isinstance(answer, PlanRecalled):
            self._recalled = True
            self.desk.plan = decode_plan(answer.plan) if answer.plan else None
        elif isinstance(answer, SummariesFound):
            (self.inferring if run.phase is Phase.INFERRING else self.summarising).found(run, answer)
        elif isinstance(answer, SummariseDone):
            (self.linking.read if run.phase is Phase.LINKING else self.summarising.done)(run, answer)
        elif isinstance(answer, InferDone):
            self.inferring.done(run, answer)
        elif isinstance(answer, Found):
            if run.phase is Phase.LOOKING_UP:
                self._looked_up(run, answer)
            elif run.phase is Phase.LINKING:
                self.linking.found(run, answer)
            elif run.phase is Phase.COMPILING:
                self.compiling.claimed(run, answer)
            else:
                assert isinstance(request, Find)
                self.compiling.found(run, request, answer)
        elif isinstance(answer, Loaded):
            if run.phase is Phase.LOOKING_UP:
                run.fresh.update(answer.data)
                run.phase = Phase.FINISHED
            elif run.phase is Phase.VERIFYING:
                self.verifying.loaded(run, answer)
            else:
                self.linking.loaded(run, answer)
        elif isinstance(answer, FragmentsFound):
            self.compiling.fitted(run, answer)
        elif isinstance(answer, CompileDone):
            (self.verifying if run.phase is Phase.VERIFYING else self.compiling).done(run, answer)
        elif isinstance(answer, Stored) and isinstance(request, Store):
            self.compiling.stored(run, request, answer)
        elif isinstance(answer, LinkDone):
            self.linking.linked(run, answer)
        elif isinstance(answer, Published):
            self.linking.published(run, answer)
        elif not isinstance(answer, SummariesStored):
            raise RuntimeError(f"nobody asked for a {type(answer).__name__}")

    async def nudged(self) -> None:
        self._advance()

    def idle(self) -> bool:
        return self.run_now is None

    def _send(self, request: ToKeeper | ToWorkers) -> None:
        self.post(self.workers if isinstance(request, JOBS) else self.keeper, request)

    def doing(self) -> str:
        run = self.run_now
        if run is None:
            return ""
        counts = run.states.counts
        ended = sum(counts[state] for state in ENDED)
        others = f", {len(run.ready.theirs)} left to other processes" if run.ready.theirs else ""
        return f"{run.phase.name.lower().replace('_', ' ')}, {ended} of {sum(counts.values())} modules done{others}"

    def _later(self, seconds: float) -> None:
        async def wait() -> None:
            await anyio.sleep(seconds)
            self.nudge()

        self.start(wait)

    # ---- phases

    def _begin_next(self) -> None:
        if self.run_now is not None or not self.waiting:
            return
        run = self.run_now = self.waiting.popleft()
        if not self.cancelled(run.id):
            settings = run.settings
            if self.events.wanted:
                self.events.emit(
                    BuildStarted(
                        build=run.id,
                        root=settings.root,
                        profile=settings.profile,
                        invalidation=settings.invalidation,
                        jobs=self.desk.slots,
                    )
                )
            if not self._recalled:  # What the last build left is wanted at once, while the scanner looks.
                self._begin(run)
                if settings.snapshot:
                    self.desk.ask(run, RecallPlan(build=run.id, snapshot=settings.snapshot))
        self._advance()

    def _begin(self, run: Run) -> None:
        """From here on the build needs the cache."""
        run.begun = True
        self.desk.ask(run, Begin(build=run.id))

    def _advance(self) -> None:
        """Go on as far as what has arrived allows."""
        before = None
        while self.run_now is not None and before != (self.run_now, self.run_now.phase):
            before = (self.run_now, self.run_now.phase)
            self._step(self.run_now)

    def _step(self, run: Run) -> None:
        phase = run.phase
        if self.cancelled(run.id):
            self._end_cancelled(run)
        elif phase is Phase.SCANNING:
            if run.end is not None and not run.awaited:
                self._scan_ended(run)
        elif phase is Phase.SCANNED:
            run.restart()
        elif phase is Phase.LOOKING:
            self._look(run)
        elif phase is Phase.SUMMARISING:
            self.summarising.advance(run)
        elif phase is Phase.INFERRING:
            self.inferring.advance(run)
        elif phase is Phase.COMPILING:
            self.compiling.advance(run)
        elif phase is Phase.COMPILED and run.settings.verify:
            self.verifying.begin(run)
        elif phase is Phase.VERIFYING:
            self.verifying.advance(run)
        elif phase in (Phase.COMPILED, Phase.VERIFIED):
            self.linking.begin(run)
        elif phase is Phase.LINKING:
            self.linking.advance(run)
        elif phase is Phase.FINISHED:
            self._record(run)
        elif phase is Phase.ANSWERED and not run.awaited:
            self._end(run)

    def _scan_ended(self, run: Run) -> None:
        """Everything is here that says whether there is anything to do."""
        self._look_for_snapshot(run.settings.snapshot, there=run.end is not None and run.end.recorded is not None)
        done = self.unchanged.answer(run) if self.desk.believes else None
        if done is not None:
            self._answer(run, msgspec.structs.replace(done, duration_ms=_milliseconds(run)))
        elif run.begun:
            self._scanned(run)
        else:
            self._begin(run)

    def _look_for_snapshot(self, name: str, *, there: bool) -> None:
        """A plan whose snapshot is gone is none: another process removes snapshots when entries were lost."""
        if name and name == self._snapshot_seen and not there:
            self.desk.doubt()
        self._snapshot_seen = name if there else ""

    def _scanned(self, run: Run) -> None:
        desk, facts, plan = self.desk, self.desk.facts, self.desk.plan
        assert run.end is not None
        if plan is not None and desk.is_for(plan, run.settings):
            facts.adopt(plan.modules, run.settings)
        facts.take(run.end.unchanged, run.read, run.vanished, run.end.held)
        run.diagnostics += run.end.problems
        run.diagnostics += [file.error for file in facts.sources.values() if file.error is not None]
        run.phase = Phase.SCANNED

    def _look(self, run: Run) -> None:
        """Make the facts that the build is for. What is missing for that is had first, and then this goes on."""
        desk, facts, settings = self.desk, self.desk.facts, run.settings
        last = Layer.RESOLUTION if settings.goal == "graph" else Layer.PARTS
        objects = desk.believed(settings)
        need = facts.update(settings, objects, last)
        if need is not None and need.summaries:
            self.summarising.begin(run, need.summaries)
        elif need is not None:
            self.inferring.begin(run, need.inferences)
        elif silent := unread(facts, settings.entry):
            self.summarising.show(run, silent)
        elif settings.goal == "graph":
            self._graph_known(run)
        else:
            self._keys_known(run, objects)

    def _graph_known(self, run: Run) -> None:
        facts = self.desk.facts
        self._tell_graph(run)
        run.settle(facts.sources, {})
        self.compiling.condemn(run)
        run.diagnostics += nothing_there(run, facts.sources)
        for found in run.condemned.values():  # nothing is compiled, so nobody else will say it
            run.diagnostics += found
        run.phase = Phase.ANSWERED

    def _tell_graph(self, run: Run) -> None:
        if self.events.wanted:
            graph = self.desk.facts.graph
            self.events.emit(
                GraphResolved(
                    build=run.id,
                    modules=len(graph.imports),
                    edges=graph.edge_count,
                    components=len(graph.components),
                )
            )

    def _keys_known(self, run: Run, objects: Mapping[str, PlannedModule]) -> None:
        """On to what the build is for. Where the last one answers for every module, and was one of these modules, what
        it had to say is said again; one whose program is gone finds out when it asks for it to be in its place."""
        desk, facts, settings, plan = self.desk, self.desk.facts, run.settings, self.desk.plan
        touched = set(facts.touched)
        run.settle(
            facts.sources,
            {one: objects[one] for one in facts.sources if one in objects and one not in touched and facts.key(one)},
        )
        every = plan is not None and plan.succeeded and len(run.settled) == len(facts.sources) == len(plan.modules)
        if plan is not None and every and not run.diagnostics and not run.program_lost:
            run.from_plan = True
            run.program, run.program_key = plan.program, plan.program_key
            self.linking.publish(run)
            return
        self._tell_graph(run)
        if settings.goal == "lookup":
            keys = [facts.key(module) or digest(b"no such module") for module in settings.lookup]
            run.phase = Phase.LOOKING_UP
            desk.ask(run, Find(build=run.id, keys=tuple(keys)))
        else:
            self.compiling.begin(run)

    def _looked_up(self, run: Run, answer: Found) -> None:
        for module in run.settings.lookup:
            entry = answer.entries.get(self.desk.facts.key(module))
            if entry is not None:
                run.looked_up[module] = entry
        digests = sorted({entry.digest for entry in run.looked_up.values()})
        if digests:
            self.desk.ask(run, Load(build=run.id, digests=tuple(digests)))
        else:
            run.phase = Phase.FINISHED

    # ---- the end

    def _record(self, run: Run) -> None:
        """The build is finished: write down what the next one starts from."""
        desk = self.desk
        run.phase = Phase.RECORDING
        if run.settings.goal == "lookup":
            key = desk.facts.key
            if any(desk.planned_object(module, key(module)) for module in run.looked_up_in_vain()):
                desk.doubt()  # The last build says that it is there.
            desk.ask(run, record_of_lookup(run))
            return
        run.before = desk.plan
        desk.plan, request = record_of(run, desk.facts, desk.plan)
        desk.believes = desk.remembers
        if desk.remembers and not run.from_plan:
            used = {row.key for row in desk.facts.rows.values()}
            desk.known_entries = {key: entry for key, entry in desk.known_entries.items() if key in used}
        desk.ask(run, request)

    def _end_cancelled(self, run: Run) -> None:
        """Wait for what is under way, store what was finished, give back the pins, answer. Snapshot and program stay as
        they were."""
        if self.unanswered or run.phase is Phase.RECORDING:
            return
        run.storing = False
        self.compiling.store(run)
        if run.awaited:
            return
        run.phase = Phase.RECORDING
        self.summarising.forget()
        self.inferring.forget()
        self.verifying.forget()
        self.desk.ask(run, record_of_cancelled(run))

    def _end(self, run: Run, record: Record | None = None) -> None:
        """The build has come to its end, and `record` is what it left."""
        cancelled = record is not None and not record.finished
        facts = self.desk.facts
        done = build_done(run, facts, _milliseconds(run), cancelled=cancelled)
        if record is not None:
            self.unchanged.remember(run, record, done)
        facts.forget()
        self._answer(run, done)

    def _answer(self, run: Run, done: BuildDone) -> None:
        """Answer the build, and turn to the next one."""
        if self.events.wanted:
            self.events.emit(BuildCancelled(build=run.id) if done.cancelled else finished_event(done))
        self.system.forget_build(run.id)
        self.run_now = None
        run.reply.set(done)
        self._begin_next()


def _milliseconds(run: Run) -> float:
    return (anyio.current_time() - run.began) * 1000
