"""Contracts (`requires` and `ensures` of functions, `invariant` of loops, `decreases`), and conditions in general."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.syntax.lexer import words
from orchestrator.toolchains.ruchy.syntax.parser.cursor import Cursor
from orchestrator.toolchains.ruchy.syntax.parser.expressions import parse_expression
from orchestrator.toolchains.ruchy.syntax.tree import Contract, Expr

_WORDS = words("requires ensures invariant decreases")
_TIGHT = words(". ?. :: ( [ ! ~ fopen")
"""Kinds with no space behind them."""
_CLOSE = words(", ) ] . ?. :: ? : ; fclose fmid")
"""Kinds with no space before them."""
_VALUES = words("name int float string ) ] self")
"""Kinds that may end a value: behind them, `-` and `&` have two operands, and `(` and `[` go on with the value."""


def parse_condition(c: Cursor) -> Expr:
    """An expression before a block: at its top, `{` opens the block, not a struct literal."""
    saved, c.no_struct = c.no_struct, True
    node = parse_expression(c)
    c.no_struct = saved
    return node


def parse_contracts(c: Cursor, *kinds: str) -> list[Contract]:
    """The contracts before a body. `kinds` are those that can stand here, `decreases` always can."""
    contracts: list[Contract] = []
    while (kind := c.kinds[c.at]) in _WORDS:
        at = c.at
        if kind not in kinds and kind != "decreases":
            _report_misplaced(c, kind)
        c.at += 1
        condition = parse_condition(c)
        contracts.append(Contract(at, kind, condition, _text(c, at + 1, c.at)))
    return contracts


def _report_misplaced(c: Cursor, kind: str) -> None:
    if kind == "invariant":
        c.report("E0711", "an `invariant` belongs to a loop", hint="write `requires` or `ensures` for a function")
    else:
        c.report("E0711", f"`{kind}` belongs to a function", hint="write `invariant` for a loop")


def refuse_type_invariant(c: Cursor) -> bool:
    """Reports an `invariant` in or behind a struct, and steps over it. Returns whether there was one."""
    if c.kinds[c.at] != "invariant" or c.kinds[c.at + 1] in (":", ",", "}"):
        return False
    hint = "check it with `requires` and `ensures` in the functions that make or change the value"
    c.report("E0711", "invariants of types are not supported", hint=hint)
    c.at += 1
    parse_condition(c)
    c.at += c.kinds[c.at] in (",", ";")
    return True


def _text(c: Cursor, start: int, stop: int) -> str:
    """The tokens of a condition as people write them."""
    kinds, texts = c.kinds, c.texts
    words: list[str] = []
    tight = True
    for at in range(start, stop):
        kind = kinds[at]
        before = kinds[at - 1] if at > start else ""
        joined = tight or kind in _CLOSE or (kind in ("(", "[") and before in _VALUES)
        words.append(texts[at] if joined else f" {texts[at]}")
        tight = kind in _TIGHT or (kind in ("-", "&", "*") and before not in _VALUES)
    return "".join(words)
