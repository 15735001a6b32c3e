"""Loops over something: ranges, and arrays as they are when the loop begins."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.maps import items_of, keys_of
from orchestrator.toolchains.ruchy.check.data.ranges import Walk, walk
from orchestrator.toolchains.ruchy.check.data.variants import SOME
from orchestrator.toolchains.ruchy.check.function import Fn, bad, expr, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import (
    ANY,
    INTEGER,
    NUMBER,
    Var,
    fresh,
    narrow,
    openness,
    resolve,
    shown,
    start_whole,
    unify,
)
from orchestrator.toolchains.ruchy.check.inference.widths import meet
from orchestrator.toolchains.ruchy.check.lending.loops import Turn, over_lent
from orchestrator.toolchains.ruchy.check.lending.places import in_slot, object_keys, read_variable
from orchestrator.toolchains.ruchy.check.matching.binding import bindings, destructure
from orchestrator.toolchains.ruchy.check.matching.names import bind_silently
from orchestrator.toolchains.ruchy.check.methods.traits import own_method
from orchestrator.toolchains.ruchy.check.operators import is_float
from orchestrator.toolchains.ruchy.check.scope import Variable
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    ERROR,
    I32,
    I64,
    NEVER,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    MapType,
    MixedType,
    ObjectType,
    SetType,
    StructType,
    Type,
    is_option,
)
from orchestrator.toolchains.ruchy.syntax import tree

Names = list[tuple[Variable, hir.Expr | None]]


def loop_over(c: Fn, at: int, pattern: tree.Pattern, iterable: tree.Expr, turn: Turn) -> hir.Expr:
    """A loop over what an expression gives."""
    if isinstance(iterable, tree.Call):
        iterable = _range_call(c, iterable)
    lent = over_lent(c, at, pattern, iterable, turn)
    if lent is not None:
        return lent
    if isinstance(iterable, tree.RangeExpr):
        start, end, kind = _bounds(c, iterable)
        return _over_range(c, at, pattern, turn, Walk(start, end, iterable.inclusive, []), kind)
    typed = walk(c, iterable)
    if isinstance(typed, Walk):
        return _over_range(c, at, pattern, turn, typed, I64)
    kind = resolve(typed.type)
    if openness(kind) == ANY:
        unify(kind, ArrayType(fresh()))
        kind = resolve(kind)
    if isinstance(kind, MapType | SetType):
        typed = items_of(at, typed, kind) if isinstance(kind, MapType) else keys_of(at, typed)
        kind = resolve(typed.type)
        c.p.composed = True
    if isinstance(kind, ObjectType):
        typed, kind = object_keys(at, typed, kind), ArrayType(STRING)
        c.p.composed = True
    if kind is STRING:
        kind = c.p.composed_type(at, ArrayType(STRING))
        typed = hir.Runtime(kind, at, "str_chars_array", [typed])
    if isinstance(kind, ArrayType):
        return _over_array(c, at, pattern, turn, typed, kind)
    if isinstance(kind, StructType | EnumType) and own_method(c.p, c.env, kind, "next") is not None:
        return _over_next(c, at, pattern, turn, typed)
    return _over_nothing(c, pattern, iterable, turn, kind)


def _bound(c: Fn, pattern: tree.Pattern, kind: Type) -> tuple[Variable, Names | None, list[hir.Stmt]]:
    """The variable that takes each element; and the names of a pattern, with what is done before they have values."""
    named = isinstance(pattern, tree.NamePattern) and pattern.inner is None
    if named or isinstance(pattern, tree.WildcardPattern):
        name = pattern.name if isinstance(pattern, tree.NamePattern) else "_"
        return c.declare(name, kind, pattern.at, mutable=True), None, []
    whole = c.declare("_", kind, pattern.at, mutable=True)
    whole.read = True
    before: list[hir.Stmt] = []
    return whole, destructure(c, pattern, read_variable(c, whole, pattern.at), before, "for"), before


def _opened(c: Fn, names: Names | None, before: list[hir.Stmt], inner: hir.Expr) -> hir.Expr:
    """The body of a loop whose variable is taken apart."""
    if names is None:
        return inner
    return hir.Block(inner.type, inner.at, [*before, *bindings(c, names)], inner)


def _over_range(c: Fn, at: int, pattern: tree.Pattern, turn: Turn, over: Walk, kind: Type) -> hir.Expr:
    mark = len(c.undo)
    variable, names, before = _bound(c, pattern, kind)
    label, inner = turn()
    c.leave(mark)
    inner = _opened(c, names, before, inner)
    if kind.__class__ is Var and not narrow(kind, INTEGER):
        message = f"`{variable.name}` counts, so it is an integer, and this makes it {shown(kind)}"
        c.p.error("E0212", pattern.at, message)
    slot = variable.slot
    if variable.assigned or over.value is not None:
        slot = c.slot(kind)
        counter = open_type(c, hir.Local(kind, at, slot))
        value = over.value(counter) if over.value is not None else counter
        inner = hir.Block(inner.type, at, [hir.Let(variable.slot, value)], inner)
    typed = hir.ForRange(UNIT, at, label, slot, over.start, over.end, over.inclusive, inner)
    return hir.Block(UNIT, at, over.out, typed) if over.out else typed


def _over_array(c: Fn, at: int, pattern: tree.Pattern, turn: Turn, source: hir.Expr, kind: ArrayType) -> hir.Expr:
    """The array is kept as it is now: what the loop does to it adds no turn."""
    out: list[hir.Stmt] = []
    array = in_slot(c, source, out)
    mark = len(c.undo)
    element = resolve(kind.element)
    variable, names, before = _bound(c, pattern, element)
    label, inner = turn()
    c.leave(mark)
    inner = _opened(c, names, before, inner)
    counter = c.slot(I64)
    if variable.slot >= 0 and (variable.read or variable.assigned or c.p.open.late):
        typed = open_type(c, hir.GetElement(element, at, array, hir.Local(I64, at, counter), checked=False))
        inner = hir.Block(inner.type, at, [hir.Let(variable.slot, typed)], inner)
    length = hir.Runtime(I64, at, "length", [array])
    loop = hir.ForRange(UNIT, at, label, counter, hir.Int(I64, at, 0), length, inclusive=False, body=inner)
    return hir.Block(UNIT, at, [*out, hir.Do(loop)], hir.Unit(UNIT, at))


def _over_next(c: Fn, at: int, pattern: tree.Pattern, turn: Turn, source: hir.Expr) -> hir.Expr:
    """What the `next()` of a copy gives, up to the first `None`."""
    mark = len(c.undo)
    whole = c.declare("#walked", resolve(source.type), at, mutable=True)
    whole.read = True
    steps: list[hir.Stmt] = []
    given = expr(c, tree.MethodCall(at, tree.Path(at, ("#walked",)), "next", []))
    kind = resolve(given.type)
    if not isinstance(kind, EnumType) or not is_option(kind):
        c.leave(mark)
        return _over_nothing(c, pattern, tree.Tuple(at, []), turn, resolve(source.type))
    given = in_slot(c, given, steps)
    element = resolve(kind.arguments[0])
    variable, names, before = _bound(c, pattern, element)
    label, inner = turn()
    c.leave(mark)
    inner = _opened(c, names, before, inner)
    if variable.slot >= 0:
        typed = open_type(c, hir.GetPayload(element, at, given, SOME, 0))
        inner = hir.Block(inner.type, at, [hir.Let(variable.slot, typed)], inner)
    if inner.type is not NEVER and resolve(inner.type) is not UNIT:
        inner = hir.Block(UNIT, at, [hir.Do(inner)], hir.Unit(UNIT, at))
    ends = hir.Compare(BOOL, at, "!=", hir.GetTag(I32, at, given), hir.Int(I32, at, SOME))
    steps.append(hir.Do(hir.If(UNIT, at, ends, hir.Break(NEVER, at, label, None), inner)))
    loop = hir.Loop(UNIT, at, label, hir.Block(UNIT, at, steps, hir.Unit(UNIT, at)))
    return hir.Block(UNIT, at, [hir.Let(whole.slot, source), hir.Do(loop)], hir.Unit(UNIT, at))


def _over_nothing(c: Fn, pattern: tree.Pattern, iterable: tree.Expr, turn: Turn, kind: Type) -> hir.Expr:
    """Something that cannot be iterated over."""
    mark = len(c.undo)
    if kind is not ERROR:
        hint = "write `0..n`" if narrow(kind, INTEGER) else ""
        if isinstance(kind, MixedType):
            hint = "its values are of several types: make them texts, or variants of one enum"
        c.p.error("E0212", iterable.at, f"{shown(kind)} cannot be iterated over", hint)
    bind_silently(c, pattern)
    turn()
    c.leave(mark)
    return bad(iterable.at)


def _range_call(c: Fn, node: tree.Call) -> tree.Expr:
    """The builtin `range(end)`, `range(start, end)` as the range that it is."""
    name = node.callee
    if not isinstance(name, tree.Path) or name.segments != ("range",) or not 1 <= len(node.arguments) <= 2:
        return node
    if "range" in c.names or c.p.lookup(c.env, name.segments) is not None:
        return node
    start = node.arguments[0] if len(node.arguments) == 2 else tree.IntLiteral(node.at, 0)
    return tree.RangeExpr(node.at, start, node.arguments[-1], False)


def _bounds(c: Fn, node: tree.RangeExpr) -> tuple[hir.Expr, hir.Expr, Type]:
    """Both ends of a range, of one integer type."""
    at = node.at
    if node.start is not None and node.end is None:  # until something leaves the loop
        node = tree.RangeExpr(at, node.start, tree.IntLiteral(at, (1 << 63) - 1), node.inclusive)
    if node.start is None or node.end is None:
        c.p.error("E0212", at, "a `for` needs a range that begins somewhere", "write `0..n`")
        return hir.Int(I64, at, 0), hir.Int(I64, at, 0), I64
    start = expr(c, node.start)
    kind = resolve(start.type)
    end = expr(c, node.end)
    if kind is ERROR or resolve(end.type) is ERROR:
        return start, end, I64 if kind is ERROR else kind
    met = meet(c.p, start, end)
    if kind is NEVER or end.type is NEVER:
        other = resolve(end.type)
        kind = kind if kind is not NEVER else other if other is not NEVER else I64
    elif met is not None:
        start, end = met
        kind = resolve(start.type)
        if openness(kind) == INTEGER and isinstance(start, hir.Int) and isinstance(end, hir.Int):
            start_whole(kind)  # the counter is a local that starts from an integer
    elif not unify(kind, end.type):
        c.p.error(
            "E0212", at, f"the ends of a range are of one type, and these are {shown(kind)} and {shown(end.type)}"
        )
    if is_float(resolve(kind)) or not narrow(kind, NUMBER):
        c.p.error("E0212", at, f"a range to loop over has integers as its ends, and these are {shown(kind)}")
        kind = ERROR
    return start, end, resolve(kind)
