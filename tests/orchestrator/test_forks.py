"""A process that forks: the child can build and run, and takes nothing from its parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actors.forks import OwnProcess
from actors.keeper.locks import Claims, Pins, pinned_by_others
from actors.offload import Offload

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

HEAD = """
import multiprocessing, os, signal, sys, threading
import anyio, orchestrator, orchestrator.sync
backend = sys.argv[1]

def texts(number):
    return orchestrator.Sources({"main.ruchy": "fun main() { println(%d); }" % number})

async def once(number):
    async with orchestrator.open(texts(number)) as project:
        assert (await project.build()).success
        assert (await project.run()).stdout == b"%d\\n" % number

def built(number):
    signal.alarm(20)
    anyio.run(once, number, backend=backend)
    return number

def child(function, *arguments):
    sys.stdout.flush()
    number = os.fork()
    if number == 0:
        signal.alarm(20)
        code = 1
        try:
            function(*arguments)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
"""

SCRIPTS = {
    "after a build": """
built(1)
child(built, 2)
child(lambda: child(built, 3))        # and its child
threads = [threading.Thread(target=child, args=(built, number)) for number in (4, 5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(built, range(3)) == [0, 1, 2]
built(6)
""",
    "while a project is open": """
async def main():
    async with orchestrator.open(texts(1)) as project:
        program = (await project.build()).program
        child(refused, project)
        child(in_a_thread)
        assert program.exists()
        project.sources["main.ruchy"] = "fun main() { println(8); }"
        assert (await project.run()).stdout == b"8\\n"

def refused(project):  # by hand, for the loop is the parent's
    for call in (project.build, project.run, project.graph, project.cache.statistics):
        try:
            call().send(None)
        except orchestrator.ProjectError as wrong:
            assert "forked" in str(wrong), wrong
        else:
            raise AssertionError(call)
    try:
        project.__aexit__(None, None, None).send(None)
    except StopIteration:  # at once: nothing of the parent's is closed
        return
    raise AssertionError("it waited")

def in_a_thread():
    thread = threading.Thread(target=built, args=(7,))
    thread.start()
    thread.join()

anyio.run(main, backend=backend)
""",
    "while a plain project is open": """
with orchestrator.sync.open(texts(1), backend=backend) as project:
    program = project.build().program
    number = os.fork()
    if number == 0:
        signal.alarm(20)
        try:
            project.build()
        except orchestrator.ProjectError as wrong:
            assert "forked" in str(wrong)
            built(2)
            sys.exit(5)                   # through `with`, and the end of the interpreter
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 5
    assert program.exists()
    project.sources["main.ruchy"] = "fun main() { println(8); }"
    assert project.run().stdout == b"8\\n"
""",
    "while a program runs": """
loops = orchestrator.Sources({"main.ruchy": "fun main() { loop { println(1); } }"})
with orchestrator.sync.open(loops, backend=backend) as project:
    results = []
    limits = {"output": 1 << 16, "seconds": 30}
    thread = threading.Thread(target=lambda: results.append(project.run(limits=limits)))
    thread.start()
    while not any(one.name.startswith("wasm ") for one in threading.enumerate()):
        pass
    number = os.fork()
    if number == 0:
        signal.alarm(20)
        sys.exit(5)                       # the folder of the parent's program is not the child's to remove
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 5
    thread.join()
    assert (results[0].limit, len(results[0].stdout)) == ("output", 1 << 16)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "backend"), [*((when, "asyncio") for when in SCRIPTS), ("while a project is open", "trio")]
)
def test_a_process_forks(when: str, backend: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HEAD + SCRIPTS[when], backend]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")


def in_child(function: object) -> int:
    number = os.fork()
    if number == 0:
        code = 1
        try:
            code = function()  # type: ignore[operator]
        finally:
            os._exit(code)
    return number


def test_a_child_holds_no_lock_of_its_parent(tmp_path: Path) -> None:
    """What the parent gives back is free at once, though the child lives; what it has not is still locked."""
    folder, key = str(tmp_path), b"k" * 32
    pins, claims = Pins(folder), Claims(folder)
    pins.add([key])
    assert claims.take([key]) == set()
    ready, go = os.pipe(), os.pipe()

    def live() -> int:
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        return 0

    number = in_child(live)
    os.read(ready[0], 1)
    try:
        assert pinned_by_others(folder, None) == {key}
        assert Claims(folder).take([key]) == {key}
        pins._lock.release()
        claims.release()
        assert Claims(folder).take([key]) == set()
        assert pinned_by_others(folder, None) == set()  # a dead build's now, and removed
        assert list((tmp_path / "running").iterdir()) == []
    finally:
        os.write(go[1], b"x")
        os.waitpid(number, 0)
        for end in (*ready, *go):
            os.close(end)


def test_worker_processes_stay_the_parents(tmp_path: Path) -> None:
    """A child does not keep them alive, nor end them."""
    child = Offload().spawn([sys.executable, "-c", "import sys; sys.stdin.read()"])
    assert child is not None
    lifeline = child._lifeline

    def closed() -> int:
        child.kill()
        child.reap()
        child.close()
        try:
            os.fstat(lifeline)
        except OSError:
            return 0
        return 2

    number = in_child(closed)
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
    assert child.alive
    child.reap()
    child.let_go()  # outside of a loop


def test_the_processes_own_objects_know_their_own() -> None:
    process = OwnProcess()
    assert not process.is_fork
    number = in_child(lambda: 0 if process.is_fork and not OwnProcess().is_fork else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
