"""Templates with placeholders: `{}`, `{:?}`, `{:.2}` (section 9 of the language, and 11)."""

from __future__ import annotations

import re

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.display import text_parts
from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.types import STRING

_HOLE = re.compile(r"\{(?::(#?\?|\.\d+))?\}")


def is_template(text: str) -> bool:
    """Whether a string has a placeholder. `{{}}` is not an escape: it has one too."""
    return "{" in text and _HOLE.search(text) is not None


def filled(c: Fn, at: int, template: str, arguments: list[hir.Expr]) -> list[hir.Expr]:
    """The parts of a known template: placeholders take the arguments in order; missing ones leave them as they are,
    surplus ones are computed and dropped."""
    parts: list[hir.Expr] = []
    end = 0
    used = 0
    for hole in _HOLE.finditer(template):
        if used == len(arguments):
            break
        parts.append(hir.Str(STRING, at, template[end : hole.start()]))
        parts += text_parts(c, arguments[used], (hole[1] or "").replace("#", ""))
        used += 1
        end = hole.end()
    parts.append(hir.Str(STRING, at, template[end:]))
    for extra in arguments[used:]:
        if extra.__class__ not in (hir.Int, hir.Str, hir.Float, hir.Local):
            parts.append(hir.Block(STRING, extra.at, [hir.Do(extra)], hir.Str(STRING, at, "")))
    return parts
