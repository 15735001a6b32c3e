"""Objects with fragments, for the keeper's tests."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from actors.compiler.toolchain import FUNCTIONS_SECTION

MAGIC = b"\0asm\1\0\0\0"


def leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def section(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + leb(len(data)) + data


def custom(name: bytes, data: bytes) -> bytes:
    return section(0, leb(len(name)) + name + data)


def fingerprint(name: str) -> bytes:
    return sha256(name.encode()).digest()


def object_of(fragments: Mapping[str, bytes], rest: bytes = b"") -> bytes:
    """An object with a code section that holds fragments, by the names that their fingerprints are made of."""
    before = MAGIC + custom(b"other", rest)
    code = b"".join(fragments.values())
    begin = len(before) + len(section(10, code)) - len(code)
    listed: list[object] = []
    for name, data in fragments.items():
        listed.append([fingerprint(name), begin, len(data)])
        begin += len(data)
    last = custom(FUNCTIONS_SECTION.encode(), msgspec.msgpack.encode(listed)) + custom(b"last", b"x")
    return before + section(10, code) + last
