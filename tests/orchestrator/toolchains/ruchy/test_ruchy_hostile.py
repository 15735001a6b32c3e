"""What a tester tries who wants to see the compiler fail: each program prints what is written here, or is refused, with
a code, in the line that is written here."""

from __future__ import annotations

import pytest

from orchestrator.wasm.validate import validate
from tests.helpers.programs import ENTRY, build, run

M = "fun main() {\n"


def main(body: str, before: str = "") -> str:
    return f"{before}{M}{body}\n}}\n"


PRINTS: dict[str, tuple[str | dict[str, str], str]] = {
    # tails
    "a block that ends in a let, as an argument": (main("println({ let a = 2; })"), "2\n"),
    "a let in a branch that is a tail": (
        main(
            "println(f(true)) println(f(false))", "fun f(c: bool) -> i32 { if c { let a = 1 } else { let b = 2; } }\n"
        ),
        "1\n2\n",
    ),
    "a let of a place in a tail": (main("println(f())", "fun f() -> u8 { let a: i64 = 200 }\n"), "200\n"),
    "a let in a let": (main("let a = { let b = { let c = 3 } }\nprintln(a)"), "3\n"),
    "an assignment as a tail without a type": (
        main("f(1)\nprintln(f(2))", "fun f(x) { let mut a = 0; a = x }\n"),
        "nil\n",
    ),
    "a loop of breaks that mix": (
        main("for i in 0..2 { println(loop { if i == 0 { break 1 } break 0.5 }) }"),
        "1.0\n0.5\n",
    ),
    "a loop in a loop, with values of both": (
        main("println('a: loop { let x = loop { break 2 }\nif x > 1 { break 'a x * 1.5 } break 'a 7 })"),
        "3.0\n",
    ),
    "breaks of two widths": (
        main(
            "let a: i32 = 5\nlet b: i64 = 3000000000\nlet mut i = 0\n"
            "println(loop { i += 1 if i == 1 { break a } break b })"
        ),
        "5\n",
    ),
    "a break of a variable that becomes a float": (
        main("let mut t = 1\nlet x = loop { break t }\nt = 2.5\nprintln(x) println(t)"),
        "1.0\n2.5\n",
    ),
    "branches that mix, of variables": (
        main("let c = true\nlet a = 1\nlet b = 2.5\nprintln(if c { a } else { b })\nprintln(c ? b : a)"),
        "1.0\n2.5\n",
    ),
    # what never returns
    "arithmetic with what never returns": (main("for i in 0..2 { let a = 1 + break;\nprintln(a) }\nprintln(2)"), "2\n"),
    "text and what never returns": (main('for i in 0..2 { println("a" + continue) }\nprintln(2)'), "2\n"),
    "an argument that returns": (
        main("println(f())", "fun f() -> i64 { g(1, return 7) }\nfun g(a: i64, b: i64) -> i64 { a }\n"),
        "7\n",
    ),
    "a field that returns": (
        main(
            "println(f())", "struct P { x: i64, y: String }\nfun f() -> i64 { let p = P { x: 1, y: return 7 }\np.x }\n"
        ),
        "7\n",
    ),
    "a condition that never is": (main("loop { if break { println(1) } }\nprintln(2)"), "2\n"),
    "a comparison of two that never return": (main("loop { if (break) == (break) { println(1) } }\nprintln(2)"), "2\n"),
    "a range that never begins": (main("loop { for i in (break)..3 { println(1) } }\nprintln(2)"), "2\n"),
    "a let that returns, as a tail": (main("println(f())", "fun f() -> i64 { let x: String = return 4 }\n"), "4\n"),
    "a negation of what never returns": (main("loop { let a = -(break)\nlet b = !(break) }\nprintln(2)"), "2\n"),
    "a text in a hole that breaks": (main('loop { println(f"{break}") }\nprintln(2)'), "2\n"),
    # numbers
    "abs of a local that becomes a float": (
        main("let mut t = -3\nlet u = t.abs()\nt = t + 0.5\nprintln(u) println(t.abs())"),
        "3.0\n2.5\n",
    ),
    "abs of a local that stays an integer": (
        main("let mut t = -3\nlet u = t.abs()\nt = t + 5\nprintln(u) println(t)"),
        "3\n2\n",
    ),
    "powers and rests of one that becomes a float": (
        main("let mut t = 5\nprintln(t ** 2) println(t % 3) println(t.pow(2)) println(2 ** t)\nt = 0.5"),
        "25.0\n2.0\n25.0\n32.0\n",
    ),
    "rounding of one that becomes a float": (
        main("let mut t = 5\nprintln(t.floor()) println(floor(t)) println(t.round())\nt += 0.5"),
        "5.0\n5\n5.0\n",
    ),
    "minus zero": (main("let mut t = 0\nt = -0.0\nprintln(t.abs()) println(t)"), "0.0\n-0.0\n"),
    "abs of a parameter": (main("println(f(-1)) println(f(2))", "fun f(x) { abs(x) }\n"), "1\n2\n"),
    "the smallest of every width": (
        main(
            "let a: i8 = -128\nlet b: i16 = -32768\nlet c: i32 = -2147483648\n"
            "println(a) println(b) println(c) println(-128i8)"
        ),
        "-128\n-32768\n-2147483648\n-128\n",
    ),
    "the largest u64 in hexadecimal": (
        main("let a: u64 = 0xFFFFFFFFFFFFFFFF\nprintln(a)\nprintln(a / 3)"),
        "18446744073709551615\n6148914691236517205\n",
    ),
    "a count into a narrow field": (
        main('let p = P { n: "abc".len() }\nprintln(p)', "struct P { n: u8 }\n"),
        "P {n: 3}\n",
    ),
    "shifts in place": (main("let mut a = 1\na <<= 10\na >>= 3\na **= 2\na %= 1000\nprintln(a)"), "384\n"),
    "choices in choices without brackets": (main("let a = 2\nprintln(a == 1 ? 10 : a == 2 ? 20 : 30)"), "20\n"),
    "a choice of negations": (main("let c = false\nprintln(c ? -1 : !c ? 2 : 3)"), "2\n"),
    # globals
    "a counter that becomes a float": ("let mut n = 0\nfun up() { n += 0.5 }\nup()\nup()\nprintln(n)\n", "1.0\n"),
    "a total of a parameter": (
        "let mut sum = 0\nfun add(x: f64) { sum = sum + x }\nadd(1)\nadd(2.5)\nprintln(sum)\n",
        "3.5\n",
    ),
    "a public function without a type": ("let n = 3\npub fun get() { n * 2 }\nprintln(get())\n", "6\n"),
    "a public function that writes": ("let mut n = 3\npub fun up() { n = n + 1 }\nup()\nprintln(n)\n", "4\n"),
    "a global of a narrow type": ("let mut n: u8 = 250\nfun up(by: i64) { n = n + by }\nup(5)\nprintln(n)\n", "255\n"),
    "a global of text that grows": (
        'let mut s = ""\nfun add() { s += "a" }\nfor i in 0..3 { add() }\nprintln(s + s)\n',
        "aaaaaa\n",
    ),
    "a global of a struct": (
        "struct P { x: i64 }\nlet mut p = P { x: 1 }\nfun up() { p.x += 1 }\nlet q = p\nup()\nprintln(p.x - q.x)\n",
        "1\n",
    ),
    "a local of a global's name": (
        "let n = 1\nfun f() { let n = 5; n }\nfun g() { n }\nprintln(f())\nprintln(g())\n",
        "5\n1\n",
    ),
    "a parameter of a global's name": ("let n = 1\nfun f(n: i64) -> i64 { n + 1 }\nprintln(f(9) + n)\n", "11\n"),
    # formats
    "formats side by side": (
        main('println!("{:>4}{:<4}|{:^5}|{:+}|{:#010b}", 1, 2, 3, 4, 5)'),
        "   12   |  3  |+4|0b00000101\n",
    ),
    "a format of a text with braces": (main('println!("{{{}}} {0:?}", "a")'), '{a} "a"\n'),
    "width from an argument": (main('println!("{:1$}|{:.*}|{2:e}", 7, 3, 1500.0)'), "  7|1500.000|1.5e3\n"),
    "a hole of a hole": (
        main('let a = "x"\nprintln(f"{f(a)}{{{a}}}")', "fun f(s: String) -> String { s + s }\n"),
        "xx{x}\n",
    ),
    "braces in the function form": (main('println("{x} {} {{}}", 7)'), "{x} 7 {{}}\n"),
    "a format of a negative": (main('println!("{:05}|{:x}|{:+.1}", -7, -1i8, -2.25)'), "-0007|ff|-2.2\n"),
    # escapes
    "escapes that are none": (main('println("\\w\\u2265\\x41\\q{1}")'), "\\w\\u2265\\x41\\q{1}\n"),
    "an escape at the end of an f-string": (main('let n = 1\nprintln(f"{n}\\n\\t{n}")'), "1\n\t1\n"),
    # interfaces
    "references to a struct across three modules": (
        {
            "a.ruchy": "pub struct A { pub n: i64 }\n",
            "b.ruchy": "use a::A\npub fun add(x: &A, y: &A) -> A { A { n: x.n + y.n } }\n",
            ENTRY: "use a::A\nuse b::add\nfun main() { let p = A { n: 2 }\nprintln(add(&p, &add(&p, &p)).n) }\n",
        },
        "6\n",
    ),
    "super in a default and a constant": (
        {
            "e.ruchy": "pub const N: i64 = 4\npub mod i { pub const M: i64 = super::N + 1\n"
            "pub fun f(x: i64 = super::N * self::M) -> i64 { x } }\n",
            ENTRY: "fun main() { println(e::i::f()) println(e::i::M) }\n",
        },
        "20\n5\n",
    ),
    "an alias of an alias across modules": (
        {
            "t.ruchy": "pub type N = u8\npub type M = N\n",
            ENTRY: "use t::M\nfun f(x: M) -> M { x + 1 }\nfun main() { println(f(254)) }\n",
        },
        "255\n",
    ),
    "defaults that name items of their module": (
        {
            "d.ruchy": "const K: i64 = 3\nfun two() -> i64 { 2 }\npub fun f(x: i64 = K * two()) -> i64 { x }\n",
            ENTRY: "use d::f\nfun main() { println(f() + f(1)) }\n",
        },
        "7\n",
    ),
}

