"""Bounded types for bytes that another program may have written: a cache can be damaged, or filled by an attacker.

Checksums find accidents only, because an attacker writes the matching checksum too. So everything that is decoded has
bounded types: no decoded value overflows a column of SQLite, names a file outside of the cache, or breaks a line count.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What decoding such bytes may raise. Text that is not UTF-8, and endless nesting, raise no errors of msgspec."""

MOST = 1 << 53
"""Larger than any size or count, and small enough that the sum of a thousand fits into 64 bits."""

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Position = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
"""A line, a column or a length in characters."""

HexDigest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
HexChecksum = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
RawDigest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
RawChecksum = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
