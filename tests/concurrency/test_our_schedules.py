"""Our own actors, and whole builds, under schedules: some thousands in `make test`, twenty times as many in
`make test-long`; the smallest scenarios under all that there are."""

from __future__ import annotations

import pytest

from tests.concurrency import scenarios
from tests.concurrency.scenarios import Scenario

BOTH = ["random", "pct"]

SCENARIOS: list[tuple[Scenario, int]] = [
    (scenarios.asks, 300),
    (scenarios.asks_slowly, 50),
    (scenarios.tells, 300),
    (scenarios.tells_slowly, 50),
    (scenarios.gives_up, 350),
    (scenarios.stops, 350),
    (scenarios.breaks, 250),
    (scenarios.pool_jobs, 200),
    (scenarios.pool_cancelled, 200),
    (scenarios.keeper_crowd, 100),
    (scenarios.builds_twice, 60),
    (scenarios.two_requests, 50),
    (scenarios.waits_for_imports, 50),
    (scenarios.fails_early, 50),
    (scenarios.everyone_sees_their_edits, 50),
    (scenarios.cancelled, 60),
    (scenarios.cancelled_early, 30),
    (scenarios.closed, 60),
    (scenarios.looked_up_and_collected, 30),
    (scenarios.two_processes, 30),
    (scenarios.shared_elsewhere, 30),
]
"""Each scenario, and how many schedules of either strategy `make test` runs of it: many of the small ones."""

FAULTY = 10
"""Seeds of faults, and schedules of either strategy for each."""

SMALL: list[tuple[Scenario, str, int]] = [
    (scenarios.two_tells, "exhaustive", 48),
    (scenarios.gives_up, "exhaustive:0", 0),
    (scenarios.pool_cancelled, "exhaustive:0", 18),
]
"""What is run under all schedules, and how many those are (0: not said)."""


def test_there_are_enough_schedules() -> None:
    """What `make test` promises; `make test-long` runs twenty times as many."""
    assert 2 * sum(count for _, count in SCENARIOS) + 2 * FAULTY * FAULTY >= 5_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, id=scenario.__name__, marks=pytest.mark.schedules(count, strategy=BOTH))
        for scenario, count in SCENARIOS
    ],
)
async def test_scenario(scenario: Scenario) -> None:
    await scenario()


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            scenario, id=scenario.__name__, marks=pytest.mark.schedules(max(5, count // 20), backend="asyncio")
        )
        for scenario, count in SCENARIOS
    ],
)
async def test_scenario_on_asyncio(scenario: Scenario) -> None:
    await scenario()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FAULTY))
@pytest.mark.schedules(FAULTY, strategy=BOTH)
async def test_builds_with_faults(seed: int) -> None:
    await scenarios.faulty(seed)()


@pytest.mark.slow
@pytest.mark.schedules(3, twice=True)
@pytest.mark.parametrize("scenario", [scenario for scenario, _ in SCENARIOS], ids=lambda scenario: scenario.__name__)
async def test_nothing_uncontrolled_is_left(scenario: Scenario) -> None:
    await scenario()


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "strategy", "count"), SMALL, ids=lambda one: getattr(one, "__name__", str(one)))
def test_small_scenarios_under_all_schedules(scenario: Scenario, strategy: str, count: int) -> None:
    from orchestrator.testing.schedules import explore

    found = explore(scenario, strategy, 5_000)
    found.check()
    assert found.complete
    assert found.distinct == found.schedules
    assert found.schedules == count or not count
