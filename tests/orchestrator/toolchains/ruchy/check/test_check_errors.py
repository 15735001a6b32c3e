"""One wrong thing, one error: its code and its line; and nothing that only follows from it."""

import ast
from pathlib import Path

import pytest

from orchestrator.toolchains.ruchy.check import unsupported
from orchestrator.toolchains.ruchy.check.inference import annotations
from tests.orchestrator.toolchains.ruchy.check.checking import check_text, found

CASES = {
    "a type that does not fit": ('fun f() {\n let x: i64 = "a";\n println(x + 1, x.abs());\n}', [("E0201", 2)]),
    "an unknown name is silent where it is used": (
        'fun main() {\n let a = nope;\n let b = a + 1;\n println(b.foo, b.bar(), b(1), a < b, !a, f"{b}");\n}',
        [("E0101", 2)],
    ),
    "several errors in one run": (
        'fun main() {\n println(y);\n foo(1);\n let z: bool = 1;\n "a".nope();\n}\nfun g() -> i64 { true }',
        [("E0101", 2), ("E0102", 3), ("E0201", 4), ("E0107", 5), ("E0401", 7)],
    ),
    "an argument": ("fun g(n: i64) { println(n) }\nfun f() {\n g(true);\n}", [("E0204", 3)]),
    "u64 and i64": ("fun f(a: u64, b: i64) -> i64 {\n a + b\n}", [("E0207", 2)]),
    "u64 compared with i32": ("fun f(a: u64, b: i32) -> bool {\n a < b\n}", [("E0208", 2)]),
    "a float as an integer parameter": ("fun g(n: i64) { println(n) }\nfun f() {\n g(2.0);\n}", [("E0204", 3)]),
    "a float assigned to an i64": ("fun f(n: i64) {\n n = n + 1.5;\n}", [("E0201", 2)]),
    "an f64 as an f32": ("fun f(x: f64) -> f32 {\n x\n}", [("E0401", 2)]),
    "bits of an integer and a float": ("fun f(a: i64, b: f64) -> i64 {\n a & b\n}", [("E0207", 2)]),
    "a float that an integer is to take": (
        "fun f() {\n let mut t = 0;\n let n = t;\n println(n % 2 & 1);\n t = t + 1.5;\n}",
        [("E0240", 3)],
    ),
    "a counter that a float is assigned to": ("fun f() {\n for i in 0..3 {\n i = i + 1.5;\n }\n}", [("E0212", 2)]),
    "a method of an operator without self": (
        "struct V { x: i64 }\nimpl Neg for V { fun neg() -> V { V { x: 1 } } }\nfun f(v: V) {\n println(-v);\n}",
        [("E0267", 2), ("E0207", 4)],
    ),
    "bits of bools": ("fun f(a: bool) -> bool {\n a & a\n}", [("E0207", 2)]),
    "a shift by a float": ("fun f(a: i64) -> i64 {\n a << 1.5\n}", [("E0207", 2)]),
    "minus on unsigned": ("fun f(a: u8) -> u8 {\n -a\n}", [("E0207", 2)]),
    "a literal below zero": ("fun f() -> u8 {\n -1\n}", [("E0205", 2)]),
    "a literal found too large later": (
        "fun g(a: u8, b: u8) { println(a, b) }\nfun f(a: u8) {\n g(a, if a > 1 { 300 } else { 1 });\n}",
        [("E0205", 3)],
    ),
    "structs have no order": ("struct P { x: i64 }\nfun f(a: P, b: P) -> bool {\n a < b\n}", [("E0208", 3)]),
    "unit has no equality": ("fun g() { }\nfun f() -> bool {\n g() == g()\n}", [("E0208", 3)]),
    "branches": (
        'fun f(c: bool) {\n let x = if c { 1 } else if c { 2 } else { "a" };\n println(x);\n}',
        [("E0203", 2)],
    ),
    "the branch that is wrong": ('fun f(c: bool) -> i64 {\n if c {\n 1\n } else {\n "a"\n }\n}', [("E0401", 5)]),
    "an `if` without `else` has no value": ("fun f(c: bool) -> i64 {\n if c { 1 }\n}", [("E0402", 1)]),
    "a loop that ends without a value": ("fun f(c: bool) -> i64 {\n while c { }\n}", [("E0402", 1)]),
    "an empty body": ("fun f() -> i64 {\n}", [("E0402", 1)]),
    "`return` without a value": ("fun f() -> i64 {\n return;\n}", [("E0401", 2)]),
    "`return` of a value from unit": ("fun f() -> () {\n return 1;\n}", [("E0401", 2)]),
    "breaks": (
        'fun f(c: bool) {\n let x = loop {\n if c { break 1; }\n break "a";\n };\n println(x);\n}',
        [("E0203", 4)],
    ),
    "a value out of a `while`": ("fun f(c: bool) {\n while c {\n break 1;\n }\n}", [("E0213", 3)]),
    "a label of another loop": ("fun f() {\n 'a: loop { break 'a; }\n 'b: loop {\n break 'a;\n }\n}", [("E0105", 4)]),
    "a field of a number": ("fun f(n: i64) -> i64 {\n n.x\n}", [("E0104", 2)]),
    "two missing fields": ("struct P { x: i64, y: i64 }\nfun f() -> P {\n P { }\n}", [("E0214", 3)]),
    "a base of another struct": (
        "struct P { x: i64, y: i64 }\nstruct Q { x: i64 }\nfun f(q: Q) -> P {\n P { x: 1, ..q }\n}",
        [("E0201", 4)],
    ),
    "a type that holds itself through another": (
        "struct A {\n b: B\n}\nstruct B {\n a: A\n}",
        [("E0218", 1)],
    ),
    "constants in a circle": ("const A: i64 = B;\nconst B: i64 = C;\nconst C: i64 = A;", [("E0216", 1)]),
    "a constant of another type": ('const A: i64 = "a";\nfun f() -> i64 { A }', [("E0201", 1)]),
    "a default of another type": ('fun f(a: i64 = "x") {\n println(a)\n}\nfun g() { f() }', [("E0201", 1)]),
    "an assignment to a constant": ("const A: i64 = 1;\nfun f() {\n A = 2;\n}", [("E0211", 3)]),
    "an assignment to a function": ("fun g() { }\nfun f() {\n g = 2;\n}", [("E0211", 3)]),
    "a number to go over": ("fun f() {\n for i in 10 { println(i) }\n}", [("E0212", 2)]),
    "a range without an end as a value": ("fun f() {\n let r = 0..;\n println(r);\n}", [("E0244", 2)]),
    "a range of texts as a value": ('fun f() {\n let r = "a".."c";\n println(r);\n}', [("E0212", 2), ("E0212", 2)]),
    "an unknown method of a range": ("fun f() {\n let r = 0..3;\n println(r.split(1));\n}", [("E0244", 3)]),
    "ranges in order": ("fun f() {\n println((0..3) < (0..4));\n}", [("E0208", 2)]),
    "a range of floats": ("fun f() {\n for i in 0.0..1.0 { println(i) }\n}", [("E0212", 2)]),
    "a cast of a string": ('fun f() -> i64 {\n "1" as i64\n}', [("E0209", 2)]),
    "a call of a constant": ("const A: i64 = 1;\nfun f() {\n A(2);\n}", [("E0217", 3)]),
    "a variable out of its block": ("fun f() {\n { let a = 1; println(a); }\n println(a);\n}", [("E0101", 3)]),
    "a loop's variable behind the loop": ("fun f() {\n for i in 0..2 { println(i) }\n println(i);\n}", [("E0101", 3)]),
    "the wrong number of arguments to a builtin": ("fun f() {\n println(sqrt(1.0, 2.0));\n}", [("E0301", 2)]),
    "the wrong number of arguments to a method": ('fun f() {\n println("a".replace("b"));\n}', [("E0301", 2)]),
    "a private function of an inline module": (
        "mod a {\n fun f() { }\n pub fun g() { f() }\n}\nfun h() {\n a::g();\n a::f();\n}",
        [("E0108", 7)],
    ),
    "a `main` with parameters": ("fun main(n: i64) {\n println(n)\n}", [("E0301", 1)]),
    "a variable declared twice": ("let n = 1;\nfun f() {\n println(n);\n}\nlet n = 2;", [("E0605", 3)]),
    "a variable assigned that is declared twice": ("let n = 1;\nfun f() {\n n = 2;\n}\nlet n = 2;", [("E0605", 3)]),
    "a variable of the top of another type": ('let mut n = 1;\nfun f() {\n n = "a";\n}', [("E0201", 3)]),
    "an integer of the top that a float is assigned to": (
        "let mut n: i64 = 1;\nfun f() {\n n = 1.5;\n}",
        [("E0201", 3)],
    ),
    "a variable of the top of a wrong value": ("fun f() {\n n = 1;\n}\nlet mut n: i64 = true;", [("E0201", 4)]),
    "a variable of the top without a type": ("let n = f();\nfun f() {\n n\n}", [("E0241", 1)]),
    "a variable of the top of a block with a function": (
        "let n = { fun g() -> i64 { 1 } g() };\nfun f() {\n println(n);\n}",
        [("E0241", 1)],
    ),
    "an unknown value of a variable of the top": ("let n = missing;\nfun f() {\n println(n);\n}", [("E0101", 1)]),
    "a local of the function around": ("fun f() {\n let n = 1;\n g();\n fun g() { println(n); }\n}", [("E0242", 4)]),
    "a local of the function around, assigned": (
        "fun f() {\n let mut n = 1;\n fun g() { n = 2; g() }\n g();\n}",
        [("E0242", 3)],
    ),
    "a function that could hold itself": (
        "struct S { f: fn() -> i64 }\nfun f() {\n let mut s = S { f: || 1 };\n s = S { f: || (s.f)() };\n}",
        [("E0297", 3)],
    ),
    "an array of functions that could hold itself": (
        "fun f() {\n let mut a = [|| 1];\n let g = || a.push(|| 2);\n g();\n}",
        [("E0297", 2)],
    ),
    "a lent parameter in a lambda": ("fun f(n: &mut i64) {\n let g = || n + 1;\n println(g());\n}", [("E0298", 2)]),
    "too many arguments of a value": ("fun f(g: fn(i64) -> i64) -> i64 {\n g(1, 2)\n}", [("E0301", 2)]),
    "another argument of a value": ("fun f(g: fn(i64) -> i64) -> i64 {\n g(true)\n}", [("E0204", 2)]),
    "a function of another type": (
        'fun f(g: fn(i64) -> i64) -> i64 { g(1) }\nfun h() {\n f(|x| "a");\n}',
        [("E0401", 3)],
    ),
    "a function of other arguments": (
        "fun f(g: fn(i64) -> i64) -> i64 { g(1) }\nfun h() {\n f(|| 1);\n}",
        [("E0204", 3)],
    ),
    "a call of a number": ("fun f() {\n let n = 1;\n n(2);\n}", [("E0217", 3)]),
    "a function of too many arguments for a method": ("fun f() {\n println([1].map(|a, b| a));\n}", [("E0204", 2)]),
    "a number for a function": ("fun f() {\n println([1].map(2));\n}", [("E0204", 2)]),
    "a method without its function": ("fun f() {\n println([1].filter());\n}", [("E0301", 2)]),
    "a test that is no bool": ("fun f() {\n println([1].filter(|n| n + 1));\n}", [("E0202", 2)]),
    "an unknown name in a lambda of a method": ("fun f() {\n println([1].map(|n|\n m + 1));\n}", [("E0101", 3)]),
    "values without an order": (
        "struct P { x: i64 }\nfun f(a: P) {\n println(a.cmp(a));\n}",
        [("E0255", 3)],
    ),
    "a pipe into what is no function": ("fun f() {\n println(1 |> missing);\n}", [("E0107", 2)]),
    "a local of a block of the top": ("{\n let n = 1;\n fun g() { println(n); }\n g();\n}", [("E0242", 3)]),
    "an uncalled function of unknown types": ("fun f(p) {\n println(p.x)\n}", [("E0210", 2)]),
    "a wide integer": ("fun f(n: i128) { println(n) }", [("E0716", 1)]),
}


