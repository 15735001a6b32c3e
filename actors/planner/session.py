"""What the builds of one Project share, and what the phases of one build have in common.

`Earlier` is what earlier builds found, `Session` what stays from one build to the next, and the way to ask workers and
keeper. `Step` is the shape of a phase. Steps know the session and the steps before them; nothing here knows a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from actors.compiler.toolchains import Toolchains
from actors.diagnostics import Diagnostic
from actors.digests import NO_STAMP, Digest, Stamp
from actors.events import DiagnosticFound, Events, InputChanged, ModuleBlocked, ModuleFailed
from actors.messages import (
    BuildDone,
    BuildRequest,
    BuildSettings,
    CacheEntry,
    Message,
    ReadInputs,
    ScanEnd,
    Source,
    ToWorkers,
    WorkerRequest,
)
from actors.planner.facts import Facts
from actors.planner.reports import keeps_changing
from actors.planner.run import Run
from actors.planner.table import Plan, PlannedModule, settings_digest


class Driver(NamedTuple):
    """What drives the machine: an actor, or a loop in a test. `send` posts a request to its receiver; `later` has the
    build looked at again in so many seconds; `now` returns the time in seconds; `cancelled` says whether a build is."""

    send: Callable[[BuildRequest[Message] | ToWorkers], None]
    later: Callable[[float], None]
    now: Callable[[], float]
    cancelled: Callable[[int], bool]


class Standing(NamedTuple):
    """The answer of a build that found nothing to do, and what it was compared with."""

    settings: BuildSettings
    snapshot: Stamp
    done: BuildDone


class Earlier:
    """What earlier builds of this Project found and left, and how far that may be believed. `remembers`: whether keys
    that they found may be used without asking the cache (not where there is none)."""

    def __init__(self, facts: Facts, remembers: bool) -> None:
        self._facts = facts
        self._remembers = remembers
        self.trusted = remembers
        """Whether what earlier builds found in the cache is still there, because it has lost nothing meanwhile."""
        self.plan: Plan | None = None
        """What the last finished build left."""
        self.entries: dict[Digest, CacheEntry] = {}
        """Entries of the cache that this Project found or stored, by key."""
        self.linked = False
        """Whether a toolchain has linked in this process, and so may remember that link."""
        self.standing: Standing | None = None
        """The answer of the last build, if that may be repeated."""
        self.ended_well = False
        """Whether the last build ended without trouble, so that the next answer need not wait for the end of its
        build."""
        self.trouble: str | None = None
        """What went wrong at the end of the last build, after its answer: the next answer says so."""
        self._snapshot = ""
        """The snapshot that the last scan compared with, "" if there was none."""

    def invalidate(self) -> None:
        """Entries that earlier builds found in the cache may be gone: the next build asks for all of them."""
        self.trusted = False
        self.entries = {}

    def look_for_snapshot(self, name: str, *, present: bool) -> None:
        """A plan whose snapshot is gone is not used: another process removes snapshots when entries were lost."""
        if name and name == self._snapshot and not present:
            self.invalidate()
        self._snapshot = name if present else ""

    def note(self, entry: CacheEntry) -> None:
        """The cache has this entry. One with inputs may be replaced by another process, so it is asked for again."""
        if self._remembers and not entry.inputs:
            self.entries[entry.key] = entry

    def leave(self, plan: Plan, *, unchanged: bool) -> None:
        """A build has ended, and leaves this plan. Only entries whose keys are still used are remembered."""
        self.plan, self.trusted = plan, self._remembers
        if not unchanged:
            used = {row.key for row in self._facts.rows.values()}
            self.entries = {key: entry for key, entry in self.entries.items() if key in used}

    # ---- what it answers

    def is_for(self, plan: Plan, settings: BuildSettings) -> bool:
        """Whether the keys of a plan are those of this toolchain for these settings."""
        return plan.toolchain == self._facts.toolchain and plan.settings == settings_digest(settings)

    def reusable(self, settings: BuildSettings) -> Mapping[str, PlannedModule]:
        """The modules of the last build whose objects may be used without asking for anything else."""
        plan = self.plan
        if plan is None or not self.trusted or settings.goal != "build" or settings.force or settings.verify:
            return {}
        return plan.modules if self.is_for(plan, settings) else {}

    def planned(self, module: str) -> PlannedModule | None:
        """What the last finished build says of the module, if it had an object that may be believed."""
        planned = self.plan.modules.get(module) if self.plan is not None and self.trusted else None
        if planned is None or not planned.object:
            return None
        return planned if self._facts.inputs.same(planned.inputs) else None

    def planned_object(self, module: str, key: Digest) -> PlannedModule | None:
        """The same, if the object is that of this key."""
        planned = self.planned(module)
        return planned if planned is not None and planned.key == key else None

    def repeated(self, run: Run, end: ScanEnd, duration_ms: float) -> BuildDone | None:
        """The answer of the last build, where it still stands; then no other actor is asked. The scanner has proved
        that nothing differs from the snapshot: sources, program, settings' files, toolchain's files. So two comparisons
        are left: the same snapshot, and the same request."""
        last = self.standing
        if last is None or end.snapshot == NO_STAMP or not self.trusted or run.degraded is not None:
            return None
        if (end.snapshot, run.settings) != (last.snapshot, last.settings):
            return None
        result = msgspec.structs.replace(last.done.result, duration_ms=duration_ms)
        return msgspec.structs.replace(last.done, build=run.id, result=result)

    def remember(self, run: Run, end: ScanEnd, done: BuildDone) -> None:
        """A build has ended that changed no row and wrote no snapshot, so the next one is compared with the same. Its
        answer stands if it had nothing wrong to report."""
        if end.snapshot != NO_STAMP and done.result.success and done.result.cache_degraded is None:
            self.standing = Standing(run.settings, end.snapshot, done)


class Session:
    """What stays from one build to the next, and the way to ask workers and keeper.

    `slots` is the number of worker slots, `remembers` as in `Earlier`."""

    def __init__(self, toolchains: Toolchains, slots: int, remembers: bool, driver: Driver) -> None:
        self.toolchains = toolchains
        self.slots = slots
        self.idle_slots = slots
        self.identities = toolchains.identities()
        """By name of a toolchain; as they were when the Project was opened."""
        self.facts = Facts(toolchains.identity(), lambda path: self.identities[toolchains.of(path).name])
        self.earlier = Earlier(self.facts, remembers)
        self.events = Events()
        """The Project's, once the planner has started."""
        self._send = driver.send
        self.later = driver.later
        self.now = driver.now

    def ask(self, run: Run, request: BuildRequest[Message] | ToWorkers) -> None:
        """Sends a request for a build. Its phase does not end before the answer has come."""
        run.awaited += 1
        if isinstance(request, WorkerRequest):
            self.idle_slots -= 1
        self._send(request)

    def answers_early(self, run: Run) -> bool:
        """Whether the build is answered as soon as its program is in its place, and its end follows
        after that. A look-up and a build that verifies are not what one waits for while editing; and where the cache
        has trouble, has lost something, or has little room, the answer says what became of it."""
        settings, earlier = run.settings, self.earlier
        if settings.goal != "build" or settings.verify or run.degraded is not None:
            return False
        return earlier.ended_well and earlier.trusted

    def reads_inputs(self, run: Run, paths: Iterable[str]) -> bool:
        """Has those of these files read that the build has not read. Returns whether some are still to come: the phase
        asks again when anything has arrived."""
        inputs, paths = self.facts.inputs, list(paths)
        files = inputs.ask(paths)
        if files:
            self.ask(run, ReadInputs(build=run.id, root=run.settings.root, files=files))
        return bool(inputs.unread(paths))

    def milliseconds(self, run: Run) -> float:
        """How long a build has taken so far."""
        return (self.now() - run.began) * 1000

    # ---- what happens in several phases

    def input_changed(self, run: Run, module: str, source: Source) -> None:
        """A file is no longer what the scan saw: the module is planned again, with what the file holds now."""
        if self.events.wanted:
            self.events.emit(InputChanged(build=run.id, module=module))
        if not run.may_retry(module):
            source = msgspec.structs.replace(source, error=keeps_changing(module, source.path))
        if source.error is not None:
            run.diagnostics.append(source.error)
        self.facts.replace(source)
        run.analyse_again()

    def fail(self, run: Run, module: str, errors: list[Diagnostic]) -> list[str]:
        """A module failed. Returns the modules that became blocked by it."""
        blocked = run.failures.fail(module, errors, self.facts.graph)
        if self.events.wanted:
            for diagnostic in errors:
                self.events.emit(DiagnosticFound(build=run.id, diagnostic=diagnostic))
            self.events.emit(ModuleFailed(build=run.id, module=module, errors=len(errors)))
        self.tell_blocked(run, blocked)
        return blocked

    def tell_blocked(self, run: Run, modules: Iterable[str]) -> None:
        if self.events.wanted:
            for module in modules:
                self.events.emit(ModuleBlocked(build=run.id, module=module, by=run.failures.blocked_by[module]))


class Step:
    """The work of one phase in one build, and the state that belongs to it alone.

    The machine calls `begin` when the build enters the phase, `answered` for each answer to what the step asked, and
    `advance` whenever anything has arrived. A step ends its phase with `run.go`. Later steps read its results
    through properties. They change them only by its methods: linking has lost modules compiled again, and hands its
    program to `Compiling` to be stored. `forget` drops what depends on the sources, because the build looks at them
    again."""

    def __init__(self, session: Session, run: Run) -> None:
        self.session = session
        self.run = run

    def begin(self) -> None:
        pass

    def answered(self, request: Message, answer: Message) -> None:
        raise RuntimeError(f"nobody asked for a {type(answer).__name__} in {self.run.phase.name}")

    def answered_late(self, answer: Message) -> None:
        """The build has been cancelled. Only what saves work later is taken over."""

    def advance(self) -> None:
        pass

    def forget(self) -> None:
        pass
