"""Running programs through the API: limits, and every way in which a run is cancelled."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import orchestrator
from orchestrator import Project, ProjectError, Sources
from orchestrator.running import LIMITS, checked_limits, machine_code
from orchestrator.wasm.groups import layout

pytestmark = pytest.mark.anyio

LOOP = "fun main() { loop { } }"
WRITES = 'fun main() { loop { println("0123456789"); } }'
OUT_OF_MEMORY = 'fun main() { let mut s = "ab"; loop { s = s + s; } }'


@asynccontextmanager
async def opened(text: str, **settings: Any) -> AsyncIterator[Project]:
    async with orchestrator.open(Sources({"main.ruchy": text}), **settings) as project:
        yield project


def programs_running() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("wasm ")]


# ------------------------------------------------------------------------------------------------ cancellation


async def until_it_runs() -> None:
    with anyio.fail_after(20):
        while not programs_running():  # noqa: ASYNC110  (nobody says so)
            await anyio.sleep(0.001)


@pytest.mark.slow
async def test_a_timeout_is_one() -> None:
    async with opened(LOOP) as project:
        await project.build()
        with pytest.raises(TimeoutError), anyio.fail_after(0.05):
            await project.run()
        with anyio.move_on_after(0.05) as scope:
            await project.run()
        assert scope.cancelled_caught
        assert programs_running() == []
        assert (await project.build()).success


@pytest.mark.slow
async def test_a_task_that_is_cancelled_while_its_program_runs() -> None:
    reached = False

    async def run(project: Project) -> None:
        nonlocal reached
        await project.run()
        reached = True

    async with opened(LOOP) as project, anyio.create_task_group() as group:
        group.start_soon(run, project)
        await until_it_runs()
        group.cancel_scope.cancel()
    assert not reached
    assert programs_running() == []


@pytest.mark.slow
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_native_cancellation() -> None:
    async with opened(LOOP) as project:
        task = asyncio.create_task(project.run())
        await until_it_runs()
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert programs_running() == []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await project.run()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(project.run(), 0.05)
        assert programs_running() == []


@pytest.mark.slow
async def test_closing_ends_a_run() -> None:
    errors: list[ProjectError] = []

    async def run(project: Project) -> None:
        try:
            await project.run()
        except ProjectError as wrong:
            errors.append(wrong)

    async with anyio.create_task_group() as group, opened(LOOP) as project:
        group.start_soon(run, project)
        await until_it_runs()
    assert "was closed" in str(errors[0])
    assert programs_running() == []


@pytest.mark.slow
async def test_a_scope_that_ends_at_any_moment_is_not_swallowed() -> None:
    """Wherever in build and run the cancellation arrives: either all is done, or the scope has caught it."""
    texts = {"main.ruchy": "use a::f;\nfun main() { println(f()); }", "a.ruchy": "pub fun f() -> i64 { 1 }"}
    async with orchestrator.open(Sources(texts)) as project:
        caught = finished = 0
        for steps in (0, 1, 2, 4, 8, 16, 32, 64):
            project.sources["a.ruchy"] = f"pub fun f() -> i64 {{ {steps} }}"
            scope = anyio.CancelScope()

            async def cancel(scope: anyio.CancelScope = scope, steps: int = steps) -> None:
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

            result = None
            async with anyio.create_task_group() as group:
                group.start_soon(cancel)
                with scope:
                    result = await project.run()
            assert scope.cancelled_caught == (result is None)
            caught += result is None
            finished += result is not None
        assert caught and caught + finished == 8
        assert programs_running() == []
        assert (await project.run()).stdout == b"64\n"


# ------------------------------------------------------------------------------------------------ limits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "limits", "limit", "stdout", "message"),
    [
        (
            LOOP,
            {"seconds": 0.05},
            "seconds",
            b"",
            "main.ruchy: stopped: it may run for 0.05 s (limit `seconds`)",
        ),
        (
            WRITES,
            {"output": 15},
            "output",
            b"0123456789\n0123",
            "main.ruchy: stopped: it may write 15 bytes to each stream (limit `output`)",
        ),
        (
            'fun main() { println("0123456789"); }',
            {"output": "3 B"},
            "output",
            b"012",
            "main.ruchy: stopped: it may write 3 bytes to each stream (limit `output`)",
        ),
        ('fun main() { println("0123456789"); }', {"output": 11}, None, b"0123456789\n", ""),
        (
            LOOP,
            {"fuel": 1000},
            "fuel",
            b"",
            "main.ruchy: all fuel is used up",
        ),
        (
            OUT_OF_MEMORY,
            {"memory": "8 MiB"},
            "memory",
            b"",
            "error: out of memory\nmain.ruchy: out of memory: it may have 8388608 bytes (limit `memory`)",
        ),
        (
            LOOP,
            {"memory": 1},
            "memory",
            b"",
            "main.ruchy: out of memory: it may have 1 bytes (limit `memory`)",
        ),
        ("fun main() { }", {"fuel": 0, "seconds": 0, "memory": None}, None, b"", ""),
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_limit_that_is_reached(text: str, limits: Any, limit: str | None, stdout: bytes, message: str) -> None:
    async with opened(text) as project:
        result = await project.run(limits=limits)
    assert (result.limit, result.stdout) == (limit, stdout)
    assert result.exit_code == (134 if limit else 0)
    assert result.stderr.decode() == (f"{message}\n" if message else "")
    assert programs_running() == []


@pytest.mark.slow
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_setting_that_is_a_limit() -> None:
    async with opened(LOOP, seconds=0.05) as project:
        result = await project.run()
        assert (result.exit_code, result.limit) == (134, "seconds")
        assert result.stderr == b"main.ruchy: stopped: it may run for 0.05 s (setting `seconds`)\n"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"patience": 1}, "`patience` is not a limit of a program"),
        ({"second": 1}, "did you mean `seconds`?"),
        ({"fuel": -1}, "the limit `fuel` must be a whole number"),
        ({"fuel": 1.5}, "the limit `fuel` must be"),
        ({"fuel": True}, "the limit `fuel` must be"),
        ({"fuel": "10"}, "the limit `fuel` must be"),
        ({"memory": -1}, "the limit `memory` must be a size"),
        ({"memory": 1 << 70}, "the limit `memory` must be a size"),
        ({"memory": "99999999999 TB"}, "the limit `memory` must be a size"),
        ({"memory": 1.0}, "the limit `memory` must be a size"),
        ({"seconds": -0.1}, "the limit `seconds` must be a number of seconds"),
        ({"seconds": float("nan")}, "the limit `seconds` must be"),
        ({"seconds": float("inf")}, "the limit `seconds` must be"),
        ({"seconds": "1"}, "the limit `seconds` must be"),
        ({"output": -1}, "the limit `output` must be a size"),
        ({"output": "much"}, "the limit `output` must be a size"),
        ({1: 1}, "`1` is not a limit of a program"),
    ],
)
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_wrong_limit_is_said_before_anything_is_built(limits: Any, message: str) -> None:
    async with opened("this is wrong") as project:
        with pytest.raises(ProjectError) as caught:
            await project.run(limits=limits)
    assert message in str(caught.value)


async def test_the_machine_code_of_a_program_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's folder, under `dev` only; and the program is the one that it would be without."""
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(layout, "SMALLEST", 1)
    monkeypatch.setattr(layout, "FEWEST", 1)
    source = tmp_path / "project"
    main = source / "build" / "main.wasm"
    source.mkdir()
    (source / "main.ruchy").write_text('fun main() { println("hello"); }')
    async with orchestrator.open(source, profile="release") as project:
        assert (await project.run()).stdout == b"hello\n"
    assert not home.exists()
    async with orchestrator.open(source) as project:
        await project.build()
        before = main.read_bytes()
        assert (await project.run()).stdout == b"hello\n"
        kept = sorted(os.listdir(home / "wasmill" / "machine-code"))
        assert (await project.run()).stdout == b"hello\n"
        assert (await project.run(limits={"fuel": 10_000_000})).stdout == b"hello\n"
        assert main.read_bytes() == before
    assert len(kept) > 3
    assert sorted(os.listdir(home / "wasmill" / "machine-code")) == kept


@pytest.mark.parametrize("home", ["relative", "", "/dev/null"])
async def test_without_a_folder_of_the_user_nothing_is_kept(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setenv("HOME", "/dev/null")
    (tmp_path / "main.ruchy").write_text("fun main() { println(1); }")
    async with orchestrator.open(tmp_path) as project:
        assert (await project.run()).stdout == b"1\n"
    assert sorted(os.listdir(tmp_path)) == [".ruchy-cache", "build", "main.ruchy"]


async def test_modules_in_memory_leave_no_machine_code() -> None:
    async with opened("fun main() { println(1); }") as project:
        assert machine_code(project.config) is None


def test_every_limit_has_a_value() -> None:
    project = orchestrator.open(Sources({}))
    assert set(checked_limits({}, project.config).__struct_fields__) == {*LIMITS, "said"}
