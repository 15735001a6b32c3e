"""Operators: arithmetic, bits, comparisons, logic. Chains are walked down their left spine, however long."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import is_comparable
from orchestrator.toolchains.ruchy.check.data.display import extend, joined, plain_parts
from orchestrator.toolchains.ruchy.check.data.enums import discriminant
from orchestrator.toolchains.ruchy.check.data.options import or_else
from orchestrator.toolchains.ruchy.check.function import (
    Fn,
    Want,
    Why,
    bad,
    check,
    expr,
    fit,
    handles,
    later,
    open_type,
)
from orchestrator.toolchains.ruchy.check.functions.pipelines import piped
from orchestrator.toolchains.ruchy.check.inference.annotations import type_of
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    ELEMENT,
    FLOATING,
    INTEGER,
    NUMBER,
    WHOLE,
    Decision,
    Var,
    fresh,
    narrow,
    openness,
    resolve,
    shown,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import holds, meet, open_pair
from orchestrator.toolchains.ruchy.check.passes import Pass, check_range
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I64,
    INTEGERS,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    ErrorType,
    FloatType,
    IntType,
    NeverType,
    StructType,
    Type,
)
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.literals import LARGEST

_LOGIC: Why = ("E0207", "`{0}` needs bool on both sides, and this is {got}")
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_BITS = frozenset(("&", "|", "^"))
_AS_THEY_ARE = (WHOLE, ELEMENT)
"""Open types that a literal beside them takes, and does not change."""


@handles(tree.IntLiteral)
def integer(c: Fn, node: tree.IntLiteral, want: Want, why: Why) -> hir.Expr:
    return whole(c, node.at, node.value, node.suffix, want)


def whole(c: Fn, at: int, value: int, suffix: str, want: Want) -> hir.Expr:
    """An integer literal, of the type that its context asks for."""
    if suffix:
        kind = INTEGERS.get(suffix)
        if kind is None:
            not_yet(c.p, at, f"`{suffix}`", plural=False)
            return bad(at)
        check_range(c.p, at, value, kind)
        return hir.Int(kind, at, value)
    wanted = resolve(want) if want.__class__ is Var else want  # type: ignore[arg-type]
    if wanted is I64:
        if not -LARGEST <= value <= LARGEST:
            check_range(c.p, at, value, I64)
        return hir.Int(I64, at, value)
    if isinstance(wanted, FloatType):
        return hir.Float(wanted, at, float(value))
    if isinstance(wanted, IntType):
        check_range(c.p, at, value, wanted)
        return hir.Int(wanted, at, value)
    may = openness(wanted)
    takes = wanted is not None and may >= NUMBER and (may in _AS_THEY_ARE or narrow(wanted, INTEGER))
    typed = hir.Int(wanted if wanted is not None and takes else fresh(INTEGER), at, value)
    c.p.open.pending.append(typed)
    c.p.open.literals.append((typed, value))
    return typed


@handles(tree.FloatLiteral)
def floating(c: Fn, node: tree.FloatLiteral, want: Want, why: Why) -> hir.Expr:
    return fraction(c, node.at, node.value, want)


def fraction(c: Fn, at: int, value: float, want: Want) -> hir.Expr:
    """A float literal: f64, or f32 where its context asks for that."""
    if isinstance(want, FloatType):
        return hir.Float(cast("Type", want), at, value)
    typed = hir.Float(fresh(3), at, value)
    c.p.open.pending.append(typed)
    return typed


@handles(tree.BoolLiteral)
def boolean(c: Fn, node: tree.BoolLiteral, want: Want, why: Why) -> hir.Expr:
    return hir.Int(BOOL, node.at, 1 if node.value else 0)


@handles(tree.CharLiteral)
def character(c: Fn, node: tree.CharLiteral, want: Want, why: Why) -> hir.Expr:
    """A string of one character."""
    return hir.Str(STRING, node.at, node.value)


@handles(tree.StringLiteral)
def string(c: Fn, node: tree.StringLiteral, want: Want, why: Why) -> hir.Expr:
    return hir.Str(STRING, node.at, node.value)


class _Overloaded:
    """Operators that are methods of a type; `methods/overloaded.py` enters them, which is made of what is here."""

    operation: Callable[[Fn, int, str, hir.Expr, list[tree.Expr]], hir.Expr | None]
    comparison: Callable[[Fn, int, str, hir.Expr, tree.Expr], hir.Expr | None]
    passed_over: Callable[[Pass, Type], str]


OVERLOADED = _Overloaded()


@handles(tree.Binary)
def binary(c: Fn, node: tree.Binary, want: Want, why: Why) -> hir.Expr:
    chain = [node]
    left: tree.Expr = node.left
    while isinstance(left, tree.Binary):
        chain.append(left)
        left = left.left
    lowest = chain[-1]
    logic = lowest.op == "&&" or lowest.op == "||"
    typed = check(c, left, BOOL, (*_LOGIC, lowest.op)) if logic else expr(c, left)
    for part in reversed(chain):
        op = part.op
        if op == "&&" or op == "||":
            typed = _logic(c, part, typed)
        elif op in _COMPARISONS:
            own = OVERLOADED.comparison(c, part.at, op, typed, part.right) if _may_overload(typed) else None
            typed = own or compare(c, part.at, op, typed, right_of(c, part.right, resolve(typed.type)))
        elif op == "??":
            typed = or_else(c, part.at, typed, part.right)
        elif op == "|>":
            typed = piped(c, part.at, typed, part.right, want if part is node else None)
        else:
            typed = arithmetic(c, part.at, op, typed, part.right)
    return typed


def _logic(c: Fn, node: tree.Binary, left: hir.Expr) -> hir.Expr:
    why = (*_LOGIC, node.op)
    if left.type is not BOOL:
        left = fit(c, left, BOOL, why, node.left)
    right = check(c, node.right, BOOL, why)
    operator = hir.And if node.op == "&&" else hir.Or
    return operator(BOOL, node.at, left, right)


def right_of(c: Fn, node: tree.Expr, left: Type) -> hir.Expr:
    """The right operand; a literal takes the left one's type at once."""
    if isinstance(node, tree.IntLiteral):
        return whole(c, node.at, node.value, node.suffix, _beside(left, node.value))
    if isinstance(node, tree.Unary) and node.op == "-" and isinstance(node.operand, tree.IntLiteral):
        return _negate(c, node, _beside(left, -node.operand.value))
    if isinstance(node, tree.FloatLiteral):
        return fraction(c, node.at, node.value, left)
    return expr(c, node)


