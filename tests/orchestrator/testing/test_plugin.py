"""The pytest plug-in, in a pytest of its own: beside the others, on both loops, with its options and what it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

RACE = """
import anyio, anyio.lowlevel, pytest

async def race(tasks=2):
    total = 0
    async def add():
        nonlocal total
        before = total
        await anyio.lowlevel.checkpoint()
        total = before + 1
    async with anyio.create_task_group() as group:
        for _ in range(tasks):
            group.start_soon(add)
    return total
"""


# Not faulthandler: at its end it would put back the signal handlers of before, and wasmtime's among them go. The
# plug-in's package was imported by the pytest around this one, which is no reason for a warning.
OPTIONS = (
    *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler"),
    *("-q", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


class PytestRun:
    """How a pytest ended: its output, and its counts by name."""

    def __init__(self, output: str) -> None:
        self.output = output
        self.counts = {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed|errors?)", output)}


@pytest.fixture
def pytest_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Write a test file and run pytest on it, in this process, with the plug-ins that are installed."""
    for server in ("CI", "BUILD_NUMBER"):  # On a server pytest's summary has whole messages, and so says things twice.
        monkeypatch.delenv(server, raising=False)

    def run(text: str, *options: str, ini: str = "") -> PytestRun:
        pytester.makepyfile(test_it=RACE + text)
        pytester.makeini(f"[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n{ini}")
        result = pytester.runpytest_inprocess(*OPTIONS, *options)
        return PytestRun("\n".join([*result.outlines, *result.errlines]))

    return run


FAILING = """
@pytest.mark.schedules(200, strategy="random")
async def test_race():
    assert await race() == 2
"""


@pytest.mark.slow
def test_a_failure_prints_the_line_that_replays_it(pytest_run) -> None:
    ran = pytest_run(FAILING)
    assert ran.counts == {"failed": 1}
    assert "assert 1 == 2" in ran.output  # pytest's own words on the assertion
    assert "context switches, shortened from" in ran.output
    assert re.search(r"add +add#2", ran.output)
    line = re.search(r"replay: pytest (\S+) --schedule (\S+)", ran.output)
    assert line is not None and line[1] == "test_it.py::test_race"
    again = pytest_run(FAILING, line[1], "--schedule", line[2])
    assert again.counts == {"failed": 1}
    assert f"schedule {line[2]}:" in again.output
    assert "1 schedule was run" in again.output
    assert again.output.count("begins, ends") == 1  # The table is there once.
    assert "AssertionError at test_it.py:17 in test_race: assert 1 == 2" in again.output
    dullest = pytest_run(FAILING, line[1], "--schedule", "0")
    assert dullest.counts == {"passed": 1}


@pytest.mark.slow
def test_what_passes_says_how_many_schedules_there_were(pytest_run) -> None:
    text = """
import itertools
runs = itertools.count()

@pytest.mark.schedules(30, strategy="random")
async def test_thirty():
    next(runs)

@pytest.mark.schedules(strategy="exhaustive")
@pytest.mark.parametrize("tasks", [1])
async def test_all_of_them(tasks):
    assert await race(tasks) == 1

@pytest.mark.schedules(10, strategy=["random", "pct:2"])
async def test_two_strategies():
    next(runs)

def test_counted():
    assert next(runs) == 50

class TestMethods:
    @pytest.mark.schedules(5, strategy="random")
    async def test_method(self, tmp_path):
        assert tmp_path.exists() and type(self) is TestMethods

def test_a_scenario_of_ones_own(schedules):
    found = schedules(race, 40, "pct")
    assert found.schedules == 40
"""
    ran = pytest_run(text)
    assert ran.counts == {"passed": 6}, ran.output
    assert f"{30 + 1 + 20 + 5 + 40} schedules were run" in ran.output
    assert "test_all_of_them[1]: exhaustive: complete: 1 schedule, and there are no others" in ran.output
    one = pytest_run(text, "--schedule", "0", "-k", "two_strategies")
    assert "1 schedule was run" in one.output
    few = pytest_run(text, "--schedules", "3", "-k", "thirty or method")
    assert "6 schedules were run" in few.output
    more = pytest_run(text, "--schedules-times", "1.5", "--schedules-twice", "-k", "thirty")
    assert "45 schedules were run" in more.output


