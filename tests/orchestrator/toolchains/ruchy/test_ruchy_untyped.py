"""Functions without types that are called with different ones: an instance for each set of types."""

from __future__ import annotations

from itertools import permutations

import pytest

from orchestrator.toolchains.ruchy.signatures import known
from tests.helpers.programs import build, run, run_text
from tests.helpers.reuse_tools import compiled, fragments_of, job_of
from tests.orchestrator.toolchains.ruchy.check.checking import found
from tests.properties.test_ruchy_values import counted

HEAD = """fun add(a, b) { a + b }
fun mean(xs) { let mut t = 0; for x in xs { t = t + x }; t / xs.len() }
fun shown(x) { f"<{x}>" }
fun fact(n) { if n < 2 { 1 } else { n * fact(n - 1) } }
fun even(n) { if n == 0 { true } else { odd(n - 1) } }
fun odd(n) { if n == 0 { false } else { even(n - 1) } }
fun apply(f, x) { f(x) }
fun both(f, g) { |x| g(f(x)) }
fun pair(a, b = "none") { [shown(a), shown(b)] }
fun mapped(xs, f) { let mut out = []; for x in xs { out.push(f(x)) }; out }
fun with(xs, v) { xs.push(v); xs }
fun put(xs: &mut Vec<i64>, v) -> i64 { xs[0] = xs[0] + 1; println(v); xs[0] }
fun outer(x) { let g = |y| f"{x}-{y}"; fun deep(z) { shown(z) } g(x) + deep(x) + deep(1) }
struct P { x: i64 }
impl P { fun plus(&self, k) { self.x + k }  fun raise(&mut self, k) { self.x += 1; k } }
"""
RUNS = {
    'println(add(1, 2), add(1.5, 2), add("a", "b"), add("n", 1), add(1, 0.5))': "3 3.5 ab n1 1.5",
    "println(add(0.5, 0.5)); println(add(3, 4)); let n = 5; println(add(n, n), add(n, 0.5))": "1.0\n7\n10 5.5",
    "println(mean([1, 2, 4]), mean([1.5, 2]), mean([7, 2]))": "2 1.75 4",
    'println(add(add(1, 2), 3), add(add("x", "y"), "z"), add(add(1, 0.5), 1))': "6 xyz 2.5",
    "println(fact(5), fact(5.0)); println(even(4), odd(3.0), odd(4))": "120 120.0\ntrue true false",
    'println(apply(|v| v + 1, 5), apply(|s| s.len(), "abc"), apply(shown, 2.5), apply(fact, 4))': "6 3 <2.5> 24",
    'println(both(|x| x + 1, |y| y * 2)(3), both(|s| s.len(), shown)("abc"))': "8 <3>",
    'println(pair(1), pair("a", 2), pair(2.5, [1]))': '["<1>", "<none>"] ["<a>", "<2>"] ["<2.5>", "<[1]>"]',
    'println(mapped([1, 2], shown), mapped(["a"], |s| s + "!"))': '["<1>", "<2>"] ["a!"]',
    'println(with([], 1), with([], "a"), with([0.5], 2.5))': '[1] ["a"] [0.5, 2.5]',
    'let mut a = [1]; put(&mut a, 1); put(&mut a, "s"); println(a)': "1\ns\n[3]",
    'println(outer(1), outer("z"))': "1-1<1><1> z-z<z><1>",
    'let mut p = P { x: 2 }; println(p.plus(1), p.plus(0.5)); println(p.raise("a"), p.raise(7))': "3 2.5\na 7",
    "let mut t = 0; println(shown(t), add(t, 1)); t = t + 1.5; println(shown(t), shown(1))": "<0.0> 1.0\n<1.5> <1>",
    'let s = add("q", "r"); println(s.len(), add(1, 2).pow(2), add(0.25, 0.5).round())': "2 9 1.0",
    "let b: i64 = 5000000000; let s: i32 = 7; println(shown(s), shown(b), add(s, b))": "<7> <5000000000> 5000000007",
    'fun near(x) { shown(x) + "~" } println(near(1), near("a"), near(1))': "<1>~ <a>~ <1>~",
    "println([1, 2].map(shown), [0.5].map(shown)); let f = shown; println(f(3))": '["<1>", "<2>"] ["<0.5>"]\n<3>',
    'let xs = [3, 4]; println(mean(xs), shown(xs)); let ys = ["a"]; println(shown(ys))': "3 <[3, 4]>\n<[a]>",
    'let o = Some(2); println(shown(o), shown(Some("a")), shown(None == o))': '<Some(2)> <Some("a")> <false>',
}
WRONG = {
    "fun less(p) {\n p.w } fun f() {\n less(1); less('a') }": ("E0104", 2, "in `less` for p = i64, because of line 3"),
    "fun sum2(a, b) {\n a + b } fun f() {\n sum2(1, 2);\n sum2(true, true); sum2(false, true) }": (
        "E0207",
        2,
        "line 4",
    ),
    "fun f() {\n add(1, 2, 3); add('a', 'b') }": ("E0301", 2, "`add` takes 2 arguments"),
    "fun grow(x, n) {\n if n == 0 { 0 } else { grow([x], n - 1) } } fun f() { grow(1, 3); grow('a', 3) }": (
        "E0803",
        2,
        "new types",
    ),
}


