"""What the phases of a build share: what is known of the project, and the way to ask workers and keeper.

A phase decides, asks through the desk, and says where the build goes next by setting its run's phase; only the planner
(the actor) calls phases. So they know the desk and what stands before them, and nobody knows the planner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from actors.compiler.toolchains import Toolchains
from actors.digests import Digest
from actors.events import Events, InputChanged
from actors.messages import (
    BuildSettings,
    CacheEntry,
    RunCompile,
    RunInfer,
    RunLink,
    RunSummarise,
    Source,
    ToKeeper,
    ToWorkers,
)
from actors.planner.diagnostics import keeps_changing
from actors.planner.facts import Facts
from actors.planner.run import Run
from actors.planner.state import Plan, PlannedModule, settings_digest

JOBS = (RunSummarise, RunInfer, RunCompile, RunLink)


class Desk:
    """`send` posts a request to whom it concerns; `later` has the build looked at again in so many
    seconds, and `now` is the time in seconds. `slots` is
    the number of worker slots. `remembers`: whether keys of earlier builds of this Project may be believed without
    asking the cache (not where there is none); `believes`: whether they are now, for the cache did not lose anything
    meanwhile."""

    def __init__(
        self,
        toolchains: Toolchains,
        slots: int,
        remembers: bool,
        send: Callable[[ToKeeper | ToWorkers], None],
        later: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self.toolchains = toolchains
        self.slots = slots
        self.idle_slots = slots
        self.remembers = self.believes = remembers
        self.identities = toolchains.identities()
        """By name of a toolchain; as they were when the Project was opened."""
        self.facts = Facts(toolchains.identity(), lambda path: self.identities[toolchains.of(path).name])
        self.plan: Plan | None = None
        self.linked = False
        """Whether a toolchain has linked in this process, and remembers that if it ever does."""
        self.known_entries: dict[Digest, CacheEntry] = {}
        self.events = Events()
        """The Project's, from the moment that the planner starts."""
        self._send = send
        self.later = later
        self.now = now

    def ask(self, run: Run, request: ToKeeper | ToWorkers) -> None:
        """Send a request for a build; its phase does not end before the answer came."""
        run.awaited += 1
        if isinstance(request, JOBS):
            self.idle_slots -= 1
        self._send(request)

    def milliseconds(self, run: Run) -> float:
        """How long a build has taken by now."""
        return (self.now() - run.began) * 1000

    def doubt(self) -> None:
        """What earlier builds found in the cache may be gone: the next one asks for all of it."""
        self.believes = False
        self.known_entries = {}

    def is_for(self, plan: Plan, settings: BuildSettings) -> bool:
        """Whether a plan's keys are those of this toolchain for these settings."""
        return plan.toolchain == self.facts.toolchain and plan.settings == settings_digest(settings)

    def believed(self, settings: BuildSettings) -> Mapping[str, PlannedModule]:
        """The modules of the last build whose objects may be used as they are, if a build asks for nothing else."""
        plan = self.plan
        if plan is None or not self.believes or settings.goal != "build" or settings.force or settings.verify:
            return {}
        return plan.modules if self.is_for(plan, settings) else {}

    def planned_object(self, module: str, key: Digest) -> PlannedModule | None:
        """What the last finished build says of this key."""
        if self.plan is None or not self.believes:
            return None
        planned = self.plan.modules.get(module)
        return planned if planned and planned.key == key and planned.object else None

    def input_changed(self, run: Run, module: str, source: Source) -> None:
        """A file is not what the scan saw any more: the module is planned again, with what it holds now."""
        if self.events.wanted:
            self.events.emit(InputChanged(build=run.id, module=module))
        if not run.may_retry(module):
            source = msgspec.structs.replace(source, error=keeps_changing(module, source.path))
        if source.error is not None:
            run.diagnostics.append(source.error)
        self.facts.replace(source)
        run.replan = True
