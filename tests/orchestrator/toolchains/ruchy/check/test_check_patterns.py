"""Patterns: what they refuse and warn of, what runs, and that no match keeps memory."""

from __future__ import annotations

import pytest

from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import check_text

PAGE = 65536

ERRORS = {
    "a bool left out": ("fun f(b: bool) -> i64 {\n match b { true => 1 }\n}", ("E0270", 2, "`false`")),
    "a pair of bools left out": (
        "fun f(a: bool, b: bool) -> i64 {\n match (a, b) { (true, _) => 1, (_, true) => 2 }\n}",
        ("E0270", 2, "`(false, false)`"),
    ),
    "a struct left out": (
        "struct P { on: bool, n: i64 }\nfun f(p: P) -> i64 {\n match p { P { on: true, .. } => 1 }\n}",
        ("E0270", 3, "`P { on: false, .. }`"),
    ),
    "no arm": ("fun f(n: i64) {\n match n { }\n}", ("E0270", 2, "covers nothing")),
    "a text for an integer": ('fun f(n: i64) -> i64 {\n match n {\n "a" => 1, _ => 0 } }', ("E0271", 3, "String")),
    "a tuple of three for one of two": (
        "fun f(t: (i64, i64)) -> i64 { match t {\n (a, b, c) => a + b + c } }",
        ("E0271", 2, "a tuple of 3 values, and the value is (i64, i64)"),
    ),
    "an array for a number": ("fun f(n: i64) -> i64 { match n {\n [a] => a, _ => 0 } }", ("E0271", 2, "an array")),
    "a tuple for a number, in let": ("fun f(n: i64) -> i64 {\n let (a, b) = n; a + b }", ("E0271", 2, "i64")),
    "a tuple for a number, in for": ("fun f() {\n for (a, b) in 0..3 { println(a, b) }\n}", ("E0271", 2, "i64")),
    "another struct": (
        "struct P { x: i64 } struct Q { x: i64 }\nfun f(p: P) -> i64 { match p {\n Q { x } => x } }",
        ("E0271", 3, "this pattern is Q, and the value is P"),
    ),
    "a field that there is not": (
        "struct P { x: i64 }\nfun f(p: P) -> i64 { match p {\n P { y } => y } }",
        ("E0104", 3, "no field `y`"),
    ),
    "a range without values": ("fun f(n: i64) -> i64 { match n {\n 5..5 => 1, _ => 0 } }", ("E0272", 2, "no value")),
    "a range of bools": ("fun f(n: bool) -> i64 { match n {\n false..=true => 1, _ => 0 } }", ("E0272", 2, "ends")),
    "two rests": ("fun f(a: [i64]) -> i64 { match a {\n [.., x, ..] => x, _ => 0 } }", ("E0272", 2, "twice")),
    "a rest outside": ("fun f(a: [i64]) -> i64 { match a {\n ..rest => 1 } }", ("E0272", 2, "inside")),
    "a name in one alternative": (
        "fun f(t: (i64, i64)) -> i64 { match t {\n (0, x) | (1, _) => x, _ => 0 } }",
        ("E0273", 2, "`x`"),
    ),
    "a name of two types": (
        'fun f(t: (i64, String)) { match t {\n (x, "") | (_, x) => println(x) } }',
        ("E0273", 2, "i64"),
    ),
    "a let that may not fit": ("fun f(t: (bool, i64)) -> i64 {\n let (true, n) = t; n }", ("E0274", 2, "(false, _)")),
    "an else that goes on": (
        "fun f(t: (bool, i64)) -> i64 {\n let (true, n) = t else { println(1) }; n }",
        ("E0275", 2, "goes on"),
    ),
    "a name twice": ("fun f(t: (i64, i64)) -> i64 { match t {\n (a, a) => a } }", ("E0607", 2, "`a`")),
    "a field twice": (
        "struct P { x: i64 }\nfun f(p: P) -> i64 { match p {\n P { x: a, x: b } => a + b } }",
        ("E0607", 3, "`x`"),
    ),
    "a guard that is no bool": ("fun f(n: i64) -> i64 { match n {\n x if x => 1, _ => 0 } }", ("E0202", 2, "guard")),
    "arms that differ": (
        'fun f(n: i64) {\n let v = match n {\n 0 => 1,\n _ => "a" };\n println(v) }',
        ("E0203", 4, "i64 and String"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    source, (code, line, word) = ERRORS[name]
    errors = check_text(source).diagnostics
    assert [(one.code, one.line) for one in errors] == [(code, line)]
    assert word in errors[0].message


WARNINGS = {
    "integers left out": ("fun f(n: i64) -> i64 {\n match n { 0 => 1, 1..=9 => 2 }\n}", [("W0010", 2)]),
    "small integers left out": ("fun f(n: u8) -> i64 {\n match n { 0..=9 => 1, 11..=255 => 2 }\n}", [("W0010", 2)]),
    "texts left out": ('fun f(s: str) -> i64 {\n match s { "a" => 1 }\n}', [("W0010", 2)]),
    "lengths left out": ("fun f(a: [i64]) -> i64 {\n match a { [] => 0, [x] => x }\n}", [("W0010", 2)]),
    "all behind guards": ("fun f(n: i64) -> i64 {\n match n { x if x < 0 => 0, x if x >= 0 => x }\n}", [("W0010", 2)]),
    "an arm behind `_`": ("fun f(n: i64) -> i64 {\n match n { _ => 0,\n 1 => 2 }\n}", [("W0011", 3)]),
    "an arm that others cover": (
        "fun f(n: i64) -> i64 {\n match n { 0..=5 => 0, 4..=9 => 1,\n 3..=7 => 2, _ => 3 }\n}",
        [("W0011", 3)],
    ),
    "all small integers": ("fun f(n: u8) -> i64 {\n match n { 0 => 1, 1..=254 => 2, 255 => 3 }\n}", []),
    "all lengths": ("fun f(a: [i64]) -> i64 {\n match a { [] => 0, [x] => x, [_, .., y] => y }\n}", []),
    "an arm behind a guard": ("fun f(n: i64) -> i64 {\n match n { x if x > 1 => 0, x => x }\n}", []),
    "names that nobody reads": ("fun f(t: (i64, i64)) -> i64 {\n match t { (a, b) if a > 1 => 1, (c, d) => 2 }\n}", []),
    "a match that asks": ("fun f(n: i64) -> bool {\n matches!(n, 1..=9)\n}", []),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warning(name: str) -> None:
    source, wanted = WARNINGS[name]
    assert [(one.code, one.line) for one in check_text(source).warnings] == wanted


def test_the_example_of_a_warning_is_a_value() -> None:
    (one,) = check_text(WARNINGS["small integers left out"][0]).warnings
    assert (one.message, one.hint) == (
        "this `match` does not cover `10`",
        "add an arm: `10 => ...`; without one, such a value traps",
    )


TRAPS = {
    "match": ("fun main() { for n in 0..3 { match n { 0 => println(0), 1 => println(1) } } }", "0\n1\n"),
    "let": ("fun main() { for xs in [[1], [2, 3]] { let [x] = xs; println(x); } }", "1\n"),
    "for": ("fun main() { for [x, y] in [[1, 2], [3]] { println(x + y); } }", "3\n"),
    "parameter": ("fun f([x]: [i64]) -> i64 { x } fun main() { println(f([1])); println(f([])); }", "1\n"),
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_fits_nothing_traps(name: str) -> None:
    source, printed = TRAPS[name]
    ran = run_text(source)
    assert (ran.code, ran.stdout) == (134, printed)
    assert "fit" in ran.stderr


def test_guards_change_nothing_that_was_matched() -> None:
    """What is matched is kept as it was, whatever a guard does to its variable."""
    source = """
    fun main() {
        let mut xs = ["a" + 1, "b" + 2];
        let s = match xs {
            [x, y] if { xs = []; x == "b2" } => x,
            [x, y] if { xs = ["q" + y]; y == "b2" } => x + y,
            _ => "none",
        };
        println(s, xs);
    }"""
    assert run_text(source).stdout == 'a1b2 ["qb2"]\n'


def test_arms_may_change_what_is_matched() -> None:
    source = """
    struct P { name: String, parts: [String] }
    fun main() {
        let mut p = P { name: "n" + 1, parts: ["a" + 1, "b" + 2] };
        for turn in 0..4 {
            match p {
                P { name: "n1", parts: [first, ..rest] } => { p = P { name: first + turn, parts: rest }; println(first, rest); }
                P { name, parts } if parts.len() > 0 => { p.parts = []; p.name = name + "!"; println(name, parts); }
                P { name, .. } => { p.name = "n1"; p.parts = [name]; println(name); }
            }
        }
        println(p);
    }"""  # noqa: E501
    assert run_text(source).stdout == ('a1 ["b2"]\na10 ["b2"]\na10!\na10! []\nP {name: "a10!3", parts: []}\n')


@pytest.mark.slow
def test_a_million_matches_in_bounded_memory() -> None:
    source = """
    struct P { name: String, n: i64 }
    fun word(i: i64) -> String { "w" + i % 4 }
    fun sum([a, ..rest]: [String], (b, c): (String, i64)) -> i64 { a.len() + rest.len() + b.len() + c }
    fun main() {
        let mut total = 0;
        for i in 0..200000 {
            let t = (word(i), [word(i + 1), word(i + 2)], P { name: word(i + 3), n: i });
            total += match t {
                ("w0", [a, _], _) if a == "w2" => 1,
                (a, [b, ..rest], P { name, .. }) if b == "w1" => a.len() + rest.len() + name.len(),
                (a, all, P { name: "w1" | "w2", n }) => a.len() + all.len() + n % 3,
                (s @ ("w1" | "w3"), [.., last], p) => s.len() + last.len() + p.name.len(),
                _ => 1,
            };
            let (a, [b, c], P { name, .. }) = t;
            let (x, _) | (_, x) = (a + b, c);
            if let [p, q] = [x, name] { total += p.len() + q.len(); }
            let mut stack = [a, b];
            while let [top, ..rest] = stack {
                if top == "w3" { break; }
                stack = rest;
                if top == "w2" { continue; }
                total += top.len();
            }
            let (true, kept) = (i % 2 == 0, word(i)) else { continue };
            for (k, v) in [(kept, b), (c, kept)] { total += k.len() + v.len(); }
            total += sum([kept, a], (b, 1));
        }
        println(total > 0);
    }"""
    ran = run_text(source, memory_limit=4 * PAGE)
    assert (ran.stdout, ran.reason) == ("true\n", "")


ENUM = "enum E { A(i64), B { s: String, on: bool }, C }\n"
VARIANT_ERRORS = {
    "a variant left out": (
        "fun f(e: E) -> i64 {\n match e { E::A(n) => n, E::C => 0 }\n}",
        ("E0270", 3, "`E::B { .. }`"),
    ),
    "a part of a variant left out": (
        "fun f(e: E) -> i64 {\n match e { E::A(n) => n, E::C => 0, E::B { on: true, .. } => 1 }\n}",
        ("E0270", 3, "`E::B { on: false, .. }`"),
    ),
    "None left out": ("fun f(o: Option<E>) -> i64 {\n match o { Some(_) => 1 }\n}", ("E0270", 3, "`None`")),
    "an Ok left out": (
        "fun f(r: Result<bool, E>) -> i64 {\n match r { Ok(true) => 1, Err(_) => 0 }\n}",
        ("E0270", 3, "`Ok(false)`"),
    ),
    "a variant that there is not": ("fun f(e: E) -> i64 { match e {\n E::D => 1, _ => 0 } }", ("E0109", 3, "`D`")),
    "a variant of a number": ("fun f(n: i64) -> i64 { match n {\n E::C => 1, _ => 0 } }", ("E0271", 3, "E, and")),
    "Some of a number": ("fun f(n: i64) -> i64 { match n {\n Some(x) => x, _ => 0 } }", ("E0271", 3, "an `Option`")),
    "two values for one": ("fun f(e: E) -> i64 { match e {\n E::A(a, b) => a, _ => 0 } }", ("E0302", 3, "1 value")),
    "no payload": ("fun f(e: E) -> i64 { match e {\n E::A => 1, _ => 0 } }", ("E0302", 3, "has a payload")),
    "a payload in brackets": ("fun f(e: E) -> i64 { match e {\n E::B(s, o) => 1, _ => 0 } }", ("E0260", 3, "names")),
    "a let of one variant": ("fun f(o: Option<i64>) -> i64 {\n let Some(n) = o;\n n\n}", ("E0274", 3, "`None`")),
    "a key that there is not": ("fun f() {\n let o = { a: 1 };\n let { b } = o;\n println(b) }", ("E0104", 4, "`b`")),
}


@pytest.mark.parametrize("name", VARIANT_ERRORS)
def test_error_of_variants(name: str) -> None:
    source, (code, line, word) = VARIANT_ERRORS[name]
    errors = check_text(ENUM + source).diagnostics
    assert [(one.code, one.line) for one in errors] == [(code, line)]
    assert word in errors[0].message


@pytest.mark.slow
def test_a_million_variants_taken_apart_in_bounded_memory() -> None:
    source = """
    enum Tree { Leaf, Node(Box<Tree>, String, Box<Tree>), Tagged { name: String, tree: Box<Tree> } }
    fun depth(t: Tree) -> i64 {
        match t {
            Tree::Leaf => 0,
            Tree::Node(l, s, Tree::Leaf) if s == "w1" => 1 + depth(l),
            Tree::Node(l, _, r) => { let a = depth(l); let b = depth(r); if a > b { a + 1 } else { b + 1 } }
            Tree::Tagged { tree, .. } => depth(*tree),
        }
    }
    fun make(i: i64, n: i64) -> Tree {
        if n == 0 { return Tree::Leaf }
        let inner = Tree::Node(Box::new(make(i, n - 1)), "w" + i % 3, Box::new(Tree::Leaf));
        Tree::Tagged { name: "t" + i, tree: Box::new(inner) }
    }
    fun pick(o: Option<Tree>) -> Result<String, String> {
        let Some(Tree::Tagged { name, tree: Tree::Node(_, word, _) }) = o else { return Err("none" + 1) };
        Ok(name + word)
    }
    fun main() {
        let mut total = 0;
        for i in 0..60000 {
            let t = make(i, 3);
            total += depth(t);
            if let Ok(s) = pick(Some(t)) { total += s.len(); }
            if let Err(s) = pick(None) { total += s.len(); }
            let mut rest = Some(t);
            while let Some(Tree::Tagged { tree: Tree::Node(l, ..), .. }) = rest { rest = Some(*l); total += 1; }
            match (rest, t) {
                (Some(Tree::Leaf), Tree::Tagged { name: n, .. }) => total += n.len(),
                (a, b) => println(a, b),
            }
        }
        println(total > 0);
    }"""
    ran = run_text(source, memory_limit=4 * PAGE)
    assert (ran.stdout, ran.reason) == ("true\n", "")


NEVER = {
    "match": "match return 3 { (x, Some(y)) => x + y, _ => 2 }",
    "match of a tuple": "match (1, return 3) { (a, b) => a + b }",
    "let": "let (a, b) = return 3; a + b",
    "let else": "let Some(a) = return 3 else { return 4 }; a",
    "if let": "if let Some(a) = return 3 { a } else { 4 }",
    "while let": "while let Some(a) = return 3 { println(a) } 7",
    "assignment": "let mut a = 1; let mut b = 2; (a, b) = return 3; a + b",
    "guard": "match 1 { x if { return 3; true } => x, _ => 1 }",
    "arms": "if let Some(n) = Some(1) { return n + 2 } else { return 4 }",
    "no else": "if let Some(n) = Some(1) { return n + 2 } 5",
    "break": "loop { match 1 { 1 => break, _ => {} } } 3",
}


@pytest.mark.parametrize("name", NEVER)
def test_what_never_gives_a_value(name: str) -> None:
    ran = run_text(f"fun f() -> i64 {{ {NEVER[name]} }} fun main() {{ println(f()); }}")
    assert (ran.code, ran.stdout) == (0, "3\n")


VALUES = {
    "a path to a constant": (
        "mod m { pub const B: i64 = 4; } fun main() { match 4 { m::B => println(1), _ => println(2) } }",
        "1",
    ),
    "an open integer of a tuple": ("fun main() { for (a, b) in [(1, 2)] { println(a / 2.0 + b) } }", "2.5"),
    "what is decided later": ("fun g(m, i) { match i { k => m[k] } } fun main() { println(g([1, 2], 1)) }", "2"),
    "a variable of the top": (
        "let mut g = Some(1);\nfun f() { if let Some(n) = g { g = Some(n + 1) } }\nfun main() { f(); println(g) }",
        "Some(2)",
    ),
    "unit in a payload": (
        "fun f() -> Result<(), String> { Ok(()) } fun main() { match f() { Ok(u) => println(u), Err(_) => {} } }",
        "nil",
    ),
    "an array in alternatives": (
        'fun main() { match ["a" + 1, "b"] { [x, "c"] | [x, "b"] => println(x), _ => println(0) } }',
        "a1",
    ),
    "a result without an arrow": (
        "fun fib(n) { match n { 0 => 0, 1 => 1, _ => fib(n - 1) + fib(n - 2) } } fun main() { println(fib(15)) }",
        "610",
    ),
    "a constant": ("const K: i64 = match 3 { 3 => 1, _ => 2 }; fun main() { println(K) }", "1"),
    "names of the top": ("let (a, b) = (1, 2);\nprintln(a + b);", "3"),
}


@pytest.mark.parametrize("name", VALUES)
def test_value(name: str) -> None:
    source, printed = VALUES[name]
    assert run_text(source).stdout == printed + "\n"
