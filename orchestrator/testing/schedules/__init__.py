"""Find races, and find them again: run async code under schedules that the harness chooses.

    exploration = explore(scenario, "pct", 1000)     # an async function that makes all that it needs
    exploration.check()                              # raises, with a line that replays, where a schedule fails
    replay(scenario, "12:1,40:2")                    # that one again

`docs/testing-concurrency.md` teaches it; with pytest, `orchestrator.testing.plugin` does the above for a marker.
"""

from orchestrator.testing.schedules.cancelling import cancellable, invariant
from orchestrator.testing.schedules.checks import bounded, cancellation_safe, fair
from orchestrator.testing.schedules.director import Deadlock, Endless, LeftBehind, Problem, Uncontrolled
from orchestrator.testing.schedules.explore import Exploration, Failure, explore, prove, replay, run
from orchestrator.testing.schedules.network import network
from orchestrator.testing.schedules.outcome import Outcome
from orchestrator.testing.schedules.policy import AtRandom, ByPriority, Cancels, Policy, Written, policy_of
from orchestrator.testing.schedules.strategy import Deviations, Exhaustive, Pct, Portfolio, Random, Strategy
from orchestrator.testing.schedules.table import table
from orchestrator.testing.schedules.trace import Choice, CodePlace, Trace

__all__ = [
    "AtRandom",
    "ByPriority",
    "Cancels",
    "Choice",
    "CodePlace",
    "Deadlock",
    "Deviations",
    "Endless",
    "Exhaustive",
    "Exploration",
    "Failure",
    "LeftBehind",
    "Outcome",
    "Pct",
    "Policy",
    "Portfolio",
    "Problem",
    "Random",
    "Strategy",
    "Trace",
    "Uncontrolled",
    "Written",
    "bounded",
    "cancellable",
    "cancellation_safe",
    "explore",
    "fair",
    "invariant",
    "network",
    "policy_of",
    "prove",
    "replay",
    "run",
    "table",
]
