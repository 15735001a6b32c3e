"""Sources that change while they are built: always a right build or a clear error, never a wrong entry.

Files are changed at chosen moments: before the n-th operation of some kind on some file, and before a module's compile.
After each the next build must equal one from an empty cache, byte for byte.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.compiler.toolchain import Compiled, CompileJob
from actors.events import InputChanged
from actors.planner import table as planner_sources
from orchestrator import BuildResult
from orchestrator.testing.faults import fail
from orchestrator.testing.toolchain import PlainToolchain
from tests.helpers.plain_builds import Bench, everything, from_nothing, opened, remove, texts_in, write
from tests.helpers.projects import stamp_anew

pytestmark = pytest.mark.anyio

ONE_BACKEND = pytest.mark.parametrize("anyio_backend", ["asyncio"])  # many cases, of plain code mostly

PROJECT = {
    "main": "run a::f\n",
    "a": "use b::g as x\npub f = x\n",
    "b": "pub g = old\n",
    "c": "use b::g as x\npub h = x\n",
}
EDITED = "pub g = new and longer\n"

Change = Callable[[Path], None]


def edit(folder: Path) -> None:
    write(folder, {"b": EDITED})


def same_size(folder: Path) -> None:
    write(folder, {"b": "pub g = odd\n"})


def replace(folder: Path) -> None:
    """What editors do: another file of the same name."""
    (folder / "b.new").write_text(EDITED)
    os.replace(folder / "b.new", folder / "b.plain")
    stamp_anew(folder / "b.plain")


def delete(folder: Path) -> None:
    remove(folder, "b")


def become_folder(folder: Path) -> None:
    (folder / "b.plain").unlink()
    (folder / "b.plain").mkdir()
    stamp_anew(folder / "b.plain")


def appear(folder: Path) -> None:
    """`main` means `a::f`: a new module in its way, and one that nobody knows."""
    write(folder, {"new": "pub n =\n", "a/deep": "pub d =\n"})


def rename(folder: Path) -> None:
    os.rename(folder / "b.plain", folder / "z.plain")
    stamp_anew(folder / "z.plain")


CHANGES: list[Change] = [edit, same_size, replace, delete, become_folder, appear, rename]


def at(bench: Bench, operation: str, file: str, change: Callable[[], None], nth: int = 1) -> list[str]:
    """Have `change` happen once, ahead of the n-th such operation on the file; then the returned list is not empty."""
    happened: list[str] = []
    count = 0

    def before(name: str, path: str) -> None:
        nonlocal count
        if name == operation and path.endswith(file) and not happened:
            count += 1
            if count == nth:
                happened.append(path)
                change()

    bench.disk.before = before
    return happened


async def equals_a_clean_build(bench: Bench, folder: Path) -> BuildResult:
    """The next build sees what is there now, and makes of it what a build from an empty cache makes."""
    bench.disk.before = None
    result = await bench.build()
    assert await everything(bench) == await from_nothing(texts_in(folder))
    async with opened(folder) as again:  # so does a new process
        later = await again.build()
        assert (later.success, later.failed, later.recompiled) == (result.success, result.failed, [])
    return result


def sane(result: BuildResult) -> None:
    """A build in which something changed is right as of some moment, or says what is wrong."""
    if not result.success:
        assert result.diagnostics and all(found.code and found.file for found in result.diagnostics)
        assert {found.code for found in result.diagnostics} <= {"E0501", "E0807", "E0809"}


def settle(folder: Path) -> None:
    """After the change, the project is whole again: what was taken away comes back as another text."""
    if (folder / "b.plain").is_dir():
        (folder / "b.plain").rmdir()
    if not (folder / "b.plain").exists():
        write(folder, {"b": "pub g = back again\n"})


@ONE_BACKEND
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("operation, nth", [("stamp", 1), ("stamp", 2), ("read", 1)], ids=lambda value: str(value))
@pytest.mark.parametrize("first", [True, False], ids=["new", "again"])
async def test_between_scan_and_read(change: Change, operation: str, nth: int, first: bool, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    async with opened(tmp_path) as bench:
        if not first:
            await bench.build()
            write(tmp_path, {"b": "pub g = second\n"})
        happened = at(bench, operation, "/b.plain", lambda: change(tmp_path), nth)
        result = await bench.build()
        assert happened
        sane(result)
        assert bench.project.statistics()["planner"].current == ""
        after = await bench.build() if first else None
        if after is not None and change in (delete, become_folder, rename):
            assert after.failed == ["a", "c"] and after.blocked == ["main"]
        settle(tmp_path)
        assert (await equals_a_clean_build(bench, tmp_path)).success


class Meddling(PlainToolchain):
    """`before[module]` is called ahead of its compile."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, Callable[[], None]] = {}

    def compile(self, job: CompileJob) -> Compiled:
        if job.module in self.before:
            self.before.pop(job.module)()
        return super().compile(job)


