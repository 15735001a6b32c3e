"""`throw` and `try`. What is thrown waits in the runtime (`rt::throw`), and the function goes on at the innermost `try`
around, or returns: with zeros, which its caller never looks at, because it asks `rt::thrown` first.

Where a function does not hand on what is thrown (`FunctionBody.throws`), the program stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.types import NeverType
from orchestrator.toolchains.ruchy.lower.body import OWNED, PLAIN, get, handles, set_
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F32, F64, I32, I64, functype
from orchestrator.wasm.leb import uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_THROW = functype(bytes((I32, I32, I32)), b"")
_GIVES_WORD = functype(b"", bytes((I32,)))
_NOTHING = functype(b"", b"")
_ZEROS = {I32: b"\x41\x00", I64: b"\x42\x00", F32: b"\x43" + bytes(4), F64: b"\x44" + bytes(8)}
_EMPTY = 0x40


@handles(hir.ThrowText)
def lower_throw(body: Body, node: hir.ThrowText) -> int:
    body.own(node.value)
    text = body.temporary(I32)
    body.out += set_(text)
    if node.again is None:
        body.site(node.at)
    else:
        body.out += get(body.slots[node.again[0]]) + get(body.slots[node.again[1]])
    body.out += get(text)
    body.give_back(I32, text)
    body.call("rt::throw", _THROW)
    _leave(body)
    return PLAIN


@handles(hir.HandOn)
def lower_hand_on(body: Body, node: hir.HandOn) -> int:
    leave_if_thrown(body, body.slots[node.dummy] if node.dummy >= 0 else -1)
    return PLAIN


def leave_if_thrown(body: Body, dummy: int = -1) -> None:
    """Behind a call. `dummy` is the local that holds its result, which is none."""
    body.call("rt::thrown", _GIVES_WORD)
    body.out += bytes((0x04, _EMPTY))
    body.depth += 1
    _leave(body, dummy)
    body.depth -= 1
    body.out.append(0x0B)


def _leave(body: Body, dummy: int = -1) -> None:
    """Releases what is live, and goes where something thrown goes."""
    if body.catches:
        level, height, _ = body.catches[-1]
        body.release_for_jump(height, dummy)
        body.out += b"\x0c" + uleb(body.depth - level) + b"\x00"
        return
    if not body.function.throws:
        body.call("rt::uncaught", _NOTHING)
        body.out.append(0x00)
        return
    body.release_for_jump(0, dummy)
    body.out += _ZEROS.get(valtype(body.function.result), b"")
    body.give_changes()
    body.out += b"\x0f\x00"


@handles(hir.Leaving)
def lower_leaving(body: Body, node: hir.Leaving) -> int:
    """What it throws goes where it would go outside of the `try`."""
    inside = body.catches
    body.catches = inside[: [label for _, _, label in inside].index(node.label)]
    body.discard(body.emit(node.body), node.body.type)
    body.catches = inside
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    return PLAIN


@handles(hir.Catching)
def lower_try_catch(body: Body, node: hir.Catching) -> int:
    """A block of the value; in it one that a throw leaves, behind which the handler stands."""
    kind = valtype(node.type) or _EMPTY
    height = len(body.live)
    body.out += bytes((0x02, kind, 0x02, _EMPTY))
    body.depth += 2
    body.catches.append((body.depth, height, node.label))
    body.own(node.body)
    body.catches.pop()
    body.out += b"\x0c\x01\x0b"  # br 1, end
    body.depth -= 1
    for slot, name in zip(node.where or (), ("rt::caught_lines", "rt::caught_index"), strict=False):
        body.call(name, _GIVES_WORD)
        body.out += set_(body.slots[slot])
    body.call("rt::caught", _GIVES_WORD)
    caught = body.slots[node.slot]
    body.out += set_(caught)
    body.live.append((caught, body.function.locals[node.slot]))
    body.own(node.handler)
    if isinstance(node.handler.type, NeverType):
        del body.live[height:]
    else:
        body.release_down_to(height)
    body.out.append(0x0B)
    body.depth -= 1
    if isinstance(node.type, NeverType):
        body.out.append(0x00)
    return OWNED if body.is_counted(node.type) else PLAIN
