"""What a finished build says and leaves behind: its answer and its record."""

from __future__ import annotations

from typing import Any

from actors.compiler.toolchain import Object
from actors.digests import NO_STAMP, Digest
from actors.events import BuildFinished
from actors.messages import BuildDone, Edge, KnownSource, Lookup, Record
from actors.planner.facts import Facts
from actors.planner.reasons import MISSING, function_reasons, marks, traces
from actors.planner.run import Run
from actors.planner.state import PLAN_VERSION, Plan, PlannedModule, Row, State, encode_plan, settings_digest
from actors.result import Reason, Result, ResultFields
from actors.scanner.snapshot import Beside, Extra, beside_sources, encode, make_snapshot


def build_done(run: Run, facts: Facts, duration_ms: float, *, cancelled: bool) -> BuildDone:
    """The answer to a build."""
    if cancelled:
        nothing = Result[str](success=False, compiled_modules=0, cache_hits=0, duration_ms=duration_ms)
        return BuildDone(build=run.id, result=nothing, cancelled=True)
    goal = run.settings.goal
    return BuildDone(
        build=run.id,
        result=_result(run, duration_ms),
        modules=tuple(facts.sources) if goal == "graph" else (),
        edges=_edges(facts) if goal == "graph" else (),
        lookups=_lookups(run, facts) if goal == "lookup" else (),
    )


def _result(run: Run, duration_ms: float) -> Result[str]:
    states, succeeded = run.states, run.succeeded
    recompiled = states.members(State.COMPILED)
    made = {module: run.made[module] for module in recompiled}
    return Result(
        success=succeeded,
        compiled_modules=len(recompiled),
        cache_hits=states.counts[State.HIT],
        duration_ms=duration_ms,
        recompiled=recompiled,
        failed=states.members(State.FAILED),
        blocked=states.members(State.BLOCKED),
        recompiled_functions=[f"{module}::{name}" for module, one in made.items() for name in one.compiled],
        cached_functions=sum(len(one.functions) - len(one.compiled) for one in made.values()),
        program=(run.settings.output or None) if succeeded and run.program else None,
        diagnostics=list(run.all_diagnostics()),
        reasons=_reasons(run, made),
        cache_degraded=run.degraded,
        cache_needed_bytes=run.cache_needed_bytes,
        verified=len(run.verified),
        verify_seed=run.settings.verify_seed,
        differences=list(run.differences),
    )


def _reasons(run: Run, made: dict[str, Object]) -> dict[str, Reason]:
    """Why each module was recompiled, and each function compiled. A function may stand inside of another one, of whose
    item it then is a part."""
    found: dict[str, Reason] = {}
    for module, one in made.items():
        whole = run.reasons.get(module, MISSING)
        found[module] = whole
        if not one.compiled:
            continue
        planned = run.before.modules.get(module) if run.before else None
        items = function_reasons(planned, run.fingerprints.get(module, {}), whole)
        for name in one.compiled:
            found[f"{module}::{name}"] = items.get(name) or items.get(name.partition(".")[0], whole)
    return found


def _edges(facts: Facts) -> tuple[Edge, ...]:
    return tuple(
        Edge(module=module, imported=imported)
        for module, imports in facts.graph.imports.items()
        for imported in imports
    )


def _lookups(run: Run, facts: Facts) -> tuple[Lookup, ...]:
    found = []
    for module in run.settings.lookup:
        entry = run.looked_up.get(module)
        data = run.fresh.get(entry.digest) if entry else None
        found.append(
            Lookup(
                module=module,
                key=facts.key(module),
                digest=entry.digest if entry and data is not None else "",
                data=data,
            )
        )
    return tuple(found)


def finished_event(build: int, result: Result[str]) -> BuildFinished:
    """The last event of a build. What it shares with the result is copied field by field, whatever the fields are."""
    fields = {name: getattr(result, name) for name in ResultFields.__struct_fields__}
    fields["reasons"] = {name: reason.kind for name, reason in result.reasons.items()}
    fields["differences"] = len(result.differences)
    return BuildFinished(build=build, **fields)


def record_of(run: Run, facts: Facts, before: Plan | None) -> tuple[Plan, Record]:
    """The plan for the next build, and the message that has it, and the snapshot, written."""
    settings, succeeded = run.settings, run.succeeded
    if run.from_plan and before is not None:
        plan = before
    else:
        plan = Plan(
            version=PLAN_VERSION,
            toolchain=facts.toolchain,
            settings=settings_digest(settings),
            modules=_planned_modules(run, facts, before),
            program_key=run.program_key if run.program else "",
            program=run.program,
            succeeded=succeeded and not run.with_inputs,
            **_link_of(run, facts, before),
        )
    # Where stamps, settings and outcome are those of the snapshot that is there already, it is left alone.
    end, beside = run.end, _beside(run)
    written = settings.snapshot
    if run.from_plan and end is not None and end.same and end.recorded == beside_sources(beside):
        written = ""
    # Where the last build answers for all, nothing was looked up: those hits are in the result alone.
    hits = [] if run.from_plan else run.states.members(State.HIT)
    record = Record(
        build=run.id,
        snapshot=written,
        snapshot_data=_snapshot(run, facts, beside) if written else b"",
        plan=encode_plan(plan) if written and not run.from_plan else b"",
        compilations=run.compilations,
        hits=len(hits),
        misses=len(run.missed),
        saved_ms=sum(run.durations.get(module, 0.0) for module in hits),
        used=_used(run, plan),
    )
    return plan, record


