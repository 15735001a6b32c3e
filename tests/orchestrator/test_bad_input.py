"""Bad input, through the API on the real toolchain: a clear error with code and file; the others are built."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from actors.disk import RealDisk
from actors.events import CacheDegraded
from actors.offload import InlineOffload
from orchestrator import BuildResult, ConfigError, ProjectError, Sources
from orchestrator.testing.disk import FakeDisk
from orchestrator.testing.faults import fail

pytestmark = pytest.mark.anyio

GOOD = "pub fun fine() -> i64 { 1 }\n"
MAIN = "fun main() { println(1); }\n"


async def build(source: Path | Sources, disk: FakeDisk | None = None, **settings: Any) -> BuildResult:
    offload = InlineOffload(disk or FakeDisk(RealDisk()))
    async with orchestrator.open(source, offload=offload, **settings) as project:
        return await project.build()


def said(result: BuildResult) -> list[tuple[str, str, int]]:
    return [(found.code, found.file, found.line) for found in result.diagnostics]


def lay(folder: Path, **files: str | bytes) -> Path:
    """Write files; `a__b` stands for a/b.ruchy. With a module that is well."""
    for name, content in {"good": GOOD, **files}.items():
        file = folder / (name.replace("__", "/") + ".ruchy")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


async def test_an_empty_folder(tmp_path: Path) -> None:
    result = await build(tmp_path)
    assert (result.success, result.program) == (False, None)
    assert [found.code for found in result.diagnostics] == ["E0811"]
    assert str(tmp_path) in result.diagnostics[0].message and result.diagnostics[0].hint


async def test_no_entry(tmp_path: Path) -> None:
    result = await build(lay(tmp_path))
    assert (result.success, result.program, result.recompiled) == (True, None, ["good"])
    result = await build(tmp_path, entry="mian.ruchy")
    assert not result.success and result.cache_hits == 1
    assert [found.code for found in result.diagnostics] == ["E0808"] and "`good`" in result.diagnostics[0].hint
    async with orchestrator.open(tmp_path) as project:
        with pytest.raises(ProjectError, match="no program") as caught:
            await project.run()
        assert "main.ruchy" in str(caught.value)


async def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no file"):
        orchestrator.open(tmp_path / "gone.ruchy")
    lay(tmp_path, main=MAIN)
    async with orchestrator.open(tmp_path / "main.ruchy") as project:
        (tmp_path / "main.ruchy").unlink()
        with pytest.raises(ProjectError, match="cannot be read"):
            await project.build()


async def test_an_unreadable_file(tmp_path: Path) -> None:
    lay(tmp_path, secret=GOOD, main=MAIN)
    disk = FakeDisk(RealDisk())
    disk.faults.on("disk.read", fail("EACCES"), path=str(tmp_path / "secret.ruchy"), times=0)
    result = await build(tmp_path, disk)
    assert (result.failed, result.recompiled) == (["secret"], ["good", "main"])
    assert said(result) == [("E0807", "secret.ruchy", 1)]
    assert "Permission denied" in result.diagnostics[0].message and result.diagnostics[0].hint


async def test_invalid_utf8(tmp_path: Path) -> None:
    result = await build(lay(tmp_path, bad=b"fun f() {\n  \xff\n}\n"))
    assert (result.failed, result.recompiled) == (["bad"], ["good"])
    assert said(result) == [("E0801", "bad.ruchy", 2)]
    result = await build(Sources({"bad.ruchy": "fun f() {}\n// \ud800\n", "good.ruchy": GOOD}))
    assert said(result) == [("E0801", "bad.ruchy", 2)]


async def test_a_file_of_20_megabytes(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "big.ruchy").write_bytes(b" " * (20 << 20))
    result = await build(tmp_path)
    assert (result.failed, result.recompiled) == (["big"], ["good"])
    assert said(result) == [("E0802", "big.ruchy", 1)] and "16 MiB" in result.diagnostics[0].message


@pytest.mark.slow
@pytest.mark.parametrize(
    "opening, closing", [("(", ")"), ("{", "}"), ("if true { ", " } else { 0 }"), ("-", ""), ("!", "")]
)
async def test_nesting_10000_deep(opening: str, closing: str, tmp_path: Path) -> None:
    inner = "true" if opening == "!" else "1"
    result = await build(lay(tmp_path, deep=f"fun f() {{ let x = {opening * 10_000}{inner}{closing * 10_000}; }}\n"))
    assert (result.failed, result.recompiled) == (["deep"], ["good"])
    assert result.diagnostics[0].code != "E0901" and result.diagnostics[0].line == 1


@pytest.mark.slow
async def test_a_sum_of_5000_terms(tmp_path: Path) -> None:
    lay(tmp_path, main=f"fun main() {{ let x = 1; println({' + '.join(['x'] * 5000)}); }}\n")
    async with orchestrator.open(tmp_path) as project:
        assert (await project.run()).stdout == b"5000\n"


async def test_imports_of_itself_and_of_nothing(tmp_path: Path) -> None:
    lay(tmp_path, selfish="use selfish::*;\nfun f() {}\n", lost="use nowhere::thing;\nfun f() { thing(); }\n")
    result = await build(tmp_path)
    assert (result.failed, result.recompiled) == (["lost", "selfish"], ["good"])
    assert [found[1:] for found in said(result)] == [("lost.ruchy", 1), ("selfish.ruchy", 1)]
    assert all(found.text and found.column for found in result.diagnostics)


@pytest.mark.parametrize("name", ["../up", "a\\b", "a:b", "/abs", "a//b", "con", "a\0b", "1st", "a/../b"])
async def test_names_that_are_none(name: str) -> None:
    result = await build(Sources({f"{name}.ruchy": GOOD, "good.ruchy": GOOD}))
    assert not result.success and result.recompiled == ["good"]
    assert [found.code for found in result.diagnostics] == ["E0804"]
    assert result.diagnostics[0].file == f"{name}.ruchy" and result.diagnostics[0].hint


async def test_odd_file_names_are_skipped(tmp_path: Path) -> None:
    lay(tmp_path)
    for name in ("a\\b", "1st", "with space", "a:b"):
        (tmp_path / f"{name}.ruchy").write_text(GOOD)
    result = await build(tmp_path)
    assert result.success and result.recompiled == ["good"]
    assert {found.code for found in result.diagnostics} == {"W0801"} and len(result.diagnostics) == 4


@pytest.mark.parametrize("one, two", [("shape", "Shape"), ("caf\u00e9", "cafe\u0301")])
async def test_names_that_differ_in_case_or_form(one: str, two: str) -> None:
    result = await build(Sources({f"{one}.ruchy": GOOD, f"{two}.ruchy": GOOD, "good.ruchy": GOOD}))
    assert not result.success
    (found,) = result.diagnostics
    assert found.code in ("E0804", "E0805") and found.hint


async def test_two_files_for_one_module(tmp_path: Path) -> None:
    result = await build(lay(tmp_path, a=GOOD, a__mod=GOOD))
    assert not result.success and result.recompiled == ["a", "good"]
    (found,) = result.diagnostics
    assert found.code == "E0806" and "a.ruchy" in found.message and "a/mod.ruchy" in found.message


async def test_a_pipe_and_a_link_out(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.ruchy").write_text(GOOD)
    root = lay(tmp_path / "root")
    os.mkfifo(root / "pipe.ruchy")
    os.symlink(tmp_path / "elsewhere.ruchy", root / "out.ruchy")
    os.symlink(root / "nothing", root / "dead.ruchy")
    result = await build(root)
    assert not result.success and result.recompiled == ["good"]
    assert said(result) == [("E0807", "dead.ruchy", 1), ("E0807", "out.ruchy", 1), ("W0801", "pipe.ruchy", 1)]
    assert all(found.hint for found in result.diagnostics[:2])


async def test_a_module_that_disappears_between_scan_and_read(tmp_path: Path) -> None:
    lay(tmp_path, main=MAIN, ghost=GOOD)
    disk = FakeDisk(RealDisk())

    def before(operation: str, path: str) -> None:
        if operation == "read" and path.endswith("ghost.ruchy"):
            (tmp_path / "ghost.ruchy").unlink(missing_ok=True)

    disk.before = before
    result = await build(tmp_path, disk)
    assert result.success and result.recompiled == ["good", "main"]


async def test_a_read_only_cache_folder(tmp_path: Path) -> None:
    lay(tmp_path, main=MAIN)
    disk = FakeDisk(RealDisk())
    changes = "disk.create|disk.make_folders|disk.rename"
    disk.faults.on(changes, fail("EROFS"), path=str(tmp_path / ".ruchy-cache"), times=0)
    events: list[Any] = []
    async with orchestrator.open(tmp_path, offload=InlineOffload(disk)) as project:
        project.listen(events.append)
        result = await project.build()
        assert result.success and result.program is not None and result.program.exists()
        assert result.cache_degraded is not None and "Read-only" in result.cache_degraded
        assert len([event for event in events if isinstance(event, CacheDegraded)]) == 1
        assert (await project.build()).success
    assert (await build(tmp_path)).cache_degraded is None


async def test_a_cache_from_the_future(tmp_path: Path) -> None:
    lay(tmp_path, main=MAIN)
    assert (await build(tmp_path)).compiled_modules == 2
    folder = tmp_path / ".ruchy-cache"
    for file in (folder / "metadata").iterdir():
        content = json.loads(file.read_bytes())
        file.write_text(json.dumps({**content, "invented_later": [1, 2]}))
    for file in folder.glob("index.db*"):
        file.unlink()
    result = await build(tmp_path)
    assert (result.success, result.cache_hits, result.compiled_modules) == (True, 2, 0)
    with sqlite3.connect(folder / "index.db") as database:
        database.execute("PRAGMA user_version = 4711")
    database.close()
    for file in (folder / "snapshots").iterdir():
        file.write_bytes(b"from the future")
    result = await build(tmp_path)
    assert result.success and result.compiled_modules + result.cache_hits == 2


@pytest.mark.parametrize(
    "content, key",
    [("[build]\njobs = 0.5\n", "build.jobs"), ("[build]\njbos = 1\n", "build.jbos"), ("[bulid]\n", "bulid"), ("[", "")],
)
async def test_a_broken_configuration(content: str, key: str, tmp_path: Path) -> None:
    (lay(tmp_path) / "wasmill.toml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        orchestrator.open(tmp_path)
    assert caught.value.key == key and "wasmill.toml:" in caught.value.where
