"""From sources to keys: the scan ends, the facts that a build is for are made, and what is missing for that is fetched.

`Scanning` waits for what the sources are. `Analysing` updates the facts. Where they need summaries or signatures,
`Summarising` or `Inferring` takes those from the index, has workers make the others, and the build comes back to
`Analysing`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec

from actors.compiler.toolchain import Inference, SummariseJob, Summary
from actors.diagnostics import in_text
from actors.digests import Digest
from actors.events import GraphResolved, ModuleSummarised
from actors.messages import (
    BATCH,
    Begin,
    BuildDone,
    FindSummaries,
    InferDone,
    Message,
    RunInfer,
    RunSummarise,
    ScanEnd,
    Source,
    SourcesRead,
    StoreSummaries,
    SummariesFound,
    SummariseDone,
)
from actors.planner.reports import crashed, findings, nothing_there, unread, with_findings
from actors.planner.run import Phase, Run
from actors.planner.schedule import new_source_ms
from actors.planner.session import Session, Step
from actors.planner.table import Layer, Need, PlannedModule, SourceFile
from actors.untrusted import UNREADABLE


class Scanning(Step):
    """Waits for the end of the scan, and for what was asked of the keeper meanwhile. Sources of a build that waits for
    its turn arrive before `begin`. Results: `end`, and `repeated`, the answer of the last build where it still
    stands."""

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__(session, run)
        self._read: list[Source] = []
        self._vanished: list[str] = []
        self._end: ScanEnd | None = None
        self._uses_cache = False
        self.repeated: BuildDone | None = None

    @property
    def end(self) -> ScanEnd:
        """The end of the scan. It is there in every later phase."""
        assert self._end is not None
        return self._end

    def arrived(self, message: SourcesRead) -> None:
        """Keeps sources until the scan has ended."""
        self._read += message.sources
        self._vanished += message.vanished
        if message.end is not None:
            self._end = message.end

    def use_cache(self) -> None:
        """Tells the keeper that the build has begun: from here on it needs the cache."""
        self._uses_cache = True
        self.session.ask(self.run, Begin(build=self.run.id))

    def advance(self) -> None:
        """Decides whether there is anything to do, as soon as everything is here that says so."""
        run, end = self.run, self._end
        if end is None or run.awaited:
            return
        self.session.earlier.look_for_snapshot(run.settings.snapshot.name, present=end.beside_snapshot is not None)
        self.repeated = self.session.earlier.repeated(run, end, self.session.milliseconds(run))
        if self.repeated is not None:
            run.go(Phase.ANSWERED)
        elif not self._uses_cache:
            self.use_cache()
        elif not self._reads_inputs():
            self._take_over(end)

    def _reads_inputs(self) -> bool:
        """Whether inputs of the last build's objects are still to be read."""
        plan = self.session.earlier.plan
        return plan is not None and self.session.reads_inputs(self.run, [file.path for file in plan.inputs])

    def _take_over(self, end: ScanEnd) -> None:
        session, facts, plan, run = self.session, self.session.facts, self.session.earlier.plan, self.run
        if plan is not None and session.earlier.is_for(plan, run.settings):
            facts.adopt(plan.modules, run.settings)
        facts.take(end.unchanged, self._read, self._vanished, end.held)
        run.diagnostics += end.problems
        run.diagnostics += [file.error for file in facts.sources.values() if file.error is not None]
        run.go(Phase.ANALYSING)


_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_decode_inference = msgspec.msgpack.Decoder(Inference).decode
_encode = msgspec.msgpack.Encoder().encode


