"""The index: what the cache has, in SQLite, so that one question about 10,000 keys costs milliseconds.

Every function here takes a connection and runs as one transaction (or one look-up) of `database.Database`. Nothing here
knows files, and nothing here is the truth: everything except statistics can be rebuilt from `metadata/`.

    entries    key -> checksum of the row, and the row (msgpack)
    uses       key -> digest, sizes, when created, when and how often used: narrow, because it is scanned and rewritten
    fragments  beginning of a fingerprint -> beginning of the key of the latest entry whose object has it (fragments.py)
    summaries  digest of (identity, source) -> checksum, bytes; the row number is its age
    counters   statistics, and the clocks of `used` and `created`

Rows carry a checksum of their own because SQLite has none: a bit that flips in the file must not become a wrong
warning, or another module's object. A row whose checksum is wrong means that the file is damaged (`Damaged`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice

import msgspec
from xxhash import xxh3_128_digest

from actors.compiler.toolchain import Discovered
from actors.diagnostics import Diagnostic
from actors.digests import Digest
from actors.keeper import fragments
from actors.keeper.database import Connection, Damaged
from actors.keeper.eviction import ORDERINGS, Candidate, EvictionChoice, choose
from actors.untrusted import MOST, UNREADABLE, Count, Milliseconds, RawChecksum, RawDigest

SCHEMA = 1


def file_of(schema: int) -> str:
    """The file of a schema's index. Each schema has its own, so that none migrates or deletes another's."""
    return "index.db" if schema == 1 else f"index-{schema:d}.db"


FILE = file_of(SCHEMA)

APPLICATION = 0x57534D4C
"""Marks the file as ours: "WSML"."""

VARIABLES = 900
"""Parameters of one statement; every build of SQLite allows 999 at least."""

CACHE_KB = 8_000
"""Pages that SQLite keeps in memory: all rows of 10,000 modules."""

SUMMARIES = 50_000
"""How many summaries are kept; the oldest are removed first."""

_TABLES = (
    "CREATE TABLE entries (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE uses (
        key BLOB PRIMARY KEY, digest BLOB NOT NULL, size INTEGER NOT NULL, overhead INTEGER NOT NULL,
        created INTEGER NOT NULL, used INTEGER NOT NULL, uses INTEGER NOT NULL
    ) WITHOUT ROWID""",
    fragments.TABLE,
    "CREATE TABLE summaries (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, data BLOB NOT NULL)",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value NUMERIC NOT NULL) WITHOUT ROWID",
)

CLOCKS = ("created", "builds")
"""Counters that are not statistics."""

_NOW = "(SELECT value FROM counters WHERE name = 'builds')"
_CREATED = "(SELECT value FROM counters WHERE name = 'created')"


class EntryRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the index knows of an entry. `size` is that of the object, `overhead` that of its metadata, in bytes.
    `functions` are shortened names joined by NUL: one string is decoded faster than twenty. `inputs` as in
    `messages.CacheEntry`."""

    digest: RawDigest
    checksum: RawChecksum
    size: Count
    overhead: Count
    kind: str
    module: str
    functions: str = ""
    warnings: tuple[Diagnostic, ...] = ()
    duration_ms: Milliseconds = 0.0
    inputs: tuple[Discovered, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(EntryRow)


def _sealed(name: bytes, data: bytes) -> bytes:
    """`data` after a checksum of itself and of the name it is stored under."""
    return xxh3_128_digest(name + data) + data


def _opened(name: bytes, sealed: bytes) -> bytes:
    try:
        data = sealed[16:]
        if sealed[:16] == xxh3_128_digest(name + data):
            return data
    except TypeError:
        pass  # A damaged file may hold a value of any type.
    raise Damaged("a row of the index fails its checksum")


def _name(value: object) -> bytes:
    """A key or a digest from a column: SQLite allows a value of any type and length there."""
    if type(value) is bytes and len(value) == 32:
        return value
    raise Damaged("a row of the index holds something that is no digest")


def _number(value: object, most: int = MOST) -> float:
    """The same for sizes and counts."""
    if type(value) in (int, float) and 0 <= value <= most:  # type: ignore[operator]
        return value  # type: ignore[return-value]
    raise Damaged("a row of the index holds something that is no count")


def _chunks(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(values)
    while chunk := list(islice(rest, VARIABLES)):
        yield chunk


def _marks(values: Sequence[bytes]) -> str:
    return ",".join("?" * len(values))


# ------------------------------------------------------------------------------------------------ the file itself


async def prepare(connection: Connection, busy_ms: int, wal: bool) -> str:
    """Configures the connection. Returns what the file is: "ready", "empty", "foreign" (another schema's, or not ours),
    or "no wal" if the file system cannot have a write-ahead log. `busy_ms` is how long to wait for other processes."""
    # The timeout comes first. Otherwise switching to WAL fails at once if another process is active.
    await connection.execute(f"PRAGMA busy_timeout = {busy_ms:d}")
    ((application,),) = await connection.execute_fetchall("PRAGMA application_id")
    ((schema,),) = await connection.execute_fetchall("PRAGMA user_version")
    if application != APPLICATION or schema != SCHEMA:
        ((tables,),) = await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")
        if application or schema or tables:
            return "foreign"
    elif not await _has_our_tables(connection):
        return "foreign"
    if wal:
        ((mode,),) = await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        if mode != "wal":
            return "no wal"
    # In WAL mode this risks the last transactions in a power failure, never the file.
    await connection.execute("PRAGMA synchronous = NORMAL")
    await connection.execute(f"PRAGMA cache_size = {-CACHE_KB:d}")
    return "ready" if application else "empty"


async def _has_our_tables(connection: Connection) -> bool:
    """Whether the tables are exactly ours: a view, a trigger or a computed column in a stranger's file would run with
    our statements."""
    schema = await connection.execute_fetchall(
        "SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return sorted(str(sql) for (sql,) in schema) == sorted(_TABLES)


async def create(
    connection: Connection, rows: Sequence[tuple[bytes, EntryRow]], functions: Mapping[bytes, Iterable[bytes]] = {}
) -> None:
    """Creates the tables and fills them, unless another process has just done so."""
    ((schema,),) = await connection.execute_fetchall("PRAGMA user_version")
    if schema == SCHEMA:
        return
    for table in _TABLES:
        await connection.execute(table)
    await connection.executemany("INSERT INTO counters VALUES (?, 0)", [(name,) for name in CLOCKS])
    await insert(connection, rows, functions=functions)
    await connection.execute(f"PRAGMA application_id = {APPLICATION:d}")
    await connection.execute(f"PRAGMA user_version = {SCHEMA:d}")


async def check(connection: Connection) -> str:
    """What SQLite's own check of the whole file says: "" if all is well."""
    problems = [str(row[0]) for row in await connection.execute_fetchall("PRAGMA integrity_check(3)")]
    return "" if problems == ["ok"] else "; ".join(problems)


# ------------------------------------------------------------------------------------------------ entries


async def find(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, EntryRow]:
    """Returns the rows of all of these keys that have one. Raises `Damaged` if one is damaged."""
    rows: dict[bytes, EntryRow] = {}
    # In the tree's own order, adjacent keys share pages.
    for chunk in _chunks(sorted(keys)):
        rows.update(await _rows(connection, f"key IN ({_marks(chunk)})", chunk))
    return rows


async def _rows(connection: Connection, where: str, values: Sequence[bytes]) -> Iterable[tuple[bytes, EntryRow]]:
    sealed = await connection.execute_fetchall(f"SELECT key, row FROM entries WHERE {where}", values)
    try:
        return [(key, _decoder.decode(_opened(key, row))) for key, row in sealed]
    except UNREADABLE as error:
        raise Damaged("a row of the index cannot be read") from error


async def find_fragments(
    connection: Connection, fingerprints: Collection[bytes]
) -> list[tuple[EntryRow, Sequence[bytes]]]:
    """The entries whose objects should have fragments of these fingerprints, and which ones."""
    entries = await fragments.find(connection, fingerprints)
    homes: list[tuple[EntryRow, Sequence[bytes]]] = []
    for chunk in _chunks(end for entry in sorted(entries) for end in fragments.keys_of(entry)):
        where = " OR ".join(["key BETWEEN ? AND ?"] * (len(chunk) // 2))
        homes += [(row, entries[fragments.entry_of(key)]) for key, row in await _rows(connection, where, chunk)]
    return homes


async def all_keys(connection: Connection) -> list[bytes]:
    return [_name(key) for (key,) in await connection.execute_fetchall("SELECT key FROM uses")]


async def all_digests(connection: Connection) -> list[tuple[bytes, bytes]]:
    """Key and digest of every entry."""
    return [
        (_name(key), _name(name)) for key, name in await connection.execute_fetchall("SELECT key, digest FROM uses")
    ]


async def find_digests(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """Returns the digests of all of these keys that have a row."""
    digests: dict[bytes, bytes] = {}
    for chunk in _chunks(keys):
        sql = f"SELECT key, digest FROM uses WHERE key IN ({_marks(chunk)})"
        digests.update([(key, _name(name)) for key, name in await connection.execute_fetchall(sql, chunk)])
    return digests


async def named(connection: Connection, names: Iterable[bytes]) -> set[bytes]:
    """Returns the digests among these that a row names."""
    digests: set[bytes] = set()
    for chunk in _chunks(names):
        sql = f"SELECT DISTINCT digest FROM uses WHERE digest IN ({_marks(chunk)})"
        digests.update(_name(name) for (name,) in await connection.execute_fetchall(sql, chunk))
    return digests


async def size(connection: Connection) -> int:
    """The bytes that all rows name; a shared object counts as often as it is named."""
    ((total,),) = await connection.execute_fetchall("SELECT coalesce(sum(size + overhead), 0) FROM uses")
    return int(_number(total, 1 << 62))


async def insert(
    connection: Connection,
    rows: Sequence[tuple[bytes, EntryRow]],
    replace: Collection[bytes] = (),
    functions: Mapping[bytes, Iterable[bytes]] = {},
) -> dict[bytes, EntryRow]:
    """Adds rows. If a key has a row already, that one stays, unless the key is in `replace`. `functions` are the
    fingerprints of the fragments that the objects have, by key. Returns the rows that stayed instead of the given
    ones."""
    if replace:
        await drop(connection, replace)
    cursor = await connection.executemany(
        "INSERT INTO entries VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(key, _sealed(key, _encoder.encode(row))) for key, row in rows],
    )
    added = cursor.rowcount
    await connection.executemany(
        "INSERT INTO uses SELECT ?, ?, ?, ?, c.value + ?, b.value + 1, 1 FROM counters c, counters b"
        " WHERE c.name = 'created' AND b.name = 'builds' ON CONFLICT DO NOTHING",
        [(key, row.digest, row.size, row.overhead, place) for place, (key, row) in enumerate(rows)],
    )
    await connection.execute("UPDATE counters SET value = value + ? WHERE name = 'created'", [len(rows)])
    if added == len(rows):
        await fragments.insert(connection, functions)
        return {}
    # Some keys had rows already. `created` numbers rows in the order in which they were added, and these statements
    # added the last `len(rows)` numbers: a row with a lower one was there before, and stays. An entry whose row stayed
    # has fragments only if its bytes are the same.
    earlier: list[bytes] = []
    for chunk in _chunks(key for key, _ in rows):
        sql = f"SELECT key FROM uses WHERE key IN ({_marks(chunk)}) AND created < {_CREATED} - ?"
        earlier += [key for (key,) in await connection.execute_fetchall(sql, [*chunk, len(rows)])]
    stayed = await find(connection, earlier)
    await fragments.insert(
        connection,
        {
            key: functions[key]
            for key, row in rows
            if key in functions and (key not in stayed or stayed[key].digest == row.digest)
        },
    )
    return stayed


async def drop(connection: Connection, keys: Collection[bytes]) -> None:
    """Removes rows."""
    for chunk in _chunks(keys):
        marks = _marks(chunk)
        await connection.execute(f"DELETE FROM entries WHERE key IN ({marks})", chunk)
        await connection.execute(f"DELETE FROM uses WHERE key IN ({marks})", chunk)
        await fragments.drop(connection, chunk)


async def drop_digests(connection: Connection, names: Collection[bytes]) -> list[bytes]:
    """Removes all rows that name one of these objects. Returns their keys."""
    keys: list[bytes] = []
    for chunk in _chunks(names):
        sql = f"SELECT key FROM uses WHERE digest IN ({_marks(chunk)})"
        keys += [_name(key) for (key,) in await connection.execute_fetchall(sql, chunk)]
    await drop(connection, keys)
    return keys


async def clear(connection: Connection) -> None:
    for table in ("entries", "uses", "fragments", "summaries"):
        await connection.execute(f"DELETE FROM {table}")


# ------------------------------------------------------------------------------------------------ after a build


async def end_build(
    connection: Connection, keys: Collection[bytes], names: Collection[bytes], counts: dict[str, float]
) -> int:
    """A build has ended: stamp what it used (`keys`, and all entries with one of the digests `names`), add to the
    statistics. Returns `size`."""
    await add(connection, {"builds": 1, **counts})
    await touch(connection, keys)
    await touch(connection, names, "digest")
    return await size(connection)


async def touch(connection: Connection, values: Collection[bytes], column: str = "key") -> None:
    """The latest build has used these. Calling this twice in one build counts once."""
    for chunk in _chunks(values):
        await connection.execute(
            f"UPDATE uses SET used = {_NOW}, uses = uses + 1 WHERE {column} IN ({_marks(chunk)}) AND used < {_NOW}",
            chunk,
        )


async def evict(
    connection: Connection,
    eviction: str,
    limit: int,
    other: int,
    own: Collection[bytes],
    pinned: Collection[bytes],
) -> tuple[EvictionChoice, dict[bytes, bytes]]:
    """Chooses (see `eviction.choose`) and removes rows. Returns the choice, and the victims' digests."""
    sql = f"SELECT key, digest, size, overhead FROM uses ORDER BY {ORDERINGS[eviction]}"
    rows = [_candidate(*row) for row in await connection.execute_fetchall(sql)]
    choice = choose(rows, limit=limit, other=other, own=own, pinned=pinned)
    names = {row.key: row.digest for row in rows}
    await drop(connection, choice.victims)
    if choice.victims:
        await add(connection, {"evictions": len(choice.victims)})
    return choice, {key: names[key] for key in choice.victims}


def _candidate(key: object, name: object, size: object, overhead: object) -> Candidate:
    return Candidate(_name(key), _name(name), int(_number(size)), int(_number(overhead)))


# ------------------------------------------------------------------------------------------------ summaries


def summary_name(identity: Digest, source: str) -> bytes:
    return sha256(f"{identity} {source}".encode()).digest()


async def find_summaries(connection: Connection, names: Iterable[bytes]) -> dict[bytes, bytes]:
    """The summaries stored under these names; a damaged one raises `Damaged`."""
    summaries: dict[bytes, bytes] = {}
    for chunk in _chunks(names):
        sql = f"SELECT name, data FROM summaries WHERE name IN ({_marks(chunk)})"
        for name, sealed in await connection.execute_fetchall(sql, chunk):
            summaries[name] = _opened(name, sealed)
    return summaries


async def store_summaries(
    connection: Connection, summaries: Iterable[tuple[bytes, bytes]], keep: int = SUMMARIES
) -> None:
    await connection.executemany(
        "INSERT OR REPLACE INTO summaries (name, data) VALUES (?, ?)",
        [(name, _sealed(name, data)) for name, data in summaries],
    )
    # Row numbers only grow, so this costs nothing while there are fewer summaries than that.
    await connection.execute("DELETE FROM summaries WHERE id <= (SELECT max(id) FROM summaries) - ?", [keep])


# ------------------------------------------------------------------------------------------------ statistics


async def add(connection: Connection, counts: dict[str, float]) -> None:
    """Adds to counters: the sum over all processes."""
    await connection.executemany(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        [(name, count) for name, count in counts.items() if count],
    )


async def counters(connection: Connection, counts: dict[str, float]) -> dict[str, float]:
    """All statistics, after adding `counts`."""
    await add(connection, counts)
    rows = await connection.execute_fetchall("SELECT name, value FROM counters")
    return {str(name): _number(value, 1 << 62) for name, value in rows if name not in CLOCKS}


async def reset(connection: Connection) -> None:
    await connection.execute(f"DELETE FROM counters WHERE name NOT IN {CLOCKS!r}")
