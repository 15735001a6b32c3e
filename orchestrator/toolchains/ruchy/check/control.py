"""Control flow: `if`, loops, `break`, `continue`, `return`."""

from __future__ import annotations

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.function import (
    DROP,
    HANDLERS,
    TAIL,
    Fn,
    LoopTarget,
    Want,
    Why,
    check,
    expr,
    fit,
    handles,
    open_type,
)
from orchestrator.toolchains.ruchy.check.inference.infer import Var, resolve, shown, unify
from orchestrator.toolchains.ruchy.check.inference.widths import common, convert, is_number, widen_beside
from orchestrator.toolchains.ruchy.check.loops import loop_over
from orchestrator.toolchains.ruchy.check.statements import block
from orchestrator.toolchains.ruchy.check.types import BOOL, ERROR, NEVER, UNIT, Type
from orchestrator.toolchains.ruchy.hints import did_you_mean
from orchestrator.toolchains.ruchy.syntax import tree

_IF: Why = ("E0202", "the condition of an `if` is bool, and this is {got}")
_WHILE: Why = ("E0202", "the condition of a `while` is bool, and this is {got}")
_BREAK: Why = ("E0203", "the breaks of this `loop` give {want}, and this one {got}")
_RETURN: Why = ("E0401", "`{0}` returns {want}, and this `return` gives {got}")


@handles(tree.If)
def if_(c: Fn, node: tree.If, want: Want, why: Why) -> hir.Expr:
    """An `if` with all its `else if`, in a loop: the chain may be long."""
    steps: list[tuple[int, hir.Expr, hir.Expr]] = []
    current: tree.Expr | None = node
    complete = is_complete(node)
    inner = want if complete else DROP
    kind = Common(c, inner)
    while isinstance(current, tree.If):
        condition = check(c, current.condition, BOOL, _IF)
        then = kind.add(block(c, current.then, inner, why), current.then, why)
        steps.append((current.at, condition, then))
        current = current.otherwise
    if current is None:
        otherwise: hir.Expr = hir.Unit(UNIT, node.at)
    else:
        otherwise = kind.add(HANDLERS[current.__class__](c, current, inner, why), current, why)
    result = kind.result(node.at, "the branches of this `if` differ: {0} and {1}")
    if not complete:
        result = UNIT
    typed = kind.cast(otherwise, result)
    for at, condition, then in reversed(steps):
        typed = hir.If(result, at, condition, kind.cast(then, result), typed)
        if result.__class__ is Var:
            typed = open_type(c, typed)
    return typed


def is_complete(node: tree.If | tree.IfLet) -> bool:
    """Whether a chain of `if` ends in an `else`."""
    current: tree.Expr | None = node
    while isinstance(current, tree.If | tree.IfLet):
        current = current.otherwise
    return current is not None


def _value_of(typed: hir.Expr) -> hir.Expr:
    while isinstance(typed, hir.Block):
        typed = typed.value
    return typed


