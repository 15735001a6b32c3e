"""A module's source cut into its top-level items without lexing it.

One possessive pattern matches an item of a plain shape up to its end or its body: attributes, `pub`, a word that begins
an item, a `;` or a `{`. Another one goes from brace to brace. (A pattern for a whole item, with some levels of braces
spelled out, is twice as fast, but takes 30 ms to compile, which is more than it saves in three megabytes.) They are
used with `match(text, at)`, so malformed input costs no more than well-formed input. Where they do not match (top-level
statements, imports without `;`, errors), the parser finds the rest of the items. Both give the same answer, which a
property test holds.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from orchestrator.toolchains.ruchy.syntax.lexer import GAP, RAW, STRING, lex
from orchestrator.toolchains.ruchy.syntax.parser import outline
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.tree import ExprStmt, Let


class RawItem(NamedTuple):
    """Offsets of an item's first character and of the one after its last."""

    start: int
    stop: int


_QUOTED = r"'(?:[^'\\\n]|\\(?:u\{[^}'\n]*+\}|.))'|'[^'\s;}),:>\\{]*+'|'(?=[A-Za-z_])"
_COMMENT = r"//[^\n]*+|\#(?!\[)[^\n]*+|/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/"
_OPAQUE = rf"{STRING}|{RAW}|[rf](?!\#*\")|{_QUOTED}|{_COMMENT}|\#\[|/(?![/*])"
_OPAQUE_HERE = rf"{STRING}|{RAW}|f{STRING}|{_QUOTED}|{_COMMENT}|/(?![/*])"
_FILL = rf"(?:[^{{}}\"'/\#rf]++|{_OPAQUE}|f(?=\"))*+"
_HEAD = rf"(?:[^{{}}\"'/\#rf;=]++|[=](?!>)|{_OPAQUE}|f(?=\"))*+"


_NAME = r"[A-Za-z_]\w*+"
_PATH = rf"{_NAME}(?:::{_NAME})*+(?:::\*|::\{{[\w\s,]*+\}}| as {_NAME})?+"
_START = rf"(?:\#\[[^\[\]\"'/]*+\]{GAP})?+(?:pub(?:\([a-z]++\))?+\s++)?+"
_NEXT = r"\b(?:const|type|use|import|from|let|var|fun|fn|pub|struct|enum|impl|mod|module|if|for|while|loop|match)\b"
_LINE = rf"(?:const|type)\s++{_NAME}(?:{STRING}|(?!{_NEXT})[^{{}}\"'/\#;\n])*+;"
_ITEM = re.compile(
    rf"{_START}(?:(?:fun|fn|enum|impl|mod)\b(?!\s*+\(){_HEAD}(\{{)"
    rf"|struct\s++{_NAME}(?:<[\w\s,:+]*+>)?+\s*+(?:(\{{)|\([^(){{}}\"'/\#=]*+\);|;)"
    rf"|use\s++{_PATH};|mod\s++{_NAME};|{_LINE})",
    re.DOTALL | re.ASCII,
)
"""An item; or, of one with a body, the beginning up to its `{`, which is the first group, for a struct the second."""
_TO_BRACE = re.compile(rf"{_FILL}([{{}}])", re.DOTALL | re.ASCII)
_BEGIN = r"fun|fn|struct|enum|impl|const|type|use|import|mod|module|pub|from|export"
_STATEMENTS = re.compile(
    rf"(?:[^A-Za-z_{{}}\"'/\#]++|{_OPAQUE_HERE}|(?!(?:{_BEGIN})\b)[A-Za-z_]\w*+)*+",
    re.DOTALL | re.ASCII,
)
"""Text between items, up to a brace or to a word that may begin an item."""
_GAP = re.compile(GAP, re.DOTALL | re.ASCII)


def split(text: str) -> list[RawItem]:
    """The top-level items of a module in the order written; between them stand statements and comments. A module that
    cannot be read has none, unless all of its items are of a plain shape."""
    items, at = _plain_items(text)
    return items if at == len(text) else items_by_parser(text)


def _plain_items(text: str) -> tuple[list[RawItem], int]:
    """Items for as long as the pattern matches, and where it stopped."""
    items: list[RawItem] = []
    at = 0
    while True:
        gap = _GAP.match(text, at)
        at = gap.end() if gap is not None else at
        end = _item(text, at)
        if end < 0:
            return items, at
        items.append(RawItem(at, end))
        at = end


def _item(text: str, at: int) -> int:
    """The end of the item at `at`; -1 if there is none of a plain shape."""
    match = _ITEM.match(text, at)
    if match is None:
        return -1
    if match.lastindex is None:
        return match.end()
    end = _closed(text, match.end())
    return end + 1 if match.lastindex == 2 and end >= 0 and text.startswith(";", end) else end


def _closed(text: str, at: int) -> int:
    """The offset after the `}` of the `{` before `at`; -1 if there is none."""
    depth = 1
    while depth:
        brace = _TO_BRACE.match(text, at)
        if brace is None:
            return -1
        depth += 1 if brace[1] == "{" else -1
        at = brace.end()
    return at


def _statements(text: str, at: int) -> int:
    """The end of the statements at `at`."""
    while True:
        run = _STATEMENTS.match(text, at)
        at = run.end() if run is not None else at
        end = _closed(text, at + 1) if text.startswith("{", at) else -1
        if end < 0:
            return at
        at = end


class Cut(NamedTuple):
    """A top-level item (`statements` False), or the statements between two items, with the comments after them."""

    start: int
    stop: int
    statements: bool


def cut(text: str) -> list[Cut] | None:
    """The top-level items of a module and the statements between them, without lexing; None if that is not plain. This
    is a guess: the caller must read each text and see that it is one item, or whole statements."""
    cuts: list[Cut] = []
    at = 0
    while True:
        gap = _GAP.match(text, at)
        at = gap.end() if gap is not None else at
        if at == len(text):
            return cuts
        end = _item(text, at)
        statements = end < 0
        if statements:
            end = _statements(text, at)
            if end == at or (cuts and cuts[-1].statements):
                return None
        cuts.append(Cut(at, end, statements))
        at = end


def items_by_parser(text: str) -> list[RawItem]:
    """The answer of `split`, from the outline that the parser makes."""
    tokens = lex(text)
    module = outline(text, tokens)
    if module is None:
        return []
    places = Places(text)
    return [
        RawItem(places.offset(node.start), places.offset(node.stop - 1) + places.length(node.stop - 1))
        for node in module.body
        if not isinstance(node, Let | ExprStmt)
    ]
