"""Patterns that don't fit, and what `match` leaves out."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0270",
        "type",
        "`match` that leaves something out",
        "Each case of an enum, of a bool, and of what holds these needs an arm. The message shows one without. "
        "`_` fits all that is left. Numbers, texts and lengths of arrays may be left out: then the `match` traps.",
        "fun f(b: bool) -> i64 { match b { true => 1 } }",
        "fun f(b: bool) -> i64 { match b { true => 1, false => 0 } }",
    ),
    Code(
        "E0271",
        "type",
        "pattern of another type",
        "A pattern is of the type of the value that it is held against.",
        'fun f(n: i64) -> i64 { match n { "one" => 1, _ => 0 } }',
        "fun f(n: i64) -> i64 { match n { 1 => 10, _ => 0 } }",
    ),
    Code(
        "E0272",
        "type",
        "pattern that means nothing",
        "A range goes from a lower end to a higher one, of numbers or texts. `..` stands once, inside of brackets.",
        "fun f(n: i64) -> i64 { match n { 9..=1 => 1, _ => 0 } }",
        "fun f(n: i64) -> i64 { match n { 1..=9 => 1, _ => 0 } }",
    ),
    Code(
        "E0273",
        "type",
        "alternatives with different names",
        "Behind `p | q` nobody knows which of them fitted, so both bind the same names, of the same types.",
        "fun f(t: (i64, i64)) -> i64 { match t { (0, x) | (1, y) => x, _ => 0 } }",
        "fun f(t: (i64, i64)) -> i64 { match t { (0, x) | (x, 0) => x, _ => 0 } }",
    ),
    Code(
        "E0274",
        "type",
        "pattern that may not fit",
        "In `let` and `for`, and as a parameter, a pattern leaves out no case of an enum or a bool.",
        "fun f(t: (bool, i64)) -> i64 { let (true, n) = t; n }",
        "fun f(t: (bool, i64)) -> i64 { if let (true, n) = t { n } else { 0 } }",
    ),
    Code(
        "E0275",
        "type",
        "`else` of a `let` that goes on",
        "The names of the pattern have no values where it does not fit, so the block behind `else` leaves the function "
        "or the loop.",
        "fun f(t: (bool, i64)) -> i64 { let (true, n) = t else { println(0); }; n }",
        "fun f(t: (bool, i64)) -> i64 { let (true, n) = t else { return 0; }; n }",
    ),
    Code(
        "E0607",
        "duplicate",
        "name twice in a pattern",
        "Each name of a pattern is for one part of the value. To ask whether two parts are equal, write a guard.",
        "fun f(t: (i64, i64)) -> bool { match t { (a, a) => true, _ => false } }",
        "fun f(t: (i64, i64)) -> bool { match t { (a, b) if a == b => true, _ => false } }",
    ),
    Code(
        "W0010",
        "warning",
        "`match` that may trap",
        "A value that no arm fits stops the program. The message shows one. `_` fits all that is left.",
        'fun f(n: i64) { match n { 0 => println("none"), 1 => println("one") } }',
        'fun f(n: i64) { match n { 0 => println("none"), _ => println("some") } }',
    ),
    Code(
        "W0011",
        "warning",
        "arm that is never reached",
        "The arms before it, without guards, fit every value that it fits.",
        "fun f(n: i64) -> i64 { match n { _ => 0, 1 => 1 } }",
        "fun f(n: i64) -> i64 { match n { 1 => 1, _ => 0 } }",
    ),
)
