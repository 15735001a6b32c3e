"""The worker processes of a pool: when they start, which job gets one, and what happens when one dies.

Starting a process costs time, so the number depends on the work that a build has ahead. While workers start, jobs run
inline. As soon as one is ready, jobs run in workers only, because an inline job would block the event loop, and with it
the workers that wait for their next job.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import anyio
import msgspec

from actors.child import Child, Gone
from actors.compiler.process import DONE, OUT_OF_MEMORY, READY, REFUSED, command
from actors.compiler.toolchains import Toolchains
from actors.offload import Offload

EACH_MS = 250.0
"""One worker is started for each so many milliseconds of work ahead, and none where that would be fewer than two.

Measured by `tests/bench/bench_workers.py`: two workers break even at about four times the time that one takes to be
ready. On two idle cores that was at 320 ms of work (92 ms to be ready), on busy ones at 600 ms (160 ms)."""

START_SECONDS = 60.0
"""A worker that takes longer to start is given up."""

START_TRIES = 3
"""Workers in a row that may be killed while they start; after that no more are started."""


class Died(Exception):
    """The worker died over a job. `reason` follows "the compiler broke on this module: " in a message. `again` says
    whether another attempt may succeed."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again


class Worker:
    """One process. The job that took it from the crew has it alone, sends one request, and reads each answer to it."""

    def __init__(self, child: Child, offload: Offload, timeout: float, memory: int) -> None:
        self.child = child
        self._offload = offload
        self._timeout = timeout
        self._memory = memory

    async def ready(self) -> str:
        """Waits until the process is ready, and returns the identity of its toolchains. Raises Died."""
        with anyio.move_on_after(START_SECONDS):
            return (await self._frame(READY)).decode()
        raise Died("it did not start in time", again=False)

    async def send(self, request: bytes) -> None:
        """Sends a request. Raises Died."""
        try:
            await self.child.send(request)
        except Gone:
            raise await self._died() from None

    async def answer(self) -> bytes:
        """Returns the outcome of the next module, as bytes. Raises Died, also where it takes longer than the
        timeout."""
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
        if frame[:1] == OUT_OF_MEMORY:
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
    """At most `slots` workers for the `toolchains`, whose `place` must not be empty.

    `timeout` is in seconds for one module, `memory` in bytes for one process; 0 means no limit. `_changed` is set and
    replaced (`wake`) whenever a waiting `take` should look again.
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
        """Why no worker can be started; "" while one can."""

    def bind(self, offload: Offload, start: Callable[[Callable[[Worker], Awaitable[None]], Worker], None]) -> None:
        """Sets what the crew needs of its actor. `start` runs a task of that actor."""
        self._offload = offload
        self._start = start

    @property
    def size(self) -> int:
        """The number of workers, including those that are starting."""
        return len(self._workers) + len(self._starting)

    def want(self, ahead_ms: float) -> None:
        """Starts the workers that are worth it for a build with about `ahead_ms` of work ahead."""
        worth = int(ahead_ms / EACH_MS)
        if worth >= 2:
            self._grow(min(worth, self._slots))

    def want_threads(self) -> None:
        """Work that waits for other programs needs no worker."""

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
        """Waits until a worker is ready, and checks that it has the same toolchains as this process."""
        try:
            identity = await worker.ready()
            if identity != self._toolchains.identity():
                raise Died("its toolchain is another one than was loaded here", again=False)
        except Died as died:
            if worker in self._starting:  # Otherwise the whole crew was closed.
                self._failed_starts += 1
                if not died.again or self._failed_starts == START_TRIES:
                    self.useless = died.reason
                await self.reap(worker)
        else:
            self._failed_starts = 0
            self._starting.discard(worker)
            self._workers.add(worker)
            self._idle.append(worker)
        self.wake()

    async def take(self, *, must: bool, stop: Callable[[], bool]) -> Worker | None:
        """Returns a worker for the caller alone. It waits for one where there are workers; where one `must` be had, it
        starts one if there are none. Returns None where the job is to run inline or cannot run, or `stop` is true."""
        while not stop():
            while self._idle:
                worker = self._idle.pop()
                if worker.child.alive:
                    return worker
                await self.reap(worker)
            if must:
                self._grow(1)
            # Nobody waits for a worker that is still starting: the job is done inline sooner. Only a job that must not
            # run inline waits for it.
            if not self._workers and not (must and self._starting):
                return None
            await self._changed.wait()
        return None

    def give_back(self, worker: Worker) -> None:
        """Takes back a worker that has answered everything that it was sent."""
        self._idle.append(worker)
        self.wake()

    async def reap(self, worker: Worker) -> None:
        """Ends a worker that cannot be used any more, and waits until its process has ended."""
        self._workers.discard(worker)
        self._starting.discard(worker)
        with anyio.CancelScope(shield=True):
            await self._offload.run(worker.child.reap)
        worker.child.close()
        self.wake()

    def wake(self) -> None:
        """Has the jobs that wait for a worker look again."""
        # Replaced, because an event cannot be cleared: tasks that wait have the old one and wake, and the next to wait
        # gets the new one. No task runs between the two lines.
        self._changed.set()
        self._changed = anyio.Event()

    async def close(self) -> None:
        """Ends all workers."""
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
    """A message of the pool as bytes for a worker."""
    return _encoder.encode(message)


_encoder = msgspec.msgpack.Encoder()
