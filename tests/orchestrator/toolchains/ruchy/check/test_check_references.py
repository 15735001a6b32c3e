"""What is written through a parameter `&mut T` is seen by the caller; through another reference it is refused, never
accepted and lost."""

import pytest

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found, good
from tests.properties.test_ruchy_values import counted

HEAD = """struct Q { n: i64, s: String }
struct P { x: i64, q: Q }
"""
LOST = [
    "fn f(x: &i64) { *x = 1; }",
    "fn f(p: &mut P) { let r = p; r.x = 1; }",
    "fn f(p: &mut P) { let r = if p.x > 1 { p } else { { p } }; r.x = 1; }",
    "fn f(p: &mut P) { let r = p; let s = { let t = r; t }; s.q.n = 1; }",
    "fn f() { let mut k = 1; let r = &k; *r = 2; }",
]
SEEN = {
    "fn f(x: &mut i64) { *x += 1 } let mut k = 1; f(&mut k); f(&mut k); println(k)": "3",
    "fn f(x: &mut i64) { x = 5 } let mut k = 1; f(&mut k); println(k)": "5",
    "fn f(x: & &mut i64) -> i64 { *x = 2; x * 10 } let mut k = 1; println(f(&mut k), k)": "20 2",
    'fn f(p: &mut P) { p.x = 7; (*p).q.n += 1 } let mut p = P { x: 1, q: Q { n: 2, s: "s" } }; let o = p; f(&mut p); '
    "println(p.x, p.q.n, o.x, o.q.n)": "7 3 1 2",
    'fn f(s: &mut String) { s.push_str("a"); s += "b" } let mut t = ""; f(&mut t); f(&mut t); println(t)': "abab",
    'fn f(p: &mut Q) { p.s.push_str("!") } let p = P { x: 1, q: Q { n: 2, s: "s" } }; f(&mut p.q); println(p.q.s)': (
        "s!"
    ),
    "fn f(n: &mut i64) { if *n > 1 { while *n > 2 { *n -= 1 } } } let mut k = 9; f(&mut k); println(k)": "2",
    "fn f(c: bool) -> i64 { fn g(x: &mut i64) { *x = 4 } let mut k = 1; g(&mut k); k } println(f(true))": "4",
    "fn f(xs: &mut [i64], n: i64) -> bool { if xs.contains(n) { return false } xs.push(n); true } let mut s = []; "
    "println(f(&mut s, 1), f(&mut s, 1), f(&mut s, s.len() + 1), s)": "true false true [1, 2]",
    'fn f(a: &mut String, b: &mut String) { let t = *a; *a = *b; *b = t } let mut x = "x"; let mut y = "y"; '
    "f(&mut x, &mut y); println([x, y])": '["y", "x"]',
    "fn f(x: &mut i32) { *x += 1 } let mut t = (1, [5, 6]); f(&mut t.0); f(&mut t.1[1]); println(t)": "(2, [5, 7])",
    "fn f(x: &mut f64, n: i64) { *x += n } let mut k = 0; f(&mut k, 2); println(k)": "2.0",
    "fn f(n: &mut i64) { if *n < 5 { *n += 1; f(n) } } let mut k = 0; f(&mut k); println(k)": "5",
    "fn f(x: &mut Option<i64>) { match x { Some(n) => { *x = Some(n + 1) }, None => { *x = Some(0) } } } "
    "let mut o = None; f(&mut o); f(&mut o); println(o)": "Some(1)",
    "let mut total = 0; fn add(t: &mut i64, n: i64) { *t += n } fn all() { add(&mut total, 5) } all(); "
    "add(&mut total, 2); println(total)": "7",
    'fn f(x: &mut [String]) -> [String] { x.push("z"); x } let a = ["q"]; println(f(a), a)': '["q", "z"] ["q"]',
    'fn f(xs: &mut [String]) { for i in 0..3 { xs.push("x" + i) } panic("end") } let mut a = []; println(a)': "[]",
}
ELSEWHERE = [
    "fn f() { let mut k = 1; let r: &mut i64 = k; }",
    'fn g(p: P) { p.x = 1 } fn f() { let p = P { x: 1, q: Q { n: 1, s: "" } }; g(&mut p) }',
    'fn g(p) { p.x = 1 } fn f() { let p = P { x: 1, q: Q { n: 1, s: "" } }; g(&mut p) }',
    "fn f(p: &mut P) -> &mut P { p }",
    "struct R { p: &mut P }",
    "type R = &mut P;",
    "fn f(k: i64, c: bool) { g(if c { &mut k } else { &mut k }) } fn g(k: &mut i64) { }",
    "fn f(k: i64) -> i64 { return &mut k }",
    "fn f(k: i64) { println(1 + &mut k) }",
]


@pytest.mark.parametrize("line", SEEN)
def test_what_is_written_through_a_parameter_is_seen(line):
    assert run_text(HEAD + line).stdout == SEEN[line] + "\n"
    if "total" not in line:  # no variable of the top level
        assert counted(f"{HEAD}fun main() {{ {line} }}") == (SEEN[line] + "\n", [])


def test_one_variable_is_not_lent_twice():
    line = "fn f(a: &mut i64, b: &mut P) { } fn g(p: P) { f(&mut p.x, &mut p) }"
    assert found(HEAD + line) == [("E0296", 3)]


@pytest.mark.parametrize("line", LOST)
def test_writes_that_would_be_lost(line):
    assert ("E0230", 3) in found(HEAD + line), line
    assert {code for code, _ in found(HEAD + line)} <= {"E0230"}


@pytest.mark.parametrize("line", ELSEWHERE)
def test_references_that_somebody_could_write_to(line):
    assert found(HEAD + line)[:1] == [("E0231", 3)]


def test_what_is_only_read():
    good(HEAD + "fn f(p: &mut P, k: &mut i64, s: &mut String) -> i64 { g(k) + g(&mut p.x) + *k + (*p).q.n + s.len() }\n"
         "fn g(n: &mut i64) -> i64 { let mut m = *n; m += 1; m }\n"
         "fn main() { let mut k = 1; let mut s = \"a\";\n"
         "println(g(&mut k), &mut k); println!(\"{}\", &mut s); }")  # fmt: skip


def test_a_parameter_without_is_a_copy():
    good(HEAD + "fun f(p: P, n: i64) -> P { p.x = 1; p.q.n += n; n = 2; p }")
