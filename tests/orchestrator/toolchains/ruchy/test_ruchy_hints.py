"""Near misses."""

import pytest

from orchestrator.toolchains.ruchy.hints import did_you_mean, distance, nearest


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "acb", 1), ("widht", "width", 1), ("kitten", "sitting", 3)],
)
def test_distance(a, b, apart):
    assert distance(a, b, 10) == apart
    assert distance(b, a, 10) == apart


def test_distance_gives_up_at_the_limit():
    assert distance("aaaaaaaa", "bbbbbbbb", 3) == 3


def test_nearest():
    assert nearest("totl", ["total", "tot", "count"]) == "total"
    assert nearest("compute_aera", ["compute_area", "compute"]) == "compute_area"
    assert nearest("string", ["String"]) == "String"
    assert nearest("x", ["y"]) == ""
    assert nearest("total", ["total"]) == ""
    assert nearest("zzz", ["total", "count"]) == ""
    assert did_you_mean("zzz", []) == ""
