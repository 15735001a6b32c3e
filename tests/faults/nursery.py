"""A process that forks processes for the sweeps: each is a real one, with loops, threads, files, SQLite and workers of
its own, and none pays for starting Python and importing everything.

`python -m tests.faults.nursery` reads requests, one JSON object a line: {"work": name of a function of `doings`,
"folder": ..., and what else that function takes}. For each it forks, says {"pid": ...} at once, and {"pid": ...,
"status": ..., "said": ...} when that child has ended: its exit code, or minus the signal; and what the function
returned, null where it was killed. Several may run at the same time.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Born:
    """A child of the nursery."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Nothing where it has ended by itself: the nursery has reaped it by then."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self) -> tuple[int, Any]:
        """Wait for its end: status, and what it said."""
        return self._nursery.end_of(self.pid)


class Nursery:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._ended: dict[int, tuple[int, Any]] = {}

    def bear(self, work: str, **more: Any) -> Born:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"work": work, **more}) + "\n")
        self._process.stdin.flush()
        while "status" in (told := self._told()):
            self._ended[told["pid"]] = (told["status"], told["said"])
        return Born(self, told["pid"])

    def do(self, work: str, **more: Any) -> tuple[int, Any]:
        """Have something done in a process of its own, to its end."""
        return self.bear(work, **more).end()

    def end_of(self, pid: int) -> tuple[int, Any]:
        while pid not in self._ended:
            told = self._told()
            self._ended[told["pid"]] = (told["status"], told["said"])
        return self._ended.pop(pid)

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has died"
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


@contextmanager
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


# ---------------------------------------------------------------------------------------------- the process itself


def _serve() -> None:
    from tests.faults import doings

    doings.prepare()
    children: dict[int, int] = {}
    requests = ""
    open_to_requests = True
    while open_to_requests or children:
        ready, _, _ = select.select([*([0] if open_to_requests else []), *children], [], [])
        for file in ready:
            if file:
                _report(file, children)
                continue
            text = os.read(0, 1 << 16).decode()
            open_to_requests = bool(text)
            *lines, requests = (requests + text).split("\n")
            for line in lines:
                _fork(json.loads(line), children)


def _fork(request: dict[str, Any], children: dict[int, int]) -> None:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        code = 99
        try:
            os.close(reading)
            for file in children:
                os.close(file)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1):
                os.dup2(nothing, stream)
            code = _work(request, writing)
        finally:
            os._exit(code)
    os.close(writing)
    children[reading] = pid
    _say({"pid": pid})


def _work(request: dict[str, Any], writing: int) -> int:
    from tests.faults import doings

    work = getattr(doings, request.pop("work"))
    try:
        said, code = work(**request), 0
    except BaseException:
        import traceback

        said, code = traceback.format_exc(), 98
    text = json.dumps(said).encode()
    while text:
        text = text[os.write(writing, text) :]
    return code


def _report(file: int, children: dict[int, int]) -> None:
    parts = []
    while part := os.read(file, 1 << 16):
        parts.append(part)
    os.close(file)
    pid = children.pop(file)
    _, status = os.waitpid(pid, 0)
    text = b"".join(parts)
    _say({"pid": pid, "status": os.waitstatus_to_exitcode(status), "said": json.loads(text) if text else None})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
