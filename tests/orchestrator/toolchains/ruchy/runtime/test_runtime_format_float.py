"""Floats as text against Python's repr and format, which are exact too."""

from __future__ import annotations

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def rt(shared):
    before = shared.call("live")
    yield shared
    assert shared.call("live") == before


def plain(digits: str) -> str:
    """What `repr` says, with a point and without an exponent."""
    whole, _, fraction = format(Decimal(digits), "f").partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def single(x: float) -> float:
    return struct.unpack("<f", struct.pack("<f", x))[0]


def shortest_single(x: float) -> str:
    """The shortest decimal that reads back as this f32,
    the nearest of those: tries lengths and both neighbours.

    A candidate reads back if it lies in the rounding interval, ends included for even significands.
    """
    bits = struct.unpack("<I", struct.pack("<f", abs(x)))[0]
    exact = Decimal(abs(x))

    def value(n: int) -> Decimal:
        top = Decimal(2) ** 128
        return top if n >= 0x7F800000 else Decimal(struct.unpack("<f", struct.pack("<I", n))[0])

    low, high = (value(bits - 1) + exact) / 2, (value(bits + 1) + exact) / 2
    for digits in range(1, 10):
        unit = Decimal((0, (1,), exact.adjusted() - digits + 1))
        down = exact // unit * unit
        found = [
            candidate
            for candidate in (down, down + unit)
            if low < candidate < high or (bits % 2 == 0 and candidate in (low, high))
        ]
        if found:
            best = min(found, key=lambda candidate: (abs(candidate - exact), candidate / unit % 2))
            return ("-" if x < 0 else "") + plain(str(best))
    raise AssertionError("nine digits are always enough")


doubles = st.floats(allow_nan=False, allow_infinity=False)
bit_patterns = st.integers(0, 2**64 - 1).map(lambda n: struct.unpack("<d", struct.pack("<Q", n))[0])
decimals = st.builds(lambda n, k: n / 10**k, st.integers(-(10**17), 10**17), st.integers(0, 25))
many = settings(max_examples=80, deadline=None)


@many
@given(x=st.one_of(doubles, bit_patterns.filter(math.isfinite), decimals))
def test_shortest(rt, x):
    assert rt.text(rt.call("f64_to_str", x)) == plain(repr(x))


EDGES = [
    0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1 / 3, 2 / 3, 100.0, 1e15, 1e16, 1e17, 1e20, 1e21, 1e22, 1e23, 1.5e-5,
    5e-324, 1e-323,
    2.2250738585072014e-308, 2.225073858507201e-308, 1.7976931348623157e308, 9007199254740991.0,
    9007199254740992.0,
    9007199254740993.0, 2.0**63, 2.0**64, 4.35, 0.3, 2.675, 1.1, 123456.789, 5e-5, 9.5367431640625e-07,
    2.0**-44,
    1125899906842624.25, 1125899906842624.75, 4503599627370496.5, 999999999999999.9, 0.30000000000000004, 1e-7,
    9.999999999999999e22, 6.02214076e23, 1.2345678901234567e-300, 299792458.0, 3.141592653589793,
    2.718281828459045,
]  # fmt: skip


@pytest.mark.parametrize("x", EDGES, ids=repr)
def test_shortest_at_the_edges(rt, x):
    for value in (x, math.nextafter(x, math.inf), math.nextafter(x, -math.inf)):
        if math.isfinite(value):
            assert rt.text(rt.call("f64_to_str", value)) == plain(repr(value))


def test_shortest_of_every_power_of_two(rt):
    for e in range(-1074, 1024, 3):
        assert rt.text(rt.call("f64_to_str", 2.0**e)) == plain(repr(2.0**e))


@pytest.mark.parametrize(("x", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "NaN"), (-math.nan, "NaN")])
def test_what_is_no_number(rt, x, text):
    assert rt.text(rt.call("f64_to_str", x)) == text
    assert rt.text(rt.call("f32_to_str", x)) == text
    assert rt.text(rt.call("f64_to_fixed", x, 2)) == text


@settings(max_examples=60, deadline=None)
@given(x=st.floats(width=32, allow_nan=False, allow_infinity=False).filter(bool))
def test_shortest_single(rt, x):
    assert rt.text(rt.call("f32_to_str", x)) == shortest_single(x)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.1, "0.1"), (0.0, "0.0"), (-0.0, "-0.0"), (16777216.0, "16777216.0"),
        (3.4028234663852886e38, "340282350" + "0" * 30 + ".0"),
        (1.401298464324817e-45, "0." + "0" * 44 + "1"), (1.1754943508222875e-38, "0." + "0" * 37 + "11754944"),
        (33554432.0, "33554432.0"), (16777218.0, "16777218.0"), (2.5, "2.5"), (1e10, "10000000000.0"),
        (8388608.5, "8388608.0"),
    ],
)  # fmt: skip
def test_shortest_single_at_the_edges(rt, x, text):
    assert rt.text(rt.call("f32_to_str", single(x))) == text


@many
@given(x=st.one_of(doubles, bit_patterns.filter(math.isfinite), decimals), digits=st.integers(0, 30))
def test_fixed(rt, x, digits):
    assert rt.text(rt.call("f64_to_fixed", x, digits)) == f"{x:.{digits}f}"


@pytest.mark.parametrize(
    "x", [0.5, 1.5, 2.5, 0.125, 0.375, 0.25, 1.005, 2.675, 0.045, 9.995, 999.5, 0.05, -0.5, -0.001, 1e15 + 0.5]
)
def test_fixed_rounds_half_to_even_on_the_exact_value(rt, x):
    for digits in range(5):
        assert rt.text(rt.call("f64_to_fixed", x, digits)) == f"{x:.{digits}f}"


@pytest.mark.parametrize("x", [5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, math.pi, 1 / 3])
@pytest.mark.parametrize("digits", [50, 323, 1074, 1075, 1200])
def test_fixed_with_many_digits(rt, x, digits):
    assert rt.text(rt.call("f64_to_fixed", x, digits)) == f"{x:.{digits}f}"


def test_absurdly_many_digits_are_cut(rt):
    assert len(rt.text(rt.call("f64_to_fixed", 1.5, 2**31 - 1))) == 2 + 65535
