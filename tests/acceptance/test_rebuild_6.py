"""Acceptance, rebuild-6: parallel builds, in virtual time: the schedule is asserted, not the machine's cores."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from actors.offload import InlineOffload
from orchestrator import Sources
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Durations, in_virtual_time, named, opened


def duration_of_build(
    texts: dict[str, str], jobs: int, seconds: Callable[[str], float], *, waits: bool = False
) -> tuple[float, dict[str, tuple[float, float]]]:
    """Virtual seconds that a build from nothing takes, and when each module was compiled."""

    async def build() -> tuple[float, dict[str, tuple[float, float]]]:
        durations = Durations(seconds)
        settings = {"toolchain": PlainToolchain(waits=waits), "offload": InlineOffload(duration=durations)}
        async with opened(Sources(named(texts)), jobs=jobs, entry=None, **settings) as bench:
            result = await bench.build()
        assert result.success and result.recompiled == sorted(texts)
        return result.duration_ms / 1000, durations.spans

    return in_virtual_time(build)


INDEPENDENT = {f"module{number}": f"pub f{number} =\n" for number in range(40)}


def test_rebuild_6_parallel() -> None:
    one, spans = duration_of_build(INDEPENDENT, 1, lambda _: 1.0)
    four, _ = duration_of_build(INDEPENDENT, 4, lambda _: 1.0)
    assert one == pytest.approx(40.0)
    assert one / four >= 3.9
    ordered = sorted(spans.values())
    assert all(before[1] <= after[0] for before, after in pairwise(ordered))


def layered(chance: random.Random, layers: int = 8, width: int = 6) -> dict[str, list[str]]:
    """Modules in layers; each imports some of the layers below."""
    imports: dict[str, list[str]] = {}
    for layer in range(layers):
        below = list(imports)
        for number in range(chance.randint(2, width)):
            imports[f"l{layer}m{number}"] = chance.sample(below, min(len(below), chance.randint(1, 3)))
    return imports


def texts_of(imports: dict[str, list[str]]) -> dict[str, str]:
    return {
        module: "".join(f"use {target}::f as f{target}\n" for target in targets)
        + f"pub f = {' '.join(f'f{target}' for target in targets)}\n"
        for module, targets in imports.items()
    }


@pytest.mark.parametrize("seed", range(6))
def test_rebuild_6_critical_path(seed: int) -> None:
    chance = random.Random(seed)
    imports = layered(chance)
    seconds = {module: chance.uniform(0.2, 3.0) for module in imports}
    ready: dict[str, float] = {}
    for module, targets in imports.items():  # in order: imports stand before those who use them
        ready[module] = seconds[module] + max((ready[target] for target in targets), default=0.0)
    critical = max(ready.values())
    took, spans = duration_of_build(texts_of(imports), len(imports), seconds.__getitem__, waits=True)
    assert critical <= took + 1e-6
    assert took <= critical * 1.02
    assert spans.keys() == imports.keys()  # `Durations` refuses a module that comes twice
    for module, targets in imports.items():
        assert all(spans[target][1] <= spans[module][0] + 1e-9 for target in targets), f"{module} did not wait"


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_rebuild_6_few_workers(seed: int, jobs: int) -> None:
    """With too few workers all orders are legal still, nobody works on two modules, and Graham's bound holds."""
    chance = random.Random(seed)
    imports = layered(chance)
    seconds = {module: chance.uniform(0.2, 3.0) for module in imports}
    took, spans = duration_of_build(texts_of(imports), jobs, seconds.__getitem__, waits=True)
    for module, targets in imports.items():
        assert all(spans[target][1] <= spans[module][0] + 1e-9 for target in targets)
    moments = sorted({began for began, _ in spans.values()})
    assert max(sum(began <= now < ended - 1e-9 for began, ended in spans.values()) for now in moments) <= jobs
    longest: dict[str, float] = {}
    for module, targets in imports.items():
        longest[module] = seconds[module] + max((longest[target] for target in targets), default=0.0)
    assert took <= sum(seconds.values()) / jobs + max(longest.values()) + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_rebuild_6_cycles_do_not_wait_for_themselves(seed: int) -> None:
    chance = random.Random(seed)
    imports = layered(chance, layers=4, width=3)
    top = list(imports)[-1]
    imports["l0m0"] = [top]  # may close a cycle through many layers
    _, spans = duration_of_build(texts_of(imports), 4, lambda _: 1.0, waits=True)
    assert spans.keys() == imports.keys()
