"""The rows of fragments: which entry's object has a fragment of a fingerprint.

There are as many as there are functions, so a row holds no more than it takes to find the object: the first 48 bits of
the fingerprint, and the first 32 of the entry's key. Where in the object the fragment lies, and whether it is the one,
the object says itself (`functions.py`). So a row takes some 20 bytes instead of 70. Where two fingerprints, or two
keys, begin alike, the worst that comes of it is a miss.

Rows are added and removed in the transaction that adds or removes their entry. Of two entries with one fragment the
later one has the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from actors.keeper.database import Broken, Connection

TABLE = "CREATE TABLE fragments (fingerprint INTEGER PRIMARY KEY, entry INTEGER NOT NULL)"

_FINGERPRINT = 6
_ENTRY = 4
_VARIABLES = 900


def fingerprint_of(fingerprint: bytes) -> int:
    return int.from_bytes(fingerprint[:_FINGERPRINT], "big")


def entry_of(key: bytes) -> int:
    return int.from_bytes(key[:_ENTRY], "big")


def keys_of(entry: int) -> tuple[bytes, bytes]:
    """The first and the last key that begin so."""
    begin = entry.to_bytes(_ENTRY, "big")
    return begin + bytes(32 - _ENTRY), begin + b"\xff" * (32 - _ENTRY)


def _chunks(values: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(values)
    while chunk := list(islice(rest, _VARIABLES)):
        yield chunk


def _marks(values: Sequence[int]) -> str:
    return ",".join("?" * len(values))


def _number(value: object, size: int) -> int:
    """A column that must hold the beginning of a digest: SQLite lets a value of any type stand there."""
    if isinstance(value, int) and 0 <= value < 1 << 8 * size:
        return value
    raise Broken("a row of the index holds something that is no beginning of a digest")


async def insert(connection: Connection, functions: Mapping[bytes, Iterable[bytes]]) -> None:
    """Add the rows of entries: fingerprints by key."""
    rows = {fingerprint_of(name): entry_of(key) for key, names in functions.items() for name in names}
    await connection.executemany("INSERT OR REPLACE INTO fragments VALUES (?, ?)", sorted(rows.items()))


async def find(connection: Connection, fingerprints: Iterable[bytes]) -> dict[int, list[bytes]]:
    """Those of the fingerprints that have a row, by the entry that it names."""
    wanted = {fingerprint_of(name): name for name in fingerprints}
    found: dict[int, list[bytes]] = {}
    for chunk in _chunks(sorted(wanted)):
        sql = f"SELECT fingerprint, entry FROM fragments WHERE fingerprint IN ({_marks(chunk)})"
        for number, entry in await connection.execute_fetchall(sql, chunk):
            found.setdefault(_number(entry, _ENTRY), []).append(wanted[_number(number, _FINGERPRINT)])
    return found


async def drop(connection: Connection, keys: Iterable[bytes]) -> None:
    """Remove the rows of entries. Nothing leads from an entry to its rows, so all rows are looked through."""
    for chunk in _chunks(map(entry_of, keys)):
        await connection.execute(f"DELETE FROM fragments WHERE entry IN ({_marks(chunk)})", chunk)


async def every(connection: Connection) -> dict[int, int]:
    """All rows: entry by fingerprint."""
    rows = await connection.execute_fetchall("SELECT fingerprint, entry FROM fragments")
    return {_number(number, _FINGERPRINT): _number(entry, _ENTRY) for number, entry in rows}


async def remove(connection: Connection, rows: Mapping[int, int]) -> int:
    """Remove those of these rows that still say the same. Gives how many."""
    cursor = await connection.executemany("DELETE FROM fragments WHERE fingerprint = ? AND entry = ?", rows.items())
    return max(0, int(cursor.rowcount))
