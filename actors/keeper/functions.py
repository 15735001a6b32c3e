"""Which fragments an object has: its custom section `wasmill.functions`, found by section headers alone.

    section  id (one byte, 0 for a custom one), size (LEB128), then that many bytes
    name     of a custom section: its length (LEB128), then that many bytes
    payload  msgpack: an array of [fingerprint as 32 raw bytes, offset, length], counted from the object's first byte

This is all that the keeper knows of the format. A section that lies says nothing.
"""

from __future__ import annotations

import msgspec

from actors.untrusted import UNREADABLE, Count, RawDigest

SECTION = b"wasmill.functions"
_HEADER = 8
"""Bytes before the first section: the magic number and the version."""


class _Function(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    fingerprint: RawDigest
    offset: Count
    length: Count


_decoder = msgspec.msgpack.Decoder(list[_Function])


def fragments_of(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Offset and length of each fragment in an object, by fingerprint; none where anything is wrong."""
    try:
        payload = _payload(data)
        if payload is None:
            return {}
        found = _decoder.decode(payload)
    except (IndexError, *UNREADABLE):
        return {}
    if any(not one.length or one.offset + one.length > len(data) for one in found):
        return {}
    return {one.fingerprint: (one.offset, one.length) for one in found}


def _payload(data: bytes) -> bytes | None:
    """What the section holds; None where there is none. IndexError where the object ends in the middle of something."""
    at = _HEADER
    while at < len(data):
        kind = data[at]
        size, at = _number(data, at + 1)
        stop = at + size
        if stop > len(data):
            raise IndexError
        if kind == 0:
            length, begin = _number(data, at)
            if length == len(SECTION) and data[begin : begin + length] == SECTION and begin + length <= stop:
                return data[begin + length : stop]
        at = stop
    return None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number of at most five bytes, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError
