"""The seam to SQLite: three ways to the same connection, and what a transaction promises in all of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from actors.keeper.database import Connection, Damaged, Database, Unusable, open_database

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["own", "inline"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Database]:
    database = await open_database(str(tmp_path / "some.db"), inline=request.param == "inline")
    await database.transact(make)
    yield database
    await database.close()


async def make(connection: Connection) -> None:
    await connection.execute("CREATE TABLE numbers (number INTEGER UNIQUE)")


async def add(connection: Connection, *numbers: int) -> int:
    for number in numbers:
        await connection.execute("INSERT INTO numbers VALUES (?)", [number])
    return len(numbers)


async def read(connection: Connection) -> list[int]:
    return [row[0] for row in await connection.execute_fetchall("SELECT number FROM numbers ORDER BY number")]


async def test_a_transaction_is_kept(database: Database) -> None:
    assert await database.transact(add, 3, 1) == 2
    assert await database.read(read) == [1, 3]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(Damaged, match="UNIQUE"):
        await database.transact(add, 1, 2, 1)

    async def fail(connection: Connection) -> None:
        await add(connection, 5)
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await database.transact(fail)
    assert await database.read(read) == []
    await database.transact(add, 7)
    assert await database.read(read) == [7]


async def test_a_transaction_is_not_cancelled_half_way(database: Database) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await database.transact(add, 1, 2, 3)
    assert await database.read(read) == [1, 2, 3]


async def test_one_who_waits_for_another_connection_is_told(database: Database, tmp_path: Path) -> None:
    other = await open_database(str(tmp_path / "some.db"), inline=True)

    async def hold(connection: Connection) -> None:
        await connection.execute("INSERT INTO numbers VALUES (1)")
        with pytest.raises(Unusable, match="locked"):
            await database.transact(add, 2)

    async def hurry(connection: Connection) -> None:
        await connection.execute("PRAGMA busy_timeout = 1")

    await database.read(hurry)
    await other.transact(hold)
    await other.close()
    assert await database.read(read) == [1]


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "some.db").write_bytes(b"something else" * 100)
    database = await open_database(str(tmp_path / "some.db"))
    with pytest.raises(Damaged, match="not a database"):
        await database.read(read)
    await database.close()


async def test_a_place_where_there_can_be_none(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="unable to open"):
        await open_database(str(tmp_path / "missing" / "some.db"))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("delay", range(12))
async def test_native_cancellation_leaves_no_transaction_open(tmp_path: Path, delay: int) -> None:
    """AnyIO's shield does not hold off asyncio's own cancellation; then the transaction is rolled back."""
    import asyncio

    database = await open_database(str(tmp_path / "some.db"))
    await database.transact(make)
    task = asyncio.ensure_future(database.transact(add, 1, 2, 3))
    for _ in range(delay):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert await database.transact(add, 9) == 1
    assert await database.read(read) in ([9], [1, 2, 3, 9])
    await database.close()


def test_nothing_of_sqlite_is_imported_before_it_is_needed() -> None:
    code = "import sys, actors.keeper.keeper; print([name for name in sys.modules if 'sqlite' in name])"
    said: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
