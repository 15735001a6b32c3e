"""Damage to every region of every file of a cache. Nothing wrong is served, nobody is bothered, the next build makes
what is lost, and `verify` is clean or says what it put aside."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.testing.faults import fail
from tests.faults.scenarios import (
    CACHE,
    EDITED,
    PROJECT,
    all_is_well,
    check_build,
    drop_program,
    failing,
    on_real_files,
)
from tests.helpers.plain_builds import opened, write
from tests.helpers.tallies import Tally, in_parts, share

pytestmark = pytest.mark.anyio

Files = dict[str, bytes]
Change = Callable[[bytes], bytes | None]
"""What becomes of a file's bytes; None: the file is gone."""

FLIPS = 24
"""Bits that are flipped in each file, evenly spread over it; each damage of a region is done to as many regions."""

KINDS = ("modules", "metadata", "snapshots", "plans", "outputs", "index.db", "index.db-wal", "index.db-shm", "locks")


def kind_of(name: str) -> str:
    if name.startswith("snapshots/"):
        return "plans" if name.endswith(".plan") else "snapshots"
    if "/" in name or name.startswith("index.db"):
        return name.partition("/")[0]
    return "outputs" if name.startswith("outputs") else "locks"


def kinds_of(case: tuple[str, Files]) -> tuple[str, str]:
    """What of the cache is damaged, and in which way."""
    state, _, what = case[0].partition(", ")
    name, colon, change = what.partition(": ")
    if colon:
        return kind_of(name), change.partition(" ")[0]
    mixed = next((way for way in ("swapped", "older", "of another cache", "no ") if way in what), what)
    return state, f"{mixed}{' as well' if what.endswith('as well') else ''}{', all but' if 'all but' in what else ''}"


def changes(size: int) -> Iterator[tuple[str, Change]]:
    """Every way to damage a file of that size without knowing what it is."""
    yield "gone", lambda data: None
    yield "empty", lambda data: b""
    yield "longer", lambda data: data + data[-1:] + b"\0"
    yield "zeroes", lambda data: bytes(len(data))
    yield "noise", lambda data: bytes((byte * 167 + place * 31 + 13) % 256 for place, byte in enumerate(data))
    yield "foreign", lambda data: b"#!/bin/sh\necho somebody else's\n"
    for number in range(FLIPS if size else 0):
        at = number * size // FLIPS
        yield f"short by {size - at}", lambda data, at=at: data[:at]
        yield f"bit at {at}", lambda data, at=at, bit=number % 8: flipped(data, at, bit)
        yield f"hole at {at}", lambda data, at=at: data[:at] + bytes(len(data[at : at + 512])) + data[at + 512 :]


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


