"""Inferred signatures as they travel: canonical bytes, equal for equal types whoever looks.

A type is its name: a builtin one's, or "module::item" of a struct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.compiler.toolchain import Signature
from actors.untrusted import UNREADABLE
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    CHAR,
    FLOATS,
    INTEGERS,
    STRING,
    UNIT,
    FloatType,
    IntType,
    StructType,
    Type,
)

_NAMED: dict[str, Type] = {"bool": BOOL, "char": CHAR, "String": STRING, "()": UNIT, **INTEGERS, **FLOATS}
_NAMES: dict[type, str] = {type(BOOL): "bool", type(CHAR): "char", type(STRING): "String", type(UNIT): "()"}


class Known(msgspec.Struct, frozen=True):
    """The types of a function's parameters, and of its result; `defaults`: some parameter has one."""

    parameters: tuple[Type, ...]
    result: Type
    defaults: bool


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    parameters: tuple[str, ...]
    result: str
    defaults: str
    meanings: tuple[tuple[str, str], ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Wire).decode


def signature_of(
    parameters: Sequence[Type], result: Type, defaults: str = "", meanings: Mapping[str, str] | None = None
) -> Signature | None:
    """A signature to hand on, None where a type in it has no name outside of its function. `defaults` is the text of
    the default values as tokens, `meanings` says what the names in it mean: name -> "module::item"."""
    names = [_name(kind) for kind in (*parameters, result)]
    if not all(names):
        return None
    meant = tuple(sorted((meanings or {}).items()))
    wire = _Wire(tuple(names[:-1]), names[-1], defaults, meant)
    dragged = {name for name in names if "::" in name and name[0] != ":"} | {to for _, to in meant}
    return Signature(interface=_encode(wire), names=tuple(sorted(dragged)))


def _name(kind: Type) -> str:
    if isinstance(kind, IntType | FloatType):
        return kind.name
    if isinstance(kind, StructType):
        return "" if "." in kind.item else f"{kind.module}::{kind.item}"
    return _NAMES.get(kind.__class__, "")


def known(signature: Signature) -> Known | None:
    """What a signature says; None for one that cannot be read."""
    try:
        wire = _decode(signature.interface)
    except UNREADABLE:
        return None
    types = [_type(name) for name in (*wire.parameters, wire.result)]
    if any(kind is None for kind in types):
        return None
    return Known(tuple(types[:-1]), types[-1], bool(wire.defaults))  # type: ignore[arg-type]


def _type(name: str) -> Type | None:
    found = _NAMED.get(name)
    if found is None and "::" in name:
        module, _, item = name.partition("::")
        return StructType(module, item)
    return found
