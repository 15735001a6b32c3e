"""The beginning of a build: the scanner and the hasher say what the sources are."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from actors.digests import NO_STAMP, Stamp
from actors.messages import Begin, BuildDone, BuildSettings
from actors.planner.desk import Desk
from actors.planner.phases.step import Step
from actors.planner.run import Phase, Run


class Standing(NamedTuple):
    """The answer of a build that found nothing to do, and what it was compared with."""

    settings: BuildSettings
    snapshot: Stamp
    done: BuildDone


class Scanning(Step):
    """Waits for the end of the scan, and for what was asked of the keeper meanwhile."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._standing: Standing | None = None
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
        done = self.repeated(run)
        if done is not None:
            run.done = done
            run.go(Phase.ANSWERED)
        elif run.begun:
            self._take_over(run)
        else:
            self.begin(run)

    def repeated(self, run: Run) -> BuildDone | None:
        """The answer of the last build, where it still stands; then no other actor is asked. The scanner has proved
        that nothing differs from the snapshot: sources, program, settings' files, toolchain's files. So two comparisons
        are left: the same snapshot, and the same request."""
        last, end, desk = self._standing, run.end, self.desk
        if last is None or end is None or end.snapshot == NO_STAMP or not desk.believes:
            return None
        if (end.snapshot, run.settings) != (last.snapshot, last.settings):
            return None
        result = msgspec.structs.replace(last.done.result, duration_ms=desk.milliseconds(run))
        return msgspec.structs.replace(last.done, build=run.id, result=result)

    def remember(self, run: Run, done: BuildDone) -> None:
        """A build that was not answered by `repeated` has ended. Its answer stands if it changed no row and wrote no
        snapshot (then the next one is compared with the same), and had nothing wrong to report."""
        record, end = run.record, run.end
        idle = run.from_plan and record is not None and record.finished and not record.snapshot
        well = done.result.success and done.result.cache_degraded is None
        stands = idle and end is not None and end.snapshot != NO_STAMP and well
        self._standing = Standing(run.settings, end.snapshot, done) if stands and end is not None else None

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
