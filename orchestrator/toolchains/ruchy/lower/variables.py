"""Variables of the top level: 8 bytes of value in memory, and a word that is not 0 until the `let` has run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.toolchains.ruchy.check import hir
from orchestrator.toolchains.ruchy.lower.body import OWNED, PLAIN, get, handles, set_
from orchestrator.toolchains.ruchy.lower.layout import valtype
from orchestrator.toolchains.ruchy.lower.valtypes import F32, F64, I32, I64, functype
from orchestrator.wasm.fragment import DATA, LOCAL, Data, Reference
from orchestrator.wasm.leb import uleb

if TYPE_CHECKING:
    from orchestrator.toolchains.ruchy.lower.body import Body

_LOAD = {I32: b"\x28\x02", I64: b"\x29\x03", F32: b"\x2a\x02", F64: b"\x2b\x03"}
_STORE = {I32: b"\x36\x02", I64: b"\x37\x03", F32: b"\x38\x02", F64: b"\x39\x03"}
_NOT_YET = 8
"""Where the word stands: 0, or one of those below."""
_UNSET = 1
_LENT = 2
_TRAP_TEXT = functype(bytes((I32, I32, I32)), b"")


def variable(symbol: str) -> Data:
    return Data(symbol, ".data", bytes(_NOT_YET) + bytes((_UNSET, 0, 0, 0)), 3, (), LOCAL)


@handles(hir.GetGlobal)
def lower_get_global(body: Body, node: hir.GetGlobal) -> int:
    if node.name:
        _check(body, node.symbol, node.name, node.at)
    body.address(Reference(DATA, node.symbol))
    body.out += _LOAD[valtype(node.type)] + b"\x00"
    if not body.is_counted(node.type):
        return PLAIN
    if not node.taken:
        body.retain_top()
    return OWNED


@handles(hir.SetGlobal)
def lower_set_global(body: Body, node: hir.SetGlobal) -> int:
    """Releases the old reference once the new one is in its place, so that a reader always sees one of them."""
    type_ = node.value.type
    place = Reference(DATA, node.symbol)
    kind = valtype(type_)
    body.own(node.value)
    if node.name:
        _check(body, node.symbol, node.name, node.at)
    value = body.temporary(kind)
    body.out += set_(value)
    releases = body.is_counted(type_) and not node.first and not node.back
    if releases:
        body.address(place)
        body.out += _LOAD[kind] + b"\x00"
    body.address(place)
    body.out += get(value) + _STORE[kind] + b"\x00"
    body.give_back(kind, value)
    if releases:
        body.release_top(type_)
    if node.first:
        _mark(body, node.symbol, 0)
    return PLAIN


@handles(hir.LendGlobal)
def lower_lend_global(body: Body, node: hir.LendGlobal) -> int:
    _mark(body, node.symbol, _LENT if node.lent else 0)
    return PLAIN


def _mark(body: Body, symbol: str, word: int) -> None:
    body.address(Reference(DATA, symbol))
    body.out += b"\x41" + uleb(word) + b"\x36\x02" + uleb(_NOT_YET)


def _check(body: Body, symbol: str, name: str, at: int) -> None:
    """Traps where the `let` has not run, and where a call changes the variable through `&mut`."""
    load = b"\x28\x02" + uleb(_NOT_YET)
    body.address(Reference(DATA, symbol))
    body.out += load + b"\x04\x40"
    body.address(Reference(DATA, symbol))
    body.out += load + b"\x41" + uleb(_LENT) + b"\x46\x04\x40"  # i32.eq, if
    trap_with(body, at, f"`{name}` is used while a call changes it through `&mut {name}`")
    body.out += b"\x0b"
    trap_with(body, at, f"`{name}` is used before its `let` has run")
    body.out += b"\x0b"


def trap_with(body: Body, at: int, message: str) -> None:
    """Traps with a text."""
    body.site(at)
    body.string(message)
    body.call("rt::trap_text", _TRAP_TEXT)
    body.out += b"\x00"
