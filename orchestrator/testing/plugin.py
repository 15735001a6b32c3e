"""The pytest plug-in: tests that run under many schedules, and print how to see a failure again.

    @pytest.mark.schedules(1000, strategy="pct")
    async def test_two_withdrawals(): ...

The test function is run again for each schedule, under a clock that jumps; see `docs/testing-concurrency.md`. Fixtures
are made once and shared by all schedules, as with Hypothesis: what a schedule changes, the test makes itself. A test
that has the `anyio_backend` fixture runs on that backend; others run on Trio, or as the marker's `backend` says.

pytest loads this module wherever Wasmill is installed, so it imports nothing but pytest before it is used. It works
beside the plug-ins of AnyIO and pytest-trio: a test with this marker is no coroutine function by the time they look.
"""

from __future__ import annotations

import functools
import inspect
import os
import shlex
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orchestrator.testing.schedules import Exploration, Failure
    from orchestrator.testing.schedules.explore import Order, Scenario
    from orchestrator.testing.schedules.kept import KeptSchedules
    from orchestrator.testing.schedules.settings import ScheduleSettings

MARKER = "schedules"
EXPLORED = "schedules explored"
"""A property of tests that are run under all schedules, or as many of them as there was time for."""

_HELP = (
    "schedules(n=100, strategy='portfolio', *, seed=0, backend='trio', cancel=False, order='any', twice=False, "
    "steps=100000): run the async test under n schedules; strategy is 'portfolio', 'random', 'pct', 'pct:DEPTH', "
    "'deviations', 'exhaustive', 'exhaustive:PREEMPTIONS' or a list; cancel=True cancels a task in each; order='fifo' "
    "tries only what asyncio leaves open"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("schedules", "schedules of concurrent tests (wasmill)")
    group.addoption("--schedule", metavar="SCHEDULE", help="run this schedule alone, as a failure printed it")
    group.addoption("--schedules", type=int, metavar="N", help="run N schedules, whatever the tests say")
    group.addoption(
        "--schedules-times", type=float, default=1.0, metavar="X", help="run X times as many schedules as the tests say"
    )
    group.addoption("--schedules-seed", type=int, metavar="SEED", help="the first seed, whatever the tests say")
    group.addoption("--schedules-strategy", metavar="NAME", help="the strategy, whatever the tests say")
    group.addoption(
        "--schedules-time",
        "--schedules-seconds",
        dest="schedules_seconds",
        type=float,
        metavar="S",
        help="as many schedules as fit into S seconds for each test, or at most N with --schedules",
    )
    group.addoption("--schedules-profile", metavar="NAME", help="settings by a name from `schedules_profiles`")
    group.addoption("--schedules-html", metavar="FOLDER", help="write a page of each schedule that fails")
    parser.addini("schedules_defaults", "settings of all tests: n=200 strategy=pct seconds=5", default="")
    parser.addini("schedules_profiles", "lines of NAME: n=2000 seconds=30", type="linelist", default=[])
    parser.addini("schedules_keep", "keep schedules that fail, and run them first", type="bool", default=True)
    group.addoption("--schedules-twice", action="store_true", help="run each schedule twice, to prove that it can be")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _HELP)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Takes tests over before pytest-asyncio does: in its mode `auto` it makes items of its own of async functions."""
    collected = yield
    for item in collected if isinstance(collected, list) else [collected]:
        _take_over(item)
    return collected


def pytest_itemcollected(item: pytest.Item) -> None:
    """Puts a plain function in the place of the async one, before pytest asks whether it is async."""
    _take_over(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Once more: items made of one Hypothesis test share the function that was replaced."""
    _take_over(item)


def _take_over(item: object) -> None:
    if not isinstance(item, pytest.Function) or item.get_closest_marker(MARKER) is None:
        return
    hypothesis = getattr(item.obj, "hypothesis", None)
    if hypothesis is not None:
        hypothesis.inner_test = _scheduled(item, hypothesis.inner_test)
    else:
        item.obj = _scheduled(item, item.obj)


def _scheduled(item: pytest.Function, function: Callable[..., object]) -> Callable[..., None]:
    """The test as a plain function with the same parameters."""
    original = getattr(function, "_without_schedules", function)

    @functools.wraps(original)
    def under_schedules(*args: object, **arguments: object) -> None:
        __tracebackhide__ = _unless_it_is_all_there_is
        if not inspect.iscoroutinefunction(original):
            pytest.fail(f"{item.nodeid} is marked `schedules`, and is no async function", pytrace=False)
        _refuse_async_fixtures(arguments)
        marker = item.get_closest_marker(MARKER)
        assert marker is not None
        scenario = functools.partial(original, *args, **arguments)
        wrong = _said(marker_arguments, *marker.args, **marker.kwargs).removeprefix("marker_arguments() ")
        if wrong:
            pytest.fail(f"{item.nodeid}: the marker `schedules`: {wrong}\n{_HELP}", pytrace=False)
        _run_marked(item, scenario, *marker.args, **marker.kwargs)

    wrapper: Any = under_schedules
    wrapper._without_schedules = original
    wrapper._trio_test_runner_wrapped = True  # Else pytest-trio says that it is not async.
    # inspect follows `__wrapped__` to a coroutine function: only the signature is wanted.
    wrapper.__signature__ = inspect.signature(original)
    del wrapper.__wrapped__
    return under_schedules


