"""The end of a build: the program, linked from objects, kept in the cache like any object, and written to its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.compiler.toolchain import LinkInput, LinkJob
from actors.digests import digest
from actors.events import CacheHit, CacheMiss, ProgramLinked, ProgramWritten
from actors.messages import Find, Found, LinkDone, Load, Loaded, NewEntry, Publish, Published, RunLink, Store
from actors.planner import manifest
from actors.planner.outcome import MISSING, crashed, no_entry, no_sources, not_written
from actors.planner.run import Run

if TYPE_CHECKING:
    from actors.planner.planner import Planner


class Linking:
    """What the planner does once every module has come to its end."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner

    def begin(self, run: Run) -> None:
        planner, knowledge, settings = self.planner, self.planner.knowledge, run.settings
        run.phase = "linking"
        if not knowledge.sources:
            run.diagnostics.append(no_sources(settings.root))
        elif settings.entry_named and settings.entry not in knowledge.sources:
            run.diagnostics.append(no_entry(settings.entry, knowledge.sources))
        if not settings.entry or settings.entry not in knowledge.sources or not run.succeeded:
            planner.record(run)
            return
        reached = knowledge.graph.transitive_imports([settings.entry])
        run.linked_modules = [settings.entry, *sorted(reached - {settings.entry})]
        run.program_manifest = manifest.encode(
            manifest.ProgramManifest(
                entry=settings.entry,
                toolchain=knowledge.toolchain,
                target=settings.target,
                options=settings.options,
                objects=tuple(
                    (module, knowledge.sources[module].path, run.objects[module]) for module in run.linked_modules
                ),
            )
        )
        run.program_key = manifest.key_of(run.program_manifest)
        plan = planner.plan
        if settings.force:
            self._load(run)
        elif planner.remembers and plan is not None and plan.program_key == run.program_key and plan.program:
            run.program = plan.program
            self.publish(run)
        else:
            planner.ask(Find(build=run.id, keys=(run.program_key,), count=False))

    def found(self, run: Run, answer: Found) -> None:
        planner = self.planner
        entry = answer.entries.get(run.program_key)
        if planner.events.wanted:
            event = CacheMiss if entry is None else CacheHit
            planner.events.emit(event(build=run.id, module=run.settings.entry, key=run.program_key, kind="program"))
        if entry is None:
            self._load(run)
        else:
            run.program = entry.digest
            self.publish(run)

    def _load(self, run: Run) -> None:
        """The bytes of all objects: those just made are at hand, the cache has the others."""
        wanted = sorted({run.objects[module] for module in run.linked_modules} - run.fresh.keys())
        if wanted:
            self.planner.ask(Load(build=run.id, digests=tuple(wanted)))
        else:
            self._link(run)

    def loaded(self, run: Run, request: Load, answer: Loaded) -> None:
        """An object that is gone, or was damaged, is a late miss: its module is compiled after all."""
        planner, knowledge = self.planner, self.planner.knowledge
        run.fresh.update(answer.data)
        lost = [module for module in run.linked_modules if run.objects[module] not in run.fresh]
        if not lost:
            self._link(run)
            return
        run.phase = "compiling"
        for module in lost:
            key = knowledge.keys[module]
            planner.known_entries.pop(key, None)
            if planner.events.wanted:
                planner.events.emit(CacheMiss(build=run.id, module=module, key=key, kind="object", late=True))
            run.reasons.setdefault(module, MISSING)
            planner.compiling.make_ready(run, module)

    def _link(self, run: Run) -> None:
        settings, knowledge = run.settings, self.planner.knowledge
        self.planner.ask(
            RunLink(
                build=run.id,
                job=LinkJob(
                    entry=settings.entry,
                    objects=tuple(
                        LinkInput(
                            module=module,
                            path=knowledge.sources[module].path,
                            data=run.fresh[run.objects[module]],
                        )
                        for module in run.linked_modules
                    ),
                    options=settings.options,
                ),
            )
        )

    def linked(self, run: Run, answer: LinkDone) -> None:
        planner, knowledge, entry = self.planner, self.planner.knowledge, run.settings.entry
        program = answer.linked.program if answer.linked else None
        run.diagnostics += answer.linked.diagnostics if answer.linked else ()
        if answer.crash:
            run.diagnostics.append(crashed(entry, knowledge.sources[entry].path, answer.crash))
        if program is None or not run.succeeded:
            run.program_failed = True
            planner.record(run)
            return
        run.program = digest(program)
        if planner.events.wanted:
            planner.events.emit(
                ProgramLinked(build=run.id, digest=run.program, size=len(program), duration_ms=answer.duration_ms)
            )
        new = NewEntry(
            key=run.program_key,
            kind="program",
            module=entry,
            manifest=run.program_manifest,
            data=program,
            identity=knowledge.toolchain,
            imports=tuple(run.linked_modules[1:]),
            exports=answer.linked.exports if answer.linked else (),
            duration_ms=answer.duration_ms,
        )
        planner.ask(Store(build=run.id, entries=(new,), force=run.settings.force))
        self.publish(run, program)

    def publish(self, run: Run, program: bytes = b"") -> None:
        """Have the program written to its place; without its bytes, from the cache, should it not be there already."""
        settings = run.settings
        run.phase = "linking"
        self.planner.ask(
            Publish(
                build=run.id,
                path=settings.output,
                digest=run.program,
                data=program,
                listing=settings.outputs_list,
            )
        )

    def published(self, run: Run, answer: Published) -> None:
        planner = self.planner
        if answer.missing:
            planner.events.emit(
                CacheMiss(build=run.id, module=run.settings.entry, key=run.program_key, kind="program", late=True)
            )
            if run.from_plan:
                planner.look_closer(run)  # Nothing is resolved yet: the last build was to answer for all.
            else:
                self._load(run)
            return
        if answer.error:
            run.diagnostics.append(not_written(run.settings.output, answer.error))
            run.program_failed = True
        elif planner.events.wanted and answer.written:
            planner.events.emit(ProgramWritten(build=run.id, file=run.settings.output, digest=run.program))
        run.program_stamp = answer.stamp
        run.published = True
        planner.record_when_stored(run)
