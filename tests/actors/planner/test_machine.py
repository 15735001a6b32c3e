"""The planner without actors: a plain loop passes on what arrives, and plays the workers and the keeper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.compiler import worker
from actors.compiler.toolchains import Toolchains
from actors.digests import digest
from actors.disk import RealDisk
from actors.messages import (
    Begin,
    Begun,
    Build,
    BuildDone,
    BuildSettings,
    CacheEntry,
    CompileDone,
    Find,
    FindFragments,
    FindSummaries,
    Found,
    FragmentsFound,
    LinkDone,
    Load,
    Loaded,
    Message,
    PlanRecalled,
    Publish,
    Published,
    RecallPlan,
    Record,
    Recorded,
    RunCompile,
    RunLink,
    RunSummarise,
    ScanEnd,
    SourcesRead,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesFound,
    SummariesStored,
    SummariseDone,
)
from actors.planner.machine import Machine, Steps
from actors.planner.run import _NEXT, Phase, Run
from actors.result import Result
from orchestrator.testing.toolchain import PlainToolchain
from tests.actors.planner.plain_projects import sources

TOOLCHAIN = PlainToolchain()
TEXTS = {"main": "use a::f\nrun f", "a": "use b::g\npub f = g", "b": "pub g = 1"}
SETTINGS = BuildSettings(entry="main", output="/out/main.wasm", snapshot="s")


class Others:
    """Everybody but the planner, in memory: `steps` may be taken one by one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[Message] = []
        self.waiting: list[Message] = []
        self.cancelled: set[int] = set()
        self.summaries: dict[str, bytes] = {}
        self.entries: dict[str, CacheEntry] = {}
        self.data: dict[str, bytes] = {}
        self.plan = b""
        self.program = b""
        self.machine = self.new_process()
        self.builds = 0
        self.answers: list[BuildDone] = []

    def new_process(self) -> Machine:
        self.machine = Machine(
            Toolchains(TOOLCHAIN),
            2,
            True,
            send=self._sent,
            later=lambda seconds: None,
            now=lambda: self.now,
            cancelled=lambda build: build in self.cancelled,
        )
        return self.machine

    def _sent(self, request: Message) -> None:
        self.asked.append(request)
        self.waiting.append(request)

    def begin(self, texts: dict[str, str], settings: BuildSettings = SETTINGS) -> None:
        self.builds += 1
        self.asked.clear()
        self.machine.build(Build(build=self.builds, settings=settings), self.answers.append)
        self.machine.arrived(SourcesRead(build=self.builds, sources=tuple(sources(texts)), end=ScanEnd()))

    def build(self, texts: dict[str, str], settings: BuildSettings = SETTINGS) -> Result[str]:
        self.begin(texts, settings)
        while self.waiting:
            self.step()
        assert self.machine.run_now is None
        return self.answers[-1].result

    def step(self) -> Message:
        """Answer the request that has waited longest."""
        request = self.waiting.pop(0)
        answer = getattr(self, f"_{type(request).__name__}")(request)
        self.machine.answered(request, answer)
        return request

    def _Begin(self, request: Begin) -> Message:
        return Begun()

    def _RecallPlan(self, request: RecallPlan) -> Message:
        return PlanRecalled(plan=self.plan)

    def _FindSummaries(self, request: FindSummaries) -> Message:
        return SummariesFound(summaries={one: self.summaries[one] for one in request.sources if one in self.summaries})

    def _StoreSummaries(self, request: StoreSummaries) -> Message:
        self.summaries |= request.summaries
        return SummariesStored()

    def _RunSummarise(self, request: RunSummarise) -> Message:
        return SummariseDone(build=request.build, outcomes=tuple(self._work(worker.summarise, request)))

    def _RunCompile(self, request: RunCompile) -> Message:
        return CompileDone(build=request.build, outcomes=tuple(self._work(worker.compile_module, request)))

    def _work(self, work: Callable[..., Any], request: RunSummarise | RunCompile) -> list[Any]:
        pairs = zip(request.jobs, request.digests, strict=True)
        return [work(TOOLCHAIN, job, expected, request.root, RealDisk()) for job, expected in pairs]

    def _RunLink(self, request: RunLink) -> Message:
        return LinkDone(build=request.build, linked=TOOLCHAIN.link(request.job))

    def _Find(self, request: Find) -> Message:
        return Found(entries={key: self.entries[key] for key in request.keys if key in self.entries})

    def _FindFragments(self, request: FindFragments) -> Message:
        found = {key: (self.entries[key], self.data[self.entries[key].digest]) for key in request.objects}
        return FragmentsFound(fragments={}, objects=found)

    def _Load(self, request: Load) -> Message:
        return Loaded(data={one: self.data[one] for one in request.digests if one in self.data})

    def _StoreEntries(self, request: StoreEntries) -> Message:
        for new in request.entries:
            name = digest(new.data)
            self.data[name] = new.data
            self.entries[new.key] = CacheEntry(
                key=new.key, digest=name, size=len(new.data), module=new.module, kind=new.kind
            )
        return Stored(kept={new.key: digest(new.data) for new in request.entries})

    def _Publish(self, request: Publish) -> Message:
        data = request.data or self.data.get(request.digest, b"")
        self.program = data or self.program
        return Published(missing=not data)

    def _Record(self, request: Record) -> Message:
        self.plan = request.plan or self.plan
        return Recorded()

    def kinds(self) -> list[str]:
        return [type(one).__name__ for one in self.asked]


