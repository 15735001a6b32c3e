"""What runs in a worker process: jobs come in, outcomes go out, in frames on pipes (see `actors.child`).

The parent starts it with `command`. It imports what a compile needs and nothing else: no event loop, and never the
parent's `__main__`. A frame that it gets is a message of the pool; it answers a batch with a frame for each module, as
soon as that is done. The first byte of an answer says what it is: READY (then the toolchain's identity, for it must be
the parent's own), REFUSED (why the toolchain cannot be loaded here), DONE (then the outcome), or HUNGRY (the job hit
the memory limit; the process ends, for what a job that failed like that leaves behind is of no use to the next).

It has a process group of its own and ignores Ctrl-C, which is for the parent to act upon. When the parent is gone, it
ends at once, whatever it is doing, and so does everything that it has started.
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
HUNGRY = b"h"

LENGTH_BYTES = 4

_START = "import sys; sys.path[:] = sys.argv[3:-1]; from actors.compiler.process import main; main()"


def command(place: str, memory: int) -> list[str]:
    """The words that start a worker for the toolchains at `place`, with at most `memory` bytes (0: no limit).

    It gets this process's `sys.path`, and none of the settings for Python in its environment. `-S`: the start-up files
    of installed packages can cost more than all that is imported; `_load` runs them where it cannot do without.
    """
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    places = [os.path.abspath(place) for place in sys.path]
    if here not in places:  # found by an import hook of an editable installation
        places.append(here)
    flags = ["-I", "-S"]
    if sys.dont_write_bytecode:
        flags.append("-B")
    if sys.pycache_prefix:
        flags += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return [sys.executable, *flags, "-c", _START, place, str(memory), *places]


def main() -> None:
    """Serve until the requests end."""
    place, memory, lifeline = sys.argv[1], int(sys.argv[2]), int(sys.argv[-1])
    end_with_parent(lifeline)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a toolchain prints must not come between the frames.
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    try:
        serve(place, memory, requests, replies)
    except BrokenPipeError:
        os._exit(1)  # The parent has gone.
    os._exit(0)


def end_with_parent(lifeline: int) -> None:
    """End this process group as soon as the other end of `lifeline` is closed.

    A thread waits for that. It gets no turn while a job holds the interpreter's lock (a regular expression that goes on
    for ever does), so on Linux the kernel is told to kill the group as well.
    """
    os.set_inheritable(lifeline, False)
    _thread.start_new_thread(_watch, (lifeline,))
    try:
        import fcntl

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        pass  # Not this kernel: the thread alone has to do.


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def serve(place: str, memory: int, requests: int, replies: int) -> None:
    """Answer requests with the toolchains at `place` until there are none. Raises BrokenPipeError if nobody reads the
    answers."""
    import gc

    import msgspec

    from actors.compiler.toolchain import Prepares
    from actors.messages import RunCompile, RunInfer, RunLink, RunSummarise

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
                send(replies, HUNGRY, b"")
                return
            send(replies, DONE, encoder.encode(outcome))


def _load(place: str) -> Toolchains:
    from actors.compiler.toolchains import load_toolchains

    try:
        return load_toolchains(place)
    except ImportError:  # It may be found by what site-packages do at start-up, or not at all.
        import site

        site.main()
        return load_toolchains(place)


def limit_memory(memory: int) -> None:
    """Let this process have at most `memory` bytes of address space; 0: any number."""
    if memory:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        least = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_AS, (least, most))


def outcomes(toolchains: Toolchains, request: Request) -> Iterator[Outcome]:
    """One after the other, what becomes of the modules of a request."""
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
    """The next frame; b"" when there is none any more."""
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
