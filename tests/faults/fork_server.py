"""A process that forks processes for the sweeps: each is a real one, with loops, threads, files, SQLite and workers of
its own, and none pays for starting Python and importing everything.

`python -m tests.faults.fork_server` reads requests, one JSON object a line: {"work": name of a function of
`child_work`, "folder": ..., and what else that function takes}. For each it forks, says {"pid": ...} at once, and
{"pid": ..., "status": ..., "said": ...} when that child has ended: its exit code, or minus the signal; and what the
function returned, null where it was killed. Several may run at the same time.
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


class ForkedChild:
    """A process that the fork server started."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Nothing where it has ended by itself: the fork server has reaped it by then."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self) -> tuple[int, Any]:
        """Wait for its end: status, and what it said."""
        return self._server.end_of(self.pid)


class ForkServer:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._ended: dict[int, tuple[int, Any]] = {}

    def start(self, work: str, **more: Any) -> ForkedChild:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"work": work, **more}) + "\n")
        self._process.stdin.flush()
        while "status" in (told := self._told()):
            self._ended[told["pid"]] = (told["status"], told["said"])
        return ForkedChild(self, told["pid"])

    def run(self, work: str, **more: Any) -> tuple[int, Any]:
        """Have something done in a process of its own, to its end."""
        return self.start(work, **more).end()

    def end_of(self, pid: int) -> tuple[int, Any]:
        while pid not in self._ended:
            told = self._told()
            self._ended[told["pid"]] = (told["status"], told["said"])
        return self._ended.pop(pid)

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fork server has died"
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    made = ForkServer()
    try:
        yield made
    finally:
        made.close()


# ---------------------------------------------------------------------------------------------- the process itself


def _serve() -> None:
    from tests.faults import child_work

    child_work.prepare()
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
    from tests.faults import child_work

    work = getattr(child_work, request.pop("work"))
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
