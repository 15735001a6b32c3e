"""Where a token stands: computed from the source when a message needs it, never kept in a tree."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

import msgspec

from orchestrator.toolchains.ruchy.syntax.lexer import Pairs, scan


class Place(msgspec.Struct, frozen=True):
    """`line` and `column` count from 1, columns in characters; `text` is the whole line without its newline. `length`
    stays on the line."""

    line: int
    column: int
    length: int
    text: str


class Places:
    """Places by token ordinal, for one source."""

    __slots__ = ("_lines", "_source", "_stops", "_texts")

    def __init__(self, source: str, pairs: Pairs | None = None) -> None:
        """`pairs`: what `scan` gave for `source`, where it is at hand."""
        if pairs is None:
            pairs = scan(source)
        self._source = source
        self._texts = [text for _, text in pairs]
        self._stops = list(accumulate([len(gap) + len(text) for gap, text in pairs]))
        self._lines = [0, *accumulate([len(line) + 1 for line in source.split("\n")])]
        self._lines.pop()

    def offset(self, ordinal: int) -> int:
        """Index in the source of the token's first character; that of the end for an ordinal past the last token."""
        if ordinal < len(self._stops):
            return self._stops[ordinal] - len(self._texts[ordinal])
        return self._stops[-1] if self._stops else 0

    def line(self, ordinal: int) -> int:
        return bisect_right(self._lines, self.offset(ordinal))

    def place(self, ordinal: int) -> Place:
        """Place of a token; of the end of the last token where `ordinal` is that of `end` or beyond."""
        length = len(self._texts[ordinal]) if ordinal < len(self._texts) else 1
        return self.at(self.offset(ordinal), length)

    def at(self, offset: int, length: int) -> Place:
        """Place of `length` characters from an index of the source."""
        line = bisect_right(self._lines, offset)
        start = self._lines[line - 1]
        end = self._source.find("\n", start)
        text = self._source[start : len(self._source) if end < 0 else end]
        column = offset - start + 1
        return Place(line, column, max(1, min(length, len(text) - column + 1)), text)


def places(source: str) -> Places:
    """Places of all tokens of `source`: one pass over the text."""
    return Places(source)