@pytest.mark.parametrize("name", CASES)
def test_error(name):
    source, wanted = CASES[name]
    assert found(source) == wanted


LATER = {
    "lambdas": "fun g(f: fn(i64) -> i64 = |x| x + 1) -> i64 { f(2) } fun f() -> i64 { g(|x| x) }",
}


@pytest.mark.parametrize("name", LATER)
def test_what_comes_later_is_one_error_that_names_it(name):
    checked = check_text(LATER[name])
    assert [one.code for one in checked.diagnostics] == ["E0720"]
    assert "not supported yet" in checked.diagnostics[0].message


HINTS = {
    "fun f(total: i64) -> i64 { totl }": "did you mean `total`?",
    "fun f(total: i64) { toatl = 1 }": "did you mean `total`?",
    "fun area() { } fun f() { aera() }": "did you mean `area`?",
    "fun f() { prinltn(1) }": "did you mean `println`?",
    "struct Point { x: i64 } fun f(p: Piont) { println(p) }": "did you mean `Point`?",
    "struct P { width: i64 } fun f(p: P) -> i64 { p.widht }": "did you mean `width`?",
    "struct P { width: i64 } fun f() -> P { P { width: 1, hight: 2 } }": "",
    'fun f() { println("a".to_uper()) }': "did you mean `to_upper`?",
    "fun f(n: boolean) { println(n) }": "write `bool`",
    "fun f(n: double) { println(n) }": "write `f64`",
    "fun f(a: u64, b: i64) -> i64 { a * b }": "convert the u64 with `as i64`",
    "fun f(a: i32, b: u64) -> bool { a < b }": "convert the u64 with `as i64`",
    "fun f(a: f64) -> i64 { a }": "convert it with `as i64`",
    "fun f(s: String) -> i64 { s }": "convert it with `.parse()`",
    "fun f(n: i64) -> String { n }": "convert it with `.to_string()`",
    "fun f(n: i64) { if n { } }": "compare it: `!= 0`",
    "fun f(n: i64) -> i64 { !n }": "for all bits of an integer write `~`",
    'fun f() -> String { 3 * "a" }': "the string stands on the left: `text * 3`",
    "fun f(a: bool) -> bool { a | a }": "for truth values write `||`",
    "fun f() { count = 1; }": "declare it: `let mut count = ...`",
    "fun f() { let k = 1; println(g(), k); fun g() -> i64 { k } }": "pass `k` as a parameter",
    "fun f(k: i64) { { println(g()); fun g() -> i64 { k } } }": "pass `k` as a parameter",
    "fun f() { fun g() -> i64 { h } let k = 1; println(g(), k) }": "",
    "fun f(n: f64) -> char { n as char }": "make it an integer first: `as i64 as char`",
    "const X: i64 = 1; fun f() { X = 2; }": "only a variable changes: `let mut`",
    "fun f(a: i64) { if a = 5 { } }": "write `==` to compare",
    "fun f() { println(True) }": "write `true`",
    "fun f(a: i64) -> bool { a & 1 == 1 }": "`==` binds tighter than `&`: write `(... & ...) == ...`",
    "fun f(a: i64) -> bool { a != 0 | 4 }": "`!=` binds tighter than `|`: write `(... | ...) != ...`",
}


