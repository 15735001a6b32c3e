"""Numbers whose width nobody wrote, ranges, and variables of the top level."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0240",
        "type",
        "float where an integer is needed",
        "A variable that starts from an integer is a float if floats are assigned to it. Then its value cannot go "
        "where an integer is needed.",
        "let mut t = 0; let n = t; println(n & 1); t = t + 1.5;",
        "let mut t = 0.0; let n = t as i64; println(n & 1); t = t + 1.5;",
    ),
    Code(
        "E0241",
        "type",
        "type of a variable not known",
        "The type of a variable of the top level that functions name follows from its first value. Where that comes "
        "from a function that names the variable, or from a block with functions in it, the type must be written.",
        "let n = f(); fun f() { n }",
        "let n: i64 = f(); fun f() -> i64 { 1 + g() } fun g() -> i64 { n }",
    ),
    Code(
        "E0242",
        "type",
        "variable of the function around",
        "A function inside of another one sees the variables of that where a lambda in its place would: it stands "
        "before its calls, does not call itself, and has no type parameters, defaults, conditions or `&mut`.",
        "fun f() { let n = 1; fun g(i: i64) -> i64 { if i < n { i } else { g(i - 1) } } println(g(3)) }",
        "fun f() { let n = 1; fun g(i: i64, n: i64) -> i64 { if i < n { i } else { g(i - 1, n) } } println(g(3, n)) }",
    ),
    Code(
        "E0244",
        "type",
        "range that is no value here",
        "A range as a value has both ends, of type i64. It can be looped over (also with `.rev()` and `.step_by(n)`), "
        "printed, compared, asked for its `len`, `sum`, `is_empty` and `contains`, and made an array by `.collect()`.",
        "let r = 1..4; println(r.split(2));",
        "let r = 1..4; println(r.sum(), r.contains(2));",
    ),
)
