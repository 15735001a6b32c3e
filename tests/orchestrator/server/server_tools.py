"""Servers and clients as processes, in two folders that are the same but for the server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.server import FILE, MAGIC, STATUS, STOP
from orchestrator.server.client import connected

REPOSITORY = Path(__file__).parents[3]

PATIENT = """
import sys
from orchestrator.server import client
client.ACKNOWLEDGED = 30.0  # the machine may be busy
from orchestrator.cli.uptodate import main
sys.exit(main())
"""
"""The command, by a client that does not give up after 50 ms."""

KNOCK = """
from orchestrator.server import FILE, client
from orchestrator.cli import uptodate
client.ACKNOWLEDGED = 30.0
print(client._accepted(uptodate.__file__, ["build"], ".", open(FILE, "rb").read()) is not None)
"""
"""Asks whether the server would accept a command, and goes away."""


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WASMILL_", "PYTEST_"))}
    return {**kept, "PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8", "TERM": "dumb", **more}


def begin(folder: Path, *words: str, script: str = PATIENT, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=50)
    return process.returncode, out, err


def wasmill(folder: Path, *words: str, script: str = PATIENT, **more: str) -> tuple[int, str, str]:
    return end(begin(folder, *words, script=script, **more))


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for something that another process does."""
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.01)


def say(project: Path, request: bytes) -> bytes:
    """The answer of the project's server; b"" where there is none."""
    try:
        with socket.socket(fileno=connected((project / FILE).read_bytes()).detach()) as link:
            link.settimeout(20)
            link.send(MAGIC + request)
            return link.recv(1 << 16)
    except OSError:
        return b""


def status(project: Path) -> dict:
    return json.loads(say(project, STATUS) or b"{}")


def stop(project: Path) -> None:
    say(project, STOP)


def without_times(text: str, root: Path) -> str:
    """Text of a build, comparable: without durations, and without what one run of the same build does otherwise than
    the next (slots, and sources that are read again because they are young)."""
    text = text.replace(str(root), "ROOT")
    text = re.sub(r"in \d+(\.\d+)? (ms|s)\b", "in TIME", text)
    text = re.sub(r'"duration_ms":[\d.e-]+', '"duration_ms":0', text)
    text = re.sub(r'"slot":\d', '"slot":1', text)
    text = re.sub(r'"changed":\d+,"removed"', '"changed":0,"removed"', text)
    text = re.sub(r'{"event":"source-read"[^\n]*"changed":false[^\n]*\n', "", text)
    if not text.startswith("{"):
        return text
    lines = text.splitlines()
    return "\n".join([lines[0], *sorted(lines[1:-1]), lines[-1]])
