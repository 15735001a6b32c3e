"""`throw`, `try` with `catch` and `finally`.

What is thrown is a String: the text that `println` shows. A function hands on what is thrown in it where its module
has the word `throw` or `try`, so a call of one of its functions is looked at (`throws_out_of`). A lambda, `main` and
the statements of the top level hand nothing on: the program stops there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.control import Common
from orchestrator.toolchains.ruchy.check.data.display import joined, text_parts
from orchestrator.toolchains.ruchy.check.function import DROP, Fn, Want, Why, bad, expr, handles, open_type
from orchestrator.toolchains.ruchy.check.inference.infer import ANY, Var, openness, resolve
from orchestrator.toolchains.ruchy.check.lending.places import in_slot
from orchestrator.toolchains.ruchy.check.never import put_in
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node
from orchestrator.toolchains.ruchy.check.statements import block
from orchestrator.toolchains.ruchy.check.types import ERROR, I32, NEVER, STRING, UNIT
from orchestrator.toolchains.ruchy.check.unsupported import not_yet
from orchestrator.toolchains.ruchy.syntax import tree
from orchestrator.toolchains.ruchy.syntax.top import TOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.check.module import CollectedModule
    from orchestrator.toolchains.ruchy.check.passes import Pass

_DIFFER = "`try` and `catch` differ: {0} and {1}"


def hands_on(module: CollectedModule, symbol: str) -> bool:
    """Whether a function of the module hands on what is thrown in it."""
    name = symbol.partition("::")[2]
    return module.throws and name not in ("main", TOP) and not name.endswith("|")


def _is_out_of_place(c: Fn, node: tree.Expr, what: str) -> bool:
    """Reports a place where nothing can be thrown."""
    if not c.nests and c.path:
        not_yet(c.p, node.at, f"{what} in constants and defaults", plural=False)
    elif not c.p.module.throws:  # the word stands in a text, where nobody looks for it
        not_yet(c.p, node.at, f"{what} inside of a text", plural=False)
    else:
        return False
    return True


@handles(tree.Throw)
def throw(c: Fn, node: tree.Throw, want: Want, why: Why) -> hir.Expr:
    if _is_out_of_place(c, node, "`throw`"):
        return bad(node.at)
    typed = expr(c, node.value)
    if typed.type is NEVER or resolve(typed.type) is ERROR:
        return typed
    return hir.ThrowText(NEVER, node.at, joined(node.at, text_parts(c, typed)))


@handles(tree.TryCatch)
def try_catch(c: Fn, node: tree.TryCatch, want: Want, why: Why) -> hir.Expr:
    if _is_out_of_place(c, node, "`try`"):
        return bad(node.at)
    if node.finally_ is not None:
        return with_finally(c, node, node.finally_, want, why)
    return _caught(c, node, want, why)


def with_finally(c: Fn, node: tree.TryCatch, finally_: tree.Block, want: Want, why: Why) -> hir.Expr:
    """The `finally` is there once for the end of the `try`, once for a throw out of it, and once for each jump."""
    at = node.at
    for what, kinds in _NOT_IN_FINALLY:
        if count_of(kinds, [finally_]):
            not_yet(c.p, finally_.at, f"{what} inside of `finally`", plural=False)
            return bad(at)
    exits = count_of(_JUMPS, [node.body] if node.handler is None else [node.body, node.handler])
    inner = block(c, node.body, want, why) if node.handler is None else _caught(c, node, want, why)
    kind = resolve(inner.type)
    if openness(kind) == ANY:
        not_yet(c.p, at, "`finally` behind a value whose type follows later", plural=False)
        return bad(at)
    caught, lines, index = c.slot(STRING), c.slot(I32), c.slot(I32)
    again = hir.ThrowText(NEVER, at, hir.Local(STRING, at, caught), (lines, index))
    handler = hir.Block(NEVER, at, [hir.Do(_finally(c, finally_))], again)
    copies = [_finally(c, finally_) for _ in range(exits)]
    typed = hir.Catching(kind, at, inner, caught, handler, (lines, index), c.counter, copies)
    c.counter += 1
    c.p.composed = True
    if kind is NEVER:
        return typed
    behind = hir.Do(_finally(c, finally_))
    if kind is UNIT:
        return hir.Block(UNIT, at, [hir.Do(typed), behind], hir.Unit(UNIT, at))
    out: list[hir.Stmt] = []
    value = in_slot(c, open_type(c, typed), out)
    return open_type(c, hir.Block(value.type, at, [*out, behind], value))


_JUMPS = (tree.Return, tree.Break, tree.Continue, tree.Try)
_NOT_IN_FINALLY: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("`return`", (tree.Return,)),
    ("`?`", (tree.Try,)),
    ("a function as a value", (tree.Lambda,)),
)


def count_of(kinds: tuple[type, ...], nodes: Sequence[object]) -> int:
    """How many nodes of these classes stand in some trees."""
    count, waiting = 0, list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, tree.Node):
            count += isinstance(node, kinds)
            waiting += [getattr(node, name) for name in node.__struct_fields__]
    return count


def _finally(c: Fn, node: tree.Block) -> hir.Expr:
    """One more copy of a `finally`. It ends where it ends: no jump leaves it."""
    loops, result, nests = c.loops, c.returned, c.finally_
    if nests:
        not_yet(c.p, node.at, "`finally` inside of `finally`", plural=False)
        return bad(node.at)
    c.loops, c.finally_ = [], True
    typed = block(c, node, DROP, ())
    c.loops, c.returned, c.finally_ = loops, result, nests
    if typed.type is NEVER:
        c.p.cut = True
    elif resolve(typed.type) is not UNIT:
        typed = hir.Block(UNIT, node.at, [hir.Do(typed)], hir.Unit(UNIT, node.at))
    return typed


def _caught(c: Fn, node: tree.TryCatch, want: Want, why: Why) -> hir.Expr:
    """A `try` and its `catch`, which are two branches of one value."""
    assert node.handler is not None
    kind = Common(c, want)
    body = kind.add(block(c, node.body, want, why), node.body, why)
    mark = len(c.undo)
    caught = c.declare(node.name or "_", STRING, node.handler.at)
    handler = kind.add(block(c, node.handler, want, why), node.handler, why)
    c.leave(mark)
    result = kind.result(node.at, _DIFFER)
    typed = hir.Catching(result, node.at, kind.cast(body, result), caught.slot, kind.cast(handler, result))
    return open_type(c, typed) if result.__class__ is Var else typed


def run_before_jumps(p: Pass) -> None:
    """Puts the copies of each `finally` before the jumps out of its `try`, the inner ones first. This is done once all
    is decided, because some jumps stand in what was decided late."""
    if not p.module.throws:
        return
    for function in p.made.bodies.values():
        for node in reversed(nodes_in(function.body)):  # parts stand behind what they are part of
            if isinstance(node, hir.Catching) and node.label >= 0:
                _before_jumps(p, function, node)


def nodes_in(body: hir.Expr) -> list[Node]:
    order: list[Node] = []
    waiting: list[Node] = [body]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(PARTS[node.__class__](node))
    return order


def _before_jumps(p: Pass, function: hir.FunctionBody, node: hir.Catching) -> None:
    inside = nodes_in(node.body)
    labels = {part.label for part in inside if isinstance(part, hir.Loop | hir.While | hir.ForRange)}
    replaced: dict[int, Node] = {}
    for part in inside:
        if not isinstance(part, hir.Return | hir.Break | hir.Continue):
            continue
        if not isinstance(part, hir.Return) and part.label in labels:
            continue
        if not node.copies:
            p.error(
                "E0720", node.at, "a `finally` around so many jumps is not supported yet", "make functions of parts"
            )
            return
        out = _value_before(function, part)
        copy = node.copies.pop()
        out.append(hir.Do(hir.Leaving(copy.type, part.at, node.label, copy)))
        replaced[id(part)] = hir.Block(NEVER, part.at, out, part)
    for part in inside:
        put_in(part, replaced)
    node.body = replaced.get(id(node.body), node.body)


def _value_before(function: hir.FunctionBody, jump: hir.Return | hir.Break | hir.Continue) -> list[hir.Stmt]:
    """What computes the value of a jump, which keeps it in a slot meanwhile."""
    if isinstance(jump, hir.Continue) or jump.value is None:
        return []
    value, at = jump.value, jump.at
    if resolve(value.type) is UNIT:
        jump.value = hir.Unit(UNIT, at)
        return [hir.Do(value)]
    function.locals.append(value.type)
    slot = len(function.locals) - 1
    jump.value = hir.Local(value.type, at, slot)
    return [hir.Let(slot, value)]
