"""Where tokens stand. Places are computed from the source when a message needs them, and never kept in a tree."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate, chain

from actors.diagnostics import Diagnostic, Finding, SourcePlace, bounded, on_line, placed
from orchestrator.toolchains.ruchy.syntax.lexer import Pairs, scan


class Places:
    """Places by token ordinal, for one source."""

    __slots__ = ("_edges", "_lines", "_parts", "_source", "_texts")

    def __init__(self, source: str, pairs: Pairs | None = None) -> None:
        """`pairs`: the result of `scan(source)`, if it is at hand."""
        if pairs is None:
            pairs = scan(source)
        self._source = source
        self._parts: dict[tuple[int, int], str] = {}
        self._texts: dict[int, str] = {}  # each line that has been asked for, once
        self._edges = list(accumulate(map(len, chain.from_iterable(pairs))))  # start and stop of each token in turn
        self._lines = [0, *accumulate([len(line) + 1 for line in source.split("\n")])]  # start of each line
        self._lines.pop()

    def offset(self, ordinal: int) -> int:
        """Index in the source of the token's first character; that of the end for an ordinal past the last token."""
        edges = self._edges
        if 2 * ordinal < len(edges):
            return edges[2 * ordinal]
        return edges[-1] if edges else 0

    def length(self, ordinal: int) -> int:
        """Characters of a token; 0 past the last one."""
        edges = self._edges[2 * ordinal : 2 * ordinal + 2]
        return edges[1] - edges[0] if edges else 0

    def line(self, ordinal: int) -> int:
        return bisect_right(self._lines, self.offset(ordinal))

    def offsets(self) -> list[int]:
        """Index in the source of each token's first character."""
        return self._edges[::2]

    def newlines(self) -> list[int]:
        """For each newline, the ordinal of the first token after it."""
        starts = self.offsets()
        ends: list[int] = []
        at = 0
        for line in self._lines[1:]:
            at = bisect_left(starts, line, at)
            ends.append(at)
        return ends

    def place(self, ordinal: int) -> SourcePlace:
        """Place of a token; the end of the last token if `ordinal` is that of `end` or more."""
        return self.at(self.offset(ordinal), self.length(ordinal))

    def at(self, offset: int, length: int) -> SourcePlace:
        """Place of `length` characters from an index of the source."""
        line = bisect_right(self._lines, offset)
        start = self._lines[line - 1]
        text = self._texts.get(line)
        if text is None:
            end = self._source.find("\n", start)
            text = self._texts[line] = self._source[start : len(self._source) if end < 0 else end]
        place = on_line(text, line, offset - start, length)
        part = self._parts.setdefault((line, place.cut), place.text)
        return place if part is place.text else SourcePlace(line, place.column, place.length, part, place.cut)

    def of(self, finding: Finding) -> SourcePlace:
        """The place of a finding at a token."""
        return self.at(self.offset(finding.at) + finding.offset, finding.length or self.length(finding.at))

    def tell(self, findings: Iterable[Finding], *, module: str, file: str) -> list[Diagnostic]:
        """Findings as diagnostics of a file, by place, each once, and no more than a module may have."""
        once = {(one.at, one.offset, one.code, one.message): one for one in findings}
        told = bounded(once[key] for key in sorted(once, key=lambda key: key[:2]))
        return [placed(one, self.of(one), module=module, file=file) for one in told]
