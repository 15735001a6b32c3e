"""What compiles, and is probably not meant."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "W0001",
        "warning",
        "unknown escape",
        "A backslash before this character means nothing, and stays in the string.",
        '"\\x41"',
        '"\\u{41}"',
    ),
    Code(
        "W0002",
        "warning",
        "unused import",
        "Nothing in the module uses this import.",
        "use shapes::area;",
        "use shapes::area; fun f() -> f64 { area(1.0) }",
    ),
    Code(
        "W0003",
        "warning",
        "assignment to a `let` without `mut`",
        "The reference implementation accepts this, and so do we; `mut` says that it is meant.",
        "let x = 1; x = 2;",
        "let mut x = 1; x = 2;",
    ),
    Code(
        "W0004",
        "warning",
        "unused variable",
        "Nothing reads this variable. A name that begins with `_` says that this is meant.",
        "fun main() { let x = 1; println(2); }",
        "fun main() { let _x = 1; println(2); }",
    ),
    Code(
        "W0005",
        "warning",
        "unreachable code",
        "What stands behind a `return`, `break`, `continue` or `panic` never runs.",
        "fun f() -> i64 { return 1; println(2); }",
        "fun f() -> i64 { println(2); return 1; }",
    ),
    Code(
        "W0006",
        "warning",
        "not exported",
        "A program exports the entry's `pub` functions whose types a host can pass: numbers, bools and unit. "
        "The others can be used by other modules all the same.",
        "pub fun greet(name: String) -> String { name }",
        "pub fun count(n: i64) -> i64 { n }",
    ),
    Code(
        "W0007",
        "warning",
        "unknown format in an f-string",
        "What stands behind the `:` of a hole is no format, and has no effect, as in the reference implementation.",
        'fun main() { let n = 54321; println(f"{n:,}"); }',
        'fun main() { let n = 54321; println(f"{n:>9}"); }',
    ),
    Code(
        "W0014",
        "warning",
        "a new value that nobody takes",
        "`sort`, `reverse`, `trim` and their like give a new array or text; what they are called on stays as it is. "
        "`sort_unstable`, and `sort_by` as a statement, change the array.",
        "fun main() { let xs = [2, 1]; xs.sort(); println(xs) }",
        "fun main() { let xs = [2, 1]; println(xs.sort()) }",
    ),
    Code(
        "W0012",
        "warning",
        "decreases",
        "`decreases` says why a loop or a recursion ends. It is read, and nothing checks it. `requires`, `ensures` and "
        "`invariant` are checked when the program runs.",
        "fun f(n: i64) -> i64 decreases n { if n <= 0 { 0 } else { f(n - 1) } }",
        "fun f(n: i64) -> i64 requires n >= 0 { if n == 0 { 0 } else { f(n - 1) } }",
    ),
)
