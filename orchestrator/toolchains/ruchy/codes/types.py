"""Types that do not fit."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.codes.entry import Code, registry

CODES: dict[str, Code] = registry(
    Code(
        "E0201",
        "type",
        "types differ",
        "A value of one type stands where another is needed.",
        'let x: i64 = "one";',
        "let x: i64 = 1;",
    ),
)
