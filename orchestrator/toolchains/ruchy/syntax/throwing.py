"""Whether a module throws. Of one that does, functions may end because something was thrown, and callers look."""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.toolchains.ruchy.syntax.lexer import scan, tokens_of

THROWS = "<throws>"
"""The item that such a module has beside its own, and all its items name it. Their users depend on it that way,
and see it in the interfaces."""

_WORDS = re.compile(r"\b(?:throw|try)\b")


@lru_cache(64)
def throws(source: str) -> bool:
    """Whether a text has the word `throw` or `try`, outside of comments and strings."""
    if _WORDS.search(source) is None:
        return False
    kinds = tokens_of(scan(source)).kinds
    return "throw" in kinds or "try" in kinds
