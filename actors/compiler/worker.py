"""What a worker does with a job: plain functions over a toolchain, which run inline or in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

import msgspec

from actors.compiler.toolchain import (
    Compiled,
    CompileJob,
    Inference,
    Infers,
    LinkJob,
    RemembersLinks,
    Summarised,
    SummariseJob,
    Toolchain,
)
from actors.diagnostics import SourceError, about_file, bounded
from actors.digests import NO_STAMP, Digest, digest
from actors.disk import Disk
from actors.hasher.source import read_sources
from actors.messages import CompileOutcome, FoundSource, InferOutcome, LinkDone, Source, SummariseOutcome

J = TypeVar("J", SummariseJob, CompileJob)
R = TypeVar("R")

_EMPTY = digest(b"")
"""The digest of an empty source. A job with it carries its source, although that is empty."""


def _timed(function: Callable[[], R]) -> tuple[R | None, str, float]:
    """Calls a toolchain's function. Returns its result, its crash in words ("" for none), and its duration in
    milliseconds. A toolchain that raises has a bug, which must not break the build of other modules, nor end this
    process (`sys.exit`)."""
    began = perf_counter()
    try:
        result, crash = function(), ""
    except (Exception, SystemExit) as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f" ({where.tb_frame.f_code.co_name}, line {where.tb_lineno})" if where else ""
        result, crash = None, f"{type(error).__name__}: {error}{place}"
    return result, crash, (perf_counter() - began) * 1000


def with_source(
    job: J, expected: Digest, root: str, toolchain: Toolchain, disk: Disk
) -> tuple[J | None, Source | None]:
    """Returns the job with its source, read from `root` where it carries none. Where the file no longer has the
    expected digest, returns the source that it has now in place of the job."""
    if job.source or expected in ("", _EMPTY):
        return job, None
    source = FoundSource(module=job.module, path=job.path)
    read = next(iter(read_sources((source,), root, lambda _, raw: toolchain.normalise(raw), disk).sources), None)
    if read is not None and read.error is None and read.digest == expected:
        return msgspec.structs.replace(job, source=read.data), None
    if read is None:
        what = "this file disappeared during the build"
        gone = about_file("E0807", what, module=job.module, file=job.path, hint="build again")
        read = Source(module=job.module, path=job.path, digest="", data=b"", stamp=NO_STAMP, error=gone)
    return None, read


def summarise(toolchain: Toolchain, job: SummariseJob, expected: Digest, root: str, disk: Disk) -> SummariseOutcome:
    ready, changed = with_source(job, expected, root, toolchain, disk)
    if ready is None:
        return SummariseOutcome(module=job.module, changed=changed)
    result, crash, duration = _timed(lambda: _caught(ready, lambda: toolchain.summarise(ready), Summarised))
    if result is not None and result.diagnostics:
        result = msgspec.structs.replace(result, diagnostics=bounded(result.diagnostics))
    source = ready.source if job.shown else None
    return SummariseOutcome(module=job.module, summarised=result, duration_ms=duration, crash=crash, source=source)


def infer(toolchain: Toolchain, job: CompileJob, expected: Digest, root: str, disk: Disk) -> InferOutcome:
    ready, changed = with_source(job, expected, root, toolchain, disk)
    if ready is None:
        return InferOutcome(module=job.module, changed=changed)
    result, crash, duration = _timed(lambda: toolchain.infer(ready) if isinstance(toolchain, Infers) else Inference())
    return InferOutcome(module=job.module, inference=result, duration_ms=duration, crash=crash)


def compile_module(toolchain: Toolchain, job: CompileJob, expected: Digest, root: str, disk: Disk) -> CompileOutcome:
    ready, changed = with_source(job, expected, root, toolchain, disk)
    if ready is None:
        return CompileOutcome(module=job.module, changed=changed)
    ready = msgspec.structs.replace(ready, around=msgspec.structs.replace(ready.around, root=root))
    result, crash, duration = _timed(lambda: _caught(ready, lambda: toolchain.compile(ready), Compiled))
    if result is not None and result.diagnostics:
        result = msgspec.structs.replace(result, diagnostics=bounded(result.diagnostics))
    if result is not None and result.object is not None and result.object.warnings:
        shortened = msgspec.structs.replace(result.object, warnings=bounded(result.object.warnings))
        result = msgspec.structs.replace(result, object=shortened)
    return CompileOutcome(module=job.module, compiled=result, duration_ms=duration, crash=crash)


def link(toolchain: Toolchain, job: LinkJob, build: int, validate: Callable[[bytes], str | None] | None) -> LinkDone:
    """Links, and validates the program, or the proof in its place. An invalid program is a bug of the toolchain."""
    linked, crash, duration = _timed(lambda: toolchain.link(job))
    if linked is not None and linked.program is not None and validate is not None:
        problem = validate(linked.proof or linked.program)
        if problem:
            return LinkDone(build=build, crash=f"the linked program is not valid: {problem}", duration_ms=duration)
        if isinstance(toolchain, RemembersLinks):
            toolchain.accepted(linked.program)
        if linked.proof:
            linked = msgspec.structs.replace(linked, proof=b"")  # Only the validator needs it.
    elif linked is not None and linked.state:
        # No link may continue from a program that was not validated.
        linked = msgspec.structs.replace(linked, state=b"")
    return LinkDone(build=build, linked=linked, duration_ms=duration, crash=crash)


def _caught(job: SummariseJob | CompileJob, function: Callable[[], R], result: Callable[..., R]) -> R:
    try:
        return function()
    except SourceError as error:
        return result(diagnostics=error.diagnostics(job.source, module=job.module, file=job.path))
