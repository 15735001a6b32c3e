"""Methods of arrays. Those that take a function are in `written_methods.py`."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import Fn, Why, bad, check, expr, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.builtins import arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, NUMBER, narrow, openness, resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import (
    Place,
    change_place,
    in_slot,
    mutated,
    part_value,
    read_place,
)
from orchestrator.toolchains.ruchy.check.operators import must_be_by_content
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, I64, NEVER, STRING, UNIT, ArrayType, Type
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

ARGUMENT: Why = ("E0204", "`{0}` takes {want}, and this is {got}")

Method = Callable[[Fn, tree.MethodCall, hir.Expr, ArrayType], hir.Expr]
"""Makes the call of a method of an array; the number of its arguments has been looked at."""
Changer = Callable[[Fn, tree.MethodCall, Place, ArrayType, list[hir.Stmt]], hir.Expr]
"""The same for a method that changes the array where it is; gives the value of the call."""

METHODS: dict[str, tuple[int, Method]] = {}
"""By name: how many arguments it takes, and what makes it."""
CHANGERS: dict[str, tuple[int, Changer]] = {}

FUNCTIONS = words("dedup_by dedup_by_key")
"""Methods that take a function, and are to come."""


_OTHER_WORDS = {
    "add": "push(x)",
    "append_all": "extend(xs)",
    "includes": "contains(x)",
    "has": "contains(x)",
    "size": "len()",
    "shift": "remove(0)",
    "unshift": "insert(0, x)",
    "isEmpty": "is_empty()",
    "at": "get(i)",
}
"""What other languages call it, and what it is here."""


def method(names: str, count: int) -> Callable[[Method], Method]:
    """Registers the function behind it as what makes methods of these names."""

    def register(make: Method) -> Method:
        METHODS.update(dict.fromkeys(names.split(), (count, make)))
        return make

    return register


def changer(names: str, count: int) -> Callable[[Changer], Changer]:
    """The same for methods that change the array."""

    def register(make: Changer) -> Changer:
        CHANGERS.update(dict.fromkeys(names.split(), (count, make)))
        return make

    return register


def array_method(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    """`receiver.name(arguments)` of a value that is an array."""
    name = node.name.partition("::")[0]
    if name == "concat" and not node.arguments:  # of arrays, or of texts
        text = resolve(kind.element) is STRING
        between: list[tree.Expr] = [tree.StringLiteral(node.at, "")] if text else []
        name, node = "join" if text else "flatten", tree.MethodCall(node.at, node.receiver, node.name, between)
    method = METHODS.get(name)
    if method is not None:
        count, make = method
        if len(node.arguments) == count:
            return make(c, node, receiver, kind)
        arguments_of(c, node, name, count, count)
        return bad(node.at)
    for argument in node.arguments:
        if not isinstance(argument, tree.Lambda):
            expr(c, argument)
    if name in CHANGERS:
        message = f"`{name}` changes an array, and this one is no variable's: the change would be lost"
        c.p.error("E0211", node.at, message, "give it a name first: `let mut xs = ...`")
    elif name in FUNCTIONS:
        c.p.error("E0720", node.at, f"`{name}` is not supported yet", "write a loop: `for x in xs { ... }`")
    else:
        instead = _OTHER_WORDS.get(name)
        hint = f"write `{instead}`" if instead else did_you_mean(name, [*METHODS, *CHANGERS])
        c.p.error("E0107", node.at, f"{shown(kind)} has no method `{name}`", hint)
    return bad(node.at)


def change(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType) -> hir.Expr:
    """`place.name(arguments)` where the name is one of `CHANGERS`."""
    name = node.name
    count, make = CHANGERS[name]
    if len(node.arguments) != count:
        arguments_of(c, node, name, count, count)
        return bad(node.at)
    mutated(c, place.variable, node.at)
    place.variable.read = True
    out: list[hir.Stmt] = []
    value = make(c, node, place, kind, out)
    return hir.Block(value.type, node.at, out, value) if out else value


# ---------------------------------------------------------------- changes


@changer("push", 1)
def _push(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    value = part_value(c, node.arguments[0], kind.element, (*ARGUMENT, node.name))
    if value.type is NEVER:
        return value
    change_place(c, place, "push", [value], node.at, out)
    return hir.Unit(UNIT, node.at)


@changer("pop", 0)
def _pop(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    """The last element, which there must be."""
    last = hir.Int(I64, node.at, -1)
    typed = hir.GetElement(resolve(kind.element), node.at, read_place(c, node.at, place), last)
    value = in_slot(c, typed, out)
    change_place(c, place, "arr_shorten", [], node.at, out)
    return value


@changer("extend", 1)
def _extend(c: Fn, node: tree.MethodCall, place: Place, kind: ArrayType, out: list[hir.Stmt]) -> hir.Expr:
    value = _array_argument(c, node, kind)
    change_place(c, place, "arr_append", [value], node.at, out)
    return hir.Unit(UNIT, node.at)


# ---------------------------------------------------------------- what looks at an array


def _length(at: int, receiver: hir.Expr) -> hir.Expr:
    return hir.Runtime(I64, at, "length", [receiver])


@method("len length count", 0)
def _len(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _length(node.at, receiver)


@method("is_empty", 0)
def _is_empty(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return hir.Compare(BOOL, node.at, "==", _length(node.at, receiver), hir.Int(I64, node.at, 0))


@method("first", 0)
def _first(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return open_type(c, hir.GetElement(resolve(kind.element), node.at, receiver, hir.Int(I64, node.at, 0)))


@method("last", 0)
def _last(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return open_type(c, hir.GetElement(resolve(kind.element), node.at, receiver, hir.Int(I64, node.at, -1)))


@method("contains", 1)
def _contains(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    wanted = _element(c, node, kind)
    must_be_by_content(c, node.at, node.name, kind.element)
    typed = hir.Helper(I64, node.at, "index_of", kind, [receiver, wanted])
    return hir.Compare(BOOL, node.at, ">=", typed, hir.Int(I64, node.at, 0))


def _element(c: Fn, node: tree.MethodCall, kind: ArrayType) -> hir.Expr:
    """An argument of the type of the elements."""
    return part_value(c, node.arguments[0], kind.element, (*ARGUMENT, node.name))


@method("iter iter_mut into_iter by_ref peekable collect cloned copied to_vec clone to_owned as_slice", 0)
def _itself(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return receiver


@method("to_string", 0)
def _to_string(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return hir.ToText(STRING, node.at, receiver)


@method("join", 1)
def _join(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    between = check(c, node.arguments[0], STRING, (*ARGUMENT, node.name))
    return hir.Helper(STRING, node.at, "join", kind, [receiver, between])


@method("sum", 0)
def _sum(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _folded(c, node, receiver, kind, "+", 0)


@method("product", 0)
def _product(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    return _folded(c, node, receiver, kind, "*", 1)


def _folded(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType, op: str, first: int) -> hir.Expr:
    """All numbers of an array added, or multiplied: in place, because it may trap."""
    at, element = node.at, resolve(kind.element)
    if element is ERROR or not narrow(element, NUMBER):
        if element is not ERROR:
            c.p.error("E0255", at, f"`{node.name}` needs an array of numbers, and this is {shown(kind)}")
        return bad(at)
    out: list[hir.Stmt] = []
    array = in_slot(c, receiver, out)
    total = in_slot(c, open_type(c, hir.Int(element, at, first)), out)
    counter = c.slot(I64)
    typed = open_type(c, hir.GetElement(element, at, array, hir.Local(I64, at, counter), checked=False))
    value = open_type(c, hir.Arithmetic(element, at, op, total, typed))
    c.counter += 1
    assert isinstance(total, hir.Local)
    body = hir.Block(UNIT, at, [hir.Store(total.slot, [], value, at)], hir.Unit(UNIT, at))
    length = _length(at, array)
    loop = hir.ForRange(UNIT, at, c.counter - 1, counter, hir.Int(I64, at, 0), length, inclusive=False, body=body)
    return open_type(c, hir.Block(element, at, [*out, hir.Do(loop)], total))


# ---------------------------------------------------------------- new arrays


@method("concat append", 1)
def _concat(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    other = _array_argument(c, node, kind)
    return hir.Runtime(kind, node.at, "arr_concat", [receiver, other])


def _array_argument(c: Fn, node: tree.MethodCall, kind: ArrayType) -> hir.Expr:
    """An argument that is an array of the same type. E0204 says what a single element is put in by."""
    typed = expr(c, node.arguments[0], kind)
    given = resolve(typed.type)
    if isinstance(given, ArrayType) or given is NEVER or given is ERROR or openness(given) == ANY:
        return fit(c, typed, kind, (*ARGUMENT, node.name), node.arguments[0])
    message = f"`{node.name}` takes {shown(kind)}, and this is {shown(given)}"
    c.p.error("E0204", node.at, message, "one element is put in by `push(x)`, or `xs + [x]`")
    return bad(node.at)


@method("slice", 2)
def _slice(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    start, end = (check(c, argument, I64, (*ARGUMENT, node.name)) for argument in node.arguments)
    return _part(node.at, receiver, kind, start, end)


@method("take", 1)
def _take(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    end = check(c, node.arguments[0], I64, (*ARGUMENT, node.name))
    return _part(node.at, receiver, kind, hir.Int(I64, node.at, 0), end)


@method("skip", 1)
def _skip(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    start = check(c, node.arguments[0], I64, (*ARGUMENT, node.name))
    return _part(node.at, receiver, kind, start, hir.Int(I64, node.at, (1 << 63) - 1))


def _part(at: int, receiver: hir.Expr, kind: Type, start: hir.Expr, end: hir.Expr) -> hir.Expr:
    return hir.Runtime(kind, at, "arr_part", [receiver, start, end])


@method("reverse rev", 0)
def _reverse(c: Fn, node: tree.MethodCall, receiver: hir.Expr, kind: ArrayType) -> hir.Expr:
    """A copy that is turned round where it is."""
    out: list[hir.Stmt] = []
    held = in_slot(c, receiver, out)
    assert isinstance(held, hir.Local)
    return hir.Block(kind, node.at, [*out, hir.Change(held.slot, [], "arr_reverse", [], node.at)], held)
