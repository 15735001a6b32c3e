"""Operators of structs and enums: methods of `Add`, `Neg`, `PartialEq` and their like.

`a + b` is `a.add(b)` where the type of `a` implements `Add`, `a == b` is `a.eq(b)`, `a < b` is `a.partial_cmp(b)` or
`a.cmp(b)` below 0. A type without these is compared by content. Values inside of arrays, tuples and others are compared
by content always; so where one of these has an `eq` of its own, comparing the whole is refused.
"""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.variants import variants_of
from orchestrator.toolchains.ruchy.check.function import Fn, fit, open_type
from orchestrator.toolchains.ruchy.check.functions.calls import CalledOn, call_function
from orchestrator.toolchains.ruchy.check.inference.annotations import field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve, shown
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.methods.traits import owner_of
from orchestrator.toolchains.ruchy.check.operators import OVERLOADED
from orchestrator.toolchains.ruchy.check.passes import Pass
from orchestrator.toolchains.ruchy.check.scope import FunctionItem
from orchestrator.toolchains.ruchy.check.types import BOOL, I32, I64, EnumType, StructType, Type, is_option
from orchestrator.toolchains.ruchy.syntax import tree

METHODS = {
    "+": ("Add", "add"),
    "-": ("Sub", "sub"),
    "*": ("Mul", "mul"),
    "/": ("Div", "div"),
    "%": ("Rem", "rem"),
    "neg": ("Neg", "neg"),
    "==": ("PartialEq", "eq"),
    "!=": ("PartialEq", "eq"),
}
"""The trait of an operator, and its method."""

_ORDERS = (("PartialOrd", "partial_cmp"), ("Ord", "cmp"))


def _method(p: Pass, kind: Type, trait: str, name: str) -> FunctionItem | None:
    owner = owner_of(p, kind) if isinstance(kind, StructType | EnumType) else None
    method = owner.methods.get(name) if owner is not None else None
    block = method.context.block if method is not None else None
    of = block.trait if block is not None else None
    return method if of is not None and of.path[-1] == trait and method is not None and method.node.receiver else None


def _called(c: Fn, at: int, item: FunctionItem, left: hir.Expr, rest: list[tree.Expr]) -> hir.Expr:
    return call_function(c, tree.Call(at, tree.Path(at, (item.name,)), rest), item, CalledOn(left))


def operation(c: Fn, at: int, op: str, left: hir.Expr, rest: list[tree.Expr]) -> hir.Expr | None:
    """`left + right`, `-left` by a method of the type of `left`; None where it has none for that."""
    row = METHODS.get(op)
    item = _method(c.p, resolve(left.type), *row) if row is not None else None
    return None if item is None else _called(c, at, item, left, rest)


def comparison(c: Fn, at: int, op: str, left: hir.Expr, right: tree.Expr) -> hir.Expr | None:
    """`left == right`, `left < right` by a method of the type of `left`; None where it has none for that."""
    if op in METHODS:
        compared = operation(c, at, op, left, [right])
        return hir.Not(BOOL, at, compared) if compared is not None and op == "!=" else compared
    kind = resolve(left.type)
    for trait, name in _ORDERS:
        item = _method(c.p, kind, trait, name)
        if item is not None:
            return _ordered(c, at, op, _called(c, at, item, left, [right]))
    return None


def _ordered(c: Fn, at: int, op: str, typed: hir.Expr) -> hir.Expr:
    """How what `cmp` gave stands to 0. `None` of `partial_cmp` is neither below nor above."""
    kind = resolve(typed.type)
    if isinstance(kind, EnumType) and is_option(kind):
        out: list[hir.Stmt] = []
        local = in_slot(c, typed, out)
        number = open_type(c, hir.GetPayload(kind.arguments[0], at, local, 1, 0))
        number = fit(c, number, I64, _NUMBER, tree.Path(at, ("cmp",)))
        some = hir.Compare(BOOL, at, "==", hir.GetTag(I32, at, local), hir.Int(I32, at, 1))
        test = hir.And(BOOL, at, some, hir.Compare(BOOL, at, op, number, hir.Int(I64, at, 0)))
        return hir.Block(BOOL, at, out, test)
    typed = fit(c, typed, I64, _NUMBER, tree.Path(at, ("cmp",)))
    return hir.Compare(BOOL, at, op, typed, hir.Int(I64, at, 0))


_NUMBER = ("E0201", "what `cmp` gives is {want}, and this is {got}")


def has_own_order(p: Pass, kind: Type) -> bool:
    """Whether `<` of a type is a method of the program."""
    return any(_method(p, kind, trait, name) is not None for trait, name in _ORDERS)


def own_equality(p: Pass, kind: Type) -> Type | None:
    """A type in this one that has an `eq` of its own, which a comparison of the whole would pass over."""
    waiting, seen = [kind], {kind}
    while waiting:
        held = resolve(waiting.pop())
        if held.__class__ is Var:
            continue
        if _method(p, held, *METHODS["=="]) is not None:
            return held
        inner = [*held.parts]
        item = struct_of(p, held)
        if item is not None:
            inner += field_types(p, item, held)
        elif isinstance(held, EnumType):
            inner += [part for variant in variants_of(p, held) for part in variant.types]
        for part in inner:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return None


def shown_equality(p: Pass, kind: Type) -> str:
    """What to say where a comparison would pass over an `eq`; "" where it does not."""
    owner = own_equality(p, kind)
    return "" if owner is None else f"{shown(owner)} has an `eq` of its own, which is not asked for what is inside"


OVERLOADED.operation, OVERLOADED.comparison, OVERLOADED.passed_over = operation, comparison, shown_equality
