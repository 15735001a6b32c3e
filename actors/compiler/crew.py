"""The worker processes of a pool: when they are started, who may use one, and what becomes of those that die.

Starting processes must pay for itself, so it depends on the work that a build has before it. While they start, work
goes on inline; as soon as one is ready nothing is computed inline any more, for that would block the event loop, and
with it the workers who wait for their next job.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import anyio
import msgspec

from actors.child import Child, Gone
from actors.compiler.process import DONE, HUNGRY, READY, REFUSED, command
from actors.compiler.toolchains import Toolchains
from actors.offload import Offload

EACH_MS = 250.0
"""A worker is started for so many milliseconds of work that a build has before it, and none for less than two of them.

Measured by `tests/bench/bench_workers.py`: two workers break even at about four times the time that one takes to be
ready. On two idle cores that was at 320 ms of work (92 ms to be ready), where others kept them busy at 600 (160 ms)."""

START_SECONDS = 60.0
"""A worker that is not ready by then never will be."""


START_TRIES = 3
"""So many in a row that are killed while they start, and there will be none."""


class Died(Exception):
    """The worker died over a job. `reason` says how, in words that follow "the compiler broke on this module: ";
    `again`: whether trying once more may help."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again


class Worker:
    """One process. Whoever took it from the crew has it alone, sends one request, and asks for each answer to it."""

    def __init__(self, child: Child, offload: Offload, timeout: float, memory: int) -> None:
        self.child = child
        self._offload = offload
        self._timeout = timeout
        self._memory = memory

    async def ready(self) -> str:
        """Wait until it is; the identity of its toolchain. Raises Died."""
        with anyio.move_on_after(START_SECONDS):
            return (await self._frame(READY)).decode()
        raise Died("it did not start in time", again=False)

    async def send(self, request: bytes) -> None:
        """Raises Died."""
        try:
            await self.child.send(request)
        except Gone:
            raise await self._died() from None

    async def answer(self) -> bytes:
        """The outcome of the next module. Raises Died, also when it takes longer than it may."""
        if not self._timeout:
            return await self._frame(DONE)
        with anyio.move_on_after(self._timeout):
            return await self._frame(DONE)
        self.child.kill()
        raise Died(f"it took longer than {self._timeout:g} s, and was stopped (setting `timeout`)", again=False)

    async def _frame(self, kind: bytes) -> bytes:
        try:
            frame = await self.child.receive()
        except Gone:
            raise await self._died() from None
        if frame[:1] == REFUSED:
            raise Died(frame[1:].decode(), again=False)
        if frame[:1] == HUNGRY:
            need = f"it needed more than {self._memory / (1 << 20):g} MiB of memory (setting `worker_memory`)"
            raise Died(need, again=True)
        if frame[:1] != kind:
            raise Died("its process answered what nobody had asked for", again=True)
        return frame[1:]

    async def _died(self) -> Died:
        code = await self._offload.run(self.child.reap)
        if code < 0:
            return Died(f"its process was killed ({signal.Signals(-code).name})", again=True)
        return Died(f"its process ended with exit code {code}", again=True)


class Crew:
    """At most `slots` workers for the `toolchains`, which have a `place`.

    `timeout` in seconds for one module, `memory` in bytes for one process; 0: no limit.
    """

    def __init__(self, toolchains: Toolchains, slots: int, *, timeout: float, memory: int) -> None:
        self._toolchains = toolchains
        self._slots = slots
        self._timeout = timeout
        self._memory = memory
        self._offload = Offload()
        self._start: Callable[[Callable[[Worker], Awaitable[None]], Worker], None] | None = None
        self._workers: set[Worker] = set()
        self._starting: set[Worker] = set()
        self._idle: list[Worker] = []
        self._changed = anyio.Event()
        self._failed_starts = 0
        self.useless = ""
        """Why there are no workers, and never will be: "" while there may be some."""

    def bind(self, offload: Offload, start: Callable[[Callable[[Worker], Awaitable[None]], Worker], None]) -> None:
        """`start` runs a task of the actor that this belongs to."""
        self._offload = offload
        self._start = start

    @property
    def size(self) -> int:
        """How many workers there are, those that are starting included."""
        return len(self._workers) + len(self._starting)

    def want(self, ahead_ms: float) -> None:
        """A build has about `ahead_ms` of work before it: start the workers that pay for themselves."""
        worth = int(ahead_ms / EACH_MS)
        if worth >= 2:
            self._grow(min(worth, self._slots))

    def _grow(self, size: int) -> None:
        while not self.useless and self.size < size:
            try:
                child = self._offload.spawn(command(self._toolchains.place, self._memory))
            except OSError as error:
                self.useless = f"a worker process cannot be started: {error.strerror or error}"
                break
            if child is None:
                self.useless = "there are no worker processes here"
                break
            worker = Worker(child, self._offload, self._timeout, self._memory)
            self._starting.add(worker)
            assert self._start is not None
            self._start(self._welcome, worker)

    async def _welcome(self, worker: Worker) -> None:
        """Wait until a worker is ready, and is one that compiles as this process would."""
        try:
            identity = await worker.ready()
            if identity != self._toolchains.identity():
                raise Died("its toolchain is another one than was loaded here", again=False)
        except Died as died:
            if worker in self._starting:  # else it was the whole crew that ended
                self._failed_starts += 1
                if not died.again or self._failed_starts == START_TRIES:
                    self.useless = died.reason
                await self.bury(worker)
        else:
            self._failed_starts = 0
            self._starting.discard(worker)
            self._workers.add(worker)
            self._idle.append(worker)
        self.wake()

    async def take(self, *, must: bool, stop: Callable[[], bool]) -> Worker | None:
        """A worker for the caller alone: waits for one where there are any, or, if one `must` be had, where there may
        be some. None: compute it inline, if that is allowed; or `stop` has become true."""
        while not stop():
            while self._idle:
                worker = self._idle.pop()
                if worker.child.alive:
                    return worker
                await self.bury(worker)
            if must:
                self._grow(1)
            if not self._workers and not (must and self._starting):
                return None
            await self._changed.wait()
        return None

    def give_back(self, worker: Worker) -> None:
        """It has answered everything that it was sent."""
        self._idle.append(worker)
        self.wake()

    async def bury(self, worker: Worker) -> None:
        """It is of no use any more: see that nothing is left of it."""
        self._workers.discard(worker)
        self._starting.discard(worker)
        with anyio.CancelScope(shield=True):
            await self._offload.run(worker.child.reap)
        worker.child.close()
        self.wake()

    def wake(self) -> None:
        """Let those who wait for a worker look again."""
        self._changed.set()
        self._changed = anyio.Event()

    async def close(self) -> None:
        """End them all."""
        workers = [*self._workers, *self._starting]
        self.useless = "the project is closed"
        self._workers, self._starting, self._idle = set(), set(), []
        for worker in workers:
            worker.child.kill()
        if workers:
            await self._offload.run(_reap, [worker.child for worker in workers])
        for worker in workers:
            worker.child.close()
        self.wake()


def _reap(children: list[Child]) -> None:
    for child in children:
        child.reap()


def encoded(message: msgspec.Struct) -> bytes:
    """A message of the pool, as a worker wants it."""
    return _encoder.encode(message)


_encoder = msgspec.msgpack.Encoder()
