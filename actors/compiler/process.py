"""The main program of a worker process. It reads jobs and writes outcomes, in frames on pipes (see `actors.child`).

The parent starts it with `command`. It imports only what a compile needs: no event loop, and never the parent's
`__main__`. Each frame that it reads is a message of the pool. It answers a batch with one frame for each module, as
soon as that module is done, so that the outcomes before a crash are not lost. The first byte of an answer is its kind:

- READY, then the identity of the toolchains, which must be the parent's own;
- REFUSED, then why the toolchains cannot be loaded here;
- DONE, then the outcome;
- OUT_OF_MEMORY: the job hit the memory limit. The process then ends, because such a job may leave it in any state.

The process has its own process group and ignores Ctrl-C, which the parent handles. When the parent has ended, the
process ends at once, in the middle of a job if need be, together with everything that it has started.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.compiler.toolchains import Toolchains
    from actors.messages import (
        CompileOutcome,
        InferOutcome,
        LinkDone,
        RunCompile,
        RunInfer,
        RunLink,
        RunSummarise,
        SummariseOutcome,
    )

    Request = RunSummarise | RunInfer | RunCompile | RunLink
    Outcome = SummariseOutcome | InferOutcome | CompileOutcome | LinkDone

READY = b"r"
REFUSED = b"n"
DONE = b"d"
OUT_OF_MEMORY = b"h"

LENGTH_BYTES = 4

_START = "import sys; sys.path[:] = sys.argv[3:-1]; from actors.compiler.process import main; main()"


def command(place: str, memory: int) -> list[str]:
    """Returns the command that starts a worker for the toolchains at `place`, with at most `memory` bytes (0: no
    limit).

    The worker gets this process's `sys.path`, and ignores the environment's settings for Python. It starts with `-S`,
    because start-up files of installed packages can take longer than all imports; `_load` runs them where it must.
    """
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = [os.path.abspath(place) for place in sys.path]
    if here not in places:  # An import hook of an editable installation may have found this package.
        places.append(here)
    flags = ["-I", "-S"]
    if sys.dont_write_bytecode:
        flags.append("-B")
    if sys.pycache_prefix:
        flags += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [sys.executable, *flags, "-c", _START, place, str(memory), *places]


def main() -> None:
    """Serves until the requests end."""
    place, memory, lifeline = sys.argv[1], int(sys.argv[2]), int(sys.argv[-1])
    end_with_parent(lifeline)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The frames get their own descriptors, so that a toolchain that prints does not write between them.
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        serve(place, memory, requests, replies)
    except BrokenPipeError:
        os._exit(1)  # The parent has ended.
    os._exit(0)


def end_with_parent(lifeline: int) -> None:
    """Ends this process group as soon as the other end of `lifeline` is closed.

    A thread waits for that. The thread cannot run while a job holds the interpreter's lock, as an endless regular
    expression does. So on Linux the kernel is also asked to kill the group.
    """
    os.set_inheritable(lifeline, False)
    _thread.start_new_thread(_watch, (lifeline,))
    try:
        import fcntl

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        pass  # This kernel cannot do that, so there is only the thread.


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def serve(place: str, memory: int, requests: int, replies: int) -> None:
    """Answers requests with the toolchains at `place` until the pipe ends. Raises BrokenPipeError if the other end of
    `replies` is closed."""
    import gc

    import msgspec

    from actors.compiler.toolchain import Prepares
    from actors.messages import RunCompile, RunInfer, RunLink, RunSummarise

    # Loading comes before the limit of memory is set: then a limit that is too low ends a job, which has a module to
    # report it at, and not the start. What loading made is frozen, so no collection looks at it again. READY comes
    # last, because requests may come from then on.
    try:
        toolchains = _load(place)
        for toolchain in toolchains.members:
            if isinstance(toolchain, Prepares):
                toolchain.prepare()
        identity = toolchains.identity()
    except Exception as error:
        send(replies, REFUSED, f"{type(error).__name__}: {error}".encode())
        return
    limit_memory(memory)
    gc.freeze()
    decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(RunSummarise | RunInfer | RunCompile | RunLink)
    encoder = msgspec.msgpack.Encoder()
    send(replies, READY, identity.encode())
    while frame := receive(requests):
        for outcome in outcomes(toolchains, decoder.decode(frame)):
            if outcome.crash.startswith("MemoryError"):
                send(replies, OUT_OF_MEMORY, b"")
                return
            send(replies, DONE, encoder.encode(outcome))


def _load(place: str) -> Toolchains:
    from actors.compiler.toolchains import load_toolchains

    try:
        return load_toolchains(place)
    except ImportError:  # Start-up files of site-packages may add the path on which it is found.
        import site

        site.main()
        return load_toolchains(place)


def limit_memory(memory: int) -> None:
    """Limits the address space of this process to `memory` bytes; 0 means no limit."""
    if memory:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        least = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_AS, (least, most))


def outcomes(toolchains: Toolchains, request: Request) -> Iterator[Outcome]:
    """Yields the outcome of each module of a request, as soon as it is done."""
    from actors.compiler import worker
    from actors.disk import RealDisk
    from actors.messages import RunInfer, RunLink, RunSummarise

    disk = RealDisk()
    if isinstance(request, RunLink):
        yield worker.link(toolchains.named(request.toolchain), request.job, request.build, None)
        return
    digests = request.digests or ("",) * len(request.jobs)
    if isinstance(request, RunSummarise):
        for summary_job, expected in zip(request.jobs, digests, strict=True):
            yield worker.summarise(toolchains.of(summary_job.path), summary_job, expected, request.root, disk)
        return
    work = worker.infer if isinstance(request, RunInfer) else worker.compile_module
    for job, expected in zip(request.jobs, digests, strict=True):
        yield work(toolchains.of(job.path), job, expected, request.root, disk)


def send(pipe: int, kind: bytes, payload: bytes) -> None:
    view = memoryview((1 + len(payload)).to_bytes(LENGTH_BYTES, "little") + kind + payload)
    while view:
        view = view[os.write(pipe, view) :]


def receive(pipe: int) -> bytes:
    """Returns the next frame; b"" at the end of the pipe."""
    length = _exactly(pipe, LENGTH_BYTES)
    return _exactly(pipe, int.from_bytes(length, "little")) if length else b""


def _exactly(pipe: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(pipe, count)
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
