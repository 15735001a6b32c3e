"""The middle of a build: which modules the cache has, compiling the others, and keeping what they give."""

from __future__ import annotations

from collections.abc import Callable

from actors.compiler.toolchain import Object
from actors.diagnostics import Diagnostic, in_text
from actors.digests import Digest, digest
from actors.events import (
    NO_SLOT,
    CacheHit,
    CacheMiss,
    CompileFinished,
    CompileStarted,
    DiagnosticFound,
    ModuleBlocked,
    ModuleFailed,
)
from actors.messages import (
    CacheEntry,
    CompileDone,
    Find,
    Found,
    FragmentsFound,
    Message,
    NewEntry,
    RunCompile,
    Stored,
    StoreEntries,
)
from actors.planner.desk import Desk
from actors.planner.diagnostics import crashed, findings, with_findings, with_hints
from actors.planner.facts import Facts
from actors.planner.phases.fitting import GIVEN_BACK_MS, Fitting
from actors.planner.phases.step import Step
from actors.planner.reasons import reason
from actors.planner.run import Phase, Run
from actors.planner.schedule import Estimates
from actors.planner.state import State, settings_digest

STORE_MS = 60.0
"""Objects are stored when they are worth so much: each `StoreEntries` is files and a transaction, beside workers who
want the processor."""


