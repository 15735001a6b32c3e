"""Variables of the top level under edits: what is reused of earlier compiles never tells."""

from __future__ import annotations

import os
import random

import pytest

from tests.helpers.reuse_tools import WrongError, compiled, fragments_of, job_of

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HEADS = ("", "fun aside() -> i64 { 1 }\n")
LETS = (
    "let mut n = 0\n",
    "let mut n: i32 = 0\n",
    "let n = 1.5\n",
    'let mut n = "a"\n',
    "let mut n = start()\n",
    "let mut m = 1\nlet mut n = m\n",
    "let mut n = 1\nlet n = 2\n",
    "const n: i64 = 4\n",
    "",
)
STARTS = ("fun start() -> i64 { 3 }\n", "fun start() -> u8 { 3 }\n", "fun start() { 2.5 }\n")
READERS = (
    "fun read() { n }\n",
    "fun read() -> i64 { 7 }\n",
    "fun read() { println(n) }\n",
    "fun read() { let n = 1; n }\n",
)
WRITERS = ("fun write() { n = n + n }\n", "fun write() { }\n", "fun write() { fun inner() { n = n } inner() }\n")
TAILS = ("println(read())\nwrite()\nprintln(n)\n", "println(read())\n", "write()\nn = n\n")
PARTS = (HEADS, LETS, STARTS, READERS, WRITERS, TAILS)


def outcome(source: str, fragments: dict[str, bytes]):
    """Object and warnings, or the codes of the errors; and what may be reused later."""
    try:
        made = compiled(job_of(source), fragments)
    except WrongError as wrong:
        return wrong.codes, {}
    return (made.data, made.warnings), fragments_of(made)


def check(seed: int, edits: int) -> None:
    draw = random.Random(seed)
    chosen = [draw.choice(part) for part in PARTS]
    kept: dict[str, bytes] = {}
    for _ in range(edits):
        at = draw.randrange(len(PARTS))
        chosen[at] = draw.choice(PARTS[at])
        source = "".join(chosen)
        made, more = outcome(source, kept)
        assert made == outcome(source, {})[0], source
        kept.update(more)


@pytest.mark.sweep
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100 if LONG else 1))
def test_an_object_is_the_same_whatever_is_reused(seed):
    check(seed, 100)


def recompiled(before: str, after: str) -> list[str]:
    return sorted(compiled(job_of(after), fragments_of(compiled(job_of(before)))).compiled)


def test_a_function_is_compiled_again_when_a_variable_that_it_names_is_another():
    text = "let mut n = 1\nfun f() -> i64 { n }\nfun g() -> i64 { 1 }\nprintln(f() + g())\n"
    assert recompiled(text, text.replace("n = 1", "n: i32 = 1")) == ["<top>", "f"]
    assert recompiled(text, text.replace("{ 1 }", "{ n }")) == ["g"]  # `f` made it live in memory before
    local = text.replace("{ n }", "{ 2 }")
    assert recompiled(local, text) == ["<top>", "f"]
    assert recompiled(text, local) == ["<top>", "f"]
