"""Methods that may find nothing.

Some always give an `Option` (`nth`, `get`, `find`, `strip_prefix`). In the reference `first`, `last`, `min`, `max` and
`pop` give the element and `parse` gives the number, and a program stops where there is none; in Rust they give an
`Option`, or a `Result`. Here they give that where something asks for it: `match`, `if let`, `?`, `.unwrap()`, a type.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined
from orchestrator.toolchains.ruchy.check.data.enums import none, some
from orchestrator.toolchains.ruchy.check.data.variants import ERR, OK
from orchestrator.toolchains.ruchy.check.function import Fn, Want, check, open_type
from orchestrator.toolchains.ruchy.check.inference.asked import EITHER
from orchestrator.toolchains.ruchy.check.inference.infer import resolve
from orchestrator.toolchains.ruchy.check.lending.places import Place, in_slot, read_place
from orchestrator.toolchains.ruchy.check.methods.arrays import ARGUMENT, CHANGERS, METHODS, change, method
from orchestrator.toolchains.ruchy.check.methods.mathematics import to_float, to_integer
from orchestrator.toolchains.ruchy.check.methods.text_changes import TEXT_CHANGERS, TextChange
from orchestrator.toolchains.ruchy.check.methods.texts import STRINGS, TextMethod, rows
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    FLOATS,
    I64,
    INTEGERS,
    NEVER,
    STRING,
    ArrayType,
    BoolType,
    EnumType,
    FloatType,
    IntType,
    StringType,
    TupleType,
    Type,
    is_option,
    is_result,
    option_of,
    result_of,
)
from orchestrator.toolchains.ruchy.syntax import tree

# ---------------------------------------------------------------- an element, if there is one


def _choice(c: Fn, at: int, out: list[hir.Stmt], condition: hir.Expr, value: hir.Expr) -> hir.Expr:
    """`Some(value)` if a condition holds, else `None`."""
    c.p.composed = True
    kind = resolve(value.type)
    chosen = hir.If(option_of(kind), at, condition, some(value), none(kind, at))
    return open_type(c, hir.Block(chosen.type, at, out, chosen))


def _is(at: int, op: str, left: hir.Expr, right: hir.Expr | int) -> hir.Expr:
    return hir.Compare(BOOL, at, op, left, hir.Int(I64, at, right) if isinstance(right, int) else right)


def _length(at: int, array: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, at, "length", [array])


def element_or_none(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType, want: Want) -> hir.Expr | None:
    """`first`, `last`, `min`, `max` as an `Option`; None where nobody asks for that."""
    if node.name not in EITHER or node.arguments or not isinstance(want, EnumType) or not is_option(want):
        return None
    out: list[hir.Stmt] = []
    array = in_slot(c, receiver, out)
    if node.name == "pop":
        return None
    value = METHODS[node.name][1](c, node, array, kind)
    return _choice(c, node.at, out, _is(node.at, ">", _length(node.at, array), 0), value)


def pop_or_none(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType) -> hir.Expr:
    """`pop` as an `Option`."""
    value = change(c, node, place, kind)
    present = _is(node.at, ">", _length(node.at, read_place(c, node.at, place)), 0)
    return _choice(c, node.at, [], present, value)


def asks_for_option(name: str, want: Want) -> bool:
    return name == "pop" and name in CHANGERS and isinstance(want, EnumType) and is_option(want)


@method("nth get", 1)
def _nth(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    at = node.at
    out: list[hir.Stmt] = []
    array = in_slot(c, receiver, out)
    index = in_slot(c, check(c, node.arguments[0], I64, (*ARGUMENT, node.name)), out)
    typed = open_type(c, hir.GetElement(resolve(kind.element), at, array, index, checked=False))
    present = hir.And(BOOL, at, _is(at, ">=", index, 0), _is(at, "<", index, _length(at, array)))
    return _choice(c, at, out, present, typed)


# ---------------------------------------------------------------- of a String


def _text_nth(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    out: list[hir.Stmt] = []
    text, index = (in_slot(c, one, out) for one in given)
    count = hir.Runtime(I64, at, "str_chars", [text])
    present = hir.And(BOOL, at, _is(at, ">=", index, 0), _is(at, "<", index, count))
    return _choice(c, at, out, present, hir.Runtime(STRING, at, "str_at", [text, index], traps=True))


def _position(symbol: str) -> Callable[[Fn, int, list[hir.Expr]], hir.Expr]:
    """A number that is below 0 where there is none."""

    def make(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
        out: list[hir.Stmt] = []
        slot = in_slot(c, hir.Runtime(I64, at, symbol, given), out)
        return _choice(c, at, out, _is(at, ">=", slot, 0), slot)

    return make


def _stripped(test: str, rest: str) -> Callable[[Fn, int, list[hir.Expr]], hir.Expr]:
    def make(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
        out: list[hir.Stmt] = []
        both = [in_slot(c, one, out) for one in given]
        return _choice(c, at, out, hir.Runtime(BOOL, at, test, both), hir.Runtime(STRING, at, rest, both))

    return make


def _split_once(c: Fn, at: int, given: list[hir.Expr]) -> hir.Expr:
    out: list[hir.Stmt] = []
    parts = in_slot(c, hir.Runtime(STRINGS, at, "str_split", [*given, hir.Int(I64, at, 2)]), out)
    both: list[hir.Expr] = [hir.GetElement(STRING, at, parts, hir.Int(I64, at, index)) for index in (0, 1)]
    pair = hir.NewStruct(TupleType((STRING, STRING)), at, both, [0, 1])
    return _choice(c, at, out, _is(at, "==", _length(at, parts), 2), pair)


_TEXT = option_of(STRING)
_INDEX = option_of(I64)
rows("nth get", TextMethod((I64,), _TEXT, _text_nth))
rows("find", TextMethod((STRING,), _INDEX, _position("str_find")))
rows("rfind", TextMethod((STRING,), _INDEX, _position("str_rfind")))
rows("to_digit", TextMethod((I64,), _INDEX, _position("str_digit")))
rows("strip_prefix", TextMethod((STRING,), _TEXT, _stripped("str_starts_with", "str_behind")))
rows("strip_suffix", TextMethod((STRING,), _TEXT, _stripped("str_ends_with", "str_before")))
rows("split_once", TextMethod((STRING,), option_of(TupleType((STRING, STRING))), _split_once))


def _text_pop(c: Fn, at: int, old: hir.Expr, given: list[hir.Expr], out: list[hir.Stmt]) -> tuple[hir.Expr, hir.Expr]:
    """The last character, if there is one; the text is the same without it."""
    count = in_slot(c, hir.Runtime(I64, at, "str_chars", [old]), out)
    present = _is(at, ">", count, 0)
    last = hir.Arithmetic(I64, at, "-", count, hir.Int(I64, at, 1))
    character = hir.Runtime(STRING, at, "str_at", [old, hir.Int(I64, at, -1)], traps=True)
    value = in_slot(c, _choice(c, at, [], present, character), out)
    rest = hir.Runtime(STRING, at, "str_slice", [old, hir.Int(I64, at, 0), last], traps=True)
    return hir.If(STRING, at, present, rest, old), value


TEXT_CHANGERS["pop"] = TextChange((), _TEXT, _text_pop)


# ---------------------------------------------------------------- reading


_NAMED: dict[str, Type] = {**INTEGERS, **FLOATS, "bool": BOOL, "String": STRING}


def parsed(c: Fn, node: tree.MethodCall, receiver: hir.Expr, want: Want) -> hir.Expr:
    """`s.parse()`: of the type that is wanted, `s.parse::<u8>()`: of the one that is named; else an i64. A `Result`
    where that is wanted; else bad text traps."""
    at = node.at
    named = node.name.partition("::<")[2][:-1]
    asked = isinstance(want, EnumType) and is_result(want)
    inside = resolve(want.arguments[0]) if asked and isinstance(want, EnumType) else want
    kind: Want = _NAMED.get(named) or inside
    if not isinstance(kind, IntType | FloatType | BoolType | StringType):
        kind = I64
    out: list[hir.Stmt] = []
    text = in_slot(c, receiver, out)
    value = _read(c, node, text, kind)
    if not asked:
        if kind is BOOL:
            stop = hir.Panic(NEVER, at, _cannot(at, text, "bool"))
            value = hir.If(BOOL, at, _fits(c, at, text, kind), value, stop)
        return hir.Block(value.type, at, out, value)
    c.p.composed = True
    result = result_of(value.type, STRING)
    good = hir.NewVariant(result, at, OK, [value], [0])
    name = kind.name if isinstance(kind, IntType | FloatType) else "bool"
    wrong = hir.NewVariant(result, at, ERR, [_cannot(at, text, name)], [0])
    return hir.Block(result, at, out, hir.If(result, at, _fits(c, at, text, kind), good, wrong))


def _cannot(at: int, text: hir.Expr, name: str) -> hir.Expr:
    return joined(at, [hir.Str(STRING, at, 'cannot parse "'), text, hir.Str(STRING, at, f'" as {name}')])


def _read(c: Fn, node: tree.MethodCall, text: hir.Expr, kind: Type) -> hir.Expr:
    if isinstance(kind, StringType):
        return text
    if isinstance(kind, BoolType):
        return hir.Compare(BOOL, node.at, "==", text, hir.Str(STRING, node.at, "true"))
    number = (to_float if isinstance(kind, FloatType) else to_integer)(c, node.at, "parse", text)
    return number if number.type is kind else hir.Cast(kind, node.at, number)


def _fits(c: Fn, at: int, text: hir.Expr, kind: Type) -> hir.Expr:
    """Whether a text can be read as a value of this type."""
    if isinstance(kind, StringType):
        return hir.Int(BOOL, at, 1)
    if isinstance(kind, BoolType):
        words = [hir.Compare(BOOL, at, "==", text, hir.Str(STRING, at, word)) for word in ("true", "false")]
        return hir.Or(BOOL, at, *words)
    if isinstance(kind, FloatType):
        return hir.Runtime(BOOL, at, "str_is_f64", [text])
    fitting: hir.Expr = hir.Runtime(BOOL, at, "str_is_i64", [text])
    assert isinstance(kind, IntType)
    if kind == I64 or (kind.bits == 64 and kind.signed):
        return fitting
    low = -(1 << kind.bits - 1) if kind.signed else 0
    high = (1 << kind.bits - (1 if kind.signed else 0)) - 1
    number = hir.Runtime(I64, at, "str_to_i64", [text], traps=True)
    fitting = hir.And(BOOL, at, fitting, _is(at, ">=", number, low))
    return fitting if kind.bits == 64 else hir.And(BOOL, at, fitting, _is(at, "<=", number, high))
