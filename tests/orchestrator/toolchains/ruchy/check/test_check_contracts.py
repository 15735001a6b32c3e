"""Contracts: when they are checked, what they may name, and what a trap shows."""

import pytest

from actors.compiler.toolchain import SummariseJob
from orchestrator.toolchains.ruchy.summary.summarise import summarise
from tests.helpers.programs import run_text
from tests.orchestrator.toolchains.ruchy.check.checking import check_text, found
from tests.orchestrator.toolchains.ruchy.syntax.sketch import statements


def test_the_tree():
    (made,) = statements("fun f() requires x > 1 ensures result > x { x }")
    assert made.endswith(" [(Contract requires (> x 1) x > 1) (Contract ensures (> result x) result > x)] [])")
    assert statements("while a\ninvariant b { c }") == ["(While  a (Block [(Contract invariant b b) c]))"]


TEXTS = {
    "-x+1 > 0": "-x + 1 > 0",
    "a[ 0 ] . len() > (b - -1)*2": "a[0].len() > (b - -1) * 2",
    'f( "a b" , -2 )&&!g': 'f("a b", -2) && !g',
    "shape::area(p) >= 2.5": "shape::area(p) >= 2.5",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_of_a_condition(text):
    (made,) = statements(f"fun f() requires {text} {{ }}")
    assert made.endswith(f" {TEXTS[text]})] [])")


def trap(source):
    ran = run_text(source)
    assert ran.code == 134, ran
    return ran.stdout, ran.stderr.strip().partition("main.ruchy:")[2]


def test_each_traps_with_its_text_and_place():
    text = "fun f(x: i64) -> i64\n requires x > 0\n ensures result < 10\n{ println(x); x * 2 }\n"
    assert trap(f"{text}fun main() {{ f(1); f(0); }}") == ("1\n", "2: requires failed: x > 0")
    assert trap(f"{text}fun main() {{ f(4); f(5); }}") == ("4\n5\n", "3: ensures failed: result < 10")
    turns = "fun main() {{ let mut i = 0\n{} invariant i < 2 {{ println(i); i = i + 1; }} }}"
    for head in ("while true", "for _k in 0..9", "for _k in [1, 2, 3]", "loop"):
        assert trap(turns.format(head)) == ("0\n1\n", "2: invariant failed: i < 2")


def test_every_way_out_is_checked():
    source = """
    fun f(x: i64) -> i64 ensures result != 3 {
        if x == 0 { return 3 }
        let y = if x == 1 { return 3 } else { x };
        for i in 0..9 { if x == 2 && i == 5 { return i - 2 } }
        loop { if x == 3 { return 3 } break; }
        y
    }
    fun main() { println(f(9)); f(%d); }"""
    for x in (0, 1, 2, 3):
        assert trap(source % x)[0] == "9\n"
    assert run_text(source % 4).stdout == "9\n"


def test_results_of_every_kind():
    source = """
    struct P { name: String, n: i64 }
    fun text(s: String) -> String ensures result.len() == s.len() + 1 { if s == "" { return "x" } s + "y" }
    fun point(n: i64) -> P ensures result.n == n { P { name: "p", n: n } }
    fun list(n: i64) -> [i64] ensures result.len() == n { let mut xs = []; for i in 0..n { xs.push(i); } xs }
    fun pair(a: i64, b: i64) -> (i64, i64) ensures result.0 <= result.1 { if a > b { return (b, a) } (a, b) }
    fun guessed(x) ensures result > 0.5 { x * 2.0 }
    fun open(n) ensures result > n { if n > 3 { return n * 2 } n + 1 }
    fun nothing(n: i64) ensures n > 0 { if n == 1 { return } println("n", n) }
    fun endless(n: i64) -> i64 ensures result > n { let mut i = n; loop { i = i + 1; if i % 7 == 0 { return i } } }
    fun main() {
        println(text("ab"), point(3), list(2), pair(2, 1), guessed(1.5), open(1), open(5));
        nothing(1); nothing(2);
        println(endless(7));
    }"""
    ran = run_text(source)
    assert ran.stdout == 'aby P {n: 3, name: "p"} [0, 1] (1, 2) 3.0 2 10\nn 2\n14\n' and not ran.reason


def test_names_in_a_condition():
    source = (
        "fun f(result: i64) -> bool requires result > 1 ensures result { result > 0 }\nfun main() { println(f(2)); }"
    )
    assert run_text(source).stdout == "true\n"
    assert found("fun f(x: i64) -> i64 requires result > 1 { x }") == [("E0110", 1)]
    assert found("fun f(x: i64) -> i64 ensures result > 1 { result }") == [("E0110", 1)]
    assert found("fun f(x: i64) -> i64 { result }") == [("E0101", 1)]
    assert found("fun f(x: i64) -> i64 ensures x { x }") == [("E0202", 1)]
    assert found("fun f() { while true invariant 1 { } }") == [("E0202", 1)]
    assert found("fun f(x: i64) -> i64 ensures y > 1 { let y = x; y }") == [("E0101", 1)]


def test_decreases_has_no_effect_and_says_so():
    told = check_text("fun f(n: i64) -> i64 decreases n { if n <= 0 { 0 } else { f(n - 1) } }")
    assert [one.code for one in told.warnings] == ["W0012"] and told.module is not None


def _summary(text):
    made = summarise(SummariseJob(module="main", path="main.ruchy", source=text.encode())).summary
    assert made is not None
    return made


def test_contracts_are_no_part_of_what_callers_see():
    texts = [
        "use geo::WIDE;\npub fun f(x: i64) -> i64 { x }",
        "use geo::WIDE;\npub fun f(x: i64) -> i64 requires x > WIDE ensures result > x { x }",
    ]
    one, other = (_summary(text).items[0] for text in texts)
    assert one.interface == other.interface and one.interface_names == other.interface_names
    assert one.digest != other.digest and "WIDE" in other.names


@pytest.mark.slow
def test_a_million_checks_give_memory_back():
    source = """
    fun f(s: String) -> String
        requires s + "!" != ""
        ensures result + "a" != s
    { if s == "7" { return "x" + s } s + "b" }
    fun main() {
        let mut total = 0;
        for i in 0..1000000 invariant f"{i}" != "" { total += f("" + i).len(); }
        println(total);
    }"""
    assert run_text(source, memory_limit=4 * 65536).stdout == "6888890\n"
