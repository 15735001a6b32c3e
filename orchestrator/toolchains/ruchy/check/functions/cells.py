"""What lambdas captured, filled in once every function is checked.

A variable that nobody writes to after its `let` is copied into each function value that uses it. One that is written to
lives in a cell that its function and these values share: its `let` makes the cell, and what reads or writes its slot
reads or writes the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.data.variants import item_variants
from orchestrator.toolchains.ruchy.check.inference.annotations import enum_of, field_types, struct_of
from orchestrator.toolchains.ruchy.check.inference.infer import settle
from orchestrator.toolchains.ruchy.check.never import put_in
from orchestrator.toolchains.ruchy.check.parts import PARTS, Node, stored_slots
from orchestrator.toolchains.ruchy.check.types import I32, UNIT, FunctionType, TupleType, Type
from orchestrator.toolchains.ruchy.check.variables import is_calm

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.check.passes import Pass
    from orchestrator.toolchains.ruchy.check.scope import Variable

Key = tuple[str, int]
"""A slot of a function: its symbol, and the slot."""


def fill_in(p: Pass) -> None:
    """Gives each function value what it captured, and each shared variable its cell."""
    closures = list(p.made.closures.values())
    if not closures:
        return
    # Only here, after all bodies, is it known which variables are written to, and by whom. One variable may have a slot
    # in several functions, one inside of another: they are joined first, because a write through any of them means
    # that all must share a cell. A variable that is only read is copied into the closure, which is cheaper.
    groups = _Groups()
    for one in closures:
        for outer, inner in one.captured.items():
            groups.join((one.outer, outer.slot), (one.symbol, inner.slot))
    bodies = {
        name: p.made.bodies[name]
        for closure in closures
        for name in (closure.outer, closure.symbol)
        if name in p.made.bodies
    }
    written = {groups.find((name, slot)) for name, body in bodies.items() for slot in stored_slots(body.body)}
    for one in closures:
        for outer in one.captured:
            if groups.find((one.outer, outer.slot)) in written:
                _may_not_hold_itself(p, outer)
    cells = {name: _Cells(body) for name, body in bodies.items()}
    for one in closures:
        for outer, inner in one.captured.items():
            for name, variable in ((one.outer, outer), (one.symbol, inner)):
                if variable.slot >= 0 and name in cells and groups.find((name, variable.slot)) in written:
                    cells[name].of(variable)
    for cell in cells.values():
        cell.rewrite()
    for one in closures:
        if one.symbol in cells and one.outer in cells:
            pairs = [(outer, inner) for outer, inner in one.captured.items() if inner.slot >= 0]
            kept = [(cells[one.outer].whole(outer), cells[one.symbol].whole(inner)) for outer, inner in pairs]
            _enter(bodies[one.symbol], one.values, kept)


def _enter(body: hir.FunctionBody, values: list[hir.MakeClosure], kept: list[tuple[hir.Local, hir.Local]]) -> None:
    """What the values are made with, and how their function reads it."""
    kind = TupleType((I32, I32, *[outer.type for outer, _ in kept]))
    body.locals[0] = body.parameters[0] = kind
    itself = hir.Local(kind, body.at, 0)
    lets = [hir.Let(inner.slot, hir.GetField(inner.type, body.at, itself, 2 + i)) for i, (_, inner) in enumerate(kept)]
    if lets:
        body.body = hir.Block(body.body.type, body.at, [*lets], body.body)
    for value in values:
        value.captures += [hir.Local(outer.type, outer.at, outer.slot) for outer, _ in kept]


class _Groups:
    """Slots that are one variable, in several functions."""

    def __init__(self) -> None:
        self._links: dict[Key, Key] = {}

    def find(self, key: Key) -> Key:
        while key in self._links:
            key = self._links[key]
        return key

    def join(self, one: Key, other: Key) -> None:
        one, other = self.find(one), self.find(other)
        if one != other:
            self._links[other] = one


# ------------------------------------------------------------ cells that could hold themselves


def _may_not_hold_itself(p: Pass, variable: Variable) -> None:
    """E0297 for a shared variable that can hold functions: one of them could hold the variable."""
    if _reaches_function(p, settle(variable.type)):
        message = f"`{variable.name}` is written to, holds functions, and one of these uses it: it could hold itself"
        p.error("E0297", variable.at, message, "such a function would never be freed: write a `fun` with a name")


def _reaches_function(p: Pass, kind: Type) -> bool:
    waiting, seen = [kind], {kind}
    while waiting:
        node = waiting.pop()
        if isinstance(node, FunctionType):
            return True
        p.touch(node)
        struct, enum = struct_of(p, node), enum_of(p, node)
        inner: list[Type] = list(node.parts)
        if struct is not None:
            inner += field_types(p, struct, node)
        if enum is not None:
            inner += [part for variant in item_variants(p, enum, node) for part in variant.types]
        for part in inner:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return False


# ------------------------------------------------------------ reading and writing cells


class _Cells:
    """The shared variables of one function: the slot of the cell of each slot."""

    def __init__(self, function: hir.FunctionBody) -> None:
        self.function = function
        self.locals = function.locals
        self._cells: dict[int, int] = {}

    def slot(self, kind: Type) -> int:
        self.locals.append(kind)
        return len(self.locals) - 1

    def of(self, variable: Variable) -> None:
        """Makes a variable one that lives in a cell."""
        if variable.slot not in self._cells:
            self._cells[variable.slot] = self.slot(TupleType((settle(variable.type),)))

    def whole(self, variable: Variable) -> hir.Local:
        """What a function value keeps of a variable: its cell, or its value."""
        cell = self._cells.get(variable.slot)
        kind = settle(variable.type)
        return hir.Local(kind, 0, variable.slot) if cell is None else hir.Local(TupleType((kind,)), 0, cell)

    def _cell(self, slot: int, at: int) -> hir.Local:
        cell = self._cells[slot]
        return hir.Local(self.locals[cell], at, cell)

    def _new(self, slot: int, value: hir.Expr, at: int) -> hir.Let:
        cell = self._cells[slot]
        return hir.Let(cell, hir.NewStruct(self.locals[cell], at, [value], [0]))

    def rewrite(self) -> None:
        """Reads and writes the cells wherever the tree reads and writes their slots."""
        if not self._cells:
            return
        function = self.function
        order: list[Node] = []
        waiting: list[Node] = [function.body]
        while waiting:
            node = waiting.pop()
            order.append(node)
            waiting.extend(PARTS[node.__class__](node))
        replaced: dict[int, Node] = {}
        for node in reversed(order):  # parts before what they are part of
            put_in(node, replaced)
            instead = self._instead(node)
            if instead is not node:
                replaced[id(node)] = instead
        function.body = replaced.get(id(function.body), function.body)
        first: list[hir.Stmt] = [
            self._new(slot, hir.Local(self.locals[slot], function.at, slot), function.at)
            for slot in sorted(self._cells)
            if slot < len(function.parameters)
        ]
        if first:
            function.body = hir.Block(function.body.type, function.at, first, function.body)

    def _instead(self, node: Node) -> Node:
        if isinstance(node, hir.Local) and node.slot in self._cells:
            return hir.GetCell(node.type, node.at, self._cell(node.slot, node.at))
        if isinstance(node, hir.Let) and node.slot in self._cells:
            return self._new(node.slot, node.value, node.value.at)
        if isinstance(node, hir.ForRange) and node.slot in self._cells:
            counter = self.slot(self.locals[node.slot])
            first = self._new(node.slot, hir.Local(self.locals[counter], node.at, counter), node.at)
            node.body = hir.Block(node.body.type, node.at, [first], node.body)
            node.slot = counter
        if isinstance(node, hir.Store | hir.Change):
            return self._write(node)
        if isinstance(node, hir.CallChanging):
            return self._lend(node)
        return node

    def _kept(self, value: hir.Expr, out: list[hir.Stmt]) -> hir.Expr:
        """A value in a slot."""
        if isinstance(value, hir.Int | hir.Local) or settle(value.type) is UNIT:
            return value
        slot = self.slot(value.type)
        out.append(hir.Let(slot, value))
        return hir.Local(value.type, value.at, slot)

    def _write(self, node: hir.Store | hir.Change) -> Node:
        """A statement that writes into a variable. What it is indexed by may be read from a cell, too."""
        out: list[hir.Stmt] = []
        shared = node.slot in self._cells
        if isinstance(node, hir.Store) and shared and not node.path and not self._appends(node.slot, node.value):
            return hir.Do(hir.SetCell(UNIT, node.at, self._cell(node.slot, node.at), node.value))
        if shared and isinstance(node, hir.Store) and node.path:
            node.value = self._kept(node.value, out)
        if shared and isinstance(node, hir.Change):
            node.arguments = [self._kept(argument, out) for argument in node.arguments]
        node.path = [step if isinstance(step, int | hir.InPayload) else self._kept(step, out) for step in node.path]
        if not shared:
            return hir.Do(hir.Block(UNIT, node.at, [*out, node], hir.Unit(UNIT, node.at))) if out else node
        cell = self._cell(node.slot, node.at)
        kind = self.locals[cell.slot].parts[0]
        taken = self.slot(kind)
        out.append(hir.Let(taken, hir.GetCell(kind, node.at, cell, taken=True)))
        if isinstance(node, hir.Store) and isinstance(node.value, hir.Concat) and not node.path:
            first = hir.Local(kind, node.at, taken)
            node.value = hir.Concat(node.value.type, node.value.at, [first, *node.value.parts[1:]])
        node.slot = taken
        out += [node, hir.Do(hir.SetCell(UNIT, node.at, cell, hir.Local(kind, node.at, taken), back=True))]
        return hir.Do(hir.Block(UNIT, node.at, out, hir.Unit(UNIT, node.at)))

    def _appends(self, slot: int, value: hir.Expr) -> bool:
        """Whether a value is the text of a cell, and something behind it that surely does not change the cell."""
        first = value.parts[0] if isinstance(value, hir.Concat) else None
        if not isinstance(first, hir.GetCell) or not isinstance(first.cell, hir.Local):
            return False
        return first.cell.slot == self._cells[slot] and isinstance(value, hir.Concat) and is_calm(value)

    def _lend(self, node: hir.CallChanging) -> hir.Expr:
        """A call that changes variables in cells: it gets copies, which are put back."""
        lent = [slot for slot in node.changed if slot in self._cells]
        if not lent and not any(isinstance(argument, hir.GetCell) for argument in node.arguments):
            return node
        out: list[hir.Stmt] = []
        back: list[hir.Stmt] = []
        of_cell = {self._cells[slot]: slot for slot in lent}
        for index, one in enumerate(node.arguments):
            if not isinstance(one, hir.GetCell):
                continue
            assert isinstance(one.cell, hir.Local)
            kept = self._kept(one, out)
            assert isinstance(kept, hir.Local)
            node.arguments[index] = kept
            slot = of_cell.get(one.cell.slot)
            if slot is not None:
                node.changed = [kept.slot if changed == slot else changed for changed in node.changed]
                back.append(hir.Do(hir.SetCell(UNIT, node.at, one.cell, kept)))
        value: hir.Expr = node
        if settle(node.type) is UNIT:
            out.append(hir.Do(node))
            value = hir.Unit(UNIT, node.at)
        else:
            value = self._kept(node, out)
        return hir.Block(node.type, node.at, [*out, *back], value)