class Analysing(Step):
    """Updates the facts, and decides what the build has to do. Results: `need` and `to_show` are for the steps that
    fetch what is missing; `kept` are the modules that the last build answers for, and `unchanged` says whether these
    are all of them, and it succeeded."""

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__(session, run)
        self.need = Need()
        self.to_show: list[str] = []
        """Modules whose text must be read, because something is to be reported in it."""
        self.kept: Mapping[str, PlannedModule] = {}
        self.unchanged = False

    def begin(self) -> None:
        """Begins again with all modules. What is known of them stays."""
        run, facts, settings = self.run, self.session.facts, self.run.settings
        run.restart()
        self.need, self.to_show, self.kept, self.unchanged = Need(), [], {}, False
        last = Layer.RESOLUTION if settings.goal == "graph" else Layer.PARTS
        reusable = self.session.earlier.reusable(settings)
        need = facts.update(settings, reusable, last)
        if need is not None:
            self.need = need
            run.go(Phase.SUMMARISING if need.summaries else Phase.INFERRING)
        elif to_show := unread(facts, settings.entry):
            self.to_show = to_show
            run.go(Phase.SUMMARISING)
        elif settings.goal == "graph":
            self._graph_known()
        else:
            self._keys_known(reusable)

    def _graph_known(self) -> None:
        run, facts = self.run, self.session.facts
        self._tell_graph()
        run.start_modules(facts.sources, {})
        self._mark_failures()
        run.diagnostics += nothing_there(run.settings, run.diagnostics, facts.sources)
        for errors in run.failures.marked.values():  # No compile follows that would report them.
            run.diagnostics += errors
        run.go(Phase.ANSWERED)

    def _keys_known(self, reusable: Mapping[str, PlannedModule]) -> None:
        """Where the last build answers for every module, and was one of these modules, what it reported is reported
        again. If its program is gone, that is noticed when it is to be published."""
        run, facts, plan = self.run, self.session.facts, self.session.earlier.plan
        touched, rows = set(facts.touched), facts.rows
        self.kept = {
            module: reusable[module]
            for module in facts.sources
            if module in reusable and module not in touched and rows[module].key
        }
        run.start_modules(facts.sources, self.kept)
        every = plan is not None and plan.succeeded and len(self.kept) == len(facts.sources) == len(plan.modules)
        self.unchanged = every and not run.diagnostics and not run.program_lost
        if self.unchanged:
            run.go(Phase.LINKING)
            return
        self._tell_graph()
        if run.settings.goal == "lookup":
            run.go(Phase.LOOKING_UP)
        else:
            self._mark_failures()
            run.go(Phase.FINDING)

    def _tell_graph(self) -> None:
        events, graph = self.session.events, self.session.facts.graph
        if events.wanted:
            modules, components = len(graph.imports), len(graph.components)
            events.emit(
                GraphResolved(build=self.run.id, modules=modules, edges=graph.edge_count, components=components)
            )

    def _mark_failures(self) -> None:
        """Errors that are known before anything is compiled. A module that has some is compiled all the same, to find
        what else is wrong with it, unless it has no summary."""
        run, facts, entry = self.run, self.session.facts, self.run.settings.entry
        for module in sorted(facts.broken):
            self.session.fail(run, module, list(facts.failures[module]))
        for module in with_findings(facts, entry):
            file = facts.sources[module]
            wrong = findings(facts, module, entry)
            run.failures.mark_failed(
                module, [in_text(finding, file.data or b"", module=module, file=file.path) for finding in wrong]
            )


class Unstored:
    """What workers made for the facts, and the index does not have yet, by identity of the toolchain and name."""

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._run = run
        self._new: dict[Digest, dict[str, bytes]] = {}

    def add(self, identity: Digest, name: str, value: Summary | Inference) -> None:
        self._new.setdefault(identity, {})[name] = _encode(value)

    def phase_ends(self) -> None:
        """Has it stored, unless it is little and the build answers early: then that is done after the answer."""
        if not self._session.answers_early(self._run) or sum(map(len, self._new.values())) > BATCH:
            self.store()

    def store(self) -> None:
        """Has it stored, so that other processes need not make it."""
        for identity, values in self._new.items():
            self._session.ask(self._run, StoreSummaries(build=self._run.id, identity=identity, summaries=values))
        self._new = {}


