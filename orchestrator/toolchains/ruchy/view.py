"""A module's text without some of its items, and where the tokens of the rest stand in the whole.

The functions that are not looked at are cut out, so that nobody pays for them; in their place stands a `;`, which ends
what is before it and means nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from actors.diagnostics import SourcePlace
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import Pairs, scan, tokens_of
from orchestrator.toolchains.ruchy.syntax.places import Places
from orchestrator.toolchains.ruchy.syntax.top import TOP, statement_runs

Span = tuple[int, int]


class View:
    """`text` is what is left of a source, `tokens` are its tokens. Ordinals count those."""

    def __init__(self, source: str, cut: Iterable[Span] = ()) -> None:
        """`cut`: spans of characters, in order, none within another."""
        self.source = source
        self._joints: list[int] = []  # where in `text` each `;` stands
        self._moved: list[int] = []  # how far what follows it is from its place in the source
        self.text = self._without(cut)
        pairs = scan(self.text)
        self.tokens = tokens_of(pairs)
        self._places = Places(self.text, pairs)
        self._whole: Places | None = None
        self._line = (0, 1)

    def _without(self, cut: Iterable[Span]) -> str:
        source, size, at = self.source, 0, 0
        kept: list[str] = []
        for start, stop in cut:
            between = source[at:start]
            if not kept or between.strip():
                kept.append(between + ";")
                size += start - at + 1
                self._joints.append(size - 1)
                self._moved.append(stop - size)
            else:
                self._moved[-1] = stop - size
            at = stop
        if not kept:
            return source
        kept.append(source[at:])
        return "".join(kept)

    def offset(self, ordinal: int) -> int:
        """Where a token stands in the source."""
        return self.original(self._places.offset(ordinal))

    def original(self, offset: int) -> int:
        """Where a character of the text stands in the source."""
        joint = bisect_right(self._joints, offset) - 1
        return offset if joint < 0 else offset + self._moved[joint]

    def length(self, ordinal: int) -> int:
        return self._places.length(ordinal)

    def line(self, offset: int) -> int:
        """The line of a character of the source. Quick where it is near the last one that was asked for."""
        at, line = self._line
        if offset < at:
            line -= self.source.count("\n", offset, at)
        else:
            line += self.source.count("\n", at, offset)
        self._line = (offset, line)
        return line

    def place(self, offset: int, length: int) -> SourcePlace:
        """The place of characters of the source."""
        if self._whole is None:
            self._whole = Places(self.source, [])
        return self._whole.at(offset, length)

    def is_joint(self, ordinal: int) -> bool:
        """Whether a token is the `;` that stands where something was cut out."""
        offset = self._places.offset(ordinal)
        at = bisect_right(self._joints, offset) - 1
        return at >= 0 and self._joints[at] == offset


class Ordinals:
    """The unit that a token belongs to, and its index within that unit: the functions of a tree, and the statements.
    `methods` are the units of methods, by their first tokens."""

    def __init__(self, view: View, body: Sequence[tree.Stmt], methods: Mapping[int, str]) -> None:
        self._methods = methods
        self.runs = _runs(view, body)
        self._before = [0, *accumulate([stop - start for start, stop in self.runs])]
        self.starts: dict[str, int] = {}
        self._spans: list[tuple[int, int, str]] = []
        self._enter(body, "")

    def _enter(self, body: Sequence[tree.Stmt], scope: str) -> None:
        for node in body:
            if isinstance(node, tree.Function):
                name = scope + node.name
                self.starts[name] = node.start
                self._spans.append((node.start, node.stop, name))
            elif isinstance(node, tree.Impl | tree.Struct):
                for method in node.methods:
                    name = self._methods.get(method.start, "")
                    self.starts[name] = method.start
                    self._spans.append((method.start, method.stop, name))
            elif isinstance(node, tree.Mod) and node.items:
                self._enter(node.items, f"{scope}{node.name}::")

    def find(self, at: int) -> tuple[str, int]:
        """The unit ("" for what is in none) and the token's number in it."""
        index = bisect_right(self._spans, (at, 1 << 60, "")) - 1
        if index >= 0 and at < self._spans[index][1]:
            start, _, name = self._spans[index]
            return name, at - start
        index = bisect_right(self.runs, (at, 1 << 60)) - 1
        if index >= 0 and at < self.runs[index][1]:
            return TOP, self._before[index] + at - self.runs[index][0]
        return "", at

    def absolute(self, unit: str, number: int) -> int:
        """The other way round."""
        if unit != TOP:
            return self.starts[unit] + number
        index = bisect_right(self._before, number) - 1
        return self.runs[index][0] + number - self._before[index]


def _runs(view: View, body: Sequence[tree.Stmt]) -> list[Span]:
    """The statements of the top level, as in the whole source: those around a joint stand in two runs."""
    kinds = view.tokens.kinds
    runs: list[Span] = []
    for start, stop in statement_runs(body, view.tokens):
        at = start
        for joint in [one for one in range(start, stop) if kinds[one] == ";" and view.is_joint(one)]:
            if joint > at:
                runs.append((at, joint))
            at = joint + 1
            while at < stop and kinds[at] == ";":
                at += 1
        if at < stop:
            runs.append((at, stop))
    return runs


def edges_of(text: str) -> list[int]:
    """Where each token of a text starts and stops, in turn."""
    pairs: Pairs = scan(text)
    return list(accumulate([len(part) for pair in pairs for part in pair]))
