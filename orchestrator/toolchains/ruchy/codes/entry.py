"""What a diagnostic code means: the form of an entry of the registry."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "syntax",
    "name",
    "type",
    "arity",
    "return",
    "import",
    "duplicate",
    "unsupported",
    "project",
    "internal",
    "warning",
]


class Code(msgspec.Struct, frozen=True):
    """One code. `wrong` is a small program (or situation) that gives it, `right` the same one cured."""

    code: str
    kind: Kind
    title: str
    explanation: str
    wrong: str
    right: str


def registry(*entries: Code) -> dict[str, Code]:
    """The entries by code; two entries of one code are a bug."""
    found = {entry.code: entry for entry in entries}
    if len(found) != len(entries):
        raise ValueError("a diagnostic code is defined twice")
    return found
