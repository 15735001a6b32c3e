"""Constructs of the language that the target does not have, or not yet: each gives one diagnostic, never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import Module

NOT_YET = "E0720"
"""Constructs of stage 2."""


def not_yet(m: Module, at: int, what: str, plural: bool = True) -> None:
    """Reports a construct that is planned: "arrays are not supported yet"."""
    m.error(NOT_YET, at, f"{what} {'are' if plural else 'is'} not supported yet")
