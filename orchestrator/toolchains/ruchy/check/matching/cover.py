"""Which values no pattern covers, and which patterns add nothing to those before them.

One search answers both (Maranget, "Warnings for pattern matching"): is there a value that the last row of a table
matches, and none of the rows before it? It knows nothing of the language: `patterns.py` says what a pattern is in the
terms of this file, `spaces.py` what values a type has. A search gives up behind so many steps: then nobody can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Union

# ---------------------------------------------------------------- patterns


class Wild(NamedTuple):
    """Every value."""


class Case(NamedTuple):
    """One case of a `Cases`, with patterns for its parts."""

    name: str
    parts: tuple[Any, ...] = ()


class Span(NamedTuple):
    """Integers from `low` to `high`, both included."""

    low: int
    high: int


class Literal(NamedTuple):
    """One value, or some, of a type that no list of these covers: a text, a float."""

    value: Any


class Listed(NamedTuple):
    """An array: its first elements and its last ones; others may stand between where there is a `rest`."""

    before: tuple[Any, ...]
    rest: bool = False
    after: tuple[Any, ...] = ()


class Either(NamedTuple):
    alternatives: tuple[Any, ...]


Pattern = Union[Wild, Case, Span, Literal, Listed, Either]
WILD = Wild()

# ---------------------------------------------------------------- what values there are


class Unlisted(NamedTuple):
    """More values than can be listed, or nobody knows which."""


class Integers(NamedTuple):
    """Integers from `low` to `high`."""

    low: int
    high: int


class Cases(NamedTuple):
    """A value is one of several cases, each with parts; a struct and a tuple have one case. `parts` is asked only for
    what is looked at, so that a type may contain itself. `written` makes the text of a case from those of its parts."""

    names: tuple[str, ...]
    parts: Callable[[str], tuple[Any, ...]]
    written: Callable[[str, Sequence[str]], str]


class Lists(NamedTuple):
    """Arrays of any length."""

    element: Any


Space = Union[Unlisted, Integers, Cases, Lists]
UNLISTED = Unlisted()
BOOLS = Cases(("true", "false"), lambda name: (), lambda name, parts: name)

# ---------------------------------------------------------------- the questions

UNKNOWN = ""
"""The search took too long, so nobody can tell."""
STEPS = 10_000
DEPTH = 150
"""How many columns a search may go in, one for each part of a pattern: it calls itself for each."""


def missing(rows: Sequence[Pattern], space: Space) -> str | None:
    """A value of `space` that no row matches, as a pattern; None where there is none, UNKNOWN where nobody can tell."""
    try:
        example = _TableSearch().find([(row,) for row in rows], (WILD,), (space,), 0)
    except _TooMuchError:
        return UNKNOWN
    return None if example is None else example[0]


def is_useless(rows: Sequence[Pattern], pattern: Pattern, space: Space) -> bool:
    """Whether the rows surely match every value that the pattern matches."""
    try:
        return _TableSearch().find([(row,) for row in rows], (pattern,), (space,), 0) is None
    except _TooMuchError:
        return False


class Rows:
    """The rows of a table one after the other, each held against those before it. One value beside others is looked up,
    so that long tables of these take no time with the square of their length."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.rows: list[Pattern] = []
        self.single: set[Pattern] | None = set()

    def is_useless(self, pattern: Pattern) -> bool:
        if self.single is not None and self._is_single(pattern):
            return pattern in self.single
        return is_useless(self.rows, pattern, self.space)

    def add(self, pattern: Pattern) -> None:
        self.rows.append(pattern)
        if self.single is not None and self._is_single(pattern):
            self.single.add(pattern)
        else:
            self.single = None

    def _is_single(self, pattern: Pattern) -> bool:
        if isinstance(pattern, Span):
            space = self.space
            return (
                pattern.low == pattern.high and isinstance(space, Integers) and space.low <= pattern.low <= space.high
            )
        return isinstance(pattern, Literal) or (isinstance(pattern, Case) and not pattern.parts)


def relaxed(pattern: Pattern) -> Pattern:
    """The pattern as it would be if every integer, text and array that stands for some did so for all."""
    if isinstance(pattern, Case):
        return Case(pattern.name, tuple([relaxed(part) for part in pattern.parts]))
    if isinstance(pattern, Either):
        return Either(tuple([relaxed(alternative) for alternative in pattern.alternatives]))
    return WILD


# ---------------------------------------------------------------- the search

_Row = tuple[Pattern, ...]


class _TooMuchError(Exception):
    pass


class _Piece(NamedTuple):
    """Some values of a space that no pattern at hand tells apart but by their parts, of which there are `parts`.
    `key` says which values: the name of a case, a span, a length, a literal, or None for what no pattern names."""

    key: Any
    parts: tuple[Space, ...]
    text: Callable[[Sequence[str]], str]


