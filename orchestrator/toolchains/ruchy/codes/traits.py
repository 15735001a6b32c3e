"""Traits and their implementations."""

from __future__ import annotations

from actors.codes import Code, registry

_HEAD = "trait Shape { fun area(&self) -> f64; } struct Dot { x: f64 } "

_UNIT = "trait Unit { fun unit() -> i64; } impl Unit for i64 { fun unit() -> i64 { 1 } } fun main() { "
_DOT = "impl Shape for Dot { fun area(&self) -> f64 { self.x } "
_USE = "fun f<T: Shape>(x: T) -> f64 { x.area() } fun main() { println(f(Dot { x: 1.0 })) }"

CODES: dict[str, Code] = registry(
    Code(
        "E0287",
        "type",
        "method of no type",
        "A trait has an associated function once for each type that implements it, so a call says of which type.",
        f"{_UNIT}println(Unit::unit()) }}",
        f"{_UNIT}println(i64::unit()) }}",
    ),
    Code(
        "E0264",
        "type",
        "method of a trait that is missing",
        "An `impl` of a trait has each method that the trait declares without a body, and its type implements the "
        "traits that this one builds on.",
        f"{_HEAD}impl Shape for Dot {{ }}",
        f"{_HEAD}{_DOT}}}",
    ),
    Code(
        "E0266",
        "type",
        "method that the trait does not have",
        "An `impl` of a trait has methods of that trait only. Others stand in an `impl` of the type.",
        f"{_HEAD}{_DOT}fun size(&self) -> i64 {{ 0 }} }}",
        f"{_HEAD}{_DOT}}} impl Dot {{ fun size(&self) -> i64 {{ 0 }} }}",
    ),
    Code(
        "E0267",
        "type",
        "method of another form than in the trait",
        "A method takes and gives what the trait says, because a caller knows the trait only.",
        f"{_HEAD}impl Shape for Dot {{ fun area(&self) -> i64 {{ 0 }} }}",
        f"{_HEAD}{_DOT}}}",
    ),
    Code(
        "E0268",
        "type",
        "type that does not implement the trait",
        "A type parameter with a bound takes types that implement that trait.",
        f"{_HEAD}{_USE}",
        f"{_HEAD}{_DOT}}} {_USE}",
    ),
)
