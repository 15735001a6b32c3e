"""The end of a build: what it reports, and what it leaves for the next one."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.compiler.inputs import place_of
from actors.compiler.toolchain import Discovered, Object
from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest
from actors.events import BuildFinished
from actors.messages import BuildDone, Edge, End, Ended, InputFile, KnownSource, Lookup, Message
from actors.planner.facts import Facts
from actors.planner.phases.analysing import Analysing, Inferring, Scanning, Summarising
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.finding import LookingUp
from actors.planner.phases.linking import Linking
from actors.planner.phases.verifying import Verifying
from actors.planner.reports import MISSING, function_reasons, marks, traces
from actors.planner.run import Phase, Run, State
from actors.planner.session import Session, Step
from actors.planner.table import PLAN_VERSION, Plan, PlannedModule, Row, encode_plan, settings_digest
from actors.result import Reason, Result, ResultFields
from actors.scanner.snapshot import Beside, Extra, beside_sources, encode, make_snapshot


class EndingBuild(Step):
    """One `End`, and the answer. It reads what the steps before it found.

    A first build answers when it has ended. If that went well, the next builds of the Project answer before: as soon
    as the program is in its place, nothing that is left can change the answer. The build itself ends when the keeper
    has answered `End`, and only then does the next one begin. What goes wrong in between is said by the next answer."""

    def __init__(
        self,
        session: Session,
        run: Run,
        *,
        scanning: Scanning,
        analysing: Analysing,
        summarising: Summarising,
        inferring: Inferring,
        looking_up: LookingUp,
        compiling: Compiling,
        verifying: Verifying,
        linking: Linking,
    ) -> None:
        super().__init__(session, run)
        self._scanning = scanning
        self._analysing = analysing
        self._summarising = summarising
        self._inferring = inferring
        self._looking_up = looking_up
        self._compiling = compiling
        self._verifying = verifying
        self._linking = linking
        self._before: Plan | None = None
        """What the last finished build had left, before this one leaves its own."""
        self._needed_bytes = 0
        """What this build alone needs of the cache, if that is more than the cache may hold."""
        self._waits = False
        """Whether the keeper is still to be told of the end."""
        self.done: BuildDone | None = None
        """The answer, as soon as there is one."""
        self.early = False
        """Whether the answer was made before the build had ended."""
        self._sent: End | None = None
        """What the build left, once the keeper has written it."""

    def begin(self) -> None:
        self._waits = True
        self._before = self.session.earlier.plan

    def advance(self) -> None:
        """Answers, stores what is not stored yet, and ends the build, in this order: the snapshot promises that the
        entries are there. Inputs that compiles discovered are read before, because the snapshot has their stamps
        too."""
        session, discovered = self.session, self.session.facts.inputs.of.values()
        if not self._waits or session.reads_inputs(self.run, [file.path for inputs in discovered for file in inputs]):
            return
        if self.done is None and session.answers_early(self.run):
            self.early, self.done = True, self.answer(cancelled=False)
            session.later(0.0)  # The caller of the build gets its answer first.
            return
        self._summarising.unstored.store()
        self._inferring.unstored.store()
        if not self._compiling.store():
            self._waits = False
            self._end_at_keeper()

    def _end_at_keeper(self) -> None:
        session, run = self.session, self.run
        if run.settings.goal == "lookup":
            key = session.facts.key
            if any(session.earlier.planned_object(module, key(module)) for module in self._looking_up.missed):
                session.earlier.invalidate()  # The last build says that it is there.
            session.ask(run, self._end_of_lookup())
            return
        # The session takes the new plan before the keeper has written it: it is right for this process even if the disk
        # fails. Other processes then go on from the snapshot that is there, and find the changed stamps themselves.
        plan, request = self._plan_and_end(self._before)
        session.earlier.leave(plan, unchanged=self._analysing.unchanged)
        session.ask(run, request)

    def cancel(self) -> None:
        """Instead of `begin`: the build was cancelled. Snapshot, plan and program stay as they were."""
        run, missed = self.run, len(self._compiling.missed)
        request = End(build=run.id, compilations=run.objects.compilations, misses=missed, finished=False)
        self.session.ask(run, request)

    def answered(self, request: Message, answer: Message) -> None:
        if not isinstance(answer, Ended) or not isinstance(request, End):
            super().answered(request, answer)
            return
        earlier, self._needed_bytes = self.session.earlier, answer.needed_bytes
        if self.done is None:
            self.done = self.answer(cancelled=not request.finished)
        elif self.run.degraded is not None:
            earlier.trouble = self.run.degraded
        if request.finished:
            earlier.ended_well = self.run.degraded is None and not answer.evicted and not answer.needed_bytes
        self._sent = request
        self.run.go(Phase.ANSWERED)

    def close(self) -> BuildDone:
        """The build has ended. Returns its answer, and has the session remember it, if it may be repeated."""
        session, run, sent = self.session, self.run, self._sent
        done = self.done or self.answer(cancelled=False)
        if sent is not None:
            session.earlier.standing = None
            if self._analysing.unchanged and sent.finished and not sent.snapshot:
                session.earlier.remember(run, self._scanning.end, done)
        session.facts.forget()
        return done

    # ---- the answer

    def answer(self, *, cancelled: bool) -> BuildDone:
        """The answer to the build."""
        run, facts, goal = self.run, self.session.facts, self.run.settings.goal
        duration_ms = self.session.milliseconds(run)
        if cancelled:
            nothing = Result[str](success=False, compiled_modules=0, cache_hits=0, duration_ms=duration_ms)
            return BuildDone(build=run.id, result=nothing, cancelled=True)
        return BuildDone(
            build=run.id,
            result=self._result(duration_ms),
            modules=tuple(facts.sources) if goal == "graph" else (),
            edges=_edges(facts) if goal == "graph" else (),
            lookups=self._lookups() if goal == "lookup" else (),
        )

    def _result(self, duration_ms: float) -> Result[str]:
        run, states, settings, verifying = self.run, self.run.states, self.run.settings, self._verifying
        succeeded = self._linking.succeeded
        recompiled = states.members(State.COMPILED)
        objects = {module: run.objects.made[module].object for module in recompiled}
        return Result(
            success=succeeded,
            compiled_modules=len(recompiled),
            cache_hits=states.counts[State.HIT],
            duration_ms=duration_ms,
            recompiled=recompiled,
            failed=states.members(State.FAILED),
            blocked=states.members(State.BLOCKED),
            recompiled_functions=[f"{module}::{name}" for module, new in objects.items() for name in new.compiled],
            cached_functions=sum(len(new.functions) - len(new.compiled) for new in objects.values()),
            program=(settings.destination.path or None) if succeeded and self._linking.program.digest else None,
            diagnostics=list(run.all_diagnostics()),
            reasons=self._reasons(objects),
            cache_degraded=run.degraded,
            cache_needed_bytes=self._needed_bytes,
            verified=len(verifying.verified),
            verify_seed=settings.verify_seed,
            differences=[*verifying.differences, *self._linking.differences],
        )

    def _reasons(self, objects: dict[str, Object]) -> dict[str, Reason]:
        """Why each module was recompiled, and each function compiled. A function inside of another one is part of that
        one's item."""
        reasons: dict[str, Reason] = {}
        for module, new in objects.items():
            whole = self._compiling.reasons.get(module, MISSING)
            reasons[module] = whole
            if not new.compiled:
                continue
            planned = self._before.modules.get(module) if self._before else None
            items = function_reasons(planned, self._compiling.fingerprints.get(module, {}), whole)
            for name in new.compiled:
                reasons[f"{module}::{name}"] = items.get(name) or items.get(name.partition(".")[0], whole)
        return reasons

    def _lookups(self) -> tuple[Lookup, ...]:
        lookups, looking_up = [], self._looking_up
        for module in self.run.settings.lookup:
            entry = looking_up.entries.get(module)
            data = looking_up.data.get(entry.digest) if entry else None
            lookups.append(
                Lookup(
                    module=module,
                    key=self.session.facts.key(module),
                    digest=entry.digest if entry and data is not None else "",
                    data=data,
                )
            )
        return tuple(lookups)

    # ---- what the next build starts from

    def _plan_and_end(self, before: Plan | None) -> tuple[Plan, End]:
        """The plan for the next build, and the message that has it, and the snapshot, written."""
        run, facts, settings, program = self.run, self.session.facts, self.run.settings, self._linking.program
        unchanged, end = self._analysing.unchanged, self._scanning.end
        if unchanged and before is not None:
            plan = before
        else:
            link_state, link_program = self._link_left(before)
            plan = Plan(
                version=PLAN_VERSION,
                toolchain=facts.toolchain,
                settings=settings_digest(settings),
                modules=self._planned_modules(before),
                program_key=program.key if program.digest else "",
                program=program.digest,
                succeeded=self._linking.succeeded,
                link_state=link_state,
                link_program=link_program,
            )
            plan = msgspec.structs.replace(plan, inputs=facts.inputs.stamped(plan.modules))
        # Where stamps, settings and outcome are those of the snapshot that is there already, it is left alone.
        beside = self._beside(facts.inputs.stamped(plan.modules) if plan.inputs else ())
        written = settings.snapshot.name
        if unchanged and end.same and end.beside_snapshot == beside_sources(beside):
            written = ""
        # Where the last build answers for all, nothing was looked up: those hits are in the result alone.
        hits = [] if unchanged else run.states.members(State.HIT)
        ending = End(
            build=run.id,
            snapshot=written,
            snapshot_data=self._snapshot(beside) if written else b"",
            plan=encode_plan(plan) if written and not unchanged else b"",
            compilations=run.objects.compilations,
            hits=len(hits),
            misses=len(self._compiling.missed),
            saved_ms=sum(run.objects.durations.get(module, 0.0) for module in hits),
            used=self._used(plan),
        )
        return plan, ending

    def _link_left(self, before: Plan | None) -> tuple[Digest, Digest]:
        """The state and the program of the link that later processes can go on from: of this build, or of an earlier
        one with this toolchain. Both are "" where there is none."""
        state, program = self._linking.program.state, self._linking.program.digest
        if not state and before is not None and before.toolchain == self.session.facts.toolchain:
            state, program = before.link_state, before.link_program
        return state, program if state else ""

    def _end_of_lookup(self) -> End:
        """A look-up is a use of what it found, and counted, like a build."""
        misses = len(self._looking_up.missed)
        return End(build=self.run.id, hits=len(set(self.run.settings.lookup)) - misses, misses=misses)

    def _used(self, plan: Plan) -> tuple[Digest, ...]:
        """The keys of what the build needed, and which it may have found in the plan alone."""
        keys = [plan.modules[module].key for module in self.run.states.members(State.HIT)]
        program_key = self._linking.program.key
        return (*keys, program_key) if program_key else tuple(keys)

    def _planned_modules(self, before: Plan | None) -> dict[str, PlannedModule]:
        """What the next build needs to know of each module. Rows of modules that nothing was done with stay."""
        facts, kept = self.session.facts, self._analysing.kept
        known, remade = before.modules if before else {}, facts.remade
        modules = {}
        for module in facts.sources:
            planned = known.get(module)
            if planned is None or module in remade or module not in kept:
                planned = self._planned(module, planned)
            modules[module] = planned
        remade.clear()
        return modules

    def _planned(self, module: str, before: PlannedModule | None) -> PlannedModule:
        states, objects = self.run.states, self.run.objects
        ended_well = states[module] in (State.HIT, State.COMPILED)
        inputs = self.session.facts.inputs.of.get(module, ())
        if before is not None and module in self._analysing.kept:
            inputs = before.inputs
        planned = planned_module(
            self.session.facts,
            module,
            before,
            object_digest=objects.digests.get(module, "") if ended_well else "",
            duration_ms=objects.durations.get(module, before.duration_ms if before else 0.0),
            functions=objects.functions.get(module, 0),
            warnings=objects.warnings.get(module, ()) if ended_well else (),
            inputs=inputs if ended_well else (),
        )
        return before if before is not None and planned == before else planned

    def _beside(self, inputs: Iterable[InputFile]) -> Beside:
        """What the snapshot of this build says beside the sources. `inputs` are those of all objects."""
        # A stamp goes in here only from before its file was read, and the program's from after it was written. So if a
        # file changes in between, the snapshot differs from the disk and the next build looks again; it can never have
        # the stamp of a text that no build has read.
        run, settings, program = self.run, self.run.settings, self._linking.program
        output, snapshot, succeeded = settings.destination.path, settings.snapshot, self._linking.succeeded
        absent, extras = snapshot.absent, [Extra(file.path, file.stamp) for file in snapshot.extras]
        if program.digest:
            extras.append(Extra(program.file or output, program.stamp or NO_STAMP))
            if program.link is not None:
                extras.append(Extra(output, program.link))
        elif output:
            absent = (*absent, output)  # Another build's program stands there, and that is reported.
        for file in inputs:
            place = place_of(file.path, settings.root)
            if file.digest == "":
                absent = (*absent, place)
            else:
                extras.append(Extra(place, file.stamp))
        return Beside(
            extras=tuple(extras),
            absent=absent,
            unlinked=snapshot.unlinked,
            project=settings.project,
            settings=snapshot.plain,
            quiet=succeeded and run.degraded is None,
            warnings=run.all_diagnostics() if succeeded else (),
        )

    def _snapshot(self, beside: Beside) -> bytes:
        known = (
            KnownSource(
                module=module,
                path=file.path,
                digest=file.digest,
                size=file.size,
                stamp=NO_STAMP if file.error else file.stamp,
            )
            for module, file in self.session.facts.sources.items()
        )
        snapshot = make_snapshot(self.run.settings.root, self._scanning.end, known, beside)
        return encode(snapshot)


