"""Runs other programs: compilers and linkers, which may crash, hang, print without end, or be stopped.

A program gets a scrubbed environment, its own process group, and limits: time, memory, processor time, the size of the
files that it writes, and how much of its output is read. What it starts ends with it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from actors.compiler.toolchain import Surroundings

MOST_OUTPUT = 4 << 20
"""Bytes of a program's output that are read. One that writes more is stopped."""

LARGEST_FILE = 1 << 30
"""Bytes of the largest file that a program may write."""

_BEAT = 0.5
"""Seconds between looks whether a program has ended whose output another process still holds open."""


class ProgramEnd(msgspec.Struct, frozen=True):
    """How a program ended. `code` is its exit code, or minus the number of the signal that ended it. `problem` says in
    words why it was stopped or could not be started, "" where it ended by itself."""

    code: int
    output: bytes
    problem: str = ""

    @property
    def broke(self) -> str:
        """Why nothing that it left may be believed, "" where it ended in order, whatever its exit code."""
        if self.problem:
            return self.problem
        if self.code < 0:
            with suppress(ValueError):
                return f"it was killed ({signal.Signals(-self.code).name})"
            return f"it was killed (signal {-self.code})"
        return ""


class ChildPrograms:
    """The programs that run now, so that another thread can end them."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def interrupt(self) -> None:
        """Ends all of them at once."""
        with self._lock:
            for process in self._running:
                _kill(process)

    def run(
        self, command: Sequence[str], around: Surroundings, *, folder: str, more: Mapping[str, str] | None = None
    ) -> ProgramEnd:
        """Runs a command in a folder, and returns what it wrote to its output and its error output together."""
        environment = {**scrubbed(), **(more or {})}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return ProgramEnd(127, b"", f"`{command[0]}` cannot be started: {why}")
        with self._lock:
            self._running.add(process)
        try:
            _limit(process.pid, around)
            output, problem = _read(process, around.seconds)
        finally:
            # The group is ended before its leader is reaped, because until then no other group can have its number.
            _kill(process)
            code = process.wait()
            with self._lock:
                self._running.discard(process)
            if process.stdout is not None:
                process.stdout.close()
        return ProgramEnd(code, output, problem)


def scrubbed() -> dict[str, str]:
    """The environment of a program: where programs are found, and nothing that changes what they make."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": "0"}


def _read(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, str]:
    """What the program writes until it ends, and why it must be stopped."""
    assert process.stdout is not None
    pipe, parts, size = process.stdout.fileno(), list[bytes](), 0
    ends = time.monotonic() + seconds if seconds else float("inf")
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    while True:
        left = ends - time.monotonic()
        if left <= 0:
            return b"".join(parts), f"it took longer than {seconds:g} s, and was stopped (setting `timeout`)"
        if not poll.poll(min(left, _BEAT) * 1000):
            if _has_ended(process):  # Something that it started holds the pipe open.
                break
            continue
        part = os.read(pipe, 1 << 16)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > MOST_OUTPUT:
            return b"".join(parts), f"it wrote more than {MOST_OUTPUT >> 20} MiB of messages, and was stopped"
    while not _has_ended(process):  # It closed its output and goes on.
        if time.monotonic() > ends:
            return b"".join(parts), f"it took longer than {seconds:g} s, and was stopped (setting `timeout`)"
        time.sleep(0.001)
    return b"".join(parts), ""


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has ended. It is not reaped, so its number stays its own."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _limit(pid: int, around: Surroundings) -> None:
    """Sets the limits of a process that has just started. Without `prlimit` there is the time limit alone."""
    try:
        from resource import RLIMIT_AS, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_FSIZE, prlimit
    except ImportError:
        return
    wanted = [(RLIMIT_FSIZE, LARGEST_FILE), (RLIMIT_CORE, 0)]
    if around.memory:
        wanted.append((RLIMIT_AS, around.memory))
    if around.seconds:
        wanted.append((RLIMIT_CPU, int(around.seconds) + 1))  # For the case that this process is killed.
    for kind, most in wanted:
        with suppress(OSError, ValueError):
            _, hard = prlimit(pid, kind)
            least = most if hard < 0 else min(most, hard)
            prlimit(pid, kind, (least, least if kind == RLIMIT_CPU else hard))
