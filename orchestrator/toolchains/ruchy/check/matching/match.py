"""`match`, `if let`, `while let`: the first pattern that fits decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.control import Common, enter_loop, is_complete
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.function import (
    DROP,
    HANDLERS,
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    handles,
    open_type,
)
from orchestrator.toolchains.ruchy.check.inference.asked import wanted_by_patterns
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve
from orchestrator.toolchains.ruchy.check.inference.widths import is_number
from orchestrator.toolchains.ruchy.check.lending.aliases import Lent, lent, place_to_lend
from orchestrator.toolchains.ruchy.check.lending.elements import as_if, held_against
from orchestrator.toolchains.ruchy.check.matching import cover
from orchestrator.toolchains.ruchy.check.matching.binding import NOTHING, bindings, forget, guess
from orchestrator.toolchains.ruchy.check.matching.patterns import (
    Matched,
    Reading,
    again,
    declare,
    read_pattern,
    source_of,
)
from orchestrator.toolchains.ruchy.check.matching.spaces import space_of
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.check.statements import block
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, NEVER, STRING, UNIT, Type
from orchestrator.toolchains.ruchy.syntax import tree

_GUARD: Why = ("E0202", "the guard of an arm is bool, and this is {got}")
_NO_ARM = "no arm of this `match` fits"


class _Arm(NamedTuple):
    """One arm, checked. `names` are its variables, with their values."""

    node: tree.MatchArm
    reading: Reading
    names: list[tuple[Variable, hir.Expr | None]]
    guard: hir.Expr | None
    body: hir.Expr


@handles(tree.Match)
def match(c: Fn, node: tree.Match, want: Want, why: Why) -> hir.Expr:
    """The value of the first arm whose pattern fits and whose guard holds."""
    lent = as_if(c, node)
    if lent is not None:
        return if_let(c, lent, want, why)
    out: list[hir.Stmt] = []
    subject = _subject(c, node.value, out, [arm.pattern for arm in node.arms], any(arm.guard for arm in node.arms))
    source = subject.source
    slots = len(c.locals)
    common = Common(c, want)
    arms = [_arm(c, arm, subject, common, want, why) for arm in node.arms]
    result = common.result(None, "the arms of this `match` differ: {0} and {1}")
    whole = _covers(c, node, arms, source)
    if source.type is NEVER:
        forget(c, slots)
        return _never(out)
    if source.type is ERROR and not out:
        return hir.Unit(ERROR, node.at)
    if not arms:
        result = NEVER
    chain = _chain(c, node.at, arms, common, result, whole, _no_arm(c, node.at, source, whole))
    return open_type(c, hir.Block(chain.type, node.at, out, chain)) if out else chain


class Subject(NamedTuple):
    """What is matched, and the place that it is, where that is lent."""

    source: Matched
    lent: Lent | None = None

    def read(self, c: Fn, pattern: tree.Pattern) -> Reading:
        return read_pattern(c, pattern, self.source) if self.lent is None else self.lent.read(c, pattern)

    def declare(self, c: Fn, reading: Reading) -> list[tuple[Variable, hir.Expr | None]]:
        return declare(c, reading, mutable=True) if self.lent is None else self.lent.declare(c, reading)


def _subject(
    c: Fn, value: tree.Expr, out: list[hir.Stmt], patterns: Sequence[tree.Pattern], guarded: bool = False
) -> Subject:
    """What is matched; what is not known of its type, the patterns say."""
    inner = lent(c, value)
    if inner is not None:
        place = place_to_lend(c, inner, out)
        if place is None:
            return Subject(Matched(ERROR, lambda: bad(value.at)))
        guess(c, place.type, patterns)
        place.type = resolve(place.type)
        if place.type is not UNIT:
            subject = Lent(c, place, value.at)
            return Subject(subject.source, subject)
    typed = expr(c, value, wanted_by_patterns(c, value, patterns))
    if typed.type is NEVER:
        out.append(hir.Do(typed))
        return Subject(NOTHING)
    guess(c, typed.type, patterns)
    return Subject(source_of(c, typed, out, stays=not guarded))


def _never(out: list[hir.Stmt]) -> hir.Expr:
    last = out[-1]
    assert isinstance(last, hir.Do)
    return last.value


def _arm(c: Fn, node: tree.MatchArm, subject: Subject, common: Common, want: Want, why: Why) -> _Arm:
    mark = len(c.undo)
    reading = subject.read(c, node.pattern)
    names = subject.declare(c, reading)
    guard = None if node.guard is None else check(c, node.guard, BOOL, _GUARD)
    body = common.add(HANDLERS[node.body.__class__](c, node.body, want, why), node.body, why)
    c.leave(mark)
    return _Arm(node, reading, names, guard, body)


def _no_arm(c: Fn, at: int, source: Matched, whole: bool) -> hir.Expr:
    """What happens where no arm fits. Numbers and texts are shown; all else is covered by its arms."""
    text: hir.Expr = hir.Str(STRING, at, _NO_ARM)
    kind = resolve(source.type)
    if not whole and (kind is STRING or is_number(kind)):
        text = joined(at, [hir.Str(STRING, at, f"{_NO_ARM} "), *text_parts(c, source.read(), "?")])
    return hir.Panic(NEVER, at, text)


def _chain(
    c: Fn, at: int, arms: Sequence[_Arm], common: Common, result: Type, whole: bool, otherwise: hir.Expr
) -> hir.Expr:
    """The arms as `if` and `else if`. Where they surely cover everything, the last one needs no test."""
    typed = otherwise
    for arm in reversed(arms):
        then = _within(c, result, arm.names, common.cast(arm.body, result))
        condition = arm.reading.condition()
        if arm.guard is not None:
            guard = _within(c, BOOL, [(one, again(value)) for one, value in arm.names], arm.guard)
            c.p.composed = True
            condition = guard if condition is None else hir.And(BOOL, guard.at, condition, guard)
        if condition is None or (whole and isinstance(typed, hir.Panic) and arm is arms[-1]):
            typed = then
            continue
        typed = hir.If(result, arm.node.at, condition, then, typed)
        if result.__class__ is Var:
            typed = open_type(c, typed)
    return typed


def _within(c: Fn, kind: Type, names: Sequence[tuple[Variable, hir.Expr | None]], value: hir.Expr) -> hir.Expr:
    """A value with the names of a pattern around it."""
    lets = bindings(c, names)
    if not lets:
        return value
    kind = NEVER if value.type is NEVER else kind
    return open_type(c, hir.Block(kind, value.at, lets, value))


# ---------------------------------------------------------------- what the arms cover


def _covers(c: Fn, node: tree.Match, arms: Sequence[_Arm], source: Matched) -> bool:
    """Whether the arms surely cover every value. Where they don't: an error if a case of an enum or the like is left
    out, a warning if only numbers, texts or lengths are, or a guard stands before: then the `match` traps."""
    if source.type in (ERROR, NEVER) or any(arm.reading.wrong for arm in arms):
        return False
    space = space_of(c.p, source.type)
    rows = cover.Rows(space)
    for arm in arms:
        if arm.node.at != node.at and rows.is_useless(arm.reading.cover):
            c.p.warn("W0011", arm.node.pattern.at, "this arm is never reached: those before it cover its values")
        if arm.guard is None:
            rows.add(arm.reading.cover)
    example = cover.missing(rows.rows, space)
    if example is None:
        return True
    if example == cover.UNKNOWN:
        return False
    left_out = cover.missing([cover.relaxed(arm.reading.cover) for arm in arms], space)
    if left_out:
        _report(c, node.at, left_out)
    else:
        what = "every value" if example == "_" else f"`{example}`"
        hint = f"add an arm: `{example} => ...`; without one, such a value traps"
        c.p.warn("W0010", node.at, f"this `match` does not cover {what}", hint)
    return False


def _report(c: Fn, at: int, example: str) -> None:
    message = f"`match` does not cover `{example}`" if example != "_" else "`match` covers nothing"
    c.p.error("E0270", at, message, f"add an arm: `{example} => ...`")


# ---------------------------------------------------------------- `if let`, `while let`


@handles(tree.IfLet)
def if_let(c: Fn, node: tree.IfLet, want: Want, why: Why) -> hir.Expr:
    """`if let pattern = value { .. } else { .. }`."""
    held = held_against(c, node)
    if held is not None:
        return HANDLERS[held.__class__](c, held, want, why)
    out: list[hir.Stmt] = []
    complete = is_complete(node)
    inner = want if complete else DROP
    subject = _subject(c, node.value, out, [node.pattern])
    source = subject.source
    common = Common(c, inner)
    mark, slots = len(c.undo), len(c.locals)
    reading = subject.read(c, node.pattern)
    names = subject.declare(c, reading)
    then = common.add(block(c, node.then, inner, why), node.then, why)
    c.leave(mark)
    if node.otherwise is None:
        otherwise: hir.Expr = hir.Unit(UNIT, node.at)
    else:
        other = HANDLERS[node.otherwise.__class__](c, node.otherwise, inner, why)
        otherwise = common.add(other, node.otherwise, why)
    result = common.result(node.at, "the branches of this `if` differ: {0} and {1}")
    if not complete:
        result = UNIT
    if source.type is NEVER:
        forget(c, slots)
        return _never(out)
    condition = reading.condition() or hir.Int(BOOL, node.at, 1)
    then = _within(c, result, names, common.cast(then, result))
    typed = open_type(c, hir.If(result, node.at, condition, then, common.cast(otherwise, result)))
    return open_type(c, hir.Block(result, node.at, out, typed)) if out else typed


@handles(tree.WhileLet)
def while_let(c: Fn, node: tree.WhileLet, want: Want, why: Why) -> hir.Expr:
    """The value is computed before each turn."""
    out: list[hir.Stmt] = []
    subject = _subject(c, node.value, out, [node.pattern])
    source = subject.source
    mark, slots = len(c.undo), len(c.locals)
    reading = subject.read(c, node.pattern)
    names = subject.declare(c, reading)
    target = enter_loop(c, node.label, "while", None, why)
    inner = block(c, node.body, DROP, why)
    c.loops.pop()
    c.leave(mark)
    at = node.at
    if source.type is NEVER:
        forget(c, slots)
        return _never(out)
    turn = _within(c, inner.type, names, inner)
    condition = reading.condition() or hir.Int(BOOL, at, 1)
    step = hir.If(UNIT, at, condition, as_effect(turn), hir.Break(NEVER, at, target.id, None))
    body = hir.Block(UNIT, at, [*out, hir.Do(step)], hir.Unit(UNIT, at))
    return hir.Loop(UNIT, at, target.id, body)


def as_effect(typed: hir.Expr) -> hir.Expr:
    """An expression without its value."""
    if typed.type is NEVER or resolve(typed.type) is UNIT:
        return typed
    return hir.Block(UNIT, typed.at, [hir.Do(typed)], hir.Unit(UNIT, typed.at))
