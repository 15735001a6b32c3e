"""The program: linked from objects, kept in the cache like any object, and written to its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from actors.compiler.toolchain import Linkage, LinkInput, LinkJob, RemembersLinks, SummariseJob, Toolchain
from actors.diagnostics import Finding
from actors.digests import Digest, Stamp, digest
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
    SummariseDone,
)
from actors.planner import keys
from actors.planner.phases.analysing import Analysing
from actors.planner.phases.compiling import Compiling
from actors.planner.phases.verifying import difference, differs
from actors.planner.reports import crashed, no_linker, not_written, nothing_there, of_item
from actors.planner.run import Phase, Run
from actors.planner.session import Session, Step
from actors.result import Difference


class Program(NamedTuple):
    """What came of linking. `digest` is "" where there is no program, `key` where there was none to make. `file` and
    `stamp` are those of the program in its place, `link` is the stamp of a link there; `state` is the digest of what
    the link left for links of later processes."""

    key: Digest = ""
    digest: Digest = ""
    file: str = ""
    stamp: Stamp | None = None
    link: Stamp | None = None
    state: Digest = ""


class Linking(Step):
    """Begins once every module has ended. Results: the `program`, the `differences` that verifying it found,
    and whether the build `succeeded`."""

    def __init__(self, session: Session, run: Run, analysing: Analysing, compiling: Compiling) -> None:
        super().__init__(session, run)
        self._analysing = analysing
        self._compiling = compiling
        self.differences: list[Difference] = []
        self._place = Published()
        self._published = False
        self._failed = False
        self._state: Digest = ""
        self.forget()

    def forget(self) -> None:
        self._modules: list[str] = []
        """The entry, and what it reaches."""
        self._linker: Toolchain | None = None
        self._manifest = b""
        self._key: Digest = ""
        self._digest: Digest = ""
        self._expected: Digest = ""
        """In a build that verifies: the program that the cache has for these objects."""
        self._needs: set[Digest] | None = None
        """The objects that the link must have at hand; None: all of them."""
        self._answer: LinkDone | None = None
        """The answer of the link, kept until the text is here that its findings are about."""

    @property
    def program(self) -> Program:
        place = self._place
        return Program(self._key, self._digest, place.file, place.stamp, place.link, self._state)

    @property
    def succeeded(self) -> bool:
        return self.run.succeeded and not self._failed

    # ---- which program

    def begin(self) -> None:
        """Publishes the last build's program if nothing changed, or finds out which program this build has."""
        session, run, facts, settings = self.session, self.run, self.session.facts, self.run.settings
        if self._analysing.unchanged and session.earlier.plan is not None:
            self._digest, self._key = session.earlier.plan.program, session.earlier.plan.program_key
            self._publish()
            return
        run.diagnostics += nothing_there(settings, run.diagnostics, facts.sources)
        if not self.succeeded:
            run.go(Phase.ENDING)
        elif not settings.entry or settings.entry not in facts.sources:
            self._publish()
        else:
            reached = self._reached()
            self._modules = [settings.entry, *sorted(reached - {settings.entry})]
            paths = [facts.sources[module].path for module in self._modules]
            linker = session.toolchains.linker(paths[0], paths)
            if linker is None:
                run.diagnostics.append(no_linker(settings.entry, paths[0], session.toolchains.kinds(paths)))
                self._end_failed()
            else:
                self._linker = linker
                self._make_key(linker)
                self._look_for_program()

    def _reached(self) -> set[str]:
        """The modules that the program consists of."""
        facts, entry = self.session.facts, self.run.settings.entry
        reached = facts.graph.transitive_imports([entry])
        while more := self.session.toolchains.whole(facts.modules.paths, reached) - reached:
            reached |= facts.graph.transitive_imports(more)
        return reached

    def _make_key(self, linker: Toolchain) -> None:
        settings, sources, digests = self.run.settings, self.session.facts.sources, self.run.objects.digests
        self._manifest = keys.encode(
            keys.ProgramManifest(
                entry=settings.entry,
                toolchain=self.session.identities[linker.name],
                target=settings.target,
                options=settings.options,
                objects=tuple((module, sources[module].path, digests[module]) for module in self._modules),
            )
        )
        self._key = keys.key_of(self._manifest)

    def _look_for_program(self) -> None:
        """Takes the last build's program where it has the same key; otherwise asks the cache, or links at once."""
        session, run, plan = self.session, self.run, self.session.earlier.plan
        if not run.settings.verify:
            if run.settings.force or run.program_lost:
                self._load()
                return
            if session.earlier.trusted and plan is not None and plan.program_key == self._key and plan.program:
                self._digest = plan.program
                self._publish()
                return
        session.ask(run, Find(build=run.id, keys=(self._key,)))

    def _found(self, answer: Found) -> None:
        session, run = self.session, self.run
        entry = answer.entries.get(self._key)
        if session.events.wanted:
            event = CacheMiss if entry is None else CacheHit
            session.events.emit(event(build=run.id, module=run.settings.entry, key=self._key, kind="program"))
        if entry is not None and not run.settings.verify:
            self._digest = entry.digest
            self._publish()
            return
        self._expected = entry.digest if entry is not None else ""
        self._load()

    # ---- what the link needs

    def _load(self) -> None:
        """Fetches the bytes of the objects: those just made are at hand, the cache has the others. A toolchain that
        remembers links says itself which it needs; where it has not linked in this process yet, it gets what an earlier
        one left."""
        digests, settings = self.run.objects.digests, self.run.settings
        assert self._linker is not None
        remembers = isinstance(self._linker, RemembersLinks) and not settings.verify
        self._needs = {digests[settings.entry]} if remembers else None
        wanted = self._needed().union(self._earlier())
        if self._expected:
            wanted.add(self._expected)
        self._ask_for(wanted)

    def _needed(self) -> set[Digest]:
        return {self.run.objects.digests[module] for module in self._modules} if self._needs is None else {*self._needs}

    def _earlier(self) -> tuple[Digest, ...]:
        """What an earlier link left, and its program, where the toolchain may make use of them."""
        earlier, plan = self.session.earlier, self.session.earlier.plan
        if self._needs is None or earlier.linked or plan is None or not plan.link_state or self.run.settings.force:
            return ()
        return (plan.link_state, plan.link_program) if plan.toolchain == self.session.facts.toolchain else ()

    def _ask_for(self, wanted: set[Digest]) -> None:
        absent = wanted - self.run.objects.data.keys()
        if absent:
            self.session.ask(self.run, Load(build=self.run.id, digests=tuple(sorted(absent))))
        else:
            self._link()

    def _loaded(self, answer: Loaded) -> None:
        """Links, if nothing is lost. A module whose object is gone or damaged, a late miss, is compiled after all."""
        session, run, facts, objects = self.session, self.run, self.session.facts, self.run.objects
        objects.data.update(answer.data)
        absent = self._needed() - objects.data.keys()
        lost = [module for module in self._modules if objects.digests[module] in absent]
        if not lost:
            self._link()
            return
        for module in lost:
            key = facts.key(module)
            session.earlier.entries.pop(key, None)
            if session.events.wanted:
                session.events.emit(CacheMiss(build=run.id, module=module, key=key, kind="object", late=True))
        # Modules that the last build answered for have no facts at hand to compile them. The build looks at the sources
        # again, and what the last build found is not believed any more: so the facts fetch what they need.
        if not all(map(facts.can_compile, lost)):
            session.earlier.invalidate()
            run.go(Phase.ANALYSING)
            return
        self._compiling.compile_again(lost)
        run.go(Phase.COMPILING)

    # ---- the link

    def _link(self) -> None:
        """Has the program linked of the objects that are at hand. A linker that remembers gets the others as digests
        without bytes, and says which of them it needs."""
        run, settings, facts, objects = self.run, self.run.settings, self.session.facts, self.run.objects
        assert self._linker is not None
        earlier = [objects.data.get(name, b"") for name in self._earlier()]
        self.session.ask(
            run,
            RunLink(
                build=run.id,
                job=LinkJob(
                    entry=settings.entry,
                    objects=tuple(
                        LinkInput(
                            module=module,
                            path=facts.sources[module].path,
                            data=objects.data.get(objects.digests[module], b""),
                            digest=objects.digests[module],
                        )
                        for module in self._modules
                    ),
                    options=settings.options,
                    fresh=bool(settings.verify),
                    earlier=Linkage(state=earlier[0], program=earlier[1]) if all(earlier) and earlier else None,
                ),
                toolchain=self._linker.name,
                again=self._needs is not None and len(self._needs) > 1,
            ),
        )

    def _give_more(self, needs: tuple[Digest, ...]) -> bool:
        """Whether the toolchain may have what it asks for: objects of this link that it did not get."""
        objects = self.run.objects
        own = {objects.digests[module] for module in self._modules}
        if self._needs is None or not own.issuperset(needs) or not objects.data.keys().isdisjoint(needs):
            return False
        self._needs.update(needs)
        self._ask_for(self._needed())
        return True

    def _linked(self, answer: LinkDone) -> None:
        run, facts, objects, entry = self.run, self.session.facts, self.run.objects, self.run.settings.entry
        # A linker that remembers its last link asks for what it needs: the answer to that is another `RunLink`, so
        # nothing else of this answer counts. Findings are reported in the entry's text, which may have to be read
        # first: then this method is called again with the same answer.
        linked = answer.linked
        if linked and linked.needs and self._give_more(linked.needs):
            return
        program = linked.program if linked else None
        findings = linked.findings if linked else ()
        if findings and not self._report(answer, findings):
            return
        crash = answer.crash or ("it gave neither program nor error" if program is None and not findings else "")
        if crash:
            run.diagnostics.append(crashed(entry, facts.sources[entry].path, crash))
        if program is None or not self.succeeded:
            self._end_failed()
            return
        self._digest = digest(program)
        expected = objects.data.get(self._expected)
        if expected is not None and expected != program:
            self._differs(expected, program)
            return
        self._publish(program)
        self._store(answer, program)

    def _report(self, answer: LinkDone, findings: Iterable[Finding]) -> bool:
        """Reports what the link found in the entry, in its places. False where its text must be read before."""
        run, facts, entry = self.run, self.session.facts, self.run.settings.entry
        file, summary = facts.sources[entry], facts.modules.summaries.get(entry)
        if (file.data is None or summary is None) and self._answer is None:
            self._answer = answer
            job = SummariseJob(module=entry, path=file.path, source=b"", shown=True)
            self.session.ask(
                run, RunSummarise(build=run.id, jobs=(job,), digests=(file.digest,), root=run.settings.root)
            )
            return False
        items = {item.name: item for item in summary.items} if summary else {}
        for finding in findings:
            run.diagnostics.append(
                of_item(finding, items.get(finding.item), file.data or b"", module=entry, file=file.path)
            )
        return True

    def _read(self, answer: SummariseDone) -> None:
        """The entry's text is here, unless it has changed meanwhile: what the link found can be reported."""
        facts = self.session.facts
        for outcome in answer.outcomes:
            file, summarised = facts.sources[outcome.module], outcome.summarised
            if outcome.source is not None and summarised is not None and summarised.summary is not None:
                file.data = outcome.source
                facts.learn(outcome.module, summarised.summary)
        assert self._answer is not None
        self._linked(self._answer)

    def _differs(self, expected: bytes, program: bytes) -> None:
        """The program that the cache has for these objects is not the one that was linked from them now."""
        assert self._linker is not None
        what = difference(self._linker, expected, program)
        entry = self.run.settings.entry
        differing = Difference(module=entry, kind="program", what=what, manifest=self._manifest.decode())
        self.differences.append(differing)
        self.run.diagnostics.append(differs(differing, self._key, self.session.facts.sources[entry].path))
        self._end_failed()

    def _end_failed(self) -> None:
        self._failed = True
        self.run.go(Phase.ENDING)

    # ---- the cache, and the program's place

    def _store(self, answer: LinkDone, program: bytes) -> None:
        """Keeps the program, and what the link left for links of later processes, as an entry of its own."""
        session, run, entry, linked = self.session, self.run, self.run.settings.entry, answer.linked
        assert self._linker is not None and linked is not None
        if session.events.wanted:
            event = ProgramLinked(build=run.id, digest=self._digest, size=len(program), duration_ms=answer.duration_ms)
            session.events.emit(event)
        session.earlier.linked = True
        entries = [
            NewEntry(
                key=self._key,
                digest=self._digest,
                kind="program",
                module=entry,
                manifest=self._manifest,
                data=program,
                identity=session.identities[self._linker.name],
                imports=tuple(self._modules[1:]),
                exports=linked.exports,
                duration_ms=answer.duration_ms,
            )
        ]
        if linked.state and run.settings.snapshot.name:  # Without a plan on disk nobody would find it.
            self._state = digest(linked.state)
            manifest = keys.encode(keys.LinkManifest(program=self._key))
            entries.append(
                NewEntry(
                    key=keys.key_of(manifest),
                    digest=self._state,
                    kind="link",
                    module=entry,
                    manifest=manifest,
                    data=linked.state,
                    identity=session.facts.toolchain,
                )
            )
        self._compiling.keep(entries)
        if not session.answers_early(run):
            self._compiling.store()

    def _publish(self, data: bytes = b"") -> None:
        """Has the program written to its place; without its bytes, from the cache, unless it is there already. Where
        there is no program, those that earlier builds wrote are removed."""
        destination = self.run.settings.destination
        if not self._digest and not (destination.listing and destination.owner):
            self.run.go(Phase.ENDING)
            return
        self.session.ask(
            self.run,
            Publish(
                build=self.run.id,
                path=destination.path if self._digest else "",
                digest=self._digest,
                data=data,
                listing=destination.listing,
                within=destination.within,
                owner=destination.owner,
            ),
        )

    def _placed(self, answer: Published) -> None:
        session, run, settings = self.session, self.run, self.run.settings
        if answer.missing:
            # The cache has lost the program. Where the last build was to answer for everything, no object is known yet:
            # the build looks at the sources again, and this time it does all that a build does.
            run.program_lost = True
            session.events.emit(
                CacheMiss(build=run.id, module=settings.entry, key=self._key, kind="program", late=True)
            )
            if self._analysing.unchanged:
                run.go(Phase.ANALYSING)
            else:
                self._load()
            return
        if answer.error:
            run.diagnostics.append(not_written(settings.destination.path, answer.error, outside=answer.outside))
            self._failed = True
        elif session.events.wanted and answer.written:
            session.events.emit(ProgramWritten(build=run.id, file=settings.destination.path, digest=self._digest))
        self._place, self._published = answer, True

    # ---- what comes back

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, Found):
            self._found(answer)
        elif isinstance(answer, Loaded):
            self._loaded(answer)
        elif isinstance(answer, LinkDone):
            self._linked(answer)
        elif isinstance(answer, SummariseDone):
            self._read(answer)
        elif isinstance(answer, Published):
            self._placed(answer)
        else:
            super().answered(request, answer)

    def advance(self) -> None:
        """Ends when the program is in its place, and the cache has it too. A build that answers early stores it when it
        has answered."""
        if self._published and (not self.run.awaited or self.session.answers_early(self.run)):
            self.run.go(Phase.ENDING)
