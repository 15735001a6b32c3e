"""What is written through a reference is refused, never accepted and lost."""

import pytest

from tests.orchestrator.toolchains.ruchy.check.checking import found, good

HEAD = """struct Q { n: i64, s: String }
struct P { x: i64, q: Q }
"""
LOST = [
    "fn f(x: &mut i64) { *x += 1; }",
    "fn f(x: &mut i64) { *x = 1; }",
    "fn f(x: &mut i64) { x = 1; }",
    "fn f(x: &mut i64) { x += 1; }",
    "fn f(mut x: &mut i64) { x += 1; }",
    "fn f(x: &'a mut i64) { *x = 1; }",
    "fn f(x: & &mut i64) { *x = 1; }",
    "fn f(x: &i64) { *x = 1; }",
    "fn f(p: &mut P) { p.x = 1; }",
    "fn f(p: &mut P) { (*p).x = 1; }",
    "fn f(p: &mut P) { p.q.n += 1; }",
    "fn f(p: &mut P) { (*p).q.n += 1; }",
    "fn f(p: &mut P) { p.q = Q { n: 1, s: p.q.s }; }",
    "fn f(s: &mut String) { s.push_str(\"a\"); }",
    "fn f(s: &mut String) { s += \"a\"; }",
    "fn f(p: &mut P) { p.q.s.push_str(\"a\"); }",
    "fn f(p: &mut P) { let r = p; r.x = 1; }",
    "fn f(p: &mut P) { let r = if p.x > 1 { p } else { { p } }; r.x = 1; }",
    "fn f(p: &mut P) { let r = p; let s = { let t = r; t }; s.q.n = 1; }",
    "fn f(c: bool) { fn g(x: &mut i64) { *x = 1 } let mut k = 1; g(&mut k) }",
    "mod m { pub fn f(x: &mut i64) { *x = 1 } }",
    "pub fn f(x: &mut i64) { if *x > 1 { while *x > 2 { *x -= 1; } } }",
    "fn f() { let mut k = 1; let r = &k; *r = 2; }",
]  # fmt: skip
ELSEWHERE = [
    "fn f() { let mut k = 1; let r = &mut k; }",
    "fn f() { let mut k = 1; let r: &mut i64 = k; }",
    "fn f(p: &mut P) { let r = &mut p.q; }",
    'fn g(p: P) { p.x = 1 } fn f() { let p = P { x: 1, q: Q { n: 1, s: "" } }; g(&mut p) }',
    'fn g(p) { p.x = 1 } fn f() { let p = P { x: 1, q: Q { n: 1, s: "" } }; g(&mut p) }',
    "fn f(p: &mut P) -> &mut P { p }",
    "struct R { p: &mut P }",
    "type R = &mut P;",
    "fn f(k: i64, c: bool) { g(if c { &mut k } else { &mut k }) } fn g(k: &mut i64) { }",
    "fn f(k: i64) -> i64 { return &mut k }",
    "fn f(k: i64) { println(1 + &mut k) }",
]


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
