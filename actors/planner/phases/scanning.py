"""The beginning of a build: the scanner and the hasher say what the sources are."""

from __future__ import annotations

import msgspec

from actors.messages import Begin
from actors.planner.desk import Desk
from actors.planner.phases.step import Step
from actors.planner.run import Phase, Run
from actors.planner.unchanged import Unchanged


class Scanning(Step):
    """Waits for the end of the scan, and for what was asked of the keeper meanwhile."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.unchanged = Unchanged()
        self._snapshot_seen = ""

    def begin(self, run: Run) -> None:
        """From here on the build needs the cache."""
        run.begun = True
        self.desk.ask(run, Begin(build=run.id))

    def advance(self, run: Run) -> None:
        """Everything is here that says whether there is anything to do."""
        end = run.end
        if end is None or run.awaited:
            return
        self._look_for_snapshot(run.settings.snapshot, there=end.recorded is not None)
        done = self.unchanged.answer(run) if self.desk.believes else None
        if done is not None:
            run.done = msgspec.structs.replace(done, duration_ms=self.desk.milliseconds(run))
            run.go(Phase.ANSWERED)
        elif run.begun:
            self._take_over(run)
        else:
            self.begin(run)

    def _look_for_snapshot(self, name: str, *, there: bool) -> None:
        """A plan whose snapshot is gone is none: another process removes snapshots when entries were lost."""
        if name and name == self._snapshot_seen and not there:
            self.desk.doubt()
        self._snapshot_seen = name if there else ""

    def _take_over(self, run: Run) -> None:
        desk, facts, plan, end = self.desk, self.desk.facts, self.desk.plan, run.end
        assert end is not None
        if plan is not None and desk.is_for(plan, run.settings):
            facts.adopt(plan.modules, run.settings)
        facts.take(end.unchanged, run.read, run.vanished, end.held)
        run.diagnostics += end.problems
        run.diagnostics += [file.error for file in facts.sources.values() if file.error is not None]
        run.go(Phase.SCANNED)
