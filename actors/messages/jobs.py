"""What the planner asks the workers, and what they answer."""

from __future__ import annotations

from typing import Generic, TypeAlias, Union

from actors.compiler.toolchain import Compiled, CompileJob, Inference, Linked, LinkJob, Summarised, SummariseJob
from actors.digests import NO_STAMP, Digest, Stamp
from actors.messages.base import A, Message, MessagePart, Request
from actors.messages.sources import Source


class JobOutcome(MessagePart, frozen=True):
    """What came of the job for one module. `changed`: what the file holds instead of the bytes that were asked for.
    `crash`: how the toolchain broke on this module."""

    module: str
    duration_ms: float = 0.0
    changed: Source | None = None
    crash: str = ""


class SummariseOutcome(JobOutcome, frozen=True):
    summarised: Summarised | None = None
    source: bytes | None = None
    """The text, if it was asked for."""


class InferOutcome(JobOutcome, frozen=True):
    """A toolchain that broke gives an empty inference, because the compile will report it."""

    inference: Inference | None = None


class CompileOutcome(JobOutcome, frozen=True):
    compiled: Compiled | None = None


class BatchDone(Message, frozen=True):
    """Base of the answers to a `JobBatch`. A batch that was cancelled on the way has fewer outcomes than jobs."""

    build: int
    outcomes: tuple[JobOutcome, ...]


class SummariseDone(BatchDone, frozen=True):
    outcomes: tuple[SummariseOutcome, ...]


class InferDone(BatchDone, frozen=True):
    outcomes: tuple[InferOutcome, ...]


class CompileDone(BatchDone, frozen=True):
    outcomes: tuple[CompileOutcome, ...]


class LinkDone(Message, frozen=True):
    build: int
    linked: Linked | None = None
    duration_ms: float = 0.0
    crash: str = ""


class InputFile(MessagePart, frozen=True):
    """A file that a compile discovered. `path` is relative to the source root, or absolute. `digest` is "" where there
    is no such file, None where it could not be read. `stamp` is `NO_STAMP` where it must not be trusted."""

    path: str
    digest: Digest | None = ""
    stamp: Stamp = NO_STAMP


class InputsRead(Message, frozen=True):
    build: int
    files: tuple[InputFile, ...]


class WorkerRequest(Request[A], Generic[A], frozen=True):
    """Base of what the workers are asked to do."""

    build: int


class JobBatch(WorkerRequest[A], Generic[A], frozen=True):
    """Base of batches: modules worth about 40 ms, or one larger one.

    `digests` are those that the keys were made from, in the order of `jobs`. A worker reads a job whose `source` is
    empty, from `root`, and compares it with its digest. `ahead_ms` is about how long all the work takes that the build
    still has before it, including this batch; 0 where that is one module, which workers cannot share.
    """

    jobs: tuple[SummariseJob | CompileJob, ...]
    digests: tuple[Digest, ...] = ()
    root: str = ""
    ahead_ms: float = 0.0


class RunSummarise(JobBatch[SummariseDone], frozen=True):
    jobs: tuple[SummariseJob, ...]


class RunInfer(JobBatch[InferDone], frozen=True):
    """Modules whose inferred signatures are wanted."""

    jobs: tuple[CompileJob, ...]


class RunCompile(JobBatch[CompileDone], frozen=True):
    jobs: tuple[CompileJob, ...]


class RunLink(WorkerRequest[LinkDone], frozen=True):
    """`toolchain` is the name of the one that links. `again`: with objects that it had asked for."""

    job: LinkJob
    toolchain: str = ""
    again: bool = False


class ReadInputs(WorkerRequest[InputsRead], frozen=True):
    """Asks that these inputs of earlier compiles be read again; all of them are in the answer. Each is as it was when
    it was last read."""

    root: str
    files: tuple[InputFile, ...]


ToWorkers: TypeAlias = Union[JobBatch[BatchDone], RunLink, ReadInputs]
