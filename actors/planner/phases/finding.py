"""Between keys and objects: what need not be compiled.

Which objects the cache has is asked for in one message. A module that it has none of may reuse parts of earlier
compiles: its whole object under another key, or fragments of it. An object is put together from the module's `parts`
(`Facts.parts`). Where they are as in the last build and only the key is another one, the old object is reused;
otherwise the cache is asked for the fragments of the functions whose fingerprints it knows. Both are asked for in one
message for many modules.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.compiler.toolchain import CompileJob, Object
from actors.digests import Digest, digest
from actors.messages import BATCH, CacheEntry, Find, FindFragments, Found, FragmentsFound, Load, Loaded, Message
from actors.planner.facts import Facts
from actors.planner.fingerprints import Fingerprint
from actors.planner.run import Phase, Run, State
from actors.planner.schedule import ReadyHeap, Work, first_claims
from actors.planner.session import Session, Step
from actors.planner.table import PlannedModule


def touched(facts: Facts) -> list[tuple[str, Digest]]:
    """The modules that the last build cannot answer for, with their keys."""
    return [(module, facts.key(module)) for module in facts.touched]


def inputs_of(entries: Mapping[Digest, CacheEntry]) -> list[str]:
    """The paths of all inputs of these entries."""
    return [file.path for entry in entries.values() for file in entry.inputs]


class FindingObjects(Step):
    """Asks for the keys that no earlier build of this Project answers for. Results: the `entries` of the cache, and for
    each key that was `claimed`, whether another process had claimed it before."""

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__(session, run)
        self.entries: dict[Digest, CacheEntry] = {}
        self.claimed: dict[Digest, bool] = {}
        self._found = False

    def forget(self) -> None:
        self.entries, self.claimed, self._found = {}, {}, False

    def begin(self) -> None:
        session, run, facts = self.session, self.run, self.session.facts
        # Modules that already failed are not asked for: they are compiled for the sake of their other errors, and their
        # objects are discarded. Known entries and planned objects are hits without a question.
        self._estimate()
        asked = [
            module
            for module, key in touched(facts)
            if run.states[module] is State.WANTED
            and module not in run.failures.marked
            and key not in session.earlier.entries
            and session.earlier.planned_object(module, key) is None
        ]
        if not asked or run.settings.force:
            run.go(Phase.COMPILING)
            return
        schedule, as_before = run.schedule, facts.as_before
        kept = sorted([module for module in asked if module in as_before])
        others = [module for module in asked if module not in as_before]
        others.sort(key=lambda module: (-schedule.priorities[module], module))
        keys = tuple([facts.key(module) for module in (*kept, *others)])
        # Keys are claimed in the order in which they stand in the message. First those whose objects are reused, all of
        # them, because they cost nothing; then what the slots will begin with. What comes later is claimed when it is
        # needed, so that other processes find something to do.
        claim = len(kept) + first_claims(others, session.slots, schedule.costs) if run.shared else 0
        session.ask(run, Find(build=run.id, keys=keys, claim=claim))

    def _estimate(self) -> None:
        """What each module will cost, and which ones are the most urgent."""
        facts, plan = self.session.facts, self.session.earlier.plan
        rows: Mapping[str, PlannedModule] = plan.modules if plan else {}
        self.run.schedule.estimate(
            facts.touched,
            lambda module: facts.sources[module].size,
            facts.graph,
            known=lambda module: rows[module].duration_ms if module in rows else None,
            reused=facts.as_before,
        )

    def answered(self, request: Message, answer: Message) -> None:
        if not isinstance(answer, Found) or not isinstance(request, Find):
            super().answered(request, answer)
            return
        self.entries = answer.entries
        self.claimed = {key: key in answer.taken for key in request.keys[: request.claim]}
        self._found = True

    def advance(self) -> None:
        """Goes on when the inputs of what was found are read."""
        if self._found and not self.session.reads_inputs(self.run, inputs_of(self.entries)):
            self.run.go(Phase.COMPILING)


class LookingUp(Step):
    """For a look-up: asks only for what the cache has of some modules. Results: `entries` by module, and
    `data`, the bytes that could be loaded."""

    def __init__(self, session: Session, run: Run) -> None:
        super().__init__(session, run)
        self.entries: dict[str, CacheEntry] = {}
        self.data: dict[Digest, bytes] = {}
        self._found: dict[Digest, CacheEntry] | None = None
        """What the cache has, until the inputs of it are read."""

    def begin(self) -> None:
        facts, run = self.session.facts, self.run
        keys = [facts.key(module) or digest(b"no such module") for module in run.settings.lookup]
        self.session.ask(run, Find(build=run.id, keys=tuple(keys)))

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, Found):
            self._found = answer.entries
        elif isinstance(answer, Loaded):
            self.data = answer.data
            self.run.go(Phase.ENDING)
        else:
            super().answered(request, answer)

    def advance(self) -> None:
        """Loads what was found, when its inputs are read and are the same."""
        run, facts, entries = self.run, self.session.facts, self._found
        if entries is None or self.session.reads_inputs(run, inputs_of(entries)):
            return
        self._found = None
        for module in run.settings.lookup:
            entry = entries.get(facts.key(module))
            if entry is not None and facts.inputs.same(entry.inputs):
                self.entries[module] = entry
        digests = sorted({entry.digest for entry in self.entries.values()})
        if digests:
            self.session.ask(run, Load(build=run.id, digests=tuple(digests)))
        else:
            run.go(Phase.ENDING)

    @property
    def missed(self) -> list[str]:
        """The modules that the cache has no object of, or a damaged one."""
        loaded = {module for module, entry in self.entries.items() if entry.digest in self.data}
        return [module for module in dict.fromkeys(self.run.settings.lookup) if module not in loaded]


FIRST_BATCH = 8
"""Modules for each slot in the first batch. It is small, because the workers wait for it."""


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
        self._earlier: dict[str, Object] = {}
        """Objects that prepared modules had, for toolchains that can tell whether they still hold."""
        self._asked: tuple[str, ...] = ()
        """Modules that the keeper is asked for at the moment."""

    @property
    def count(self) -> int:
        """How many modules have left `ready` and are not begun."""
        return len(self.prepared) + len(self._asked)

    def prepare(self, ready: Work) -> None:
        """Finds out what the next ready modules may reuse: one batch at a time, and none before the last is nearly used
        up, because fragments are as large as the objects they come from."""
        session, run, facts = self.session, self.run, self.session.facts
        if self._asked or len(self.prepared) > 4 * session.slots:
            return
        # A whole object under another key needs no worker, so those modules do not count against `most`, which is what
        # the workers wait for. A module whose functions have no fingerprints has nothing to ask for: it is prepared at
        # once, and ends the batch early only when there is enough of them to keep the slots busy.
        wanted: dict[Digest, None] = {}
        objects: list[Digest] = []
        batch: list[str] = []
        earlier: list[Digest] = []
        most = BATCH if run.objects.compilations else FIRST_BATCH * session.slots
        while len(ready) and len(batch) < BATCH and len(batch) - len(objects) < most:
            module = ready.pop()
            planned = self._same_object(module)
            if planned is not None:
                batch.append(module)
                objects.append(planned.key)
                continue
            fingerprints = self.fingerprints[module] = facts.fingerprints(module)
            if keys := self._earlier_keys(module):
                batch.append(module)
                earlier += keys
                continue
            if fingerprints and not run.settings.force:
                batch.append(module)
                wanted.update(dict.fromkeys([fingerprint.digest for fingerprint in fingerprints.values()]))
                continue
            self.prepared.add(module, run.schedule.priority(module))
            if len(self.prepared) > most:
                break
        if batch:
            self._asked = tuple(batch)
            session.ask(run, FindFragments(build=run.id, fingerprints=tuple(wanted), objects=(*objects, *earlier)))

    def _earlier_keys(self, module: str) -> list[Digest]:
        """The keys under which the cache may have an object that the module had: its own, if only inputs changed, and
        that of the last build."""
        session, facts, plan = self.session, self.session.facts, self.session.earlier.plan
        if self.run.settings.force or not facts.sources[module].path.endswith(session.toolchains.reconsidered or "\0"):
            return []
        before = plan.modules.get(module) if plan is not None else None
        return list(dict.fromkeys([facts.key(module), *([before.key] if before is not None and before.key else [])]))

    def _same_object(self, module: str) -> PlannedModule | None:
        """What the last build says of the module, if its object can be reused: its key is another one, but not what the
        object is put together from."""
        session, run = self.session, self.run
        planned = session.earlier.planned(module)
        if planned is None or run.settings.force or module in run.failures.marked:
            return None
        return planned if planned.parts and planned.parts == session.facts.parts(module) else None

    def found(self, answer: FragmentsFound) -> list[tuple[str, CacheEntry, bytes]]:
        """Takes over what the cache has of what was asked for. Returns the modules whose whole object is there; the
        others can be compiled now."""
        session, run, facts = self.session, self.run, self.session.facts
        modules, self._asked = self._asked, ()
        whole: list[tuple[str, CacheEntry, bytes]] = []
        gone = False
        for module in modules:
            if run.states[module] is not State.READY:
                continue
            planned = None if module in self.fingerprints else self._same_object(module)
            stored = answer.objects.get(planned.key) if planned is not None else None
            # Another process may have stored an object of other inputs meanwhile.
            if stored is not None and facts.inputs.same(stored[0].inputs):
                whole.append((module, *stored))
                continue
            if not facts.can_compile(module):
                gone = True
                continue
            schedule = run.schedule
            schedule.costs[module] = schedule.estimates.of(module, facts.sources[module].size)
            made_of = self.fingerprints[module] = facts.fingerprints(module)
            for key in self._earlier_keys(module):
                if key in answer.objects:
                    entry, data = answer.objects[key]
                    self._earlier[module] = Object(
                        data=data, functions=entry.functions, warnings=entry.warnings, discovered=entry.inputs
                    )
                    break
            digests = [fingerprint.digest for fingerprint in made_of.values()]
            self._fragments[module] = {
                digest: answer.fragments[digest] for digest in digests if digest in answer.fragments
            }
            self.prepared.add(module, schedule.priority(module))
        if gone:
            # The plan says that the objects are there, so the facts never fetched what compiling their modules takes.
            # Without the plan's word they do, when the build looks at the sources again.
            session.earlier.invalidate()
            run.analyse_again()
        return whole

    def job(self, module: str) -> CompileJob:
        """The job of a prepared module, with what it reuses."""
        return msgspec.structs.replace(
            self.session.facts.job(module),
            fingerprints={name: fingerprint.digest for name, fingerprint in self.fingerprints[module].items()},
            fragments=self._fragments.pop(module, {}),
            earlier=self._earlier.pop(module, None),
        )