class Compiling(Step):
    """What the planner does between keys and objects."""

    def __init__(self, desk: Desk, fitting: Fitting) -> None:
        super().__init__(desk)
        self._fitting = fitting

    def begin(self, run: Run) -> None:
        """Keys are known: ask the cache for those that no earlier build of this Project answers for."""
        desk, facts = self.desk, self.desk.facts
        run.go(Phase.FINDING)
        self.condemn(run)
        self._estimate(run)
        asked = [
            module
            for module, key in _touched(facts)
            if run.states[module] is State.WANTED
            and module not in run.condemned
            and key not in desk.known_entries
            and desk.planned_object(module, key) is None
        ]
        if asked and not run.settings.force:
            kept = sorted([module for module in asked if module in facts.as_before])
            others = [module for module in asked if module not in facts.as_before]
            others.sort(key=lambda module: (-run.priorities[module], module))
            keys = tuple([facts.key(module) for module in (*kept, *others)])
            # What costs nothing is claimed all at once, and with it what the slots begin with.
            claim = (len(kept) if run.shared else 0) + run.ready.first(others, desk.slots, run.costs)
            desk.ask(run, Find(build=run.id, keys=keys, claim=claim))
        else:
            self._decide(run, {}, {})

    def _estimate(self, run: Run) -> None:
        """What each module will cost, and which ones are the most urgent."""
        facts, plan = self.desk.facts, self.desk.plan
        before = plan.modules if plan else {}
        run.estimates = Estimates({module: planned.duration_ms for module, planned in before.items()})
        touched = [module for module, _ in _touched(facts)]
        cost = self._cost(run)
        run.costs = {module: cost(module) for module in touched}
        run.costs.update(dict.fromkeys(facts.as_before, GIVEN_BACK_MS))
        run.priorities = facts.graph.among(touched).remaining_path(run.costs)
        run.ahead_ms = 0.0

    def condemn(self, run: Run) -> None:
        """Errors that are known before anything is compiled. A module that has some is compiled all the same, for what
        else is wrong with it, unless it has no summary."""
        facts, entry = self.desk.facts, run.settings.entry
        for module in sorted(facts.broken):
            self._fail(run, module, list(facts.failures[module]))
        for module in with_findings(facts, entry):
            file = facts.sources[module]
            found = findings(facts, module, entry)
            run.condemn(module, [in_text(one, file.data or b"", module=module, file=file.path) for one in found])

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, Found) and isinstance(request, Find) and run.phase is Phase.FINDING:
            self._found(run, request, answer)
        elif isinstance(answer, Found):
            self._claimed(run, answer)
        elif isinstance(answer, FragmentsFound):
            self._fitted(run, answer)
        elif isinstance(answer, CompileDone):
            self._done(run, answer)
        else:
            super().answered(run, request, answer)

    def _found(self, run: Run, request: Find, answer: Found) -> None:
        self._decide(run, answer.entries, {key: key in answer.taken for key in request.keys[: request.claim]})

    def _decide(self, run: Run, entries: dict[Digest, CacheEntry], claimed: dict[Digest, bool]) -> None:
        """Hits and misses; the misses become ready. `claimed` are the keys that were claimed: whether another process
        had them before."""
        desk, facts, settings = self.desk, self.desk.facts, run.settings
        run.go(Phase.COMPILING)
        settings_now = settings_digest(settings)
        for module, key in _touched(facts):
            if run.states[module] is not State.WANTED:
                continue
            if not settings.force and module not in run.condemned and self._hit(run, module, key, entries):
                continue
            if not settings.force:
                run.missed.add(module)
                if desk.events.wanted:
                    desk.events.emit(CacheMiss(build=run.id, module=module, key=key, kind="object"))
            run.reasons[module] = reason(facts, module, desk.plan, settings_now)
            # What a condemned module compiles to is stored by nobody.
            self.make_ready(run, module, False if module in run.condemned else claimed.get(key))

    def _hit(self, run: Run, module: str, key: Digest, entries: dict[Digest, CacheEntry]) -> bool:
        desk = self.desk
        if run.made_for.get(module) == key:  # Made in this very build, before another module's source changed.
            made = run.made[module]
            run.hit(module, digest(made.data), run.made_ms[module], len(made.functions), made.warnings)
            run.states.set(module, State.COMPILED)
            return True
        entry = entries.get(key) or desk.known_entries.get(key)
        planned = desk.planned_object(module, key)
        if entry is not None:
            if desk.remembers:
                desk.known_entries[key] = entry
            run.hit(module, entry.digest, entry.duration_ms, len(entry.functions), entry.warnings)
        elif planned is not None:
            run.hit(module, planned.object, planned.duration_ms, planned.functions, planned.warnings)
        else:
            return False
        if desk.events.wanted:
            desk.events.emit(CacheHit(build=run.id, module=module, key=key, kind="object"))
        return True

    def make_ready(self, run: Run, module: str, taken: bool | None = None) -> None:
        """Put a module into the ready heap, or let it wait for its imports' objects where the toolchain needs them.
        `taken` as in `Work.add`."""
        toolchain = self.desk.toolchains.of(self.desk.facts.sources[module].path)
        if toolchain.needs_import_objects and not self._imports_ended(run, module):
            run.states.set(module, State.WAITING)
            return
        run.states.set(module, State.READY)
        run.ahead_ms += run.costs.get(module, 0.0)
        run.ready.add(module, run.priorities.get(module, 0.0), taken)

    def _imports_ended(self, run: Run, module: str) -> bool:
        graph = self.desk.facts.graph
        component = graph.component_of[module]
        return all(
            run.states[target] in (State.HIT, State.COMPILED)
            for target in graph.imports[module]
            if graph.component_of[target] != component
        )

    def advance(self, run: Run) -> None:
        """Keep the slots busy, and what they made safe; when every module has ended, go on to linking. Where a source
        changed under the build, or an object is gone, nothing new is begun, and the build looks closer again."""
        desk, facts = self.desk, self.desk.facts
        if run.phase is Phase.FINDING:
            return
        if not run.settings.keep_going and run.errors:
            self._give_up(run)
        if not run.replan:
            self._fitting.fit(run)
        while desk.idle_slots and len(run.fitted) and not run.replan:
            modules = run.fitted.take(desk.slots, run.costs, run.ready.more)
            ahead_ms = run.ahead_ms
            for module in modules:
                run.states.set(module, State.RUNNING)
                run.ahead_ms -= run.costs.get(module, 0.0)
            desk.ask(
                run,
                RunCompile(
                    build=run.id,
                    jobs=tuple([self._fitting.job(run, module) for module in modules]),
                    digests=tuple([facts.sources[module].digest for module in modules]),
                    root=run.settings.root,
                    ahead_ms=ahead_ms,
                ),
            )
        if not run.replan:
            taken = len(run.fitted) + len(run.fitting)
            if modules := run.ready.next_claims(desk.slots, self._cost(run), taken):
                self._claim(run, modules)
        # After what others wait for; and a little at a time only where nothing else is under way.
        if not run.awaited or run.to_store_ms >= STORE_MS:
            self.store(run)
        if run.awaited:
            return
        if not run.replan and run.only_silent_left():
            self._explain(run)
        if run.replan:
            run.replan = False
            run.go(Phase.SCANNED)
        elif run.states.ended:
            run.go(Phase.COMPILED)
        elif run.ready.theirs:
            self._wait_for_others(run)

    def _cost(self, run: Run) -> Callable[[str], float]:
        """What a module takes, in milliseconds, as this build has learnt by now."""
        sources = self.desk.facts.sources
        return lambda module: run.estimates.of(module, sources[module].size)

    def _claim(self, run: Run, modules: list[str], beside: int = 0) -> None:
        keys = tuple(self.desk.facts.key(module) for module in modules)
        self.desk.ask(run, Find(build=run.id, keys=keys, claim=len(keys), beside=beside))

    def _claimed(self, run: Run, answer: Found) -> None:
        """Who compiles the modules that were to be claimed; some of them the cache has by now."""
        facts = self.desk.facts
        for module in run.ready.answered():
            key = facts.key(module)
            if key in answer.entries and self._hit(run, module, key, answer.entries):
                run.ready.moved()
                run.missed.discard(module)
                run.ahead_ms -= run.costs.get(module, 0.0)
                self._wake_dependents(run, module)
            else:
                run.ready.settled(module, key in answer.taken)

    def _wait_for_others(self, run: Run) -> None:
        """All that is left is being compiled by other processes."""
        now = self.desk.now()
        pause = run.ready.wait(now)
        if pause > 0:
            self.desk.later(pause)
        else:
            self._claim(run, *run.ready.look(now, self.desk.slots, self._cost(run)))

    def _give_up(self, run: Run) -> None:
        """`keep_going` is off and a module failed: nothing new is begun."""
        left = run.states.members(State.READY, State.WAITING)
        run.ready.discard(left)
        run.fitted.discard(left)
        for module in left:
            run.block(module, min(run.errors))
        self._emit_blocked(run, left)

    def _done(self, run: Run, answer: CompileDone) -> None:
        """Take over what a worker made of its job."""
        facts = self.desk.facts
        for outcome in answer.outcomes:
            module = outcome.module
            if outcome.changed is not None:
                self.desk.input_changed(run, module, outcome.changed)
                continue
            path = facts.sources[module].path
            made = outcome.compiled.object if outcome.compiled else None
            errors = list(run.condemned.get(module, ()))
            if outcome.compiled is not None and made is None:
                unknown = outcome.compiled.unknown
                if unknown and not facts.want_all():  # any module may have these names
                    run.replan = True
                    run.states.set(module, State.READY)
                    continue
                errors += with_hints(outcome.compiled.diagnostics, unknown, module, facts)
                if not errors:
                    run.silent[module] = list(outcome.compiled.otherwise) or [
                        crashed(module, path, "it gave neither object nor error")
                    ]
            if outcome.crash:
                errors.append(crashed(module, path, outcome.crash))
            if made is not None and not errors:
                self._made(run, module, made, digest(made.data), outcome.duration_ms)
            by = run.already_blocked(module, facts)
            if by:
                run.silent.pop(module, None)
                run.block(module, by)
                self._emit_blocked(run, [module])
            elif errors:
                self._fail(run, module, errors)
            elif module not in run.silent:
                run.states.set(module, State.COMPILED)
                self._wake_dependents(run, module)

    def _explain(self, run: Run) -> None:
        """Silent modules are blocked by the failed one that they are built upon, or stand in a circle with. Which one
        that is, is known when all others have ended."""
        for module, by in run.blame(self.desk.facts):
            by = by or run.already_blocked(module, self.desk.facts)
            if by:
                run.block(module, by)
                self._emit_blocked(run, [module])
            else:
                self._fail(run, module, run.silent[module])
        run.silent.clear()

    def keep(self, run: Run, answer: CompileDone) -> None:
        """The build was cancelled; what its last jobs finished all the same need not be made again."""
        for outcome in answer.outcomes:
            made = outcome.compiled.object if outcome.compiled else None
            if made is not None and outcome.module not in run.condemned:
                self._made(run, outcome.module, made, digest(made.data), outcome.duration_ms)

    def _fitted(self, run: Run, answer: FragmentsFound) -> None:
        """What may be reused is known of some modules. Where it is the whole object, that is the module's under its new
        key too. It counts as compiled, because its key missed, but no worker is asked."""
        events = self.desk.events
        for module, entry, data in self._fitting.found(run, answer):
            run.given_back.add(module)
            run.ahead_ms -= run.costs.get(module, 0.0)
            if events.wanted:
                events.emit(CompileStarted(build=run.id, module=module, slot=NO_SLOT))
            made = Object(data=data, functions=entry.functions, warnings=entry.warnings)
            self._made(run, module, made, entry.digest, entry.duration_ms)
            if events.wanted:
                events.emit(
                    CompileFinished(
                        build=run.id,
                        module=module,
                        slot=NO_SLOT,
                        duration_ms=0.0,
                        compiled_functions=0,
                        reused_functions=len(made.functions),
                    )
                )
            run.states.set(module, State.COMPILED)
            self._wake_dependents(run, module)

    def _made(self, run: Run, module: str, made: Object, object_digest: Digest, duration_ms: float) -> None:
        """A module has an object: it is stored as soon as there is enough to store. What one that was given back had
        cost when it was compiled says what the next compile will cost, and nothing of what was spent now."""
        facts = self.desk.facts
        run.estimates.learn(module, facts.sources[module].size, duration_ms)
        run.to_store_ms += GIVEN_BACK_MS if module in run.given_back else duration_ms
        run.compiled(module, facts.key(module), made, object_digest, duration_ms)
        if made.discovered:
            return
        run.to_store.append(
            NewEntry(
                key=facts.key(module),
                kind="object",
                module=module,
                manifest=facts.made[module].manifest,
                data=made.data,
                identity=facts.identity_of(facts.sources[module].path),
                imports=facts.graph.imports[module],
                exports=made.functions,
                functions=made.functions,
                warnings=made.warnings,
                duration_ms=duration_ms,
            )
        )

    def _wake_dependents(self, run: Run, module: str) -> None:
        for dependent in self.desk.facts.graph.dependents[module]:
            if run.states[dependent] is State.WAITING and self._imports_ended(run, dependent):
                self.make_ready(run, dependent)

    def _fail(self, run: Run, module: str, errors: list[Diagnostic]) -> None:
        events = self.desk.events
        newly = run.fail(module, errors, self.desk.facts)
        if events.wanted:
            for found in errors:
                events.emit(DiagnosticFound(build=run.id, diagnostic=found))
            events.emit(ModuleFailed(build=run.id, module=module, errors=len(errors)))
        self._emit_blocked(run, newly)

    def _emit_blocked(self, run: Run, modules: list[str]) -> None:
        if self.desk.events.wanted:
            for module in modules:
                self.desk.events.emit(ModuleBlocked(build=run.id, module=module, by=run.blocked_by[module]))

    def store(self, run: Run) -> None:
        """One `StoreEntries` at a time: what is made meanwhile goes into the next. What was given back to a module
        that is blocked now is dropped: it cost nothing, and its key names a source that fails."""
        if run.storing:
            return
        useless = run.given_back & run.blocked_by.keys()
        entries = tuple([entry for entry in run.to_store if entry.module not in useless])
        run.to_store, run.to_store_ms = [], 0.0
        if entries:
            run.storing = True
            self.desk.ask(run, StoreEntries(build=run.id, entries=entries, force=run.settings.force))

    def stored(self, run: Run, request: StoreEntries, answer: Stored) -> None:
        """What the cache has for these keys now: the first object of a key stays."""
        desk = self.desk
        run.storing = False
        for entry in request.entries:
            kept = answer.kept.get(entry.key)
            if kept is None:
                continue
            if entry.kind == "object":
                run.objects[entry.module] = kept
            if desk.remembers:
                desk.known_entries[entry.key] = CacheEntry(
                    key=entry.key,
                    digest=kept,
                    size=len(entry.data),
                    module=entry.module,
                    kind=entry.kind,
                    functions=entry.functions,
                    warnings=entry.warnings,
                    duration_ms=entry.duration_ms,
                )


def _touched(facts: Facts) -> list[tuple[str, Digest]]:
    """The modules that the last build cannot answer for, with their keys."""
    return [(module, facts.key(module)) for module in facts.touched]
