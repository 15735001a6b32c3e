"""Format specifications: what stands behind the `:` of a placeholder. They mean what Rust's mean."""

from __future__ import annotations

import re
from typing import NamedTuple

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER, abilities
from orchestrator.toolchains.ruchy.check.data.display import OWN_TEXT, joined, text_parts
from orchestrator.toolchains.ruchy.check.function import Fn, later
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    INTEGER,
    Var,
    narrow,
    openness,
    resolve,
    settle,
    shown,
)
from orchestrator.toolchains.ruchy.check.inference.widths import is_number
from orchestrator.toolchains.ruchy.check.types import (
    ERROR,
    I32,
    INTEGERS,
    NEVER,
    STRING,
    IntType,
    Type,
)

MOST = 65535
"""The largest width and precision."""

_COUNT = r"\d+\$|[A-Za-z_]\w*+\$|\d+"
_SPEC = re.compile(
    rf"(?:(.)?([<^>]))?([+-])?(\#)?(0(?!\$))?(?:({_COUNT}))?(?:\.({_COUNT}|\*))?(\?|[xXobeE]|[fd])?\s*+",
    re.DOTALL | re.ASCII,
)
_RADIX = {"x": 4, "X": 4 | 16, "o": 3, "b": 1}
_SIDES = {"<": 0, ">": 1, "^": 2}


class Spec(NamedTuple):
    """`width` and `precision`: a number, the name or number of an argument, `*` (the next argument), or None."""

    fill: str = " "
    align: str = ""
    plus: bool = False
    prefix: bool = False
    zeros: bool = False
    width: int | str | None = None
    precision: int | str | None = None
    kind: str = ""


PLAIN = Spec()


def read_spec(text: str) -> Spec | None:
    """The specification that a text is; None where it is none. A trailing `f` or `d` means nothing."""
    if not text:
        return PLAIN
    match = _SPEC.fullmatch(text)
    if match is None:
        return None
    fill, align, sign, prefix, zeros, width, precision, kind = match.groups()
    wide, digits = _count(width), _count(precision)
    if any(isinstance(count, int) and count > MOST for count in (wide, digits)):
        return None
    kind = "" if kind in ("f", "d", None) else kind
    return Spec(fill or " ", align or "", sign == "+", prefix is not None, zeros is not None, wide, digits, kind)


def _count(text: str | None) -> int | str | None:
    if text is None:
        return None
    return int(text[:9]) if text.isdigit() else text.removesuffix("$")


def formatted(
    c: Fn,
    typed: hir.Expr,
    spec: Spec,
    width: hir.Expr | None = None,
    precision: hir.Expr | None = None,
    *,
    bare: bool = False,
) -> list[hir.Expr]:
    """The strings that show a value by a specification. `width` and `precision`: i32s that it takes from arguments.
    `bare`: as in `text_parts`."""
    if spec == PLAIN:
        return text_parts(c, typed, bare=bare)
    kind = resolve(typed.type)
    if kind.__class__ is not Var or (openness(kind) > ANY and (spec.kind not in _RADIX or narrow(kind, INTEGER))):
        return _known(c, typed, spec, width, precision, bare)

    def decide(last: bool) -> hir.Expr | None:
        if last:
            settle(typed.type)
        if resolve(typed.type).__class__ is Var:
            return None
        typed.type = resolve(typed.type)
        return joined(typed.at, _known(c, typed, spec, width, precision, bare))

    return [later(c, typed.at, STRING, (kind,), decide)]


def count_of(c: Fn, typed: hir.Expr | None) -> hir.Expr | None:
    """A width or a precision that an argument gives, as an i32: from 0 to 65535, else it traps."""
    if typed is None:
        return None
    kind = resolve(typed.type)
    if kind is ERROR or kind is NEVER:
        return typed
    if not narrow(kind, INTEGER):
        c.p.error("E0032", typed.at, f"a width is an integer, and this is {shown(kind)}")
        return hir.Int(I32, typed.at, 0)
    return hir.Cast(I32, typed.at, hir.Cast(INTEGERS["u16"], typed.at, typed))


