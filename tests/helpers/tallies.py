"""Counts of faults: each sweep says how many it injected, how many were survived, and how many wrong objects were
served. The sums are printed at the end of a run (`tests/conftest.py`), whatever the number of processes that ran the
tests.

A sweep is a list of cases. `make test` runs a share of it, `make test-long` (`LONG`) all, in `PARTS` tests, which SHARD
spreads over machines; RESUME=FILE remembers which of them passed, and what they counted.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
PARTS = 16 if LONG else 1

in_parts = pytest.mark.parametrize("part", range(PARTS))


def share(
    cases: Sequence[T],
    part: int,
    few: int,
    backend: str = "",
    *,
    kinds: Callable[[T], tuple[object, ...]] | None = None,
) -> list[T]:
    """The cases of this part of a long run; in a short one `few`. Either of two backends has half of them. Shuffled,
    always alike: else a share would be, say, all of one kind of error. `kinds` tells what a case is an example of, in
    one or several respects: what a short run has on both backends together has every one of them."""
    mixed = list(cases)
    random.Random(len(mixed)).shuffle(mixed)
    if kinds is not None and not LONG:
        mixed = _covering(mixed, kinds, few * (2 if backend else 1))
    if backend:
        mixed = mixed[backend == "trio" :: 2]
    return mixed[part::PARTS] if LONG else mixed[:few]


def _covering(cases: list[T], kinds: Callable[[T], tuple[object, ...]], most: int) -> list[T]:
    """The cases, those first that have something of each kind: always the one with the most that is still missing."""
    parts = [set(enumerate(kinds(case))) for case in cases]
    missing: set[tuple[int, object]] = set().union(*parts)
    first: list[int] = []
    while missing:
        first.append(max(range(len(cases)), key=lambda at: len(parts[at] & missing)))
        missing -= parts[first[-1]]
    assert len(first) <= most, f"a share of {most} has not every kind: {len(first)} have"
    return [cases[at] for at in first] + [case for at, case in enumerate(cases) if at not in first]


class Tally:
    def __init__(self) -> None:
        self.injected = 0
        self.survived = 0
        self.wrong = 0
        self.others: Counter[str] = Counter()

    def count(self, **counts: int) -> None:
        """Anything else that is worth a figure, by name: sums are printed below the table."""
        self.others.update(counts)

    def survive(self, injected: int = 1) -> None:
        """So many faults were injected, and all that is promised held."""
        self.injected += injected
        self.survived += injected

    def compare(self, served: dict[str, bytes | None], good: dict[str, bytes | None], what: object) -> None:
        """Compare what a cache serves, by module, with what is right: a miss is right, other bytes are wrong."""
        wrong = [name for name, data in served.items() if data is not None and data != good.get(name)]
        self.wrong += len(wrong)
        assert not wrong, (what, wrong)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts for the summary, under the name of the test's module."""
    tally = Tally()
    yield tally
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", " ")
    found = [name, tally.injected, tally.survived, tally.wrong, dict(tally.others)]
    request.node.user_properties.append(("faults", found))


class FaultSummary:
    """The plug-in that adds up the counts, and that remembers what passed in the file that RESUME names."""

    def __init__(self, resume: str | None) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.others: Counter[str] = Counter()
        self.file = Path(resume) if resume else None
        self.done: set[str] = set()
        self._passed: set[str] = set()
        if self.file is not None and self.file.exists():
            for line in self.file.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                self.done.add(found["test"])
                self._add(found["faults"])

    def _add(self, properties: Iterable[list[Any]]) -> None:
        for name, injected, survived, wrong, *others in properties:
            self.others.update(*others)
            self.counts.setdefault(name, Counter()).update(injected=injected, survived=survived, wrong=wrong)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left = [item for item in items if item.nodeid not in self.done]
        if len(left) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid in self.done])
            items[:] = left

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)
        if report.when != "teardown":
            return
        found = [value for name, value in report.user_properties if name == "faults"]
        self._add(found)
        if self.file is not None and report.passed and report.nodeid in self._passed:
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"test": report.nodeid, "faults": found}) + "\n")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.counts:
            return
        total = sum(self.counts.values(), Counter())
        terminalreporter.section("faults")
        terminalreporter.line(f"{'':<28}{'injected':>10}{'survived':>10}{'wrong objects':>15}")
        for name, count in [*sorted(self.counts.items()), ("all", total)]:
            terminalreporter.line(f"{name:<28}{count['injected']:>10}{count['survived']:>10}{count['wrong']:>15}")
        for name, number in sorted(self.others.items()):
            terminalreporter.line(f"{name.replace('_', ' ')}: {number}")
