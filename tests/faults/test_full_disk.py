"""A disk that is really full (a small one, where the test may mount it), and the limits of a process: no larger files,
no more open files. Nothing is simulated here: threads, files, SQLite and its log are the real ones."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.codes import CODES
from actors.disk import RealDisk
from actors.events import CacheDegraded
from actors.offload import Offload
from orchestrator import BuildResult
from orchestrator.testing.disk import FakeDisk
from tests.faults.scenarios import EDITED, PROJECT, right, served
from tests.helpers.plain_builds import Bench, opened, texts_in, write
from tests.helpers.tallies import LONG, Tally, in_parts, share

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="tmpfs and limits as Linux has them"),
]

PAGE = 4096
PAGES = 160
"""The size of the small disk: a cache of all that is built here takes about 120 pages, SQLite's log the most of
them."""
LARGE = {**PROJECT, "b": "pub g = " + " ".join(f"word{number}" for number in range(2000)) + "\n"}
"""Programs and objects of several pages."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={PAGES * PAGE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def real(**settings: Any) -> Any:
    return {"offload": Offload(FakeDisk(RealDisk(), aged=True)), **settings}


def fill(folder: Path, pages: int) -> Path:
    """Leave so many pages."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free // PAGE - pages
    filler.write_bytes(bytes(max(0, free) * PAGE))
    return filler


async def one_build(bench: Bench, sources: Path, tally: Tally, what: object, *, may_fail: bool) -> BuildResult:
    """Right, or without a place for the program; and what the cache serves is right in any case."""
    objects, program = await right(texts_in(sources))
    result = await bench.build()
    said = [event.reason for event in bench.happened(CacheDegraded)]
    assert said == ([result.cache_degraded] if result.cache_degraded else []), what
    if not (may_fail and not result.success):
        assert (result.success, result.failed) == (True, []), (what, result)
        assert result.program is not None
        tally.compare({"program": result.program.read_bytes()}, {"program": program}, what)
    else:
        assert {found.code for found in result.diagnostics if found.severity == "error"} == {"E0814"}, (what, result)
    tally.compare(await served(bench), objects, what)
    return result


def empty(folder: Path, what: object) -> None:
    left = [path.name for path in folder.rglob("*") if ".tmp-" in path.name or path.parent.name == "running"]
    assert left == [], what
    for path in folder.iterdir():
        shutil.rmtree(path)


def highest_file() -> int:
    return max(int(number) for number in os.listdir("/proc/self/fd"))


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_every_amount_of_space(
    small_disk: Path, tmp_path: Path, tally: Tally, part: int, anyio_backend: str
) -> None:
    sources = tmp_path / "sources"
    degraded = 0
    for pages in share(range(PAGES), part, few=8, backend=anyio_backend):
        what = f"{pages} pages left"
        write(sources, PROJECT)
        settings = {"folder": str(small_disk / "cache"), "output": str(small_disk / "build")}
        filler = fill(small_disk, pages)
        async with opened(sources, **real(**settings)) as bench:
            first = await one_build(bench, sources, tally, what, may_fail=pages < 4)
            write(sources, EDITED)
            second = await one_build(bench, sources, tally, what, may_fail=pages < 4)
            degraded += (first.cache_degraded is not None) + (second.cache_degraded is not None)
            await bench.project.cache.verify()
            await bench.project.cache.gc(force=True)
        filler.unlink()
        async with opened(sources, **real(**settings)) as bench:
            assert (await one_build(bench, sources, tally, what, may_fail=False)).cache_degraded is None, what
            assert (await bench.project.cache.verify()).damage == (), what
            await bench.project.cache.gc(force=True)
        empty(small_disk, what)
        tally.survive()
    assert degraded or LONG


@pytest.mark.slow
async def test_the_cache_gives_way_to_the_program(small_disk: Path, tmp_path: Path, tally: Tally) -> None:
    """The cache fills the disk, nothing else does; the program is not to fail for that."""
    assert "E0814" in CODES
    sources = tmp_path / "sources"
    write(sources, LARGE)
    settings = {"folder": str(small_disk / "cache"), "output": str(small_disk / "build")}
    async with opened(sources, **real(**settings)) as bench:
        await one_build(bench, sources, tally, "first", may_fail=False)
    (small_disk / "build" / "main.wasm").unlink()
    filler = fill(small_disk, 0)
    async with opened(sources, **real(**settings)) as bench:
        write(sources, {"c": "pub h = touched\n", "main": "run c::h\n"})
        result = await one_build(bench, sources, tally, "full", may_fail=False)
        assert result.cache_degraded is not None
    filler.unlink()
    async with opened(sources, **real(**settings)) as bench:
        result = await one_build(bench, sources, tally, "afterwards", may_fail=False)
        assert result.cache_degraded is None
        assert (await bench.project.cache.verify()).damage == ()
        objects, _ = await right(texts_in(sources))
        await bench.build()
        assert await served(bench) == objects
    tally.survive()


# ------------------------------------------------------------------------------------------------ limits of the process


@contextmanager
def limited(kind: int, amount: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (amount, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.timeout(3600)
@in_parts
async def test_no_file_may_be_larger(tmp_path: Path, tally: Tally, part: int, anyio_backend: str) -> None:
    """RLIMIT_FSIZE, from nothing at all up to where everything fits: SQLite's log stops in the middle."""
    sizes = [*range(0, 4096, 128), *range(4096, 1 << 17, 4096)]
    for size in share(sizes, part, few=8, backend=anyio_backend):
        sources = tmp_path / str(size)
        write(sources, PROJECT)
        async with opened(sources, **real()) as bench:
            with limited(resource.RLIMIT_FSIZE, size):
                await one_build(bench, sources, tally, size, may_fail=size < 512)
        write(sources, EDITED)
        async with opened(sources, **real()) as bench:
            with limited(resource.RLIMIT_FSIZE, size):
                await one_build(bench, sources, tally, size, may_fail=size < 512)
        async with opened(sources, **real()) as bench:
            assert (await one_build(bench, sources, tally, size, may_fail=False)).cache_degraded is None
            assert (await bench.project.cache.verify()).damage == (), size
        tally.survive()


