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


def plainly(pattern: str, path: str) -> bool:
    """What a pattern means, by trying everything; patterns of letters, `?`, `*`, `[!a]` and `**` alone."""

    def part_fits(pattern: str, part: str) -> bool:
        if not pattern:
            return not part
        if pattern[0] == "*":
            return any(part_fits(pattern[1:], part[at:]) for at in range(len(part) + 1))
        if not part:
            return False
        if pattern.startswith("[!a]"):
            return part[0] != "a" and part_fits(pattern[4:], part[1:])
        return pattern[0] in ("?", part[0]) and part_fits(pattern[1:], part[1:])

    def fits(patterns: list[str], parts: list[str]) -> bool:
        if not patterns:
            return True  # a folder that matches means everything below it
        if patterns[0] == "**":
            return any(fits(patterns[1:], parts[at:]) for at in range(len(parts) + 1))
        return bool(parts) and part_fits(patterns[0], parts[0]) and fits(patterns[1:], parts[1:])

    return fits(pattern.split("/"), path.split("/"))


@given(
    st.lists(
        st.sampled_from(["**", "a**b", "*", "a", "*a", "a*b", "?", "*[!a]", "b?*a", "*ab*"]), min_size=1, max_size=5
    ),
    st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=5),
)
def test_they_mean_what_trying_everything_finds(parts, path):
    matches = matcher(("/".join(parts),))
    assert matches is not None
    assert bool(matches("/".join(path))) == plainly("/".join(parts), "/".join(path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 200 + "*b", "a" * 4_000),
        ("**/*a/" * 100 + "b", "aaaa/" * 800 + "a"),
        ("**/" + "*a/" * 100 + "b", "aaaa/" * 800 + "a"),
        ("*?" * 100 + "b", "a" * 4_000),
        ("*[a-c]" * 100 + "/b", "a" * 4_000),
    ],
)
def test_matching_never_takes_for_ever(pattern, path):
    """None of these would end in a lifetime, were a match tried in every way; the limit of a minute is pytest's."""
    matches = matcher((pattern,))
    assert matches is not None
    assert not matches(path)