def _unless_it_is_all_there_is(raised: pytest.ExceptionInfo[BaseException]) -> bool:
    """Hides a frame, but not where a text alone is shown: pytest would say below it that all frames are hidden."""
    return not isinstance(raised.value, pytest.fail.Exception)


def _said(function: Callable[..., object], *args: object, **arguments: object) -> str:
    """What a function has against its arguments."""
    try:
        function(*args, **arguments)
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


def _refuse_async_fixtures(arguments: dict[str, object]) -> None:
    for name, value in arguments.items():
        if inspect.iscoroutine(value) or inspect.isasyncgen(value) or type(value).__name__ == "TrioFixture":
            if inspect.iscoroutine(value):
                value.close()
            pytest.fail(
                f"the fixture `{name}` is asynchronous, and would be shared by all schedules: make it in the test",
                pytrace=False,
            )


def _run_marked(item: pytest.Function, scenario: Scenario, *args: Any, **arguments: Any) -> None:
    __tracebackhide__ = True
    given: Any = item.funcargs.get("anyio_backend")
    fixture: str | None = given[0] if isinstance(given, tuple) else given
    from orchestrator.testing.schedules import Problem

    problem_text = ""
    try:
        run = Schedules(item)
        asked = run.settings(*args, **arguments).get("strategy", "portfolio")
        strategies = [asked] if isinstance(asked, str) else list(asked)
        # A schedule from the command line is one, whatever strategies there are.
        for strategy in strategies if item.config.option.schedule is None else strategies[:1]:
            marked = {"backend": fixture, **dict(zip(("n", "strategy"), args, strict=False)), **arguments}
            run(scenario, **{**marked, "strategy": strategy})
    except Problem as problem:
        notes = "".join(f"\n\n{note}" for note in getattr(problem, "__notes__", ()))
        problem_text = f"{type(problem).__name__}: {problem}{notes}"
    if problem_text:  # No line of the test raised it, so there is none to show.
        pytest.fail(problem_text, pytrace=False)


def marker_arguments(
    n: int | None = None,
    strategy: str | Sequence[str] | None = None,
    *,
    seed: int | None = None,
    backend: str | None = None,
    cancel: bool | int | None = None,
    order: Order | None = None,
    twice: bool = False,
    steps: int | None = None,
) -> dict[str, Any]:
    """What the marker and the fixture take."""
    return locals()


