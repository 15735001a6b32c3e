"""Ctrl-C once and twice, and SIGTERM: at the k-th step of a real `wasmill build`, and at any moment of its life."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestrator
import orchestrator.sync
from tests.faults.fork_server import ForkServer, fork_server
from tests.faults.killing import age
from tests.faults.scenarios import CACHE, leftovers
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sweep,
    pytest.mark.timeout(3600 if LONG else 120),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
]

PROJECT = {
    "main": "use a::f;\nuse b::g;\nfun main() { println(f(2) + g(3)) }\n",
    "a": "use b::g;\npub fun f(n: i64) -> i64 { g(n) + 1 }\n",
    "b": "pub fun g(n: i64) -> i64 { n * 2 }\n",
    "c": "pub fun h() -> i64 { 1 }\n",
}
INT, TERM = signal.SIGINT, signal.SIGTERM
SIGNALS = {"once": [INT], "twice": [INT, INT], "term": [TERM], "both": [TERM, INT]}
CODES = {"once": {130}, "twice": {130}, "term": {143}, "both": {143, 130}}


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server() as made:
        yield made


@pytest.fixture(scope="module")
def right() -> tuple[bytes, dict[str, bytes]]:
    """Program and objects of a build from nothing."""
    sources = orchestrator.Sources({f"{module}.ruchy": text for module, text in PROJECT.items()})
    with orchestrator.sync.open(sources, jobs=1) as project:
        program = project.build().program
        assert program is not None
        return program.read_bytes(), objects_of(project)


def objects_of(project: orchestrator.sync.Project) -> dict[str, bytes]:
    found = {module: project.cache.lookup(module) for module in PROJECT}
    return {module: one.data for module, one in found.items() if one is not None}


def prepared(folder: Path) -> Path:
    folder.mkdir()
    for module, text in PROJECT.items():
        (folder / f"{module}.ruchy").write_text(text)
    return folder


def afterwards(folder: Path, right: tuple[bytes, dict[str, bytes]], tally: Tally, what: object, *, hard: bool) -> None:
    """The next build equals one from nothing, `verify` is clean, nothing is left over. `hard`: it ended on the spot, so
    that what it was just writing may lie about until somebody collects it."""
    program, objects = right
    if not hard:
        # SQLite's journal may outlive the process, where a cursor outlived its connection. The next one takes it up.
        left = [
            name for name in map(str, folder.rglob("*")) if ".tmp-" in name or "running/" in name or name[-1] == "~"
        ]
        assert left == [], (what, left)
    with orchestrator.sync.open(folder, jobs=1) as project:
        result = project.build()
        assert (result.success, result.cache_degraded) == (True, None), what
        assert result.program is not None
        tally.compare({"program": result.program.read_bytes()}, {"program": program}, what)
        found = objects_of(project)
        tally.compare(dict(found), dict(objects), what)
        assert sorted(found) == sorted(objects), what
        assert project.cache.verify().damage == (), what
        if hard:
            age(folder)
            project.cache.gc(force=True)
            result.program.unlink()
            for listing in (folder / CACHE).glob("outputs-*.json"):
                listing.unlink()
            assert project.build().recompiled == []
    leftovers(folder, what)


def run(server: ForkServer, folder: Path, at: int, numbers: list[int]) -> tuple[int, str, str, int]:
    """Exit code, standard output and error, and the number of steps where it ended by itself."""
    files = {stream: str(folder.with_suffix(f".{stream}")) for stream in ("out", "err")}
    argv = ["build", "--json", "--jobs", "1"]
    status, said = server.run("command", folder=str(folder), argv=argv, at=at, numbers=numbers, files=files)
    out, err = (Path(files[stream]).read_text() for stream in ("out", "err"))
    if status == 0:
        return said["code"], out, err, said["steps"]
    assert status != 98, said
    return status, out, err, 0


@in_parts
def test_a_signal_at_every_step(
    tmp_path: Path, server: ForkServer, right: tuple[bytes, dict[str, bytes]], tally: Tally, part: int
) -> None:
    code, _, err, steps = run(server, prepared(tmp_path / "whole"), 0, [])
    assert (code, steps > 60) == (0, True), err
    for at, kind in share(
        list(itertools.product(range(1, steps + 1), SIGNALS)), part, few=8, kinds=lambda case: case[1:]
    ):
        what = f"{kind}-{at}"
        folder = prepared(tmp_path / what)
        code, out, err, _ = run(server, folder, at, [int(number) for number in SIGNALS[kind]])
        # After its last event a build may be over before it looks; then it has simply been done.
        events: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines() if line.endswith("}")]
        done = bool(events) and events[-1]["event"] == "build-finished"
        assert code in CODES[kind] | ({0} if done else set()), (what, code, err)
        assert "Traceback" not in err, (what, err)
        if code and kind in ("once", "term"):
            assert err == f"wasmill: {'interrupted' if kind == 'once' else 'terminated'}\n", (what, err)
        # A second signal ends it on the spot.
        afterwards(folder, right, tally, what, hard=kind in ("twice", "both"))
        tally.survive()
        shutil.rmtree(folder)


@in_parts
def test_a_signal_at_a_random_moment(
    tmp_path: Path, right: tuple[bytes, dict[str, bytes]], tally: Tally, part: int
) -> None:
    """From the very start of Python to its end: whatever it was doing, it ends, and says nothing odd. Where it comes
    before `wasmill` has anything to do with it, Python itself ends with the signal."""
    for number in share(range(160), part, few=2):
        chance = random.Random(number)
        folder = prepared(tmp_path / str(number))
        signals = chance.choice([[INT], [TERM], [INT, INT]])
        command = [sys.executable, "-m", "orchestrator", "build", str(folder), "--jobs", "2"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            threading.Event().wait(chance.uniform(0.0, 0.8))
            for one in signals:
                running.send_signal(one)
            _, err = running.communicate(timeout=30)
        pythons_own = running.returncode == 1 and err.startswith("Fatal Python error: init_")
        assert pythons_own or running.returncode in (0, 130, 143, -INT, -TERM), (number, running.returncode, err)
        if running.returncode >= 0 and not pythons_own:
            assert "Traceback" not in err, (number, err)
        afterwards(folder, right, tally, number, hard=len(signals) > 1 or running.returncode < 0)
        tally.survive()
