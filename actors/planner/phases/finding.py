"""Between keys and objects: which objects the cache has, asked for in one message."""

from __future__ import annotations

from collections.abc import Mapping

from actors.digests import Digest, digest
from actors.messages import CacheEntry, Find, Found, Load, Loaded, Message
from actors.planner.facts import Facts
from actors.planner.run import Phase, Run
from actors.planner.schedule import first_claims
from actors.planner.session import Session, Step
from actors.planner.states import State


def touched(facts: Facts) -> list[tuple[str, Digest]]:
    """The modules that the last build cannot answer for, with their keys."""
    return [(module, facts.key(module)) for module in facts.touched]


def inputs_of(entries: Mapping[Digest, CacheEntry]) -> list[str]:
    """The paths of all inputs of these entries."""
    return [one.path for entry in entries.values() for one in entry.inputs]


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
            and key not in session.known_entries
            and session.planned_object(module, key) is None
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
        facts, plan = self.session.facts, self.session.plan
        planned = plan.modules if plan else {}
        self.run.schedule.estimate(
            facts.touched,
            lambda module: facts.sources[module].size,
            facts.graph,
            known={module: row.duration_ms for module, row in planned.items()},
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
        """Go on when the inputs of what was found are read."""
        if self._found and not self.session.reads_inputs(self.run, inputs_of(self.entries)):
            self.run.go(Phase.COMPILING)


class LookingUp(Step):
    """For a look-up: asks for what the cache has of some modules, and for no more. Results: `entries` by module, and
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
            self.run.go(Phase.RECORDING)
        else:
            super().answered(request, answer)

    def advance(self) -> None:
        """Load what was found, when its inputs are read and are the same."""
        run, facts, found = self.run, self.session.facts, self._found
        if found is None or self.session.reads_inputs(run, inputs_of(found)):
            return
        self._found = None
        for module in run.settings.lookup:
            entry = found.get(facts.key(module))
            if entry is not None and facts.inputs.same(entry.inputs):
                self.entries[module] = entry
        digests = sorted({entry.digest for entry in self.entries.values()})
        if digests:
            self.session.ask(run, Load(build=run.id, digests=tuple(digests)))
        else:
            run.go(Phase.RECORDING)

    @property
    def missed(self) -> list[str]:
        """The modules that the cache has no object of, or a damaged one."""
        found = {module for module, entry in self.entries.items() if entry.digest in self.data}
        return [module for module in dict.fromkeys(self.run.settings.lookup) if module not in found]
