"""The API for code with no event loop, on loops of both kinds."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import orchestrator
import orchestrator.sync
from actors.events import BuildFinished, Event
from orchestrator.testing.toolchain import PlainToolchain

TEXTS = {"main.plain": "use a::f\nrun f", "a.plain": "pub f = 1"}


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(backend: str) -> orchestrator.sync.Project:
    sources = orchestrator.Sources(TEXTS)
    return orchestrator.sync.open(sources, backend=backend, toolchain=PlainToolchain(), entry="main.plain")


def test_build_edit_and_build_again(backend: str) -> None:
    with opened(backend) as project:
        assert project.build().recompiled == ["a", "main"]
        assert project.build().cache_hits == 2
        project.sources["a.plain"] = "pub f = 2"
        assert project.build().recompiled == ["a", "main"]
        assert project.graph().edges == (("main", "a"),)
        found = project.cache.lookup("a")
        assert found is not None and b"pub f = 2" in found.data
        assert project.cache.statistics().compilations == 4


def test_events_arrive_while_one_listens(backend: str) -> None:
    seen: list[Event] = []
    with opened(backend) as project:
        with project.listening(seen.append):
            project.build()
        count = len(seen)
        project.build(force=True)
    assert isinstance(seen[-1], BuildFinished)
    assert len(seen) == count


def test_errors_leave_as_themselves_and_leave_no_thread(backend: str) -> None:
    before = threading.active_count()
    with pytest.raises(orchestrator.ConfigError), opened(backend) as project:
        project.build(profile="nosuch")
    with pytest.raises(ZeroDivisionError), opened(backend):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_outside_of_the_block_there_is_no_project(backend: str) -> None:
    project = opened(backend)
    with pytest.raises(orchestrator.ProjectError, match="not open"):
        project.build()
    with project:
        project.build()
    with pytest.raises(orchestrator.ProjectError, match="not open"):
        project.build()


def test_several_threads_share_a_project(backend: str) -> None:
    results: list[bool] = []
    with opened(backend) as project:
        threads = [threading.Thread(target=lambda: results.append(project.build().success)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [True] * 5


def left_over(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that are there now and were not; those that are about to end are waited for."""
    new = [thread for thread in threading.enumerate() if thread not in before]
    new = [thread for thread in new if not thread.name.startswith("Trio thread")]  # Trio keeps them for later
    for thread in new:
        thread.join(5)
    return [thread for thread in new if thread.is_alive()]


def test_it_is_opened_once_and_closed_any_number_of_times(backend: str) -> None:
    before = set(threading.enumerate())
    project = opened(backend)
    project.close()  # nothing was open
    with pytest.raises(orchestrator.ProjectError, match="opened before"):
        project.__enter__()
    project = opened(backend)
    with project:
        with pytest.raises(orchestrator.ProjectError, match="opened before"):
            project.__enter__()
        assert project.build().success
        project.close()
        project.close()
        with pytest.raises(orchestrator.ProjectError, match="not open"):
            project.build()
    project.close()
    for call in (project.graph, project.run, project.cache.statistics, project.__enter__):
        with pytest.raises(orchestrator.ProjectError):
            call()
    assert left_over(before) == []


@pytest.mark.slow
def test_closing_ends_what_runs_in_other_threads(backend: str) -> None:
    """A program that runs for ever is stopped; who waits for it hears that the project was closed."""
    before = set(threading.enumerate())
    errors: list[BaseException] = []

    def run() -> None:
        try:
            project.run()
        except orchestrator.ProjectError as wrong:
            errors.append(wrong)

    sources = orchestrator.Sources({"main.ruchy": "fun main() { loop { } }"})
    with orchestrator.sync.open(sources, backend=backend) as project:
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        # Both programs must run: a build that is closed is cancelled, which is another error.
        while sum(thread.name.startswith("wasm ") for thread in threading.enumerate()) < 2:
            assert all(thread.is_alive() for thread in threads)
        project.close()
        for thread in threads:
            thread.join(20)
    assert len(errors) == 2
    assert left_over(before) == []


