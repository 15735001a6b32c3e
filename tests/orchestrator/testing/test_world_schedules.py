"""A build in a simulated world leaves nothing to luck: the same choices give the same steps, whatever goes wrong."""

from __future__ import annotations

import anyio
import pytest

from orchestrator import ProjectBroken
from orchestrator.testing.faults import Faults, crash
from orchestrator.testing.laws import MessageLaws
from orchestrator.testing.schedules import AtRandom, explore, prove, run
from orchestrator.testing.scripted import ScriptedToolchain, dies, takes
from orchestrator.testing.world import World

TEXTS = {"main": "run a::f\n", "a": "use b::g as x\npub f = x\n", "b": "pub g =\n"}
LARGE = "#" * 200_000


def world_of(**more: bool) -> World:
    world = World(ScriptedToolchain({"b": [dies(), takes(1.0)] if more else takes(2.0)}, otherwise=takes(1.0)), **more)
    world.write({module: text + LARGE if more else text for module, text in TEXTS.items()})
    return world


async def faulty_disk() -> None:
    world, laws = world_of(), MessageLaws()
    faults = Faults.seeded(3, rate=0.03, kinds=("fail", "delay", "reorder", "flip"))
    async with world.process(faults).open(tap=laws) as project:
        laws.watch(project)
        async with anyio.create_task_group() as group:
            group.start_soon(project.build)
            group.start_soon(project.cache.statistics)
            group.start_soon(project.build)
    laws.check()


async def dying_workers() -> None:
    async with world_of(workers=True).open() as project:
        assert (await project.build()).success


async def crashing_process() -> None:
    world = world_of()
    with pytest.raises(ProjectBroken):
        async with world.process(Faults().on("disk.create", crash("half"), at=4)).open() as project:
            await project.build()
    world.power_cut()
    async with world.open() as project:
        assert (await project.build()).success


SCENARIOS = (faulty_disk, dying_workers, crashing_process)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_same_choices_give_the_same_steps(scenario: object) -> None:
    for seed in range(3):
        outcome = run(scenario, AtRandom(seed))  # type: ignore[arg-type]
        assert outcome.error is None
        prove(scenario, outcome)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_no_order_of_steps_breaks_them(scenario: object) -> None:
    explored = explore(scenario, "random", 10)  # type: ignore[arg-type]
    explored.check()
    assert explored.distinct == 10
