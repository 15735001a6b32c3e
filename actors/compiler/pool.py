"""The compiler workers: N slots, each of which does one job at a time.

For now every slot computes in the Project's own process; what the planner sees is the same either way: it posts at
most one job for each idle slot, and gets one answer for each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from actors.compiler import worker
from actors.compiler.toolchain import Toolchain
from actors.events import CompileFinished, CompileStarted, LinkStarted
from actors.messages import (
    CompileDone,
    CompileOutcome,
    LinkDone,
    Message,
    RunCompile,
    RunLink,
    RunSummarise,
    SummariseDone,
    SummariseOutcome,
    ToWorkers,
)
from actors.system import Actor, Cell


class Pool(Actor[ToWorkers]):
    """Hands jobs to idle slots. `slots` is their number; `validate` checks a linked program before it is handed out."""

    name = "workers"

    def __init__(self, toolchain: Toolchain, slots: int, validate: Callable[[bytes], str | None] | None = None) -> None:
        super().__init__()
        self.toolchain = toolchain
        self.slots = slots
        self._validate = validate
        self._idle = list(range(slots, 0, -1))

    async def receive(self, message: ToWorkers, reply: Cell) -> None:
        if not self._idle:
            raise RuntimeError("a job was posted although no slot is idle")
        self.start(self._work, self._idle.pop(), message, reply)

    def idle(self) -> bool:
        return len(self._idle) == self.slots

    async def _work(self, slot: int, message: ToWorkers, reply: Cell) -> None:
        answer: Message
        try:
            if isinstance(message, RunSummarise):
                answer = await self._summarise(message)
            elif isinstance(message, RunCompile):
                answer = await self._compile(message, slot)
            else:
                answer = await self._link(message)
        finally:
            self._idle.append(slot)
        reply.set(answer)
        self.nudge()

    async def _summarise(self, message: RunSummarise) -> SummariseDone:
        outcomes: list[SummariseOutcome] = []
        digests = message.digests or ("",) * len(message.jobs)
        for job, expected in zip(message.jobs, digests, strict=True):
            if self.cancelled(message.build):
                break
            outcomes.append(
                await self.offload.compute(
                    worker.summarise, self.toolchain, job, expected, message.root, self.offload.disk
                )
            )
        return SummariseDone(build=message.build, outcomes=tuple(outcomes))

    async def _compile(self, message: RunCompile, slot: int) -> CompileDone:
        outcomes: list[CompileOutcome] = []
        digests = message.digests or ("",) * len(message.jobs)
        for job, expected in zip(message.jobs, digests, strict=True):
            if self.cancelled(message.build):
                break
            if self.events.wanted:
                self.events.emit(CompileStarted(build=message.build, module=job.module, slot=slot))
            outcome = await self.offload.compute(
                worker.compile_module, self.toolchain, job, expected, message.root, self.offload.disk
            )
            outcomes.append(outcome)
            if self.events.wanted and outcome.changed is None:
                self._report(message.build, slot, outcome)
        return CompileDone(build=message.build, slot=slot, outcomes=tuple(outcomes))

    def _report(self, build: int, slot: int, outcome: CompileOutcome) -> None:
        made = outcome.compiled.object if outcome.compiled else None
        compiled, total = (len(made.compiled), len(made.functions)) if made else (0, 0)
        self.events.emit(
            CompileFinished(
                build=build,
                module=outcome.module,
                slot=slot,
                duration_ms=outcome.duration_ms,
                compiled_functions=compiled,
                reused_functions=total - compiled,
            )
        )

    async def _link(self, message: RunLink) -> LinkDone:
        if self.events.wanted:
            self.events.emit(LinkStarted(build=message.build, modules=len(message.job.objects)))
        validate = self._validate if message.validate else None
        return await self.offload.compute(partial(worker.link, self.toolchain, message.job, message.build, validate))
