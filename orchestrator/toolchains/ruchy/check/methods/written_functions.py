"""Functions that are built in and written in Ruchy, `bool`, those that change what they are lent, and `math`."""

from __future__ import annotations

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import first_value
from orchestrator.toolchains.ruchy.check.function import Fn, Want, Why, bad, check, expr
from orchestrator.toolchains.ruchy.check.functions.builtins import BUILTINS, Builtin, Called, arguments_of
from orchestrator.toolchains.ruchy.check.inference.infer import NUMBER, narrow, resolve, shown
from orchestrator.toolchains.ruchy.check.inference.widths import started
from orchestrator.toolchains.ruchy.check.lending.elements import is_plain
from orchestrator.toolchains.ruchy.check.methods.written_methods import in_ruchy
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, I64, INTEGERS, STRING, ArrayType, MapType, SetType
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.lexer import words

_STEPS = (
    '{ if __s == 0 { panic("`range` takes a step that is not 0") } let mut __r = []; let mut __i = __a; '
    "while (__s > 0 && __i < __b) || (__s < 0 && __i > __b) { __r.push(__i); __i += __s } __r }"
)
_WRITTEN: dict[str, dict[int, tuple[str, str]]] = {
    "range": {1: ("n", "(0..__n).collect()"), 2: ("a b", "(__a..__b).collect()"), 3: ("a b s", _STEPS)},
    "push": {2: ("xs x", "{ let mut __r = __xs; __r.push(__x); __r }")},
    "pop": {1: ("xs", "__xs.last()")},
}
"""By name and number of arguments: what these are called, and the block."""


def _written(name: str) -> Builtin:
    rows = _WRITTEN[name]

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        arguments = arguments_of(c, node, name, min(rows), max(rows))
        if arguments is None:
            return bad(node.at)
        names, text = rows[len(arguments)]
        return in_ruchy(
            c,
            node.at,
            text,
            dict(zip(names.split(), [started(c.p, argument) for argument in arguments], strict=True)),
            want,
        )

    return handler


_RADIX = """{
    let mut __v: TYPE = 0; let __n = SIGNED && __s.starts_with("-");
    let __d = if __n || __s.starts_with("+") { __s[1..] } else { __s };
    let __far = if __n { "number too small to fit in target type" } else { "number too large to fit in target type" };
    let mut __e = if __s == "" { "cannot parse integer from empty string" }
        else if __d == "" { "invalid digit found in string" } else { "" };
    for __c in __d.chars() { if __e == "" { match __c.to_digit(__r) {
        Some(__x) => { match __v.checked_mul(__r as TYPE) {
            Some(__m) => { match if __n { __m.checked_sub(__x as TYPE) } else { __m.checked_add(__x as TYPE) } {
                Some(__y) => { __v = __y }, None => { __e = __far } } },
            None => { __e = __far } } },
        None => { __e = "invalid digit found in string" } } } }
    if __e == "" { Ok(__v) } else { Err(__e) } }"""
_DIGITS: Why = ("E0204", "`from_str_radix` takes {want}, and this is {got}")


