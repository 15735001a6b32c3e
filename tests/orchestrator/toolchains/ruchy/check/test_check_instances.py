"""Generic functions: one instance for each set of types, in the unit of who uses it."""

import pytest

from tests.helpers.programs import build, run, run_text
from tests.orchestrator.toolchains.ruchy.check.checking import found
from tests.properties.test_ruchy_values import counted

HEAD = """fun id<T>(x: T) -> T { x }
fun pair<A, B>(a: A, b: B) -> (A, B) { (a, b) }
fun largest<T: PartialOrd>(xs: &[T]) -> T { let mut best = xs[0]; for x in xs { if x > best { best = x } } best }
fun put<T>(xs: &mut Vec<T>, x: T) -> T { let old = xs[0]; xs[0] = x; old }
fun turns<T>(x: T, n: i64) -> i64 { if n == 0 { 0 } else { 1 + turns([x], n - 1) } }
fun many<T>(x: T, n: i64) -> [T] { if n == 0 { [] } else { let mut r = many(x, n - 1); r.push(x); r } }
fun both<T>(a: T, b: T) { fun half(n: i64) -> i64 { n / 2 } let same = || id(a) == id(b); (same(), half(5)) }
fun empty<T>() -> Vec<T> { Vec::new() }
struct P { x: i64 }
impl P { fun with<T>(&self, v: T) -> (i64, T) { (self.x, v) }  fun name(&self) -> String { "p" + self.x } }
fun named<T>(v: T) -> String { v.name() }
"""
RUNS = {
    'println(id(1), id("a" + 1), id(2.5), id([1, 2]), id(P { x: 1 }))': "1 a1 2.5 [1, 2] P {x: 1}",
    'println(pair(1, "x"), pair("y", true), pair(id(1), id(id(2.5))))': '(1, "x") ("y", true) (1, 2.5)',
    'println(largest([3, 9, 2]), largest([1.5, 0.5]), largest(["b", "c", "a"]))': "9 1.5 c",
    'let mut xs = ["a", "b"]; println(put(&mut xs, "z" + 1)); println(xs)': 'a\n["z1", "b"]',
    'println(many("s" + 1, 3), many(1.5, 1))': '["s1", "s1", "s1"] [1.5]',
    'println(both(1, 2), both("a", "a"))': "(false, 2) (true, 2)",
    "let mut e = empty(); e.push(4.5); println(e)": "[4.5]",
    'println(P { x: 5 }.with("w"), P { x: 6 }.with(1.5), named(P { x: 0 }))': '(5, "w") (6, 1.5) p0',
    "let n: i32 = id(7); let m: u8 = largest([1, 2]); println(n, m)": "7 2",
}
WRONG = {
    "fun twice<T>(x: T) -> T {\n x + x } fun f(p: P) { println(twice(1), twice(p)) }": [("E0207", 2)],
    "fun bad<T>(x: T) -> i64 {\n x.nope() } fun f() { bad(1); bad(2) }": [("E0107", 2)],
    "fun f() {\n let n: String = id(1) }": [("E0201", 2)],
    "fun f() {\n id(1, 2) }": [("E0301", 2)],
    "fun f() {\n turns(1, 3) }": [("E0803", 2)],
}


@pytest.mark.parametrize("line", RUNS)
def test_what_instances_do(line):
    ran = run_text(f"{HEAD}fun main() {{ {line} }}")
    assert ran.stdout == RUNS[line] + "\n"
    if "both" not in line:  # the counting machine knows no closures
        assert counted(f"{HEAD}fun main() {{ {line} }}")[1] == []


@pytest.mark.parametrize("text", WRONG)
def test_one_error_says_what_is_wrong(text):
    lines = HEAD.count("\n")
    assert [(code, line - lines) for code, line in found(HEAD + text)][:1] == WRONG[text]


def test_a_trap_names_the_line_of_the_use():
    ran = run_text(
        "fun at<T>(xs: [T], i: i64) -> T {\n xs[i] }\nfun main() {\n println(at([1], 0))\n println(at(['a'], 4))\n}"
    )
    assert (ran.stdout, ran.code) == ("1\n", 134)
    assert ":5: index 4" in ran.stderr


def test_generic_functions_of_other_modules():
    lib = "pub fun best<T>(a: T, b: T) -> T { if a > b { a } else { other(b) } } fun other<T>(x: T) -> T { x }"
    main = 'use lib::best; fun main() { println(best(1, 2), best("b", "a"), lib::best(1.5, 0.5)) }'
    built = build({"lib.ruchy": lib, "main.ruchy": main})
    assert built.program is not None, built.errors()
    assert run(built.program).stdout == "2 b 1.5\n"
    wrong = build({"lib.ruchy": lib, "main.ruchy": "use lib::best;\nfun main() { println(best([1], [2])) }"})
    assert [(one.code, one.file, one.line) for one in wrong.errors()] == [("E0293", "main.ruchy", 2)]