@pytest.mark.parametrize("source", HINTS)
def test_hint(source):
    assert check_text(source).diagnostics[0].hint == HINTS[source]


@pytest.mark.parametrize(
    "source",
    [
        "fun f() { count = 1; println(count); count += 1; }",  # once, not at each use
        "struct P { x: i64, y: i64 } fun f() { println(P { x: 1, yy: 2 }) }",  # `y` is not said to be missing too
    ],
)
def test_what_follows_from_an_error_is_silent(source):
    assert len(check_text(source).diagnostics) == 1


def test_a_default_before_a_parameter_without_one_can_only_be_given():
    assert check_text("fun f(a: i64 = 1, b: i64) -> i64 { a + b } fun g() -> i64 { f(1, 2) }").diagnostics == []
    found = check_text("fun f(a: i64 = 1, b: i64) -> i64 { a + b } fun g() -> i64 { f(1) }").diagnostics
    assert [(one.code, one.message) for one in found] == [("E0301", "`f` takes 2 arguments, and was given 1")]


def test_a_diagnostic_has_a_place_and_its_line():
    (one,) = check_text("fun f() {\n    println(totl)\n}").diagnostics
    assert (one.module, one.file, one.line, one.column, one.length) == ("main", "main.ruchy", 2, 13, 4)
    assert (one.text, one.message) == ("    println(totl)", "unknown name `totl`")


def test_a_module_that_cannot_be_parsed_is_not_checked():
    checked = check_text("fun f( { totl }\n")
    assert checked.module is None
    assert {one.code[:3] for one in checked.diagnostics} == {"E00"}


@pytest.mark.slow
def test_what_is_planned_says_what_to_write_instead() -> None:
    """Every construct that some file of the checker calls "not supported yet"."""
    folder = Path(unsupported.__file__).parent
    said: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("not_yet", "_refuse"):
                said |= {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    assert len(said) > 3
    planned = {
        *annotations._PLANNED.values(),
        "`Vec`",
    }
    assert said | planned <= unsupported.INSTEAD.keys()


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("fun f() { printn!(1); }", "did you mean `println!`?"),
        ("fun f() { fromat!(1); }", "did you mean `format!`?"),
        ("fun f() { select!(1); }", "call a function"),
        ("mixin A { }", "write a struct and its methods in an `impl`"),
    ],
)
def test_what_is_not_there_says_what_to_write_instead(source: str, hint: str) -> None:
    assert [one.hint for one in check_text(source).diagnostics] == [hint]
