"""Names that mean nothing where they stand."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0101",
        "name",
        "unknown name",
        "Nothing of this name is defined here, imported or built in.",
        "println(totl);",
        "let total = 1; println(total);",
    ),
    Code(
        "E0102",
        "name",
        "unknown function",
        "No function of this name is defined here, imported or built in.",
        "fun main() { halp() }",
        "fun help() { } fun main() { help() }",
    ),
    Code(
        "E0103",
        "name",
        "unknown type",
        "No type of this name is defined here, imported or built in.",
        "fun f(x: i46) { }",
        "fun f(x: i64) { }",
    ),
    Code(
        "E0104",
        "name",
        "unknown field",
        "The struct has no field of this name.",
        "struct P { x: i64 } fun f(p: P) -> i64 { p.z }",
        "struct P { x: i64 } fun f(p: P) -> i64 { p.x }",
    ),
    Code(
        "E0105",
        "name",
        "unknown label",
        "No loop around this `break` or `continue` has the label.",
        "'outer: loop { break 'outre; }",
        "'outer: loop { break 'outer; }",
    ),
    Code(
        "E0106",
        "name",
        "not a value",
        "The name of a type or of a module stands where a value is needed.",
        "struct P { x: i64 } fun main() { let p = P; }",
        "struct P { x: i64 } fun main() { let p = P { x: 1 }; println(p); }",
    ),
    Code(
        "E0107",
        "name",
        "unknown method",
        "Values of this type have no method of this name.",
        'println("a".to_uper());',
        'println("a".to_upper());',
    ),
    Code(
        "E0108",
        "name",
        "private in an inline module",
        "Only what is written `pub` can be used from outside of its `mod`.",
        "mod a { fun f() { } } fun main() { a::f() }",
        "mod a { pub fun f() { } } fun main() { a::f() }",
    ),
    Code(
        "E0110",
        "name",
        "`result` outside of `ensures`",
        "`result` is what a function returns. Only a condition behind `ensures` knows it, which is checked after the "
        "body. `requires` is checked before it.",
        "fun f(x: i64) -> i64 requires result > 0 { x }",
        "fun f(x: i64) -> i64 ensures result > 0 { x }",
    ),
    Code(
        "E0109",
        "name",
        "unknown variant",
        "The enum has no variant of this name.",
        "enum Light { Red, Green } fun main() { println(Light::Blue) }",
        "enum Light { Red, Green } fun main() { println(Light::Green) }",
    ),
)
