"""Files and the project around the sources."""

from __future__ import annotations

from actors.codes import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0812",
        "project",
        "reserved export",
        "Every program exports `memory` and `_start` of its own, so the entry module has no `pub` function so named.",
        "// main.ruchy\npub fun memory() -> i64 { 1 }",
        "// main.ruchy\npub fun remembered() -> i64 { 1 }",
    ),
    Code(
        "E0813",
        "project",
        "`main` with parameters",
        "Nobody passes anything to `main` when a program starts.",
        "fun main(count: i64) { println(count) }",
        "fun main() { println(3) }",
    ),
)