def test_a_build_from_nothing_asks_for_one_thing_after_the_other() -> None:
    others = Others()
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits) == (True, ["a", "b", "main"], 0)
    assert list(dict.fromkeys(others.kinds())) == [
        "Begin", "RecallPlan", "FindSummaries", "RunSummarise", "StoreSummaries", "Find", "RunCompile", "StoreEntries",
        "RunLink", "Publish", "Record",
    ]  # fmt: skip
    assert others.program


def test_nothing_changed_asks_for_the_program_alone_in_a_new_process_too() -> None:
    others = Others()
    others.build(TEXTS)
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits, others.kinds()) == (
        True,
        [],
        3,
        ["Begin", "Publish", "Record"],
    )
    others.new_process()
    done = others.build(TEXTS)
    assert (done.success, done.recompiled, done.cache_hits) == (True, [], 3)
    assert others.kinds() == ["Begin", "RecallPlan", "Publish", "Record"]


def test_an_edit_in_a_new_process_looks_up_what_it_reaches() -> None:
    others = Others()
    others.build(TEXTS)
    others.new_process()
    done = others.build({**TEXTS, "a": "use b::g\npub f = g g"})
    assert (done.success, done.recompiled, done.cache_hits) == (True, ["a", "main"], 1)
    asked = [name.partition(" ")[2] for one in others.asked if isinstance(one, FindSummaries) for name in one.sources]
    assert sorted(set(asked)) == ["a.plain", "b.plain", "main.plain"]


def test_an_error_is_said_and_nothing_is_linked() -> None:
    others = Others()
    done = others.build({**TEXTS, "b": "fail always\npub g = 1"})
    assert (done.success, done.failed, done.blocked) == (False, ["b"], ["a", "main"])
    assert "RunLink" not in others.kinds() and "Publish" not in others.kinds()


@pytest.mark.parametrize("answers", range(12))
def test_a_build_that_is_cancelled_waits_for_what_is_under_way(answers: int) -> None:
    others = Others()
    others.begin(TEXTS)
    for _ in range(answers):
        if others.waiting:
            others.step()
    others.cancelled.add(1)
    others.machine.advance()
    before = set(map(id, others.asked))
    while others.waiting:
        others.step()
    after = [one for one in others.asked if id(one) not in before]
    assert all(isinstance(one, (StoreEntries, Record)) for one in after), after
    assert others.answers[-1].cancelled or others.program
    assert (done := others.build(TEXTS)).success and done.program == "/out/main.wasm"


def test_builds_wait_for_one_another_and_their_sources_are_kept() -> None:
    others = Others()
    others.begin(TEXTS)
    others.begin({**TEXTS, "b": "pub g = 2"})
    while others.waiting:
        others.step()
    assert [(one.build, one.result.success) for one in others.answers] == [(1, True), (2, True)]
    assert others.answers[1].result.recompiled == ["a", "b", "main"]


def test_an_answer_that_nobody_waits_for_is_a_bug() -> None:
    others = Others()
    with pytest.raises(RuntimeError, match="an answer to Begin came after its build had ended"):
        others.machine.answered(Begin(build=1), Begun())
    others.begin(TEXTS)
    with pytest.raises(RuntimeError, match="nobody asked for a LinkDone in SCANNING"):
        others.machine.answered(Load(build=1, digests=()), LinkDone(build=1))


def test_a_build_goes_from_phase_to_phase_as_the_table_says() -> None:
    run = Run(Build(build=1, settings=SETTINGS), lambda done: None, 0.0)
    with pytest.raises(RuntimeError, match="a build cannot go from SCANNING to LINKING"):
        run.go(Phase.LINKING)
    assert set(_NEXT) == set(Phase)
    reached, new = {Phase.SCANNING}, {Phase.SCANNING}
    while new := {after for phase in new for after in _NEXT[phase]} - reached:
        reached |= new
    assert reached == set(Phase)
    assert Steps(Others().machine.session, run).later.of.keys() == set(Phase) - {Phase.SCANNING, Phase.ANSWERED}
