"""Strings of the runtime against Python's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
short = st.text("abé日😀", max_size=6)
few = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def rt(shared):
    """For Hypothesis, which wants no fixture of a single test: leaks are checked once for the module."""
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before


@few
@given(a=texts, b=texts)
def test_concat_joins_and_leaves_both_alone(rt, a, b):
    x, y = rt.string(a), rt.string(b)
    assert rt.text(rt.call("str_concat", x, y)) == a + b
    assert (rt.text(x), rt.text(y)) == (a, b)


@few
@given(parts=st.lists(texts, max_size=8))
def test_append_is_concat(rt, parts):
    whole = rt.string("")
    for part in parts:
        other = rt.string(part)
        whole = rt.call("str_append", whole, other)
        assert rt.text(other) == part
    assert rt.text(whole) == "".join(parts)


def test_append_leaves_a_shared_string_alone(rt):
    a, b = rt.string("ab"), rt.string("c")
    rt.call("retain", a)
    joined = rt.call("str_append", a, b)
    assert joined != a
    assert (rt.text(a), rt.text(joined), rt.text(b)) == ("ab", "abc", "c")


def test_append_extends_in_place_where_there_is_room(rt):
    a, b = rt.string("a"), rt.string("b")
    assert rt.call("str_append", a, b) == a
    assert (rt.text(a), rt.text(b)) == ("ab", "b")


def test_append_to_a_static_string_makes_a_new_one(rt):
    static, b = rt.call("bool_to_str", 1), rt.string("!")
    assert rt.text(rt.call("str_append", static, b)) == "true!"
    assert rt.peek(static) == "true"
    rt.call("release", b)


@pytest.mark.parametrize("size", [1, 3, 40])
def test_append_to_itself(rt, size):
    a = rt.string("x" * size)
    assert rt.text(rt.call("str_append", a, a)) == "x" * (2 * size)


@few
@given(a=short, b=short)
def test_comparisons_go_by_bytes(rt, a, b):
    left, right = a.encode(), b.encode()
    assert rt.on("str_compare", a, b) == (left > right) - (left < right)
    assert rt.on("str_eq", a, b) == (a == b)
    assert rt.on("str_eq", a, a) == 1


@pytest.mark.parametrize("at", range(20))
def test_a_difference_anywhere_counts(rt, at):
    a = "0123456789abcdefghij"
    b = a[:at] + "Z" + a[at + 1 :]
    assert rt.on("str_eq", a, b) == 0
    assert rt.on("str_compare", a, b) == (1 if a > b else -1)


@few
@given(text=texts)
def test_lengths(rt, text):
    assert rt.on("str_len", text) == len(text.encode())
    assert rt.on("str_chars", text) == len(text)
    assert rt.text(rt.on("str_reverse", text)) == text[::-1]


@few
@given(text=st.text("ab日é😀", min_size=1, max_size=12), data=st.data())
def test_at_and_slice_go_by_character(rt, text, data):
    at = data.draw(st.integers(-len(text), len(text) - 1))
    assert rt.text(rt.on("str_at", text, at, site=0)) == text[at]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert rt.text(rt.on("str_slice", text, start, end, site=0)) == text[start:end]
    behind = end - len(text) if end < len(text) else end
    if start < len(text):
        for first in (start, start - len(text)):
            assert rt.text(rt.on("str_range", text, first, behind, site=0)) == text[start:end]


@few
@given(text=short, times=st.integers(0, 70))
def test_repeat(rt, text, times):
    assert rt.text(rt.on("str_repeat", text, times, site=0)) == text * times


def test_repeat_of_nothing_may_be_endless(rt):
    assert rt.text(rt.on("str_repeat", "", 2**62, site=0)) == ""


@few
@given(char=st.characters(exclude_categories=("Cs",)))
def test_char_to_str(rt, char):
    assert rt.text(rt.call("char_to_str", ord(char))) == char


@pytest.mark.parametrize("code", [0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF])
def test_char_to_str_at_the_borders(rt, code):
    assert rt.text(rt.call("char_to_str", code)) == chr(code)


def test_bool_to_str_is_static(rt):
    assert rt.text(rt.call("bool_to_str", 1)) == "true"
    assert rt.text(rt.call("bool_to_str", 0)) == "false"
    assert rt.text(rt.call("bool_to_str", 1)) == "true"  # though it was released before


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("str_at", ("日本", 2), "index 2 out of range for length 2"),
        ("str_at", ("日本", -3), "index -3 out of range for length 2"),
        ("str_at", ("", 0), "index 0 out of range for length 0"),
        ("str_slice", ("abc", 1, 4), "index 4 out of range for length 3"),
        ("str_slice", ("abc", 2, 1), "index 2 out of range for length 3"),
        ("str_slice", ("abc", -1, 2), "index -1 out of range for length 3"),
        ("str_slice", ("abc", 0, -1), "index -1 out of range for length 3"),
        ("str_range", ("abc", -4, 2), "index -4 out of range for length 3"),
        ("str_range", ("abc", 0, -4), "index -4 out of range for length 3"),
        ("str_range", ("abc", -1, 1), "index -1 out of range for length 3"),
        ("str_range", ("abc", 1, 4), "index 4 out of range for length 3"),
        ("str_repeat", ("abc", -1), "repeated less than 0 times"),
        ("str_repeat", ("abc", 2**40), "capacity of a String exceeded"),
    ],
)
def test_traps(fresh, name, values, message):
    assert fresh.trap(name, *values, site=1) == (134, f"error: shop.ruchy:12: {message}\n")
