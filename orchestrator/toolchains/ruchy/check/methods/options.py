"""Methods of `Option` and `Result` that take no function."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.data.enums import none, some
from orchestrator.toolchains.ruchy.check.data.options import chosen, good_variant, is_variant, payload
from orchestrator.toolchains.ruchy.check.data.variants import ERR, NONE, OK, SOME
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import is_number
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    in_slot,
    mutated,
    part_value,
    read_place,
    write_place,
)
from orchestrator.toolchains.ruchy.check.operators import compare
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    BoolType,
    EnumType,
    FloatType,
    IntType,
    StringType,
    TupleType,
    Type,
    is_option,
    result_of,
)
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

_ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")

Method = Callable[[Fn, tree.MethodCall, hir.Expr, EnumType, list[hir.Stmt]], hir.Expr]
"""Makes the call of a method of a value in a slot; the number of its arguments has been looked at. What has to be
computed before goes into the list."""

METHODS: dict[str, tuple[str, int, Method]] = {}
"""By name: of what (`Option`, `Result`, or "" for both), how many arguments it takes, and what makes it."""

CHANGERS = {"take": 0, "replace": 1}
"""Methods that change an `Option` where it is, by how many arguments they take."""

FUNCTIONS = words("get_or_insert_with")
"""Methods that take a function, and are to come."""


def _method(names: str, count: int, of: str = "") -> Callable[[Method], Method]:
    def register(make: Method) -> Method:
        METHODS.update(dict.fromkeys(names.split(), (of, count, make)))
        return make

    return register


def option_method(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: EnumType) -> hir.Expr:
    """`receiver.name(arguments)` of an `Option` or a `Result`."""
    name = node.name.partition("::")[0]
    of, count, make = METHODS.get(name, ("", -1, None))
    if make is not None and of in ("", kind.item):
        if len(node.arguments) != count:
            arguments_of(c, node, name, count, count)
            return bad(node.at)
        c.p.composed = True
        out: list[hir.Stmt] = []
        local = receiver if isinstance(receiver, hir.Local) else in_slot(c, receiver, out)
        typed = make(c, node, local, kind, out)
        return open_type(c, hir.Block(typed.type, node.at, out, typed)) if out else typed
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    if name in FUNCTIONS:
        not_yet(c.p, node.at, f"`{name}` with a function", plural=False)
    elif name in CHANGERS and is_option(kind):
        message = f"`{name}` changes an `Option`, and this one is no variable's: the change would be lost"
        c.p.error("E0211", node.at, message, "give it a name first: `let mut x = ...`")
    else:
        known = [one for one, (owner, _, _) in METHODS.items() if owner in ("", kind.item)]
        c.p.error("E0107", node.at, f"{shown(kind)} has no method `{name}`", did_you_mean(name, known))
    return bad(node.at)


def change_option(c: Fn, node: tree.MethodCall, place: Place, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    """`place.take()`, `place.replace(x)`: what was there, while `None` or `Some(x)` gets there."""
    mutated(c, place.variable, node.at)
    place.variable.read = c.p.composed = True
    inner = kind.arguments[0]
    new = none(inner, node.at)
    if node.arguments:
        value = part_value(c, node.arguments[0], inner, (*_ARGUMENT, node.name))
        if value.type is NEVER:
            return value
        new = hir.NewVariant(kind, node.at, SOME, [value], [0])
    before = in_slot(c, read_place(c, node.at, place), out)
    write_place(c, place, new, node.at, out)
    return before


def _argument(c: Fn, node: tree.MethodCall, kind: Type, out: list[hir.Stmt]) -> hir.Expr:
    """The argument, computed before the value is looked at."""
    typed = part_value(c, node.arguments[0], kind, (*_ARGUMENT, node.name))
    if isinstance(typed, hir.Int | hir.Float | hir.Str | hir.Local | hir.Unit) or typed.type is NEVER:
        return typed
    return typed if resolve(typed.type) is UNIT else in_slot(c, typed, out)


# ---------------------------------------------------------------- which it is


def _is(names: str, of: str, variant: int) -> None:
    @_method(names, 0, of)
    def make(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
        return is_variant(local, variant)


_is("is_some", "Option", SOME)
_is("is_none", "Option", NONE)
_is("is_ok", "Result", OK)
_is("is_err", "Result", ERR)


@_method("contains", 1)
def _contains(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    wanted = _argument(c, node, kind.arguments[0], out)
    good = good_variant(kind)
    same = compare(c, node.at, "==", payload(c, local, good, 0, kind.arguments[0]), wanted)
    return hir.And(BOOL, node.at, is_variant(local, good), same)


# ---------------------------------------------------------------- the value in it


def _taken(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, variant: int, message: hir.Expr) -> hir.Expr:
    """What this variant holds; panics with the message where it is another."""
    part = kind.arguments[0 if variant == good_variant(kind) else 1]
    stop = hir.Panic(NEVER, node.at, message)
    c.p.cut = True
    return chosen(c, node.at, part, is_variant(local, variant), payload(c, local, variant, 0, part), stop)


def _with_other(c: Fn, text: list[hir.Expr], at: int, local: hir.Expr, kind: EnumType, variant: int) -> hir.Expr:
    """A message, and behind it what the other variant holds."""
    part = kind.arguments[0 if variant == good_variant(kind) else 1]
    return joined(at, [*text, hir.Str(STRING, at, ": "), *text_parts(c, payload(c, local, variant, 0, part), "?")])


@_method("unwrap", 0)
def _unwrap(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    at = node.at
    if is_option(kind):
        return _taken(c, node, local, kind, SOME, hir.Str(STRING, at, "called `unwrap` on a `None` value"))
    text: list[hir.Expr] = [hir.Str(STRING, at, "called `unwrap` on an `Err` value")]
    return _taken(c, node, local, kind, OK, _with_other(c, text, at, local, kind, ERR))


@_method("expect", 1)
def _expect(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    text = check(c, node.arguments[0], STRING, (*_ARGUMENT, node.name))
    if is_option(kind):
        return _taken(c, node, local, kind, SOME, text)
    return _taken(c, node, local, kind, OK, _with_other(c, [text], node.at, local, kind, ERR))


@_method("unwrap_err", 0, "Result")
def _unwrap_err(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    text: list[hir.Expr] = [hir.Str(STRING, node.at, "called `unwrap_err` on an `Ok` value")]
    return _taken(c, node, local, kind, ERR, _with_other(c, text, node.at, local, kind, OK))


@_method("expect_err", 1, "Result")
def _expect_err(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    text = check(c, node.arguments[0], STRING, (*_ARGUMENT, node.name))
    return _taken(c, node, local, kind, ERR, _with_other(c, [text], node.at, local, kind, OK))


@_method("unwrap_or", 1)
def _unwrap_or(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    inner, good = kind.arguments[0], good_variant(kind)
    other = _argument(c, node, inner, out)
    return chosen(c, node.at, inner, is_variant(local, good), payload(c, local, good, 0, inner), other)


@_method("unwrap_or_default", 0)
def _or_default(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    inner, good = resolve(kind.arguments[0]), good_variant(kind)
    other = _default(c, inner, node.at)
    if other is None:
        message = f"`{node.name}` needs a type that has a default value, and this is {shown(inner)}"
        c.p.error("E0107", node.at, message, "write the value: `.unwrap_or(...)`")
        return bad(node.at)
    return chosen(c, node.at, inner, is_variant(local, good), payload(c, local, good, 0, inner), other)


def _default(c: Fn, kind: Type, at: int) -> hir.Expr | None:
    """The value that a type begins with: 0, false, "" or nothing; None where it has none."""
    if isinstance(kind, StringType):
        return hir.Str(kind, at, "")
    if isinstance(kind, FloatType):
        return hir.Float(kind, at, 0.0)
    if isinstance(kind, IntType | BoolType) or is_number(kind):
        return open_type(c, hir.Int(kind, at, 0))
    if isinstance(kind, ArrayType):
        return hir.NewArray(kind, at, [])
    return none(kind.arguments[0], at) if isinstance(kind, EnumType) and is_option(kind) else None


# ---------------------------------------------------------------- another of the kind


@_method("or", 1)
def _or(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    other = _argument(c, node, kind, out)
    return chosen(c, node.at, kind, is_variant(local, good_variant(kind)), local, other)


@_method("and", 1)
def _and(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    slot = in_slot(c, expr(c, node.arguments[0]), out)
    result = resolve(slot.type)
    if not isinstance(result, EnumType) or result.item != kind.item or result.module:
        return fit(c, slot, kind, (*_ARGUMENT, node.name), node.arguments[0])
    if is_option(kind):
        other = none(result.arguments[0], node.at)
    else:
        unify(result.arguments[1], kind.arguments[1])
        error = payload(c, local, ERR, 0, kind.arguments[1])
        other = hir.NewVariant(result, node.at, ERR, [error], [0])
    return chosen(c, node.at, result, is_variant(local, good_variant(kind)), slot, other)


@_method("ok", 0, "Result")
def _ok(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    return _as_option(c, node, local, kind, OK)


@_method("err", 0, "Result")
def _err(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    return _as_option(c, node, local, kind, ERR)


def _as_option(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, variant: int) -> hir.Expr:
    inner = kind.arguments[variant]
    typed = some(payload(c, local, variant, 0, inner))
    return chosen(c, node.at, typed.type, is_variant(local, variant), typed, none(inner, node.at))


@_method("ok_or", 1, "Option")
def _ok_or(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    error = in_slot(c, expr(c, node.arguments[0]), out)
    inner = kind.arguments[0]
    result = result_of(inner, error.type)
    typed = hir.NewVariant(result, node.at, OK, [payload(c, local, SOME, 0, inner)], [0])
    other = hir.NewVariant(result, node.at, ERR, [error], [0])
    return chosen(c, node.at, result, is_variant(local, SOME), typed, other)


@_method("flatten", 0, "Option")
def _flatten(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    inner = resolve(kind.arguments[0])
    if not isinstance(inner, EnumType) or not is_option(inner):
        c.p.error("E0107", node.at, f"{shown(kind)} has no method `flatten`: nothing in it could be missing")
        return bad(node.at)
    typed = payload(c, local, SOME, 0, inner)
    return chosen(c, node.at, inner, is_variant(local, SOME), typed, none(inner.arguments[0], node.at))


@_method("zip", 1, "Option")
def _zip(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    slot = in_slot(c, expr(c, node.arguments[0]), out)
    other = resolve(slot.type)
    if not isinstance(other, EnumType) or not is_option(other):
        return fit(c, slot, kind, (*_ARGUMENT, node.name), node.arguments[0])
    parts = (kind.arguments[0], other.arguments[0])
    pair = TupleType(parts)
    values = [payload(c, value, SOME, 0, part) for value, part in zip((local, slot), parts, strict=True)]
    typed = some(hir.NewStruct(pair, node.at, values, [0, 1]))
    both = hir.And(BOOL, node.at, is_variant(local, SOME), is_variant(slot, SOME))
    return chosen(c, node.at, typed.type, both, typed, none(pair, node.at))


@_method("clone as_ref as_mut as_deref as_deref_mut copied cloned to_owned", 0)
def _itself(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    return local


@_method("to_string", 0)
def _to_string(c: Fn, node: tree.MethodCall, local: hir.Expr, kind: EnumType, out: list[hir.Stmt]) -> hir.Expr:
    return joined(node.at, text_parts(c, local))