def _from_radix(kind: str) -> Builtin:
    """`i64::from_str_radix(text, radix)`, with the errors that Rust gives."""
    text = _RADIX.replace("TYPE", kind).replace("SIGNED", "true" if INTEGERS[kind].signed else "false")

    def handler(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
        if len(node.arguments) != 2:
            arguments_of(c, node, f"{kind}::from_str_radix", 2, 2)
            return bad(node.at)
        digits, radix = check(c, node.arguments[0], STRING, _DIGITS), check(c, node.arguments[1], I64, _DIGITS)
        return in_ruchy(c, node.at, text, {"s": digits, "r": radix}, want)

    return handler


def _truth(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`bool(x)`: whether a number is not 0, and whether a text, an array, a map holds something."""
    arguments = arguments_of(c, node, "bool", 1, 1)
    if arguments is None or resolve(arguments[0].type) is ERROR:
        return bad(node.at)
    value = started(c.p, arguments[0])
    kind = resolve(value.type)
    if kind is BOOL:
        return value
    if kind is STRING or isinstance(kind, ArrayType):
        return hir.Compare(BOOL, node.at, "!=", hir.Runtime(I64, node.at, "length", [value]), hir.Int(I64, node.at, 0))
    if isinstance(kind, MapType | SetType):
        return in_ruchy(c, node.at, "!__xs.is_empty()", {"xs": value})
    if narrow(kind, NUMBER):
        return in_ruchy(c, node.at, "__xs != 0", {"xs": value})
    c.p.error("E0204", node.at, f"`bool` takes a number, a text or an array, and this is {shown(kind)}")
    return bad(node.at)


# ---------------------------------------------------------------- `mem`


def _place(argument: tree.Expr) -> tree.Expr:
    """What is lent: `&mut x`, or a name that means a place already."""
    return argument.operand if isinstance(argument, tree.Unary) and argument.op == "&mut" else argument


def _swap(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`mem::swap(&mut a, &mut b)` is `(a, b) = (b, a)`."""
    if len(node.arguments) != 2:
        arguments_of(c, node, "swap", 2, 2)
        return bad(node.at)
    at = node.at
    first, second = (_place(argument) for argument in node.arguments)
    return expr(c, tree.Assign(at, tree.Tuple(at, [first, second]), "", tree.Tuple(at, [second, first])), want, why)


def _replace(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`mem::replace(&mut place, value)` gives what was there."""
    if len(node.arguments) != 2:
        arguments_of(c, node, "replace", 2, 2)
        return bad(node.at)
    at, place = node.at, _place(node.arguments[0])
    if not is_plain(place):
        not_yet(c.p, at, "`mem::replace` of a place with calls in it", plural=False)
        return bad(at)
    before = tree.Let(at, tree.NamePattern(at, "#before"), None, place)
    assign = tree.ExprStmt(at, tree.Assign(at, place, "", node.arguments[1]))
    return expr(c, tree.Block(at, [before, assign, tree.ExprStmt(at, tree.Path(at, ("#before",)))], at), want, why)


def _take(c: Fn, node: Called, want: Want, why: Why) -> hir.Expr:
    """`mem::take(&mut place)` gives what was there, and leaves what the type begins with."""
    if len(node.arguments) != 1 or not isinstance(node, tree.Call):
        arguments_of(c, node, "take", 1, 1)
        return bad(node.at)
    place = _place(node.arguments[0])
    kind = resolve(expr(c, place).type)
    value = first_value(kind, msgspec.structs.replace(node, arguments=[]))
    if kind is ERROR or not is_plain(place):
        value = value or tree.IntLiteral(node.at, 0)
    if value is None:
        hint = "write `mem::replace(&mut place, value)`, which says what is left"
        message = f"`mem::take` needs a type that has a default value, and this is {shown(kind)}"
        c.p.error("E0107", node.at, message, hint)
        return bad(node.at)
    return _replace(c, msgspec.structs.replace(node, arguments=[place, value]), want, why)


for _name in _WRITTEN:
    BUILTINS[_name] = _written(_name)
BUILTINS["bool"] = _truth
BUILTINS.update({f"{kind}::from_str_radix": _from_radix(kind) for kind in INTEGERS})
BUILTINS["mem::swap"] = _swap
BUILTINS["swap"] = _swap
BUILTINS["mem::replace"] = _replace
BUILTINS["mem::take"] = _take


# ---------------------------------------------------------------- `math`

_OF_MATH = words("sqrt abs pow floor ceil round min max sin cos tan asin acos atan atan2 exp ln log log10 log2")


def of_math(c: Fn, node: tree.MethodCall) -> tree.Call | None:
    """`math.sqrt(x)`, where nothing is called `math`, is `sqrt(x)`."""
    receiver = node.receiver
    if not isinstance(receiver, tree.Path) or receiver.segments != ("math",) or node.name not in _OF_MATH:
        return None
    if "math" in c.names or c.p.lookup(c.env, receiver.segments) is not None:
        return None
    return tree.Call(node.at, tree.Path(node.at, (node.name,)), node.arguments)


for _name in _OF_MATH:
    BUILTINS[f"math::{_name}"] = BUILTINS[_name]
