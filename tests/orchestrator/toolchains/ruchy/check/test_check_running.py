"""Builtins, methods and display, as running programs show them."""

import pytest

from tests.helpers.programs import build, run

CASES = {
    "mathematics": (
        """fun main() {
    println((2.5).round(), (-2.5).round(), 0.49999999999999994.round(), round(2.5), round(-2.5));
    println(floor(-1.5), ceil(1.2));
    println(min(1, 2), max(1.5, 2.0), abs(-3), abs(-2.5), 3.max(4), sqrt(2.25), sqrt(4));
    println(pow(2, 3), (2.0).pow(0.5) ** 2.0 > 1.9);
    println(int("42") + 1, float("2.5") * 2.0, int(3.99), int(true), "12".parse() + 1, " 3 ".to_int(), 2.0 ** 3);
    println(type_of(1), type_of("s"), type_of(2.0), type_of(true), len("abc"), str(1.0) + 'c');
}""",
        (
            "3.0 -3.0 0.0 3 -3\n-2 2\n1 2.0 3 2.5 4 1.5 2.0\n8 true\n"
            "43 5.0 3 1 13 3 8.0\ninteger string float boolean 3 1.0c\n"
        ),
    ),
    "strings": (
        """fun main() {
    let s = "Hello";
    println(s[0], s[-1], s[1..3], s[2..], s[..2], s[..=2], s.chars().len(), s.substring(1, 3), "".is_empty());
    println(s.contains('l'), s.starts_with("He"), s.replace("l", "L"), s.reverse(), s.append(1), s.char_at(1));
    println(s[0] == 'H', 'a' == "a", 'x' as i64, 65u8 as char, "naïve".chars().len(), "naïve".len());
    let mut t = "a";
    t.push_str("b");
    t.push('c');
    t += 1;
    println(t, t.clone() == "abc1");
}""",
        "H o el llo He Hel 5 el true\ntrue true HeLLo olleH Hello1 e\ntrue true 120 A 5 6\nabc1 true\n",
    ),
    "arguments are computed in order, and once": (
        """struct P { x: i64, name: String }
fun mk(n: i64) -> P { println("mk", n); P { x: n, name: "n" + n } }
fun main() {
    println(mk(1), mk(2).x);
    println("{} {} {}", mk(3), mk(4).name, ());
    println(max(mk(5).x, mk(6).x), abs(mk(-7).x));
    assert_eq(mk(8), mk(8));
    println("only {}", mk(9).x, mk(10).x);
}""",
        (
            'mk 1\nmk 2\nP {name: "n1", x: 1} 2\nmk 3\nmk 4\nP {name: "n3", x: 3} n4 nil\nmk 5\nmk 6\nmk -7\n6 7\n'
            "mk 8\nmk 8\nmk 9\nmk 10\nonly 9\n"
        ),
    ),
    "templates": (
        """fun main() {
    let t = "v={} w={}";
    println(t, 1, 2.5);
    println(t + "!", 1);
    println("a{}", t);
    println("plain", t);
    println("{:?} {:.1} {:.2}", "q", 2.25, 3);
    let r = format(t, 5);
    println(r.len(), f"{t:?} {2.0:.3}");
    println(t);
}""",
        'v=1 w=2.5\nv=1 w={}!\nav={} w={}\nplain v={} w={}\n"q" 2.2 3.00\n8 "v={} w={}" 2.000\nv={} w={}\n',
    ),
    "defaults of fields, nested items of one name": (
        """struct C { a: i64 = 3, b: String, c: i32 = 4 }
fun main() {
    println(C { b: "x" }, C { c: 1, b: "y", a: 2 });
    struct A { x: i64 }
    let a = A { x: 1 };
    { struct A { y: String } println(A { y: "q" }) }
    fun inner(n) { fun inner(m: i64) -> i64 { m * 2 } inner(n) + 1 }
    println(a, inner(4));
}""",
        'C {a: 3, b: "x", c: 4} C {a: 2, b: "y", c: 1}\nA {y: "q"}\nA {x: 1} 9\n',
    ),
    "values of everything": (
        """fun f(n: i64) -> i64 { let x = if n > 1 { n } else { return 0 }; x * 2 }
fun count(n: i64) { let mut c = 0; while true { c += 1; if c > n { break; } } c }
fun nothing() { }
fun main() {
    println(f(1), f(2), count(5), nothing(), { let t = 4; t + 1 });
    for i in 0..3 { i *= 10; print(i, ""); }
    println(loop { break 7 }, if true { "a" } else { panic("no") });
}""",
        "0 4 6 nil 5\n0 10 20 7 a\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_program(name):
    source, wanted = CASES[name]
    built = build({"main.ruchy": source})
    assert built.errors() == []
    ran = run(built.program)
    assert (ran.code, ran.stdout, ran.stderr) == (0, wanted, "")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("assert(1 > 2)", "assertion failed"),
        ('assert(1 > 2, "n is {}", 3)', "assertion failed: n is 3"),
        ('assert_eq("a", "b")', 'assertion failed: "a" != "b"'),
        ('assert_eq(1, 2, "sum")', "assertion failed: sum: 1 != 2"),
        ("assert_ne!(1, 1)", "assertion failed: 1 == 1"),
        ('panic("no {}", 1)', "no 1"),
        ("todo!()", "not written yet"),
        ('unreachable!("here")', "unreachable code was reached: here"),
    ],
)
def test_what_stops_a_program_says_why(statement, said):
    ran = run(build({"main.ruchy": f"fun main() {{\n    {statement};\n}}"}).program)
    assert (ran.code, ran.stdout, ran.stderr) == (134, "", f"error: main.ruchy:2: {said}\n")
