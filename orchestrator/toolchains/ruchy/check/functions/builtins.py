"""Builtin functions and macros: printing, assertions, conversions, a little mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Union

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import abilities
from orchestrator.toolchains.ruchy.check.data.display import joined, merge, text_parts
from orchestrator.toolchains.ruchy.check.data.maps import count_of
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr, handles, only_read
from orchestrator.toolchains.ruchy.check.inference.infer import (
    FLOATING,
    INTEGER,
    Var,
    narrow,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.templates import fill, pieces_of_function, pieces_of_macro
from orchestrator.toolchains.ruchy.check.inference.widths import is_number
from orchestrator.toolchains.ruchy.check.methods.mathematics import (
    absolute,
    extreme,
    power,
    rounded,
    square_root,
    to_float,
    to_integer,
)
from orchestrator.toolchains.ruchy.check.never import never_returns
from orchestrator.toolchains.ruchy.check.operators import OVERLOADED, compare
from orchestrator.toolchains.ruchy.check.scope import RANGES
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
)
from orchestrator.toolchains.ruchy.syntax import tree

Called = Union[tree.Call, tree.MacroCall]
Builtin = Callable[[Fn, Called, Want, Why], hir.Expr]

BUILTINS: dict[str, Builtin] = {}
MACROS: dict[str, Builtin] = {}
_CONDITION: Why = ("E0202", "`{0}` takes a bool, and this is {got}")


def arguments_of(c: Fn, node: Called | tree.MethodCall, name: str, least: int, most: int) -> list[hir.Expr] | None:
    """The arguments, checked; None after an error about their number."""
    if not least <= len(node.arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        plural = "" if wanted == "1" else "s"
        c.p.error("E0301", node.at, f"`{name}` takes {wanted} argument{plural}, and was given {len(node.arguments)}")
        for argument in node.arguments:
            expr(c, argument)
        return None
    return [expr(c, argument) for argument in node.arguments]


def output_parts(c: Fn, at: int, arguments: list[tree.Expr], strict: bool) -> list[hir.Expr]:
    """The strings that printing these arguments writes, to be joined. `strict`: a macro, whose template is Rust's."""
    if not arguments:
        return []
    if strict and isinstance(arguments[0], tree.StringLiteral):
        template = arguments[0]
        pieces = pieces_of_macro(c, template.at, template.value)
        return [] if pieces is None else fill(c, template.at, pieces, arguments[1:], True)
    first = expr(c, arguments[0])
    if len(arguments) > 1 and resolve(first.type) is STRING:
        if isinstance(first, hir.Str):
            pieces = pieces_of_function(c, first.value)
            if len(pieces) > 1:
                return fill(c, first.at, pieces, arguments[1:], False)
        elif not isinstance(first, hir.ToText):
            return [_template_later(c, at, first, arguments[1:])]
    parts = text_parts(c, first)
    for argument in arguments[1:]:
        parts.append(hir.Str(STRING, at, " "))
        parts += text_parts(c, expr(c, argument))
    return parts


def _template_later(c: Fn, at: int, template: hir.Expr, rest: list[tree.Expr]) -> hir.Expr:
    """A template that only run time knows."""
    values = [expr(c, argument) for argument in rest]
    kinds = sum(_kind(value) << 2 * index for index, value in enumerate(values[:32]))
    texts = [joined(value.at, text_parts(c, value)) for value in values]
    signed = kinds - (1 << 64) if kinds >> 63 else kinds
    return hir.Runtime(STRING, at, "format", [template, hir.Int(I64, at, signed), *texts])


def filled(c: Fn, at: int, template: hir.Expr, rest: list[tree.Expr]) -> hir.Expr:
    """`template.format(a, b)`: the placeholders of the function form of `println`."""
    if isinstance(template, hir.Str):
        pieces = pieces_of_function(c, template.value)
        if len(pieces) > 1:
            return joined(at, fill(c, at, pieces, rest, False))
    return _template_later(c, at, template, rest)


def _kind(value: hir.Expr) -> int:
    """1 for a number, 2 for a text: what `rt::format` asks."""
    kind = resolve(value.type)
    if kind is STRING:
        return 2
    return int(is_number(kind))


def _printer(fd: int, newline: bool) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        parts = output_parts(c, node.at, node.arguments, isinstance(node, tree.MacroCall))
        end: list[hir.Expr] = [hir.Str(STRING, node.at, "\n")] if newline else []
        return hir.Print(UNIT, node.at, fd, merge([*parts, *end]))

    return handler


def message_of(c: Fn, node: Called, arguments: list[tree.Expr]) -> hir.Expr:
    """The arguments as one text, by the rules of printing."""
    return joined(node.at, output_parts(c, node.at, arguments, isinstance(node, tree.MacroCall)))


