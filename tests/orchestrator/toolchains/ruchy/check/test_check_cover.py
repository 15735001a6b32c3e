"""What patterns leave out, and which add nothing: the search against trying every value of small types."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.toolchains.ruchy.check.matching.cover import (
    BOOLS,
    UNKNOWN,
    UNLISTED,
    WILD,
    Case,
    Cases,
    Either,
    Integers,
    Listed,
    Lists,
    Literal,
    Rows,
    Span,
    Wild,
    is_useless,
    missing,
    relaxed,
)

LONGEST = 4
"""No pattern of these tests tells longer arrays apart."""


def record(*parts: Any) -> Cases:
    return Cases(("",), lambda name: parts, lambda name, texts: f"({', '.join(texts)})")


def enum(**variants: tuple[Any, ...]) -> Cases:
    def written(name: str, texts: Any) -> str:
        return f"{name}({', '.join(texts)})" if texts else name

    return Cases(tuple(variants), lambda name: variants[name], written)


DIGITS = Integers(0, 3)
SHAPE = enum(Dot=(), Line=(DIGITS,), Box=(BOOLS, BOOLS))
OPTION = enum(Some=(SHAPE,), None_=())
SPACES = (BOOLS, DIGITS, SHAPE, OPTION, record(BOOLS, DIGITS), record(SHAPE, BOOLS), UNLISTED, Lists(BOOLS),
          record(Lists(BOOLS), BOOLS))  # fmt: skip


def values(space: Any) -> list[Any]:
    """All values, or so many that patterns tell no others apart."""
    if isinstance(space, Integers):
        return list(range(space.low, space.high + 1))
    if isinstance(space, Cases):
        return [(name, *parts) for name in space.names for parts in product(*map(values, space.parts(name)))]
    if isinstance(space, Lists):
        return [list(parts) for size in range(LONGEST + 1) for parts in product(values(space.element), repeat=size)]
    return ["a", "b", "another"]


def matches(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, Wild):
        return True
    if isinstance(pattern, Either):
        return any(matches(one, value) for one in pattern.alternatives)
    if isinstance(pattern, Case):
        return value[0] == pattern.name and all(map(matches, pattern.parts, value[1:]))
    if isinstance(pattern, Span):
        return bool(pattern.low <= value <= pattern.high)
    if isinstance(pattern, Literal):
        return bool(value == pattern.value)
    many = len(pattern.before) + len(pattern.after)
    if len(value) < many or (len(value) > many and not pattern.rest):
        return False
    end = value[len(value) - len(pattern.after) :]
    return all(map(matches, pattern.before, value)) and all(map(matches, pattern.after, end))


def patterns(space: Any, depth: int = 2) -> st.SearchStrategy[Any]:
    found: list[st.SearchStrategy[Any]] = [st.just(WILD)]
    if isinstance(space, Integers):
        ends = st.integers(space.low - 1, space.high + 1)
        found.append(st.tuples(ends, ends).map(lambda pair: Span(min(pair), max(pair))))
    elif isinstance(space, Cases):
        for name in space.names:
            parts = st.tuples(*[patterns(part, 0 if depth < 2 else 1) for part in space.parts(name)])
            found.append(parts.map(lambda made, name=name: Case(name, made)))
    elif isinstance(space, Lists):
        inner = st.lists(patterns(space.element, 0), max_size=2).map(tuple)
        found.append(st.tuples(inner, st.booleans(), inner).map(lambda made: Listed(made[0] + made[2]) if not made[1]
                     else Listed(made[0], True, made[2][:1])))  # fmt: skip
    else:
        found.append(st.sampled_from(["a", "b"]).map(Literal))
    one = st.one_of(*found)
    return (
        one
        if depth == 0
        else st.one_of(one, st.lists(one, min_size=1, max_size=3).map(lambda all_: Either(tuple(all_))))
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[Any, list[Any], Any]:
    space = draw(st.sampled_from(SPACES))
    one = patterns(space)
    return space, draw(st.lists(one, max_size=6)), draw(one)


@given(tables())
def test_finds_what_trying_every_value_finds(table: tuple[Any, list[Any], Any]) -> None:
    space, rows, another = table
    left = [value for value in values(space) if not any(matches(row, value) for row in rows)]
    assert (missing(rows, space) is not None) == bool(left)
    table_ = Rows(space)
    for row in rows:
        table_.add(row)
    assert is_useless(rows, another, space) == table_.is_useless(another)
    assert is_useless(rows, another, space) == (not any(matches(another, value) for value in left))


def listed(*parts: Any, rest: bool = False) -> Listed:
    return Listed(parts, rest)


@pytest.mark.parametrize(
    ("space", "rows", "example"),
    [
        (BOOLS, [], "_"),
        (BOOLS, [Case("true")], "false"),
        (SHAPE, [Case("Dot"), Case("Box", (WILD, WILD))], "Line(_)"),
        (OPTION, [Case("None_"), Case("Some", (Case("Dot"),))], "Some(Line(_))"),
        (record(OPTION, DIGITS), [Case("", (Case("None_"), Span(1, 3)))], "(Some(_), _)"),
        (Integers(-128, 127), [Span(0, 9)], "-1"),
        (Integers(0, 255), [Span(0, 9), Span(10, 254)], "255"),
        (Lists(DIGITS), [listed(), listed(WILD)], "[_, _, ..]"),
        (Lists(DIGITS), [listed(), listed(Span(0, 0), rest=True)], "[1]"),
        (UNLISTED, [Literal("a"), Literal("b")], "_"),
    ],
)  # fmt: skip
def test_shows_an_example(space: Any, rows: list[Any], example: str) -> None:
    assert missing(rows, space) == example


def test_a_type_may_contain_itself() -> None:
    tree = Cases(("Leaf", "Node"), lambda name: (tree, tree) if name == "Node" else (), lambda name, texts: name)
    inner = Case("Node", (Case("Leaf"), WILD))
    assert missing([Case("Leaf"), Case("Node", (Case("Leaf"), Case("Leaf")))], tree) == "Node"
    assert missing([Case("Leaf"), inner, Case("Node", (Case("Node", (WILD, WILD)), WILD))], tree) is None


def test_gives_up_where_it_takes_too_long() -> None:
    """Each row looks at another half of the columns, so that the table doubles with each."""
    many = 30
    space = record(*[BOOLS] * many)
    rows = [
        Case("", tuple([Case("true") if at in (one, one + 1) else WILD for at in range(many)])) for one in range(29)
    ]
    rows += [
        Case("", tuple([Case("false") if at in (one, one + 1) else WILD for at in range(many)])) for one in range(29)
    ]
    rows += [Case("", (WILD,) * 29 + (Case(name),)) for name in ("true", "false")]
    assert missing(rows, space) in (None, UNKNOWN)
    assert missing([], record(*[BOOLS] * 1000)) == "_"
    assert missing([Case("", (Case("true"),) * 1000)], record(*[BOOLS] * 1000)) is not None


def test_relaxed_patterns_leave_out_what_has_no_end() -> None:
    rows = [relaxed(Case("Line", (Span(1, 1),))), relaxed(Either((Case("Dot"), Case("Box", (WILD, WILD)))))]
    assert missing(rows, SHAPE) is None
