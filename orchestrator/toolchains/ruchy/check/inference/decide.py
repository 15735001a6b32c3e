"""What a `pub` function without `->` returns: found in its own text alone, so that everybody finds the same.

Other modules see such a function through its interface, which carries its body and the functions without written types
that this calls. Its own module sees more: calls that give an open literal its type. So nobody may look at that: the
function, and copies of those that it calls, are checked in a trial (`Pass.trial`), silently, and what is open then
takes its default. In its own module the function is then checked as if that result were written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from orchestrator.toolchains.ruchy.check.function import Fn
from orchestrator.toolchains.ruchy.check.functions.bodies import body_of
from orchestrator.toolchains.ruchy.check.inference.annotations import signature
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, fresh, openness, resolve, settle
from orchestrator.toolchains.ruchy.check.passes import NeedsFirst, Pass
from orchestrator.toolchains.ruchy.check.scope import CHECKED, IN_WORK, UNCHECKED, FunctionItem
from orchestrator.toolchains.ruchy.check.types import ERROR, UNIT, Type
from orchestrator.toolchains.ruchy.check.variables import type_of_global
from orchestrator.toolchains.ruchy.syntax.top import plain_names

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.module import InProgress

DEPTH = 20
"""Blocks and calls around a call whose callee is checked in place; deeper ones are checked from the outside."""


def decide(p: Pass, item: FunctionItem) -> Type:
    """The result of a function without `->`, from its text alone; ERROR where that needs a function without `->` of yet
    another module, and is not unit; an open type where that is not known yet, in the middle of a circle of such
    functions. Sets `item.needs_foreign` where it needs one of another module."""
    work = p.work
    root = work.decided.get(item.symbol)
    if root is None:
        root = work.decided[item.symbol] = p.trial().copy_of(item)
    waits = root.state == UNCHECKED and any(root is waiting for waiting in work.waiting)
    if root.state == IN_WORK or waits:  # in the middle of itself, by way of a constant, a default, or another module
        return fresh()
    if work.guesses.get(root.symbol, work.results) != work.results:
        _begin_anew(p, root)
    if root.state == UNCHECKED:
        if work.depth > DEPTH:
            raise NeedsFirst(root)
        work.depth += 6
        if item.own and p.copies is None and p.module.top_lets:
            _know_variables(p, item)
        find_out(p, root)
        work.depth -= 6
    item.needs_foreign = root.needs_foreign
    if root.symbol in work.guesses and _others_in_work(work, root):
        return fresh()
    return cast("Type", root.result)


def _know_variables(p: Pass, item: FunctionItem) -> None:
    """Finds the types of the top-level variables that a function of this module names, and those that it calls without
    all types written: a trial takes only what is known."""
    module = p.module
    waiting, seen = [item], {item.name}
    while waiting:
        for name in sorted(plain_names([waiting.pop().node])):
            shared, called = module.top_lets.get(name), module.items.get(name)
            if shared is not None and shared.lives and shared.state == 0:
                type_of_global(p, shared)
            if isinstance(called, FunctionItem) and called.inferred | called.untyped and name not in seen:
                seen.add(name)
                waiting.append(called)


def find_out(p: Pass, root: FunctionItem) -> None:
    """What a function in a trial of its own returns.

    Functions of several modules may need one another, in circles. The answer must not depend on which is asked first:
    so what is in work counts as unknown, and what comes of that is a guess, unless it is unit, the one result that may
    need another module's text. When some result was found, guesses are made anew; when no more is found, they stand.
    """
    work = p.work
    work.deciding.append(root)
    try:
        while True:
            before = work.results
            look_into(root)
            kind = resolve(cast("Type", root.result))
            unknown = root.needs_foreign and openness(kind) == ANY
            trial_of(root).settle()
            kind = settle(kind)
            root.result = ERROR if unknown and kind is not UNIT else kind
            work.guesses.pop(root.symbol, None)
            if root.result is UNIT or not root.needs_foreign:
                work.results += 1
                return
            if _others_in_work(work, root):
                work.guesses[root.symbol] = before
                return
            if work.results == before:
                return
            _begin_anew(p, root)
    finally:
        work.deciding.pop()


def _others_in_work(work: InProgress, root: FunctionItem) -> bool:
    """Whether something else is in work that this result may be needed for."""
    waiting = (one for one in work.waiting if one.trial is not None)
    return any(one.trial is not root.trial for one in (*work.deciding, *waiting))


def _begin_anew(p: Pass, root: FunctionItem) -> None:
    trial = p.trial()
    assert trial.copies is not None
    trial.copies[root.symbol] = root
    root.trial = trial
    root.state, root.types, root.result = UNCHECKED, None, None
    p.work.guesses.pop(root.symbol, None)


def trial_of(item: FunctionItem) -> Pass:
    """The trial that a copy belongs to."""
    assert isinstance(item.trial, Pass)
    return item.trial


def look_into(item: FunctionItem) -> None:
    """Checks the body of a copy, in its trial."""
    p = trial_of(item)
    item.state = IN_WORK
    inlining, p.inlining = p.inlining, {}
    p.work.level += 1
    try:
        inner = Fn(p, item.env, "", item)
        body_of(inner, item, signature(p, item))
        item.needs_foreign = inner.foreign
        item.state = CHECKED
    finally:
        p.inlining = inlining
        p.work.level -= 1
        if item.state == IN_WORK:
            item.state = UNCHECKED
