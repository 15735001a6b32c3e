"""What compiles, and is probably not meant."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

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
)