REFUSED: dict[str, tuple[str | dict[str, str], str, int]] = {
    "a branch whose let is a text": (
        'fun f(c: bool) -> i32 {\nif c { 1 } else {\nlet b = "x" } }\n' + main("println(f(true))"),
        "E0401",
        3,
    ),
    "a loop that gives a text for a number": (main("let x: i64 = loop {\nbreak 1.5 }\nprintln(x)"), "E0201", 3),
    "breaks of a number and a text": (main('let x = loop { if true { break 1 }\nbreak "a" }\nprintln(x)'), "E0203", 3),
    "a method of a text across modules": (
        {"s.ruchy": "pub struct A { pub n: i64 }\n", ENTRY: "use s::A\nfun main() {\nprintln(A::make(1)) }\n"},
        "E0513",
        3,
    ),
    "an error in a circle of three": (
        {
            "a.ruchy": "use b::g\npub fun f() -> i64 { g() }\n",
            "b.ruchy": "use c::h\npub fun g() -> i64 { h() }\n",
            "c.ruchy": "use a::f\npub fun h() -> i64 {\nf() + x }\n",
            ENTRY: "use a::f\nfun main() { println(f()) }\n",
        },
        "E0101",
        3,
    ),
    "two broken bodies": ('fun f() {\nlet = 1\n}\nfun g() -> i64 {\n"a"\n}\n' + M + "}\n", "E0011", 2),
    "a float into an integer global": ("let mut n: i64 = 0\nfun up() {\nn = 1.5 }\nup()\n", "E0201", 3),
    "u64 beside i64": (main("let a: u64 = 1\nlet b: i64 = 2\nprintln(a + b)"), "E0207", 4),
    "a condition that is a number": (main("if 1 { }"), "E0202", 2),
    "too many arguments of a format": (main('println!("{}", 1, 2)'), "E0309", 2),
    "a name that a format does not know": (main('println!("{nobody}")'), "E0101", 2),
    "a format that a type does not have": (main('println!("{:x}", "a")'), "E0032", 2),
    "two values": (main("let a = 5 6"), "E0029", 2),
    "writing through a reference of a field": (
        main("let mut p = P { x: 1 }\nf(&mut p)", "struct P { x: i64 }\nfun f(p: &mut P) { let q = p; q.x = 2 }\n"),
        "E0230",
        2,
    ),
}


def built(source: str | dict[str, str]):
    return build({ENTRY: source} if isinstance(source, str) else source)


@pytest.mark.parametrize("name", PRINTS)
def test_prints(name):
    source, printed = PRINTS[name]
    made = built(source)
    assert made.program is not None, made.errors()
    assert validate(made.program) is None
    ran = run(made.program)
    assert (ran.code, ran.stdout, ran.stderr) == (0, printed, "")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    source, code, line = REFUSED[name]
    first = built(source).errors()[0]
    assert (first.code, first.line) == (code, line), first
