"""Functions whose parameters say no types, and whether all of their calls agree.

While they do, such a function has one signature, which its calls and its body decide together. Where they do not, it is
compiled once for each set of types, like a generic one (`instances.py`). It is the types that arguments have by
themselves that count: an integer stays one, although it could become a float. What is found then holds for the whole
check, which begins anew with it (`checker.check`), so neither the order of calls nor that of functions matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    ELEMENT,
    FLOATING,
    INTEGER,
    NUMBER,
    WHOLE,
    Var,
    openness,
    resolve,
    settle,
)
from orchestrator.toolchains.ruchy.check.scope import FunctionItem, Given, Natural, lacks_types
from orchestrator.toolchains.ruchy.check.types import ERROR, I64, NEVER, UNIT, FloatType, FunctionType, IntType, Type
from orchestrator.toolchains.ruchy.syntax.words import words_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.function import Fn
    from orchestrator.toolchains.ruchy.check.passes import Pass

_LITERAL, _WHOLE, _FLOAT = "integer", "whole", "float"
"""Types that are open: of an integer as it is written, of what starts from one (so it is an i64, unless it becomes a
float), and of a float as it is written."""

_OPEN = {ANY: None, NUMBER: None, INTEGER: _LITERAL, FLOATING: _FLOAT, WHOLE: _WHOLE, ELEMENT: _WHOLE}


def natural(kind: Type) -> Natural:
    """A type as it is at this moment, before a call makes it that of a parameter. None is any type."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        return _OPEN[openness(resolved)]
    if resolved is ERROR or resolved is NEVER:
        return None
    if not resolved.parts:
        return resolved
    if isinstance(resolved, FunctionType):
        parts = [_of_parameter(part) for part in resolved.parameters]
        result = resolve(resolved.result)
        parts.append(
            None if any(resolve(parameter) is result for parameter in resolved.parameters) else natural(result)
        )
    else:
        parts = [natural(part) for part in resolved.parts]
    return _shell(resolved), tuple(parts)


def _of_parameter(kind: Type) -> Natural:
    """A parameter of a function that is an argument: what is not known of it, its calls will decide."""
    return None if resolve(kind).__class__ is Var else natural(kind)


def _shell(kind: Type) -> Type:
    """What a type with parts is, apart from these."""
    return kind.with_parts((UNIT,) * len(kind.parts))


def _agree(a: Natural, b: Natural) -> bool:
    """Whether one parameter can take both without changing either."""
    if a is None or b is None or a == b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a[0] == b[0] and all(_agree(one, other) for one, other in zip(a[1], b[1], strict=True))
    for one, other in ((a, b), (b, a)):
        if one is _LITERAL and (other is _WHOLE or isinstance(other, IntType)):
            return True
        if (one is _WHOLE and other is I64) or (one is _FLOAT and isinstance(other, FloatType)):
            return True
    return False


def is_open(item: FunctionItem) -> bool:
    """Whether a trial needs a copy of its own of a function: something of its signature is not written, and it is not
    its text that says that it has instances."""
    return item.is_open and not item.node.generics and not (item.node.public and lacks_types(item.node))


def is_other_call(c: Fn, item: FunctionItem, at: int, types: dict[int, Type]) -> bool:
    """Whether a call of an untyped function gives it other types than earlier ones; notes what it gives. From the first
    of these on, the function has instances: the whole check begins anew, and knows that."""
    if agrees(item.given, given_by(c, at, types)):
        return False
    item.instanced = True
    if c.p.copies is None:
        c.p.report.found_out.instanced.add(item.symbol)
    return True


def given_by(c: Fn, at: int, types: dict[int, Type]) -> Given:
    """What a call gives, as it is at this moment."""
    return Given((c.path, at), {i: natural(kind) for i, kind in types.items()}, types)


def agrees(calls: list[Given], given: Given) -> bool:
    """Whether the arguments of a call have the types of those of earlier calls; then it is one of them from now on."""
    for earlier in calls:
        for index, kind in given.natural.items():
            if index in earlier.natural and not _agree(earlier.natural[index], kind):
                return False
    calls.append(given)
    return True


def is_doubtful(item: FunctionItem) -> bool:
    """Whether not all was known of what several calls gave: of the parameters of functions, of the elements of empty
    arrays. Then they may not agree after all."""
    if len({one.place for one in item.given}) < 2:
        return False
    return any(_is_unknown(kind) for one in item.given for kind in one.natural.values())


def _is_unknown(kind: Natural) -> bool:
    return kind is None or (isinstance(kind, tuple) and any(map(_is_unknown, kind[1])))


def changed_by_calls(calls: list[Given], types: Sequence[Type]) -> bool:
    """Whether a parameter has, in the end, another type than an argument had by itself."""
    last = {call.place: call for call in calls}  # a call that was checked again counts as it was then
    return any(
        not _stays(kind, settle(one.types[index]), settle(types[index]))
        for one in last.values()
        for index, kind in one.natural.items()
    )


def _stays(kind: Natural, given: Type, taken: Type) -> bool:
    if kind is None or taken is ERROR:
        return True
    if isinstance(kind, tuple):
        if _shell(taken) != kind[0] or len(taken.parts) != len(given.parts):
            return False
        return all(map(_stays, kind[1], given.parts, taken.parts))
    if kind is _WHOLE:
        return given == taken or (isinstance(given, IntType) and isinstance(taken, IntType))
    if kind is _FLOAT:
        return isinstance(taken, FloatType)
    if kind is _LITERAL or isinstance(kind, IntType):
        return isinstance(taken, IntType)
    return bool(kind == taken)


def named_by_instanced(p: Pass) -> set[str]:
    """The untyped functions of the module that an instanced one may call: what these are given is known for each
    instance only, wherever that is. They go by their plain names, because a method's call says no more."""
    by_name: dict[str, list[FunctionItem]] = {}
    waiting: list[FunctionItem] = []
    for item in p.made.functions:
        if item.instanced:
            waiting.append(item)
        elif lacks_types(item.node):
            by_name.setdefault(item.name, []).append(item)
    for binding in p.module.bindings.values():
        if binding.module == p.module.name and waiting:
            other = by_name.get((binding.rest or binding.item).rpartition("::")[2], [])
            by_name.setdefault(binding.name, []).extend(other)
    names: set[str] = set()
    while waiting and by_name:
        for word in words_in([waiting.pop().node]):
            for item in by_name.pop(word, ()):
                if item.symbol not in names:
                    names.add(item.symbol)
                    waiting.append(item)
    return names