class Common:
    """The one type of several branches. `clash` is where one of them is of another type, and both types."""

    __slots__ = ("alive", "c", "clash", "kind", "literals", "want")

    def __init__(self, c: Fn, want: Want) -> None:
        self.c = c
        self.want = want
        self.kind: Type | None = None
        self.alive = False
        self.clash: tuple[int, Type, Type] | None = None
        self.literals: list[hir.Expr] = []

    def add(self, typed: hir.Expr, node: tree.Node, why: Why) -> hir.Expr:
        kind = typed.type
        if kind is NEVER:
            return typed
        self.alive = True
        want = self.want
        if want is DROP:
            return typed
        if want is not None and want is not TAIL:
            return typed if kind is want else fit(self.c, typed, want, why, _last(node))
        widen_beside(self.literals, _value_of(typed), self.kind)
        kind = typed.type
        if self.kind is None:
            self.kind = kind
        elif (met := self._number(kind)) is not None:
            self.kind = met
        elif not unify(self.kind, kind) and self.clash is None:
            self.clash = (_last(node).at, self.kind, kind)
        elif self.kind is ERROR:
            self.kind = kind
        return typed

    def _number(self, kind: Type) -> Type | None:
        """In which type some integers, or some integers and some floats, meet."""
        a, b = resolve(self.kind), resolve(kind)  # type: ignore[arg-type]
        return common(a, b) if is_number(a) and is_number(b) else None

    def result(self, at: int | None, message: str) -> Type:
        """The type of all; an error is reported at the branch that differs where `at` is None."""
        if not self.alive:
            return NEVER
        want = self.want
        if want is DROP:
            return UNIT
        if want is not None and want is not TAIL:
            return resolve(want)
        if self.clash is not None:
            left, right = resolve(self.clash[1]), resolve(self.clash[2])
            if want is TAIL and (left is UNIT or right is UNIT):
                return UNIT
            self.c.p.error("E0203", self.clash[0] if at is None else at, message.format(shown(left), shown(right)))
            return ERROR
        return resolve(self.kind) if self.kind is not None else UNIT

    def cast(self, typed: hir.Expr, result: Type) -> hir.Expr:
        """A branch of a number is of the type of all; one whose value is dropped gives unit."""
        if typed.type is not NEVER and is_number(result) and is_number(resolve(typed.type)):
            return convert(self.c.p, typed, result)
        if result is not UNIT or typed.type is NEVER or resolve(typed.type) is UNIT:
            return typed
        return hir.Block(UNIT, typed.at, [hir.Do(typed)], hir.Unit(UNIT, typed.at))


def _last(node: tree.Node) -> tree.Node:
    """Where to point for the value of a block: its last statement."""
    while isinstance(node, tree.Block) and node.statements:
        last = node.statements[-1]
        node = last.value if isinstance(last, tree.ExprStmt) else last
    return node


def enter_loop(c: Fn, label: str, kind: str, want: Want, why: Why) -> LoopTarget:
    target = LoopTarget(label, c.counter, kind, want, why)
    c.counter += 1
    c.loops.append(target)
    return target


@handles(tree.Loop)
def loop(c: Fn, node: tree.Loop, want: Want, why: Why) -> hir.Expr:
    """Endless but for its breaks, whose value is its own."""
    target = enter_loop(c, node.label, "loop", want, why)
    inner = block(c, node.body, DROP, why)
    c.loops.pop()
    kind = NEVER if target.type is None else resolve(target.type)
    if is_number(kind):
        for break_ in target.breaks:
            if break_.value is not None and is_number(resolve(break_.value.type)):
                break_.value = convert(c.p, break_.value, kind)
    typed = hir.Loop(kind, node.at, target.id, inner)
    return open_type(c, typed) if kind.__class__ is Var else typed


@handles(tree.While)
def while_(c: Fn, node: tree.While, want: Want, why: Why) -> hir.Expr:
    """`while true` is a `loop`: it ends by its breaks alone."""
    endless = isinstance(node.condition, tree.BoolLiteral) and node.condition.value
    condition = check(c, node.condition, BOOL, _WHILE)
    target = enter_loop(c, node.label, "while", None, why)
    inner = block(c, node.body, DROP, why)
    c.loops.pop()
    if endless:
        return hir.Loop(NEVER if target.type is None else UNIT, node.at, target.id, inner)
    return hir.While(UNIT, node.at, target.id, condition, inner)


@handles(tree.For)
def for_(c: Fn, node: tree.For, want: Want, why: Why) -> hir.Expr:
    """Over a range or an array; the variable is the loop's own, whatever the body does with it."""

    def turn() -> tuple[int, hir.Expr]:
        target = enter_loop(c, node.label, "for", None, why)
        inner = block(c, node.body, DROP, why)
        c.loops.pop()
        return target.id, inner

    return loop_over(c, node.at, node.pattern, node.iterable, turn)


def _target(c: Fn, node: tree.Break | tree.Continue, word: str) -> LoopTarget | None:
    """The loop that a `break` or `continue` means; None after an error."""
    if not c.loops:
        code = "E0007" if word == "break" else "E0008"
        c.p.error(code, node.at, f"`{word}` outside of a loop")
        return None
    if not node.label:
        return c.loops[-1]
    for target in reversed(c.loops):
        if target.label == node.label:
            return target
    hint = did_you_mean(node.label, [target.label for target in c.loops if target.label])
    c.p.error("E0105", node.at, f"no loop around here has the label `{node.label}`", hint)
    return None


