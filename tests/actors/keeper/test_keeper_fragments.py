"""Fragments of stored objects, found by fingerprint: what comes is right, and what is odd is a miss."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actors.compiler.toolchain import Discovered
from actors.digests import digest
from actors.messages import Clear, FindFragments, FragmentsFound, Verify
from tests.actors.keeper.fragmented import fingerprint, object_of
from tests.actors.keeper.keeping import Open, Talk, entry

pytestmark = pytest.mark.anyio

F, G, H = {"f": b"the code of f"}, {"g": b"the code of g"}, {"h": b"the code of h"}


async def found(talk: Talk, *names: str) -> dict[str, bytes]:
    """What there is of some fragments, by the names that their fingerprints are made of."""
    wanted = {fingerprint(name).hex(): name for name in names}
    answer = await talk.ask(FindFragments(build=talk.number, fingerprints=tuple(wanted)))
    return {wanted[name]: data for name, data in answer.fragments.items()}


def rows(folder: Path) -> int:
    with sqlite3.connect(folder / "index.db") as database:
        ((count,),) = database.execute("SELECT count(*) FROM fragments").fetchall()
    database.close()
    return int(count)


def drop_index(folder: Path) -> None:
    for path in folder.glob("index.db*"):
        path.unlink()


@pytest.fixture(params=["disk", "memory"])
def where(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"folder": None} if request.param == "memory" else {}


async def test_fragments_of_stored_objects(open_keeper: Open, where: dict[str, Any]) -> None:
    async with open_keeper(**where) as talk:
        await talk.begin()
        assert await found(talk, "f", "g") == {}
        await talk.store(entry("one", object_of(F | G)), entry("two", object_of(H)))
        assert await found(talk, "f", "h", "i") == F | H
        assert await found(talk) == {}


async def test_a_batch_reads_each_object_once_and_memory_first(open_keeper: Open, tmp_path: Path) -> None:
    parts = [[f"{module}_{it}" for it in range(300)] for module in range(8)]
    objects = [object_of({name: name.encode() * 3 for name in names}) for names in parts]
    names = [name for names in parts for name in names]
    async with open_keeper() as talk:
        await talk.store(*(entry(f"m{number}", data) for number, data in enumerate(objects)))
    async with open_keeper() as talk:
        await talk.begin()
        first = await found(talk, *names)
        assert len(first) == 2400
        assert first["7_299"] == b"7_299" * 3
        assert talk.keeper.cache.counts["bytes_read"] == sum(map(len, objects))
        assert await found(talk, *names) == first
        assert talk.keeper.cache.counts["bytes_read"] == sum(map(len, objects))


async def test_programs_have_none(open_keeper: Open) -> None:
    async with open_keeper() as talk:
        await talk.store(entry("one", object_of(F), kind="program"))
        assert await found(talk, "f") == {}


async def test_objects_with_inputs_have_none(open_keeper: Open, tmp_path: Path) -> None:
    """Nor where the index is built again from the files. The inputs come back with the entry."""
    inputs = (Discovered(path="table", digest=digest(b"one")), Discovered(path="/gone", digest=""))
    stored = entry("one", object_of(F), inputs=inputs)
    async with open_keeper() as talk:
        await talk.build(stored)
    for _ in range(2):
        async with open_keeper() as talk:
            await talk.begin()
            assert (await talk.find(stored)).entries[stored.key].inputs == inputs
            assert await found(talk, "f") == {}
            assert (await talk.ask(Verify())).damage == ()
        drop_index(tmp_path / "cache")


async def test_the_later_object_has_the_row(open_keeper: Open, tmp_path: Path) -> None:
    old, new = entry("one", object_of(F | G)), entry("one", object_of(F | H), version=2)
    async with open_keeper() as talk:
        await talk.store(old)
        await talk.store(new)
        (tmp_path / "cache" / "modules" / f"{digest(old.data)}.wasm").unlink()
        talk.keeper.cache.hot.clear()
        assert await found(talk, "f", "g", "h") == F | H


async def test_what_an_entry_is_refused_for_leaves_no_row(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.store(entry("one", object_of(F)))
        await talk.store(entry("one", object_of(G)))
        assert await found(talk, "f", "g") == F
        await talk.store(entry("one", object_of(H)), force=True)
        assert await found(talk, "f", "g", "h") == H
        assert (await talk.ask(Verify())).damage == ()
    assert rows(tmp_path / "cache") == 1


async def test_evicted_and_cleared_objects_leave_no_rows(open_keeper: Open, tmp_path: Path) -> None:
    old, new = entry("one", object_of(F, bytes(20_000))), entry("two", object_of(G, bytes(20_001)))
    async with open_keeper(max_size=30_000) as talk:
        await talk.build(old)
        await talk.build(new)
        assert talk.ended.evicted == 1
        assert await found(talk, "f", "g") == G
        assert rows(tmp_path / "cache") == 1
        await talk.ask(Clear())
        assert await found(talk, "f", "g") == {}
    assert rows(tmp_path / "cache") == 0


@pytest.mark.parametrize("damage", ["flip", "empty", "lose"])
async def test_a_damaged_object_is_a_miss(open_keeper: Open, tmp_path: Path, damage: str) -> None:
    one, two = entry("one", object_of(F)), entry("two", object_of(G))
    path = tmp_path / "cache" / "modules" / f"{digest(one.data)}.wasm"
    async with open_keeper() as talk:
        await talk.store(one, two)
    if damage == "lose":
        path.unlink()
    else:
        path.write_bytes(one.data.replace(b"code of f", b"code of h") if damage == "flip" else b"")
    async with open_keeper() as talk:
        await talk.begin()
        assert await found(talk, "f", "g") == G
        assert ("EntryQuarantined" in talk.names()) == (damage != "lose")
        assert talk.keeper.cache.degraded is None
        assert await talk.build(one, two) == ["one"]
        assert await found(talk, "f", "g") == F | G
    assert rows(tmp_path / "cache") == 2


async def test_an_object_with_a_damaged_section_is_stored_without_rows(open_keeper: Open, tmp_path: Path) -> None:
    data = object_of(F)
    at = data.index(fingerprint("f")) + 32
    async with open_keeper() as talk:
        await talk.store(entry("one", data[:at] + b"\xc1" + data[at + 1 :]))
        assert await found(talk, "f") == {}
        assert (await talk.ask(Verify())).damage == ()
    assert rows(tmp_path / "cache") == 0


async def test_a_lost_index_is_rebuilt_with_its_fragments(open_keeper: Open, tmp_path: Path) -> None:
    bad = entry("two", object_of(G))
    async with open_keeper() as talk:
        await talk.store(entry("one", object_of(F)), bad, entry("three", object_of(H), kind="program"))
    drop_index(tmp_path / "cache")
    (tmp_path / "cache" / "modules" / f"{digest(bad.data)}.wasm").write_bytes(b"damaged")
    async with open_keeper() as talk:
        await talk.begin()
        assert await found(talk, "f", "g", "h") == F
    assert rows(tmp_path / "cache") == 1


async def test_what_was_stored_without_an_index_gets_its_fragments_later(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.begin()
        await talk.keeper.cache._without_index("for a test")
        await talk.store(entry("one", object_of(F)))
        assert await found(talk, "f") == {}
        assert talk.keeper.cache.degraded == "index: for a test"
        await talk.begin()
        assert await found(talk, "f") == F


async def test_without_a_cache_there_are_none(open_keeper: Open) -> None:
    async with open_keeper(enabled=False) as talk:
        await talk.store(entry("one", object_of(F)))
        answer = await talk.ask(FindFragments(build=1, fingerprints=(fingerprint("f").hex(),)))
    assert answer == FragmentsFound(fragments={})


async def test_fingerprints_and_keys_that_begin_alike_are_told_apart(open_keeper: Open, tmp_path: Path) -> None:
    one, two = entry("one", object_of(F)), entry("two", object_of(G))
    async with open_keeper() as talk:
        await talk.store(one, two)
        near = fingerprint("f")[:6] + bytes(26)
        answer = await talk.ask(FindFragments(build=1, fingerprints=(near.hex(),)))
        assert answer.fragments == {}
        await talk.keeper.cache.close()
        with sqlite3.connect(tmp_path / "cache" / "index.db") as database:  # rows that name the wrong entry
            first, second = (int(it.key[:8], 16) for it in (one, two))
            database.execute("UPDATE fragments SET entry = ? - entry", [first + second])
        database.close()
        assert await found(talk, "f", "g") == {}


@pytest.mark.parametrize("value", ["'text'", "NULL", "-1", "1.5", "1 << 32", "x'00'"])
async def test_a_row_that_holds_nonsense(open_keeper: Open, tmp_path: Path, value: str) -> None:
    async with open_keeper() as talk:
        await talk.store(entry("one", object_of(F)))
    with sqlite3.connect(tmp_path / "cache" / "index.db") as database:
        database.execute(f"UPDATE OR IGNORE fragments SET entry = {value}")
    database.close()
    async with open_keeper() as talk:
        await talk.begin()
        assert await found(talk, "f") == F  # the index was built anew, or the row could not be written so
        assert talk.keeper.cache.degraded is None


async def test_verify_removes_rows_that_lead_nowhere(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.store(entry("one", object_of(F | G)))
        assert (await talk.ask(Verify())).damage == ()
        await talk.keeper.cache.close()
        with sqlite3.connect(tmp_path / "cache" / "index.db") as database:
            database.execute("INSERT INTO fragments SELECT 1, entry FROM fragments LIMIT 1")
            database.execute("INSERT INTO fragments VALUES (2, 3)")
        database.close()
        answer = await talk.ask(Verify())
        assert [(one.file, one.problem, one.action) for one in answer.damage] == [
            ("index.db", "2 of its fragments are nowhere", "rows removed")
        ]
        assert (await talk.ask(Verify())).damage == ()
        assert await found(talk, "f", "g") == F | G
    assert rows(tmp_path / "cache") == 2