def _beside(left: Type, value: int) -> Want:
    """The type of a literal beside a value of type `left`: the same, or i64 where that is too narrow for it."""
    if isinstance(left, IntType):
        return cast("Type", left if left.bits == 64 or holds(left, value) else I64)
    return left if isinstance(left, FloatType) or openness(left) in _AS_THEY_ARE else None


def _may_overload(typed: hir.Expr) -> bool:
    return isinstance(resolve(typed.type), StructType | EnumType)


def arithmetic(c: Fn, at: int, op: str, left: hir.Expr, node: tree.Expr) -> hir.Expr:
    """`left op node`; both numbers of one type, but for strings and for the right side of `**` and shifts."""
    kind = resolve(left.type)
    if _may_overload(left):
        own = OVERLOADED.operation(c, at, op, left, [node])
        if own is not None:
            return own
    if op == "**" or op == "<<" or op == ">>":
        return _scaled(c, at, op, left, expr(c, node), node)
    right = right_of(c, node, kind if op != "*" or kind is not STRING else I64)
    other = resolve(right.type)
    if kind is other and (isinstance(kind, IntType) or (isinstance(kind, FloatType) and op not in _BITS)):
        return hir.Arithmetic(kind, at, op, left, right)
    return combine(c, at, op, left, right, False) or _undecided(c, at, op, left, right)