class BuiltCache:
    """A project that was built, edited and built again; and the files of its cache after each of these builds, as
    somebody finds them who comes while it is still open: SQLite's log is there. `left` is what is there once it was
    closed, and `strange` the cache of another project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: Files = {}
        self.open: Files = {}
        self.left: Files = {}
        self.strange: Files = {}

    async def make(self) -> None:
        other = self.folder.with_name("other")
        write(other, {"main": "run other\n", "other": "pub f = something else\n"})
        async with opened(other) as bench:
            await bench.build()
        self.strange = self.files(other)
        write(self.folder, PROJECT)
        async with opened(self.folder) as bench:
            await bench.build()
            self.before = self.files()
            write(self.folder, EDITED)
            await bench.build()
            self.open = self.files()
        self.left = self.files()

    def files(self, folder: Path | None = None) -> Files:
        cache = (folder or self.folder) / CACHE
        found = sorted(path for path in cache.rglob("*") if path.is_file() and path.parent.name != "running")
        return {str(path.relative_to(cache)): path.read_bytes() for path in found}

    def put(self, files: Files) -> None:
        shutil.rmtree(self.folder / CACHE)
        for name, data in files.items():
            path = self.folder / CACHE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def cases(self) -> Iterator[tuple[str, Files]]:
        """What to put there instead, for each case."""
        for state, files in (("open", self.open), ("closed", self.left)):
            for name, data in files.items():
                if state == "closed" and not name.startswith("index"):
                    continue  # no different from when it was open
                for what, change in changes(len(data)):
                    new = change(data)
                    damaged = {one: there for one, there in files.items() if one != name}
                    yield f"{state}, {name}: {what}", damaged if new is None else {**damaged, name: new}
            yield from self.mixed(state, files)

    def mixed(self, state: str, files: Files) -> Iterator[tuple[str, Files]]:
        """Files in the place of others: swapped, older, of another cache; and whole parts gone."""
        for one, other in itertools.combinations(files, 2):
            if kind_of(one) == kind_of(other):
                yield f"{state}, {one} and {other} swapped", {**files, one: files[other], other: files[one]}
        for source, there in (("older", self.before), ("of another cache", self.strange)):
            for part in KINDS:
                new = {name: data for name, data in there.items() if kind_of(name) == part}
                rest = {name: data for name, data in files.items() if kind_of(name) != part}
                if new:
                    yield f"{state}, {part} {source}", {**rest, **new}
                    yield f"{state}, {part} {source} as well", {**files, **new}
                    yield (
                        f"{state}, all but {part} {source}",
                        {
                            **{name: data for name, data in there.items() if kind_of(name) != part},
                            **{name: data for name, data in files.items() if kind_of(name) == part},
                        },
                    )
            yield f"{state}, all {source}", there
        for count in (1, 2, 3):
            for parts in itertools.combinations(KINDS, count):
                yield (
                    f"{state}, no {' and no '.join(parts)}",
                    {name: data for name, data in files.items() if kind_of(name) not in parts},
                )


@pytest.fixture
async def built(tmp_path: Path) -> BuiltCache:
    built = BuiltCache(tmp_path / "project")
    await built.make()
    assert {kind_of(name) for name in built.open} == set(KINDS)
    assert len(built.open["index.db-wal"]) > 4096, "the log holds what the index does not"
    return built


async def test_files_and_index_are_gone_and_the_plan_is_not(tmp_path: Path, tally: Tally) -> None:
    """The first thing that is missing, a program, makes the plan go; and only then it is seen that the index is gone as
    well. What that build did not need (`c`) has to be made all the same, by the next one."""
    write(tmp_path, PROJECT)
    async with opened(tmp_path) as bench:
        await bench.build()
    for part in ("modules", "metadata"):
        shutil.rmtree(tmp_path / CACHE / part)
    (tmp_path / CACHE / "index.db").unlink()
    await all_is_well(tmp_path, tally, "files and index")


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_damage_to_every_file(built: BuiltCache, tally: Tally, part: int, anyio_backend: str) -> None:
    cases = list(built.cases())
    assert len(cases) > 1500
    for what, files in share(cases, part, few=25, backend=anyio_backend, kinds=kinds_of):
        built.put(files)
        await all_is_well(built.folder, tally, what, damage=True)
        tally.survive()


@pytest.mark.slow
@pytest.mark.sweep
async def test_files_that_are_folders_or_links(built: BuiltCache, tally: Tally, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"the user's own")
    one_of_each = {kind_of(name): name for name in built.left}
    for name, what in itertools.product(one_of_each.values(), ("folder", "full folder", "link", "dead link")):
        if what.endswith("folder") and kind_of(name) in ("locks", "outputs"):
            continue  # Nobody moves these aside: a build goes on without them, and says so.
        built.put(built.left)
        path = built.folder / CACHE / name
        path.unlink()
        if what.endswith("folder"):
            path.mkdir()
            if what == "full folder":
                (path / "file").write_bytes(b"x")
        else:
            path.symlink_to(elsewhere if what == "link" else tmp_path / "nothing")
        await all_is_well(built.folder, tally, (name, what), damage=True)
        tally.survive()
        assert elsewhere.read_bytes() == b"the user's own"
        assert not (tmp_path / "nothing").exists() or kind_of(name) == "locks"
        (tmp_path / "nothing").unlink(missing_ok=True)


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("error", ["EACCES", "EPERM"])
async def test_files_that_may_not_be_touched(built: BuiltCache, tally: Tally, error: str) -> None:
    """Wrong permissions (said by the seam, for who runs tests may be root). The build goes on without, and once they
    are right all is well."""
    for name in built.left:
        built.put(built.left)
        drop_program(built.folder)
        write(built.folder, {"c": "pub h = touched\n"})
        faults = failing(built.folder / CACHE / name, fail(error), at=1, times=0)
        async with opened(built.folder, offload=on_real_files(faults)) as bench:
            await check_build(bench, built.folder, tally, name, await bench.build())
        write(built.folder, {"c": PROJECT["c"]})
        await all_is_well(built.folder, tally, name)
        tally.survive(len(faults.injected))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may touch everything")
async def test_a_cache_without_permissions(built: BuiltCache, tally: Tally) -> None:
    for name in ("modules", "metadata", "snapshots", "index.db", "."):
        built.put(built.left)
        path = built.folder / CACHE / name
        mode = path.stat().st_mode
        path.chmod(0)
        drop_program(built.folder)
        try:
            async with opened(built.folder) as bench:
                await check_build(bench, built.folder, tally, name, await bench.build())
        finally:
            path.chmod(mode)
        await all_is_well(built.folder, tally, name)
        tally.survive()


async def test_a_log_that_belongs_to_another_index(built: BuiltCache, tally: Tally) -> None:
    """An index that was rebuilt, beside a log of the old one: SQLite must not replay it."""
    built.put({**built.left, "index.db-wal": built.open["index.db-wal"], "index.db-shm": built.open["index.db-shm"]})
    await all_is_well(built.folder, tally, "log", damage=True)
    connection = sqlite3.connect(built.folder / CACHE / "index.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    tally.survive()
