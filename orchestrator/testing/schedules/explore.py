"""Runs a scenario under many schedules, and says how to repeat the first one that fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, Protocol

from orchestrator.testing.schedules.director import STEPS, Director, Endless, Problem, Uncontrolled
from orchestrator.testing.schedules.frames import raised_at, without_loops
from orchestrator.testing.schedules.fresh import Fresh
from orchestrator.testing.schedules.outcome import Outcome, alike
from orchestrator.testing.schedules.policy import Cancels, Policy, Written, before_choices, policy_of
from orchestrator.testing.schedules.shorten import Shortest, shortest
from orchestrator.testing.schedules.strategy import Deviations, Exhaustive, Pct, Portfolio, Random, Strategy
from orchestrator.testing.schedules.trace import CANCEL, LOST, Trace

Backend = Literal["trio", "asyncio"]
DEFAULT_BACKEND: Backend = "trio" if find_spec("trio") is not None else "asyncio"

Order = Literal["any", "fifo"]

Scenario = Callable[[], Awaitable[object]]
"""An async function that makes everything that it needs anew in each run, because the next run would find what it
leaves behind."""


class _LoopModule(Protocol):
    """What `on_asyncio` and `on_trio` have."""

    def name_of(self, task: Any, /) -> str: ...
    def run(self, scenario: Any, director: Director[Any], places: bool = False, /) -> object: ...


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
    """The number of schedules that had been run, including this one."""
    first: Trace
    backend: Backend
    fifo: bool | None = None
    """Whether a loop that runs tasks in FIFO order, as asyncio's does, can come to this failure; None where it is not
    known, and on Trio, which promises no order."""
    order: str = ""
    """What is known about that, in a line."""

    def __str__(self) -> str:
        return self.told("")

    def told(self, command: str) -> str:
        """Says what happened, and how to repeat it: by `command` and the schedule. The first line says it all."""
        from orchestrator.testing.schedules.table import table

        switches = f"{_counted(self.trace.switches, 'context switch')}, shortened from {self.first.switches}"
        order = f"  {self.order}\n" if self.order else ""
        return (
            f"{fails(self.error)}{self._cancelled()}\n"
            f"schedule {self.found} failed, after {self.after} ({switches}):\n\n{table(self.trace)}\n{order}\n"
            f"replay: {command}{self.schedule}"
        )

    def _cancelled(self) -> str:
        """Who was cancelled where, if anybody was."""
        cancelled = []
        for step, label in enumerate(self.trace.labels):
            if label.startswith(CANCEL):
                place = self.trace.places[step][0] if step < len(self.trace.places) else None
                what = "lost" if place == LOST else f"cancelled{f' at {place}' if place else ''}"
                cancelled.append(f"{label.removeprefix(CANCEL)} was {what}")
        return f" ({', and '.join(cancelled)})" if cancelled else ""


class Exploration(NamedTuple):
    """The result of an exploration. `distinct` counts schedules that differ; `complete`: there are no others within the
    bound. `explored` is the share of them that were run, 0 to 1, where a strategy knows: an estimate, for all branches
    of a choice are taken to be of one size."""

    schedules: int
    distinct: int
    complete: bool
    failure: Failure | None
    seconds: float
    strategy: str
    explored: float | None = None

    def __str__(self) -> str:
        """One line: the number of schedules, and whether these are all."""
        count = _counted(self.schedules, "schedule")
        if self.complete:
            bound = self.strategy.partition(":")[2]
            within = f" of at most {_counted(int(bound), 'preemption')}" if bound else ""
            return f"{self.strategy}: complete: {count}, and there are no others{within}"
        if self.failure is not None:
            return f"{self.strategy}: {count}, and the last one failed"
        if self.explored is not None:
            return f"{self.strategy}: not complete: {count}, {_percent(self.explored)} of what there is"
        return f"{self.strategy}: {count}, {self.distinct:,} of them different"

    def check(self) -> None:
        """Raises what the shortest failing schedule raised, with a note of how to replay it."""
        if self.failure is not None:
            self.failure.error.add_note(str(self.failure))
            raise self.failure.error


def run(
    scenario: Scenario,
    policy: Policy,
    *,
    backend: Backend = DEFAULT_BACKEND,
    steps: int = STEPS,
    places: bool = False,
) -> Outcome:
    """Runs a scenario once, under one policy. `places` has the trace say which lines ran, which takes longer. The
    traceback of an error begins at the scenario."""
    loop = _loop_of(backend)
    director: Director[Any] = Director(policy, loop.name_of, steps)
    value, error = None, None
    try:
        value = loop.run(scenario, director, places)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:
        error = alone(raised)
        runners = _of_the_runner(error)
        if runners is not None:
            raise runners from None
        error.__traceback__ = without_loops(error.__traceback__)
    return Outcome(value, director.problem or error, director.trace, policy)


def _loop_of(backend: Backend) -> _LoopModule:
    """The module that runs a schedule. Raises RuntimeError where Trio is asked for and missing, or another one."""
    if backend == "asyncio":
        import orchestrator.testing.schedules.on_asyncio as on_asyncio

        return on_asyncio
    try:
        import orchestrator.testing.schedules.on_trio as on_trio
    except ModuleNotFoundError as missing:
        if missing.name != "trio":
            raise
        raise RuntimeError('schedules on Trio need it installed: pip install trio, or backend="asyncio"') from missing
    on_trio.check_trio()
    return on_trio


def replay(scenario: Scenario, schedule: str, *, backend: Backend = DEFAULT_BACKEND, steps: int = STEPS) -> Outcome:
    """Runs the schedule that a failure printed (`12:1,40:2`), or one by its key (`random:17`, `pct:3:40:17`)."""
    return run(scenario, policy_of(schedule), backend=backend, steps=steps, places=True)


def explore(
    scenario: Scenario,
    strategy: str | Strategy = "portfolio",
    schedules: int = 1000,
    *,
    seed: int = 0,
    backend: Backend = DEFAULT_BACKEND,
    seconds: float | None = None,
    twice: bool = False,
    shorten: bool = True,
    steps: int = STEPS,
    cancel: bool | int = False,
    order: Order = "any",
    before_shown: Callable[[], None] = lambda: None,
) -> Exploration:
    """Runs a scenario under many schedules, until one fails, `schedules` were run or `seconds` have passed.

    `strategy` is "portfolio", "random", "pct", "deviations", "exhaustive" or one made by hand. `twice` runs each
    schedule a second time, and fails with `Uncontrolled` where the two differ. What fails is shortened, unless
    `shorten` is off.
    `cancel` lets each schedule cancel a task, or so many, at any await. `order="fifo"` tries only what a loop leaves
    open that runs tasks in the order in which they were woken: on asyncio, with `cancel`. `before_shown` is called
    before the failing schedule is run once more to be shown.
    """
    chosen = strategy_of(strategy, seed, order, backend) if isinstance(strategy, str) else strategy
    chosen.cancels = Cancels(int(cancel))
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
        if last.scopes and not chosen.cancels.most:
            # The strategy has chosen among tasks alone so far, and begins anew: what it has seen is no longer all.
            chosen.cancels, last = Cancels(1, tasks=False), None
        count += 1
        seen.add(hash(tuple(outcome.trace.labels)))
        if twice:
            prove(scenario, outcome, backend=backend, steps=steps)
        if outcome.failed:
            failure = failure_of(
                scenario, outcome, count, backend, shorten=shorten, steps=steps, before_shown=before_shown
            )
            break
    else:
        chosen.next(last)  # Lets an exhaustive one find out that this was the last.
    seconds = time.perf_counter() - began
    return Exploration(
        count, len(seen), chosen.complete, failure, seconds, chosen.name, getattr(chosen, "explored", None)
    )


def strategy_of(name: str, seed: int = 0, order: Order = "any", backend: Backend = DEFAULT_BACKEND) -> Strategy:
    """A strategy by its name: "portfolio", "random", "pct", "pct:DEPTH", "deviations", "exhaustive",
    "exhaustive:PREEMPTIONS". Raises ValueError."""
    kind, _, number = name.partition(":")
    if order not in ("any", "fifo"):
        raise ValueError(f'an order is "any" or "fifo", not {order!r}')
    if order == "fifo" and kind in ("portfolio", "random", "pct", "deviations", "exhaustive"):
        return Exhaustive(fifo=True) if kind == "exhaustive" else Deviations(seed, fifo=True)
    if name == "portfolio":
        return Fresh(Portfolio(seed, has_order=backend == "asyncio"), seed)
    if name == "deviations":
        return Deviations(seed)
    if kind == "random" and not number:
        return Random(seed)
    if kind == "pct" and (number or "3").isdecimal():
        return Pct(int(number or "3"), seed)
    if kind == "exhaustive" and (number or "0").isdecimal():
        return Exhaustive(int(number) if number else None)
    known = '"portfolio", "random", "pct", "pct:3", "deviations", "exhaustive" or "exhaustive:2"'
    raise ValueError(f"a strategy is {known}, not {name!r}")


def prove(scenario: Scenario, outcome: Outcome, *, backend: Backend = DEFAULT_BACKEND, steps: int = STEPS) -> None:
    """Runs the same choices again. Raises `Uncontrolled` if the result differs."""
    choices = {number: choice.taken for number, choice in enumerate(outcome.trace.choices)}
    policy = Written(choices, cancels=outcome.policy.cancels, fifo=outcome.policy.fifo)
    again = run(scenario, policy, backend=backend, steps=steps)
    difference = _difference(outcome, again)
    if difference:
        raise Uncontrolled(
            f"of schedule {outcome.policy.key} the same choices were made again, and {difference}: {_WHY}"
        )


_WHY = "what is kept between runs decides, or a clock, or the order of a set"


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
    scenario: Scenario,
    outcome: Outcome,
    after: int,
    backend: Backend,
    *,
    shorten: bool,
    steps: int = STEPS,
    before_shown: Callable[[], None] = lambda: None,
) -> Failure:
    """The failure with the shortest schedule that can be found for it."""
    assert outcome.error is not None
    smallest = Shortest(outcome, outcome.policy.fifo or None)
    if shorten and not isinstance(outcome.error, (Endless, Uncontrolled)):
        has_order = backend == "asyncio"
        smallest = shortest(
            lambda policy: run(scenario, policy, backend=backend, steps=steps), outcome, has_order=has_order
        )
    best = smallest.outcome
    schedule = before_choices(best.policy.cancels, best.policy.fifo) + best.trace.schedule
    before_shown()
    shown = run(scenario, policy_of(schedule), backend=backend, steps=steps, places=True)
    if not alike(shown.error, outcome.error):
        if isinstance(outcome.error, Uncontrolled):
            raise outcome.error  # It is known already that it cannot be repeated.
        difference = f"schedule {schedule} failed ({best.error!r}), and then, run again, it did not"
        raise Uncontrolled(f"{difference}: {_WHY}") from outcome.error
    assert shown.error is not None
    return Failure(
        shown.error,
        schedule,
        shown.trace,
        _key(outcome),
        after,
        outcome.trace,
        backend,
        smallest.fifo,
        _about_order(smallest),
    )


def _key(outcome: Outcome) -> str:
    """How to get this schedule again: its policy's key, or its choices where the policy was led away from its own."""
    if not getattr(outcome.policy, "swerved", False):
        return outcome.policy.key
    return before_choices(outcome.policy.cancels, outcome.policy.fifo) + outcome.trace.schedule


