"""Variables of the top level whose `let` leaves their type open: whatever uses them decides it, for all functions."""

from __future__ import annotations

import pytest

from orchestrator.toolchains.ruchy.check.inference.infer import shown
from orchestrator.toolchains.ruchy.check.variables import types_in
from orchestrator.toolchains.ruchy.signatures import known
from tests.helpers.programs import errors_of, run_text
from tests.helpers.reuse_tools import WrongError, compiled, fragments_of, job_of

ITEMS = """struct S { a: i64 }
enum E { A, B(i64) }
fun half(x) { x / 2.0 }
fun name() { "x" }
"""
HELD = {
    "let mut v = []": {
        "[i64]": "v = v + [7]",
        "[String]": "v.push(name())",
        "[f64]": "v = [1] + v; v.push(2.5)",
        "[bool]": "v += [1 > 2]",
        "[(String, i64)]": 'v.push(("a", 1))',
        "[[i64]]": "let mut row = []; for i in 0..3 { row.push(i) } v.push(row)",
        "[u8]": "let n: u8 = 3; v.push(n)",
        "[[f64]]": "v[0][1] = 0.5",
        "[S]": "v.push(S { a: 1 })",
        "[E]": "v.push(E::A); v.push(E::B(2))",
        "[{a: i64, b: String}]": 'v.push({a: 1, b: "x"})',
    },
    "let mut v = {}": {
        "HashMap<String, i64>": 'v["a"] = 1',
        "HashMap<i64, String>": "v.insert(1, name())",
        "HashMap<String, [f64]>": "v.entry(name()).or_default().push(half(1.0))",
    },
    "let mut v = HashSet::new()": {
        "HashSet<String>": "v.insert(name())",
        "HashSet<i64>": "if v.contains(3) { v.clear() }",
    },
    "let mut v = None": {"Option<String>": "v = Some(name())", "Option<S>": "v = Some(S { a: 1 })"},
    "let mut v = 0": {"f64": "v = v + half(3.0)", "i64": "v = v + 1"},
    "let mut v = [0; 3]": {"[f64]": "v[1] = half(1.0)", "[i64]": "v[1] = 2"},
    "let (mut v, other) = (0, name())": {"f64": "v = half(3.0)", "i64": "println(other); v += 1"},
    "let [first, .., mut v] = [[], []]": {"[String]": "v.push(name()); println(first.len())"},
    "let {a: v} = {a: 1}": {"i64": "println(v)"},
    "let (a, .., v) = (1, 2, name())": {"String": "println(v, a)"},
}
CASES = [(let, kind, use) for let, uses in HELD.items() for kind, use in uses.items()]


@pytest.mark.parametrize(("let", "kind", "use"), CASES, ids=[f"{let} {kind}" for let, kind, _ in CASES])
def test_what_uses_a_variable_decides_its_type(let, kind, use):
    source = f"{ITEMS}{let}\nfun read() {{ println(v) }}\nfun write() {{ {use} }}\nread()\n"
    signature = job_of(source).signatures["<top>"]
    assert {name: shown(kind) for name, kind in types_in(known(signature)).items()}["v"] == kind
    whole = compiled(job_of(source))
    edited = source.replace("read() { println(v)", "read() { println(v, 1)")
    assert "read" in compiled(job_of(edited), fragments_of(whole)).compiled
    assert "write" not in compiled(job_of(edited), fragments_of(whole)).compiled
    assert run_text(source).code == 0


PRINTED = {
    'let mut v = []\nfun f(s: String) { v.push(s) }\nf("a")\nf("b")': '["a", "b"]',
    "let mut v = [0; 2]\nfun f() { v[1] = 2.5 }\nf()": "[0.0, 2.5]",
    'let first = "x"\nlet mut v = vec![]\nfun f() { v.push(first) }\nf()\nv = v + ["y"]': '["x", "y"]',
    "let v = []\nfun f() -> i64 { v.len() }\nf()": "[]",
    'fun n() -> str { "n" }\nlet v = []\nfun f() { let v = [1]; v.push(2) }\nfun g() { v.push(n()) }\ng()': '["n"]',
    "let mut v = {}\nfun fib(n) { if n < 2 { return n }\nif v.has_key(n) { return v[n] }\n"
    "let r = fib(n - 1) + fib(n - 2)\nv[n] = r\nr }\nfib(5)": "{2: 1, 3: 2, 4: 3, 5: 5}",
    "let (v, w) = (1, [2])\nfun f() { w.push(v); w }\nfun g() { v += 1 }\ng()\ng()\nprintln(f())": "[2, 3]\n3",
    "let mut v = []\nfun show() { println(v[0].a) }\nstruct S { a: i64 }\nfun f() { v.push(S { a: 4 }) }\n"
    "f()\nshow()": "4\n[S {a: 4}]",
    "let mut v = []\nlet up = || { v.push(1.5) }\nfun f() { v.len() }\nup()\nprintln(f())": "1\n[1.5]",
}


@pytest.mark.parametrize("source", PRINTED)
def test_such_a_program_runs(source):
    assert run_text(f"{source}\nprintln(v)").stdout == PRINTED[source] + "\n"


WRONG = {
    'let mut v = []\nfun f() { v.push(1) }\nfun g() { v.push("a") }': [("E0204", 3)],
    'let mut v = 0\nfun f() { v = "a" }': [("E0201", 2)],
    "let v = f()\nfun f() { v }": [("E0241", 1)],
    "let mut v = {}\nfun f() { v[1.5] = 1 }": [("E0290", 1)],
    "let (a, b) = (1, 2, 3)\nfun f() { a }": [("E0271", 1)],
}


@pytest.mark.parametrize("source", WRONG)
def test_what_does_not_fit_is_told_once(source):
    assert [(one.code, one.line) for one in errors_of(f"{source}\n")] == WRONG[source]


def test_a_change_of_what_one_function_puts_in_compiles_all_that_name_the_variable():
    text = "let mut v = []\nfun f() { v.push(1) }\nfun g() -> i64 { v.len() }\nfun h() -> i64 { 1 }\nf()\n"
    kept = fragments_of(compiled(job_of(text)))
    assert sorted(compiled(job_of(text.replace("1)", "2)")), kept).compiled) == ["f"]
    assert sorted(compiled(job_of(text.replace("1)", "'a')")), kept).compiled) == ["<top>", "f", "g"]
    with pytest.raises(WrongError) as told:
        job = job_of(text.replace("h() -> i64 { 1 }", "h() -> i64 { v.push('a'); 1 }"))
        compiled(job, kept)
    assert told.value.codes == ["E0204"]
