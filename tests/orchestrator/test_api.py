"""The embedded API on both backends: what it answers, how builds are shared, cancelled and broken, and what is left."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

import orchestrator
from actors.compiler.toolchain import Compiled, CompileJob
from actors.digests import Digest
from actors.disk import RealDisk
from actors.events import BuildCancelled, BuildFinished, BuildStarted, CompileStarted, EventsLost, ProgramWritten
from actors.messages import Source
from actors.offload import InlineOffload, Offload
from actors.planner.planner import Planner
from actors.system import Cell
from orchestrator import BuildFailed, BuildResult, ConfigError, ProjectBroken, ProjectError, Sources
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Bench, everything, from_nothing, named, opened, remove, tasks_running, write

pytestmark = pytest.mark.anyio

SMALL = {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n", "c": "pub h =\n"}


def sources(texts: dict[str, str] = SMALL) -> Sources:
    return Sources(named(texts))


class Gate(PlainToolchain):
    """A toolchain that lets a test act in the middle of a compile: `when[module]` is called as it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.when: dict[str, Any] = {}

    def compile(self, job: CompileJob) -> Compiled:
        if job.module in self.when:
            self.when[job.module]()
        return super().compile(job)


class Slow(InlineOffload):
    """Every compile waits for `go` before it gives its result; `begun` says that one waits."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = anyio.Event()
        self.go = anyio.Event()
        self.held = True

    async def compute(self, function: Any, *args: Any) -> Any:
        if self.held and getattr(function, "__name__", "") == "compile_module":
            self.begun.set()
            await self.go.wait()
        return await super().compute(function, *args)


# ------------------------------------------------------------------------------------------------ results and settings


async def test_a_build_answers_with_types(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    async with opened(tmp_path) as bench:
        result = await bench.build()
        assert type(result) is BuildResult
        assert (result.success, result.compiled_modules, result.cache_hits) == (True, 4, 0)
        assert result.recompiled == ["a", "b", "c", "main"]
        assert result.recompiled_functions == ["a::f", "b::g", "c::h"]
        assert (result.failed, result.blocked, result.diagnostics) == ([], [], [])
        assert result.program == tmp_path / "build" / "main.wasm" and result.program.is_file()
        assert {reason.kind for reason in result.reasons.values()} == {"first"}
        assert result.cache_degraded is None and result.duration_ms > 0
        finished = bench.happened(BuildFinished)[-1]
        assert (finished.recompiled, finished.program) == (result.recompiled, str(result.program))


async def test_the_graph() -> None:
    async with opened(sources()) as bench:
        graph = await bench.project.graph()
        assert graph.modules == ("a", "b", "c", "main")
        assert graph.edges == (("a", "b"), ("main", "a"))
        assert graph.has_edge("main", "a") and not graph.has_edge("a", "main")
        assert graph.dependencies("main", transitive=True) == ["a", "b"]
        assert graph.dependents("b", transitive=True) == ["a", "main"]
        with pytest.raises(ProjectError, match="no module `z`"):
            graph.dependents("z")
        assert bench.toolchain.compiled_modules() == []


async def test_look_up() -> None:
    async with opened(sources()) as bench:
        cache = bench.project.cache
        assert await cache.lookup("a") is None
        await bench.build()
        found = await cache.lookup_all(["a", "main", "nowhere"])
        assert found["nowhere"] is None
        assert found["a"] is not None and b"pub f = x" in found["a"].data
        bench.project.sources["b.plain"] = "pub g = other\n"
        assert (await cache.lookup_all(["a", "c"]))["a"] is None
        assert await cache.lookup("c") is not None


async def test_settings_are_keywords(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    async with opened(tmp_path, output="out/it.wasm", folder="else/cache", jobs=3) as bench:
        assert bench.project.config.build.jobs == 3
        result = await bench.build()
        assert result.program == tmp_path / "out" / "it.wasm"
        assert (tmp_path / "else" / "cache" / "index.db").exists()
        assert not (tmp_path / ".ruchy-cache").exists()


async def test_wrong_settings_and_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="jobs"):
        orchestrator.open(tmp_path, jobs=-1)
    with pytest.raises(ConfigError, match="jobz"):
        orchestrator.open(tmp_path, jobz=1)
    with pytest.raises(ConfigError, match='must be "transitive" or "precise"'):
        orchestrator.open(tmp_path, invalidation="exact")
    with pytest.raises(ProjectError, match="no folder"):
        orchestrator.open(tmp_path / "nowhere")
    with pytest.raises(ProjectError, match="twice"):
        orchestrator.open(Sources(), sources=Sources())
    with pytest.raises(ProjectError, match="no toolchain `cobol`"):
        orchestrator.open(tmp_path, toolchain="cobol")
    for name in ("no_such_module:X", "orchestrator:NoSuchName"):
        with pytest.raises(ProjectError, match="no toolchain"):
            orchestrator.open(tmp_path, toolchain=name)
    with pytest.raises(ProjectError, match="not open"):
        await orchestrator.open(tmp_path).build()
    async with opened(sources()) as bench:
        with pytest.raises(ConfigError, match="no profile `fast`"):
            await bench.build(profile="fast")
        with pytest.raises(ProjectError, match="verify"):
            await bench.build(verify=1.5)
        with pytest.raises(ProjectError, match="on_full"):
            async with bench.project.events(on_full="explode"):
                pass
        with pytest.raises(ProjectError, match="opened before"):
            await bench.project.__aenter__()
        assert (await bench.build()).success  # none of it did any harm
    with pytest.raises(ProjectError, match="closed"):
        await bench.project.build()
    with pytest.raises(ProjectError, match="closed"):
        await bench.project.cache.statistics()


async def test_force_and_profiles(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    async with opened(tmp_path) as bench:
        first = await bench.build()
        assert first.program is not None
        program = first.program.read_bytes()
        forced = await bench.build(force=True)
        assert (forced.compiled_modules, forced.cache_hits) == (4, 0)
        assert {reason.kind for reason in forced.reasons.values()} == {"forced"}
        assert first.program.read_bytes() == program
        assert (await bench.build()).cache_hits == 4
        release = await bench.build(profile="release")
        assert release.compiled_modules == 4 and release.program is not None
        assert release.program.read_bytes() != program
        back = await bench.build()
        assert (back.compiled_modules, back.cache_hits) == (0, 4)
        assert back.program is not None and back.program.read_bytes() == program


async def test_without_an_entry_a_build_is_pure() -> None:
    async with opened(sources({"a": "pub f =\n"}), entry=None) as bench:
        result = await bench.build()
        assert (result.success, result.program, result.recompiled) == (True, None, ["a"])
        assert bench.happened(ProgramWritten) == []
        with pytest.raises(ProjectError, match="no program"):
            await bench.project.run()


async def test_two_projects_on_one_cache(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, SMALL)
    cache = str(tmp_path / "cache")
    real = Offload(FakeDisk(RealDisk(), aged=True))  # inline, one would block the loop while the other has the index
    async with (
        opened(tmp_path / "one", folder=cache, offload=real) as one,
        opened(tmp_path / "two", folder=cache, offload=real) as two,
    ):
        assert (await one.build()).compiled_modules == 4
        result = await two.build()
        assert (result.compiled_modules, result.cache_hits, result.success) == (0, 4, True)
        write(tmp_path / "one", {"b": "pub g = new\n"})
        write(tmp_path / "two", {"c": "pub h = new\n"})
        results: dict[str, BuildResult] = {}

        async def build(bench: Bench, name: str) -> None:
            results[name] = await bench.build()

        async with anyio.create_task_group() as group:
            group.start_soon(build, one, "one")
            group.start_soon(build, two, "two")
        assert results["one"].recompiled == ["a", "b", "main"]
        assert results["two"].recompiled == ["c"]


# ------------------------------------------------------------------------------------------------ modules in memory


async def test_sources_over_a_folder_hide_and_show(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    over = Sources()
    async with opened(tmp_path, sources=over) as bench:
        before = await everything(bench)
        over["b.plain"] = "pub g = hidden\n"
        result = await bench.build()
        assert result.recompiled == ["a", "b", "main"]
        assert await everything(bench) == await from_nothing({**SMALL, "b": "pub g = hidden\n"})
        del over["b.plain"]
        result = await bench.build()
        assert (result.compiled_modules, result.cache_hits) == (0, 4)
        assert await everything(bench) == before
        over["d.plain"] = ""  # an empty module is one
        assert (await bench.build()).recompiled == ["d"]


async def test_a_text_in_memory_is_at_hand_though_it_did_not_change(tmp_path: Path) -> None:
    write(tmp_path, {"main": SMALL["main"], "b": SMALL["b"], "a": "this file is hidden\n"})
    over = Sources({"a.plain": SMALL["a"]})
    async with opened(tmp_path, sources=over) as bench:
        assert (await bench.build()).success
        write(tmp_path, {"b": "pub g = new\n"})
        result = await bench.build()
        assert (result.success, result.recompiled) == (True, ["a", "b", "main"])
        assert await everything(bench) == await from_nothing(
            {"main": SMALL["main"], "a": SMALL["a"], "b": "pub g = new\n"}
        )
    async with opened(tmp_path, sources=over) as bench:  # and for a Project that reads its snapshot
        write(tmp_path, {"b": "pub g = newer\n"})
        assert (await bench.build()).recompiled == ["a", "b", "main"]


async def test_an_edit_during_a_build_goes_to_the_next() -> None:
    toolchain, texts = Gate(), sources()

    def edit() -> None:
        texts["c.plain"] = "pub h = later\n"

    async with opened(texts, toolchain=toolchain) as bench:
        toolchain.when["b"] = edit
        first = await bench.build()
        assert first.recompiled == ["a", "b", "c", "main"]
        assert (await bench.project.cache.lookup("c")) is None  # what was compiled was the text before
        toolchain.when.clear()
        assert (await bench.build()).recompiled == ["c"]
        assert (await bench.build()).recompiled == []


# ------------------------------------------------------------------------------------------------ shared builds


async def build_into(bench: Bench, results: list[BuildResult]) -> None:
    results.append(await bench.project.build())


async def test_callers_share_what_has_not_begun() -> None:
    offload, texts = Slow(), sources()
    async with opened(texts, offload=offload) as bench:
        first: list[BuildResult] = []
        later: list[BuildResult] = []
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(build_into, bench, first)
            await offload.begun.wait()  # one build for the three
            for number in range(3):
                texts["c.plain"] = f"pub h = edit{number}\n"  # each of them has edits of its own
                group.start_soon(build_into, bench, later)
                await anyio.wait_all_tasks_blocked()
            assert first == []
            offload.held = False
            offload.go.set()
        assert [one.compiled_modules for one in first] == [4, 4, 4]
        assert [one.recompiled for one in later] == [["c"]] * 3
        assert len(bench.happened(BuildStarted)) == 2
        found = await bench.project.cache.lookup("c")
        assert found is not None and b"edit2" in found.data


async def test_another_request_is_another_build() -> None:
    async with opened(sources()) as bench:
        async with anyio.create_task_group() as group:
            group.start_soon(bench.project.build)
            group.start_soon(lambda: bench.project.build(force=True))
            group.start_soon(bench.project.graph)
        assert len(bench.happened(BuildStarted)) == 3


async def test_one_waiter_that_goes_does_not_cancel_the_build() -> None:
    offload = Slow()
    async with opened(sources(), offload=offload) as bench:
        results: list[BuildResult] = []
        async with anyio.create_task_group() as group:
            scope = anyio.CancelScope()

            async def impatient() -> None:
                with scope:
                    await bench.project.build()

            group.start_soon(impatient)
            group.start_soon(build_into, bench, results)
            await offload.begun.wait()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            offload.go.set()
        assert scope.cancelled_caught
        assert [one.success for one in results] == [True]
        assert bench.happened(BuildCancelled) == []


async def test_the_last_waiter_that_goes_cancels_the_build(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    offload = Slow()
    offload.held = False
    async with opened(tmp_path, offload=offload, jobs=1) as bench:
        result = await bench.build()
        assert result.program is not None
        program = result.program.read_bytes()
        write(tmp_path, {"b": "pub g = new\n", "c": "pub h = new\n"})
        offload.held = True
        bench.events.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(bench.project.build)
            await offload.begun.wait()
            group.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        # Which of two equal modules comes first depends on how long their first compiles took.
        under_way = {event.module for event in bench.happened(CompileStarted)}
        offload.held = False
        offload.go.set()
        bench.toolchain.calls.clear()
        again = await bench.project.build()
        assert len(bench.happened(BuildCancelled)) == 1
        assert len(under_way) == 1 and under_way < {"b", "c"}
        assert again.success and again.recompiled == sorted(
            {"a", "b", "c", "main"} - under_way
        )  # It was finished, and kept
        first = bench.events.index(bench.happened(BuildCancelled)[0])
        assert not any(isinstance(event, (ProgramWritten, BuildFinished)) for event in bench.events[:first])
        assert again.program is not None and again.program.read_bytes() != program


async def test_a_cancelled_build_leaves_snapshot_and_program_alone(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    toolchain = Gate()
    async with opened(tmp_path, toolchain=toolchain, jobs=1) as bench:
        result = await bench.build()
        assert result.program is not None
        places = [result.program, *sorted((tmp_path / ".ruchy-cache" / "snapshots").iterdir())]
        before = [(place.read_bytes(), place.stat().st_mtime_ns, place.stat().st_ino) for place in places]
        write(tmp_path, {"b": "pub g = new\n", "c": "pub h = new\n"})
        with anyio.CancelScope() as scope:
            toolchain.when["main"] = scope.cancel  # a and b are compiled by then
            await bench.build()
        assert scope.cancelled_caught
        await anyio.wait_all_tasks_blocked()
        assert len(bench.happened(BuildCancelled)) == 1
        assert bench.happened(ProgramWritten) == bench.happened(BuildFinished) == []
        assert [(place.read_bytes(), place.stat().st_mtime_ns, place.stat().st_ino) for place in places] == before
        toolchain.when.clear()
        again = await bench.build()
        assert again.success and not {"a", "b"} & set(again.recompiled)  # what was finished is reused
        assert await everything(bench) == await from_nothing({**SMALL, "b": "pub g = new\n", "c": "pub h = new\n"})


async def test_a_build_that_waits_for_its_turn_is_cancelled_without_a_trace() -> None:
    offload = Slow()
    async with opened(sources(), offload=offload) as bench:
        results: list[BuildResult] = []
        async with anyio.create_task_group() as group:
            group.start_soon(build_into, bench, results)
            await offload.begun.wait()
            with anyio.move_on_after(0):
                await bench.project.build()
            offload.go.set()
        assert len(results) == 1
        assert len(bench.happened(BuildStarted)) == 1


async def test_a_timeout_in_anyio() -> None:
    offload = Slow()
    async with opened(sources(), offload=offload) as bench:
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.01):
                await bench.project.build()
        offload.go.set()
        assert (await bench.project.build()).success


# ------------------------------------------------------------------------------------------------ native cancellation


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_wait_for_around_build() -> None:
    offload = Slow()
    async with opened(sources(), offload=offload) as bench:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(bench.project.build(), 0.01)
        offload.go.set()
        result = await asyncio.wait_for(bench.project.build(), 10)
        assert result.success
        assert len(bench.happened(BuildCancelled)) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_wait_for_around_open(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    running = tasks_running()
    offload = Slow()

    async def whole() -> None:
        async with opened(tmp_path, offload=offload) as bench:
            await bench.project.build()

    task = asyncio.ensure_future(whole())
    await offload.begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # again, while it closes
    offload.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tasks_running() == running
    async with opened(tmp_path) as bench:
        assert (await bench.build()).success


# ------------------------------------------------------------------------------------------------ closing and breaking


async def test_closing_during_a_build() -> None:
    offload = Slow()
    running = tasks_running()
    raised: list[BaseException] = []
    async with anyio.create_task_group() as group, opened(sources(), offload=offload) as bench:

        async def build() -> None:
            try:
                await bench.project.build()
            except Exception as error:
                raised.append(error)

        group.start_soon(build)
        await offload.begun.wait()
        offload.go.set()
    assert [type(error) for error in raised] in ([orchestrator.BuildCancelled], [ProjectError])
    assert bench.happened(ProgramWritten) == []
    assert tasks_running() == running


async def test_an_exception_of_the_body_leaves_as_itself() -> None:
    class Mine(Exception):
        pass

    with pytest.raises(Mine):
        async with opened(sources()) as bench:
            await bench.build()
            raise Mine
    with pytest.raises(KeyError):
        async with opened(sources()) as bench:
            async with anyio.create_task_group() as group:
                group.start_soon(bench.project.build)
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            raise KeyError("x")


class BrokenToolchain(PlainToolchain):
    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def identity(self) -> Digest:
        if self.at == "identity":
            raise ZeroDivisionError(self.at)
        return super().identity()

    def normalise(self, raw: bytes) -> bytes:
        if self.at == "normalise" and raw.startswith(b"bad"):
            raise ZeroDivisionError(self.at)
        return super().normalise(raw)


async def test_a_toolchain_without_an_identity() -> None:
    running = tasks_running()
    with pytest.raises(ProjectBroken) as caught:
        async with opened(sources(), toolchain=BrokenToolchain("identity")):
            raise AssertionError
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert tasks_running() == running


async def test_a_broken_project_says_why_again_and_again() -> None:
    running = tasks_running()
    async with opened(sources(), toolchain=BrokenToolchain("normalise")) as bench:
        assert (await bench.build()).success
        bench.project.sources["c.plain"] = "bad\n"
        causes: list[BaseException | None] = []

        async def fails(ask: Any) -> None:
            with pytest.raises(ProjectBroken) as caught:
                await ask()
            causes.append(caught.value.__cause__)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(fails, bench.project.build)
        for ask in (bench.project.build, bench.project.graph, bench.project.cache.statistics):
            await fails(ask)
        assert len(causes) == 6 and {type(cause) for cause in causes} == {ZeroDivisionError}
        await anyio.wait_all_tasks_blocked()
        assert tasks_running() <= running + 1  # SQLite may still have its own until the end
    assert tasks_running() == running


async def test_a_broken_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    running = tasks_running()

    async def receive(self: Planner, message: Source, reply: Cell) -> None:
        raise LookupError("a bug")

    async with opened(sources()) as bench:
        monkeypatch.setattr(Planner, "receive", receive)
        for _ in range(2):
            with pytest.raises(ProjectBroken, match="a bug") as caught:
                await bench.project.build()
            assert isinstance(caught.value.__cause__, LookupError)
    assert tasks_running() == running


# ------------------------------------------------------------------------------------------------ events


async def test_a_slow_reader_loses_the_oldest() -> None:
    async with opened(sources()) as bench, bench.project.events(size=3) as events:
        await bench.build()
        first = await anext(events)
        assert isinstance(first, EventsLost) and first.count == len(bench.events) - 3
        assert [await anext(events) for _ in range(3)] == bench.events[-3:]


async def test_a_reader_that_is_waited_for_loses_none() -> None:
    async with opened(sources()) as bench:
        seen: list[Any] = []
        async with bench.project.events(size=1, on_full="wait") as events, anyio.create_task_group() as group:
            group.start_soon(bench.project.build)
            async for event in events:
                seen.append(event)
                if isinstance(event, BuildFinished):
                    break
        assert seen == bench.events
        assert not any(isinstance(event, EventsLost) for event in seen)


async def test_events_end_with_the_project() -> None:
    seen: list[Any] = []

    async def read(bench: Bench) -> None:
        async with bench.project.events() as events:
            async for event in events:
                seen.append(event)

    async with anyio.create_task_group() as group, opened(sources()) as bench:
        group.start_soon(read, bench)
        await anyio.wait_all_tasks_blocked()
        await bench.build()
    assert seen == bench.events and seen != []


async def test_a_project_closes_though_its_events_wait_for_nobody() -> None:
    async with AsyncExitStack() as later:
        with anyio.fail_after(5):
            async with opened(sources()) as bench:
                events = await later.enter_async_context(bench.project.events(size=1, on_full="wait"))
                with anyio.move_on_after(0.02):
                    await bench.project.build()
        seen = [event async for event in events]  # those that stood before the end can still be read
    assert seen == bench.events and isinstance(seen[-1], BuildCancelled)


# ------------------------------------------------------------------------------------------------ running


@pytest.mark.slow
async def test_run_on_the_real_toolchain(tmp_path: Path) -> None:
    (tmp_path / "main.ruchy").write_text(
        'fun main() { println("said"); let mut none = 0; println(1 / none); none = 2; }\n'
    )
    async with orchestrator.open(tmp_path) as project:
        result = await project.run("one", stdin=b"in")
        assert (result.exit_code, result.stdout) == (134, b"said\n")
        assert b"main.ruchy:1" in result.stderr
        (tmp_path / "main.ruchy").write_text('fun main() { println("well"); }\n')
        result = await project.run()
        assert (result.exit_code, result.stdout, result.stderr) == (0, b"well\n", b"")
        with pytest.raises(ProjectError, match="is not a limit of a program"):
            await project.run(limits={"patience": 1})
        (tmp_path / "main.ruchy").write_text("fun main() { nothing(); }\n")
        with pytest.raises(ProjectError, match="no program"):
            await project.run()


async def test_run_of_broken_sources_raises_their_result() -> None:
    text = "fun main() {\n" + "    nothing();\n" * 5 + "}\n"
    async with orchestrator.open(Sources({"main.ruchy": text})) as project:
        with pytest.raises(BuildFailed) as caught:
            await project.run()
    failed = caught.value
    assert isinstance(failed, ProjectError)
    assert failed.result.failed == ["main"] and len(failed.result.diagnostics) == 5
    first, *named, last = str(failed).splitlines()
    assert first == "there is no program to run: the build failed"
    assert [line.partition(": ")[0] for line in named] == [f"  main.ruchy:{number}" for number in (2, 3, 4)]
    assert all("`nothing`" in line and line.endswith("]") for line in named)
    assert last == "  and 2 more"


async def test_run_without_an_entry_is_no_failed_build() -> None:
    async with orchestrator.open(Sources({"lib.ruchy": "pub fun one() -> i64 { 1 }"})) as project:
        with pytest.raises(ProjectError, match="no program to run") as caught:
            await project.run()
        assert not isinstance(caught.value, BuildFailed)


async def test_a_graph_says_what_is_wrong_with_it() -> None:
    async with orchestrator.open(Sources({"main.ruchy": "use nothing::here;\nfun main() {}\n"})) as project:
        graph = await project.graph()
        assert (graph.modules, graph.edges) == (("main",), ())
        (found,) = graph.diagnostics
        assert (found.severity, found.file, found.line) == ("error", "main.ruchy", 1)
        assert found.text == "use nothing::here;"
        project.sources["main.ruchy"] = "fun main() {}\n"
        assert (await project.graph()).diagnostics == ()
        del project.sources["main.ruchy"]
        assert [found.code for found in (await project.graph()).diagnostics] == ["E0811"]


def test_remove_is_a_change(tmp_path: Path) -> None:
    async def whole() -> None:
        write(tmp_path, SMALL)
        async with opened(tmp_path) as bench:
            await bench.build()
            remove(tmp_path, "c")
            assert (await bench.build()).cache_hits == 3

    anyio.run(whole)


async def test_two_modules_of_one_text_that_means_something_else_in_each_place() -> None:
    text = "use super::h::k;\npub fun f() -> i64 { k() }"
    texts = {f"{folder}/x.ruchy": text for folder in ("a", "b")}
    texts |= {f"{folder}/h.ruchy": f"pub fun k() -> i64 {{ {value} }}" for folder, value in (("a", 1), ("b", 2))}
    sources = Sources({"main.ruchy": "fun main() { println(a::x::f(), b::x::f()) }", **texts})
    async with orchestrator.open(sources, entry="main.ruchy") as project:
        assert (await project.run()).stdout == b"1 2\n"
        del sources["b/x.ruchy"]
        sources["c/x.ruchy"] = text
        sources["c/h.ruchy"] = "pub fun k() -> i64 { 3 }"
        sources["main.ruchy"] = "fun main() { println(a::x::f(), c::x::f()) }"
        assert (await project.run()).stdout == b"1 3\n"
