"""The beginning of a build: the scanner and the hasher tell what the sources are."""

from __future__ import annotations

from actors.messages import Begin, BuildDone, ScanEnd, Source, SourcesRead
from actors.planner.run import Phase, Run
from actors.planner.session import Session, Step


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
        """Keep sources until the scan has ended."""
        self._read += message.sources
        self._vanished += message.vanished
        if message.end is not None:
            self._end = message.end

    def use_cache(self) -> None:
        """Tell the keeper that the build has begun: from here on it needs the cache."""
        self._uses_cache = True
        self.session.ask(self.run, Begin(build=self.run.id))

    def advance(self) -> None:
        """Decide whether there is anything to do, as soon as everything is here that says so."""
        run, end = self.run, self._end
        if end is None or run.awaited:
            return
        self._look_for_snapshot(run.settings.snapshot, there=end.recorded is not None)
        run.done = self.repeated = self.session.repeated(run, end)
        if self.repeated is not None:
            run.go(Phase.ANSWERED)
        elif not self._uses_cache:
            self.use_cache()
        elif not self._reads_inputs():
            self._take_over(end)

    def _reads_inputs(self) -> bool:
        """Whether inputs of the last build's objects are still to be read."""
        plan = self.session.plan
        return plan is not None and self.session.reads_inputs(self.run, [file.path for file in plan.inputs])

    def _look_for_snapshot(self, name: str, *, there: bool) -> None:
        """A plan whose snapshot is gone is not used: another process removes snapshots when entries were lost."""
        session = self.session
        if name and name == session.snapshot_seen and not there:
            session.invalidate()
        session.snapshot_seen = name if there else ""

    def _take_over(self, end: ScanEnd) -> None:
        session, facts, plan, run = self.session, self.session.facts, self.session.plan, self.run
        if plan is not None and session.is_for(plan, run.settings):
            facts.adopt(plan.modules, run.settings)
        facts.take(end.unchanged, self._read, self._vanished, end.held)
        run.diagnostics += end.problems
        run.diagnostics += [file.error for file in facts.sources.values() if file.error is not None]
        run.go(Phase.LOOKING)
