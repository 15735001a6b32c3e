"""Run a scenario under many schedules, and say of the first that fails how to see it again."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple

from orchestrator.testing.schedules.director import STEPS, Director, Endless, Uncontrolled
from orchestrator.testing.schedules.policy import Policy, Written, policy_of
from orchestrator.testing.schedules.strategy import Exhaustive, Pct, Random, Strategy
from orchestrator.testing.schedules.trace import Trace

Backend = Literal["trio", "asyncio"]

Scenario = Callable[[], Awaitable[Any]]
"""An async function that makes all that it needs, anew in each run: what it leaves behind, the next run would find."""


class Outcome(NamedTuple):
    """One schedule that was run: the scenario's value, or what it raised (never in a group of one), and the trace."""

    value: Any
    error: BaseException | None
    trace: Trace
    policy: Policy

    @property
    def failed(self) -> bool:
        return self.error is not None


class Failure(NamedTuple):
    """A schedule that fails: `error` as the shortest one found raises it, and how to get there."""

    error: BaseException
    schedule: str
    """The shortest schedule found, as its choices: what `replay` takes."""
    trace: Trace
    """What it does, with places."""
    found: str
    """The schedule that failed first, by its policy's key."""
    after: int
    """How many schedules had been run, this one counted."""
    first: Trace
    backend: Backend

    def __str__(self) -> str:
        return self.told("")

    def told(self, command: str) -> str:
        """What happened, and how to see it again: by `command` and the schedule."""
        from orchestrator.testing.schedules.table import table

        kind = type(self.error).__name__
        switches = f"{self.trace.switches} context switches, shortened from {self.first.switches}"
        return (
            f"schedule {self.found} failed, after {self.after} ({switches}):\n\n{table(self.trace)}\n"
            f"  fails: {kind}: {str(self.error).splitlines()[0] if str(self.error) else ''}\n\n"
            f"replay: {command}{self.schedule}"
        )


class Exploration(NamedTuple):
    """What came of it. `distinct` counts schedules that differ; `complete`: there are no others within the bound."""

    schedules: int
    distinct: int
    complete: bool
    failure: Failure | None
    seconds: float
    strategy: str

    def check(self) -> None:
        """Raise what the shortest failing schedule raised, with a note of how to replay it."""
        if self.failure is not None:
            self.failure.error.add_note(str(self.failure))
            raise self.failure.error


def run(
    scenario: Scenario,
    policy: Policy,
    *,
    backend: Backend = "trio",
    steps: int = STEPS,
    places: bool = False,
) -> Outcome:
    """Run a scenario once, under one policy. `places` has the trace say which lines ran, which takes longer."""
    if backend == "trio":
        from orchestrator.testing.schedules import on_trio as loop
    else:
        from orchestrator.testing.schedules import on_asyncio as loop  # type: ignore[no-redef]
    director = Director(policy, loop.name_of, steps)
    value, error = None, None
    try:
        value = loop.run(scenario, director, places)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:
        error = alone(raised)
    return Outcome(value, director.problem or error, director.trace, policy)


def replay(scenario: Scenario, schedule: str, *, backend: Backend = "trio", steps: int = STEPS) -> Outcome:
    """Run the schedule that a failure printed (`12:1,40:2`), or one by its key (`random:17`, `pct:3:40:17`)."""
    return run(scenario, policy_of(schedule), backend=backend, steps=steps, places=True)