def test_a_listener_cannot_call_its_project(backend: str) -> None:
    errors: list[BaseException] = []

    def listener(event: Event) -> None:
        for call in (project.build, project.close):
            try:
                call()
            except orchestrator.ProjectError as wrong:
                errors.append(wrong)

    with opened(backend) as project:
        with project.listening(listener):
            assert project.build().success
        assert project.build().success
    assert len(errors) > 2
    assert "cannot call the project" in str(errors[0]) and "cannot be closed" in str(errors[1])


def test_one_that_nobody_closes_is_closed_as_garbage(backend: str) -> None:
    before = set(threading.enumerate())
    project = opened(backend)
    project.__enter__()
    project.build()
    cache = project.cache
    with pytest.warns(ResourceWarning, match="never closed"):
        del project
        gc.collect()
    assert left_over(before) == []
    with pytest.raises(orchestrator.ProjectError, match="not open"):
        cache.statistics()


def test_what_opening_raises_leaves_no_thread(backend: str) -> None:
    class Nameless(PlainToolchain):
        def identity(self) -> str:
            raise ZeroDivisionError

    before = set(threading.enumerate())
    project = orchestrator.sync.open(orchestrator.Sources(TEXTS), backend=backend, toolchain=Nameless())
    with pytest.raises(orchestrator.ProjectBroken):
        project.__enter__()
    assert left_over(before) == []
    with pytest.raises(orchestrator.ProjectError, match="not open"):
        project.build()
    with pytest.raises(orchestrator.ProjectError, match='"asyncio" or "trio"'):
        orchestrator.sync.open(orchestrator.Sources(TEXTS), backend="curio")  # type: ignore[arg-type]


HEAD = """
import orchestrator.sync, sys, threading, os, signal, time
backend, case = sys.argv[1:]
long = orchestrator.Sources({"main.ruchy": "fun main() { loop { } }"})
def opened(sources=None):
    project = orchestrator.sync.open(sources or ".", backend=backend)
    project.__enter__()
    return project
def running():
    while not any(thread.name.startswith("wasm ") for thread in threading.enumerate()):
        pass
def run_quietly(project):
    try:
        project.run()
    except orchestrator.ProjectError:
        print("closed", flush=True)
"""

ENDS = {
    "at the end of the script": ("project = opened()\nprint(project.build().success)", 0, "True\n"),
    "by an exception": ("project = opened()\nproject.build()\n1 / 0", 1, ""),
    "while another thread runs a program": (
        "project = opened(long)\nthreading.Thread(target=run_quietly, args=(project,)).start()\nrunning()",
        0,
        "closed\n",
    ),
    "while a daemon thread runs a program": (
        "project = opened(long)\nthreading.Thread(target=run_quietly, args=(project,), daemon=True).start()\nrunning()",
        0,
        None,
    ),
    "by Ctrl-C while it waits": (
        """
signal.signal(signal.SIGINT, signal.default_int_handler)
project = opened(long)
threading.Thread(target=lambda: (running(), os.kill(os.getpid(), signal.SIGINT))).start()
project.run()""",
        -signal.SIGINT,
        "",
    ),
    "with several open": ("them = [opened() for _ in range(3)]\nprint([one.build().success for one in them])", 0, None),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "backend"), [*((how, "asyncio") for how in ENDS), ("while another thread runs a program", "trio")]
)
def test_the_interpreter_ends_though_a_project_is_open(how: str, backend: str, tmp_path: Path) -> None:
    body, code, said = ENDS[how]
    (tmp_path / "main.ruchy").write_text("fun main() { println(1); }\n")
    done = subprocess.run(
        [sys.executable, "-c", HEAD + body, backend, how], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == code
    if said is not None:
        assert done.stdout == said
    assert "Exception ignored" not in done.stderr
    # Nothing of it stays behind: what ran is closed, and not just dropped.
    assert list((tmp_path / ".ruchy-cache/running").glob("*")) == []
