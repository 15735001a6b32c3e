"""The API for code with no event loop, on loops of both kinds."""

from __future__ import annotations

import threading

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