@pytest.mark.slow
@pytest.mark.sweep
@pytest.mark.parametrize("spare", range(0, 24, 1 if LONG else 4))
async def test_no_more_open_files(tmp_path: Path, tally: Tally, spare: int) -> None:
    """RLIMIT_NOFILE: so few that sources cannot be read is an error that says so; a few more, and only the cache
    suffers."""
    write(tmp_path, PROJECT)
    async with opened(tmp_path, **real()) as bench:
        await bench.build()
    write(tmp_path, EDITED)
    objects, _ = await right(texts_in(tmp_path))
    async with opened(tmp_path, **real()) as bench:
        with limited(resource.RLIMIT_NOFILE, highest_file() + spare):
            result = await bench.build()
        if not result.success:
            assert any("open files" in found.message for found in result.diagnostics), result
        tally.compare(await served(bench), objects, spare)
    async with opened(tmp_path, **real()) as bench:
        result = await one_build(bench, tmp_path, tally, spare, may_fail=False)
        assert result.cache_degraded is None
        assert (await bench.project.cache.verify()).damage == ()
    tally.survive()


def test_a_file_that_is_written_in_small_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may write less than it is asked to; and then be full. Either all of it is there, or no file is."""
    path = str(tmp_path / "file")
    write_all = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write_all(file, bytes(data[:7])))
    RealDisk().create(path, b"0123456789" * 10)
    assert Path(path).read_bytes() == b"0123456789" * 10
    os.unlink(path)
    written = 0

    def full(file: int, data: Any) -> int:
        nonlocal written
        written += 7
        if written > 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_all(file, bytes(data[:7]))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        RealDisk().create(path, b"0123456789" * 10)
    assert not Path(path).exists()
