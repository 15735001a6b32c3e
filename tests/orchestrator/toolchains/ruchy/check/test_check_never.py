"""Operands that never return, in every place that has operands: valid code, and nothing done that is not reached."""

import pytest

from actors.compiler.toolchain import CompileJob
from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.never import without_unreached
from orchestrator.toolchains.ruchy.check.types import BOOL, I64, NEVER, UNIT
from orchestrator.toolchains.ruchy.compile import compile_module
from orchestrator.wasm.validate import validate
from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import good

WITHIN = """fun s(a: i64, b: String) -> i64 {{ a + b.len() }}
struct P {{ x: i64, s: String }}
fun main() {{
    let mut x = 4; let mut p = P {{ x: 1, s: "q" }}; let mut t = "w"; let b: u8 = 3; let r = 2.5;
    for i in 0..2 {{ {0} }}
    println(x, t, p, b, r)
}}
"""
NEVER_RETURN = ("return", "break", "continue", 'panic("p")', "loop { }", "{ return; }",
                "(if x > 3 { return } else { break })", "todo!()", "{ let q = return; q }")  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "&&", "||"]
OTHERS = {"&&": ("true",), "||": ("true",), "==": ("x", "t", "p", "b", "r", "true"), "!=": ("x", "t", "p", "b", "r")}
NUMBERS = ("5", "x", "b", "-1")
PLACES = """-(N) | !(N) | ~(N) | let z: i64 = (N) | let z = (N) as u8 | let z = (N).x | let z = (N)[0] | let z = t[(N)]
let z = t[0..(N)] | let z = t[(N)..] | s(N, "q") | s(1, N) | s(N, N) | s(s(1, N), t) + 4 | P { x: N, s: "q" }
P { x: 1, s: N } | P { s: t + "a", x: N } | P { x: N, ..p } | P { x: 1, ..(N) } | if N { 1 } | while (N) { x += 1 }
for j in (N)..3 { } | for j in 0..(N) { println(j) } | println(N) | println(1, N, t) | println(f"a{(N)}b")
println("{} {}", N, 1) | println(t, N) | t = t + (N) | let q = (N) + t | let q = t + "a" + (N) + "b" | x += (N)
x = (N) | t += (N) | p.x = (N) | p.s += (N) | p.s = t + (N) | t.push_str(N) | (N).len() | t.repeat(N)
t.replace("q", N) | x.min(N) | x.pow(N) | (N).min(1) | min(N, x) | max(x, N) | abs(N) | sqrt(N) | pow(x, N)
floor(N) | int(N) | len(N) | str(N) | type_of(N) | assert(N) | assert(true, N) | assert_eq(1, N) | assert_eq(1, 1, N)
panic(N)
let y = if x > 2 { N } else { 3 } | let y = loop { break (N); } | true && (N) | let z = (N) ? 1 : 2 | return (N)
let z = x + (x > 3 ? (N) : 3) | fun g() -> i64 { 3 + (N0) } x = g() | fun g(a: i64 = N0) -> i64 { a } x = g()
const K: i64 = 1 + N0; x = K + 1 | struct Q { x: i64 = N0 } let z = Q { } | let z = format!("{} {}", t, N)
let z = (s(x, t) + (N)).to_string() | let _ = 1 + (N) | { N } == 3 | x = x + t.len() * (N) | let z = p == (N)
if x == 4 && (N) { } else if (N) == 3 { } | let z = (1 < (N)) < true | P { x: (N), s: t } == p"""
FORMS = [form.strip() for line in PLACES.splitlines() for form in line.split(" | ")]


def valid(statement: str) -> None:
    made = compile_module(CompileJob("main", "main.ruchy", WITHIN.format(statement).encode()))
    assert made.object is not None, made.diagnostics
    assert validate(made.object.data) is None, statement


@pytest.mark.parametrize("form", FORMS)
def test_in_every_place(form):
    for never in ("break", "{ return; }"):
        valid(form.replace("N0", 'panic("p")').replace("N", never))


@pytest.mark.parametrize("operator", OPERATORS)
def test_beside_every_operator(operator):
    for number, never in enumerate(NEVER_RETURN[::4]):
        valid(f"let z = ({never}) {operator} ({NEVER_RETURN[number - 1]});")
        for other in OTHERS.get(operator, NUMBERS):
            valid(f"let z = ({never}) {operator} {other};")
            valid(f"let z = {other} {operator} ({never});")


def test_what_stands_before_it_is_done_and_what_stands_behind_it_is_not():
    source = """fun say(n: i64) -> i64 { println(n); n }
fun f() -> i64 { say(1) + say(2) * { println("three"); return say(4) } + say(5) }
fun main() {
    for i in 0..9 { println(say(10 + i) == break) }
    println(f())
    let text = "a" + say(20) + panic("end") + say(21)
}"""
    ran = run_text(source)
    assert ran.stdout == "10\n1\n2\nthree\n4\n4\n20\n"
    assert "main.ruchy:6: end" in ran.stderr


def test_the_tree():
    stop, one = hir.Return(NEVER, 3, None), hir.Int(I64, 1, 1)
    sum_ = hir.Arithmetic(I64, 2, "+", one, stop)
    assert without_unreached(hir.Compare(BOOL, 4, "==", sum_, one)) == hir.Block(NEVER, 3, [hir.Do(one)], stop)
    again = hir.Block(UNIT, 0, [hir.Do(one), hir.Let(0, sum_), hir.Do(one)], hir.Unit(UNIT, 0))
    left = without_unreached(again)
    assert isinstance(left, hir.Block)
    assert (left.type, left.statements) == (NEVER, [hir.Do(one)])
    both = hir.If(I64, 0, hir.Int(BOOL, 0, 1), stop, sum_)
    assert without_unreached(both).type == NEVER


def test_a_long_chain_with_one_in_it():
    sum_: hir.Expr = hir.Int(I64, 0, 1)
    for _ in range(3000):
        sum_ = hir.Arithmetic(I64, 2, "+", sum_, hir.Int(I64, 1, 1))
    stop = hir.Return(NEVER, 3, None)
    assert without_unreached(hir.Arithmetic(I64, 2, "+", sum_, stop)) == hir.Block(NEVER, 3, [hir.Do(sum_)], stop)


def test_variables_of_code_that_is_never_reached():
    good("fun f() -> i64 { return 1; let x = loop { }; let y = x; let z = y; 2 }")
