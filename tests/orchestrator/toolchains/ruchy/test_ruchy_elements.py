"""Arrays of the top level that begin empty: what they hold is what is put in, and the summary says it."""

from __future__ import annotations

import pytest

from actors.compiler.toolchain import SummariseJob
from orchestrator.toolchains.ruchy.syntax.elements import elements_in
from tests.helpers.programs import RUCHY, errors_of, run_text

HELD = {
    "i64": "fun f() { xs = xs + [7] }",
    "String": "fun f(s: str) { xs.push(s) }",
    "f64": "fun f() { xs = [1] + xs; xs.push(2.5) }",
    "bool": "fun f(n: i64) { xs += [n > 2] }",
    "(String, i64)": 'fun f(n: i64) { xs.push(("a", n)) }',
    "[i64]": "fun f(n: i64) { let mut row = []; for i in 0..n { row.push(i * n) } xs.push(row) }",
    "[String]": 'fun f() { xs.push(vec!["a"]) }',
    "u8": "fun f(n: u8) { xs.push(n) }",
    "[f64]": "fun f() { xs[0][1] = 0.5 }",
}


def summarised(source: str) -> dict[str, str]:
    summary = RUCHY.summarise(SummariseJob(module="main", path="main.ruchy", source=source.encode())).summary
    assert summary is not None
    return elements_in(summary.items[-1].interface)


@pytest.mark.parametrize("kind", HELD)
def test_what_is_put_in_says_what_an_array_holds(kind):
    source = f"let mut xs = []\n{HELD[kind]}\nprintln(xs)"
    assert summarised(source) == {"xs": kind}
    assert run_text(source).stdout == "[]\n"


PRINTED = {
    'let mut xs = []\nfun f(s: String) { xs.push(s) }\nf("a")\nf("b")': '["a", "b"]',
    "let mut xs = [0; 2]\nfun f() { xs[1] = 2.5 }\nf()": "[0.0, 2.5]",
    'let first = "x"\nlet mut xs = vec![]\nfun f() { xs.push(first) }\nf()\nxs = xs + ["y"]': '["x", "y"]',
    "let mut xs = Vec::new()\nfun f(n) { xs.push(n * 2) }\nf(4)\nxs.push(1)": "[8, 1]",
    "let xs = []\nfun f() -> i64 { xs.len() }\nf()": "[]",
    'fun n() -> str { "n" }\nlet xs = []\nfun f() { let xs = [1]; xs.push(2) }\nfun g() { xs.push(n()) }\ng()': '["n"]',
}


@pytest.mark.parametrize("source", PRINTED)
def test_such_a_program_runs(source):
    assert run_text(f"{source}\nprintln(xs)").stdout == PRINTED[source] + "\n"


def test_where_the_text_does_not_tell_the_type_is_asked_for():
    found = errors_of("struct S { a: i64 }\nlet mut xs = []\nfun f() { xs.push(S { a: 1 }) }\nf()")
    assert [(one.code, one.line) for one in found] == [("E0241", 2)]
    assert "`let xs: [i64]`" in found[0].hint


def test_other_variables_are_not_looked_at():
    source = "let mut n = 0\nlet xs: [i64] = []\nfun f() { n = 1; xs.push(2) }\nprintln(n)"
    assert summarised(source) == {}
    assert elements_in(b"x") == {}
