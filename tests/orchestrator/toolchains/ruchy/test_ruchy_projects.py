"""Projects of a few modules: what one module's interface says is understood in the others, or is an error with its
place."""

from __future__ import annotations

import pytest

from tests.helpers.programs import build, run

STRUCT = "pub struct A { pub n: i64 }\npub fn mk() -> A { A { n: 1 } }\n"


def printed(main: str, **modules: str) -> str:
    """What a project prints; `a__b` stands for the module a/b."""
    texts = {f"{name.replace('__', '/')}.ruchy": text for name, text in modules.items()}
    built = build({**texts, "main.ruchy": main})
    assert built.program is not None, built.errors()
    return run(built.program).stdout


def told(main: str, **modules: str) -> list[tuple[str, str, int]]:
    """The errors of a project: code, file, line."""
    built = build({**{f"{name}.ruchy": text for name, text in modules.items()}, "main.ruchy": main})
    return [(one.code, one.file, one.line) for one in built.errors()]


@pytest.mark.parametrize(
    ("interface", "use"),
    [
        ("pub fn d(a: &A) -> i64 { a.n }", "println(d(&mk()))"),
        ("pub fn d(a: &mut A) -> i64 { a.n }", "let mut a = mk(); println(d(&mut a))"),
        ("pub fn d(a: &&A, b: & &mut A) -> i64 { a.n * b.n }", "println(d(mk(), mk()))"),
        ("pub fn d(a: &A) -> &A { a }", "println(d(&mk()).n)"),
        ("pub fn d(a: &A) { a }", "println(d(&mk()).n)"),
        ("pub struct D { pub a: &A }", "println(D { a: mk() }.a.n)"),
        ("pub type R = &A; pub fn d(a: R) -> R { a }", "println(d(mk()).n)"),
        ("pub const K: &A = A { n: 1 };", "println(K.n)"),
        ("const K: A = A { n: 1 }; pub fn d(a: &A = &K) -> i64 { a.n }", "println(d())"),
        ("const K: i64 = 1; pub fn d(a: i64 = o(K, 2)) -> i64 { a } fn o(a: i64, b: i64) -> i64 { a }", "println(d())"),
    ],
)  # fmt: skip
def test_references_in_an_interface(interface: str, use: str) -> None:
    assert printed(f"use s::*;\nfun main() {{ {use} }}", s=f"{STRUCT}{interface}\n") == "1\n"


NOTHING_INSIDE = ["A::new()", "A::n", "mk::x", "mk::x()", "K::x", "T::x()", "A::B::c()", "A::B { n: 1 }", "A::self"]


@pytest.mark.parametrize("path", NOTHING_INSIDE)
@pytest.mark.parametrize("imports", ["use s::*;", "use s::{A, mk, K, T};", "use s as m;", "mod local {}"])
def test_nothing_is_inside_of_an_item(path: str, imports: str) -> None:
    path = {"use s as m;": f"m::{path}", "mod local {}": f"s::{path}"}.get(imports, path)
    s = f"{STRUCT}pub const K: i64 = 3;\npub type T = A;\n"
    assert told(f"{imports}\nfun main() {{\n    let a = {path};\n}}\n", s=s) == [("E0513", "main.ruchy", 3)]


@pytest.mark.parametrize("written", ["let a: A::B = 1;", "let a: R::B = 1;"])
def test_no_type_is_inside_of_an_item(written: str) -> None:
    assert told(f"use s::A; use s::A as R;\nfun main() {{ {written} }}\n", s=STRUCT) == [("E0513", "main.ruchy", 2)]


def test_an_import_that_goes_on_behind_an_item() -> None:
    assert told("fun main() { new() }\nuse s::A::new;\n", s=STRUCT) == [("E0513", "main.ruchy", 2)]
    assert told("mod m {\n use s::mk::x; }\nfun main() { }\n", s=STRUCT) == [("E0513", "main.ruchy", 2)]


def test_an_inline_module_of_another_file_is_a_module() -> None:
    s = "pub mod inner { pub fun f() { } }\n"
    assert told("use s::inner;\nfun main() {\n let x = inner;\n inner(); }\n", s=s) == [
        ("E0106", "main.ruchy", 3),
        ("E0217", "main.ruchy", 4),
    ]


