"""Constructs of the language that this target does not have."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0701",
        "unsupported",
        "actors",
        "Actors, `spawn`, `send`, `receive`, `ask` and the operators `<-`, `<?` need a "
        "scheduler that the target lacks.",
        "actor Counter { }",
        "struct Counter { count: i64 }",
    ),
    Code(
        "E0702",
        "unsupported",
        "asynchronous code",
        "There is nothing to wait for: `async` and `await` are not part of the target.",
        "async fun f() { }",
        "fun f() { }",
    ),
    Code(
        "E0703",
        "unsupported",
        "effects",
        "Effects and their handlers are not part of the target.",
        "effect Log { }",
        "fun log(text: String) { println(text) }",
    ),
    Code(
        "E0704",
        "unsupported",
        "data frames",
        "`df!` and data frame literals are not part of the target.",
        'df!["a" => [1]]',
        '[("a", [1])]',
    ),
    Code(
        "E0705",
        "unsupported",
        "inheritance",
        "A class is a struct with its methods in its body. Classes that take over others, abstract and final ones, and "
        "mixins are not part of the target.",
        "class Point : Shape { x: i64 }",
        "class Point { x: i64  new(x: i64) -> Point { Point { x } } }",
    ),
    Code(
        "E0706",
        "unsupported",
        "parts of traits",
        "Interfaces and extensions are not part of the target. Write a trait and an `impl` of it.",
        "interface Area { fun area(&self) -> i64 }",
        "trait Area { fun area(&self) -> i64; }",
    ),
    Code(
        "E0707",
        "unsupported",
        "unsafe code and statics",
        "`unsafe`, `static` and `extern` are not part of the target.",
        "static COUNT: i64 = 0;",
        "const COUNT: i64 = 0;",
    ),
    Code(
        "E0708",
        "unsupported",
        "macros",
        "Only println!, print!, eprintln!, eprint!, format!, vec!, assert!, assert_eq!, "
        "assert_ne!, panic!, todo!, unreachable! and matches! exist.",
        "sql!(SELECT 1)",
        'println!("{}", 1)',
    ),
    Code(
        "E0709",
        "unsupported",
        "spread",
        "The spread `...` is not part of the target. Arrays are joined with `+`, and the fields of an object are "
        "written out.",
        "let xs = [1]; let ys = [...xs, 2];",
        "let xs = [1]; let ys = xs + [2];",
    ),
    Code(
        "E0710",
        "unsupported",
        "atoms and other literals",
        "Atoms `:name` are not part of the target.",
        "let s = :done;",
        'let s = "done";',
    ),
    Code(
        "E0711",
        "unsupported",
        "generators and invariants of types",
        "`yield`, `lazy`, `infra`, `signal`, and an `invariant` of a type are not part of the target. Contracts are: "
        "`requires` and `ensures` stand before the body of a function, `invariant` before that of a loop.",
        "yield 1;",
        "return 1;",
    ),
    Code(
        "E0712",
        "unsupported",
        "null",
        "There is no null: every variable holds a value of its type.",
        "let x = null;",
        "let x = 0;\nlet known = false;",
    ),
    Code(
        "E0714",
        "unsupported",
        "step operators",
        "`++` and `--` are not part of the target.",
        "i++;",
        "i += 1;",
    ),
    Code(
        "E0715",
        "unsupported",
        "generics",
        "This form of generics is not part of the target.",
        "fun f() { let x: impl Show = 1; println(x) }",
        "fun f() { let x: i64 = 1; println(x) }",
    ),
    Code(
        "E0716",
        "unsupported",
        "128-bit integers",
        "Integers have 64 bits at most: WebAssembly has no wider ones. A `u64` holds up to 18446744073709551615.",
        "fun f(n: i128) { println(n) }",
        "fun f(n: i64) { println(n) }",
    ),
    Code(
        "E0720",
        "unsupported",
        "not supported yet",
        "This construct of the language is planned, and not compiled yet.",
        "fun g(f: fn(i64) -> i64 = |x| x + 1) -> i64 { f(2) }",
        "fun g(f: fn(i64) -> i64) -> i64 { f(2) } fun main() { println(g(|x| x + 1)); }",
    ),
)
