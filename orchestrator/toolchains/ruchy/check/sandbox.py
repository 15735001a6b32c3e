"""What a `pub` function without `->` returns: found in its own text alone, so that everybody finds the same.

Other modules see such a function through its interface, which carries its body and the functions without written types
that this calls. Its own module sees more: calls that give an open literal its type. So nobody may look at that: the
function, and copies of those that it calls, are checked in a sandbox, silently, and what is open then takes its
default. In its own module the function is then checked as if that result were written.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check.infer import ANY, Var, fresh, resolve, settle
from orchestrator.toolchains.ruchy.check.module import ROOM, NeedsFirst, Seen
from orchestrator.toolchains.ruchy.check.scope import NO_GUESS, FunctionItem
from orchestrator.toolchains.ruchy.check.types import ERROR, UNIT, Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.toolchains.ruchy.check.module import Module

DEPTH = 20
"""Blocks and calls around a call whose callee is checked in place; deeper ones are checked from the outside."""


class Sandbox:
    """State of a check that leaves no trace in its module but the result. `parts` stand in for the module's own."""

    def __init__(self, m: Module) -> None:
        self.copies: dict[str, FunctionItem] = {}
        self.parts: dict[str, Any] = {
            "pending": [],
            "literals": [],
            "grown": [],
            "finished": [],
            "room": ROOM,
            "late": [],
            "flows": [],
            "functions": [],
            "nested": {},
            "nested_structs": {},
            "bodies": {},
            "signatures": {},
            "now_seen": Seen(),
            "sandbox": self,
        }

    def copy(self, item: FunctionItem) -> FunctionItem:
        """The sandbox's own copy of a function of which not every type is written."""
        found = self.copies.get(item.symbol)
        if found is None:
            found = self.copies[item.symbol] = FunctionItem(item.name, item.symbol, item.node, item.env, own=False)
            found.sandbox = self
        return found


def is_open(item: FunctionItem) -> bool:
    """Whether some type of a function's signature is not written."""
    return item.node.result is None or any(parameter.type is None for parameter in item.node.parameters)


def is_seen(item: FunctionItem) -> bool:
    """Whether other modules may see a function: it is `pub`, and not nested in another."""
    return item.node.public and "." not in item.symbol.partition("::")[2]


def decide(m: Module, item: FunctionItem) -> Type:
    """The result of a function without `->`, from its text alone; ERROR where that needs a function without `->` of yet
    another module, and is not unit; an open type where that cannot be told yet, in the middle of a circle of such
    functions. Sets `item.needs_foreign` where it needs one of another module."""
    root = m.decided.get(item.symbol)
    if root is None:
        root = m.decided[item.symbol] = Sandbox(m).copy(item)
    if root.state == 1 or (root.state == 0 and any(root is one for one in m.waiting)):  # in the middle of itself, by
        return fresh()  # way of a constant, a default, or another module
    if root.guess not in (NO_GUESS, m.results):
        _begin_anew(m, root)
    if root.state == 0:
        if m.depth > DEPTH:
            raise NeedsFirst(root)
        m.depth += 6
        find_out(m, root)
        m.depth -= 6
    item.needs_foreign = root.needs_foreign
    if root.guess != NO_GUESS and _amidst(m, root):
        return fresh()
    return cast("Type", root.result)


def find_out(m: Module, root: FunctionItem) -> None:
    """What a function in a sandbox of its own returns.

    Functions of several modules may need one another, in circles. Whoever is asked first, the answer must be the same:
    so what is in work counts as unknown, and what comes of that is a guess, unless it is unit, the one result that may
    need another module's text. When some result was found, guesses are made anew; when no more is found, they stand.
    """
    m.deciding.append(root)
    try:
        while True:
            before = m.results
            look_into(m, root)
            found: Any = resolve(cast("Type", root.result))
            unknown = root.needs_foreign and found.__class__ is Var and found.kind == ANY
            with inside(m, root.sandbox):
                m.settle()
            found = settle(found)
            root.result = ERROR if unknown and found is not UNIT else found
            root.guess = NO_GUESS
            if root.result is UNIT or not root.needs_foreign:
                m.results += 1
                return
            if _amidst(m, root):
                root.guess = before
                return
            if m.results == before:
                return
            _begin_anew(m, root)
    finally:
        m.deciding.pop()


def _amidst(m: Module, root: FunctionItem) -> bool:
    """Whether something else is in work that this result may be needed for."""
    waiting = (one for one in m.waiting if one.sandbox is not None)
    return any(one.sandbox is not root.sandbox for one in (*m.deciding, *waiting))


def _begin_anew(m: Module, root: FunctionItem) -> None:
    root.sandbox = Sandbox(m)
    root.sandbox.copies[root.symbol] = root
    root.state, root.types, root.result, root.guess = 0, None, None, NO_GUESS


def look_into(m: Module, item: FunctionItem) -> None:
    """Checks the body of a copy, in its sandbox."""
    from orchestrator.toolchains.ruchy.check.annotations import signature
    from orchestrator.toolchains.ruchy.check.bodies import body_of
    from orchestrator.toolchains.ruchy.check.function import Fn

    with inside(m, item.sandbox):
        item.state = 1
        inlining, m.inlining = m.inlining, {}
        m.level += 1
        try:
            inner = Fn(m, item.env, "", item)
            body_of(inner, item, signature(m, item))
            item.needs_foreign = inner.foreign
            item.state = 2
        finally:
            m.inlining = inlining
            m.level -= 1
            if item.state == 1:
                item.state = 0


@contextmanager
def inside(m: Module, sandbox: Sandbox) -> Iterator[None]:
    """Puts the sandbox's parts in the place of the module's."""
    if m.sandbox is sandbox:
        yield
        return
    kept = {name: getattr(m, name) for name in sandbox.parts}
    failed = m.failed
    m.silent += 1
    for name, part in sandbox.parts.items():
        setattr(m, name, part)
    try:
        yield
    finally:
        for name, part in kept.items():
            sandbox.parts[name] = getattr(m, name)
            setattr(m, name, part)
        m.silent -= 1
        m.failed = failed
