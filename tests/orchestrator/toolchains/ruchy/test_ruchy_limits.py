"""Long chains and deep nesting, through the whole compiler: an answer, never a RecursionError."""

from __future__ import annotations

import pytest

from tests.programs import run_text

LONG = 5000
DEEP = 120


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (" + ".join(["n"] * LONG), str(LONG)),
        (" - ".join(["n"] * LONG), str(2 - LONG)),
        (" + ".join(['"a"', *['"b"', "n"] * (LONG // 2)]), "a" + "b1" * (LONG // 2)),
        (" && ".join(["n == 1"] * LONG), "true"),
        (" || ".join(["n == 2"] * LONG), "false"),
        (" == ".join(["n == 1", *["true"] * LONG]), "true"),
        (" | ".join(["n"] * LONG), "1"),
        ('"a"' + ".trim()" * 3000, "a"),
        ("n" + ".to_string().len()" * 1500, "1"),
        ("if n == 0 { 0 } else " + "".join(f"if n == {k} {{ {k} }} else " for k in range(2, 1000)) + "{ -1 }", "-1"),
    ],
    ids=["sum", "difference", "text", "and", "or", "equals", "bits", "methods", "conversions", "else-if"],
)
def test_long_chains(expression, wanted):
    assert run_text(f"fun f(n: i64) {{ println({expression}) }}\nfun main() {{ f(1) }}").stdout == wanted + "\n"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("(", ")", "1"),
        ("{ ", " }", "1"),
        ("{ let x = n; ", " }", "1"),
        ("if n == 1 { ", " } else { 0 }", "1"),
        ("id(", ")", "1"),
        ("1 + (", ")", str(DEEP + 1)),
        ("-(", ")", "1"),
    ],
)
def test_deep_nesting(before, after, wanted):
    expression = before * (DEEP - 2) + "n" + after * (DEEP - 2)
    source = f"fun id(n: i64) -> i64 {{ n }}\nfun f(n: i64) -> i64 {{ {expression} }}\nfun main() {{ println(f(1)) }}"
    wanted = str(DEEP - 1) if before == "1 + (" else wanted
    assert run_text(source).stdout == wanted + "\n"


def test_loops_as_values_of_breaks():
    expression = "loop { break " * 40 + "n" + "; }" * 40
    assert run_text(f"fun f(n: i64) {{ println({expression}) }}\nfun main() {{ f(3) }}").stdout == "3\n"


def test_nested_loops_of_a_hundred():
    head = "".join(f"for i{k} in 0..1 {{\n" for k in range(100))
    assert run_text(f"fun main() {{\n{head} println(i0 + i99); {'}' * 100}\n}}").stdout == "0\n"
