"""What is said of arrays and tuples that are wrong: code, place and cure; and one error for one mistake."""

from __future__ import annotations

import pytest

from tests.helpers.programs import errors_of, run_text

WRONG = {
    "let xs = [1, 2]\nprintln(xs[1.5])": ("E0251", 2, "this is f64"),
    'let xs = [1]\nxs.push("a")': ("E0204", 2, "takes i64, and this is String"),
    'let xs: [i64] = [1,\n"a"]': ("E0250", 2, "are i64, and this is String"),
    'let mut xs = [1]; xs = [1,\n2,\n"a"]': ("E0250", 3, "i64 and String"),
    "let mut xs = [[1]]; xs = [[1],\n2]": ("E0250", 2, "are [i64], and this is i64"),
    "let xs: [u8] = [300]": ("E0205", 1, "300 does not fit in u8"),
    "let xs = [1]\nxs.pusch(1)": ("E0107", 2, "did you mean `push`?"),
    "let xs = [1]\nxs.add(1)": ("E0107", 2, "write `push(x)`"),
    "let xs = [1]\nxs.push()": ("E0301", 2, "takes 1 argument, and was given 0"),
    "let xs = [1]\nprintln(xs.append(1))": ("E0204", 2, "`push(x)`, or `xs + [x]`"),
    "let xs = [1]\nprintln(xs + 1)": ("E0207", 2, "`xs + [x]`"),
    "let xs = [1]\nprintln(xs.length)": ("E0104", 2, "`.len()`"),
    "fun f() -> [i64] { [1] }\nf().push(2)": ("E0211", 2, "the change would be lost"),
    "let xs = [1]\nxs[0..1] = [3]": ("E0211", 2, "a part of an array"),
    'let s = "abc"\ns[0] = "x"': ("E0211", 2, "a character of a String"),
    'let xs = [1]\nxs[0] = "x"': ("E0201", 2, "the elements of this array are i64"),
    "let n = 5\nprintln(n[0])": ("E0215", 2, "i64 cannot be indexed"),
    "let t = (1, 2)\nprintln(t.2)": ("E0252", 2, "`.0` to `.1`"),
    "let t = (1, 2)\nlet n = 1\nprintln(t[n])": ("E0252", 3, "indexed by a literal"),
    "let t = (1, 2)\nprintln(t < t)": ("E0208", 2, "compare their parts"),
    "println([1] < [2])": ("E0208", 1, "[i64]"),
    "for x in 5 { println(x) }": ("E0212", 1, "write `0..n`"),
    'println(["a"].sum())': ("E0255", 1, "an array of numbers"),
    "let xs = []\nxs.push(xs)": ("E0204", 2, "takes _, and this is [_]"),
    "struct N { pair: (N, i64) }": ("E0218", 1, "no value of it can be made"),
    "fun f(xs: [i64], n: i64) -> [String] { xs }": ("E0401", 1, "[String], and its last value is [i64]"),
    "fun f(p: (i64, String)) { println(p) }\nf((1, 2))": ("E0201", 2, "this value of the tuple is i64"),
    "fun f(xs: [i64]) { println(xs) }\nf([1, true])": ("E0250", 2, "are i64, and this is bool"),
    "fun f(xs: &[i64]) { *xs = [1] }": ("E0230", 1, "writing through the reference"),
    "let xs = [x for x in 5]": ("E0212", 1, "cannot be iterated over"),
    "let xs = [x for x in 0..3 if x]": ("E0202", 1, "the condition of a comprehension"),
    'let xs = [0; "n"]': ("E0251", 1, "repeated an integer number of times"),
}


@pytest.mark.parametrize("source", WRONG)
def test_what_is_wrong_is_told_once(source):
    code, line, words = WRONG[source]
    found = errors_of(source)
    assert [(one.code, one.line) for one in found] == [(code, line)]
    assert words in f"{found[0].message} {found[0].hint}"


TRAPS = {
    "let xs = [1, 2]\nprintln(xs[5])": "main.ruchy:2: index 5 out of range for length 2",
    "let xs = [1, 2]\nxs[-3] = 1": "main.ruchy:2: index -3 out of range for length 2",
    "let xs = [[1]]\nxs[0][1] += 1": "main.ruchy:2: index 1 out of range for length 1",
    "let xs = [1]\nprintln(xs[2..])": "main.ruchy:2: index 2 out of range for length 1",
    "let xs: [i64] = []\nxs.pop()": "main.ruchy:2: index -1 out of range for length 0",
    "let n = 0 - 1\nprintln([0; n])": "main.ruchy:2: repeated less than 0 times",
    "println([9223372036854775807, 1].sum())": "main.ruchy:1: integer overflow",
    "fun f(xs: [u8]) { println(xs) }\nlet n = 300\nf([n])": "main.ruchy:3: cast does not fit in u8",
    "fun f(xs: [i32]) { println(xs) }\nlet xs: [i64] = [3000000000]\nf(xs)": "main.ruchy:3: cast does not fit in i32",
}


@pytest.mark.parametrize("source", TRAPS)
def test_a_trap_names_its_line(source):
    ran = run_text(source)
    assert (ran.code, ran.stderr.strip()) == (134, f"error: {TRAPS[source]}")


LATER = {
    "let mut ps = []\nif ps.len() > 0 { ps[0].n = 3 }\nps.push(P { n: 1 })\nps[0].n += 1\nprintln(ps)": "[P {n: 2}]",
    "fun f() { let mut xs = []; for i in 0..xs.len() { xs[i].1 += 1 } xs.push((1, 2)); xs }\nprintln(f())": "[(1, 2)]",
    "fun g() { let mut xs = []; let n = h(); if n > 9 { xs[0].n = n } xs.push(P { n: n }); xs }\nfun h() { 3 }\n"
    "println(g())": "[P {n: 3}]",
}


@pytest.mark.parametrize("source", LATER)
def test_what_an_array_holds_may_be_told_behind_its_first_use(source):
    assert run_text(f"struct P {{ n: i64 }}\n{source}").stdout == LATER[source] + "\n"


def test_where_nothing_tells_it_the_type_is_asked_for_once():
    found = errors_of("let mut xs = []\nxs[0].n = 1\nlet s: i64 = true")
    assert [(one.code, one.line) for one in found] == [("E0210", 2), ("E0201", 3)]
