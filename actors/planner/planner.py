"""The planner: decides what a change asks for, and has it done.

A build goes through phases, each begun when everything that it needs has arrived:

    scanning -> summarising -> finding -> compiling -> linking -> recording

`Run` holds the state of the build, `Knowledge` what stays from one build to the next. One build at a time; a request
that comes meanwhile waits, and its sources are kept until its turn.
"""

from __future__ import annotations

from collections import deque

import anyio
import msgspec

from actors.compiler.toolchain import SummariseJob, Summary, Toolchain
from actors.digests import Digest, digest
from actors.events import BuildCancelled, BuildStarted, GraphResolved, InputChanged, ModuleSummarised
from actors.messages import (
    BATCH,
    Begin,
    Begun,
    Build,
    CompileDone,
    Entry,
    Find,
    FindSummaries,
    Found,
    LinkDone,
    Load,
    Loaded,
    Message,
    PlanRecalled,
    Published,
    RecallPlan,
    Record,
    Recorded,
    RunCompile,
    RunLink,
    RunSummarise,
    Source,
    Store,
    Stored,
    StoreSummaries,
    SummariesFound,
    SummariesStored,
    SummariseDone,
    ToKeeper,
    ToPlanner,
    ToWorkers,
)
from actors.planner.compiling import Compiling
from actors.planner.knowledge import Knowledge
from actors.planner.linking import Linking
from actors.planner.outcome import (
    build_done,
    crashed,
    finished_event,
    keeps_changing,
    record_of,
    settings_digest,
)
from actors.planner.run import Run
from actors.planner.state import Plan, State, decode_plan
from actors.system import Actor, Address, Cell

_summary_decoder = msgspec.msgpack.Decoder(Summary)
_summary_encoder = msgspec.msgpack.Encoder()

POSTS_BESIDE_JOBS = 16
"""How many requests to the keeper may be unanswered; a build has one or two at a time."""


