"""What is defined twice."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0601",
        "duplicate",
        "defined twice",
        "One scope holds two definitions of one name.",
        "fun f() { } fun f() { }",
        "fun f() { } fun g() { }",
    ),
)
