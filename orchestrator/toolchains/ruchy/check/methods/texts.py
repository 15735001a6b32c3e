"""Methods of String: sections 8 and 12 of the language, and what books use of Rust's.

Each has a row: its names, the types of its arguments, its result, and what makes it. Most are one function of the
runtime. `docs/language.md` lists the table, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I32,
    I64,
    STRING,
    ArrayType,
    TupleType,
    Type,
)
from orchestrator.toolchains.ruchy.syntax import tree

ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")
STRINGS = ArrayType(STRING)
NUMBERS = ArrayType(I64)

Make = Callable[[Fn, int, list[hir.Expr]], hir.Expr]
"""Makes a call of its place, the receiver and the arguments."""


class TextMethod(NamedTuple):
    """`make` is the name of a function of the runtime, or makes the call. `defaults` are the last arguments where they
    are left out."""

    arguments: tuple[Type, ...]
    result: Type
    make: Union[str, Make]
    traps: bool = False
    defaults: tuple[str, ...] = ()


TEXT_METHODS: dict[str, TextMethod] = {}


def rows(names: str, row: TextMethod) -> None:
    TEXT_METHODS.update(dict.fromkeys(names.split(), row))


def text_method(c: Fn, node: tree.MethodCall, receiver: hir.Expr, name: str) -> hir.Expr | None:
    """`receiver.name(arguments)` of a String; None where it is no row of the table."""
    row = TEXT_METHODS.get(name)
    if row is None:
        return None
    most = len(row.arguments)
    least = most - len(row.defaults)
    given = node.arguments
    if not least <= len(given) <= most:
        arguments_of(c, node, name, least, most)
        return bad(node.at) if row.result.parts else hir.Unit(row.result, node.at)
    arguments = [receiver]
    for argument, kind in zip(given, row.arguments, strict=False):
        arguments.append(check(c, argument, kind, (*ARGUMENT, node.name)))
    arguments += [hir.Str(STRING, node.at, text) for text in row.defaults[len(given) - least :]]
    if any(resolve(one.type) is ERROR for one in arguments):
        return bad(node.at)
    if row.result.parts:
        c.p.composed = True
    if isinstance(row.make, str):
        return hir.Runtime(row.result, node.at, row.make, arguments, row.traps)
    return row.make(c, node.at, arguments)


# ---------------------------------------------------------------- what takes more than one call


def _with(symbol: str, result: Type, *numbers: int) -> Make:
    """A function of the runtime with constants (of 32 bits) behind its arguments."""
    return lambda c, at, given: hir.Runtime(
        result, at, symbol, [*given, *(hir.Int(I32, at, number) for number in numbers)]
    )


def _itself(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    return given[0]


def _is(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    return hir.Compare(BOOL, at, op, left, right)


def _is_empty(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    return _is(c, at, "==", hir.Runtime(I64, at, "str_len", given), hir.Int(I64, at, 0))


def _concat(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    return joined(at, [part for one in given for part in (one.parts if isinstance(one, hir.Concat) else [one])])


def _all_parts(symbol: str) -> Make:
    """`split`: as many parts as there are."""
    return lambda c, at, given: hir.Runtime(STRINGS, at, symbol, [*given, hir.Int(I64, at, (1 << 63) - 1)])


def _splitn(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    """`splitn(n, t)`: the number comes first."""
    out: list[hir.Stmt] = []
    receiver, most, between = (in_slot(c, one, out) for one in given)
    return hir.Block(STRINGS, at, out, hir.Runtime(STRINGS, at, "str_split", [receiver, between, most]))


def _replacen(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    """`replacen(a, b, n)`: the parts between the first n, joined again."""
    out: list[hir.Stmt] = []
    receiver, old, new, most = (in_slot(c, one, out) for one in given)
    below = _is(c, at, "<", most, hir.Int(I64, at, 1))
    parts = hir.Runtime(STRINGS, at, "str_split", [receiver, old, _more(at, most)])
    again = hir.Helper(STRING, at, "join", STRINGS, [parts, new])
    return hir.Block(STRING, at, out, hir.If(STRING, at, below, receiver, again))


def _more(at: int, count: hir.Expr) -> hir.Expr:
    """One more, but not beyond the greatest number."""
    large = hir.Compare(BOOL, at, "<", count, hir.Int(I64, at, 1 << 40))
    return hir.If(
        I64,
        at,
        large,
        hir.Arithmetic(I64, at, "+", count, hir.Int(I64, at, 1)),
        hir.Int(I64, at, 1 << 40),
    )


def _case(here: str, counterpart: str) -> Make:
    """All letters are of one case, and there is one: another case would be another text."""

    def make(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
        out: list[hir.Stmt] = []
        text = in_slot(c, given[0], out)
        same = _is(c, at, "==", text, hir.Runtime(STRING, at, here, [text]))
        other = _is(c, at, "!=", text, hir.Runtime(STRING, at, counterpart, [text]))
        return hir.Block(BOOL, at, out, hir.And(BOOL, at, same, other))

    return make


def _is_whitespace(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    return _is_empty(c, at, [hir.Runtime(STRING, at, "str_trim", given)])


def _is_digit(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    return _is(c, at, ">=", hir.Runtime(I64, at, "str_digit", given), hir.Int(I64, at, 0))


def _ignoring_case(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    left, right = (hir.Runtime(STRING, at, "str_lower", [one]) for one in given)
    return _is(c, at, "==", left, right)


def _char_at(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    """Beyond the end it is empty; a negative index traps."""
    out: list[hir.Stmt] = []
    text, index = (in_slot(c, one, out) for one in given)
    end = _more(at, index)
    return hir.Block(STRING, at, out, hir.Runtime(STRING, at, "str_part", [text, index, end], traps=True))


def _char_indices(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    kind = ArrayType(TupleType((I64, STRING)))
    return hir.Helper(kind, at, "enumerate", kind, [hir.Runtime(STRINGS, at, "str_chars_array", given)])


def _matches(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    """The text as often as it is found."""
    out: list[hir.Stmt] = []
    text, wanted = (in_slot(c, one, out) for one in given)
    parts = hir.Runtime(STRINGS, at, "str_split", [text, wanted, hir.Int(I64, at, (1 << 63) - 1)])
    length = hir.Runtime(I64, at, "length", [parts])
    count = hir.Arithmetic(I64, at, "-", length, hir.Int(I64, at, 1))
    return hir.Block(STRINGS, at, out, hir.RepeatArray(STRINGS, at, wanted, count))


def _first_upper(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    """`capitalize`."""
    out: list[hir.Stmt] = []
    text = in_slot(c, given[0], out)
    first = hir.Runtime(STRING, at, "str_part", [text, hir.Int(I64, at, 0), hir.Int(I64, at, 1)], traps=True)
    rest = hir.Runtime(STRING, at, "str_part", [text, hir.Int(I64, at, 1), hir.Int(I64, at, 1 << 40)], traps=True)
    return hir.Block(STRING, at, out, joined(at, [hir.Runtime(STRING, at, "str_upper", [first]), rest]))


for _names, _row in {
    "len length": TextMethod((), I64, "str_len"),
    "is_empty": TextMethod((), BOOL, _is_empty),
    "clone as_str to_owned into to_string": TextMethod((), STRING, _itself),
    "to_upper to_uppercase upper": TextMethod((), STRING, "str_upper"),
    "to_lower to_lowercase lower": TextMethod((), STRING, "str_lower"),
    "to_ascii_uppercase": TextMethod((), STRING, "str_upper"),
    "to_ascii_lowercase": TextMethod((), STRING, "str_lower"),
    "capitalize": TextMethod((), STRING, _first_upper),
    "trim": TextMethod((), STRING, "str_trim"),
    "trim_start trim_left": TextMethod((), STRING, "str_trim_start"),
    "trim_end trim_right": TextMethod((), STRING, "str_trim_end"),
    "trim_matches": TextMethod((STRING,), STRING, _with("str_trim_matches", STRING, 3)),
    "trim_start_matches": TextMethod((STRING,), STRING, _with("str_trim_matches", STRING, 1)),
    "trim_end_matches": TextMethod((STRING,), STRING, _with("str_trim_matches", STRING, 2)),
    "contains": TextMethod((STRING,), BOOL, "str_contains"),
    "starts_with": TextMethod((STRING,), BOOL, "str_starts_with"),
    "ends_with": TextMethod((STRING,), BOOL, "str_ends_with"),
    "index_of": TextMethod((STRING,), I64, "str_find"),
    "last_index_of": TextMethod((STRING,), I64, "str_rfind"),
    "repeat": TextMethod((I64,), STRING, "str_repeat", traps=True),
    "replace": TextMethod((STRING, STRING), STRING, "str_replace"),
    "replacen": TextMethod((STRING, STRING, I64), STRING, _replacen),
    "concat": TextMethod((STRING,), STRING, _concat),
    "substring slice": TextMethod((I64, I64), STRING, "str_part", traps=True),
    "char_at": TextMethod((I64,), STRING, _char_at),
    "rev reverse": TextMethod((), STRING, "str_reverse"),
    "pad_left pad_start": TextMethod((I64, STRING), STRING, _with("str_pad", STRING, 1), defaults=(" ",)),
    "pad_right pad_end": TextMethod((I64, STRING), STRING, _with("str_pad", STRING, 0), defaults=(" ",)),
    "chars": TextMethod((), STRINGS, "str_chars_array"),
    "char_indices": TextMethod((), ArrayType(TupleType((I64, STRING))), _char_indices),
    "bytes as_bytes": TextMethod((), NUMBERS, "str_bytes"),
    "split": TextMethod((STRING,), STRINGS, _all_parts("str_split")),
    "splitn": TextMethod((I64, STRING), STRINGS, _splitn),
    "lines": TextMethod((), STRINGS, "str_lines"),
    "split_whitespace split_ascii_whitespace": TextMethod((), STRINGS, "str_words"),
    "matches": TextMethod((STRING,), STRINGS, _matches),
    "eq_ignore_ascii_case": TextMethod((STRING,), BOOL, _ignoring_case),
    "is_numeric": TextMethod((), BOOL, "str_is_numeric"),
    "is_alphabetic": TextMethod((), BOOL, "str_is_alphabetic"),
    "is_alphanumeric": TextMethod((), BOOL, "str_is_alphanumeric"),
    "is_whitespace": TextMethod((), BOOL, _is_whitespace),
    "is_uppercase": TextMethod((), BOOL, _case("str_upper", "str_lower")),
    "is_lowercase": TextMethod((), BOOL, _case("str_lower", "str_upper")),
    "is_digit": TextMethod((I64,), BOOL, _is_digit),
    "is_ascii_digit": TextMethod((), BOOL, _with("str_ascii", BOOL, 1)),
    "is_ascii_uppercase": TextMethod((), BOOL, _with("str_ascii", BOOL, 2)),
    "is_ascii_lowercase": TextMethod((), BOOL, _with("str_ascii", BOOL, 4)),
    "is_ascii_alphabetic": TextMethod((), BOOL, _with("str_ascii", BOOL, 6)),
    "is_ascii_alphanumeric": TextMethod((), BOOL, _with("str_ascii", BOOL, 7)),
    "is_ascii_hexdigit": TextMethod((), BOOL, _with("str_ascii", BOOL, 9)),
    "is_ascii_punctuation": TextMethod((), BOOL, _with("str_ascii", BOOL, 16)),
    "is_ascii_whitespace": TextMethod((), BOOL, _with("str_ascii", BOOL, 32)),
    "is_control is_ascii_control": TextMethod((), BOOL, _with("str_ascii", BOOL, 64)),
    "is_ascii": TextMethod((), BOOL, _with("str_ascii", BOOL, 128)),
}.items():
    rows(_names, _row)