@pytest.mark.parametrize("line", RUNS)
def test_what_instances_do(line):
    ran = run_text(f"{HEAD}fun main() {{ {line} }}")
    assert ran.stdout == RUNS[line] + "\n"


@pytest.mark.parametrize("text", WRONG)
def test_one_error_says_which_call_asks_for_the_types(text):
    code, line, said = WRONG[text]
    errors = build({"main.ruchy": text + "\nfun add(a, b) { a + b } fun main() { f() }"}).errors()
    assert [(one.code, one.line) for one in errors] == [(code, line)]
    assert said in errors[0].message


def test_memory_stays_when_instances_make_much_of_it():
    joined = "fun joined(a, b) { [a, a + b] }"
    text = joined + 'fun main() { for i in 0..200 { joined("a" + i, "b"); joined(i, 1) } println(1) }'
    assert counted(text)[1] == []


# ------------------------------------------------------------ what decides


def signatures(source: str) -> dict[str, bool]:
    """Whether the inferred functions of a module have instances."""
    found = {name: known(one) for name, one in job_of(source).signatures.items()}
    return {name: one.instanced for name, one in found.items() if one is not None}


@pytest.mark.parametrize(
    "calls",
    [
        "f(1); f(2)",
        "f(1); let n: i32 = 2; f(n)",
        "f(1.5); f(2.5)",
        "f([1]); f([])",
        "f(Some(1)); f(None)",
        "f(|x| x + 1); f(|y| y)",
        "f(1 + 2); let n = 4; f(n)",
        "f(f(1))",
    ],
)
def test_while_calls_agree_there_is_one_function(calls):
    assert signatures(f"fun f(a) {{ a }} fun main() {{ {calls} }}")["f"] is False


@pytest.mark.parametrize(
    "calls",
    [
        "f(1); f(2.5)",
        "let n = 1; f(2.5); f(n)",
        "f('a'); f(1)",
        "f([1]); f([0.5])",
        "f(1); g(1.5)",
        "let n: i32 = 1; let m: u8 = 2; f(n); f(m)",
        "f(|x| x + 1); f(|| 1)",
        "f(|| 1); f(|| 2.5)",
        "f((1, 'a')); f((1, 2))",
    ],
)
def test_where_they_do_not_agree_there_are_instances(calls):
    text = f"fun f(a) {{ a }} fun g(a) {{ f(a) }} fun main() {{ {calls} }}"
    assert signatures(text)["f"] is True


def test_the_order_of_functions_decides_nothing():
    parts = [
        "fun f(a) { g(a) }",
        "fun g(a) { h(a, 1) }",
        "fun h(a, b) { println(a); b }",
        "fun one() { f(1.5) }",
        "fun two() { f(1); h(1, 2) }",
    ]
    found = [signatures(" ".join(order)) for order in permutations(parts)]
    assert found == [{"f": True, "g": True, "h": True, "one": False, "two": False}] * len(found)


def test_what_a_generic_or_public_one_names_has_instances():
    text = "fun g<T>(x: T) { f(x) } pub fun p(x) { h(x) } fun f(x) { x } fun h(x) { k(x) }"
    text += "fun k(x) { x } fun z(x) { x } fun main() { z(1) }"
    assert signatures(text) == {"f": True, "h": True, "k": True, "z": False, "main": False}


# ------------------------------------------------------------ edits


