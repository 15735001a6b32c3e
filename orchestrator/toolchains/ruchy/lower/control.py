"""Locals, blocks, branches, loops, calls: where values come from and how scopes end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import IntType, NeverType
from orchestrator.toolchains.ruchy.lower.body import BORROWED, OWNED, PLAIN, Label, get, handles, set_, tee
from orchestrator.toolchains.ruchy.lower.elements import is_never_negative
from orchestrator.toolchains.ruchy.lower.layout import integer, valtype
from orchestrator.toolchains.ruchy.lower.throwing import leave_if_thrown
from orchestrator.toolchains.ruchy.lower.valtypes import I64
from orchestrator.wasm.leb import uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_EMPTY = 0x40


@handles(hir.Unit)
def lower_unit(body: Body, node: hir.Unit) -> int:
    return PLAIN


@handles(hir.Local)
def lower_local(body: Body, node: hir.Local) -> int:
    index = body.slots[node.slot]
    if index < 0:
        return PLAIN
    body.out += get(index)
    return BORROWED if body.is_counted(node.type) else PLAIN


@handles(hir.CallChanging)
def lower_call_changing(body: Body, node: hir.CallChanging) -> int:
    """The locals hand their references over, and take those that come back."""
    waiting = body.operands(node.arguments)
    assert not waiting
    body.call(node.symbol, body.shared.type_of(node.symbol))
    # The new values lie on the stack above the call's result, the last one on top.
    for slot in reversed(node.changed):
        body.out += set_(body.slots[slot])
    if node.throws:
        leave_if_thrown(body)
    return OWNED if body.is_counted(node.type) else PLAIN


@handles(hir.Call)
def lower_call(body: Body, node: hir.Call) -> int:
    waiting = body.operands(node.arguments)
    body.call(node.symbol, body.shared.type_of(node.symbol))
    if node.throws:
        leave_if_thrown(body)
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    if waiting:
        body.release_operands(waiting)
    return OWNED if body.is_counted(node.type) else PLAIN


# ---------------------------------------------------------------- statements and blocks


@handles(hir.Let)
def lower_let(body: Body, node: hir.Let) -> int:
    held = body.emit(node.value)
    index = body.slots[node.slot]
    if held == BORROWED and body.lends(node):
        body.out += set_(index)
        return PLAIN
    if held == BORROWED:
        body.retain_top()
        held = OWNED
    if index >= 0:
        body.out += set_(index)
        type_ = body.function.locals[node.slot]
        if held == OWNED or body.is_counted(type_):
            body.live.append((index, type_))
    return PLAIN


@handles(hir.Do)
def lower_do(body: Body, node: hir.Do) -> int:
    body.discard(body.emit(node.value), node.value.type)
    return PLAIN


@handles(hir.Block)
def lower_block(body: Body, node: hir.Block) -> int:
    height = len(body.live)
    for statement in node.statements:
        body.emit(statement)
    # The value is computed before the scope's locals are released, and it may be borrowed from one of them. So it is
    # retained first, unless the scope has nothing to release; a local of the scope itself gives up its reference.
    moved = moved_local(body, node.value, height)
    if moved >= 0:
        body.out += get(moved)
        held = OWNED
    elif len(body.live) > height:
        held = body.own(node.value)
    else:
        held = body.emit(node.value)
    if isinstance(node.value.type, NeverType):
        # The end of the block is never reached: every jump out of it has released for itself.
        del body.live[height:]
    else:
        body.release_down_to(height, moved)
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    return held


def moved_local(body: Body, value: hir.Expr | None, height: int) -> int:
    """The local whose reference a scope hands on as its value instead of retaining and releasing it, or -1."""
    if isinstance(value, hir.Local):
        index = body.slots[value.slot]
        if any(index == live for live, _ in body.live[height:]):
            return index
    return -1


# ---------------------------------------------------------------- branches


@handles(hir.If)
def lower_if(body: Body, node: hir.If) -> int:
    """A chain of `else if` may be long: it is lowered without recursion."""
    kind = valtype(node.type) or _EMPTY
    opened = 0
    link: hir.Expr = node
    while True:
        branch = _as_if(link)
        if branch is None or (opened and (valtype(branch.type) or _EMPTY) != kind):
            _branch(body, link)
            break
        body.emit(branch.condition)
        body.out += bytes((0x04, kind))
        body.depth += 1
        opened += 1
        _branch(body, branch.then)
        if kind == _EMPTY and isinstance(branch.otherwise, hir.Unit):
            break
        body.out.append(0x05)
        link = branch.otherwise
    body.out += b"\x0b" * opened
    body.depth -= opened
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    return OWNED if body.is_counted(node.type) else PLAIN


def _as_if(node: hir.Expr) -> hir.If | None:
    while isinstance(node, hir.Block) and not node.statements:
        node = node.value
    return node if isinstance(node, hir.If) else None


# Both branches must agree on who owns the value, because what follows is written once: so both own it.
def _branch(body: Body, node: hir.Expr) -> None:
    body.own(node)


@handles(hir.And)
def lower_and(body: Body, node: hir.And) -> int:
    return _chain(body, node, hir.And, b"\x04\x7f", b"\x05\x41\x00\x0b")


@handles(hir.Or)
def lower_or(body: Body, node: hir.Or) -> int:
    return _chain(body, node, hir.Or, b"\x04\x7f\x41\x01\x05", b"\x0b")


def _chain(body: Body, node: hir.And | hir.Or, kind: type[hir.And | hir.Or], before: bytes, after: bytes) -> int:
    rights: list[hir.Expr] = []
    left: hir.Expr = node
    while isinstance(left, kind):
        rights.append(left.right)
        left = left.left
    body.emit(left)
    for right in reversed(rights):
        body.out += before
        body.depth += 1
        body.emit(right)
        body.depth -= 1
        body.out += after
    return PLAIN


# ---------------------------------------------------------------- loops


@handles(hir.Loop)
def lower_loop(body: Body, node: hir.Loop) -> int:
    kind = valtype(node.type) or _EMPTY
    body.out += bytes((0x02, kind, 0x03, _EMPTY))
    body.depth += 2
    body.labels[node.label] = Label(body.depth - 1, body.depth, len(body.live), kind != _EMPTY)
    _run(body, node.body)
    body.out += b"\x0c\x00\x0b\x00\x0b"  # br 0, end, unreachable, end
    body.depth -= 2
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    return OWNED if body.is_counted(node.type) else PLAIN


@handles(hir.While)
def lower_while(body: Body, node: hir.While) -> int:
    body.out += b"\x02\x40\x03\x40"
    body.depth += 2
    body.labels[node.label] = Label(body.depth - 1, body.depth, len(body.live), False)
    body.emit(node.condition)
    body.out += b"\x45\x0d\x01"  # i32.eqz, br_if 1
    _run(body, node.body)
    body.out += b"\x0c\x00\x0b\x0b"
    body.depth -= 2
    return PLAIN


@handles(hir.ForRange)
def lower_for_range(body: Body, node: hir.ForRange) -> int:
    """The counter is not the variable that the body sees, and never steps beyond the end."""
    type_ = integer(node.start.type)
    kind = valtype(type_)
    counter, end = body.temporary(kind), body.temporary(kind)
    compare = _comparisons(type_)
    body.emit(node.start)
    body.out += set_(counter)
    body.emit(node.end)
    body.out += tee(end)
    if is_never_negative(body, node.start):
        body.counting.add(node.slot)  # nothing else assigns it
    at_end = compare["<"] if node.inclusive else compare["<="]  # end < start: nothing to do
    body.out += get(counter) + at_end
    _for_loop(body, node, counter, end, compare)
    body.give_back(kind, end)
    body.give_back(kind, counter)
    return PLAIN


def _for_loop(body: Body, node: hir.ForRange, counter: int, end: int, compare: dict[str, bytes]) -> None:
    """On the stack: is there nothing to do?"""
    wide = valtype(node.start.type) == I64
    out = body.out
    out += b"\x45\x04\x40\x03\x40\x02\x40"  # if something to do: loop: block (what continue leaves)
    body.depth += 3
    # `break` leaves the `if`.
    body.labels[node.label] = Label(body.depth - 2, body.depth, len(body.live), False)
    if body.slots[node.slot] >= 0:
        out += get(counter) + set_(body.slots[node.slot])
    _run(body, node.body)
    out.append(0x0B)
    body.depth -= 1
    step = get(counter) + (b"\x42\x01\x7c" if wide else b"\x41\x01\x6a")
    if node.inclusive:
        out += get(counter) + get(end) + compare["<"] + b"\x04\x40" + step + set_(counter) + b"\x0c\x01\x0b"
    else:
        out += step + tee(counter) + get(end) + compare["<"] + b"\x0d\x00"
    out += b"\x0b\x0b"
    body.depth -= 2


def _comparisons(type_: IntType) -> dict[str, bytes]:
    shift = (11 if type_.bits == 64 else 0) + (0 if type_.signed else 1)
    return {"<": bytes((0x48 + shift,)), "<=": bytes((0x4C + shift,))}


def _run(body: Body, node: hir.Expr) -> None:
    """A loop's body, for its effect."""
    body.discard(body.emit(node), node.type)


