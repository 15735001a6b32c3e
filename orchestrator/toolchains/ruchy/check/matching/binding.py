"""Patterns where a value must fit: in `let`, in `for`, and as parameters."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, fresh, openness, resolve, unify
from orchestrator.toolchains.ruchy.check.matching import cover
from orchestrator.toolchains.ruchy.check.matching.patterns import Matched, Reading, declare, read_pattern, source_of
from orchestrator.toolchains.ruchy.check.matching.spaces import space_of
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, NEVER, STRING, UNIT, ArrayType, TupleType, Type
from orchestrator.toolchains.ruchy.syntax import tree

_MISFIT = "this value does not fit the pattern"


NOTHING = Matched(NEVER, lambda: hir.Unit(ERROR, 0))
"""What never gives a value: nothing is said of patterns that are held against it."""


def forget(c: Fn, slots: int) -> None:
    """The slots from there on belong to what is never reached, and not compiled."""
    c.locals[slots:] = [UNIT] * (len(c.locals) - slots)


def guess(c: Fn, kind: Type, patterns: Sequence[tree.Pattern]) -> None:
    """What patterns say of a type of which nothing is known."""
    waiting: list[tree.Pattern] = list(reversed(patterns))
    while waiting and openness(resolve(kind)) == ANY:
        part = waiting.pop()
        if isinstance(part, tree.OrPattern):
            waiting += reversed(part.alternatives)
        elif isinstance(part, tree.NamePattern) and part.inner is not None:
            waiting.append(part.inner)
        elif isinstance(part, tree.TuplePattern):
            c.p.composed = True
            unify(kind, TupleType(tuple([fresh() for _ in part.elements])) if part.elements else UNIT)
        elif isinstance(part, tree.ListPattern):
            c.p.composed = True
            unify(kind, ArrayType(fresh()))
        elif isinstance(part, tree.LiteralPattern) and isinstance(part.value, tree.StringLiteral | tree.CharLiteral):
            unify(kind, STRING)
        elif isinstance(part, tree.LiteralPattern) and isinstance(part.value, tree.BoolLiteral):
            unify(kind, BOOL)


def bindings(c: Fn, names: Sequence[tuple[Variable, hir.Expr | None]], every: bool = False) -> list[hir.Stmt]:
    """The `Let`s of variables, without those that nobody reads; what is decided later may read any."""
    every = every or bool(c.p.open.late)
    return [
        hir.Let(variable.slot, value)
        for variable, value in names
        if value is not None and variable.slot >= 0 and (every or variable.read or variable.assigned)
    ]


def destructure(
    c: Fn, pattern: tree.Pattern, typed: hir.Expr, out: list[hir.Stmt], word: str, mutable: bool = True
) -> list[tuple[Variable, hir.Expr | None]]:
    """Holds a value against a pattern that it must fit, in `out`. The variables, with their values, which the caller
    puts where they are needed (`bindings`)."""
    guess(c, typed.type, [pattern])
    source = source_of(c, typed, out)
    reading = read_pattern(c, pattern, source)
    must_fit(c, pattern, reading, source, out, word)
    return declare(c, reading, mutable)


def must_fit(c: Fn, pattern: tree.Pattern, reading: Reading, source: Matched, out: list[hir.Stmt], word: str) -> None:
    """Traps, in `out`, where a value does not fit a pattern that it must fit."""
    test = _test_of(c, pattern, reading, source, word)
    if test is not None:
        at = pattern.at
        misfit = hir.Panic(NEVER, at, hir.Str(STRING, at, _MISFIT))
        out.append(hir.Do(hir.If(UNIT, at, hir.Not(BOOL, at, test), misfit, hir.Unit(UNIT, at))))


def held_against(c: Fn, pattern: tree.Pattern, typed: hir.Expr, out: list[hir.Stmt]) -> tuple[Reading, hir.Expr | None]:
    """A value that may fit a pattern or not, and the test of it."""
    guess(c, typed.type, [pattern])
    reading = read_pattern(c, pattern, source_of(c, typed, out))
    return reading, reading.condition()


def _test_of(c: Fn, pattern: tree.Pattern, reading: Reading, source: Matched, word: str) -> hir.Expr | None:
    """What to test where a value may not fit: only lengths, numbers and texts. E0274 where another case is left out."""
    test = reading.condition()
    if test is None or reading.wrong or source.type is ERROR:
        return None
    space = space_of(c.p, source.type)
    example = cover.missing([reading.cover], space)
    if example is None:
        return None
    left_out = cover.missing([cover.relaxed(reading.cover)], space)
    if left_out:
        hint = "write `if let`, or `let ... else { .. }`" if word == "let" else "take it apart with `match`"
        c.p.error(
            "E0274", pattern.at, f"this pattern does not fit `{left_out}`, and `{word}` needs one that does", hint
        )
    return test