class Planner(Actor[ToPlanner]):
    """Follows one build at a time. `slots` is the number of worker slots; it posts at most one job for each idle one.

    `remembers`: whether keys of earlier builds of this Project may be believed without asking the cache (not where
    there is none).
    """

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
        self.toolchain = toolchain
        self.slots = slots
        self.idle_slots = slots
        self.remembers = remembers
        self.knowledge = Knowledge(toolchain.identity())
        self.plan: Plan | None = None
        self.plan_is_current = False
        self.recalled = False
        self.known_entries: dict[Digest, Entry] = {}
        self.run_now: Run | None = None
        self.waiting: deque[Run] = deque()
        self.summarising: deque[SummariseJob] = deque()
        self.new_summaries: dict[Digest, bytes] = {}
        self.compiling = Compiling(self)
        self.linking = Linking(self)

    # ---- mail

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
        if isinstance(request, RunSummarise | RunCompile | RunLink):
            self.idle_slots += 1
        if run is None or getattr(request, "build", run.id) != run.id:
            raise RuntimeError(f"an answer to {type(request).__name__} came after its build had ended")
        if isinstance(answer, Recorded):
            self._recorded(run, request, answer)
            return
        if self.cancelled(run.id):
            self._advance()
            return
        run.awaited -= 1
        run.note(getattr(answer, "degraded", None))
        self._answered(run, request, answer)
        self._advance()

    def _answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, PlanRecalled):
            self.recalled = True
            self.plan = decode_plan(answer.plan) if answer.plan else None
        elif isinstance(answer, SummariesFound):
            self._summaries_found(run, answer)
        elif isinstance(answer, SummariseDone):
            self._summarised(run, answer)
        elif isinstance(answer, Found) and isinstance(request, Find):
            if run.settings.goal == "lookup":
                self._looked_up(run, answer)
            elif run.phase == "linking":
                self.linking.found(run, answer)
            else:
                self.compiling.found(run, answer)
        elif isinstance(answer, Loaded) and isinstance(request, Load):
            if run.settings.goal == "lookup":
                self._lookups_loaded(run, answer)
            else:
                self.linking.loaded(run, request, answer)
        elif isinstance(answer, CompileDone):
            self.compiling.done(run, answer)
        elif isinstance(answer, Stored) and isinstance(request, Store):
            self.compiling.stored(run, request, answer)
        elif isinstance(answer, LinkDone):
            self.linking.linked(run, answer)
        elif isinstance(answer, Published):
            self.linking.published(run, answer)
        elif not isinstance(answer, Begun | SummariesStored):
            raise RuntimeError(f"nobody asked for a {type(answer).__name__}")

    async def nudged(self) -> None:
        self._advance()

    def idle(self) -> bool:
        return self.run_now is None

    def ask(self, request: ToKeeper | ToWorkers) -> None:
        run = self.run_now
        assert run is not None
        run.awaited += 1
        if isinstance(request, RunSummarise | RunCompile | RunLink):
            self.idle_slots -= 1
            self.post(self.workers, request)
        else:
            self.post(self.keeper, request)

    # ---- phases

    def _begin_next(self) -> None:
        if self.run_now is not None or not self.waiting:
            return
        run = self.run_now = self.waiting.popleft()
        if self.cancelled(run.id):
            self._advance()
            return
        settings = run.settings
        if self.events.wanted:
            self.events.emit(
                BuildStarted(
                    build=run.id, profile=settings.profile, invalidation=settings.invalidation, jobs=self.slots
                )
            )
        self.ask(Begin(build=run.id))
        if settings.snapshot and not self.recalled:
            self.ask(RecallPlan(build=run.id, snapshot=settings.snapshot))
        self._advance()

    def _advance(self) -> None:
        """Go on as far as what has arrived allows."""
        before = None
        while self.run_now is not None and before != (self.run_now, self.run_now.phase):
            before = (self.run_now, self.run_now.phase)
            self._step(self.run_now)

    def _step(self, run: Run) -> None:
        if self.cancelled(run.id):
            self._end_cancelled(run)
        elif run.phase == "scanning":
            if run.end is not None and not run.awaited:
                self._scanned(run)
        elif run.phase == "summarising":
            self._dispatch_summaries(run)
            if not run.awaited and not self.summarising:
                self._all_summarised(run)
        elif run.phase == "linking" and run.published:
            self.record_when_stored(run)
        elif run.phase == "compiling":
            self.compiling.advance(run)
            if not run.awaited and run.replan:
                run.replan = False
                self.look_closer(run)
            elif not run.awaited and run.states.ended:
                self.linking.begin(run)

    def _scanned(self, run: Run) -> None:
        assert run.end is not None
        changed = self.knowledge.take(run.end.unchanged, run.read, run.vanished)
        run.diagnostics += run.end.problems
        run.diagnostics += [file.error for file in self.knowledge.sources.values() if file.error is not None]
        # The plan is that of the last *build*; a look-up or a graph since then may have seen other sources.
        self.plan_is_current = (self.plan_is_current and not changed) or self._same_as_plan()
        if run.settings.goal == "build" and self.plan_is_current and self._nothing_to_do(run):
            return
        self.look_closer(run)

    def look_closer(self, run: Run) -> None:
        """Summaries, resolution, keys: begin, or begin again where a source changed under the build."""
        run.restart()
        wanted = sorted({file.digest for file in self.knowledge.unsummarised().values()})
        if wanted:
            self.ask(FindSummaries(build=run.id, identity=self.knowledge.toolchain, sources=tuple(wanted)))
        else:
            self._all_summarised(run)

    def _same_as_plan(self) -> bool:
        """Whether the sources are those of the last finished build."""
        if self.plan is None:
            return False
        planned, sources = self.plan.modules, self.knowledge.sources
        return len(planned) == len(sources) and all(
            module in planned and planned[module].source == file.digest and planned[module].path == file.path
            for module, file in sources.items()
        )

    def _nothing_to_do(self, run: Run) -> bool:
        """The whole build answered by the last one: same sources, same settings, and it succeeded. What it had to say
        is said again; one whose program is gone finds out when it asks for it to be in its place."""
        plan, settings = self.plan, run.settings
        if (
            plan is None
            or not plan.succeeded
            or not self.remembers
            or settings.force
            or plan.toolchain != self.knowledge.toolchain
            or plan.settings != settings_digest(settings)
            or run.diagnostics
        ):
            return False
        for module, planned in plan.modules.items():
            run.states.add(module)
            run.hit(module, planned.object, planned.duration_ms, planned.functions, planned.warnings)
        run.from_plan = True
        run.program, run.program_key = plan.program, plan.program_key
        if run.program:
            self.linking.publish(run)
        else:
            self.record(run)
        return True

    # ---- summaries

    def _summaries_found(self, run: Run, answer: SummariesFound) -> None:
        for source, data in answer.summaries.items():
            try:
                self.knowledge.summaries[source] = _summary_decoder.decode(data)
            except msgspec.MsgspecError:
                continue  # Not readable is not there.
        self._queue_summaries()

    def input_changed(self, run: Run, module: str, source: Source) -> None:
        """The file is not what the scan saw any more: plan the module again with what it holds now."""
        if self.events.wanted:
            self.events.emit(InputChanged(build=run.id, module=module))
        if not run.may_retry(module):
            source = msgspec.structs.replace(source, error=keeps_changing(module, source.path))
        if source.error is not None:
            run.diagnostics.append(source.error)
        self.knowledge.replace(source)
        run.replan = True

    def _queue_summaries(self) -> None:
        queued: set[Digest] = set()
        for module, file in self.knowledge.unsummarised().items():
            if file.digest not in queued:  # Two modules of one text have one summary.
                queued.add(file.digest)
                self.summarising.append(SummariseJob(module=module, path=file.path, source=file.data or b""))

    def _dispatch_summaries(self, run: Run) -> None:
        while self.idle_slots and self.summarising:
            share = max(1, min(BATCH, len(self.summarising) // self.idle_slots))
            jobs = [self.summarising.popleft() for _ in range(share)]
            digests = tuple(self.knowledge.sources[job.module].digest for job in jobs)
            self.ask(RunSummarise(build=run.id, jobs=tuple(jobs), digests=digests, root=run.settings.root))

    def _summarised(self, run: Run, answer: SummariseDone) -> None:
        for outcome in answer.outcomes:
            file = self.knowledge.sources[outcome.module]
            if outcome.changed is not None:
                self.input_changed(run, outcome.module, outcome.changed)
            elif outcome.summarised is not None and outcome.summarised.summary is not None:
                self.knowledge.summaries[file.digest] = outcome.summarised.summary
                self.new_summaries[file.digest] = _summary_encoder.encode(outcome.summarised.summary)
                if self.events.wanted:
                    self.events.emit(
                        ModuleSummarised(build=run.id, module=outcome.module, duration_ms=outcome.duration_ms)
                    )
            else:
                found = outcome.summarised.diagnostics if outcome.summarised else ()
                self.knowledge.failures[file.digest] = found or (crashed(outcome.module, file.path, outcome.crash),)

    def _all_summarised(self, run: Run) -> None:
        settings, knowledge = run.settings, self.knowledge
        if run.replan:
            run.replan = False
            self._queue_summaries()
            if self.summarising:
                self._dispatch_summaries(run)
                return
        if self.new_summaries:
            self.ask(StoreSummaries(build=run.id, identity=knowledge.toolchain, summaries=self.new_summaries))
            self.new_summaries = {}
        knowledge.resolve()
        if self.events.wanted:
            graph = knowledge.graph
            self.events.emit(
                GraphResolved(
                    build=run.id,
                    modules=len(graph.imports),
                    edges=graph.edge_count,
                    components=len(graph.components),
                )
            )
        for module in knowledge.sources:
            run.states.add(module)
        if settings.goal == "graph":
            self.compiling.condemn(run)
            self.end(run)
            return
        knowledge.make_keys(settings)
        if settings.goal == "lookup":
            keys = [knowledge.keys.get(module) or digest(b"no such module") for module in settings.lookup]
            run.phase = "looking up"
            self.ask(Find(build=run.id, keys=tuple(keys)))
        else:
            self.compiling.begin(run)

    # ---- looking up

    def _looked_up(self, run: Run, answer: Found) -> None:
        keys = self.knowledge.keys
        for module in run.settings.lookup:
            entry = answer.entries.get(keys.get(module, ""))
            if entry is not None:
                run.looked_up_entries[module] = entry
        digests = sorted({entry.digest for entry in run.looked_up_entries.values()})
        if digests:
            self.ask(Load(build=run.id, digests=tuple(digests)))
        else:
            self.end(run)

    def _lookups_loaded(self, run: Run, answer: Loaded) -> None:
        run.fresh.update(answer.data)
        self.end(run)

    # ---- the end

    def record(self, run: Run) -> None:
        """The build is finished: write down what the next one starts from."""
        run.phase = "recording"
        self.plan, request = record_of(run, self.knowledge, self.plan)
        self.plan_is_current = True
        if self.remembers and not run.from_plan:
            used = set(self.knowledge.keys.values())
            self.known_entries = {key: entry for key, entry in self.known_entries.items() if key in used}
        self.ask(request)

    def record_when_stored(self, run: Run) -> None:
        """The program is in its place: finish as soon as the cache has it too."""
        if not run.awaited:
            self.record(run)

    def end(self, run: Run, *, cancelled: bool = False) -> None:
        """Answer the build, and turn to the next one."""
        done = build_done(run, self.knowledge, (anyio.current_time() - run.began) * 1000, cancelled=cancelled)
        if self.events.wanted:
            self.events.emit(BuildCancelled(build=run.id) if cancelled else finished_event(done))
        self.knowledge.forget()
        self.system.forget_build(run.id)
        self.run_now = None
        run.reply.set(done)
        self._begin_next()

    def _recorded(self, run: Run, request: Message, answer: Recorded) -> None:
        run.awaited -= 1
        run.note(answer.degraded)
        finished = isinstance(request, Record) and request.finished
        self.end(run, cancelled=not finished)

    def _end_cancelled(self, run: Run) -> None:
        """Wait for what is under way, give back the pins, answer. Snapshot and program stay as they were."""
        if self.unanswered or run.phase == "recording":
            return
        run.phase = "recording"
        self.summarising.clear()
        self.new_summaries = {}
        self.ask(Record(build=run.id, finished=False))
