"""Simulated worker processes: they compute in the loop, in virtual time, and die when a test wants them to.

The crew (`actors/compiler/crew.py`) cannot tell them from real ones, so that its every turn can be tested without a
process, and repeated: jobs that time out, workers killed while they start, between two jobs, or over one. Hops are
`worker.start`, `worker.summarise` and `worker.compile_module`::

    world = World(toolchain, workers=True)
    process = world.process(Faults().on("worker.compile_module", kill(), path="main"))
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from typing import TypeVar, cast

import anyio
import anyio.lowlevel
import msgspec

from actors.child import Child, Gone
from actors.compiler import worker
from actors.compiler.process import DONE, READY
from actors.compiler.toolchain import CompileJob, SummariseJob, Toolchain
from actors.disk import Disk
from actors.messages import CompileOutcome, LinkDone, RunCompile, RunSummarise, SummariseOutcome
from orchestrator.testing.faults import Fault, Faults
from orchestrator.testing.scripted import Killed

R = TypeVar("R")

START_SECONDS = 0.16
"""The time that a real process takes to be ready."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[RunCompile | RunSummarise] = msgspec.msgpack.Decoder(RunCompile | RunSummarise)


class SimulatedWorker(Child):
    """Speaks as `actors.compiler.process` does. `number` stands for its process id.

    `running`: it has not been reaped yet. `started` lists what it began to compute, as (function, module)."""

    def __init__(
        self,
        toolchain: Toolchain,
        disk: Disk,
        faults: Faults,
        duration: Callable[[Callable[..., object], tuple[object, ...]], float] | None,
        number: int,
    ) -> None:
        self._toolchain = toolchain
        self._disk = disk
        self._faults = faults
        self._duration = duration
        self._number = number
        self._jobs: deque[tuple[Callable[..., object], SummariseJob | CompileJob, str, str]] = deque()
        self._answer = READY + toolchain.identity().encode()
        self._wait = START_SECONDS
        self._start_fault: Fault | None = faults.at("worker.start")
        self._dead = anyio.Event()
        self.running = True
        self.started: list[tuple[str, str]] = []

    @property
    def pid(self) -> int:
        return self._number

    @property
    def alive(self) -> bool:
        return not self._dead.is_set()

    async def send(self, payload: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if not self.alive:
            raise Gone
        request = _decoder.decode(payload)
        function: Callable[..., object] = worker.compile_module if isinstance(request, RunCompile) else worker.summarise
        digests = request.digests or ("",) * len(request.jobs)
        jobs: tuple[SummariseJob | CompileJob, ...] = request.jobs
        for job, expected in zip(jobs, digests, strict=True):
            self._jobs.append((function, job, expected, request.root))

    async def receive(self) -> bytes:
        """The next answer, when its time has passed. Cancelled, it loses nothing."""
        if not self._answer and self.alive:
            self._compute()
        fault, self._start_fault = self._start_fault, None
        if fault is not None:
            self._inject(fault)
        with anyio.move_on_after(self._wait):
            await self._dead.wait()
        if not self.alive:
            raise Gone
        self._wait = 0.0
        answer, self._answer = self._answer, b""
        return answer

    def _compute(self) -> None:
        """Does the next job, and finds out how long that takes."""
        if not self._jobs:
            self._wait = float("inf")
            return
        function, job, expected, root = self._jobs.popleft()
        self.started.append((function.__name__, job.module))
        fault = self._faults.at(f"worker.{function.__name__}", job.module)
        if fault is not None and fault.kind == "kill":
            self.kill()
            return
        args = (self._toolchain, job, expected, root, self._disk)
        try:
            outcome = function(*args)
        except Killed:
            self.kill()
            return
        self._wait = self._duration(function, args) if self._duration else 0.0
        self._answer = DONE + _encoder.encode(timed(outcome, self._wait))
        if fault is not None:
            self._inject(fault)

    def _inject(self, fault: Fault) -> None:
        if fault.kind in ("delay", "reorder"):
            self._wait += fault.number if fault.kind == "delay" else 1.0
        elif fault.kind == "lose":
            self._wait = float("inf")
        elif fault.kind == "crash":
            self._faults.crash()
        else:
            self.kill()

    def kill(self) -> None:
        self._dead.set()

    def reap(self) -> int:
        self.kill()
        self.running = False
        return -signal.SIGKILL

    def close(self) -> None:
        self.kill()


def timed(outcome: R, seconds: float) -> R:
    """Returns the outcome of a job with its simulated duration: the planner orders jobs by durations, and those of the
    machine's clock would give another order each time."""
    if isinstance(outcome, SummariseOutcome | CompileOutcome | LinkDone):
        return cast("R", msgspec.structs.replace(outcome, duration_ms=seconds * 1000))
    return outcome
