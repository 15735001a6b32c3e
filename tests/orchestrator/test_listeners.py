"""Who listens to a Project is a guest: what a listener, a tap or a reader does wrong is its own, and ends no build."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import pytest

import orchestrator
from actors.events import BuildFinished, BuildStalled, Event, Events
from orchestrator import Project, ProjectError, Sources
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import named

pytestmark = pytest.mark.anyio

TEXTS = {"main": "run a::f\n", "a": "pub f =\n"}


def opened(**settings: Any) -> Project:
    return orchestrator.open(Sources(named(TEXTS)), toolchain=PlainToolchain(), entry="main.plain", **settings)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `sys.unraisablehook` gets."""
    found: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    return found


def raises(_: object) -> None:
    raise ZeroDivisionError("mine")


async def test_a_listener_that_raises_ends_nothing(told: list[Any]) -> None:
    seen: list[Event] = []
    async with opened() as project:
        project.listen(raises)
        project.listen(seen.append)
        assert (await project.build()).success
        assert (await project.build(force=True)).success
    assert sum(isinstance(event, BuildFinished) for event in seen) == 2
    assert len(told) == len(seen)
    first = told[0]
    assert (first.exc_type, str(first.exc_value), first.object) == (ZeroDivisionError, "mine", raises)
    assert first.exc_traceback is not None
    assert "the build went on" in first.err_msg


async def test_a_tap_that_raises_ends_nothing(told: list[Any]) -> None:
    async with opened(tap=raises) as project:
        assert (await project.build()).success
    assert told and all(one.object is raises for one in told)


async def test_a_rare_listener_that_raises_ends_nothing(told: list[Any]) -> None:
    events = Events()
    seen: list[Event] = []
    events.listen(raises, rare=True)
    events.listen(seen.append, rare=True)
    stalled = BuildStalled(build=1, seconds=10.0, waiting_for=())
    events.warn(stalled)
    assert (len(told), seen) == (1, [stalled])


async def test_where_nobody_set_a_hook_it_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    events = Events()
    events.listen(raises, rare=True)
    events.warn(BuildStalled(build=1, seconds=10.0, waiting_for=()))
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("a listener or tap of a Wasmill project raised, and the build went on: <function raises")
    assert said[1] == "Traceback (most recent call last):" and said[-1] == "ZeroDivisionError: mine"


async def test_a_hook_that_raises_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", raises)
    async with opened() as project:
        project.listen(raises)
        assert (await project.build()).success


async def test_a_listener_may_end_itself_and_others_as_it_is_called() -> None:
    seen: list[str] = []
    async with opened() as project:

        def first(_: Event) -> None:
            seen.append("first")
            stop_first()
            stop_third()

        stop_first = project.listen(first)
        stop_second = project.listen(lambda _: seen.append("second"))
        stop_third = project.listen(lambda _: seen.append("third"))
        await project.build()
        stop_second()
        for stop in (stop_first, stop_second, stop_third):
            stop()  # once more: no harm
        count = len(seen)
        await project.build(force=True)
    # Whoever was there as an event came hears of it.
    assert seen[:4] == ["first", "second", "third", "second"]
    assert set(seen[4:]) == {"second"} and len(seen) == count


async def test_the_same_listener_twice_is_two() -> None:
    seen: list[Event] = []
    async with opened() as project:
        stop = project.listen(seen.append)
        project.listen(seen.append)
        await project.build()
        assert seen[0] is seen[1]
        stop()
        await project.build(force=True)
    assert sum(isinstance(event, BuildFinished) for event in seen) == 3


@pytest.mark.parametrize("how", ["raises", "is cancelled", "stops"])
async def test_a_reader_that_goes_holds_up_no_build(how: str) -> None:
    """The build waits for a lossless reader as long as that is there, and not a moment longer."""
    async with opened() as project, anyio.create_task_group() as group:
        gone = anyio.Event()

        async def read(*, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
            scope = anyio.CancelScope()
            try:
                with scope:
                    async with project.events(size=1, on_full="wait") as events:
                        task_status.started(scope)
                        await anext(events)
                        if how == "raises":
                            raise ZeroDivisionError
                        if how == "is cancelled":
                            await anyio.sleep_forever()
            except ZeroDivisionError:
                pass
            gone.set()

        scope = await group.start(read)

        async def cancel() -> None:
            await anyio.wait_all_tasks_blocked()
            scope.cancel()

        if how == "is cancelled":
            group.start_soon(cancel)
        with anyio.fail_after(20):
            assert (await project.build()).success
            await gone.wait()


@pytest.mark.parametrize("size", [0, -1, 1.5, "many"])
async def test_a_ring_has_room_for_an_event(size: Any) -> None:
    async with opened() as project:
        with pytest.raises(ProjectError, match="1 or more"):
            async with project.events(size=size):
                raise AssertionError("never gets here")
        assert (await project.build()).success