def _known(
    c: Fn, typed: hir.Expr, spec: Spec, width: hir.Expr | None, precision: hir.Expr | None, bare: bool
) -> list[hir.Expr]:
    at = typed.at
    kind = resolve(typed.type)
    if kind is ERROR or kind is NEVER:
        return text_parts(c, typed)
    own = OWN_TEXT.of(c, typed, kind) if spec.kind == "" else None
    if own is not None:  # a width is for its `fmt` to see to, which has none, as with `write!` in Rust
        return [own]
    if precision is None and isinstance(spec.precision, int):
        precision = hir.Int(I32, at, spec.precision)
    number = is_number(kind)
    parts: list[hir.Expr]
    by_parts = abilities(kind).show == HELPER if kind.__class__ is not Var else False
    if not _fits(spec.kind, kind) or (by_parts and precision.__class__ not in (type(None), hir.Int)):
        c.p.error(
            "E0032",
            at,
            f"`{{:{spec.kind or '.*'}}}` cannot show a value of type {shown(kind)}",
            _HINTS.get(spec.kind, ""),
        )
        return text_parts(c, typed)
    if number:
        parts = _number(c, typed, kind, spec, precision)
    elif precision is None or spec.kind == "?" or by_parts:
        parts = text_parts(c, typed, f".{spec.precision}" if precision is not None else spec.kind, bare=bare)
    else:
        parts = [hir.Runtime(STRING, at, "str_cut", [joined(at, text_parts(c, typed)), precision])]
    return _aligned(at, parts, spec, width, number)


def _aligned(at: int, parts: list[hir.Expr], spec: Spec, width: hir.Expr | None, number: bool) -> list[hir.Expr]:
    """The text with its sign, its zeros and its width; only numbers have the first two."""
    plus, zeros = spec.plus and number, spec.zeros and number
    if width is None and (spec.width or plus):
        width = hir.Int(I32, at, spec.width if isinstance(spec.width, int) else 0)
    if width is None:
        return parts
    side = _SIDES[spec.align] if spec.align else int(number)
    how = ord(spec.fill) | side << 21 | plus << 23 | zeros << 24
    return [hir.Runtime(STRING, at, "str_spec", [joined(at, parts), width, hir.Int(I32, at, how)])]


_HINTS = {
    "x": "only integers have hexadecimal digits",
    "X": "only integers have hexadecimal digits",
    "o": "only integers have octal digits",
    "b": "only integers have binary digits",
    "e": "only numbers have an exponent",
    "E": "only numbers have an exponent",
}


def _fits(letter: str, kind: Type) -> bool:
    if letter in _RADIX:
        return isinstance(kind, IntType) or kind.__class__ is Var
    return letter not in ("e", "E") or is_number(kind)


def _number(c: Fn, typed: hir.Expr, kind: Type, spec: Spec, precision: hir.Expr | None) -> list[hir.Expr]:
    at = typed.at
    if spec.kind in _RADIX:
        how = _RADIX[spec.kind] | spec.prefix << 5
        return [hir.Runtime(STRING, at, "radix", [typed, hir.Int(I32, at, how)])]
    if spec.kind in ("e", "E"):
        exact = None if precision is None else 1100  # more digits than any float has; zeros at the end do not count
        digits = precision or hir.Int(I32, at, -1)
        decimal = hir.ToText(STRING, at, typed, precision=exact)
        return [hir.Runtime(STRING, at, "str_exp", [decimal, digits, hir.Int(I32, at, ord(spec.kind))])]
    if precision is None:
        return text_parts(c, typed)
    if isinstance(precision, hir.Int):
        return [hir.ToText(STRING, at, typed, precision=precision.value)]
    return [hir.Runtime(STRING, at, "fixed", [typed, precision])]