def compiled_again(before: str, after: str) -> set[str]:
    """The functions that are compiled after an edit; the object is that of a clean compile."""
    kept = fragments_of(compiled(job_of(before)))
    job = job_of(after)
    reused = compiled(job, kept)
    assert reused.data == compiled(job).data
    return {one.partition(".")[0] for one in reused.compiled}


USERS = "fun f() { twice(1); 0 } fun g() { f() } fun main() { twice('a'); g() } "


def test_who_uses_an_instance_is_compiled_again_with_its_body():
    assert compiled_again(f"{USERS}fun twice(x) {{ x + x }}", f"{USERS}fun twice(x) {{ x + x + x }}") == {
        "twice",
        "f",
        "main",
    }
    deep = "fun twice(x) { thrice(x) } fun thrice(x) { x + "
    assert compiled_again(f"{USERS}{deep}x }}", f"{USERS}{deep}x + x }}") == {"twice", "thrice", "f", "main"}


def test_a_call_that_no_longer_agrees_makes_instances_and_back():
    one = "fun twice(x) { x + x } fun f() { twice(1); 0 } fun g() { f() } fun main() { twice(2); g() }"
    two = one.replace("twice(2)", "twice(2.5)")
    assert compiled_again(one, two) == {"twice", "f", "main"}
    assert compiled_again(two, one) == {"twice", "f", "main"}
    assert compiled_again(two, two.replace("2.5", "'a'")) == {"main"}


def test_the_body_of_one_that_has_one_instance_only_compiles_it_alone():
    one = "fun twice(x) { x + x } fun main() { twice(2); twice(3) }"
    assert compiled_again(one, one.replace("x + x", "x + x + x")) == {"twice"}


# ------------------------------------------------------------ modules

LIB = """pub fun add(a, b) { join(a, b) }
fun join(a, b) { a + b }
pub fun show(x, label = "it") { println(label, x) }
pub struct Box2 { pub v: i64 }
impl Box2 { pub fun with(&self, k) { f"{self.v}:{tagged(k)}" } fun inner(k) { k }
            pub fun both(&self, k) { Box2::inner(k) } }
fun tagged(k) { f"<{k}>" }
pub fun sums() { add(1, 2) + add(3, 4) }
pub fun tags() { [tagged(1), tagged("x"), tagged(2.5)] }
pub fun six() { twice(1.5); twice(6) }
fun twice(x) { x }
"""


def ran(**sources: str) -> str:
    built = build({f"{name}.ruchy": text for name, text in sources.items()})
    assert built.program is not None, built.errors()
    return run(built.program).stdout


def test_public_functions_without_types_are_compiled_by_who_uses_them():
    main = """use lib::{add, show, Box2}
    fun main() {
      println(add(1, 2), lib::add(1.5, 2), add("a", "b"))
      show(1); show("x", 5)
      let b = Box2 { v: 3 }
      println(b.with(1), b.with("s"), b.both(2), b.both("t"))
      println(lib::sums(), lib::tags(), lib::six())
    }"""
    lines = ["3 3.5 ab", "it 1", "5 x", "3:<1> 3:<s> 2 t", '10 ["<1>", "<x>", "<2.5>"] 6']
    assert ran(lib=LIB, main=main).splitlines() == lines


def test_they_may_call_one_another_through_modules():
    end = 'if n == 0 { f"{x}" } else'
    a = f"use b::ping; pub fun pong(x, n) {{ {end} {{ ping([x], n - 1) }} }}"
    b = f"use a::pong; pub fun ping(x, n) {{ {end} {{ pong(x[0], n - 1) }} }}"
    main = "fun main() { println(a::pong(1, 2), a::pong('z', 1), b::ping([2.5], 1)) }"
    assert ran(a=a, b=b, main=main) == "1 [z] 2.5\n"


def test_an_error_in_another_module_is_told_at_the_call():
    built = build({"lib.ruchy": "pub fun bad(x) { x.nope() }", "main.ruchy": "fun main() {\n lib::bad(1)\n}"})
    assert [(one.code, one.file, one.line) for one in built.errors()] == [("E0293", "main.ruchy", 2)]
    assert built.errors()[0].message == "`bad` does not work with x = i64"
    assert built.errors()[0].hint == "its body says: i64 has no method `nope`"


def test_a_module_of_its_own_says_what_is_wrong_without_a_call():
    assert found("fun f(a, b) {\n a + b }\nfun main() { f(1, 2); f(true, 1) }") == [("E0207", 2)]
