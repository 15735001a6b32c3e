"""Fragments of stored objects, which later compiles use again: where they are in an object, and which entry has them.

An object lists its fragments in the custom section `wasmill.functions`, which the toolchain protocol defines
(`actors.compiler.toolchain.FUNCTIONS_SECTION`). The keeper finds it by section headers alone, and knows nothing else of
the format:

    section  id (one byte, 0 for a custom one), size (LEB128), then that many bytes
    name     of a custom section: its length (LEB128), then that many bytes
    payload  msgpack: an array of [fingerprint as 32 raw bytes, offset, length], counted from the object's first byte

A section that lies yields no fragments.

The index has a row for each fragment. There are as many rows as there are functions, so a row holds no more than it
takes to find the object: the first 48 bits of the fingerprint and the first 32 of the entry's key, some 20 bytes
instead of 70. The object itself says whether it has the fragment, and where. If two fingerprints, or two keys, begin
alike, the worst that can happen is a miss.

Rows are added and removed in the transaction that adds or removes their entry. If two entries have the same fragment,
the later one has the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from actors.compiler.toolchain import FUNCTIONS_SECTION
from actors.keeper.database import Connection, Damaged
from actors.untrusted import UNREADABLE, Count, RawDigest

TABLE = "CREATE TABLE fragments (fingerprint INTEGER PRIMARY KEY, entry INTEGER NOT NULL)"

_SECTION = FUNCTIONS_SECTION.encode()
_HEADER = 8
"""Bytes before the first section: the magic number and the version."""

_FINGERPRINT = 6
_ENTRY = 4
_VARIABLES = 900


# ------------------------------------------------------------------------------------------------ in an object


class _FragmentPlace(msgspec.Struct, frozen=True, array_like=True, gc=False, forbid_unknown_fields=True):
    fingerprint: RawDigest
    offset: Count
    length: Count


_decoder = msgspec.msgpack.Decoder(list[_FragmentPlace])


def fragments_of(data: bytes) -> dict[bytes, tuple[int, int]]:
    """Offset and length of each fragment in an object, by fingerprint; none if anything is wrong."""
    try:
        payload = _payload(data)
        if payload is None:
            return {}
        listed = _decoder.decode(payload)
    except (IndexError, *UNREADABLE):
        return {}
    if any(not fragment.length or fragment.offset + fragment.length > len(data) for fragment in listed):
        return {}
    return {fragment.fingerprint: (fragment.offset, fragment.length) for fragment in listed}


def _payload(data: bytes) -> bytes | None:
    """The bytes of the section; None if there is none. Raises IndexError if the object ends in the middle of
    something."""
    at = _HEADER
    while at < len(data):
        kind = data[at]
        size, at = _leb128(data, at + 1)
        stop = at + size
        if stop > len(data):
            raise IndexError
        if kind == 0:
            length, begin = _leb128(data, at)
            if length == len(_SECTION) and data[begin : begin + length] == _SECTION and begin + length <= stop:
                return data[begin + length : stop]
        at = stop
    return None


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number of at most five bytes, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError


# ------------------------------------------------------------------------------------------------ in the index


def fingerprint_of(fingerprint: bytes) -> int:
    """How a row names a fingerprint."""
    return int.from_bytes(fingerprint[:_FINGERPRINT], "big")


def entry_of(key: bytes) -> int:
    """How a row names the entry of a key."""
    return int.from_bytes(key[:_ENTRY], "big")


def keys_of(entry: int) -> tuple[bytes, bytes]:
    """The first and the last key that `entry` may stand for."""
    begin = entry.to_bytes(_ENTRY, "big")
    return begin + bytes(32 - _ENTRY), begin + b"\xff" * (32 - _ENTRY)


def _chunks(values: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(values)
    while chunk := list(islice(rest, _VARIABLES)):
        yield chunk


def _marks(values: Sequence[int]) -> str:
    return ",".join("?" * len(values))


def _number(value: object, size: int) -> int:
    """A column that must hold the beginning of a digest: SQLite allows a value of any type there."""
    if isinstance(value, int) and 0 <= value < 1 << 8 * size:
        return value
    raise Damaged("a row of the index holds something that is no beginning of a digest")


async def insert(connection: Connection, functions: Mapping[bytes, Iterable[bytes]]) -> None:
    """Adds the rows of entries: fingerprints by key."""
    rows = {fingerprint_of(name): entry_of(key) for key, names in functions.items() for name in names}
    await connection.executemany("INSERT OR REPLACE INTO fragments VALUES (?, ?)", sorted(rows.items()))


async def find(connection: Connection, fingerprints: Iterable[bytes]) -> dict[int, list[bytes]]:
    """Returns the fingerprints among these that have a row, by the entry that the row names."""
    wanted = {fingerprint_of(name): name for name in fingerprints}
    by_place: dict[int, list[bytes]] = {}
    for chunk in _chunks(sorted(wanted)):
        sql = f"SELECT fingerprint, entry FROM fragments WHERE fingerprint IN ({_marks(chunk)})"
        for number, entry in await connection.execute_fetchall(sql, chunk):
            by_place.setdefault(_number(entry, _ENTRY), []).append(wanted[_number(number, _FINGERPRINT)])
    return by_place


async def drop(connection: Connection, keys: Iterable[bytes]) -> None:
    """Removes the rows of entries. There is no index by entry, so this scans the table."""
    for chunk in _chunks(map(entry_of, keys)):
        await connection.execute(f"DELETE FROM fragments WHERE entry IN ({_marks(chunk)})", chunk)


async def every(connection: Connection) -> dict[int, int]:
    """All rows: entry by fingerprint."""
    rows = await connection.execute_fetchall("SELECT fingerprint, entry FROM fragments")
    return {_number(number, _FINGERPRINT): _number(entry, _ENTRY) for number, entry in rows}


async def remove(connection: Connection, rows: Mapping[int, int]) -> int:
    """Removes the rows among these that still say the same. Returns their number."""
    cursor = await connection.executemany("DELETE FROM fragments WHERE fingerprint = ? AND entry = ?", rows.items())
    return max(0, int(cursor.rowcount))
