"""The beginning of a build: a summary of every module, from the index or from the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from actors.compiler.toolchain import SummariseJob, Summary
from actors.events import ModuleSummarised
from actors.messages import BATCH, FindSummaries, RunSummarise, StoreSummaries, SummariesFound, SummariseDone
from actors.planner.desk import Desk
from actors.planner.outcome import crashed
from actors.planner.run import Phase, Run
from actors.planner.schedule import new_source_ms
from actors.untrusted import UNREADABLE

_decoder = msgspec.msgpack.Decoder(Summary)
_encoder = msgspec.msgpack.Encoder()


class Summarising:
    """What the planner does between sources and summaries."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._waiting: deque[SummariseJob] = deque()
        self._new: dict[str, bytes] = {}

    def begin(self, run: Run) -> None:
        """Begin, or begin again where a source changed under the build."""
        run.restart()
        desk = self.desk
        knowledge = desk.knowledge
        unknown = knowledge.unsummarised()
        wanted = {file.summary for file in unknown.values()}
        if wanted:
            # Those of the texts before, too: most of a changed module is as it was.
            wanted |= {knowledge.earlier_summary(module, desk.plan) for module in unknown} - knowledge.summaries.keys()
            wanted.discard("")
            desk.ask(run, FindSummaries(build=run.id, identity=knowledge.toolchain, sources=tuple(sorted(wanted))))

    def found(self, run: Run, answer: SummariesFound) -> None:
        """What the index has; the rest is for the workers."""
        for source, data in answer.summaries.items():
            try:
                self.desk.knowledge.summaries[source] = _decoder.decode(data)
            except UNREADABLE:
                continue  # Not readable is not there.
        self._queue(run)

    def _queue(self, run: Run) -> None:
        knowledge = self.desk.knowledge
        for module, file in knowledge.unsummarised().items():
            before = knowledge.summaries.get(knowledge.earlier_summary(module, self.desk.plan))
            self._waiting.append(SummariseJob(module=module, path=file.path, source=file.data or b"", before=before))
            run.ahead_ms += new_source_ms(file.size)

    def show(self, run: Run, modules: Iterable[str]) -> None:
        """Have the texts of modules read: something is to be said of them."""
        for module in modules:
            path = self.desk.knowledge.sources[module].path
            self._waiting.append(SummariseJob(module=module, path=path, source=b"", shown=True))
        run.phase = Phase.SUMMARISING

    def advance(self, run: Run) -> None:
        """Keep the slots busy; when all is summarised, go on to resolving."""
        desk = self.desk
        while desk.idle_slots and self._waiting:
            share = max(1, min(BATCH, len(self._waiting) // desk.idle_slots))
            jobs = [self._waiting.popleft() for _ in range(share)]
            files = [desk.knowledge.sources[job.module] for job in jobs]
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
        if run.replan:  # A file changed meanwhile: its new text wants a summary too.
            run.replan = False
            self._queue(run)
            if self._waiting:
                self.advance(run)
                return
        if self._new:
            desk.ask(run, StoreSummaries(build=run.id, identity=desk.knowledge.toolchain, summaries=self._new))
            self._new = {}
        run.phase = Phase.SUMMARISED

    def done(self, run: Run, answer: SummariseDone) -> None:
        """Take over what a worker found."""
        knowledge, events = self.desk.knowledge, self.desk.events
        for outcome in answer.outcomes:
            file = knowledge.sources[outcome.module]
            if outcome.changed is not None:
                self.desk.input_changed(run, outcome.module, outcome.changed)
            elif outcome.source is not None:
                file.data = outcome.source
            elif outcome.summarised is not None and outcome.summarised.summary is not None:
                knowledge.summaries[file.summary] = outcome.summarised.summary
                self._new[file.summary] = _encoder.encode(outcome.summarised.summary)
                if events.wanted:
                    events.emit(ModuleSummarised(build=run.id, module=outcome.module, duration_ms=outcome.duration_ms))
            else:
                found = outcome.summarised.diagnostics if outcome.summarised else ()
                knowledge.failures[file.summary] = found or (crashed(outcome.module, file.path, outcome.crash),)

    def forget(self) -> None:
        """The build is cancelled."""
        self._waiting.clear()
        self._new = {}
