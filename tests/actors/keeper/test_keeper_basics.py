"""What a build asks of the keeper, and what it answers: on real files and SQLite, on both loops, and inline."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.diagnostics import Diagnostic
from actors.digests import digest
from actors.messages import (
    Clear,
    Collect,
    FindSummaries,
    Publish,
    RecallPlan,
    ResetStatistics,
    Statistics,
    StoreSummaries,
    Verify,
)
from tests.actors.keeper.keeping import IDENTITY, Open, entry, files

pytestmark = pytest.mark.anyio

ONE, TWO = entry("one"), entry("two")
WARNING = Diagnostic(
    code="W0001", message="unused", severity="warning", file="one.ruchy", line=3, column=5, text="let x = 1"
)


@pytest.fixture(params=["folder", "memory", "inline"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """Wherever the cache is, it behaves the same."""
    if request.param == "memory":
        return {"folder": None}
    return {"folder": str(tmp_path / "cache"), "inline": request.param == "inline"}


async def test_what_is_stored_comes_back(open_keeper: Open, where: dict[str, object]) -> None:
    told = entry("told", b"\0asm", functions=("told::a", "told::b"), warnings=(WARNING,), duration_ms=7.5)
    async with open_keeper(**where) as talk:
        await talk.begin()
        assert (await talk.find(ONE, told)).entries == {}
        stored = await talk.store(ONE, told)
        assert stored.kept == {ONE.key: digest(ONE.data), told.key: digest(b"\0asm")}
        assert stored.refused == ()
        found = (await talk.find(ONE, told, TWO)).entries
        assert sorted(found) == sorted([ONE.key, told.key])
        row = found[told.key]
        assert (row.module, row.kind, row.size, row.digest) == ("told", "object", 4, digest(b"\0asm"))
        assert (row.functions, row.warnings, row.duration_ms) == (("told::a", "told::b"), (WARNING,), 7.5)
        data = await talk.load(digest(ONE.data), digest(b"\0asm"), "0" * 64)
        assert data == {digest(ONE.data): ONE.data, digest(b"\0asm"): b"\0asm"}
        assert await talk.load(digest(ONE.data), disk=True) == {digest(ONE.data): ONE.data}
        await talk.end(compilations=2)
        assert await talk.build(ONE, told, TWO) == ["two"]
        assert "CacheDegraded" not in talk.names()


async def test_another_process_finds_it(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        assert await talk.build(ONE, TWO) == ["one", "two"]
    async with open_keeper() as talk:
        assert await talk.build(ONE, TWO) == []
        assert (await talk.ask(Statistics())).compilations == 2
    assert not [name for name in files(tmp_path / "cache") if "tmp" in name]
    assert list((tmp_path / "cache" / "running").iterdir()) == []


async def test_summaries(open_keeper: Open, where: dict[str, object]) -> None:
    sources = [digest(bytes([number])) for number in range(3)]
    async with open_keeper(**where) as talk:
        await talk.ask(StoreSummaries(build=1, identity=IDENTITY, summaries={sources[0]: b"zero", sources[1]: b"1"}))
        await talk.ask(StoreSummaries(build=1, identity=IDENTITY, summaries={sources[1]: b"one"}))
        found = await talk.ask(FindSummaries(build=1, identity=IDENTITY, sources=tuple(sources)))
        assert found.summaries == {sources[0]: b"zero", sources[1]: b"one"}
        other = await talk.ask(FindSummaries(build=1, identity=digest(b"other"), sources=tuple(sources)))
        assert other.summaries == {}


async def test_snapshot_and_plan(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.begin()
        await talk.end(snapshot="p-dev", snapshot_data=b"stamps", plan=b"the plan")
        assert (tmp_path / "cache/snapshots/p-dev").read_bytes() == b"stamps"
        assert (await talk.ask(RecallPlan(build=1, snapshot="p-dev"))).plan == b"the plan"
        assert (await talk.ask(RecallPlan(build=1, snapshot="other"))).plan == b""
        assert (await talk.ask(RecallPlan(build=1, snapshot="../x"))).plan == b""
    (tmp_path / "cache/snapshots/p-dev").write_bytes(b"stamps of another build")
    async with open_keeper() as talk:
        assert (await talk.ask(RecallPlan(build=1, snapshot="p-dev"))).plan == b""


async def test_a_cancelled_build_leaves_nothing(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper() as talk:
        await talk.begin()
        await talk.store(ONE)
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"s", plan=b"p", finished=False)
        assert not (tmp_path / "cache/snapshots").exists()
        assert await talk.build(ONE) == []


async def test_statistics_and_their_reset(open_keeper: Open, where: dict[str, object]) -> None:
    async with open_keeper(max_size=10**6, **where) as talk:
        await talk.begin()
        await talk.store(ONE, TWO)
        await talk.end(compilations=2, saved_ms=0.5)
        await talk.begin()
        await talk.find(ONE, TWO, entry("three"))
        await talk.end()
        said = await talk.ask(Statistics())
        assert (said.compilations, said.hits, said.misses, said.saved_ms) == (2, 2, 1, 0.5)
        assert said.hit_rate == pytest.approx(2 / 3)
        assert (said.entries, said.limit_bytes) == (2, 10**6)
        assert said.bytes_written >= len(ONE.data) + len(TWO.data)
        assert said.size_bytes == said.bytes_written
        reset = await talk.ask(ResetStatistics())
        assert (reset.compilations, reset.hits, reset.misses, reset.bytes_written) == (0, 0, 0, 0)
        assert (reset.entries, reset.size_bytes) == (2, said.size_bytes)


async def test_other_bytes_for_a_known_key(open_keeper: Open, where: dict[str, object]) -> None:
    again = entry("one", b"something else")
    async with open_keeper(**where) as talk:
        await talk.begin()
        await talk.store(ONE)
        stored = await talk.store(again, TWO)
        assert stored.refused == (ONE.key,)
        assert stored.kept == {ONE.key: digest(ONE.data), TWO.key: digest(TWO.data)}
        assert talk.names() == ["ObjectStored", "NondeterministicToolchain", "ObjectStored"]
        assert (await talk.find(ONE)).entries[ONE.key].digest == digest(ONE.data)
        forced = await talk.store(again, force=True)
        assert (forced.kept, forced.refused) == ({ONE.key: digest(again.data)}, ())
        assert await talk.read(again) == b"something else"


async def test_clear_and_collect(open_keeper: Open, where: dict[str, object]) -> None:
    async with open_keeper(**where) as talk:
        await talk.build(ONE, TWO)
        assert (await talk.ask(Collect(force=True))).removed_files == 0
        assert (await talk.ask(Verify())).damage == ()
        cleared = await talk.ask(Clear())
        assert cleared.removed_files == 4
        assert (await talk.ask(Statistics())).size_bytes == 0
        assert await talk.build(ONE, TWO) == ["one", "two"]


async def test_disabled_there_is_nothing_and_nobody_complains(open_keeper: Open, tmp_path: Path) -> None:
    async with open_keeper(enabled=False) as talk:
        await talk.begin()
        assert (await talk.store(ONE)).kept == {}
        assert (await talk.find(ONE)).entries == {}
        assert await talk.load(digest(ONE.data)) == {}
        assert (await talk.ask(Verify())).checked == 0
        written = await talk.ask(Publish(build=1, path=str(tmp_path / "out.wasm"), digest=digest(b"x"), data=b"x"))
        assert written.written
        await talk.end(snapshot="p-0123456789abcdef", snapshot_data=b"s")
        assert talk.events == []
    assert not (tmp_path / "cache").exists()


async def test_publishing(open_keeper: Open, tmp_path: Path) -> None:
    out, listing = tmp_path / "build/main.wasm", str(tmp_path / "cache/outputs.json")
    old, foreign = str(tmp_path / "build/old.wasm"), tmp_path / "build/foreign.wasm"
    program = entry("main", b"program", kind="program")
    async with open_keeper() as talk:
        first = await talk.ask(Publish(build=1, path=old, digest=digest(b"p"), data=b"p", listing=listing, owner="dev"))
        assert first.written
        foreign.write_bytes(b"mine")
        await talk.store(program)
        publish = Publish(build=1, path=str(out), digest=digest(b"program"), listing=listing, owner="dev")
        second = await talk.ask(publish)
        assert (second.written, second.error, second.missing) == (True, "", False)
        assert out.read_bytes() == b"program"
        assert sorted(path.name for path in out.parent.iterdir()) == ["foreign.wasm", "main.wasm"]
        assert (await talk.ask(publish)).written is False
        out.write_bytes(b"damaged")
        third = await talk.ask(publish)
        assert (third.written, third.stamp.size, out.read_bytes()) == (True, 7, b"program")
        gone = await talk.ask(Publish(build=1, path=str(out), digest=digest(b"never stored")))
        assert (gone.missing, out.read_bytes()) == (True, b"program")
        failed = await talk.ask(Publish(build=1, path=str(tmp_path / "build"), digest=digest(b"y"), data=b"y"))
        assert failed.error == "Is a directory"


async def test_two_who_made_one_object_in_different_times_are_no_damage(open_keeper: Open, tmp_path: Path) -> None:
    """One may have written the metadata and the other the row: how long a compile took is no part of the truth."""
    first, second = entry("a", duration_ms=2.5), entry("a", duration_ms=99.0)
    async with open_keeper(folder=str(tmp_path)) as talk, open_keeper(folder=str(tmp_path)) as other:
        await talk.begin()
        await other.begin()
        await talk.store(first)
        file = tmp_path / "metadata" / f"{first.key}.json"
        mine = file.read_bytes()
        await other.store(second, force=True)
        file.write_bytes(mine)
        verified = await talk.ask(Verify())
    assert verified.checked == 1
    assert verified.damage == ()
