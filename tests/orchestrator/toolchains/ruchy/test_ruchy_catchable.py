"""What goes wrong at run time, and is caught."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text

PAGE = 65536

HEAD = """fun divided(a: i64, b: i64) -> i64 { a / b }
fun at(xs: [String], i: i64) -> String { xs[i] }
fun number(s: String) -> i64 { s.to_int() }
fun checked(n: i64) -> i64 requires n > 0 { n }
"""
CAUGHT = {
    "let z = 0; 1 / z": "division by zero",
    "let z = 0; 1 % z": "remainder by zero",
    "divided(6, 0)": "division by zero",
    "let xs = [1, 2]; let i = 2; xs[i]": "index 2 out of range for length 2",
    "let xs = [1, 2]; xs[-3]": "index -3 out of range for length 2",
    "at(['a' + 1], 4).len()": "index 4 out of range for length 1",
    "[1, 2][5]": "index 5 out of range for length 2",
    '"abc".to_int()': 'cannot parse "abc" as i64',
    "number('x' + 1)": 'cannot parse "x1" as i64',
    'parse_int("")': 'cannot parse "" as i64',
    '"1.x".to_float().to_int()': 'cannot parse "1.x" as f64',
    "let o: Option<i64> = None; o.unwrap()": "called `unwrap` on a `None` value",
    'panic("oh " + 1); 2': "oh 1",
    "assert(1 == 2); 2": "assertion failed",
    "checked(0)": "requires failed: n > 0",
}
FINE = {
    "6 / 4 + divided(9, 2)": "5",
    "[1, 2][-1] + [3, 4][0]": "5",
    'at(["ab"], 0).len() + number(" 3")': "5",
    "let x = 1.0; let z = 0.0; if x / z > 5.0 { 5 } else { 4 }": "5",
    "let mut n = 5; n / { n = 0; 1 }": "5",
    "let mut xs = [5]; xs[{ xs = [7, 8]; 0 }]": "5",
}


@pytest.mark.parametrize("body", [*CAUGHT, *FINE])
def test_what_a_catch_sees(body: str) -> None:
    source = f"{HEAD}fun main() {{ println(try {{ {body} }} catch e {{ println(e); 7 }}) }}"
    ran = run_text(source)
    assert (ran.code, ran.stdout) == (0, f"{FINE[body]}\n" if body in FINE else f"{CAUGHT[body]}\n7\n")


def test_without_a_try_around_it_the_program_stops_at_the_line() -> None:
    ran = run_text(HEAD + "fun main() {\n try { divided(1, 1) } catch e { 2 };\n let z = 0;\n println(1 / z)\n}")
    assert (ran.code, ran.stdout) == (134, "")
    assert ran.stderr.startswith("error: main.ruchy:8: division by zero")
    ran = run_text(HEAD + "fun main() {\n try { 1 } catch e { 2 };\n println(divided(1, 0))\n}")
    assert ran.stderr.startswith("error: main.ruchy:1: uncaught: division by zero")


@pytest.mark.parametrize("turns", [2000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_memory_stays_when_much_goes_wrong(turns: int) -> None:
    """A page holds what one turn makes, and nothing of the turns before it."""
    tries = "".join(f" n += try {{ {body} }} catch e {{ e.len() }};" for body in CAUGHT)
    words = "let words = ['a' + i, 'b' + i]; try { println(words[i + 2]) } catch e { n += e.len() }"
    ran = run_text(
        f"{HEAD}fun main() {{ let mut n = 0; for i in 0..{turns} {{ {words}{tries} }} println(n) }}",
        memory_limit=6 * PAGE,
    )
    assert (ran.code, ran.stderr) == (0, "")


def test_finally_runs_and_a_loop_goes_on() -> None:
    body = 'for i in 0..3 { try { println(10 / (i - 1)) } catch e { println(e) } finally { println("f") } }'
    assert run_text(f"fun main() {{ {body} }}").stdout == "-10\nf\ndivision by zero\nf\n10\nf\n"
