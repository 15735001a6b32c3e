"""Calls and returns: the number of arguments, and what comes back."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0301",
        "arity",
        "wrong number of arguments",
        "A call gives a value for each parameter that has no default, and no more than there are parameters.",
        "fun f(a: i64) { } f(1, 2);",
        "fun f(a: i64) { } f(1);",
    ),
    Code(
        "E0308",
        "arity",
        "placeholder without an argument",
        "Each placeholder in the template of a macro shows an argument. A brace that is meant is written `{{` or `}}`.",
        'fun main() { println!("{} {}", 7); }',
        'fun main() { println!("{} {}", 7, 8); }',
    ),
    Code(
        "E0309",
        "arity",
        "argument without a placeholder",
        "Each argument of a macro is shown by a placeholder in its template.",
        'fun main() { println!("seven", 7); }',
        'fun main() { println!("seven {}", 7); }',
    ),
    Code(
        "E0310",
        "arity",
        "argument that is named wrongly",
        "An argument may name its parameter. Each is given once, and those without a name come first.",
        "fun area(w: i64, h: i64) -> i64 { w * h } fun main() { println(area(w = 2, height = 3)) }",
        "fun area(w: i64, h: i64) -> i64 { w * h } fun main() { println(area(w = 2, h = 3)) }",
    ),
    Code(
        "E0302",
        "arity",
        "payload of another size",
        "A variant, or a tuple struct, is made of as many values as it declares.",
        "enum Shape { Circle(f64) } fun main() { println(Shape::Circle(1.0, 2.0)) }",
        "enum Shape { Circle(f64) } fun main() { println(Shape::Circle(1.0)) }",
    ),
    Code(
        "E0401",
        "return",
        "wrong return value",
        "What a function returns has the type that its `->` says.",
        'fun f() -> i64 { "one" }',
        "fun f() -> i64 { 1 }",
    ),
    Code(
        "E0402",
        "return",
        "missing return value",
        "A function with `->` ends with a value of that type, or with `return`.",
        "fun f() -> i64 { println(1); }",
        "fun f() -> i64 { println(1); 1 }",
    ),
)
