"""Random arithmetic, casts and comparisons of every width against Python's own evaluation: the value, or the trap."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text
from tests.properties.ruchy_numbers import WIDTHS, Expressions, Trapped, literal


def cases(seed: int, count: int):
    """(text of a function, text of a call of it, value or reason)."""
    draw = Expressions(seed)
    for number in range(count):
        name = draw.draw.choice(sorted(WIDTHS))
        variables = {variable: draw.draw.choice([name, *sorted(WIDTHS)]) for variable in "abc"}
        text, evaluate = draw.expression(name, draw.draw.randint(1, 4), variables)
        environment = {variable: draw.value(type_) for variable, type_ in variables.items()}
        parameters = ", ".join(f"{variable}: {type_}" for variable, type_ in variables.items())
        arguments = ", ".join(literal(environment[variable], type_) for variable, type_ in variables.items())
        try:
            wanted = evaluate(environment)
        except Trapped as trap:
            wanted = str(trap)
        yield f"fun e{number}({parameters}) -> {name} {{\n{text}\n}}", f"e{number}({arguments})", wanted


def check(seed: int, count: int, traps: int) -> None:
    found = list(cases(seed, count))
    good = [case for case in found if isinstance(case[2], int)]
    source = "\n".join(function for function, _, _ in good)
    ran = run_text(source + "\nfun main() {\n" + "\n".join(f"println({call});" for _, call, _ in good) + "\n}")
    assert (ran.code, ran.stderr) == (0, "")
    for (function, call, wanted), line in zip(good, ran.stdout.splitlines(), strict=True):
        assert line == str(wanted), f"{function} {call}"
    for function, call, wanted in [case for case in found if isinstance(case[2], str)][:traps]:
        ran = run_text(f"{function}\nfun main() {{ println({call}); }}")
        assert (ran.code, ran.stdout, ran.stderr) == (134, "", f"error: main.ruchy:2: {wanted}\n"), f"{function} {call}"


@pytest.mark.parametrize("seed", range(4))
def test_expressions(seed):
    check(seed, 40, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 112))
def test_many_expressions(seed):
    check(seed, 300, 25)
