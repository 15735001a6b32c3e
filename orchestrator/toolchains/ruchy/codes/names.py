"""Names that mean nothing where they stand."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

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
)
