"""What a module that is ready may reuse of earlier compiles: its whole object under another key, or fragments of it.

An object is put together from the module's `parts` (`Facts.parts`). Where they are as in the last build and only
the key is another one, the old object is given back; else the cache is asked for the fragments of the functions whose
fingerprints it knows. Both are asked for in one message for many modules.
"""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import CompileJob
from actors.digests import Digest
from actors.messages import BATCH, CacheEntry, FindFragments, FragmentsFound
from actors.planner.desk import Desk
from actors.planner.run import Run
from actors.planner.state import PlannedModule, State

GIVEN_BACK_MS = 0.1
"""What a module costs whose object is at hand."""

FIRST_BATCH = 8
"""So many modules for each slot are fitted before the first one is compiled: the workers wait for that."""


class Fitting:
    """What the planner does between ready modules and their jobs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def fit(self, run: Run) -> None:
        """Find out what the next ready modules may reuse: one batch at a time, and none before the last is nearly used
        up, for fragments are as large as the objects they come from."""
        desk, facts = self.desk, self.desk.facts
        if run.fitting or len(run.fitted) > 4 * desk.slots:
            return
        wanted: dict[Digest, None] = {}
        objects: list[Digest] = []
        batch: list[str] = []
        most = BATCH if run.compilations else FIRST_BATCH * desk.slots
        while len(run.ready) and len(batch) < BATCH and len(batch) - len(objects) < most:
            module = run.ready.pop()
            planned = self._same_object(run, module)
            if planned is not None:
                batch.append(module)
                objects.append(planned.key)
                continue
            found = run.fingerprints[module] = facts.fingerprints(module)
            if found and not run.settings.force:
                batch.append(module)
                wanted.update(dict.fromkeys([one.digest for one in found.values()]))
                continue
            run.fitted.add(module, run.priorities.get(module, 0.0))
            if len(run.fitted) > most:
                break
        if batch:
            run.fitting = tuple(batch)
            desk.ask(run, FindFragments(build=run.id, fingerprints=tuple(wanted), objects=tuple(objects)))

    def _same_object(self, run: Run, module: str) -> PlannedModule | None:
        """What the last build says of the module, if its object is to be had for it: its key is another one, but
        not what the object is put together from."""
        desk = self.desk
        planned = desk.plan.modules.get(module) if desk.plan and desk.believes and not run.settings.force else None
        if planned is None or not planned.object or not planned.parts or module in run.condemned:
            return None
        return planned if planned.parts == desk.facts.parts(module) else None

    def found(self, run: Run, answer: FragmentsFound) -> list[tuple[str, CacheEntry, bytes]]:
        """What the cache has of what was asked for. Returns the modules whose object is there; the others can be
        compiled now."""
        facts = self.desk.facts
        modules, run.fitting = run.fitting, ()
        there: list[tuple[str, CacheEntry, bytes]] = []
        gone = False
        for module in modules:
            if run.states[module] is not State.READY:
                continue
            planned = None if module in run.fingerprints else self._same_object(run, module)
            if planned is not None and planned.key in answer.objects:
                there.append((module, *answer.objects[planned.key]))
                continue
            if facts.can_compile(module):
                run.costs[module] = run.estimates.of(module, facts.sources[module].size)
                found = run.fingerprints[module] = facts.fingerprints(module)
                digests = [one.digest for one in found.values()]
                run.fragments[module] = {one: answer.fragments[one] for one in digests if one in answer.fragments}
            else:
                gone = True
                continue
            run.fitted.add(module, run.priorities.get(module, 0.0))
        if gone:  # The plan says that the objects are there; and too little was looked at to compile their modules.
            self.desk.doubt()
            run.replan = True
        return there

    def job(self, run: Run, module: str) -> CompileJob:
        """The job of a fitted module, with what it reuses."""
        return msgspec.structs.replace(
            self.desk.facts.job(module),
            fingerprints={name: one.digest for name, one in run.fingerprints[module].items()},
            fragments=run.fragments.pop(module, {}),
        )