class Summarising(Step):
    """Gets the summaries that the facts need. Result: those that are still `unstored`."""

    def __init__(self, session: Session, run: Run, analysing: Analysing) -> None:
        super().__init__(session, run)
        self._analysing = analysing
        self._wanted: dict[str, SourceFile] = {}
        self._waiting: deque[SummariseJob] = deque()
        self.unstored = Unstored(session, run)

    def begin(self) -> None:
        """Asks for the summaries, and for those of the texts before: most of a changed module is as it was."""
        session, facts = self.session, self.session.facts
        if to_show := self._analysing.to_show:
            paths = [facts.sources[module].path for module in to_show]
            pairs = zip(to_show, paths, strict=True)
            self._waiting.extend(
                SummariseJob(module=module, path=path, source=b"", shown=True) for module, path in pairs
            )
            return
        self._wanted = dict(self._analysing.need.summaries)
        for identity, modules in facts.by_toolchain(self._wanted).items():
            names = {self._wanted[module].summary for module in modules}
            names.update([facts.earlier_name(module) for module in modules if module not in facts.earlier])
            names.discard("")
            request = FindSummaries(build=self.run.id, identity=identity, sources=tuple(sorted(names)))
            session.ask(self.run, request)

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, SummariesFound) and isinstance(request, FindSummaries):
            self._found(request, answer)
        elif isinstance(answer, SummariseDone):
            self._done(answer)
        else:
            super().answered(request, answer)

    def _found(self, request: FindSummaries, answer: SummariesFound) -> None:
        """Takes what the index has of one toolchain; the rest is for the workers."""
        facts = self.session.facts
        for module in facts.by_toolchain(self._wanted)[request.identity]:
            file = self._wanted[module]
            summary = _summary(answer.summaries.get(file.summary))
            if summary is not None:
                facts.learn(module, summary)
                continue
            before = facts.earlier.get(module) or _summary(answer.summaries.get(facts.earlier_name(module)))
            self._waiting.append(SummariseJob(module=module, path=file.path, source=file.data or b"", before=before))
            self.run.schedule.ahead_ms += new_source_ms(file.size)

    def advance(self) -> None:
        """Keeps the slots busy, and goes back when everything is summarised."""
        session, run = self.session, self.run
        while session.idle_slots and self._waiting:
            share = max(1, min(BATCH, len(self._waiting) // session.idle_slots))
            alone = len(self._waiting) == 1
            jobs = [self._waiting.popleft() for _ in range(share)]
            files = [session.facts.sources[job.module] for job in jobs]
            request = RunSummarise(
                build=run.id,
                jobs=tuple(jobs),
                digests=tuple(file.digest for file in files),
                root=run.settings.root,
                ahead_ms=0.0 if alone else run.schedule.ahead_ms,
            )
            session.ask(run, request)
            run.schedule.ahead_ms -= sum(new_source_ms(file.size) for file in files)
        if run.awaited or self._waiting:
            return
        self.unstored.phase_ends()
        run.go(Phase.ANALYSING)  # Also if a file changed meanwhile: the facts ask for its other text.

    def _done(self, answer: SummariseDone) -> None:
        """Takes over what a worker found."""
        session, facts, events = self.session, self.session.facts, self.session.events
        for outcome in answer.outcomes:
            file = facts.sources[outcome.module]
            if outcome.changed is not None:
                session.input_changed(self.run, outcome.module, outcome.changed)
            elif outcome.source is not None:
                file.data = outcome.source
            elif outcome.summarised is not None and outcome.summarised.summary is not None:
                facts.learn(outcome.module, outcome.summarised.summary)
                self.unstored.add(facts.identity_of(file.path), file.summary, outcome.summarised.summary)
                if events.wanted:
                    events.emit(
                        ModuleSummarised(build=self.run.id, module=outcome.module, duration_ms=outcome.duration_ms)
                    )
            else:
                diagnostics = outcome.summarised.diagnostics if outcome.summarised else ()
                facts.fail(outcome.module, diagnostics or (crashed(outcome.module, file.path, outcome.crash),))


class Inferring(Step):
    """Gets the signatures of functions whose text does not write all of them. Most projects have none.

    Inferences are derived from what their key names, like summaries, and kept beside them in the index. Result: those
    that are still `unstored`, by key."""

    def __init__(self, session: Session, run: Run, analysing: Analysing) -> None:
        super().__init__(session, run)
        self._analysing = analysing
        self._keys: dict[str, Digest] = {}
        self._waiting: deque[str] = deque()
        self.unstored = Unstored(session, run)

    def begin(self) -> None:
        self._waiting.clear()  # A file may have changed before all of them were inferred.
        self._keys = dict(self._analysing.need.inferences)
        for identity, modules in self.session.facts.by_toolchain(self._keys).items():
            sources = tuple(sorted({self._keys[module] for module in modules}))
            self.session.ask(self.run, FindSummaries(build=self.run.id, identity=identity, sources=sources))

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, SummariesFound) and isinstance(request, FindSummaries):
            self._found(request, answer)
        elif isinstance(answer, InferDone):
            self._done(answer)
        else:
            super().answered(request, answer)

    def _found(self, request: FindSummaries, answer: SummariesFound) -> None:
        """Takes what the index has of one toolchain; the rest is for the workers."""
        inferences = self.session.facts.inferences
        for key, data in answer.summaries.items():
            try:
                inferences[key] = _decode_inference(data)
            except UNREADABLE:
                continue  # It is made again.
        modules = self.session.facts.by_toolchain(self._keys)[request.identity]
        self._waiting.extend(module for module in modules if self._keys[module] not in inferences)

    def advance(self) -> None:
        """Keeps the slots busy, and goes back when everything is inferred."""
        session, run, facts = self.session, self.run, self.session.facts
        while session.idle_slots and self._waiting and not run.replan:
            share = max(1, min(BATCH, len(self._waiting) // session.idle_slots))
            modules = [self._waiting.popleft() for _ in range(share)]
            request = RunInfer(
                build=run.id,
                jobs=tuple([facts.job(module) for module in modules]),
                digests=tuple([facts.sources[module].digest for module in modules]),
                root=run.settings.root,
                ahead_ms=run.schedule.ahead_ms,
            )
            session.ask(run, request)
        if run.awaited:
            return
        self.unstored.phase_ends()
        run.go(Phase.ANALYSING)  # As in `Summarising`.

    def _done(self, answer: InferDone) -> None:
        """Takes over what a worker found. A crash is not reported here: the compile will meet it too."""
        facts, inferences = self.session.facts, self.session.facts.inferences
        for outcome in answer.outcomes:
            if outcome.changed is not None:
                self.session.input_changed(self.run, outcome.module, outcome.changed)
            elif outcome.inference is not None:
                key = self._keys[outcome.module]
                inferences[key] = outcome.inference
                identity = facts.identity_of(facts.sources[outcome.module].path)
                self.unstored.add(identity, key, outcome.inference)
            else:
                inferences[self._keys[outcome.module]] = Inference()


def _summary(data: bytes | None) -> Summary | None:
    """None where there is none, or none that can be read."""
    if data is None:
        return None
    try:
        return _decode_summary(data)
    except UNREADABLE:
        return None