def format_(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    return message_of(c, node, node.arguments)


def panic(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    message = message_of(c, node, node.arguments) if node.arguments else hir.Str(STRING, node.at, "panic")
    return hir.Panic(NEVER, node.at, message)


def _stop(text: str) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if not node.arguments:
            return hir.Panic(NEVER, node.at, hir.Str(STRING, node.at, text))
        parts = [hir.Str(STRING, node.at, f"{text}: "), *text_parts(c, message_of(c, node, node.arguments))]
        return hir.Panic(NEVER, node.at, joined(node.at, parts))

    return handler


def assert_(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`assert(condition, message...)`: traps where it is false."""
    if not node.arguments:
        c.p.error("E0301", node.at, "`assert` takes 1 argument or more, and was given 0")
        return bad(node.at)
    condition = check(c, node.arguments[0], BOOL, (*_CONDITION, "assert"))
    message: hir.Expr = hir.Str(STRING, node.at, "assertion failed")
    if len(node.arguments) > 1:
        said = text_parts(c, message_of(c, node, node.arguments[1:]))
        message = joined(node.at, [hir.Str(STRING, node.at, "assertion failed: "), *said])
    failed = hir.Panic(NEVER, node.at, message)
    return hir.If(UNIT, node.at, condition, hir.Unit(UNIT, node.at), failed)


_SIDES = ("#left", "#right")
"""What is compared, as a name: an operator of the program takes its second operand as a text."""


def _asserts(op: str, name: str) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if len(node.arguments) < 2:
            given = len(node.arguments)
            c.p.error("E0301", node.at, f"`{name}` takes 2 arguments or more, and was given {given}")
            return bad(node.at)
        out: list[hir.Stmt] = []
        sides = []
        mark = len(c.undo)
        for side, argument in zip(_SIDES, node.arguments[:2], strict=True):
            typed = expr(c, argument)
            if resolve(typed.type) is ERROR:
                c.leave(mark)
                return bad(node.at)
            variable = c.declare(side, typed.type, node.at)
            slot = c.slot(typed.type) if variable.slot < 0 else variable.slot
            out.append(hir.Let(slot, typed))
            local = hir.Local(typed.type, node.at, slot)
            if typed.type.__class__ is Var:
                c.p.open.pending.append(local)
            sides.append(local)
        own = OVERLOADED.comparison(c, node.at, op, sides[0], tree.Path(node.at, _SIDES[1:]))
        condition = own or compare(c, node.at, op, sides[0], sides[1])
        c.leave(mark)
        said: list[hir.Expr] = [hir.Str(STRING, node.at, "assertion failed: ")]
        if len(node.arguments) > 2:
            said += [*text_parts(c, message_of(c, node, node.arguments[2:])), hir.Str(STRING, node.at, ": ")]
        said += text_parts(c, sides[0], "?")
        said += [hir.Str(STRING, node.at, " != " if op == "==" else " == "), *text_parts(c, sides[1], "?")]
        failed = hir.Panic(NEVER, node.at, joined(node.at, said))
        test = hir.If(UNIT, node.at, condition, hir.Unit(UNIT, node.at), failed)
        return hir.Block(UNIT, node.at, out, test)

    return handler


def length(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    arguments = arguments_of(c, node, "len", 1, 1)
    if arguments is None or arguments[0].type is ERROR:
        return bad(node.at)
    kind = resolve(arguments[0].type)
    if isinstance(kind, TupleType | ObjectType):
        return hir.Block(I64, node.at, [hir.Do(arguments[0])], hir.Int(I64, node.at, len(kind.parts)))
    if isinstance(kind, MapType | SetType):
        return count_of(node.at, arguments[0])
    if not isinstance(kind, ArrayType) and not unify(kind, STRING):
        c.p.error("E0204", node.at, f"`len` takes a String, an array or a map, and this is {shown(kind)}")
        return bad(node.at)
    return hir.Runtime(I64, node.at, "length", [arguments[0]])


def _text(name: str) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        arguments = arguments_of(c, node, name, 1, 1)
        return bad(node.at) if arguments is None else joined(node.at, text_parts(c, arguments[0]))

    return handler


def empty(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    arguments = arguments_of(c, node, "String::new", 0, 0)
    return bad(node.at) if arguments is None else hir.Str(STRING, node.at, "")


def _no_elements(name: str, count: int) -> Builtin:
    """An empty array. Arrays grow well enough without a capacity."""

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        arguments = arguments_of(c, node, name, count, count)
        array = expr(c, tree.Array(node.at, []), want, why)
        return (
            bad(node.at)
            if arguments is None
            else hir.Block(array.type, node.at, [hir.Do(argument) for argument in arguments], array)
        )

    return handler


def _itself(name: str) -> Builtin:
    """What gives its argument: there are no boxes in values that are copied when they are written to."""

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if len(node.arguments) == 1:
            return expr(c, node.arguments[0], want, why)
        arguments_of(c, node, name, 1, 1)
        return bad(node.at)

    return handler


def kind_of(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`type_of(x)`: the names that the reference gives its own types."""
    arguments = arguments_of(c, node, "type_of", 1, 1)
    if arguments is None or resolve(arguments[0].type) is ERROR:
        return bad(node.at)
    kind = resolve(arguments[0].type)
    if kind in RANGES:
        name = "range"
    elif narrow(kind, INTEGER):
        name = "integer"
    elif kind.__class__ is Var:
        name = "float" if openness(kind) == FLOATING else "object"
    else:
        name = abilities(kind).type_of
    value = hir.Str(STRING, node.at, name)
    return hir.Block(STRING, node.at, [hir.Do(arguments[0])], value)


def _numeric(name: str, least: int, most: int, make: Callable[..., hir.Expr]) -> Builtin:
    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        arguments = arguments_of(c, node, name, least, most)
        if arguments is None or any(resolve(part.type) is ERROR for part in arguments):
            return bad(node.at)
        unreached = never_returns(arguments)
        if unreached is not None:
            return unreached
        return make(c, node.at, name, *arguments)

    return handler


def _array(node: tree.MacroCall) -> tree.Expr:
    """`vec![a, b]` is `[a, b]`."""
    return tree.ArrayRepeat(node.at, *node.arguments) if node.repeat else tree.Array(node.at, node.arguments)


@handles(tree.MacroCall)
def macro(c: Fn, node: tree.MacroCall, want: Want, why: Why) -> hir.Expr:
    """`name!(...)`."""
    handler = MACROS.get(node.name)
    if handler is not None:
        return handler(c, only_read(node), want, why)
    if node.name == "vec":
        return expr(c, _array(node), want, why)
    c.p.error("E0708", node.at, f"there is no macro `{node.name}!`", "call a function")
    return bad(node.at)


def _as_method(name: str, least: int, most: int) -> Builtin:
    """`name(x, y)` is `x.name(y)`."""

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if not least <= len(node.arguments) <= most:
            arguments_of(c, node, name, least, most)
            return bad(node.at)
        receiver, *rest = node.arguments
        method = "ln" if name == "log" and not rest else name
        return expr(c, tree.MethodCall(node.at, receiver, method, rest), want, why)

    return handler


def _rounded(mode: str) -> Callable[..., hir.Expr]:
    """The function form gives an integer, as in the reference."""
    return lambda c, at, name, made: rounded(c, at, name, made, mode, whole=True)


BUILTINS.update(
    {
        "println": _printer(1, newline=True),
        "print": _printer(1, newline=False),
        "eprintln": _printer(2, newline=True),
        "eprint": _printer(2, newline=False),
        "format": format_,
        "panic": panic,
        "assert": assert_,
        "assert_eq": _asserts("==", "assert_eq"),
        "assert_ne": _asserts("!=", "assert_ne"),
        "len": length,
        "str": _text("str"),
        "String::from": _text("String::from"),
        "String::new": empty,
        "Vec::new": _no_elements("Vec::new", 0),
        "Vec::with_capacity": _no_elements("Vec::with_capacity", 1),
        "Vec::from": _itself("Vec::from"),
        "VecDeque::new": _no_elements("VecDeque::new", 0),
        "VecDeque::with_capacity": _no_elements("VecDeque::with_capacity", 1),
        "VecDeque::from": _itself("VecDeque::from"),
        "Box::new": _itself("Box::new"),
        "type_of": kind_of,
        "int": _numeric("int", 1, 1, to_integer),
        "float": _numeric("float", 1, 1, to_float),
        "parse_int": _numeric("parse_int", 1, 1, to_integer),
        "parse_float": _numeric("parse_float", 1, 1, to_float),
        "abs": _numeric("abs", 1, 1, absolute),
        "min": _numeric("min", 2, 2, lambda c, at, name, a, b: extreme(c, at, name, "<=", a, b)),
        "max": _numeric("max", 2, 2, lambda c, at, name, a, b: extreme(c, at, name, ">=", a, b)),
        "sqrt": _numeric("sqrt", 1, 1, square_root),
        "pow": _numeric("pow", 2, 2, power),
        "floor": _numeric("floor", 1, 1, _rounded("floor")),
        "ceil": _numeric("ceil", 1, 1, _rounded("ceil")),
        "round": _numeric("round", 1, 1, _rounded("round")),
    }
)
BUILTINS.update({name: _as_method(name, 1, 1) for name in (
    "sin", "cos", "tan", "asin", "acos", "atan", "exp", "ln", "log10", "log2",
    "reverse", "sort", "enumerate", "sum", "product", "unique", "flatten",
)})  # fmt: skip
BUILTINS.update({name: _as_method(name, 2, 2) for name in ("atan2", "zip", "join", "split")})
BUILTINS["log"] = _as_method("log", 1, 2)
MACROS.update({name: BUILTINS[name] for name in (
    "println", "print", "eprintln", "eprint", "format", "panic", "assert", "assert_eq", "assert_ne",
)})  # fmt: skip
MACROS["todo"] = _stop("not written yet")
MACROS["unreachable"] = _stop("unreachable code was reached")