# ---------------------------------------------------------------- jumps


@handles(hir.Break)
def lower_break(body: Body, node: hir.Break) -> int:
    label = body.labels[node.label]
    moved = _value_of_jump(body, node.value, label.live)
    if not label.valued and node.value is not None and valtype(node.value.type):
        body.discard(OWNED if body.is_counted(node.value.type) else PLAIN, node.value.type)
    body.release_for_jump(label.live, moved)
    body.out += b"\x0c" + uleb(body.depth - label.break_level) + b"\x00"
    return PLAIN


@handles(hir.Continue)
def lower_continue(body: Body, node: hir.Continue) -> int:
    label = body.labels[node.label]
    body.release_for_jump(label.live)
    body.out += b"\x0c" + uleb(body.depth - label.continue_level) + b"\x00"
    return PLAIN


@handles(hir.Return)
def lower_return(body: Body, node: hir.Return) -> int:
    moved = _value_of_jump(body, node.value, 0)
    body.release_for_jump(0, moved)
    body.give_changes()
    body.out += b"\x0f\x00"
    return PLAIN


def _value_of_jump(body: Body, value: hir.Expr | None, height: int) -> int:
    moved = moved_local(body, value, height)
    if moved >= 0:
        body.out += get(moved)
    elif value is not None:
        body.own(value)
    return moved
