"""What the code around a call asks of it: `.unwrap()`, `match` and `?` ask for an `Option` or a `Result`."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.toolchains.ruchy.check.function import Fn, Want
from orchestrator.toolchains.ruchy.check.inference.infer import fresh
from orchestrator.toolchains.ruchy.check.types import (
    STRING,
    BoolType,
    EnumType,
    FloatType,
    IntType,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

EITHER = frozenset(("first", "last", "min", "max", "pop"))
"""Methods of arrays that give an element, or an `Option` where that is asked for."""

_ASKING = words(
    """unwrap expect unwrap_or unwrap_or_default is_some is_none is_ok is_err ok err ok_or unwrap_err expect_err
    and_then or_else unwrap_or_else map_or map_or_else ok_or_else is_some_and is_ok_and is_err_and map_err"""
)
_OF_NO_NUMBER = words("map inspect")
"""Methods of a `Result` that arrays have too, and numbers do not."""
_TAKING = frozenset(("unwrap", "expect", "unwrap_or", "unwrap_or_default"))
"""Of `_ASKING`, those that give what is inside."""
_SAME = frozenset(("copied", "cloned", "as_ref", "clone"))


def _plain(name: str) -> str:
    return name.partition("::")[0]


def _asked(c: Fn, name: str, inside: Want) -> Want:
    """What a method is asked to give, if it is one of these; `inside`: of what the value in it will be taken as."""
    c.p.composed = True
    kind = fresh() if inside is None or isinstance(inside, EnumType) else inside
    if _plain(name) == "parse":
        return result_of(kind if isinstance(kind, IntType | FloatType | BoolType) else fresh(), STRING)
    if name == "collect":
        return result_of(fresh(), fresh())
    return option_of(fresh()) if name in EITHER else None


def wanted_by_next(c: Fn, name: str, following: Sequence[tree.MethodCall], want: Want) -> Want:
    """What the methods behind a call ask of it: `.unwrap()` asks for an `Option`."""
    for statement in following:
        if statement.name not in _SAME:
            if statement.name not in _ASKING and not (_plain(name) == "parse" and statement.name in _OF_NO_NUMBER):
                return None
            last = statement is following[-1] and statement.name in _TAKING
            return _asked(c, name, want if last else None)
    return None


def wanted_by_patterns(c: Fn, value: tree.Expr, patterns: Sequence[tree.Pattern]) -> Want:
    """The same for `match`, `if let`, `while let`: their patterns ask."""
    if not isinstance(value, tree.MethodCall):
        return None
    for pattern in patterns:
        while isinstance(pattern, tree.OrPattern):
            pattern = pattern.alternatives[0]
        if isinstance(pattern, tree.PathPattern) and pattern.path[-1] in ("Some", "None", "Ok", "Err"):
            return _asked(c, value.name, None)
    return None


def wanted_by_question(c: Fn, value: tree.Expr, want: Want) -> Want:
    """The same for `value?`."""
    return _asked(c, value.name, want) if isinstance(value, tree.MethodCall) else None