INNER = """pub struct N { pub x: i64 }
pub const K: i64 = 7;
pub type T = N;
fun mk() -> N { N { x: 2 } }
pub mod inner {
    pub fun f() -> super::N { super::N { x: 3 } }
    pub fun p(a: super::N, b: &super::T) -> i64 { a.x + b.x }
    pub struct S { pub n: super::N, pub t: self::U }
    pub type U = super::N;
    pub const C: i64 = super::K + 1;
    pub const D: super::N = super::N { x: super::K };
    pub fun d(a: super::N = super::mk(), b: i64 = super::K, c: i64 = self::C) -> i64 { a.x + b + c }
    pub fun inf() { super::mk() }
    pub mod deep {
        use super::super::mk;
        use super::S as SS;
        pub fun g(a: super::super::N, b: super::S) -> super::super::T { super::super::N { x: a.x + b.n.x } }
        pub const Z: i64 = super::super::K + super::C;
        pub struct Q { pub s: super::S, pub n: super::super::N = super::super::mk() }
        pub fun h(s: SS) { super::super::N { x: s.n.x + mk().x } }
    }
}
"""
INNER_USED = """fun main() {
    let s = at::S { n: at::f(), t: at::f() };
    println(at::p(at::f(), &at::f()), s.n.x, at::C, at::D.x, at::d(), at::inf().x);
    println(at::deep::g(at::f(), s).x, at::deep::Z, at::deep::Q { s: s }.n.x, at::deep::h(s).x);
}
"""
INNER_PRINTED = "6 3 8 7 17 2\n6 15 2 5\n"


@pytest.mark.parametrize("home", ["e", "p__e", "inner", "p__mk", "S"])
def test_super_and_self_in_the_interface_of_an_inline_module(home: str) -> None:
    """Whatever the file is called: as one of the items in it, too."""
    at = f"{home.replace('__', '::')}::inner"
    assert printed(INNER_USED.replace("at::", f"{at}::"), **{home: INNER}) == INNER_PRINTED
    assert printed(f"use {at} as q;\n{INNER_USED}".replace("at::", "q::"), **{home: INNER}) == INNER_PRINTED


def test_super_and_self_in_the_same_file() -> None:
    assert printed(INNER + INNER_USED.replace("at::", "inner::")) == INNER_PRINTED


def test_a_path_from_the_root_passes_by_own_items() -> None:
    main = "use crate::b::g;\nmod b { pub fun f() -> i64 { 2 } }\nfun main() { println(crate::b::f(), b::f(), g()) }"
    assert printed(main, b="pub fun f() -> i64 { 1 }\npub fun g() -> i64 { 3 }\n") == "1 2 3\n"


def test_super_above_the_root_is_told_where_it_stands() -> None:
    e = "pub mod inner {\n pub fun f() -> super::super::super::N { 1 } }\n"
    assert ("E0501", "e.ruchy", 2) in told("fun main() { e::inner::f(); }", e=e)


# ---- functions without `->` that call one another across modules


def circle(f: str, g: str, main: str = "use a::f;\nfun main() { f(2) }") -> dict[str, str]:
    return {"main": main, "a": f"use b::g;\n{f}\n", "b": f"use a::f;\n{g}\n"}


ECHO = "pub fun g(n: i64) { println(n); f(n) }"