def _link_of(run: Run, facts: Facts, before: Plan | None) -> dict[str, Digest]:
    """The link that later processes can go on from: of this build, or of an earlier one with this toolchain."""
    state, program = run.link_state, run.program
    if not state and before is not None and before.toolchain == facts.toolchain:
        state, program = before.link_state, before.link_program
    return {"link_state": state, "link_program": program if state else ""}


def record_of_lookup(run: Run) -> Record:
    """A look-up is a use of what it found, and counted, like a build."""
    misses = len(run.looked_up_in_vain())
    return Record(build=run.id, hits=len(set(run.settings.lookup)) - misses, misses=misses)


def record_of_cancelled(run: Run) -> Record:
    return Record(build=run.id, compilations=run.compilations, misses=len(run.missed), finished=False)


def _used(run: Run, plan: Plan) -> tuple[Digest, ...]:
    """The keys of what the build needed, and which it may have found in the plan alone."""
    keys = [plan.modules[module].key for module in run.states.members(State.HIT)]
    return (*keys, run.program_key) if run.program_key else tuple(keys)


def _planned_modules(run: Run, facts: Facts, before: Plan | None) -> dict[str, PlannedModule]:
    """What the next build needs to know of each module. Of those that nothing was done with it is what it was."""
    known = before.modules if before else {}
    made = {}
    for module in facts.sources:
        planned = known.get(module)
        if planned is None or module in facts.remade or module not in run.settled:
            planned = _planned(run, facts, module, planned)
        made[module] = planned
    facts.remade.clear()
    return made


def _planned(run: Run, facts: Facts, module: str, before: PlannedModule | None) -> PlannedModule:
    ended_well = run.states[module] in (State.HIT, State.COMPILED) and module not in run.with_inputs
    planned = planned_module(
        facts,
        module,
        before,
        object=run.objects.get(module, "") if ended_well else "",
        duration_ms=run.durations.get(module, before.duration_ms if before else 0.0),
        functions=run.function_counts.get(module, 0),
        warnings=run.warnings.get(module, ()) if ended_well else (),
    )
    return before if before is not None and planned == before else planned


def planned_module(facts: Facts, module: str, before: PlannedModule | None, **came: Any) -> PlannedModule:
    """A module's row, and what came of it. `before` is what the last build left."""
    key, marked, traced = facts.key(module), b"", b""
    if key and before is not None and before.key == key:
        marked, traced = before.marks, before.traces
        facts.keep_parts(module, before.parts)
    elif key:
        marked = marks(facts.made[module].imported)
        parts = facts.parts(module)
        same = before is not None and parts and before.parts == parts
        traced = before.traces if same and before is not None else traces(facts.fingerprints(module))
    facts.resolution_digest(module)
    row = facts.rows[module]
    values = {field: getattr(row, field) for field in Row.__struct_fields__}
    if not key:
        values["parts"] = ""
    return PlannedModule(**values, marks=marked, traces=traced, **came)


def _beside(run: Run) -> Beside:
    """What the snapshot of this build says beside the sources."""
    settings, absent = run.settings, run.settings.absent
    extras = [Extra(one.path, one.stamp) for one in settings.extras]
    if run.program:
        extras.append(Extra(run.program_file or settings.output, run.program_stamp or NO_STAMP))
        if run.program_link is not None:
            extras.append(Extra(settings.output, run.program_link))
    elif settings.output:
        absent = (*absent, settings.output)  # what stands there is of another build, and that is said
    return Beside(
        extras=tuple(extras),
        absent=absent,
        unlinked=settings.unlinked,
        project=settings.project,
        settings=settings.plain,
        quiet=run.succeeded and run.degraded is None and not run.with_inputs,
        warnings=run.all_diagnostics() if run.succeeded else (),
    )


def _snapshot(run: Run, facts: Facts, beside: Beside) -> bytes:
    settings, end = run.settings, run.end
    assert end is not None
    known = (
        KnownSource(
            module=module,
            path=file.path,
            digest=file.digest,
            size=file.size,
            stamp=NO_STAMP if file.error else file.stamp,
        )
        for module, file in facts.sources.items()
    )
    snapshot = make_snapshot(settings.root, end, known, beside)
    return encode(snapshot)
