"""What the `checked_`, `wrapping_`, `saturating_` and `overflowing_` methods give at the ends of each width."""

from __future__ import annotations

import operator

import pytest

from tests.helpers.programs import run_text

OPERATIONS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


def ends(bits: int, signed: bool) -> tuple[int, int]:
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def values(bits: int, signed: bool) -> list[int]:
    low, high = ends(bits, signed)
    return sorted(
        {low, low + 1, *(number for number in (-2, -1, 0, 1, 2, 3) if number >= low), high // 2, high - 1, high}
    )


def wanted(bits: int, signed: bool) -> str:
    low, high = ends(bits, signed)
    lines = []
    for a in values(bits, signed):
        for b in values(bits, signed):
            for operation in OPERATIONS.values():
                exact = operation(a, b)
                cut = (exact - low) % (1 << bits) + low
                near = min(max(exact, low), high)
                fits = low <= exact <= high
                shown = f"Some({exact})" if fits else "None"
                lines.append(f"{shown} {cut} {near} {str(not fits).lower()}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("bits", "signed"), [(8, True), (8, False), (32, True), (64, True), (64, False)])
def test_what_does_not_fit_is_none_cut_or_the_end(bits, signed):
    name = f"{'i' if signed else 'u'}{bits}"
    shown = ", ".join("i64::MIN" if one == -(1 << 63) else str(one) for one in values(bits, signed))
    if name == "u64":  # a literal holds no more than an i64
        shown = "0, 1, 2, 3, u64::MAX / 2, u64::MAX - 1, u64::MAX"
    calls = "".join(
        f"println(a.checked_{op}(b), a.wrapping_{op}(b), a.saturating_{op}(b), a.overflowing_{op}(b).1);"
        for op in OPERATIONS
    )
    source = f"fun main() {{ let xs: [{name}] = [{shown}]; for a in xs {{ for b in xs {{ {calls} }} }} }}"
    assert run_text(source).stdout == wanted(bits, signed)


def test_division_and_powers():
    source = """fun main() {
        let a: i32 = i32::MIN;
        println(a.checked_div(-1), a.checked_div(0), a.wrapping_div(-1), a.wrapping_rem(-1));
        println(a.checked_neg(), a.wrapping_abs());
        let b: u8 = 3;
        println(b.checked_pow(5), b.checked_pow(6), b.wrapping_pow(6), b.saturating_pow(6), b.checked_shl(8));
        let c: i8 = -1;
        println(c.count_ones(), c.leading_zeros(), c.trailing_zeros());
        println((0 as u8).trailing_zeros(), (6 as i16).count_zeros());
    }"""
    assert run_text(source).stdout == (
        "None None -2147483648 0\nNone -2147483648\nSome(243) None 217 255 None\n8 0 0\n8 14\n"
    )
