"""Whole builds in a simulated world: nothing touches the machine, processes crash, and the next ones build right."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import anyio
import pytest

from actors.compiler.pool import INLINE_BYTES
from actors.events import CompileStarted
from orchestrator import BuildResult, ProjectBroken
from orchestrator.testing.faults import Crashed, Faults, crash, delay, fail, kill, lose
from orchestrator.testing.scripted import CompileStep, ScriptedToolchain, crashes, dies, fails, hangs, takes
from orchestrator.testing.world import PROJECT, Process, World
from tests.helpers.plain_builds import from_nothing, in_virtual_time

PLAIN = {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n"}
TRIO = pytest.mark.parametrize("anyio_backend", ["trio"])


def world_of(texts: dict[str, str] = PLAIN, toolchain: ScriptedToolchain | None = None, **more: bool) -> World:
    world = World(toolchain, **more)
    world.write(texts)
    return world


async def built(process: Process, **settings: object) -> BuildResult:
    async with process.open(**settings) as project:
        return await project.build()


async def is_whole(world: World) -> None:
    """A new process builds what a build from nothing makes, and finds no damage that was not put aside."""
    async with world.open() as project:
        result = await project.build()
        assert result.success and result.cache_degraded is None
        modules = sorted(world.modules())
        if None in (await project.cache.lookup_all(modules)).values():
            await project.build()  # What could not be stored is made when somebody asks for it.
        found = await project.cache.lookup_all(modules)
        objects = {module: one.data if one else None for module, one in found.items()}
        assert result.program is not None
        program = world.disk.read(str(result.program))
        assert (objects, program) == await from_nothing(world.modules())
        assert (await project.cache.verify()).damage == ()
    async with world.open() as project:
        again = await project.build()
        assert (again.recompiled, again.success) == ([], True)


# ------------------------------------------------------------------------------------------------ a world


@pytest.mark.anyio
async def test_a_project_lives_on_a_disk_in_memory_alone() -> None:
    world = world_of()
    first = await built(world.process())
    assert first.recompiled == ["a", "b", "main"] and first.program == Path(PROJECT) / "build" / "main.wasm"
    assert world.disk.is_regular(str(first.program))
    names = {path.split("/")[2] for path in world.disk.files(PROJECT)}
    assert names == {".ruchy-cache", "main.plain", "a.plain", "b.plain", "build"}
    world.write({"b": "pub g = new\n"})
    second = await built(world.process())
    assert (second.recompiled, second.cache_hits) == (["a", "b", "main"], 0)
    world.remove("b")
    assert (await built(world.process())).failed == ["a"]


def test_nothing_of_it_is_on_the_machine() -> None:
    anyio.run(test_a_project_lives_on_a_disk_in_memory_alone)
    assert not Path(PROJECT).exists()


@pytest.mark.anyio
async def test_settings_are_read_from_the_disk_in_memory() -> None:
    world = world_of()
    world.disk.write(f"{PROJECT}/wasmill.toml", b'[build]\noutput = "out/p.wasm"\n[cache]\neviction = "fifo"\n')
    async with world.open() as project:
        assert project.config.cache.eviction == "fifo"
        assert (await project.build()).program == Path(PROJECT) / "out" / "p.wasm"


@pytest.mark.anyio
async def test_two_processes_share_a_cache() -> None:
    world = world_of()
    world.write(PLAIN, "/other")
    async with world.open() as one, world.open("/other", folder=f"{PROJECT}/.ruchy-cache") as two:
        results: list[BuildResult] = []

        async def build(project: object) -> None:
            results.append(await project.build())  # type: ignore[attr-defined]

        async with anyio.create_task_group() as group:
            group.start_soon(build, one)
            group.start_soon(build, two)
        assert [result.cache_degraded for result in results] == [None, None]
        statistics = await one.cache.statistics()
        assert statistics.hits + statistics.misses == 6 and statistics.entries == 4
    assert world.disk.locks == {} and world.disk.writers == {}


# ------------------------------------------------------------------------------------------------ what goes wrong

CRASHES = ["disk.create", "disk.rename", "disk.append", "index.insert", "index.commit", "offload.keep"]


@pytest.mark.anyio
@pytest.mark.parametrize("when", ["before", "half", "after"])
@pytest.mark.parametrize(
    "hop", ["disk.create", "disk.rename", "index.insert", "index.commit", "offload.keep", "disk.lock"]
)
async def test_after_a_crash_the_next_process_builds_right(hop: str, when: str) -> None:
    world = world_of()
    process = world.process(Faults().on(hop, crash(when), at=2))
    with pytest.raises(ProjectBroken) as broken:
        await built(process)
    assert isinstance(broken.value.__cause__, Crashed) and len(process.faults.injected) == 1
    assert world.disk.locks == {} and world.disk.writers == {}
    await is_whole(world)


@TRIO
@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(12))
async def test_after_a_power_cut_too(seed: int) -> None:
    chance = Random(seed)
    world = world_of()
    await built(world.process())
    if chance.random() < 0.5:
        world.disk.sync()
    world.write({"b": "pub g = new\n"})
    process = world.process(Faults().on("disk.*", crash("half"), at=chance.randrange(5, 80)))
    with suppress(ProjectBroken, Crashed):  # or it came through before
        await built(process)
    world.power_cut(chance, in_order=chance.random() < 0.3)
    async with world.open() as project:
        await project.build()
        await project.cache.verify()  # puts aside what was torn
    await is_whole(world)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.slow
def test_faults_by_seed_are_survived_and_replay(seed: int) -> None:
    """Whatever the disk does to the cache, a build ends, and what the cache keeps is right. (A source that is read
    wrongly, and has the stamp of the right one, is a wrong source.)"""
    in_virtual_time(partial(_survive, seed))


async def _survive(seed: int) -> None:
    plans = []
    for faults in (
        Faults.seeded(seed, rate=0.03, kinds=("fail", "lose", "tear", "flip"), hops="[di]*", path="/.ruchy-cache"),
        None,
    ):
        world = world_of()
        process = world.process(faults or Faults.parse(plans[0]))
        async with process.open() as project:
            outcome = await project.build()
        plans.append(process.faults.plan())
        async with world.open() as project:
            await project.build()
            await project.cache.verify()
        if outcome.success:
            await is_whole(world)
    assert plans[0] == plans[1]


@pytest.mark.anyio
async def test_the_third_store_fails_and_the_build_goes_on() -> None:
    world = world_of()
    process = world.process(Faults().on("disk.create", fail("EIO"), at=3, path="/metadata/"))
    async with process.open() as project:
        result = await project.build()
    assert result.success and result.cache_degraded == "storing: Input/output error"
    assert [str(one).split(" (")[0] for one in process.faults.injected] == ["disk.create@7 fail EIO"]
    await is_whole(world)


# ------------------------------------------------------------------------------------------------ scripts


SCRIPTS: dict[str, tuple[dict[str, CompileStep | list[CompileStep]], list[str], list[str]]] = {
    "fails once": ({"b": [fails("no good"), takes(1.0)]}, ["b"], []),
    "crashes once": ({"b": [crashes(), takes(1.0)]}, ["b"], []),
    "fails": ({"b": fails("no good")}, ["b"], ["b"]),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_compile_does_as_its_script_says(name: str) -> None:
    script, first_failed, then_failed = SCRIPTS[name]

    async def main() -> tuple[BuildResult, BuildResult]:
        async with world_of(toolchain=ScriptedToolchain(script, otherwise=takes(2.0))).open(jobs=1) as project:
            return await project.build(), await project.build()

    first, then = in_virtual_time(main)
    assert (first.failed, then.failed) == (first_failed, then_failed)
    codes = {"fails once": "E0201", "crashes once": "E0901", "fails": "E0201"}
    assert [one.code for one in first.diagnostics] == [codes[name]]


def test_compiles_take_virtual_time() -> None:
    async def main() -> float:
        toolchain = ScriptedToolchain({"main": takes(60.0)}, otherwise=takes(1.0))
        async with world_of(toolchain=toolchain).open(jobs=3) as project:
            return (await project.build()).duration_ms

    assert in_virtual_time(main) == pytest.approx(60_000)


def test_a_compile_that_hangs_can_be_cancelled() -> None:
    async def main() -> float:
        toolchain = ScriptedToolchain({"b": [hangs(), takes(0.0)]})
        async with world_of(toolchain=toolchain).open() as project:
            with anyio.move_on_after(3) as scope:
                await project.build()
            assert scope.cancelled_caught
            ended = anyio.current_time()
            async with anyio.create_task_group() as group:
                group.start_soon(project.build)
                await anyio.sleep(1)
                group.cancel_scope.cancel()
        return ended

    assert in_virtual_time(main) == pytest.approx(3.0)


# ------------------------------------------------------------------------------------------------ simulated workers


BIG = "pub f =\n" + "#" * (INLINE_BYTES + 1)
"""So large that it is compiled in a worker, whatever a build has before it."""


def in_workers(
    script: dict[str, CompileStep | list[CompileStep]], faults: Faults | None = None, **settings: object
) -> tuple[BuildResult, list[list[tuple[str, str]]], float, list[bool]]:
    """A build in simulated workers: its result, what each worker began to compile, virtual seconds, who still runs."""

    async def main() -> tuple[BuildResult, list[list[tuple[str, str]]], float, list[bool]]:
        toolchain = ScriptedToolchain(script, otherwise=takes(1.0))
        texts = {f"m{number}": BIG for number in range(6)} | {"main": "run m1::f\n"}
        world = world_of(texts, toolchain, workers=True)
        process = world.process(faults)
        began = anyio.current_time()
        started: list[CompileStarted] = []
        async with process.open(jobs=2, **settings) as project:
            project.listen(lambda event: started.append(event) if isinstance(event, CompileStarted) else None)
            result = await project.build()
            seconds = anyio.current_time() - began
        children = process.offload.children
        compiled = [[one for one in child.started if one[0] == "compile_module"] for child in children]
        return result, compiled, seconds, [child.running for child in children]

    return in_virtual_time(main)


def test_workers_compile_side_by_side_in_virtual_time() -> None:
    result, compiled, seconds, running = in_workers({})
    assert result.success and result.compiled_modules == 7
    assert 3.0 < seconds < 5.0, "six seconds of work, by two"
    assert len(compiled) == 2 and running == [False, False]
    assert sorted(module for worker in compiled for _, module in worker if module != "main") == [
        f"m{number}" for number in range(6)
    ]


def test_a_worker_that_dies_over_a_job_is_replaced_and_the_job_done_again() -> None:
    result, compiled, _, running = in_workers({"m3": [dies(), takes(1.0)]})
    assert result.success and not any(running)
    assert sum(("compile_module", "m3") in worker for worker in compiled) == 2


def test_a_module_that_kills_every_worker_fails() -> None:
    result, *_, running = in_workers({"m3": dies()})
    assert result.failed == ["m3"] and not any(running)
    assert "was killed (SIGKILL)" in result.diagnostics[0].message


def test_a_compile_that_hangs_is_stopped_by_its_timeout() -> None:
    result, *_, seconds, running = in_workers({"m3": hangs()}, timeout=30.0)
    assert result.failed == ["m3"] and "longer than 30 s" in result.diagnostics[0].message
    assert 30 < seconds < 40 and not any(running)


def test_a_reply_that_is_lost_is_a_timeout_and_a_delay_is_not() -> None:
    result, *_ = in_workers({}, Faults().on("worker.compile_module", lose(), path="m3"), timeout=30.0)
    assert result.failed == ["m3"]
    result, *_, seconds, _ = in_workers({}, Faults().on("worker.compile_module", delay(20), path="m3"), timeout=30.0)
    assert result.success and seconds > 20


@pytest.mark.parametrize("hop", ["worker.start", "worker.compile_module", "worker.summarise"])
def test_a_killed_worker_costs_time_and_nothing_else(hop: str) -> None:
    faults = Faults().on(hop, kill())
    result, *_, running = in_workers({}, faults)
    assert result.success and len(faults.injected) == 1 and not any(running)


def test_a_crash_takes_the_workers_along() -> None:
    async def main() -> list[bool]:
        texts = {f"m{number}": BIG for number in range(6)} | {"main": "run m1::f\n"}
        world = world_of(texts, ScriptedToolchain(otherwise=takes(1.0)), workers=True)
        process = world.process(Faults().on("worker.compile_module", crash("after"), at=3))
        with pytest.raises(ProjectBroken):
            await built(process)
        await is_whole(world)
        return [child.alive for child in process.offload.children]

    assert in_virtual_time(main) == [False, False]
