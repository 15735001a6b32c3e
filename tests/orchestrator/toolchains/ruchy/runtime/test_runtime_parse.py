"""Text as numbers against Python's int and float, which round correctly too."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

many = settings(max_examples=50, deadline=None)


@pytest.fixture(scope="module")
def rt(shared):
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before


def same(x: float, y: float) -> bool:
    return struct.pack("<d", x) == struct.pack("<d", y)


@many
@given(value=st.integers(-(2**63), 2**63 - 1), before=st.text(" \t\n", max_size=2))
def test_integers(rt, value, before):
    assert rt.on("str_to_i64", f"{before}{value}{before}", site=0) == value


@pytest.mark.parametrize(("text", "value"), [("+7", 7), ("-0", 0), ("007", 7), ("0" * 40 + "9", 9), ("\u30005", 5)])
def test_integers_in_other_forms(rt, text, value):
    assert rt.on("str_to_i64", text, site=0) == value


BAD = ["", " ", "+", "-", "--1", "1 2", "1_000", "12a", "a", "0x10", "1.0", "٣"]


@pytest.mark.parametrize("text", [*BAD, "9223372036854775808", "-9223372036854775809", "1" + "0" * 30])
def test_what_is_no_i64_traps_with_the_text(fresh, text):
    assert fresh.trap("str_to_i64", text, site=1) == (134, f'error: shop.ruchy:12: cannot parse "{text}" as i64\n')


@pytest.mark.parametrize(
    "text", ["", ".", "e5", "+", "1e", "1e+", "1.2.3", "1e5x", "0x1p3", "infinit", "na", "1 e5", "- 1", "1_0"]
)
def test_what_is_no_f64_traps_with_the_text(fresh, text):
    assert fresh.trap("str_to_f64", text, site=1) == (134, f'error: shop.ruchy:12: cannot parse "{text}" as f64\n')


@pytest.mark.parametrize("text", ["inf", "-inf", "+Infinity", "NaN", "-INF"])
def test_names(rt, text):
    value = rt.on("str_to_f64", text, site=0)
    assert math.isnan(value) if text == "NaN" else value == float(text)


@many
@given(x=st.floats(allow_nan=False, allow_infinity=False))
def test_what_was_written_reads_back(rt, x):
    assert same(rt.on("str_to_f64", repr(x), site=0), x)
    assert same(rt.on("str_to_f64", f" {x:.25e}\n", site=0), x)


@many
@given(digits=st.text("0123456789", min_size=1, max_size=45), point=st.integers(0, 45), e=st.integers(-400, 400))
def test_any_decimal_is_rounded_correctly(rt, digits, point, e):
    text = f"{digits[:point]}.{digits[point:]}e{e}"
    assert same(rt.on("str_to_f64", text, site=0), float(text))


@many
@given(
    x=st.floats(min_value=0, allow_nan=False, allow_infinity=False), nudge=st.sampled_from(["", "1", "0" * 300 + "1"])
)
def test_half_way_between_two_floats(rt, x, nudge):
    above = math.nextafter(x, math.inf)
    if math.isinf(above):
        return
    middle = (Fraction(x) + Fraction(above)) / 2
    shift = middle.denominator.bit_length() - 1
    text = str(middle.numerator * 5**shift) + nudge + f"e{-shift - len(nudge)}"
    assert same(rt.on("str_to_f64", text, site=0), float(text))


EDGES = [
    "0", "-0.0", "1", ".5", "5.", "1E5", "1e-400", "1e400", "-1e400", "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "4.9406564584124654e-324", "7.4109846876186982e-324", "2.2250738585072011e-308", "2.2250738585072014e-308",
    "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "9007199254740993",
    "9007199254740995",
    "8.988465674311580e307", "1e22", "1e23", "123456789012345678901234567890", "0." + "0" * 500 + "1e500",
    "1" + "0" * 500 + "e-500",
    "1" + "0" * 900 + "1e-900", "0." + "3" * 1200, "9007199254740993" + "0" * 900 + "1e-901",
    "0e999999999999", "1e-999999999999",
    "2.2250738585072012e-308", "6631236846766476e-316", "9.5e-310", "1." + "0" * 779 + "9" * 30,
]  # fmt: skip


@pytest.mark.parametrize("text", EDGES, ids=lambda text: text[:30])
def test_edges(rt, text):
    assert same(rt.on("str_to_f64", text, site=0), float(text))
