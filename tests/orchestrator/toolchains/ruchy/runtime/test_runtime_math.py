"""Checked arithmetic, powers and remainders against Python's exact integers and decimals."""

from __future__ import annotations

import math
import struct
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

few = settings(max_examples=80, deadline=None)
LOW, HIGH, TOP = -(2**63), 2**63 - 1, 2**64 - 1
signed = st.one_of(st.integers(LOW, HIGH), st.integers(-5, 5), st.integers(-(2**33), 2**33))
unsigned = st.one_of(st.integers(0, TOP), st.integers(0, 5), st.integers(0, 2**33))
OVERFLOW = (134, "error: shop.ruchy:12: integer overflow\n")


@pytest.fixture(scope="module")
def rt(shared):
    return shared


def outcome(rt, name: str, a: int, b: int) -> object:
    """The result, or status and message of the trap."""
    rt.output.clear()
    try:
        return rt.on(name, a, b, site=1)
    except rt.Exit as end:
        return end.args[0], rt.output[2].decode()


@few
@given(a=signed, b=signed)
def test_i64_mul(rt, a, b):
    assert outcome(rt, "i64_mul", a, b) == (a * b if LOW <= a * b <= HIGH else OVERFLOW)


@few
@given(a=unsigned, b=unsigned)
def test_u64_mul(rt, a, b):
    result = outcome(rt, "u64_mul", a, b)
    assert (result if isinstance(result, tuple) else result & TOP) == (a * b if a * b <= TOP else OVERFLOW)


BORDERS = [LOW, LOW + 1, -(2**32), -(2**31) - 1, -(2**31), -1, 0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, HIGH]


@pytest.mark.parametrize("a", BORDERS)
def test_mul_at_the_borders(rt, a):
    for b in BORDERS:
        assert outcome(rt, "i64_mul", a, b) == (a * b if LOW <= a * b <= HIGH else OVERFLOW)
        u, v = a & TOP, b & TOP
        result = outcome(rt, "u64_mul", u, v)
        assert (result if isinstance(result, tuple) else result & TOP) == (u * v if u * v <= TOP else OVERFLOW)


@few
@given(a=st.one_of(st.integers(-20, 20), signed), b=st.integers(0, 70))
def test_pow(rt, a, b):
    assert outcome(rt, "i64_pow", a, b) == (a**b if LOW <= a**b <= HIGH else OVERFLOW)
    a &= TOP
    result = outcome(rt, "u64_pow", a, b)
    assert (result if isinstance(result, tuple) else result & TOP) == (a**b if a**b <= TOP else OVERFLOW)


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        (1, HIGH, 1),
        (-1, HIGH, -1),
        (-1, HIGH - 1, 1),
        (0, HIGH, 0),
        (0, 0, 1),
        (-2, 63, LOW),
        (2, 62, 2**62),
        (3, 39, 3**39),
    ],
)
def test_pow_at_the_borders(rt, a, b, result):
    assert rt.on("i64_pow", a, b, site=0) == result


@pytest.mark.parametrize(("a", "b"), [(2, 63), (-2, 64), (3, 40), (10, 19), (LOW, 2), (2, HIGH)])
def test_pow_overflows(rt, a, b):
    assert outcome(rt, "i64_pow", a, b) == OVERFLOW


def test_a_negative_exponent_traps(rt):
    assert outcome(rt, "i64_pow", 2, -1) == (134, "error: shop.ruchy:12: negative exponent\n")
    assert outcome(rt, "i64_pow", 1, LOW) == (134, "error: shop.ruchy:12: negative exponent\n")


def same(x: float, y: float) -> bool:
    return struct.pack("<d", x) == struct.pack("<d", y) or (math.isnan(x) and math.isnan(y))


finite = st.floats(allow_nan=False, allow_infinity=False)


@few
@given(x=finite, y=finite.filter(bool))
def test_f64_rem(rt, x, y):
    assert same(rt.call("f64_rem", x, y), math.fmod(x, y))


@pytest.mark.parametrize(
    "x", [0.0, -0.0, 5.5, -5.5, 5e-324, -1.5e-310, 1.7976931348623157e308, 1e22, 2.0**53, -3.0, 6.0]
)
def test_f64_rem_at_the_edges(rt, x):
    for y in (1.0, -3.0, 0.1, 5e-324, 1.5e-310, 1.7976931348623157e308, 2.2250738585072014e-308, math.inf, -math.inf):
        assert same(rt.call("f64_rem", x, y), math.fmod(x, y))
    for y in (0.0, -0.0, math.nan):
        assert math.isnan(rt.call("f64_rem", x, y))
    assert math.isnan(rt.call("f64_rem", math.inf, x))
    assert math.isnan(rt.call("f64_rem", math.nan, x))


def exact_power(x: float, y: float) -> float:
    """x ** y for x > 0, rounded once."""
    with localcontext(prec=60, Emax=10**8, Emin=-(10**8)):
        try:
            return float(Decimal(x) ** Decimal(y))
        except OverflowError:
            return math.inf


@settings(max_examples=50, deadline=None)
@given(x=st.floats(1e-300, 1e300), y=st.floats(-2, 2))
def test_f64_pow_of_any_size(rt, x, y):
    assert rt.call("f64_pow", x, y) == exact_power(x, y)


@settings(max_examples=50, deadline=None)
@given(x=st.floats(0.5, 2), y=st.floats(-1100, 1100))
def test_f64_pow_near_one(rt, x, y):
    assert rt.call("f64_pow", x, y) == exact_power(x, y)


@settings(max_examples=50, deadline=None)
@given(x=st.integers(1, 1000), y=st.integers(-40, 40))
def test_f64_pow_of_integers(rt, x, y):
    assert rt.call("f64_pow", float(x), float(y)) == exact_power(float(x), float(y))


@pytest.mark.parametrize(
    ("x", "y"),
    [(2.0, 10.0), (7.804449910974785, -344.4881447323975), (2.0, 0.5),
    (10.0, 308.0), (2.0, -1074.0), (2.0, 1023.0), (29.0, 11.0), (7.0, 19.0),
    (1.0000000000000002, 1e17), (5e-324, 0.5), (5e-324, -0.25), (0.9999999999999999, 6e18), (10.0, -320.0),
    (1.7976931348623157e308, 0.999)],
)  # fmt: skip
def test_f64_pow_at_the_edges(rt, x, y):
    assert rt.call("f64_pow", x, y) == exact_power(x, y)


SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.0,
    0.5,
    -0.5,
    3.0,
    -3.0,
    1e300,
    -1e300,
    2.0**53,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
]


@pytest.mark.parametrize("x", SPECIAL)
def test_f64_pow_follows_ieee_in_special_cases(rt, x):
    for y in SPECIAL:
        try:
            expected = math.pow(x, y)
        except OverflowError:
            expected = -math.inf if x < 0 and y % 2 == 1 else math.inf
        except ValueError:  # a zero to a negative power, or a negative to a broken one
            expected = math.nan if x else math.copysign(math.inf, x if abs(y) % 2 == 1 else 1)
        assert same(rt.call("f64_pow", x, y), expected), (x, y)