class Schedules:
    """The `schedules` fixture: runs scenarios that a test makes itself under as many schedules as it says, with the
    options of the command line in force."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._calls = 0

    def settings(self, *args: Any, **arguments: Any) -> ScheduleSettings:
        """What is in force for a scenario with these arguments."""
        from orchestrator.testing.schedules.settings import KINDS, ScheduleSettings, parsed, profile_of

        config, options = self._item.config, self._item.config.option
        strategy = options.schedules_strategy
        line = {
            "n": options.schedules,
            "seed": options.schedules_seed,
            "seconds": options.schedules_seconds,
            "strategy": KINDS["strategy"](strategy) if strategy else None,
        }
        try:
            name = options.schedules_profile
            profile = profile_of(config.getini("schedules_profiles"), name) if name else {}
            ini = parsed(config.getini("schedules_defaults"), "schedules_defaults")
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
        return ScheduleSettings(line, profile, marker_arguments(*args, **arguments), ini)

    def __call__(self, scenario: Scenario, *args: Any, **arguments: Any) -> Exploration | None:
        """Explores the scenario, and raises what fails with a note of how to replay it. The arguments are the marker's.
        Returns None where `--schedule` had that one run instead."""
        __tracebackhide__ = True
        from orchestrator.testing.schedules import explore
        from orchestrator.testing.schedules.director import STEPS
        from orchestrator.testing.schedules.explore import DEFAULT_BACKEND, strategy_of

        options, settings = self._item.config.option, self.settings(*args, **arguments)
        strategy, order = settings.get("strategy", "portfolio"), settings.get("order", "any")
        wrong = _said(strategy_of, strategy, 0, order)
        if wrong:
            pytest.fail(f"{self._item.nodeid}: {wrong}", pytrace=False)
        backend: Any = settings.get("backend", DEFAULT_BACKEND)
        common: Any = {"backend": backend, "steps": settings.get("steps", STEPS)}
        if options.schedule is not None:
            self._replay(scenario, options.schedule, common)
            return None
        kept = self._kept(backend)
        if kept is not None:
            self._run_kept(scenario, kept, common)
        exploration = explore(
            scenario,
            strategy,
            max(1, int(settings.schedules * options.schedules_times)),
            seed=settings.get("seed", 0),
            seconds=settings.get("seconds", None),
            twice=settings.get("twice", False) or options.schedules_twice,
            cancel=settings.get("cancel", False),
            order=order,
            before_shown=self._forget_output,
            **common,
        )
        self._item.user_properties.append((MARKER, exploration.schedules))
        if (exploration.explored is not None or exploration.complete) and exploration.failure is None:
            self._item.user_properties.append((EXPLORED, str(exploration)))
        if exploration.failure is not None:
            if kept is not None:
                kept.add(exploration.failure.schedule)
            exploration.failure.error.add_note(
                exploration.failure.told(self._command()) + self._page(scenario, exploration.failure)
            )
            raise exploration.failure.error
        return exploration

    def _kept(self, backend: str) -> KeptSchedules | None:
        """The schedules of this call that failed before; None under Hypothesis, where each example is another test."""
        from orchestrator.testing.schedules.kept import KeptSchedules

        self._calls += 1
        config = self._item.config
        if not config.getini("schedules_keep") or hasattr(getattr(self._item, "obj", None), "hypothesis"):
            return None
        call = f" ({self._calls})" if self._calls > 1 else ""
        return KeptSchedules(str(config.rootpath), self._item.nodeid + call, backend)

    def _run_kept(self, scenario: Scenario, kept: KeptSchedules, common: Any) -> None:
        """Runs first what failed before."""
        __tracebackhide__ = True
        for schedule in kept.schedules():
            with suppress(pytest.UsageError):  # A file that was written by hand.
                self._replay(scenario, schedule, common, "this schedule failed before, and does so again")
            kept.remove(schedule)

    def _forget_output(self) -> None:
        """Forgets what the schedules before printed and logged: a failure shows the one that it tells of."""
        manager = self._item.config.pluginmanager
        capture: Any = manager.getplugin("capturemanager")
        if capture is not None and capture.is_globally_capturing():
            capture.read_global_capture()
        logs: Any = manager.getplugin("logging-plugin")
        for handler in (getattr(logs, "report_handler", None), getattr(logs, "caplog_handler", None)):
            if handler is not None:
                handler.reset()

    def _page(self, scenario: Scenario, failure: Failure) -> str:
        """Writes the page of a failure where one is asked for, and says where it is."""
        folder = self._item.config.option.schedules_html
        if not folder:
            return ""
        from orchestrator.testing.schedules.page import page

        os.makedirs(folder, exist_ok=True)
        name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in self._item.nodeid)
        path = os.path.join(folder, f"{name[-150:]}.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page(scenario, failure))
        return f"\npage: {path}"

    def _replay(self, scenario: Scenario, schedule: str, common: Any, because: str = "") -> None:
        __tracebackhide__ = True
        from orchestrator.testing.schedules import replay, table
        from orchestrator.testing.schedules.explore import fails

        try:
            outcome = replay(scenario, schedule, **common)
        except ValueError as error:
            raise pytest.UsageError(f"--schedule: {error}") from error
        self._item.user_properties.append((MARKER, 1))
        drawn = table(outcome.trace)
        if not getattr(outcome.policy, "fitted", True):
            drawn = f"  (the schedule does not fit this code: it has changed, or this is another test)\n{drawn}"
        if outcome.error is not None:
            because = f" ({because})" if because else ""
            again = f"\n\nreplay: {self._command()}{schedule}" if because else ""
            outcome.error.add_note(f"{fails(outcome.error)}\nschedule {schedule}{because}:\n\n{drawn}{again}")
            raise outcome.error
        if not because:
            self._item.add_report_section("call", "schedule", drawn)  # Shown with `-rP`.

    def _command(self) -> str:
        """As from the folder where pytest was started, of which a node's own name knows nothing."""
        _, colons, name = self._item.nodeid.partition("::")
        file = os.path.relpath(self._item.path, self._item.config.invocation_params.dir)
        return f"pytest {shlex.quote(file + colons + name)} --schedule "


@pytest.fixture
def schedules(request: pytest.FixtureRequest) -> Schedules:
    """Runs scenarios under many schedules: `schedules(scenario, 1000, "pct")`."""
    return Schedules(request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many schedules were run, and where all were wanted whether those are all."""
    reports = [
        report
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
    ]
    counts = [value for report in reports for name, value in report.user_properties if name == MARKER]
    if not counts:
        return
    terminalreporter.write_line("1 schedule was run" if sum(counts) == 1 else f"{sum(counts):,} schedules were run")
    for report in reports:
        for name, value in report.user_properties:
            if name == EXPLORED:
                terminalreporter.write_line(f"  {report.nodeid}: {value}")
