"""The middle of a build: objects are reused or made, and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actors.compiler.toolchain import Object
from actors.diagnostics import Diagnostic
from actors.digests import Digest, digest
from actors.events import NO_SLOT, CacheHit, CacheMiss, CompileFinished, CompileStarted
from actors.messages import (
    BATCH,
    CacheEntry,
    CompileDone,
    CompileOutcome,
    Find,
    Found,
    FragmentsFound,
    Message,
    NewEntry,
    RunCompile,
    Stored,
    StoreEntries,
)
from actors.planner.facts import as_portable
from actors.planner.fingerprints import Fingerprint
from actors.planner.phases.finding import FindingObjects, Reusing, touched
from actors.planner.reports import MISSING, crashed, reason, with_hints
from actors.planner.run import MadeObject, Phase, Run, State
from actors.planner.schedule import REUSED_MS, Work
from actors.planner.session import Session, Step
from actors.planner.table import settings_digest
from actors.result import Reason

STORE_MS = 60.0
"""Objects are stored when they are worth so much: each `StoreEntries` is files and a transaction, beside workers who
want the processor."""


class Compiling(Step):
    """Follows each module from a miss to its object. Results, besides `Run.objects` and `Run.failures`: the modules
    that were `missed`, and the `reasons` why."""

    def __init__(self, session: Session, run: Run, finding: FindingObjects) -> None:
        super().__init__(session, run)
        self._finding = finding
        self._reusing = Reusing(session, run)
        self.missed: set[str] = set()
        self.reasons: dict[str, Reason] = {}
        self._to_store: list[NewEntry] = []
        self._to_store_ms = 0.0
        """What making these has cost."""
        self._storing = False
        self.forget()

    def forget(self) -> None:
        """The build looks at the sources again. Objects that wait to be stored are kept: their keys say what they are
        made of."""
        self._ready = Work(self.run.shared)
        self._reused: set[str] = set()
        """Modules whose object is one that the cache had for another key."""
        self._reusing.forget()

    @property
    def fingerprints(self) -> dict[str, dict[str, Fingerprint]]:
        """By module and function, where they were needed."""
        return self._reusing.fingerprints

    @property
    def left_to_others(self) -> int:
        """How many modules other processes are compiling."""
        return len(self._ready.theirs)

    # ---- hits and misses

    def begin(self) -> None:
        """Takes hits; the misses become ready. When the build comes back from linking, no module is wanted any more."""
        session, run, facts, force = self.session, self.run, self.session.facts, self.run.settings.force
        entries, claimed, marked = self._finding.entries, self._finding.claimed, run.failures.marked
        settings_now = settings_digest(run.settings)
        for module, key in touched(facts):
            if run.states[module] is not State.WANTED:
                continue
            if not force and module not in marked and self._hit(module, key, entries):
                continue
            if not force:
                self.missed.add(module)
                if session.events.wanted:
                    session.events.emit(CacheMiss(build=run.id, module=module, key=key, kind="object"))
            self.reasons[module] = reason(facts, module, session.earlier.plan, settings_now)
            # A marked module is never stored, so nobody else would find its object: no claim is needed.
            self._make_ready(module, False if module in marked else claimed.get(key))

    def _hit(self, module: str, key: Digest, entries: dict[Digest, CacheEntry]) -> bool:
        session, run = self.session, self.run
        # The order matters. An object that this build made comes first, because it was not stored perhaps. What the
        # cache answered comes before the plan, because another process may have replaced an object with inputs by one
        # of other inputs, and then the plan names an object that is gone.
        if run.objects.use_made(module, key):
            run.states.set(module, State.HIT)
            run.states.set(module, State.COMPILED)
            return True
        entry = entries.get(key) or session.earlier.entries.get(key)
        planned = session.earlier.planned_object(module, key)
        inputs = session.facts.inputs
        if entry is not None and inputs.same(entry.inputs):
            session.earlier.note(entry)
            inputs.keep(module, entry.inputs)
            run.objects.use(module, entry.digest, entry.duration_ms, len(entry.functions), entry.warnings)
        elif planned is not None:
            inputs.keep(module, planned.inputs)
            run.objects.use(module, planned.object, planned.duration_ms, planned.functions, planned.warnings)
        else:
            return False
        run.states.set(module, State.HIT)
        if session.events.wanted:
            session.events.emit(CacheHit(build=run.id, module=module, key=key, kind="object"))
        return True

    def compile_again(self, modules: Iterable[str]) -> None:
        """The objects of these modules turned out to be gone: late misses. Other processes are not asked, because what
        the cache says of these keys was just found to be wrong."""
        for module in modules:
            self.reasons.setdefault(module, MISSING)
            self.missed.add(module)
            self._make_ready(module, taken=False)

    def _make_ready(self, module: str, taken: bool | None = None) -> None:
        """Puts a module into the ready heap, or lets it wait for its imports' objects where the toolchain needs them.
        `taken` as in `Work.add`."""
        run, session = self.run, self.session
        toolchain = session.toolchains.of(session.facts.sources[module].path)
        if toolchain.needs_import_objects and not self._imports_ended(module):
            run.states.set(module, State.WAITING)
            return
        run.states.set(module, State.READY)
        run.schedule.queued(module)
        self._ready.add(module, run.schedule.priority(module), taken)

    def _imports_ended(self, module: str) -> bool:
        graph = self.session.facts.graph
        component = graph.component_of[module]
        return all(
            self.run.states[target] in (State.HIT, State.COMPILED)
            for target in graph.imports[module]
            if graph.component_of[target] != component
        )

    def _wake_dependents(self, module: str) -> None:
        for dependent in self.session.facts.graph.dependents[module]:
            if self.run.states[dependent] is State.WAITING and self._imports_ended(dependent):
                self._make_ready(dependent)

    # ---- going on

    def advance(self) -> None:
        """Fills idle slots and stores finished objects. Goes on when every module has ended. Where a source changed
        under the build, or an object is gone, nothing new is begun, and the build looks at the sources again."""
        run = self.run
        if not run.settings.keep_going and run.failures.errors:
            self._give_up()
        if not run.replan:
            self._begin_modules()
        # Storing comes after the jobs, because workers wait for those. Small amounts are stored only when nothing else
        # is under way: a last `StoreEntries` must be answered before the phase ends. A build that answers early stores
        # its few objects after that, with the program, in one transaction.
        late = self.session.answers_early(run) and len(self._to_store) <= BATCH
        if self._to_store_ms >= STORE_MS or (not run.awaited and not late):
            self.store()
        if run.awaited:
            return
        if not run.replan and run.failures.only_unexplained_left():
            self._explain()
        if run.replan:
            run.go(Phase.ANALYSING)
        elif run.states.ended:
            run.go(Phase.VERIFYING)
        elif self._ready.theirs:
            self._wait_for_others()

    def _begin_modules(self) -> None:
        """Prepares ready modules, has the idle slots compile prepared ones, and claims more."""
        session, run, schedule, reusing = self.session, self.run, self.run.schedule, self._reusing
        sources = session.facts.sources
        reusing.prepare(self._ready)
        while session.idle_slots and len(reusing.prepared):
            modules = reusing.prepared.take(session.slots, schedule.costs, self._ready.more)
            ahead_ms = schedule.to_share_ms()
            for module in modules:
                run.states.set(module, State.RUNNING)
                schedule.taken(module)
            session.ask(
                run,
                RunCompile(
                    build=run.id,
                    jobs=tuple([reusing.job(module) for module in modules]),
                    digests=tuple([sources[module].digest for module in modules]),
                    root=run.settings.root,
                    ahead_ms=ahead_ms,
                ),
            )
        if claims := self._ready.next_claims(session.slots, self._cost(), reusing.count):
            self._claim(claims)

    def _cost(self) -> Callable[[str], float]:
        """What a module takes, in milliseconds, as far as this build has learnt."""
        sources, estimates = self.session.facts.sources, self.run.schedule.estimates
        return lambda module: estimates.of(module, sources[module].size)

    def _give_up(self) -> None:
        """`keep_going` is off and a module failed: nothing new is begun."""
        run = self.run
        left = run.states.members(State.READY, State.WAITING)
        self._discard(left)
        for module in left:
            run.failures.block(module, min(run.failures.errors))
        self.session.tell_blocked(run, left)

    def _discard(self, modules: list[str]) -> None:
        self._ready.discard(modules)
        self._reusing.prepared.discard(modules)

    # ---- other processes

    def _claim(self, modules: list[str], beside: int = 0) -> None:
        keys = tuple(self.session.facts.key(module) for module in modules)
        self.session.ask(self.run, Find(build=self.run.id, keys=keys, claim=len(keys), beside=beside))

    def _claimed(self, answer: Found) -> None:
        """Takes over who compiles the modules that were to be claimed. The cache has some of them by now."""
        facts = self.session.facts
        for module in self._ready.answered():
            key = facts.key(module)
            if key in answer.entries and self._hit(module, key, answer.entries):
                self._ready.progressed()
                self.missed.discard(module)
                self.run.schedule.taken(module)
                self._wake_dependents(module)
            else:
                self._ready.claimed(module, key in answer.taken)

    def _wait_for_others(self) -> None:
        """All that is left is being compiled by other processes."""
        now = self.session.now()
        pause = self._ready.wait(now)
        if pause > 0:
            self.session.later(pause)
        else:
            self._claim(*self._ready.look(now, self.session.slots, self._cost()))

    # ---- what comes back

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, Found):
            self._claimed(answer)
        elif isinstance(answer, FragmentsFound):
            self._reuse(answer)
        elif isinstance(answer, CompileDone):
            for outcome in answer.outcomes:
                self._done(outcome)
        else:
            super().answered(request, answer)

    def answered_late(self, answer: Message) -> None:
        """What the last jobs of a cancelled build finished need not be made again."""
        self._storing = self._storing and not isinstance(answer, Stored)
        for outcome in answer.outcomes if isinstance(answer, CompileDone) else ():
            compiled = outcome.compiled.object if outcome.compiled else None
            if compiled is not None and outcome.module not in self.run.failures.marked:
                self._made(outcome.module, compiled, digest(compiled.data), outcome.duration_ms)

    def _reuse(self, answer: FragmentsFound) -> None:
        """Takes the whole objects of some modules, each for the module's new key too. They count as compiled, because
        their keys missed, but no worker is asked."""
        run, events = self.run, self.session.events
        for module, entry, data in self._reusing.found(answer):
            self._reused.add(module)
            run.schedule.taken(module)
            if events.wanted:
                events.emit(CompileStarted(build=run.id, module=module, slot=NO_SLOT))
            reused = Object(data=data, functions=entry.functions, warnings=entry.warnings, discovered=entry.inputs)
            self._made(module, reused, entry.digest, entry.duration_ms)
            if events.wanted:
                events.emit(
                    CompileFinished(
                        build=run.id,
                        module=module,
                        slot=NO_SLOT,
                        duration_ms=0.0,
                        compiled_functions=0,
                        reused_functions=len(reused.functions),
                    )
                )
            run.states.set(module, State.COMPILED)
            self._wake_dependents(module)

    def _done(self, outcome: CompileOutcome) -> None:
        """Takes over what a worker made of its job."""
        session, run, failures, facts = self.session, self.run, self.run.failures, self.session.facts
        module = outcome.module
        if outcome.changed is not None:
            session.input_changed(run, module, outcome.changed)
            return
        compiled = outcome.compiled.object if outcome.compiled else None
        errors = self._errors(outcome)
        if errors is None:
            # The build looks at the sources again, fetches the summaries of all modules, and compiles this one once
            # more. Its errors are the same, but now the hints at other modules can be given.
            run.analyse_again()
            run.states.set(module, State.READY)
            return
        if compiled is not None and not errors:
            self._made(module, compiled, digest(compiled.data), outcome.duration_ms)
        # What the module depends on may have failed while a worker had it. Then neither its errors nor its silence
        # count, whichever came first. Its object is stored all the same: it is right for its key.
        by = failures.blocker(module, facts.graph)
        if by:
            failures.unexplained.pop(module, None)
            failures.block(module, by)
            session.tell_blocked(run, [module])
        elif errors:
            self._fail(module, errors)
        elif module not in failures.unexplained:
            run.states.set(module, State.COMPILED)
            self._wake_dependents(module)

    def _errors(self, outcome: CompileOutcome) -> list[Diagnostic] | None:
        """What is wrong with a module. None: that cannot be told before the summaries of all modules are at hand,
        because any of them may have a name that is unknown here. Notes a module that has neither object nor error."""
        failures, facts, module = self.run.failures, self.session.facts, outcome.module
        path = facts.sources[module].path
        errors = list(failures.marked.get(module, ()))
        compiled = outcome.compiled
        if compiled is not None and compiled.object is None:
            if compiled.unknown and not facts.want_all():
                return None
            errors += with_hints(compiled.diagnostics, compiled.unknown, module, facts)
            if not errors:
                failures.unexplained[module] = list(compiled.otherwise) or [
                    crashed(module, path, "it gave neither object nor error")
                ]
        if outcome.crash:
            errors.append(crashed(module, path, outcome.crash))
        return errors

    def _fail(self, module: str, errors: list[Diagnostic]) -> None:
        self._discard(self.session.fail(self.run, module, errors))

    def _explain(self) -> None:
        """Blocks the unexplained modules by the failed ones that they depend on. Which ones these are is known when all
        others have ended."""
        run, failures, graph = self.run, self.run.failures, self.session.facts.graph
        for module, failed in failures.explanations(graph):
            by = failed or failures.blocker(module, graph)
            if by:
                failures.block(module, by)
                self.session.tell_blocked(run, [module])
            else:
                self._fail(module, failures.unexplained[module])
        failures.unexplained.clear()

    # ---- storing

    def _made(self, module: str, compiled: Object, object_digest: Digest, duration_ms: float) -> None:
        """A module has an object: it is stored as soon as there is enough to store. What a reused object cost when it
        was compiled predicts the next compile; it was not spent now."""
        facts, run = self.session.facts, self.run
        key = facts.key(module)
        run.schedule.estimates.learn(module, facts.sources[module].size, duration_ms)
        self._to_store_ms += REUSED_MS if module in self._reused else duration_ms
        run.objects.add(module, MadeObject(key, compiled, object_digest, duration_ms))
        inputs = as_portable(compiled.discovered, run.settings.root, run.settings.project)
        facts.inputs.keep(module, inputs)
        self._to_store.append(
            NewEntry(
                key=key,
                digest=object_digest,
                kind="object",
                module=module,
                manifest=facts.key_origins[module].manifest,
                data=compiled.data,
                identity=facts.identity_of(facts.sources[module].path),
                imports=facts.graph.imports[module],
                exports=compiled.functions,
                functions=compiled.functions,
                warnings=compiled.warnings,
                duration_ms=duration_ms,
                inputs=inputs,
            )
        )

    def keep(self, entries: Iterable[NewEntry]) -> None:
        """Has these stored with the objects: the program, and what its link left."""
        self._to_store += entries

    def store(self) -> bool:
        """Stores what was made: one `StoreEntries` at a time, and what is made meanwhile goes into the next. An object
        that was reused for a module that is blocked now is dropped: it cost nothing, and its key names a source that
        fails. Objects with inputs go by themselves, because they replace what their keys have: that was made from other
        inputs. Returns whether anything is being stored."""
        if self._storing:
            return True
        run = self.run
        useless = self._reused & run.failures.blocked_by.keys()
        entries = [entry for entry in self._to_store if entry.module not in useless]
        plain = [entry for entry in entries if not entry.inputs]
        self._to_store = [entry for entry in entries if entry.inputs] if plain else []
        self._to_store_ms = 0.0
        if entries:
            self._storing, force = True, run.settings.force or not plain
            self.session.ask(run, StoreEntries(build=run.id, entries=tuple(plain or entries), force=force))
        return self._storing

    def stored(self, request: StoreEntries, answer: Stored) -> None:
        """Takes over what the cache has for these keys now: the first object of a key stays. The answer may come in any
        later phase, and is also that to a link's `StoreEntries`."""
        session = self.session
        # Two processes may compile one key at a time, and a toolchain must make the same bytes for it. If one does not,
        # all builds must still link the same object: so the first one that was stored counts, and this build uses it
        # too.
        self._storing = False
        for entry in request.entries:
            kept = answer.kept.get(entry.key)
            if kept is None or entry.inputs:  # Another process may have compiled it with other inputs.
                continue
            if entry.kind == "object":
                self.run.objects.digests[entry.module] = kept
            session.earlier.note(
                CacheEntry(
                    key=entry.key,
                    digest=kept,
                    size=len(entry.data),
                    module=entry.module,
                    kind=entry.kind,
                    functions=entry.functions,
                    warnings=entry.warnings,
                    duration_ms=entry.duration_ms,
                )
            )
