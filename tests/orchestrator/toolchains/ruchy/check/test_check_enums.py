"""Enums, `Option`, `Result`, tuple structs: what is refused, and how it is said."""

from __future__ import annotations

import pytest

from tests.orchestrator.toolchains.ruchy.check.checking import check_text

SHAPE = "enum Shape { Dot, Circle(f64), Box2 { wide: f64, high: f64 } }\n"
HALF = "fun half(n: i64) -> Option<i64> { Some(n) }\nfun safe(n: i64) -> Result<i64, String> { Ok(n) }\n"
ERRORS = {
    SHAPE + "fun f() { println(Shape::Square) }": ("E0109", "`Shape` has no variant `Square`"),
    SHAPE + "fun f() { println(Shape::Circle) }": ("E0302", "`Shape::Circle` has a payload"),
    SHAPE + "fun f() { println(Shape::Circle()) }": ("E0302", "`Shape::Circle` holds 1 value, and was given 0"),
    SHAPE + "fun f() { println(Shape::Dot(1)) }": ("E0302", "`Shape::Dot` holds no value, and was given 1"),
    SHAPE + "fun f() { println(Shape::Circle(true)) }": ("E0204", "`Shape::Circle` holds f64, and this is bool"),
    SHAPE + "fun f() { println(Shape::Box2(1.0, 2.0)) }": ("E0260", "the payload of `Shape::Box2` has names"),
    SHAPE + "fun f() { println(Shape::Circle { r: 1.0 }) }": ("E0260", "the payload of `Shape::Circle` has no names"),
    SHAPE + "fun f() { println(Shape::Box2 { wide: 1.0 }) }": ("E0214", "`Shape::Box2` needs its field `high`"),
    SHAPE + "fun f() { println(Shape::Box2 { wide: 1.0, hight: 1.0 }) }": (
        "E0104",
        "`Shape::Box2` has no field `hight`",
    ),
    SHAPE + "fun f() { println(Shape::Dot as i64) }": ("E0209", "`as` cannot make i64 of Shape"),
    SHAPE + "fun f() { println(Shape::Dot < Shape::Dot) }": ("E0208", None),
    SHAPE + "fun f() { println(Shape) }": ("E0106", "`Shape` is a type, not a value"),
    "enum E { A, B, A }": ("E0606", "the variant `A` of `E` is declared twice"),
    "enum E { A = 1, B = 1 }": ("E0606", "two variants of `E` have the discriminant 1"),
    "enum E { A = 1.5 }": ("E0260", "the discriminant of `A` is no integer literal"),
    "enum E { A { x: i64, x: i64 } }": ("E0602", "the field `x` is declared twice"),
    "enum E { A(E), B(S) } struct S { e: E }": (
        "E0263",
        "every variant of `E` holds a `E`: no value of it can be made",
    ),
    "enum E { A(Missing) }": ("E0103", "unknown type `Missing`"),
    "struct P(i64, i64);\nfun f() { println(P(1)) }": ("E0302", "`P` holds 2 values, and was given 1"),
    "struct P(i64, i64);\nfun f(p: P) { println(p.2) }": ("E0104", None),
    "fun f() -> Option { None }": ("E0262", "`Option` is of 1 type, and has 0"),
    "fun f() { println(Some()) }": ("E0302", "`Some` holds 1 value, and was given 0"),
    "fun f() { println(Some) }": ("E0302", "`Some` holds a value: it is called"),
    "fun f() -> Option<i64> { Some(true) }": ("E0204", "`Some` holds i64, and this is bool"),
    "fun f() -> Option<i64> { 1 }": ("E0401", None),
    HALF + "fun f() -> i64 { half(1)? }": (
        "E0280",
        "`?` would return `None` of `half`, and `f` returns i64",
    ),
    HALF + "fun f() -> Option<i64> { Some(safe(1)?) }": ("E0280", None),
    HALF + "fun f() -> Result<i64, i64> { Ok(safe(1)?) }": (
        "E0280",
        "`f` returns errors of type i64, and that of `safe` is String",
    ),
    HALF + "println(half(1)?);": ("E0280", "`?` would return `None` of `half`, and this is not in a function"),
    "fun f(n: i64) -> Option<i64> { Some(n?) }": ("E0281", None),
    "fun f(n: i64) -> i64 { n ?? 1 }": ("E0281", None),
    "fun f(n: String) { println(n?.len()) }": ("E0281", None),
    HALF + 'fun f() -> i64 { half(1) ?? "a" }': ("E0201", "the value on the left of `??` is i64, and this is String"),
    HALF + "fun f() { println(half(1).unwrapp()) }": ("E0107", "Option<i64> has no method `unwrapp`"),
    HALF + "fun f() { println(half(1).is_ok()) }": ("E0107", None),
    HALF + "fun f() { println(half(1).take()) }": ("E0211", None),
}


@pytest.mark.parametrize("source", ERRORS)
def test_an_error_and_its_words(source: str) -> None:
    code, message = ERRORS[source]
    found = check_text(source).diagnostics
    assert [one.code for one in found] == [code]
    if message is not None:
        assert found[0].message == message


@pytest.mark.parametrize(
    "source",
    [
        "enum E { Ok, Err(i64), None, Some } fun f() { println(E::Ok, E::Err(1), E::None, E::Some) }",
        "type S = Shape; enum Shape { Dot, Circle(f64) } fun f() { println(S::Dot, S::Circle(1)) }",
        "module m { pub enum E { A, B(i64) } } fun f() { println(m::E::A, m::E::B(1)) }",
        "fun f() { enum E { A, B(i64) } println(E::A, E::B(1) == E::A) }",
        "fun f() { { enum E { A } println(E::A) } { enum E { B(i64) } println(E::B(1)) } }",
        "fun None() -> i64 { 1 } fun Some(n: i64) -> i64 { n } fun f() { println(None(), Some(1)) }",
        "enum E { A(Option<Box<E>>) } fun f() { println(E::A(None)) }",
        "enum L { End, More(i64, Box<L>) } fun f() { println(L::More(1, Box::new(L::End))) }",
        "struct N { next: Option<Box<N>> } fun f() { println(N { next: None }) }",
        "enum E { A() } fun f() { println(E::A()) }",
        "const BEST: Option<i64> = Some(3); fun f() { println(BEST) }",
        "fun f() { let mut x = None; x = Some(1); println(x) }",
        "fun f(a: Option<f64>) { println(a) } fun g() { f(Some(1)); f(None) }",
        "fun f(n) { if n > 0 { Ok(n) } else { Err('a') } } fun g() { println(f(1).is_ok()) }",
        HALF + "fun f(n: i64) -> Result<i64, String> requires n > 0 ensures result.is_ok() { Ok(safe(n)?) }",
    ],
)
def test_what_is_right(source: str) -> None:
    assert check_text(source).diagnostics == []
