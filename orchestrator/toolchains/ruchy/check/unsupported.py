"""Constructs of the language that the target does not have, or not yet: each gives one diagnostic, never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass

NOT_YET = "E0720"
"""Constructs of stage 2."""


_FUNCTIONS = "write a function for each, which takes the value"
_VALUES = "write a variable or a field for each value"
_WALK = "walk with `for i in 0..s.len()`, and take parts with `s.substring(i, i + 1)`"

INSTEAD = {
    "arrays": _VALUES,
    "tuples": "write a struct with a field for each value",
    "methods": _FUNCTIONS,
    "generics": "write one for each type",
    "`mem::replace` of a place with calls in it": "call it before: `let i = f()`, and then name the place with `i`",
    "lambdas in constants and defaults": "write a function with a name",
    "comprehensions": "write a loop",
    "ranges as values": "write the range where it is walked: `for i in a..b`",
    "modules inside of functions": "write the module outside of the function",
    "items inside of constants and defaults": "write the item outside, beside the constant or function",
    "`try` in constants and defaults": "write a function with a name",
    "`throw` in constants and defaults": "write a function with a name",
    "`try` inside of a text": "name the value with `let` before",
    "`throw` inside of a text": "name the value with `let` before",
    "`return` inside of `finally`": "return behind it",
    "`?` inside of `finally`": "take the value behind it, or by `match`",
    "a function as a value inside of `finally`": "name it with `let` before the `try`",
    "`finally` behind a value whose type follows later": "write the type of the value: `let x: i64 = ...`",
    "`finally` inside of `finally`": "make a function of the inner part",
    "`Box`": "write the type itself",
    "`Vec`": _VALUES,
}
"""What to write in the place of each construct, by the words of the message."""


def not_yet(p: Pass, at: int, what: str, plural: bool = True) -> None:
    """Reports a construct that is planned: "arrays are not supported yet"."""
    hint = "write a method, and call it by its name" if what.endswith(" would call,") else ""
    hint = hint or INSTEAD.get(what) or (_WALK if what.endswith(" of a String") else "")
    p.error(NOT_YET, at, f"{what} {'are' if plural else 'is'} not supported yet", hint)
