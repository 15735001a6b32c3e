"""A toolchain that misbehaves where its source says so. Worker processes find it by name."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from actors.compiler.toolchain import Compiled, CompileJob, SummariseJob
from actors.digests import Digest, digest
from orchestrator.testing.toolchain import PlainToolchain


class OddToolchain(PlainToolchain):
    """Plain, and with lines that are acted upon: each is a word, then a path or number."""

    def compile(self, job: CompileJob) -> Compiled:
        for line in job.source.decode().splitlines():
            word, _, rest = line.partition(" ")
            if word in ACTIONS:
                ACTIONS[word](rest)
        return super().compile(job)

    def summarise(self, job: SummariseJob):
        if b"unsummarisable" in job.source:
            os._exit(5)
        return super().summarise(job)


class Shifty(OddToolchain):
    """Another toolchain in every process."""

    def identity(self) -> Digest:
        return digest(str(os.getpid()).encode())


def _note(path: str) -> None:
    """Append this process's number: to a file, or to a pipe for somebody who waits for it."""
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")


def _die_once(path: str) -> None:
    if not Path(path).exists():
        _note(path)
        os.kill(os.getpid(), signal.SIGKILL)


def _start(path: str) -> None:
    """A child of the worker, that nobody waits for."""
    child = subprocess.Popen(["sleep", "1000"])
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n{child.pid}\n")


def _chatter(_: str) -> None:
    print("noise on standard output", flush=True)
    os.write(1, b"more of it\n")
    assert sys.stdin.read() == ""


def _spin(_: str) -> None:
    """Hold the interpreter's lock, for ever."""
    re.match("(a+)+b", "a" * 80)


ACTIONS = {
    "note": _note,
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "dieonce": _die_once,
    "exit": lambda rest: sys.exit(int(rest)),
    "leave": lambda rest: os._exit(int(rest)),
    "hang": lambda _: signal.pause(),
    "spin": _spin,
    "start": _start,
    "eat": lambda rest: bytearray(int(rest) << 20),
    "chatter": _chatter,
}
