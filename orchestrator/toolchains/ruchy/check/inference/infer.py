"""Type variables: what the checker does not know yet, and how it learns it.

A variable stands where a type will; it is no `Type` of `types.py`, so that nothing behind the checker ever meets one.
Literals without a suffix make one that only numbers fit; parameters and returns without annotations make one that
anything fits. What nothing decides is `i64`, or `f64` for a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from orchestrator.toolchains.ruchy.check.abilities import ABILITIES
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    F64,
    I64,
    NEVER,
    FloatType,
    IntType,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KNOWN, ANY, NUMBER, INTEGER, FLOATING, WHOLE, ELEMENT = -1, 0, 1, 2, 3, 4, 5
"""What a variable may become; a later one is narrower, but for INTEGER and FLOATING, which exclude each other.
KNOWN is the openness of a type that is no variable.

WHOLE is the type of a local that starts from an integer and says no type: i64, whatever it meets, unless a float is
assigned to it: then it was a float from the start. So it never takes a narrower type from
a neighbour; `widths.py` converts instead.

ELEMENT is the type of integers inside of an array or a tuple that says no type: i64 where nothing decides. It takes the
type of the array that it is unified with, of any width, and is a float where floats are put beside it. Reading one
decides nothing."""


class TypeVariable:
    """A type to be found. `link` is what it turned out to be, another variable perhaps. `followers` are WHOLE and
    ELEMENT ones that take values of this one: they are floats if it is. `waiting` are decisions that want to know more
    of an ANY one."""

    __slots__ = ("followers", "kind", "link", "waiting")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.link: Type | TypeVariable | None = None
        self.followers: list[TypeVariable] = []
        self.waiting: list[Decision] = []


class Decision:
    """What can only be decided once more is known of some types (`waits`). `decide` returns whether it could; with True
    it must. A type that becomes known puts it on its `queue`, so no decision is looked at without a reason."""

    __slots__ = ("decide", "number", "queue", "waits")

    def __init__(self, decide: Callable[[bool], bool], waits: tuple[Type, ...]) -> None:
        self.decide = decide
        self.waits = waits
        self.number = 0
        self.queue: list[Decision] = []

    def wait(self) -> None:
        """From now on, puts this decision on its queue when one of its types becomes known."""
        for kind in self.waits:
            variable = type_variable(kind)
            if variable is not None:
                variable.waiting.append(self)


def start_whole(kind: Type) -> None:
    """Makes an open integer the type of a local that starts from it."""
    variable = type_variable(kind)
    if variable is not None:
        variable.kind = WHOLE


def notify(variable: TypeVariable) -> None:
    """Queues the decisions that wait for a variable, because something is known of it now."""
    for decision in variable.waiting:
        decision.queue.append(decision)
    variable.waiting = []


Var: Any = TypeVariable
"""The same for type checkers, which hold that no `Type` is one: so code may ask whether one is."""


def fresh(kind: int = ANY) -> Type:
    """A new variable, typed as the type that it will be."""
    return cast("Type", Var(kind))


def openness(kind: Any) -> int:
    """What a resolved type may still become (ANY to WHOLE), or KNOWN."""
    return int(kind.kind) if kind.__class__ is Var else KNOWN


def type_variable(kind: Type) -> TypeVariable | None:
    """The open variable that a type is, None where it is known."""
    variable: Any = resolve(kind)
    return variable if variable.__class__ is Var else None


def resolve(kind: Type) -> Type:
    """What is known of a type: itself, or the variable at the end of its links. Its parts may be open still."""
    end: Any = kind
    while end.__class__ is Var:
        link = end.link
        if link is None:
            break
        if link.__class__ is Var and link.link is not None:
            end.link = link.link  # half the way, the next time: a chain of joined variables may be long
        end = link
    return cast("Type", end)


def settle(kind: Type) -> Type:
    """The final type: an open variable becomes `i64` or `f64`, and so does one in a part."""
    settled = resolve(kind)
    if settled.__class__ is Var:
        variable: Any = settled
        variable.link = F64 if variable.kind == FLOATING else I64
        if variable.waiting:
            notify(variable)
        return cast("Type", variable.link)
    if settled.parts:
        parts = tuple([settle(part) for part in settled.parts])
        return settled if parts == settled.parts else settled.with_parts(parts)
    return settled


def unify(left: Type, right: Type) -> bool:
    """Whether two types can be one; makes them one, part by part."""
    # ERROR and NEVER fit everything: an error was told already and must not cause another, and a value that never comes
    # may be of any type. A failure in the middle leaves the parts before it joined. That is right, because it is
    # always followed by an error, or by the end of an attempt that is undone.
    a: Any = resolve(left)
    b: Any = resolve(right)
    if a is b:
        return True
    if a.__class__ is Var:
        if b.__class__ is Var:
            return _join(a, b)
        return _bind(a, b)
    if b.__class__ is Var:
        return _bind(b, a)
    if a == b or a is ERROR or b is ERROR or a is NEVER or b is NEVER:
        return True
    if not a.parts or a.__class__ is not b.__class__ or len(a.parts) != len(b.parts) or a.with_parts(b.parts) != b:
        return False
    return all(unify(one, other) for one, other in zip(a.parts, b.parts, strict=True))


def narrow(kind: Type, to: int) -> bool:
    """Whether a type is, or can be made, a number (an integer, a float)."""
    variable = type_variable(kind)
    if variable is None:
        return _admits(to, resolve(kind))
    if variable.kind == WHOLE:
        if to == INTEGER:
            variable.link = I64
        return to != FLOATING
    if variable.kind == ELEMENT:
        variable.kind = ELEMENT if to <= NUMBER else to
        if to == FLOATING:
            _floats_follow(variable)
        return True
    if variable.kind > NUMBER and to > NUMBER and variable.kind != to:
        return False
    variable.kind = max(variable.kind, to)
    if variable.waiting and to:
        notify(variable)
    return True


def _join(a: TypeVariable, b: TypeVariable) -> bool:
    kinds = (a.kind, b.kind)
    if FLOATING in kinds and (INTEGER in kinds or WHOLE in kinds):
        return False
    if len(a.followers) + len(a.waiting) > len(b.followers) + len(b.waiting):
        a, b = b, a
    b.kind = max(kind for kind in kinds if kind != ELEMENT or min(kinds) in (ANY, NUMBER, ELEMENT))
    a.link = b
    b.followers += a.followers
    b.waiting += a.waiting
    if b.kind == FLOATING and b.followers:
        _floats_follow(b)
    if b.waiting and b.kind:
        notify(b)
    return True


def _floats_follow(variable: TypeVariable) -> None:
    """What takes values of a variable that turned out to be a float is a float too."""
    followers, variable.followers = variable.followers, []
    for follower in followers:
        become_float(follower, F64)


def become_float(variable: TypeVariable, kind: Type) -> None:
    """A local that starts from an integer is a float, and so is what takes its value."""
    waiting = [variable]
    while waiting:
        open_type = type_variable(cast("Type", waiting.pop()))
        if open_type is not None and open_type.kind in (WHOLE, ELEMENT):
            open_type.link = kind
            waiting += open_type.followers
            kind = F64
            if open_type.waiting:
                notify(open_type)


def _bind(variable: TypeVariable, kind: Type) -> bool:
    if kind is NEVER:
        return True
    if not _admits(variable.kind, kind) or _occurs(variable, kind):
        return False
    variable.link = kind
    if variable.followers and isinstance(kind, FloatType):
        _floats_follow(variable)
    if variable.waiting:
        notify(variable)
    return True


def _occurs(variable: TypeVariable, kind: Type) -> bool:
    """Whether a variable is among the parts of a type: then no type could be both."""
    waiting = list(kind.parts)
    while waiting:
        part = resolve(waiting.pop())
        if part.__class__ is Var:
            if part is cast("Type", variable):
                return True
        else:
            waiting += part.parts
    return False


def _admits(wanted: int, kind: Type) -> bool:
    if wanted == ANY or kind is ERROR:
        return True
    if wanted == WHOLE:
        return kind is I64
    if wanted == INTEGER:
        return isinstance(kind, IntType)
    if wanted == FLOATING:
        return isinstance(kind, FloatType)
    return isinstance(kind, IntType | FloatType)


def is_open(kind: Type) -> bool:
    """Whether a type, or a part of it, is not known yet."""
    waiting = [resolve(kind)]
    while waiting:
        piece = waiting.pop()
        if piece.__class__ is Var:
            return True
        waiting += [resolve(part) for part in piece.parts]
    return False


def renewed(kind: Type) -> Type:
    """The same type with new variables in the place of those that are open."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        return fresh(openness(resolved))
    return resolved.with_parts(tuple([renewed(part) for part in resolved.parts])) if resolved.parts else resolved


PARTS = 1000
"""Of how many types a type may consist, the same ones counted each time. Tuples of tuples double with every line."""


def is_too_large(kind: Type) -> bool:
    """Whether a type has more parts than `PARTS`."""
    waiting, count = [resolve(kind)], 0
    while waiting and count <= PARTS:
        piece = waiting.pop()
        count += 1
        if piece.__class__ is not Var:
            waiting += [resolve(part) for part in piece.parts]
    return count > PARTS


def shown(kind: Type) -> str:
    """A type as the user writes it. An open literal shows what it would become."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        return ("_", "i64", "i64", "f64", "i64", "i64")[openness(resolved)]
    return ABILITIES[resolved.__class__].shown(resolved, shown)
