"""Entries in the form of the Remote Execution API: what a key is called there, and what an action's result says.

Only the messages and fields that are needed, by their published numbers:

    Digest        1 hash (text), 2 size_bytes
    Action        9 salt
    OutputFile    1 path, 2 digest
    ActionResult  2 output_files, 5 stdout_raw

The action of an entry is a message with nothing but a salt, which has the key. Its digest is what servers know the
entry by, so a reader who has only the key can name it. The result has the object as its one file, and the entry's
metadata as its standard output. Servers that read results see one that is whole; those of plain HTTP see bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from actors.keeper.metadata import Odd

_SALT = b"wasmill cache 1\0"
_FILE = b"object"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_BITS = 63


class ActionDigest(NamedTuple):
    hash: str
    size: int


def action_of(key: bytes) -> ActionDigest:
    """Returns the digest of the action that stands for the entry `key`."""
    action = _field(9, _SALT + key)
    return ActionDigest(sha256(action).hexdigest(), len(action))


def encode_result(metadata: bytes, digest: str, size: int) -> bytes:
    """Returns the result of an entry's action."""
    named = _field(1, digest.encode()) + (_number(2, size) if size else b"")
    return _field(2, _field(1, _FILE) + _field(2, named)) + _field(5, metadata)


def metadata_in(result: bytes) -> bytes:
    """Returns the metadata that a result has. Raises `Odd` if the bytes are no such result."""
    texts = [value for number, value in _fields(result) if number == 5 and isinstance(value, bytes)]
    if len(texts) != 1:
        raise Odd("it is no result of an action of ours")
    return texts[0]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > _MOST_BITS:
            raise Odd("it ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message at its top level. Raises `Odd`."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, at = _read_varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise Odd("it has a field of an unknown kind")
        if length > len(data) - at:
            raise Odd("a field of it is longer than the whole")
        yield tag >> 3, data[at : at + length]
        at += length
