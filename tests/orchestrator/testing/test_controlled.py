"""Real worker processes that do as they are told."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

import orchestrator
from orchestrator import BuildResult, Project
from orchestrator.testing.controlled import ControlledToolchain, Controller, controlled_compiles
from orchestrator.testing.leaks import no_leaks

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="there are no worker processes"),
]


class Play:
    """A project of two controlled modules and a main module, being built."""

    def __init__(self, project: Project, controller: Controller) -> None:
        self.project = project
        self.controller = controller
        self.result: BuildResult | None = None
        self.ended = anyio.Event()

    async def build(self) -> None:
        self.result = await self.project.build()
        self.ended.set()

    async def end(self) -> BuildResult:
        await self.ended.wait()
        assert self.result is not None
        return self.result


@asynccontextmanager
async def playing(folder: Path, **settings: object) -> AsyncIterator[Play]:
    async with controlled_compiles() as controller:
        for module in ("a", "b"):
            (folder / f"{module}.plain").write_text(f"pub f =\n{controller.line}")
        (folder / "main.plain").write_text("run a::f\n")
        toolchain = "orchestrator.testing.controlled:ControlledToolchain"
        async with (
            orchestrator.open(folder, toolchain=toolchain, entry="main.plain", jobs=2, **settings) as project,
            anyio.create_task_group() as group,
        ):
            play = Play(project, controller)
            group.start_soon(play.build)
            yield play
            group.cancel_scope.cancel()


async def test_they_end_in_the_order_they_are_told_to(tmp_path: Path) -> None:
    async with no_leaks(), playing(tmp_path) as play:
        a, b = await play.controller.started("a"), await play.controller.started("b")
        assert a.pid != b.pid and os.getpid() not in (a.pid, b.pid)
        await b.finish()
        await a.fail("no good")
        result = await play.end()
        assert (result.failed, result.blocked) == (["a"], ["main"])
        assert [(one.code, one.message, one.file) for one in result.diagnostics] == [("E0201", "no good", "a.plain")]


async def test_a_process_that_is_killed_over_a_job_lets_another_one_do_it(tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        first, b = await play.controller.started("a"), await play.controller.started("b")
        await first.kill()
        await b.finish()
        again = await play.controller.started("a")
        assert again.pid == b.pid
        await again.finish()
        assert (await play.end()).success


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # what differs by backend is tested above
@pytest.mark.parametrize("how", ["exit", "crash", "kill"])
async def test_a_module_that_ends_its_process_twice_fails(how: str, tmp_path: Path) -> None:
    async with playing(tmp_path) as play:
        await (await play.controller.started("b")).finish()
        for _ in range(1 if how == "crash" else 2):
            running = await play.controller.started("a")
            if how == "exit":
                await running.exit(7)
            elif how == "crash":
                await running.crash("a bug")
            else:
                await running.kill(signal.SIGTERM)
        result = await play.end()
        said = {"exit": "ended with exit code 7", "crash": "RuntimeError: a bug", "kill": "was killed (SIGTERM)"}
        assert result.failed == ["a"] and said[how] in result.diagnostics[0].message


async def test_a_build_that_is_cancelled_ends_its_processes(tmp_path: Path) -> None:
    async with no_leaks(), controlled_compiles() as controller:
        (tmp_path / "main.plain").write_text(f"run main\n{controller.line}")
        toolchain = "orchestrator.testing.controlled:ControlledToolchain"
        async with (
            orchestrator.open(tmp_path, toolchain=toolchain, entry="main.plain", jobs=2) as project,
            anyio.create_task_group() as group,
        ):
            group.start_soon(project.build)
            running = await controller.started()
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await running.gone()
        with pytest.raises(ProcessLookupError):
            os.kill(running.pid, 0)


async def test_when_the_play_is_over_they_finish(tmp_path: Path) -> None:
    toolchain = ControlledToolchain()
    async with controlled_compiles() as controller:
        line = controller.line
    (tmp_path / "main.plain").write_text(f"run main\npub main =\n{line}")
    async with orchestrator.open(tmp_path, toolchain=toolchain, entry="main.plain") as project:
        assert (await project.build()).success
