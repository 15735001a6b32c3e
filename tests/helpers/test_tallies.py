"""A share of a sweep: always alike, and with something of each kind."""

from __future__ import annotations

import pytest

from tests.helpers import tallies
from tests.helpers.tallies import share

CASES = [(at, kind, once) for at in range(100) for kind in "abcdef" for once in (False, True)]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "LONG", False)


def test_a_rare_kind_is_in_every_share() -> None:
    cases = [*CASES, (100, "rare", False)]
    assert not [case for case in share(cases, 0, 6) if case[1] == "rare"]
    found = share(cases, 0, 7, kinds=lambda case: case[1:])
    assert {kind for _, kind, _ in found} == {*"abcdef", "rare"} and {once for *_, once in found} == {False, True}
    assert found == share(cases, 0, 7, kinds=lambda case: case[1:])


def test_two_backends_together_have_every_kind_and_nothing_twice() -> None:
    found = [share(CASES, 0, 6, backend, kinds=lambda case: (case[1:],)) for backend in ("asyncio", "trio")]
    assert {case[1:] for half in found for case in half} == {case[1:] for case in CASES}
    assert not {*found[0]} & {*found[1]}


def test_a_share_that_is_too_small_is_refused() -> None:
    with pytest.raises(AssertionError, match="a share of 11 has not every kind: 12 have"):
        share(CASES, 0, 11, kinds=lambda case: (case[1:],))


def test_the_parts_of_a_long_run_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "LONG", True)
    monkeypatch.setattr(tallies, "PARTS", 3)
    found = [case for part in range(3) for case in share(CASES, part, 6, kinds=lambda case: case[1:])]
    assert sorted(found) == sorted(CASES)
