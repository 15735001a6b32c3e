"""Acceptance, cache-4 (corruption) and cache-9 (verification), on both backends.

Every kind of damage meets a new Project whose program is gone, from its place and from the cache, so that objects are
really read. What must hold each time: the program is right, nobody is bothered, what is damaged is in quarantine and
counted, and the build after that has everything again, byte for byte.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.digests import digest
from actors.events import CacheDegraded, CacheMiss, EntryQuarantined
from tests.acceptance.acceptance_tools import RuchyBench, opened, write_ruchy

pytestmark = pytest.mark.anyio

Change = Callable[[bytes], bytes]


def flip(at: float, bit: int) -> Change:
    """One bit, at a part of the whole length."""

    def change(data: bytes) -> bytes:
        place = int(at * len(data))
        return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]

    return change


CHANGES: dict[str, Change] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "one byte more": lambda data: data + b"\0",
    "zeros": lambda data: bytes(len(data)),
    "first bit": flip(0, 0),
    "a bit in the middle": flip(0.5, 3),
}


class Kept:
    """A project that was built and closed: `basic`, the entry, uses `other`. `good` is what its cache held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / ".ruchy-cache"
        self.corruptions = 0
        self.program = folder / "build" / "basic.wasm"
        self.program_bytes = self.program.read_bytes()
        self.metadata: dict[str, Path] = {}
        self.objects: dict[str, Path] = {}
        for path in (self.cache / "metadata").iterdir():
            found = json.loads(path.read_bytes())
            name = "program" if found.get("kind") == "program" else found["module"]
            self.metadata[name] = path
            self.objects[name] = self.cache / "modules" / f"{found['digest']}.wasm"
        assert sorted(self.objects) == ["basic", "other", "program"]
        self.good = {module: self.objects[module].read_bytes() for module in ("basic", "other")}
        assert len(set(self.good.values())) == 2

    def drop_program(self) -> None:
        for path in (self.program, self.metadata["program"], self.objects["program"]):
            path.unlink(missing_ok=True)

    def drop_index(self) -> None:
        for path in self.cache.glob("index.db*"):
            path.unlink()
        self.corruptions = 0

    def quarantine(self) -> int:
        return len(list((self.cache / "quarantine").glob("*")))

    async def check_builds(
        self,
        what: str,
        *,
        quarantined: int | None = None,
        recompiled: list[str] | None = None,
        strangers: int = 0,
        index: bool = False,
    ) -> None:
        """A build over the damage, then the one that restores everything. `strangers`: rows that lead nowhere, which
        only `verify` has a reason to look at. `index`: it is the index that was damaged, perhaps where these builds
        read nothing (the rows of functions); then `verify` finds it, and mends it."""
        self.drop_program()
        before = self.quarantine()
        async with opened(self.folder, entry="basic.ruchy") as bench:
            await self.check_build(bench, what)
            corruptions, before_that = (await bench.project.cache.statistics()).corruptions, self.corruptions
            self.corruptions = corruptions
            if quarantined is not None:
                assert len(bench.happened(EntryQuarantined)) == quarantined, what
                assert corruptions - before_that == quarantined, what
                assert self.quarantine() - before == quarantined, what
            if recompiled is not None:
                late = [event.module for event in bench.happened(CacheMiss) if event.late and event.kind == "object"]
                assert sorted(late) == recompiled, what
                assert len([event for event in bench.happened(CacheMiss) if event.kind == "program"]) == 1
        async with opened(self.folder, entry="basic.ruchy") as bench:
            await self.check_lookups(bench, what, all_there=False)
            await self.check_build(bench, what)
            await self.check_lookups(bench, what, all_there=True)
            actions = [one.action for one in (await bench.project.cache.verify()).damage]
            if index and actions == ["quarantined, rebuilt from metadata"]:  # It lay where no build had to look.
                actions = [one.action for one in (await bench.project.cache.verify()).damage]
            assert actions == ["row removed"] * strangers, what
            assert strangers or (await bench.build()).recompiled == [], what

    async def check_build(self, bench: RuchyBench, what: str) -> None:
        result = await bench.build()
        assert (result.success, result.diagnostics, result.cache_degraded) == (True, [], None), what
        assert bench.happened(CacheDegraded) == [], what
        assert result.program is not None and result.program.read_bytes() == self.program_bytes, what

    async def check_lookups(self, bench: RuchyBench, what: str, *, all_there: bool) -> None:
        for module, found in (await bench.project.cache.lookup_all(["basic", "other"])).items():
            if found is not None or all_there:
                assert found is not None and found.data == self.good[module], what
                assert self.objects[module].read_bytes() == self.good[module], what


