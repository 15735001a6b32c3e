"""Names for bytes, places on disk and modules: `digest`, `checksum`, `Stamp`, `module_name`."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

import msgspec
from xxhash import xxh3_128_hexdigest

Digest: TypeAlias = str
"""64 lower-case hexadecimal digits: SHA-256 of some bytes."""


def digest(data: bytes) -> Digest:
    """SHA-256 of `data` in hexadecimal. Names anything that is stored or shared."""
    return sha256(data).hexdigest()


def checksum(data: bytes) -> str:
    """XXH3-128 of `data`, 32 hexadecimal digits: are these the bytes I wrote, on this machine? Never part of a key."""
    return xxh3_128_hexdigest(data)


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What `stat` says of a file. A shortcut, never the truth. Times in nanoseconds; all zero: never matches."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
