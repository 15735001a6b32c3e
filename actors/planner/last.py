"""What the plan of the last finished build answers for: all of a build, or all but what a small edit reaches."""

from __future__ import annotations

from actors.planner.desk import Desk
from actors.planner.narrow import Narrow, edited
from actors.planner.outcome import settings_digest
from actors.planner.run import Run
from actors.planner.state import Plan


class LastBuild:
    """Reads the desk's plan. `is_of_these_sources`: the sources known now are those that it was made of."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.is_of_these_sources = False
        self._snapshot_seen = ""

    def look_for_snapshot(self, name: str, *, there: bool) -> None:
        """A plan whose snapshot is gone is none: another process removes snapshots when entries were lost."""
        if name and name == self._snapshot_seen and not there:
            self.desk.doubt()
        self._snapshot_seen = name if there else ""

    def answers(self, run: Run, *, changed: bool) -> bool:
        """Whether the last build answers for all of this one: same sources, same settings, and it succeeded. What it
        had to say is said again; one whose program is gone finds out when it asks for it to be in its place. `changed`:
        the sources are not those of the last scan."""
        plan = self.desk.plan
        # The plan is that of the last *build*; a look-up or a graph since then may have seen other sources.
        self.is_of_these_sources = (self.is_of_these_sources and not changed) or self._same_sources()
        if plan is None or not self.is_of_these_sources or not self._stands(run, plan):
            return False
        run.settle(plan, ())
        run.from_plan = True
        run.program, run.program_key = plan.program, plan.program_key
        return True

    def narrow(self, run: Run) -> Narrow | None:
        """What a small edit asks for, where it was one, and where this build has not found that to be too little."""
        desk, plan = self.desk, self.desk.plan
        if plan is None or not run.narrow or not self._stands(run, plan):
            return None
        changed = edited(desk.whole.sources, plan)
        return Narrow(desk.whole, plan, changed, run.settings, desk.graph) if changed else None

    def _same_sources(self) -> bool:
        plan, sources = self.desk.plan, self.desk.whole.sources
        if plan is None or len(plan.modules) != len(sources):
            return False
        planned = plan.modules
        return all(
            module in planned and planned[module].source == file.digest and planned[module].path == file.path
            for module, file in sources.items()
        )

    def _stands(self, run: Run, plan: Plan) -> bool:
        """Whether what the last build says of a module is good for this one too, where the module is the same."""
        settings = run.settings
        return (
            settings.goal == "build"
            and plan.succeeded
            and self.desk.believes
            and not settings.force
            and not settings.verify
            and plan.toolchain == self.desk.whole.toolchain
            and plan.settings == settings_digest(settings)
            and not run.diagnostics
        )
