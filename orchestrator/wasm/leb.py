"""The building blocks of the binary format: LEB128 numbers, vectors, names, sections.

WebAssembly writes every number as LEB128: seven bits a byte, lowest first, with the top bit set on all bytes but the
last. Relocatable holes are padded to five bytes, so that a linker can write any 32-bit value without moving anything.
Nearly all numbers are small, so these come from tables. The tables have 128 entries, because larger ones take more time
to make at every start than they save.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

MAGIC = b"\0asm\1\0\0\0"
PAGE = 65536

_LOW = [bytes((n,)) for n in range(128)]
_CONTINUED = [bytes((n | 128,)) for n in range(128)]
_REST = [low + b"\x80\0" for low in _CONTINUED]  # the last three of five bytes, below 2**21


def uleb(n: int) -> bytes:
    """The shortest unsigned LEB128 of n >= 0."""
    if n < 128:
        return _LOW[n]
    if n < 16384:
        return _CONTINUED[n & 127] + _LOW[n >> 7]
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def sleb(n: int) -> bytes:
    """The shortest signed LEB128 of n."""
    if -64 <= n < 64:
        return _LOW[n]  # a negative index counts from the end, which is two's complement
    return _longer(n)


@lru_cache(4096)
def _longer(n: int) -> bytes:
    """The same in several bytes. The limits of products by a constant have ten, and programs use few constants."""
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n & 127)
    return bytes(out)


def leb5(n: int) -> bytes:
    """The five-byte LEB128 of a 32-bit value. Below 2**31 the signed and unsigned forms are the same bytes. For larger
    values pass n itself for an unsigned hole, and n - 2**32 for a signed hole (`signed32`)."""
    if 0 <= n < 2097152:
        return _CONTINUED[n & 127] + _CONTINUED[n >> 7 & 127] + _REST[n >> 14]
    return bytes((n & 127 | 128, n >> 7 & 127 | 128, n >> 14 & 127 | 128, n >> 21 & 127 | 128, n >> 28 & 127))


def signed32(n: int) -> int:
    """The 32-bit pattern of n, read as a signed number."""
    return ((n & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def vector(items: Sequence[bytes]) -> bytes:
    """A count, then the items."""
    return uleb(len(items)) + b"".join(items)


def string(text: str) -> bytes:
    """A length in bytes, then UTF-8."""
    raw = text.encode()
    return uleb(len(raw)) + raw


def section(number: int, payload: bytes) -> bytes:
    """A section, or a subsection of "linking": its number, its size, its payload."""
    return _LOW[number] + uleb(len(payload)) + payload


def custom(name: str, payload: bytes) -> bytes:
    """A custom section."""
    return section(0, string(name) + payload)


@lru_cache(4096)
def functype(params: bytes, results: bytes) -> bytes:
    """An encoded function type: `60 vec(params) vec(results)`, one byte a value type (0x7f i32, 0x7e i64, 0x7d f32,
    0x7c f64)."""
    return b"\x60" + uleb(len(params)) + params + uleb(len(results)) + results
