"""The compiler workers: N slots, each of which does one job at a time.

A job runs in a worker process where there is one (see `crew.py`), else inline, in the Project's own process. The
planner gets the same bytes either way. It posts at most one job for each idle slot, and gets one answer for each.

A worker that dies must not fail the build for a reason that will not repeat. So the module that it worked on is tried
once more, in another worker, and never inline: a module that kills its process would end the Project's own. Only a
second death, or one that will surely repeat (a timeout), becomes a diagnostic of that module (`crash`). The other
modules of the batch are not affected.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from actors.actor import Actor
from actors.compiler import worker
from actors.compiler.inputs import read_inputs
from actors.compiler.toolchain import CompileJob, SummariseJob, Surroundings
from actors.compiler.toolchains import Toolchains
from actors.events import CompileFinished, CompileStarted, LinkStarted, RunningJob
from actors.mailbox import Cell
from actors.messages import (
    BatchDone,
    CompileOutcome,
    InferOutcome,
    InputsRead,
    JobBatch,
    JobOutcome,
    LinkDone,
    Message,
    ReadInputs,
    RunCompile,
    RunInfer,
    RunLink,
    RunSummarise,
    SummariseOutcome,
    ToWorkers,
    answer_to,
    kinds,
)

if TYPE_CHECKING:
    from actors.compiler.crew import Crew, Died, Worker
    from actors.plainloop import NoWorkers

INLINE_BYTES = 128 << 10
"""Bytes of a source above which it is not compiled inline where worker processes are allowed, because the event loop
would not react to Ctrl-C for too long."""


class _JobKind(NamedTuple):
    """How the jobs of a batch are done, and what comes of each."""

    work: Callable[..., JobOutcome]
    outcome: type[JobOutcome]
    decoder: msgspec.msgpack.Decoder[JobOutcome]


_KINDS: dict[type[Message], _JobKind] = {
    RunSummarise: _JobKind(worker.summarise, SummariseOutcome, msgspec.msgpack.Decoder(SummariseOutcome)),
    RunInfer: _JobKind(worker.infer, InferOutcome, msgspec.msgpack.Decoder(InferOutcome)),
    RunCompile: _JobKind(worker.compile_module, CompileOutcome, msgspec.msgpack.Decoder(CompileOutcome)),
}
if missing := set(kinds(JobBatch)) - set(_KINDS):
    raise TypeError(f"nothing says how a {missing.pop().__name__} is done")


class Pool(Actor[ToWorkers]):
    """Hands jobs to idle slots. `slots` is their number. `validate` returns what is wrong with a linked program, or
    None. Without a `crew` everything runs inline. Jobs of toolchains that call programs run in threads, under the
    `limits`: they would only wait in a worker process, too."""

    name = "workers"

    def __init__(
        self,
        toolchains: Toolchains,
        slots: int,
        validate: Callable[[bytes], str | None] | None = None,
        crew: Crew | NoWorkers | None = None,
        limits: Surroundings | None = None,
    ) -> None:
        super().__init__()
        self.toolchains = toolchains
        self.slots = slots
        self.crew = crew
        self.validate = validate
        self.limits = limits or Surroundings()
        self._idle = list(range(slots, 0, -1))
        self.busy: dict[Worker, int] = {}
        """The build for which each worker works now."""
        self._running: dict[int, _Job | _Link] = {}

    async def started(self) -> None:
        if self.crew is not None:
            self.crew.bind(self.offload, self.start)

    async def receive(self, message: ToWorkers, reply: Cell) -> None:
        if not self._idle:
            raise RuntimeError("a job was posted although no slot is idle")
        if self.crew is not None and self._in_threads(message):
            self.crew.want_threads()
        elif self.crew is not None and not isinstance(message, RunLink | ReadInputs):
            self.crew.want(message.ahead_ms)
        self.start(self._work, self._idle.pop(), message, reply)

    def _in_threads(self, message: ToWorkers) -> bool:
        """Whether all of the work waits for other programs, in threads."""
        if isinstance(message, RunLink):
            return self.toolchains.calls_programs(self.toolchains.named(message.toolchain))
        return isinstance(message, RunCompile) and all(self.calls_programs(job.path) for job in message.jobs)

    def calls_programs(self, path: str) -> bool:
        """Whether compiling the file waits for other programs."""
        return self.toolchains.calls_programs(self.toolchains.of(path))

    async def nudged(self) -> None:
        """Kills the workers of cancelled builds, and the programs that their jobs wait for."""
        if any(self.cancelled(job.message.build) for job in self._running.values()):
            self.toolchains.interrupt()
        for used, build in self.busy.items():
            if self.cancelled(build):
                used.child.kill()
        if self.crew is not None:
            self.crew.wake()

    def idle(self) -> bool:
        return len(self._idle) == self.slots

    async def stopped(self) -> None:
        if self.crew is not None:
            await self.crew.close()

    async def _work(self, slot: int, message: ToWorkers, reply: Cell) -> None:
        answer: Message
        try:
            if isinstance(message, ReadInputs):
                files = await self.offload.run(read_inputs, message.files, message.root, self.offload.disk)
                answer = InputsRead(build=message.build, files=files)
            else:
                job = _Link(self, message, slot) if isinstance(message, RunLink) else _Job(self, message, slot)
                self._running[slot] = job
                answer = await job.done()
        finally:
            self._running.pop(slot, None)
            self._idle.append(slot)
        # The slot is free before the answer goes: the planner posts its next job when it has the answer, and a job that
        # comes while no slot is idle is a bug.
        reply.set(answer)
        self.nudge()

    def doing(self) -> str:
        return f"{self.slots - len(self._idle)} of {self.slots} slots at work" if self._running else ""

    def jobs(self) -> list[RunningJob]:
        now = self.offload.now()
        return [job.running(now) for _, job in sorted(self._running.items())]


class _Link:
    """A link in progress."""

    def __init__(self, pool: Pool, message: RunLink, slot: int) -> None:
        self.pool = pool
        self.message = message
        self.slot = slot
        self.began = pool.offload.now()

    async def done(self) -> LinkDone:
        pool, message = self.pool, self.message
        if pool.events.wanted and not message.again:
            pool.events.emit(LinkStarted(build=message.build, modules=len(message.job.objects)))
        toolchain = pool.toolchains.named(message.toolchain)
        if pool.toolchains.calls_programs(toolchain):
            job = msgspec.structs.replace(message.job, around=pool.limits)
            return await pool.offload.run(partial(worker.link, toolchain, job, message.build, pool.validate))
        return await pool.offload.compute(partial(worker.link, toolchain, message.job, message.build, pool.validate))

    def running(self, now: float) -> RunningJob:
        module = self.message.job.entry
        return RunningJob(
            slot=self.slot, doing="linking", module=module, left=0, seconds=round(now - self.began, 3), process=0
        )


class _Job:
    """One batch in progress: the outcomes so far, and what is known of the module after them."""

    def __init__(self, pool: Pool, message: JobBatch[BatchDone], slot: int) -> None:
        self.pool = pool
        self.message = message
        self.slot = slot
        self.digests = message.digests or ("",) * len(message.jobs)
        self.outcomes: list[JobOutcome] = []
        self.died = ""
        """How the worker died that tried the next module; "" if none has. Such a module is never tried inline."""
        self.began = pool.offload.now()
        self.process: int | None = None
        """The process in which the next module is tried, 0 for this one; None while it waits for a worker."""

    def cancelled(self) -> bool:
        return self.pool.cancelled(self.message.build)

    def running(self, now: float) -> RunningJob:
        doing = "summarising" if isinstance(self.message, RunSummarise) else "compiling"
        if self.process is None:
            doing = f"a worker process to start {doing}"
        left = len(self.message.jobs) - len(self.outcomes) - 1
        return RunningJob(
            slot=self.slot,
            doing=doing,
            module=self.next.module if left >= 0 else "",
            left=max(left, 0),
            seconds=round(now - self.began, 3),
            process=self.process or 0,
        )

    @property
    def _calls(self) -> bool:
        """Whether the next job waits for other programs."""
        return isinstance(self.message, RunCompile) and self.pool.calls_programs(self.next.path)

    @property
    def next(self) -> SummariseJob | CompileJob:
        return self.message.jobs[len(self.outcomes)]

    async def done(self) -> BatchDone:
        """Does the whole batch, unless the build is cancelled meanwhile, and returns the answer."""
        # Where it runs is decided for each module that was not done: a worker takes all of the rest, and after its
        # death the next turn has the module tried in another one. Without a worker a module runs inline, except for one
        # that killed a worker, and one whose build was cancelled while it waited.
        while len(self.outcomes) < len(self.message.jobs) and not self.cancelled():
            used = await self._worker()
            if used is not None:
                await self._in_worker(used)
            elif self.cancelled():
                break
            elif self.died:
                self._give_up(self.died)
            else:
                await self._inline()
        return answer_to(self.message)(build=self.message.build, outcomes=tuple(self.outcomes))

    async def _worker(self) -> Worker | None:
        crew = self.pool.crew
        if crew is None or self._calls:
            return None
        must = bool(self.died) or len(self.next.source) > INLINE_BYTES
        return await crew.take(must=must, stop=self.cancelled)

    async def _inline(self) -> None:
        pool, message, job = self.pool, self.message, self.next
        expected = self.digests[len(self.outcomes)]
        self.process = 0
        self._begin()
        work = _KINDS[type(message)].work
        toolchain = pool.toolchains.of(job.path)
        if isinstance(job, CompileJob) and self._calls:
            job = msgspec.structs.replace(job, around=pool.limits)
            self._add(await pool.offload.run(work, toolchain, job, expected, message.root, pool.offload.disk))
            return
        self._add(await pool.offload.compute(work, toolchain, job, expected, message.root, pool.offload.disk))

    async def _in_worker(self, used: Worker) -> None:
        """Has the rest of the batch done by a worker, until it dies or all is done."""
        from actors.compiler.crew import Crew, Died, encoded

        pool, message, done = self.pool, self.message, len(self.outcomes)
        crew, decoder = pool.crew, _KINDS[type(message)].decoder
        assert isinstance(crew, Crew)
        rest = msgspec.structs.replace(message, jobs=message.jobs[done:], digests=self.digests[done:])
        pool.busy[used] = message.build
        self.process = used.child.pid
        try:
            await used.send(encoded(rest))
            while len(self.outcomes) < len(message.jobs):
                self._begin()
                self._add(decoder.decode(await used.answer()))
        except Died as died:
            await crew.reap(used)
            if not self.cancelled():
                self._failed(died)
        else:
            crew.give_back(used)
        finally:
            self.process = None
            del pool.busy[used]

    def _failed(self, died: Died) -> None:
        if died.again and not self.died:
            self.died = died.reason
        else:
            self._give_up(died.reason)

    def _give_up(self, reason: str) -> None:
        """Notes that the next module breaks the compiler."""
        self._add(_KINDS[type(self.message)].outcome(module=self.next.module, crash=reason))

    def _begin(self) -> None:
        pool = self.pool
        self.began = pool.offload.now()
        if pool.events.wanted and not self.died and isinstance(self.message, RunCompile):
            pool.events.emit(CompileStarted(build=self.message.build, module=self.next.module, slot=self.slot))

    def _add(self, outcome: JobOutcome) -> None:
        self.outcomes.append(outcome)
        self.pool.moves += 1
        self.died = ""
        if isinstance(outcome, CompileOutcome) and self.pool.events.wanted and outcome.changed is None:
            compiled_object = outcome.compiled.object if outcome.compiled else None
            compiled, total = (
                (len(compiled_object.compiled), len(compiled_object.functions)) if compiled_object else (0, 0)
            )
            self.pool.events.emit(
                CompileFinished(
                    build=self.message.build,
                    module=outcome.module,
                    slot=self.slot,
                    duration_ms=outcome.duration_ms,
                    compiled_functions=compiled,
                    reused_functions=total - compiled,
                )
            )