@pytest.mark.parametrize(
    ("f", "g", "out"),
    [
        ("pub fun f(n: i64) { if n > 0 { g(n - 1); } }", "pub fun g(n: i64) { println(n); f(n); }", "1\n0\n"),
        ("pub fun f(n: i64) { if n > 0 { g(n - 1) } else { println(7) } }", "pub fun g(n: i64) { f(n) }", "7\n"),
        ("pub fun f(n: i64) { h(n) }\nfun h(n) { if n > 0 { g(n - 1) } }", ECHO, "1\n0\n"),
        ("pub fun f(n: i64) { if n > 0 { return g(n - 1); } }", ECHO, "1\n0\n"),
        ("pub use i::f; pub mod i { pub fun f(n: i64) { if n > 0 { b::g(n - 1) } } }", ECHO, "1\n0\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["use a::f;\nuse b::g;", "use b::g;\nuse a::f;"])
def test_results_in_a_circle_are_unit_where_that_can_be_told(f: str, g: str, out: str, order: str) -> None:
    """Whichever of them is asked first."""
    modules = circle(f, g, f'{order}\nfun main() {{ f(2); println("then"); g(0) }}\n')
    printed_then = "7\n" if "7" in f else "0\n"
    assert printed(**modules) == f"{out}then\n{printed_then}"


@pytest.mark.parametrize(
    ("f", "g", "wrong"),
    [
        ("pub fun f(n: i64) { g(n) }", "pub fun g(n: i64) { f(n) }", ["a", "b"]),
        ("pub fun f(n: i64) { if n > 0 { g(n) + 1 } else { 5 } }", "pub fun g(n: i64) { f(n) }", ["a", "b"]),
        ("pub fun f(n: i64) { g(n) }", "pub fun g(n: i64) { if n > 0 { f(n) } else { true } }", ["a", "b"]),
        ("pub fun f(n: i64 = g(1)) { n }", "pub fun g(n: i64) { f() }", ["b"]),
    ],
)
def test_results_in_a_circle_need_an_arrow_where_they_cannot(f: str, g: str, wrong: list[str]) -> None:
    assert told(**circle(f, g)) == [("E0507", f"{module}.ruchy", 2) for module in wrong]


@pytest.mark.parametrize("end", [None, 0, 3, 6])
def test_a_long_circle(end: int | None) -> None:
    """Longer than what is looked into in place."""
    count = 7
    call = [f"f{(at + 1) % count}(n - 1)" for at in range(count)]
    bodies = [call[at] if at != end else f"if n > 0 {{ {call[at]} }} else {{ println(n) }}" for at in range(count)]
    modules = {
        f"m{at}": f"use m{(at + 1) % count}::*;\npub fun f{at}(n: i64) {{ {bodies[at]} }}\n" for at in range(count)
    }
    main = "use m0::f0;\nfun main() { f0(20) }\n"
    if end is None:
        assert told(main, **modules) == [("E0507", f"m{at}.ruchy", 2) for at in range(count)]
    else:
        left = next(
            n for n in range(0, -count, -1) if (20 - n) % count == end
        )  # the first 0 or less that meets the end
        assert printed(main, **modules) == f"{left}\n"


# ---- constants and defaults


def test_constants_and_defaults_in_circles_are_told_in_their_modules() -> None:
    def both(a: str, b: str) -> list[tuple[str, str, int]]:
        return told("fun main() { }", a=a, b=b)

    twice = [(code, f"{module}.ruchy", 1) for code in ("E0216", "E0515") for module in "ab"]
    assert both("pub const A: i64 = b::B;", "pub const B: i64 = a::A;") == twice[:2]
    assert both("pub fun f(n: i64 = b::g()) -> i64 { n }", "pub fun g(n: i64 = a::f()) -> i64 { n }") == twice[2:]
    assert both("pub struct S { pub n: i64 = b::T { }.n }", "pub struct T { pub n: i64 = a::S { }.n }") == twice[2:]


def test_a_default_that_is_needed_in_a_function_that_it_calls() -> None:
    a = "pub fun f(n: i64) { if n > 0 { g() } else { 1 } }\npub fun g(m: i64 = f(0)) -> i64 { m + 1 }\n"
    assert printed("fun main() { println(a::g(), a::f(1)); }", a=a) == "2 2\n"
    assert printed(f"{a.replace('pub ', '')}fun main() {{ println(g(), f(1)); }}") == "2 2\n"


def test_a_long_chain_of_constants_in_the_wrong_order() -> None:
    chain = [f"pub const C{at}: i64 = C{at - 1} + 1;" for at in range(150, 0, -1)]
    assert printed("fun main() { println(a::C150); }", a="\n".join([*chain, "pub const C0: i64 = 0;"])) == "150\n"


def test_a_constant_that_is_wrong_is_told_whoever_reads_it_first() -> None:
    a = "pub const A: i64 = f();\npub fun f() { B }\nconst B: i64 = missing;\n"
    assert ("E0101", "a.ruchy", 3) in told("fun main() { println(a::A); }", a=a)


@pytest.mark.parametrize("reference", ["", "&", "&&"])
def test_aliases_of_two_modules_that_stand_for_themselves(reference: str) -> None:
    a, b = f"pub type A = {reference}b::B;", "pub type B = a::A;"
    assert told("fun main() { }", a=a, b=b) == [("E0206", "a.ruchy", 1), ("E0206", "b.ruchy", 1)]


def test_a_constant_whose_function_needs_it_is_the_same_for_all() -> None:
    """Its type is written, so that nothing is in a circle but the run."""
    b = "pub struct S { pub x: i64 = f(2) + 1 }\npub fun f(n: i64) { if n > 0 { f(n - 1) + K * 0 } else { n } }\n"
    b += "pub const K: i64 = 1 + f(0);\n"
    assert printed("fun main() { println(b::S { }.x); println(b::K); }", b=b) == "1\n1\n"


def test_an_import_in_a_body_that_others_read() -> None:
    b = "pub fun f(n: i64) { use c::g as near; use c; near(n); c::g(n); println(n) }\n"
    assert (
        printed("use b::f;\npub fun h() { f(1) }\nfun main() { h() }", b=b, c="pub fun g(n: i64) -> i64 { n }") == "1\n"
    )