def _undecided(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    waits = (left.type, right.type)
    return later(c, at, fresh(), waits, lambda last: combine(c, at, op, left, right, last))


def combine(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr, last: bool) -> hir.Expr | None:
    """The general case; None where the operands' types must be known first (and it is not the last chance)."""
    a = resolve(left.type)
    b = resolve(right.type)
    if a is ERROR or b is ERROR:
        return bad(at)
    if op == "+" and (a is STRING or b is STRING):
        return _join(c, at, left, right)
    if op == "+" and (isinstance(a, ArrayType) or isinstance(b, ArrayType)):
        joined_arrays = _arrays(c, at, left, right)
        if joined_arrays is not None:
            return joined_arrays
    if op == "*" and a is STRING and narrow(b, INTEGER):
        return hir.Runtime(STRING, at, "str_repeat", [left, _as_i64(right)], traps=True)
    if not last and _may_be_text(op, a, b):
        return None
    if a is NEVER or b is NEVER:
        kind = b if a is NEVER else a
        return open_type(c, hir.Arithmetic(kind, at, op, left, right))
    met = meet(c.p, left, right)
    if met is not None:
        left, right = met
    if (met is not None or unify(a, b)) and narrow(left.type, INTEGER if op in _BITS else NUMBER):
        return open_type(c, hir.Arithmetic(left.type, at, op, left, right))
    c.p.error("E0207", at, _misfit(op, a, b), _hint_for(op, a, b, left, right))
    return bad(at)


def _may_be_text(op: str, a: Type, b: Type) -> bool:
    """Whether `+` may join texts, or `*` repeat one, once more is known."""
    return (op in ("+", "*") and openness(a) == ANY) or (op == "+" and openness(b) == ANY)


def _join(c: Fn, at: int, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    if isinstance(left, hir.Concat):  # made here, by the `+` before this one: a chain of them is one
        extend(left.parts, plain_parts(c, right))
        return left
    return joined(at, [*plain_parts(c, left), *plain_parts(c, right)])


def _arrays(c: Fn, at: int, left: hir.Expr, right: hir.Expr) -> hir.Expr | None:
    """`a + b` of two arrays, whose elements are of one type; None where they are not."""
    if not unify(left.type, right.type):
        return None
    return hir.Runtime(resolve(left.type), at, "arr_concat", [left, right])


def _as_i64(typed: hir.Expr) -> hir.Expr:
    return typed if unify(typed.type, I64) else hir.Cast(I64, typed.at, typed)


def _misfit(op: str, a: Type, b: Type) -> str:
    if op in _BITS:
        return f"`{op}` needs two integers of one type, and these are {shown(a)} and {shown(b)}"
    return f"`{op}` needs two numbers of one type, and these are {shown(a)} and {shown(b)}"


def _one_number(a: str, b: str, left: hir.Expr, right: hir.Expr) -> str:
    """How two numbers become of one type: literals are written as floats, the narrower one is converted."""
    if (a[0] == "f") != (b[0] == "f"):
        whole_side = right if a[0] == "f" else left
        if isinstance(whole_side, hir.Int):
            return f"write `{whole_side.value}.0`"
        return f"convert the integer with `as {a if a[0] == 'f' else b}`"
    return f"convert the {a if a[0] == 'u' else b} with `as i64`"


def _hint_for(op: str, a: Type, b: Type, left: hir.Expr, right: hir.Expr) -> str:
    if a is BOOL and b is BOOL and op in _BITS:
        return f"for truth values write `{op}{op}`" if op != "^" else "for truth values write `!=`"
    compared = right if b is BOOL else left
    if op in _BITS and isinstance(compared, hir.Compare):
        return f"`{compared.op}` binds tighter than `{op}`: write `(... {op} ...) {compared.op} ...`"
    numbers = (IntType, FloatType, Var)
    if a.__class__ in numbers and b.__class__ in numbers:
        return _one_number(shown(a), shown(b), left, right)
    if op == "+" and isinstance(a, ArrayType):
        return "an array is joined to an array: `xs + [x]`"
    if op == "*" and b is STRING and a.__class__ in numbers:
        return "the string stands on the left: `text * 3`"
    return ""


def _scaled(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr, node: tree.Expr) -> hir.Expr:
    """`**`, `<<`, `>>`: the type is the left one's, the right one is an integer, for `**` of a float a number."""
    a = resolve(left.type)
    b = resolve(right.type)
    if a is ERROR or b is ERROR:
        return bad(at)
    if a is NEVER or b is NEVER:
        return open_type(c, hir.Arithmetic(b if a is NEVER else a, at, op, left, right))
    if op == "**" and (is_float(a) or is_float(b)):
        met = meet(c.p, left, right)
        if met is None and not unify(a, b):
            c.p.error("E0207", at, _misfit(op, a, b), _hint_for(op, a, b, left, right))
            return bad(at)
        left, right = met or (left, right)
        return open_type(c, hir.Arithmetic(left.type, at, op, left, right))
    if op == "**":
        met = open_pair(c.p, left, right)
        if met is not None:
            return open_type(c, hir.Arithmetic(met[0].type, at, op, *met))
    if narrow(a, INTEGER) and narrow(b, INTEGER):
        return open_type(c, hir.Arithmetic(a, at, op, left, right))
    what = "an integer on the right" if narrow(a, INTEGER) else "numbers" if op == "**" else "integers"
    c.p.error(
        "E0207", at, f"`{op}` needs {what}, and these are {shown(a)} and {shown(b)}", _hint_for(op, a, b, left, right)
    )
    return bad(at)


def is_float(kind: Type) -> bool:
    return isinstance(kind, FloatType) or openness(kind) == FLOATING


def compare(c: Fn, at: int, op: str, left: hir.Expr, right: hir.Expr) -> hir.Expr:
    """`left op right` of two values of one type."""
    a = resolve(left.type)
    b = resolve(right.type)
    if a is b and isinstance(a, IntType):
        return hir.Compare(BOOL, at, op, left, right)
    if a is ERROR or b is ERROR:
        return hir.Compare(BOOL, at, op, left, right)
    if (met := meet(c.p, left, right)) is not None:
        left, right = met
        a = resolve(left.type)
    elif not unify(a, b):
        hint = _hint_for(op, a, b, left, right)
        if a.__class__ in (IntType, Var) and b is STRING:
            hint = "compare texts, with `.to_string()`, or numbers, with `.parse()`"
        c.p.error("E0208", at, f"`{op}` compares two values of one type, and these are {shown(a)} and {shown(b)}", hint)
        return hir.Compare(BOOL, at, op, left, right)
    _comparable(c, at, op, a)
    return hir.Compare(BOOL, at, op, left, right)


def _comparable(c: Fn, at: int, op: str, kind: Type) -> None:
    """E0208 for what has no order (structs) or cannot be compared at all (unit)."""
    resolved = resolve(kind)
    if resolved.__class__ is Var:
        if openness(resolved) == ANY:
            c.p.open.late.append(Decision(lambda last: _comparable_later(c, at, op, resolved, last), (resolved,)))
        return
    if resolved.__class__ not in (NeverType, ErrorType) and not is_comparable(resolved, op):
        hint = "compare their parts" if resolved.parts else ""
        c.p.error("E0208", at, f"`{op}` cannot compare values of type {shown(resolved)}", hint)
    else:
        must_be_by_content(c, at, op, resolved)


def must_be_by_content(c: Fn, at: int, name: str, kind: Type) -> None:
    """E0208 where what compares by content would pass over an `eq` of the program: an operator, or a method."""
    resolved = resolve(kind)
    if openness(resolved) == ANY:

        def decide(last: bool) -> bool:
            if openness(resolve(resolved)) == ANY:
                return last
            must_be_by_content(c, at, name, resolved)
            return True

        c.p.open.late.append(Decision(decide, (resolved,)))
    elif resolved.__class__ is not Var and (resolved.parts or isinstance(resolved, StructType | EnumType)):
        passed_over = OVERLOADED.passed_over(c.p, resolved)
        if passed_over:
            hint = "compare the values in it one by one"
            c.p.error("E0208", at, f"`{name}` compares by content: {passed_over}", hint)


def _comparable_later(c: Fn, at: int, op: str, kind: Type, last: bool) -> bool:
    known = resolve(kind)
    if known.__class__ is Var:
        return last or openness(known) != ANY
    _comparable(c, at, op, kind)
    return True


@handles(tree.Unary)
def unary(c: Fn, node: tree.Unary, want: Want, why: Why) -> hir.Expr:
    op, operand = node.op, node.operand
    if op == "-":
        return _negate(c, node, want)
    if op == "&mut":
        message = "nothing could be written through this `&mut`: no place has this as its name"
        c.p.error("E0231", node.at, message, "write `let r = &mut place`, or leave it out: the value is copied")
        return bad(node.at)
    if op == "!":
        typed = expr(c, operand, BOOL, ("E0207", "`!` needs bool, and this is {got}"))
        if not unify(typed.type, BOOL):
            hint = "for all bits of an integer write `~`" if narrow(typed.type, INTEGER) else ""
            c.p.error("E0207", node.at, f"`!` needs bool, and this is {shown(typed.type)}", hint)
        return hir.Not(BOOL, node.at, typed)
    typed = expr(c, operand, None if want is None or op != "+" else want, why)
    if op == "~":
        if typed.type is ERROR or typed.type is NEVER:
            return typed
        if not narrow(typed.type, INTEGER):
            c.p.error("E0207", node.at, f"`~` needs an integer, and this is {shown(typed.type)}")
            return bad(node.at)
        return open_type(c, hir.BitNot(typed.type, node.at, typed))
    if op == "+" and typed.type is not NEVER and not narrow(typed.type, NUMBER):
        c.p.error("E0207", node.at, f"`+` needs a number, and this is {shown(typed.type)}")
        return bad(node.at)
    return typed


def _negate(c: Fn, node: tree.Unary, want: Want) -> hir.Expr:
    operand = node.operand
    if isinstance(operand, tree.IntLiteral):
        literal = operand
        return whole(c, node.at, -literal.value, literal.suffix, want)
    if isinstance(operand, tree.FloatLiteral):
        return fraction(c, node.at, -operand.value, want)
    typed = expr(c, operand)
    kind = resolve(typed.type)
    if kind is ERROR or kind is NEVER:
        return typed
    own = OVERLOADED.operation(c, node.at, "neg", typed, []) if _may_overload(typed) else None
    if own is not None:
        return own
    if not narrow(kind, NUMBER) or (isinstance(kind, IntType) and not kind.signed):
        c.p.error("E0207", node.at, f"`-` needs a number that can be negative, and this is {shown(kind)}")
        return bad(node.at)
    return open_type(c, hir.Negate(kind, node.at, typed))


@handles(tree.Cast)
def cast_to(c: Fn, node: tree.Cast, want: Want, why: Why) -> hir.Expr:
    """`operand as Type`: between numbers, from a bool or a text of one character to an integer, from that to char."""
    target = type_of(c.p, c.env, node.target)
    typed = expr(c, node.operand)
    source = resolve(typed.type)
    if target is ERROR or source is ERROR:
        return bad(node.at)
    if source is target or source is NEVER:
        return typed
    cast = _cast(c, node, typed, source, target)
    if cast is not None:
        return cast
    message = f"`as` cannot make {shown(target)} of {shown(source)}"
    c.p.error("E0209", node.at, message, _hint_for_cast(source, target, _is_char(node.target)))
    return bad(node.at)


def _cast(c: Fn, node: tree.Cast, typed: hir.Expr, source: Type, target: Type) -> hir.Expr | None:
    """The cast, None where there is none between these types."""
    number = source.__class__ in (IntType, FloatType) or (source.__class__ is Var and narrow(source, NUMBER))
    to_number = target.__class__ in (IntType, FloatType)
    if number and to_number:
        if isinstance(typed, hir.Int) and source.__class__ is Var and isinstance(target, IntType):
            return _literal_cast(c, typed, target, node.at)
        return hir.Cast(target, node.at, typed)
    if isinstance(target, IntType) and (number_of := discriminant(c, typed, source, target, node.at)) is not None:
        return number_of
    if isinstance(target, IntType) and source is BOOL:
        return hir.Cast(target, node.at, typed)
    if isinstance(target, IntType) and source is STRING and not isinstance(node.operand, tree.StringLiteral):
        return _code_point(c, node, typed, target)
    if target is STRING and _is_char(node.target):
        if isinstance(typed, hir.Int) and source.__class__ is Var and 0 <= typed.value < 0xD800:
            unify(source, I64)
            return hir.Str(STRING, node.at, chr(typed.value))
        if narrow(source, INTEGER):
            return _character(c, node.at, typed)
    return None


def _character(c: Fn, at: int, typed: hir.Expr) -> hir.Expr:
    """The text of one code point; a number that is none traps."""
    if resolve(typed.type) == INTEGERS["u8"]:
        return hir.Runtime(STRING, at, "char_to_str", [typed])
    slot = c.slot(I64)
    local = hir.Local(I64, at, slot)
    low = hir.Compare(BOOL, at, "<", local, hir.Int(I64, at, 0xD800))
    high = hir.Compare(BOOL, at, ">", local, hir.Int(I64, at, 0xDFFF))
    bounds = [hir.Compare(BOOL, at, op, local, hir.Int(I64, at, end)) for op, end in ((">=", 0), ("<=", 0x10FFFF))]
    test = hir.And(BOOL, at, hir.And(BOOL, at, *bounds), hir.Or(BOOL, at, low, high))
    stop = hir.Panic(NEVER, at, hir.Str(STRING, at, "cast does not fit in char"))
    value = typed if resolve(typed.type) == I64 else hir.Cast(I64, at, typed)
    out: list[hir.Stmt] = [hir.Let(slot, value), hir.Do(hir.If(UNIT, at, test, hir.Unit(UNIT, at), stop))]
    code = hir.Cast(INTEGERS["u32"], at, hir.Local(I64, at, slot))
    return hir.Block(STRING, at, out, hir.Runtime(STRING, at, "char_to_str", [code]))


def _is_char(node: tree.Type) -> bool:
    """Whether the word `char` is written: no other name of the type is one of a single character."""
    return isinstance(node, tree.NamedType) and node.path == ("char",)


def _code_point(c: Fn, node: tree.Cast, typed: hir.Expr, target: IntType) -> hir.Expr:
    """The code point of a text of one character; any other text traps."""
    at, kind = node.at, INTEGERS["u32"]
    if isinstance(typed, hir.Str) and len(typed.value) == 1:
        code: hir.Expr = hir.Int(kind, at, ord(typed.value))
    else:
        slot = c.slot(kind)
        local = hir.Local(kind, at, slot)
        message = hir.Str(STRING, at, f"cast does not fit in {shown(target)}: the text is not one character")
        test = hir.Compare(BOOL, at, "<", local, hir.Int(kind, at, 0x110000))
        guard = hir.If(UNIT, at, test, hir.Unit(UNIT, at), hir.Panic(NEVER, at, message))
        code = hir.Block(kind, at, [hir.Let(slot, hir.Runtime(kind, at, "str_code", [typed])), hir.Do(guard)], local)
    return code if target == kind else hir.Cast(target, at, code)


def _hint_for_cast(source: Type, target: Type, char: bool) -> str:
    if target is STRING:
        if char and isinstance(source, FloatType):
            return "make it an integer first: `as i64 as char`"
        return "convert it with `.to_string()`"
    if source is STRING and isinstance(target, IntType | FloatType):
        return f"convert it with `.{'to_float' if isinstance(target, FloatType) else 'parse'}()`"
    if target is BOOL:
        return "compare it: `!= 0`"
    return ""


def _literal_cast(c: Fn, number: hir.Int, target: IntType, at: int) -> hir.Expr:
    """A literal that fits is of the type at once; one that does not traps like any other value."""
    bits = target.bits
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if target.signed else (0, (1 << bits) - 1)
    if low <= number.value <= high:
        unify(number.type, target)
        return hir.Int(target, number.at, number.value)
    return hir.Cast(target, at, number)
