"""Integers as text against Python's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def rt(shared):
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before


def check(rt, value: int) -> None:
    if value < 2**63:
        assert rt.text(rt.call("i64_to_str", value)) == str(value)
    if value >= 0:
        assert rt.text(rt.call("u64_to_str", value)) == str(value)


@settings(max_examples=100, deadline=None)
@given(value=st.integers(-(2**63), 2**64 - 1))
def test_any_integer(rt, value):
    check(rt, value)


def test_the_borders(rt):
    for power in range(20):
        for value in (10**power - 1, 10**power, 10**power + 1):
            if value < 2**64:
                check(rt, value)
            if value < 2**63:
                check(rt, -value)
    for value in (-(2**63), 2**63 - 1, 2**63, 2**64 - 1):
        check(rt, value)
