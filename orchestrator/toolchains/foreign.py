"""Functions that one language offers another one: how a summary describes them.

An item of the kind `FOREIGN` is a function whose symbol is its bare name, as in C. Its interface is a `ForeignFunction`
in bytes. Types go by their names in Ruchy, because these say the width: `i32`, `u8`, `f64`, `bool`.
"""

from __future__ import annotations

import msgspec

from actors.untrusted import UNREADABLE

FOREIGN = "foreign function"


class ForeignFunction(msgspec.Struct, frozen=True, array_like=True):
    """Names and types of the parameters, and the result, "" for none. `refused` says why nobody else may call it, ""
    where they may, and `cure` what to write instead."""

    parameters: tuple[tuple[str, str], ...] = ()
    result: str = ""
    refused: str = ""
    cure: str = ""


def written(function: ForeignFunction) -> bytes:
    """The function as the interface of an item."""
    return msgspec.msgpack.encode(function)


def read(interface: bytes) -> ForeignFunction | None:
    """What an interface says, None for one that cannot be read."""
    try:
        return msgspec.msgpack.decode(interface, type=ForeignFunction)
    except UNREADABLE:
        return None