@pytest.fixture
def no_buffer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers read every source again."""
    monkeypatch.setattr(planner_sources, "SOURCE_BUFFER_BYTES", -1)
    yield


@pytest.mark.usefixtures("no_buffer")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@ONE_BACKEND
@pytest.mark.parametrize("victim", ["a", "b"])
async def test_between_read_and_compile(change: Change, victim: str, tmp_path: Path) -> None:
    """The file changes after it was hashed: ahead of the second reading, by the worker that is to summarise it, and of
    the third, by the one that is to compile it."""
    for nth in (2, 3):
        folder = tmp_path / str(nth)
        write(folder, PROJECT)
        async with opened(folder, jobs=1) as bench:
            happened = at(bench, "read", f"/{victim}.plain", lambda folder=folder: change(folder), nth)  # type: ignore[misc]
            result = await bench.build()
            assert happened
            sane(result)
            if victim == "b" and change in (edit, same_size, replace):
                assert result.success and bench.happened(InputChanged) != []
                found = await bench.project.cache.lookup("b")
                assert found is not None and (b"new and" in found.data or b"odd" in found.data)
            settle(folder)
            assert (await equals_a_clean_build(bench, folder)).success


@pytest.mark.usefixtures("no_buffer")
async def test_a_module_that_is_gone_when_it_is_to_be_compiled(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    async with opened(tmp_path, jobs=1) as bench:
        at(bench, "read", "/b.plain", lambda: remove(tmp_path, "b"), 3)
        result = await bench.build()
        assert (result.failed, result.success) == (["b"], False)
        assert bench.codes(result) == [("E0807", "b.plain")]
        assert result.blocked == ["a", "c", "main"]


async def test_an_unchanged_module_that_is_gone_when_its_import_changed(tmp_path: Path) -> None:
    """`a` is not read, for its stamp is the snapshot's; it must be compiled, for b changed; and then it is gone."""
    write(tmp_path, PROJECT)
    async with opened(tmp_path, jobs=1) as bench:
        await bench.build()
        write(tmp_path, {"b": EDITED})
        at(bench, "read", "/b.plain", lambda: remove(tmp_path, "a"))
        result = await bench.build()
        assert (result.failed, result.blocked) == (["a"], ["main"])
        assert bench.codes(result) == [("E0807", "a.plain")]
        write(tmp_path, {"a": PROJECT["a"]})
        assert (await equals_a_clean_build(bench, tmp_path)).success


@pytest.mark.parametrize("code", ["E0809"])
async def test_a_file_that_never_holds_still_while_it_is_read(code: str, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    async with opened(tmp_path) as bench:
        count = 0

        def before(name: str, path: str) -> None:
            nonlocal count
            if name == "read" and path.endswith("/b.plain"):
                count += 1
                write(tmp_path, {"b": f"pub g = edit{count}\n"})

        bench.disk.before = before
        result = await bench.build()
        assert (result.failed, result.blocked, result.recompiled) == (["b"], ["a", "c", "main"], [])
        assert bench.codes(result) == [(code, "b.plain")]
        assert count == 3
        assert (await equals_a_clean_build(bench, tmp_path)).success


@pytest.mark.usefixtures("no_buffer")
@pytest.mark.parametrize("jobs", [1, 2])
async def test_a_file_that_changes_again_and_again_before_it_is_compiled(jobs: int, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    async with opened(tmp_path, jobs=jobs) as bench:
        count = 0

        def before(name: str, path: str) -> None:
            nonlocal count
            if name == "stamp" and path.endswith("/b.plain"):
                count += 1
                if count < 100 and count % 2:  # between two readings, never in one
                    write(tmp_path, {"b": f"pub g = edit{count}\n"})

        bench.disk.before = before
        result = await bench.build()
        assert result.failed == ["b"]
        assert [found.code for found in result.diagnostics] == ["E0809"]
        assert count < 30
        assert (await equals_a_clean_build(bench, tmp_path)).success


@pytest.mark.usefixtures("no_buffer")
async def test_a_file_that_changes_once_and_then_back(tmp_path: Path) -> None:
    """A, B, A: what was made of A in this build may be used again; no entry is wrong."""
    write(tmp_path, PROJECT)
    toolchain = Meddling()
    toolchain.before["b"] = lambda: write(tmp_path, {"a": "use b::g as x\npub f = x x\n"})
    toolchain.before["main"] = lambda: write(tmp_path, {"a": PROJECT["a"]})
    async with opened(tmp_path, toolchain=toolchain, jobs=1) as bench:
        sane(await bench.build())
        assert (await equals_a_clean_build(bench, tmp_path)).success


async def test_an_edit_after_the_compile_is_seen_by_the_next_build(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    toolchain = Meddling()
    toolchain.before["main"] = lambda: edit(tmp_path)
    async with opened(tmp_path, toolchain=toolchain, jobs=1) as bench:
        first = await bench.build()
        assert first.success
        result = await bench.build()
        assert result.recompiled == ["a", "b", "c", "main"]
        assert (await equals_a_clean_build(bench, tmp_path)).success


async def test_a_racy_edit_is_seen(tmp_path: Path) -> None:
    """An edit of the same size within one tick of the clock leaves the stamp as it is: racy stamps are not believed."""
    write(tmp_path, PROJECT)
    file = tmp_path / "b.plain"
    async with opened(tmp_path, aged=False) as bench:
        bench.disk.now = file.stat().st_mtime_ns + 1000
        await bench.build()
        times = file.stat()
        file.write_text("pub g = odd\n")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        bench.disk.lies[str(file)] = bench.disk.base.stamp(str(file))
        assert (await bench.build()).recompiled == ["a", "b", "c", "main"]


@pytest.mark.parametrize("operation", ["read", "stamp"])
async def test_a_file_that_cannot_be_read(operation: str, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    async with opened(tmp_path) as bench:
        bench.disk.faults.on(f"disk.{operation}", fail("EACCES"), path=str(tmp_path / "b.plain"), times=0)
        result = await bench.build()
        assert (result.failed, result.blocked) == (["b"], ["a", "c", "main"])
        assert bench.codes(result) == [("E0807", "b.plain")]
        assert "Permission denied" in result.diagnostics[0].message and result.diagnostics[0].hint
    async with opened(tmp_path) as bench:
        assert (await bench.build()).success
