"""The end of a build: the program, linked from objects, kept in the cache like any object, and written to its place."""

from __future__ import annotations

from collections.abc import Iterable

from actors.compiler.toolchain import Linkage, LinkInput, LinkJob, RemembersLinks, SummariseJob
from actors.diagnostics import Finding
from actors.digests import Digest, digest
from actors.events import CacheHit, CacheMiss, ProgramLinked, ProgramWritten
from actors.messages import (
    Find,
    Found,
    LinkDone,
    Load,
    Loaded,
    Message,
    NewEntry,
    Publish,
    Published,
    RunLink,
    RunSummarise,
    StoreEntries,
    SummariseDone,
)
from actors.planner import keys
from actors.planner.desk import Desk
from actors.planner.diagnostics import crashed, no_linker, not_written, nothing_there, of_item
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.step import Step
from actors.planner.phases.verifying import difference, differs
from actors.planner.reasons import MISSING
from actors.planner.run import Phase, Run
from actors.result import Difference


class Linking(Step):
    """What the planner does once every module has come to its end."""

    def __init__(self, desk: Desk, compiling: Compiling) -> None:
        super().__init__(desk)
        self._compiling = compiling

    def answered(self, run: Run, request: Message, answer: Message) -> None:
        if isinstance(answer, Found):
            self._found(run, answer)
        elif isinstance(answer, Loaded):
            self._loaded(run, answer)
        elif isinstance(answer, LinkDone):
            self._linked(run, answer)
        elif isinstance(answer, SummariseDone):
            self._read(run, answer)
        elif isinstance(answer, Published):
            self._published(run, answer)
        else:
            super().answered(run, request, answer)

    def _begin(self, run: Run) -> None:
        desk, facts, settings = self.desk, self.desk.facts, run.settings
        run.go(Phase.LINKING)
        run.diagnostics += nothing_there(settings, run.diagnostics, facts.sources)
        if not run.succeeded:
            run.go(Phase.FINISHED)
            return
        if not settings.entry or settings.entry not in facts.sources:
            self.publish(run)
            return
        reached = facts.graph.transitive_imports([settings.entry])
        run.linked_modules = [settings.entry, *sorted(reached - {settings.entry})]
        paths = [facts.sources[module].path for module in run.linked_modules]
        linker = desk.toolchains.linker(paths[0], paths)
        if linker is None:
            run.diagnostics.append(no_linker(settings.entry, paths[0], desk.toolchains.kinds(paths)))
            run.program_failed = True
            run.go(Phase.FINISHED)
            return
        run.linker = linker
        run.program_manifest = keys.encode(
            keys.ProgramManifest(
                entry=settings.entry,
                toolchain=desk.identities[linker.name],
                target=settings.target,
                options=settings.options,
                objects=tuple(
                    (module, facts.sources[module].path, run.objects[module]) for module in run.linked_modules
                ),
            )
        )
        run.program_key = keys.key_of(run.program_manifest)
        plan = desk.plan
        if settings.verify:
            desk.ask(run, Find(build=run.id, keys=(run.program_key,)))
        elif settings.force or run.program_lost:
            self._load(run)
        elif desk.believes and plan is not None and plan.program_key == run.program_key and plan.program:
            run.program = plan.program
            self.publish(run)
        else:
            desk.ask(run, Find(build=run.id, keys=(run.program_key,)))

    def _found(self, run: Run, answer: Found) -> None:
        desk = self.desk
        entry = answer.entries.get(run.program_key)
        if desk.events.wanted:
            event = CacheMiss if entry is None else CacheHit
            desk.events.emit(event(build=run.id, module=run.settings.entry, key=run.program_key, kind="program"))
        if run.settings.verify:
            run.program_expected = entry.digest if entry is not None else ""
            self._load(run)
        elif entry is None:
            self._load(run)
        else:
            run.program = entry.digest
            self.publish(run)

    def _load(self, run: Run) -> None:
        """The bytes of the objects: those just made are at hand, the cache has the others. A toolchain that remembers
        links says itself which it needs; where it did not link in this process yet, it gets what an earlier one left.
        """
        run.link_needs = None
        assert run.linker is not None
        if isinstance(run.linker, RemembersLinks) and not run.settings.verify:
            run.link_needs = {run.objects[run.settings.entry]}
        wanted = self._needed(run)
        wanted.update(self._earlier(run))
        if run.program_expected:
            wanted.add(run.program_expected)
        self._ask_for(run, wanted)

    def _needed(self, run: Run) -> set[Digest]:
        return {run.objects[module] for module in run.linked_modules} if run.link_needs is None else {*run.link_needs}

    def _earlier(self, run: Run) -> tuple[Digest, ...]:
        """What an earlier link left, and its program, where the toolchain may make use of them."""
        desk, plan = self.desk, self.desk.plan
        if run.link_needs is None or desk.linked or plan is None or not plan.link_state or run.settings.force:
            return ()
        return (plan.link_state, plan.link_program) if plan.toolchain == desk.facts.toolchain else ()

    def _ask_for(self, run: Run, wanted: set[Digest]) -> None:
        wanted = wanted - run.fresh.keys()
        if wanted:
            self.desk.ask(run, Load(build=run.id, digests=tuple(sorted(wanted))))
        else:
            self._link(run)

    def _loaded(self, run: Run, answer: Loaded) -> None:
        """An object that is gone, or was damaged, is a late miss: its module is compiled after all."""
        desk, facts = self.desk, self.desk.facts
        run.fresh.update(answer.data)
        needed = self._needed(run) - run.fresh.keys()
        lost = [module for module in run.linked_modules if run.objects[module] in needed]
        if not lost:
            self._link(run)
            return
        run.go(Phase.COMPILING)
        for module in lost:
            key = facts.key(module)
            desk.known_entries.pop(key, None)
            if desk.events.wanted:
                desk.events.emit(CacheMiss(build=run.id, module=module, key=key, kind="object", late=True))
        if not all(map(facts.can_compile, lost)):  # Too little was looked at to compile them.
            desk.doubt()
            run.go(Phase.SCANNED)
            return
        for module in lost:
            run.reasons.setdefault(module, MISSING)
            run.missed.add(module)
            # Whatever the cache says of it: it is not to be believed just now.
            self._compiling.make_ready(run, module, taken=False)

    def _link(self, run: Run) -> None:
        settings, facts = run.settings, self.desk.facts
        assert run.linker is not None
        earlier = [run.fresh.get(name, b"") for name in self._earlier(run)]
        self.desk.ask(
            run,
            RunLink(
                build=run.id,
                job=LinkJob(
                    entry=settings.entry,
                    objects=tuple(
                        LinkInput(
                            module=module,
                            path=facts.sources[module].path,
                            data=run.fresh.get(run.objects[module], b""),
                            digest=run.objects[module],
                        )
                        for module in run.linked_modules
                    ),
                    options=settings.options,
                    fresh=bool(settings.verify),
                    earlier=Linkage(state=earlier[0], program=earlier[1]) if all(earlier) and earlier else None,
                ),
                toolchain=run.linker.name,
                again=run.link_needs is not None and len(run.link_needs) > 1,
            ),
        )

    def _asks_for_more(self, run: Run, needs: tuple[Digest, ...]) -> bool:
        """Whether the toolchain may be given what it asks for: objects of this link that it did not get."""
        own = {run.objects[module] for module in run.linked_modules}
        if run.link_needs is None or not own.issuperset(needs) or not run.fresh.keys().isdisjoint(needs):
            return False
        run.link_needs.update(needs)
        self._ask_for(run, self._needed(run))
        return True

    def _linked(self, run: Run, answer: LinkDone) -> None:
        desk, facts, entry = self.desk, self.desk.facts, run.settings.entry
        if answer.linked and answer.linked.needs and self._asks_for_more(run, answer.linked.needs):
            return
        program = answer.linked.program if answer.linked else None
        found = answer.linked.findings if answer.linked else ()
        if found and not self._said(run, answer, found):
            return
        crash = answer.crash or ("it gave neither program nor error" if program is None and not found else "")
        if crash:
            run.diagnostics.append(crashed(entry, facts.sources[entry].path, crash))
        if program is None or not run.succeeded:
            run.program_failed = True
            run.go(Phase.FINISHED)
            return
        assert run.linker is not None
        run.program = digest(program)
        expected = run.fresh.get(run.program_expected)
        if expected is not None and expected != program:
            self._differs(run, expected, program)
            return
        if desk.events.wanted:
            desk.events.emit(
                ProgramLinked(build=run.id, digest=run.program, size=len(program), duration_ms=answer.duration_ms)
            )
        new = NewEntry(
            key=run.program_key,
            kind="program",
            module=entry,
            manifest=run.program_manifest,
            data=program,
            identity=desk.identities[run.linker.name],
            imports=tuple(run.linked_modules[1:]),
            exports=answer.linked.exports if answer.linked else (),
            duration_ms=answer.duration_ms,
        )
        desk.linked = True
        entries = (new, *self._left(run, answer.linked.state if answer.linked else b""))
        desk.ask(run, StoreEntries(build=run.id, entries=entries, force=run.settings.force))
        self.publish(run, program)

    def _said(self, run: Run, answer: LinkDone, found: Iterable[Finding]) -> bool:
        """Say what the link found of the entry, in its places. False where its text must be read before."""
        facts, entry = self.desk.facts, run.settings.entry
        file, summary = facts.sources[entry], facts.modules.summaries.get(entry)
        if (file.data is None or summary is None) and run.linked is None:
            run.linked = answer
            job = SummariseJob(module=entry, path=file.path, source=b"", shown=True)
            self.desk.ask(run, RunSummarise(build=run.id, jobs=(job,), digests=(file.digest,), root=run.settings.root))
            return False
        items = {item.name: item for item in summary.items} if summary else {}
        for one in found:
            run.diagnostics.append(of_item(one, items.get(one.item), file.data or b"", module=entry, file=file.path))
        return True

    def _read(self, run: Run, answer: SummariseDone) -> None:
        """The entry's text is here, unless it has changed meanwhile: what the link found can be said."""
        facts = self.desk.facts
        for outcome in answer.outcomes:
            file, made = facts.sources[outcome.module], outcome.summarised
            if outcome.source is not None and made is not None and made.summary is not None:
                file.data = outcome.source
                facts.learn(outcome.module, made.summary)
        assert run.linked is not None
        self._linked(run, run.linked)

    def _left(self, run: Run, state: bytes) -> tuple[NewEntry, ...]:
        """What the link leaves for those of later processes, as an entry of its own."""
        if not state or not run.settings.snapshot:  # without a plan on disk nobody would find it
            return ()
        run.link_state = digest(state)
        encoded = keys.encode(keys.LinkManifest(program=run.program_key))
        return (
            NewEntry(
                key=keys.key_of(encoded),
                kind="link",
                module=run.settings.entry,
                manifest=encoded,
                data=state,
                identity=self.desk.facts.toolchain,
            ),
        )

    def _differs(self, run: Run, expected: bytes, program: bytes) -> None:
        """The program that the cache has for these objects is not the one that was linked from them now."""
        assert run.linker is not None
        what = difference(run.linker, expected, program)
        entry = run.settings.entry
        found = Difference(module=entry, kind="program", what=what, manifest=run.program_manifest.decode())
        run.differences.append(found)
        run.diagnostics.append(differs(found, run.program_key, self.desk.facts.sources[entry].path))
        run.program_failed = True
        run.go(Phase.FINISHED)

    def advance(self, run: Run) -> None:
        """The program is in its place: the build is finished as soon as the cache has it too."""
        if run.phase is Phase.VERIFIED:
            self._begin(run)
        elif run.published and not run.awaited:
            run.go(Phase.FINISHED)

    def publish(self, run: Run, program: bytes = b"") -> None:
        """Have the program written to its place; without its bytes, from the cache, should it not be there already.
        Where there is none, those that earlier builds wrote have to go."""
        settings = run.settings
        if not run.program and not (settings.outputs_list and settings.owner):
            run.go(Phase.FINISHED)
            return
        run.go(Phase.LINKING)
        self.desk.ask(
            run,
            Publish(
                build=run.id,
                path=settings.output if run.program else "",
                digest=run.program,
                data=program,
                listing=settings.outputs_list,
                within=settings.within,
                owner=settings.owner,
            ),
        )

    def _published(self, run: Run, answer: Published) -> None:
        desk = self.desk
        if answer.missing:
            run.program_lost = True
            desk.events.emit(
                CacheMiss(build=run.id, module=run.settings.entry, key=run.program_key, kind="program", late=True)
            )
            if run.from_plan:
                run.go(Phase.SCANNED)  # Nothing is resolved yet: the last build was to answer for all.
            else:
                self._load(run)
            return
        if answer.error:
            run.diagnostics.append(not_written(run.settings.output, answer.error, outside=answer.outside))
            run.program_failed = True
        elif desk.events.wanted and answer.written:
            desk.events.emit(ProgramWritten(build=run.id, file=run.settings.output, digest=run.program))
        run.program_stamp, run.program_file, run.program_link = answer.stamp, answer.file, answer.link
        run.published = True
