"""Enums, `Option` and `Result`."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0260",
        "type",
        "variant of another form",
        "A variant is made as it is declared: `E::V`, `E::V(1)` or `E::V { x: 1 }`. Its fields have no defaults, and a "
        "discriminant is an integer literal.",
        "enum Shape { Dot { x: i64 } } fun main() { println(Shape::Dot(1)) }",
        "enum Shape { Dot { x: i64 } } fun main() { println(Shape::Dot { x: 1 }) }",
    ),
    Code(
        "E0262",
        "type",
        "type without its types",
        "`Option` is of one type, `Result` of two: that of the value and that of the error.",
        "fun f() -> Option { None } fun main() { println(f()) }",
        "fun f() -> Option<i64> { None } fun main() { println(f()) }",
    ),
    Code(
        "E0263",
        "type",
        "enum without a first value",
        "Every variant holds a value of the enum itself, so that none can be made before there is one.",
        "enum List { Cons(i64, List) }",
        "enum List { End, Cons(i64, List) }",
    ),
    Code(
        "E0265",
        "type",
        "type parameter of nothing",
        "No field is of the type parameter, so no value could tell what it stands for.",
        "struct Box2<T> { n: i64 } fun main() { println(1) }",
        "struct Box2<T> { n: i64, x: T } fun main() { println(Box2 { n: 1, x: true }) }",
    ),
    Code(
        "E0280",
        "type",
        "`?` where it cannot return",
        "`?` returns `None`, or the error, from the function around it: that returns an `Option`, or a `Result` of the "
        "same errors.",
        "fun f() -> Option<i64> { Some(1) } fun g() -> i64 { f()? + 1 } fun main() { println(g()) }",
        "fun f() -> Option<i64> { Some(1) } fun g() -> Option<i64> { Some(f()? + 1) } fun main() { println(g()) }",
    ),
    Code(
        "E0281",
        "type",
        "nothing that could be missing",
        "`??`, `?` and `?.` stand behind an `Option` or a `Result`.",
        "fun main() { let n = 1; println(n ?? 2) }",
        "fun main() { let n = Some(1); println(n ?? 2) }",
    ),
)