@pytest.mark.slow
def test_the_seed_and_the_seconds_are_options(pytest_run) -> None:
    text = """
import random
seen = []

@pytest.mark.schedules(1, strategy="random")
async def test_it():
    order = []
    async def note(name):
        order.append(name)
    async with anyio.create_task_group() as group:
        for name in range(6):
            group.start_soon(note, name)
    print("order", order)
"""
    orders = {re.search(r"order (.*)", pytest_run(text, "-s", f"--schedules-seed={seed}").output)[1] for seed in (1, 2)}
    assert len(orders) == 2
    assert "0 schedules were run" in pytest_run(text, "--schedules-seconds", "0").output


@pytest.mark.slow
@pytest.mark.parametrize("ini", ["", "anyio_mode = auto\n", "trio_mode = true\n"])
def test_beside_anyio_and_pytest_trio(pytest_run, ini: str) -> None:
    """Marked for several at once, the schedules win; those that are not marked for it are left alone."""
    text = """
import sniffio, trio
backends = []

@pytest.mark.schedules(3, strategy="random")
@pytest.mark.trio
async def test_trio_too():
    backends.append(sniffio.current_async_library())

@pytest.mark.schedules(3, strategy="random")
@pytest.mark.anyio
async def test_anyio_too():
    backends.append(sniffio.current_async_library())

@pytest.mark.schedules(3, strategy="random", backend="asyncio")
async def test_by_name():
    backends.append(sniffio.current_async_library())

@pytest.mark.trio
async def test_of_pytest_trio(autojump_clock):
    await trio.sleep(100)

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_of_anyio():
    assert sniffio.current_async_library() == "asyncio"

def test_where():
    assert sorted(set(backends)) == ["asyncio", "trio"]
    assert backends.count("asyncio") >= 6 and backends.count("trio") >= 6
"""
    if ini.startswith("trio"):  # It takes all async tests, those of AnyIO too: nothing that a third one could change.
        text = re.sub(r"@pytest.mark.anyio\n@pytest.mark.parametrize.*?\n\n", "", text, flags=re.DOTALL)
    ran = pytest_run(text, ini=ini)
    assert set(ran.counts) == {"passed"}, ran.output
    assert "12 schedules were run" in ran.output or ini.startswith("anyio")


@pytest.mark.slow
def test_hypothesis_examples_each_run_under_schedules(pytest_run) -> None:
    text = """
from hypothesis import given, settings, strategies as st
seen = []

@settings(max_examples=5, derandomize=True, database=None, deadline=None)
@given(tasks=st.integers(2, 3))
@pytest.mark.schedules(7, strategy="random")
async def test_it(tasks):
    seen.append(tasks)

def test_seen():
    assert len(seen) % 7 == 0 and len(seen) >= 14 and set(seen) == {2, 3}
"""
    ran = pytest_run(text)
    assert ran.counts == {"passed": 2}, ran.output


@pytest.mark.slow
def test_what_cannot_be_is_said(pytest_run) -> None:
    text = """
@pytest.mark.schedules
def test_plain():
    pass

@pytest.fixture
async def late():
    return 1

@pytest.mark.trio
@pytest.mark.schedules
async def test_async_fixture(late):
    pass

@pytest.mark.schedules(strategy="best")
async def test_no_such_strategy():
    pass

@pytest.mark.schedules(backend="trio")
async def test_deadlock():
    await anyio.Event().wait()
"""
    ran = pytest_run(text)
    assert ran.counts == {"failed": 4}, ran.output
    assert "test_plain is marked `schedules`, and is no async function" in ran.output
    assert "the fixture `late` is asynchronous, and would be shared by all schedules" in ran.output
    assert "a strategy is" in ran.output
    assert "all tasks wait, and nothing will wake them" in ran.output
    wrong = pytest_run(text, "--schedule", "nonsense", "-k", "deadlock")
    assert "a schedule is written like" in wrong.output


