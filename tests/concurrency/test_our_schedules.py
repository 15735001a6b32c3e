"""Our own actors, and whole builds, under schedules: some thousands in `make test`, twenty times as many in
`make test-long`; the smallest scenes under all that there are."""

from __future__ import annotations

import pytest

from tests.concurrency import scenes
from tests.concurrency.scenes import Scene

BOTH = ["random", "pct"]

SCENES: list[tuple[Scene, int]] = [
    (scenes.asks, 300),
    (scenes.asks_slowly, 50),
    (scenes.tells, 300),
    (scenes.tells_slowly, 50),
    (scenes.gives_up, 350),
    (scenes.stops, 350),
    (scenes.breaks, 250),
    (scenes.pool_jobs, 200),
    (scenes.pool_cancelled, 200),
    (scenes.keeper_crowd, 100),
    (scenes.builds_twice, 60),
    (scenes.two_requests, 50),
    (scenes.waits_for_imports, 50),
    (scenes.fails_early, 50),
    (scenes.everyone_sees_their_edits, 50),
    (scenes.cancelled, 60),
    (scenes.cancelled_early, 30),
    (scenes.closed, 60),
    (scenes.looked_up_and_collected, 30),
    (scenes.two_processes, 30),
]
"""Each scene, and how many schedules of either strategy `make test` runs of it: many of the small ones."""

FAULTY = 10
"""Seeds of faults, and schedules of either strategy for each."""

SMALL: list[tuple[Scene, str, int]] = [
    (scenes.two_tells, "exhaustive", 48),
    (scenes.gives_up, "exhaustive:0", 0),
    (scenes.pool_cancelled, "exhaustive:0", 18),
]
"""What is run under all schedules, and how many those are (0: not said)."""


def test_there_are_enough_schedules() -> None:
    """What `make test` promises; `make test-long` runs twenty times as many."""
    assert 2 * sum(count for _, count in SCENES) + 2 * FAULTY * FAULTY >= 5_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(scene, id=scene.__name__, marks=pytest.mark.schedules(count, strategy=BOTH))
        for scene, count in SCENES
    ],
)
async def test_scene(scene: Scene) -> None:
    await scene()


@pytest.mark.slow
@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(scene, id=scene.__name__, marks=pytest.mark.schedules(max(5, count // 20), backend="asyncio"))
        for scene, count in SCENES
    ],
)
async def test_scene_on_asyncio(scene: Scene) -> None:
    await scene()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FAULTY))
@pytest.mark.schedules(FAULTY, strategy=BOTH)
async def test_builds_with_faults(seed: int) -> None:
    await scenes.faulty(seed)()


@pytest.mark.slow
@pytest.mark.schedules(3, twice=True)
@pytest.mark.parametrize("scene", [scene for scene, _ in SCENES], ids=lambda scene: scene.__name__)
async def test_nothing_uncontrolled_is_left(scene: Scene) -> None:
    await scene()


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "strategy", "count"), SMALL, ids=lambda one: getattr(one, "__name__", str(one)))
def test_small_scenes_under_all_schedules(scene: Scene, strategy: str, count: int) -> None:
    from orchestrator.testing.schedules import explore

    found = explore(scene, strategy, 5_000)
    found.check()
    assert found.complete
    assert found.distinct == found.schedules
    assert found.schedules == count or not count