def _edges(facts: Facts) -> tuple[Edge, ...]:
    return tuple(
        Edge(module=module, imported=imported)
        for module, imports in facts.graph.imports.items()
        for imported in imports
    )


def finished_event(build: int, result: Result[str]) -> BuildFinished:
    """The last event of a build. What it shares with the result is copied field by field."""
    fields = {name: getattr(result, name) for name in ResultFields.__struct_fields__}
    fields["reasons"] = {name: reason.kind for name, reason in result.reasons.items()}
    fields["differences"] = len(result.differences)
    return BuildFinished(build=build, **fields)


def planned_module(
    facts: Facts,
    module: str,
    before: PlannedModule | None,
    *,
    object_digest: Digest = "",
    duration_ms: float = 0.0,
    functions: int = 0,
    warnings: tuple[Diagnostic, ...] = (),
    inputs: tuple[Discovered, ...] = (),
) -> PlannedModule:
    """A module's row, and its result. `before` is what the last build left."""
    # Marks and traces only explain later builds, and cost time, so they are taken over where they must be the same: all
    # with the same key; traces also with the same parts, because those name every fingerprint. A module without a key
    # has none, and what its parts were must not be believed.
    key, marked, traced = facts.key(module), b"", b""
    if key and before is not None and before.key == key:
        marked, traced = before.marks, before.traces
        facts.keep_parts(module, before.parts)
    elif key:
        marked = marks(facts.key_origins[module].imported)
        parts = facts.parts(module)
        same = before is not None and parts and before.parts == parts
        traced = before.traces if same and before is not None else traces(facts.fingerprints(module))
    facts.resolution_digest(module)
    row = facts.rows[module]
    values = {field: getattr(row, field) for field in Row.__struct_fields__}
    if not key:
        values["parts"] = ""
    return PlannedModule(
        **values,
        marks=marked,
        traces=traced,
        object=object_digest,
        duration_ms=duration_ms,
        functions=functions,
        warnings=warnings,
        inputs=inputs,
    )