@pytest.mark.slow
def test_that_not_all_schedules_were_run_is_said(pytest_run) -> None:
    text = """
@pytest.mark.schedules(10, strategy="exhaustive")
async def test_some():
    await race(4)

@pytest.mark.schedules(10, strategy="exhaustive:0")
async def test_all():
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.lowlevel.checkpoint)
"""
    ran = pytest_run(text)
    assert ran.counts == {"passed": 2}
    assert "test_it.py::test_some: exhaustive: not complete: 10 schedules, less than 1 % of what there is" in ran.output
    assert (
        "test_it.py::test_all: exhaustive:0: complete: 1 schedule, and there are no others of at most 0 preemptions"
    ) in ran.output


@pytest.mark.slow
def test_what_no_line_raised_is_told_without_a_traceback(pytest_run) -> None:
    text = """
import itertools, socket
runs = itertools.count()

@pytest.mark.schedules
async def test_deadlock():
    await anyio.Event().wait()

@pytest.mark.schedules(twice=True)
async def test_twice():
    for _ in range(next(runs) % 2):
        await anyio.lowlevel.checkpoint()

@pytest.mark.schedules
async def test_socket():
    left, right = socket.socketpair()
    async def wait():
        await anyio.wait_readable(left)
    with left, right:
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(anyio.wait_readable, right)

@pytest.mark.schedules(stratgy="pct")
async def test_typo():
    pass
"""
    ran = pytest_run(text)
    assert ran.counts == {"failed": 4}
    assert "\nDeadlock: all tasks wait, and nothing will wake them:\n" in ran.output
    assert "replay: pytest test_it.py::test_deadlock --schedule 0" in ran.output
    assert "\nUncontrolled: of schedule 0 the same choices were made again, and " in ran.output
    assert "\nUncontrolled: a task waits for a socket, a pipe or a process, whose time is not" in ran.output
    assert "  wait waits at test_it.py:" in ran.output
    assert "  wait_readable waits in wait_readable for " in ran.output
    assert "the marker `schedules`: got an unexpected keyword argument 'stratgy'" in ran.output
    for noise in ("During handling", "entries are hidden", "explore.py", "plugin.py", "TaskHandle"):
        assert noise not in ran.output


@pytest.mark.slow
def test_skips_and_timeouts_are_no_failures_of_a_schedule(pytest_run) -> None:
    """A time-out of pytest-timeout is raised out of its own module, by a signal: wherever the code happens to be."""
    text = """
names = {"__name__": "pytest_timeout", "pytest": pytest}
exec("def handler():\\n    pytest.fail('Timeout (>0.2s) from pytest-timeout.')", names)

@pytest.mark.schedules
async def test_skipped():
    pytest.skip("not here")

@pytest.mark.schedules
async def test_too_long():
    names["handler"]()

@pytest.mark.schedules
async def test_too_long_inside_of_the_loop():
    try:
        names["handler"]()
    except BaseException as error:
        raise RuntimeError("the loop broke") from error

@pytest.mark.schedules
async def test_failed():
    pytest.fail("this one is meant")
"""
    ran = pytest_run(text)
    assert ran.counts == {"failed": 3} and "1 skipped" in ran.output
    assert ran.output.count("Failed: Timeout (>0.2s) from pytest-timeout.") >= 2
    assert re.findall("replay: .*", ran.output) == ["replay: pytest test_it.py::test_failed --schedule 0"]


