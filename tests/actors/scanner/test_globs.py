"""Include and exclude patterns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scanner.globs import matcher


@pytest.mark.parametrize(
    ("pattern", "paths", "others"),
    [
        ("*.ruchy", ["a.ruchy"], ["b/a.ruchy", "a.ruchyx", "xa.ruch"]),
        ("**/*.ruchy", ["a.ruchy", "b/a.ruchy", "b/c/a.ruchy"], ["a.py"]),
        ("vendor", ["vendor", "vendor/a.ruchy", "vendor/b/c.ruchy"], ["vendors/a.ruchy", "x/vendor/a.ruchy"]),
        ("vendor/", ["vendor/a.ruchy"], ["vendor2"]),
        ("vendor/**", ["vendor/a.ruchy", "vendor"], ["vendors"]),
        ("./gen/*", ["gen/a.ruchy", "gen/b/c.ruchy"], ["gen", "a/gen/b"]),
        ("**/test_*", ["test_a.ruchy", "a/b/test_c.ruchy", "test_x/a.ruchy"], ["a/atest_b"]),
        ("a/**/z.ruchy", ["a/z.ruchy", "a/b/c/z.ruchy"], ["az.ruchy", "b/a/z.ruchy"]),
        ("**", ["a", "a/b"], []),
        ("a?.ruchy", ["ab.ruchy"], ["a.ruchy", "a/.ruchy", "abc.ruchy"]),
        ("a[b-d].x", ["ab.x", "ad.x"], ["ae.x", "a-.x"]),
        ("a[!b].x", ["ac.x"], ["ab.x", "a/.x"]),
        ("a[.x", ["a[.x"], ["a.x"]),
        ("a[]b].x", ["a].x", "ab.x"], ["ac.x"]),
        ("a.b+(c)", ["a.b+(c)"], ["aXb+(c)", "a.bb(c)"]),
    ],
)
def test_patterns(pattern, paths, others):
    matches = matcher((pattern,))
    assert matches is not None
    assert [path for path in paths if not matches(path)] == []
    assert [path for path in others if matches(path)] == []


def test_no_patterns_cost_nothing():
    assert matcher(()) is None
    assert matcher(("", "/", "./")) is None


def test_several():
    matches = matcher(("a", "b/*.x"))
    assert matches is not None
    assert matches("a/c")
    assert matches("b/c.x")
    assert not matches("b/c.y")


@given(st.lists(st.text("ab*?[]!-^/.\\{}()|+$&~#", max_size=12), max_size=3), st.text("ab/.", max_size=10))
def test_any_pattern_compiles_and_answers(patterns, path):
    matches = matcher(tuple(patterns))
    if matches is not None:
        matches(path)


def test_many_stars_end_soon():
    matches = matcher(("**/" * 6 + "*a*a*b",))
    assert matches is not None
    assert not matches("a/" * 12 + "a" * 40)