@pytest.fixture
async def kept(tmp_path: Path, anyio_backend: str) -> Kept:
    write_ruchy(
        tmp_path,
        basic='fun main() { println("Hello", other::value()); }\n',
        other='pub fun value() -> String { "from afar" }\n',
    )
    async with opened(tmp_path, entry="basic.ruchy") as bench:
        assert (await bench.build()).recompiled == ["basic", "other"]
    return Kept(tmp_path)


# ---------------------------------------------------------------------------------------------- objects


@pytest.mark.parametrize("what", CHANGES)
async def test_cache_4_object(kept: Kept, what: str) -> None:
    path = kept.objects["basic"]
    path.write_bytes(CHANGES[what](path.read_bytes()))
    await kept.check_builds(what, quarantined=1, recompiled=["basic"])


@pytest.mark.slow
async def test_cache_4_object_any_bit(kept: Kept, anyio_backend: str) -> None:
    path = kept.objects["other"]
    good = path.read_bytes()
    for place in range(0, len(good), max(1, len(good) // 25))[anyio_backend == "trio" :: 2]:
        path.write_bytes(flip(place / len(good), place % 8)(good))
        await kept.check_builds(f"bit {place % 8} of byte {place}", quarantined=1, recompiled=["other"])


async def test_cache_4_objects_swapped(kept: Kept) -> None:
    one, two = kept.objects["basic"], kept.objects["other"]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    await kept.check_builds("swapped", quarantined=2, recompiled=["basic", "other"])


async def test_cache_4_object_removed(kept: Kept) -> None:
    kept.objects["basic"].unlink()
    await kept.check_builds("removed", quarantined=0, recompiled=["basic"])


async def test_cache_4_object_in_the_middle_of_a_project(kept: Kept) -> None:
    """The Project that made it is still open, and memory still holds the good bytes: a build may use those."""
    async with opened(kept.folder, entry="basic.ruchy") as bench:
        await bench.project.cache.lookup("basic")
        kept.objects["basic"].write_bytes(b"damaged")
        kept.drop_program()
        await kept.check_build(bench, "open")
    await kept.check_builds("closed", quarantined=None)


# ---------------------------------------------------------------------------------------------- metadata


@pytest.mark.parametrize("what", CHANGES)
async def test_cache_4_metadata(kept: Kept, what: str) -> None:
    path = kept.metadata["basic"]
    path.write_bytes(CHANGES[what](path.read_bytes()))
    kept.drop_index()
    await kept.check_builds(what, quarantined=1)


@pytest.mark.slow
async def test_cache_4_metadata_any_bit(kept: Kept, anyio_backend: str) -> None:
    path = kept.metadata["other"]
    good = path.read_bytes()
    for place in range(0, len(good), max(1, len(good) // 25))[anyio_backend == "trio" :: 2]:
        path.write_bytes(flip(place / len(good), place % 8)(path.read_bytes()))
        kept.drop_index()
        await kept.check_builds(f"bit {place % 8} of byte {place}", quarantined=1)


async def test_cache_4_metadata_swapped(kept: Kept) -> None:
    one, two = kept.metadata["basic"], kept.metadata["other"]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    kept.drop_index()
    await kept.check_builds("swapped", quarantined=2)


async def test_cache_4_metadata_removed(kept: Kept) -> None:
    kept.metadata["basic"].unlink()
    kept.drop_index()
    await kept.check_builds("removed", quarantined=0)
    assert kept.metadata["basic"].exists()


# ---------------------------------------------------------------------------------------------- the index


@pytest.mark.parametrize("what", CHANGES)
async def test_cache_4_index(kept: Kept, what: str) -> None:
    path = kept.cache / "index.db"
    path.write_bytes(CHANGES[what](path.read_bytes()))
    await kept.check_builds(what)


@pytest.mark.slow
async def test_cache_4_index_any_byte(kept: Kept, anyio_backend: str) -> None:
    for number in range(40)[anyio_backend == "trio" :: 2]:
        path = kept.cache / "index.db"
        path.write_bytes(flip(number / 40, number % 8)(path.read_bytes()))
        await kept.check_builds(f"bit {number % 8}, {number} fortieths in", index=True)


@pytest.mark.slow
async def test_cache_4_index_removed(kept: Kept) -> None:
    kept.drop_index()
    await kept.check_builds("removed", quarantined=0)
    (kept.cache / "index.db").unlink()
    await kept.check_builds("removed again", quarantined=0)


@pytest.mark.slow
async def test_cache_4_index_of_others(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another program's database, none at all, and the index of another cache."""
    other = tmp_path_factory.mktemp("other")
    with sqlite3.connect(other / "another.db") as connection:
        connection.execute("CREATE TABLE entries (id INTEGER)")
    connection.close()
    write_ruchy(other, elsewhere="fun main() { println(1); }\n")
    async with opened(other, entry="elsewhere.ruchy") as bench:
        await bench.build()
    (other / "text").write_text("this is no database\n" * 500)
    for name in ("another.db", "text", ".ruchy-cache/index.db"):
        kept.drop_index()
        shutil.copy(other / name, kept.cache / "index.db")
        await kept.check_builds(name, strangers=2 * name.endswith("index.db"))


def logs(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in cache.glob("index.db?*")}


@pytest.mark.slow
@pytest.mark.parametrize("without", ["", "index.db", "index.db-wal", "index.db-shm"])
async def test_cache_4_index_and_its_log(kept: Kept, without: str) -> None:
    """What a killed process leaves behind, whole and with one of the three files missing; then damaged."""
    async with opened(kept.folder, entry="basic.ruchy") as bench:
        await bench.project.cache.lookup("basic")
        left = logs(kept.cache) | {"index.db": (kept.cache / "index.db").read_bytes()}
    assert sorted(left) == ["index.db", "index.db-shm", "index.db-wal"]
    for change in (None, CHANGES["half"], CHANGES["a bit in the middle"], CHANGES["zeros"]):
        kept.drop_index()
        for name, data in left.items():
            if name != without:
                (kept.cache / name).write_bytes(change(data) if change and name != "index.db" else data)
        await kept.check_builds(f"without {without}")


# ---------------------------------------------------------------------------------------------- verification


@pytest.mark.parametrize("opened_anew", [False, True])
async def test_cache_9_verification(kept: Kept, opened_anew: bool) -> None:
    path = kept.objects["basic"]

    async def tampered(bench: RuchyBench) -> None:
        path.write_bytes(path.read_bytes().replace(b"Hello", b"Hallo"))
        found = await bench.project.cache.verify()
        assert [(one.file, one.module, one.action) for one in found.damage] == [
            (f"modules/{path.name}", "basic", "quarantined")
        ]
        assert found.checked == 3
        assert (await bench.project.cache.statistics()).corruptions == 1
        assert await bench.project.cache.lookup("basic") is None
        result = await bench.build()
        assert (result.recompiled, result.reasons["basic"].kind) == (
            ["basic"],
            "missing" if not opened_anew else "first",
        )
        assert path.read_bytes() == kept.good["basic"]
        assert (await bench.project.cache.verify()).damage == ()

    async with opened(kept.folder, entry="basic.ruchy") as bench:
        there = await bench.project.cache.lookup("basic")
        assert there is not None and digest(there.data) == there.digest  # Memory holds it from here on.
        valid = await bench.project.cache.verify()
        assert (valid.checked, valid.damage) == (3, ())
        if not opened_anew:
            await tampered(bench)
    if opened_anew:
        async with opened(kept.folder, entry="basic.ruchy") as bench:
            await tampered(bench)


async def test_cache_9_what_verify_took_away_comes_back(kept: Kept) -> None:
    """Whoever verified, and whether or not anybody needs the object: the next build makes it again."""
    async with opened(kept.folder, entry="basic.ruchy") as bench:
        await bench.build()
        kept.objects["other"].write_bytes(b"damaged")
        async with opened(kept.folder, entry="basic.ruchy") as somebody_else:
            assert len((await somebody_else.project.cache.verify()).damage) == 1
        assert (await bench.build()).recompiled == ["other"]
        await kept.check_lookups(bench, "open all the time", all_there=True)
    kept.objects["other"].write_bytes(b"damaged")
    async with opened(kept.folder, entry="basic.ruchy") as bench:
        assert len((await bench.project.cache.verify()).damage) == 1
    async with opened(kept.folder, entry="basic.ruchy") as bench:
        assert (await bench.build()).recompiled == ["other"]
