"""The beginning of a build: a summary of every module, from the index or from the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from actors.compiler.toolchain import SummariseJob, Summary
from actors.events import ModuleSummarised
from actors.messages import BATCH, FindSummaries, Message, RunSummarise, StoreSummaries, SummariesFound, SummariseDone
from actors.planner.desk import Desk
from actors.planner.diagnostics import crashed
from actors.planner.phases.step import Step
from actors.planner.run import Phase, Run
from actors.planner.schedule import new_source_ms
from actors.planner.sources import SourceFile
from actors.untrusted import UNREADABLE

_decoder = msgspec.msgpack.Decoder(Summary)
_encoder = msgspec.msgpack.Encoder()


class Summarising(Step):
    """What the planner does between sources and summaries."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wanted: dict[str, SourceFile] = {}
        self._waiting: deque[SummariseJob] = deque()
        self._new: dict[str, bytes] = {}

    def begin(self, run: Run, wanted: Mapping[str, SourceFile]) -> None:
        """Ask for summaries of these modules, and for those of the texts before: most of a changed module is as it
        was."""
        desk, facts = self.desk, self.desk.facts
        run.go(Phase.SUMMARISING)
        self._wanted = dict(wanted)
        names = {file.summary for file in wanted.values()}
        names.update([facts.earlier_name(module) for module in wanted if module not in facts.earlier])
        names.discard("")
        desk.ask(run, FindSummaries(build=run.id, identity=facts.toolchain, sources=tuple(sorted(names))))

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, SummariesFound):
            self._found(run, answer)
        elif isinstance(answer, SummariseDone):
            self._done(run, answer)
        else:
            super().answered(run, request, answer)

    def _found(self, run: Run, answer: SummariesFound) -> None:
        """What the index has; the rest is for the workers."""
        facts = self.desk.facts
        for module, file in self._wanted.items():
            summary = _decoded(answer.summaries.get(file.summary))
            if summary is not None:
                facts.learn(module, summary)
                continue
            before = facts.earlier.get(module) or _decoded(answer.summaries.get(facts.earlier_name(module)))
            self._waiting.append(SummariseJob(module=module, path=file.path, source=file.data or b"", before=before))
            run.ahead_ms += new_source_ms(file.size)

    def show(self, run: Run, modules: Iterable[str]) -> None:
        """Have the texts of modules read: something is to be said of them."""
        for module in modules:
            path = self.desk.facts.sources[module].path
            self._waiting.append(SummariseJob(module=module, path=path, source=b"", shown=True))
        run.go(Phase.SUMMARISING)

    def advance(self, run: Run) -> None:
        """Keep the slots busy; when all is summarised, go on to resolving."""
        desk = self.desk
        while desk.idle_slots and self._waiting:
            share = max(1, min(BATCH, len(self._waiting) // desk.idle_slots))
            jobs = [self._waiting.popleft() for _ in range(share)]
            files = [desk.facts.sources[job.module] for job in jobs]
            request = RunSummarise(
                build=run.id,
                jobs=tuple(jobs),
                digests=tuple(file.digest for file in files),
                root=run.settings.root,
                ahead_ms=run.ahead_ms,
            )
            desk.ask(run, request)
            run.ahead_ms -= sum(new_source_ms(file.size) for file in files)
        if run.awaited or self._waiting:
            return
        run.replan = False  # A file that changed meanwhile has another text, and that is needed next.
        if self._new:
            desk.ask(run, StoreSummaries(build=run.id, identity=desk.facts.toolchain, summaries=self._new))
            self._new = {}
        run.go(Phase.LOOKING)

    def _done(self, run: Run, answer: SummariseDone) -> None:
        """Take over what a worker found."""
        facts, events = self.desk.facts, self.desk.events
        for outcome in answer.outcomes:
            file = facts.sources[outcome.module]
            if outcome.changed is not None:
                self.desk.input_changed(run, outcome.module, outcome.changed)
            elif outcome.source is not None:
                file.data = outcome.source
            elif outcome.summarised is not None and outcome.summarised.summary is not None:
                facts.learn(outcome.module, outcome.summarised.summary)
                self._new[file.summary] = _encoder.encode(outcome.summarised.summary)
                if events.wanted:
                    events.emit(ModuleSummarised(build=run.id, module=outcome.module, duration_ms=outcome.duration_ms))
            else:
                found = outcome.summarised.diagnostics if outcome.summarised else ()
                facts.fail(outcome.module, found or (crashed(outcome.module, file.path, outcome.crash),))

    def forget(self) -> None:
        """The build is cancelled."""
        self._waiting.clear()
        self._new = {}


def _decoded(data: bytes | None) -> Summary | None:
    """None where there is none, or none that can be read."""
    if data is None:
        return None
    try:
        return _decoder.decode(data)
    except UNREADABLE:
        return None
