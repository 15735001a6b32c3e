"""Integers of two widths side by side, and on their way into a place of a third: against Python's own evaluation."""

from __future__ import annotations

import os
import random

import pytest

from tests.helpers.programs import ENTRY, build, run_text
from tests.properties.ruchy_numbers import COMPARISONS, WIDTHS, Trapped, apply, limits, literal

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
OPERATORS = ["+", "-", "*", "/", "%", "&", "|", "^"]


def meeting(a: str, b: str) -> str | None:
    """The narrowest type that holds all values of both, None where there is none."""
    fits = [
        name for name in WIDTHS if limits(name)[0] <= min(limits(a)[0], limits(b)[0])
        and limits(name)[1] >= max(limits(a)[1], limits(b)[1])
    ]  # fmt: skip
    return min(fits, key=lambda name: WIDTHS[name][0], default=None)


def value(draw: random.Random, name: str) -> int:
    low, high = limits(name)
    return draw.choice([low, high, 0, 1, 2, 7, draw.randint(low, high), draw.randint(0, 20), max(low, -3)])


def case(draw: random.Random, number: int):
    """(text of a function, text of a call of it, value, reason of a trap or None where it is refused)."""
    a, b, place = (draw.choice(sorted(WIDTHS)) for _ in range(3))
    x, y = value(draw, a), value(draw, b)
    operator = draw.choice([*OPERATORS, *COMPARISONS])
    compares = operator in COMPARISONS
    function = f"fun e{number}(a: {a}, b: {b}) -> {'bool' if compares else place} {{\na {operator} b\n}}"
    call = f"e{number}({literal(x, a)}, {literal(y, b)})"
    kind = meeting(a, b)
    if kind is None:
        return function, call, None
    if compares:
        return function, call, str(COMPARISONS[operator](x, y)).lower()
    try:
        found = apply(operator, x, y, kind)
    except Trapped as trap:
        return function, call, trap
    low, high = limits(place)
    return function, call, str(found) if low <= found <= high else Trapped(f"cast does not fit in {place}")


def check(seed: int, count: int, others: int) -> None:
    draw = random.Random(seed)
    found = [case(draw, number) for number in range(count)]
    good = [one for one in found if isinstance(one[2], str)]
    source = "\n".join(function for function, _, _ in good)
    ran = run_text(source + "\nfun main() {\n" + "\n".join(f"println({call});" for _, call, _ in good) + "\n}")
    assert (ran.code, ran.stderr) == (0, "")
    for (function, call, wanted), line in zip(good, ran.stdout.splitlines(), strict=True):
        assert line == wanted, f"{function} {call}"
    for function, call, wanted in [one for one in found if isinstance(one[2], Trapped)][:others]:
        ran = run_text(f"{function}\nfun main() {{ println({call}); }}")
        assert (ran.code, ran.stdout, ran.stderr) == (134, "", f"error: main.ruchy:2: {wanted}\n"), f"{function} {call}"
    for function, call, _ in [one for one in found if one[2] is None][:others]:
        codes = [one.code for one in build({ENTRY: f"{function}\nfun main() {{ println({call}); }}"}).diagnostics]
        assert codes in (["E0207"], ["E0208"]), f"{function} {call}"


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100 if LONG else 1))
def test_widths(seed):
    check(seed, 250, 5)
