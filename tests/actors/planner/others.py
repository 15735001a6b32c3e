"""The planner without actors: a plain loop passes on what arrives, and plays the workers and the keeper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    Destination,
    End,
    Ended,
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
    RunCompile,
    RunLink,
    RunSummarise,
    ScanEnd,
    SnapshotSettings,
    SourcesRead,
    Stored,
    StoreEntries,
    StoreSummaries,
    SummariesFound,
    SummariesStored,
    SummariseDone,
)
from actors.planner.machine import LaterSteps, Machine
from actors.planner.run import Phase, Run
from actors.planner.session import Driver
from actors.result import Result
from orchestrator.testing.toolchain import PlainToolchain
from tests.actors.planner.plain_projects import sources

TOOLCHAIN = PlainToolchain()
TEXTS = {"main": "use a::f\nrun f", "a": "use b::g\npub f = g", "b": "pub g = 1"}
SCANNED = ScanEnd()
SETTINGS = BuildSettings(
    entry="main", destination=Destination(path="/out/main.wasm"), snapshot=SnapshotSettings(name="s")
)


class Others:
    """Everybody but the planner, in memory. A test that wants another answer replaces the method of the request."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[Message] = []
        self.waiting: list[Message] = []
        self.timers: list[float] = []
        """Those that are over at once. A test lets other time pass by itself."""
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
            Driver(
                send=self._sent,
                later=lambda seconds: self.timers.append(seconds) if not seconds else None,
                now=lambda: self.now,
                cancelled=lambda build: build in self.cancelled,
            ),
        )
        return self.machine

    def _sent(self, request: Message) -> None:
        self.asked.append(request)
        self.waiting.append(request)

    def begin(self, texts: dict[str, str], settings: BuildSettings = SETTINGS, end: ScanEnd = SCANNED) -> None:
        self.builds += 1
        self.asked.clear()
        self.machine.build(Build(build=self.builds, settings=settings), self.answers.append)
        self.machine.arrived(SourcesRead(build=self.builds, sources=tuple(sources(texts)), end=end))

    def build(self, texts: dict[str, str], settings: BuildSettings = SETTINGS) -> Result[str]:
        self.begin(texts, settings)
        return self.finish()

    def begin_until(self, phase: Phase, texts: dict[str, str], settings: BuildSettings = SETTINGS) -> LaterSteps:
        """Begin a build, and follow it until it has entered a phase. Returns its steps."""
        self.begin(texts, settings)
        self.until(phase)
        assert self.machine.current is not None
        return self.machine.current.later

    def until(self, phase: Phase) -> None:
        while self.run.phase is not phase:
            self.step()

    def finish(self) -> Result[str]:
        """Follow the build to its end."""
        while self.waiting or self.timers:
            self.step()
        assert self.machine.run_now is None
        return self.answers[-1].result

    @property
    def run(self) -> Run:
        """The build that is going on."""
        assert self.machine.run_now is not None
        return self.machine.run_now

    def step(self) -> Message | None:
        """Answer the request that has waited longest, or let a timer run out."""
        if self.timers:
            self.timers.clear()
            self.machine.advance()
            return None
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

    def _End(self, request: End) -> Message:
        self.plan = request.plan or self.plan
        return Ended()

    def kinds(self) -> list[str]:
        return [type(one).__name__ for one in self.asked]
