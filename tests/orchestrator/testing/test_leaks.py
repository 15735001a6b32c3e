"""What is left over is seen: a task, a process, a file, a thread. Builds leave none."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import pytest

import orchestrator
from orchestrator.testing.leaks import Leaked, no_leaks, no_leaks_here
from orchestrator.testing.toolchain import PlainToolchain

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.mark.anyio
async def test_a_build_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "main.plain").write_text("run f\npub f =\n")
    await anyio.to_thread.run_sync(int)  # the loop keeps this thread
    async with no_leaks(), orchestrator.open(tmp_path, toolchain=PlainToolchain(), entry="main.plain") as project:
        assert (await project.build()).success


@pytest.mark.anyio
async def test_a_task_is_seen() -> None:
    async with anyio.create_task_group() as group:
        with pytest.raises(Leaked) as leaked:
            async with no_leaks():
                group.start_soon(anyio.sleep_forever, name="the one left over")
        assert leaked.value.what == ["task the one left over"]
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_what_is_only_just_ending_is_none() -> None:
    async with anyio.create_task_group() as group, no_leaks():
        group.start_soon(anyio.lowlevel.checkpoint)


@LINUX
@pytest.mark.anyio
async def test_a_process_is_seen() -> None:
    child = None
    with pytest.raises(Leaked, match=r"left over: process [0-9]+") as leaked:
        async with no_leaks():
            child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.DEVNULL)  # noqa: ASYNC220
    assert child is not None and f"process {child.pid}" in leaked.value.what
    child.wait()


@LINUX
def test_a_file_is_seen(tmp_path: Path) -> None:
    file = None
    with pytest.raises(Leaked, match=r"left over: file [0-9]+ \(.*/open\)"), no_leaks_here():
        file = (tmp_path / "open").open("w")
    assert file is not None
    file.close()
    with no_leaks_here():
        (tmp_path / "open").write_text("closed again")


def test_a_thread_is_seen() -> None:
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="mine")
    with pytest.raises(Leaked, match="left over: thread mine"), no_leaks_here():
        thread.start()
    gate.set()
    thread.join()


def test_a_whole_loop_leaves_nothing() -> None:
    async def main() -> None:
        await anyio.to_thread.run_sync(int)

    for backend in ("asyncio", "trio"):
        anyio.run(main, backend=backend)
        with no_leaks_here():
            anyio.run(main, backend=backend)


@pytest.mark.anyio
async def test_the_exception_of_the_body_goes_first() -> None:
    with pytest.raises(KeyError):
        async with no_leaks():
            raise KeyError
