"""The body of one function while it is being written: bytes, relocations, locals, traps and who owns what.

Ownership (runtime/README.md): parameters are borrowed, results are owned. A handler leaves its value on the stack and
says whose it is:

- `PLAIN`: nothing to do: a number, or a static string, or no value at all;
- `OWNED`: a reference that its taker must release or hand on;
- `BORROWED`: a reference that lives in a local or a field; to keep it, retain it.

`live` lists, innermost last, the locals that hold a reference to release, so that every way out of a scope (its end,
`break`, `continue`, `return`) releases exactly what has been bound by then. An owned reference that waits while
something else is computed that may jump waits in such a local too, never on the stack alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.check.abilities import HELPER
from orchestrator.toolchains.ruchy.check.parts import stored_slots
from orchestrator.toolchains.ruchy.check.types import NeverType, Type
from orchestrator.toolchains.ruchy.lower.layout import is_counted, valtype
from orchestrator.toolchains.ruchy.lower.locals import Locals
from orchestrator.toolchains.ruchy.lower.statics import StaticData
from orchestrator.toolchains.ruchy.lower.valtypes import I32, functype
from orchestrator.toolchains.ruchy.lower.walk import is_straight
from orchestrator.wasm.fragment import (
    DATA,
    FUNCTION_INDEX_LEB,
    MEMORY_ADDR_SLEB,
    TABLE_INDEX_SLEB,
    TYPE_INDEX_LEB,
    FunctionCode,
    Reference,
    Relocation,
)
from orchestrator.wasm.leb import sleb, uleb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.toolchains.ruchy.lower.shared import Shared

PLAIN: Final = 0
OWNED: Final = 1
BORROWED: Final = 2

OVERFLOW: Final = 0
DIVISION_BY_ZERO: Final = 1
REMAINDER_BY_ZERO: Final = 2
SHIFT_RANGE: Final = 3

_GET = [b"\x20" + uleb(index) for index in range(128)]
_SET = [b"\x21" + uleb(index) for index in range(128)]
_TEE = [b"\x22" + uleb(index) for index in range(128)]
_HOLE = b"\x00\x00\x00\x00\x00"
_TRAP_TYPE = functype(bytes((I32, I32, I32)), b"")
_RETAIN_TYPE = functype(bytes((I32,)), b"")


def get(index: int) -> bytes:
    return _GET[index] if index < 128 else b"\x20" + uleb(index)


def set_(index: int) -> bytes:
    return _SET[index] if index < 128 else b"\x21" + uleb(index)


def tee(index: int) -> bytes:
    return _TEE[index] if index < 128 else b"\x22" + uleb(index)


Handler = Callable[["Body", Any], int]
HANDLERS: dict[type, Handler] = {}
"""What lowers a node, by its class. `handles` fills it; `table.py` refuses to start while one is missing."""

Node = TypeVar("Node", bound=msgspec.Struct)


def handles(kind: type[Node]) -> Callable[[Callable[[Body, Node], int]], Handler]:
    """Registers the function behind it as what lowers one class of nodes. It returns PLAIN, OWNED or BORROWED."""

    def register(handler: Callable[[Body, Node], int]) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return register


class Label:
    """A loop that may be left: the depths of the blocks that `break` and `continue` end, how many references were
    live outside of it, and whether a break carries a value."""

    __slots__ = ("break_level", "continue_level", "live", "valued")

    def __init__(self, break_level: int, continue_level: int, live: int, valued: bool) -> None:
        self.break_level = break_level
        self.continue_level = continue_level
        self.live = live
        self.valued = valued


class Body:
    """Writes one WebAssembly function. `function` is lowered; `shared` belongs to all functions of its module."""

    def __init__(self, shared: Shared, function: hir.FunctionBody) -> None:
        self.shared = shared
        self.function = function
        self.out = bytearray()
        self.depth = 0
        self.labels: dict[int, Label] = {}
        self.counting: set[int] = set()  # slots of variables that count up from 0 or more
        self.stored: set[int] = set()  # slots that are assigned to; known where there are counted parameters
        self.lent: set[int] = set()  # slots whose reference a caller keeps as long as the function runs
        self.catches: list[tuple[int, int, int]] = []
        self.live: list[tuple[int, Type]] = []
        self.glue: dict[str, None] = {}
        self.statics = StaticData(function.symbol)
        self.locals = Locals(function.locals, len(function.parameters))
        self.slots = self.locals.slots
        self._relocations: list[tuple[int, int, Reference | bytes]] = []
        self._sites: dict[int, int] = {}
        self._trap_local = -1
        self._table = HANDLERS
        self._ready: hir.Expr | None = None
        self._ready_held = PLAIN

    # ------------------------------------------------------------ the whole function

    def write(self) -> None:
        """Lowers the function's body, with the ownership of its parameters around it."""
        function = self.function
        # The result is ours before the locals are released, because it may be borrowed from one of them. What `&mut`
        # parameters hold stands behind the result on the stack, so it is pushed last.
        self._own_stored_parameters()
        self.own(function.body)
        if not valtype(function.result) and valtype(function.body.type):
            self.discard(OWNED if self.is_counted(function.body.type) else PLAIN, function.body.type)
        self.release_down_to(0)
        self.give_changes()
        if isinstance(function.body.type, NeverType):
            self.out.append(0x00)

    def give_changes(self) -> None:
        """What parameters `&mut T` hold now, behind the result."""
        for slot in self.function.changes:
            self.out += get(self.slots[slot])

    def _own_stored_parameters(self) -> None:
        """A parameter that the body assigns to becomes the body's own. One that is `&mut T` is handed over."""
        function = self.function
        counted = [slot for slot, type_ in enumerate(function.parameters) if self.is_counted(type_)]
        if not counted:
            return
        # Parameters are borrowed. But an assignment releases what the local held before, so such a local needs a
        # reference of its own. `&mut` parameters come with one, and give one back.
        self.stored = stored = stored_slots(function.body)
        for slot in counted:
            if slot not in stored and slot not in function.changes:
                self.lent.add(slot)
            elif slot not in function.changes:
                self.out += get(self.slots[slot])
                self.call("rt::retain", _RETAIN_TYPE)
                self.live.append((self.slots[slot], function.parameters[slot]))

    def code(self, type_: bytes, flags: int) -> FunctionCode:
        """The finished function."""
        before, after = self._frame()
        head = self.locals.declaration() + before
        shift = len(head)
        body = bytes(head + self.out + after + b"\x0b")
        relocations = tuple([Relocation(kind, offset + shift, target) for kind, offset, target in self._relocations])
        return FunctionCode(self.function.symbol, type_, body, relocations, flags)

    def _frame(self) -> tuple[bytes, bytes]:
        """What stands around the body where checks in it may trap: they all jump to one tail."""
        if self._trap_local < 0:
            return b"", b""
        # A check jumps out of one block around the whole body, to the only call of `rt::trap`. So a check costs few
        # bytes, and the trap finds its site and reason in one local: `site << 3 | reason` (see `trap_if`).
        size = len(self.out)
        self.out += b"\x0f\x0b"  # return, end
        self.site_base()
        self.out += get(self._trap_local) + b"\x41\x03\x76" + get(self._trap_local) + b"\x41\x07\x71"
        self.call("rt::trap", _TRAP_TYPE)
        tail = bytes(self.out[size:]) + b"\x00"
        del self.out[size:]
        return b"\x02\x40", tail

    @property
    def sites(self) -> tuple[int, ...]:
        """Token ordinals of the trap sites, relative to the function's first token."""
        start = self.function.start
        return tuple([at - start for at in self._sites])

    # ------------------------------------------------------------ values

    def emit(self, node: hir.Expr | hir.Stmt) -> int:
        """Lowers an expression or a statement; returns PLAIN, OWNED or BORROWED."""
        if node is self._ready:
            self._ready = None
            return self._ready_held
        return self._table[node.__class__](self, node)

    def emit_after(self, first: hir.Expr, held: int, node: hir.Expr, handler: Callable[[Body, Any], int]) -> int:
        """Lowers an expression whose first operand stands on the stack already."""
        self._ready, self._ready_held = first, held
        return handler(self, node)

    def lends(self, node: hir.Let) -> bool:
        """Whether a variable needs no reference of its own: it is never assigned to, and what it holds is, or is inside
        of, what the caller keeps. Nobody writes to that meanwhile."""
        value = node.value
        while isinstance(value, hir.GetField | hir.GetElement | hir.GetPayload):
            value = value.value
        if isinstance(value, hir.Local) and value.slot in self.lent and node.slot not in self.stored:
            self.lent.add(node.slot)
            return True
        self.lent.discard(node.slot)
        return False

    def own(self, node: hir.Expr) -> int:
        """Lowers an expression so that a counted value is ours. Returns PLAIN or OWNED."""
        held = self._table[node.__class__](self, node)
        if held == BORROWED:
            self.retain_top()
            return OWNED
        return held

    def retain_top(self) -> None:
        """Retains the reference on top of the stack."""
        kept = self.temporary(I32)
        self.out += tee(kept)
        self.call("rt::retain", _RETAIN_TYPE)
        self.out += get(kept)
        self.give_back(I32, kept)

    def discard(self, held: int, type_: Type) -> None:
        """Drops the value on top of the stack."""
        if held == OWNED:
            self.release_top(type_)
        elif valtype(type_):
            self.out.append(0x1A)

    def operands(self, nodes: Sequence[hir.Expr]) -> list[int]:
        """Lowers several expressions in order. Returns the temporaries to hand to `release_operands` once the values
        have been used."""
        # A borrowed reference may wait on the stack only while nothing stores to the local that holds it, because a
        # store releases the old value. An owned one waits in a local that is `live`, so that a jump releases it.
        waiting: list[int] = []
        for index, node in enumerate(nodes):
            held = self.emit(node)
            if held == PLAIN:
                continue
            if held == BORROWED:
                if index + 1 == len(nodes) or is_straight(nodes[index + 1 :]):
                    continue
                self.retain_top()
            waiting.append(self.keep(node.type))
        return waiting

    def keep(self, type_: Type) -> int:
        """Remembers the owned reference on top of the stack in a temporary, and leaves it there."""
        kept = self.temporary(I32)
        self.out += tee(kept)
        self.live.append((kept, type_))
        return kept

    def release_operands(self, waiting: list[int]) -> None:
        """Releases what `operands` remembered; the result of the operation may stay on the stack."""
        for kept in reversed(waiting):
            index, type_ = self.live.pop()
            assert index == kept
            self.release(kept, type_)
            self.give_back(I32, kept)

    # ------------------------------------------------------------ reference counts

    def is_counted(self, type_: Type) -> bool:
        return is_counted(type_)

    def release(self, index: int, type_: Type) -> None:
        """Releases the reference in a local."""
        self.out += get(index)
        self.release_top(type_)

    def release_top(self, type_: Type) -> None:
        """Releases the reference on top of the stack."""
        name = self.shared.layouts.drop_of(type_)
        self.call(self.need_glue(type_, "drop") if name == HELPER else name, _RETAIN_TYPE)

    def release_down_to(self, height: int, moved: int = -1) -> None:
        """Releases, and forgets, what has become live above `height`, but for the local `moved`."""
        live = self.live
        while len(live) > height:
            index, type_ = live.pop()
            if index != moved:
                self.release(index, type_)

    def release_for_jump(self, height: int, moved: int = -1) -> None:
        """The same before a jump: the code behind it still counts on what is live."""
        for index, type_ in reversed(self.live[height:]):
            if index != moved:
                self.release(index, type_)

    def need_glue(self, type_: Type, kind: str) -> str:
        """The symbol of a helper function of a type ("drop", "unshare", "eq", "show")."""
        name = self.shared.request(type_, kind)
        self.glue[name] = None
        return name

    # ------------------------------------------------------------ locals, calls, data

    def temporary(self, kind: int) -> int:
        """A free local of this value type."""
        return self.locals.temporary(kind)

    def give_back(self, kind: int, index: int) -> None:
        self.locals.give_back(kind, index)

    def call(self, name: str, type_: bytes) -> None:
        """A call of the function of that symbol."""
        self.out.append(0x10)
        self._relocations.append((FUNCTION_INDEX_LEB, len(self.out), self.shared.function(name, type_)))
        self.out += _HOLE

    def call_indirect(self, type_: bytes) -> None:
        """A call of the function whose slot of the table is on top of the stack."""
        self.out.append(0x11)
        self._relocations.append((TYPE_INDEX_LEB, len(self.out), type_))
        self.out += _HOLE + b"\x00"

    def table_slot(self, target: Reference) -> None:
        """The slot of the table that a function stands in."""
        self.out.append(0x41)
        self._relocations.append((TABLE_INDEX_SLEB, len(self.out), target))
        self.out += _HOLE

    def address(self, target: Reference) -> None:
        """The address of a data item."""
        self.out.append(0x41)
        self._relocations.append((MEMORY_ADDR_SLEB, len(self.out), target))
        self.out += _HOLE

    def string(self, text: str) -> None:
        """The address of a static string."""
        self.address(self.statics.text(text))

    # ------------------------------------------------------------ traps

    def site_base(self) -> None:
        """The address of the function's line table."""
        self.address(Reference(DATA, self.function.symbol + ".{lines}"))

    def site_index(self, at: int) -> int:
        return self._sites.setdefault(at, len(self._sites))

    def site(self, at: int) -> None:
        """The two arguments that name a trap site: line table and index."""
        self.site_base()
        self.out += b"\x41" + sleb(self.site_index(at))

    def trap_if(self, reason: int, at: int) -> None:
        """Traps where the i32 on top of the stack is not zero."""
        if self._trap_local < 0:
            self._trap_local = self.temporary(I32)
        number = self.site_index(at) << 3 | reason
        self.out += b"\x41" + sleb(number) + set_(self._trap_local) + b"\x0d" + uleb(self.depth)
