"""What is defined twice."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0601",
        "duplicate",
        "defined twice",
        "One scope holds two definitions of one name.",
        "fun f() { } fun f() { }",
        "fun f() { } fun g() { }",
    ),
    Code(
        "E0602",
        "duplicate",
        "field declared twice",
        "A struct has two fields of one name.",
        "struct P { x: i64, x: i64 }",
        "struct P { x: i64, y: i64 }",
    ),
    Code(
        "E0603",
        "duplicate",
        "parameter declared twice",
        "A function has two parameters of one name.",
        "fun f(n: i64, n: i64) { }",
        "fun f(n: i64, m: i64) { println(n + m) }",
    ),
    Code(
        "E0604",
        "duplicate",
        "field given twice",
        "A struct literal gives one field two values.",
        "struct P { x: i64 } fun main() { println(P { x: 1, x: 2 }) }",
        "struct P { x: i64 } fun main() { println(P { x: 1 }) }",
    ),
    Code(
        "E0605",
        "duplicate",
        "variable declared twice",
        "The top level declares two variables of one name, and a function cannot tell which of them it means.",
        "let n = 1; let n = n + 1; fun f() -> i64 { n }",
        "let n = 1; let m = n + 1; fun f() -> i64 { m }",
    ),
    Code(
        "E0606",
        "duplicate",
        "variant or method declared twice",
        "An enum has two variants of one name, or of one discriminant; or a type has two methods of one name.",
        "enum Light { Red, Green, Red }",
        "enum Light { Red, Green, Blue }",
    ),
)