@pytest.mark.slow
def test_the_line_that_replays_it_is_right_where_pytest_was_started(
    pytester: pytest.Pytester, pytest_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest_run("")
    pytester.mkdir("inner").joinpath("test_inner.py").write_text(RACE + FAILING)
    monkeypatch.chdir(pytester.path / "inner")
    result = pytester.runpytest_inprocess(*OPTIONS)
    assert "replay: pytest test_inner.py::test_race --schedule " in result.stdout.str()


@pytest.mark.slow
def test_the_example_of_the_document(pytester: pytest.Pytester) -> None:
    """As it stands there, in a file of the name that is said there: the line is the one that is shown."""
    document = (Path(__file__).parents[3] / "docs/testing-concurrency.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    account = blocks[0].partition("\n\nfor _ in range(100):")[0]
    marked = next(block for block in blocks if "@pytest.mark.schedules" in block)
    shown = re.search(r"`(replay: pytest (\S+) --schedule (\S+))`", document)
    assert shown is not None
    pytester.makepyfile(test_bank=account + "\n" + marked)
    failed = pytester.runpytest_inprocess(*OPTIONS)
    assert shown[1] in failed.stdout.str()
    assert "AssertionError: -60" in failed.stdout.str()
    again = pytester.runpytest_inprocess(*OPTIONS, shown[2], "--schedule", shown[3])
    assert "AssertionError: -60" in again.stdout.str()


@pytest.mark.slow
@pytest.mark.timeout(240)  # Pytest starts three times, on machines that may be busy.
def test_beside_xdist(pytester: pytest.Pytester) -> None:
    """The counts come from its processes, and a failure's line is the same."""
    pytest.importorskip("xdist")
    pytester.makepyfile(
        test_it=RACE
        + FAILING
        + "\n@pytest.mark.schedules(20, strategy='random')\nasync def test_fine():\n    await race()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider"],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 1 passed" in ran.stdout
    assert "replay: pytest test_it.py::test_race --schedule 1:1" in ran.stdout
    assert re.search(r"^2\d schedules were run$", ran.stdout, re.MULTILINE)


def test_it_is_found_by_pytest() -> None:
    (point,) = (one for one in entry_points(group="pytest11") if one.name == "wasmill")
    assert point.value == "orchestrator.testing.plugin"


@pytest.mark.slow
def test_nothing_of_it_is_imported_outside_of_tests() -> None:
    """Nor is anything but pytest, where pytest loads the plug-in and no test uses it."""
    code = (
        "import sys, anyio, orchestrator\n"
        "async def main():\n"
        "    async with orchestrator.open(orchestrator.Sources({'main.ruchy': 'fun main() { println(1); }'})) as one:\n"
        "        assert (await one.build()).success\n"
        "anyio.run(main)\n"
        "print([one for one in sys.modules if one.startswith(('orchestrator.testing', 'pytest', 'trio', '_pytest'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    code = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport orchestrator.testing.plugin\n"
        "print(sorted(one for one in set(sys.modules) - before if one.startswith(('actors', 'orchestrator', 'trio'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['orchestrator', 'orchestrator.testing', 'orchestrator.testing.plugin']"


KEPT = """
import os
FIXED = os.path.exists("fixed")

@pytest.mark.schedules(200)
async def test_race():
    print("ran one")
    assert FIXED or await race() == 2
"""


def test_a_schedule_that_failed_is_kept_and_run_first_until_it_passes(pytest_run, pytester: pytest.Pytester) -> None:
    first = pytest_run(KEPT)
    assert first.counts == {"failed": 1}
    folder = pytester.path / ".wasmill" / "schedules"
    kept = [file for file in folder.iterdir() if file.suffix == ".json"]
    assert len(kept) == 1 and (folder / ".gitignore").read_text() == "*\n"
    again = pytest_run(KEPT)
    assert again.counts == {"failed": 1}
    assert "this schedule failed before, and does so again" in again.output
    assert "1 schedule was run" in again.output, "nothing else was run"
    assert re.search(r"replay: pytest test_it.py::test_race --schedule \S+", again.output)
    (pytester.path / "fixed").touch()
    assert pytest_run(KEPT).counts == {"passed": 1}
    assert not kept[0].exists()


def test_nothing_is_kept_where_that_is_not_wanted_or_cannot_be(pytest_run, pytester: pytest.Pytester) -> None:
    assert pytest_run(KEPT, ini="schedules_keep = false\n").counts == {"failed": 1}
    assert not (pytester.path / ".wasmill").exists()
    (pytester.path / ".wasmill").write_text("a file, and no folder")
    assert pytest_run(KEPT).counts == {"failed": 1}
    (pytester.path / ".wasmill").unlink()
    assert pytest_run(KEPT).counts == {"failed": 1}
    for damaged in (b"", b"[]", b"{}", b"\xff", b'{"test": 1, "schedules": 3}'):
        for file in (pytester.path / ".wasmill" / "schedules").glob("*.json"):
            file.write_bytes(damaged)
        assert pytest_run(KEPT).counts == {"failed": 1}


def test_a_failure_shows_the_output_of_its_own_schedule_alone(pytest_run) -> None:
    text = """
import logging

@pytest.mark.schedules(200, strategy="random")
async def test_race():
    print("printed")
    logging.getLogger("x").warning("logged")
    assert await race() == 2
"""
    ran = pytest_run(text, ini="schedules_keep = false\n")
    assert ran.counts == {"failed": 1}
    assert ran.output.count("\nprinted") == 1
    assert len(re.findall(r"WARNING +x:test_it.py:\d+ logged", ran.output)) == 1


SETTINGS = """
runs = []

@pytest.mark.schedules(6)
async def test_marked(request):
    runs.append(1)
    await race(3)

@pytest.mark.schedules
async def test_bare():
    runs.append(1)
    await race(3)
"""


@pytest.mark.parametrize(
    ("options", "ini", "count"),
    [
        ((), "schedules_defaults = n=4\n", 6 + 4),
        (("--schedules", "3"), "schedules_defaults = n=4\n", 3 + 3),
        (("--schedules-profile", "few"), "schedules_profiles =\n  few: n=2 strategy=random\n  many: n=9\n", 2 + 2),
        (("--schedules-profile", "few", "--schedules", "3"), "schedules_profiles =\n  few: n=2\n", 3 + 3),
    ],
)
def test_the_command_line_wins_over_a_profile_the_marker_and_the_ini_file(pytest_run, options, ini, count) -> None:
    ran = pytest_run(SETTINGS, *options, ini=ini)
    assert ran.counts == {"passed": 2}
    assert f"\n{count} schedules were run" in ran.output


@pytest.mark.parametrize(
    ("options", "ini", "message"),
    [
        (("--schedules-profile", "x"), "schedules_profiles =\n  few: n=2\n", "there is no profile 'x'; there is few"),
        ((), "schedules_defaults = m=4\n", "'m=4' is no setting; write NAME=VALUE with a name of n, strategy"),
        ((), "schedules_defaults = n=four\n", "schedules_defaults: 'four' is no value of n"),
        (("--schedules-strategy", "best"), "", 'a strategy is "portfolio", "random"'),
    ],
)
def test_a_setting_that_is_none_is_refused(pytest_run, options, ini, message) -> None:
    ran = pytest_run(SETTINGS, *options, ini=ini)
    assert message in ran.output
    assert "passed" not in ran.counts


def test_with_a_time_as_many_schedules_run_as_fit(pytest_run) -> None:
    text = """
@pytest.mark.schedules(2, strategy="random")
async def test_it():
    await race(3)
"""
    count = re.search(r"([\d,]+) schedules were run", pytest_run(text, "--schedules-time", "0.1").output)
    assert count is not None and int(count[1].replace(",", "")) > 2


def test_a_page_is_written_where_it_is_asked_for(pytest_run, pytester: pytest.Pytester) -> None:
    ran = pytest_run(KEPT, "--schedules-html", "pages", ini="schedules_keep = false\n")
    assert "page: pages/test_it.py__test_race.html" in ran.output
    text = (pytester.path / "pages" / "test_it.py__test_race.html").read_text()
    assert text.startswith("<!doctype html>") and "AssertionError" in text


def test_a_marked_test_cancels(pytest_run) -> None:
    text = """
@pytest.mark.schedules(300, cancel=True)
async def test_lost():
    free = 1
    async def use():
        nonlocal free
        free -= 1
        await anyio.lowlevel.checkpoint()
        free += 1
    async with anyio.create_task_group() as group:
        group.start_soon(use)
    assert free == 1
"""
    ran = pytest_run(text)
    assert ran.counts == {"failed": 1}
    assert "(use was cancelled at test_it.py:" in ran.output
    line = re.search(r"--schedule (cancel=1/\S+)", ran.output)
    assert line is not None
    assert pytest_run(text, "--schedule", line[1]).counts == {"failed": 1}
