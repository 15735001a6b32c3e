"""A build in which nothing moves says so, and what it waits for; one that moves says nothing. In virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.disk import RealDisk
from actors.events import BuildStalled, Event, Events
from actors.offload import InlineOffload
from actors.stillness import QUIET_SECONDS
from orchestrator import Sources
from orchestrator.testing.disk import FakeDisk
from tests.helpers.plain_builds import in_virtual_time, named, opened, write

PROJECT = {"main": "use a::f\nuse b::f as g\nrun f\n", "a": "pub f = 1\n", "b": "pub f = 2\n"}

Seconds = Callable[[str, tuple[Any, ...]], float]


def compiling(**seconds: float) -> Seconds:
    """These modules take so long to compile, all else takes no time."""
    return lambda name, args: seconds.get(args[1].module, 0.0) if name == "compile_module" else 0.0


def stalls(duration: Seconds, source: Path | None = None, **settings: Any) -> list[BuildStalled]:
    """What a whole build says."""

    def seconds(function: Callable[..., Any], args: tuple[Any, ...]) -> float:
        return duration(getattr(function, "__name__", getattr(getattr(function, "func", None), "__name__", "")), args)

    async def whole() -> list[BuildStalled]:
        offload = InlineOffload(FakeDisk(RealDisk(), aged=True), seconds)
        async with opened(source or Sources(named(PROJECT)), offload=offload, **settings) as bench:
            heard: list[Event] = []
            bench.project.listen(heard.append, rare=True)
            assert (await bench.build()).success
            found: list[BuildStalled] = bench.happened(BuildStalled)
            assert heard == found, "who wants only what is rare gets exactly that"
            return found

    return in_virtual_time(whole)


def states(found: BuildStalled) -> dict[str, str]:
    return {one.name: one.doing for one in found.actors}


def test_a_job_that_takes_long_is_named_and_said_again_ever_more_seldom() -> None:
    first, second, third = stalls(compiling(a=100.0))
    assert [one.seconds for one in (first, second, third)] == [10.0, 30.0, 70.0]
    assert first.waiting_for == ("compiling a (20 s)",)
    assert third.waiting_for == ("compiling a (80 s)",)
    [job] = first.jobs
    assert (job.doing, job.module, job.left, job.seconds, job.process) == ("compiling", "a", 0, 20.0, 0)
    assert states(first) == {
        "scanner": "",
        "hasher": "",
        "planner": "compiling, 2 of 3 modules done",
        "workers": "1 of 2 slots at work",
        "keeper": "",
    }
    planner = first.actors[2]
    assert (planner.messages, planner.bytes, planner.waiting, planner.outstanding) == (0, 0, 0, 1)


def test_a_build_that_moves_says_nothing() -> None:
    """Much longer than the quiet that is too long, and never quiet for so long."""
    modules = {f"m{number}": f"pub f = {number}\n" for number in range(20)}

    async def whole() -> float:
        offload = InlineOffload(FakeDisk(RealDisk()), lambda function, args: 6.0 if _compiles(function) else 0.0)
        async with opened(Sources(named(modules)), offload=offload, jobs=1) as bench:
            began = anyio.current_time()
            await bench.build()
            assert bench.happened(BuildStalled) == []
            return anyio.current_time() - began

    assert in_virtual_time(whole) == 120.0


def _compiles(function: Callable[..., Any]) -> bool:
    return getattr(function, "__name__", "") == "compile_module"


def test_after_a_move_it_is_said_afresh() -> None:
    # At 20 s; at 40 s it is seen that `a` has ended meanwhile; at 50 and 70 s.
    assert [one.seconds for one in stalls(compiling(a=25.0, b=75.0))] == [10.0, 10.0, 30.0]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("scan_sources", "looking for sources (Scan)"),
        ("read_sources", "reading sources (SourcesFound)"),
        ("link", "linking main (20 s)"),
        ("_keep", "the cache (StoreEntries)"),
    ],
)
def test_whoever_it_is_that_is_waited_for(tmp_path: Path, function: str, words: str) -> None:
    write(tmp_path, PROJECT)
    times = iter([25.0])
    found = stalls(lambda name, _: next(times, 0.0) if name == function else 0.0, tmp_path)
    assert [one.waiting_for[0] for one in found] == [words]


def test_a_reader_who_does_not_read_is_named() -> None:
    async def whole() -> None:
        async with opened(Sources(named(PROJECT))) as bench, anyio.create_task_group() as group:
            heard: list[Event] = []
            bench.project.listen(heard.append, rare=True)
            async with bench.project.events(size=2, on_full="wait") as events:
                group.start_soon(bench.build)
                await anyio.sleep(25.0)
                assert [one.waiting_for for one in heard if isinstance(one, BuildStalled)] == [
                    ("a reader of events that does not read",)
                ]
                async for event in events:
                    if type(event).__name__ == "BuildFinished":
                        break

    in_virtual_time(whole)


def test_nobody_listens_and_nothing_is_made() -> None:
    events = Events()
    heard: list[Event] = []
    stop = events.listen(heard.append, rare=True)
    assert not events.wanted
    event = BuildStalled(build=1, seconds=1.0, waiting_for=())
    events.emit(event)
    assert heard == []
    events.warn(event)
    assert heard == [event]
    stop()
    events.warn(event)
    assert heard == [event]


def test_a_build_is_over_before_the_first_look() -> None:
    """No task, no timer that stays: the loop has nothing to do afterwards."""

    async def whole() -> None:
        async with opened(Sources(named(PROJECT))) as bench:
            await bench.build()
            bench.events.clear()
            await anyio.sleep(10 * QUIET_SECONDS)
            assert bench.events == []

    in_virtual_time(whole)
