"""Time grows with the text, and not with its square: counted in bytecodes, which no busy machine changes.

Work that is done inside of one call of C (a copy of a long list) counts as one; for the lexer's patterns, which are all
C, the long test compares processor time too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.toolchains.ruchy.syntax.lexer import lex
from orchestrator.toolchains.ruchy.syntax.split import split
from tests.helpers.bytecodes import bytecodes
from tests.helpers.programs import ENTRY, build
from tests.helpers.shapes import SHAPES

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

SMALL = (
    "lets",
    "1 + 1 + ..",
    "long else if with a value",
    "choices",
    "nested functions",
    "macros",
    "f-strings",
    "unknown names",
)
"""The shapes that are counted in every run of the tests."""

SLACK = 1.25
"""So much more may the second step cost: for what grows with a logarithm."""


def growth(work: Callable[[int], Any], sizes: tuple[int, int, int]) -> float:
    """How much more the second step costs than the first, for the same added text: 1 is linear, 2 the square."""
    small, middle, large = (bytecodes(lambda size=size: work(size)) for size in sizes)  # type: ignore[misc]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])
    return (large - middle) / max(1, 2 * (middle - small))


def whole(name: str) -> Callable[[int], None]:
    """Split, lex, summarise, parse, check, lower, assemble, link."""

    def work(size: int) -> None:
        build({ENTRY: SHAPES[name](size)})

    return work


def test_the_count_sees_a_loop_inside_of_one_call() -> None:
    def square(size: int) -> int:
        return sum(1 for _ in range(size) for _ in range(size))

    assert growth(square, (20, 40, 80)) > 1.8
    assert growth(lambda size: [at * at for at in range(size)], (20, 40, 80)) < 1.05


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES if LONG else SMALL)
def test_time_grows_with_the_text(name: str) -> None:
    build({ENTRY: SHAPES[name](4)})  # what is loaded and kept once
    assert growth(whole(name), (100, 200, 400) if LONG else (8, 16, 32)) < SLACK


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES if LONG else ())  # it compares processor time
def test_the_lexer_goes_over_a_text_once(name: str) -> None:
    def least(size: int) -> float:
        text = SHAPES[name](size)
        spent = []
        for _ in range(3):
            began = time.process_time()
            lex(text)
            split(text)
            spent.append(time.process_time() - began)
        return min(spent)

    least(100)
    assert least(8000) < 8 * least(2000) + 0.05
