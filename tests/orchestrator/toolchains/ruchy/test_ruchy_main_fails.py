"""`main` with a `Result`."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text

STEP = "fun step(n: i64) -> Result<i64, String> { if n > 2 { Err(f'no {n}') } else { Ok(n) } }\n".replace("'", '"')


@pytest.mark.parametrize(
    ("main", "code", "out", "error"),
    [
        ('fun main() -> Result<(), String> { println(1); Err("bad") }', 1, "1\n", "Error: bad\n"),
        ("fun main() -> Result<i64, String> { println(1); Ok(3) }", 0, "1\n", ""),
        (
            "fun main() -> Result<(), String> { println(step(2)?); println(step(3)?); Ok(()) }",
            1,
            "2\n",
            "Error: no 3\n",
        ),
        ("fun main() { println(step(1)?); return step(5) }", 1, "1\n", "Error: no 5\n"),
        ("fun main() -> Result<(), i64> ensures true { if true { return Err(7) } Ok(()) }", 1, "", "Error: 7\n"),
        ("fun main() -> Result<(), [String]> { Err(['a', 'b']) }", 1, "", 'Error: ["a", "b"]\n'),
        ("enum Bad { Low(i64) } fun main() -> Result<(), Bad> { Err(Bad::Low(2)) }", 1, "", "Error: Low(2)\n"),
        ('fun main() -> Result<(), String> { Err("x" + 1) }\nmain()', 1, "", "Error: x1\n"),
        ("fun main() -> Option<i64> { None }", 0, "", ""),
    ],
)
def test_an_error_ends_the_program(main: str, code: int, out: str, error: str) -> None:
    ran = run_text(STEP + main)
    assert (ran.code, ran.stdout, ran.stderr) == (code, out, error)
