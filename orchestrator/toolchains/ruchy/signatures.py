"""Inferred signatures as they travel: canonical bytes, equal for equal types in every module.

A type is its name: a builtin one's, "module::item" of a struct, "enum module::item" (see `abilities.name_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

import msgspec

from actors.compiler.toolchain import Signature
from actors.untrusted import UNREADABLE
from orchestrator.toolchains.ruchy.check.abilities import name_of
from orchestrator.toolchains.ruchy.check.types import (
    BOOL,
    FLOATS,
    INTEGERS,
    STRING,
    UNIT,
    ArrayType,
    EnumType,
    FunctionType,
    MapType,
    MixedType,
    ObjectType,
    PlainEnumType,
    SetType,
    StructType,
    TupleType,
    Type,
    key_of,
    named_in,
)

_NAMED: dict[str, Type] = {
    **INTEGERS,
    **FLOATS,
    **{name_of(kind): kind for kind in (BOOL, STRING, UNIT)},
}


class Known(msgspec.Struct, frozen=True):
    """The types of a function's parameters, and of its result; `defaults`: some parameter has one. `instanced`: it has
    none of these, because it is compiled for each set of types."""

    parameters: tuple[Type, ...]
    result: Type
    defaults: bool
    instanced: bool = False


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
    structs = [struct for kind in (*parameters, result) for struct in named_in(kind)]
    if any("." in struct.item for struct in structs):
        return None
    names = [name_of(kind) for kind in (*parameters, result)]
    if not all(names):
        return None
    meant = tuple(sorted((meanings or {}).items()))
    wire = _Wire(tuple(names[:-1]), names[-1], defaults, meant)
    needed = {key_of(struct) for struct in structs if struct.module} | {to for _, to in meant}
    return Signature(interface=_encode(wire), names=tuple(sorted(needed)))


INSTANCED = Signature(interface=b"*", whole=True)
"""Of a function that is compiled for each set of types: all of its text is seen."""


def known(signature: Signature) -> Known | None:
    """What a signature says; None for one that cannot be read."""
    if signature.whole:
        return Known((), UNIT, True, True) if signature.interface == INSTANCED.interface else None
    try:
        wire = _decode(signature.interface)
    except UNREADABLE:
        return None
    try:
        types = [type_named(name) for name in (*wire.parameters, wire.result)]
    except ValueError:
        return None
    return Known(tuple(types[:-1]), types[-1], bool(wire.defaults))


def type_named(name: str) -> Type:
    """The type of a canonical name (`abilities.name_of`). ValueError for a text that is no such name."""
    known = _NAMED.get(name)
    if known is not None:
        return known
    if name[:1] == "[" and name[-1:] == "]":
        return ArrayType(type_named(name[1:-1]))
    if name[:3] == "fn(" and "->" in name:
        return _function(name)
    if name[:1] == "{" and name[-1:] == "}":
        fields = [part.partition(":") for part in _listed(name[1:-1])]
        return ObjectType(tuple([unquote(field[0]) for field in fields]), tuple([type_named(one[2]) for one in fields]))
    if name[:4] in ("map<", "set<") and name[-1:] == ">":
        kinds = [type_named(part) for part in _listed(name[4:-1])]
        if len(kinds) != (2 if name[:1] == "m" else 1):
            raise ValueError(name)
        return MapType(*kinds) if name[:1] == "m" else SetType(*kinds)
    if name[:6] == "mixed(" and name[-1:] == ")":
        return MixedType(tuple([type_named(part) for part in _listed(name[6:-1])]))
    if name[:1] == "(" and name[-1:] == ")":
        return TupleType(tuple([type_named(part) for part in _listed(name[1:-1])]))
    if name[:2] == "::" and name[-1:] == ">":
        return _option_or_result(name)
    prefix, space, rest = name.partition(" ") if name.startswith(_PREFIXES) else ("", "", name)
    make = _NOMINAL.get(prefix if space else "")
    text = rest if space else name
    arguments: tuple[Type, ...] = ()
    if text[-1:] == ">":
        text, _, inner = text[:-1].partition("<")
        arguments = tuple([type_named(part) for part in _listed(inner)])
    module, separator, item = text.partition("::")
    if make is None or not separator:
        raise ValueError(name)
    kind = make(module, item)
    return kind.with_parts(arguments) if arguments else kind


_NOMINAL: dict[str, Callable[[str, str], Type]] = {"": StructType, "enum": EnumType, "plain": PlainEnumType}
_PREFIXES = ("enum ", "plain ")


def _option_or_result(name: str) -> Type:
    head, _, rest = name[2:-1].partition("<")
    parts = tuple([type_named(part) for part in _listed(rest)])
    if len(parts) != {"Option": 1, "Result": 2}.get(head):
        raise ValueError(name)
    return EnumType("", head, parts)


def _function(name: str) -> Type:
    """`fn(A,B)->C`."""
    depth = stop = 0
    for at, letter in enumerate(name):
        depth += _depth(name, at)
        if letter == ")" and depth == 0:
            stop = at
            break
    if name[stop + 1 : stop + 3] != "->":
        raise ValueError(name)
    return FunctionType(tuple([type_named(part) for part in _listed(name[3:stop])]), type_named(name[stop + 3 :]))


def _depth(text: str, at: int) -> int:
    """How much deeper in brackets it is behind a letter. (The `>` of an arrow is none.)"""
    letter = text[at]
    return (letter in "([{<") - (letter in ")]}" or (letter == ">" and text[at - 1] != "-"))


def _listed(text: str) -> list[str]:
    """The names between the commas that stand in no brackets of their own."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += _depth(text, at)
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()] if text[start:].strip() else parts
