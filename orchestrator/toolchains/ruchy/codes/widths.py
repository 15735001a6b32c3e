"""Numbers whose width nobody wrote, ranges, and variables of the top level."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

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
)