def _about_order(smallest: Shortest) -> str:
    """One line on what is known about FIFO order."""
    if smallest.fifo is None:
        return ""
    if smallest.fifo:
        return "a plain asyncio loop, which runs tasks in FIFO order, can do this"
    steps = _counted(len(smallest.outcome.trace.overtaking), "step")
    tried = (
        "no schedule in FIFO order fails"
        if smallest.fifo_complete
        else f"none of {smallest.fifo_tried} in FIFO order fails"
    )
    return f"* {steps} that a plain asyncio loop, which is FIFO, does not take: {tried}"


def _of_the_runner(error: BaseException) -> BaseException | None:
    """What of an exception, or of what led to it, is the test runner's own and no failure of a schedule: a test that is
    skipped, a session that is left, or a time-out of pytest-timeout, which may interrupt anything."""
    if type(error).__module__ == "_pytest.outcomes" and type(error).__name__ in ("Skipped", "Exit"):
        return error
    seen: BaseException | None = error
    while seen is not None:
        traceback = seen.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_globals.get("__name__", "").startswith("pytest_timeout"):
                return seen
            traceback = traceback.tb_next
        seen = seen.__cause__ or seen.__context__
    return None


def fails(error: BaseException) -> str:
    """One line on how a schedule fails, and where."""
    place = None if isinstance(error, Problem) else raised_at(error, of_the_test=True)
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}{f' at {place} in {place.function}' if place else ''}{': ' if text else ''}{text}"


def _counted(count: int, what: str) -> str:
    many = "es" if what.endswith("ch") else "s"
    return f"{count:,} {what}{'' if count == 1 else many}"


def _percent(share: float) -> str:
    """Never all of it, nor nothing, by rounding."""
    return f"about {min(share, 0.99) * 100:.0f} %" if share >= 0.01 else "less than 1 %"


def alone(error: BaseException) -> BaseException:
    """An exception without the groups of one that it is in."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