@handles(tree.Break)
def break_(c: Fn, node: tree.Break, want: Want, why: Why) -> hir.Expr:
    target = _target(c, node, "break")
    if target is None:
        if node.value is not None:
            expr(c, node.value)
        return hir.Unit(NEVER, node.at)
    if node.value is None:
        if target.type is None and target.want not in (None, DROP, TAIL):
            target.type = target.want
        _gives(c, node, target, UNIT)
        return hir.Break(NEVER, node.at, target.id, None)
    if target.kind != "loop":
        c.p.error("E0213", node.at, f"a `{target.kind}` has no value, so its `break` cannot give one", "use `loop`")
        expr(c, node.value)
        return hir.Break(NEVER, node.at, target.id, None)
    return _break_with(c, node, node.value, target)


def _break_with(c: Fn, node: tree.Break, given: tree.Expr, target: LoopTarget) -> hir.Expr:
    """`break value` out of a `loop`."""
    wanted = target.want
    if wanted is DROP:
        value = expr(c, given, DROP)
        target.type = UNIT
        do = hir.Break(NEVER, node.at, target.id, None)
        return do if value.type is UNIT else hir.Block(NEVER, node.at, [hir.Do(value)], do)
    if wanted is not None and wanted is not TAIL:
        value = check(c, given, wanted, target.why)
        target.type = wanted
    else:
        value = expr(c, given)
        if value.type is NEVER:
            return value
        widen_beside(target.literals, value, target.type)
        _gives(c, node, target, value.type)
    typed = hir.Break(NEVER, node.at, target.id, value if resolve(value.type) is not UNIT else None)
    target.breaks.append(typed)
    return typed


def _gives(c: Fn, node: tree.Break, target: LoopTarget, kind: Type) -> None:
    if target.type is None:
        target.type = kind
        return
    a, b = resolve(target.type), resolve(kind)
    met = common(a, b) if is_number(a) and is_number(b) else None
    if met is not None:
        target.type = met
    elif not unify(target.type, kind):
        message = _BREAK[1].format(want=shown(target.type), got=shown(kind))
        c.p.error(_BREAK[0], node.at, message)


@handles(tree.Continue)
def continue_(c: Fn, node: tree.Continue, want: Want, why: Why) -> hir.Expr:
    target = _target(c, node, "continue")
    if target is None:
        return hir.Unit(NEVER, node.at)
    return hir.Continue(NEVER, node.at, target.id)


@handles(tree.Return)
def return_(c: Fn, node: tree.Return, want: Want, why: Why) -> hir.Expr:
    """Leaves its own function. What it gives has the function's type."""
    if not c.nests:
        message = "this `return` stands in a constant or a default, which is no part of a function"
        c.p.error("E0232", node.at, message, "make a function of it, and call that")
        if node.value is not None:
            expr(c, node.value, DROP)
        return hir.Unit(NEVER, node.at)
    c.returned = True
    if c.top:
        if node.value is not None:
            value = expr(c, node.value, DROP)
            return hir.Block(NEVER, node.at, [hir.Do(value)], hir.Return(NEVER, node.at, None))
        return hir.Return(NEVER, node.at, None)
    name = c.item.name if c.item is not None else ""
    if node.value is None:
        if not unify(c.result, UNIT):
            message = f"`{name}` returns {shown(c.result)}, and this `return` gives nothing"
            c.p.error("E0401", node.at, message)
        return hir.Return(NEVER, node.at, None)
    typed = check(c, node.value, c.result, (*_RETURN, name))
    if typed.type is NEVER:
        return typed
    if resolve(c.result) is UNIT:
        return hir.Block(NEVER, node.at, [hir.Do(typed)], hir.Return(NEVER, node.at, None))
    return hir.Return(NEVER, node.at, typed)
