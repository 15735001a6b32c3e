"""What a module that is ready may reuse of earlier compiles: its whole object under another key, or fragments of it.

An object is put together from the module's `parts` (`Facts.parts`). Where they are as in the last build and only the
key is another one, the old object is reused; otherwise the cache is asked for the fragments of the functions whose
fingerprints it knows. Both are asked for in one message for many modules.
"""

from __future__ import annotations

import msgspec

from actors.compiler.toolchain import CompileJob
from actors.digests import Digest
from actors.messages import BATCH, CacheEntry, FindFragments, FragmentsFound
from actors.planner.fingerprints import Fingerprint
from actors.planner.plan import PlannedModule
from actors.planner.run import Run
from actors.planner.schedule import ReadyHeap, Work
from actors.planner.session import Session
from actors.planner.states import State

FIRST_BATCH = 8
"""So many modules for each slot are prepared before the first one is compiled: the workers wait for that."""


class Reusing:
    """A part of the step `Compiling`: it takes modules from `ready`, and puts those whose reusable parts are known into
    `prepared`."""

    def __init__(self, session: Session, run: Run) -> None:
        self.session = session
        self.run = run
        self.forget()

    def forget(self) -> None:
        """The build looks at the sources again."""
        self.prepared = ReadyHeap()
        self.fingerprints: dict[str, dict[str, Fingerprint]] = {}
        """By module and function, where they were needed."""
        self._fragments: dict[str, dict[Digest, bytes]] = {}
        """Of prepared modules, by fingerprint."""
        self._asked: tuple[str, ...] = ()
        """Modules that the keeper is asked for at the moment."""

    @property
    def count(self) -> int:
        """How many modules have left `ready` and are not begun."""
        return len(self.prepared) + len(self._asked)

    def prepare(self, ready: Work) -> None:
        """Find out what the next ready modules may reuse: one batch at a time, and none before the last is nearly used
        up, because fragments are as large as the objects they come from."""
        session, run, facts = self.session, self.run, self.session.facts
        if self._asked or len(self.prepared) > 4 * session.slots:
            return
        wanted: dict[Digest, None] = {}
        objects: list[Digest] = []
        batch: list[str] = []
        most = BATCH if run.objects.compilations else FIRST_BATCH * session.slots
        while len(ready) and len(batch) < BATCH and len(batch) - len(objects) < most:
            module = ready.pop()
            planned = self._same_object(module)
            if planned is not None:
                batch.append(module)
                objects.append(planned.key)
                continue
            found = self.fingerprints[module] = facts.fingerprints(module)
            if found and not run.settings.force:
                batch.append(module)
                wanted.update(dict.fromkeys([one.digest for one in found.values()]))
                continue
            self.prepared.add(module, run.schedule.priority(module))
            if len(self.prepared) > most:
                break
        if batch:
            self._asked = tuple(batch)
            session.ask(run, FindFragments(build=run.id, fingerprints=tuple(wanted), objects=tuple(objects)))

    def _same_object(self, module: str) -> PlannedModule | None:
        """What the last build says of the module, if its object can be reused: its key is another one, but not what the
        object is put together from."""
        session, run = self.session, self.run
        planned = session.plan.modules.get(module) if session.plan and session.trusted else None
        if planned is None or run.settings.force or module in run.failures.marked:
            return None
        if not planned.object or not planned.parts or planned.parts != session.facts.parts(module):
            return None
        return planned if session.facts.inputs.same(planned.inputs) else None

    def found(self, answer: FragmentsFound) -> list[tuple[str, CacheEntry, bytes]]:
        """Take over what the cache has of what was asked for. Returns the modules whose whole object is there; the
        others can be compiled now."""
        session, run, facts = self.session, self.run, self.session.facts
        modules, self._asked = self._asked, ()
        there: list[tuple[str, CacheEntry, bytes]] = []
        gone = False
        for module in modules:
            if run.states[module] is not State.READY:
                continue
            planned = None if module in self.fingerprints else self._same_object(module)
            stored = answer.objects.get(planned.key) if planned is not None else None
            # Another process may have stored an object of other inputs meanwhile.
            if stored is not None and facts.inputs.same(stored[0].inputs):
                there.append((module, *stored))
                continue
            if not facts.can_compile(module):
                gone = True
                continue
            schedule = run.schedule
            schedule.costs[module] = schedule.estimates.of(module, facts.sources[module].size)
            made_of = self.fingerprints[module] = facts.fingerprints(module)
            digests = [one.digest for one in made_of.values()]
            self._fragments[module] = {one: answer.fragments[one] for one in digests if one in answer.fragments}
            self.prepared.add(module, schedule.priority(module))
        if gone:
            # The plan says that the objects are there, so the facts never fetched what compiling their modules takes.
            # Without the plan's word they do, when the build looks at the sources again.
            session.invalidate()
            run.replan = True
        return there

    def job(self, module: str) -> CompileJob:
        """The job of a prepared module, with what it reuses."""
        return msgspec.structs.replace(
            self.session.facts.job(module),
            fingerprints={name: one.digest for name, one in self.fingerprints[module].items()},
            fragments=self._fragments.pop(module, {}),
        )
