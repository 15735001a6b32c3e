"""Bugs planted into our actors: the harness finds each, a plain run finds none, and what is found can be replayed."""

from __future__ import annotations

import gc
import re

import pytest

from orchestrator.testing.schedules import replay
from tests.concurrency.planted import BUGS, DOCUMENT, STRATEGIES, Bug, hunt, plain

BUDGET = 1500
"""Ten times and more what each took when the table was written: our code changes, and with it where a seed leads."""


@pytest.mark.slow
@pytest.mark.timeout(600)  # A machine may be busy.
# Some bugs leave a connection open; Python says so from 3.13 on.
@pytest.mark.filterwarnings("ignore:.*sqlite3.Connection:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_plain_run_does_not_see_it_and_the_harness_does(bug: Bug) -> None:
    plain(bug, 2)
    found = hunt(bug, bug.by, BUDGET)
    assert found.failure is not None
    with bug.planted():
        again = replay(bug.scenario, found.failure.schedule)
    assert type(again.error) is type(found.failure.error)
    assert again.trace.labels == found.failure.trace.labels
    del found, again
    gc.collect()  # Here, and in no other test.


def test_there_are_enough_and_the_document_has_them_all() -> None:
    assert len(BUGS) >= 10
    rows = re.findall(r"^\| (a[^|]+?) \|.*\| passes \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [bug.name for bug in BUGS]
    for bug in BUGS:
        assert bug.by in STRATEGIES