def explore(
    scenario: Scenario,
    strategy: str | Strategy = "random",
    schedules: int = 1000,
    *,
    seed: int = 0,
    backend: Backend = "trio",
    seconds: float | None = None,
    twice: bool = False,
    shorten: bool = True,
    steps: int = STEPS,
) -> Exploration:
    """Run a scenario under many schedules, until one fails, `schedules` were run or `seconds` have passed.

    `strategy` is "random", "pct", "exhaustive" or one made by hand. `twice` runs each schedule a second time, and fails
    with `Uncontrolled` where the two differ. What fails is shortened, unless `shorten` is off.
    """
    chosen = strategy_of(strategy, seed) if isinstance(strategy, str) else strategy
    began = time.perf_counter()
    seen: set[int] = set()
    last: Trace | None = None
    count = 0
    failure = None
    while count < schedules and (seconds is None or time.perf_counter() - began < seconds):
        policy = chosen.next(last)
        if policy is None:
            break
        outcome = run(scenario, policy, backend=backend, steps=steps)
        last = outcome.trace
        count += 1
        seen.add(hash(tuple(last.labels)))
        if twice:
            prove(scenario, outcome, backend=backend, steps=steps)
        if outcome.failed:
            failure = failure_of(scenario, outcome, count, backend, shorten=shorten, steps=steps)
            break
    else:
        chosen.next(last)  # Lets an exhaustive one find out that this was the last.
    return Exploration(count, len(seen), chosen.complete, failure, time.perf_counter() - began, chosen.name)


def strategy_of(name: str, seed: int = 0) -> Strategy:
    """A strategy by its name: "random", "pct", "pct:DEPTH", "exhaustive", "exhaustive:PREEMPTIONS". Raises
    ValueError."""
    kind, _, number = name.partition(":")
    if kind == "random" and not number:
        return Random(seed)
    if kind == "pct" and (number or "3").isdecimal():
        return Pct(int(number or "3"), seed)
    if kind == "exhaustive" and (number or "0").isdecimal():
        return Exhaustive(int(number) if number else None)
    raise ValueError(f'a strategy is "random", "pct", "pct:3", "exhaustive" or "exhaustive:2", not {name!r}')


def prove(scenario: Scenario, outcome: Outcome, *, backend: Backend = "trio", steps: int = STEPS) -> None:
    """Run the same choices again. Raises `Uncontrolled` where anything else comes of them."""
    choices = {number: choice.taken for number, choice in enumerate(outcome.trace.choices)}
    again = run(scenario, Written(choices), backend=backend, steps=steps)
    difference = _difference(outcome, again)
    if difference:
        raise Uncontrolled(f"the same choices were made again, and {difference}")


def _difference(one: Outcome, two: Outcome) -> str:
    labels = list(zip(one.trace.labels, two.trace.labels, strict=False))
    apart = next((number for number, (before, after) in enumerate(labels) if before != after), None)
    if apart is not None:
        return f"step {apart + 1} was of {labels[apart][0]} the first time, and then of {labels[apart][1]}"
    if len(one.trace.labels) != len(two.trace.labels):
        return f"the first run had {len(one.trace.labels)} steps, and the second {len(two.trace.labels)}"
    if [choice.of for choice in one.trace.choices] != [choice.of for choice in two.trace.choices]:
        return "not the same tasks could run"
    if type(one.error) is not type(two.error):
        return f"the first run ended with {one.error!r}, and the second with {two.error!r}"
    if one.trace.seconds != two.trace.seconds:
        return f"the first run took {one.trace.seconds} virtual seconds, and the second {two.trace.seconds}"
    return ""


def failure_of(
    scenario: Scenario, outcome: Outcome, after: int, backend: Backend, *, shorten: bool, steps: int = STEPS
) -> Failure:
    """The failure with the shortest schedule that can be found for it."""
    from orchestrator.testing.schedules.shorten import shortest

    assert outcome.error is not None
    best = outcome
    if shorten and not isinstance(outcome.error, (Endless, Uncontrolled)):
        best = shortest(lambda policy: run(scenario, policy, backend=backend, steps=steps), outcome)
    shown = run(scenario, policy_of(best.trace.schedule), backend=backend, steps=steps, places=True)
    if shown.error is None or type(shown.error) is not type(outcome.error):
        difference = f"schedule {best.trace.schedule} failed ({best.error!r}), and then, run again, it did not"
        raise Uncontrolled(difference) from outcome.error
    return Failure(shown.error, best.trace.schedule, shown.trace, outcome.policy.key, after, outcome.trace, backend)


def alone(error: BaseException) -> BaseException:
    """An exception without the groups of one that it is in."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
