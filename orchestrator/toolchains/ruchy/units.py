"""What is cached of an item with code: its fragments, and what the rest of its module's compile asks it for.

A unit holds no position: tokens are counted from the item's first. So it stays what it is wherever the item stands, and
assembly gives its traps and warnings their lines. Closures and the functions nested in an item are part of its unit;
methods will have units of their own (`Point::area`, with the header of their `impl` in the fingerprint), generic
instances will stand with the unit that uses them, as weak code like the helpers of structs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.diagnostics import Finding
from actors.untrusted import UNREADABLE
from orchestrator.wasm.fragment import Fragment
from orchestrator.wasm.pieces import CodePiece, DataPiece, code_piece, data_piece


class FragmentPieces(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Fragment` in pieces. `sites` are as there; the first piece of code is the function itself."""

    name: str
    code: tuple[CodePiece, ...]
    data: tuple[DataPiece, ...]
    sites: tuple[int, ...]


def fragment_pieces(fragment: Fragment) -> FragmentPieces:
    """Raises ValueError for a fragment that makes no sense."""
    return FragmentPieces(
        fragment.name,
        tuple([code_piece(one) for one in fragment.code]),
        tuple([data_piece(one) for one in fragment.data]),
        fragment.sites,
    )


class CachedUnit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`name` is the item's. `fragments`: its own function, then those that are nested in it. `bindings` are those that
    it looked up, as (scope, name).

    `public`: 0 no, 1 yes, 2 and a host can call it (all types are numbers, bools or unit). `calls_main` is that
    of the top level. `grown`: how much is put in where it is used (`check/passes.py` has a limit to that)."""

    name: str
    fragments: tuple[FragmentPieces, ...]
    public: int = 0
    calls_main: bool = False
    bindings: tuple[tuple[str, str], ...] = ()
    grown: int = 0
    warnings: tuple[Finding, ...] = ()


class PlacedUnit(msgspec.Struct, frozen=True):
    """A unit on its way into an object: `data` is the unit encoded, empty where nobody asks for it, and `lines` are
    those of the trap sites of each of its fragments."""

    unit: CachedUnit
    data: bytes
    lines: Sequence[Sequence[int]]


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(CachedUnit).decode


def decode(data: bytes, name: str) -> CachedUnit | None:
    """The unit of the item of that name; None where the bytes are none."""
    try:
        unit = _decode(data)
    except UNREADABLE:
        return None
    return unit if unit.name == name and unit.fragments else None