class _TableSearch:
    def __init__(self) -> None:
        self.left = STEPS

    def find(self, rows: list[_Row], query: _Row, spaces: tuple[Space, ...], depth: int) -> list[str] | None:
        """A value for each column, which the query matches and no row does; None where there is none."""
        self.left -= 1 + len(rows) // 16
        if self.left < 0 or depth > DEPTH:
            raise _TooMuchError
        if not spaces:
            return None if rows else []
        first = query[0]
        if isinstance(first, Either):
            for alternative in first.alternatives:
                example = self.find(rows, (alternative, *query[1:]), spaces, depth + 1)
                if example is not None:
                    return example
            return None
        rows = [(one, *row[1:]) for row in rows for one in _flat(row[0])]
        named: dict[str, list[_Row]] = {}
        others: list[_Row] = []
        for row in rows:
            (named.setdefault(row[0].name, []) if isinstance(row[0], Case) else others).append(row)
        for piece in _pieces(spaces[0], [row[0] for row in rows], first):
            near = [*named.get(piece.key, ()), *others] if named else others
            example = self._within(piece, near, query, spaces, depth)
            if example is not None:
                return example
        return None

    def _within(
        self, piece: _Piece, rows: list[_Row], query: _Row, spaces: tuple[Space, ...], depth: int
    ) -> list[str] | None:
        self.left -= len(rows) // 64
        count = len(piece.parts)
        asked = _inside(query[0], piece)
        if asked is None:
            return None
        left = [(*parts, *row[1:]) for row in rows if (parts := _inside(row[0], piece)) is not None]
        example = self.find(left, (*asked, *query[1:]), (*piece.parts, *spaces[1:]), depth + 1)
        return None if example is None else [piece.text(example[:count]), *example[count:]]


def _flat(pattern: Pattern) -> Iterator[Pattern]:
    if isinstance(pattern, Either):
        for alternative in pattern.alternatives:
            yield from _flat(alternative)
    else:
        yield pattern


def _inside(pattern: Pattern, piece: _Piece) -> tuple[Pattern, ...] | None:
    """The patterns for the parts of a piece; None where the pattern matches nothing of it."""
    count = len(piece.parts)
    if isinstance(pattern, Wild):
        return (WILD,) * count
    if isinstance(pattern, Case):
        return pattern.parts if piece.key == pattern.name else None
    if isinstance(pattern, Span):
        inside = isinstance(piece.key, Span) and pattern.low <= piece.key.low and piece.key.high <= pattern.high
        return () if inside else None
    if isinstance(pattern, Listed):
        between = count - len(pattern.before) - len(pattern.after)
        if piece.key is None or between < 0 or (between and not pattern.rest):
            return None
        return (*pattern.before, *(WILD,) * between, *pattern.after)
    return () if piece.key == pattern else None


def _pieces(space: Space, column: list[Pattern], first: Pattern) -> Iterator[_Piece]:
    """Those pieces of a space in which there may be a value that the query matches and no row does."""
    named = [one for one in (*column, first) if not isinstance(one, Wild)]
    rest = _Piece(None, (), lambda texts: "_")
    if not named:
        yield rest
    elif isinstance(space, Cases):
        yield from _cases(space, column, first, rest)
    elif isinstance(space, Integers):
        yield from _spans(space, [one for one in column if isinstance(one, Span)], first)
    elif isinstance(space, Lists):
        yield from _lengths(space, [one for one in named if isinstance(one, Listed)])
    elif isinstance(first, Wild):
        yield rest
    else:
        yield _Piece(first, (), lambda texts: "_")
    if isinstance(space, Integers) and isinstance(first, Literal):
        yield _Piece(first, (), lambda texts: "_")


def _cases(space: Cases, column: list[Pattern], first: Pattern, rest: _Piece) -> Iterator[_Piece]:
    """A case that no row names is matched by the rows of `_` alone, so it stands for all the others."""
    if isinstance(first, Case):
        names = [first.name]
    else:
        seen = {one.name for one in column if isinstance(one, Case)}
        names = [name for name in space.names if name not in seen][:1] or list(space.names)
    for name in names:
        yield _Piece(name, space.parts(name), lambda texts, name=name: space.written(name, texts))  # type: ignore[misc]


def _spans(space: Integers, rows: list[Span], first: Pattern) -> Iterator[_Piece]:
    """The integers between the ends of all spans. Those that no row names stand for all the others."""
    low, high = space
    if isinstance(first, Span):
        low, high = max(low, first.low), min(high, first.high)
        if low > high:
            return
    gap = _gap(low, high, rows)
    if gap is not None:
        pieces = [gap]
    else:
        cuts = {low, high + 1}
        for row in rows:
            cuts.update(cut for cut in (row.low, row.high + 1) if low < cut <= high)
        pieces = [Span(start, stop - 1) for start, stop in pairwise(sorted(cuts))]
    for piece in pieces:
        text = str(min(max(0, piece.low), piece.high))
        yield _Piece(piece, (), lambda texts, text=text: text)  # type: ignore[misc]


def _gap(low: int, high: int, rows: list[Span]) -> Span | None:
    """The first integers that no row names, up to where one does."""
    for row in sorted(rows):
        if row.low > low:
            return Span(low, min(high, row.low - 1))
        low = max(low, row.high + 1)
        if low > high:
            return None
    return Span(low, high)


def _lengths(space: Lists, named: list[Listed]) -> Iterator[_Piece]:
    """Each length that patterns tell apart; one more stands for all above."""
    longest = max((len(one.before) + len(one.after) for one in named), default=0)
    for length in range(longest + 2):
        more = length > longest
        yield _Piece(
            length,
            (space.element,) * length,
            lambda texts, more=more: f"[{', '.join([*texts, '..'] if more else texts)}]",  # type: ignore[misc]
        )
