"""Worker processes: the same results as inline, whatever happens to them; and none is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

import orchestrator
from actors.compiler import crew, pool
from actors.compiler.toolchains import Toolchains
from actors.events import CompileFinished, CompileStarted
from actors.offload import InlineOffload
from orchestrator import BuildResult, Project, Sources
from tests.actors.compiler import odd_toolchain
from tests.actors.compiler.odd_toolchain import OddToolchain
from tests.actors.compiler.worker_tools import all_end, running, workers
from tests.bench import projects

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]


@pytest.fixture
def in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """All work pays for workers, and nothing is small enough to be done inline."""
    monkeypatch.setattr(crew, "EACH_MS", 1e-6)
    monkeypatch.setattr(pool, "INLINE_BYTES", -1)


def odd(texts: dict[str, str], **settings: Any) -> Project:
    """A project in memory, for the toolchain that misbehaves."""
    sources = Sources({f"{name}.plain": text for name, text in texts.items()})
    settings = {"jobs": 2, "entry": "main.plain", **settings}
    return orchestrator.open(sources, toolchain="tests.actors.compiler.odd_toolchain:OddToolchain", **settings)


async def built(texts: dict[str, str], **settings: Any) -> BuildResult:
    async with odd({"main": "use a", "b": "pub f = b", **texts}, **settings) as project:
        result = await project.build()
    assert workers() == set()
    return result


def broken(result: BuildResult) -> list[tuple[str | None, str, str]]:
    return [(found.module, found.code, found.message) for found in result.diagnostics]


def because(what: str) -> list[tuple[str, str, str]]:
    return [("a", "E0901", f"the compiler broke on this module: {what}")]


async def everything(folder: Path, jobs: int) -> tuple[bytes, dict[str, bytes], list[str]]:
    async with orchestrator.open(folder, jobs=jobs, folder=f".cache{jobs}", output=f"out{jobs}/main.wasm") as project:
        started: list[str] = []
        project.listen(lambda event: started.append(event.module) if isinstance(event, CompileStarted) else None)
        result = await project.build()
        assert len(workers()) == (jobs if jobs > 1 else 0)
        assert result.success
        assert len(started) == result.compiled_modules
        found = await project.cache.lookup_all(sorted(started))
        assert result.program is not None
        objects = {module: one.data for module, one in found.items() if one is not None}
        assert len(objects) == result.compiled_modules
        return result.program.read_bytes(), objects, [found.message for found in result.diagnostics]


@pytest.mark.usefixtures("in_workers")
async def test_objects_and_program_are_those_that_inline_makes(tmp_path: Path) -> None:
    projects.generate(tmp_path, 10, 4)
    (tmp_path / "warns.ruchy").write_text("pub fun f() -> i64 { let unused = 1; 2 }\n")
    program, objects, said = await everything(tmp_path, 1)
    assert len(objects) == 12
    assert len(said) == 1
    assert await everything(tmp_path, 2) == (program, objects, said)


@pytest.mark.usefixtures("in_workers")
async def test_a_killed_job_is_tried_once_more(tmp_path: Path) -> None:
    result = await built({"a": f"dieonce {tmp_path / 'tries'}"})
    assert result.success
    assert len((tmp_path / "tries").read_text().split()) == 1


@pytest.mark.usefixtures("in_workers")
@pytest.mark.parametrize(
    ("text", "tries", "what"),
    [
        ("die", 2, "its process was killed (SIGKILL)"),
        ("leave 3", 2, "its process ended with exit code 3"),
        ("leave 0", 2, "its process ended with exit code 0"),
        ("eat 600", 2, "it needed more than 400 MiB of memory (setting `worker_memory`)"),
        ("hang", 1, "it took longer than 0.3 s, and was stopped (setting `timeout`)"),
        ("spin", 1, "it took longer than 0.3 s, and was stopped (setting `timeout`)"),
    ],
)
async def test_what_kills_workers_breaks_one_module(tmp_path: Path, text: str, tries: int, what: str) -> None:
    result = await built(
        {"a": f"note {tmp_path / 'tries'}\n{text}"}, timeout=0.3 if tries == 1 else 30, worker_memory=400 << 20
    )
    assert broken(result) == because(what)
    assert (result.failed, result.blocked, result.recompiled) == (["a"], ["main"], ["b"])
    pids = (tmp_path / "tries").read_text().split()
    assert len(pids) == len(set(pids)) == tries
    assert str(os.getpid()) not in pids


@pytest.mark.usefixtures("in_workers")
async def test_sys_exit_is_a_crash_of_the_module_alone(tmp_path: Path) -> None:
    result = await built({"a": f"note {tmp_path / 'tries'}\nexit 3"})
    [(module, code, message)] = broken(result)
    assert (module, code) == ("a", "E0901")
    assert message.startswith("the compiler broke on this module: SystemExit: 3 (")
    assert len((tmp_path / "tries").read_text().split()) == 1


async def test_sys_exit_inline_does_not_end_this_process() -> None:
    result = await built({"a": "exit 3"}, jobs=1)
    assert broken(result)[0][2].startswith("the compiler broke on this module: SystemExit: 3 (")


@pytest.mark.usefixtures("in_workers")
async def test_a_summary_that_kills_workers_breaks_its_module() -> None:
    result = await built({"a": "unsummarisable"})
    assert broken(result) == because("its process ended with exit code 5")


@pytest.mark.usefixtures("in_workers")
async def test_what_a_toolchain_prints_does_not_come_between(capfd: pytest.CaptureFixture[str]) -> None:
    result = await built({"a": "chatter"})
    assert result.success
    out, err = capfd.readouterr()
    assert (out, err) == ("", "noise on standard output\nmore of it\n")


@pytest.mark.usefixtures("in_workers")
async def test_events_tell_each_module_once(tmp_path: Path) -> None:
    seen = []
    async with odd({"main": "", "a": f"dieonce {tmp_path / 'tries'}", "b": ""}) as project:
        project.listen(seen.append)
        await project.build()
    for kind in (CompileStarted, CompileFinished):
        assert sorted(one.module for one in seen if isinstance(one, kind)) == ["a", "b", "main"]


@pytest.mark.usefixtures("in_workers")
async def test_workers_are_used_again_and_closed_with_the_project(tmp_path: Path) -> None:
    async with odd({"main": "use a", "a": "pub f = a"}) as project:
        await project.build()
        first = workers()
        assert len(first) == 2
        project.sources["a.plain"] = f"note {tmp_path / 'who'}"
        await project.build()
        assert workers() == first
        assert int((tmp_path / "who").read_text()) in first
    assert workers() == set()


@pytest.mark.usefixtures("in_workers")
async def test_a_worker_that_was_killed_while_idle_costs_nothing(tmp_path: Path) -> None:
    async with odd({"main": "use a", "a": "pub f = a"}) as project:
        await project.build()
        first = workers()
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        assert all_end(first)
        project.sources["a.plain"] = f"note {tmp_path / 'who'}"
        result = await project.build()
        assert result.success
        assert len(workers() - first) == 2
        assert len((tmp_path / "who").read_text().split()) == 1
    assert workers() == set()


@pytest.mark.usefixtures("in_workers")
async def test_no_change_starts_none(tmp_path: Path) -> None:
    projects.generate(tmp_path, 5, 2)
    async with orchestrator.open(tmp_path, jobs=2) as project:
        await project.build()
        assert len(workers()) == 2
    async with orchestrator.open(tmp_path, jobs=2) as project:
        assert (await project.build()).cache_hits == 6
        assert workers() == set()


async def test_little_work_starts_none(tmp_path: Path) -> None:
    projects.generate(tmp_path, 5, 2)
    async with orchestrator.open(tmp_path, jobs=2) as project:
        assert (await project.build()).compiled_modules == 6
        assert workers() == set()


async def test_a_large_source_is_compiled_in_a_worker(tmp_path: Path) -> None:
    padding = "# padding\n" * (pool.INLINE_BYTES // 10 + 1)
    async with odd({"main": "use a", "a": f"note {tmp_path / 'who'}\n{padding}", "b": ""}) as project:
        assert (await project.build()).success
        assert {int((tmp_path / "who").read_text())} == workers()


@pytest.mark.usefixtures("in_workers")
@pytest.mark.parametrize(
    "settings",
    [
        {"jobs": 1},
        {"offload": InlineOffload()},
        {"toolchain": OddToolchain()},
        {"toolchain": "tests.actors.compiler.odd_toolchain:Shifty"},
        {"toolchain": "tests.actors.compiler.odd_toolchain:here_alone"},
    ],
    ids=["one job", "inline offload", "no name", "another identity", "not to be loaded"],
)
async def test_inline_where_workers_cannot_be(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(odd_toolchain, "here_alone", OddToolchain(), raising=False)
    sources = Sources({"main.plain": f"note {tmp_path / 'who'}"})
    settings = {"jobs": 2, "toolchain": "tests.actors.compiler.odd_toolchain:OddToolchain", **settings}
    async with orchestrator.open(sources, entry="main.plain", **settings) as project:
        assert (await project.build()).success
        assert workers() == set()
    assert int((tmp_path / "who").read_text()) == os.getpid()
    assert capfd.readouterr() == ("", "")


async def heard(pipe: Path) -> list[int]:
    """Wait until somebody writes to a named pipe; the numbers."""
    text = await anyio.to_thread.run_sync(pipe.read_text, abandon_on_cancel=True)
    return [int(word) for word in text.split()]


@pytest.mark.usefixtures("in_workers")
@pytest.mark.parametrize("text", ["start {}\nhang", "start {}\nspin"])
async def test_cancelling_ends_what_runs_at_once(tmp_path: Path, text: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with odd({"main": "use a", "a": text.format(pipe)}) as project:
        async with anyio.create_task_group() as group:
            group.start_soon(project.build)
            pids = await heard(pipe)
            assert len(pids) == 2
            assert all(map(running, pids))
            group.cancel_scope.cancel()
        project.sources["a.plain"] = "pub f = a"
        result = await project.build()
        assert result.success
        assert not any(map(running, pids))
    assert workers() == set()


@pytest.mark.usefixtures("in_workers")
async def test_closing_ends_what_runs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    async def build(project: Project) -> None:
        with pytest.raises(orchestrator.BuildCancelled):
            await project.build()

    async with anyio.create_task_group() as group:
        async with odd({"main": "use a", "a": f"start {pipe}\nhang"}) as project:
            group.start_soon(build, project)
            pids = await heard(pipe)
        assert not any(map(running, pids))
        assert workers() == set()


@pytest.mark.parametrize(("ahead", "started"), [(0, 0), (499, 0), (500, 2), (999, 3), (10_000, 4)])
async def test_workers_are_started_for_work_that_pays(
    monkeypatch: pytest.MonkeyPatch, ahead: float, started: int
) -> None:
    monkeypatch.setattr(crew, "EACH_MS", 250.0)
    spawned: list[list[str]] = []

    class Child:
        pass

    class Counting(InlineOffload):
        def spawn(self, arguments: Any) -> Any:
            spawned.append(arguments)
            return Child()

    def start(function: Callable[..., Any], *args: Any) -> None:
        assert len(args) == 1

    one = crew.Crew(
        Toolchains(OddToolchain(), place="tests.actors.compiler.odd_toolchain:OddToolchain"), 4, timeout=0, memory=0
    )
    one.bind(Counting(), start)
    one.want(ahead)
    one.want(ahead)
    assert len(spawned) == one.size == started


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("in_workers")
async def test_an_empty_module_in_memory_is_no_file_that_has_gone(jobs: int) -> None:
    assert broken(await built({"a": ""}, jobs=jobs)) == []
