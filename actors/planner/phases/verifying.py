"""`--verify`: what the build would use is compiled once more, with nothing reused, and compared byte for byte.

Objects that the cache had and objects that were assembled from fragments alike. A difference fails the build: somewhere
an object depends on what its manifest does not name, or a toolchain does not give one answer for one question.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256

import msgspec

from actors.compiler.toolchain import Compares, CompileJob, Toolchain
from actors.diagnostics import Diagnostic, about_file
from actors.digests import Digest
from actors.events import ObjectsVerified
from actors.messages import BATCH, CompileDone, CompileOutcome, Load, Loaded, Message, RunCompile
from actors.planner.phases.compiling import Compiling
from actors.planner.run import Phase, Run, State
from actors.planner.session import Session, Step
from actors.result import Difference

JOB_MODULES = 8


def chosen(module: str, share: float, seed: int) -> bool:
    """Whether a module is among the `share` (0 to 1) that is looked at; the same in every process for one seed."""
    return int.from_bytes(sha256(f"{seed}:{module}".encode()).digest()[:8], "big") < share * 2**64


class Verifying(Step):
    """Does nothing where it is not asked for. Results: the modules `verified`, and the `differences`."""

    def __init__(self, session: Session, run: Run, compiling: Compiling) -> None:
        super().__init__(session, run)
        self._compiling = compiling
        self.verified: list[str] = []
        self.differences: list[Difference] = []
        self.forget()

    def forget(self) -> None:
        self._waiting: deque[str] = deque()
        self._loading: list[str] = []
        """Modules whose objects were asked for. None of them is compiled before the answer: `advance` may be called
        any number of times in between."""
        self._loaded: deque[str] = deque()

    def begin(self) -> None:
        run, settings = self.run, self.run.settings
        if not settings.verify:
            run.go(Phase.LINKING)
            return
        self.forget()
        self.verified = []
        usable = run.states.members(State.HIT, State.COMPILED)
        self._waiting.extend(module for module in usable if chosen(module, settings.verify, settings.verify_seed))

    def answered(self, request: Message, answer: Message) -> None:
        if isinstance(answer, Loaded):
            self._load(answer)
        elif isinstance(answer, CompileDone):
            self._done(answer)
        else:
            super().answered(request, answer)

    def advance(self) -> None:
        """A batch at a time: load what the build would use, compile, compare."""
        session, run, facts = self.session, self.run, self.session.facts
        # Three queues, a batch at a time: `_waiting` for its objects to be asked for, `_loading` while the keeper is
        # asked, `_loaded` for a slot. So at most one batch of objects is in memory for this. A module whose source
        # changed ends it: what was verified so far stays counted, and the build looks at the sources again.
        while session.idle_slots and self._loaded and not run.replan:
            modules = [self._loaded.popleft() for _ in range(min(JOB_MODULES, len(self._loaded)))]
            jobs = tuple([self._job(module) for module in modules])
            digests = tuple([facts.sources[module].digest for module in modules])
            session.ask(run, RunCompile(build=run.id, jobs=jobs, digests=digests, root=run.settings.root))
        if run.awaited:
            return
        if run.replan:
            run.go(Phase.ANALYSING)
        elif self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            wanted = {run.objects.digests[module] for module in batch} - run.objects.data.keys()
            if wanted:
                self._loading = batch
                session.ask(run, Load(build=run.id, digests=tuple(sorted(wanted))))
            else:
                self._loaded.extend(batch)
                self.advance()
        else:
            if session.events.wanted:
                session.events.emit(
                    ObjectsVerified(
                        build=run.id,
                        checked=len(self.verified),
                        different=len(self.differences),
                        seed=run.settings.verify_seed,
                    )
                )
            run.go(Phase.LINKING)

    def _job(self, module: str) -> CompileJob:
        """The module's compile, with nothing to reuse."""
        facts = self.session.facts
        made_of = self._compiling.fingerprints.get(module) or facts.fingerprints(module)
        fingerprints = {name: fingerprint.digest for name, fingerprint in made_of.items()}
        return msgspec.structs.replace(facts.job(module), fingerprints=fingerprints)

    def _load(self, answer: Loaded) -> None:
        """Takes over the objects. One that the cache has lost meanwhile is no difference; the link finds out."""
        objects = self.run.objects
        objects.data.update(answer.data)
        self._loaded.extend(module for module in self._loading if objects.digests[module] in objects.data)
        self._loading = []

    def _done(self, answer: CompileDone) -> None:
        for outcome in answer.outcomes:
            if outcome.changed is not None:
                self.session.input_changed(self.run, outcome.module, outcome.changed)
            else:
                self._compare(outcome)

    def _compare(self, outcome: CompileOutcome) -> None:
        """Compares an object that the build would use, and its warnings, with what a fresh compile makes."""
        module, facts, objects = outcome.module, self.session.facts, self.run.objects
        self.verified.append(module)
        stored, warnings = objects.data[objects.digests[module]], objects.warnings[module]
        fresh = outcome.compiled.object if outcome.compiled else None
        if fresh is None:
            errors = outcome.compiled.diagnostics if outcome.compiled else ()
            what = outcome.crash or (errors[0].message if errors else "it gave neither object nor error")
            what = f"compiled afresh, it gives no object: {what}"
        elif fresh.data != stored:
            toolchain = self.session.toolchains.of(facts.sources[module].path)
            what = difference(toolchain, stored, fresh.data)
        elif fresh.warnings != warnings:
            what = f"the object has {len(warnings)} warnings, a fresh one {len(fresh.warnings)}, or others"
        else:
            return
        differing = Difference(
            module=module, kind="object", what=what, manifest=facts.key_origins[module].manifest.decode()
        )
        self.differences.append(differing)
        self.run.diagnostics.append(differs(differing, facts.key(module), facts.sources[module].path))


def difference(toolchain: Toolchain, old: bytes, new: bytes) -> str:
    """Where two objects, or two programs, begin to differ: as the toolchain sees it, else the first byte."""
    if isinstance(toolchain, Compares):
        return toolchain.difference(old, new)
    pairs = enumerate(zip(old, new, strict=False))
    at = next((at for at, (was, now) in pairs if was != now), min(len(old), len(new)))
    return f"byte {at} of {len(old)}; a fresh one has {len(new)}"


def differs(difference: Difference, key: Digest, path: str) -> Diagnostic:
    what = "the program" if difference.kind == "program" else "the object"
    message = f"{what} with the key {key[:12]} is not what a fresh build makes: {difference.what}"
    hint = (
        "a toolchain that depends on more than it says, or a bug of ours: please report it with the manifest; "
        "`wasmill cache clear` and a new build give what the sources say"
    )
    return about_file("E0905", message, module=difference.module, file=path, hint=hint)
